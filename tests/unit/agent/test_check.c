#include "agent/commands.h"
#include "common/command.h"
#include "forms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib/gstdio.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define U1 "91350100M000100Y43"

static char *folder, *catalogue_path, *register_path, *good_path, *bad_path, *cut_path;
static char output[16384], errors[16384];

static const struct command table[] = {{"check", "FILE…", "checks files", command_check}, {0}};

/* Runs "park-agent check …" (words end with NULL) and keeps what it prints. */
static int check(const char *const *words)
{
  char *argv[32] = {"park-agent", "check"};
  int argc = 2;
  for (; *words; words++) argv[argc++] = (char *)*words;
  fflush(NULL);
  int saved[2] = {dup(1), dup(2)};
  FILE *files[2] = {tmpfile(), tmpfile()};
  for (int i = 0; i < 2; i++) assert_true(dup2(fileno(files[i]), i + 1) >= 0);
  int result = command_main("park-agent", "", table, argc, argv);
  fflush(NULL);
  char *texts[2] = {output, errors};
  for (int i = 0; i < 2; i++) {
    dup2(saved[i], i + 1);
    close(saved[i]);
    rewind(files[i]);
    texts[i][fread(texts[i], 1, sizeof output - 1, files[i])] = '\0';
    fclose(files[i]);
  }
  return result;
}

#define CHECK(...)                                                                                           \
  check((const char *const[]){"--catalogue", catalogue_path, "--register", register_path, "--area", "east",  \
                              __VA_ARGS__, NULL})

static void wrong_words_are_refused(void **state)
{
  (void)state;
  assert_int_equal(check((const char *const[]){NULL}), 64);
  assert_int_equal(check((const char *const[]){"--catalogue", catalogue_path, good_path, NULL}), 64);
  assert_non_null(strstr(errors, "--register"));
  assert_int_equal(CHECK(good_path, "--period", "May"), 64);
  assert_int_equal(CHECK(good_path, "--format", "xml"), 64);
  assert_int_equal(CHECK(good_path, "--area", "north"), 64);
  assert_int_equal(check((const char *const[]){"--data", folder, good_path, NULL}), 78); /* not enrolled */
  assert_string_equal(output, "");
}

static void every_finding_is_printed_and_every_file_summed_up(void **state)
{
  (void)state;
  assert_int_equal(CHECK(bad_path, good_path), 65);
  assert_non_null(strstr(output, "bad.csv, row 2, column C"));
  assert_non_null(strstr(output, "[value.text]"));
  assert_non_null(strstr(output, "12x"));
  assert_non_null(strstr(output, "bad.csv: 2 units, 1 good, 1 refused\n"));
  assert_non_null(strstr(output, "good.csv: 1 units, 1 good, 0 refused\n"));
  assert_string_equal(errors, "");
}

static void a_good_file_exits_with_0(void **state)
{
  (void)state;
  assert_int_equal(CHECK(good_path), 0);
}

static void a_file_refused_whole_says_so_and_others_go_on(void **state)
{
  (void)state;
  assert_int_equal(CHECK("/nonexistent.csv", cut_path, good_path), 74);
  assert_non_null(strstr(errors, "/nonexistent.csv"));
  assert_non_null(strstr(output, "cut.csv: refused as a whole"));
  assert_non_null(strstr(output, "good.csv: 1 units"));
}

static void a_form_that_is_not_the_files_is_refused(void **state)
{
  (void)state;
  assert_int_equal(CHECK(good_path, "--form", "finance-monthly"), 65);
  assert_non_null(strstr(output, "[column.unknown]"));
  assert_int_equal(CHECK(good_path, "--form", "output"), 65);
  assert_non_null(strstr(output, "[form.unknown]"));
  assert_non_null(strstr(output, "output-monthly"));
}

static void json_is_one_object_a_line(void **state)
{
  (void)state;
  assert_int_equal(CHECK(bad_path, "--format", "json"), 65);
  g_auto(GStrv) lines = g_strsplit(output, "\n", -1);
  assert_int_equal(g_strv_length(lines), 3);
  json_t *finding = json_loads(lines[0], 0, NULL), *summary = json_loads(lines[1], 0, NULL);
  assert_string_equal(json_string_value(json_object_get(finding, "code")), "value.text");
  assert_string_equal(json_string_value(json_object_get(finding, "severity")), "report");
  assert_string_equal(json_string_value(json_object_get(finding, "found")), "12x");
  assert_string_equal(json_string_value(json_object_get(finding, "indicator")), "output");
  assert_int_equal(json_integer_value(json_object_get(finding, "row")), 2);
  assert_int_equal(json_integer_value(json_object_get(finding, "column")), 3);
  assert_int_equal(json_integer_value(json_object_get(summary, "refused")), 1);
  assert_string_equal(json_string_value(json_object_get(summary, "form")), "output-monthly");
  assert_true(json_is_true(json_object_get(summary, "whole")));
  json_decref(finding);
  json_decref(summary);
}

static char *write_file(const char *name, const char *text)
{
  char *path = g_build_filename(folder, name, NULL);
  if (!g_file_set_contents(path, text, -1, NULL)) g_error("%s cannot be written", path);
  return path;
}

static int set_up(void **state)
{
  (void)state;
  folder = g_dir_make_tmp("parktally-check-XXXXXX", NULL);
  catalogue_path = write_file("catalogue.yaml", forms_text);
  register_path = write_file(
      "register.csv",
      "unit,class,parent,name,parks,reporter,in_boundary,industry,clusters,flags,status,succeeds,from,to\n" U1
      ",enterprise,,甲厂,east,,1,C36,,,,,,\np1,code,,某园,east,,1,,,,,,,\n");
  good_path = write_file("good.csv", "uscc,period,output\n" U1 ",2018-05,1\n");
  bad_path = write_file("bad.csv", "uscc,period,output\n" U1 ",2018-05,12x\np1,2018-05,1\n");
  cut_path = write_file("cut.csv", "uscc,period,output\n" U1 ",2018-05,\"1");
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  char *paths[] = {catalogue_path, register_path, good_path, bad_path, cut_path};
  for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
    unlink(paths[i]);
    g_free(paths[i]);
  }
  g_rmdir(folder);
  g_free(folder);
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(wrong_words_are_refused),
      cmocka_unit_test(every_finding_is_printed_and_every_file_summed_up),
      cmocka_unit_test(a_good_file_exits_with_0),
      cmocka_unit_test(a_file_refused_whole_says_so_and_others_go_on),
      cmocka_unit_test(a_form_that_is_not_the_files_is_refused),
      cmocka_unit_test(json_is_one_object_a_line),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}

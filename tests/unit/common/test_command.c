#include "common/command.h"
#include "common/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What the programs write goes to a file for the duration of a call, and is looked at. */
static char output[8192], errors[8192];

static int run(int (*body)(void))
{
  fflush(NULL);
  int saved[2] = {dup(1), dup(2)};
  FILE *files[2] = {tmpfile(), tmpfile()};
  for (int i = 0; i < 2; i++) assert_true(dup2(fileno(files[i]), i + 1) >= 0);
  int result = body();
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

static const char *ran;
static char *form;
static gboolean wait;
static int left;
static const char *first_left;

static int run_push(int argc, char **argv)
{
  form = NULL;
  wait = FALSE;
  const GOptionEntry entries[] = {
      {"form", 0, 0, G_OPTION_ARG_STRING, &form, "the form", "F"},
      {"wait", 0, 0, G_OPTION_ARG_NONE, &wait, "wait for the receipt", NULL},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  if (!command_options(NULL, entries, 1, 2, &argc, &argv, &exit_code)) return exit_code;
  ran = "push";
  left = argc - 1;
  first_left = argv[1];
  return 0;
}

static int run_register_import(int argc, char **argv)
{
  ran = "register import";
  left = argc - 1;
  first_left = argc > 1 ? argv[1] : NULL;
  return 65;
}

static const struct command table[] = {
    {"push", "FILE… [--form F]", "sends files", run_push},
    {"register import", "FILE", "takes a register", run_register_import},
    {0},
};

static char **words;

static int dispatch(void)
{
  ran = NULL;
  return command_main("park-test", "A program.", table, (int)g_strv_length(words), words);
}

/* Runs "park-test LINE", words parted by blanks. */
static int program(const char *line)
{
  g_autofree char *whole = g_strdup_printf("park-test%s%s", *line ? " " : "", line);
  static char **owned; /* what the command keeps of its words outlives the call */
  g_strfreev(owned);
  owned = g_strsplit(whole, " ", -1);
  g_autofree char **copy = g_memdup2(owned, (g_strv_length(owned) + 1) * sizeof *owned);
  words = copy;
  g_free(form);
  form = NULL;
  int result = run(dispatch);
  if (!*line) g_clear_pointer(&owned, g_strfreev);
  return result;
}

static void what_is_no_command_is_refused_with_the_list(void **state)
{
  (void)state;
  const char *lines[] = {"", "pusch", "register", "register export", "import"};
  for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
    assert_int_equal(program(lines[i]), 64);
    assert_null(ran);
    assert_string_equal(output, "");
    assert_non_null(strstr(errors, "register import"));
  }
}

static void wrong_words_are_refused_with_the_usage(void **state)
{
  (void)state;
  const char *lines[] = {"push", "push a b c", "push a --frm x", "push a --form"};
  for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
    assert_int_equal(program(lines[i]), 64);
    assert_null(ran);
    assert_non_null(strstr(errors, "Usage: park-test push FILE"));
  }
}

static void options_and_arguments_mix(void **state)
{
  (void)state;
  assert_int_equal(program("push a.csv --form output-monthly b.csv --wait"), 0);
  assert_string_equal(ran, "push");
  assert_string_equal(form, "output-monthly");
  assert_true(wait);
  assert_int_equal(left, 2);
  assert_string_equal(first_left, "a.csv");
}

static void a_dash_and_a_guarded_word_are_arguments(void **state)
{
  (void)state;
  assert_int_equal(program("push -"), 0);
  assert_string_equal(first_left, "-");
  assert_int_equal(program("push -- -a.csv"), 0);
  assert_int_equal(left, 1);
  assert_string_equal(first_left, "-a.csv");
}

static void a_command_of_two_words_gets_its_own_arguments(void **state)
{
  (void)state;
  assert_int_equal(program("register import register.csv"), 65);
  assert_string_equal(ran, "register import");
  assert_int_equal(left, 1);
  assert_string_equal(first_left, "register.csv");
}

static void help_goes_to_standard_output_and_is_no_error(void **state)
{
  (void)state;
  assert_int_equal(program("--help"), 0);
  assert_non_null(strstr(output, "takes a register"));
  assert_int_equal(program("--version"), 0);
  assert_string_equal(output, "park-test " PARKTALLY_VERSION "\n");
  assert_int_equal(program("push --help"), 0);
  assert_null(ran);
  assert_non_null(strstr(output, "park-test push"));
  assert_non_null(strstr(output, "\nOptions:\n"
                                 "  --form=F    the form\n"
                                 "  --wait      wait for the receipt\n"
                                 "  -h, --help  show this help\n"));
  assert_string_equal(errors, "");
}

static int fail_with_data(void)
{
  g_autoptr(GError) error = g_error_new(PARKTALLY_ERROR, ERROR_DATA, "may.csv is wrong");
  return command_fail(error);
}

static void a_failure_names_the_program_and_gives_the_exit_code(void **state)
{
  (void)state;
  program("--version");
  assert_int_equal(run(fail_with_data), 65);
  assert_string_equal(errors, "park-test: may.csv is wrong\n");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_no_command_is_refused_with_the_list),
      cmocka_unit_test(wrong_words_are_refused_with_the_usage),
      cmocka_unit_test(options_and_arguments_mix),
      cmocka_unit_test(a_dash_and_a_guarded_word_are_arguments),
      cmocka_unit_test(a_command_of_two_words_gets_its_own_arguments),
      cmocka_unit_test(help_goes_to_standard_output_and_is_no_error),
      cmocka_unit_test(a_failure_names_the_program_and_gives_the_exit_code),
  };
  int result = cmocka_run_group_tests(tests, NULL, NULL);
  g_free(form);
  program("");
  return result;
}

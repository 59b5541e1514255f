#include "agent/reading.h"
#include "common/error.h"
#include "common/uscc.h"
#include "forms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define U1 "91350100M000100Y43"
#define U2 "91110000600037341L"
#define HEAD                                                                                                 \
  "unit,class,parent,name,parks,reporter,in_boundary,industry,clusters,flags,status,succeeds,from,to\n"

static const char register_text[] =
    HEAD U1 ",enterprise,,甲厂,east,,1,C36,,,,,,\n" U2 ",enterprise,,乙厂,west,,1,C36,,,,,,\n"
            "p1,code,,某园,east,,1,,,,,,,\n"
            "p2,code,,另园,east,,1,,,,,,2018-06-01,\n";

static struct catalogue *catalogue;
static struct unit_register *units;
static char *folder, *path;

struct seen {
  GString *text; /* reports as "unit@row,figures;", findings as "!id@row,column;" */
  char *heading, *found, *expected;
  size_t stop_at, reports;
};

static bool take_report(const struct good_report *report, void *data)
{
  struct seen *seen = data;
  unsigned figures = 0;
  for (unsigned c = 0; c < LIMIT_FORM_COLUMNS; c++)
    figures += column_set_has(&report->change->figures.present, c);
  if (seen->text->len < 1 << 16)
    g_string_append_printf(seen->text, "%s@%zu,%u; ", report->unit, report->row, figures);
  return ++seen->reports != seen->stop_at;
}

static void take_finding(const struct finding *finding, void *data)
{
  struct seen *seen = data;
  assert_non_null(finding->file);
  if (seen->text->len < 1 << 16)
    g_string_append_printf(seen->text, "!%s@%zu,%zu; ", finding_id(finding->code), finding->row,
                           finding->column);
  g_free(seen->heading);
  g_free(seen->found);
  g_free(seen->expected);
  seen->heading = g_strdup(finding->heading);
  seen->found = g_strdup(finding->found);
  seen->expected = g_strdup(finding->expected);
}

static bool read_file(const char *text, const struct mapping_rules *const *rules, struct seen *seen,
                      struct reading_result *ret_result, GError **error)
{
  struct reading_options options = {.catalogue = catalogue,
                                    .units = units,
                                    .area = catalogue_area(catalogue, "east"),
                                    .rules = rules,
                                    .role = ROLE_OF_PARK,
                                    .temporary = folder};
  assert_true(g_file_set_contents(path, text, -1, NULL));
  return reading_run(path, &options, take_report, take_finding, seen, ret_result, error);
}

static void seen_clear(struct seen *seen)
{
  g_string_free(seen->text, TRUE);
  g_free(seen->heading);
  g_free(seen->found);
  g_free(seen->expected);
}

static const struct {
  const char *text, *expected;
  struct reading_result result;
  int exit_code;
} trials[] = {
    {"", "!file.empty@0,0; ", {.form = CATALOGUE_NONE}, 65},
    /* what was read before a cut is not given */
    {"uscc,period,output\n" U1 ",2018-05,1\np1,2018-05,\"2", "!file.cut@3,3; ", {.rows = 1, .form = 0}, 65},
    {"uscc,period,output\n" U1 ",2018-05,1\np1,20", "!file.cut@3,0; ", {.rows = 2, .form = 0}, 65},
    /* the bad ones by name, the good ones go on */
    {"uscc,period,output,sales\n" U1 ",2018-05,12x,1.25\n" U2 ",2018-05,3,4\np1,2018-05,1,2\nq1,2018-05,1,2\n"
     "p2,2018-05,1,1\n",
     "!value.text@2,3; !value.decimals@2,4; !unit.elsewhere@3,1; p1@4,2; !unit.unknown@6,1; "
     "!unit.unknown@5,1; ",
     {.whole = true, .rows = 5, .good = 1, .refused = 4, .form = 0},
     65},
    {"uscc,period,output\n" U1 ",2018-05,-1\n",
     "!value.range@2,3; ",
     {.whole = true, .rows = 1, .refused = 1, .form = 0},
     65},
    {"uscc,period,output\n" U1 ",2018-05,\n",
     "!report.empty@2,0; ",
     {.whole = true, .rows = 1, .refused = 1, .form = 0},
     65},
    {"uscc,period,output\n9.1350100E+17,2018-05,1\n",
     "!unit.damaged@2,1; ",
     {.whole = true, .rows = 1, .refused = 1, .form = 0},
     65},
    {"uscc,period,output\n\"914,502,001,234,567,000\",2018-05,1\n914502001234567000.00,2018-05,1\n"
     "14502000000000030,2018-05,1\n914502001234567000,2018-05,1\n",
     "!unit.damaged@4,1; !unit.damaged@2,1; !unit.damaged@5,1; !unit.damaged@3,1; ",
     {.whole = true, .rows = 4, .refused = 4, .form = 0},
     65},
    {"uscc,period,output\n9135*,2018-05,1\n",
     "!unit.shape@2,1; ",
     {.whole = true, .rows = 1, .refused = 1, .form = 0},
     65},
    {"uscc,period,output\n91350100M000100Y44,2018-05,1\n",
     "!unit.check-digit@2,1; !unit.unknown@2,1; ",
     {.whole = true, .rows = 1, .refused = 1, .notes = 1, .form = 0},
     65},
    {"uscc,period,output\n" U1 ",2018-05,1\np1,2018-05,2\n" U1 ",2018-05,3\n",
     "!row.conflict@2,0; !row.conflict@4,0; p1@3,1; ",
     {.whole = true, .rows = 3, .good = 1, .refused = 2, .form = 0},
     65},
    {"uscc,period,output,sales\n" U1 ",2018-05,1,2\n" U1 ",2018-05,7\n" U1 "\np1,2018-05,1,2\n",
     "!row.short@3,0; !row.short@4,0; !row.with-refused@2,0; p1@5,2; ",
     {.whole = true, .rows = 4, .good = 1, .refused = 3, .form = 0},
     65},
    {"uscc,period,output\n" U1 ",2018-05,1\n" U1 ",2018-05,1\n",
     "!row.twice@3,0; " U1 "@2,1; ",
     {.whole = true, .rows = 2, .good = 1, .notes = 1, .form = 0},
     0},
    {"uscc,period,indicator,value\np1,2018-05,output,1\n" U1 ",2018-05,output,1\np1,2018-05,sales,2\n",
     U1 "@3,1; p1@2,2; ",
     {.whole = true, .rows = 3, .good = 2, .form = 0},
     0},
    {"uscc,period,profit.ytd\np1,2018-05,-1\np1,2018-04,1\n",
     "p1@3,1; p1@2,1; ",
     {.whole = true, .rows = 2, .good = 2, .form = 1},
     0},
};

static void good_reports_are_given_and_bad_ones_named(void **state)
{
  (void)state;
  for (size_t i = 0; i < G_N_ELEMENTS(trials); i++) {
    struct seen seen = {.text = g_string_new(NULL)};
    struct reading_result result;
    assert_true(read_file(trials[i].text, NULL, &seen, &result, NULL));
    if (strcmp(seen.text->str, trials[i].expected) != 0)
      fail_msg("%s\nfound    %s\nexpected %s", trials[i].text, seen.text->str, trials[i].expected);
    const struct reading_result *expected = &trials[i].result;
    if (result.whole != expected->whole || result.rows != expected->rows || result.good != expected->good ||
        result.refused != expected->refused || result.notes != expected->notes ||
        result.form != expected->form)
      fail_msg("%s\n%d rows %zu good %zu refused %zu notes %zu form %d", trials[i].text, result.whole,
               result.rows, result.good, result.refused, result.notes, result.form);
    assert_int_equal(reading_exit_code(&result), trials[i].exit_code);
    seen_clear(&seen);
  }
}

static void what_a_rule_finds_has_its_place_in_the_file(void **state)
{
  (void)state;
  struct seen seen = {.text = g_string_new(NULL)};
  struct reading_result result;
  assert_true(read_file("表\nuscc,期,x,工业总产值(万元)\n", NULL, &seen, &result, NULL));
  assert_true(read_file("title\nuscc,period,单位名称,工业总产值(万元)\n" U1 ",2018-05,x,-2\n", NULL, &seen,
                        &result, NULL));
  assert_non_null(strstr(seen.text->str, "!value.range@3,4; "));
  assert_string_equal(seen.heading, "工业总产值(万元)");
  assert_string_equal(seen.found, "-20");
  seen_clear(&seen);
}

static void the_first_rules_whose_pattern_fits_are_used(void **state)
{
  (void)state;
  static const char yaml_text[] =
      "- {files: 'other*', ignore: [output]}\n- {files: 'tab*.csv', columns: {厂: unit}}\n"
      "- {ignore: [output]}\n";
  CLEANUP(yaml_free) struct yaml *yaml = yaml_new("agent.yaml", yaml_text, strlen(yaml_text));
  struct mapping_rules *rules[4] = {0};
  for (size_t i = 0; i < 3; i++) rules[i] = mapping_rules_read(yaml, yaml_item(yaml, yaml_root(yaml), i));
  struct seen seen = {.text = g_string_new(NULL)};
  struct reading_result result;
  assert_true(read_file("厂,period,output\np1,2018-05,1\n", (const struct mapping_rules *const *)rules, &seen,
                        &result, NULL));
  assert_string_equal(seen.text->str, "p1@2,1; ");
  for (size_t i = 0; i < 3; i++) mapping_rules_free(rules[i]);
  seen_clear(&seen);
}

static void a_file_that_is_not_there_or_of_another_kind_is_an_error(void **state)
{
  (void)state;
  const struct {
    const char *path;
    int code;
  } cases[] = {{"/nonexistent/may.csv", ERROR_IO}, {"/nonexistent/may.xlsx", ERROR_DATA}};
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    struct reading_options options = {.catalogue = catalogue, .units = units, .role = ROLE_OF_PARK};
    struct seen seen = {.text = g_string_new(NULL)};
    struct reading_result result;
    g_autoptr(GError) error = NULL;
    assert_false(reading_run(cases[i].path, &options, take_report, take_finding, &seen, &result, &error));
    assert_int_equal(error->code, cases[i].code);
    seen_clear(&seen);
  }
}

static void the_taker_may_end_it(void **state)
{
  (void)state;
  struct seen seen = {.text = g_string_new(NULL), .stop_at = 1};
  struct reading_result result;
  g_autoptr(GError) error = NULL;
  assert_false(
      read_file("uscc,period,output\n" U1 ",2018-05,1\np1,2018-05,2\n", NULL, &seen, &result, &error));
  assert_null(error);
  assert_int_equal(seen.reports, 1);
  seen_clear(&seen);
}

/* More than the spill holds: runs go to disk, and a folder that takes none is an error, not a loss. */
static void a_disk_that_fails_is_an_error(void **state)
{
  (void)state;
  g_autoptr(GString) text = g_string_new("uscc,period,output,output.ytd,output.ly,sales,sales.ytd\n");
  for (unsigned i = 0; text->len < LIMIT_SPILL_BYTES + LIMIT_MIB; i++)
    g_string_append_printf(text, "u%u,2018-05,1,2,3,4,5\n", i);
  struct reading_options options = {
      .catalogue = catalogue, .units = units, .role = ROLE_OF_PARK, .temporary = "/nonexistent"};
  assert_true(g_file_set_contents(path, text->str, (gssize)text->len, NULL));
  struct seen seen = {.text = g_string_new(NULL)};
  struct reading_result result;
  g_autoptr(GError) error = NULL;
  assert_false(reading_run(path, &options, take_report, take_finding, &seen, &result, &error));
  assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_IO));
  assert_int_equal(seen.reports, 0);
  seen_clear(&seen);
}

static int set_up(void **state)
{
  (void)state;
  catalogue = forms_catalogue();
  GError *error = NULL;
  if (!register_read_csv(catalogue, "register.csv", register_text, strlen(register_text), NULL, NULL, &units,
                         &error))
    g_error("%s", error->message);
  folder = g_dir_make_tmp("parktally-reading-XXXXXX", NULL);
  path = g_build_filename(folder, "table.csv", NULL);
  return folder ? 0 : 1;
}

static int tear_down(void **state)
{
  (void)state;
  unlink(path);
  g_rmdir(folder);
  g_free(path);
  g_free(folder);
  register_unref(units);
  catalogue_unref(catalogue);
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(good_reports_are_given_and_bad_ones_named),
      cmocka_unit_test(what_a_rule_finds_has_its_place_in_the_file),
      cmocka_unit_test(the_first_rules_whose_pattern_fits_are_used),
      cmocka_unit_test(a_file_that_is_not_there_or_of_another_kind_is_an_error),
      cmocka_unit_test(the_taker_may_end_it),
      cmocka_unit_test(a_disk_that_fails_is_an_error),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}

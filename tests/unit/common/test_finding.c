#include "common/finding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void every_code_has_an_id_of_its_own_and_a_text(void **state)
{
  (void)state;
  for (int i = 0; i < FINDING_COUNT; i++) {
    enum finding_code code = (enum finding_code)i;
    assert_int_equal(finding_from_id(finding_id(code)), code);
    assert_true(*finding_text(code));
    assert_non_null(finding_advice(code));
    for (const char *p = finding_id(code); *p; p++)
      assert_true(g_ascii_islower(*p) || *p == '.' || *p == '-');
  }
  assert_int_equal(finding_from_id("no.such"), FINDING_COUNT);
  assert_int_equal(finding_severity(FINDING_FILE_CUT), SEVERITY_FILE);
  assert_int_equal(finding_severity(FINDING_UNIT_CHECK), SEVERITY_NOTE);
}

static void a_line_says_where_what_was_found_and_what_to_do(void **state)
{
  (void)state;
  struct finding finding = {.code = FINDING_VALUE_TEXT,
                            .file = "may.csv",
                            .row = 7,
                            .column = 3,
                            .heading = "工业总产值",
                            .found = "12x",
                            .expected = "digits"};
  g_autofree char *line = finding_format(&finding);
  assert_string_equal(line,
                      "may.csv, row 7, column C (工业总产值): this is not a number: found “12x”, expected "
                      "digits. Write digits only. [value.text]");
}

static void a_line_names_sheet_unit_and_indicator_where_they_are_known(void **state)
{
  (void)state;
  struct finding finding = {.code = FINDING_ROW_TWICE,
                            .file = "may.xlsx",
                            .sheet = "五月",
                            .unit = "91350100M000100Y43",
                            .unit_name = "柳钢",
                            .indicator = "gross_output"};
  g_autofree char *line = finding_format(&finding);
  assert_string_equal(
      line, "may.xlsx, sheet 五月, gross_output, unit 91350100M000100Y43 (柳钢): the row stands twice "
            "with the same figures; it was taken once. [row.twice]");
}

static void a_rule_of_the_catalogue_is_named_behind_the_code(void **state)
{
  (void)state;
  g_autofree char *id = finding_rule_id(FINDING_RULE_MANDATORY, "rd-components");
  assert_string_equal(id, "rule.mandatory:rd-components");
  assert_int_equal(finding_from_id(id), FINDING_RULE_MANDATORY);
  assert_string_equal(finding_rule(id), "rd-components");
  assert_null(finding_rule("rule.mandatory"));
  assert_int_equal(finding_from_id("rule.mandator:x"), FINDING_COUNT);
  assert_int_equal(finding_from_id("rule.mandatory-too:x"), FINDING_COUNT);
  struct finding finding = {.code = FINDING_RULE_MANDATORY,
                            .unit = "A1",
                            .found = "120",
                            .expected = "= 118",
                            .rule = "rd-components",
                            .rule_says = "the sum of its parts"};
  g_autofree char *line = finding_format(&finding);
  assert_string_equal(line,
                      "unit A1: the figures break a mandatory rule (the sum of its parts): found “120”, "
                      "expected = 118. Correct the figures. [rule.mandatory:rd-components]");
}

static void what_was_found_cannot_break_the_line(void **state)
{
  (void)state;
  g_autofree char *long_text = g_strnfill(5000, 'x');
  long_text[1] = '\n';
  struct finding finding = {.code = FINDING_VALUE_TEXT, .found = long_text};
  g_autofree char *line = finding_format(&finding);
  assert_null(strchr(line, '\n'));
  assert_true(strlen(line) < 300);
  assert_true(g_str_has_prefix(line, "this is not a number"));
}

static void columns_are_lettered_as_in_a_spreadsheet(void **state)
{
  (void)state;
  static const struct {
    size_t column;
    const char *letters;
  } cases[] = {{1, "A"},    {26, "Z"},    {27, "AA"},     {52, "AZ"},
               {702, "ZZ"}, {703, "AAA"}, {16384, "XFD"}, {0, ""}};
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    char letters[8];
    finding_column_letters(cases[i].column, letters);
    assert_string_equal(letters, cases[i].letters);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_code_has_an_id_of_its_own_and_a_text),
      cmocka_unit_test(a_line_says_where_what_was_found_and_what_to_do),
      cmocka_unit_test(a_line_names_sheet_unit_and_indicator_where_they_are_known),
      cmocka_unit_test(a_rule_of_the_catalogue_is_named_behind_the_code),
      cmocka_unit_test(what_was_found_cannot_break_the_line),
      cmocka_unit_test(columns_are_lettered_as_in_a_spreadsheet),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "common/rule.h"

#include "small_catalogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define A "91350100M000100Y43"
#define B "91110000600037341L"
#define C "9131000063159284XQ"

enum { OUTPUT, PROFIT, OLD };

static struct catalogue *catalogue;
static struct unit_register *units;

static const struct unit_version versions[] = {
    {.unit = A, .class = "enterprise", .parent = A, .parks = "east", .from = DAY_MIN, .to = DAY_NONE},
    {.unit = A "-01",
     .class = "establishment",
     .parent = A,
     .parks = "west",
     .from = DAY_MIN,
     .to = DAY_NONE},
    {.unit = B,
     .class = "enterprise",
     .parent = B,
     .parks = "east",
     .from = 17713 /* 2018-07-01 */,
     .to = DAY_NONE},
    {.unit = C,
     .class = "enterprise",
     .parent = C,
     .parks = "east",
     .from = DAY_MIN,
     .to = 17531 /* 2017-12-31 */},
    {.unit = C,
     .class = "enterprise",
     .parent = C,
     .parks = "east",
     .from = 17897 /* 2019-01-01 */,
     .to = DAY_NONE},
    {.unit = "later",
     .class = "incubator",
     .parent = "later",
     .parks = "east",
     .from = 17897,
     .to = 18261 /* 2019-12-31 */},
    {.unit = "nest",
     .class = "incubator",
     .parent = "nest",
     .parks = "east",
     .from = DAY_MIN,
     .to = DAY_NONE},
};

static int set_up(void **state)
{
  (void)state;
  catalogue = small_catalogue();
  struct register_builder *builder = register_builder_new();
  for (size_t i = 0; i < G_N_ELEMENTS(versions); i++) {
    struct unit_version version = versions[i];
    version.name = version.reporter = version.industry = version.clusters = version.flags = version.succeeds =
        "";
    version.status = "正常";
    register_builder_add(builder, &version);
  }
  units = register_builder_finish(builder);
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  register_unref(units);
  catalogue_unref(catalogue);
  return 0;
}

static struct rule_context context_of(const char *form, const char *area)
{
  return (struct rule_context){.catalogue = catalogue,
                               .units = units,
                               .form = catalogue_form(catalogue, form),
                               .period = {2018, 5, 1},
                               .area = area ? catalogue_area(catalogue, area) : CATALOGUE_NONE};
}

static struct report_change figure(unsigned column, int64_t value)
{
  struct report_change change = {.kind = KIND_FIGURES};
  column_set_add(&change.asked, column);
  figures_set(&change.figures, column, value);
  return change;
}

static void a_unit_that_may_not_report_is_refused_with_the_reason(void **state)
{
  (void)state;
  static const struct {
    const char *form, *area, *unit;
    enum finding_code code;
    const char *found, *expected;
  } cases[] = {
      {"monthly", "east", "", FINDING_UNIT_MISSING, "", ""},
      {"monthly", "east", "9.14502E+17", FINDING_UNIT_DAMAGED, "9.14502E+17", "18 characters"},
      {"monthly", "east", "914502001234567000", FINDING_UNIT_DAMAGED, "914502001234567000", "18 characters"},
      {"monthly", "east", "abc", FINDING_UNIT_SHAPE, "abc", ""},
      {"carriers", "east", "a b", FINDING_UNIT_SHAPE, "a b", ""},
      {"carriers", "east", "abc", FINDING_UNIT_UNKNOWN, "abc", ""},
      {"carriers", "east", "later", FINDING_UNIT_UNKNOWN, "2018-05", "registered from 2019-01-01"},
      {"monthly", "east", "91350211M0000XUF46", FINDING_UNIT_UNKNOWN, "91350211M0000XUF46", ""},
      {"monthly", "east", A "-02", FINDING_UNIT_UNKNOWN, A "-02", ""},
      {"monthly", "east", B, FINDING_UNIT_UNKNOWN, "2018-05", "registered from 2018-07-01"},
      {"monthly", "east", C, FINDING_UNIT_UNKNOWN, "2018-05",
       "registered until 2017-12-31 and from 2019-01-01"},
      {"monthly", "west", A, FINDING_UNIT_ELSEWHERE, "east", "west"},
      {"monthly", "east", A "-01", FINDING_UNIT_ELSEWHERE, "west", "east"},
      {"monthly", "east", "nest", FINDING_UNIT_CLASS, "incubator", "enterprise, establishment"},
      {"carriers", "east", A, FINDING_UNIT_CLASS, "enterprise", "incubator"},
      {"carriers", "west", A, FINDING_UNIT_ELSEWHERE, "east", "west"}, /* the park before the class */
      {"monthly", "east", A, FINDING_COUNT, "", ""},
      {"monthly", "zone", A "-01", FINDING_COUNT, "", ""},
      {"monthly", NULL, A "-01", FINDING_COUNT, "", ""},
  };
  struct report_change change = figure(OUTPUT, 1);
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    struct rule_context context = context_of(cases[i].form, cases[i].area);
    struct rule_result result;
    rule_check_report(&context, cases[i].unit, &change, &result);
    if (result.code != cases[i].code || strcmp(result.found, cases[i].found) ||
        strcmp(result.expected, cases[i].expected))
      fail_msg("case %zu: %s “%s” “%s”", i, result.code == FINDING_COUNT ? "taken" : finding_id(result.code),
               result.found, result.expected);
    assert_int_equal(result.column, CATALOGUE_NONE);
  }
}

/* The context remembers; what it answers must not depend on it. */
static void an_answer_does_not_depend_on_what_was_asked_before(void **state)
{
  (void)state;
  static const char *const units_of[] = {A, A "-01", B, C, "nest", "later", "abc", ""};
  static const char *const forms[] = {"monthly", "carriers"};
  static const char *const areas[] = {"east", "west", "zone"};
  struct report_change change = figure(OUTPUT, 1);
  for (size_t f = 0; f < G_N_ELEMENTS(forms); f++)
    for (size_t a = 0; a < G_N_ELEMENTS(areas); a++)
      for (size_t first = 0; first < G_N_ELEMENTS(units_of); first++)
        for (size_t then = 0; then < G_N_ELEMENTS(units_of); then++) {
          struct rule_context fresh = context_of(forms[f], areas[a]), used = fresh;
          struct rule_result alone, after;
          rule_check_report(&fresh, units_of[then], &change, &alone);
          rule_check_report(&used, units_of[first], &change, &after);
          rule_check_report(&used, units_of[then], &change, &after);
          if (after.code != alone.code || after.version != alone.version || strcmp(after.found, alone.found))
            fail_msg("%s in %s: %s after %s", forms[f], areas[a], units_of[then], units_of[first]);
        }
}

static void the_version_that_governs_comes_with_the_result(void **state)
{
  (void)state;
  struct rule_context context = context_of("monthly", "east");
  struct report_change change = figure(OUTPUT, 1);
  struct rule_result result;
  rule_check_report(&context, A, &change, &result);
  assert_string_equal(result.version->unit, A);
  rule_check_report(&context, B, &change, &result);
  assert_null(result.version);
}

static struct rule_result check(const struct report_change *change)
{
  struct rule_context context = context_of("monthly", "east");
  struct rule_result result;
  rule_check_report(&context, A, change, &result);
  return result;
}

static void a_kind_that_contradicts_its_figures_is_refused(void **state)
{
  (void)state;
  struct report_change empty = {.kind = KIND_FIGURES};
  column_set_add(&empty.asked, OUTPUT);
  assert_int_equal(check(&empty).code, FINDING_REPORT_EMPTY);

  struct report_change nil = figure(PROFIT, 1);
  nil.kind = KIND_NIL;
  struct rule_result result = check(&nil);
  assert_int_equal(result.code, FINDING_VALUE_NIL);
  assert_int_equal(result.column, PROFIT);

  struct report_change withdrawal = figure(OUTPUT, 1);
  withdrawal.kind = KIND_WITHDRAWAL;
  assert_int_equal(check(&withdrawal).code, FINDING_VALUE_NIL);

  struct report_change both = figure(OUTPUT, 1);
  column_set_add(&both.withdrawn, OUTPUT);
  assert_int_equal(check(&both).code, FINDING_VALUE_NIL);
}

static void nil_withdrawal_and_taking_back_one_figure_are_fine(void **state)
{
  (void)state;
  struct report_change nil = {.kind = KIND_NIL}, withdrawal = {.kind = KIND_WITHDRAWAL},
                       taken_back = {.kind = KIND_FIGURES};
  column_set_add(&taken_back.withdrawn, OLD); /* a retired column too */
  assert_int_equal(check(&nil).code, FINDING_COUNT);
  assert_int_equal(check(&withdrawal).code, FINDING_COUNT);
  assert_int_equal(check(&taken_back).code, FINDING_COUNT);
}

static void figures_out_of_range_or_retired_are_refused_by_column(void **state)
{
  (void)state;
  static const struct {
    unsigned column;
    int64_t value;
    enum finding_code code;
    const char *found, *expected;
  } cases[] = {
      {OUTPUT, -1, FINDING_VALUE_RANGE, "-1", "0 to 9007199254740991"},
      {OUTPUT, LIMIT_FIGURE + 1, FINDING_VALUE_RANGE, "9007199254740992", "0 to 9007199254740991"},
      {PROFIT, -LIMIT_FIGURE - 1, FINDING_VALUE_RANGE, "-900719925474099.2",
       "-900719925474099.1 to 900719925474099.1"},
      {OLD, 0, FINDING_VALUE_RETIRED, "0", ""},
      {OUTPUT, 0, FINDING_COUNT, "", ""},
      {PROFIT, -LIMIT_FIGURE, FINDING_COUNT, "", ""},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    struct report_change change = figure(cases[i].column, cases[i].value);
    if (cases[i].column != OUTPUT) figures_set(&change.figures, OUTPUT, 5);
    struct rule_result result = check(&change);
    assert_int_equal(result.code, cases[i].code);
    assert_string_equal(result.found, cases[i].found);
    assert_string_equal(result.expected, cases[i].expected);
    assert_int_equal(result.column, cases[i].code == FINDING_COUNT ? CATALOGUE_NONE : (int)cases[i].column);
  }
}

static void what_was_found_is_cut_at_a_character(void **state)
{
  (void)state;
  struct rule_context context = context_of("carriers", "east");
  struct report_change change = figure(0, 1);
  struct rule_result result;
  g_autoptr(GString) unit = g_string_new("x ");
  for (int i = 0; i < 40; i++) g_string_append(unit, "柳");
  rule_check_report(&context, unit->str, &change, &result);
  assert_int_equal(result.code, FINDING_UNIT_SHAPE);
  assert_int_equal(strlen(result.found), 2 + 20 * 3);
  assert_true(g_utf8_validate(result.found, -1, NULL));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_unit_that_may_not_report_is_refused_with_the_reason),
      cmocka_unit_test(an_answer_does_not_depend_on_what_was_asked_before),
      cmocka_unit_test(the_version_that_governs_comes_with_the_result),
      cmocka_unit_test(a_kind_that_contradicts_its_figures_is_refused),
      cmocka_unit_test(nil_withdrawal_and_taking_back_one_figure_are_fine),
      cmocka_unit_test(figures_out_of_range_or_retired_are_refused_by_column),
      cmocka_unit_test(what_was_found_is_cut_at_a_character),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}

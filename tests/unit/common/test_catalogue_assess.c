/* Scorecards and growth plans of a catalogue: mistakes at their places, and what they hold. */
#include "common/catalogue.h"
#include "common/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static char *text_of_file(void)
{
  char *text = NULL;
  assert_true(g_file_get_contents(SOURCE_DIR "/tests/data/assessed.yaml", &text, NULL, NULL));
  return text;
}

/* The file with the first `from` replaced. */
static char *changed(const char *from, const char *to)
{
  g_autofree char *text = text_of_file();
  g_auto(GStrv) parts = g_strsplit(text, from, 2);
  if (!parts[1]) fail_msg("“%s” is not in the catalogue", from);
  return g_strconcat(parts[0], to, parts[1], NULL);
}

/* Removes the mark @ and gives its place, as in messages: "t.yaml:14:27: ". */
static char *take_mark(char *text)
{
  char *mark = strchr(text, '@');
  if (!mark) fail_msg("no mark in the case");
  size_t line = 1;
  const char *start = text;
  for (const char *c = text; c < mark; c++)
    if (*c == '\n') {
      line++;
      start = c + 1;
    }
  size_t column = (size_t)g_utf8_strlen(start, mark - start) + 1;
  memmove(mark, mark + 1, strlen(mark));
  return g_strdup_printf("t.yaml:%zu:%zu: ", line, column);
}

/* What to replace, by what (@ marks where the mistake is to be named), and words of the message. */
static const struct {
  const char *from, *to, *expected;
} mistakes[] = {
    /* scorecards */
    {"scorecards:", "@scorecard:", "did you mean “scorecards”?"},
    {"  parks:\n    zh: 园区评价", "  @par ks:\n    zh: 园区评价", "cannot be a code"},
    {"    zh: 园区评价\n", "    zh: @''\n", "“zh” may not be empty"},
    {"    note: {zh: 权重为示例,", "    note: {zh: 权重为示例, @fr: x,", "“fr” is no key"},
    {"    areas: [east, west, south]", "    areas: @[]", "name the areas that are assessed"},
    {"    areas: [east, west, south]", "    areas: [east, @wets, south]", "did you mean “west”?"},
    {"    areas: [east, west, south]", "    areas: [east, west, @east]", "“east” stands here twice"},
    {"    areas: [east, west, south]\n", "    @area: [east, west, south]\n", "did you mean “areas”?"},
    {"    dimensions:\n", "    dimensions: @[]\n    criteria:\n", "expected the dimensions"},
    {"    dimensions:\n", "    dimensions: @{}\n    criteria:\n", "expected the dimensions"},
    {"        weight: 40\n", "        weight: @40.5\n",
     "the items of “people” come to 40.00 points, but its weight is 40.50"},
    {"        weight: 40\n", "        weight: @0\n", "more than 0 and at most 100"},
    {"        weight: 40\n", "        weight: @100.01\n", "more than 0 and at most 100"},
    {"        weight: 40\n", "        weight: @40.001\n", "more than the 2 decimals"},
    {"      people:\n", "      @pe.ople:\n", "cannot be a code"},
    {"        items:\n", "        items: @[1]\n        item:\n", "expected the items of the dimension"},
    {"share: {zh: 战新占比, en: Emerging share, weight: 35.5,", "share: @{zh: 战新占比, en: Emerging share,",
     "“weight” is missing"},
    {"formula: ratio", "formula: @rate", "expected one of: value, ratio, growth"},
    {"[{indicator: output, slice: sei}]", "[{indicator: @outputs, slice: sei}]", "did you mean “output”?"},
    {"[{indicator: output, slice: sei}]", "[{indicator: output, slice: @se}]", "did you mean “sei”?"},
    {"[{indicator: output, area: zone}]", "[{indicator: output, area: @zones}]", "did you mean “zone”?"},
    {"[{indicator: output, slice: sei}]", "[{indicator: output}, @{indicator: staff}]", "cannot be added"},
    {"points: linear", "points: @best", "expected one of: linear, relative"},
    {"none_at: 10, full_at: 40", "none_at: 10, full_at: @10", "must differ"},
    {"none_at: 10, full_at: 40", "none_at: 10, full_at: @40.25", "more than the 1 decimals"},
    {"none_at: 10, full_at: 40", "none_at: 10, full_at: 40, best: @highest",
     "“full_at” tells which end is best"},
    {"points: relative}\n      people", "points: relative, none_at: @0}\n      people",
     "from the worst to the best"},
    {"best: lowest", "best: @least", "expected one of: highest, lowest"},
    {"measure: 人, points", "measure: @人次, points", "there is no measure “人次”"},
    /* growth plans */
    {"growth_plans:", "@growth_plan:", "did you mean “growth_plans”?"},
    {"    form: growth\n", "    form: @grow\n", "did you mean “growth”?"},
    {"    form: growth\n", "    form: @yearly\n", "the form “yearly” is statistical"},
    {"    form: growth\n", "    form: @monthly\n", "the form “monthly” is not yearly"},
    {"    members: member\n", "    members: @members\n", "did you mean “member”?"},
    {"    members: member\n", "    @member: member\n", "did you mean “members”?"},
    {"    candidates: sei\n", "    candidates: @new\n", "there is no flag “new”"},
    {"    criteria:\n", "    criteria: @[]\n    dimensions:\n", "expected the criteria of the plan"},
    {"numerator: [{indicator: income}], measure: '%'", "numerator: [{indicator: @output}], measure: '%'",
     "“output” stands on the statistical form “yearly”, and statistical returns may not serve to assess "
     "single"},
    /* Also where an administrative form asks for it as well. */
    {"numerator: [{indicator: income}], measure: '%'", "numerator: [{indicator: @staff}], measure: '%'",
     "“staff” stands on the statistical form “yearly”"},
    {"denominator: [{indicator: income}]", "denominator: [{indicator: @output}]", "统计法 §25"},
    {"own_target: promised", "own_target: @output", "统计法 §25"},
    {"numerator: [{indicator: income}], measure: '%'",
     "numerator: [{indicator: income, slice: @sei}], measure: '%'", "neither area nor slice"},
    {"numerator: [{indicator: income}], measure: '%'",
     "numerator: [{indicator: income, area: @east}], measure: '%'", "neither area nor slice"},
    {"own_target: promised", "own_target: @research", "cannot be compared"},
    {"direction: above", "direction: @about", "expected one of: at_least, at_most, above"},
    {"direction: above, value: 4}", "direction: above, value: @four}", "expected a number"},
    {"growth: {zh: 收入增速, en: Income growth, formula: growth, numerator: [{indicator: income}], measure: "
     "'%', decimals: "
     "1, direction: at_least, value: 15}",
     "growth: @{zh: 收入增速, en: Income growth, formula: growth, numerator: [{indicator: income}], measure: "
     "'%', "
     "direction: at_least}",
     "“value” is missing"},
    {"own_target: promised", "own_target: promised, value: @5", "remove it, or this value for all"},
    {"of: members", "of: @all", "has promised nothing"},
    {"of: members", "of: @candidates", "expected one of: all, members"},
    {"formula: value, numerator: [{indicator: income}], divisor: 10, own_target: promised",
     "formula: growth, numerator: [{indicator: income}], own_target: @promised",
     "give it the formula “value”"},
};

static bool has_line(const char *message, const char *place, const char *words)
{
  g_auto(GStrv) lines = g_strsplit(message, "\n", -1);
  for (char **line = lines; *line; line++)
    if (g_str_has_prefix(*line, place) && strstr(*line, words)) return true;
  return false;
}

static void every_mistake_is_named_with_its_line_and_column(void **state)
{
  (void)state;
  for (size_t i = 0; i < G_N_ELEMENTS(mistakes); i++) {
    g_autofree char *text = changed(mistakes[i].from, mistakes[i].to);
    g_autofree char *place = take_mark(text);
    g_autoptr(GError) error = NULL;
    CLEANUP(catalogue_unref)
    struct catalogue *catalogue = catalogue_compile("t.yaml", text, strlen(text), &error);
    if (catalogue) fail_msg("“%s” was taken", mistakes[i].to);
    assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_CONFIG));
    if (!has_line(error->message, place, mistakes[i].expected))
      fail_msg("“%s” should give “%s … %s”, but gives:\n%s", mistakes[i].to, place, mistakes[i].expected,
               error->message);
  }
}

static void weights_that_do_not_come_to_a_hundred_are_named_with_their_sum(void **state)
{
  (void)state;
  g_autofree char *text = changed("weight: 35.5", "weight: 35.49");
  g_auto(GStrv) parts = g_strsplit(text, "        weight: 60\n", 2);
  g_autofree char *both = g_strconcat(parts[0], "        weight: 59.99\n", parts[1], NULL);
  g_autoptr(GError) error = NULL;
  assert_null(catalogue_compile("t.yaml", both, strlen(both), &error));
  assert_non_null(
      strstr(error->message, ": the weights of the dimensions come to 99.99 points, expected 100"));
  assert_null(strchr(error->message, '\n')); /* and nothing else is wrong */
}

static void a_column_that_is_not_the_plan_s_is_named(void **state)
{
  (void)state;
  g_autofree char *text = changed("{column: income}, {column: research}, {column: promised}]",
                                  "{column: income}, {column: promised}]");
  g_auto(GStrv) parts = g_strsplit(text, "columns: [{column: staff}]", 2);
  g_autofree char *moved =
      g_strconcat(parts[0], "columns: [{column: staff}, {column: research}]", parts[1], NULL);
  g_autoptr(GError) error = NULL;
  assert_null(catalogue_compile("t.yaml", moved, strlen(moved), &error));
  assert_non_null(strstr(error->message, "“research” is no column of the plan's form “growth”"));
}

static void a_catalogue_that_is_cut_anywhere_does_no_harm(void **state)
{
  (void)state;
  g_autofree char *text = text_of_file();
  g_auto(GStrv) parts = g_strsplit(text, "scorecards:", 2);
  size_t length = strlen(text);
  for (size_t cut = strlen(parts[0]); cut < length; cut += 7) {
    g_autoptr(GError) error = NULL;
    CLEANUP(catalogue_unref) struct catalogue *catalogue = catalogue_compile("t.yaml", text, cut, &error);
    assert_true(catalogue || error);
  }
}

static struct catalogue *compiled(const char *text)
{
  g_autoptr(GError) error = NULL;
  struct catalogue *catalogue = catalogue_compile("t.yaml", text, strlen(text), &error);
  if (!catalogue) fail_msg("%s", error->message);
  return catalogue;
}

static void a_catalogue_holds_what_the_file_says(void **state)
{
  (void)state;
  g_autofree char *text = text_of_file();
  CLEANUP(catalogue_unref) struct catalogue *catalogue = compiled(text);
  assert_int_equal(catalogue->scorecard_count, 1);
  const struct scorecard *card = catalogue->scorecards;
  assert_string_equal(card->code, "parks");
  assert_int_equal(card->area_count, 3);
  assert_int_equal(card->areas[1], catalogue_area(catalogue, "west"));
  assert_int_equal(card->dimension_count, 2);
  const struct score_item *share = &card->dimensions[0].items[0], *safety = &card->dimensions[1].items[1];
  assert_int_equal(card->dimensions[0].weight, 6000);
  assert_int_equal(share->weight, 3550);
  assert_int_equal(share->points, POINTS_LINEAR);
  assert_int_equal(share->none_at, 100);
  assert_int_equal(share->full_at, 400);
  assert_int_equal(share->asked.numerator[0].area, CATALOGUE_NONE);
  assert_int_equal(card->dimensions[0].items[1].asked.denominator[0].area, catalogue_area(catalogue, "zone"));
  assert_int_equal(safety->points, POINTS_RELATIVE);
  assert_true(safety->lowest_is_best && !share->lowest_is_best);

  assert_int_equal(catalogue->growth_plan_count, 1);
  const struct growth_plan *plan = catalogue->growth_plans;
  assert_int_equal(plan->form, catalogue_form(catalogue, "growth"));
  assert_int_equal(plan->members, catalogue_flag(catalogue, "member"));
  assert_int_equal(plan->candidates, catalogue_flag(catalogue, "sei"));
  assert_int_equal(plan->criterion_count, 3);
  assert_int_equal(plan->criteria[0].own_target, CATALOGUE_NONE);
  assert_false(plan->criteria[0].of_members_only);
  assert_int_equal(plan->criteria[1].asked.direction, DIRECTION_ABOVE);
  assert_int_equal(plan->criteria[1].asked.value, 400);
  assert_int_equal(plan->criteria[2].own_target, catalogue_indicator(catalogue, "promised"));
  assert_true(plan->criteria[2].of_members_only);
}

static void a_form_that_was_statistical_stays_so(void **state)
{
  (void)state;
  g_autofree char *text = text_of_file();
  g_autofree char *freed = changed("legal_basis: statistical", "legal_basis: administrative");
  CLEANUP(catalogue_unref) struct catalogue *current = compiled(text);
  CLEANUP(catalogue_unref) struct catalogue *next = compiled(freed);
  g_autoptr(GError) error = NULL;
  assert_false(catalogue_may_follow(current, next, &error));
  assert_non_null(strstr(error->message, "form “yearly” was statistical"));
  g_clear_error(&error);
  assert_true(catalogue_may_follow(next, current, &error)); /* the other way is no harm */
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_mistake_is_named_with_its_line_and_column),
      cmocka_unit_test(weights_that_do_not_come_to_a_hundred_are_named_with_their_sum),
      cmocka_unit_test(a_column_that_is_not_the_plan_s_is_named),
      cmocka_unit_test(a_catalogue_that_is_cut_anywhere_does_no_harm),
      cmocka_unit_test(a_catalogue_holds_what_the_file_says),
      cmocka_unit_test(a_form_that_was_statistical_stays_so),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

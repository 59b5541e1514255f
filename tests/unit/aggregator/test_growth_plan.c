/* The growth plan: verdicts, whose figures are read, and that statistical returns are not. */
#include "aggregator/growth_units.h"
#include "common/error.h"

#include "assessed.h"

/* Income, research (one decimal), promised. */
enum { COLUMNS = 3 };

/* Everything that was said of a year, a line a unit: "m1 stay: reason". */
static bool note(const struct unit_version *version, bool is_member, const struct growth_judgement *judgement,
                 void *data)
{
  static const char *const verdicts[] = {"stay", "drop", "candidate", "not assessed", "not qualified"};
  g_string_append_printf(data, "%s%s %s: %s\n", version->unit, is_member ? "" : " (no member)",
                         verdicts[judgement->verdict], judgement->reason);
  return true;
}

static char *say(struct assessed *world, int year, const char *area)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GString) said = g_string_new(NULL);
  if (!growth_units(world->reader, world->snapshot, world->catalogue->growth_plans, year,
                    area ? catalogue_area(world->catalogue, area) : CATALOGUE_NONE, note, said, &error))
    fail_msg("%s", error->message);
  return g_strdup(said->str);
}

static void assert_says(struct assessed *world, int year, const char *area, const char *expected)
{
  g_autofree char *said = say(world, year, area);
  assert_string_equal(said, expected);
}

/* A year's verdict on m1, which reported `before` (NULL: not) and `now`. */
static void assert_verdict(const int64_t *before, unsigned before_count, const int64_t *now,
                           unsigned now_count, const char *expected)
{
  void *state;
  assessed_set_up_members(&state);
  struct assessed *world = state;
  if (before) assessed_put(world, "growth", 2017, "m1", before, before_count);
  if (now) assessed_put(world, "growth", 2018, "m1", now, now_count);
  assessed_finish(world);
  assert_says(world, 2018, "east", expected);
  assessed_tear_down(&state);
}

static void whoever_misses_a_target_is_dropped_and_told_which(void **state)
{
  (void)state;
  const int64_t before[] = {1000, 0, 1100};
  const struct {
    int64_t now[COLUMNS];
    const char *expected;
  } cases[] = {
      {{1150, 461, 1}, "m1 stay: meets all 3\n"},
      {{1149, 461, 1}, "m1 drop: misses 1 of 3: Income growth 14.9 %, target ≥ 15.0 %\n"},
      /* What is shown is rounded, what is compared is not: 14.96 %, and 4.000 % is not above 4 %. */
      {{1150, 460, 1}, "m1 drop: misses 1 of 3: Research intensity 4.00 %, target > 4.00 %\n"},
      {{1000, 100, 1},
       "m1 drop: misses 3 of 3: Income growth 0.0 %, target ≥ 15.0 %; Research intensity 1.00 %, target > "
       "4.00 %; Own "
       "target 100.0 万元, target ≥ 110.0 万元\n"},
      {{-5, 100, 1},
       "m1 drop: misses 2 of 3: Research intensity -200.00 %, target > 4.00 %; Own target -0.5 万元, target "
       "≥ 110.0 万元\n"},
      {{0, 0, 1},
       "m1 drop: misses 2 of 3: Income growth -100.0 %, target ≥ 15.0 %; Own target 0.0 万元, target ≥ 110.0 "
       "万元\n"},
  };
  for (size_t n = 0; n < G_N_ELEMENTS(cases); n++)
    assert_verdict(before, COLUMNS, cases[n].now, COLUMNS, cases[n].expected);
  const int64_t large[] = {100000, 0, 0}, near[] = {114996, 46500, 0};
  assert_verdict(large, COLUMNS, near, COLUMNS,
                 "m1 drop: misses 1 of 3: Income growth 15.0 %, target ≥ 15.0 %\n");
}

static void what_is_not_reported_is_neither_met_nor_missed(void **state)
{
  (void)state;
  const int64_t before[] = {1000, 0, 1100}, zero[] = {0, 0, 5}, loss[] = {-10, 0, 5}, now[] = {1200, 500, 1};
  assert_verdict(before, COLUMNS, NULL, 0, "m1 not assessed: no report for 2018\n");
  assert_verdict(before, COLUMNS, now, 0,
                 "m1 not assessed: it reported for 2018 that there is nothing to report\n");
  assert_verdict(NULL, 0, now, COLUMNS,
                 "m1 not assessed: cannot be judged: Income growth: there is no report for 2017; Own target: "
                 "there is no "
                 "report for 2017\n");
  assert_verdict(before, 0, now, COLUMNS,
                 "m1 not assessed: cannot be judged: Income growth: there is no report for 2017; Own target: "
                 "there is no "
                 "report for 2017\n");
  assert_verdict(before, 1, now, COLUMNS,
                 "m1 not assessed: cannot be judged: Own target: Promised is not reported for 2017\n");
  assert_verdict(
      before, COLUMNS, now, 1,
      "m1 not assessed: cannot be judged: Research intensity: Research is not reported for 2018\n");
  assert_verdict(
      zero, COLUMNS, now, COLUMNS,
      "m1 not assessed: cannot be judged: Income growth: no growth rate: last year's figure is zero\n");
  assert_verdict(
      loss, COLUMNS, now, COLUMNS,
      "m1 not assessed: cannot be judged: Income growth: no growth rate: turned from loss to profit\n");
  /* But what is missed for certain is missed. */
  const int64_t low[] = {1200, 100, 1};
  assert_verdict(NULL, 0, low, COLUMNS,
                 "m1 drop: misses 1 of 3: Research intensity 0.83 %, target > 4.00 %\n");
}

static void members_are_those_of_the_year_s_last_day(void **state)
{
  struct assessed *world = *state;
  assessed_finish(world);
  assert_says(world, 2018, NULL,
              "m1 not assessed: no report for 2018\n"
              "m2 not assessed: no report for 2018\n"
              "m3 not assessed: no report for 2018\n"
              "m4 not assessed: no report for 2018, which its status “关闭” does not owe\n"
              "m5 not assessed: no report for 2018\n");
  assert_says(world, 2017, "west",
              "m2 not assessed: no report for 2017\nm4 not assessed: no report for 2017\n");
  assert_says(world, 2019, "south",
              "m5 not assessed: no report for 2019\nyoung not assessed: no report for 2019\n");
  assert_says(world, 2017, "south", "old not assessed: no report for 2017\n");
}

static void others_who_qualify_are_candidates_without_a_target_of_their_own(void **state)
{
  struct assessed *world = *state;
  const int64_t before[] = {1000}, good[] = {1150, 461}, poor[] = {1149, 461};
  for (const char *const *unit = (const char *const[]){"e1", "e2", "w1", NULL}; *unit; unit++)
    assessed_put(world, "growth", 2017, *unit, before, 1);
  assessed_put(world, "growth", 2018, "e1", good, 2);
  assessed_put(world, "growth", 2018, "e2", good, 2); /* is not emerging */
  assessed_put(world, "growth", 2018, "w1", poor, 2);
  assessed_put(world, "growth", 2018, "s1", good, 2); /* nothing of the year before */
  assessed_finish(world);
  assert_says(world, 2018, NULL,
              "e1 (no member) candidate: meets all 2\n"
              "m1 not assessed: no report for 2018\n"
              "m2 not assessed: no report for 2018\n"
              "m3 not assessed: no report for 2018\n"
              "m4 not assessed: no report for 2018, which its status “关闭” does not owe\n"
              "m5 not assessed: no report for 2018\n");
}

static void a_successor_is_measured_by_those_it_continues(void **state)
{
  struct assessed *world = *state;
  /* m5 is of April 2018 and continues p1, which itself continued p2 in May 2017. */
  assessed_put(world, "growth", 2017, "p1", (int64_t[]){1000, 0, 900}, COLUMNS);
  assessed_put(world, "growth", 2017, "p2", (int64_t[]){500, 0, 200}, COLUMNS);
  assessed_put(world, "growth", 2018, "m5", (int64_t[]){1725, 700, 1}, COLUMNS);
  assessed_put(world, "growth", 2019, "m5", (int64_t[]){1725, 700, 1}, COLUMNS);
  assessed_finish(world);
  assert_says(world, 2018, "south", "m5 stay: meets all 3\n"); /* 15 % over 1500 */
  assert_says(world, 2019, "south",
              "m5 drop: misses 1 of 3: Income growth 0.0 %, target ≥ 15.0 %\nyoung not assessed: no report "
              "for 2019\n");
}

static void a_merger_of_long_ago_is_none_of_this_year(void **state)
{
  struct assessed *world = *state;
  assessed_put(world, "growth", 2017, "p2", (int64_t[]){500, 0, 200}, COLUMNS);
  assessed_put(world, "growth", 2017, "m2", (int64_t[]){1000, 0, 1100}, COLUMNS);
  assessed_put(world, "growth", 2018, "m2", (int64_t[]){1150, 461, 1}, COLUMNS);
  assessed_finish(world);
  assert_says(world, 2018, "west",
              "m2 stay: meets all 3\nm3 not assessed: no report for 2018\n"
              "m4 not assessed: no report for 2018, which its status “关闭” does not owe\n");
}

static void a_predecessor_that_did_not_report_leaves_no_base(void **state)
{
  struct assessed *world = *state;
  assessed_put(world, "growth", 2017, "p1", (int64_t[]){1000, 0, 900}, COLUMNS); /* p2 was there too */
  assessed_put(world, "growth", 2018, "m5", (int64_t[]){1725, 700, 1}, COLUMNS);
  assessed_put(world, "growth", 2018, "m3", (int64_t[]){1725, 700, 1},
               COLUMNS); /* began in 2018, after nobody */
  assessed_finish(world);
  assert_says(world, 2018, "south",
              "m5 not assessed: cannot be judged: Income growth: there is no report for 2017; Own target: "
              "there is no "
              "report for 2017\n");
}

static void statistical_returns_are_refused_whoever_asks(void **state)
{
  struct assessed *world = *state;
  g_autoptr(GError) error = NULL;
  struct figures figures;
  enum unit_report report = UNIT_REPORTED_NIL;
  struct period year = {2018, 1, 12};
  assessed_put(world, "yearly", 2018, "m1", (int64_t[]){1, 2, 3}, 3);
  assessed_put(world, "growth", 2018, "m1", (int64_t[]){1, 2, 3}, 3);
  assessed_finish(world);
  int yearly = catalogue_form(world->catalogue, "yearly"),
      growth = catalogue_form(world->catalogue, "growth");
  assert_false(reader_unit(world->reader, yearly, year, "m1", &report, &figures, &error));
  assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_PERMISSION));
  assert_non_null(strstr(error->message, "统计法 §25"));
  assert_int_equal(report, UNIT_REPORTED_NIL); /* untouched */
  g_clear_error(&error);
  assert_true(reader_unit(world->reader, growth, year, "m1", &report, &figures, &error));
  assert_int_equal(report, UNIT_REPORTED_FIGURES);
  assert_int_equal(figures.value[1], 2);

  /* Nor by a plan that came past the compiler; nor where the catalogue in force says otherwise today. */
  struct growth_plan plan = *world->catalogue->growth_plans;
  plan.form = yearly;
  g_autoptr(GString) said = g_string_new(NULL);
  assert_false(growth_units(world->reader, world->snapshot, &plan, 2018, CATALOGUE_NONE, note, said, &error));
  assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_PERMISSION));
  assert_int_equal(said->len, 0);
  g_clear_error(&error);
}

static void a_form_that_was_statistical_once_is_refused(void **state)
{
  struct assessed *world = *state;
  g_autofree char *text = NULL;
  g_autoptr(GError) error = NULL;
  assert_true(g_file_get_contents(SOURCE_DIR "/tests/data/assessed.yaml", &text, NULL, NULL));
  g_auto(GStrv) parts = g_strsplit(text, "legal_basis: statistical", 2);
  g_autofree char *freed = g_strconcat(parts[0], "legal_basis: administrative", parts[1], NULL);
  CLEANUP(catalogue_unref) struct catalogue *next = catalogue_compile("n.yaml", freed, strlen(freed), &error);
  assert_non_null(next);
  store_catalogue_put(world->place->store, next->hash, 1, freed, strlen(freed));
  assessed_finish(world);
  int yearly = catalogue_form(world->snapshot->catalogue, "yearly");
  assert_int_equal(world->snapshot->catalogue->forms[yearly].legal_basis, BASIS_ADMINISTRATIVE);
  enum unit_report report;
  struct figures figures;
  assert_false(
      reader_unit(world->reader, yearly, (struct period){2018, 1, 12}, "m1", &report, &figures, &error));
  assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_PERMISSION));
}

#define WITH_MEMBERS(test) cmocka_unit_test_setup_teardown(test, assessed_set_up_members, assessed_tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(whoever_misses_a_target_is_dropped_and_told_which),
      cmocka_unit_test(what_is_not_reported_is_neither_met_nor_missed),
      WITH_MEMBERS(members_are_those_of_the_year_s_last_day),
      WITH_MEMBERS(others_who_qualify_are_candidates_without_a_target_of_their_own),
      WITH_MEMBERS(a_successor_is_measured_by_those_it_continues),
      WITH_MEMBERS(a_merger_of_long_ago_is_none_of_this_year),
      WITH_MEMBERS(a_predecessor_that_did_not_report_leaves_no_base),
      WITH_MEMBERS(statistical_returns_are_refused_whoever_asks),
      WITH_MEMBERS(a_form_that_was_statistical_once_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

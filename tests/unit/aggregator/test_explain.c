/* What changed a total adds up to its difference, between any two moments of a random history; and single
 * changes have the cause that they have. PARKTALLY_SEED repeats a run, PARKTALLY_ROUNDS makes it longer. */
#include "random_city.h"

#include "aggregator/read_explain.h"
#include "common/error.h"
#include "tests/sample.h"

/* --- the lines alone --- */

static struct explain_line line_of(const char *unit, enum explain_cause cause, int64_t change)
{
  struct explain_line line = {.cause = cause, .change = change};

  g_strlcpy(line.unit, unit, sizeof line.unit);
  return line;
}

static void the_largest_lines_are_kept_and_the_rest_is_summed(void **state)
{
  static const int64_t changes[] = {5, -80, 0, 7, 60, -3, 2, 80, -1, 4};
  CLEANUP(explain_free) struct explain *explain = explain_new(2);
  const struct explain_line *lines;
  struct explain_sums sums;
  size_t count;
  int64_t all = 0;

  (void)state;
  for (size_t n = 0; n < G_N_ELEMENTS(changes); n++) {
    char unit[2] = {(char)('a' + n), '\0'};
    struct explain_line line = line_of(unit, n % 2 ? EXPLAIN_REPORT : EXPLAIN_REGISTER, changes[n]);

    explain_add(explain, &line);
    explain_unit(explain, 10, 10 + changes[n]);
    all += changes[n];
  }
  assert_true(explain_finish(explain, &lines, &count, &sums));
  assert_int_equal(count, 2);
  assert_string_equal(lines[0].unit, "b"); /* of equal magnitude by unit */
  assert_string_equal(lines[1].unit, "h");
  assert_int_equal(sums.other_lines, 7);
  assert_true(sums.others == all);
  assert_true(sums.after - sums.before == all);
  assert_int_equal(sums.lines[EXPLAIN_REPORT] + sums.lines[EXPLAIN_REGISTER], 9);
}

static void lines_that_do_not_add_up_are_no_answer(void **state)
{
  CLEANUP(explain_free) struct explain *explain = explain_new(2);
  struct explain_line line = line_of("a", EXPLAIN_REPORT, 5);
  const struct explain_line *lines;
  struct explain_sums sums;
  size_t count;

  (void)state;
  explain_add(explain, &line);
  explain_unit(explain, 0, 6);
  assert_false(explain_finish(explain, &lines, &count, &sums));
}

/* --- over a city --- */

struct answer {
  struct explain *explain;
  const struct explain_line *lines;
  size_t count;
  struct explain_sums sums;
};

/* `before` 0: nothing. */
static void ask(struct city *city, uint64_t before, uint64_t after, const struct explained *asked,
                struct answer *ret_answer)
{
  g_autoptr(GError) error = NULL;
  CLEANUP(snapshot_unref)
  struct snapshot *snapshot = present_begin(writer_present(city->fixture.writer), city->reader, &error);
  CLEANUP(past_free)
  struct past *first = before ? past_new(city->reader, snapshot, before, city_now_ms, NULL) : NULL;
  CLEANUP(past_free) struct past *last = past_new(city->reader, snapshot, after, city_now_ms, NULL);

  assert_non_null(last);
  ret_answer->explain = explain_new(10000);
  if (!read_explain_run(city->reader, first, last, asked, ret_answer->explain, &error))
    fail_msg("%s %s %s from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT ": %s", asked->area, asked->slice,
             asked->indicator, before, after, error->message);
  store_rollback(city->reader);
  assert_true(explain_finish(ret_answer->explain, &ret_answer->lines, &ret_answer->count, &ret_answer->sums));
}

static int128 total_at(struct city *city, uint64_t leaves, const struct explained *asked)
{
  CLEANUP(snapshot_unref)
  struct snapshot *snapshot = present_begin(writer_present(city->fixture.writer), city->reader, NULL);
  CLEANUP(past_free) struct past *past = past_new(city->reader, snapshot, leaves, city_now_ms, NULL);
  CLEANUP(reader_free) struct reader *reader = reader_new_at(city->reader, past);
  const struct catalogue *catalogue = past_snapshot(past)->catalogue;
  struct total total;

  assert_true(reader_total(
      reader, catalogue_area(catalogue, asked->area), catalogue_slice(catalogue, asked->slice),
      catalogue_indicator(catalogue, asked->indicator), asked->period, asked->cumulative, &total, NULL));
  store_rollback(city->reader);
  return total.value;
}

static struct explained random_question(GRand *random)
{
  static const char *const areas[] = {"zone", "group", "east", "west", "south"};
  static const char *const slices[] = {"all", "all", "cars", "steel", "above_scale", "outside_boundary"};
  static const char *const indicators[] = {"output", "sales", "profit", "staff", "research", "big", "scaled"};
  struct explained asked = {.area = areas[pick(random, G_N_ELEMENTS(areas))],
                            .slice = slices[pick(random, G_N_ELEMENTS(slices))],
                            .indicator = indicators[pick(random, G_N_ELEMENTS(indicators))],
                            .period = {2018, (uint8_t)(1 + pick(random, CITY_MONTHS)), 1},
                            .cumulative = pick(random, 2)};

  if (pick(random, 4) == 0) asked.period = (struct period){2018, 1, (uint8_t)(pick(random, 2) ? 12 : 3)};
  return asked;
}

static void between_any_two_moments_the_lines_add_up(void **state)
{
  int rounds = sample_rounds(250);
  struct city *city = city_new(city_seed());
  uint64_t leaves;
  int seen[EXPLAIN_CAUSES] = {0};

  (void)state;
  for (int n = 0; n < rounds; n++) city_step(city);
  leaves = store_leaf_count(city->reader);
  for (int n = 0; n < rounds * 4; n++) {
    struct explained asked = random_question(city->random);
    uint64_t after = 2 + (uint64_t)pick(city->random, (int)leaves - 1);
    uint64_t before = pick(city->random, 4) ? 2 + (uint64_t)pick(city->random, (int)after - 1) : 0;
    struct answer answer;
    int128 sum = 0;

    ask(city, before, after, &asked, &answer);
    assert_true(answer.sums.after == total_at(city, after, &asked));
    assert_true(answer.sums.before == (before ? total_at(city, before, &asked) : 0));
    for (size_t l = 0; l < answer.count; l++) {
      sum += answer.lines[l].change;
      seen[answer.lines[l].cause]++;
      if (answer.lines[l].cause == EXPLAIN_REPORT) assert_true(answer.lines[l].since < after);
    }
    assert_true(answer.sums.before + sum == answer.sums.after);
    explain_free(answer.explain);
  }
  print_message("lines: %d catalogue, %d register, %d report, %d columns\n", seen[EXPLAIN_CATALOGUE],
                seen[EXPLAIN_REGISTER], seen[EXPLAIN_REPORT], seen[EXPLAIN_COLUMNS]);
  if (rounds >= 250) assert_true(seen[EXPLAIN_REGISTER] > 0 && seen[EXPLAIN_REPORT] > 0);
  city_free(city);
}

/* --- one change after the other --- */

#define REGISTER_HEADER                                                                                      \
  "unit,class,parent,name,parks,reporter,in_boundary,industry,clusters,flags,status,succeeds,from,to\n"

static const struct explained OUTPUT_OF_EAST = {
    .area = "east", .slice = "all", .indicator = "output", .period = {2018, 5, 1}};

static void report_output(struct city *city, int64_t value, const uint8_t *base, uint8_t ret_id[32])
{
  struct fixture_report report = {.unit = "u1", .base = base, .change = fixture_value(0, value)};
  g_autoptr(GBytes) sealed =
      fixture_seal(&city->fixture, &city->agents[0], "monthly", "2018-05", &report, 1, ret_id);

  city_submit(city, sealed);
}

static uint64_t leaves_of(struct city *city)
{
  return store_leaf_count(city->reader);
}

static void expect_line(const struct answer *answer, size_t n, enum explain_cause cause, int64_t change)
{
  assert_true(n < answer->count);
  assert_string_equal(answer->lines[n].unit, "u1");
  assert_int_equal(answer->lines[n].cause, cause);
  assert_int_equal((int64_t)answer->lines[n].change, change);
}

static void each_change_has_its_cause_and_its_report(void **state)
{
  struct city *city = city_new(1);
  uint8_t first[32], second[32];
  uint64_t empty, registered, reported, corrected, moved;
  struct answer answer;

  (void)state;
  empty = leaves_of(city);
  fixture_import(&city->fixture, REGISTER_HEADER "u1,code,,甲,east,,1,,,,,,,\n");
  registered = leaves_of(city);
  report_output(city, 100, NULL, first);
  reported = leaves_of(city);
  report_output(city, 130, first, second);
  corrected = leaves_of(city);
  fixture_import(&city->fixture, REGISTER_HEADER "u1,code,,甲,west,,1,,,,,,,\n");
  moved = leaves_of(city);

  ask(city, 0, reported, &OUTPUT_OF_EAST, &answer); /* what it rests on */
  assert_int_equal(answer.count, 1);
  expect_line(&answer, 0, EXPLAIN_REPORT, 100);
  assert_int_equal(answer.lines[0].position, registered);
  assert_int_equal(answer.lines[0].revision, 1);
  assert_string_equal(answer.lines[0].park, "east");
  explain_free(answer.explain);

  ask(city, empty, reported, &OUTPUT_OF_EAST, &answer); /* it came with its report */
  assert_int_equal(answer.count, 1);
  expect_line(&answer, 0, EXPLAIN_REPORT, 100);
  explain_free(answer.explain);

  ask(city, reported, corrected, &OUTPUT_OF_EAST, &answer);
  assert_int_equal(answer.count, 1);
  expect_line(&answer, 0, EXPLAIN_REPORT, 30);
  assert_int_equal(answer.lines[0].revision, 2);
  explain_free(answer.explain);

  ask(city, corrected, moved, &OUTPUT_OF_EAST, &answer);
  assert_int_equal(answer.count, 1);
  expect_line(&answer, 0, EXPLAIN_REGISTER, -130);
  explain_free(answer.explain);

  ask(city, reported, moved, &OUTPUT_OF_EAST, &answer); /* it took the old figure with it */
  assert_int_equal(answer.count, 1);
  expect_line(&answer, 0, EXPLAIN_REGISTER, -100);
  explain_free(answer.explain);

  ask(city, moved, moved, &OUTPUT_OF_EAST, &answer);
  assert_int_equal(answer.count, 0);
  explain_free(answer.explain);
  city_free(city);
}

/* The correction arrives before what it corrects: it is in force from the leaf that let it go. */
static void a_report_that_waited_changes_the_total_when_it_is_let_go(void **state)
{
  struct city *city = city_new(1);
  struct fixture_report report = {.unit = "u1", .change = fixture_value(0, 100)};
  uint8_t first[32];
  struct answer answer;

  (void)state;
  fixture_import(&city->fixture, REGISTER_HEADER "u1,code,,甲,east,,1,,,,,,,\n");
  g_autoptr(GBytes) sealed =
      fixture_seal(&city->fixture, &city->agents[0], "monthly", "2018-05", &report, 1, first);
  uint64_t before = leaves_of(city);
  report_output(city, 130, first, NULL);
  uint64_t waiting = leaves_of(city);
  city_submit(city, sealed);
  uint64_t released = leaves_of(city);

  ask(city, before, waiting, &OUTPUT_OF_EAST, &answer);
  assert_int_equal(answer.count, 0);
  explain_free(answer.explain);
  ask(city, waiting, released, &OUTPUT_OF_EAST, &answer);
  assert_int_equal(answer.count, 1);
  expect_line(&answer, 0, EXPLAIN_REPORT, 130);
  assert_int_equal(answer.lines[0].position, before);
  assert_int_equal(answer.lines[0].since, waiting);
  explain_free(answer.explain);
  city_free(city);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_largest_lines_are_kept_and_the_rest_is_summed),
      cmocka_unit_test(lines_that_do_not_add_up_are_no_answer),
      cmocka_unit_test(each_change_has_its_cause_and_its_report),
      cmocka_unit_test(a_report_that_waited_changes_the_total_when_it_is_let_go),
      cmocka_unit_test(between_any_two_moments_the_lines_add_up),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}

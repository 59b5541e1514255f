/* Comparisons of two periods: causes add up to the difference, in every area, whatever was reported. */
#include "aggregator/statistics/compare.h"
#include "tests/sample.h"

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint32_t seed;

/* A membership is a set of areas, as bits: two parks and the zone. */
enum { NOWHERE = 0, EAST = 1, WEST = 2, ZONE = 4, IN_EAST = EAST | ZONE, IN_WEST = WEST | ZONE };

static bool has_area(int64_t membership, void *data)
{
  return membership & *(int64_t *)data;
}

static struct comparison read_area(const struct comparing *comparing, int64_t area)
{
  struct comparison found;
  comparing_read(comparing, has_area, &area, &found);
  return found;
}

static int128 sum_of_causes(const struct comparison *of)
{
  int128 sum = 0;
  for (int cause = 0; cause < CAUSE_COUNT; cause++) sum += of->cause[cause].value;
  return sum;
}

/* --- one unit after the other --- */

struct expected {
  int64_t now, before, base, comparable;
  int64_t value[CAUSE_COUNT], units[CAUSE_COUNT];
};

static void assert_area(const struct comparing *comparing, int64_t area, struct expected expected)
{
  struct comparison found = read_area(comparing, area);
  assert_true(found.now == expected.now);
  assert_true(found.before == expected.before);
  assert_true(found.base == expected.base);
  assert_true(found.comparable == expected.comparable);
  for (int cause = 0; cause < CAUSE_COUNT; cause++) {
    if (found.cause[cause].value != expected.value[cause] ||
        found.cause[cause].units != expected.units[cause])
      fail_msg("cause %d: %lld of %lld units, not %lld of %lld", cause, (long long)found.cause[cause].value,
               (long long)found.cause[cause].units, (long long)expected.value[cause],
               (long long)expected.units[cause]);
  }
  assert_true(sum_of_causes(&found) == found.now - found.before);
}

static struct comparing *compare_one(const struct compare_figure *now, size_t now_count,
                                     const struct compare_figure *before, size_t before_count, int64_t today,
                                     unsigned owed_now, unsigned owed_before)
{
  struct comparing *comparing = comparing_new();
  comparing_add(comparing, &(struct compare_unit){.now = now,
                                                  .before = before,
                                                  .now_count = now_count,
                                                  .before_count = before_count,
                                                  .today = today,
                                                  .owed_now = owed_now,
                                                  .owed_before = owed_before});
  return comparing;
}

static void nothing_at_all_is_nothing(void **state)
{
  (void)state;
  CLEANUP(comparing_free) struct comparing *comparing = compare_one(NULL, 0, NULL, 0, IN_EAST, 0, 0);
  assert_area(comparing, ZONE, (struct expected){0});
  assert_area(comparing, EAST, (struct expected){0});
}

static void who_is_silent_before_entered_or_did_not_report(void **state)
{
  (void)state;
  static const struct compare_figure now = {.membership = IN_EAST, .value = 70};
  CLEANUP(comparing_free) struct comparing *entered = compare_one(&now, 1, NULL, 0, IN_EAST, 1, 0);
  assert_area(entered, EAST,
              (struct expected){.now = 70, .value[CAUSE_ENTERED] = 70, .units[CAUSE_ENTERED] = 1});
  assert_area(entered, WEST, (struct expected){0});
  CLEANUP(comparing_free) struct comparing *silent = compare_one(&now, 1, NULL, 0, IN_EAST, 1, 1);
  assert_area(silent, ZONE,
              (struct expected){.now = 70, .value[CAUSE_NOT_REPORTED] = 70, .units[CAUSE_NOT_REPORTED] = 1});
}

static void who_is_silent_now_left_or_did_not_report(void **state)
{
  (void)state;
  static const struct compare_figure before = {.membership = IN_EAST, .value = -70};
  CLEANUP(comparing_free) struct comparing *left = compare_one(NULL, 0, &before, 1, IN_EAST, 0, 1);
  assert_area(left, ZONE, (struct expected){.before = -70, .value[CAUSE_LEFT] = 70, .units[CAUSE_LEFT] = 1});
  CLEANUP(comparing_free) struct comparing *silent = compare_one(NULL, 0, &before, 1, IN_EAST, 1, 1);
  assert_area(
      silent, EAST,
      (struct expected){.before = -70, .value[CAUSE_NOT_REPORTED] = 70, .units[CAUSE_NOT_REPORTED] = 1});
}

static void the_published_base_is_the_base_and_its_difference_is_named(void **state)
{
  (void)state;
  static const struct compare_figure now = {
      .membership = IN_EAST, .value = 130, .has_published = true, .published = 90};
  static const struct compare_figure before = {.membership = IN_EAST, .value = 100};
  CLEANUP(comparing_free) struct comparing *comparing = compare_one(&now, 1, &before, 1, IN_EAST, 1, 1);
  assert_area(comparing, EAST,
              (struct expected){.now = 130,
                                .before = 100,
                                .base = 90,
                                .comparable = 130,
                                .value = {[CAUSE_BASE_REVISED] = -10, [CAUSE_GROWN] = 40},
                                .units = {[CAUSE_BASE_REVISED] = 1, [CAUSE_GROWN] = 1}});
}

static void a_new_unit_that_says_what_it_did_is_comparable(void **state)
{
  (void)state;
  static const struct compare_figure now = {
      .membership = IN_EAST, .value = 130, .has_published = true, .published = 90};
  CLEANUP(comparing_free) struct comparing *comparing = compare_one(&now, 1, NULL, 0, IN_EAST, 1, 0);
  assert_area(comparing, EAST,
              (struct expected){.now = 130,
                                .base = 90,
                                .comparable = 130,
                                .value = {[CAUSE_ENTERED] = 90, [CAUSE_GROWN] = 40},
                                .units = {[CAUSE_ENTERED] = 1, [CAUSE_GROWN] = 1}});
}

static void a_move_restates_the_base_and_cancels_above(void **state)
{
  (void)state;
  static const struct compare_figure now = {.membership = IN_WEST, .value = 130};
  static const struct compare_figure before = {.membership = IN_EAST, .value = 100};
  CLEANUP(comparing_free) struct comparing *comparing = compare_one(&now, 1, &before, 1, IN_WEST, 1, 1);
  assert_area(comparing, EAST,
              (struct expected){.before = 100, .value[CAUSE_MOVED] = -100, .units[CAUSE_MOVED] = 1});
  assert_area(comparing, WEST,
              (struct expected){.now = 130,
                                .base = 100,
                                .comparable = 130,
                                .value = {[CAUSE_MOVED] = 100, [CAUSE_GROWN] = 30},
                                .units = {[CAUSE_MOVED] = 1, [CAUSE_GROWN] = 1}});
  assert_area(comparing, ZONE,
              (struct expected){.now = 130,
                                .before = 100,
                                .base = 100,
                                .comparable = 130,
                                .value[CAUSE_GROWN] = 30,
                                .units[CAUSE_GROWN] = 1});
}

static void who_moved_and_is_silent_moved_first(void **state)
{
  (void)state;
  static const struct compare_figure before = {.membership = IN_EAST, .value = 100};
  CLEANUP(comparing_free) struct comparing *comparing = compare_one(NULL, 0, &before, 1, IN_WEST, 1, 1);
  assert_area(comparing, EAST,
              (struct expected){.before = 100, .value[CAUSE_MOVED] = -100, .units[CAUSE_MOVED] = 1});
  assert_area(comparing, WEST,
              (struct expected){.value = {[CAUSE_MOVED] = 100, [CAUSE_NOT_REPORTED] = -100},
                                .units = {[CAUSE_MOVED] = 1, [CAUSE_NOT_REPORTED] = 1}});
}

static void predecessors_are_the_base_of_their_successor(void **state)
{
  (void)state;
  static const struct compare_figure now = {.membership = IN_EAST, .value = 130};
  static const struct compare_figure before[] = {{.membership = IN_EAST, .value = 60},
                                                 {.membership = IN_WEST, .value = 40}};
  CLEANUP(comparing_free) struct comparing *comparing = compare_one(&now, 1, before, 2, IN_EAST, 1, 1);
  assert_area(comparing, EAST,
              (struct expected){.now = 130,
                                .before = 60,
                                .base = 100,
                                .comparable = 130,
                                .value = {[CAUSE_MOVED] = 40, [CAUSE_GROWN] = 30},
                                .units = {[CAUSE_MOVED] = 1, [CAUSE_GROWN] = 1}});
  assert_area(comparing, WEST,
              (struct expected){.before = 40, .value[CAUSE_MOVED] = -40, .units[CAUSE_MOVED] = 1});
}

static void a_published_base_of_a_part_alone_is_none(void **state)
{
  (void)state;
  static const struct compare_figure now[] = {
      {.membership = IN_EAST, .value = 80, .has_published = true, .published = 70},
      {.membership = IN_EAST, .value = 50}};
  static const struct compare_figure before = {.membership = IN_EAST, .value = 100};
  CLEANUP(comparing_free) struct comparing *comparing = compare_one(now, 2, &before, 1, IN_EAST, 1, 1);
  assert_area(comparing, EAST,
              (struct expected){.now = 130,
                                .before = 100,
                                .base = 100,
                                .comparable = 130,
                                .value[CAUSE_GROWN] = 30,
                                .units[CAUSE_GROWN] = 1});
}

static void months_are_compared_with_their_own(void **state)
{
  (void)state;
  static const struct compare_figure now[] = {{.pair = 0, .membership = IN_EAST, .value = 10},
                                              {.pair = 1, .membership = IN_EAST, .value = 20}};
  static const struct compare_figure before[] = {{.pair = 1, .membership = IN_EAST, .value = 15},
                                                 {.pair = 2, .membership = IN_EAST, .value = 40}};
  CLEANUP(comparing_free) struct comparing *comparing = compare_one(now, 2, before, 2, IN_EAST, 3, 6);
  assert_area(comparing, EAST,
              (struct expected){.now = 30,
                                .before = 55,
                                .base = 15,
                                .comparable = 20,
                                .value = {[CAUSE_ENTERED] = 10, [CAUSE_LEFT] = -40, [CAUSE_GROWN] = 5},
                                .units = {[CAUSE_ENTERED] = 1, [CAUSE_LEFT] = 1, [CAUSE_GROWN] = 1}});
}

static void sums_do_not_overflow(void **state)
{
  (void)state;
  const int64_t most = (INT64_C(1) << 53) - 1;
  CLEANUP(comparing_free) struct comparing *comparing = comparing_new();
  const struct compare_figure now = {.membership = IN_EAST, .value = most},
                              before = {.membership = IN_WEST, .value = -most};
  for (int n = 0; n < 4096; n++)
    comparing_add(comparing,
                  &(struct compare_unit){
                      .now = &now, .before = &before, .now_count = 1, .before_count = 1, .today = IN_EAST});
  struct comparison zone = read_area(comparing, ZONE);
  assert_true(zone.cause[CAUSE_GROWN].value == (int128)most * 8192);
  assert_true(read_area(comparing, WEST).cause[CAUSE_MOVED].value == (int128)most * 4096);
}

/* --- against the plain way, area by area --- */

enum { PLAIN_PAIRS = 3 };

struct plain_pair {
  int128 now, before, published;
  unsigned nows, befores, publisheds;
};

/* For one area, as the words of compare.h have it. */
static void add_plainly(const struct compare_unit *unit, int64_t area, struct comparison *sum)
{
  struct plain_pair pairs[PLAIN_PAIRS] = {0};
  bool is_here = unit->today & area;
  unsigned causes = 0;
  for (size_t n = 0; n < unit->now_count; n++) {
    const struct compare_figure *figure = &unit->now[n];
    bool stands_here = figure->membership & area;
    if (stands_here) sum->now += figure->value;
    if (stands_here && figure->has_published) sum->published += figure->published;
    if (stands_here && figure->has_published) sum->published_figures++;
    sum->cause[CAUSE_MOVED].value += (stands_here - is_here) * figure->value;
    pairs[figure->pair].now += figure->value;
    pairs[figure->pair].nows++;
    if (figure->has_published) pairs[figure->pair].published += figure->published;
    pairs[figure->pair].publisheds += figure->has_published;
  }
  for (size_t n = 0; n < unit->before_count; n++) {
    const struct compare_figure *figure = &unit->before[n];
    bool stood_here = figure->membership & area;
    if (stood_here) sum->before += figure->value;
    sum->cause[CAUSE_MOVED].value += (is_here - stood_here) * figure->value;
    pairs[figure->pair].before += figure->value;
    pairs[figure->pair].befores++;
  }
  for (unsigned n = 0; is_here && n < PLAIN_PAIRS; n++) {
    const struct plain_pair *pair = &pairs[n];
    enum compare_cause new = unit->owed_before >> n & 1 ? CAUSE_NOT_REPORTED : CAUSE_ENTERED;
    enum compare_cause gone = unit->owed_now >> n & 1 ? CAUSE_NOT_REPORTED : CAUSE_LEFT;
    if (pair->nows && pair->publisheds == pair->nows) {
      sum->base += pair->published;
      sum->comparable += pair->now;
      sum->cause[CAUSE_GROWN].value += pair->now - pair->published;
      sum->cause[pair->befores ? CAUSE_BASE_REVISED : new].value += pair->published - pair->before;
      causes |= 1u << CAUSE_GROWN;
      if (!pair->befores) causes |= 1u << new;
      if (pair->befores && pair->published != pair->before) causes |= 1u << CAUSE_BASE_REVISED;
    } else if (pair->nows && pair->befores) {
      sum->base += pair->before;
      sum->comparable += pair->now;
      sum->cause[CAUSE_GROWN].value += pair->now - pair->before;
      causes |= 1u << CAUSE_GROWN;
    } else if (pair->nows) {
      sum->cause[new].value += pair->now;
      causes |= 1u << new;
    } else if (pair->befores) {
      sum->cause[gone].value -= pair->before;
      causes |= 1u << gone;
    }
  }
  for (int cause = 0; cause < CAUSE_COUNT; cause++) sum->cause[cause].units += causes >> cause & 1;
}

static int64_t any_membership(GRand *random)
{
  static const int64_t memberships[] = {NOWHERE, IN_EAST, IN_EAST, IN_WEST, EAST, EAST | WEST | ZONE};
  return memberships[g_rand_int_range(random, 0, G_N_ELEMENTS(memberships))];
}

static size_t any_figures(GRand *random, int64_t usual, struct compare_figure *ret_figures)
{
  size_t count = (size_t)g_rand_int_range(random, 0, 5);
  for (size_t n = 0; n < count; n++)
    ret_figures[n] =
        (struct compare_figure){.pair = (unsigned)g_rand_int_range(random, 0, PLAIN_PAIRS),
                                .membership = g_rand_int_range(random, 0, 3) ? usual : any_membership(random),
                                .value = g_rand_int_range(random, -50, 500),
                                .has_published = g_rand_boolean(random),
                                .published = g_rand_int_range(random, -50, 500)};
  return count;
}

static void add_at_random(GRand *random, struct comparing *comparing, struct comparison plain[ZONE + 1])
{
  struct compare_figure now[5], before[5];
  int64_t usual = any_membership(random);
  struct compare_unit unit = {.now = now,
                              .before = before,
                              .today = g_rand_int_range(random, 0, 5) ? usual : any_membership(random),
                              .owed_now = g_rand_int(random) % 8,
                              .owed_before = g_rand_int(random) % 8};
  unit.now_count = any_figures(random, usual, now);
  unit.before_count = any_figures(random, usual, before);
  if (g_rand_boolean(random)) { /* as most units are */
    unit.now_count = unit.before_count = 1;
    now[0] = (struct compare_figure){.membership = usual,
                                     .value = g_rand_int_range(random, -50, 500),
                                     .has_published = g_rand_boolean(random)};
    before[0] = (struct compare_figure){.membership = usual, .value = g_rand_int_range(random, -50, 500)};
    now[0].published = before[0].value + g_rand_int_range(random, 0, 2);
  }
  comparing_add(comparing, &unit);
  for (int64_t area = EAST; area <= ZONE; area *= 2) add_plainly(&unit, area, &plain[area]);
}

static void any_units_come_to_what_the_plain_way_gives_and_add_up(void **state)
{
  (void)state;
  g_autoptr(GRand) random = g_rand_new_with_seed(seed);
  int rounds = sample_rounds(3000);
  for (int round = 0; round < rounds; round++) {
    CLEANUP(comparing_free) struct comparing *comparing = comparing_new();
    struct comparison plain[ZONE + 1] = {0};
    CLEANUP(comparing_free) struct comparing *other = comparing_new(); /* of another thread */
    for (int units = g_rand_int_range(random, 0, 12); units > 0; units--)
      add_at_random(random, g_rand_int_range(random, 0, 3) ? comparing : other, plain);
    comparing_join(comparing, other);
    for (int64_t area = EAST; area <= ZONE; area *= 2) {
      struct comparison found = read_area(comparing, area);
      assert_true(found.now == plain[area].now && found.before == plain[area].before);
      assert_true(found.base == plain[area].base && found.comparable == plain[area].comparable);
      assert_true(found.published == plain[area].published);
      assert_int_equal(found.published_figures, plain[area].published_figures);
      assert_true(sum_of_causes(&found) == found.now - found.before);
      for (int cause = 0; cause < CAUSE_COUNT; cause++) {
        assert_true(found.cause[cause].value == plain[area].cause[cause].value);
        if (cause != CAUSE_MOVED) assert_int_equal(found.cause[cause].units, plain[area].cause[cause].units);
      }
    }
  }
}

/* --- rates --- */

static void growth_has_a_rate_on_a_base_above_zero_alone(void **state)
{
  (void)state;
  static const struct {
    int64_t now, before;
    enum growth growth;
    int64_t rate; /* in tenths */
  } cases[] = {
      {-1, 100, GROWTH_TO_LOSS, 0},     {-1, 0, GROWTH_TO_LOSS, 0},     {0, 0, GROWTH_UNCHANGED, 0},
      {5, 0, GROWTH_FROM_ZERO, 0},      {5, -5, GROWTH_TO_PROFIT, 0},   {0, -5, GROWTH_TO_PROFIT, 0},
      {-4, -5, GROWTH_LOSS_REDUCED, 0}, {-6, -5, GROWTH_LOSS_GREW, 0},  {-5, -5, GROWTH_UNCHANGED, 0},
      {0, 100, GROWTH_RATE, -1000},     {100, 100, GROWTH_RATE, 0},     {2001, 2000, GROWTH_RATE, 1},
      {1999, 2000, GROWTH_RATE, -1},    {20009, 20000, GROWTH_RATE, 0}, {272983, 290476, GROWTH_RATE, -60},
  };
  for (size_t n = 0; n < G_N_ELEMENTS(cases); n++) {
    int128 rate = 0;
    enum growth growth = compare_growth(cases[n].now, cases[n].before, 1, &rate);
    if (growth != cases[n].growth || rate != cases[n].rate)
      fail_msg("case %zu: growth %d, rate %lld", n, growth, (long long)rate);
  }
  int128 rate = 7;
  assert_int_equal(compare_growth(decimal_power10(37), 1, 1, &rate), GROWTH_UNKNOWN);
  assert_true(rate == 7);
}

static void ratios_differ_exactly_until_they_are_rounded(void **state)
{
  (void)state;
  int128 difference = 7;
  assert_false(
      compare_ratios(decimal_power10(30), 3, decimal_power10(30), decimal_power10(20) + 1, 2, &difference));
  assert_true(difference == 7);
  /* 2.2449 % to 2.2451 %: rounded first, they would differ by 0.01. */
  assert_true(compare_ratios(22451, 10000, 22449, 10000, 2, &difference));
  assert_true(difference == 0);
  assert_true(compare_ratios(100, 3, 100, 6, 2, &difference));
  assert_true(difference == 1667);
  assert_true(compare_ratios(100, 6, 100, 3, 2, &difference));
  assert_true(difference == -1667);
}

int main(void)
{
  const char *given = g_getenv("PARKTALLY_SEED");
  seed = given ? (uint32_t)strtoul(given, NULL, 10) : g_random_int();
  print_message("PARKTALLY_SEED=%u\n", seed);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_at_all_is_nothing),
      cmocka_unit_test(who_is_silent_before_entered_or_did_not_report),
      cmocka_unit_test(who_is_silent_now_left_or_did_not_report),
      cmocka_unit_test(the_published_base_is_the_base_and_its_difference_is_named),
      cmocka_unit_test(a_new_unit_that_says_what_it_did_is_comparable),
      cmocka_unit_test(a_move_restates_the_base_and_cancels_above),
      cmocka_unit_test(who_moved_and_is_silent_moved_first),
      cmocka_unit_test(predecessors_are_the_base_of_their_successor),
      cmocka_unit_test(a_published_base_of_a_part_alone_is_none),
      cmocka_unit_test(months_are_compared_with_their_own),
      cmocka_unit_test(sums_do_not_overflow),
      cmocka_unit_test(any_units_come_to_what_the_plain_way_gives_and_add_up),
      cmocka_unit_test(growth_has_a_rate_on_a_base_above_zero_alone),
      cmocka_unit_test(ratios_differ_exactly_until_they_are_rounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

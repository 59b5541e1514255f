/* Status, what is due and the gap: pure, so every edge of them is a case. */
#include "aggregator/statistics/target_status.h"

#include "aggregator/statistics/coverage.h"

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct fraction ONE = {1, 1};
static const int128 MOST = ~((int128)1 << 127);

/* One decimal: 700 is 70.0. */
static struct promise promise(enum direction direction, int64_t value, int64_t tolerance)
{
  return (struct promise){.direction = direction, .value = value, .tolerance = tolerance, .decimals = 1};
}

static enum target_status judge(struct promise promise, struct fraction standing,
                                const struct fraction *share, bool ended)
{
  enum target_status status;
  struct fraction due, gap;
  assert_true(promise_judge(&promise, standing, share, ended, &status, &due, &gap));
  return status;
}

/* --- bad input --- */

static void last_year_without_a_share_gives_none(void **state)
{
  (void)state;
  static const struct {
    struct fraction months, whole;
  } cases[] = {
      {{0, 1}, {0, 1}},                           /* zero */
      {{5, 1}, {0, 1}},                           /* no whole */
      {{5, 1}, {-10, 1}},                         /* a loss */
      {{-5, 1}, {10, 1}},                         /* made good later */
      {{11, 1}, {10, 1}},                         /* lost later */
      {{-11, 1}, {-10, 1}}, {{101, 10}, {10, 1}}, /* by a tenth */
  };
  for (size_t n = 0; n < G_N_ELEMENTS(cases); n++) {
    struct fraction share = {7, 3};
    assert_false(promise_share(cases[n].months, cases[n].whole, &share));
    assert_true(share.upper == 7 && share.lower == 3); /* untouched */
  }
}

static void a_share_is_exact(void **state)
{
  (void)state;
  struct fraction share;
  assert_true(promise_share((struct fraction){1, 1}, (struct fraction){3, 1}, &share));
  assert_true(share.upper == 1 && share.lower == 3);
  assert_true(promise_share((struct fraction){10, 1}, (struct fraction){10, 1}, &share));
  assert_true(share.upper == share.lower);
  assert_true(promise_share((struct fraction){0, 1}, (struct fraction){3, 1}, &share));
  assert_true(share.upper == 0);
}

static void what_does_not_fit_is_said(void **state)
{
  (void)state;
  struct promise of = promise(DIRECTION_AT_LEAST, 700, 0);
  enum target_status status = TARGET_STATUS_COUNT;
  struct fraction due, gap, huge = {MOST, 3};
  assert_false(promise_judge(&of, huge, &huge, false, &status, &due, &gap));
  assert_int_equal(status, TARGET_STATUS_COUNT);
  struct fraction sum = {1, 1};
  assert_false(fraction_add((struct fraction){MOST, 1}, ONE, &sum));
  assert_false(fraction_subtract((struct fraction){-MOST, 1}, (struct fraction){5, 1}, &sum));
  assert_false(fraction_multiply((struct fraction){MOST, 1}, (struct fraction){MOST, 1}, &sum));
  assert_true(sum.upper == 1 && sum.lower == 1);
}

/* --- status --- */

static void a_stage_is_judged_by_its_direction_and_unrounded(void **state)
{
  (void)state;
  static const struct {
    enum direction direction;
    int64_t value, tolerance;
    struct fraction standing;
    bool reached;
  } cases[] = {
      {DIRECTION_AT_LEAST, 700, 0, {70, 1}, true},            /* exactly */
      {DIRECTION_AT_LEAST, 700, 0, {6999999, 100000}, false}, /* shown as 70.0 */
      {DIRECTION_ABOVE, 3000, 0, {300, 1}, false},
      {DIRECTION_ABOVE, 3000, 0, {301, 1}, true},
      {DIRECTION_ABOVE, 0, 0, {1, 1000000}, true},
      {DIRECTION_ABOVE, 0, 0, {-1, 1000000}, false},
      {DIRECTION_ABOUT, 700, 10, {69, 1}, true}, /* both ends are about */
      {DIRECTION_ABOUT, 700, 10, {71, 1}, true},
      {DIRECTION_ABOUT, 700, 10, {68999, 1000}, false},
      {DIRECTION_ABOUT, 700, 10, {71001, 1000}, false},
      {DIRECTION_AT_MOST, 700, 0, {70, 1}, true},
      {DIRECTION_AT_MOST, 700, 0, {70001, 1000}, false},
      {DIRECTION_AT_LEAST, -50, 0, {-5, 1}, true}, /* a loss of at most 5 */
      {DIRECTION_AT_LEAST, -50, 0, {-51, 10}, false},
  };
  for (size_t n = 0; n < G_N_ELEMENTS(cases); n++) {
    struct promise of = promise(cases[n].direction, cases[n].value, cases[n].tolerance);
    print_message("case %zu\n", n);
    assert_int_equal(judge(of, cases[n].standing, NULL, true), cases[n].reached ? TARGET_MET : TARGET_BEHIND);
    assert_int_equal(judge(of, cases[n].standing, NULL, false),
                     cases[n].reached ? TARGET_ON_COURSE : TARGET_BEHIND);
  }
  assert_int_equal(judge(promise(DIRECTION_TRACKED, 0, 0), ONE, NULL, true), TARGET_TRACKED);
}

/* Of 100.0 a third is due. */
static void a_flow_is_held_to_last_year_s_share_of_its_stage(void **state)
{
  (void)state;
  static const struct fraction third = {1, 3}, nothing = {0, 1};
  static const struct {
    enum direction direction;
    struct fraction standing;
    bool ended;
    enum target_status status;
  } cases[] = {
      {DIRECTION_AT_LEAST, {33333, 1000}, false, TARGET_BEHIND},
      {DIRECTION_AT_LEAST, {100, 3}, false, TARGET_ON_COURSE}, /* exactly */
      {DIRECTION_AT_LEAST, {100, 1}, false, TARGET_MET},       /* the whole stage, before the year is over */
      {DIRECTION_AT_LEAST, {100, 3}, true, TARGET_BEHIND},
      {DIRECTION_ABOVE, {100, 3}, false, TARGET_BEHIND},
      {DIRECTION_ABOVE, {34, 1}, false, TARGET_ON_COURSE},
      {DIRECTION_ABOVE, {100, 1}, false, TARGET_ON_COURSE},
      {DIRECTION_ABOVE, {101, 1}, false, TARGET_MET},
      {DIRECTION_AT_MOST, {33, 1}, false, TARGET_ON_COURSE}, /* a ceiling is kept at the end only */
      {DIRECTION_AT_MOST, {34, 1}, false, TARGET_BEHIND},
      {DIRECTION_ABOUT, {100, 1}, false, TARGET_BEHIND}, /* far too much by now */
  };
  for (size_t n = 0; n < G_N_ELEMENTS(cases); n++) {
    print_message("case %zu\n", n);
    assert_int_equal(judge(promise(cases[n].direction, 1000, 0), cases[n].standing, &third, cases[n].ended),
                     cases[n].status);
  }
  /* The tolerance is a share of itself: 100 ± 9 is 33.33 ± 3. */
  assert_int_equal(judge(promise(DIRECTION_ABOUT, 1000, 90), (struct fraction){91, 3}, &third, false),
                   TARGET_ON_COURSE);
  assert_int_equal(judge(promise(DIRECTION_ABOUT, 1000, 90), (struct fraction){90, 3}, &third, false),
                   TARGET_BEHIND);
  /* Nothing in these months of last year: nothing is due. */
  assert_int_equal(judge(promise(DIRECTION_AT_LEAST, 1000, 0), nothing, &nothing, false), TARGET_ON_COURSE);
}

static void the_gap_is_the_standing_less_what_is_due(void **state)
{
  (void)state;
  static const struct fraction third = {1, 3};
  struct promise of = promise(DIRECTION_AT_LEAST, 1000, 5);
  enum target_status status;
  struct fraction due, gap;
  assert_true(promise_judge(&of, (struct fraction){30, 1}, &third, false, &status, &due, &gap));
  assert_true(due.upper * 3 == 100 * due.lower);
  assert_true(gap.upper * 3 == -10 * gap.lower);
  assert_true(promise_judge(&of, (struct fraction){30, 1}, NULL, false, &status, &due, &gap));
  assert_true(due.upper == 100 * due.lower && gap.upper == -70 * gap.lower);
}

static void fractions_agree_with_small_numbers(void **state)
{
  (void)state;
  const char *given = g_getenv("PARKTALLY_SEED");
  guint32 seed = given ? (guint32)g_ascii_strtoull(given, NULL, 10) : g_random_int();
  print_message("PARKTALLY_SEED=%u\n", seed);
  g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
  for (int round = 0; round < 2000; round++) {
    int a = g_rand_int_range(rand, -50, 50), b = g_rand_int_range(rand, 1, 50);
    int c = g_rand_int_range(rand, -50, 50), d = g_rand_int_range(rand, 1, 50);
    struct fraction x = {a, b}, y = {c, d}, result;
    int order;
    assert_true(fraction_add(x, y, &result) && result.lower > 0);
    assert_true(result.upper * b * d == result.lower * (a * d + c * b));
    assert_true(fraction_subtract(x, y, &result) && result.upper * b * d == result.lower * (a * d - c * b));
    assert_true(fraction_multiply(x, y, &result) && result.upper * b * d == result.lower * (a * c));
    if (c != 0) {
      assert_true(fraction_divide(x, y, &result) && result.lower > 0);
      assert_true(result.upper * b * c == result.lower * (a * d));
    }
    assert_true(fraction_compare(x, y, &order));
    assert_int_equal(order, (a * d > c * b) - (a * d < c * b));
  }
}

/* --- coverage --- */

static void coverage_is_held_to_its_least_by_value_and_unrounded(void **state)
{
  (void)state;
  static const struct {
    struct coverage coverage;
    unsigned least;
    bool below;
  } cases[] = {
      {{0}, 100, false},                           /* nobody owes anything */
      {{.expected = 2, .reported = 1}, 50, false}, /* by units, where no value is known */
      {{.expected = 3, .reported = 1}, 50, true},
      {{.expected = 3, .reported = 1, .weight = 10, .weight_reported = 5}, 50, false},
      {{.expected = 3, .reported = 2, .weight = 100001, .weight_reported = 50000}, 50, true}, /* 49.9995 % */
      {{.expected = 3, .reported = 0, .weight = 10}, 0, false},
      {{.expected = 3, .reported = 2, .weight = 10, .weight_reported = 9}, 100, true},
  };
  for (size_t n = 0; n < G_N_ELEMENTS(cases); n++)
    assert_int_equal(coverage_is_below(&cases[n].coverage, cases[n].least), cases[n].below);
}

static void each_status_has_a_code(void **state)
{
  (void)state;
  for (int status = 0; status < TARGET_STATUS_COUNT; status++) {
    assert_true(strlen(target_status_code((enum target_status)status)) > 2);
    assert_true(strlen(target_status_name((enum target_status)status)) > 2);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(last_year_without_a_share_gives_none),
      cmocka_unit_test(a_share_is_exact),
      cmocka_unit_test(what_does_not_fit_is_said),
      cmocka_unit_test(a_stage_is_judged_by_its_direction_and_unrounded),
      cmocka_unit_test(a_flow_is_held_to_last_year_s_share_of_its_stage),
      cmocka_unit_test(the_gap_is_the_standing_less_what_is_due),
      cmocka_unit_test(fractions_agree_with_small_numbers),
      cmocka_unit_test(coverage_is_held_to_its_least_by_value_and_unrounded),
      cmocka_unit_test(each_status_has_a_code),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Coverage as numbers: units that owe and do not, nil, late, and shares that never round up to all. */
#include "aggregator/statistics/coverage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void units_count_once_for_each_thing_that_is_true_of_them(void **state)
{
  (void)state;
  static const struct coverage_unit units[] = {
      {.expected = true},
      {.expected = true, .known = true, .weight = 30},
      {.expected = true, .reported = true, .nil = true},
      {.expected = true, .reported = true, .late = true, .corrected = true, .known = true, .weight = 60},
      {.expected = true, .reported = true, .other_park = true, .known = true, .weight = 10},
      {.reported = true, .late = true, .known = true, .weight = 1000},
      {.known = true, .weight = 1000},
  };
  struct coverage coverage = {0}, twice = {0};
  for (size_t n = 0; n < sizeof units / sizeof units[0]; n++) coverage_count(&coverage, &units[n]);
  coverage_add(&twice, &coverage);
  coverage_add(&twice, &coverage);
  const struct coverage expected = {.expected = 5,
                                    .reported = 3,
                                    .nil = 1,
                                    .late = 1,
                                    .corrected = 1,
                                    .other_park = 1,
                                    .unknown = 2,
                                    .unexpected = 1,
                                    .weight = 100,
                                    .weight_reported = 70};
  assert_memory_equal(&coverage, &expected, sizeof coverage);
  assert_int_equal(coverage_missing(&twice), 4);
  assert_int_equal(coverage_on_time(&twice), 4);
  int128 percent;
  assert_true(coverage_of_units(&twice, &percent) && percent == 600);
  assert_true(coverage_of_value(&twice, &percent) && percent == 700);
}

static void of_nothing_there_is_no_share_and_all_but_one_is_not_all(void **state)
{
  (void)state;
  int128 percent;
  assert_false(coverage_of_units(&(struct coverage){0}, &percent));
  assert_false(coverage_of_value(&(struct coverage){.expected = 1, .reported = 1}, &percent));
  assert_true(coverage_of_units(&(struct coverage){.expected = 1000000, .reported = 999999}, &percent));
  assert_true(percent == 999);
  assert_true(coverage_of_units(&(struct coverage){.expected = 1000000, .reported = 1000000}, &percent));
  assert_true(percent == 1000);
  assert_true(coverage_of_units(&(struct coverage){.expected = 3, .reported = 2}, &percent) &&
              percent == 667);
  int128 huge = (int128)INT64_MAX * 1000000; /* a million of the largest figures */
  assert_true(coverage_of_value(&(struct coverage){.weight = huge, .weight_reported = huge / 2}, &percent));
  assert_true(percent == 500);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(units_count_once_for_each_thing_that_is_true_of_them),
      cmocka_unit_test(of_nothing_there_is_no_share_and_all_but_one_is_not_all),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

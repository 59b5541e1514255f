/* What one agent may add within a day. */
#include "aggregator/allowance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HOUR_MS ((int64_t)3600 * 1000)

static bool take(struct allowances *allowances, const char *agent, int64_t bytes, int64_t hours)
{
  int64_t taken;

  return allowances_take(allowances, agent, bytes, 100, (struct mono_time){hours * HOUR_MS}, &taken);
}

static void who_has_taken_his_share_waits_for_another_day_and_nobody_else_does(void **state)
{
  CLEANUP(allowances_free) struct allowances *allowances = allowances_new();

  (void)state;
  assert_false(take(allowances, "east-1", 101, 5));
  assert_true(take(allowances, "east-1", 60, 5));
  assert_false(take(allowances, "east-1", 41, 6));
  assert_true(take(allowances, "east-1", 40, 7)); /* what did not fit took nothing */
  assert_false(take(allowances, "east-1", 1, 28));
  assert_true(take(allowances, "west-1", 100, 28));
  assert_true(take(allowances, "east-1", 100, 29)); /* a day after its first */
  assert_false(take(allowances, "west-1", 1, 51));
  assert_true(take(allowances, "west-1", 1, 52));
  assert_false(take(allowances, "east-1", 1, 52));
}

static void it_tells_how_much_is_taken(void **state)
{
  CLEANUP(allowances_free) struct allowances *allowances = allowances_new();
  int64_t taken;

  (void)state;
  assert_true(allowances_take(allowances, "a", 7, INT64_MAX, (struct mono_time){0}, &taken));
  assert_true(allowances_take(allowances, "a", INT64_MAX - 7, INT64_MAX, (struct mono_time){1}, &taken));
  assert_true(taken == INT64_MAX);
  assert_false(allowances_take(allowances, "a", 1, INT64_MAX, (struct mono_time){2}, &taken));
  assert_true(taken == INT64_MAX);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(who_has_taken_his_share_waits_for_another_day_and_nobody_else_does),
      cmocka_unit_test(it_tells_how_much_is_taken),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "common/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void a_moment_is_written_in_utc_rounded_down(void **state)
{
  (void)state;
  static const struct {
    int64_t ms;
    const char *text;
  } cases[] = {
      {-1, "1969-12-31T23:59:59Z"},
      {-1000, "1969-12-31T23:59:59Z"},
      {-1001, "1969-12-31T23:59:58Z"},
      {0, "1970-01-01T00:00:00Z"},
      {1528632000999, "2018-06-10T12:00:00Z"},
      {4102444800000, "2100-01-01T00:00:00Z"},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *text = clock_format((struct wall_time){cases[i].ms});
    assert_string_equal(text, cases[i].text);
  }
}

static struct wall_time fixed(void)
{
  return (struct wall_time){42};
}

static void a_test_can_set_the_wall_clock_and_give_it_back(void **state)
{
  (void)state;
  clock_replace(fixed);
  assert_int_equal(clock_wall().ms, 42);
  clock_replace(NULL);
  assert_int_not_equal(clock_wall().ms, 42);
}

static void a_duration_is_never_negative(void **state)
{
  (void)state;
  struct mono_time now = clock_mono();
  assert_int_equal(clock_since((struct mono_time){now.ms + 1000000}), 0);
  assert_true(clock_since((struct mono_time){now.ms - 1000}) >= 1000);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_moment_is_written_in_utc_rounded_down),
      cmocka_unit_test(a_test_can_set_the_wall_clock_and_give_it_back),
      cmocka_unit_test(a_duration_is_never_negative),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

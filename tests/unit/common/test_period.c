#include "common/period.h"

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void what_is_not_canonical_is_no_period(void **state)
{
  (void)state;
  static const char *const cases[] = {
      "",        "2018-13", "2018-00",    "2018-5",         "2018-Q0",     "2018-Q5",     "2018-Q",
      "2018-q2", "18",      "1899",       "3000",           "2018-02/P2M", "2018-01/P3M", "2018-01/P2M ",
      "2018-",   "2018/05", "2018-05-31", "2018-01-02/P2M", "2018-Q22",    "2018年5月",   "20180",
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    struct period period;
    if (period_parse(cases[i], &period)) fail_msg("%s", cases[i]);
  }
}

static void canonical_periods_come_back_the_same(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    struct period period;
    const char *first, *last;
  } cases[] = {
      {"2018-05", {2018, 5, 1}, "2018-05-01", "2018-05-31"},
      {"2018-Q4", {2018, 10, 3}, "2018-10-01", "2018-12-31"},
      {"2016-02", {2016, 2, 1}, "2016-02-01", "2016-02-29"},
      {"1900-02", {1900, 2, 1}, "1900-02-01", "1900-02-28"},
      {"2018", {2018, 1, 12}, "2018-01-01", "2018-12-31"},
      {"2018-01/P2M", {2018, 1, 2}, "2018-01-01", "2018-02-28"},
      {"2999-12", {2999, 12, 1}, "2999-12-01", "2999-12-31"},
  };
  char text[PERIOD_TEXT_SIZE];
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    struct period period, back;
    assert_true(period_parse(cases[i].text, &period));
    assert_true(period_equal(period, cases[i].period));
    assert_string_equal(period_format(period, text), cases[i].text);
    assert_true(period_from_key(period_key(period), &back) && period_equal(period, back));
    assert_string_equal(day_format(period_first_day(period), text), cases[i].first);
    assert_string_equal(day_format(period_last_day(period), text), cases[i].last);
  }
  struct period sdmx;
  assert_true(period_parse("2018-01-01/P2M", &sdmx));
  assert_string_equal(period_format(sdmx, text), "2018-01/P2M");
}

static void people_write_periods_in_many_ways(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    int year_offset;
    const char *period; /* NULL: none */
  } cases[] = {
      {"2018年5月", 0, "2018-05"},
      {"2018 年 05 月", 0, "2018-05"},
      {"2018年5月份", 0, "2018-05"},
      {"201805", 0, "2018-05"},
      {"20180531", 0, "2018-05"},
      {"2018/5", 0, "2018-05"},
      {"2018.5", 0, "2018-05"},
      {"2018-5", 0, "2018-05"},
      {"2018-05-31", 0, "2018-05"},
      {"2018/5/1", 0, "2018-05"},
      {"2018-1-2", 0, "2018-01"},
      {"2018年5月31日", 0, "2018-05"},
      {"2018年", 0, "2018"},
      {"2018年度", 0, "2018"},
      {"2018", 0, "2018"},
      {"2018年1-2月", 0, "2018-01/P2M"},
      {"2018年1—2月", 0, "2018-01/P2M"},
      {"2018年1～2月", 0, "2018-01/P2M"},
      {"2018年01-02月", 0, "2018-01/P2M"},
      {"2018-01/p2m", 0, "2018-01/P2M"}, /* titles are compared in lower case */
      {"2018年二季度", 0, "2018-Q2"},
      {"2018年第2季度", 0, "2018-Q2"},
      {"2018年第四季度", 0, "2018-Q4"},
      {"2018Q3", 0, "2018-Q3"},
      {"2018-q3", 0, "2018-Q3"},
      {"43221", 0, "2018-05"}, /* 2018-05-01 */
      {"43220", 0, "2018-04"},
      {"20000", 0, "1954-10"},
      {"11402", 1911, "2025-02"},
      {"114年2月", 1911, "2025-02"},
      {"114/2", 1911, "2025-02"},
      {"9912", 1911, "2010-12"},
      {"114", 1911, "2025"},
      {"43221", 1911, "2018-05"},
      {"", 0, NULL},
      {"5月", 0, NULL},
      {"2018年13月", 0, NULL},
      {"2018年1-3月", 0, NULL},
      {"2018年2-3月", 0, NULL},
      {"2018年五季度", 0, NULL},
      {"2018年5季度", 0, NULL},
      {"2018-02-30", 0, NULL},
      {"2018-05/31", 0, NULL},
      {"201813", 0, NULL},
      {"20181301", 0, NULL},
      {"19999", 0, NULL},
      {"80001", 0, NULL},
      {"11402", 0, NULL},
      {"114", 0, NULL},
      {"11413", 1911, NULL},
      {"2018年5月x", 0, NULL},
      {"123456789", 0, NULL},
      {"2018年5月31日2018年5月31日2018年5月31日2018年5月31日", 0, NULL},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    struct period period;
    char text[PERIOD_TEXT_SIZE] = "";
    bool read = period_read(cases[i].text, cases[i].year_offset, &period);
    if (read) period_format(period, text);
    if (g_strcmp0(read ? text : NULL, cases[i].period)) fail_msg("%s was read as %s", cases[i].text, text);
  }
}

static void keys_sort_by_year_month_and_length(void **state)
{
  (void)state;
  static const char *const ascending[] = {"2017-12", "2018-01", "2018-01/P2M", "2018-Q1", "2018", "2018-02"};
  int32_t last = 0;
  for (size_t i = 0; i < G_N_ELEMENTS(ascending); i++) {
    struct period period;
    assert_true(period_parse(ascending[i], &period));
    assert_true(period_key(period) > last);
    last = period_key(period);
  }
  struct period none;
  static const int32_t bad[] = {0, -1, 20180113, 20181301, 20180202, 20180103 - 1900 * 10000, 20180203};
  for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) assert_false(period_from_key(bad[i], &none));
}

static void a_period_contains_its_months_only(void **state)
{
  (void)state;
  struct period year = {2018, 1, 12}, joint = {2018, 1, 2}, february = {2018, 2, 1}, march = {2018, 3, 1};
  assert_true(period_contains(year, joint) && period_contains(joint, february) &&
              period_contains(march, march));
  assert_false(period_contains(joint, march));
  assert_false(period_contains(february, joint));
  assert_false(period_contains((struct period){2017, 1, 12}, march));
  assert_true(period_equal(period_last_year(joint), (struct period){2017, 1, 2}));
}

static void days_are_strict_and_come_back(void **state)
{
  (void)state;
  static const char *const bad[] = {"",           "2018-6-01",  "2018-06-31",  "2018-02-29", "2018-00-01",
                                    "2018-06-00", "2018/06/01", "2018-06-01 ", "0000-01-01", "201-06-011"};
  day_number day;
  for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
    if (day_parse(bad[i], &day)) fail_msg("%s", bad[i]);
  char text[PERIOD_TEXT_SIZE];
  assert_true(day_parse("1970-01-01", &day));
  assert_int_equal(day, 0);
  assert_true(day_parse("9999-12-31", &day));
  assert_string_equal(day_format(day, text), "9999-12-31");
  assert_string_equal(day_format(DAY_NONE, text), "");
  assert_string_equal(day_format(DAY_MIN, text), "");
  assert_true(day_parse("1895-03-01", &day));
  for (int i = 0; i < 200000; i++, day++) {
    day_number back;
    if (!day_parse(day_format(day, text), &back) || back != day) fail_msg("%d %s", day, text);
  }
}

static void every_day_is_written_as_printf_writes_it(void **state)
{
  (void)state;
  enum { JULIAN_1970 = 719163 };
  char text[PERIOD_TEXT_SIZE], expected[PERIOD_TEXT_SIZE];
  for (guint32 julian = 1; julian < 1100 * 366; julian++) {
    /* The first centuries, and those around ours. */
    guint32 shifted = julian < 300 * 366 ? julian : julian + 1400 * 365;
    GDate date;
    g_date_clear(&date, 1);
    g_date_set_julian(&date, shifted);
    g_snprintf(expected, sizeof expected, "%04d-%02d-%02d", (int)g_date_get_year(&date),
               (int)g_date_get_month(&date), (int)g_date_get_day(&date));
    day_format((day_number)shifted - JULIAN_1970, text);
    if (strcmp(text, expected) != 0) fail_msg("%s instead of %s", text, expected);
  }
}

static void days_that_no_calendar_has_are_written_whole(void **state)
{
  (void)state;
  static const struct {
    day_number day;
    const char *text;
  } cases[] = {
      {DAY_MIN + 1, "-5877641-06-24"}, {-720626, "-004-12-29"},  {-719529, "-001-12-31"},
      {-719528, "0000-01-01"},         {-719163, "0000-12-31"},  {-719162, "0001-01-01"},
      {2932896, "9999-12-31"},         {2932897, "10000-01-01"}, {DAY_NONE - 1, "5881580-07-10"},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    char text[PERIOD_TEXT_SIZE];
    assert_string_equal(day_format(cases[i].day, text), cases[i].text);
  }
}

static void every_period_is_written_as_printf_writes_it(void **state)
{
  (void)state;
  char text[PERIOD_TEXT_SIZE], expected[PERIOD_TEXT_SIZE];
  for (int16_t year = 1900; year < 3000; year++)
    for (uint8_t month = 1; month <= 12; month++) {
      g_snprintf(expected, sizeof expected, "%04d-%02d", year, month);
      assert_string_equal(period_format((struct period){year, month, 1}, text), expected);
      if (month % 3 != 1) continue;
      g_snprintf(expected, sizeof expected, "%04d-Q%d", year, month / 3 + 1);
      assert_string_equal(period_format((struct period){year, month, 3}, text), expected);
      if (month != 1) continue;
      g_snprintf(expected, sizeof expected, "%04d-01/P2M", year);
      assert_string_equal(period_format((struct period){year, month, 2}, text), expected);
      g_snprintf(expected, sizeof expected, "%04d", year);
      assert_string_equal(period_format((struct period){year, month, 12}, text), expected);
    }
}

static void the_later_period_ends_later_or_is_longer(void **state)
{
  (void)state;
  static const struct period ascending[] = {{2017, 12, 1}, {2017, 10, 3}, {2017, 1, 12}, {2018, 1, 1},
                                            {2018, 2, 1},  {2018, 1, 2},  {2018, 3, 1},  {2018, 1, 3}};
  for (size_t i = 0; i < sizeof ascending / sizeof *ascending; i++)
    for (size_t j = 0; j < sizeof ascending / sizeof *ascending; j++)
      assert_int_equal(period_is_later(ascending[i], ascending[j]), i > j);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_not_canonical_is_no_period),
      cmocka_unit_test(canonical_periods_come_back_the_same),
      cmocka_unit_test(people_write_periods_in_many_ways),
      cmocka_unit_test(keys_sort_by_year_month_and_length),
      cmocka_unit_test(a_period_contains_its_months_only),
      cmocka_unit_test(days_are_strict_and_come_back),
      cmocka_unit_test(every_day_is_written_as_printf_writes_it),
      cmocka_unit_test(days_that_no_calendar_has_are_written_whole),
      cmocka_unit_test(every_period_is_written_as_printf_writes_it),
      cmocka_unit_test(the_later_period_ends_later_or_is_longer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

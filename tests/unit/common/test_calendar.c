/* Days that are worked, and deadlines in the zone's own time: across weekends, holidays, ends of months and
 * years, and clocks that are put forward and back. */
#include "common/calendar.h"

#include "small_catalogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char HOLIDAYS[] = "holidays: [2018-06-18, 2018-02-15/2018-02-21, 2018-10-01/2018-10-07]\n"
                               "workdays: [2018-02-11, 2018-02-24]\n";

/* The small catalogue in another zone, with holidays, and with this deadline on its monthly and its yearly
 * form ("" for none). */
static struct catalogue *compile(const char *zone, const char *due)
{
  g_auto(GStrv) parts = g_strsplit(small_catalogue_text, "timezone: UTC\n", 2);
  g_autofree char *line = *due ? g_strdup_printf("    due: %s\n", due) : g_strdup("");
  g_auto(GStrv) forms = g_strsplit(parts[1], "    every: month\n", 2);
  g_auto(GStrv) years = g_strsplit(forms[1], "    every: year\n", 2);
  g_autofree char *text = g_strdup_printf("%stimezone: %s\n%s%s    every: month\n%s%s    every: year\n%s%s",
                                          parts[0], zone, HOLIDAYS, forms[0], line, years[0], line, years[1]);
  g_autoptr(GError) error = NULL;
  struct catalogue *catalogue = catalogue_compile("calendar.yaml", text, strlen(text), &error);
  if (!catalogue) fail_msg("%s", error->message);
  return catalogue;
}

static day_number day(const char *text)
{
  day_number number;
  assert_true(day_parse(text, &number));
  return number;
}

/* "2018-06-11T10:00" in UTC. */
static int64_t moment(const char *text)
{
  g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
  g_autofree char *seconds = g_strconcat(text, ":00", NULL);
  g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(seconds, utc);
  assert_non_null(time);
  return g_date_time_to_unix(time) * 1000;
}

static void weekends_and_holidays_are_not_worked_but_for_the_days_that_make_up_for_them(void **state)
{
  (void)state;
  CLEANUP(catalogue_unref) struct catalogue *catalogue = compile("Asia/Shanghai", "");
  static const struct {
    const char *day;
    bool worked;
  } cases[] = {
      {"2018-06-15", true},  {"2018-06-16", false}, {"2018-06-17", false}, {"2018-06-18", false},
      {"2018-06-19", true},  {"2018-02-11", true},  {"2018-02-10", false}, {"2018-02-14", true},
      {"2018-02-15", false}, {"2018-02-21", false}, {"2018-02-22", true},  {"2018-02-24", true},
      {"2018-02-25", false}, {"1969-12-27", false}, {"1969-12-28", false}, {"1969-12-29", true},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
    if (calendar_is_worked(catalogue, day(cases[i].day)) != cases[i].worked)
      fail_msg("%s is %sworked", cases[i].day, cases[i].worked ? "not " : "");
}

static void a_deadline_moves_to_the_next_day_that_is_worked(void **state)
{
  (void)state;
  static const struct {
    const char *zone, *due, *form, *period;
    const char *utc;   /* of the moment */
    const char *shown; /* in the zone's time */
  } cases[] = {
      /* a Monday; no summer time: always 8 hours ahead */
      {"Asia/Shanghai", "{day: 11, time: '18:00'}", "monthly", "2018-05", "2018-06-11T10:00",
       "2018-06-11 18:00"},
      /* a Sunday */
      {"Asia/Shanghai", "{day: 10, time: '18:00'}", "monthly", "2018-05", "2018-06-11T10:00",
       "2018-06-11 18:00"},
      /* a Saturday before a holiday on Monday */
      {"Asia/Shanghai", "{day: 16}", "monthly", "2018-05", "2018-06-19T16:00", "2018-06-19 24:00"},
      /* in the midst of a week of holidays */
      {"Asia/Shanghai", "{day: 17, time: '09:30'}", "monthly", "2018-01", "2018-02-22T01:30",
       "2018-02-22 09:30"},
      /* a Sunday that is worked */
      {"Asia/Shanghai", "{day: 11, time: '18:00'}", "monthly", "2018-01", "2018-02-11T10:00",
       "2018-02-11 18:00"},
      /* no 31st: the last of February, a Wednesday; of April, a Monday */
      {"Asia/Shanghai", "{day: 31}", "monthly", "2018-01", "2018-02-28T16:00", "2018-02-28 24:00"},
      {"Asia/Shanghai", "{day: 31}", "monthly", "2018-03", "2018-04-30T16:00", "2018-04-30 24:00"},
      /* a leap day, a Saturday: into the next month */
      {"Asia/Shanghai", "{day: 31}", "monthly", "2020-01", "2020-03-02T16:00", "2020-03-02 24:00"},
      /* over the end of the year */
      {"Asia/Shanghai", "{day: 11}", "monthly", "2018-12", "2019-01-11T16:00", "2019-01-11 24:00"},
      {"Asia/Shanghai", "{month: 3, day: 11}", "monthly", "2018-11", "2019-02-11T16:00", "2019-02-11 24:00"},
      {"Asia/Shanghai", "{month: 3, day: 12}", "carriers", "2018", "2019-03-12T16:00", "2019-03-12 24:00"},
      {"Asia/Shanghai", "{month: 12, day: 31}", "carriers", "2018", "2019-12-31T16:00", "2019-12-31 24:00"},
      {"Asia/Shanghai", "{day: 1, time: '00:00'}", "monthly", "2018-05", "2018-05-31T16:00",
       "2018-05-31 24:00"},
      /* behind UTC, in summer and in winter time */
      {"America/New_York", "{day: 11, time: '18:00'}", "monthly", "2018-05", "2018-06-11T22:00",
       "2018-06-11 18:00"},
      {"America/New_York", "{day: 11, time: '18:00'}", "monthly", "2018-11", "2018-12-11T23:00",
       "2018-12-11 18:00"},
      /* clocks put forward at 00:00 on Sunday 2018-11-04: of a weekday nothing is left out */
      {"America/Sao_Paulo", "{day: 5, time: '00:30'}", "monthly", "2018-10", "2018-11-05T02:30",
       "2018-11-05 00:30"},
      {"UTC", "{day: 11, time: '18:00'}", "monthly", "2018-05", "2018-06-11T18:00", "2018-06-11 18:00"},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    CLEANUP(catalogue_unref) struct catalogue *catalogue = compile(cases[i].zone, cases[i].due);
    struct period period;
    assert_true(period_parse(cases[i].period, &period));
    int64_t due = calendar_due(catalogue, catalogue_form(catalogue, cases[i].form), period);
    g_autofree char *shown = calendar_format_due(catalogue, due);
    if (due != moment(cases[i].utc) || strcmp(shown, cases[i].shown) != 0)
      fail_msg("%s %s of %s: found %s (%" G_GINT64_FORMAT "), expected %s (%" G_GINT64_FORMAT ")",
               cases[i].zone, cases[i].due, cases[i].period, shown, due, cases[i].shown,
               moment(cases[i].utc));
  }
}

/* A Friday on which clocks go from 00:00 to 01:00, and one on which they show 23:00 to 24:00 twice. */
static void a_time_that_the_clocks_leave_out_or_show_twice_is_a_deadline_too(void **state)
{
  (void)state;
  struct period february = {2013, 2, 1}, september = {2013, 9, 1};
  CLEANUP(catalogue_unref) struct catalogue *forward = compile("Asia/Damascus", "{day: 29, time: '00:30'}");
  CLEANUP(catalogue_unref) struct catalogue *back = compile("Asia/Damascus", "{day: 24, time: '23:30'}");
  int form = catalogue_form(forward, "monthly");
  /* Damascus went back at 00:00 of Friday 2013-10-25: 23:30 of Thursday was shown twice */
  assert_true(calendar_due(back, form, september) == moment("2013-10-24T20:30"));
  /* and forward at 00:00 of Friday 2013-03-29 */
  int64_t due = calendar_due(forward, form, february);
  assert_true(due == moment("2013-03-28T22:00"));
  assert_int_equal(calendar_day(forward, due), day("2013-03-29"));
}

static void a_form_without_a_deadline_is_never_due(void **state)
{
  (void)state;
  CLEANUP(catalogue_unref) struct catalogue *catalogue = compile("Asia/Shanghai", "");
  assert_true(calendar_due(catalogue, 0, (struct period){2018, 5, 1}) == CALENDAR_NEVER);
  g_autofree char *due = calendar_format_due(catalogue, CALENDAR_NEVER);
  g_autofree char *time = calendar_format(catalogue, CALENDAR_NEVER);
  assert_string_equal(due, "");
  assert_string_equal(time, "");
}

static void a_period_begins_at_midnight_in_the_zone(void **state)
{
  (void)state;
  CLEANUP(catalogue_unref) struct catalogue *catalogue = compile("Asia/Shanghai", "");
  struct period june = {2018, 6, 1};
  int64_t midnight = moment("2018-05-31T16:00");
  assert_false(calendar_has_begun(catalogue, june, midnight - 1));
  assert_true(calendar_has_begun(catalogue, june, midnight));
  assert_int_equal(calendar_day(catalogue, midnight - 1), day("2018-05-31"));
  assert_int_equal(calendar_day(catalogue, midnight), day("2018-06-01"));
  assert_int_equal(calendar_day(catalogue, moment("1969-12-31T15:59")), day("1969-12-31"));
  g_autofree char *before = calendar_format(catalogue, midnight - 1);
  g_autofree char *after = calendar_format(catalogue, midnight);
  assert_string_equal(before, "2018-05-31 23:59");
  assert_string_equal(after, "2018-06-01 00:00");
}

static void a_zone_that_the_machine_does_not_know_is_told(void **state)
{
  (void)state;
  CLEANUP(catalogue_unref) struct catalogue *known = compile("Asia/Shanghai", "");
  CLEANUP(catalogue_unref) struct catalogue *unknown = compile("Asia/Nowhere", "{day: 11, time: '18:00'}");
  assert_true(calendar_knows_zone(known));
  assert_false(calendar_knows_zone(unknown));
  assert_true(calendar_due(unknown, 0, (struct period){2018, 5, 1}) == moment("2018-06-11T18:00"));
}

/* The shipped catalogue: what its year looks like. */
static void the_shipped_deadlines_are_on_days_that_are_worked(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  g_autofree char *path = g_build_filename(SOURCE_DIR, "deploy", "catalogue", "liuzhou.yaml", NULL);
  CLEANUP(catalogue_unref) struct catalogue *catalogue = catalogue_read(path, &error);
  if (!catalogue) fail_msg("%s", error->message);
  int form = catalogue_form(catalogue, "output-monthly");
  static const struct {
    struct period period;
    const char *due;
  } cases[] = {
      {{2018, 1, 2}, "2018-03-12 18:00"}, /* the 11th is a Sunday */
      {{2018, 5, 1}, "2018-06-11 18:00"}, {{2018, 8, 1}, "2018-09-11 18:00"},
      {{2018, 9, 1}, "2018-10-11 18:00"}, {{2020, 9, 1}, "2020-10-12 18:00"},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *due = calendar_format_due(catalogue, calendar_due(catalogue, form, cases[i].period));
    assert_string_equal(due, cases[i].due);
  }
  for (size_t n = 0; n < catalogue->form_count; n++)
    assert_true(catalogue->forms[n].due.month > 0 || catalogue->forms[n].retired);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(weekends_and_holidays_are_not_worked_but_for_the_days_that_make_up_for_them),
      cmocka_unit_test(a_deadline_moves_to_the_next_day_that_is_worked),
      cmocka_unit_test(a_time_that_the_clocks_leave_out_or_show_twice_is_a_deadline_too),
      cmocka_unit_test(a_form_without_a_deadline_is_never_due),
      cmocka_unit_test(a_period_begins_at_midnight_in_the_zone),
      cmocka_unit_test(a_zone_that_the_machine_does_not_know_is_told),
      cmocka_unit_test(the_shipped_deadlines_are_on_days_that_are_worked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

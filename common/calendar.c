#include "common/calendar.h"

#include <string.h>

enum { MINUTES_OF_DAY = 24 * 60, SECONDS_OF_DAY = 24 * 3600, SUNDAY = 0, SATURDAY = 6 };

/* --- the zone's time --- */

/* Of the catalogue, made when it is first asked for; NULL is UTC. */
static GTimeZone *zone_of(const struct catalogue *catalogue)
{
  struct zone_time *time = catalogue->time;
  if (g_once_init_enter(&time->is_read)) {
    time->zone = g_time_zone_new_identifier(catalogue->timezone);
    g_once_init_leave(&time->is_read, 1);
  }
  return time->zone;
}

bool calendar_knows_zone(const struct catalogue *catalogue)
{
  return zone_of(catalogue) != NULL;
}

/* Rounded down, before 1970 too. */
static int64_t divide_down(int64_t value, int64_t by)
{
  return value / by - (value % by < 0);
}

/* Local seconds of a moment. */
static int64_t local_seconds(const struct catalogue *catalogue, int64_t wall_ms)
{
  GTimeZone *zone = zone_of(catalogue);
  int64_t seconds = divide_down(wall_ms, 1000);
  int interval = zone ? g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, seconds) : -1;
  return interval < 0 ? seconds : seconds + g_time_zone_get_offset(zone, interval);
}

/* The moment of a local time; of one that the clocks left out, that at which they went on, and of one that
 * they show twice, the first. */
static int64_t moment_of(const struct catalogue *catalogue, int64_t local)
{
  GTimeZone *zone = zone_of(catalogue);
  gint64 seconds = local;
  if (!zone) return local * 1000;
  int interval = g_time_zone_adjust_time(zone, G_TIME_TYPE_DAYLIGHT, &seconds);
  return (seconds - g_time_zone_get_offset(zone, interval)) * 1000;
}

day_number calendar_day(const struct catalogue *catalogue, int64_t wall_ms)
{
  return (day_number)divide_down(local_seconds(catalogue, wall_ms), SECONDS_OF_DAY);
}

bool calendar_has_begun(const struct catalogue *catalogue, struct period period, int64_t wall_ms)
{
  return period_first_day(period) <= calendar_day(catalogue, wall_ms);
}

struct period calendar_last_ended(const struct form *form, day_number day)
{
  struct period month = period_of_day(day), ended;
  for (unsigned before = month.month - 1u; before > 0; before--)
    if (form_period_ending(form, month.year, before, &ended)) return ended;
  form_period_ending(form, month.year - 1, 12, &ended); /* every form has a period that ends the year */
  return ended;
}

/* --- days that are worked --- */

static bool is_among(const struct days *days, size_t count, day_number day)
{
  for (size_t n = 0; n < count; n++)
    if (days[n].first <= day && day <= days[n].last) return true;
  return false;
}

bool calendar_is_worked(const struct catalogue *catalogue, day_number day)
{
  int weekday = day_weekday(day);
  if (is_among(catalogue->holidays, catalogue->holiday_count, day)) return false;
  if (weekday != SUNDAY && weekday != SATURDAY) return true;
  return is_among(catalogue->workdays, catalogue->workday_count, day);
}

/* --- deadlines --- */

/* The form's day in the month that is so many after the period's last; a shorter month's last day. */
static day_number due_day(const struct due *due, struct period period)
{
  unsigned month = period_last_month(period) + due->month - 1;
  struct period in = {
      .year = (int16_t)(period.year + (int)(month / 12)), .month = (uint8_t)(month % 12 + 1), .months = 1};
  return MIN(period_first_day(in) + (day_number)due->day - 1, period_last_day(in));
}

int64_t calendar_due(const struct catalogue *catalogue, int form, struct period period)
{
  const struct due *due = &catalogue->forms[form].due;
  if (due->month == 0) return CALENDAR_NEVER;
  day_number day = due_day(due, period);
  while (!calendar_is_worked(catalogue, day)) day++;
  return moment_of(catalogue, (int64_t)day * SECONDS_OF_DAY + (int64_t)due->minute * 60);
}

/* --- as texts --- */

static char *format_local(int64_t day, int64_t minute)
{
  char text[PERIOD_TEXT_SIZE];
  return g_strdup_printf("%s %02d:%02d", day_format((day_number)day, text), (int)(minute / 60),
                         (int)(minute % 60));
}

char *calendar_format(const struct catalogue *catalogue, int64_t wall_ms)
{
  if (wall_ms == CALENDAR_NEVER) return g_strdup("");
  int64_t minutes = divide_down(local_seconds(catalogue, wall_ms), 60);
  int64_t day = divide_down(minutes, MINUTES_OF_DAY);
  return format_local(day, minutes - day * MINUTES_OF_DAY);
}

char *calendar_format_due(const struct catalogue *catalogue, int64_t due_ms)
{
  if (due_ms == CALENDAR_NEVER) return g_strdup("");
  int64_t minutes = divide_down(local_seconds(catalogue, due_ms), 60);
  int64_t day = divide_down(minutes, MINUTES_OF_DAY);
  if (minutes == day * MINUTES_OF_DAY) return format_local(day - 1, MINUTES_OF_DAY);
  return format_local(day, minutes - day * MINUTES_OF_DAY);
}

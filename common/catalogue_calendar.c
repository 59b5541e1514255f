/* Deadlines of a catalogue file: forms' due days, holidays, and weekend days that are worked (调休). */
#include "common/catalogue_private.h"
#include "common/limits.h"

#include <string.h>

/* --- holidays and workdays --- */

/* "2018-06-18", or "2018-02-15/2018-02-21" from the first to the last. */
static bool parse_days(const char *text, struct days *ret_days)
{
  g_auto(GStrv) parts = g_strsplit(text, "/", 2);
  if (!parts[0] || !day_parse(parts[0], &ret_days->first)) return false;
  if (!parts[1]) {
    ret_days->last = ret_days->first;
    return true;
  }
  return day_parse(parts[1], &ret_days->last);
}

static bool read_days(struct reader *reader, const struct yaml_node *node, struct days *ret_days)
{
  const char *text = yaml_text(reader->yaml, node, NULL);
  if (!text) return false;
  if (!parse_days(text, ret_days)) {
    yaml_mistake(
        reader->yaml, node,
        _("found “%s”, expected a day, such as 2018-06-18, or the first and the last of several, such "
          "as 2018-02-15/2018-02-21"),
        text);
    return false;
  }
  if (ret_days->last < ret_days->first) {
    yaml_mistake(reader->yaml, node, _("“%s” ends before it begins; exchange the two days"), text);
    return false;
  }
  if (ret_days->last - ret_days->first < LIMIT_HOLIDAY_DAYS) return true;
  yaml_mistake(reader->yaml, node, _("“%s” has more than %d days; is the year right?"), text,
               LIMIT_HOLIDAY_DAYS);
  return false;
}

static const struct yaml_node *read_list(struct reader *reader, const struct yaml_node *root, const char *key,
                                         struct days **ret_days, size_t *ret_count)
{
  const struct yaml_node *list = yaml_get(reader->yaml, root, key, false);
  size_t count = yaml_size(reader->yaml, list);
  if (count > LIMIT_CATALOGUE_ITEMS) {
    yaml_mistake(reader->yaml, list, _("“%s” has %zu items, at most %zu are possible; remove some"), key,
                 count, (size_t)LIMIT_CATALOGUE_ITEMS);
    return NULL;
  }
  *ret_days = g_new0(struct days, count);
  for (size_t n = 0; n < count; n++)
    if (read_days(reader, yaml_item(reader->yaml, list, n), *ret_days + *ret_count)) ++*ret_count;
  return list;
}

static bool is_weekend(day_number day)
{
  int weekday = day_weekday(day);
  return weekday == 0 || weekday == 6;
}

/* What the two lists say of one day must not contradict. */
static void check_workday(struct reader *reader, const struct yaml_node *node, day_number day)
{
  const struct catalogue *catalogue = reader->catalogue;
  char text[PERIOD_TEXT_SIZE];
  if (!is_weekend(day))
    yaml_mistake(reader->yaml, node, _("%s is no Saturday or Sunday, so it is worked anyhow; remove it"),
                 day_format(day, text));
  for (size_t n = 0; n < catalogue->holiday_count; n++)
    if (catalogue->holidays[n].first <= day && day <= catalogue->holidays[n].last)
      yaml_mistake(reader->yaml, node, _("%s is among the holidays too; remove it from one of the two lists"),
                   day_format(day, text));
}

void catalogue_read_calendar(struct reader *reader, const struct yaml_node *root)
{
  struct catalogue *catalogue = reader->catalogue;
  read_list(reader, root, "holidays", &catalogue->holidays, &catalogue->holiday_count);
  const struct yaml_node *worked =
      read_list(reader, root, "workdays", &catalogue->workdays, &catalogue->workday_count);
  for (size_t n = 0; n < yaml_size(reader->yaml, worked); n++) {
    const struct yaml_node *item = yaml_item(reader->yaml, worked, n);
    const char *text = yaml_text(reader->yaml, item, "");
    struct days days;
    if (!parse_days(text, &days) || days.last - days.first >= LIMIT_HOLIDAY_DAYS) continue; /* said already */
    for (day_number day = days.first; day <= days.last; day++) check_workday(reader, item, day);
  }
}

/* --- a form's deadline --- */

/* "18:00", up to "24:00", the end of the day. */
static bool parse_time(const char *text, unsigned *ret_minute)
{
  if (strlen(text) != 5 || text[2] != ':') return false;
  for (int n = 0; n < 5; n++)
    if (n != 2 && !g_ascii_isdigit(text[n])) return false;
  unsigned hour = (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
  unsigned minute = (unsigned)(text[3] - '0') * 10 + (unsigned)(text[4] - '0');
  if (minute > 59 || hour * 60 + minute > 24 * 60) return false;
  *ret_minute = hour * 60 + minute;
  return true;
}

void catalogue_read_due(struct reader *reader, const struct yaml_node *form, struct due *ret_due)
{
  static const char *const keys[] = {"month", "day", "time", NULL};
  const struct yaml_node *node = yaml_get(reader->yaml, form, "due", false);
  if (!node) return;
  if (!yaml_is_mapping(node)) {
    yaml_mistake(reader->yaml, node,
                 _("expected a day after the period's end, such as {day: 10, time: '18:00'}"));
    return;
  }
  yaml_known_keys(reader->yaml, node, keys);
  const struct yaml_node *time = yaml_get(reader->yaml, node, "time", false);
  const char *text = yaml_text(reader->yaml, time, "24:00");
  ret_due->day = (unsigned)yaml_integer(reader->yaml, yaml_get(reader->yaml, node, "day", true), 1, 31, 1);
  ret_due->month =
      (unsigned)yaml_integer(reader->yaml, yaml_get(reader->yaml, node, "month", false), 1, 12, 1);
  if (!parse_time(text, &ret_due->minute))
    yaml_mistake(reader->yaml, time, _("“%s” is no time of the day; write it as '18:00', in quotes"), text);
}

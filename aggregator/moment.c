#include "aggregator/moment.h"

#include "aggregator/store/editions.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

#define MS_PER_SECOND 1000
#define EDITION "edition:"

/* The clock of the catalogue's zone. */
static GTimeZone *zone_of(const struct catalogue *catalogue)
{
  GTimeZone *zone = g_time_zone_new_identifier(catalogue->timezone);
  return zone ? zone : g_time_zone_new_utc();
}

char *moment_format(const struct catalogue *catalogue, int64_t ms)
{
  g_autoptr(GTimeZone) zone = zone_of(catalogue);
  g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(ms / MS_PER_SECOND);
  g_autoptr(GDateTime) local = utc ? g_date_time_to_timezone(utc, zone) : NULL;
  return local ? g_date_time_format(local, "%Y-%m-%d %H:%M:%S") : g_strdup("");
}

/* --- times --- */

/* Exactly so many digits. */
static bool take_digits(const char **text, int digits, int *ret_number)
{
  int number = 0;
  for (int n = 0; n < digits; n++, (*text)++) {
    if (!g_ascii_isdigit(**text)) return false;
    number = number * 10 + (**text - '0');
  }
  *ret_number = number;
  return true;
}

static bool take(const char **text, char expected)
{
  if (**text != expected) return false;
  (*text)++;
  return true;
}

struct local_time {
  int year, month, day, hour, minute, second;
  bool is_day; /* no more than that was said */
};

/* Z, +08:00 or nothing. */
static bool take_offset(const char **text, GTimeZone **zone)
{
  const char *begin = *text;
  int hours, minutes;
  if (*begin == '\0') return true;
  if (!take(text, 'Z')) {
    if (!take(text, '+') && !take(text, '-')) return false;
    if (!take_digits(text, 2, &hours) || !take(text, ':') || !take_digits(text, 2, &minutes)) return false;
  }
  GTimeZone *offset = **text == '\0' ? g_time_zone_new_identifier(begin) : NULL;
  if (!offset) return false;
  g_time_zone_unref(*zone);
  *zone = offset;
  return true;
}

static bool take_time(const char **text, struct local_time *time, GTimeZone **zone)
{
  if (!take_digits(text, 4, &time->year) || !take(text, '-') || !take_digits(text, 2, &time->month) ||
      !take(text, '-') || !take_digits(text, 2, &time->day))
    return false;
  time->is_day = **text == '\0';
  if (time->is_day) return true;
  if (!take(text, 'T') && !take(text, ' ')) return false;
  if (!take_digits(text, 2, &time->hour) || !take(text, ':') || !take_digits(text, 2, &time->minute))
    return false;
  if (take(text, ':') && !take_digits(text, 2, &time->second)) return false;
  return take_offset(text, zone);
}

/* `ret_begin` of a day is its beginning, else the moment itself. */
static bool read_time(const struct catalogue *catalogue, const char *text, int64_t *ret_begin_ms,
                      int64_t *ret_ms)
{
  struct local_time time = {0};
  g_autoptr(GTimeZone) zone = zone_of(catalogue);
  if (!take_time(&text, &time, &zone)) return false;
  g_autoptr(GDateTime) begin =
      g_date_time_new(zone, time.year, time.month, time.day, time.hour, time.minute, time.second);
  g_autoptr(GDateTime) end = begin && time.is_day ? g_date_time_add_days(begin, 1) : NULL;
  if (!begin || (time.is_day && !end)) return false;
  *ret_begin_ms = g_date_time_to_unix(begin) * MS_PER_SECOND;
  *ret_ms = end ? g_date_time_to_unix(end) * MS_PER_SECOND - 1 : *ret_begin_ms;
  return true;
}

/* --- moments --- */

static bool refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool refuse(GError **error, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  g_propagate_error(error, g_error_new_valist(PARKTALLY_ERROR, ERROR_USAGE, format, arguments));
  va_end(arguments);
  return false;
}

/* Right after the leaf. */
static bool read_position(struct store *store, const char *text, struct moment *ret_moment, GError **error)
{
  uint64_t leaves = store_leaf_count(store);
  guint64 position;
  if (store_tell_error(store, error)) return false;
  if (!g_ascii_string_to_unsigned(text, 10, 0, INT64_MAX - 1, &position, NULL))
    return refuse(error, _("“@%s” is no position of the ledger; write @ and a number, such as @1234"), text);
  if (position >= leaves)
    return refuse(error, _("the ledger has no leaf %" PRIu64 " yet; its last one is @%" PRIu64), position,
                  leaves - 1);
  *ret_moment = (struct moment){.ms = store_leaf_recorded(store, position), .leaves = position + 1};
  return true;
}

/* After the leaves that the edition rests on. */
static bool read_edition(struct store *store, const char *text, struct moment *ret_moment, GError **error)
{
  guint64 number = 0;
  bool is_number = g_ascii_string_to_unsigned(text, 10, 1, INT64_MAX, &number, NULL);
  g_autoptr(GArray) found = store_edition(store, number);
  if (store_tell_error(store, error)) return false;
  if (!is_number || found->len == 0)
    return refuse(error, _("there is no edition “%s”: “park-aggregator editions” lists them"), text);
  uint64_t leaves = g_array_index(found, struct stored_edition, 0).leaves;
  *ret_moment = (struct moment){.ms = store_leaf_recorded(store, leaves - 1), .leaves = leaves};
  return true;
}

bool moment_read(struct store *store, const struct catalogue *catalogue, const char *text,
                 struct moment *ret_moment, GError **error)
{
  struct moment moment;
  int64_t begin_ms, now_ms = clock_wall().ms;
  if (*text == '@') return read_position(store, text + 1, ret_moment, error);
  if (g_str_has_prefix(text, EDITION)) return read_edition(store, text + strlen(EDITION), ret_moment, error);
  if (strcmp(text, "now") == 0) {
    *ret_moment = (struct moment){.ms = now_ms, .leaves = store_leaf_count(store)};
    return true;
  }
  if (!read_time(catalogue, text, &begin_ms, &moment.ms))
    return refuse(error,
                  _("“%s” is no moment; write 2018-06-10T12:00, 2018-06-10 for the end of that day, a "
                    "position of the ledger such as @1234, an edition such as edition:3, or now"),
                  text);
  if (begin_ms > now_ms) {
    g_autofree char *now = moment_format(catalogue, now_ms);
    return refuse(error, _("“%s” is yet to come: it is %s"), text, now);
  }
  moment.leaves = store_leaves_until(store, moment.ms);
  if (store_tell_error(store, error)) return false;
  if (moment.leaves == 0) {
    g_autofree char *first = moment_format(catalogue, store_leaf_recorded(store, 0));
    return refuse(error, _("“%s” is before the ledger began, which was %s"), text, first);
  }
  moment.ms = MIN(moment.ms, now_ms);
  *ret_moment = moment;
  return true;
}

bool moment_past(struct store *store, struct snapshot *present, const char *text, struct past **ret_past,
                 GError **error)
{
  struct moment moment;
  struct past *past = NULL;
  if (!moment_read(store, present->catalogue, text, &moment, error)) return false;
  if (moment.leaves < store_leaf_count(store)) {
    past = past_new(store, present, moment.leaves, moment.ms, error);
    if (!past) return false;
  }
  *ret_past = past;
  return true;
}

#include "common/period.h"

#include <glib.h>
#include <string.h>

enum { YEAR_FIRST = 1900, YEAR_LAST = 2999 };
/* Serials of the 1900 date system of spreadsheets: 25569 is 1970-01-01. */
enum { SERIAL_FIRST = 20000, SERIAL_LAST = 80000, SERIAL_1970 = 25569 };
/* Longer text is no period, however it is written. */
enum { READ_BYTES = 48 };

/* --- days --- */

/* Days since 1970-01-01 of the proleptic Gregorian calendar; years start in March here, so that the leap day
 * is last. */
static day_number day_of(int year, int month, int day)
{
  year -= month <= 2;
  int era = (year >= 0 ? year : year - 399) / 400;
  int year_of_era = year - era * 400;
  int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

static void date_of(day_number number, int *ret_year, int *ret_month, int *ret_day)
{
  int64_t days = (int64_t)number + 719468;
  int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  int day_of_era = (int)(days - era * 146097);
  int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int shifted = (5 * day_of_year + 2) / 153;
  *ret_day = day_of_year - (153 * shifted + 2) / 5 + 1;
  *ret_month = shifted < 10 ? shifted + 3 : shifted - 9;
  *ret_year = (int)(year_of_era + era * 400) + (*ret_month <= 2);
}

static bool is_date(int year, int month, int day)
{
  static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (year < 1 || month < 1 || month > 12 || day < 1) return false;
  bool leap = month == 2 && ((year % 4 == 0 && year % 100 != 0) || year % 400 == 0);
  return day <= lengths[month - 1] + leap;
}

/* Exactly `count` digits at `*text`, which advances. */
static bool take_digits(const char **text, int count, int *ret_number)
{
  int number = 0;
  for (int i = 0; i < count; i++) {
    if (!g_ascii_isdigit((*text)[i])) return false;
    number = number * 10 + ((*text)[i] - '0');
  }
  *text += count;
  *ret_number = number;
  return true;
}

static bool take_text(const char **text, const char *prefix)
{
  if (!g_str_has_prefix(*text, prefix)) return false;
  *text += strlen(prefix);
  return true;
}

bool day_parse(const char *text, day_number *ret_day)
{
  int year, month, day;
  if (!take_digits(&text, 4, &year) || !take_text(&text, "-") || !take_digits(&text, 2, &month) ||
      !take_text(&text, "-") || !take_digits(&text, 2, &day) || *text || !is_date(year, month, day))
    return false;
  *ret_day = day_of(year, month, day);
  return true;
}

static void put_digits(char *text, int number, int count)
{
  for (int i = count; i-- > 0; number /= 10) text[i] = (char)('0' + number % 10);
}

char *day_format(day_number day, char ret_text[PERIOD_TEXT_SIZE])
{
  ret_text[0] = '\0';
  if (day == DAY_NONE || day == DAY_MIN) return ret_text;
  int year, month, day_of_month;
  date_of(day, &year, &month, &day_of_month);
  if (year < 0 || year > 9999) { /* of no register */
    g_snprintf(ret_text, PERIOD_TEXT_SIZE, "%04d-%02d-%02d", year, month, day_of_month);
    return ret_text;
  }
  put_digits(ret_text, year, 4);
  put_digits(ret_text + 5, month, 2);
  put_digits(ret_text + 8, day_of_month, 2);
  ret_text[4] = ret_text[7] = '-';
  ret_text[10] = '\0';
  return ret_text;
}

int day_weekday(day_number day)
{
  int weekday = (int)(((int64_t)day + 4) % 7); /* 1970-01-01 was a Thursday */
  return weekday < 0 ? weekday + 7 : weekday;
}

/* --- periods --- */

static bool make_period(int year, int month, int months, struct period *ret_period)
{
  if (year < YEAR_FIRST || year > YEAR_LAST || month < 1 || month > 12) return false;
  bool whole = months == 1 || (months == 2 && month == 1) || (months == 3 && month % 3 == 1) ||
               (months == 12 && month == 1);
  if (!whole) return false;
  *ret_period = (struct period){(int16_t)year, (uint8_t)month, (uint8_t)months};
  return true;
}

bool period_parse(const char *text, struct period *ret_period)
{
  int year, month, quarter;
  if (!take_digits(&text, 4, &year)) return false;
  if (!*text) return make_period(year, 1, 12, ret_period);
  if (!take_text(&text, "-")) return false;
  if (take_text(&text, "Q"))
    return take_digits(&text, 1, &quarter) && quarter && !*text &&
           make_period(year, quarter * 3 - 2, 3, ret_period);
  if (!take_digits(&text, 2, &month)) return false;
  if (!*text) return make_period(year, month, 1, ret_period);
  (void)take_text(&text, "-01");
  return !strcmp(text, "/P2M") && make_period(year, month, 2, ret_period);
}

/* A run of digits; their number, 0 if there is none or they are too many. */
static int take_run(const char **text, int *ret_number)
{
  int count = 0;
  while (g_ascii_isdigit((*text)[count])) count++;
  return count <= 8 && take_digits(text, count, ret_number) ? count : 0;
}

/* Without white space, so that "2018 年 5 月" is read too, and in upper case, for 2018-q2. */
static bool squeeze(const char *text, char ret_text[READ_BYTES])
{
  size_t length = 0;
  for (; *text; text++) {
    if (g_ascii_isspace(*text)) continue;
    if (length == READ_BYTES - 1) return false;
    ret_text[length++] = g_ascii_toupper(*text);
  }
  ret_text[length] = '\0';
  return true;
}

static bool read_serial(int serial, struct period *ret_period)
{
  if (serial < SERIAL_FIRST || serial > SERIAL_LAST) return false;
  int year, month, day;
  date_of(serial - SERIAL_1970, &year, &month, &day);
  return make_period(year, month, 1, ret_period);
}

/* Nothing but digits: 2018, 201805, 20180531, a serial; 114, 11402, 1140228 of years that count from
 * elsewhere. */
static bool read_digits(int number, int count, int year_offset, struct period *ret_period)
{
  if (count == 5 && read_serial(number, ret_period)) return true;
  if (count == 4 && make_period(number + year_offset, 1, 12, ret_period)) return true;
  if (count == 6 && make_period(number / 100 + year_offset, number % 100, 1, ret_period)) return true;
  if (count == 8 || (count == 7 && year_offset)) {
    int year = number / 10000 + year_offset, month = number / 100 % 100;
    return is_date(year, month, number % 100) && make_period(year, month, 1, ret_period);
  }
  if (!year_offset) return false;
  if (count == 2 || count == 3) return make_period(number + year_offset, 1, 12, ret_period);
  return (count == 4 || count == 5) && make_period(number / 100 + year_offset, number % 100, 1, ret_period);
}

/* "Q2", "二季度", "第2季度"; all of the text. */
static bool read_quarter(const char *text, int year, struct period *ret_period)
{
  static const char *const numerals[] = {"一", "二", "三", "四"};
  int quarter = 0;
  bool latin = take_text(&text, "Q");
  if (!latin) (void)take_text(&text, "第");
  for (int i = 0; i < 4 && !quarter && !latin; i++)
    if (take_text(&text, numerals[i])) quarter = i + 1;
  if (!quarter && (!take_digits(&text, 1, &quarter) || quarter < 1 || quarter > 4)) return false;
  if (!latin && !take_text(&text, "季度") && !take_text(&text, "季")) return false;
  return !*text && make_period(year, quarter * 3 - 2, 3, ret_period);
}

/* "-2月" after "1": January–February. */
static bool read_joint(const char *text, int year, struct period *ret_period)
{
  static const char *const dashes[] = {"-", "—", "–", "~", "～", "至", "、"};
  for (size_t i = 0; i < G_N_ELEMENTS(dashes); i++) {
    const char *rest = text;
    if (!take_text(&rest, dashes[i])) continue;
    (void)take_text(&rest, "0");
    return !strcmp(rest, "2月") && make_period(year, 1, 2, ret_period);
  }
  return false;
}

/* A separator that is the same before month and day; 年 and 月 belong together. */
static bool take_separator(const char **text, const char *const separators[4], int *ret_which)
{
  for (int i = 0; i < 4; i++) {
    if (!take_text(text, separators[i])) continue;
    *ret_which = i;
    return true;
  }
  return false;
}

/* What stands after the year's digits: a month, a date, January–February or a quarter. */
static bool read_within_year(const char *text, int year, struct period *ret_period)
{
  static const char *const after_year[4] = {"年", "-", "/", "."};
  static const char *const after_month[4] = {"月", "-", "/", "."};
  int separator = -1, again, month, day;
  if (read_quarter(text, year, ret_period)) return true;
  if (!take_separator(&text, after_year, &separator)) return false;
  if (!separator && (!*text || !strcmp(text, "度"))) return make_period(year, 1, 12, ret_period);
  if (read_quarter(text, year, ret_period)) return true;
  int count = take_run(&text, &month);
  if (!count || count > 2) return false;
  if (!separator && month == 1 && read_joint(text, year, ret_period)) return true;
  if (!*text) return make_period(year, month, 1, ret_period);
  if (!take_separator(&text, after_month, &again) || again != separator) return false;
  if (!separator && (!*text || !strcmp(text, "份"))) return make_period(year, month, 1, ret_period);
  count = take_run(&text, &day);
  if (!count || count > 2 || !is_date(year, month, day)) return false;
  if (!separator) (void)take_text(&text, "日");
  return !*text && make_period(year, month, 1, ret_period);
}

bool period_read(const char *text, int year_offset, struct period *ret_period)
{
  char squeezed[READ_BYTES];
  if (!squeeze(text, squeezed)) return false;
  if (!year_offset && period_parse(squeezed, ret_period)) return true;
  const char *rest = squeezed;
  int number;
  int count = take_run(&rest, &number);
  if (!count) return false;
  if (!*rest) return read_digits(number, count, year_offset, ret_period);
  bool is_year = count == 4 || (year_offset && (count == 2 || count == 3));
  return is_year && read_within_year(rest, number + year_offset, ret_period);
}

char *period_format(struct period period, char ret_text[PERIOD_TEXT_SIZE])
{
  put_digits(ret_text, period.year, 4);
  if (period.months == 12) {
    ret_text[4] = '\0';
  } else if (period.months == 3) {
    memcpy(ret_text + 4, "-Q", 2);
    put_digits(ret_text + 6, (period.month + 2) / 3, 1);
    ret_text[7] = '\0';
  } else {
    ret_text[4] = '-';
    put_digits(ret_text + 5, period.month, 2);
    g_strlcpy(ret_text + 7, period.months == 2 ? "/P2M" : "", PERIOD_TEXT_SIZE - 7);
  }
  return ret_text;
}

int32_t period_key(struct period period)
{
  return period.year * 10000 + period.month * 100 + period.months;
}

bool period_from_key(int32_t key, struct period *ret_period)
{
  return key > 0 && make_period(key / 10000, key / 100 % 100, key % 100, ret_period);
}

bool period_equal(struct period a, struct period b)
{
  return a.year == b.year && a.month == b.month && a.months == b.months;
}

bool period_contains(struct period outer, struct period inner)
{
  return outer.year == inner.year && outer.month <= inner.month &&
         inner.month + inner.months <= outer.month + outer.months;
}

bool period_is_later(struct period a, struct period b)
{
  day_number a_end = period_last_day(a), b_end = period_last_day(b);
  return a_end != b_end ? a_end > b_end : a.months > b.months;
}

struct period period_of_day(day_number day)
{
  int year, month, day_of_month;
  date_of(day, &year, &month, &day_of_month);
  return (struct period){(int16_t)year, (uint8_t)month, 1};
}

day_number period_first_day(struct period period)
{
  return day_of(period.year, period.month, 1);
}

day_number period_last_day(struct period period)
{
  int next = period.month + period.months;
  return (next > 12 ? day_of(period.year + 1, next - 12, 1) : day_of(period.year, next, 1)) - 1;
}

unsigned period_last_month(struct period period)
{
  return period.month + period.months - 1u;
}

struct period period_last_year(struct period period)
{
  period.year--;
  return period;
}

/* Reporting periods (报告期): a run of whole months within one year. Days, for validity dates. */
#ifndef PARKTALLY_COMMON_PERIOD_H
#define PARKTALLY_COMMON_PERIOD_H

#include <stdbool.h>
#include <stdint.h>

/* month 1–12 is the first; months is 1, 2 (January–February only), 3 (quarters) or 12. */
struct period {
  int16_t year;
  uint8_t month;
  uint8_t months;
};

/* Days since 1970-01-01. */
typedef int32_t day_number;
#define DAY_NONE INT32_MAX /* open end */
#define DAY_MIN INT32_MIN

#define PERIOD_TEXT_SIZE 16

/* The canonical forms only: 2018-05, 2018-Q2, 2018, 2018-01/P2M (and SDMX's 2018-01-01/P2M). Years 1900–2999.
 */
bool period_parse(const char *text, struct period *ret_period);

/* As people write it besides: 2018年5月, 201805, 2018/5, 2018.5, 2018-5, 2018年, 2018年1-2月, 2018年1—2月,
 * 2018年二季度, 2018年第2季度, 2018-05-31 (the month it is in), an Excel serial of 20000–80000 (the month it
 * is in). `year_offset` is added to the year (1911 for ROC years, which may have 3 digits: 11402); 0
 * otherwise. Text is folded (text.h). */
bool period_read(const char *text, int year_offset, struct period *ret_period);

/* Canonical text. Returns `ret_text`. */
char *period_format(struct period period, char ret_text[PERIOD_TEXT_SIZE]);

/* An integer that sorts by year, first month, length; never 0. And back; false if it is no period's key. */
int32_t period_key(struct period period);
bool period_from_key(int32_t key, struct period *ret_period);

bool period_equal(struct period a, struct period b);
bool period_contains(struct period outer, struct period inner);
/* By the day on which they end; of two that end together the longer one is later. */
bool period_is_later(struct period a, struct period b);

/* The last month of it, 1 to 12. */
unsigned period_last_month(struct period period);

/* The month that a day is in. */
struct period period_of_day(day_number day);

/* First and last day. */
day_number period_first_day(struct period period);
day_number period_last_day(struct period period);

/* The period of the same length a year before. */
struct period period_last_year(struct period period);

/* 0 is Sunday, 6 Saturday. */
int day_weekday(day_number day);

/* ISO dates, 2018-06-01. DAY_NONE formats as "". */
bool day_parse(const char *text, day_number *ret_day);
char *day_format(day_number day, char ret_text[PERIOD_TEXT_SIZE]);

#endif

/* Reading totals: cells, expected counts and what looks across periods, over a read-only store. */
#ifndef PARKTALLY_AGGREGATOR_READ_H
#define PARKTALLY_AGGREGATOR_READ_H

#include "aggregator/past.h"
#include "aggregator/snapshot.h"
#include "aggregator/statistics/compare.h"
#include "aggregator/store/store.h"
#include "common/cleanup.h"
#include "common/decimal.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* A total. Missing is not zero: without any report `defined` is false. */
struct total {
  bool defined;
  int128 value;       /* scaled by the indicator's decimals; of a ratio: its numerator × ratio_scale */
  int128 denominator; /* of a ratio, not zero where defined; else 1 */
  int64_t reported;   /* units (over several months: reports) that the value rests on */
  int64_t expected;   /* units (reports) that owe the form; of counts from the register: as reported */
  bool complete;      /* somebody reported each of the periods that it sums: no whole month is missing */
  unsigned months;    /* bit n: month n + 1 of the year is in the value; of counts from the register none */
};

struct reader;
/* Over a store opened for reading and a snapshot, neither owned. What was read of reports, and where they
 * stand, is kept, so a reader answers as of one moment: begin a transaction of the store before the first
 * question. */
struct reader *reader_new(struct store *store, struct snapshot *snapshot);
/* The same as of a moment of the past, which is not owned either. */
struct reader *reader_new_at(struct store *store, struct past *past);
void reader_free(struct reader *reader);
CLEANUP_DEFINE(struct reader, reader_free)

/* The total of an indicator in area × slice for a period.
 *
 * Flows: periods of the form are as they were reported, each by itself, and a longer period is their sum, so
 * that nobody who adds up the columns by hand finds another total. `cumulative`, and a period that begins in
 * January, give the cumulative column where it is reported. Where only that is, what does not begin in
 * January is the difference of two cumulative figures, unit by unit, computed from reports, over units that
 * reported both: after a gap it is undefined. Of the year's first period both columns mean the same, and a
 * unit that left one blank is in with the other. January–February follow the form (joint: 01/P2M). Stocks:
 * the last period with data within the period asked for. Counts: distinct legal entities, from the register
 * at the period's end or from cumulative figures by parent; of classes other than establishments each unit is
 * an entity. Ratios: sums first. A form whose frequency is the period's own goes before a more frequent one.
 */
bool reader_total(struct reader *reader, int area, int slice, int indicator, struct period period,
                  bool cumulative, struct total *ret_total, GError **error);

/* The base of growth: what this period's forms say of last year (columns x.ly, x.ytd_ly), which is the
 * published base; where they do not say it of every month, the total of the same period a year before. Never
 * of some months alone: such a base is not defined, though `reported` tells that there was something. */
bool reader_last_year(struct reader *reader, int area, int slice, int indicator, struct period period,
                      bool cumulative, struct total *ret_total, GError **error);

/* Σ children − own: units that several children count, and those outside the boundary. False if the area has
 * no children or nothing is reported. Ratios have none. */
bool reader_overlap(struct reader *reader, int area, int slice, int indicator, struct period period,
                    bool cumulative, struct total *ret_overlap, GError **error);

/* The same of a set of slices (any_of): Σ members − the set, units that several of them count. False if the
 * slice is no set, too. */
bool reader_set_overlap(struct reader *reader, int area, int set, int indicator, struct period period,
                        bool cumulative, struct total *ret_overlap, GError **error);

/* Of a total of a flow or a stock: what those of its units report whose reports an inquiry is about that is
 * open, or answered and not accepted. By this much it rests on what is not verified. Signed, like the total;
 * 0 for counts and ratios. */
bool reader_under_inquiry(struct reader *reader, int area, int slice, int indicator, struct period period,
                          bool cumulative, int128 *ret_amount, GError **error);
/* 年报调整: what an annual form says of a year less what the monthly (or quarterly) ones said of it, their
 * cumulative figure to December or the sum of their periods; of stocks, of the last one. The year's total is
 * the annual one, and the difference is never spread over months. `complete`: no whole month was missing.
 * False unless both were reported, and of counts and ratios. */
bool reader_annual_adjustment(struct reader *reader, int area, int slice, int indicator, struct period year,
                              struct total *ret_adjustment, GError **error);

/* What a total is compared with, and how it grew from there. */
struct growth_base {
  struct period period;
  bool usable;         /* `before` is of as many months as the total, none of them missing of either */
  struct total before; /* the total of the base period, by the reports that count */
  /* Of comparable units alone (compare.h): what they are now, and what they were. Not defined of counts. Of a
   * ratio, its parts' sums over what is comparable of each. */
  struct total comparable, comparable_before;
  struct comparison comparison; /* of flows and stocks; else zeros */
};

/* The base of a period: the same a year before, or (`previous`) the period before, of a month that of its
 * form: January and February together go before March, where they are reported so. */
struct period reader_base_period(struct reader *reader, int indicator, struct period period, bool previous);

/* `total` is what reader_total() gave. For the base a year before, the forms' last-year columns are the
 * published base. All reports of both periods are read, once for all areas and slices. */
bool reader_growth(struct reader *reader, int area, int slice, int indicator, struct period period,
                   bool cumulative, bool previous, const struct total *total, struct growth_base *ret_base,
                   GError **error);

/* By the zone's clock; of the past by the moment. */
day_number reader_today(const struct reader *reader);
bool reader_has_ended(const struct reader *reader, struct period period);

/* The last period that has begun, by the clock (of the past: by the moment), and for which a report of the
 * indicator's form counts; false if none. Of two that end on one day the longer one; of a ratio the earlier
 * of its two parts'; of a count from the register that of any form. */
bool reader_last_period(struct reader *reader, int indicator, struct period *ret_period);

/* The same of a form by its code (NULL: of any). */
bool reader_last_of_form(struct reader *reader, const char *form, struct period *ret_period);

#endif

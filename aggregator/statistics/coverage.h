/* Coverage (完整率): how much of what is owed a total rests on, by units and by last known value. Exact;
 * shares are rounded at display only. No I/O. */
#ifndef PARKTALLY_AGGREGATOR_STATISTICS_COVERAGE_H
#define PARKTALLY_AGGREGATOR_STATISTICS_COVERAGE_H

#include "common/decimal.h"

#include <stdbool.h>
#include <stdint.h>

/* One unit that owes a report, or reported without owing one. */
struct coverage_unit {
  bool expected, reported;
  bool nil;        /* 本期无数据: it is no silence */
  bool late;       /* its first report came after the deadline */
  bool corrected;  /* since then */
  bool other_park; /* its designated reporter is silent, and another park's report counts */
  bool known;      /* it reported `weight` earlier */
  int64_t weight;  /* its last known value before this period, as a magnitude; scaled */
};

/* Of an area: each unit once. */
struct coverage {
  int64_t expected;
  int64_t reported; /* of those expected, as all that follows */
  int64_t nil, late, corrected, other_park;
  int64_t unknown;                /* without a last known value */
  int64_t unexpected;             /* reported without owing it: stopped owing, below scale … */
  int128 weight, weight_reported; /* last known values of all, and of those that reported */
};

void coverage_count(struct coverage *coverage, const struct coverage_unit *unit);
void coverage_add(struct coverage *sum, const struct coverage *part);

int64_t coverage_missing(const struct coverage *coverage);
int64_t coverage_on_time(const struct coverage *coverage);

/* Shares in per cent with COVERAGE_DECIMALS; false where there is nothing to have a share of. What is not
 * complete is never shown as 100. */
#define COVERAGE_DECIMALS 1
bool coverage_of_units(const struct coverage *coverage, int128 *ret_percent);
bool coverage_of_value(const struct coverage *coverage, int128 *ret_percent);

/* Whether less than so many per cent of the last known value (where none is known, of the units) have
 * reported. Compared unrounded; never where nobody owes anything. */
bool coverage_is_below(const struct coverage *coverage, unsigned percent);

#endif

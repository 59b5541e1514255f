/* A column's own history, between suspicion_series.c, which compares, and suspicion.c, which decides what is
 * said. Nobody else includes it. */
#ifndef PARKTALLY_COMMON_SUSPICION_PRIVATE_H
#define PARKTALLY_COMMON_SUSPICION_PRIVATE_H

#include "common/suspicion.h"

/* Every number of months up to twelve divides it, so a figure per month is whole when multiplied by it. */
#define MONTH_SCALE 27720

/* A figure and the unit's earlier ones of the same column, each per month × MONTH_SCALE. */
struct series {
  unsigned months; /* that the figure is of; 1 of a stock */
  int128 now;
  int128 trifle; /* SUSPICION_TRIFLE of the indicator's measure */
  size_t count;
  int128 past[LIMIT_HISTORY_PERIODS];
};

/* False if there is nothing to compare with, or if most of the past lies so near that no test can fail. The
 * column is present. */
bool series_read(const struct suspicion_facts *facts, unsigned column, struct series *ret_series);

/* 10, −10 (a tenth), 1000, −1000, or 0: no slip. */
int series_slip(const struct series *series, int128 *ret_twice_median);

/* 1: it is negative and all were positive; −1: the other way round; 0: it is not unusual. */
int series_sign(const struct series *series);

/* The bounds within which it would be no outlier: four times their rates. */
bool series_is_outlier(const struct series *series, int128 *ret_low_x4, int128 *ret_high_x4);

#endif

/* What a total stands on: how much of what is owed has been reported, and what those who are missing would
 * add. */
#ifndef PARKTALLY_AGGREGATOR_READ_FOOTING_H
#define PARKTALLY_AGGREGATOR_READ_FOOTING_H

#include "aggregator/read.h"
#include "aggregator/statistics/coverage.h"
#include "aggregator/statistics/fraction.h"

/* The estimate (status E) never is a part of a total. Of each missing unit of area × slice whose last value
 * is known: that, × what the units which reported both then and now came to together now ÷ then (matched
 * growth, of the same area and slice). Units without a known value, and those whose period nobody can be
 * matched with, or only with a sum that is not above zero, are not in it. */
struct footing {
  bool reports;             /* it rests on reports; counts from the register do not, and the rest is zeros */
  struct coverage coverage; /* of the form's period, of several its last one */
  int64_t parks, parks_reporting;
  int64_t missing;          /* reports that are missing, of all of its periods … */
  int64_t estimated;        /* … and those that the estimate stands for */
  struct fraction estimate; /* scaled by the indicator's decimals */
};

/* Of a total as reader_total() reads it, cumulative. Counts that rest on an indicator's figures stand on that
 * indicator's reports, and are not estimated. */
bool reader_footing(struct reader *reader, int area, int slice, int indicator, struct period period,
                    struct footing *ret_footing, GError **error);

#endif

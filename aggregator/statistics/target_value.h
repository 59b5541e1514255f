/* What the formula of a target comes to. Exact: a fraction, in the target's measure. */
#ifndef PARKTALLY_AGGREGATOR_STATISTICS_TARGET_VALUE_H
#define PARKTALLY_AGGREGATOR_STATISTICS_TARGET_VALUE_H

#include "aggregator/read.h"
#include "aggregator/statistics/target_status.h"
#include "common/catalogue.h"

struct target_place {
  struct reader *reader;
  const struct catalogue *catalogue;
  int area; /* the target's own, or a part of it */
};

struct target_value {
  bool measurable;
  char *why_not; /* in words, where not */
  struct fraction value;
  int64_t reported, expected; /* of the numerator's units */
};

void target_value_clear(struct target_value *value);

/* For a part of the target's area, terms of an area that it lies in are taken in the part; the others (the
 * city's, below a share of it) stay. */
int target_term_area(const struct catalogue *catalogue, const struct target *target, const struct term *term,
                     int area);

/* For a year, or January to a month. `missing` is NULL, or what is added to each term of the numerator, then
 * of the denominator (estimates; not for growth). False only if the store fails; then `ret_value` is
 * untouched. */
bool target_value_read(const struct target_place *place, const struct target *target, struct period period,
                       const struct fraction *missing, struct target_value *ret_value, GError **error);

/* Whether it is a sum of flows, and so pro-rated within a year. */
bool target_is_flow(const struct catalogue *catalogue, const struct target *target);

/* Last year's share of the months from January to the end of this year's period: cumulative ÷ whole, both of
 * the forms that are as frequent as the period. Of such a target. */
bool target_share_read(const struct target_place *place, const struct target *target, struct period period,
                       struct target_value *ret_share, GError **error);

/* Where growth has no rate there are words (扭亏, 减亏, 增亏, 由盈转亏); NULL where it has one. */
const char *target_no_rate(struct fraction now, struct fraction base);

#endif

/* Targets of the plan: where an area stands. Exact: compared unrounded, as fractions. */
#ifndef PARKTALLY_AGGREGATOR_STATISTICS_TARGET_H
#define PARKTALLY_AGGREGATOR_STATISTICS_TARGET_H

#include "aggregator/read.h"
#include "aggregator/statistics/fraction.h"
#include "common/catalogue.h"

struct target_standing {
  bool measurable;
  char *why_not;                 /* in words, where not */
  int128 numerator, denominator; /* the standing is numerator ÷ denominator, in the target's measure (decimals
                                    not applied) */
  struct period period;          /* to which it refers */
  int64_t reported, expected;    /* of the numerator's units */
  const struct stage *stage;     /* of that year; NULL if none */
  bool reached; /* the stage's value (without a stage: the target's) is met, tolerance included */
};

void target_standing_clear(struct target_standing *standing);

/* Evaluates for a period: a year, or January to a month. Targets marked yearly are evaluated for the period's
 * year. */
bool target_evaluate(struct reader *reader, const struct catalogue *catalogue, const struct target *target,
                     struct period period, struct target_standing *ret_standing, GError **error);

/* The last period for which any indicator of the targets was reported; false if none. */
bool target_last_period(struct reader *reader, const struct catalogue *catalogue, struct period *ret_period);

/* "at_least", "about", …: for programs. */
const char *target_direction(const struct target *target);
/* Where growth has no rate there are words (扭亏, 减亏, 增亏, 由盈转亏); NULL where it has one. */
const char *target_no_rate(struct fraction now, struct fraction base);

#endif

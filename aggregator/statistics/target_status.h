/* How a target stands against what is promised for its year: pure, exact, compared unrounded.
 *
 * - met: the year has ended and its stage is reached; or it has not, and a flow has reached the whole year's
 *   stage already
 * - on course: the year has not ended, and what is due by now is reached: of a flow the stage × last year's
 *   share of the same months (按上年同期比重分摊, never n ÷ 12), tolerance included; of anything else the
 *   stage itself
 * - behind: not reached
 * - tracked: no number is promised, for this area or for this year
 * - not measurable: there is no value, too little of what it rests on was reported, or a flow has no share of
 *   last year's
 *
 * A milestone is a count of 0 or 1, and is met or behind like any other. A year has ended when the period
 * reaches to its December and that month is over. */
#ifndef PARKTALLY_AGGREGATOR_STATISTICS_TARGET_STATUS_H
#define PARKTALLY_AGGREGATOR_STATISTICS_TARGET_STATUS_H

#include "aggregator/statistics/fraction.h"
#include "common/catalogue.h"

enum target_status {
  TARGET_MET,
  TARGET_ON_COURSE,
  TARGET_BEHIND,
  TARGET_TRACKED,
  TARGET_NOT_MEASURABLE,
  TARGET_STATUS_COUNT
};

/* What is promised for a year, in the area at hand. Values are scaled by the target's decimals. */
struct promise {
  enum direction direction;
  int64_t value, tolerance;
  unsigned decimals;
};

/* Within [value − tolerance, value + tolerance] by its direction: at least, about, at most; above is strict.
 * Both bounds are taken × share (1 for a whole year or no flow). False where it does not fit 128 bits.
 * Nothing reaches what is only tracked. */
bool promise_reached(const struct promise *promise, struct fraction standing, struct fraction share,
                     bool *ret_reached);

/* Last year's share of the same months: its cumulative ÷ its whole. False where last year has none: its whole
 * is not above zero, or the months lie outside it (losses among them). */
bool promise_share(struct fraction months, struct fraction whole, struct fraction *ret_share);

/* `share` is NULL where the stage itself is compared. Sets what is due by now, and the gap: the standing less
 * that. False where it does not fit. */
bool promise_judge(const struct promise *promise, struct fraction standing, const struct fraction *share,
                   bool ended, enum target_status *ret_status, struct fraction *ret_due,
                   struct fraction *ret_gap);

/* For programs: met, on_course, behind, tracked, not_measurable; and for people. */
const char *target_status_code(enum target_status status);
const char *target_status_name(enum target_status status);

#endif

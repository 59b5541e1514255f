/* Targets of the plan: where an area stands, against what is promised, and what that rests on. Exact:
 * compared unrounded, as fractions, in the target's measure. */
#ifndef PARKTALLY_AGGREGATOR_STATISTICS_TARGET_H
#define PARKTALLY_AGGREGATOR_STATISTICS_TARGET_H

#include "aggregator/read.h"
#include "aggregator/read_footing.h"
#include "aggregator/statistics/target_status.h"
#include "common/catalogue.h"

struct target_standing {
  int area;
  bool measurable;
  char *why_not;                 /* in words, where not */
  int128 numerator, denominator; /* the standing is numerator ÷ denominator, in the target's measure (decimals
                                    not applied) */
  struct period period;          /* to which it refers */
  int64_t reported, expected;    /* of the numerator's units */
  const struct stage *stage;     /* of that year; NULL if none */
  bool reached; /* the stage's value (without a stage: the target's) is met, tolerance included */

  enum target_status status;
  char *reason;             /* in words, of a status that needs one; else NULL */
  bool promised;            /* a number is promised for the area and year: */
  int64_t promise;          /* the year's stage; scaled by the target's decimals */
  bool judged;              /* met, on course or behind: the standing is compared with */
  struct fraction due, gap; /* what is due by now, and the standing less that */
  bool pro_rated;           /* what is due is the stage × */
  struct fraction share;    /* last year's share of the same months */

  bool too_little; /* has been reported of what it rests on: the standing is neither here nor there */

  /* Of the term, above or below the line, of which the least has been reported. */
  struct footing weakest;
  /* What it would be with the missing units estimated (E): never a part of the standing. */
  bool estimated;
  struct fraction estimate;
  int64_t estimated_units, missing_units; /* that it stands for, of all that are missing */
  /* 年报调整: what annual forms changed of what the months had come to; of sums only. */
  bool adjusted;
  struct fraction adjustment;
};

void target_standing_clear(struct target_standing *standing);

/* Evaluates for a period: a year, or January to a month. Targets marked yearly are evaluated for the period's
 * whole year. Missing figures make it not measurable, with the reason in words; less than the target's
 * least coverage leaves the standing, and its status is not measurable. Growth that is promised for several
 * years is behind as soon as one of them missed its stage. A part of the target's area has a status only
 * where the catalogue gives it a number; else it is tracked, as is a year without a stage before the last.
 * False only if the store fails. */
bool target_evaluate(struct reader *reader, const struct catalogue *catalogue, const struct target *target,
                     int area, struct period period, struct target_standing *ret_standing, GError **error);

/* Whether the target is shown for the area: its own, or a part for which it has a sense. */
bool target_has_sense(const struct catalogue *catalogue, const struct target *target, int area);

/* Every target and area to show: of the areas given (of int) those for which it has a sense; NULL: as it is
 * stated, and the parts to which the catalogue gives a number. Stops, and is false, where `each` is. */
typedef bool target_each_one(const struct target *target, int area, void *data);
bool target_each(const struct catalogue *catalogue, const GArray *areas, target_each_one *each, void *data);

/* The last period that any of the targets' indicators has data for; false if none. */
bool target_last_period(struct reader *reader, const struct catalogue *catalogue, struct period *ret_period);

/* at_least, about, at_most, above or tracked. */
const char *target_direction(const struct target *target);

#endif

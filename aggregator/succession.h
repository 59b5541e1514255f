/* Successions (合并、分立): units of the register that continue others. For a comparison of two periods all
 * that a succession joins are one unit: one may succeed several (`succeeds` lists them), several one, and one
 * may continue itself beside its successors. Pure. */
#ifndef PARKTALLY_AGGREGATOR_SUCCESSION_H
#define PARKTALLY_AGGREGATOR_SUCCESSION_H

#include "aggregator/statistics/compare.h"
#include "common/cleanup.h"
#include "common/period.h"
#include "common/register.h"

struct successions;
/* Those that came into force after the first day of `base` and until the end of `period`: of older ones both
 * periods know the successor alone. */
struct successions *successions_new(const struct unit_register *units, struct period base,
                                    struct period period);
void successions_free(struct successions *successions);
CLEANUP_DEFINE(struct successions, successions_free)

/* What joins the unit with others, of units that are asked for ascending; NULL for most. */
struct succession *successions_next(struct successions *successions, const char *unit);

/* Keeps the figures of a unit of it, which is where `unit` says it is today. What it owes is asked later. */
void succession_add(struct succession *succession, const char *code, const struct compare_unit *unit);

/* Takes over the figures of another that is of the same register and periods, and of later units. */
void successions_join(struct successions *successions, const struct successions *later);

/* Fills in what a unit owed, and where it is today if it owes anything. */
typedef void succession_owed(const char *code, struct compare_unit *unit, void *data);

/* Each succession as one unit, which is today where its unit with the greatest figure now is; where none has
 * a figure now, where the first is that owes one, or else the first that had one. */
void successions_compare(struct successions *successions, struct comparing *comparing, succession_owed *owed,
                         void *data);

#endif

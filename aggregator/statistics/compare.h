/* Growth: a total against that of a base period, as it stands and on comparable population, and the
 * difference split into its causes, which add up to it exactly, whatever was reported. Pure: no I/O.
 *
 * What is compared is a unit's figure of the period with its figure of the base period; of a longer period
 * that is a sum of months, each month with the month that answers it (`pair`). A figure is in the areas and
 * slices of its report's membership. A unit is today where its last report of the period is, or, if there is
 * none, where the register has it then: `today`. Both periods are restated to that membership, for all areas
 * alike, so that moves cancel in whatever area encloses them.
 *
 *   moved         what the restatement changes: figures that stand in another area or slice than today's
 *   entered       a figure now and none before, of a unit that did not owe one before
 *   left          a figure before and none now, of a unit that owes none now: closed, gone
 *   not reported  a figure in one period alone, of a unit that owed it in both (nil reports have no figures)
 *   base revised  what the period's own form says of the base period (its last-year column: the published
 *                 base), less what was reported then
 *   grown         the figure now less its base
 *
 * The base of a unit is the published one, where its report has one, else what it reported then. Comparable
 * are the figures that have a base; a unit that is new here and says what it did a year ago is comparable,
 * and that base is what entered. Units that a succession joins (a merger, a split) are given as one unit:
 * what they were is the base of what they are. A closing, a column left blank or a missing month so never
 * looks like decline, nor a new unit like growth. */
#ifndef PARKTALLY_AGGREGATOR_STATISTICS_COMPARE_H
#define PARKTALLY_AGGREGATOR_STATISTICS_COMPARE_H

#include "common/cleanup.h"
#include "common/decimal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COMPARE_PAIRS 12

enum compare_cause {
  CAUSE_ENTERED,
  CAUSE_LEFT,
  CAUSE_MOVED,
  CAUSE_NOT_REPORTED,
  CAUSE_BASE_REVISED,
  CAUSE_GROWN,
  CAUSE_COUNT
};

/* now − before is the sum of all causes' values. */
struct comparison {
  int128 now, before;      /* of all figures */
  int128 published;        /* of the figures that have one: what their reports say of the base period */
  int128 base, comparable; /* of figures that have a base: that, and what they are now */
  int64_t now_figures, before_figures, published_figures, comparable_figures;
  struct {
    int128 value;
    int64_t units; /* each once for a cause; of moves once for each membership that it left */
  } cause[CAUSE_COUNT];
};

/* A figure of a unit. Values are below 2^53 in magnitude, or differences of two such. */
struct compare_figure {
  unsigned pair; /* below COMPARE_PAIRS */
  int64_t membership;
  int64_t value;
  bool has_published; /* of a figure now */
  int64_t published;
};

struct compare_unit {
  const struct compare_figure *now, *before; /* may be NULL where there are none */
  size_t now_count, before_count;
  int64_t today;
  unsigned owed_now, owed_before; /* bit n: for pair n; looked at only where a figure is missing */
};

struct comparing;
struct comparing *comparing_new(void);
void comparing_free(struct comparing *comparing);
CLEANUP_DEFINE(struct comparing, comparing_free)

void comparing_add(struct comparing *comparing, const struct compare_unit *unit);
/* As if the units of `other` had been added. */
void comparing_join(struct comparing *comparing, const struct comparing *other);

/* What it comes to in an area and slice: of the memberships for which `is_member` says so. */
typedef bool compare_member(int64_t membership, void *data);
void comparing_read(const struct comparing *comparing, compare_member *is_member, void *data,
                    struct comparison *ret_comparison);

/* --- rates --- */

enum growth {
  GROWTH_RATE,         /* there is a rate */
  GROWTH_UNKNOWN,      /* it does not fit 128 bits */
  GROWTH_UNCHANGED,    /* zero, or a loss, as before */
  GROWTH_FROM_ZERO,    /* the base is zero */
  GROWTH_TO_PROFIT,    /* 扭亏 */
  GROWTH_LOSS_REDUCED, /* 减亏 */
  GROWTH_LOSS_GREW,    /* 增亏 */
  GROWTH_TO_LOSS,      /* 由盈转亏 */
};

/* Only GROWTH_RATE sets `ret_rate`: percent, at so many decimals, rounded half away from zero. On a base of
 * zero or below there is none, nor from profit to loss. */
enum growth compare_growth(int128 now, int128 before, unsigned decimals, int128 *ret_rate);

/* The difference of two ratios, in percentage points (百分点) where they are percentages: exact until it is
 * rounded. Denominators are above zero. False where an intermediate does not fit 128 bits. */
bool compare_ratios(int128 now, int128 now_denominator, int128 before, int128 before_denominator,
                    unsigned decimals, int128 *ret_difference);

#endif

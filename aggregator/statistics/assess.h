/* Scorecards: what areas score by the items of the catalogue, and why. The value of an item and its share of
 * the points are exact fractions. Its points are rounded once, to hundredths, half away from zero; sums and
 * ranks are of those, so that whoever adds up a printed scorecard finds its total. */
#ifndef PARKTALLY_AGGREGATOR_STATISTICS_ASSESS_H
#define PARKTALLY_AGGREGATOR_STATISTICS_ASSESS_H

#include "aggregator/read.h"
#include "aggregator/statistics/fraction.h"
#include "common/catalogue.h"
#include "common/cleanup.h"

#define ASSESS_POINT_DECIMALS 2

/* What an area has of an item. */
struct assess_value {
  bool known;
  struct fraction value;      /* in the item's measure */
  char *why_not;              /* in words, where it is not known */
  int64_t reported, expected; /* of a ratio the weaker of its two parts' */
};

/* A line of an area: the whole, a dimension, or an item. */
struct assess_line {
  int dimension, item;    /* of the card, of the dimension; −1: of all of them */
  int64_t points, weight; /* in hundredths of a point */
  unsigned rank;          /* by points, from 1; equals share one: 1, 2, 2, 4. 0: nobody is known here */
  /* Of an item: */
  struct assess_value value;
  bool has_basis;
  struct fraction none_at, full_at; /* where there are no points, and all of them */
  int best; /* POINTS_RELATIVE: the first of the card's areas that has the value full_at, by its place there
             */
};

struct assessment {
  size_t area_count, line_count;
  struct assess_line *lines; /* area by area; of each the whole, then each dimension and its items */
  bool known;                /* anything of anybody */
};

/* A year of a scorecard. Blocking reads; false and error where one failed. */
bool assess(struct reader *reader, const struct catalogue *catalogue, const struct scorecard *card, int year,
            struct assessment *ret_assessment, GError **error);
void assessment_clear(struct assessment *assessment);

/* Line n of the area at place `area` of the card. */
const struct assess_line *assessment_line(const struct assessment *assessment, size_t area, size_t n);

/* The last year that has ended in what was reported of the items; false if none. */
bool assess_last_year(struct reader *reader, const struct scorecard *card, int *ret_year);

/* --- its parts, which read nothing --- */

/* Points of one item for all areas: value, weight and place of each are there, the rest is filled in. Who is
 * not known has no points. Where all have the same, the relative best, all have all points. */
void assess_points(const struct score_item *item, struct assess_line *const *lines, size_t count);

/* Ranks of lines by points. */
void assess_ranks(struct assess_line *const *lines, size_t count);

#endif

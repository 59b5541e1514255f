/* Who owes a report, who has reported, and who is missing: of one form and period, unit by unit, from the
 * register as it stood on the period's last day and the reports that count. Of the past: from register and
 * reports of then. */
#ifndef PARKTALLY_AGGREGATOR_READ_COVERAGE_H
#define PARKTALLY_AGGREGATOR_READ_COVERAGE_H

#include "aggregator/read.h"
#include "aggregator/statistics/coverage.h"

/* A unit that owes a report and has given none. */
struct missing_unit {
  const struct unit_version *version; /* of the snapshot's register */
  bool known;
  int64_t value;      /* the last one known, as a magnitude, scaled by its indicator's decimals … */
  int64_t figure;     /* … and with its sign */
  struct period when; /* it was reported for */
};

struct covered {
  struct coverage area;    /* each unit once, also where several of its parks are in the area */
  int64_t parks;           /* in it (or itself) that have units which owe a report … */
  int64_t parks_reporting; /* … and of which at least one unit has reported */
};

struct coverage_report {
  int64_t due_ms;          /* calendar.h */
  int column;              /* of the form: whose last known values weigh; or CATALOGUE_NONE */
  struct covered *covered; /* by area of the catalogue */
  GArray *missing;         /* struct missing_unit: the largest first, those without a known value last */
};

/* A last known value is that of the newest of the form's periods before this one, up to a year back, for
 * which the unit reported the form's weighing column; of a unit that has none that of the unit which it
 * succeeds. NULL and the store's error if it cannot be read. Within a transaction, as every question to a
 * reader. */
struct coverage_report *reader_coverage(struct reader *reader, int form, struct period period,
                                        GError **error);

/* The same of the units of a slice alone, weighed by `column` of the form (CATALOGUE_NONE: the one that
 * always weighs). Kept as long as the reader, whose it is. */
const struct coverage_report *reader_coverage_of(struct reader *reader, int form, int slice, int column,
                                                 struct period period, GError **error);
void coverage_report_free(struct coverage_report *report);
CLEANUP_DEFINE(struct coverage_report, coverage_report_free)

/* Whether a missing unit belongs to the area, by the rules of totals. */
bool reader_is_in_area(const struct reader *reader, const struct unit_version *version, int area);

#endif

/* What a single enterprise reported: for what assesses it, so of forms of administrative basis only. */
#ifndef PARKTALLY_AGGREGATOR_READ_UNIT_H
#define PARKTALLY_AGGREGATOR_READ_UNIT_H

#include "aggregator/read.h"
#include "common/report.h"

enum unit_report {
  UNIT_REPORTED_NOTHING, /* there is no report that counts */
  UNIT_REPORTED_NIL,     /* it reported that there is nothing to report */
  UNIT_REPORTED_FIGURES,
};

/* The report of the unit that counts; figures only with UNIT_REPORTED_FIGURES. A form that is statistical in
 * any catalogue that ever was in force is refused (ERROR_PERMISSION): what it collected may not serve
 * anything but statistics (统计法 §25), whoever asks, and whatever the catalogue says of it now. Quickest for
 * who asks for units in ascending order. */
bool reader_unit(struct reader *reader, int form, struct period period, const char *unit,
                 enum unit_report *ret_report, struct figures *ret_figures, GError **error);

#endif

/* Who owes and who has reported (read_coverage.h), form by form: what `completeness` prints and `export
 * completeness` writes. */
#ifndef PARKTALLY_AGGREGATOR_SURVEYS_H
#define PARKTALLY_AGGREGATOR_SURVEYS_H

#include "aggregator/read_coverage.h"

#include <glib.h>
#include <stdbool.h>

/* The report lives until the call returns. */
typedef void survey_sink(int form, struct period period, const struct coverage_report *report, void *data);

/* What is asked for. */
struct surveys {
  struct reader *reader;
  const struct catalogue *catalogue; /* of the reader's moment */
  const GArray *forms;               /* of int */
  bool forms_named;                  /* else a form that is not asked for such a period is passed over */
  const struct period *period;       /* NULL: of each form the last one that anybody has reported for; where
                                        nobody has, the one that is to be reported now */
};

/* One survey after the other. ERROR_USAGE if the period is none of a named form, or of any form; else the
 * store's error. Within a transaction. */
bool surveys_each(const struct surveys *surveys, survey_sink *sink, void *data, GError **error);

/* Whether anything is to be said of an area where no area was named. */
bool surveys_concern(const struct coverage *area);
/* Whether the unit belongs to one of the areas. */
bool surveys_are_about(const struct surveys *surveys, const struct unit_version *version,
                       const GArray *areas);

#endif

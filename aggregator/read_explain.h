/* Explaining totals: reads both moments of a total side by side, unit by unit, and gives what each adds, and
 * why, to statistics/explain.h. */
#ifndef PARKTALLY_AGGREGATOR_READ_EXPLAIN_H
#define PARKTALLY_AGGREGATOR_READ_EXPLAIN_H

#include "aggregator/past.h"
#include "aggregator/read.h"
#include "aggregator/statistics/explain.h"

/* A total: codes, since catalogues differ between moments. */
struct explained {
  const char *area, *slice, *indicator;
  struct period period;
  bool cumulative;
};

/* `before` NULL: nothing, so that what the total of `after` rests on is explained. The indicator is no ratio
 * at either moment: of one, explain numerator and denominator. False and the error if the store is damaged,
 * or (ERROR_INTERNAL) what was found is not what the reader gives. */
bool read_explain_run(struct store *store, struct past *before, struct past *after,
                      const struct explained *explained, struct explain *explain, GError **error);

#endif

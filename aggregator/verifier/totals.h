/* Totals, reckoned the slow way: from the current reports, the register and the catalogue, each time anew,
 * with nothing kept that could be counted again. */
#ifndef PARKTALLY_VERIFIER_TOTALS_H
#define PARKTALLY_VERIFIER_TOTALS_H

#include "aggregator/verifier/rebuilt.h"
#include "common/decimal.h"

#include <stdbool.h>

struct sum {
  int128 total;
  int64_t units; /* whose reports are in it */
};

/* Of area × slice. */
struct family {
  int area, slice;
  int64_t reported, nil, expected; /* units; those that owe a report are counted on asking */
  struct sum *sums;                /* by column of the form */
};

struct totals {
  struct catalogue *catalogue; /* a reference */
  int form;
  struct period period;
  GHashTable *families; /* area × LIMIT_SLICES + slice → struct family */
};

/* How a column is read. */
enum reading {
  READ_AS_WRITTEN,
  READ_FIRST_PERIOD, /* of the year's first period month and cumulative figure mean the same: where one was
                        left blank, the other is taken, as editions do */
};

/* NULL if the catalogue has no such form. */
struct totals *totals_reckon(const struct rebuilt *rebuilt, const char *form, struct period period,
                             enum reading reading);
void totals_free(struct totals *totals);
CLEANUP_DEFINE(struct totals, totals_free)

/* Adds how many units owe the form. */
void totals_expect(struct totals *totals, const struct rebuilt *rebuilt);

/* NULL: nobody reported there. */
const struct family *totals_family(const struct totals *totals, int area, int slice);

#endif

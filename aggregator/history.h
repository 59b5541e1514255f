/* What units reported at other times, for rules that look back: the form's period before, and the same period
 * a year before. A unit's report there is that of the park that reports now, else the one that counts. */
#ifndef PARKTALLY_AGGREGATOR_HISTORY_H
#define PARKTALLY_AGGREGATOR_HISTORY_H

#include "aggregator/judge.h"
#include "aggregator/store/store.h"
#include "common/cleanup.h"
#include "common/formula.h"

struct history;

/* Of the units of rows [first, end) of a submission, which is less than their own figures take. NULL where no
 * rule of the form looks back at something that is there. Ends what store_reports() gave. */
struct history *history_read(struct store *store, const struct judged *judged, size_t first, size_t end);
void history_free(struct history *history);
CLEANUP_DEFINE(struct history, history_free)

/* Sets the figures of the nth of those rows, but for those of this period. `history` may be NULL. They live
 * until the next call. */
void history_facts(struct history *history, size_t n, struct formula_facts *facts);

#endif

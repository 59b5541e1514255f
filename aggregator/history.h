/* What units reported at other times, for rules that look back: the form's period before, and the same period
 * a year before. A unit's report there is that of the park that reports now, else the one that counts. */
#ifndef PARKTALLY_AGGREGATOR_HISTORY_H
#define PARKTALLY_AGGREGATOR_HISTORY_H

#include "aggregator/judge.h"
#include "aggregator/store/store.h"
#include "common/cleanup.h"
#include "common/formula.h"

struct history;

/* So many rows at a time are a few MiB at most. */
#define HISTORY_ROWS 1024

/* Of the units of `count` rows of a submission from `first` on, or to its end. NULL where no rule of the form
 * looks back at something that is there. */
struct history *history_read(struct store *store, const struct judged *judged, size_t first, size_t count);
void history_free(struct history *history);
CLEANUP_DEFINE(struct history, history_free)

/* Sets the figures of the nth of those rows, but for those of this period. `history` may be NULL. They live
 * until the next call. */
void history_facts(struct history *history, size_t n, struct formula_facts *facts);

#endif

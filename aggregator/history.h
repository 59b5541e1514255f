/* What units reported at other times, for rules that look back and for what is suspect by history. A unit's
 * report there is that of the park that reports now, else the one that counts. */
#ifndef PARKTALLY_AGGREGATOR_HISTORY_H
#define PARKTALLY_AGGREGATOR_HISTORY_H

#include "aggregator/judge.h"
#include "aggregator/store/store.h"
#include "common/cleanup.h"
#include "common/formula.h"
#include "common/suspicion.h"

struct history;

/* So many rows at a time are a few MiB at most. */
#define HISTORY_ROWS 1024

/* Of the units of `count` rows of a submission from `first` on, or to its end, at the times that rules of the
 * form look at. NULL where nothing is there. */
struct history *history_read(struct store *store, const struct judged *judged, size_t first, size_t count);
/* The same of the periods of `facts`. */
struct history *history_read_past(struct store *store, const struct judged *judged,
                                  const struct suspicion_facts *facts, size_t first, size_t count);
void history_free(struct history *history);
CLEANUP_DEFINE(struct history, history_free)

/* Sets the figures of the nth of those rows, but for those of this period. `history`, of history_read(), may
 * be NULL. They live until the next call. */
void history_facts(struct history *history, size_t n, struct formula_facts *facts);
/* The same of history_read_past(). */
void history_past(struct history *history, size_t n, struct suspicion_facts *facts);

#endif

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
/* The books that it reads, by tense; 0 where no rule of the form looks, or nothing was reported. */
void history_books(struct store *store, const struct judged *judged, int64_t ret_books[static TENSE_COUNT]);
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

/* What history_read() gives, read when a row is asked for, so many rows at once. The store and the submission
 * must live as long. */
struct history_window;
struct history_window *history_window_new(struct store *store, const struct judged *judged, size_t rows);
void history_window_free(struct history_window *window);
CLEANUP_DEFINE(struct history_window, history_window_free)
/* As history_facts(), of a row of the submission. */
void history_window_facts(struct history_window *window, size_t row, struct formula_facts *facts);

#endif

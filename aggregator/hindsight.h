/* The rules that look back, asked before the writer has to: workers read what units reported before over a
 * reading store, and say as of when. Where that has not changed by the time the writer comes to it, the
 * answer holds. */
#ifndef PARKTALLY_AGGREGATOR_HINDSIGHT_H
#define PARKTALLY_AGGREGATOR_HINDSIGHT_H

#include "aggregator/judge.h"
#include "aggregator/store/store.h"
#include "common/cleanup.h"

#include <glib.h>
#include <stdbool.h>

struct hindsight;
struct hindsight *hindsight_new(const char *folder, GError **error);
void hindsight_free(struct hindsight *hindsight);
CLEANUP_DEFINE(struct hindsight, hindsight_free)

/* Fills in `upheld` of a submission that has no fault. By any thread, one at a time. Where the store cannot
 * be read nothing is filled in, and the writer meets the error itself. */
void hindsight_ask(struct hindsight *hindsight, struct judged *judged);
/* Nothing is to be asked for now: gives back the store's moment, and what was kept at hand. */
void hindsight_rest(struct hindsight *hindsight);

/* In the writer's thread, over its store: whether what was found then is what would be found now. */
bool hindsight_holds(struct store *store, const struct judged *judged);

#endif

/* Changes of keys as leaves: an agent's, which it shows where agents enrol, and the aggregator's own. */
#ifndef PARKTALLY_AGGREGATOR_KEY_CHANGE_H
#define PARKTALLY_AGGREGATOR_KEY_CHANGE_H

#include "aggregator/snapshot.h"
#include "aggregator/store/store.h"
#include "common/codec.h"

#include <glib.h>
#include <stdbool.h>

/* The aggregator's first keys: those of the ledger's first leaf. */
void key_change_begin(struct snapshot **snapshot, const struct leaf *leaf, uint64_t position);

/* Applies the change of a leaf of kind LEAF_KEY, or of an epoch, live and in replay. False and `error`, and
 * nothing changed, if it does not follow from the keys that there are: ERROR_DATA; of an agent that was
 * revoked: ERROR_USAGE. */
bool key_change_apply(struct store *store, struct snapshot **snapshot, const struct bytes_view *sealed,
                      uint64_t position, GError **error);

/* What it says, unverified: NULL if it cannot be read. */
struct key_change *key_change_peek(const struct bytes_view *sealed);

#endif

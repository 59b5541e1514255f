/* Epochs: an aggregator that was restored from a backup says so, signed. What it had signed beyond the backup
 * is lost and is asked for again; until an operator has looked after the revocations that the backup did not
 * know, nothing is taken. */
#ifndef PARKTALLY_AGGREGATOR_EPOCH_H
#define PARKTALLY_AGGREGATOR_EPOCH_H

#include "aggregator/snapshot.h"
#include "aggregator/store/store.h"
#include "common/codec.h"
#include "common/identity.h"

#include <glib.h>
#include <stdbool.h>

/* The sealed Epoch that goes on from what the store holds, of a number above `after`. NULL where it cannot be
 * read. Within a transaction. */
GBytes *epoch_seal(struct store *store, const struct identity *identity, int64_t now_ms, uint64_t after);

/* Applies a leaf of kind LEAF_EPOCH or LEAF_RESUME, live and in replay. False and `error`, and nothing
 * changed, if it does not fit what the ledger is at `position`. */
bool epoch_apply(struct store *store, struct snapshot **snapshot, const struct leaf *leaf, uint64_t position,
                 GError **error);

/* All epochs of a store, a line of text each: for comparing two stores. */
GPtrArray *epoch_lines(struct store *store);

#endif

/* What a replay can verify of the ledger besides what it comes to: seals, receipts, the tree's nodes, and
 * editions against the totals of their moment. A difference is told and nothing ends for it. */
#ifndef PARKTALLY_AGGREGATOR_VERIFY_H
#define PARKTALLY_AGGREGATOR_VERIFY_H

#include "aggregator/snapshot.h"
#include "aggregator/store/store.h"
#include "aggregator/tables.h"
#include "common/cleanup.h"
#include "common/codec.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* As replay.h has it: what, as it is stored, as it should be. */
typedef void verify_difference(const char *what, const char *found, const char *expected, void *data);

struct verify;
/* Over the store that has the ledger, which must live as long. */
struct verify *verify_new(struct store *ledger, verify_difference *difference, void *data);
void verify_free(struct verify *verify);
CLEANUP_DEFINE(struct verify, verify_free)

/* In order, before the leaf at `position` is applied to `target`: within a transaction, and `snapshot` is
 * that of the leaves before it. */
void verify_leaf(struct verify *verify, struct store *target, struct tables *tables,
                 struct snapshot *snapshot, const struct leaf *leaf, GBytes *body, uint64_t position);
/* Behind the last leaf. */
void verify_end(struct verify *verify);

/* How many were told so far, and how many of each was verified. */
struct verified {
  uint64_t differences, seals, receipts, editions;
};
struct verified verify_count(const struct verify *verify);

#endif

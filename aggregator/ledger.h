/* The ledger: everything that moves a total is a leaf of an RFC 6962 Merkle tree, and nothing else moves one.
 */
#ifndef PARKTALLY_AGGREGATOR_LEDGER_H
#define PARKTALLY_AGGREGATOR_LEDGER_H

#include "aggregator/store/store.h"
#include "common/cleanup.h"
#include "common/codec.h"
#include "common/merkle.h"

#include <glib.h>

struct ledger;
/* Over a store, which it does not own. */
struct ledger *ledger_new(struct store *store);
void ledger_free(struct ledger *ledger);
CLEANUP_DEFINE(struct ledger, ledger_free)

/* Position of the next leaf. */
uint64_t ledger_size(const struct ledger *ledger);

/* The time to record the next leaf with: max(now, last + 1), so that times order as positions do. */
int64_t ledger_time(const struct ledger *ledger, int64_t now_ms);

/* Appends within the store's transaction; `leaf->recorded_at_ms` must come from ledger_time(). */
void ledger_append(struct ledger *ledger, const struct leaf *leaf);

/* A leaf as it was recorded before: its bytes, and where in them a sealed submission begins (0: nowhere). */
void ledger_append_bytes(struct ledger *ledger, enum leaf_kind kind, int64_t recorded_ms, const uint8_t *body,
                         size_t length, size_t sealed);

/* The head after the last appended leaf; ledger_seal() stores the tree before the commit. */
void ledger_head(const struct ledger *ledger, uint64_t *ret_size, uint8_t ret_root[static MERKLE_HASH_SIZE]);
void ledger_seal(struct ledger *ledger);

/* That the leaf at `position`, whose hash is given, is in the tree with that head. False if it cannot be
 * read: the store has the error. */
bool ledger_prove(struct ledger *ledger, uint64_t position, uint8_t ret_hash[static MERKLE_HASH_SIZE],
                  struct merkle_proof *ret_proof);

/* After a rollback: as the store has it. */
void ledger_reload(struct ledger *ledger);

#endif

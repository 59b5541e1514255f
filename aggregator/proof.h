/* Proofs about the ledger, as of a reading store's moment. Each is verified before it is given, so that a
 * damaged node is told here and not by whoever was to be convinced. */
#ifndef PARKTALLY_AGGREGATOR_PROOF_H
#define PARKTALLY_AGGREGATOR_PROOF_H

#include "aggregator/store/store.h"
#include "common/codec.h"
#include "common/identity.h"
#include "common/merkle.h"

#include <glib.h>
#include <stdbool.h>

struct tree_head {
  uint64_t size, epoch;
  uint8_t root[MERKLE_HASH_SIZE];
};

/* That of now. What follows gives false where the store cannot be read, or is damaged: it has the error. */
bool proof_head(struct store *store, struct tree_head *ret_head);
/* The one that the tree had with `size` leaves, which it has. */
bool proof_head_of(struct store *store, uint64_t size, struct tree_head *ret_head);
/* Sealed; of one size always the same bytes. */
GBytes *proof_sign(struct store *store, const struct identity *identity, const struct tree_head *head);

/* That the leaf at `position`, whose hash is given, is below the head. */
bool proof_inclusion(struct store *store, uint64_t position, const struct tree_head *head,
                     uint8_t ret_hash[static MERKLE_HASH_SIZE], struct merkle_proof *ret_proof);
/* That the tree of the first `before` leaves begins that of the head, which is no smaller. */
bool proof_consistency(struct store *store, uint64_t before, const struct tree_head *head,
                       struct merkle_proof *ret_proof);

/* What the ledger is, for an agent that holds heads of these sizes: those beyond the present one are left
 * out. NULL where the store cannot be read, which is logged. */
struct head_page;
struct head_page *head_page_read(struct store *store, const struct identity *identity, const uint64_t *from,
                                 size_t count);
void head_page_free(struct head_page *page);
CLEANUP_DEFINE(struct head_page, head_page_free)
/* To be encoded; lives as long as the page. */
const struct frame *head_page_frame(const struct head_page *page);

#endif

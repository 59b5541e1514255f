/* The ledger of a new store, put together of leaves and receipts as they were recorded before: by a restore
 * and by a repair. Within the store's transactions, which are the caller's. */
#ifndef PARKTALLY_AGGREGATOR_LEDGER_PUT_H
#define PARKTALLY_AGGREGATOR_LEDGER_PUT_H

#include "aggregator/store/store.h"
#include "common/key_chain.h"
#include "common/merkle.h"
#include "common/seal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEDGER_PUT_STEP 256 /* leaves that may well be put in one transaction */

/* The leaf of a position, each once and in any order, with the id of the submission that it is. False, and
 * nothing was put, if it cannot be read as a leaf. */
bool ledger_put_leaf(struct store *store, uint64_t position, const uint8_t *data, size_t length);

/* The receipt of a leaf that was put; `ret_position` (may be NULL) is the leaf's. False, and nothing was put,
 * if it was not signed with one of the city's keys, or is of no such leaf. */
bool ledger_put_receipt(struct store *store, const struct key_chain *keys, const uint8_t *data, size_t length,
                        uint64_t *ret_position);

/* What proofs are made from, once all leaves are there: the first `size` of them. The tree is `ret_tree`.
 * False, and the store has the error, if their hashes cannot be read. */
bool ledger_put_tree(struct store *store, uint64_t size, struct merkle *ret_tree);

#endif

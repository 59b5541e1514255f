/* The store's part about stores of which pages are damaged: reads that tell what cannot be read from what is
 * not there, and go on. Outside of a transaction of the store that is read; errors that are no damage are
 * kept as of store.h. */
#ifndef PARKTALLY_AGGREGATOR_STORE_SALVAGE_H
#define PARKTALLY_AGGREGATOR_STORE_SALVAGE_H

#include "aggregator/store/store.h"

enum salvage { SALVAGE_GOOD, SALVAGE_NOTHING, SALVAGE_UNREADABLE };

/* Whether what failed is that something cannot be read; the error is forgotten then. `ret_why` may be NULL.
 */
bool store_is_unreadable(struct store *store, char **ret_why);

/* How many leaves the ledger has, as far as anything says it that can be read; `ret_certain` (may be NULL):
 * it says so itself, there are no more. */
uint64_t store_salvage_size(struct store *store, bool *ret_certain);

/* The row of a leaf; and its body, of whatever parts are there. */
enum salvage store_salvage_row(struct store *store, uint64_t position, enum leaf_kind *ret_kind,
                               int64_t *ret_recorded_ms, uint8_t ret_hash[static MERKLE_HASH_SIZE]);
enum salvage store_salvage_body(struct store *store, uint64_t position, GBytes **ret_body);
enum salvage store_salvage_receipt(struct store *store, uint64_t position, GBytes **ret_sealed);
/* Whose submission, or act, the leaf is: from the list of submissions. `ret_agent` is newly allocated. */
enum salvage store_salvage_sender(struct store *store, uint64_t position, char **ret_agent,
                                  uint64_t *ret_sequence);
enum salvage store_salvage_node(struct store *store, unsigned level, uint64_t number,
                                uint8_t ret_hash[static MERKLE_HASH_SIZE]);
enum salvage store_salvage_tree(struct store *store, struct merkle *ret_tree);
/* Rows of the list of submissions. */
enum salvage store_salvage_count(struct store *store, uint64_t *ret_submissions);

/* --- a store in the making, into which leaves come part by part --- */

/* A row that may be a part of a leaf, by its key: the leaf's position. */
uint64_t store_part_position(int64_t key);
/* Puts a part by its key; of two a certain one stays. */
void store_part_keep(struct store *store, int64_t key, const uint8_t *bytes, size_t length, bool certain);
void store_parts_drop(struct store *store, uint64_t position);
/* Those of leaves that are not there. */
void store_parts_drop_loose(struct store *store);
/* Takes a leaf out again, with all that stands of it. */
void store_leaf_drop(struct store *store, uint64_t position);
bool store_has_receipt(struct store *store, uint64_t position);
/* Positions (uint64_t) of submissions and acts that have no receipt. */
GArray *store_without_receipt(struct store *store);

#endif

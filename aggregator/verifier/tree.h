/* The tree over the leaves of an export, and what was signed about it: the export's own head, and earlier
 * ones. */
#ifndef PARKTALLY_VERIFIER_TREE_H
#define PARKTALLY_VERIFIER_TREE_H

#include "aggregator/verifier/faults.h"
#include "aggregator/verifier/keys.h"
#include "common/codec.h"
#include "common/merkle.h"
#include "common/seal.h"

#include <stdbool.h>

/* A restore from a backup, as the ledger declares it: what was signed in earlier epochs beyond its first
 * `size` leaves is lost, and all that was signed in one that it does not declare, and that was before a later
 * one. */
struct restore {
  uint64_t epoch, size;
};

struct tree {
  struct faults *faults;
  const struct keys *keys; /* of the ledger */
  GArray *restores;        /* struct restore, by size: known before the first leaf */
  uint64_t lost;           /* heads and receipts of what is so lost */
  struct merkle leaves;
  GByteArray *head;  /* as it came, until it is looked at */
  GPtrArray *claims; /* of GBytes: sealed heads of before */
  GTree *expected; /* size → GPtrArray of struct expected_root, which is private: roots of trees to come */
  uint8_t leaf_hash[MERKLE_HASH_SIZE]; /* of the last leaf */
  bool is_sealed;                      /* the head is, by the present key */
  uint64_t size, epoch;                /* the head's */
  uint8_t root[MERKLE_HASH_SIZE];
  int64_t recorded_ms;
};

/* The keys are the caller's. */
void tree_init(struct tree *tree, struct faults *faults, const struct keys *keys);
void tree_finish(struct tree *tree);

/* Before the first leaf. */
void tree_set_head(struct tree *tree, const uint8_t *sealed, size_t length);
void tree_claim(struct tree *tree, GBytes *sealed);
/* A root that something else says, such as a receipt, of a tree that is no smaller than that of now. */
void tree_expect(struct tree *tree, uint64_t size, const uint8_t root[static MERKLE_HASH_SIZE],
                 const char *whose);
/* Whether a restore has not left so many leaves of this epoch. */
bool tree_is_lost(const struct tree *tree, uint64_t epoch, uint64_t size);

/* All that the ledger says of its keys is known, still before the first leaf: what was signed is looked at.
 */
void tree_open(struct tree *tree);

/* The next leaf. */
void tree_add(struct tree *tree, const uint8_t *leaf, size_t length);

/* The next leaf is an Epoch, of which this is the seal. Returns its number, 0 if it cannot be read. */
uint64_t tree_restored(struct tree *tree, struct bytes_view sealed, uint64_t epoch_before);

/* Behind the last leaf, which was recorded at this time and in this epoch. */
void tree_end(struct tree *tree, int64_t recorded_ms, uint64_t epoch);

#endif

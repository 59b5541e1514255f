/* The ledger's Merkle tree: RFC 6962 §2.1, SHA-256. No I/O. */
#ifndef PARKTALLY_COMMON_MERKLE_H
#define PARKTALLY_COMMON_MERKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MERKLE_HASH_SIZE 32
#define MERKLE_LEVELS 64

/* The tree's right edge: the roots of its complete subtrees, largest first. Enough to append and to tell the
 * head. */
struct merkle {
  uint64_t size;                                 /* leaves */
  uint8_t peak[MERKLE_LEVELS][MERKLE_HASH_SIZE]; /* as many as `size` has bits set */
};

/* SHA-256(0x00 || data). */
void merkle_leaf_hash(const uint8_t *data, size_t length, uint8_t ret_hash[static MERKLE_HASH_SIZE]);

void merkle_init(struct merkle *tree);
void merkle_append(struct merkle *tree, const uint8_t leaf_hash[static MERKLE_HASH_SIZE]);
/* The same; `sink` is given the root of each subtree of 2^level leaves that the leaf completes, its own hash
 * (level 0) included: number n of them begins with leaf n << level. */
typedef void merkle_sink(unsigned level, uint64_t number, const uint8_t hash[static MERKLE_HASH_SIZE],
                         void *data);
void merkle_append_telling(struct merkle *tree, const uint8_t leaf_hash[static MERKLE_HASH_SIZE],
                           merkle_sink *sink, void *data);

/* The tree head; of the empty tree SHA-256 of nothing. */
void merkle_root(const struct merkle *tree, uint8_t ret_root[static MERKLE_HASH_SIZE]);

/* Stored form: 8 bytes of size, little-endian, then the peaks. */
size_t merkle_store(const struct merkle *tree,
                    uint8_t ret_bytes[static 8 + MERKLE_LEVELS * MERKLE_HASH_SIZE]);
bool merkle_load(struct merkle *tree, const uint8_t *bytes, size_t length);

/* --- proofs: RFC 6962 §2.1.1 and §2.1.2, verified as RFC 9162 §2.1.3.2 and §2.1.4.2 say --- */

/* Proofs are made from the hashes of leaves and from the roots of subtrees of 2^8, 2^16 … leaves: so one node
 * is kept for 256 leaves, and a proof hashes up to 255 of them for each 8 levels. */
#define MERKLE_STRIDE 8

/* Roots of `count` complete subtrees of 2^level leaves, a multiple of MERKLE_STRIDE, from that number on.
 * False if they cannot be had: then no proof is made. */
typedef bool merkle_source(unsigned level, uint64_t first, size_t count,
                           uint8_t (*ret_hashes)[MERKLE_HASH_SIZE], void *data);

#define MERKLE_PROOF_MOST (MERKLE_LEVELS + 1)

struct merkle_proof {
  size_t count;
  uint8_t hash[MERKLE_PROOF_MOST][MERKLE_HASH_SIZE];
};

/* The root that the tree had with its first `size` leaves. */
bool merkle_root_of(uint64_t size, merkle_source *source, void *data,
                    uint8_t ret_root[static MERKLE_HASH_SIZE]);

/* That the leaf at `position` is one of the first `size`, which are more. */
bool merkle_prove_inclusion(uint64_t position, uint64_t size, merkle_source *source, void *data,
                            struct merkle_proof *ret_proof);
/* That the first `before` of the first `size` leaves are as they were: before ≤ size. Empty if before is 0 or
 * size. */
bool merkle_prove_consistency(uint64_t before, uint64_t size, merkle_source *source, void *data,
                              struct merkle_proof *ret_proof);

/* Of untrusted numbers and hashes. */
bool merkle_is_included(const uint8_t leaf_hash[static MERKLE_HASH_SIZE], uint64_t position, uint64_t size,
                        const uint8_t root[static MERKLE_HASH_SIZE], const uint8_t (*proof)[MERKLE_HASH_SIZE],
                        size_t count);
bool merkle_is_consistent(uint64_t before, const uint8_t root_before[static MERKLE_HASH_SIZE], uint64_t size,
                          const uint8_t root[static MERKLE_HASH_SIZE],
                          const uint8_t (*proof)[MERKLE_HASH_SIZE], size_t count);

#endif

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

/* The tree head; of the empty tree SHA-256 of nothing. */
void merkle_root(const struct merkle *tree, uint8_t ret_root[static MERKLE_HASH_SIZE]);

/* Stored form: 8 bytes of size, little-endian, then the peaks. */
size_t merkle_store(const struct merkle *tree,
                    uint8_t ret_bytes[static 8 + MERKLE_LEVELS * MERKLE_HASH_SIZE]);
bool merkle_load(struct merkle *tree, const uint8_t *bytes, size_t length);

#endif

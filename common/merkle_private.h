/* What the tree and its proofs share. */
#ifndef PARKTALLY_COMMON_MERKLE_PRIVATE_H
#define PARKTALLY_COMMON_MERKLE_PRIVATE_H

#include "common/merkle.h"

/* SHA-256(0x01 || left || right). `ret_hash` may be one of the two. */
void merkle_node_hash(const uint8_t left[static MERKLE_HASH_SIZE],
                      const uint8_t right[static MERKLE_HASH_SIZE],
                      uint8_t ret_hash[static MERKLE_HASH_SIZE]);

/* SHA-256 of nothing. */
void merkle_empty_root(uint8_t ret_root[static MERKLE_HASH_SIZE]);

#endif

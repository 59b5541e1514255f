/* Proofs about the tree: made from stored hashes, and verified. */
#include "common/merkle.h"
#include "common/merkle_private.h"

#include <assert.h>
#include <string.h>

/* Where hashes come from. */
struct source {
  merkle_source *read;
  void *data;
};

/* The largest power of two below n ≥ 2: how many leaves the left subtree has. */
static uint64_t left_of(uint64_t n)
{
  return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

static bool is_power_of_two(uint64_t n)
{
  return (n & (n - 1)) == 0;
}

/* Of 2^level leaves, folded from the kept level below. */
static bool complete_root(const struct source *source, unsigned level, uint64_t number,
                          uint8_t ret_root[static MERKLE_HASH_SIZE])
{
  uint8_t hashes[1 << (MERKLE_STRIDE - 1)][MERKLE_HASH_SIZE];
  unsigned above = level % MERKLE_STRIDE;
  size_t count = (size_t)1 << above;

  if (!source->read(level - above, number << above, count, hashes, source->data)) return false;
  for (; count > 1; count /= 2)
    for (size_t n = 0; n < count / 2; n++) merkle_node_hash(hashes[2 * n], hashes[2 * n + 1], hashes[n]);
  memcpy(ret_root, hashes[0], MERKLE_HASH_SIZE);
  return true;
}

/* Of the leaves from `start` up to `end`, of which there are some: what RFC 6962 calls MTH(D[start:end]).
 * Where it is asked for, a power of two of leaves begins at a multiple of it. */
static bool range_root(const struct source *source, uint64_t start, uint64_t end,
                       uint8_t ret_root[static MERKLE_HASH_SIZE])
{
  uint64_t n = end - start;
  uint8_t root[MERKLE_HASH_SIZE];

  if (is_power_of_two(n)) {
    unsigned level = (unsigned)__builtin_ctzll(n);
    return complete_root(source, level, start >> level, ret_root);
  }
  if (!complete_root(source, (unsigned)__builtin_ctzll(left_of(n)), start >> __builtin_ctzll(left_of(n)),
                     root))
    return false;
  if (!range_root(source, start + left_of(n), end, ret_root)) return false;
  merkle_node_hash(root, ret_root, ret_root);
  return true;
}

bool merkle_root_of(uint64_t size, merkle_source *source, void *data,
                    uint8_t ret_root[static MERKLE_HASH_SIZE])
{
  if (size > 0) return range_root(&(struct source){source, data}, 0, size, ret_root);
  merkle_empty_root(ret_root);
  return true;
}

static bool add(const struct source *source, uint64_t start, uint64_t end, struct merkle_proof *proof)
{
  assert(proof->count < MERKLE_PROOF_MOST);
  return range_root(source, start, end, proof->hash[proof->count++]);
}

/* Proofs go from the leaves to the root, the tree is walked from the root down. */
static void turn_round(struct merkle_proof *proof)
{
  for (size_t n = 0; n < proof->count / 2; n++) {
    uint8_t kept[MERKLE_HASH_SIZE], *a = proof->hash[n], *b = proof->hash[proof->count - 1 - n];

    memcpy(kept, a, sizeof kept);
    memcpy(a, b, sizeof kept);
    memcpy(b, kept, sizeof kept);
  }
}

bool merkle_prove_inclusion(uint64_t position, uint64_t size, merkle_source *source, void *data,
                            struct merkle_proof *ret_proof)
{
  struct source from = {source, data};
  uint64_t start = 0, end = size;

  assert(position < size);
  ret_proof->count = 0;
  while (end - start > 1) {
    uint64_t middle = start + left_of(end - start);
    bool is_left = position < middle;

    if (!add(&from, is_left ? middle : start, is_left ? end : middle, ret_proof)) return false;
    if (is_left)
      end = middle;
    else
      start = middle;
  }
  turn_round(ret_proof);
  return true;
}

bool merkle_prove_consistency(uint64_t before, uint64_t size, merkle_source *source, void *data,
                              struct merkle_proof *ret_proof)
{
  struct source from = {source, data};
  uint64_t start = 0, end = size;

  assert(before <= size);
  ret_proof->count = 0;
  if (before == 0 || before == size) return true;
  while (before != end) { /* what is left is a subtree that was whole before */
    uint64_t middle = start + left_of(end - start);
    bool is_left = before <= middle;

    if (!add(&from, is_left ? middle : start, is_left ? end : middle, ret_proof)) return false;
    if (is_left)
      end = middle;
    else
      start = middle;
  }
  if (start > 0 && !add(&from, start, end, ret_proof))
    return false; /* else it is the root before, which is known */
  turn_round(ret_proof);
  return true;
}

/* --- verifying --- */

bool merkle_is_included(const uint8_t leaf_hash[static MERKLE_HASH_SIZE], uint64_t position, uint64_t size,
                        const uint8_t root[static MERKLE_HASH_SIZE], const uint8_t (*proof)[MERKLE_HASH_SIZE],
                        size_t count)
{
  uint64_t node = position, last = size - 1; /* numbers on one level: ours, and that of the level's last */
  uint8_t hash[MERKLE_HASH_SIZE];

  if (position >= size) return false;
  memcpy(hash, leaf_hash, sizeof hash);
  for (size_t n = 0; n < count; n++) {
    if (last == 0) return false;
    if ((node & 1) || node == last) {
      merkle_node_hash(proof[n], hash, hash);
      while (!(node & 1) && node != 0) { /* on these levels it has no neighbour */
        node >>= 1;
        last >>= 1;
      }
    } else {
      merkle_node_hash(hash, proof[n], hash);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && memcmp(hash, root, sizeof hash) == 0;
}

bool merkle_is_consistent(uint64_t before, const uint8_t root_before[static MERKLE_HASH_SIZE], uint64_t size,
                          const uint8_t root[static MERKLE_HASH_SIZE],
                          const uint8_t (*proof)[MERKLE_HASH_SIZE], size_t count)
{
  uint8_t was[MERKLE_HASH_SIZE], is[MERKLE_HASH_SIZE];
  uint64_t node = before - 1, last = size - 1;
  size_t n = 0;

  if (before > size) return false;
  if (before == 0) {
    merkle_empty_root(was);
    return count == 0 && memcmp(was, root_before, sizeof was) == 0;
  }
  if (before == size) return count == 0 && memcmp(root_before, root, MERKLE_HASH_SIZE) == 0;
  while (node & 1) {
    node >>= 1;
    last >>= 1;
  }
  if (node > 0 && count == 0) return false;
  memcpy(was, node > 0 ? proof[n++] : root_before,
         sizeof was); /* a tree of a power of two is its own subtree */
  memcpy(is, was, sizeof is);
  for (; n < count; n++) {
    if (last == 0) return false;
    if ((node & 1) || node == last) {
      merkle_node_hash(proof[n], was, was);
      merkle_node_hash(proof[n], is, is);
      while (!(node & 1) && node != 0) {
        node >>= 1;
        last >>= 1;
      }
    } else {
      merkle_node_hash(is, proof[n], is);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && memcmp(was, root_before, sizeof was) == 0 && memcmp(is, root, sizeof is) == 0;
}

#include "common/merkle.h"

#include "common/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef uint8_t hash_bytes[MERKLE_HASH_SIZE];

#define MOST 700 /* leaves: more than two nodes of 256 */

/* What a store keeps. */
struct kept {
  hash_bytes leaf[MOST], node[MOST / 256 + 1];
  struct merkle tree;
  hash_bytes root[MOST + 1]; /* by size */
  bool fails;
};

static void keep(unsigned level, uint64_t number, const uint8_t hash[static MERKLE_HASH_SIZE], void *data)
{
  struct kept *kept = data;
  if (level == 0) memcpy(kept->leaf[number], hash, MERKLE_HASH_SIZE);
  if (level == MERKLE_STRIDE) memcpy(kept->node[number], hash, MERKLE_HASH_SIZE);
}

static bool give(unsigned level, uint64_t first, size_t count, uint8_t (*ret_hashes)[MERKLE_HASH_SIZE],
                 void *data)
{
  const struct kept *kept = data;
  if (kept->fails) return false;
  assert_true(level == 0 || level == MERKLE_STRIDE);
  assert_true((first + count) << level <= kept->tree.size);
  memcpy(ret_hashes, level == 0 ? kept->leaf + first : kept->node + first, count * MERKLE_HASH_SIZE);
  return true;
}

static void append(struct kept *kept, const void *data, size_t length)
{
  hash_bytes hash;
  merkle_leaf_hash(data, length, hash);
  merkle_append_telling(&kept->tree, hash, keep, kept);
  merkle_root(&kept->tree, kept->root[kept->tree.size]);
}

static struct kept *kept_new(uint32_t leaves)
{
  struct kept *kept = g_new0(struct kept, 1);
  merkle_init(&kept->tree);
  merkle_root(&kept->tree, kept->root[0]);
  for (uint32_t n = 0; n < leaves; n++) append(kept, &n, sizeof n);
  return kept;
}

/* --- the test vectors of Certificate Transparency's reference implementation: eight leaves --- */

static const char *const leaves[] = {
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"};

#define A "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
#define B "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
#define C "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
#define D "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
#define E "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
#define F "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
#define G "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
#define H "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
#define I "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"

static void assert_proof(const struct merkle_proof *proof, const char *const *expected)
{
  size_t count = 0;
  for (; expected[count]; count++) {
    assert_true(count < proof->count);
    g_autofree char *hex = text_hex(proof->hash[count], MERKLE_HASH_SIZE);
    assert_string_equal(hex, expected[count]);
  }
  assert_int_equal(proof->count, count);
}

static void proofs_are_those_of_rfc_6962(void **state)
{
  static const struct {
    uint64_t position, size;
    const char *proof[5];
  } inclusions[] = {{0, 1, {NULL}}, {0, 8, {A, B, C}}, {5, 8, {D, E, F}}, {2, 3, {G}}, {1, 5, {H, B, D}}};
  static const struct {
    uint64_t before, size;
    const char *proof[5];
  } consistencies[] = {{1, 1, {NULL}}, {1, 8, {A, B, C}}, {6, 8, {I, E, F}}, {2, 5, {B, D}}, {0, 5, {NULL}}};
  g_autofree struct kept *kept = kept_new(0);
  struct merkle_proof proof;
  (void)state;
  for (size_t n = 0; n < G_N_ELEMENTS(leaves); n++) {
    uint8_t data[16];
    size_t length = strlen(leaves[n]) / 2;
    assert_true(length == 0 || text_unhex(leaves[n], length, data));
    append(kept, data, length);
  }
  for (size_t n = 0; n < G_N_ELEMENTS(inclusions); n++) {
    assert_true(merkle_prove_inclusion(inclusions[n].position, inclusions[n].size, give, kept, &proof));
    assert_proof(&proof, inclusions[n].proof);
  }
  for (size_t n = 0; n < G_N_ELEMENTS(consistencies); n++) {
    assert_true(merkle_prove_consistency(consistencies[n].before, consistencies[n].size, give, kept, &proof));
    assert_proof(&proof, consistencies[n].proof);
  }
}

/* --- every tree up to a size --- */

static void every_leaf_is_proved_in_every_tree(void **state)
{
  g_autofree struct kept *kept = kept_new(MOST);
  struct merkle_proof proof;
  (void)state;
  for (uint64_t size = 1; size <= MOST; size++)
    for (uint64_t position = 0; position < size; position += size < 40 ? 1 : 7) {
      assert_true(merkle_prove_inclusion(position, size, give, kept, &proof));
      assert_true(merkle_is_included(kept->leaf[position], position, size, kept->root[size],
                                     (const hash_bytes *)proof.hash, proof.count));
    }
}

static void every_tree_is_proved_to_begin_every_later_one(void **state)
{
  g_autofree struct kept *kept = kept_new(MOST);
  struct merkle_proof proof;
  hash_bytes root;
  (void)state;
  for (uint64_t size = 0; size <= MOST; size++) {
    assert_true(merkle_root_of(size, give, kept, root));
    assert_memory_equal(root, kept->root[size], sizeof root);
    for (uint64_t before = 0; before <= size; before += size < 40 ? 1 : 7) {
      assert_true(merkle_prove_consistency(before, size, give, kept, &proof));
      assert_true(merkle_is_consistent(before, kept->root[before], size, kept->root[size],
                                       (const hash_bytes *)proof.hash, proof.count));
    }
  }
}

/* What is said of a leaf that is not there, of another place, tree or root, with a proof that is longer,
 * shorter or has a bit turned. */
static void no_other_inclusion_is_proved(void **state)
{
  enum { SIZE = 45 };
  g_autofree struct kept *kept = kept_new(MOST);
  struct merkle_proof proof;
  (void)state;
  for (uint64_t position = 0; position < SIZE; position++) {
    assert_true(merkle_prove_inclusion(position, SIZE, give, kept, &proof));
    const hash_bytes *hashes = (const hash_bytes *)proof.hash;
    for (uint64_t other = 0; other < SIZE + 20; other++) {
      if (other == position) continue;
      assert_false(
          merkle_is_included(kept->leaf[position], other, SIZE, kept->root[SIZE], hashes, proof.count));
      assert_false(
          merkle_is_included(kept->leaf[other], position, SIZE, kept->root[SIZE], hashes, proof.count));
      assert_false(merkle_is_included(kept->leaf[position], position, SIZE,
                                      kept->root[other == SIZE ? 1 : other], hashes, proof.count));
    }
    assert_false(
        merkle_is_included(kept->leaf[position], position, SIZE, kept->root[SIZE], hashes, proof.count - 1));
    assert_false(
        merkle_is_included(kept->leaf[position], position, SIZE, kept->root[SIZE], hashes, proof.count + 1));
    assert_false(merkle_is_included(kept->leaf[position], position, 0, kept->root[0], hashes, proof.count));
    for (size_t n = 0; n < proof.count; n++) {
      proof.hash[n][n] ^= 1;
      assert_false(
          merkle_is_included(kept->leaf[position], position, SIZE, kept->root[SIZE], hashes, proof.count));
      proof.hash[n][n] ^= 1;
    }
  }
}

static void no_other_consistency_is_proved(void **state)
{
  enum { SIZE = 45 };
  g_autofree struct kept *kept = kept_new(MOST);
  struct merkle_proof proof;
  (void)state;
  for (uint64_t before = 1; before <= SIZE; before++) {
    assert_true(merkle_prove_consistency(before, SIZE, give, kept, &proof));
    const hash_bytes *hashes = (const hash_bytes *)proof.hash;
    for (uint64_t other = 0; other < SIZE + 20; other++) {
      if (other == before) continue;
      assert_false(
          merkle_is_consistent(before, kept->root[other], SIZE, kept->root[SIZE], hashes, proof.count));
      if (other == SIZE) continue;
      assert_false(
          merkle_is_consistent(before, kept->root[before], SIZE, kept->root[other], hashes, proof.count));
    }
    for (size_t n = 0; n < proof.count; n++) {
      proof.hash[n][n] ^= 1;
      assert_false(
          merkle_is_consistent(before, kept->root[before], SIZE, kept->root[SIZE], hashes, proof.count));
      proof.hash[n][n] ^= 1;
    }
    assert_false(
        merkle_is_consistent(before, kept->root[before], SIZE, kept->root[SIZE], hashes, proof.count + 1));
    if (proof.count > 0)
      assert_false(
          merkle_is_consistent(before, kept->root[before], SIZE, kept->root[SIZE], hashes, proof.count - 1));
    assert_false(
        merkle_is_consistent(SIZE, kept->root[SIZE], before, kept->root[before], hashes, proof.count) &&
        before != SIZE);
  }
}

/* Hashes that are right, told of smaller trees, and proofs of nothing. */
static void a_tree_does_not_pass_for_a_smaller_one(void **state)
{
  g_autofree struct kept *kept = kept_new(MOST);
  struct merkle_proof proof;
  (void)state;
  assert_true(merkle_prove_inclusion(7, 8, give, kept, &proof));
  assert_false(
      merkle_is_included(kept->leaf[7], 0, 1, kept->root[8], (const hash_bytes *)proof.hash, proof.count));
  assert_true(merkle_prove_consistency(7, 8, give, kept, &proof));
  assert_false(
      merkle_is_consistent(3, kept->root[7], 4, kept->root[8], (const hash_bytes *)proof.hash, proof.count));
  assert_false(merkle_is_consistent(8, kept->root[8], 5, kept->root[8], NULL, 0));
  assert_false(merkle_is_consistent(3, kept->root[3], 5, kept->root[5], NULL, 0));
  assert_false(merkle_is_consistent(0, kept->root[3], 5, kept->root[5], NULL, 0));
}

/* --- trees that nobody has --- */

/* All leaves are alike, so all subtrees of a level are. */
static bool give_alike(unsigned level, uint64_t first, size_t count, uint8_t (*ret_hashes)[MERKLE_HASH_SIZE],
                       void *data)
{
  const hash_bytes *levels = data;
  (void)first;
  assert_int_equal(level % MERKLE_STRIDE, 0);
  assert_true(count <= 128);
  for (size_t n = 0; n < count; n++) memcpy(ret_hashes[n], levels[level], MERKLE_HASH_SIZE);
  return true;
}

static void make_levels(hash_bytes *levels, unsigned count)
{
  struct merkle pair;
  merkle_leaf_hash(NULL, 0, levels[0]);
  for (unsigned n = 1; n < count; n++) {
    merkle_init(&pair);
    merkle_append(&pair, levels[n - 1]);
    merkle_append(&pair, levels[n - 1]);
    merkle_root(&pair, levels[n]);
  }
}

static void trees_of_any_size_are_proved(void **state)
{
  static const uint64_t sizes[] = {(UINT64_C(1) << 40) + 12345, UINT64_C(1) << 48, (UINT64_C(1) << 62) - 1,
                                   UINT64_MAX};
  static hash_bytes levels[64];
  struct merkle_proof proof;
  hash_bytes root, before_root;
  (void)state;
  make_levels(levels, 64);
  for (size_t n = 0; n < G_N_ELEMENTS(sizes); n++) {
    uint64_t size = sizes[n], some = size / 3;
    assert_true(merkle_root_of(size, give_alike, levels, root));
    assert_true(merkle_prove_inclusion(some, size, give_alike, levels, &proof));
    assert_true(merkle_is_included(levels[0], some, size, root, (const hash_bytes *)proof.hash, proof.count));
    assert_true(merkle_root_of(some, give_alike, levels, before_root));
    assert_true(merkle_prove_consistency(some, size, give_alike, levels, &proof));
    assert_true(
        merkle_is_consistent(some, before_root, size, root, (const hash_bytes *)proof.hash, proof.count));
  }
}

static void what_cannot_be_read_gives_no_proof(void **state)
{
  g_autofree struct kept *kept = kept_new(5);
  struct merkle_proof proof;
  hash_bytes root;
  (void)state;
  kept->fails = true;
  assert_false(merkle_prove_inclusion(2, 5, give, kept, &proof));
  assert_false(merkle_prove_consistency(2, 5, give, kept, &proof));
  assert_false(merkle_root_of(5, give, kept, root));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(proofs_are_those_of_rfc_6962),
      cmocka_unit_test(every_leaf_is_proved_in_every_tree),
      cmocka_unit_test(every_tree_is_proved_to_begin_every_later_one),
      cmocka_unit_test(no_other_inclusion_is_proved),
      cmocka_unit_test(no_other_consistency_is_proved),
      cmocka_unit_test(a_tree_does_not_pass_for_a_smaller_one),
      cmocka_unit_test(trees_of_any_size_are_proved),
      cmocka_unit_test(what_cannot_be_read_gives_no_proof),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "common/merkle.h"

#include "common/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The test vectors of Certificate Transparency's reference implementation: leaves, and the root with each of
 * them. */
static const struct {
  const char *leaf, *root;
} vectors[] = {
    {"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
    {"00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
    {"10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
    {"2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
    {"3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
    {"40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
    {"5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
    {"606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
};

#define EMPTY_ROOT "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void assert_root(const struct merkle *tree, const char *expected)
{
  uint8_t root[MERKLE_HASH_SIZE];
  merkle_root(tree, root);
  g_autofree char *hex = text_hex(root, sizeof root);
  assert_string_equal(hex, expected);
}

static void append_hex(struct merkle *tree, const char *hex)
{
  uint8_t data[16], hash[MERKLE_HASH_SIZE];
  size_t length = strlen(hex) / 2;
  assert_true(length == 0 || text_unhex(hex, length, data));
  merkle_leaf_hash(data, length, hash);
  merkle_append(tree, hash);
}

static void bytes_of_another_size_than_their_leaves_need_are_refused(void **state)
{
  (void)state;
  struct merkle tree, loaded;
  uint8_t bytes[8 + MERKLE_LEVELS * MERKLE_HASH_SIZE];
  merkle_init(&tree);
  for (int i = 0; i < 5; i++) append_hex(&tree, vectors[i].leaf);
  size_t length = merkle_store(&tree, bytes);
  assert_int_equal(length, 8 + 2 * MERKLE_HASH_SIZE);

  merkle_init(&loaded);
  assert_false(merkle_load(&loaded, bytes, 0));
  assert_false(merkle_load(&loaded, bytes, 7));
  assert_false(merkle_load(&loaded, bytes, length - 1));
  assert_false(merkle_load(&loaded, bytes, length + 1));
  bytes[0] = 7; /* three peaks */
  assert_false(merkle_load(&loaded, bytes, length));
  assert_int_equal(loaded.size, 0);
}

static void roots_are_those_of_rfc_6962(void **state)
{
  (void)state;
  struct merkle tree;
  merkle_init(&tree);
  assert_root(&tree, EMPTY_ROOT);
  for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++) {
    append_hex(&tree, vectors[i].leaf);
    assert_int_equal(tree.size, i + 1);
    assert_root(&tree, vectors[i].root);
  }
}

/* RFC 6962 §2.1 word for word. */
static void root_by_definition(uint8_t (*hashes)[MERKLE_HASH_SIZE], size_t count, uint8_t *ret_root)
{
  if (count == 1) {
    memcpy(ret_root, hashes[0], MERKLE_HASH_SIZE);
    return;
  }
  size_t split = 1;
  while (split * 2 < count) split *= 2;
  g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
  uint8_t node[1 + 2 * MERKLE_HASH_SIZE] = {1};
  root_by_definition(hashes, split, node + 1);
  root_by_definition(hashes + split, count - split, node + 1 + MERKLE_HASH_SIZE);
  g_checksum_update(sum, node, sizeof node);
  size_t size = MERKLE_HASH_SIZE;
  g_checksum_get_digest(sum, ret_root, &size);
}

static void any_size_agrees_with_the_definition_also_after_storing(void **state)
{
  (void)state;
  enum { MOST = 300 };
  static uint8_t hashes[MOST][MERKLE_HASH_SIZE];
  struct merkle tree;
  merkle_init(&tree);
  for (uint32_t n = 0; n < MOST; n++) {
    merkle_leaf_hash((const uint8_t *)&n, sizeof n, hashes[n]);
    merkle_append(&tree, hashes[n]);

    uint8_t bytes[8 + MERKLE_LEVELS * MERKLE_HASH_SIZE], root[MERKLE_HASH_SIZE], expected[MERKLE_HASH_SIZE];
    size_t length = merkle_store(&tree, bytes);
    memset(&tree, 0xff, sizeof tree);
    assert_true(merkle_load(&tree, bytes, length));
    merkle_root(&tree, root);
    root_by_definition(hashes, n + 1, expected);
    assert_memory_equal(root, expected, sizeof root);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bytes_of_another_size_than_their_leaves_need_are_refused),
      cmocka_unit_test(roots_are_those_of_rfc_6962),
      cmocka_unit_test(any_size_agrees_with_the_definition_also_after_storing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

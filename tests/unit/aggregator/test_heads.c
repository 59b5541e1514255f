#include "aggregator/heads.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void grow(struct merkle *tree, uint8_t leaf)
{
  uint8_t hash[MERKLE_HASH_SIZE];
  merkle_leaf_hash(&leaf, 1, hash);
  merkle_append(tree, hash);
}

static void name(struct heads *heads, const struct merkle *tree)
{
  uint8_t root[MERKLE_HASH_SIZE];
  merkle_root(tree, root);
  heads_name(heads, tree->size, root);
}

static void a_tree_is_what_was_named_or_another_or_nothing_is_known(void **state)
{
  (void)state;
  CLEANUP(heads_free) struct heads *heads = heads_new();
  struct merkle tree, other;
  merkle_init(&tree);
  merkle_init(&other);
  grow(&tree, 1);
  grow(&other, 2);
  assert_int_equal(heads_match(heads, &tree), HEADS_UNNAMED);
  name(heads, &tree);
  assert_int_equal(heads_match(heads, &tree), HEADS_SAME);
  assert_int_equal(heads_match(heads, &other), HEADS_OTHER);
  grow(&tree, 1);
  assert_int_equal(heads_match(heads, &tree), HEADS_UNNAMED);
}

static void of_one_size_the_first_stays(void **state)
{
  (void)state;
  CLEANUP(heads_free) struct heads *heads = heads_new();
  struct merkle tree, other;
  merkle_init(&tree);
  merkle_init(&other);
  grow(&tree, 1);
  grow(&other, 2);
  name(heads, &tree);
  name(heads, &other);
  assert_int_equal(heads_match(heads, &tree), HEADS_SAME);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_tree_is_what_was_named_or_another_or_nothing_is_known),
      cmocka_unit_test(of_one_size_the_first_stays),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

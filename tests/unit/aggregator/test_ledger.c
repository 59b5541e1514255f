#include "store_place.h"

#include "aggregator/ledger.h"
#include "common/merkle.h"

#include <string.h>

static void append(struct ledger *ledger, int64_t now_ms, const char *reason)
{
  struct leaf leaf = {.kind = LEAF_REVOCATION,
                      .recorded_at_ms = ledger_time(ledger, now_ms),
                      .by = "test",
                      .reason = reason,
                      .revocation.agent = "a"};
  ledger_append(ledger, &leaf);
}

static void assert_same_head(const struct ledger *ledger, const struct merkle *tree)
{
  uint64_t size;
  uint8_t root[MERKLE_HASH_SIZE], expected[MERKLE_HASH_SIZE];
  ledger_head(ledger, &size, root);
  merkle_root(tree, expected);
  assert_int_equal(size, tree->size);
  assert_memory_equal(root, expected, sizeof root);
}

static void after_a_rollback_the_ledger_is_as_the_store_has_it(void **state)
{
  struct place *place = (struct place *)*state;
  CLEANUP(ledger_free) struct ledger *ledger = ledger_new(place->store);
  store_begin(place->store);
  append(ledger, 100, "kept");
  ledger_seal(ledger);
  place_commit(place);
  struct merkle tree;
  store_tree(place->store, &tree);

  store_begin(place->store);
  append(ledger, 500, "undone");
  append(ledger, 600, "undone");
  ledger_seal(ledger);
  assert_int_equal(ledger_size(ledger), 3);
  store_rollback(place->store);
  ledger_reload(ledger);
  assert_int_equal(ledger_size(ledger), 1);
  assert_int_equal(ledger_time(ledger, 0), 101);
  assert_same_head(ledger, &tree);
}

static void times_order_as_positions_do_whatever_the_clock_says(void **state)
{
  struct place *place = (struct place *)*state;
  CLEANUP(ledger_free) struct ledger *ledger = ledger_new(place->store);
  assert_int_equal(ledger_time(ledger, 1000), 1000);
  store_begin(place->store);
  append(ledger, 1000, "");
  assert_int_equal(ledger_time(ledger, 1000), 1001); /* within one millisecond */
  append(ledger, 1000, "");
  assert_int_equal(ledger_time(ledger, 5), 1002); /* the clock was set back */
  assert_int_equal(ledger_time(ledger, 2000), 2000);
  ledger_seal(ledger);
  place_commit(place);
  CLEANUP(ledger_free) struct ledger *restarted = ledger_new(place->store);
  assert_int_equal(ledger_time(restarted, 5), 1002);
}

static void the_head_is_that_of_the_stored_leaves(void **state)
{
  struct place *place = (struct place *)*state;
  struct merkle tree;
  merkle_init(&tree);
  CLEANUP(ledger_free) struct ledger *ledger = ledger_new(place->store);
  assert_same_head(ledger, &tree);
  for (unsigned n = 0; n < 9; n++) {
    store_begin(place->store);
    append(ledger, 1, "why");
    ledger_seal(ledger);
    place_commit(place);
    g_autoptr(GBytes) body = store_leaf(place->store, n);
    size_t length;
    const uint8_t *data = (const uint8_t *)g_bytes_get_data(body, &length);
    CLEANUP(leaf_free) struct leaf *leaf = leaf_decode(data, length);
    assert_int_equal(leaf->kind, LEAF_REVOCATION);
    assert_string_equal(leaf->reason, "why");
    uint8_t hash[MERKLE_HASH_SIZE];
    merkle_leaf_hash(data, length, hash);
    merkle_append(&tree, hash);
    assert_same_head(ledger, &tree);
    CLEANUP(ledger_free) struct ledger *restarted = ledger_new(place->store);
    assert_same_head(restarted, &tree);
  }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, place_set_up, place_tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      CASE(after_a_rollback_the_ledger_is_as_the_store_has_it),
      CASE(times_order_as_positions_do_whatever_the_clock_says),
      CASE(the_head_is_that_of_the_stored_leaves),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

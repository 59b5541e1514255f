#include "store_place.h"

#include "aggregator/ledger.h"
#include "aggregator/proof.h"
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

/* So that nodes of the next level are kept, and the edge has moved on. */
#define MANY 700

static void append_many(struct place *place, struct ledger *ledger, unsigned count)
{
  store_begin(place->store);
  for (unsigned n = 0; n < count; n++) append(ledger, 1, "why");
  ledger_seal(ledger);
  place_commit(place);
}

static void assert_proves_all(struct ledger *ledger)
{
  uint64_t size;
  uint8_t root[MERKLE_HASH_SIZE], hash[MERKLE_HASH_SIZE];
  struct merkle_proof proof;
  ledger_head(ledger, &size, root);
  for (uint64_t n = 0; n < size; n++) {
    assert_true(ledger_prove(ledger, n, hash, &proof));
    assert_true(
        merkle_is_included(hash, n, size, root, (const uint8_t(*)[MERKLE_HASH_SIZE])proof.hash, proof.count));
  }
}

static void each_leaf_is_proved_also_after_a_rollback_and_a_restart(void **state)
{
  struct place *place = (struct place *)*state;
  CLEANUP(ledger_free) struct ledger *ledger = ledger_new(place->store);
  for (unsigned count = 0; count < MANY; count += 100) append_many(place, ledger, 100);
  assert_proves_all(ledger);
  store_begin(place->store);
  for (unsigned n = 0; n < 300; n++) append(ledger, 1, "undone");
  store_rollback(place->store);
  ledger_reload(ledger);
  assert_proves_all(ledger);
  append_many(place, ledger, 150);
  assert_proves_all(ledger);
  CLEANUP(ledger_free) struct ledger *restarted = ledger_new(place->store);
  append_many(place, restarted, 150);
  assert_proves_all(restarted);
}

static void readers_prove_what_the_ledger_was(void **state)
{
  struct place *place = (struct place *)*state;
  CLEANUP(ledger_free) struct ledger *ledger = ledger_new(place->store);
  struct tree_head head, before;
  struct merkle_proof proof;
  uint8_t hash[MERKLE_HASH_SIZE];
  append_many(place, ledger, MANY);
  CLEANUP(store_close) struct store *reader = place_open(place, STORE_READ);
  store_begin(reader);
  assert_true(proof_head(reader, &head));
  assert_int_equal(head.size, MANY);
  for (uint64_t n = 0; n <= MANY; n += 50) {
    assert_true(proof_head_of(reader, n, &before));
    assert_true(proof_consistency(reader, n, &head, &proof));
    assert_true(merkle_is_consistent(n, before.root, head.size, head.root,
                                     (const uint8_t(*)[MERKLE_HASH_SIZE])proof.hash, proof.count));
    if (n < MANY) assert_true(proof_inclusion(reader, n, &head, hash, &proof));
  }
  assert_true(store_commit(reader, NULL));
}

static void a_store_without_nodes_gets_them(void **state)
{
  struct place *place = (struct place *)*state;
  CLEANUP(ledger_free) struct ledger *ledger = ledger_new(place->store);
  append_many(place, ledger, MANY);
  g_autofree char *nodes = place_query(place, "SELECT group_concat(hex(hash)) FROM node");
  place_sql(place, "DELETE FROM node");
  CLEANUP(ledger_free) struct ledger *later = ledger_new(place->store);
  g_autofree char *again = place_query(place, "SELECT group_concat(hex(hash)) FROM node");
  assert_string_equal(again, nodes);
  assert_proves_all(later);
}

/* So that no receipt is silently left out. */
static void a_proof_that_cannot_be_made_fails_the_transaction(void **state)
{
  struct place *place = (struct place *)*state;
  CLEANUP(ledger_free) struct ledger *ledger = ledger_new(place->store);
  struct merkle_proof proof;
  uint8_t hash[MERKLE_HASH_SIZE];
  append_many(place, ledger, MANY);
  append_many(place, ledger, 100); /* the edge moves on */
  place_sql(place, "DELETE FROM leaf WHERE position = 3");
  store_begin(place->store);
  assert_false(ledger_prove(ledger, 2, hash, &proof));
  assert_false(store_commit(place->store, NULL));
}

static void a_damaged_node_gives_no_proof_and_is_named(void **state)
{
  struct place *place = (struct place *)*state;
  CLEANUP(ledger_free) struct ledger *ledger = ledger_new(place->store);
  struct tree_head head;
  struct merkle_proof proof;
  uint8_t hash[MERKLE_HASH_SIZE];
  g_autoptr(GError) error = NULL;
  append_many(place, ledger, MANY);
  place_sql(place, "UPDATE node SET hash = zeroblob(32) WHERE number = 1");
  CLEANUP(store_close) struct store *reader = place_open(place, STORE_READ);
  store_begin(reader);
  assert_true(proof_head(reader, &head));
  assert_true(proof_inclusion(reader, 300, &head, hash, &proof)); /* it needs the others alone */
  assert_false(proof_inclusion(reader, 3, &head, hash, &proof));
  assert_false(store_commit(reader, &error));
  assert_non_null(strstr(error->message, "\"node\""));
  g_clear_error(&error);
  place_sql(place, "DELETE FROM node WHERE number = 1");
  store_begin(reader);
  assert_false(proof_consistency(reader, 600, &head, &proof));
  assert_false(proof_head_of(reader, 600, &head));
  store_rollback(reader);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, place_set_up, place_tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      CASE(after_a_rollback_the_ledger_is_as_the_store_has_it),
      CASE(times_order_as_positions_do_whatever_the_clock_says),
      CASE(the_head_is_that_of_the_stored_leaves),
      CASE(each_leaf_is_proved_also_after_a_rollback_and_a_restart),
      CASE(readers_prove_what_the_ledger_was),
      CASE(a_store_without_nodes_gets_them),
      CASE(a_proof_that_cannot_be_made_fails_the_transaction),
      CASE(a_damaged_node_gives_no_proof_and_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "aggregator/ledger.h"

#include "common/merkle.h"

#include <assert.h>

struct ledger {
  struct store *store;
  struct merkle tree;
  int64_t last_recorded_ms;
};

struct ledger *ledger_new(struct store *store)
{
  struct ledger *ledger = g_new0(struct ledger, 1);
  ledger->store = store;
  ledger_reload(ledger);
  return ledger;
}

void ledger_free(struct ledger *ledger)
{
  g_free(ledger);
}

void ledger_reload(struct ledger *ledger)
{
  store_tree(ledger->store, &ledger->tree);
  ledger->last_recorded_ms = store_last_recorded(ledger->store);
}

uint64_t ledger_size(const struct ledger *ledger)
{
  return ledger->tree.size;
}

int64_t ledger_time(const struct ledger *ledger, int64_t now_ms)
{
  return MAX(now_ms, ledger->last_recorded_ms + 1);
}

void ledger_append(struct ledger *ledger, const struct leaf *leaf)
{
  assert(leaf->recorded_at_ms > ledger->last_recorded_ms);
  size_t sealed;
  g_autoptr(GByteArray) body = leaf_encode(leaf, &sealed);
  uint8_t hash[MERKLE_HASH_SIZE];
  merkle_leaf_hash(body->data, body->len, hash);
  store_leaf_add(ledger->store, ledger->tree.size, leaf->kind, leaf->recorded_at_ms, body->data, body->len,
                 sealed, hash);
  merkle_append(&ledger->tree, hash);
  ledger->last_recorded_ms = leaf->recorded_at_ms;
}

void ledger_head(const struct ledger *ledger, uint64_t *ret_size, uint8_t ret_root[static MERKLE_HASH_SIZE])
{
  *ret_size = ledger->tree.size;
  merkle_root(&ledger->tree, ret_root);
}

void ledger_seal(struct ledger *ledger)
{
  store_tree_put(ledger->store, &ledger->tree);
}

#include "aggregator/ledger.h"

#include "common/merkle.h"

#include <assert.h>
#include <string.h>

#define LEVELS (MERKLE_LEVELS / MERKLE_STRIDE)
#define NODES (1U << MERKLE_STRIDE) /* below one of the next level that is kept */

/* The last hashes of a level, since each receipt proves its leaf by its neighbours. */
struct edge {
  uint64_t first;     /* number of the first, a multiple of NODES */
  GByteArray *hashes; /* fewer than 2 × NODES */
};

struct ledger {
  struct store *store;
  struct merkle tree;
  struct edge edges[LEVELS]; /* of level n × MERKLE_STRIDE */
  int64_t last_recorded_ms;
};

static void put_node(unsigned level, uint64_t number, const uint8_t hash[static MERKLE_HASH_SIZE], void *data)
{
  if (level > 0 && level % MERKLE_STRIDE == 0) store_node_put(data, level, number, hash);
}

/* A store from before there were any gets them here. What cannot be read is told by the first proof. */
static void make_nodes(struct store *store)
{
  uint8_t hashes[NODES][MERKLE_HASH_SIZE];
  uint64_t complete = store_leaf_count(store) / NODES;
  struct merkle tree;

  if (complete == 0 || store_nodes(store, MERKLE_STRIDE, complete - 1, 1, hashes)) return;
  merkle_init(&tree);
  store_begin(store);
  for (uint64_t n = 0; n < complete && store_nodes(store, 0, n * NODES, NODES, hashes); n++)
    for (size_t i = 0; i < NODES; i++) merkle_append_telling(&tree, hashes[i], put_node, store);
  (void)store_commit(store, NULL);
}

struct ledger *ledger_new(struct store *store)
{
  struct ledger *ledger = g_new0(struct ledger, 1);
  ledger->store = store;
  for (size_t n = 0; n < LEVELS; n++) ledger->edges[n].hashes = g_byte_array_new();
  make_nodes(store);
  ledger_reload(ledger);
  return ledger;
}

void ledger_free(struct ledger *ledger)
{
  if (!ledger) return;
  for (size_t n = 0; n < LEVELS; n++) g_byte_array_unref(ledger->edges[n].hashes);
  g_free(ledger);
}

static void load_edge(struct ledger *ledger, unsigned n)
{
  uint8_t hashes[NODES][MERKLE_HASH_SIZE];
  struct edge *edge = &ledger->edges[n];
  uint64_t all = ledger->tree.size >> (n * MERKLE_STRIDE);
  size_t count = all % NODES;

  edge->first = all - count;
  g_byte_array_set_size(edge->hashes, 0);
  if (count > 0 && store_nodes(ledger->store, n * MERKLE_STRIDE, edge->first, count, hashes))
    g_byte_array_append(edge->hashes, hashes[0], (guint)(count * MERKLE_HASH_SIZE));
}

void ledger_reload(struct ledger *ledger)
{
  store_tree(ledger->store, &ledger->tree);
  for (unsigned n = 0; n < LEVELS; n++) load_edge(ledger, n);
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

static void keep_node(unsigned level, uint64_t number, const uint8_t hash[static MERKLE_HASH_SIZE],
                      void *data)
{
  struct ledger *ledger = data;
  struct edge *edge = &ledger->edges[level / MERKLE_STRIDE];

  if (level % MERKLE_STRIDE != 0) return;
  if (level > 0) store_node_put(ledger->store, level, number, hash);
  if (edge->hashes->len == 2 * NODES * MERKLE_HASH_SIZE) {
    g_byte_array_remove_range(edge->hashes, 0, NODES * MERKLE_HASH_SIZE);
    edge->first += NODES;
  }
  g_byte_array_append(edge->hashes, hash, MERKLE_HASH_SIZE);
}

void ledger_append_bytes(struct ledger *ledger, enum leaf_kind kind, int64_t recorded_ms, const uint8_t *body,
                         size_t length, size_t sealed)
{
  uint8_t hash[MERKLE_HASH_SIZE];
  merkle_leaf_hash(body, length, hash);
  store_leaf_add(ledger->store, ledger->tree.size, kind, recorded_ms, body, length, sealed, hash);
  merkle_append_telling(&ledger->tree, hash, keep_node, ledger);
  ledger->last_recorded_ms = recorded_ms;
}

void ledger_append(struct ledger *ledger, const struct leaf *leaf)
{
  assert(leaf->recorded_at_ms > ledger->last_recorded_ms);
  size_t sealed;
  g_autoptr(GByteArray) body = leaf_encode(leaf, &sealed);
  ledger_append_bytes(ledger, leaf->kind, leaf->recorded_at_ms, body->data, body->len, sealed);
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

static bool read_nodes(unsigned level, uint64_t first, size_t count, uint8_t (*ret_hashes)[MERKLE_HASH_SIZE],
                       void *data)
{
  struct ledger *ledger = data;
  const struct edge *edge = &ledger->edges[level / MERKLE_STRIDE];

  if (first < edge->first || first + count > edge->first + edge->hashes->len / MERKLE_HASH_SIZE)
    return store_nodes(ledger->store, level, first, count, ret_hashes);
  memcpy(ret_hashes, edge->hashes->data + (first - edge->first) * MERKLE_HASH_SIZE, count * MERKLE_HASH_SIZE);
  return true;
}

bool ledger_prove(struct ledger *ledger, uint64_t position, uint8_t ret_hash[static MERKLE_HASH_SIZE],
                  struct merkle_proof *ret_proof)
{
  uint8_t hash[1][MERKLE_HASH_SIZE];

  if (!read_nodes(0, position, 1, hash, ledger) ||
      !merkle_prove_inclusion(position, ledger->tree.size, read_nodes, ledger, ret_proof)) {
    store_damaged_tree(ledger->store);
    return false;
  }
  memcpy(ret_hash, hash[0], MERKLE_HASH_SIZE);
  return true;
}

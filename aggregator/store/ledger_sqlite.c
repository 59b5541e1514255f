/* Leaves of the ledger and its Merkle tree. */
#include "aggregator/store/private.h"

#define TREE_BYTES (8 + MERKLE_LEVELS * MERKLE_HASH_SIZE)

uint64_t store_leaf_count(struct store *store)
{
  CLEANUP(db_end) struct db_row *row = db_query(store->db, "SELECT max(position) + 1 FROM leaf");
  return db_step(row) ? (uint64_t)db_int(row, 0) : 0; /* null, so 0, of an empty ledger */
}

void store_leaf_add(struct store *store, uint64_t position, enum leaf_kind kind, int64_t recorded_ms,
                    const uint8_t *body, size_t length, const uint8_t hash[MERKLE_HASH_SIZE])
{
  struct db_row *row =
      db_query(store->db, "INSERT INTO leaf (position, kind, recorded, hash, body) VALUES (?, ?, ?, ?, ?)");
  db_bind_int(row, (int64_t)position);
  db_bind_int(row, kind);
  db_bind_int(row, recorded_ms);
  db_bind_blob(row, hash, MERKLE_HASH_SIZE);
  db_bind_blob(row, body, length);
  db_run(row);
}

GBytes *store_leaf(struct store *store, uint64_t position)
{
  CLEANUP(db_end) struct db_row *row = db_query(store->db, "SELECT hash, body FROM leaf WHERE position = ?");
  db_bind_int(row, (int64_t)position);
  if (!db_step(row)) return NULL;
  size_t hash_length, length;
  const uint8_t *hash = db_blob(row, 0, &hash_length);
  const uint8_t *body = db_blob(row, 1, &length);
  uint8_t found[MERKLE_HASH_SIZE];
  merkle_leaf_hash(body, length, found);
  if (hash_length != sizeof found || memcmp(hash, found, sizeof found) != 0) {
    store_damaged(store, "leaf", "%" G_GUINT64_FORMAT, position);
    return NULL;
  }
  return g_bytes_new(body, length);
}

bool store_in_force_changed(struct store *store, uint64_t position)
{
  CLEANUP(db_end)
  struct db_row *row =
      db_query(store->db, "SELECT 1 FROM leaf WHERE position >= ? AND kind IN (?, ?, ?, ?) LIMIT 1");
  db_bind_int(row, (int64_t)position);
  db_bind_int(row, LEAF_CATALOGUE);
  db_bind_int(row, LEAF_REGISTER);
  db_bind_int(row, LEAF_ENROLMENT);
  db_bind_int(row, LEAF_REVOCATION);
  return db_step(row);
}

int64_t store_last_recorded(struct store *store)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(store->db, "SELECT recorded FROM leaf ORDER BY position DESC LIMIT 1");
  return db_step(row) ? db_int(row, 0) : 0;
}

void store_tree_put(struct store *store, const struct merkle *tree)
{
  uint8_t bytes[TREE_BYTES];
  size_t length = merkle_store(tree, bytes);
  struct db_row *row = db_query(store->db, "INSERT INTO meta (key, value) VALUES ('tree', ?)"
                                           " ON CONFLICT (key) DO UPDATE SET value = excluded.value");
  db_bind_blob(row, bytes, length);
  db_run(row);
}

void store_tree(struct store *store, struct merkle *ret_tree)
{
  merkle_init(ret_tree);
  uint64_t leaves = store_leaf_count(store);
  CLEANUP(db_end) struct db_row *row = db_query(store->db, "SELECT value FROM meta WHERE key = 'tree'");
  struct merkle tree;
  merkle_init(&tree);
  bool sound = true;
  if (db_step(row)) {
    size_t length;
    const uint8_t *bytes = db_blob(row, 0, &length);
    sound = merkle_load(&tree, bytes, length);
  }
  if (db_error(store->db)) return;
  if (sound && tree.size == leaves)
    *ret_tree = tree;
  else
    store_damaged(store, "meta", "tree");
}

/* Leaves of the ledger and its Merkle tree. */
#include "aggregator/store/private.h"

#define TREE_BYTES (8 + MERKLE_LEVELS * MERKLE_HASH_SIZE)

uint64_t store_leaf_count(struct store *store)
{
  CLEANUP(db_end) struct db_row *row = db_query(store->db, "SELECT max(position) + 1 FROM leaf");
  return db_step(row) ? (uint64_t)db_int(row, 0) : 0; /* null, so 0, of an empty ledger */
}

/* --- bodies, in parts --- */

#define PARTS_MOST STORE_PARTS_MOST

static void add_part(struct store *store, uint64_t position, size_t number, const uint8_t *bytes,
                     size_t length)
{
  struct db_row *row = db_query(store->db, "INSERT INTO leaf_part (id, bytes) VALUES (?, ?)");
  db_bind_int(row, (int64_t)(position * PARTS_MOST + number));
  db_bind_blob(row, bytes, length);
  db_run(row);
}

static void add_body(struct store *store, uint64_t position, const uint8_t *body, size_t length,
                     size_t sealed)
{
  if (sealed > 0) add_part(store, position, 0, body, sealed);
  for (size_t at = sealed, number = 1; at < length; at += LIMIT_PART_BYTES, number++)
    add_part(store, position, number, body + at, MIN(LIMIT_PART_BYTES, length - at));
}

void store_leaf_add(struct store *store, uint64_t position, enum leaf_kind kind, int64_t recorded_ms,
                    const uint8_t *body, size_t length, size_t sealed, const uint8_t hash[MERKLE_HASH_SIZE])
{
  G_STATIC_ASSERT(LIMIT_DOCUMENT_BYTES / LIMIT_PART_BYTES < PARTS_MOST);
  struct db_row *row =
      db_query(store->db, "INSERT INTO leaf (position, kind, recorded, hash) VALUES (?, ?, ?, ?)");
  db_bind_int(row, (int64_t)position);
  db_bind_int(row, kind);
  db_bind_int(row, recorded_ms);
  db_bind_blob(row, hash, MERKLE_HASH_SIZE);
  db_run(row);
  add_body(store, position, body, length, sealed);
  store->coming.sealed = NULL;
}

void store_leaf_coming(struct store *store, uint64_t position, const uint8_t *sealed, size_t length)
{
  store->coming.position = position;
  store->coming.sealed = sealed;
  store->coming.length = length;
}

GByteArray *store_leaf_parts(struct store *store, uint64_t position)
{
  GByteArray *body = g_byte_array_sized_new(LIMIT_SEALED_BYTES + LIMIT_KIB);
  CLEANUP(db_end)
  struct db_row *row =
      db_query(store->db, "SELECT bytes FROM leaf_part WHERE id >= ? AND id < ? ORDER BY id");
  db_bind_int(row, (int64_t)(position * PARTS_MOST));
  db_bind_int(row, (int64_t)((position + 1) * PARTS_MOST));
  while (db_step(row)) {
    size_t length;
    const uint8_t *bytes = db_blob(row, 0, &length);
    g_byte_array_append(body, bytes, (unsigned)length);
  }
  return body;
}

GBytes *store_leaf(struct store *store, uint64_t position)
{
  CLEANUP(db_end) struct db_row *row = db_query(store->db, "SELECT hash FROM leaf WHERE position = ?");
  db_bind_int(row, (int64_t)position);
  if (!db_step(row)) return NULL;
  size_t hash_length;
  const uint8_t *hash = db_blob(row, 0, &hash_length);
  g_autoptr(GByteArray) body = store_leaf_parts(store, position);
  if (db_error(store->db)) return NULL;
  uint8_t found[MERKLE_HASH_SIZE];
  merkle_leaf_hash(body->data, body->len, found);
  if (hash_length != sizeof found || memcmp(hash, found, sizeof found) != 0) {
    store_damaged(store, "leaf", "%" G_GUINT64_FORMAT, position);
    return NULL;
  }
  return g_byte_array_free_to_bytes(g_steal_pointer(&body));
}

/* --- parts that were read --- */

#define PART_WAYS 4 /* places that a part may have */

static bool read_part(struct store *store, int64_t id, struct part *part)
{
  CLEANUP(db_end) struct db_row *row = db_query(store->db, "SELECT bytes FROM leaf_part WHERE id = ?");
  db_bind_int(row, id);
  if (!db_step(row)) return false;
  const uint8_t *bytes = db_blob(row, 0, &part->length);
  if (part->length > LIMIT_PART_BYTES) return false;
  memcpy(part->bytes, bytes, part->length);
  return true;
}

/* The first of a part's places. */
static size_t place_of(int64_t id)
{
  G_STATIC_ASSERT((LIMIT_PARTS_KEPT & (LIMIT_PARTS_KEPT - 1)) == 0 && LIMIT_PARTS_KEPT % PART_WAYS == 0);
  uint64_t hash = (uint64_t)id * UINT64_C(0x9E3779B97F4A7C15) >> 32; /* of Fibonacci hashing */
  return hash % (LIMIT_PARTS_KEPT / PART_WAYS) * PART_WAYS;
}

static const struct part *load_part(struct store *store, int64_t id)
{
  size_t place = place_of(id) + store->part_turn++ % PART_WAYS;
  store->part_ids[place] = 0;
  if (!store->parts[place]) store->parts[place] = g_new(struct part, 1);
  if (!read_part(store, id, store->parts[place])) return NULL;
  if (db_in_transaction(store->db)) store->part_ids[place] = id; /* else it is as of now alone */
  return store->parts[place];
}

/* NULL if it is not there. */
static const struct part *find_part(struct store *store, int64_t id)
{
  size_t first = place_of(id);
  for (size_t way = 0; way < PART_WAYS; way++)
    if (store->part_ids[first + way] == id) return store->parts[first + way];
  return load_part(store, id);
}

void store_parts_forget(struct store *store)
{
  memset(store->part_ids, 0, sizeof store->part_ids);
}

static bool copy_part(struct store *store, uint64_t position, size_t at, size_t length, uint8_t *ret_bytes)
{
  int64_t id = (int64_t)(position * PARTS_MOST + 1 + at / LIMIT_PART_BYTES);
  const struct part *part = find_part(store, id);
  if (!part || at % LIMIT_PART_BYTES + length > part->length) return false;
  memcpy(ret_bytes, part->bytes + at % LIMIT_PART_BYTES, length);
  return true;
}

bool store_sealed_bytes(struct store *store, uint64_t position, size_t at, size_t length, uint8_t *ret_bytes)
{
  if (store->coming.sealed && store->coming.position == position) {
    if (at + length > store->coming.length) return false;
    memcpy(ret_bytes, store->coming.sealed + at, length);
    return true;
  }
  while (length > 0) {
    size_t piece = MIN(length, LIMIT_PART_BYTES - at % LIMIT_PART_BYTES);
    if (!copy_part(store->ledger, position, at, piece, ret_bytes)) return false;
    at += piece;
    ret_bytes += piece;
    length -= piece;
  }
  return true;
}

/* --- what is known of all leaves --- */

int64_t store_leaf_recorded(struct store *store, uint64_t position)
{
  CLEANUP(db_end) struct db_row *row = db_query(store->db, "SELECT recorded FROM leaf WHERE position = ?");
  db_bind_int(row, (int64_t)position);
  return db_step(row) ? db_int(row, 0) : 0;
}

bool store_leaf_is_listed(struct store *store, uint64_t position, enum leaf_kind kind, int64_t recorded_ms)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(store->ledger->db, "SELECT kind, recorded FROM leaf WHERE position = ?");
  db_bind_int(row, (int64_t)position);
  return db_step(row) && db_int(row, 0) == kind && db_int(row, 1) == recorded_ms;
}

bool store_each_act(struct store *store, uint64_t from, position_sink *sink, void *data)
{
  CLEANUP(db_end)
  struct db_row *row =
      db_query(store->db, "SELECT position FROM leaf WHERE kind <> 7 AND position >= ? ORDER BY position");
  db_bind_int(row, (int64_t)from);
  while (db_step(row))
    if (!sink((uint64_t)db_int(row, 0), data)) return false;
  return !db_error(store->db);
}

bool store_last_leaf_of(struct store *store, enum leaf_kind kind, uint64_t position, uint64_t *ret_position)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(
      store->ledger->db, "SELECT max(position) FROM leaf WHERE kind = ? AND kind <> 7 AND position < ?");
  db_bind_int(row, kind);
  db_bind_int(row, (int64_t)position);
  if (!db_step(row) || db_is_null(row, 0)) return false;
  *ret_position = (uint64_t)db_int(row, 0);
  return true;
}

bool store_in_force_changed(struct store *store, uint64_t position)
{
  CLEANUP(db_end)
  struct db_row *row =
      db_query(store->db, "SELECT 1 FROM leaf WHERE position >= ?1 AND kind IN (?, ?, ?, ?, ?)"
                          " UNION ALL SELECT 1 FROM admission WHERE position > 0 AND position >= ?1 LIMIT 1");
  db_bind_int(row, (int64_t)position);
  db_bind_int(row, LEAF_CATALOGUE);
  db_bind_int(row, LEAF_REGISTER);
  db_bind_int(row, LEAF_ENROLMENT);
  db_bind_int(row, LEAF_REVOCATION);
  db_bind_int(row, LEAF_PERIOD);
  return db_step(row);
}

/* Time rises with the position. */
uint64_t store_leaves_until(struct store *store, int64_t wall_ms)
{
  uint64_t from = 0, below = store_leaf_count(store);
  while (from < below && !db_error(store->db)) {
    uint64_t middle = from + (below - from) / 2;
    if (store_leaf_recorded(store, middle) <= wall_ms)
      from = middle + 1;
    else
      below = middle;
  }
  return from;
}

int64_t store_last_recorded(struct store *store)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(store->db, "SELECT recorded FROM leaf ORDER BY position DESC LIMIT 1");
  return db_step(row) ? db_int(row, 0) : 0;
}

/* --- the tree --- */

void store_node_put(struct store *store, unsigned level, uint64_t number,
                    const uint8_t hash[static MERKLE_HASH_SIZE])
{
  struct db_row *row = db_query(store->db, "INSERT INTO node (level, number, hash) VALUES (?, ?, ?)"
                                           " ON CONFLICT (level, number) DO UPDATE SET hash = excluded.hash");
  db_bind_int(row, level);
  db_bind_int(row, (int64_t)number);
  db_bind_blob(row, hash, MERKLE_HASH_SIZE);
  db_run(row);
}

void store_damaged_tree(struct store *store)
{
  if (!db_error(store->db)) store_damaged(store, "node", "%s", "tree");
}

static struct db_row *query_nodes(struct store *store, unsigned level, uint64_t first, size_t count)
{
  struct db_row *row =
      level == 0 ? db_query(store->db,
                            "SELECT hash FROM leaf WHERE position >= ? AND position < ? ORDER BY position")
                 : db_query(store->db, "SELECT hash FROM node WHERE number >= ? AND number < ? AND level = ?"
                                       " ORDER BY number");
  db_bind_int(row, (int64_t)first);
  db_bind_int(row, (int64_t)(first + count));
  if (level > 0) db_bind_int(row, level);
  return row;
}

bool store_nodes(struct store *store, unsigned level, uint64_t first, size_t count,
                 uint8_t (*ret_hashes)[MERKLE_HASH_SIZE])
{
  CLEANUP(db_end) struct db_row *row = query_nodes(store, level, first, count);
  size_t found = 0;
  while (found < count && db_step(row)) {
    size_t length;
    const uint8_t *hash = db_blob(row, 0, &length);
    if (length != MERKLE_HASH_SIZE)
      return store_damaged(store, level ? "node" : "leaf", "%" G_GUINT64_FORMAT, first + found);
    memcpy(ret_hashes[found++], hash, MERKLE_HASH_SIZE);
  }
  return found == count && !db_error(store->db);
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

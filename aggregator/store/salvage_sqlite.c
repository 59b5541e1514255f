/* Stores of which pages are damaged. */
#include "aggregator/store/private.h"
#include "aggregator/store/salvage.h"
#include "common/error.h"

#define PARTS_MOST STORE_PARTS_MOST

bool store_is_unreadable(struct store *store, char **ret_why)
{
  const GError *error = db_error(store->db);
  if (!error || (error->code != ERROR_DATA && error->code != ERROR_IO)) return false;
  g_autoptr(GError) taken = NULL;
  (void)db_take_error(store->db, &taken);
  if (ret_why) *ret_why = g_strdup(taken->message);
  return true;
}

static enum salvage outcome(struct store *store, bool found)
{
  if (store_is_unreadable(store, NULL)) return SALVAGE_UNREADABLE;
  return found ? SALVAGE_GOOD : SALVAGE_NOTHING;
}

uint64_t store_salvage_size(struct store *store, bool *ret_certain)
{
  static const char *const QUERIES[] = {"SELECT max(position) FROM leaf", "SELECT max(position) FROM receipt",
                                        "SELECT max(position) FROM submission",
                                        "SELECT max(id) / 65536 FROM leaf_part"};
  uint64_t size = 0;
  struct merkle tree;
  bool has_tree = store_salvage_tree(store, &tree) == SALVAGE_GOOD, has_list = false;
  G_STATIC_ASSERT(PARTS_MOST == 65536);
  if (has_tree) size = tree.size;
  for (size_t n = 0; n < G_N_ELEMENTS(QUERIES) && !(has_tree && has_list); n++) {
    {
      CLEANUP(db_end) struct db_row *row = db_query(store->db, QUERIES[n]);
      if (db_step(row) && !db_is_null(row, 0)) size = MAX(size, (uint64_t)db_int(row, 0) + 1);
    }
    has_list |= !store_is_unreadable(store, NULL) && n == 0;
  }
  if (ret_certain) *ret_certain = has_tree || has_list;
  return size;
}

static bool find_row(struct store *store, uint64_t position, enum leaf_kind *ret_kind,
                     int64_t *ret_recorded_ms, uint8_t ret_hash[static MERKLE_HASH_SIZE])
{
  CLEANUP(db_end)
  struct db_row *row = db_query(store->db, "SELECT kind, recorded, hash FROM leaf WHERE position = ?");
  db_bind_int(row, (int64_t)position);
  size_t length;
  if (!db_step(row)) return false;
  const uint8_t *hash = db_blob(row, 2, &length);
  if (length != MERKLE_HASH_SIZE) return false;
  memcpy(ret_hash, hash, MERKLE_HASH_SIZE);
  *ret_kind = (enum leaf_kind)db_int(row, 0);
  *ret_recorded_ms = db_int(row, 1);
  return true;
}

enum salvage store_salvage_row(struct store *store, uint64_t position, enum leaf_kind *ret_kind,
                               int64_t *ret_recorded_ms, uint8_t ret_hash[static MERKLE_HASH_SIZE])
{
  return outcome(store, find_row(store, position, ret_kind, ret_recorded_ms, ret_hash));
}

enum salvage store_salvage_body(struct store *store, uint64_t position, GBytes **ret_body)
{
  g_autoptr(GByteArray) body = store_leaf_parts(store, position);
  enum salvage found = outcome(store, body->len > 0);
  if (found == SALVAGE_GOOD) *ret_body = g_byte_array_free_to_bytes(g_steal_pointer(&body));
  return found;
}

enum salvage store_salvage_receipt(struct store *store, uint64_t position, GBytes **ret_sealed)
{
  g_autoptr(GBytes) sealed = store_receipt_at(store, position);
  enum salvage found = outcome(store, sealed != NULL);
  if (found == SALVAGE_GOOD) *ret_sealed = g_steal_pointer(&sealed);
  return found;
}

static bool find_sender(struct store *store, uint64_t position, char **ret_agent, uint64_t *ret_sequence)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(store->db, "SELECT agent, sequence FROM submission WHERE position = ?");
  db_bind_int(row, (int64_t)position);
  if (!db_step(row)) return false;
  *ret_agent = g_strdup(db_text(row, 0));
  *ret_sequence = (uint64_t)db_int(row, 1);
  return true;
}

enum salvage store_salvage_sender(struct store *store, uint64_t position, char **ret_agent,
                                  uint64_t *ret_sequence)
{
  return outcome(store, find_sender(store, position, ret_agent, ret_sequence));
}

enum salvage store_salvage_node(struct store *store, unsigned level, uint64_t number,
                                uint8_t ret_hash[static MERKLE_HASH_SIZE])
{
  uint8_t hash[1][MERKLE_HASH_SIZE];
  enum salvage found = outcome(store, store_nodes(store, level, number, 1, hash));
  if (found == SALVAGE_GOOD) memcpy(ret_hash, hash[0], MERKLE_HASH_SIZE);
  return found;
}

static bool find_tree(struct store *store, struct merkle *ret_tree)
{
  CLEANUP(db_end) struct db_row *row = db_query(store->db, "SELECT value FROM meta WHERE key = 'tree'");
  size_t length;
  if (!db_step(row)) return false;
  const uint8_t *bytes = db_blob(row, 0, &length);
  return merkle_load(ret_tree, bytes, length);
}

enum salvage store_salvage_tree(struct store *store, struct merkle *ret_tree)
{
  merkle_init(ret_tree);
  return outcome(store, find_tree(store, ret_tree));
}

static bool find_count(struct store *store, uint64_t *ret_submissions)
{
  CLEANUP(db_end) struct db_row *row = db_query(store->db, "SELECT count(*) FROM submission");
  if (!db_step(row)) return false;
  *ret_submissions = (uint64_t)db_int(row, 0);
  return true;
}

enum salvage store_salvage_count(struct store *store, uint64_t *ret_submissions)
{
  return outcome(store, find_count(store, ret_submissions));
}

/* --- a store in the making --- */

uint64_t store_part_position(int64_t key)
{
  return (uint64_t)key / PARTS_MOST;
}

void store_part_keep(struct store *store, int64_t key, const uint8_t *bytes, size_t length, bool certain)
{
  struct db_row *row = certain
                           ? db_query(store->db, "INSERT OR REPLACE INTO leaf_part (id, bytes) VALUES (?, ?)")
                           : db_query(store->db, "INSERT OR IGNORE INTO leaf_part (id, bytes) VALUES (?, ?)");
  db_bind_int(row, key);
  db_bind_blob(row, bytes, length);
  db_run(row);
}

void store_parts_drop(struct store *store, uint64_t position)
{
  struct db_row *row = db_query(store->db, "DELETE FROM leaf_part WHERE id >= ? AND id < ?");
  db_bind_int(row, (int64_t)(position * PARTS_MOST));
  db_bind_int(row, (int64_t)((position + 1) * PARTS_MOST));
  db_run(row);
}

void store_parts_drop_loose(struct store *store)
{
  G_STATIC_ASSERT(PARTS_MOST == 65536);
  db_run(db_query(store->db, "DELETE FROM leaf_part WHERE id / 65536 NOT IN (SELECT position FROM leaf)"));
}

void store_leaf_drop(struct store *store, uint64_t position)
{
  static const char *const STATEMENTS[] = {"DELETE FROM leaf WHERE position = ?",
                                           "DELETE FROM receipt WHERE position = ?",
                                           "DELETE FROM submission WHERE position = ?"};
  store_parts_drop(store, position);
  for (size_t n = 0; n < G_N_ELEMENTS(STATEMENTS); n++) {
    struct db_row *row = db_query(store->db, STATEMENTS[n]);
    db_bind_int(row, (int64_t)position);
    db_run(row);
  }
  memset(store->known, 0, sizeof store->known);
}

bool store_has_receipt(struct store *store, uint64_t position)
{
  CLEANUP(db_end) struct db_row *row = db_query(store->db, "SELECT 1 FROM receipt WHERE position = ?");
  db_bind_int(row, (int64_t)position);
  return db_step(row);
}

GArray *store_without_receipt(struct store *store)
{
  GArray *found = g_array_new(FALSE, FALSE, sizeof(uint64_t));
  CLEANUP(db_end)
  struct db_row *row = db_query(store->db, "SELECT submission.position FROM submission LEFT JOIN receipt"
                                           " ON receipt.position = submission.position"
                                           " WHERE receipt.position IS NULL ORDER BY submission.position");
  while (db_step(row)) {
    uint64_t position = (uint64_t)db_int(row, 0);
    g_array_append_val(found, position);
  }
  return found;
}

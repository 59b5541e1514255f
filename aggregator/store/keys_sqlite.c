/* Changes of keys. */
#include "aggregator/store/keys.h"
#include "aggregator/store/private.h"

void store_key_change_add(struct store *store, const char *agent, unsigned number, const uint8_t *sealed,
                          size_t length)
{
  struct db_row *row = db_query(store->db, "INSERT INTO key_change (agent, number, sealed) VALUES (?, ?, ?)");
  db_bind_text(row, agent);
  db_bind_int(row, number);
  db_bind_blob(row, sealed, length);
  db_run(row);
}

GHashTable *store_key_changes(struct store *store)
{
  GHashTable *changes =
      g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
  CLEANUP(db_end)
  struct db_row *row = db_query(store->db, "SELECT agent, sealed FROM key_change ORDER BY agent, number");
  while (db_step(row)) {
    size_t length;
    const uint8_t *sealed = db_blob(row, 1, &length);
    GPtrArray *papers = g_hash_table_lookup(changes, db_text(row, 0));
    if (!papers) {
      papers = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
      g_hash_table_insert(changes, g_strdup(db_text(row, 0)), papers);
    }
    g_ptr_array_add(papers, g_bytes_new(sealed, length));
  }
  return changes;
}

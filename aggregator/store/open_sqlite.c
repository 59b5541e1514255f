/* Opening, transactions and errors. */
#include "aggregator/store/private.h"
#include "common/error.h"
#include "common/limits.h"
#include "common/text.h"

struct store *store_open(const char *path, enum store_mode mode, GError **error)
{
  static const enum db_mode modes[] = {
      [STORE_CREATE] = DB_CREATE, [STORE_WRITE] = DB_WRITE, [STORE_READ] = DB_READ_ONLY};
  CLEANUP(db_close)
  struct db *db =
      db_open(path, modes[mode], mode == STORE_READ ? LIMIT_READER_CACHE_KIB : LIMIT_WRITER_CACHE_KIB, error);
  if (!db || !db_migrate(db, store_migrations, store_migration_count, error)) return NULL;
  if (mode != STORE_READ) db_leave_log(db);

  struct store *store = g_new0(struct store, 1);
  store->db = g_steal_pointer(&db);
  store->path = g_strdup(path);
  store->reports = g_array_new(FALSE, FALSE, sizeof(struct stored_report));
  store->report_texts = g_string_chunk_new(4096);
  store->changed = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
  store->changing = g_array_new(FALSE, FALSE, sizeof(int64_t));
  store->ledger = store;
  return store;
}

void store_close(struct store *store)
{
  if (!store) return;
  store_blocks_forget(store);
  if (store->blocks) g_tree_unref(store->blocks);
  if (store->looked_at) g_tree_unref(store->looked_at);
  db_close(store->db);
  for (size_t n = 0; n < LIMIT_PARTS_KEPT; n++) g_free(store->parts[n]);
  g_hash_table_unref(store->changed);
  g_array_unref(store->changing);
  g_array_unref(store->reports);
  g_string_chunk_free(store->report_texts);
  g_free(store->path);
  g_free(store);
}

void store_use_ledger(struct store *store, struct store *ledger)
{
  store->ledger = ledger;
}

/* --- transactions --- */

void store_begin(struct store *store)
{
  db_begin(store->db);
  store_blocks_begin(store);
}

struct store *store_open_beside(struct store *store)
{
  CLEANUP(store_close) struct store *beside = store_open(store->path, STORE_READ, NULL);
  if (!beside) return NULL;
  store_begin(beside);
  /* Whatever the writer commits adds leaves. */
  if (store_leaf_count(beside) == store_leaf_count(store) && !store_error(beside))
    return g_steal_pointer(&beside);
  store_rollback(beside);
  return NULL;
}

/* What a cache learnt inside a transaction that came to nothing. */
static void forget(struct store *store)
{
  store_blocks_forget(store);
  memset(store->known, 0, sizeof store->known);
}

/* What belongs to one transaction alone. */
static void end_transaction(struct store *store)
{
  store_blocks_close(store);
  store->coming.sealed = NULL;
  store_parts_forget(store);
}

bool store_commit(struct store *store, GError **error)
{
  store_blocks_flush(store);
  end_transaction(store);
  if (db_commit(store->db, error)) {
    store_books_settle(store);
    return true;
  }
  forget(store);
  return false;
}

void store_rollback(struct store *store)
{
  end_transaction(store);
  db_rollback(store->db);
  forget(store);
}

const GError *store_error(const struct store *store)
{
  return db_error(store->db);
}

bool store_tell_error(const struct store *store, GError **error)
{
  if (!store_error(store)) return false;
  g_propagate_error(error, g_error_copy(store_error(store)));
  return true;
}

void store_checkpoint(struct store *store)
{
  db_checkpoint(store->db);
}

size_t store_log_bytes(const struct store *store)
{
  return db_log_bytes(store->db);
}

void store_clear(struct store *store)
{
  store_blocks_forget(store);
  db_exec(store->db, "DELETE FROM book; DELETE FROM block; DELETE FROM revision; DELETE FROM family;"
                     "DELETE FROM expected; DELETE FROM membership; DELETE FROM waiting;"
                     "DELETE FROM waiting_unit; DELETE FROM decided; DELETE FROM application;"
                     "DELETE FROM register_version; DELETE FROM register_change; DELETE FROM catalogue;"
                     "DELETE FROM agent; DELETE FROM admission; DELETE FROM invitation;"
                     "DELETE FROM period_act; DELETE FROM inquiry; DELETE FROM consent;"
                     "DELETE FROM acceptance; DELETE FROM area_state; DELETE FROM edition;"
                     "DELETE FROM epoch; DELETE FROM barred;"
                     "DELETE FROM meta WHERE key = 'examined'");
}

bool store_take_ledger(struct store *store, const char *path, GError **error)
{
  struct db_row *row = db_query(store->db, "ATTACH ? AS other");
  db_bind_text(row, path);
  db_run(row);
  db_begin(store->db);
  db_exec(store->db, "INSERT INTO leaf SELECT * FROM other.leaf;"
                     "INSERT INTO leaf_part SELECT * FROM other.leaf_part;"
                     "INSERT INTO node SELECT * FROM other.node;"
                     "INSERT INTO submission SELECT * FROM other.submission;"
                     "INSERT INTO receipt SELECT * FROM other.receipt;"
                     "INSERT INTO meta SELECT * FROM other.meta WHERE key <> 'examined'");
  bool taken = db_commit(store->db, error);
  db_exec(store->db, "DETACH other");
  return db_take_error(store->db, taken ? error : NULL) && taken;
}

/* --- errors --- */

bool store_damaged(struct store *store, const char *table, const char *key_format, ...)
{
  va_list arguments;
  va_start(arguments, key_format);
  g_autofree char *key = g_strdup_vprintf(key_format, arguments);
  va_end(arguments);
  db_fail(
      store->db,
      g_error_new(PARKTALLY_ERROR, ERROR_DATA,
                  _("%s: the row \"%s\" of table \"%s\" is damaged: what it holds is not what was written "
                    "there; check the disk, then see with “park-aggregator ledger check” what is damaged"),
                  store->path, key, table));
  return false;
}

void store_bug(struct store *store, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *what = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  db_fail(store->db, g_error_new(PARKTALLY_ERROR, ERROR_INTERNAL,
                                 _("%s: a mistake of this program was stopped before it reached a total: %s; "
                                   "nothing was changed, please report it"),
                                 store->path, what));
}

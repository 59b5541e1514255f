#include "common/db.h"

#include "common/db_guard.h"
#include "common/db_owner.h"
#include "common/durable.h"
#include "common/error.h"
#include "common/limits.h"
#include "common/text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#define CHECKPOINT_PAUSE_US 20000 /* between tries, while another process holds the checkpoint lock */
#define LOG_COPIED_PAGES 1000 /* 8 MiB: from here on each commit copies the log, as SQLite does by itself */
#define LOG_WAITED_PAGES 1500 /* and from here on waits for readers, so that it begins anew … */
#define LOG_WAIT_MS 200       /* … but no longer than this, for the next commit can do it */

struct db_row {
  struct db *db;
  sqlite3_stmt *statement; /* NULL: every call on this row does nothing */
  int bound;               /* parameters so far */
  unsigned rollbacks;      /* db->rollbacks when the statement started */
  bool in_use;
  bool cached;
  bool done, failed;
};

struct db {
  sqlite3 *handle;
  char *path;
  enum db_mode mode;
  GHashTable *by_literal; /* const char * → struct db_row *, by address: no hashing of SQL for each row */
  GHashTable
      *by_text; /* the same rows by their text, which owns them: a literal may stand at several addresses */
  GError *error;
  bool in_transaction;
  int log_pages;      /* after the last commit, where the log is left */
  unsigned rollbacks; /* a statement left open across a rollback has no more rows */
  struct db_row dead; /* handed out while an error is kept */
};

/* ENOSPC reaches us as SQLITE_FULL from writes, and as an I/O error with its errno from quotas and the
 * shared-memory file. A failed sync is never "try again": what the disk holds is unknown from then on. */
static bool is_disk_full(int result, int system_error)
{
  if ((result & 0xff) == SQLITE_FULL) return true;
  return (result & 0xff) == SQLITE_IOERR && result != SQLITE_IOERR_FSYNC &&
         result != SQLITE_IOERR_DIR_FSYNC && (system_error == ENOSPC || system_error == EDQUOT);
}

static const char *what_to_do = N_("check the disk, then restore the file from a backup");

void db_on_damage(const char *advice)
{
  what_to_do = advice;
}

/* The table that the damaged page belongs to, or NULL. Who reads on around a page meets it again and again.
 */
static const char *owner_of(const struct db_damage *damage)
{
  static _Thread_local struct db_damage last;
  static _Thread_local char table[256];
  if (last.number != damage->number || strcmp(last.path, damage->path) != 0) {
    g_autofree char *found = db_owner_of_page(damage->path, damage->number);
    g_strlcpy(table, found ? found : "", sizeof table);
    last = *damage;
  }
  return *table ? table : NULL;
}

static GError *damage_error(const struct db_damage *damage)
{
  const char *path = damage->path;
  if (damage->kind == DB_DAMAGE_LOG)
    return g_error_new(PARKTALLY_ERROR, ERROR_DATA,
                       _("%s is damaged: frame %u of this log is not what was written there; %s"), path,
                       damage->number, _(what_to_do));
  if (damage->kind == DB_DAMAGE_NO_GUARD)
    return g_error_new(
        PARKTALLY_ERROR, ERROR_DATA,
        _("%s has no checksums: it is of a Parktally before them, or its first page is damaged; "
          "%s"),
        path, _(what_to_do));
  const char *table = owner_of(damage);
  if (!table)
    return g_error_new(PARKTALLY_ERROR, ERROR_DATA,
                       _("%s is damaged: page %u is not what was written there; %s"), path, damage->number,
                       _(what_to_do));
  return g_error_new(PARKTALLY_ERROR, ERROR_DATA,
                     _("%s is damaged: page %u, of the table \"%s\", is not what was written there; %s"),
                     path, damage->number, table, _(what_to_do));
}

static GError *make_error(sqlite3 *handle, const char *path, int result)
{
  const struct db_damage *damage = db_guard_take_damage();
  if (result == SQLITE_IOERR_DATA && damage) return damage_error(damage);
  const char *detail = handle ? sqlite3_errmsg(handle) : sqlite3_errstr(result);
  int system_error = handle ? sqlite3_system_errno(handle) : 0;
  if (is_disk_full(result, system_error))
    return g_error_new(PARKTALLY_ERROR, ERROR_TEMPORARY,
                       _("%s: the disk is full; free some space and try again, nothing was lost"), path);
  switch (result & 0xff) {
  case SQLITE_IOERR:
    return g_error_new(PARKTALLY_ERROR, ERROR_IO,
                       _("%s: the disk failed (%s, %s); check the disk and the system's log"), path, detail,
                       g_strerror(system_error));
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
    return g_error_new(PARKTALLY_ERROR, ERROR_DATA,
                       _("%s is damaged, or not a database of Parktally (%s); restore it from a backup"),
                       path, detail);
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    return g_error_new(PARKTALLY_ERROR, ERROR_TEMPORARY,
                       _("%s is in use by another program; try again in a moment"), path);
  case SQLITE_CANTOPEN:
    if (system_error == ENOENT && access(path, F_OK) != 0)
      return g_error_new(PARKTALLY_ERROR, ERROR_IO, _("%s does not exist; check the path"), path);
    if (system_error == ENOENT) /* of a look elsewhere, after what failed */
      return g_error_new(PARKTALLY_ERROR, ERROR_IO, _("%s cannot be opened (%s)"), path, detail);
    if (system_error != EACCES && system_error != EPERM && system_error != EROFS)
      return g_error_new(PARKTALLY_ERROR, ERROR_IO, _("%s cannot be opened (%s)"), path,
                         g_strerror(system_error));
    /* fall through */
  case SQLITE_READONLY:
  case SQLITE_PERM:
  case SQLITE_AUTH:
    return g_error_new(PARKTALLY_ERROR, ERROR_PERMISSION,
                       _("%s: no permission (%s); check the owner and the mode of the file and its folder"),
                       path, detail);
  default:
    return g_error_new(PARKTALLY_ERROR, ERROR_INTERNAL, _("%s: unexpected database error: %s"), path, detail);
  }
}

static void (*on_failed_sync)(const GError *error);

void db_on_failed_sync(void (*hook)(const GError *error))
{
  on_failed_sync = hook;
}

static bool is_failed_sync(int result)
{
  return result == SQLITE_IOERR_FSYNC || result == SQLITE_IOERR_DIR_FSYNC;
}

static void tell_failed_sync(const struct db *db, int result)
{
  if (!on_failed_sync || !is_failed_sync(result)) return;
  g_autoptr(GError) error = make_error(db->handle, db->path, result);
  on_failed_sync(error);
}

static bool check(struct db *db, int result)
{
  if (result == SQLITE_OK || result == SQLITE_ROW || result == SQLITE_DONE) return true;
  tell_failed_sync(db, result);
  if (!db->error) db->error = make_error(db->handle, db->path, result);
  return false;
}

/* --- opening --- */

/* SQLite passes over a failed sync of the folder in which it has made its log. */
static bool sync_log_name(struct db *db)
{
  if (durable_folder_of(db->path)) return true;
  db->error = g_error_new(PARKTALLY_ERROR, ERROR_IO,
                          _("%s: the disk failed (%s); check the disk and the system's log"), db->path,
                          g_strerror(errno));
  return false;
}

/* SQLite would make the file readable by all. O_EXCL, as closing a descriptor of a database that this process
 * has open would drop its locks. */
static bool create_private(const char *path, GError **error)
{
  int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0 && errno == EEXIST) return true;
  bool durable = file >= 0 && durable_folder_of(path);
  int saved = errno;
  if (file >= 0) close(file);
  if (durable) return true;
  g_set_error(error, PARKTALLY_ERROR,
              saved == EACCES || saved == EPERM || saved == EROFS ? ERROR_PERMISSION
              : saved == ENOSPC || saved == EDQUOT                ? ERROR_TEMPORARY
                                                                  : ERROR_IO,
              _("%s cannot be created (%s); check that its folder exists and may be written"), path,
              g_strerror(saved));
  return false;
}

/* A busy checkpoint lock is no matter for SQLite's busy handler: hence the loop. */
static bool checkpoint_all(struct db *db)
{
  int64_t start = g_get_monotonic_time();
  for (;;) {
    int result = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    if ((result & 0xff) != SQLITE_BUSY || g_get_monotonic_time() - start > LIMIT_DATABASE_BUSY_MS * 1000)
      return check(db, result);
    g_usleep(CHECKPOINT_PAUSE_US);
  }
}

static bool enter_wal_mode(struct db *db)
{
  CLEANUP(db_end) struct db_row *row = db_query(db, "PRAGMA journal_mode=WAL");
  if (!db_step(row)) return false;
  g_autofree char *mode = g_strdup(db_text(row, 0));
  db_step(row); /* to its end, which commits: the mode that was told is not in the file before that */
  if (db->error) return false;
  if (strcmp(mode, "wal") == 0) return true;
  db->error = g_error_new(
      PARKTALLY_ERROR, ERROR_IO,
      _("%s: this file system cannot hold a write-ahead log (found journal mode \"%s\"); use a local disk"),
      db->path, mode);
  return false;
}

/* After each commit, in place of what SQLite does by itself, which never waits, so that the log grows for as
 * long as there is always a reader that began before the last one ended; and which passes over a failed sync,
 * after which the log may be thrown away without the database being on the disk. What else fails is no fault
 * of the commit: it is tried again after the next one. */
static int shorten_log(void *data, sqlite3 *handle, const char *name, int pages)
{
  bool waits = pages >= LOG_WAITED_PAGES;
  if (pages < LOG_COPIED_PAGES) return SQLITE_OK;
  if (waits) sqlite3_busy_timeout(handle, LOG_WAIT_MS);
  int result = sqlite3_wal_checkpoint_v2(
      handle, name, waits ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
  if (is_failed_sync(result)) check(data, result);
  if (waits) sqlite3_busy_timeout(handle, LIMIT_DATABASE_BUSY_MS);
  return SQLITE_OK;
}

static void configure(struct db *db, size_t page_cache_kib)
{
  sqlite3_busy_timeout(db->handle, LIMIT_DATABASE_BUSY_MS);
  sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  g_autofree char *cache = g_strdup_printf("PRAGMA cache_size=-%zu", page_cache_kib);
  db_exec(db, cache);
  db_exec(db, "PRAGMA foreign_keys=ON; PRAGMA cell_size_check=ON");
  if (db->mode == DB_READ_ONLY) {
    db_exec(db, "PRAGMA schema_version"); /* reads the header: what is no database is said now */
    return;
  }
  int reserved = DB_RESERVED_BYTES;
  if (!check(db, sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved))) return;
  sqlite3_wal_hook(db->handle, shorten_log, db);
  db_exec(db, "PRAGMA page_size=" G_STRINGIFY(DB_PAGE_BYTES) "; PRAGMA synchronous=FULL");
  if (!db->error && enter_wal_mode(db) && checkpoint_all(db)) sync_log_name(db);
}

struct db *db_open(const char *path, enum db_mode mode, size_t page_cache_kib, GError **error)
{
  if (mode == DB_CREATE && !create_private(path, error)) return NULL;
  CLEANUP(db_close) struct db *db = g_new0(struct db, 1);
  db->path = g_strdup(path);
  db->mode = mode;
  db->by_literal = g_hash_table_new(g_direct_hash, g_direct_equal);
  db->by_text = g_hash_table_new(g_str_hash, g_str_equal);
  db->dead.db = db;
  int flags = mode == DB_READ_ONLY ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  if (check(db, sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                                db_guard_name())))
    configure(db, page_cache_kib);
  if (!db_take_error(db, error)) return NULL;
  return g_steal_pointer(&db);
}

static void free_row(struct db_row *row)
{
  sqlite3_finalize(row->statement);
  g_free(row);
}

void db_close(struct db *db)
{
  if (!db) return;
  GHashTableIter iterator;
  void *row;
  g_hash_table_iter_init(&iterator, db->by_text);
  while (g_hash_table_iter_next(&iterator, NULL, &row)) free_row(row);
  g_hash_table_unref(db->by_text);
  g_hash_table_unref(db->by_literal);
  sqlite3_close_v2(db->handle);
  g_clear_error(&db->error);
  g_free(db->path);
  g_free(db);
}

static int note_log(void *data, sqlite3 *handle, const char *name, int pages)
{
  (void)handle;
  (void)name;
  ((struct db *)data)->log_pages = pages;
  return SQLITE_OK;
}

void db_leave_log(struct db *db)
{
  sqlite3_wal_hook(db->handle, note_log, db); /* in place of the other */
}

size_t db_log_bytes(const struct db *db)
{
  return (size_t)db->log_pages * DB_PAGE_BYTES;
}

void db_checkpoint(struct db *db)
{
  if (db->error) return;
  int result = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
  if ((result & 0xff) != SQLITE_BUSY) check(db, result); /* busy: another one is at it */
}

/* --- schema --- */

static size_t schema_version(struct db *db)
{
  CLEANUP(db_end) struct db_row *row = db_query(db, "PRAGMA user_version");
  if (!db_step(row)) return 0;
  int64_t version = db_int(row, 0);
  return version < 0 ? SIZE_MAX : (size_t)version;
}

static void refuse_schema(struct db *db, size_t found, size_t known)
{
  if (db->error) return;
  if (found > known)
    db->error = g_error_new(PARKTALLY_ERROR, ERROR_CONFIG,
                            _("%s was written by a newer Parktally: its schema is version %zu and this "
                              "program knows %zu; install "
                              "the newer program"),
                            db->path, found, known);
  else
    db->error = g_error_new(
        PARKTALLY_ERROR, ERROR_CONFIG,
        _("%s has schema version %zu and this program needs %zu; start the server or the service once, which "
          "brings it up to date"),
        db->path, found, known);
}

bool db_migrate(struct db *db, const char *const *migrations, size_t count, GError **error)
{
  assert(!db->in_transaction);
  size_t version = schema_version(db);
  if (version > count || (db->mode == DB_READ_ONLY && version < count)) refuse_schema(db, version, count);
  while (!db->error && version < count) {
    db_begin(db);
    version = schema_version(db); /* again, under the lock: another process may have been quicker */
    if (version < count) {
      db_exec(db, migrations[version]);
      g_autofree char *mark = g_strdup_printf("PRAGMA user_version=%zu", ++version);
      db_exec(db, mark);
    } else if (version > count) {
      refuse_schema(db, version, count);
    }
    if (!db_commit(db, error)) return false;
  }
  return db_take_error(db, error);
}

/* --- transactions --- */

void db_begin(struct db *db)
{
  assert(!db->in_transaction);
  db->in_transaction = true;
  db_exec(db, db->mode == DB_READ_ONLY ? "BEGIN" : "BEGIN IMMEDIATE");
}

/* Some errors have rolled back already. */
static void roll_back(struct db *db)
{
  if (!sqlite3_get_autocommit(db->handle)) check(db, sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL));
  db->rollbacks++;
}

bool db_commit(struct db *db, GError **error)
{
  assert(db->in_transaction);
  db->in_transaction = false;
  db_exec(db, "COMMIT");
  if (db->error) roll_back(db);
  return db_take_error(db, error);
}

void db_rollback(struct db *db)
{
  assert(db->in_transaction);
  db->in_transaction = false;
  g_clear_error(&db->error); /* what was done in vain need not have worked; a failing ROLLBACK is kept */
  roll_back(db);
}

bool db_in_transaction(const struct db *db)
{
  return db->in_transaction;
}

const GError *db_error(const struct db *db)
{
  return db->error;
}

bool db_take_error(struct db *db, GError **error)
{
  if (!db->error) return true;
  g_propagate_error(error, g_steal_pointer(&db->error));
  return false;
}

void db_fail(struct db *db, GError *error)
{
  if (db->error)
    g_error_free(error);
  else
    db->error = error;
}

bool db_exec(struct db *db, const char *sql)
{
  return !db->error && check(db, sqlite3_exec(db->handle, sql, NULL, NULL, NULL));
}

/* --- statements --- */

static struct db_row *prepare(struct db *db, const char *sql, bool cached)
{
  sqlite3_stmt *statement = NULL;
  if (!check(db, sqlite3_prepare_v3(db->handle, sql, -1, cached ? SQLITE_PREPARE_PERSISTENT : 0, &statement,
                                    NULL)))
    return NULL;
  assert(statement); /* an empty statement */
  struct db_row *row = g_new0(struct db_row, 1);
  *row = (struct db_row){.db = db, .statement = statement, .cached = cached};
  return row;
}

static struct db_row *find_row(struct db *db, const char *sql)
{
  struct db_row *row = g_hash_table_lookup(db->by_literal, sql);
  if (!row) {
    row = g_hash_table_lookup(db->by_text, sql);
    if (!row) {
      row = prepare(db, sql, true);
      if (!row) return NULL;
      g_hash_table_insert(db->by_text, (char *)sqlite3_sql(row->statement), row);
    }
    g_hash_table_insert(db->by_literal, (char *)sql, row);
  }
  assert(strcmp(sqlite3_sql(row->statement), sql) == 0); /* the address was no literal's */
  return row->in_use ? prepare(db, sql, false) : row;    /* nested use of one statement */
}

struct db_row *db_query(struct db *db, const char *sql)
{
  struct db_row *row = db->error ? NULL : find_row(db, sql);
  if (!row) return &db->dead;
  row->in_use = true;
  row->done = row->failed = false;
  row->bound = 0;
  row->rollbacks = db->rollbacks;
  return row;
}

void db_bind_int(struct db_row *row, int64_t value)
{
  if (row->statement) check(row->db, sqlite3_bind_int64(row->statement, ++row->bound, value));
}

void db_bind_text(struct db_row *row, const char *text)
{
  if (row->statement)
    check(row->db, sqlite3_bind_text(row->statement, ++row->bound, text, -1, SQLITE_TRANSIENT));
}

void db_bind_lent_text(struct db_row *row, const char *text)
{
  if (row->statement)
    check(row->db, sqlite3_bind_text(row->statement, ++row->bound, text, -1, SQLITE_STATIC));
}

void db_bind_blob(struct db_row *row, const void *data, size_t length)
{
  if (row->statement)
    check(row->db, sqlite3_bind_blob64(row->statement, ++row->bound, data, length, SQLITE_STATIC));
}

bool db_step(struct db_row *row)
{
  if (!row->statement || row->done || row->db->error || row->rollbacks != row->db->rollbacks) return false;
  assert(row->bound == sqlite3_bind_parameter_count(row->statement));
  int result = sqlite3_step(row->statement);
  row->failed = !check(row->db, result);
  row->done = result != SQLITE_ROW; /* a further step would start the statement again */
  return !row->done;
}

static bool has_value(struct db_row *row, int column)
{
  (void)column; /* without assertions */
  assert(!row->statement || (column >= 0 && column < sqlite3_column_count(row->statement)));
  return row->statement && !row->done;
}

int64_t db_int(struct db_row *row, int column)
{
  return has_value(row, column) ? sqlite3_column_int64(row->statement, column) : 0;
}

const char *db_text(struct db_row *row, int column)
{
  const unsigned char *text = has_value(row, column) ? sqlite3_column_text(row->statement, column) : NULL;
  return text ? (const char *)text : "";
}

const uint8_t *db_blob(struct db_row *row, int column, size_t *ret_length)
{
  const void *data = has_value(row, column) ? sqlite3_column_blob(row->statement, column) : NULL;
  *ret_length = data ? (size_t)sqlite3_column_bytes(row->statement, column) : 0;
  return data ? data : (const uint8_t *)"";
}

bool db_is_null(struct db_row *row, int column)
{
  return !has_value(row, column) || sqlite3_column_type(row->statement, column) == SQLITE_NULL;
}

void db_end(struct db_row *row)
{
  if (!row || !row->statement) return;
  if (!row->cached) {
    free_row(row);
    return;
  }
  int result = sqlite3_reset(row->statement); /* all parameters are bound anew */
  /* It repeats the error of a step, which was kept, or says that a rollback came in between; but what was not
   * stepped to its end, outside of a transaction, commits only now. */
  if (!row->failed && row->rollbacks == row->db->rollbacks) check(row->db, result);
  row->in_use = false;
}

bool db_run(struct db_row *row)
{
  struct db *db = row->db;
  db_step(row);
  db_end(row);
  return !db->error;
}

int64_t db_changes(struct db *db)
{
  return sqlite3_changes64(db->handle);
}

int64_t db_last_rowid(struct db *db)
{
  return sqlite3_last_insert_rowid(db->handle);
}

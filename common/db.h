/* SQLite, as both programs use it: the outbox, and behind aggregator/store. The only door to sqlite3.h beside
 * store/.
 *
 * What is read was written: db_guard.h. A damaged page or log is an error (ERROR_DATA) that names it.
 *
 * A connection belongs to one thread at a time. A transaction carries its first error: statements after it do
 * nothing, and db_commit() reports it once. Statements are prepared once and cached by their SQL text, which
 * must be a literal. */
#ifndef PARKTALLY_COMMON_DB_H
#define PARKTALLY_COMMON_DB_H

#include "common/cleanup.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct db_row; /* a prepared statement in use */

enum db_mode {
  DB_CREATE,    /* read and write, made if absent (mode 0600) */
  DB_WRITE,     /* read and write, must exist */
  DB_READ_ONLY, /* must exist */
};

/* WAL, synchronous=FULL, foreign keys on, busy timeout 10 s. When writing, runs wal_checkpoint(TRUNCATE)
 * before it returns: after a kill, SQLite shows rows whose fsync never happened. `page_cache_kib` bounds its
 * memory. */
struct db *db_open(const char *path, enum db_mode mode, size_t page_cache_kib, GError **error);
void db_close(struct db *db);
CLEANUP_DEFINE(struct db, db_close)

/* Brings the schema to version `count` by running migrations[user_version …], each in its own transaction. A
 * newer schema is refused (ERROR_CONFIG) with both versions in the message; so is an older one on a read-only
 * connection. */
bool db_migrate(struct db *db, const char *const *migrations, size_t count, GError **error);

/* BEGIN IMMEDIATE, or BEGIN for a read-only connection. An error is kept for db_commit(), also one from
 * before that nobody took: the transaction does nothing then. They do not nest. */
void db_begin(struct db *db);
/* Commits, or rolls back and gives the first error since db_begin(). ENOSPC (SQLITE_FULL) is ERROR_TEMPORARY,
 * a failed write or sync ERROR_IO, a damaged file ERROR_DATA. */
bool db_commit(struct db *db, GError **error);
/* Undoes everything since db_begin() and forgets its errors. */
void db_rollback(struct db *db);
/* Between db_begin() and its end. */
bool db_in_transaction(const struct db *db);
/* The error kept so far, or NULL: to end a loop early. Outside a transaction errors are kept too;
 * db_take_error() clears. */
const GError *db_error(const struct db *db);
bool db_take_error(struct db *db, GError **error); /* true if there was none */
/* Keeps an error of the caller's own, such as a row whose checksum is wrong, as if a statement had failed.
 * Takes it; it is dropped where an earlier one is kept. */
void db_fail(struct db *db, GError *error);

/* Starts a statement; `sql` is a string literal. Parameters are bound in order by the calls that follow, from
 * 1, all of them before the first step. Never NULL. */
struct db_row *db_query(struct db *db, const char *sql);
void db_bind_int(struct db_row *row, int64_t value);
void db_bind_text(struct db_row *row, const char *text);      /* NULL: null; copied */
void db_bind_lent_text(struct db_row *row, const char *text); /* not copied: must live until db_end() */
/* The data must live until db_end(). NULL: null; an empty blob is a pointer that is not NULL and length 0. */
void db_bind_blob(struct db_row *row, const void *data, size_t length);
/* The next row; false at the end or on an error. */
bool db_step(struct db_row *row);
/* Columns of the row, from 0; pointers live until the next step. */
int64_t db_int(struct db_row *row, int column);
const char *db_text(struct db_row *row, int column); /* "" for null */
const uint8_t *db_blob(struct db_row *row, int column, size_t *ret_length);
bool db_is_null(struct db_row *row, int column);
/* Resets the statement for its next use. Accepts NULL. */
void db_end(struct db_row *row);
CLEANUP_DEFINE(struct db_row, db_end)
/* Steps once and ends: for INSERT, UPDATE, DELETE. True unless it failed. */
bool db_run(struct db_row *row);
int64_t db_changes(struct db *db);
int64_t db_last_rowid(struct db *db);

/* SQL without parameters, not cached. */
bool db_exec(struct db *db, const char *sql);

/* What errors about damage (db_guard.h) tell to do: the end of a sentence, for gettext. Set once, before any
 * thread starts. */
void db_on_damage(const char *advice);

/* Called with the error, in the thread that met it, when a sync failed: what the disk holds is unknown from
 * then on, and a program that goes on may say that something is durable which is not. Set once, before any
 * thread starts; NULL: nothing is called. */
void db_on_failed_sync(void (*hook)(const GError *error));

/* Copies WAL pages into the database without waiting for readers or writers; for a thread of its own
 * connection. An error (a failed sync above all) is kept for db_take_error(). */
void db_checkpoint(struct db *db);
/* From now on commits of this connection leave the log to db_checkpoint(), of whichever connection. Else a
 * commit copies it, once it is 8 MiB long, and from 12 MiB on waits a moment for readers, so that it does not
 * grow under a load that never rests. */
void db_leave_log(struct db *db);
/* How long the log was after this connection's last commit, where it leaves it. */
size_t db_log_bytes(const struct db *db);

#endif

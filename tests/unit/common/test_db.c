#include "common/db.h"

#include "common/error.h"
#include "db_file.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define CACHE_KIB 256

static const char *const SCHEMA[] = {
    "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, data BLOB)",
    "CREATE TABLE part (item INTEGER NOT NULL REFERENCES item (id))",
};

static struct db *open_db(struct db_file *fixture, enum db_mode mode)
{
  g_autoptr(GError) error = NULL;
  struct db *db = db_open(fixture->path, mode, CACHE_KIB, &error);
  assert_null(error);
  assert_non_null(db);
  return db;
}

/* With the schema above. */
static struct db *create_db(struct db_file *fixture)
{
  struct db *db = open_db(fixture, DB_CREATE);
  assert_true(db_migrate(db, SCHEMA, G_N_ELEMENTS(SCHEMA), NULL));
  return db;
}

static void add_item(struct db *db, int64_t id, const char *name)
{
  struct db_row *row = db_query(db, "INSERT INTO item (id, name) VALUES (?, ?)");
  db_bind_int(row, id);
  db_bind_text(row, name);
  db_run(row);
}

static int64_t count_items(struct db *db)
{
  CLEANUP(db_end) struct db_row *row = db_query(db, "SELECT count(*) FROM item");
  assert_true(db_step(row));
  return db_int(row, 0);
}

static void assert_error(const GError *error, enum parktally_error code)
{
  assert_non_null(error);
  assert_int_equal(error->domain, PARKTALLY_ERROR);
  assert_int_equal(error->code, code);
}

static void assert_open_fails(const char *path, enum db_mode mode, enum parktally_error code)
{
  g_autoptr(GError) error = NULL;
  assert_null(db_open(path, mode, CACHE_KIB, &error));
  assert_error(error, code);
  assert_non_null(strstr(error->message, path));
}

/* --- what cannot be opened --- */

static void a_missing_file_is_said_and_not_made(void **state)
{
  struct db_file *fixture = *state;
  assert_open_fails(fixture->path, DB_WRITE, ERROR_IO);
  assert_open_fails(fixture->path, DB_READ_ONLY, ERROR_IO);
  assert_false(g_file_test(fixture->path, G_FILE_TEST_EXISTS));
  assert_open_fails("/nonexistent-folder/test.db", DB_CREATE, ERROR_IO);
}

static void a_file_that_is_no_database_is_refused_in_every_mode(void **state)
{
  struct db_file *fixture = *state;
  g_autofree char *text = g_strnfill(8192, 'x');
  assert_true(g_file_set_contents(fixture->path, text, 8192, NULL));
  assert_open_fails(fixture->path, DB_CREATE, ERROR_DATA);
  assert_open_fails(fixture->path, DB_WRITE, ERROR_DATA);
  assert_open_fails(fixture->path, DB_READ_ONLY, ERROR_DATA);
}

static void a_newer_schema_is_refused_with_both_versions(void **state)
{
  struct db *db = create_db(*state);
  db_exec(db, "PRAGMA user_version=7");
  g_autoptr(GError) error = NULL;
  assert_false(db_migrate(db, SCHEMA, G_N_ELEMENTS(SCHEMA), &error));
  assert_error(error, ERROR_CONFIG);
  assert_non_null(strstr(error->message, "version 7"));
  assert_non_null(strstr(error->message, "knows 2"));
  db_close(db);
}

static void a_reader_refuses_a_schema_that_nobody_brought_up_to_date(void **state)
{
  struct db *db = open_db(*state, DB_CREATE);
  assert_true(db_migrate(db, SCHEMA, 1, NULL));
  db_close(db);
  db = open_db(*state, DB_READ_ONLY);
  g_autoptr(GError) error = NULL;
  assert_false(db_migrate(db, SCHEMA, 2, &error));
  assert_error(error, ERROR_CONFIG);
  assert_true(db_migrate(db, SCHEMA, 1, NULL));
  db_close(db);
}

static void a_failing_migration_leaves_the_version_before_it(void **state)
{
  static const char *const broken[] = {"CREATE TABLE a (x)", "CREATE TABLE b (x); CREATE TABLE a (x)"};
  static const char *const mended[] = {"CREATE TABLE a (x)", "CREATE TABLE b (x); CREATE TABLE c (x)"};
  struct db *db = open_db(*state, DB_CREATE);
  g_autoptr(GError) error = NULL;
  assert_false(db_migrate(db, broken, 2, &error));
  assert_error(error, ERROR_INTERNAL);
  assert_true(db_migrate(db, mended, 2, NULL)); /* b would be there already */
  assert_true(db_migrate(db, mended, 2, NULL)); /* nothing runs twice */
  db_close(db);
}

/* --- transactions under faults --- */

static void the_first_error_wins_and_nothing_runs_after_it(void **state)
{
  struct db *db = create_db(*state);
  db_begin(db);
  add_item(db, 1, "kept by nobody");
  assert_false(db_exec(db, "INSERT INTO missing VALUES (1)"));
  assert_non_null(db_error(db));
  assert_false(db_exec(db, "INSERT INTO other VALUES (1)"));
  assert_false(db_exec(db, "COMMIT"));
  add_item(db, 2, "nor this");
  g_autoptr(GError) error = NULL;
  assert_false(db_commit(db, &error));
  assert_error(error, ERROR_INTERNAL);
  assert_non_null(strstr(error->message, "missing"));
  assert_null(db_error(db));
  assert_int_equal(count_items(db), 0);
  db_close(db);
}

static void an_error_that_nobody_took_fails_the_next_transaction(void **state)
{
  struct db *db = create_db(*state);
  add_item(db, 1, "one");
  add_item(db, 1, "the same again");
  db_begin(db);
  add_item(db, 2, "two");
  g_autoptr(GError) error = NULL;
  assert_false(db_commit(db, &error));
  assert_error(error, ERROR_INTERNAL);
  assert_int_equal(count_items(db), 1);
  db_begin(db);
  add_item(db, 2, "two");
  assert_true(db_commit(db, NULL));
  assert_int_equal(count_items(db), 2);
  db_close(db);
}

static void an_error_of_the_callers_own_fails_the_transaction_unless_one_came_before(void **state)
{
  struct db *db = create_db(*state);
  g_autoptr(GError) error = NULL;
  db_begin(db);
  add_item(db, 1, "one");
  db_fail(db, g_error_new(PARKTALLY_ERROR, ERROR_DATA, "mine"));
  db_fail(db, g_error_new(PARKTALLY_ERROR, ERROR_DATA, "later"));
  add_item(db, 1, "one"); /* would fail, too */
  assert_false(db_commit(db, &error));
  assert_int_equal(error->code, ERROR_DATA);
  assert_string_equal(error->message, "mine");
  assert_int_equal(count_items(db), 0);
  g_clear_error(&error);
  db_begin(db);
  db_exec(db, "nonsense");
  db_fail(db, g_error_new(PARKTALLY_ERROR, ERROR_DATA, "mine"));
  assert_false(db_commit(db, &error));
  assert_int_equal(error->code, ERROR_INTERNAL);
  db_close(db);
}

static void a_rollback_leaves_nothing_and_forgets_its_errors(void **state)
{
  struct db *db = create_db(*state);
  db_begin(db);
  add_item(db, 1, "one");
  db_exec(db, "nonsense");
  db_rollback(db);
  assert_true(db_take_error(db, NULL));
  assert_int_equal(count_items(db), 0);
  db_close(db);
}

static void a_statement_open_across_a_rollback_has_no_more_rows(void **state)
{
  struct db *db = create_db(*state);
  add_item(db, 1, "one");
  add_item(db, 2, "two");
  db_begin(db);
  struct db_row *row = db_query(db, "SELECT id FROM item ORDER BY id");
  assert_true(db_step(row));
  add_item(db, 3, "three");
  db_rollback(db);
  assert_false(db_step(row));
  assert_null(db_error(db));
  db_end(row);
  assert_int_equal(count_items(db), 2);
  db_close(db);
}

static void a_full_disk_is_temporary_and_keeps_what_was_there(void **state)
{
  struct db *db = create_db(*state);
  add_item(db, 1, "one");
  assert_true(db_exec(db, "PRAGMA max_page_count=8"));
  g_autofree char *much = g_strnfill(65536, 'x');
  db_begin(db);
  add_item(db, 2, much);
  g_autoptr(GError) error = NULL;
  assert_false(db_commit(db, &error));
  assert_error(error, ERROR_TEMPORARY);
  assert_int_equal(count_items(db), 1);
  assert_true(db_exec(db, "PRAGMA max_page_count=1000"));
  db_begin(db);
  add_item(db, 2, much);
  assert_true(db_commit(db, NULL));
  db_close(db);
}

static void another_writer_in_between_is_temporary(void **state)
{
  struct db *db = create_db(*state);
  struct db *other = open_db(*state, DB_WRITE);
  db_exec(db, "BEGIN");
  assert_int_equal(count_items(db), 0);
  add_item(other, 1, "one");
  assert_null(db_error(other));
  add_item(db, 2, "two");
  g_autoptr(GError) error = NULL;
  assert_false(db_take_error(db, &error));
  assert_error(error, ERROR_TEMPORARY);
  db_close(other);
  db_close(db);
}

static void a_damaged_page_is_said(void **state)
{
  struct db_file *fixture = *state;
  struct db *db = create_db(fixture);
  g_autofree char *much = g_strnfill(65536, 'x');
  add_item(db, 1, much);
  db_close(db);
  int file = open(fixture->path, O_WRONLY);
  g_autofree char *damage = g_strnfill(8192, '\xff');
  assert_int_equal(pwrite(file, damage, 8192, 8192), 8192); /* the root of item */
  close(file);
  db = open_db(fixture, DB_WRITE);
  db_end(db_query(db, "SELECT name FROM item"));
  struct db_row *row = db_query(db, "SELECT count(name) FROM item");
  assert_false(db_step(row));
  db_end(row);
  g_autoptr(GError) error = NULL;
  assert_false(db_take_error(db, &error));
  assert_error(error, ERROR_DATA);
  db_close(db);
}

static void a_read_only_connection_cannot_write(void **state)
{
  struct db *writer = create_db(*state);
  add_item(writer, 1, "one");
  struct db *reader = open_db(*state, DB_READ_ONLY);
  db_begin(reader);
  assert_int_equal(count_items(reader), 1);
  add_item(reader, 2, "two");
  g_autoptr(GError) error = NULL;
  assert_false(db_commit(reader, &error));
  assert_error(error, ERROR_PERMISSION);
  assert_int_equal(count_items(reader), 1);
  db_close(reader);
  db_close(writer);
}

/* A VFS whose files cannot be synced while `syncs_fail`. SQLite's own has other methods for the database than
 * for its log. */
static bool syncs_fail, database_syncs_fail;
static unsigned syncs;
static sqlite3_vfs *real_vfs;
static int (*real_sync)(sqlite3_file *file, int flags);
static sqlite3_io_methods failing_methods[2];

static int sync_or_fail(sqlite3_file *file, int flags)
{
  bool is_database = file->pMethods == &failing_methods[0];
  syncs++;
  return syncs_fail || (database_syncs_fail && is_database) ? SQLITE_IOERR_FSYNC : real_sync(file, flags);
}

static int open_failing(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
  (void)vfs;
  int result = real_vfs->xOpen(real_vfs, name, file, flags, ret_flags);
  if (result != SQLITE_OK) return result;
  sqlite3_io_methods *methods = &failing_methods[flags & SQLITE_OPEN_MAIN_DB ? 0 : 1];
  *methods = *file->pMethods;
  real_sync = methods->xSync; /* the same in both */
  methods->xSync = sync_or_fail;
  file->pMethods = methods;
  return result;
}

static sqlite3_vfs failing_vfs;

static int set_up_failing_vfs(void **state)
{
  real_vfs = sqlite3_vfs_find(NULL);
  failing_vfs = *real_vfs;
  failing_vfs.pNext = NULL;
  failing_vfs.zName = "failing";
  failing_vfs.xOpen = open_failing;
  sqlite3_vfs_register(&failing_vfs, 1);
  return db_file_set_up(state);
}

static int tear_down_failing_vfs(void **state)
{
  syncs_fail = database_syncs_fail = false;
  sqlite3_vfs_register(real_vfs, 1);
  sqlite3_vfs_unregister(&failing_vfs);
  return db_file_tear_down(state);
}

static void a_failed_sync_is_an_error_of_the_disk(void **state)
{
  struct db *db = create_db(*state);
  syncs_fail = true;
  db_begin(db);
  add_item(db, 1, "one");
  g_autoptr(GError) error = NULL;
  assert_false(db_commit(db, &error));
  assert_error(error, ERROR_IO);
  syncs_fail = false;
  db_close(db);
}

static unsigned told_syncs;

static void count_failed_sync(const GError *error)
{
  assert_error(error, ERROR_IO);
  told_syncs++;
}

static void a_failed_sync_is_told_before_anything_goes_on(void **state)
{
  struct db *db = create_db(*state);
  db_on_failed_sync(count_failed_sync);
  told_syncs = 0;
  db_begin(db);
  add_item(db, 1, "one");
  assert_int_equal(told_syncs, 0);
  syncs_fail = true;
  assert_false(db_commit(db, NULL));
  assert_true(told_syncs > 0);
  db_on_failed_sync(NULL);
  syncs_fail = false;
  db_close(db);
}

static void a_commit_has_been_synced_when_it_returns(void **state)
{
  struct db *db = create_db(*state);
  db_begin(db);
  add_item(db, 1, "one");
  unsigned before = syncs;
  assert_true(db_commit(db, NULL));
  assert_true(syncs > before);
  db_close(db);
}

static void a_failed_sync_of_a_checkpoint_is_kept(void **state)
{
  struct db *db = create_db(*state);
  db_leave_log(db);
  add_item(db, 1, "one");
  syncs_fail = true;
  db_checkpoint(db);
  g_autoptr(GError) error = NULL;
  assert_false(db_take_error(db, &error));
  assert_error(error, ERROR_IO);
  syncs_fail = false;
  db_checkpoint(db);
  assert_true(db_take_error(db, NULL));
  db_close(db);
}

static void a_failed_sync_of_a_log_that_a_commit_copies_is_kept(void **state)
{
  struct db *db = create_db(*state);
  enum { COMMITS = 1100 };
  GError *error = NULL;
  db_on_failed_sync(count_failed_sync);
  told_syncs = 0;
  for (int i = 0; i < COMMITS && !error; i++) {
    database_syncs_fail = true; /* not the log's: the commit itself is durable */
    db_begin(db);
    add_item(db, i, "one");
    (void)db_commit(db, &error);
  }
  assert_error(error, ERROR_IO);
  assert_true(told_syncs > 0);
  g_clear_error(&error);
  db_on_failed_sync(NULL);
  db_close(db);
}

/* --- opening --- */

static void a_new_database_and_its_log_are_private(void **state)
{
  struct db_file *fixture = *state;
  struct db *db = create_db(fixture);
  g_autofree char *log = g_strconcat(fixture->path, "-wal", NULL);
  struct stat facts;
  assert_int_equal(stat(fixture->path, &facts), 0);
  assert_int_equal(facts.st_mode & 0777, 0600);
  assert_int_equal(stat(log, &facts), 0);
  assert_int_equal(facts.st_mode & 0777, 0600);
  db_close(db);
}

static void copy_file(const char *from, const char *to)
{
  g_autofree char *data = NULL;
  size_t length;
  assert_true(g_file_get_contents(from, &data, &length, NULL));
  assert_true(length > 0);
  assert_true(g_file_set_contents(to, data, (ssize_t)length, NULL));
}

/* The files as a killed process leaves them: rows that stand in the log alone. */
static void opening_for_writing_empties_the_log_of_a_killed_process(void **state)
{
  struct db_file *fixture = *state;
  struct db *db = create_db(fixture);
  add_item(db, 1, "one");
  struct db_file copy = {.path = g_build_filename(fixture->folder, "copy.db", NULL)};
  g_autofree char *log = g_strconcat(fixture->path, "-wal", NULL);
  g_autofree char *copied_log = g_strconcat(copy.path, "-wal", NULL);
  copy_file(fixture->path, copy.path);
  copy_file(log, copied_log);
  db_close(db);

  db = open_db(&copy, DB_WRITE);
  struct stat facts;
  assert_int_equal(stat(copied_log, &facts), 0);
  assert_int_equal(facts.st_size, 0);
  assert_int_equal(count_items(db), 1);
  db_close(db);
  g_free(copy.path);
}

static bool file_contains(const char *path, const char *text)
{
  g_autofree char *data = NULL;
  size_t length;
  assert_true(g_file_get_contents(path, &data, &length, NULL));
  return memmem(data, length, text, strlen(text)) != NULL;
}

static void a_log_that_is_left_grows_until_a_checkpoint(void **state)
{
  struct db_file *fixture = *state;
  struct db *db = create_db(fixture);
  enum { COMMITS = 1100 }; /* SQLite would copy the log after 1000 pages */
  size_t before;
  db_leave_log(db);
  for (int i = 0; i < COMMITS; i++) add_item(db, i, "copied later");
  before = db_log_bytes(db);
  assert_true(before > (size_t)COMMITS * 4096);
  assert_false(file_contains(fixture->path, "copied later"));
  db_checkpoint(db);
  assert_true(file_contains(fixture->path, "copied later"));
  add_item(db, COMMITS, "the log begins anew");
  assert_true(db_log_bytes(db) < before / 100);
  db_close(db);
}

/* Two that read by turns, so that there is always one. */
struct readers {
  struct db *db[2];
  GThread *thread;
  int stop; /* atomic */
};

static void *read_by_turns(void *data)
{
  struct readers *readers = data;
  for (unsigned n = 0; !g_atomic_int_get(&readers->stop); n++) {
    db_begin(readers->db[n % 2]);
    count_items(readers->db[n % 2]);
    if (n > 0) assert_true(db_commit(readers->db[(n + 1) % 2], NULL));
  }
  return NULL;
}

static void a_log_is_bounded_though_there_is_always_a_reader(void **state)
{
  struct db_file *fixture = *state;
  struct db *db = create_db(fixture);
  struct readers readers = {.db = {open_db(fixture, DB_READ_ONLY), open_db(fixture, DB_READ_ONLY)}};
  g_autofree char *log = g_strconcat(fixture->path, "-wal", NULL);
  g_autofree char *text = g_strnfill(50000, 'x');
  struct stat facts;
  readers.thread = g_thread_new("readers", read_by_turns, &readers);
  for (int i = 0; i < 1000; i++)
    add_item(db, i % 5, text), db_exec(db, "DELETE FROM item"); /* 40 MB of log */
  g_atomic_int_set(&readers.stop, 1);
  g_thread_join(readers.thread);
  assert_int_equal(stat(log, &facts), 0);
  assert_true(facts.st_size <= 16 << 20);
  for (int n = 0; n < 2; n++) {
    if (db_in_transaction(readers.db[n])) assert_true(db_commit(readers.db[n], NULL));
    db_close(readers.db[n]);
  }
  db_close(db);
}

/* --- statements --- */

static void values_come_back_as_they_went_in(void **state)
{
  static const uint8_t bytes[] = {0, 1, 0xff, 0};
  struct db *db = create_db(*state);
  struct db_row *row = db_query(db, "INSERT INTO item (id, name, data) VALUES (?, ?, ?), (?, ?, ?)");
  db_bind_int(row, INT64_MIN);
  db_bind_text(row, "柳州");
  db_bind_blob(row, bytes, sizeof bytes);
  db_bind_int(row, INT64_MAX);
  db_bind_text(row, NULL);
  db_bind_blob(row, bytes, 0);
  assert_true(db_run(row));
  assert_int_equal(db_changes(db), 2);
  assert_true(db_last_rowid(db) == INT64_MAX);

  row = db_query(db, "SELECT id, name, data FROM item ORDER BY id");
  assert_true(db_step(row));
  assert_true(db_int(row, 0) == INT64_MIN);
  assert_string_equal(db_text(row, 1), "柳州");
  size_t length;
  const uint8_t *data = db_blob(row, 2, &length);
  assert_int_equal(length, sizeof bytes);
  assert_memory_equal(data, bytes, sizeof bytes);
  assert_true(db_step(row));
  assert_true(db_int(row, 0) == INT64_MAX);
  assert_true(db_is_null(row, 1));
  assert_string_equal(db_text(row, 1), "");
  assert_false(db_is_null(row, 2)); /* empty is not null */
  assert_non_null(db_blob(row, 2, &length));
  assert_int_equal(length, 0);
  db_end(row);
  db_close(db);
}

static void a_statement_that_has_ended_does_not_start_again(void **state)
{
  struct db *db = create_db(*state);
  add_item(db, 1, "one");
  struct db_row *row = db_query(db, "SELECT id FROM item");
  assert_true(db_step(row));
  assert_false(db_step(row));
  assert_false(db_step(row));
  assert_int_equal(db_int(row, 0), 0);
  db_end(row);
  db_close(db);
}

static void a_statement_may_be_used_within_itself(void **state)
{
  struct db *db = create_db(*state);
  for (int64_t id = 1; id <= 3; id++) add_item(db, id, "item");
  int pairs = 0;
  const char *sql = "SELECT id FROM item WHERE id > ? ORDER BY id";
  struct db_row *outer = db_query(db, sql);
  db_bind_int(outer, 0);
  while (db_step(outer)) {
    CLEANUP(db_end) struct db_row *inner = db_query(db, sql);
    db_bind_int(inner, db_int(outer, 0));
    while (db_step(inner)) pairs++;
  }
  db_end(outer);
  assert_int_equal(pairs, 3); /* (1,2) (1,3) (2,3) */
  db_close(db);
}

static void foreign_keys_are_enforced(void **state)
{
  struct db *db = create_db(*state);
  assert_false(db_exec(db, "INSERT INTO part VALUES (42)"));
  g_autoptr(GError) error = NULL;
  assert_false(db_take_error(db, &error));
  assert_error(error, ERROR_INTERNAL);
  db_close(db);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, db_file_set_up, db_file_tear_down)
#define TEST_FAILING(name) cmocka_unit_test_setup_teardown(name, set_up_failing_vfs, tear_down_failing_vfs)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(a_missing_file_is_said_and_not_made),
      TEST(a_file_that_is_no_database_is_refused_in_every_mode),
      TEST(a_newer_schema_is_refused_with_both_versions),
      TEST(a_reader_refuses_a_schema_that_nobody_brought_up_to_date),
      TEST(a_failing_migration_leaves_the_version_before_it),
      TEST(the_first_error_wins_and_nothing_runs_after_it),
      TEST(an_error_that_nobody_took_fails_the_next_transaction),
      TEST(an_error_of_the_callers_own_fails_the_transaction_unless_one_came_before),
      TEST(a_rollback_leaves_nothing_and_forgets_its_errors),
      TEST(a_statement_open_across_a_rollback_has_no_more_rows),
      TEST(a_full_disk_is_temporary_and_keeps_what_was_there),
      TEST(another_writer_in_between_is_temporary),
      TEST(a_damaged_page_is_said),
      TEST(a_read_only_connection_cannot_write),
      TEST_FAILING(a_failed_sync_is_an_error_of_the_disk),
      TEST_FAILING(a_failed_sync_is_told_before_anything_goes_on),
      TEST_FAILING(a_commit_has_been_synced_when_it_returns),
      TEST_FAILING(a_failed_sync_of_a_checkpoint_is_kept),
      TEST_FAILING(a_failed_sync_of_a_log_that_a_commit_copies_is_kept),
      TEST(a_new_database_and_its_log_are_private),
      TEST(opening_for_writing_empties_the_log_of_a_killed_process),
      TEST(a_log_that_is_left_grows_until_a_checkpoint),
      TEST(a_log_is_bounded_though_there_is_always_a_reader),
      TEST(values_come_back_as_they_went_in),
      TEST(a_statement_that_has_ended_does_not_start_again),
      TEST(a_statement_may_be_used_within_itself),
      TEST(foreign_keys_are_enforced),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

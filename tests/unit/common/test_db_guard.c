#include "common/db_guard.h"

#include "../../sample.h"
#include "common/db.h"
#include "common/error.h"
#include "db_file.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <inttypes.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define CACHE_KIB 256
#define ITEMS 300 /* with an index, and some that go on in pages of their own */
#define FRAME_BYTES (24 + DB_PAGE_BYTES)

static const char *const SCHEMA[] = {
    "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, data BLOB);"
    "CREATE INDEX item_by_name ON item (name, data);",
};

static struct db *open_db(const char *path, enum db_mode mode)
{
  g_autoptr(GError) error = NULL;
  struct db *db = db_open(path, mode, CACHE_KIB, &error);
  if (!db) fail_msg("%s", error->message);
  return db;
}

static void add_items(struct db *db, int64_t first, int64_t count)
{
  for (int64_t id = first; id < first + count; id++) {
    g_autofree char *name = g_strdup_printf("item number %" PRId64, id * 7919 % 1000);
    g_autofree char *data = g_strnfill(id % 50 == 0 ? 20000 : 40, (char)('a' + id % 26));
    struct db_row *row = db_query(db, "INSERT INTO item (id, name, data) VALUES (?, ?, CAST(? AS BLOB))");
    db_bind_int(row, id);
    db_bind_text(row, name);
    db_bind_text(row, data);
    db_run(row);
  }
}

/* At rest, with all of it in the database. */
static void make_db(const struct db_file *fixture)
{
  CLEANUP(db_close) struct db *db = open_db(fixture->path, DB_CREATE);
  assert_true(db_migrate(db, SCHEMA, 1, NULL));
  db_begin(db);
  add_items(db, 1, ITEMS);
  assert_true(db_commit(db, NULL));
}

/* Everything that it holds, by table and by index; NULL and the error. */
static char *read_all(const char *path, enum db_mode mode, GError **error)
{
  static const char *const queries[] = {"SELECT id, name, data FROM item ORDER BY id",
                                        "SELECT 0, name, data FROM item ORDER BY name, data"};
  CLEANUP(db_close) struct db *db = db_open(path, mode, CACHE_KIB, error);
  if (!db) return NULL;
  g_autoptr(GChecksum) all = g_checksum_new(G_CHECKSUM_SHA256);
  for (int n = 0; n < 2; n++) {
    CLEANUP(db_end) struct db_row *row = db_query(db, n == 0 ? queries[0] : queries[1]);
    while (db_step(row)) {
      size_t length;
      const uint8_t *data = db_blob(row, 2, &length);
      g_autofree char *head = g_strdup_printf("%" PRId64 "%s", db_int(row, 0), db_text(row, 1));
      g_checksum_update(all, (const uint8_t *)head, -1);
      g_checksum_update(all, data, (gssize)length);
    }
  }
  if (!db_take_error(db, error)) return NULL;
  return g_strdup(g_checksum_get_string(all));
}

static void write_at(const char *path, size_t offset, const void *data, size_t length)
{
  int file = open(path, O_WRONLY);
  assert_int_equal(pwrite(file, data, length, (off_t)offset), length);
  close(file);
}

struct file {
  char *bytes;
  size_t length;
};

static struct file load(const char *path)
{
  struct file file;
  assert_true(g_file_get_contents(path, &file.bytes, &file.length, NULL));
  return file;
}

static void put(const char *path, const struct file *file, size_t length)
{
  FILE *stream = fopen(path, "w");
  assert_int_equal(fwrite(file->bytes, 1, length, stream), length);
  assert_int_equal(fclose(stream), 0);
}

static void flip(const char *path, const struct file *file, size_t offset, uint8_t change)
{
  char byte = (char)(file->bytes[offset] ^ change);
  write_at(path, offset, &byte, 1);
}

static void assert_damage(const GError *error, const char *said)
{
  assert_non_null(error);
  assert_int_equal(error->code, ERROR_DATA);
  if (!strstr(error->message, said)) fail_msg("“%s” does not say “%s”", error->message, said);
}

/* --- pages --- */

static void any_flipped_byte_of_a_database_is_told_or_makes_no_difference(void **state)
{
  struct db_file *fixture = *state;
  make_db(fixture);
  struct file file = load(fixture->path);
  g_autofree char *expected = read_all(fixture->path, DB_READ_ONLY, NULL);
  const char *seed = g_getenv("PARKTALLY_SEED");
  uint32_t number = seed ? (uint32_t)atoi(seed) : g_random_int();
  printf("PARKTALLY_SEED=%u\n", number);
  g_autoptr(GRand) random = g_rand_new_with_seed(number);
  int told = 0, rounds = sample_rounds(400);
  for (int n = 0; n < rounds; n++) {
    size_t offset = n < 100 ? (size_t)n : (size_t)g_rand_int_range(random, 0, (gint32)file.length);
    uint8_t change = (uint8_t)(1u << g_rand_int_range(random, 0, 8));
    g_autoptr(GError) error = NULL;
    put(fixture->path, &file, file.length);
    flip(fixture->path, &file, offset, change);
    g_autofree char *found = read_all(fixture->path, n % 2 ? DB_READ_ONLY : DB_WRITE, &error);
    if (!found) assert_damage(error, fixture->path);
    if (found) assert_string_equal(found, expected);
    told += !found;
  }
  assert_true(told > rounds * 9 / 10); /* all but a page or two are read */
  g_free(file.bytes);
}

/* The pages of a table or index, as SQLite's own shell knows them. */
static int64_t page_of(const struct db_file *fixture, const char *where)
{
  sqlite3 *plain;
  sqlite3_stmt *statement;
  g_autofree char *sql = g_strdup_printf("SELECT pageno FROM dbstat WHERE %s LIMIT 1", where);
  assert_int_equal(sqlite3_open_v2(fixture->path, &plain, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
  if (sqlite3_prepare_v2(plain, sql, -1, &statement, NULL) != SQLITE_OK) return 0;
  assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
  int64_t page = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  sqlite3_close(plain);
  return page;
}

static void a_damaged_page_is_named_with_its_table(void **state)
{
  static const struct {
    const char *where, *said;
  } cases[] = {
      {"name = 'item' AND pagetype = 'leaf'", "of the table \"item\""},
      {"name = 'item' AND pagetype = 'internal'", "of the table \"item\""},
      {"name = 'item' AND pagetype = 'overflow'", "of the table \"item\""},
      {"name = 'item_by_name' AND pagetype = 'leaf'", "of the table \"item_by_name\""},
      {"name = 'item_by_name' AND pagetype = 'internal'", "of the table \"item_by_name\""},
      {"name = 'item_by_name' AND pagetype = 'overflow' AND path LIKE '%+000001'",
       "of the table \"item_by_name\""},
      {"name = 'sqlite_schema' OR name = 'sqlite_master'", "of the table \"sqlite_schema\""},
  };
  struct db_file *fixture = *state;
  make_db(fixture);
  if (page_of(fixture, "name = 'item'") == 0) skip(); /* a SQLite that does not tell */
  struct file file = load(fixture->path);
  for (size_t n = 0; n < G_N_ELEMENTS(cases); n++) {
    g_autoptr(GError) error = NULL;
    put(fixture->path, &file, file.length);
    size_t page = (size_t)page_of(fixture, cases[n].where);
    flip(fixture->path, &file, (page - 1) * DB_PAGE_BYTES + 1000, 1);
    g_autofree char *number = g_strdup_printf("page %zu, ", page);
    assert_null(read_all(fixture->path, DB_READ_ONLY, &error));
    assert_damage(error, cases[n].said);
    assert_damage(error, number);
  }
  g_free(file.bytes);
}

static void a_page_that_stands_at_another_s_place_is_told(void **state)
{
  struct db_file *fixture = *state;
  make_db(fixture);
  size_t page = (size_t)page_of(fixture, "name = 'item' AND pagetype = 'leaf'");
  if (page == 0) skip();
  struct file file = load(fixture->path);
  g_autoptr(GError) error = NULL;
  size_t other = (size_t)page_of(fixture, "name = 'item' AND pagetype = 'leaf' AND path LIKE '%/001/'");
  assert_int_not_equal(page, other);
  write_at(fixture->path, (page - 1) * DB_PAGE_BYTES, file.bytes + (other - 1) * DB_PAGE_BYTES,
           DB_PAGE_BYTES);
  assert_null(read_all(fixture->path, DB_READ_ONLY, &error));
  assert_damage(error, "is damaged: page ");
  g_free(file.bytes);
}

static int count_rows(void *data, int columns, char **texts, char **names)
{
  (void)columns;
  (void)names;
  g_string_append(data, texts[0]);
  return 0;
}

static void a_plain_shell_reads_what_is_there(void **state)
{
  struct db_file *fixture = *state;
  make_db(fixture);
  sqlite3 *plain;
  g_autoptr(GString) said = g_string_new(NULL);
  assert_int_equal(sqlite3_open_v2(fixture->path, &plain, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
  assert_int_equal(
      sqlite3_exec(plain, "PRAGMA integrity_check; SELECT count(*) FROM item", count_rows, said, NULL),
      SQLITE_OK);
  assert_string_equal(said->str, "ok" G_STRINGIFY(ITEMS));
  sqlite3_close(plain);
}

static void what_a_plain_shell_writes_past_the_guard_is_told(void **state)
{
  struct db_file *fixture = *state;
  make_db(fixture);
  sqlite3 *plain;
  assert_int_equal(sqlite3_open_v2(fixture->path, &plain, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_exec(plain, "UPDATE item SET name = 'other' WHERE id = 7", NULL, NULL, NULL),
                   SQLITE_OK);
  sqlite3_close(plain);
  g_autoptr(GError) error = NULL;
  assert_null(read_all(fixture->path, DB_WRITE, &error));
  assert_damage(error, "is damaged: page ");
}

static void a_database_without_checksums_is_refused(void **state)
{
  struct db_file *fixture = *state;
  sqlite3 *plain;
  assert_int_equal(sqlite3_open(fixture->path, &plain), SQLITE_OK);
  assert_int_equal(sqlite3_exec(plain, "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; CREATE TABLE a (b)",
                                NULL, NULL, NULL),
                   SQLITE_OK);
  sqlite3_close(plain);
  for (int mode = DB_CREATE; mode <= DB_READ_ONLY; mode++) {
    g_autoptr(GError) error = NULL;
    assert_null(db_open(fixture->path, (enum db_mode)mode, CACHE_KIB, &error));
    assert_damage(error, "has no checksums");
  }
}

/* --- the log --- */

/* As a kill leaves it: the items of `transactions` in the log alone. What `fixture` has are copies. */
static void make_killed(const struct db_file *fixture, int transactions)
{
  make_db(fixture);
  g_autofree char *path = g_strconcat(fixture->path, ".live", NULL), *log = g_strconcat(path, "-wal", NULL);
  assert_int_equal(g_rename(fixture->path, path), 0);
  CLEANUP(db_close) struct db *db = open_db(path, DB_WRITE);
  db_leave_log(db);
  for (int n = 0; n < transactions; n++) {
    db_begin(db);
    add_items(db, ITEMS + 1 + n * 10, 10);
    assert_true(db_commit(db, NULL));
  }
  struct file file = load(path), log_file = load(log);
  put(fixture->path, &file, file.length);
  put(fixture->log, &log_file, log_file.length);
  g_free(file.bytes);
  g_free(log_file.bytes);
}

/* Puts the files back, with so much of the log. */
static void put_killed(const struct db_file *fixture, const struct file *file, const struct file *log,
                       size_t length)
{
  g_autofree char *shared = g_strconcat(fixture->path, "-shm", NULL);
  g_unlink(shared);
  put(fixture->path, file, file->length);
  put(fixture->log, log, length);
}

static int64_t count_items(const char *path, GError **error)
{
  CLEANUP(db_close) struct db *db = db_open(path, DB_WRITE, CACHE_KIB, error);
  if (!db) return -1;
  CLEANUP(db_end) struct db_row *row = db_query(db, "SELECT count(*) FROM item");
  assert_true(db_step(row));
  return db_int(row, 0);
}

static void any_flipped_byte_of_a_log_is_told_or_makes_no_difference(void **state)
{
  struct db_file *fixture = *state;
  int transactions = 4;
  make_killed(fixture, transactions);
  struct file file = load(fixture->path), log = load(fixture->log);
  g_autoptr(GRand) random = g_rand_new();
  int told = 0, rounds = sample_rounds(300);
  for (int n = 0; n < rounds; n++) {
    size_t offset = n < 64 ? (size_t)n
                    : n < 128 && log.length > 128
                        ? log.length - (size_t)(n - 63) /* the mark, and the last frame */
                        : (size_t)g_rand_int_range(random, 0, (gint32)log.length);
    g_autoptr(GError) error = NULL;
    put_killed(fixture, &file, &log, log.length);
    flip(fixture->log, &log, offset, (uint8_t)g_rand_int_range(random, 1, 256));
    int64_t items = count_items(fixture->path, &error);
    if (error) assert_damage(error, "-wal is damaged: frame ");
    if (!error && items != ITEMS + transactions * 10)
      fail_msg("byte %zu of the log: %" PRId64 " items", offset, items);
    told += error != NULL;
  }
  assert_true(told > rounds / 2);
  g_free(file.bytes);
  g_free(log.bytes);
}

static void a_log_that_ends_in_the_midst_of_a_transaction_ends_before_it(void **state)
{
  struct db_file *fixture = *state;
  make_killed(fixture, 3);
  struct file file = load(fixture->path), log = load(fixture->log);
  size_t frames = (log.length - 32) / FRAME_BYTES;
  int64_t last = ITEMS + 30;
  for (size_t kept = frames; kept-- > 0;) {
    g_autoptr(GError) error = NULL;
    put_killed(fixture, &file, &log, 32 + kept * FRAME_BYTES + 100);
    int64_t items = count_items(fixture->path, &error);
    if (error) fail_msg("%zu frames: %s", kept, error->message);
    assert_true(items <= last && (items - ITEMS) % 10 == 0);
    last = items;
  }
  assert_int_equal(last, ITEMS);
  g_free(file.bytes);
  g_free(log.bytes);
}

/* Where the first transaction of a log ends. */
static size_t first_commit(const struct file *log)
{
  size_t at = 32;
  while (memcmp(log->bytes + at + 4, "\0\0\0\0", 4) == 0) at += FRAME_BYTES;
  return at + FRAME_BYTES;
}

/* After a loss of power, of what was not synced each sector may be there or not. */
static void a_last_transaction_that_is_there_in_part_was_never_there(void **state)
{
  struct db_file *fixture = *state;
  make_killed(fixture, 2);
  struct file file = load(fixture->path), log = load(fixture->log);
  g_autofree char *zeros = g_malloc0(512);
  for (size_t sector = first_commit(&log); sector + 512 < log.length; sector += 512) {
    g_autoptr(GError) error = NULL;
    put_killed(fixture, &file, &log, (log.length - 32) / FRAME_BYTES * FRAME_BYTES + 32); /* without a mark */
    write_at(fixture->log, sector, zeros, 512);
    int64_t items = count_items(fixture->path, &error);
    if (error) fail_msg("at byte %zu: %s", sector, error->message);
    assert_true(items == ITEMS + 10 || items == ITEMS + 20);
  }
  g_free(file.bytes);
  g_free(log.bytes);
}

/* The mark may be lost with the power, or overwritten by what never came to its end. */
static void without_its_mark_a_log_tells_of_all_but_its_last_transaction(void **state)
{
  struct db_file *fixture = *state;
  make_killed(fixture, 3);
  struct file file = load(fixture->path), log = load(fixture->log);
  size_t frames = (log.length - 32) / FRAME_BYTES, before_last = first_commit(&log), last = before_last;
  while (last < 32 + frames * FRAME_BYTES) { /* to where the last one begins */
    before_last = last;
    while (memcmp(log.bytes + last + 4, "\0\0\0\0", 4) == 0) last += FRAME_BYTES;
    last += FRAME_BYTES;
  }
  for (size_t frame = 0; frame < frames; frame++) {
    g_autoptr(GError) error = NULL;
    size_t at = 32 + frame * FRAME_BYTES;
    put_killed(fixture, &file, &log, 32 + frames * FRAME_BYTES);
    flip(fixture->log, &log, at + 3000, 1);
    int64_t items = count_items(fixture->path, &error);
    if (at < before_last)
      assert_damage(error, "-wal is damaged: frame ");
    else
      assert_int_equal(items, ITEMS + 20);
  }
  g_free(file.bytes);
  g_free(log.bytes);
}

/* A log that was copied begins anew at its head; what stood behind it stays there, its mark too. */
static void what_a_log_of_before_left_is_no_damage(void **state)
{
  struct db_file *fixture = *state;
  make_db(fixture);
  CLEANUP(db_close) struct db *db = open_db(fixture->path, DB_WRITE);
  db_leave_log(db);
  for (int n = 0; n < 2; n++) {
    db_begin(db);
    add_items(db, ITEMS + 1 + n * 50, n == 0 ? 50 : 1);
    assert_true(db_commit(db, NULL));
    if (n == 0) db_checkpoint(db);
  }
  struct file file = load(fixture->path), log = load(fixture->log);
  struct db_file copy = {.path = g_build_filename(fixture->folder, "copy.db", NULL),
                         .log = g_build_filename(fixture->folder, "copy.db-wal", NULL)};
  assert_true(first_commit(&log) < log.length / 2);
  put_killed(&copy, &file, &log, log.length);
  g_autoptr(GError) error = NULL;
  assert_int_equal(count_items(copy.path, &error), ITEMS + 51);
  assert_null(error);
  g_free(copy.path);
  g_free(copy.log);
  g_free(file.bytes);
  g_free(log.bytes);
}

static void a_frame_that_is_damaged_while_in_use_is_told_and_not_copied(void **state)
{
  struct db_file *fixture = *state;
  make_db(fixture);
  CLEANUP(db_close) struct db *db = open_db(fixture->path, DB_WRITE);
  db_leave_log(db);
  db_begin(db);
  add_items(db, ITEMS + 1, 50);
  assert_true(db_commit(db, NULL));
  struct file log = load(fixture->log), before = load(fixture->path);
  for (size_t frame = 0; frame < (log.length - 32) / FRAME_BYTES; frame++)
    flip(fixture->log, &log, 32 + frame * FRAME_BYTES + 5000, 0x10);
  g_autoptr(GError) error = NULL;
  assert_null(read_all(fixture->path, DB_READ_ONLY, &error));
  assert_damage(error, "-wal is damaged: frame ");
  g_clear_error(&error);
  db_checkpoint(db);
  assert_false(db_take_error(db, &error));
  assert_damage(error, "-wal is damaged: frame ");
  struct file after = load(fixture->path);
  assert_int_equal(after.length, before.length);
  assert_memory_equal(after.bytes, before.bytes, before.length);
  g_free(log.bytes);
  g_free(before.bytes);
  g_free(after.bytes);
}

/* More than the cache holds, written into the log before the commit, and again after that. */
static void a_transaction_larger_than_the_cache_is_no_damage(void **state)
{
  struct db_file *fixture = *state;
  make_db(fixture);
  CLEANUP(db_close) struct db *db = db_open(fixture->path, DB_WRITE, 32, NULL);
  for (int turn = 0; turn < 4; turn++) {
    db_begin(db);
    for (int n = 0; n < 3; n++) {
      db_exec(db, "UPDATE item SET data = CAST(randomblob(200) AS BLOB)");
      db_exec(db, "UPDATE item SET name = name || 'x'");
    }
    add_items(db, ITEMS + 1 + turn, 1);
    if (turn % 2)
      db_rollback(db);
    else if (!db_commit(db, NULL))
      fail_msg("turn %d", turn);
  }
  struct file file = load(fixture->path), log = load(fixture->log);
  struct db_file copy = {.path = g_build_filename(fixture->folder, "copy.db", NULL),
                         .log = g_build_filename(fixture->folder, "copy.db-wal", NULL)};
  put_killed(&copy, &file, &log, log.length);
  g_autoptr(GError) error = NULL;
  assert_int_equal(count_items(copy.path, &error), ITEMS + 2);
  assert_null(error);
  g_free(copy.path);
  g_free(copy.log);
  g_free(file.bytes);
  g_free(log.bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, db_file_set_up, db_file_tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(any_flipped_byte_of_a_database_is_told_or_makes_no_difference),
      TEST(a_damaged_page_is_named_with_its_table),
      TEST(a_page_that_stands_at_another_s_place_is_told),
      TEST(a_plain_shell_reads_what_is_there),
      TEST(what_a_plain_shell_writes_past_the_guard_is_told),
      TEST(a_database_without_checksums_is_refused),
      TEST(any_flipped_byte_of_a_log_is_told_or_makes_no_difference),
      TEST(a_log_that_ends_in_the_midst_of_a_transaction_ends_before_it),
      TEST(a_last_transaction_that_is_there_in_part_was_never_there),
      TEST(without_its_mark_a_log_tells_of_all_but_its_last_transaction),
      TEST(what_a_log_of_before_left_is_no_damage),
      TEST(a_frame_that_is_damaged_while_in_use_is_told_and_not_copied),
      TEST(a_transaction_larger_than_the_cache_is_no_damage),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

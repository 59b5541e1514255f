#include "common/db_pages.h"

#include "common/db.h"
#include "common/db_guard.h"
#include "db_file.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CACHE_KIB 256
#define ITEMS 400 /* some of which go on in pages of their own */
#define LARGE 20000

static const char *const SCHEMA[] = {
    "CREATE TABLE item (id INTEGER PRIMARY KEY, size INTEGER, data BLOB);"
    "CREATE TABLE wide (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, c INTEGER, d INTEGER);",
};

static size_t size_of(int64_t id)
{
  return id % 50 == 0 ? LARGE : 40;
}

static void add_items(struct db *db)
{
  db_begin(db);
  for (int64_t id = 1; id <= ITEMS; id++) {
    g_autofree char *data = g_strnfill(size_of(id), (char)('a' + id % 26));
    struct db_row *row = db_query(db, "INSERT INTO item (id, size, data) VALUES (?, ?, ?)");
    db_bind_int(row, id);
    db_bind_int(row, -id * 1000003);
    db_bind_blob(row, data, size_of(id));
    db_run(row);
    db_bind_int(row = db_query(db, "INSERT INTO wide (id, a, b, c, d) VALUES (?, 0, 1, 2, 3)"), id);
    db_run(row);
  }
  assert_true(db_commit(db, NULL));
}

static struct db *make_db(const struct db_file *fixture)
{
  struct db *db = db_open(fixture->path, DB_CREATE, CACHE_KIB, NULL);
  assert_non_null(db);
  assert_true(db_migrate(db, SCHEMA, 1, NULL));
  return db;
}

static void flip(const char *path, long offset)
{
  FILE *file = fopen(path, "r+b");
  assert_non_null(file);
  fseek(file, offset, SEEK_SET);
  int byte = getc(file);
  fseek(file, offset, SEEK_SET);
  putc(byte ^ 4, file);
  fclose(file);
}

/* --- damage --- */

static void note_page(uint32_t page, void *data)
{
  g_array_append_val((GArray *)data, page);
}

static void damaged_pages_are_told_and_no_others(void **state)
{
  const struct db_file *fixture = *state;
  g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(uint32_t));
  struct db *db = make_db(fixture);
  add_items(db);
  db_close(db);
  assert_true(db_pages_check(fixture->path, note_page, found, NULL));
  assert_int_equal(found->len, 0);
  flip(fixture->path, 16); /* of the head, which tells how large pages are */
  flip(fixture->path, 5 * DB_PAGE_BYTES - 1);
  assert_true(db_pages_check(fixture->path, note_page, found, NULL));
  assert_int_equal(found->len, 2);
  assert_int_equal(g_array_index(found, uint32_t, 0), 1);
  assert_int_equal(g_array_index(found, uint32_t, 1), 5);
}

static void a_page_that_the_log_has_in_a_newer_state_is_none(void **state)
{
  const struct db_file *fixture = *state;
  g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(uint32_t));
  struct db *db = make_db(fixture);
  db_leave_log(db);
  add_items(db);
  db_checkpoint(db);
  flip(fixture->path, DB_PAGE_BYTES + 100); /* the list of items, of which the log has another */
  add_items((db_exec(db, "DELETE FROM item; DELETE FROM wide"), db));
  assert_true(db_pages_check(fixture->path, note_page, found, NULL));
  assert_int_equal(found->len, 0);
  (void)db_take_error(db, NULL);
  db_close(db);
}

static void what_is_not_there_is_an_error(void **state)
{
  (void)state;
  g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(uint32_t));
  g_autoptr(GError) error = NULL;
  assert_false(db_pages_check("/nowhere/store.db", note_page, found, &error));
  assert_non_null(strstr(error->message, "/nowhere/store.db"));
}

/* --- rows --- */

struct seen {
  bool items[ITEMS + 1];
  unsigned count, unsound, wrong;
};

static void note_row(const struct db_carved *row, void *data)
{
  struct seen *seen = data;
  if (row->count == 4 || row->count == 1) return; /* of the schema */
  if (row->count != 3 || row->key < 1 || row->key > ITEMS || row->column[0].type != DB_CARVED_NULL ||
      row->column[1].type != DB_CARVED_INT || row->column[1].number != -row->key * 1000003 ||
      row->column[2].type != DB_CARVED_BLOB || row->column[2].length != size_of(row->key) ||
      row->column[2].bytes[row->column[2].length - 1] != 'a' + row->key % 26) {
    seen->wrong++;
    return;
  }
  seen->count += !seen->items[row->key];
  seen->items[row->key] = true;
  seen->unsound += !row->sound;
}

static struct seen carve(const struct db_file *fixture, size_t most)
{
  struct seen seen = {0};
  assert_true(db_pages_carve(fixture->path, most, note_row, &seen, NULL));
  return seen;
}

static void rows_are_found_without_the_tables(void **state)
{
  const struct db_file *fixture = *state;
  struct db *db = make_db(fixture);
  add_items(db);
  db_close(db);
  for (long n = 0; n < 2 * DB_PAGE_BYTES; n += 7)
    flip(fixture->path, n); /* the head, and the list of items */
  struct seen seen = carve(fixture, LARGE + 100);
  assert_int_equal(seen.count, ITEMS);
  assert_int_equal(seen.unsound + seen.wrong, 0);
  seen = carve(fixture, LARGE - 1);
  assert_int_equal(seen.count, ITEMS - ITEMS / 50);
}

static void rows_that_only_the_log_has_are_found(void **state)
{
  const struct db_file *fixture = *state;
  struct db *db = make_db(fixture);
  db_leave_log(db);
  add_items(db);
  struct seen seen = carve(fixture, LARGE + 100);
  assert_int_equal(seen.count, ITEMS);
  assert_int_equal(seen.wrong, 0);
  assert_int_equal(seen.unsound, ITEMS);
  db_close(db);
}

static void of_a_damaged_page_rows_are_found_and_not_called_sound(void **state)
{
  const struct db_file *fixture = *state;
  struct db *db = make_db(fixture);
  add_items(db);
  db_close(db);
  for (long page = 3; page < 8; page++)
    flip(fixture->path, page * DB_PAGE_BYTES - 1); /* of the checksums alone */
  struct seen seen = carve(fixture, LARGE + 100);
  assert_int_equal(seen.count, ITEMS);
  assert_in_range(seen.unsound, 1, ITEMS - 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, db_file_set_up, db_file_tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(damaged_pages_are_told_and_no_others), TEST(a_page_that_the_log_has_in_a_newer_state_is_none),
      TEST(what_is_not_there_is_an_error),        TEST(rows_are_found_without_the_tables),
      TEST(rows_that_only_the_log_has_are_found), TEST(of_a_damaged_page_rows_are_found_and_not_called_sound),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

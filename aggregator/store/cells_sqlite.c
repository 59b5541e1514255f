/* Cells, and the counts of units that owe a form. */
#include "aggregator/store/private.h"

static int64_t cell_checksum(const struct cell_key *key, int128 total, int64_t units)
{
  struct digest digest;
  digest_init(&digest, 'c');
  digest_int(&digest, key->book);
  digest_text(&digest, key->area);
  digest_text(&digest, key->slice);
  digest_int(&digest, key->slot);
  digest_int(&digest, (int64_t)total);
  digest_int(&digest, (int64_t)(total >> 64));
  digest_int(&digest, units);
  return digest_value(&digest);
}

/* From columns total, units, checksum, which start at `column`. */
static bool read_cell(struct store *store, struct db_row *row, int column, const struct cell_key *key,
                      int128 *ret_total, int64_t *ret_units)
{
  int128 total;
  int64_t units = db_int(row, column + 1);
  if (!decimal_read_int128(db_text(row, column), &total) ||
      cell_checksum(key, total, units) != db_int(row, column + 2))
    return store_damaged(store, "cell", "%" G_GINT64_FORMAT ", %s, %s, %d", key->book, key->area, key->slice,
                         key->slot);
  *ret_total = total;
  *ret_units = units;
  return true;
}

static void bind_cell_key(struct db_row *row, const struct cell_key *key)
{
  db_bind_int(row, key->book);
  db_bind_text(row, key->area);
  db_bind_text(row, key->slice);
  db_bind_int(row, key->slot);
}

bool store_cell(struct store *store, const struct cell_key *key, int128 *ret_total, int64_t *ret_units)
{
  *ret_total = 0;
  *ret_units = 0;
  CLEANUP(db_end)
  struct db_row *row = db_query(store->db, "SELECT total, units, checksum FROM cell"
                                           " WHERE book = ? AND area = ? AND slice = ? AND slot = ?");
  bind_cell_key(row, key);
  return db_step(row) && read_cell(store, row, 0, key, ret_total, ret_units);
}

static void put_cell(struct store *store, const struct cell_key *key, bool exists, int128 total,
                     int64_t units)
{
  char text[DECIMAL_TEXT_SIZE];
  struct db_row *row =
      db_query(store->db, exists ? "UPDATE cell SET total = ?, units = ?, checksum = ?"
                                   " WHERE book = ? AND area = ? AND slice = ? AND slot = ?"
                                 : "INSERT INTO cell (total, units, checksum, book, area, slice, slot)"
                                   " VALUES (?, ?, ?, ?, ?, ?, ?)");
  db_bind_text(row, decimal_format(total, 0, text));
  db_bind_int(row, units);
  db_bind_int(row, cell_checksum(key, total, units));
  bind_cell_key(row, key);
  db_run(row);
}

static void remove_cell(struct store *store, const struct cell_key *key)
{
  struct db_row *row =
      db_query(store->db, "DELETE FROM cell WHERE book = ? AND area = ? AND slice = ? AND slot = ?");
  bind_cell_key(row, key);
  db_run(row);
}

void store_cell_add(struct store *store, const struct cell_key *key, int128 total, int64_t units)
{
  int128 sum;
  int64_t count;
  bool exists = store_cell(store, key, &sum, &count);
  if (db_error(store->db)) return;
  if (__builtin_add_overflow(sum, total, &sum) || __builtin_add_overflow(count, units, &count))
    store_bug(store, "cell %" G_GINT64_FORMAT ", %s, %s, %d would overflow", key->book, key->area, key->slice,
              key->slot);
  else if (count < 0)
    store_bug(store, "cell %" G_GINT64_FORMAT ", %s, %s, %d would count %" G_GINT64_FORMAT " units",
              key->book, key->area, key->slice, key->slot, count);
  else if (sum != 0 || count != 0)
    put_cell(store, key, exists, sum, count);
  else if (exists)
    remove_cell(store, key);
}

bool store_each_cell(struct store *store, cell_sink *sink, void *data)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(store->db, "SELECT book, area, slice, slot, total, units, checksum FROM cell"
                                           " ORDER BY book, area, slice, slot");
  while (db_step(row)) {
    struct cell_key key = {.book = db_int(row, 0),
                           .area = db_text(row, 1),
                           .slice = db_text(row, 2),
                           .slot = (int)db_int(row, 3)};
    int128 total;
    int64_t units;
    if (!read_cell(store, row, 4, &key, &total, &units) || !sink(&key, total, units, data)) return false;
  }
  return !db_error(store->db);
}

void store_cells_clear(struct store *store)
{
  db_exec(store->db, "DELETE FROM cell");
}

/* --- expected units --- */

static int64_t expected_checksum(const char *form, const char *area, const char *slice, int64_t day,
                                 int64_t units)
{
  struct digest digest;
  digest_init(&digest, 'e');
  digest_text(&digest, form);
  digest_text(&digest, area);
  digest_text(&digest, slice);
  digest_int(&digest, day);
  digest_int(&digest, units);
  return digest_value(&digest);
}

/* From columns day, units, checksum, which start at `column`. */
static bool read_expected(struct store *store, struct db_row *row, int column, const char *form,
                          const char *area, const char *slice, int64_t *ret_units)
{
  int64_t day = db_int(row, column), units = db_int(row, column + 1);
  if (expected_checksum(form, area, slice, day, units) != db_int(row, column + 2)) {
    char text[PERIOD_TEXT_SIZE];
    return store_damaged(store, "expected", "%s, %s, %s, %s", form, area, slice,
                         day == DAY_MIN ? "-" : day_format((day_number)day, text));
  }
  *ret_units = units;
  return true;
}

static void bind_expected_key(struct db_row *row, const char *form, const char *area, const char *slice,
                              day_number day)
{
  db_bind_text(row, form);
  db_bind_text(row, area);
  db_bind_text(row, slice);
  db_bind_int(row, day);
}

static bool find_expected(struct store *store, const char *form, const char *area, const char *slice,
                          day_number day, int64_t *ret_units)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(store->db, "SELECT day, units, checksum FROM expected"
                                           " WHERE form = ? AND area = ? AND slice = ? AND day = ?");
  bind_expected_key(row, form, area, slice, day);
  return db_step(row) && read_expected(store, row, 0, form, area, slice, ret_units);
}

void store_expected_add(struct store *store, const char *form, const char *area, const char *slice,
                        day_number day, int64_t units)
{
  int64_t sum = 0;
  bool exists = find_expected(store, form, area, slice, day, &sum);
  if (db_error(store->db)) return;
  if (__builtin_add_overflow(sum, units, &sum)) {
    store_bug(store, "the expected units of %s, %s, %s would overflow", form, area, slice);
    return;
  }
  if (sum == 0 && !exists) return;
  struct db_row *row;
  if (sum == 0) {
    row = db_query(store->db, "DELETE FROM expected WHERE form = ? AND area = ? AND slice = ? AND day = ?");
  } else {
    row = db_query(store->db, exists ? "UPDATE expected SET units = ?, checksum = ?"
                                       " WHERE form = ? AND area = ? AND slice = ? AND day = ?"
                                     : "INSERT INTO expected (units, checksum, form, area, slice, day)"
                                       " VALUES (?, ?, ?, ?, ?, ?)");
    db_bind_int(row, sum);
    db_bind_int(row, expected_checksum(form, area, slice, day, sum));
  }
  bind_expected_key(row, form, area, slice, day);
  db_run(row);
}

int64_t store_expected(struct store *store, const char *form, const char *area, const char *slice,
                       day_number day)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(store->db, "SELECT day, units, checksum FROM expected"
                                           " WHERE form = ? AND area = ? AND slice = ? AND day <= ?");
  bind_expected_key(row, form, area, slice, day);
  int64_t sum = 0, units;
  while (db_step(row) && read_expected(store, row, 0, form, area, slice, &units)) {
    if (__builtin_add_overflow(sum, units, &sum))
      store_bug(store, "the expected units of %s, %s, %s overflow", form, area, slice);
  }
  return db_error(store->db) ? 0 : sum;
}

bool store_each_expected(struct store *store, expected_sink *sink, void *data)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(store->db, "SELECT form, area, slice, day, units, checksum FROM expected"
                                           " ORDER BY form, area, slice, day");
  while (db_step(row)) {
    const char *form = db_text(row, 0), *area = db_text(row, 1), *slice = db_text(row, 2);
    int64_t units;
    if (!read_expected(store, row, 3, form, area, slice, &units) ||
        !sink(form, area, slice, (day_number)db_int(row, 3), units, data))
      return false;
  }
  return !db_error(store->db);
}

void store_expected_clear(struct store *store)
{
  db_exec(store->db, "DELETE FROM expected");
}

/* Cells, and the counts of units that owe a form.
 *
 * The cells of a family (book, area, slice) are one row: a group of submissions touches few families but
 * every column of each, and a row per cell took a third of the writer's time. They are JSON so that a plain
 * SQL shell shows them (view `totals`): [[-1,"0",93],[0,"44787600658763",93]], slot, total and units of each,
 * by slot. */
#include "aggregator/store/private.h"

#define CELLS_MOST (LIMIT_FORM_COLUMNS + 1) /* a column each, and SLOT_REPORTED */

struct cell {
  int slot;
  int64_t units;
  int128 total;
};

/* The cells of one family in memory. */
struct cells {
  size_t count;
  struct cell cell[CELLS_MOST];
};

static int64_t family_checksum(int64_t book, const char *area, const char *slice, const char *text)
{
  struct digest digest;
  digest_init(&digest, 'c');
  digest_int(&digest, book);
  digest_text(&digest, area);
  digest_text(&digest, slice);
  digest_text(&digest, text);
  return digest_value(&digest);
}

/* --- the text of a row --- */

static void append_int128(GString *text, int128 value)
{
  char digits[DECIMAL_TEXT_SIZE];
  g_string_append(text, decimal_format(value, 0, digits));
}

static void write_cells(const struct cells *cells, GString *ret_text)
{
  g_string_assign(ret_text, "[");
  for (size_t n = 0; n < cells->count; n++) {
    const struct cell *cell = &cells->cell[n];
    g_string_append(ret_text, n ? ",[" : "[");
    append_int128(ret_text, cell->slot);
    g_string_append(ret_text, ",\"");
    append_int128(ret_text, cell->total);
    g_string_append(ret_text, "\",");
    append_int128(ret_text, cell->units);
    g_string_append_c(ret_text, ']');
  }
  g_string_append_c(ret_text, ']');
}

static bool take(const char **text, const char *expected)
{
  size_t length = strlen(expected);
  if (strncmp(*text, expected, length) != 0) return false;
  *text += length;
  return true;
}

static bool take_int128(const char **text, int128 *ret_value)
{
  char digits[DECIMAL_TEXT_SIZE];
  size_t length = strspn(*text, "-0123456789");
  if (length >= sizeof digits) return false;
  memcpy(digits, *text, length);
  digits[length] = '\0';
  *text += length;
  return decimal_read_int128(digits, ret_value);
}

static bool take_int64(const char **text, int64_t *ret_value)
{
  int128 value;
  if (!take_int128(text, &value) || value < INT64_MIN || value > INT64_MAX) return false;
  *ret_value = (int64_t)value;
  return true;
}

/* Slots ascend. */
static bool read_cells(const char *text, struct cells *ret_cells)
{
  int64_t least = SLOT_REPORTED;
  ret_cells->count = 0;
  if (!take(&text, "[")) return false;
  while (ret_cells->count < CELLS_MOST && take(&text, ret_cells->count ? ",[" : "[")) {
    struct cell *cell = &ret_cells->cell[ret_cells->count++];
    int64_t slot;
    if (!take_int64(&text, &slot) || slot < least || slot >= LIMIT_FORM_COLUMNS || !take(&text, ",\"") ||
        !take_int128(&text, &cell->total) || !take(&text, "\",") || !take_int64(&text, &cell->units) ||
        !take(&text, "]"))
      return false;
    cell->slot = (int)slot;
    least = slot + 1;
  }
  return strcmp(text, "]") == 0;
}

/* --- rows --- */

/* From columns cells, checksum, which start at `column`. */
static bool read_family(struct store *store, struct db_row *row, int column, int64_t book, const char *area,
                        const char *slice, struct cells *ret_cells)
{
  const char *text = db_text(row, column);
  if (family_checksum(book, area, slice, text) == db_int(row, column + 1) && read_cells(text, ret_cells))
    return true;
  return store_damaged(store, "family", "%" G_GINT64_FORMAT ", %s, %s", book, area, slice);
}

static void bind_family(struct db_row *row, int64_t book, const char *area, const char *slice)
{
  db_bind_int(row, book);
  db_bind_text(row, area);
  db_bind_text(row, slice);
}

/* False if there is none. */
static bool find_family(struct store *store, int64_t book, const char *area, const char *slice,
                        struct cells *ret_cells)
{
  CLEANUP(db_end)
  struct db_row *row =
      db_query(store->db, "SELECT cells, checksum FROM family WHERE book = ? AND area = ? AND slice = ?");
  bind_family(row, book, area, slice);
  ret_cells->count = 0;
  return db_step(row) && read_family(store, row, 0, book, area, slice, ret_cells);
}

static void put_family(struct store *store, const struct cell_family *key, const struct cells *cells)
{
  g_autoptr(GString) text = g_string_sized_new(4096);
  write_cells(cells, text);
  struct db_row *row =
      db_query(store->db, "INSERT INTO family (cells, checksum, book, area, slice) VALUES (?, ?, ?, ?, ?)"
                          " ON CONFLICT DO UPDATE SET cells = excluded.cells, checksum = excluded.checksum");
  db_bind_text(row, text->str);
  db_bind_int(row, family_checksum(key->book, key->area, key->slice, text->str));
  bind_family(row, key->book, key->area, key->slice);
  db_run(row);
}

static void remove_family(struct store *store, const struct cell_family *key)
{
  struct db_row *row = db_query(store->db, "DELETE FROM family WHERE book = ? AND area = ? AND slice = ?");
  bind_family(row, key->book, key->area, key->slice);
  db_run(row);
}

/* --- for the store's users --- */

bool store_cell(struct store *store, const struct cell_key *key, int128 *ret_total, int64_t *ret_units)
{
  struct cells cells;
  *ret_total = 0;
  *ret_units = 0;
  if (!find_family(store, key->book, key->area, key->slice, &cells)) return false;
  for (size_t n = 0; n < cells.count; n++) {
    if (cells.cell[n].slot != key->slot) continue;
    *ret_total = cells.cell[n].total;
    *ret_units = cells.cell[n].units;
    return true;
  }
  return false;
}

/* Adds one change; a cell that comes to nothing is left out. */
static bool add_change(struct store *store, const struct cell_family *family,
                       const struct cell_change *change, struct cell *cell)
{
  const char *what;
  if (__builtin_add_overflow(cell->total, change->total, &cell->total) ||
      __builtin_add_overflow(cell->units, change->units, &cell->units))
    what = "would overflow";
  else if (cell->units < 0)
    what = "would count fewer units than none";
  else
    return true;
  store_bug(store, "cell %" G_GINT64_FORMAT ", %s, %s, %d %s", family->book, family->area, family->slice,
            change->slot, what);
  return false;
}

void store_cells_add(struct store *store, const struct cell_family *family)
{
  struct cells before, after = {.count = 0};
  bool exists = find_family(store, family->book, family->area, family->slice, &before);
  if (db_error(store->db)) return;
  size_t n = 0, m = 0;
  while (n < before.count || m < family->count) {
    const struct cell_change *change = m < family->count ? &family->changes[m] : NULL;
    struct cell *cell = &after.cell[after.count];
    bool is_changed = change && (n == before.count || change->slot <= before.cell[n].slot);
    bool is_there = n < before.count && (!change || before.cell[n].slot <= change->slot);
    *cell = is_there ? before.cell[n] : (struct cell){.slot = change->slot};
    if (is_changed && !add_change(store, family, change, cell)) return;
    n += is_there;
    m += is_changed;
    after.count += cell->total != 0 || cell->units != 0;
  }
  if (after.count > 0)
    put_family(store, family, &after);
  else if (exists)
    remove_family(store, family);
}

bool store_each_cell(struct store *store, cell_sink *sink, void *data)
{
  CLEANUP(db_end)
  struct db_row *row =
      db_query(store->db, "SELECT book, area, slice, cells, checksum FROM family ORDER BY book, area, slice");
  while (db_step(row)) {
    struct cell_key key = {.book = db_int(row, 0), .area = db_text(row, 1), .slice = db_text(row, 2)};
    struct cells cells;
    if (!read_family(store, row, 3, key.book, key.area, key.slice, &cells)) return false;
    for (size_t n = 0; n < cells.count; n++) {
      key.slot = cells.cell[n].slot;
      if (!sink(&key, cells.cell[n].total, cells.cell[n].units, data)) return false;
    }
  }
  return !db_error(store->db);
}

void store_cells_clear(struct store *store)
{
  db_exec(store->db, "DELETE FROM family");
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

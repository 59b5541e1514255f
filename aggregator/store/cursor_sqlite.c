/* Walks through a book: its reports as they are, or as they were after so many leaves. */
#include "aggregator/store/block.h"
#include "aggregator/store/private.h"

struct store_reports_cursor {
  struct store *store;
  int64_t book;
  struct db_row *row;
  struct block *block; /* NULL: before the first, or at the end */
  size_t next;         /* line in it */
  char last[LIMIT_CODE_BYTES + 1];
  unsigned place;
  uint64_t leaves; /* as they were after so many */
  /* Rows of the history, by unit, place and revision; NULL until they are needed. */
  struct db_row *superseded;
  bool has_superseded;       /* it stands on one that is not read yet */
  struct block_entry *entry; /* the last report's; the other one is that of the one before */
  struct block_entry entries[2], older;
};

/* From the block that covers `unit` on. */
static void cursor_begin(struct store_reports_cursor *cursor, struct store *store, int64_t book,
                         const char *unit)
{
  store_blocks_flush(store);
  memset(cursor, 0, offsetof(struct store_reports_cursor, entries));
  cursor->store = store;
  cursor->book = book;
  cursor->leaves = UINT64_MAX;
  cursor->entry = cursor->entries;
  cursor->row = db_query(store->db, "SELECT " STORE_BLOCK_COLUMNS " FROM block WHERE book = ?1 AND unit >="
                                    " (SELECT max(unit) FROM block WHERE book = ?1 AND unit <= ?2)"
                                    " ORDER BY unit");
  db_bind_int(cursor->row, book);
  db_bind_text(cursor->row, unit);
}

static void cursor_end(struct store_reports_cursor *cursor)
{
  block_free(cursor->block);
  db_end(cursor->row);
  db_end(cursor->superseded);
}

static bool next_block(struct store_reports_cursor *cursor)
{
  g_clear_pointer(&cursor->block, block_free);
  cursor->next = 0;
  if (!db_step(cursor->row)) return false;
  cursor->block = store_read_block(cursor->store, cursor->row, cursor->book, NULL);
  return cursor->block != NULL;
}

/* The next report as its line has it; false at the end or on an error. */
static bool next_entry(struct store_reports_cursor *cursor)
{
  struct block_entry *entry = cursor->entry;
  while (!cursor->block || cursor->next == block_size(cursor->block))
    if (!next_block(cursor)) return false;
  if (!store_read_entry(cursor->store, cursor->block, cursor->next++, entry)) return false;
  cursor->place = strcmp(cursor->last, entry->unit) == 0 ? cursor->place + 1 : 0;
  g_strlcpy(cursor->last, entry->unit, sizeof cursor->last);
  entry->report.place = cursor->place;
  return true;
}

/* --- what was superseded, side by side with what is there --- */

static void step_superseded(struct store_reports_cursor *cursor)
{
  cursor->has_superseded = db_step(cursor->superseded);
}

static void open_superseded(struct store_reports_cursor *cursor)
{
  cursor->superseded = db_query(
      cursor->store->db, "SELECT unit, place, report, checksum FROM revision WHERE book = ? AND unit >= ?"
                         " ORDER BY unit, place, revision");
  db_bind_int(cursor->superseded, cursor->book);
  db_bind_text(cursor->superseded, cursor->entry->unit);
  step_superseded(cursor);
}

/* Where the row stands to the report: before it, of it, or behind it. */
static int compare_superseded(const struct store_reports_cursor *cursor)
{
  int order = strcmp(db_text(cursor->superseded, 0), cursor->entry->unit);
  int64_t place = db_int(cursor->superseded, 1);
  return order ? order : (place > cursor->place) - (place < cursor->place);
}

/* Into `older`. False, and an error that names the row, if it is damaged. */
static bool read_superseded(struct store_reports_cursor *cursor)
{
  const char *unit = db_text(cursor->superseded, 0), *line = db_text(cursor->superseded, 2);
  if (store_block_checksum(cursor->book, unit, line, strlen(line)) == db_int(cursor->superseded, 3) &&
      block_read_line(line, &cursor->older))
    return true;
  return store_damaged(cursor->store, "revision", "%" G_GINT64_FORMAT ", %s, %u", cursor->book, unit,
                       cursor->place);
}

/* The newest revision of the report that was in force by then, into `entry`. False if there is none, or on an
 * error. */
static bool step_back(struct store_reports_cursor *cursor)
{
  bool found = false;
  if (!cursor->superseded) open_superseded(cursor);
  for (; cursor->has_superseded; step_superseded(cursor)) {
    int order = compare_superseded(cursor);
    if (order > 0) break;
    if (order < 0) continue;
    if (!read_superseded(cursor)) return false;
    if (cursor->older.report.since >= cursor->leaves) continue;
    block_entry_copy(&cursor->older, cursor->entry);
    found = true;
  }
  cursor->entry->report.place = cursor->place;
  return found && !db_error(cursor->store->db);
}

const struct stored_report *store_reports_next(struct store_reports_cursor *cursor)
{
  cursor->entry = &cursor->entries[cursor->entry == cursor->entries];
  do
    if (!next_entry(cursor)) return NULL;
  while (cursor->entry->report.since >= cursor->leaves && !step_back(cursor) && !db_error(cursor->store->db));
  return store_complete(cursor->store, cursor->book, cursor->entry) ? &cursor->entry->report : NULL;
}

struct store_reports_cursor *store_reports_open(struct store *store, int64_t book)
{
  return store_reports_open_at(store, book, "");
}

struct store_reports_cursor *store_reports_open_at(struct store *store, int64_t book, const char *unit)
{
  struct store_reports_cursor *cursor = g_new(struct store_reports_cursor, 1);
  cursor_begin(cursor, store, book, unit);
  if (next_block(cursor)) cursor->next = block_find(cursor->block, unit, 0);
  return cursor;
}

struct store_reports_cursor *store_reports_open_as_of(struct store *store, int64_t book, uint64_t leaves)
{
  struct store_reports_cursor *cursor = store_reports_open(store, book);
  cursor->leaves = leaves;
  return cursor;
}

void store_reports_close(struct store_reports_cursor *cursor)
{
  if (!cursor) return;
  cursor_end(cursor);
  g_free(cursor);
}

char *store_middle_unit(struct store *store, int64_t book, size_t *ret_blocks)
{
  store_blocks_flush(store);
  CLEANUP(db_end) struct db_row *row = db_query(store->db, "SELECT count(*) FROM block WHERE book = ?");
  db_bind_int(row, book);
  *ret_blocks = db_step(row) ? (size_t)db_int(row, 0) : 0;
  CLEANUP(db_end)
  struct db_row *middle =
      db_query(store->db, "SELECT unit FROM block WHERE book = ? ORDER BY unit LIMIT 1 OFFSET ?");
  db_bind_int(middle, book);
  db_bind_int(middle, (int64_t)*ret_blocks / 2);
  return db_step(middle) ? g_strdup(db_text(middle, 0)) : NULL;
}

bool store_each_report_after(struct store *store, int64_t book, const char *unit, stored_report_sink *sink,
                             void *data)
{
  struct store_reports_cursor cursor;
  const struct stored_report *report;
  bool going = true;
  cursor_begin(&cursor, store, book, unit);
  while (going && (report = store_reports_next(&cursor)))
    if (strcmp(report->unit, unit) > 0) going = sink(report, data);
  cursor_end(&cursor);
  return going && !db_error(store->db);
}

bool store_each_report(struct store *store, int64_t book, stored_report_sink *sink, void *data)
{
  return store_each_report_after(store, book, "", sink, data);
}

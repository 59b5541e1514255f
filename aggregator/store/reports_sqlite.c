/* Reports: the current ones, and the revisions that they superseded. */
#include "aggregator/store/private.h"

/* In the order of read_report(). */
#define COLUMNS                                                                                              \
  "book, unit, place, park, revision, kind, position, line, first, membership, counted, figures, checksum"

/* A superseded revision is a copy of its row, checksum and all. */
static int64_t report_checksum(const struct stored_report *report)
{
  struct digest digest;
  digest_init(&digest, 'r');
  digest_int(&digest, report->book);
  digest_text(&digest, report->unit);
  digest_int(&digest, report->place);
  digest_text(&digest, report->park);
  digest_int(&digest, report->revision);
  digest_int(&digest, report->kind);
  digest_int(&digest, (int64_t)report->position);
  digest_int(&digest, report->row);
  digest_int(&digest, (int64_t)report->first);
  digest_int(&digest, report->membership);
  digest_int(&digest, report->counted);
  digest_blob(&digest, report->figures, report->figures_length);
  return digest_value(&digest);
}

/* False, and an error that names the row, if it is damaged. Texts live until the next step. */
static bool read_report(struct store *store, struct db_row *row, struct stored_report *ret_report)
{
  struct stored_report report = {
      .book = db_int(row, 0),
      .unit = db_text(row, 1),
      .place = (unsigned)db_int(row, 2),
      .park = db_text(row, 3),
      .revision = (unsigned)db_int(row, 4),
      .kind = (enum report_kind)db_int(row, 5),
      .position = (uint64_t)db_int(row, 6),
      .row = (uint32_t)db_int(row, 7),
      .first = (uint64_t)db_int(row, 8),
      .membership = db_int(row, 9),
      .counted = db_int(row, 10) != 0,
  };
  report.figures = db_blob(row, 11, &report.figures_length);
  if (report_checksum(&report) != db_int(row, 12))
    return store_damaged(store, "report", "%" G_GINT64_FORMAT ", %s, %s", report.book, report.unit,
                         report.park);
  *ret_report = report;
  return true;
}

static void bind_key(struct db_row *row, const struct stored_report *report)
{
  db_bind_int(row, report->book);
  db_bind_lent_text(row, report->unit);
  db_bind_int(row, report->place);
}

/* --- the reports of one unit --- */

static void keep_report(struct store *store, const struct stored_report *report)
{
  struct stored_report kept = *report;
  kept.unit = g_string_chunk_insert(store->report_texts, report->unit);
  kept.park = g_string_chunk_insert(store->report_texts, report->park);
  kept.figures = (const uint8_t *)g_string_chunk_insert_len(
      store->report_texts, (const char *)report->figures, (gssize)report->figures_length);
  g_array_append_val(store->reports, kept);
}

const struct stored_report *store_reports(struct store *store, int64_t book, const char *unit,
                                          size_t *ret_count)
{
  char asked[LIMIT_CODE_BYTES + 1]; /* it may be a text of the last answer, which is cleared now */
  g_strlcpy(asked, unit, sizeof asked);
  CLEANUP(db_end)
  struct db_row *row =
      db_query(store->db, "SELECT " COLUMNS " FROM report WHERE book = ? AND unit = ? ORDER BY place");
  db_bind_int(row, book);
  db_bind_lent_text(row, asked);
  if (store->reports->len > 0) {
    g_array_set_size(store->reports, 0);
    g_string_chunk_clear(store->report_texts);
  }
  struct stored_report report;
  while (db_step(row) && read_report(store, row, &report)) keep_report(store, &report);
  *ret_count = db_error(store->db) ? 0 : store->reports->len;
  return (const struct stored_report *)(void *)store->reports->data;
}

/* --- writing --- */

#define INSERT "INSERT INTO report (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

/* All columns that a revision changes. */
static void bind_content(struct db_row *row, const struct stored_report *report)
{
  db_bind_int(row, report->revision);
  db_bind_int(row, report->kind);
  db_bind_int(row, (int64_t)report->position);
  db_bind_int(row, report->row);
  db_bind_int(row, (int64_t)report->first);
  db_bind_int(row, report->membership);
  db_bind_int(row, report->counted);
  db_bind_blob(row, report->figures_length ? report->figures : (const uint8_t *)"", report->figures_length);
  db_bind_int(row, report_checksum(report));
}

static bool insert(struct db_row *row, const struct stored_report *report)
{
  bind_key(row, report);
  db_bind_lent_text(row, report->park);
  bind_content(row, report);
  return db_run(row);
}

bool store_report_put_first(struct store *store, const struct stored_report *report)
{
  return insert(db_query(store->db, INSERT " ON CONFLICT (book, unit, place) DO NOTHING"), report) &&
         db_changes(store->db) == 1;
}

static bool keep_superseded(struct store *store, const struct stored_report *report)
{
  struct db_row *row =
      db_query(store->db, "INSERT INTO revision (" COLUMNS ") SELECT " COLUMNS " FROM report"
                          " WHERE book = ? AND unit = ? AND place = ? AND park = ? AND revision = ?");
  bind_key(row, report);
  db_bind_lent_text(row, report->park);
  db_bind_int(row, (int64_t)report->revision - 1);
  if (!db_run(row)) return false;
  if (db_changes(store->db) == 1) return true;
  store_bug(store, "revision %u of report %" G_GINT64_FORMAT ", %s, %s does not follow the current one",
            report->revision, report->book, report->unit, report->park);
  return false;
}

void store_report_put(struct store *store, const struct stored_report *report)
{
  if (report->revision == 1) {
    insert(db_query(store->db, INSERT), report);
    return;
  }
  if (!keep_superseded(store, report)) return;
  struct db_row *row = db_query(
      store->db, "UPDATE report SET (revision, kind, position, line, first, membership, counted, figures,"
                 " checksum) = (?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE book = ? AND unit = ? AND place = ?");
  bind_content(row, report);
  bind_key(row, report);
  db_run(row);
}

/* `report` as it was read; it may point into a statement that is still open. */
static void change_marks(struct store *store, struct stored_report report, int64_t membership, bool counted)
{
  report.membership = membership;
  report.counted = counted;
  struct db_row *row = db_query(store->db, "UPDATE report SET membership = ?, counted = ?, checksum = ?"
                                           " WHERE book = ? AND unit = ? AND place = ?");
  db_bind_int(row, membership);
  db_bind_int(row, counted);
  db_bind_int(row, report_checksum(&report));
  bind_key(row, &report);
  db_run(row);
}

void store_report_mark(struct store *store, int64_t book, const char *unit, const char *park,
                       int64_t membership, bool counted)
{
  CLEANUP(db_end)
  struct db_row *row =
      db_query(store->db, "SELECT " COLUMNS " FROM report WHERE book = ? AND unit = ? AND park = ?");
  db_bind_int(row, book);
  db_bind_lent_text(row, unit);
  db_bind_lent_text(row, park);
  struct stored_report report;
  if (db_step(row)) {
    if (read_report(store, row, &report) && (report.membership != membership || report.counted != counted))
      change_marks(store, report, membership, counted);
  } else if (!db_error(store->db)) {
    store_bug(store, "a mark for the report %" G_GINT64_FORMAT ", %s, %s, which is not there", book, unit,
              park);
  }
}

/* --- a whole book --- */

struct store_reports_cursor {
  struct store *store;
  struct db_row *row;
  struct stored_report report;
};

struct store_reports_cursor *store_reports_open(struct store *store, int64_t book)
{
  struct store_reports_cursor *cursor = g_new0(struct store_reports_cursor, 1);
  cursor->store = store;
  cursor->row = db_query(store->db, "SELECT " COLUMNS " FROM report WHERE book = ? ORDER BY unit, place");
  db_bind_int(cursor->row, book);
  return cursor;
}

const struct stored_report *store_reports_next(struct store_reports_cursor *cursor)
{
  if (!db_step(cursor->row) || !read_report(cursor->store, cursor->row, &cursor->report)) return NULL;
  return &cursor->report;
}

void store_reports_close(struct store_reports_cursor *cursor)
{
  if (!cursor) return;
  db_end(cursor->row);
  g_free(cursor);
}

static bool pass_reports(struct store *store, struct db_row *row, stored_report_sink *sink, void *data)
{
  struct stored_report report;
  while (db_step(row)) {
    if (!read_report(store, row, &report) || !sink(&report, data)) return false;
  }
  return !db_error(store->db);
}

bool store_each_report(struct store *store, int64_t book, stored_report_sink *sink, void *data)
{
  CLEANUP(db_end)
  struct db_row *row =
      db_query(store->db, "SELECT " COLUMNS " FROM report WHERE book = ? ORDER BY unit, place");
  db_bind_int(row, book);
  return pass_reports(store, row, sink, data);
}

bool store_each_report_after(struct store *store, int64_t book, const char *unit, stored_report_sink *sink,
                             void *data)
{
  CLEANUP(db_end)
  struct db_row *row =
      db_query(store->db, "SELECT " COLUMNS " FROM report WHERE book = ? AND unit > ? ORDER BY unit, place");
  db_bind_int(row, book);
  db_bind_text(row, unit);
  return pass_reports(store, row, sink, data);
}

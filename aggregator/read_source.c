/* Where the reader's cells, expected counts and reports come from: the store's tables, or the past. */
#include "aggregator/read_private.h"

bool reader_cell(struct reader *reader, const struct cell_key *key, int128 *ret_total, int64_t *ret_units)
{
  return reader->past ? past_cell(reader->past, key, ret_total, ret_units)
                      : store_cell(reader->store, key, ret_total, ret_units);
}

int64_t reader_expected(struct reader *reader, const char *form, const char *area, const char *slice,
                        day_number day)
{
  return reader->past ? past_expected(reader->past, form, area, slice, day)
                      : store_expected(reader->store, form, area, slice, day);
}

struct reader_reports {
  struct store_reports_cursor *present; /* one of the two */
  struct past_reports *past;
};

struct reader_reports *reader_reports_open(struct reader *reader, int64_t book)
{
  return reader_reports_open_at(reader, reader->store, book, "");
}

struct reader_reports *reader_reports_open_at(struct reader *reader, struct store *store, int64_t book,
                                              const char *unit)
{
  struct reader_reports *reports = g_new0(struct reader_reports, 1);
  if (reader->past)
    reports->past = past_reports_open(reader->past, book);
  else
    reports->present = store_reports_open_at(store, book, unit);
  return reports;
}

const struct stored_report *reader_reports_next(struct reader_reports *reports)
{
  return reports->past ? past_reports_next(reports->past) : store_reports_next(reports->present);
}

void reader_reports_close(struct reader_reports *reports)
{
  if (!reports) return;
  past_reports_close(reports->past);
  store_reports_close(reports->present);
  g_free(reports);
}

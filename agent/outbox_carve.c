/* Records out of the pages of an outbox that SQLite itself cannot read any more. What is found may be
 * anything; a seal tells what it is. The outbox's two tables of sealed bytes have rows of one shape, their
 * number (the rowid, no bytes in the row) and a blob. */
#include "agent/outbox_private.h"

#include "common/db_pages.h"

#define ROW_MOST (LIMIT_SEALED_BYTES + 32)

struct carve {
  outbox_carve_sink *sink;
  void *data;
};

static void look_at_row(const struct db_carved *row, void *data)
{
  const struct carve *carve = data;
  const struct db_carved_column *sealed = &row->column[1];
  if (row->count != 2 || row->column[0].type != DB_CARVED_NULL || sealed->type != DB_CARVED_BLOB) return;
  if (sealed->length >= SEAL_HEADER_SIZE)
    carve->sink((struct bytes_view){sealed->bytes, sealed->length}, carve->data);
}

bool outbox_carve(const char *path, outbox_carve_sink *sink, void *data, GError **error)
{
  struct carve carve = {.sink = sink, .data = data};
  return db_pages_carve(path, ROW_MOST, look_at_row, &carve, error);
}

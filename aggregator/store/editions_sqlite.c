/* Editions. */
#include "aggregator/store/editions.h"
#include "aggregator/store/private.h"

#include <inttypes.h>

static void clear_edition(void *data)
{
  struct stored_edition *edition = data;
  g_free(edition->form);
  g_free(edition->by);
  g_free(edition->reason);
}

void store_edition_add(struct store *store, const struct stored_edition *edition)
{
  char vintage[] = {edition->vintage, '\0'};
  struct db_row *row = db_query(store->db, "INSERT INTO edition (number, form, period, vintage, leaves,"
                                           " position, recorded, by, reason, published, withheld)"
                                           " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  db_bind_int(row, (int64_t)edition->number);
  db_bind_text(row, edition->form);
  db_bind_int(row, period_key(edition->period));
  db_bind_text(row, vintage);
  db_bind_int(row, (int64_t)edition->leaves);
  db_bind_int(row, (int64_t)edition->position);
  db_bind_int(row, edition->recorded_ms);
  db_bind_text(row, edition->by);
  db_bind_text(row, edition->reason);
  db_bind_int(row, (int64_t)edition->published);
  db_bind_int(row, (int64_t)edition->withheld);
  db_run(row);
}

uint64_t store_last_edition(struct store *store)
{
  CLEANUP(db_end) struct db_row *row = db_query(store->db, "SELECT max(number) FROM edition");
  return db_step(row) ? (uint64_t)db_int(row, 0) : 0;
}

#define EDITION_COLUMNS                                                                                      \
  "SELECT number, form, period, vintage, leaves, position, recorded, by, reason, published, withheld"        \
  " FROM edition "

static GArray *read_editions(struct store *store, struct db_row *row)
{
  GArray *editions = g_array_new(FALSE, FALSE, sizeof(struct stored_edition));
  g_array_set_clear_func(editions, clear_edition);
  while (db_step(row)) {
    struct stored_edition edition = {
        .number = (uint64_t)db_int(row, 0),
        .vintage = db_text(row, 3)[0],
        .leaves = (uint64_t)db_int(row, 4),
        .position = (uint64_t)db_int(row, 5),
        .recorded_ms = db_int(row, 6),
        .published = (uint64_t)db_int(row, 9),
        .withheld = (uint64_t)db_int(row, 10),
    };
    if (!period_from_key((int32_t)db_int(row, 2), &edition.period)) {
      store_damaged(store, "edition", "%" PRIu64, edition.number);
      break;
    }
    edition.form = g_strdup(db_text(row, 1));
    edition.by = g_strdup(db_text(row, 7));
    edition.reason = g_strdup(db_text(row, 8));
    g_array_append_val(editions, edition);
  }
  return editions;
}

GArray *store_edition(struct store *store, uint64_t number)
{
  CLEANUP(db_end) struct db_row *row = db_query(store->db, EDITION_COLUMNS "WHERE number = ?");
  db_bind_int(row, (int64_t)MIN(number, INT64_MAX));
  return read_editions(store, row);
}

GArray *store_editions(struct store *store, const char *form)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(store->db, EDITION_COLUMNS "WHERE ?1 IS NULL OR form = ?1 ORDER BY number");
  db_bind_text(row, form);
  return read_editions(store, row);
}

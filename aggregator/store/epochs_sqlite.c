/* Restores. */
#include "aggregator/store/epochs.h"
#include "aggregator/store/private.h"

void store_epoch_add(struct store *store, const struct stored_epoch *epoch)
{
  struct db_row *row = db_query(
      store->db, "INSERT INTO epoch (number, position, recorded, resumed, sealed) VALUES (?, ?, ?, ?, ?)");
  size_t length;
  const void *sealed = g_bytes_get_data(epoch->sealed, &length);
  db_bind_int(row, (int64_t)epoch->number);
  db_bind_int(row, (int64_t)epoch->position);
  db_bind_int(row, epoch->recorded_ms);
  db_bind_int(row, epoch->resumed);
  db_bind_blob(row, sealed, length);
  db_run(row);
}

void store_epoch_resume(struct store *store, uint64_t number)
{
  struct db_row *row = db_query(store->db, "UPDATE epoch SET resumed = 1 WHERE number = ?");
  db_bind_int(row, (int64_t)number);
  db_run(row);
}

static void clear_epoch(void *data)
{
  g_bytes_unref(((struct stored_epoch *)data)->sealed);
}

GArray *store_epochs(struct store *store)
{
  GArray *epochs = g_array_new(FALSE, FALSE, sizeof(struct stored_epoch));
  g_array_set_clear_func(epochs, clear_epoch);
  CLEANUP(db_end)
  struct db_row *row =
      db_query(store->db, "SELECT number, position, recorded, resumed, sealed FROM epoch ORDER BY number");
  while (db_step(row)) {
    size_t length;
    const uint8_t *sealed = db_blob(row, 4, &length);
    struct stored_epoch epoch = {.number = (uint64_t)db_int(row, 0),
                                 .position = (uint64_t)db_int(row, 1),
                                 .recorded_ms = db_int(row, 2),
                                 .resumed = db_int(row, 3) != 0,
                                 .sealed = g_bytes_new(sealed, length)};
    g_array_append_val(epochs, epoch);
  }
  return epochs;
}

uint64_t store_epoch_at(struct store *store, uint64_t leaves)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(store->db, "SELECT ifnull(max(number), 0) FROM epoch WHERE position < ?");
  db_bind_int(row, (int64_t)leaves);
  return db_step(row) ? (uint64_t)db_int(row, 0) : 0;
}

void store_invitations_void(struct store *store)
{
  db_run(db_query(store->db, "UPDATE invitation SET expires = 0 WHERE used_by IS NULL"));
}

void store_bar(struct store *store, const char *agent, int64_t recorded_ms)
{
  struct db_row *row = db_query(store->db, "INSERT INTO barred (agent, recorded) VALUES (?, ?)");
  db_bind_text(row, agent);
  db_bind_int(row, recorded_ms);
  db_run(row);
}

bool store_is_barred(struct store *store, const char *agent)
{
  CLEANUP(db_end) struct db_row *row = db_query(store->db, "SELECT 1 FROM barred WHERE agent = ?");
  db_bind_text(row, agent);
  return db_step(row);
}

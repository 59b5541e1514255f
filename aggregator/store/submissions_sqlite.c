/* Submissions, their receipts, and reports that wait for their base or their unit's registration. */
#include "aggregator/store/private.h"

static struct known_submission *known_slot(struct store *store, const uint8_t id[SUBMISSION_ID_SIZE])
{
  return &store->known[id[0] % KNOWN_SUBMISSIONS]; /* ids are hashes */
}

bool store_submission(struct store *store, const uint8_t id[SUBMISSION_ID_SIZE],
                      struct stored_submission *ret_submission)
{
  CLEANUP(db_end)
  struct db_row *row =
      db_query(store->db, "SELECT submission.position, sealed FROM submission"
                          " LEFT JOIN receipt ON receipt.position = submission.position WHERE id = ?");
  db_bind_blob(row, id, SUBMISSION_ID_SIZE);
  if (!db_step(row)) return false;
  size_t length;
  const uint8_t *sealed = db_blob(row, 1, &length);
  ret_submission->position = (uint64_t)db_int(row, 0);
  ret_submission->receipt = db_is_null(row, 1) ? NULL : g_bytes_new(sealed, length);
  return true;
}

GBytes *store_receipt_at(struct store *store, uint64_t position)
{
  CLEANUP(db_end) struct db_row *row = db_query(store->db, "SELECT sealed FROM receipt WHERE position = ?");
  db_bind_int(row, (int64_t)position);
  if (!db_step(row)) return NULL;
  size_t length;
  const uint8_t *sealed = db_blob(row, 0, &length);
  return g_bytes_new(sealed, length);
}

bool store_submission_position(struct store *store, const uint8_t id[SUBMISSION_ID_SIZE],
                               uint64_t *ret_position)
{
  if (db_error(store->db)) return false;
  struct known_submission *known = known_slot(store, id);
  if (known->position_plus_1 == 0 || memcmp(known->id, id, SUBMISSION_ID_SIZE) != 0) {
    CLEANUP(db_end) struct db_row *row = db_query(store->db, "SELECT position FROM submission WHERE id = ?");
    db_bind_blob(row, id, SUBMISSION_ID_SIZE);
    if (!db_step(row)) return false;
    memcpy(known->id, id, SUBMISSION_ID_SIZE);
    known->position_plus_1 = (uint64_t)db_int(row, 0) + 1;
  }
  *ret_position = known->position_plus_1 - 1;
  return true;
}

bool store_each_of_agent(struct store *store, const char *agent, uint64_t from, position_sink *sink,
                         void *data)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(
      store->db, "SELECT position FROM submission WHERE agent = ? AND position >= ? ORDER BY position");
  db_bind_text(row, agent);
  db_bind_int(row, (int64_t)MIN(from, INT64_MAX));
  while (db_step(row))
    if (!sink((uint64_t)db_int(row, 0), data)) return false;
  return true;
}

static bool read_id(struct store *store, struct db_row *row, uint8_t ret_id[SUBMISSION_ID_SIZE])
{
  if (!db_step(row)) return false;
  size_t length;
  const uint8_t *id = db_blob(row, 0, &length);
  if (length != SUBMISSION_ID_SIZE) return store_damaged(store, "submission", "%zu bytes", length);
  memcpy(ret_id, id, SUBMISSION_ID_SIZE);
  return true;
}

bool store_submission_at(struct store *store, uint64_t position, uint8_t ret_id[SUBMISSION_ID_SIZE])
{
  CLEANUP(db_end) struct db_row *row = db_query(store->db, "SELECT id FROM submission WHERE position = ?");
  db_bind_int(row, (int64_t)position);
  return read_id(store, row, ret_id);
}

bool store_submission_by_sequence(struct store *store, const char *agent, uint64_t sequence,
                                  uint8_t ret_id[SUBMISSION_ID_SIZE])
{
  CLEANUP(db_end)
  struct db_row *row = db_query(store->db, "SELECT id FROM submission WHERE agent = ? AND sequence = ?");
  db_bind_text(row, agent);
  db_bind_int(row, (int64_t)sequence);
  return read_id(store, row, ret_id);
}

void store_submission_add(struct store *store, const uint8_t id[SUBMISSION_ID_SIZE], uint64_t position,
                          const char *agent, uint64_t sequence)
{
  struct db_row *row =
      db_query(store->db, "INSERT INTO submission (id, position, agent, sequence) VALUES (?, ?, ?, ?)");
  db_bind_blob(row, id, SUBMISSION_ID_SIZE);
  db_bind_int(row, (int64_t)position);
  db_bind_text(row, agent);
  db_bind_int(row, (int64_t)sequence);
  db_run(row);
}

void store_receipt_put(struct store *store, const uint8_t id[SUBMISSION_ID_SIZE], const uint8_t *sealed,
                       size_t length)
{
  struct db_row *row = db_query(
      store->db, "INSERT INTO receipt (position, sealed) SELECT position, ? FROM submission WHERE id = ?"
                 " ON CONFLICT (position) DO UPDATE SET sealed = excluded.sealed");
  db_bind_blob(row, sealed, length);
  db_bind_blob(row, id, SUBMISSION_ID_SIZE);
  if (db_run(row) && db_changes(store->db) != 1) store_bug(store, "a receipt for an unknown submission");
}

void store_agent_activity(struct store *store, const char *agent, uint64_t *ret_count, int64_t *ret_last_ms)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(
      store->db, "SELECT submissions, leaf.recorded FROM"
                 " (SELECT count(*) AS submissions, max(position) AS last FROM submission WHERE agent = ?)"
                 " LEFT JOIN leaf ON leaf.position = last");
  db_bind_text(row, agent);
  bool found = db_step(row);
  *ret_count = found ? (uint64_t)db_int(row, 0) : 0;
  *ret_last_ms = found ? db_int(row, 1) : 0;
}

/* --- waiting --- */

void store_waiting_add(struct store *store, const uint8_t base[SUBMISSION_ID_SIZE], uint64_t position,
                       uint32_t line, const char *unit)
{
  struct db_row *row =
      db_query(store->db, "INSERT INTO waiting (base, position, line, unit) VALUES (?, ?, ?, ?)");
  db_bind_blob(row, base, SUBMISSION_ID_SIZE);
  db_bind_int(row, (int64_t)position);
  db_bind_int(row, line);
  db_bind_text(row, unit);
  db_run(row);
}

GArray *store_waiting(struct store *store, const uint8_t base[SUBMISSION_ID_SIZE], const char *unit)
{
  GArray *found = g_array_new(FALSE, FALSE, sizeof(struct waiting));
  CLEANUP(db_end)
  struct db_row *row =
      unit
          ? db_query(store->db,
                     "SELECT position, line FROM waiting WHERE base = ? AND unit = ? ORDER BY position, line")
          : db_query(store->db, "SELECT position, line FROM waiting WHERE base = ? ORDER BY position, line");
  db_bind_blob(row, base, SUBMISSION_ID_SIZE);
  if (unit) db_bind_text(row, unit);
  while (db_step(row)) {
    struct waiting waiting = {.position = (uint64_t)db_int(row, 0), .row = (uint32_t)db_int(row, 1)};
    g_array_append_val(found, waiting);
  }
  if (db_error(store->db)) g_array_set_size(found, 0);
  return found;
}

bool store_is_waiting(struct store *store, uint64_t position, const char *unit)
{
  CLEANUP(db_end)
  struct db_row *row =
      db_query(store->db, "SELECT 1 FROM waiting WHERE position = ?1 AND unit = ?2"
                          " UNION ALL SELECT 1 FROM waiting_unit WHERE position = ?1 AND unit = ?2");
  db_bind_int(row, (int64_t)position);
  db_bind_text(row, unit);
  return db_step(row);
}

void store_waiting_unit_add(struct store *store, const char *unit, const char *park, int64_t book,
                            uint64_t position, uint32_t line)
{
  struct db_row *row = db_query(
      store->db, "INSERT INTO waiting_unit (position, line, unit, park, book) VALUES (?, ?, ?, ?, ?)");
  db_bind_int(row, (int64_t)position);
  db_bind_int(row, line);
  db_bind_text(row, unit);
  db_bind_text(row, park);
  db_bind_int(row, book);
  db_run(row);
}

static void clear_waiting_unit(void *data)
{
  struct waiting_unit *waiting = data;

  g_free(waiting->unit);
  g_free(waiting->park);
  g_free(waiting->form);
}

#define WAITING_UNITS                                                                                        \
  "SELECT position, line, unit, park, form, period FROM waiting_unit JOIN book ON book.id = "                \
  "waiting_unit.book "

static GArray *read_waiting_units(struct store *store, struct db_row *row)
{
  GArray *found = g_array_new(FALSE, FALSE, sizeof(struct waiting_unit));
  g_array_set_clear_func(found, clear_waiting_unit);
  while (db_step(row)) {
    struct waiting_unit waiting = {
        .at = {.position = (uint64_t)db_int(row, 0), .row = (uint32_t)db_int(row, 1)},
    };

    if (!period_from_key((int32_t)db_int(row, 5), &waiting.period)) {
      store_damaged(store, "waiting_unit", "%s", db_text(row, 2));
      break;
    }
    waiting.unit = g_strdup(db_text(row, 2));
    waiting.park = g_strdup(db_text(row, 3));
    waiting.form = g_strdup(db_text(row, 4));
    g_array_append_val(found, waiting);
  }
  if (db_error(store->db)) g_array_set_size(found, 0);
  return found;
}

GArray *store_waiting_units(struct store *store, struct waiting behind, size_t most)
{
  CLEANUP(db_end)
  struct db_row *row =
      db_query(store->db, WAITING_UNITS "WHERE (position, line) > (?, ?) ORDER BY position, line LIMIT ?");
  db_bind_int(row, (int64_t)behind.position);
  db_bind_int(row, behind.row);
  db_bind_int(row, (int64_t)MIN(most, INT64_MAX));
  return read_waiting_units(store, row);
}

GArray *store_waiting_of_unit(struct store *store, const char *unit, const char *park)
{
  CLEANUP(db_end)
  struct db_row *row =
      db_query(store->db, WAITING_UNITS "WHERE unit = ? AND park = ? ORDER BY position, line");
  db_bind_text(row, unit);
  db_bind_text(row, park);
  return read_waiting_units(store, row);
}

void store_decided_put(struct store *store, struct waiting at, enum verdict verdict)
{
  struct db_row *row =
      db_query(store->db, "INSERT OR REPLACE INTO decided (position, line, verdict) VALUES (?, ?, ?)");
  db_bind_int(row, (int64_t)at.position);
  db_bind_int(row, at.row);
  db_bind_int(row, verdict);
  db_run(row);
}

GArray *store_decided(struct store *store, const uint64_t *position)
{
  GArray *found = g_array_new(FALSE, FALSE, sizeof(struct decided));
  CLEANUP(db_end)
  struct db_row *row = db_query(store->db, "SELECT position, line, verdict FROM decided"
                                           " WHERE position BETWEEN ? AND ? ORDER BY position, line");
  db_bind_int(row, position ? (int64_t)*position : 0);
  db_bind_int(row, position ? (int64_t)*position : INT64_MAX);
  while (db_step(row)) {
    struct decided decided = {{(uint64_t)db_int(row, 0), (uint32_t)db_int(row, 1)},
                              (enum verdict)db_int(row, 2)};
    g_array_append_val(found, decided);
  }
  return found;
}

static void remove_waiting(struct db_row *row, uint64_t position, uint32_t line)
{
  db_bind_int(row, (int64_t)position);
  db_bind_int(row, line);
  db_run(row);
}

void store_waiting_remove(struct store *store, uint64_t position, uint32_t line)
{
  remove_waiting(db_query(store->db, "DELETE FROM waiting WHERE position = ? AND line = ?"), position, line);
  remove_waiting(db_query(store->db, "DELETE FROM waiting_unit WHERE position = ? AND line = ?"), position,
                 line);
}

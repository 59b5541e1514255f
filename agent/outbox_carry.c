/* What leaves the outbox in a file, and what comes back in one. */
#include "agent/outbox_private.h"

#include <string.h>

static struct bytes_view blob_of(struct db_row *row, int column)
{
  struct bytes_view view;
  view.data = db_blob(row, column, &view.length);
  return view;
}

/* The row: sequence, id, form, period, sealed, receipt, fault, text. */
static bool give(struct outbox *outbox, struct db_row *row, outbox_carry_sink *sink, void *data)
{
  char period_text[PERIOD_TEXT_SIZE] = "";
  struct period period;
  struct bytes_view id = blob_of(row, 1), payload;
  struct outbox_carried carried = {.sequence = (uint64_t)db_int(row, 0),
                                   .form = db_text(row, 2),
                                   .period = period_text,
                                   .sealed = blob_of(row, 4),
                                   .receipt = blob_of(row, 5),
                                   .fault = db_text(row, 6),
                                   .text = db_text(row, 7)};
  if (period_from_key((int32_t)db_int(row, 3), &period)) period_format(period, period_text);
  if (id.length == sizeof carried.id) memcpy(carried.id, id.data, sizeof carried.id);
  if (!outbox_check_content(outbox, carried.sequence, id.data, id.length, carried.sealed.data,
                            carried.sealed.length, &payload, NULL))
    carried.sealed = (struct bytes_view){0};
  return sink(&carried, data);
}

bool outbox_each_carried(struct outbox *outbox, bool all, outbox_carry_sink *sink, void *data, GError **error)
{
  {
    CLEANUP(db_end)
    struct db_row *row = db_query(
        outbox->db, "SELECT s.sequence, s.id, s.form, s.period, c.sealed, r.sealed, s.fault, s.fault_text"
                    " FROM submission s JOIN batch b USING(batch) LEFT JOIN content c USING(sequence)"
                    " LEFT JOIN receipt r USING(sequence)"
                    " WHERE b.sendable AND (?1 OR s.state = 0) ORDER BY s.sequence");
    db_bind_int(row, all);
    while (db_step(row) && give(outbox, row, sink, data)) continue;
  }
  return db_take_error(outbox->db, error);
}

bool outbox_holds(struct outbox *outbox, const uint8_t id[SUBMISSION_ID_SIZE], bool *ret_answered,
                  uint32_t *ret_refusals_kept)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(outbox->db, "SELECT state, refusals_kept FROM submission JOIN batch"
                                            " USING(batch) WHERE id = ? AND sendable");
  db_bind_blob(row, id, SUBMISSION_ID_SIZE);
  if (!db_step(row)) return false;
  *ret_answered = db_int(row, 0) != STATE_UNANSWERED;
  *ret_refusals_kept = (uint32_t)db_int(row, 1);
  return true;
}

/* --- taking back --- */

/* The number under which the id is held; 0: it is not. */
static int64_t number_of(struct outbox *outbox, const uint8_t *id)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(outbox->db, "SELECT sequence FROM submission WHERE id = ?");
  db_bind_blob(row, id, SUBMISSION_ID_SIZE);
  return db_step(row) ? db_int(row, 0) : 0;
}

static bool is_number_used(struct outbox *outbox, uint64_t sequence)
{
  CLEANUP(db_end) struct db_row *row = db_query(outbox->db, "SELECT 1 FROM submission WHERE sequence = ?");
  db_bind_int(row, (int64_t)sequence);
  return db_step(row);
}

static bool put_content(struct outbox *outbox, const struct outbox_lost *lost)
{
  struct db_row *row =
      db_query(outbox->db, "INSERT INTO content(sequence, sealed) VALUES(?, ?) ON CONFLICT(sequence) DO"
                           " UPDATE SET sealed = excluded.sealed WHERE sealed <> excluded.sealed");
  db_bind_int(row, (int64_t)lost->sequence);
  db_bind_blob(row, lost->sealed.data, lost->sealed.length);
  db_run(row);
  return db_changes(outbox->db) > 0;
}

/* What it is stands in its content alone where only a receipt was left; and what was set aside since it was
 * damaged can be sent after all. */
static void mend_row(struct outbox *outbox, const struct outbox_lost *lost)
{
  struct db_row *row =
      db_query(outbox->db, "UPDATE submission SET form = ?, period = ?, first_unit = ?, last_unit = ?,"
                           " reports = ? WHERE sequence = ? AND form = ?");
  db_bind_text(row, lost->form);
  db_bind_int(row, period_key(lost->period));
  db_bind_text(row, lost->first_unit);
  db_bind_text(row, lost->last_unit);
  db_bind_int(row, (int64_t)lost->reports);
  db_bind_int(row, (int64_t)lost->sequence);
  db_bind_text(row, OUTBOX_FORM_LOST);
  db_run(row);
  row = db_query(outbox->db, "UPDATE submission SET state = ?, fault = NULL, fault_text = NULL, told = 1"
                             " WHERE sequence = ? AND state = ? AND fault = ?");
  db_bind_int(row, STATE_UNANSWERED);
  db_bind_int(row, (int64_t)lost->sequence);
  db_bind_int(row, STATE_REFUSED_WHOLE);
  db_bind_text(row, OUTBOX_DAMAGED);
  db_run(row);
}

static int64_t insert_batch(struct outbox *outbox, const char *file, int64_t now_ms)
{
  struct db_row *row = db_query(outbox->db, "INSERT INTO batch(file, made_at_ms, sendable) VALUES(?, ?, 1)");
  db_bind_text(row, file);
  db_bind_int(row, now_ms);
  db_run(row);
  return db_last_rowid(outbox->db);
}

static void insert(struct outbox *outbox, const struct outbox_lost *lost, int64_t batch)
{
  struct db_row *row =
      db_query(outbox->db, "INSERT INTO submission(sequence, id, batch, form, period,"
                           " first_unit, last_unit, reports) VALUES(?, ?, ?, ?, ?, ?, ?, ?)");
  db_bind_int(row, (int64_t)lost->sequence);
  db_bind_blob(row, lost->id, SUBMISSION_ID_SIZE);
  db_bind_int(row, batch);
  db_bind_text(row, lost->form);
  db_bind_int(row, period_key(lost->period));
  db_bind_text(row, lost->first_unit);
  db_bind_text(row, lost->last_unit);
  db_bind_int(row, (int64_t)lost->reports);
  db_run(row);
  put_content(outbox, lost);
  row = db_query(outbox->db, "UPDATE meta SET value = MAX(value, ?) WHERE key = 'sequence'");
  db_bind_int(row, (int64_t)lost->sequence);
  db_run(row);
}

enum outbox_restored outbox_restore(struct outbox *outbox, const struct outbox_lost *lost, const char *file,
                                    int64_t now_ms, int64_t *batch)
{
  enum outbox_restored result = OUTBOX_HELD;
  outbox_answer_begin(outbox);
  int64_t number = number_of(outbox, lost->id);
  if (number == (int64_t)lost->sequence) {
    if (put_content(outbox, lost)) {
      mend_row(outbox, lost);
      result = OUTBOX_RESTORED;
    }
  } else if (number != 0 || is_number_used(outbox, lost->sequence)) {
    result = OUTBOX_CLASHES;
  } else {
    if (*batch == 0) *batch = insert_batch(outbox, file, now_ms);
    insert(outbox, lost, *batch);
    result = OUTBOX_RESTORED;
  }
  return result;
}

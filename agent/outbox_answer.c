/* Sending, and what came back. */
#include "agent/outbox_private.h"

#include "common/limits.h"
#include "common/text.h"

#include <string.h>

/* What was sealed, from the disk; NULL if it is not that any more, or the disk failed. */
static GBytes *read_content(struct outbox *outbox, uint64_t sequence, const uint8_t *id, size_t id_length)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(outbox->db, "SELECT sealed FROM content WHERE sequence = ?");
  db_bind_int(row, (int64_t)sequence);
  db_step(row);
  size_t length;
  const uint8_t *sealed = db_blob(row, 0, &length);
  struct bytes_view payload;
  if (!outbox_check_content(outbox, sequence, id, id_length, sealed, length, &payload, NULL)) return NULL;
  return g_bytes_new(sealed, length);
}

/* Adds the next ones to `items`, and those that are damaged to `damaged` (uint64_t); `*sequence` is the last
 * of either. */
static void read_pending(struct outbox *outbox, uint64_t *sequence, size_t most, GPtrArray *items,
                         GArray *damaged)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(
      outbox->db, "SELECT s.sequence, s.id FROM submission s JOIN batch b USING(batch)"
                  " WHERE s.state = 0 AND s.sequence > ? AND b.sendable ORDER BY s.sequence LIMIT ?");
  db_bind_int(row, (int64_t)*sequence);
  db_bind_int(row, (int64_t)most);
  while (db_step(row)) {
    size_t id_length;
    const uint8_t *id = db_blob(row, 1, &id_length);
    uint64_t number = *sequence = (uint64_t)db_int(row, 0);
    GBytes *sealed = outbox_take_kept(outbox, number, id, id_length);
    if (!sealed) sealed = read_content(outbox, number, id, id_length);
    if (!sealed) {
      g_array_append_val(damaged, number);
      continue;
    }
    struct outbox_item *item = g_new0(struct outbox_item, 1);
    item->sequence = number;
    memcpy(item->id, id, SUBMISSION_ID_SIZE);
    item->sealed = sealed;
    g_ptr_array_add(items, item);
  }
}

/* One that cannot be sent must not hold up the others; its file has to be sent again. */
static bool set_damaged_aside(struct outbox *outbox, const GArray *damaged, GError **error)
{
  db_begin(outbox->db);
  for (guint i = 0; i < damaged->len; i++) {
    struct db_row *row = db_query(outbox->db, "UPDATE submission SET state = ?, fault = ?, fault_text = '',"
                                              " told = 0 WHERE sequence = ? AND state = ?");
    db_bind_int(row, STATE_REFUSED_WHOLE);
    db_bind_text(row, OUTBOX_DAMAGED);
    db_bind_int(row, (int64_t)g_array_index(damaged, uint64_t, i));
    db_bind_int(row, STATE_UNANSWERED);
    db_run(row);
  }
  return db_commit(outbox->db, error);
}

GPtrArray *outbox_pending(struct outbox *outbox, uint64_t sequence, size_t most, GError **error)
{
  g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func((GDestroyNotify)outbox_item_free);
  for (;;) {
    g_autoptr(GArray) damaged = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    read_pending(outbox, &sequence, most - items->len, items, damaged);
    if (!db_take_error(outbox->db, error)) return NULL;
    if (damaged->len == 0) return g_steal_pointer(&items);
    if (!set_damaged_aside(outbox, damaged, error)) return NULL;
  }
}

void outbox_item_free(struct outbox_item *item)
{
  if (!item) return;
  g_bytes_unref(item->sealed);
  g_free(item);
}

/* --- what came back --- */

void outbox_answers_begin(struct outbox *outbox)
{
  outbox->answers_together = true;
}

void outbox_answer_begin(struct outbox *outbox)
{
  if (!outbox->answers_begun) db_begin(outbox->db);
  outbox->answers_begun = true;
}

/* An error in what goes together is kept, and stops all of it at the end. */
bool outbox_answer_end(struct outbox *outbox, GError **error)
{
  if (outbox->answers_together || !outbox->answers_begun) return true;
  outbox->answers_begun = false;
  return db_commit(outbox->db, error);
}

bool outbox_answers_end(struct outbox *outbox, GError **error)
{
  outbox->answers_together = false;
  return outbox_answer_end(outbox, error);
}

/* What a submission of ours is, in the transaction that notes its answer. */
struct answered {
  int64_t sequence;
  enum outbox_state state;
  char form[LIMIT_CODE_BYTES + 1];
  int64_t period;
  bool placed; /* answers are told beside the file */
};

static bool find_answered(struct outbox *outbox, const uint8_t *id, struct answered *ret_answered)
{
  CLEANUP(db_end)
  struct db_row *row =
      db_query(outbox->db, "SELECT sequence, state, form, period, place IS NOT NULL"
                           " FROM submission JOIN batch USING(batch) WHERE id = ? AND sendable");
  db_bind_blob(row, id, SUBMISSION_ID_SIZE);
  if (!db_step(row)) return false;
  ret_answered->sequence = db_int(row, 0);
  ret_answered->state = (enum outbox_state)db_int(row, 1);
  g_strlcpy(ret_answered->form, db_text(row, 2), sizeof ret_answered->form);
  ret_answered->period = db_int(row, 3);
  ret_answered->placed = db_int(row, 4) != 0;
  return true;
}

/* The next push of the unit corrects what a stale report was told of. Receipts may come in any order. */
static void keep_rebase(struct outbox *outbox, const struct answered *answered, const struct refusal *refusal)
{
  uint8_t base[SUBMISSION_ID_SIZE];
  bool held = text_unhex(refusal->expected, sizeof base, base);
  struct db_row *row =
      db_query(outbox->db, "INSERT INTO rebase(form, period, unit, base, sequence) VALUES(?, ?, ?, ?, ?)"
                           " ON CONFLICT(form, period, unit) DO UPDATE SET base = excluded.base, sequence ="
                           " excluded.sequence WHERE excluded.sequence > rebase.sequence");
  db_bind_text(row, answered->form);
  db_bind_int(row, answered->period);
  db_bind_text(row, refusal->unit);
  db_bind_blob(row, held ? base : NULL, held ? sizeof base : 0);
  db_bind_int(row, answered->sequence);
  db_run(row);
}

/* One that waits may be counted yet: its file does not go to refused/ for that. */
static bool is_to_be_told(const struct answered *answered, enum verdict verdict)
{
  return verdict == VERDICT_IS_STALE || verdict == VERDICT_IS_REFUSED ||
         ((verdict == VERDICT_IS_WAITING || verdict == VERDICT_IS_WAITING_UNIT) && !answered->placed);
}

/* What was said stands, but of what waited: it may have been decided. */
static void keep_refusals(struct outbox *outbox, const struct answered *answered,
                          const struct refusal *refusals, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    const struct refusal *refusal = &refusals[i];
    struct db_row *row =
        db_query(outbox->db,
                 "INSERT INTO verdict(sequence, row, unit, verdict, rule, indicator, found, expected, told)"
                 " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(sequence, row) DO UPDATE SET"
                 " verdict = excluded.verdict, rule = excluded.rule, indicator = excluded.indicator,"
                 " found = excluded.found, expected = excluded.expected, told = excluded.told"
                 " WHERE verdict.verdict IN (4, 6) AND verdict.verdict <> excluded.verdict");
    db_bind_int(row, answered->sequence);
    db_bind_int(row, refusal->row);
    db_bind_text(row, refusal->unit);
    db_bind_int(row, refusal->verdict);
    db_bind_text(row, refusal->rule);
    db_bind_text(row, refusal->indicator);
    db_bind_text(row, refusal->found);
    db_bind_text(row, refusal->expected);
    db_bind_int(row, !is_to_be_told(answered, refusal->verdict));
    db_run(row);
    if (refusal->verdict == VERDICT_IS_STALE) keep_rebase(outbox, answered, refusal);
  }
}

static void keep_receipt(struct outbox *outbox, const struct answered *answered, const uint8_t *sealed,
                         size_t length, const struct receipt *receipt)
{
  struct db_row *row =
      db_query(outbox->db,
               "UPDATE submission SET state = ?, counted = ?, unchanged = ?, stale = ?, waiting = ?,"
               " refused = ?, refusals = ?, refusals_kept = ?, recorded_at_ms = ?, position = ?, epoch = ?,"
               " fault = NULL, fault_text = NULL, told = 1 WHERE sequence = ?");
  db_bind_int(row, STATE_ANSWERED);
  db_bind_int(row, receipt->counted);
  db_bind_int(row, receipt->unchanged);
  db_bind_int(row, receipt->stale);
  db_bind_int(row, receipt->waiting);
  db_bind_int(row, receipt->refused);
  db_bind_int(row, receipt->refusals_total);
  db_bind_int(row, (int64_t)receipt->refusal_count);
  db_bind_int(row, receipt->recorded_at_ms);
  db_bind_int(row, (int64_t)receipt->position);
  db_bind_int(row, (int64_t)receipt->tree_epoch);
  db_bind_int(row, answered->sequence);
  db_run(row);
  row = db_query(outbox->db, "INSERT INTO receipt(sequence, sealed) VALUES(?, ?)");
  db_bind_int(row, answered->sequence);
  db_bind_blob(row, sealed, length);
  db_run(row);
  keep_refusals(outbox, answered, receipt->refusals, receipt->refusal_count);
  struct outbox_head head = {.epoch = receipt->tree_epoch, .size = receipt->tree_size};
  memcpy(head.root, receipt->tree_root.data, sizeof head.root);
  outbox_keep_head(outbox, &head, (struct bytes_view){NULL, 0});
}

/* The city was restored since, and has it no more. */
static bool is_lost(struct outbox *outbox, const struct receipt *receipt)
{
  CLEANUP(db_end) struct db_row *row = db_query(outbox->db, "SELECT 1 WHERE " OUTBOX_LOST("?1", "<= ?2"));
  db_bind_int(row, (int64_t)receipt->tree_epoch);
  db_bind_int(row, (int64_t)receipt->position);
  return db_step(row);
}

bool outbox_receipt(struct outbox *outbox, const uint8_t *sealed, size_t length,
                    const struct receipt *receipt, GError **error)
{
  struct answered answered = {0};
  outbox_answer_begin(outbox);
  bool found = find_answered(outbox, receipt->submission.data, &answered);
  /* A signed receipt stands over a fault, which is not signed. */
  if (found && answered.state != STATE_ANSWERED && !is_lost(outbox, receipt))
    keep_receipt(outbox, &answered, sealed, length, receipt);
  return outbox_answer_end(outbox, error);
}

/* The row: id and offset. False if there is none. */
static bool take_missing(struct db_row *row, uint8_t ret_id[SUBMISSION_ID_SIZE], uint32_t *ret_offset)
{
  size_t length;
  if (!db_step(row)) return false;
  const uint8_t *id = db_blob(row, 0, &length);
  if (length != SUBMISSION_ID_SIZE) return false;
  memcpy(ret_id, id, SUBMISSION_ID_SIZE);
  *ret_offset = (uint32_t)db_int(row, 1);
  return true;
}

bool outbox_missing_refusals(struct outbox *outbox, uint8_t ret_id[SUBMISSION_ID_SIZE], uint32_t *ret_offset,
                             GError **error)
{
  static const char *const QUERIES[] = {
      "SELECT id, refusals_kept FROM submission WHERE refusals > refusals_kept ORDER BY sequence LIMIT 1",
      "SELECT id, again - 1 FROM submission WHERE again > 0 ORDER BY sequence LIMIT 1"};
  for (size_t i = 0; i < G_N_ELEMENTS(QUERIES); i++) {
    CLEANUP(db_end) struct db_row *row = db_query(outbox->db, QUERIES[i]);
    if (take_missing(row, ret_id, ret_offset)) return true;
  }
  db_take_error(outbox->db, error);
  return false;
}

/* After a page: where the next one begins, if there is one. */
static void note_page(struct outbox *outbox, const struct answered *answered, size_t count)
{
  struct db_row *row = db_query(
      outbox->db,
      "UPDATE submission SET"
      " again = CASE WHEN refusals > refusals_kept THEN again WHEN ?1 = 0 OR again + ?1 > refusals THEN 0"
      " ELSE again + ?1 END,"
      " refusals_kept = CASE WHEN refusals <= refusals_kept THEN refusals_kept WHEN ?1 = 0 THEN refusals"
      " ELSE refusals_kept + ?1 END WHERE sequence = ?2");
  db_bind_int(row, (int64_t)count);
  db_bind_int(row, answered->sequence);
  db_run(row);
}

/* Once all is kept that is said of single reports, the receipt's counts follow from it. */
static void count_verdicts(struct outbox *outbox, const struct answered *answered)
{
  struct db_row *row =
      db_query(outbox->db,
               "UPDATE submission SET"
               " unchanged = (SELECT count(*) FROM verdict v WHERE v.sequence = ?1 AND verdict = 2),"
               " stale = (SELECT count(*) FROM verdict v WHERE v.sequence = ?1 AND verdict = 3),"
               " refused = (SELECT count(*) FROM verdict v WHERE v.sequence = ?1 AND verdict = 5),"
               " waiting = (SELECT count(*) FROM verdict v WHERE v.sequence = ?1 AND verdict IN (4, 6)),"
               " counted = reports - (SELECT count(*) FROM verdict v WHERE v.sequence = ?1 AND verdict <> 1)"
               " WHERE sequence = ?1 AND form <> '' AND refusals ="
               " (SELECT count(*) FROM verdict v WHERE v.sequence = ?1)");
  db_bind_int(row, answered->sequence);
  db_run(row);
}

bool outbox_refusals(struct outbox *outbox, const uint8_t id[SUBMISSION_ID_SIZE],
                     const struct refusal *refusals, size_t count, GError **error)
{
  struct answered answered = {0};
  outbox_answer_begin(outbox);
  if (find_answered(outbox, id, &answered) && answered.state == STATE_ANSWERED) {
    keep_refusals(outbox, &answered, refusals, count);
    note_page(outbox, &answered, count);
    if (count > 0) count_verdicts(outbox, &answered);
  }
  return outbox_answer_end(outbox, error);
}

/* The aggregator knows sequence numbers that we do not, as after restoring an old outbox: goes on far above
 * them. */
static void skip_sequences(struct outbox *outbox)
{
  db_run(db_query(outbox->db, "UPDATE meta SET value = value + 1000000 WHERE key = 'sequence'"));
}

bool outbox_fault(struct outbox *outbox, const uint8_t id[SUBMISSION_ID_SIZE], const char *code,
                  const char *text, GError **error)
{
  struct answered answered = {0};
  outbox_answer_begin(outbox);
  if (find_answered(outbox, id, &answered) && answered.state == STATE_UNANSWERED) {
    struct db_row *row =
        db_query(outbox->db, "UPDATE submission SET state = ?, fault = ?, fault_text = ?, told = 0"
                             " WHERE sequence = ?");
    db_bind_int(row, STATE_REFUSED_WHOLE);
    db_bind_text(row, code);
    db_bind_text(row, text);
    db_bind_int(row, answered.sequence);
    db_run(row);
    if (finding_from_id(code) == FINDING_SEQUENCE_REUSED) skip_sequences(outbox);
  }
  return outbox_answer_end(outbox, error);
}

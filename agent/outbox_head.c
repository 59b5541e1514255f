/* Heads of the city's ledger: what it signed, and how that hangs together. */
#include "agent/outbox_private.h"

#include "common/error.h"
#include "common/merkle.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

static bool take_root(struct db_row *row, int column, uint8_t ret_root[static MERKLE_HASH_SIZE])
{
  size_t length;
  const uint8_t *root = db_blob(row, column, &length);
  if (length != MERKLE_HASH_SIZE) return false;
  memcpy(ret_root, root, MERKLE_HASH_SIZE);
  return true;
}

static struct bytes_view view(struct db_row *row, int column)
{
  struct bytes_view bytes;
  bytes.data = db_blob(row, column, &bytes.length);
  return bytes;
}

bool outbox_head_root(struct outbox *outbox, uint64_t epoch, uint64_t size,
                      uint8_t ret_root[static MERKLE_HASH_SIZE])
{
  CLEANUP(db_end)
  struct db_row *row = db_query(outbox->db, "SELECT root FROM head WHERE epoch = ? AND size = ?");
  db_bind_int(row, (int64_t)epoch);
  db_bind_int(row, (int64_t)size);
  return db_step(row) && take_root(row, 0, ret_root);
}

size_t outbox_open_heads(struct outbox *outbox, struct outbox_head *ret_heads, size_t most)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(
      outbox->db,
      "SELECT epoch, size, root FROM head h WHERE continued IS NULL AND NOT lost"
      " ORDER BY NOT EXISTS (SELECT 1 FROM head l WHERE NOT l.lost AND (l.epoch, l.size) > (h.epoch, h.size))"
      " DESC, epoch, size LIMIT ?");
  size_t count = 0;
  db_bind_int(row, (int64_t)most);
  while (db_step(row)) {
    ret_heads[count].epoch = (uint64_t)db_int(row, 0);
    ret_heads[count].size = (uint64_t)db_int(row, 1);
    count += take_root(row, 2, ret_heads[count].root);
  }
  return count;
}

void outbox_keep_head(struct outbox *outbox, const struct outbox_head *head, struct bytes_view sealed)
{
  struct db_row *row = db_query(outbox->db, "INSERT INTO head(epoch, size, root, sealed) VALUES(?, ?, ?, ?)"
                                            " ON CONFLICT(epoch, size) DO UPDATE SET sealed ="
                                            " coalesce(head.sealed, excluded.sealed)");
  db_bind_int(row, (int64_t)head->epoch);
  db_bind_int(row, (int64_t)head->size);
  db_bind_blob(row, head->root, sizeof head->root);
  db_bind_blob(row, sealed.length > 0 ? sealed.data : NULL, sealed.length);
  db_run(row);
}

static void keep_continuation(struct outbox *outbox, const struct outbox_continuation *continuation,
                              const struct signed_head *by)
{
  const struct hashes_view *path = &continuation->path;
  struct db_row *row =
      db_query(outbox->db, "UPDATE head SET continued = ?1, continued_epoch = ?2, path = ?3 WHERE"
                           " epoch = ?4 AND size = ?5 AND (epoch, size) < (?2, ?1)"
                           " AND continued IS NULL");
  db_bind_int(row, (int64_t)by->size);
  db_bind_int(row, (int64_t)by->epoch);
  db_bind_blob(row, path->count > 0 ? path->hash[0] : (const uint8_t *)"", path->count * MERKLE_HASH_SIZE);
  db_bind_int(row, (int64_t)continuation->from.epoch);
  db_bind_int(row, (int64_t)continuation->from.size);
  db_run(row);
}

bool outbox_head(struct outbox *outbox, const struct signed_head *head, struct bytes_view sealed,
                 const struct outbox_continuation *continued, size_t count, int64_t now_ms, GError **error)
{
  struct outbox_head kept = {.epoch = head->epoch, .size = head->size};
  memcpy(kept.root, head->root.data, sizeof kept.root);
  outbox_answer_begin(outbox);
  if (head->size > 0) outbox_keep_head(outbox, &kept, sealed);
  for (size_t n = 0; n < count; n++) keep_continuation(outbox, &continued[n], head);
  struct db_row *row = db_query(outbox->db, "UPDATE fork SET over_at_ms = ? WHERE over_at_ms = 0");
  db_bind_int(row, now_ms);
  db_run(row);
  return outbox_answer_end(outbox, error);
}

/* --- restores --- */

void outbox_add_epoch(struct outbox *outbox, const struct epoch *epoch, struct bytes_view sealed)
{
  outbox_answer_begin(outbox);
  struct db_row *row =
      db_query(outbox->db, "INSERT OR REPLACE INTO epoch(number, size, restored_at_ms, root, sealed, before,"
                           " sent_again) VALUES(?, ?, ?, ?, ?, ?, 0)");
  db_bind_int(row, (int64_t)epoch->number);
  db_bind_int(row, (int64_t)epoch->size);
  db_bind_int(row, epoch->restored_at_ms);
  db_bind_blob(row, epoch->root.data, epoch->root.length);
  db_bind_blob(row, sealed.data, sealed.length);
  db_bind_int(row, (int64_t)epoch->before);
  db_run(row);
}

void outbox_leave_epoch(struct outbox *outbox, uint64_t number, bool left)
{
  outbox_answer_begin(outbox);
  struct db_row *row = db_query(outbox->db, "UPDATE epoch SET left = ? WHERE number = ?");
  db_bind_int(row, left);
  db_bind_int(row, (int64_t)number);
  db_run(row);
}

static void mark_heads(struct outbox *outbox)
{
  db_run(db_query(outbox->db, "UPDATE head SET lost = " OUTBOX_LOST("head.epoch", "< head.size")));
  /* One that was continued by a lost one alone is open again. */
  db_run(db_query(outbox->db,
                  "UPDATE head SET continued = NULL, continued_epoch = NULL, path = NULL WHERE NOT lost"
                  " AND EXISTS (SELECT 1 FROM head l WHERE l.lost AND l.epoch = head.continued_epoch"
                  " AND l.size = head.continued)"));
}

#define LOST "SELECT sequence FROM submission s WHERE state = 1 AND " OUTBOX_LOST("s.epoch", "<= s.position")

bool outbox_restored(struct outbox *outbox, uint64_t from, GError **error)
{
  static const char *const STATEMENTS[] = {
      "UPDATE epoch SET sent_again = sent_again + (SELECT count(*) FROM (" LOST "))"
      " WHERE number = (SELECT max(number) FROM epoch)",
      "INSERT OR IGNORE INTO lost_receipt(epoch, sequence, sealed)"
      " SELECT (SELECT max(number) FROM epoch), sequence, sealed FROM receipt WHERE sequence IN (" LOST ")",
      "DELETE FROM receipt WHERE sequence IN (" LOST ")", "DELETE FROM verdict WHERE sequence IN (" LOST ")",
      "DELETE FROM rebase WHERE sequence IN (" LOST ")",
      "UPDATE submission SET state = 0, counted = 0, unchanged = 0, stale = 0, waiting = 0, refused = 0,"
      " refusals = 0, refusals_kept = 0, again = 0, recorded_at_ms = 0, position = 0, told = 1"
      " WHERE sequence IN (" LOST ")",
      /* What was acknowledged once, and refused whole by a ledger that may have gone since. */
      ("UPDATE submission SET state = 0, fault = NULL, fault_text = NULL, told = 1 WHERE state = 2"
       " AND sequence IN (SELECT sequence FROM lost_receipt)"),
      "UPDATE meta SET value = 0 WHERE key = 'state'"}; /* numbers begin anew */
  outbox_answer_begin(outbox);
  struct db_row *row = db_query(outbox->db, "UPDATE meta SET value = ? WHERE key = 'epochs_from'");
  db_bind_int(row, (int64_t)from);
  db_run(row);
  mark_heads(outbox);
  for (size_t i = 0; i < G_N_ELEMENTS(STATEMENTS); i++) db_run(db_query(outbox->db, STATEMENTS[i]));
  return outbox_answer_end(outbox, error);
}

bool outbox_each_epoch(struct outbox *outbox, outbox_restore_sink *sink, void *data, GError **error)
{
  {
    CLEANUP(db_end)
    struct db_row *row = db_query(
        outbox->db, "SELECT number, size, restored_at_ms, sent_again, root, sealed, left, before FROM epoch"
                    " ORDER BY number");
    while (db_step(row)) {
      struct outbox_restore restore = {.number = (uint64_t)db_int(row, 0),
                                       .size = (uint64_t)db_int(row, 1),
                                       .restored_at_ms = db_int(row, 2),
                                       .sent_again = (uint64_t)db_int(row, 3),
                                       .root = view(row, 4),
                                       .sealed = view(row, 5),
                                       .left = db_int(row, 6) != 0,
                                       .before = (uint64_t)db_int(row, 7)};
      sink(&restore, data);
    }
  }
  return db_take_error(outbox->db, error);
}

/* --- contradictions --- */

bool outbox_keep_fork(struct outbox *outbox, struct bytes_view sealed, const struct outbox_head *against,
                      int64_t now_ms, GError **error)
{
  outbox_answer_begin(outbox);
  struct db_row *row = db_query(
      outbox->db, "INSERT INTO fork(at_ms, sealed, size, root) SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS"
                  " (SELECT 1 FROM fork WHERE size = ?3 AND over_at_ms = 0)");
  db_bind_int(row, now_ms);
  db_bind_blob(row, sealed.data, sealed.length);
  db_bind_int(row, (int64_t)against->size);
  db_bind_blob(row, against->root, sizeof against->root);
  db_run(row);
  return outbox_answer_end(outbox, error);
}

int64_t outbox_forked(struct outbox *outbox)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(outbox->db, "SELECT min(at_ms) FROM fork WHERE over_at_ms = 0");
  return db_step(row) ? db_int(row, 0) : 0; /* null, so 0, of none */
}

/* --- evidence --- */

bool outbox_each_receipt(struct outbox *outbox, outbox_evidence_sink *sink, void *data, GError **error)
{
  {
    CLEANUP(db_end)
    struct db_row *row =
        db_query(outbox->db, "SELECT s.sequence, s.form, s.period, s.id, r.sealed FROM submission s"
                             " LEFT JOIN receipt r USING(sequence) WHERE s.state = 1"
                             " ORDER BY s.sequence");
    while (db_step(row)) {
      struct outbox_evidence evidence = {.sequence = (uint64_t)db_int(row, 0),
                                         .form = db_text(row, 1),
                                         .id = view(row, 3),
                                         .receipt = view(row, 4)};
      (void)period_from_key((int32_t)db_int(row, 2), &evidence.period); /* an act has none */
      sink(&evidence, data);
    }
  }
  return db_take_error(outbox->db, error);
}

bool outbox_each_head(struct outbox *outbox, outbox_link_sink *sink, void *data, GError **error)
{
  {
    CLEANUP(db_end)
    struct db_row *row = db_query(
        outbox->db, "SELECT size, root, sealed, continued, path, epoch, continued_epoch, lost FROM head"
                    " ORDER BY epoch DESC, size DESC");
    while (db_step(row)) {
      struct outbox_link link = {.size = (uint64_t)db_int(row, 0),
                                 .root = view(row, 1),
                                 .sealed = view(row, 2),
                                 .continued = (uint64_t)db_int(row, 3),
                                 .path = view(row, 4),
                                 .epoch = (uint64_t)db_int(row, 5),
                                 .continued_epoch = (uint64_t)db_int(row, 6),
                                 .lost = db_int(row, 7) != 0};
      sink(&link, data);
    }
  }
  return db_take_error(outbox->db, error);
}

bool outbox_each_fork(struct outbox *outbox, outbox_fork_sink *sink, void *data, GError **error)
{
  {
    CLEANUP(db_end)
    struct db_row *row = db_query(outbox->db, "SELECT at_ms, over_at_ms, size FROM fork ORDER BY at_ms");
    while (db_step(row)) {
      struct outbox_fork fork = {db_int(row, 0), db_int(row, 1), (uint64_t)db_int(row, 2)};
      sink(&fork, data);
    }
  }
  return db_take_error(outbox->db, error);
}

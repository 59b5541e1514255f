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

bool outbox_head_root(struct outbox *outbox, uint64_t size, uint8_t ret_root[static MERKLE_HASH_SIZE])
{
  CLEANUP(db_end) struct db_row *row = db_query(outbox->db, "SELECT root FROM head WHERE size = ?");
  db_bind_int(row, (int64_t)size);
  return db_step(row) && take_root(row, 0, ret_root);
}

size_t outbox_open_heads(struct outbox *outbox, struct outbox_head *ret_heads, size_t most)
{
  CLEANUP(db_end)
  struct db_row *row =
      db_query(outbox->db, "SELECT size, root FROM head WHERE continued IS NULL"
                           " ORDER BY size = (SELECT max(size) FROM head) DESC, size LIMIT ?");
  size_t count = 0;
  db_bind_int(row, (int64_t)most);
  while (db_step(row)) {
    ret_heads[count].size = (uint64_t)db_int(row, 0);
    count += take_root(row, 1, ret_heads[count].root);
  }
  return count;
}

void outbox_keep_head(struct outbox *outbox, uint64_t size, const uint8_t root[static MERKLE_HASH_SIZE],
                      struct bytes_view sealed)
{
  struct db_row *row = db_query(outbox->db, "INSERT INTO head(size, root, sealed) VALUES(?, ?, ?)"
                                            " ON CONFLICT(size) DO UPDATE SET sealed ="
                                            " coalesce(head.sealed, excluded.sealed)");
  db_bind_int(row, (int64_t)size);
  db_bind_blob(row, root, MERKLE_HASH_SIZE);
  db_bind_blob(row, sealed.length > 0 ? sealed.data : NULL, sealed.length);
  db_run(row);
}

static void keep_continuation(struct outbox *outbox, uint64_t from, uint64_t to, struct hashes_view path)
{
  struct db_row *row =
      db_query(outbox->db,
               "UPDATE head SET continued = ?, path = ? WHERE size = ? AND continued IS NULL AND size < ?");
  db_bind_int(row, (int64_t)to);
  db_bind_blob(row, path.count > 0 ? path.hash[0] : (const uint8_t *)"", path.count * MERKLE_HASH_SIZE);
  db_bind_int(row, (int64_t)from);
  db_bind_int(row, (int64_t)to);
  db_run(row);
}

bool outbox_head(struct outbox *outbox, const struct signed_head *head, struct bytes_view sealed,
                 const struct consistency_item *items, size_t count, int64_t now_ms, GError **error)
{
  outbox_answer_begin(outbox);
  if (head->size > 0) outbox_keep_head(outbox, head->size, head->root.data, sealed);
  for (size_t n = 0; n < count; n++) keep_continuation(outbox, items[n].from, head->size, items[n].path);
  struct db_row *row = db_query(outbox->db, "UPDATE fork SET over_at_ms = ? WHERE over_at_ms = 0");
  db_bind_int(row, now_ms);
  db_run(row);
  return outbox_answer_end(outbox, error);
}

bool outbox_keep_fork(struct outbox *outbox, struct bytes_view sealed, const struct outbox_head *against,
                      int64_t now_ms, GError **error)
{
  outbox_answer_begin(outbox);
  struct db_row *row = db_query(
      outbox->db, "INSERT INTO fork(at_ms, sealed, size, root) SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS"
                  " (SELECT 1 FROM fork WHERE sealed = ?2 AND size = ?3 AND over_at_ms = 0)");
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

static struct bytes_view view(struct db_row *row, int column)
{
  struct bytes_view bytes;
  bytes.data = db_blob(row, column, &bytes.length);
  return bytes;
}

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
    struct db_row *row =
        db_query(outbox->db, "SELECT size, root, sealed, continued, path FROM head ORDER BY size DESC");
    while (db_step(row)) {
      struct outbox_link link = {.size = (uint64_t)db_int(row, 0),
                                 .root = view(row, 1),
                                 .sealed = view(row, 2),
                                 .continued = (uint64_t)db_int(row, 3),
                                 .path = view(row, 4)};
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

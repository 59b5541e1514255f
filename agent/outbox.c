#include "agent/outbox_private.h"

#include "common/error.h"
#include "common/text.h"

#include <assert.h>
#include <inttypes.h>
#include <malloc.h>
#include <string.h>

#define PAGE_CACHE_KIB 1024 /* of each connection; an idle service keeps what its last file filled */

/* To change the schema: append a migration, never edit one.
 *
 * A draft is a submission whose batch is not sendable. The sealed bytes stand apart, so that noting an answer
 * does not write them again. `told` is 1 where there is nothing to tell. What came of a batch with a place is
 * told beside its file, the rest by the next push. */
static const char *const MIGRATIONS[] = {
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO meta VALUES('sequence', 0);"
    "CREATE TABLE batch("
    "  batch INTEGER PRIMARY KEY AUTOINCREMENT, file TEXT NOT NULL, place TEXT, made_at_ms INTEGER NOT NULL,"
    "  sendable INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX batch_place ON batch(place) WHERE place IS NOT NULL;"
    "CREATE INDEX batch_draft ON batch(batch) WHERE NOT sendable;"
    "CREATE TABLE submission("
    "  sequence INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, batch INTEGER NOT NULL REFERENCES batch,"
    "  form TEXT NOT NULL, period INTEGER NOT NULL, first_unit TEXT NOT NULL, last_unit TEXT NOT NULL,"
    "  reports INTEGER NOT NULL, state INTEGER NOT NULL DEFAULT 0,"
    "  counted INTEGER NOT NULL DEFAULT 0, unchanged INTEGER NOT NULL DEFAULT 0,"
    "  stale INTEGER NOT NULL DEFAULT 0, waiting INTEGER NOT NULL DEFAULT 0,"
    "  refused INTEGER NOT NULL DEFAULT 0,"
    "  refusals INTEGER NOT NULL DEFAULT 0, refusals_kept INTEGER NOT NULL DEFAULT 0,"
    "  recorded_at_ms INTEGER NOT NULL DEFAULT 0, position INTEGER NOT NULL DEFAULT 0,"
    "  fault TEXT, fault_text TEXT, told INTEGER NOT NULL DEFAULT 1);"
    "CREATE INDEX submission_key ON submission(form, period, sequence);"
    "CREATE INDEX submission_batch ON submission(batch);"
    "CREATE INDEX submission_unanswered ON submission(sequence) WHERE state = 0;"
    "CREATE INDEX submission_incomplete ON submission(sequence) WHERE refusals > refusals_kept;"
    "CREATE INDEX submission_untold ON submission(sequence) WHERE NOT told;"
    "CREATE TABLE content(sequence INTEGER PRIMARY KEY REFERENCES submission, sealed BLOB NOT NULL);"
    "CREATE TABLE receipt(sequence INTEGER PRIMARY KEY REFERENCES submission, sealed BLOB NOT NULL);"
    "CREATE TABLE verdict("
    "  sequence INTEGER NOT NULL REFERENCES submission, row INTEGER NOT NULL, unit TEXT NOT NULL,"
    "  verdict INTEGER NOT NULL, rule TEXT NOT NULL, indicator TEXT NOT NULL, found TEXT NOT NULL,"
    "  expected TEXT NOT NULL, told INTEGER NOT NULL, PRIMARY KEY(sequence, row)) WITHOUT ROWID;"
    "CREATE INDEX verdict_untold ON verdict(sequence) WHERE NOT told;"
    /* What holds a unit's report now, as a stale receipt for `sequence` said; base NULL: nothing does. */
    "CREATE TABLE rebase("
    "  form TEXT NOT NULL, period INTEGER NOT NULL, unit TEXT NOT NULL, base BLOB, sequence INTEGER NOT NULL,"
    "  PRIMARY KEY(form, period, unit)) WITHOUT ROWID;",
    "CREATE INDEX verdict_unit ON verdict(sequence, unit);",
    /* What the city asks, and consented to; rows of the state that is being fetched stand beside those of the
     * one that is kept. */
    "CREATE TABLE inquiry("
    "  state INTEGER NOT NULL, number INTEGER NOT NULL, form TEXT NOT NULL, period TEXT NOT NULL,"
    "  unit TEXT NOT NULL, rule TEXT NOT NULL, indicator TEXT NOT NULL, found TEXT NOT NULL,"
    "  expected TEXT NOT NULL, question TEXT NOT NULL, asked_at_ms INTEGER NOT NULL, answer TEXT NOT NULL,"
    "  answered_by TEXT NOT NULL, answered_at_ms INTEGER NOT NULL, PRIMARY KEY(state, number)) WITHOUT ROWID;"
    "CREATE TABLE consent("
    "  state INTEGER NOT NULL, form TEXT NOT NULL, period TEXT NOT NULL, unit TEXT NOT NULL,"
    "  rule TEXT NOT NULL, PRIMARY KEY(state, form, period, unit, rule)) WITHOUT ROWID;"
    "INSERT INTO meta VALUES('state', 0);"
    "INSERT INTO meta VALUES('state_at_ms', 0);",
    /* What became of this park's applications to register units, likewise. */
    "CREATE TABLE application("
    "  state INTEGER NOT NULL, number INTEGER NOT NULL, unit TEXT NOT NULL, name TEXT NOT NULL,"
    "  status INTEGER NOT NULL, reason TEXT NOT NULL, applied_at_ms INTEGER NOT NULL,"
    "  settled_at_ms INTEGER NOT NULL, PRIMARY KEY(state, number)) WITHOUT ROWID;"
    "CREATE INDEX application_unit ON application(unit, status);",
    /* The agents of this area, likewise. Forms are joined by ; */
    "CREATE TABLE agent("
    "  state INTEGER NOT NULL, id TEXT NOT NULL, role INTEGER NOT NULL, forms TEXT NOT NULL,"
    "  key_id BLOB NOT NULL, status INTEGER NOT NULL, entry INTEGER NOT NULL,"
    "  enrolled_at_ms INTEGER NOT NULL, revoked_at_ms INTEGER NOT NULL, admitted_by TEXT NOT NULL,"
    "  approved_by TEXT NOT NULL, reason TEXT NOT NULL, admitted_at_ms INTEGER NOT NULL,"
    "  PRIMARY KEY(state, id)) WITHOUT ROWID;",
    /* Where what is said of its reports is asked for again, since some waited: the next offset + 1, or 0. */
    "ALTER TABLE submission ADD COLUMN again INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX submission_again ON submission(sequence) WHERE again > 0;"
    "CREATE INDEX verdict_waiting ON verdict(sequence) WHERE verdict IN (4, 6);",
    /* Heads of the city's ledger: of receipts (sealed NULL: the receipt has it), and as it was asked for. The
     * tree of `continued` leaves begins with this one, as `path` proves; or it is lost, by a restore. */
    "CREATE TABLE head("
    "  epoch INTEGER NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL, sealed BLOB,"
    "  continued INTEGER, continued_epoch INTEGER, path BLOB, lost INTEGER NOT NULL DEFAULT 0,"
    "  PRIMARY KEY(epoch, size)) WITHOUT ROWID;"
    "CREATE INDEX head_open ON head(epoch, size) WHERE continued IS NULL AND NOT lost;"
    /* Heads that were sealed and do not continue the one of this size; over_at_ms 0: so it is still. */
    "CREATE TABLE fork("
    "  at_ms INTEGER NOT NULL, sealed BLOB NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL,"
    "  over_at_ms INTEGER NOT NULL DEFAULT 0);"
    /* Restores of the city's, and the receipts that are worth nothing since. */
    "CREATE TABLE epoch("
    "  number INTEGER PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, sealed BLOB NOT NULL,"
    "  restored_at_ms INTEGER NOT NULL, sent_again INTEGER NOT NULL);"
    "CREATE TABLE lost_receipt("
    "  epoch INTEGER NOT NULL, sequence INTEGER NOT NULL, sealed BLOB NOT NULL,"
    "  PRIMARY KEY(epoch, sequence)) WITHOUT ROWID;"
    "ALTER TABLE submission ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;", /* of its receipt */
    /* The epoch that it goes on from; the ledger of now does not go on from it. Of one that is not kept, and
     * not beyond this number, nothing is known. */
    "ALTER TABLE epoch ADD COLUMN before INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE epoch ADD COLUMN left INTEGER NOT NULL DEFAULT 0;"
    "INSERT INTO meta VALUES('epochs_from', 0);",
};

static struct outbox *open_in_mode(const char *path, enum db_mode mode, GError **error)
{
  CLEANUP(db_close) struct db *db = db_open(path, mode, PAGE_CACHE_KIB, error);
  if (!db || !db_migrate(db, MIGRATIONS, G_N_ELEMENTS(MIGRATIONS), error)) return NULL;
  struct outbox *outbox = g_new0(struct outbox, 1);
  outbox->db = g_steal_pointer(&db);
  outbox->path = g_strdup(path);
  return outbox;
}

struct outbox *outbox_open(const char *path, GError **error)
{
  return open_in_mode(path, DB_CREATE, error);
}

struct outbox *outbox_open_to_look(const char *path, GError **error)
{
  return open_in_mode(path, DB_READ_ONLY, error);
}

void outbox_close(struct outbox *outbox)
{
  if (!outbox) return;
  outbox_batch_drop(outbox);
  if (outbox->kept) g_array_unref(outbox->kept);
  db_close(outbox->db);
  g_free(outbox->path);
  g_free(outbox);
}

bool outbox_check_content(const struct outbox *outbox, uint64_t sequence, const uint8_t *id, size_t id_length,
                          const uint8_t *sealed, size_t length, struct bytes_view *ret_payload,
                          GError **error)
{
  struct bytes_view payload;
  uint8_t hash[SEAL_HASH_SIZE];
  if (id_length == sizeof hash &&
      (seal_peek(sealed, length, SEAL_SUBMISSION, &payload.data, &payload.length) ||
       seal_peek(sealed, length, SEAL_ACT, &payload.data, &payload.length))) {
    seal_hash(payload.data, payload.length, hash);
    if (memcmp(hash, id, sizeof hash) == 0) {
      *ret_payload = payload;
      return true;
    }
  }
  g_set_error(error, PARKTALLY_ERROR, ERROR_DATA,
              _("%s is damaged: submission %" PRIu64 " is not what was sealed; check the disk, then "
                "“park-agent outbox check” says what to do"),
              outbox->path, sequence);
  return false;
}

/* --- preparing ---
 *
 * What is prepared waits in memory, and is written LIMIT_DRAFT_BYTES at a time, the last of it in the
 * transaction that makes the batch sendable: so one sync does for a small file, and no transaction is open
 * while the file is read. */

struct draft {
  uint64_t sequence;
  uint8_t id[SUBMISSION_ID_SIZE];
  char form[LIMIT_CODE_BYTES + 1];
  int32_t period;
  char first_unit[LIMIT_CODE_BYTES + 1], last_unit[LIMIT_CODE_BYTES + 1];
  size_t reports;
  GByteArray *sealed;
};

static void draft_free(gpointer data)
{
  struct draft *draft = data;
  if (draft->sealed) g_byte_array_unref(draft->sealed);
  g_free(draft);
}

static void drafts_clear(struct drafts *drafts)
{
  g_free(drafts->file);
  g_free(drafts->place);
  if (drafts->submissions) g_ptr_array_unref(drafts->submissions);
  *drafts = (struct drafts){0};
}

static void kept_clear(gpointer data)
{
  g_bytes_unref(((struct kept *)data)->sealed);
}

void outbox_keep(struct outbox *outbox)
{
  if (outbox->kept) return;
  outbox->kept = g_array_new(FALSE, FALSE, sizeof(struct kept));
  g_array_set_clear_func(outbox->kept, kept_clear);
}

static void forget(struct outbox *outbox, guint index)
{
  outbox->kept_bytes -= g_bytes_get_size(g_array_index(outbox->kept, struct kept, index).sealed);
  g_array_remove_index(outbox->kept, index);
}

void outbox_batch_drop(struct outbox *outbox)
{
  for (guint i = outbox->kept ? outbox->kept->len : 0; i-- > 0;)
    if (g_array_index(outbox->kept, struct kept, i).batch == outbox->drafts.batch) forget(outbox, i);
  drafts_clear(&outbox->drafts);
}

/* The first that were written are those that are sent first. */
static void keep_drafts(struct outbox *outbox)
{
  const struct drafts *drafts = &outbox->drafts;
  for (guint i = 0; outbox->kept && i < drafts->submissions->len; i++) {
    struct draft *draft = drafts->submissions->pdata[i];
    if (outbox->kept_bytes + draft->sealed->len > LIMIT_KEPT_BYTES) return;
    struct kept kept = {.batch = drafts->batch, .sequence = draft->sequence};
    memcpy(kept.id, draft->id, sizeof kept.id);
    outbox->kept_bytes += draft->sealed->len;
    kept.sealed = g_byte_array_free_to_bytes(g_steal_pointer(&draft->sealed));
    g_array_append_val(outbox->kept, kept);
  }
}

GBytes *outbox_take_kept(struct outbox *outbox, uint64_t sequence, const uint8_t *id, size_t id_length)
{
  for (guint i = 0; outbox->kept && i < outbox->kept->len; i++) {
    const struct kept *kept = &g_array_index(outbox->kept, struct kept, i);
    if (kept->sequence != sequence || id_length != sizeof kept->id ||
        memcmp(kept->id, id, sizeof kept->id) != 0)
      continue;
    GBytes *sealed = g_bytes_ref(kept->sealed);
    forget(outbox, i);
    return sealed;
  }
  return NULL;
}

bool outbox_batch_begin(struct outbox *outbox, const char *file, int64_t now_ms, int64_t *ret_batch,
                        GError **error)
{
  outbox_batch_drop(outbox);
  int64_t last = 0;
  {
    CLEANUP(db_end)
    struct db_row *row = db_query(outbox->db, "SELECT seq FROM sqlite_sequence WHERE name = 'batch'");
    if (db_step(row)) last = db_int(row, 0);
  }
  if (!db_take_error(outbox->db, error)) return false;
  outbox->drafts = (struct drafts){.batch = last + 1,
                                   .file = g_strdup(file),
                                   .made_at_ms = now_ms,
                                   .submissions = g_ptr_array_new_with_free_func(draft_free)};
  *ret_batch = outbox->drafts.batch;
  return true;
}

/* Notes the number as spent together with the draft that has it: before that, nothing has left under it. */
uint64_t outbox_sequence(struct outbox *outbox)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(outbox->db, "SELECT value FROM meta WHERE key = 'sequence'");
  uint64_t spent = db_step(row) ? (uint64_t)db_int(row, 0) : 0;
  if (db_error(outbox->db)) return 0;
  return outbox->sequence = MAX(spent, outbox->sequence) + 1;
}

bool outbox_spent(struct outbox *outbox, uint64_t *ret_spent, GError **error)
{
  uint64_t next = outbox_sequence(outbox);
  if (next > 0) *ret_spent = next - 1;
  return next > 0 || db_take_error(outbox->db, error);
}

/* In place of what a crash left behind. */
static void insert_batch(struct db *db, const struct drafts *drafts)
{
  db_exec(db, "DELETE FROM content WHERE sequence IN"
              " (SELECT sequence FROM submission JOIN batch USING(batch) WHERE NOT sendable);"
              "DELETE FROM submission WHERE batch IN (SELECT batch FROM batch WHERE NOT sendable);"
              "DELETE FROM batch WHERE NOT sendable");
  struct db_row *row = db_query(db, "INSERT INTO batch(batch, file, place, made_at_ms) VALUES(?, ?, ?, ?)");
  db_bind_int(row, drafts->batch);
  db_bind_text(row, drafts->file);
  db_bind_text(row, drafts->place);
  db_bind_int(row, drafts->made_at_ms);
  db_run(row);
}

static void insert_draft(struct db *db, int64_t batch, const struct draft *draft)
{
  struct db_row *row = db_query(db, "INSERT INTO submission(sequence, id, batch, form, period, first_unit,"
                                    " last_unit, reports) VALUES(?, ?, ?, ?, ?, ?, ?, ?)");
  db_bind_int(row, (int64_t)draft->sequence);
  db_bind_blob(row, draft->id, SUBMISSION_ID_SIZE);
  db_bind_int(row, batch);
  db_bind_text(row, draft->form);
  db_bind_int(row, draft->period);
  db_bind_text(row, draft->first_unit);
  db_bind_text(row, draft->last_unit);
  db_bind_int(row, (int64_t)draft->reports);
  db_run(row);
  row = db_query(db, "INSERT INTO content(sequence, sealed) VALUES(?, ?)");
  db_bind_int(row, (int64_t)draft->sequence);
  db_bind_blob(row, draft->sealed->data, draft->sealed->len);
  db_run(row);
}

/* Writes what waits, and makes the batch sendable if this is the end of it. */
static bool write_drafts(struct outbox *outbox, bool sendable, GError **error)
{
  struct db *db = outbox->db;
  struct drafts *drafts = &outbox->drafts;
  db_begin(db);
  if (!drafts->begun) insert_batch(db, drafts);
  for (guint i = 0; i < drafts->submissions->len; i++)
    insert_draft(db, drafts->batch, drafts->submissions->pdata[i]);
  struct db_row *row = db_query(db, "UPDATE meta SET value = MAX(value, ?) WHERE key = 'sequence'");
  db_bind_int(row, (int64_t)outbox->sequence);
  db_run(row);
  if (sendable) {
    row = db_query(db, "UPDATE batch SET sendable = 1 WHERE batch = ?");
    db_bind_int(row, drafts->batch);
    db_run(row);
  }
  if (!db_commit(db, error)) return false;
  drafts->begun = true;
  keep_drafts(outbox);
  g_ptr_array_set_size(drafts->submissions, 0);
  drafts->bytes = 0;
  return true;
}

bool outbox_batch_add(struct outbox *outbox, int64_t batch, uint64_t sequence,
                      const uint8_t id[SUBMISSION_ID_SIZE], const char *form, struct period period,
                      const char *first_unit, const char *last_unit, size_t reports, GByteArray *sealed,
                      GError **error)
{
  struct drafts *drafts = &outbox->drafts;
  assert(batch == drafts->batch && batch != 0);
  if (sequence == 0 && !db_take_error(outbox->db, error)) return false;
  struct draft *draft = g_new(struct draft, 1);
  *draft = (struct draft){.sequence = sequence,
                          .period = period_key(period),
                          .reports = reports,
                          .sealed = g_byte_array_ref(sealed)};
  memcpy(draft->id, id, SUBMISSION_ID_SIZE);
  g_strlcpy(draft->form, form, sizeof draft->form);
  g_strlcpy(draft->first_unit, first_unit, sizeof draft->first_unit);
  g_strlcpy(draft->last_unit, last_unit, sizeof draft->last_unit);
  g_ptr_array_add(drafts->submissions, draft);
  drafts->bytes += sealed->len;
  return drafts->bytes < LIMIT_DRAFT_BYTES || write_drafts(outbox, false, error);
}

bool outbox_batch_commit(struct outbox *outbox, int64_t batch, GError **error)
{
  assert(batch == outbox->drafts.batch && batch != 0);
  if (!write_drafts(outbox, true, error)) return false;
  drafts_clear(&outbox->drafts);
  return true;
}

void outbox_batch_place(struct outbox *outbox, int64_t batch, const char *path)
{
  assert(batch == outbox->drafts.batch && batch != 0 && !outbox->drafts.begun);
  g_free(outbox->drafts.place);
  outbox->drafts.place = g_strdup(path);
}

bool outbox_moved(struct outbox *outbox, const char *from, const char *to, GError **error)
{
  struct db_row *row = db_query(outbox->db, "UPDATE batch SET place = ? WHERE place = ?");
  db_bind_text(row, to);
  db_bind_text(row, from);
  db_run(row);
  return db_take_error(outbox->db, error);
}

int64_t outbox_version(struct outbox *outbox)
{
  CLEANUP(db_end) struct db_row *row = db_query(outbox->db, "PRAGMA data_version");
  return db_step(row) ? db_int(row, 0) : -1;
}

void outbox_rest(struct outbox *outbox)
{
  db_exec(outbox->db, "PRAGMA shrink_memory");
  malloc_trim(0);
}

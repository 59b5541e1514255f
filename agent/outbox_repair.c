/* A new outbox of what is good in a damaged one.
 *
 * Whatever was sealed says itself what it is, so that the new outbox is made from sealed bytes: those that
 * SQLite can still read, then those that only stand in its pages. The rows beside them (state, batch, what
 * was told) are taken where they can be read, and otherwise follow from the sealed bytes: what has a receipt
 * was answered, what has none is sent again, which is always safe. */
#include "agent/outbox_private.h"

#include "agent/sealed.h"
#include "common/clock.h"
#include "common/durable.h"
#include "common/error.h"
#include "common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SAVE_ROWS 256   /* of the new outbox, in one transaction */
#define SKIPPED 1000000 /* numbers passed over where it cannot be read how many were given */
#define NAMES_MOST 100  /* damaged outboxes of one day */
#define BATCHES_MOST 1000000

struct repair {
  struct db *old; /* NULL: SQLite cannot open it */
  struct outbox *new;
  const char *path;
  const struct home *home;
  outbox_damage_sink *sink;
  void *data;
  int64_t now_ms, batch; /* where submissions of an unknown file go; 0: none did yet */
  GHashTable *wanted;    /* numbers of readable rows whose content is not */
  GArray *gaps;          /* struct range: of numbers whose rows cannot be read */
  bool no_rows;          /* no row can be read */
  bool uncounted;        /* the last number given cannot be */
  unsigned unsaved;
  struct outbox_repair result;
  GError *error; /* the first that is no damage */
};

struct range {
  int64_t first, last;
};

static void tell(struct repair *repair, char *line)
{
  repair->sink(line, false, repair->data);
  g_free(line);
}

/* Ends the transaction when it has grown, and begins another. */
static void save(struct repair *repair, bool now)
{
  if (!now && ++repair->unsaved < SAVE_ROWS) return;
  repair->unsaved = 0;
  (void)db_commit(repair->new->db, repair->error ? NULL : &repair->error);
  db_begin(repair->new->db);
}

static void keep_failure(struct repair *repair, GError *error)
{
  if (repair->error)
    g_clear_error(&error);
  else
    repair->error = error;
}

static void walk(struct repair *repair, const char *sql, int64_t last, outbox_row_sink *row,
                 outbox_gap_sink *gap)
{
  GError *error = NULL;
  if (repair->old && !repair->error && !outbox_walk(repair->old, sql, 1, last, row, gap, repair, &error))
    keep_failure(repair, error);
}

static void no_gap(int64_t first, int64_t last, const char *why, void *data)
{
  (void)first, (void)last, (void)why, (void)data; /* what it costs is told record by record */
}

/* --- batches --- */

/* The row: batch, file, place, time, sendable. */
static void take_batch(struct db_row *row, void *data)
{
  struct repair *repair = data;
  struct db_row *insert =
      db_query(repair->new->db, "INSERT OR IGNORE INTO batch(batch, file, place, made_at_ms, sendable)"
                                " VALUES(?, ?, ?, ?, ?)");
  db_bind_int(insert, db_int(row, 0));
  db_bind_text(insert, db_text(row, 1));
  db_bind_text(insert, db_is_null(row, 2) ? NULL : db_text(row, 2));
  db_bind_int(insert, db_int(row, 3));
  db_bind_int(insert, db_int(row, 4));
  db_run(insert);
  save(repair, false);
}

/* One whose row is lost is taken for sendable: each of its reports was found good, and somebody answers for
 * it. */
static void need_batch(struct repair *repair, int64_t batch)
{
  struct db_row *row = db_query(repair->new->db, "INSERT OR IGNORE INTO batch(batch, file, made_at_ms,"
                                                 " sendable) VALUES(?, '', ?, 1)");
  db_bind_int(row, batch);
  db_bind_int(row, repair->now_ms);
  db_run(row);
}

/* --- what was sealed --- */

static bool restore(struct repair *repair, const struct sealed_own *own)
{
  enum outbox_restored restored =
      outbox_restore(repair->new, &own->lost, _("recovered"), repair->now_ms, &repair->batch);
  save(repair, false);
  return restored == OUTBOX_RESTORED;
}

/* The row: number, sealed. */
static void take_content(struct db_row *row, void *data)
{
  struct repair *repair = data;
  struct sealed_own own;
  struct bytes_view sealed;
  sealed.data = db_blob(row, 1, &sealed.length);
  if (sealed_open_own(repair->home, sealed, &own) != SEALED_GOOD) return;
  restore(repair, &own);
  sealed_own_clear(&own);
}

static bool is_in_gap(const struct repair *repair, int64_t sequence)
{
  for (guint i = 0; i < repair->gaps->len; i++) {
    const struct range *range = &g_array_index(repair->gaps, struct range, i);
    if (sequence >= range->first && sequence <= range->last) return true;
  }
  return repair->no_rows;
}

/* Only what is missed: pages that belong to no table any more may still hold a draft that was let go of. */
static void carve_own(struct bytes_view sealed, void *data)
{
  struct repair *repair = data;
  struct sealed_own own;
  if (repair->error || sealed_open_own(repair->home, sealed, &own) != SEALED_GOOD) return;
  int64_t sequence = (int64_t)own.lost.sequence;
  if (g_hash_table_contains(repair->wanted, &sequence) || is_in_gap(repair, sequence)) restore(repair, &own);
  sealed_own_clear(&own);
}

/* --- rows of submissions --- */

static void note_gap(int64_t first, int64_t last, const char *why, void *data)
{
  struct repair *repair = data;
  struct range range = {first, last};
  (void)why;
  g_array_append_val(repair->gaps, range);
}

static bool has_content(struct repair *repair, int64_t sequence)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(repair->new->db, "SELECT 1 FROM content WHERE sequence = ?");
  db_bind_int(row, sequence);
  return db_step(row);
}

/* The row: sequence, id, batch, form, period, first_unit, last_unit, reports, state, fault, fault_text, told.
 * One that was answered is unanswered until its receipt is found. */
static void take_row(struct db_row *row, void *data)
{
  struct repair *repair = data;
  int64_t sequence = db_int(row, 0), batch = db_int(row, 2);
  bool refused = db_int(row, 8) == STATE_REFUSED_WHOLE;
  size_t id_length;
  const uint8_t *id = db_blob(row, 1, &id_length);
  if (id_length != SUBMISSION_ID_SIZE) {
    note_gap(sequence, sequence, NULL, repair);
    return;
  }
  need_batch(repair, batch);
  struct db_row *insert = db_query(
      repair->new->db, "INSERT INTO submission(sequence, id, batch, form, period, first_unit, last_unit,"
                       " reports, state, fault, fault_text, told) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                       " ON CONFLICT(sequence) DO UPDATE SET batch = excluded.batch, state = excluded.state,"
                       " fault = excluded.fault, fault_text = excluded.fault_text, told = excluded.told"
                       " WHERE id = excluded.id ON CONFLICT DO NOTHING");
  db_bind_int(insert, sequence);
  db_bind_blob(insert, id, id_length);
  db_bind_int(insert, batch);
  db_bind_text(insert, db_text(row, 3));
  for (int column = 4; column < 8; column++)
    if (column == 5 || column == 6)
      db_bind_text(insert, db_text(row, column));
    else
      db_bind_int(insert, db_int(row, column));
  db_bind_int(insert, refused ? STATE_REFUSED_WHOLE : STATE_UNANSWERED);
  db_bind_text(insert, refused ? db_text(row, 9) : NULL);
  db_bind_text(insert, refused ? db_text(row, 10) : NULL);
  db_bind_int(insert, db_int(row, 11));
  db_run(insert);
  if (!has_content(repair, sequence)) g_hash_table_add(repair->wanted, g_memdup2(&sequence, sizeof sequence));
  save(repair, false);
}

/* --- receipts --- */

static bool has_submission(struct repair *repair, struct bytes_view id)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(repair->new->db, "SELECT 1 FROM submission WHERE id = ?");
  db_bind_blob(row, id.data, id.length);
  return db_step(row);
}

/* All that is left of a submission is its receipt: kept, for it is evidence. */
static void insert_lost(struct repair *repair, const struct receipt *receipt)
{
  struct db *db = repair->new->db;
  struct db_row *row;
  if (repair->batch == 0) {
    row = db_query(db, "INSERT INTO batch(file, made_at_ms, sendable) VALUES(?, ?, 1)");
    db_bind_text(row, _("recovered"));
    db_bind_int(row, repair->now_ms);
    db_run(row);
    repair->batch = db_last_rowid(db);
  }
  row = db_query(db, "INSERT OR IGNORE INTO submission(sequence, id, batch, form, period, first_unit,"
                     " last_unit, reports) VALUES(?, ?, ?, ?, 0, '', '', ?)");
  db_bind_int(row, (int64_t)receipt->sequence);
  db_bind_blob(row, receipt->submission.data, receipt->submission.length);
  db_bind_int(row, repair->batch);
  db_bind_text(row, OUTBOX_FORM_LOST);
  db_bind_int(row, (int64_t)receipt->counted + receipt->unchanged + receipt->stale + receipt->waiting +
                       receipt->refused);
  db_run(row);
}

static void keep_receipt(struct bytes_view sealed, void *data)
{
  struct repair *repair = data;
  CLEANUP(receipt_free) struct receipt *receipt = NULL;
  if (repair->error || sealed_open_receipt(repair->home, sealed, &receipt) != SEALED_GOOD) return;
  if (!has_submission(repair, receipt->submission)) insert_lost(repair, receipt);
  outbox_receipt(repair->new, sealed.data, sealed.length, receipt, NULL);
  save(repair, false);
}

/* The row: number, sealed. */
static void take_receipt(struct db_row *row, void *data)
{
  struct bytes_view sealed;
  sealed.data = db_blob(row, 1, &sealed.length);
  keep_receipt(sealed, data);
}

/* --- what is told of single reports --- */

/* What was said beyond the receipt, and told. The row: sequence, row, unit, verdict, rule, indicator, found,
 * expected, told. */
static bool take_verdicts(struct repair *repair, int64_t sequence)
{
  {
    CLEANUP(db_end)
    struct db_row *row = db_query(repair->old, "SELECT sequence, row, unit, verdict, rule, indicator, found,"
                                               " expected, told FROM verdict WHERE sequence = ?");
    db_bind_int(row, sequence);
    while (db_step(row)) {
      struct db_row *insert = db_query(
          repair->new->db, "INSERT OR REPLACE INTO verdict(sequence, row, unit, verdict, rule, indicator,"
                           " found, expected, told) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)");
      for (int column = 0; column < 9; column++)
        if (column < 2 || column == 3 || column == 8)
          db_bind_int(insert, db_int(row, column));
        else
          db_bind_text(insert, db_text(row, column));
      db_run(insert);
    }
  }
  return !outbox_is_unreadable(repair->old, NULL);
}

static bool has_receipt(struct repair *repair, int64_t sequence)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(repair->new->db, "SELECT 1 FROM receipt WHERE sequence = ?");
  db_bind_int(row, sequence);
  return db_step(row);
}

/* The row, of one that was answered: sequence, counted, unchanged, stale, waiting, refused, refusals_kept,
 * told, id. Where its verdicts cannot be read those of the receipt stand, and the rest is asked for again. */
static void take_counts(struct db_row *row, void *data)
{
  struct repair *repair = data;
  int64_t sequence = db_int(row, 0);
  if (!has_receipt(repair, sequence)) {
    if (!has_content(repair, sequence)) return; /* told with that */
    repair->result.lost++;
    tell(repair,
         g_strdup_printf(_("the receipt of submission %" PRId64 " is not in the new outbox, as it cannot be "
                           "read: the submission is sent again, counts once, and gets the same receipt"),
                         sequence));
    return;
  }
  if (!take_verdicts(repair, sequence)) return;
  size_t id_length;
  const uint8_t *id = db_blob(row, 8, &id_length);
  struct db_row *update =
      db_query(repair->new->db, "UPDATE submission SET counted = ?, unchanged = ?, stale = ?, waiting = ?,"
                                " refused = ?, refusals_kept = ?, told = ? WHERE id = ? AND state = ?");
  for (int column = 1; column < 8; column++) db_bind_int(update, db_int(row, column));
  db_bind_blob(update, id, id_length);
  db_bind_int(update, STATE_ANSWERED);
  db_run(update);
  save(repair, false);
}

/* --- tables that are copied as they are --- */

struct table {
  const char *select, *insert;
  const char *types; /* i number, n the same or null, t text, b bytes or null */
};

/* What a list of the city's lacks is fetched again; what a unit's report stands on is learned again. */
static const struct table TABLES[] = {
    {"SELECT form, period, unit, base, sequence FROM rebase",
     "INSERT OR IGNORE INTO rebase(form, period, unit, base, sequence) VALUES(?, ?, ?, ?, ?)", "titbi"},
    {"SELECT state, number, form, period, unit, rule, indicator, found, expected, question, asked_at_ms,"
     " answer, answered_by, answered_at_ms FROM inquiry",
     "INSERT OR IGNORE INTO inquiry(state, number, form, period, unit, rule, indicator, found, expected,"
     " question, asked_at_ms, answer, answered_by, answered_at_ms)"
     " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
     "iittttttttitti"},
    {"SELECT state, form, period, unit, rule FROM consent",
     "INSERT OR IGNORE INTO consent(state, form, period, unit, rule) VALUES(?, ?, ?, ?, ?)", "itttt"},
    {"SELECT state, number, unit, name, status, reason, applied_at_ms, settled_at_ms FROM application",
     "INSERT OR IGNORE INTO application(state, number, unit, name, status, reason, applied_at_ms,"
     " settled_at_ms) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
     "iittitii"},
    {"SELECT state, id, role, forms, key_id, status, entry, enrolled_at_ms, revoked_at_ms, admitted_by,"
     " approved_by, reason, admitted_at_ms FROM agent",
     "INSERT OR IGNORE INTO agent(state, id, role, forms, key_id, status, entry, enrolled_at_ms,"
     " revoked_at_ms, admitted_by, approved_by, reason, admitted_at_ms)"
     " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
     "ititbiiiittti"},
    {"SELECT epoch, size, root, sealed, continued, continued_epoch, path, lost FROM head",
     "INSERT INTO head(epoch, size, root, sealed, continued, continued_epoch, path, lost)"
     " VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(epoch, size) DO UPDATE"
     " SET sealed = excluded.sealed, continued = excluded.continued, continued_epoch = "
     "excluded.continued_epoch,"
     " path = excluded.path, lost = excluded.lost WHERE root = excluded.root",
     "iibbnnbi"},
    {"SELECT epoch, sequence, sealed FROM lost_receipt",
     "INSERT OR IGNORE INTO lost_receipt(epoch, sequence, sealed) VALUES(?, ?, ?)", "iib"},
    {"SELECT at_ms, sealed, size, root, over_at_ms FROM fork",
     "INSERT INTO fork(at_ms, sealed, size, root, over_at_ms) VALUES(?, ?, ?, ?, ?)", "ibibi"},
    {"SELECT key, value FROM meta",
     "INSERT INTO meta(key, value) VALUES(?, ?) ON CONFLICT DO UPDATE SET value = MAX(value, excluded.value)",
     "ti"},
};

static void copy_row(struct repair *repair, const struct table *table, struct db_row *row)
{
  struct db_row *insert = db_query(repair->new->db, table->insert);
  for (int column = 0; table->types[column]; column++) {
    size_t length;
    const uint8_t *bytes;
    switch (table->types[column]) {
    case 'n':
      if (db_is_null(row, column)) {
        db_bind_text(insert, NULL);
        break;
      }
      /* fall through */
    case 'i':
      db_bind_int(insert, db_int(row, column));
      break;
    case 't':
      db_bind_text(insert, db_text(row, column));
      break;
    default:
      bytes = db_blob(row, column, &length);
      db_bind_blob(insert, db_is_null(row, column) ? NULL : bytes, length);
    }
  }
  db_run(insert);
  save(repair, false);
}

/* First, for what it says is lost is no receipt any more. */
static void copy_epochs(struct repair *repair)
{
  static const struct table EPOCHS = {
      "SELECT number, size, root, sealed, restored_at_ms, sent_again, before, left FROM epoch",
      "INSERT OR IGNORE INTO epoch(number, size, root, sealed, restored_at_ms, sent_again, before, left)"
      " VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
      "iibbiiii"};
  if (!repair->old) return;
  {
    CLEANUP(db_end) struct db_row *row = db_query(repair->old, EPOCHS.select);
    while (db_step(row)) copy_row(repair, &EPOCHS, row);
  }
  (void)outbox_is_unreadable(repair->old,
                             NULL); /* the city tells of them again; one that it does not was left */
}

static void copy_tables(struct repair *repair)
{
  bool whole = true;
  for (size_t i = 0; repair->old && i < G_N_ELEMENTS(TABLES); i++) {
    {
      CLEANUP(db_end) struct db_row *row = db_query(repair->old, TABLES[i].select);
      while (db_step(row)) copy_row(repair, &TABLES[i], row);
    }
    if (!outbox_is_unreadable(repair->old, NULL)) continue;
    whole = false;
    repair->uncounted = i + 1 == G_N_ELEMENTS(TABLES);
  }
  repair->uncounted = repair->uncounted || !repair->old;
  if (!whole) db_run(db_query(repair->new->db, "UPDATE meta SET value = 0 WHERE key = 'state'"));
}

/* Numbers go on behind all that were given. */
static void set_number(struct repair *repair)
{
  struct db_row *row =
      db_query(repair->new->db, "UPDATE meta SET value = ? + MAX(value, (SELECT ifnull(max(sequence), 0)"
                                " FROM submission)) WHERE key = 'sequence'");
  db_bind_int(row, repair->uncounted ? SKIPPED : 0);
  db_run(row);
}

/* --- what could not be kept --- */

/* The row: sequence, form, period, file, state. */
static void tell_lost(struct repair *repair, struct db_row *row)
{
  char text[PERIOD_TEXT_SIZE] = "";
  struct period period;
  if (period_from_key((int32_t)db_int(row, 2), &period)) period_format(period, text);
  const char *form = *db_text(row, 1) ? db_text(row, 1) : _("act");
  g_autofree char *name = g_strdup_printf("%" PRId64 " (%s %s%s%s)", db_int(row, 0), form, text,
                                          *db_text(row, 3) ? ", " : "", db_text(row, 3));
  repair->result.lost++;
  tell(repair,
       db_int(row, 4) == STATE_ANSWERED
           ? g_strdup_printf(_("submission %s: only its receipt is in the new outbox, as its content "
                               "cannot be read; the city has it, and corrections of it learn from the "
                               "city what they correct"),
                             name)
           : g_strdup_printf(_("submission %s is not in the new outbox, as its content cannot be read: "
                               "push its file again, what the city has counted counts once"),
                             name));
}

/* What has no content. A receipt is kept, as evidence; what was refused whole as well. */
static void drop_lost(struct repair *repair)
{
  struct db *db = repair->new->db;
  {
    CLEANUP(db_end)
    struct db_row *row = db_query(
        db, "SELECT sequence, form, period, file, state FROM submission JOIN batch USING(batch)"
            " WHERE state <> 2 AND sequence NOT IN (SELECT sequence FROM content) ORDER BY sequence");
    while (db_step(row)) tell_lost(repair, row);
  }
  db_run(db_query(db, "DELETE FROM submission WHERE state = 0 AND sequence NOT IN"
                      " (SELECT sequence FROM content)"));
}

static bool holds_number(struct repair *repair, int64_t sequence)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(repair->new->db, "SELECT 1 FROM submission WHERE sequence = ?");
  db_bind_int(row, sequence);
  return db_step(row);
}

/* Numbers whose rows cannot be read: which of them were ever given is not known any more. */
static void tell_gaps(struct repair *repair)
{
  if (repair->no_rows) {
    repair->result.lost++;
    tell(repair,
         g_strdup(_("the list of submissions cannot be read at all: what stands in the pages is in the "
                    "new outbox, and what does not is not known by name; push the files again of which "
                    "the city misses reports")));
  }
  for (guint i = 0; i < repair->gaps->len; i++) {
    struct range range = g_array_index(repair->gaps, struct range, i);
    int64_t last = MIN(range.last, outbox_last_key(repair->new->db, false));
    for (int64_t n = range.first; n <= last; n++) {
      if (holds_number(repair, n)) continue;
      repair->result.lost++;
      tell(repair,
           g_strdup_printf(_("submission %" PRId64 ", if there was one, is not in the new outbox, as "
                             "neither its row nor its content can be read; push the files again of which "
                             "the city misses reports"),
                           n));
    }
  }
}

static void count(struct repair *repair)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(repair->new->db, "SELECT (SELECT count(*) FROM submission),"
                                                 " (SELECT count(*) FROM receipt)");
  if (!db_step(row)) return;
  repair->result.submissions = (uint64_t)db_int(row, 0);
  repair->result.receipts = (uint64_t)db_int(row, 1);
}

/* --- all of it --- */

static void carve(struct repair *repair, outbox_carve_sink *sink)
{
  GError *error = NULL;
  if (!repair->error && !outbox_carve(repair->path, sink, repair, &error)) keep_failure(repair, error);
}

static bool fill(struct repair *repair, GError **error)
{
  int64_t last = repair->old ? outbox_last_key(repair->old, false) : 0;
  repair->new->answers_together = repair->new->answers_begun = true; /* in these transactions */
  db_begin(repair->new->db);
  walk(
      repair,
      "SELECT batch, file, place, made_at_ms, sendable FROM batch WHERE batch BETWEEN ? AND ? ORDER BY batch",
      BATCHES_MOST, take_batch, no_gap);
  walk(repair, "SELECT sequence, sealed FROM content WHERE sequence BETWEEN ? AND ? ORDER BY sequence", last,
       take_content, no_gap);
  walk(repair,
       "SELECT sequence, id, batch, form, period, first_unit, last_unit, reports, state, fault, fault_text,"
       " told FROM submission WHERE sequence BETWEEN ? AND ? ORDER BY sequence",
       last, take_row, note_gap);
  carve(repair, carve_own);
  copy_epochs(repair);
  walk(repair, "SELECT sequence, sealed FROM receipt WHERE sequence BETWEEN ? AND ? ORDER BY sequence", last,
       take_receipt, no_gap);
  carve(repair, keep_receipt);
  walk(repair,
       "SELECT sequence, counted, unchanged, stale, waiting, refused, refusals_kept, told, id FROM submission"
       " WHERE sequence BETWEEN ? AND ? AND state = 1 ORDER BY sequence",
       last, take_counts, no_gap);
  copy_tables(repair);
  drop_lost(repair);
  set_number(repair);
  tell_gaps(repair);
  count(repair);
  save(repair, true);
  if (!db_commit(repair->new->db, repair->error ? NULL : &repair->error) || repair->error) {
    g_propagate_error(error, g_steal_pointer(&repair->error));
    return false;
  }
  return true;
}

/* --- files --- */

static bool set_failed(const char *path, GError **error)
{
  int number = errno;
  g_set_error(error, PARKTALLY_ERROR, number == ENOSPC || number == EDQUOT ? ERROR_TEMPORARY : ERROR_IO,
              _("%s cannot be repaired (%s); it is as it was"), path, g_strerror(number));
  return false;
}

static void remove_database(const char *path)
{
  static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
  for (size_t i = 0; i < G_N_ELEMENTS(suffixes); i++) {
    g_autofree char *name = g_strconcat(path, suffixes[i], NULL);
    (void)unlink(name);
  }
}

static bool sync_file(const char *path)
{
  int file = open(path, O_RDONLY | O_CLOEXEC);
  bool synced = file >= 0 && fsync(file) == 0;
  int number = errno;
  if (file >= 0) close(file);
  errno = number;
  return synced;
}

/* A second name for the damaged file, that of the day. NULL and errno. */
static char *name_aside(const char *path)
{
  g_autofree char *now = clock_format(clock_wall());
  for (unsigned n = 1; n <= NAMES_MOST; n++) {
    g_autofree char *number = n == 1 ? g_strdup("") : g_strdup_printf("-%u", n);
    g_autofree char *aside = g_strdup_printf("%s.damaged-%.10s%s", path, now, number);
    if (link(path, aside) == 0) return g_steal_pointer(&aside);
    if (errno != EEXIST) return NULL;
  }
  return NULL;
}

/* The damaged file has its second name, durably, before the new one takes its place. Its log is empty, unless
 * SQLite could not open it: then it goes along, and must not stay beside the new one. */
static bool swap(const char *path, const char *made, char **ret_aside, GError **error)
{
  g_autofree char *log = g_strconcat(path, "-wal", NULL), *shared = g_strconcat(path, "-shm", NULL);
  if (!sync_file(made)) return set_failed(path, error);
  g_autofree char *aside = name_aside(path);
  if (!aside) return set_failed(path, error);
  g_autofree char *log_aside = g_strconcat(aside, "-wal", NULL);
  bool has_log = link(log, log_aside) == 0;
  if ((!has_log && errno != ENOENT) || !durable_folder_of(path)) return set_failed(path, error);
  if (has_log) (void)unlink(log);
  (void)unlink(shared);
  if (rename(made, path) != 0 || !durable_folder_of(path)) return set_failed(path, error);
  *ret_aside = g_steal_pointer(&aside);
  return true;
}

static bool make(struct repair *repair, const char *made, GError **error)
{
  repair->new = outbox_open(made, error);
  bool filled = repair->new &&fill(repair, error);
  outbox_close(repair->new);
  if (!filled) return false;
  struct outbox *again = outbox_open(made, error); /* empties its log */
  outbox_close(again);
  return again != NULL;
}

/* SQLite opens no file that is shorter than it says itself: the pages that were cut off become zeros. Nothing
 * that is there changes. */
static void fill_up(const char *path)
{
  uint8_t header[100] = {0};
  int file = open(path, O_RDWR | O_CLOEXEC);
  off_t length = file < 0 ? -1 : lseek(file, 0, SEEK_END);
  if (length > 0 && pread(file, header, sizeof header, 0) == (ssize_t)sizeof header &&
      memcmp(header, "SQLite format 3", 16) == 0) {
    off_t page = header[16] << 8 | header[17];
    off_t pages = (off_t)header[28] << 24 | header[29] << 16 | header[30] << 8 | header[31];
    off_t whole = pages * (page == 1 ? 65536 : page);
    if (whole > length && whole / 2 <= length) (void)!ftruncate(file, whole);
  }
  if (file >= 0) close(file);
}

/* What SQLite can read of it; NULL without error where it is the file that is at fault. Its log is copied
 * into it on the way. */
static bool open_old(struct repair *repair, struct outbox **ret_old, GError **error)
{
  g_autoptr(GError) failure = NULL;
  fill_up(repair->path);
  *ret_old = outbox_open(repair->path, &failure);
  repair->no_rows = *ret_old == NULL;
  if (!failure || failure->code == ERROR_DATA || failure->code == ERROR_IO) return true;
  g_propagate_error(error, g_steal_pointer(&failure));
  return false;
}

bool outbox_repair(const char *path, const struct home *home, outbox_damage_sink *sink, void *data,
                   struct outbox_repair *ret_repair, GError **error)
{
  g_autofree char *made = g_strconcat(path, ".new", NULL);
  struct repair repair = {.path = path, .home = home, .sink = sink, .data = data};
  struct outbox *old;
  repair.now_ms = clock_wall().ms;
  remove_database(made);
  if (!open_old(&repair, &old, error)) return false;
  repair.old = old ? old->db : NULL;
  repair.wanted = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
  repair.gaps = g_array_new(FALSE, FALSE, sizeof(struct range));
  bool done = make(&repair, made, error);
  g_hash_table_unref(repair.wanted);
  g_array_unref(repair.gaps);
  g_clear_error(&repair.error);
  outbox_close(old);
  done = done && swap(path, made, &repair.result.aside, error);
  if (!done) remove_database(made);
  if (done) *ret_repair = repair.result;
  return done;
}

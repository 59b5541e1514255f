/* What was reported before: the fold of the outbox's submissions. */
#include "agent/outbox_private.h"

#include "common/error.h"
#include "common/text.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* One question: the units asked for, what is known of them so far, and up to which sequence a rebase replaced
 * it. */
struct fold {
  struct outbox *outbox;
  const struct catalogue *catalogue;
  int form;
  struct period period;
  const char *const *units;
  size_t count;
  struct prior *priors;
  uint64_t *rebased; /* 0: never */
};

/* Rebases of the range, ascending like the units. They replace whatever came up to the submission that was
 * stale. */
static void take_rebases(struct fold *fold)
{
  CLEANUP(db_end)
  struct db_row *row = db_query(fold->outbox->db, "SELECT unit, base, sequence FROM rebase WHERE form = ?"
                                                  " AND period = ? AND unit BETWEEN ? AND ? ORDER BY unit");
  db_bind_text(row, fold->catalogue->forms[fold->form].code);
  db_bind_int(row, period_key(fold->period));
  db_bind_text(row, fold->units[0]);
  db_bind_text(row, fold->units[fold->count - 1]);
  size_t i = 0;
  while (db_step(row)) {
    const char *unit = db_text(row, 0);
    while (i < fold->count && strcmp(fold->units[i], unit) < 0) i++;
    if (i == fold->count) break;
    if (strcmp(fold->units[i], unit) != 0) continue;
    size_t length;
    const uint8_t *base = db_blob(row, 1, &length);
    fold->rebased[i] = (uint64_t)db_int(row, 2);
    fold->priors[i].known = length != SUBMISSION_ID_SIZE; /* nothing is there, and that is known */
    fold->priors[i].exists = length == SUBMISSION_ID_SIZE;
    if (fold->priors[i].exists) memcpy(fold->priors[i].base, base, SUBMISSION_ID_SIZE);
  }
}

/* True if a report that asks these columns says everything there is to the form. */
static bool asks_all(const struct form *form, const struct column_set *asked)
{
  for (size_t i = 0; i < form->column_count; i++) {
    if (!form->columns[i].retired && !column_set_has(asked, (unsigned)i)) return false;
  }
  return true;
}

/* What a row of a submission made of its unit's report. */
struct effect {
  const uint8_t *base; /* the submission that holds the report now */
  bool made_elsewhere; /* another one holds it, which already says what this row asks */
  bool unsure;         /* it may have been refused */
};

static void keep_figures(struct prior *prior, const struct figures *figures)
{
  uint8_t packed[FIGURES_PACKED_MOST];
  size_t size = figures_pack_to(figures, packed);
  if (!prior->packed || size > prior->packed_size) {
    g_free(prior->packed);
    prior->packed = g_malloc(size);
  }
  memcpy(prior->packed, packed, size);
  prior->packed_size = (uint16_t)size;
}

static void fold_report(struct fold *fold, size_t unit, const struct submission_report *report,
                        const struct effect *effect)
{
  struct prior *prior = &fold->priors[unit];
  const struct report_change *change = &report->change;
  bool says_all =
      change->kind != KIND_FIGURES || asks_all(&fold->catalogue->forms[fold->form], &change->asked);
  /* Columns that were not asked are the other submission's: not those of the prior that we know. */
  bool is_other = effect->made_elsewhere &&
                  !(prior->exists && memcmp(prior->base, effect->base, SUBMISSION_ID_SIZE) == 0);
  struct figures figures;
  if (is_other || (!prior->known && says_all)) {
    figures_clear(&figures);
    prior->known = says_all;
  } else if (prior->known) {
    prior_figures(prior, &figures);
  }
  /* A blank over a present figure was never prepared; where it shows after a rebase, the aggregator judges.
   */
  if (prior->known && report_apply(&figures, change, &figures) != CHANGE_FITS) prior->known = false;
  if (effect->unsure) prior->known = false;
  if (prior->known) keep_figures(prior, &figures);
  prior->exists = true;
  prior->kind = change->kind;
  memcpy(prior->base, effect->base, SUBMISSION_ID_SIZE);
}

/* A row of a submission that made no revision. */
struct exception {
  uint32_t row;
  bool holds; /* unchanged: what it says is what the report is, by the revision `base` */
  uint8_t base[SUBMISSION_ID_SIZE];
};

/* True if a report that waits for its unit's registration was refused in the end: the application for it was
 * declined after the report had come. */
static bool was_declined(struct outbox *outbox, int64_t sequence, const char *unit)
{
  CLEANUP(db_end)
  struct db_row *row =
      db_query(outbox->db, "SELECT 1 FROM application WHERE unit = ? AND status = ? AND settled_at_ms >"
                           " (SELECT recorded_at_ms FROM submission WHERE sequence = ?)"
                           " AND state = (SELECT value FROM meta WHERE key = 'state')");
  db_bind_text(row, unit);
  db_bind_int(row, APPLICATION_IS_DECLINED);
  db_bind_int(row, sequence);
  return db_step(row);
}

/* What became of the unit's report in the submission that another one corrects. */
static enum verdict verdict_on(struct outbox *outbox, int64_t sequence, const char *unit,
                               uint8_t ret_base[SUBMISSION_ID_SIZE])
{
  CLEANUP(db_end)
  struct db_row *row =
      db_query(outbox->db, "SELECT verdict, expected FROM verdict WHERE sequence = ? AND unit = ?");
  db_bind_int(row, sequence);
  db_bind_text(row, unit);
  if (!db_step(row)) return VERDICT_IS_COUNTED;
  enum verdict verdict = (enum verdict)db_int(row, 0);
  bool has_base = text_unhex(db_text(row, 1), SUBMISSION_ID_SIZE, ret_base);
  if (verdict == VERDICT_IS_WAITING_UNIT)
    return was_declined(outbox, sequence, unit) ? VERDICT_IS_REFUSED : VERDICT_IS_COUNTED;
  return verdict == VERDICT_IS_WAITING && !has_base ? VERDICT_IS_COUNTED : verdict;
}

/* True if a report that waits for `base`, in hex, will never be counted: the base is ours and was refused, or
 * waits in vain itself. */
static bool waits_in_vain(struct outbox *outbox, const char *base_hex, const char *unit)
{
  uint8_t base[SUBMISSION_ID_SIZE];
  if (!text_unhex(base_hex, sizeof base, base)) return false;
  for (;;) {
    CLEANUP(db_end)
    struct db_row *row = db_query(outbox->db, "SELECT sequence, state FROM submission WHERE id = ?");
    db_bind_blob(row, base, sizeof base);
    if (!db_step(row) || db_int(row, 1) == STATE_UNANSWERED) return false; /* it may come yet */
    if (db_int(row, 1) != STATE_ANSWERED) return true;
    enum verdict verdict = verdict_on(outbox, db_int(row, 0), unit, base);
    if (verdict != VERDICT_IS_WAITING) return verdict != VERDICT_IS_COUNTED;
  }
}

/* The rows of the submission that made no revision, ascending. Waiting ones still may, unless they wait in
 * vain. */
static GArray *exceptions(struct outbox *outbox, uint64_t sequence)
{
  GArray *rows = g_array_new(FALSE, TRUE, sizeof(struct exception));
  CLEANUP(db_end)
  struct db_row *row = db_query(
      outbox->db,
      "SELECT row, verdict, expected, unit FROM verdict WHERE sequence = ? AND verdict <> ? ORDER BY row");
  db_bind_int(row, (int64_t)sequence);
  db_bind_int(row, VERDICT_IS_COUNTED);
  while (db_step(row)) {
    struct exception exception = {.row = (uint32_t)db_int(row, 0)};
    enum verdict verdict = (enum verdict)db_int(row, 1);
    if (verdict == VERDICT_IS_WAITING && !waits_in_vain(outbox, db_text(row, 2), db_text(row, 3))) continue;
    if (verdict == VERDICT_IS_WAITING_UNIT && !was_declined(outbox, (int64_t)sequence, db_text(row, 3)))
      continue;
    if (verdict == VERDICT_IS_UNCHANGED)
      exception.holds = text_unhex(db_text(row, 2), sizeof exception.base, exception.base);
    g_array_append_val(rows, exception);
  }
  return rows;
}

/* `incomplete`: not all that was refused is known yet. */
static void fold_submission(struct fold *fold, uint64_t sequence, const struct submission *submission,
                            const uint8_t id[SUBMISSION_ID_SIZE], bool incomplete)
{
  g_autoptr(GArray) rows = exceptions(fold->outbox, sequence);
  size_t unit = 0;
  guint next = 0;
  struct submission_report report;
  for (size_t n = 0; n < submission_size(submission); n++) {
    const struct exception *exception = NULL;
    if (next < rows->len && g_array_index(rows, struct exception, next).row == n)
      exception = &g_array_index(rows, struct exception, next++);
    submission_report(submission, n, &report);
    while (unit < fold->count && strcmp(fold->units[unit], report.unit) < 0) unit++;
    if (unit == fold->count) return;
    if (exception && !exception->holds) continue;
    if (sequence <= fold->rebased[unit] || strcmp(fold->units[unit], report.unit) != 0) continue;
    const struct effect effect = {.base = exception ? exception->base : id,
                                  .made_elsewhere = exception != NULL,
                                  .unsure = incomplete && !exception};
    fold_report(fold, unit, &report, &effect);
  }
}

/* The row: sequence, id, sealed, whether refusals are missing. */
static bool fold_row(struct fold *fold, struct db_row *row, GError **error)
{
  uint64_t sequence = (uint64_t)db_int(row, 0);
  size_t id_length, length;
  const uint8_t *id = db_blob(row, 1, &id_length);
  const uint8_t *sealed = db_blob(row, 2, &length);
  struct bytes_view payload;
  if (!outbox_check_content(fold->outbox, sequence, id, id_length, sealed, length, &payload, error))
    return false;
  CLEANUP(submission_free) struct submission *submission = submission_decode(payload.data, payload.length);
  if (!submission || submission_bind(submission, fold->catalogue, fold->form) != CATALOGUE_NONE) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_DATA,
                _("%s: submission %" PRIu64 " has columns that the catalogue does not know; ask the city "
                  "whether the catalogue lost any"),
                fold->outbox->path, sequence);
    return false;
  }
  fold_submission(fold, sequence, submission, id, db_int(row, 3) != 0);
  return true;
}

static bool fold_all(struct fold *fold, GError **error)
{
  /* The open statement holds one snapshot for the statements inside it too. */
  CLEANUP(db_end)
  struct db_row *row =
      db_query(fold->outbox->db,
               "SELECT s.sequence, s.id, c.sealed, s.refusals > s.refusals_kept FROM submission s JOIN batch "
               "b USING(batch) JOIN content c"
               " USING(sequence) WHERE s.form = ? AND s.period = ? AND s.first_unit <= ? AND s.last_unit >= ?"
               " AND s.state <> ? AND b.sendable ORDER BY s.sequence");
  db_bind_text(row, fold->catalogue->forms[fold->form].code);
  db_bind_int(row, period_key(fold->period));
  db_bind_text(row, fold->units[fold->count - 1]);
  db_bind_text(row, fold->units[0]);
  db_bind_int(row, STATE_REFUSED_WHOLE);
  bool first = true;
  while (db_step(row)) {
    if (first) take_rebases(fold);
    first = false;
    if (!fold_row(fold, row, error)) return false;
  }
  if (first) take_rebases(fold);
  return db_take_error(fold->outbox->db, error);
}

bool outbox_may_have_priors(struct outbox *outbox, const char *form, struct period period)
{
  CLEANUP(db_end)
  struct db_row *row =
      db_query(outbox->db, "SELECT EXISTS (SELECT 1 FROM submission WHERE form = ?1 AND period = ?2) OR"
                           " EXISTS (SELECT 1 FROM rebase WHERE form = ?1 AND period = ?2)");
  db_bind_text(row, form);
  db_bind_int(row, period_key(period));
  return !db_step(row) || db_int(row, 0) != 0;
}

void prior_figures(const struct prior *prior, struct figures *ret_figures)
{
  figures_clear(ret_figures);
  bool sound = !prior->packed || figures_unpack(prior->packed, prior->packed_size, ret_figures);
  assert(sound); /* of our own making */
  (void)sound;
}

struct prior *priors_new(size_t count)
{
  struct prior *priors = g_new0(struct prior, count);
  for (size_t i = 0; i < count; i++) priors[i].known = true; /* that there is nothing */
  return priors;
}

void priors_free(struct prior *priors, size_t count)
{
  for (size_t i = 0; i < count; i++) g_free(priors[i].packed);
  g_free(priors);
}

bool outbox_priors(struct outbox *outbox, const struct catalogue *catalogue, int form, struct period period,
                   const char *const *units, size_t count, struct prior *priors, GError **error)
{
  if (count == 0) return true;
  g_autofree uint64_t *rebased = g_new0(uint64_t, count);
  struct fold fold = {outbox, catalogue, form, period, units, count, priors, rebased};
  return fold_all(&fold, error);
}

/* Whether what the outbox holds is what was sealed, record by record. */
#include "agent/outbox_private.h"

#include "agent/sealed.h"
#include "common/error.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

#define PAGES_MOST "100" /* errors of pages that are told */
#define HASH_SHOWN 8     /* bytes */

struct check {
  struct outbox *outbox;
  const struct home *home;
  const char *name; /* of the file */
  outbox_damage_sink *sink;
  void *data;
  uint64_t damages, records;
  int64_t last; /* number of the submission before */
};

/* The submission that is looked at. */
struct subject {
  int64_t sequence;
  struct bytes_view id;
  const char *form;
  char period[PERIOD_TEXT_SIZE];
  const char *file; /* that it was made of; "" where that is not known */
  enum outbox_state state;
};

static void tell(struct check *check, bool is_note, char *line)
{
  check->damages += !is_note;
  check->sink(line, is_note, check->data);
  g_free(line);
}

/* What becomes of a submission that cannot be sent any more. */
static const char *advice_on(const struct subject *subject)
{
  if (subject->state == STATE_ANSWERED) return _("the city has it, so that nothing is lost");
  if (subject->state == STATE_REFUSED_WHOLE) return _("it was refused whole and is not sent any more");
  return _("it was not sent yet: push its file again once the outbox is repaired");
}

static void tell_of(struct check *check, const struct subject *subject, const char *found,
                    const char *expected)
{
  tell(check, false,
       g_strdup_printf(_("%s, submission %" PRId64 " (%s %s%s%s): found %s, expected %s; %s"), check->name,
                       subject->sequence, *subject->form ? subject->form : _("act"), subject->period,
                       *subject->file ? ", " : "", subject->file, found, expected, advice_on(subject)));
}

/* --- pages --- */

static void check_pages(struct check *check)
{
  struct db *db = check->outbox->db;
  {
    CLEANUP(db_end) struct db_row *row = db_query(db, "PRAGMA integrity_check(" PAGES_MOST ")");
    while (db_step(row)) {
      if (strcmp(db_text(row, 0), "ok") == 0) continue;
      g_autofree char *found = text_excerpt(db_text(row, 0), strlen(db_text(row, 0)), LIMIT_NAME_BYTES);
      tell(check, false,
           g_strdup_printf(_("%s: a page is damaged (%s); what follows says what of it can be read"),
                           check->name, found));
    }
  }
  char *why;
  if (!outbox_is_unreadable(db, &why)) return;
  tell(check, false, g_strdup_printf(_("%s: SQLite cannot read all pages (%s)"), check->name, why));
  g_free(why);
}

/* --- content --- */

static void check_content(struct check *check, const struct subject *subject, struct bytes_view sealed)
{
  struct sealed_own own;
  enum sealed_status status = sealed_open_own(check->home, sealed, &own);
  if (status != SEALED_GOOD) {
    tell_of(check, subject, sealed_meaning(status), _("a submission that this agent sealed"));
    return;
  }
  char period[PERIOD_TEXT_SIZE];
  if (subject->id.length != SUBMISSION_ID_SIZE ||
      memcmp(own.lost.id, subject->id.data, SUBMISSION_ID_SIZE) != 0) {
    g_autofree char *found = text_hex(own.lost.id, HASH_SHOWN);
    g_autofree char *expected = text_hex(subject->id.data, MIN(subject->id.length, HASH_SHOWN));
    tell_of(check, subject, found, expected);
  } else if (own.lost.sequence != (uint64_t)subject->sequence) {
    g_autofree char *found = g_strdup_printf(_("number %" PRIu64 " under the seal"), own.lost.sequence);
    tell_of(check, subject, found, _("the number that it stands under; a number belongs to one submission"));
  } else if (strcmp(own.lost.form, subject->form) != 0 ||
             strcmp(period_format(own.lost.period, period), subject->period) != 0) {
    g_autofree char *found = g_strdup_printf(_("%s %s under the seal"), own.lost.form, period);
    tell_of(check, subject, found, _("the form and period that it stands under"));
  }
  sealed_own_clear(&own);
}

static void look_for_content(struct check *check, const struct subject *subject)
{
  struct db *db = check->outbox->db;
  {
    CLEANUP(db_end) struct db_row *row = db_query(db, "SELECT sealed FROM content WHERE sequence = ?");
    db_bind_int(row, subject->sequence);
    if (db_step(row)) {
      struct bytes_view sealed;
      sealed.data = db_blob(row, 0, &sealed.length);
      check_content(check, subject, sealed);
      return;
    }
  }
  if (outbox_is_unreadable(db, NULL)) {
    tell_of(check, subject, _("pages that cannot be read"), _("a submission that this agent sealed"));
  } else if (subject->state == STATE_UNANSWERED) { /* of others a repair keeps what was left */
    tell_of(check, subject, _("nothing"), _("a submission that this agent sealed"));
  }
}

/* --- receipts --- */

static void tell_receipt(struct check *check, const struct subject *subject, const char *found)
{
  tell(check, false,
       g_strdup_printf(_("%s, receipt of submission %" PRId64
                         " (%s %s): found %s, expected its receipt, signed by the city; once the outbox is "
                         "repaired the submission is sent again, counts once, and gets the same receipt"),
                       check->name, subject->sequence, subject->form, subject->period, found));
}

static void check_receipt(struct check *check, const struct subject *subject, struct bytes_view sealed)
{
  CLEANUP(receipt_free) struct receipt *receipt = NULL;
  enum sealed_status status = sealed_open_receipt(check->home, sealed, &receipt);
  const char *found = NULL;
  if (status != SEALED_GOOD)
    found = sealed_meaning(status);
  else if (subject->id.length != SUBMISSION_ID_SIZE ||
           memcmp(receipt->submission.data, subject->id.data, SUBMISSION_ID_SIZE) != 0)
    found = _("the receipt of another submission");
  else if (subject->state != STATE_ANSWERED)
    found = _("a receipt of a submission that is taken for unanswered");
  if (found) tell_receipt(check, subject, found);
}

static void look_for_receipt(struct check *check, const struct subject *subject)
{
  struct db *db = check->outbox->db;
  {
    CLEANUP(db_end) struct db_row *row = db_query(db, "SELECT sealed FROM receipt WHERE sequence = ?");
    db_bind_int(row, subject->sequence);
    if (db_step(row)) {
      struct bytes_view sealed;
      sealed.data = db_blob(row, 0, &sealed.length);
      check_receipt(check, subject, sealed);
      return;
    }
  }
  bool unreadable = outbox_is_unreadable(db, NULL);
  if (unreadable || subject->state == STATE_ANSWERED)
    tell_receipt(check, subject, unreadable ? _("pages that cannot be read") : _("nothing"));
}

/* --- submissions --- */

static void note_numbers(struct check *check, int64_t sequence)
{
  if (sequence > check->last + 1 && check->last >= 0)
    tell(check, true,
         g_strdup_printf(_("%s: there are no submissions %" PRId64 " to %" PRId64
                           "; by itself that is no damage, for numbers of a file whose reading broke off are "
                           "never used again"),
                         check->name, check->last + 1, sequence - 1));
  check->last = sequence;
}

/* Of the file that the batch was made of; "" where that cannot be read. Newly allocated. */
static char *file_of(struct check *check, int64_t batch)
{
  g_autofree char *file = NULL;
  {
    CLEANUP(db_end)
    struct db_row *row = db_query(check->outbox->db, "SELECT file FROM batch WHERE batch = ?");
    db_bind_int(row, batch);
    if (db_step(row)) file = g_strdup(db_text(row, 0));
  }
  outbox_is_unreadable(check->outbox->db, NULL);
  return file ? g_steal_pointer(&file) : g_strdup("");
}

/* The row: sequence, id, form, period, state, batch. */
static void check_row(struct db_row *row, void *data)
{
  struct check *check = data;
  struct period period;
  g_autofree char *file = file_of(check, db_int(row, 5));
  struct subject subject = {.sequence = db_int(row, 0),
                            .form = db_text(row, 2),
                            .state = (enum outbox_state)db_int(row, 4),
                            .file = file};
  subject.id.data = db_blob(row, 1, &subject.id.length);
  if (period_from_key((int32_t)db_int(row, 3), &period)) period_format(period, subject.period);
  check->records++;
  note_numbers(check, subject.sequence);
  if (strcmp(subject.form, OUTBOX_FORM_LOST) != 0) look_for_content(check, &subject);
  look_for_receipt(check, &subject);
}

static void tell_gap(int64_t first, int64_t last, const char *why, void *data)
{
  struct check *check = data;
  tell(check, false,
       g_strdup_printf(_("%s: submissions %" PRId64 " to %" PRId64
                         " cannot be read (%s); “park-agent outbox check --repair” looks for them in what is "
                         "left of the pages"),
                       check->name, first, last, why));
  check->last = last;
}

/* The row: a number that the table of submissions does not know. */
static void tell_orphan(struct db_row *row, void *data)
{
  struct check *check = data;
  tell(check, false,
       g_strdup_printf(
           _("%s: something stands under submission %" PRId64
             ", of which the list of submissions knows nothing; “park-agent outbox check --repair” "
             "takes it back"),
           check->name, db_int(row, 0)));
}

static void pass_over_gap(int64_t first, int64_t last, const char *why, void *data)
{
  (void)first, (void)last, (void)why, (void)data; /* told before, of its submission */
}

static void check_counter(struct check *check)
{
  struct db *db = check->outbox->db;
  int64_t next = 0;
  {
    CLEANUP(db_end) struct db_row *row = db_query(db, "SELECT value FROM meta WHERE key = 'sequence'");
    if (db_step(row)) next = db_int(row, 0);
  }
  if (outbox_is_unreadable(db, NULL) || next >= check->last) return;
  tell(
      check, false,
      g_strdup_printf(_("%s: found %" PRId64 " as the last number given, expected %" PRId64
                        " or more: a number would be given twice, which the city refuses; “park-agent outbox "
                        "check --repair” mends it"),
                      check->name, next, check->last));
}

static bool check_all(struct check *check, GError **error)
{
  struct db *db = check->outbox->db;
  int64_t last = outbox_last_key(db, false);
  check_pages(check);
  if (!outbox_walk(db,
                   "SELECT sequence, id, form, period, state, batch FROM submission"
                   " WHERE sequence BETWEEN ? AND ? ORDER BY sequence",
                   1, last, check_row, tell_gap, check, error) ||
      !outbox_walk(db,
                   "SELECT sequence FROM content WHERE sequence BETWEEN ? AND ? AND sequence NOT IN"
                   " (SELECT sequence FROM submission) ORDER BY sequence",
                   1, last, tell_orphan, pass_over_gap, check, error) ||
      !outbox_walk(db,
                   "SELECT sequence FROM receipt WHERE sequence BETWEEN ? AND ? AND sequence NOT IN"
                   " (SELECT sequence FROM submission) ORDER BY sequence",
                   1, last, tell_orphan, pass_over_gap, check, error))
    return false;
  check_counter(check);
  return db_take_error(db, error);
}

bool outbox_check(const char *path, const struct home *home, outbox_damage_sink *sink, void *data,
                  uint64_t *ret_damages, uint64_t *ret_records, GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autofree char *name = g_path_get_basename(path);
  CLEANUP(outbox_close) struct outbox *outbox = outbox_open_to_look(path, &failure);
  struct check check = {.outbox = outbox, .home = home, .name = name, .sink = sink, .data = data};
  if (!outbox && failure->code != ERROR_DATA) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
  }
  if (!outbox)
    tell(
        &check, false,
        g_strdup_printf(_("%s cannot be opened (%s); “park-agent outbox check --repair” looks for records in "
                          "what is left of the pages"),
                        name, failure->message));
  else {
    db_begin(outbox->db); /* one moment, beside a service that goes on */
    bool done = check_all(&check, error);
    db_rollback(outbox->db);
    if (!done) return false;
  }
  *ret_damages = check.damages;
  *ret_records = check.records;
  return true;
}

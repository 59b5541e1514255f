#include "aggregator/posting_private.h"

#include "aggregator/hindsight.h"
#include "aggregator/store/applications.h"
#include "aggregator/store/inquiries.h"
#include "common/decimal.h"
#include "common/error.h"
#include "common/rule.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

void posting_init(struct posting *posting)
{
  memset(posting, 0, sizeof *posting);
  posting->exceptions = g_array_new(FALSE, TRUE, sizeof(struct refusal));
  posting->releases = g_array_new(FALSE, TRUE, sizeof(struct release));
  posting->texts = g_string_chunk_new(4096);
}

void posting_clear(struct posting *posting)
{
  posting->first = 0;
  posting->counted = posting->unchanged = posting->stale = posting->waiting = posting->refused = 0;
  g_array_set_size(posting->exceptions, 0);
  g_array_set_size(posting->releases, 0);
  g_string_chunk_clear(posting->texts);
}

void posting_finish(struct posting *posting)
{
  g_array_unref(posting->exceptions);
  g_array_unref(posting->releases);
  g_string_chunk_free(posting->texts);
}

/* --- what is there --- */

void posting_find_present(const struct target_book *book, struct arrival *arrival)
{
  const struct report_change *change = &arrival->report.change;

  arrival->present = store_reports(book->store, book->book, arrival->report.unit, &arrival->present_count);
  arrival->own = NULL;
  figures_clear(&arrival->current);
  for (size_t n = 0; n < arrival->present_count; n++)
    if (strcmp(arrival->present[n].park, book->park) == 0) arrival->own = &arrival->present[n];
  if (arrival->own)
    (void)figures_unpack(arrival->own->figures, arrival->own->figures_length,
                         &arrival->current); /* checksummed */
  arrival->blank = report_apply(&arrival->current, change, &arrival->merged);
}

/* --- the rules of the catalogue --- */

/* Whether a rule refuses what the report comes to: a quasi-mandatory one does unless the bureau consented. */
static bool breaks_rule(struct target_book *book, struct arrival *arrival, enum rule_scope scope,
                        const struct figures *after)
{
  struct rule_breach *breach = &arrival->breach;
  size_t next = 0;

  breach->rule = NULL;
  if (!book->live || arrival->report.change.kind != KIND_FIGURES) return false;
  history_window_facts(book->past, arrival->row, &book->facts);
  book->facts.figures[TENSE_NOW] = after;
  while (rule_next_breach(book->form, scope, RULE_QUASI, &book->facts, &next, breach))
    if (breach->rule->weight == RULE_MANDATORY ||
        !store_has_consent(book->store, book->form->code, book->period, arrival->report.unit,
                           breach->rule->code, book->park))
      return true;
  breach->rule = NULL;
  return false;
}

/* --- the verdict --- */

static bool says_the_same(const struct arrival *arrival)
{
  return arrival->own && arrival->own->kind == arrival->report.change.kind && arrival->blank == CHANGE_FITS &&
         figures_equal(&arrival->current, &arrival->merged);
}

enum verdict posting_decide(struct target_book *book, struct arrival *arrival)
{
  const struct submission_report *report = &arrival->report;
  uint64_t base;

  if (report->has_base) {
    if (!store_submission_position(book->ledger, report->base, &base) || base > book->since)
      return VERDICT_IS_WAITING;
    if (!arrival->own || arrival->own->position != base) {
      if (says_the_same(arrival)) return VERDICT_IS_UNCHANGED;
      return store_is_waiting(book->store, base, report->unit) ? VERDICT_IS_WAITING : VERDICT_IS_STALE;
    }
  } else if (arrival->own) {
    return says_the_same(arrival) ? VERDICT_IS_UNCHANGED : VERDICT_IS_STALE;
  }
  if (arrival->blank != CHANGE_FITS) return VERDICT_IS_REFUSED;
  if (report->change.kind == KIND_WITHDRAWAL && !arrival->own) return VERDICT_IS_REFUSED;
  if (says_the_same(arrival)) return VERDICT_IS_UNCHANGED;
  return breaks_rule(book, arrival, RULES_ALL, &arrival->merged) ? VERDICT_IS_REFUSED : VERDICT_IS_COUNTED;
}

/* --- the tables --- */

/* The version that governs a report, by the register in use: known where the submission was judged by it. */
static const struct unit_version *find_version(struct target_book *book, const struct arrival *arrival)
{
  const struct judged *judged = book->judged;
  const struct unit_register *units = tables_register(book->tables);

  if (judged->versions && judged->snapshot->units == units) return judged->versions[arrival->row];
  return register_version_near(units, arrival->report.unit, book->period, &book->near);
}

/* The figures after the change. Where they are just what the submission says, in the form's order, they are
 * taken as they came, and the store need not keep what the ledger has. */
static void pack(const struct target_book *book, const struct arrival *arrival, const struct figures *after,
                 uint8_t ret_packed[static FIGURES_PACKED_MOST], struct stored_report *report)
{
  const struct submission_report *said = &arrival->report;
  const struct column_set *present = &said->change.figures.present;
  bool as_said = said->packed && said->change.kind == KIND_FIGURES &&
                 memcmp(present, &after->present, sizeof *present) == 0;

  report->figures = ret_packed;
  if (!as_said) {
    report->figures_length = figures_pack_to(after, ret_packed);
    return;
  }
  report->figures_length = figures_pack_varints(present, said->packed, said->packed_length, ret_packed);
  report->sealed_length = (uint32_t)said->packed_length;
  report->sealed_at =
      (uint32_t)(said->packed - (const uint8_t *)g_bytes_get_data(book->judged->sealed, NULL));
}

/* A new revision. */
static void put(struct target_book *book, const struct arrival *arrival)
{
  const struct stored_report *own = arrival->own;
  uint8_t packed[FIGURES_PACKED_MOST];
  struct stored_report report = {
      .book = book->book,
      .unit = arrival->report.unit,
      .place = own ? own->place : (unsigned)arrival->present_count,
      .park = book->park,
      .revision = own ? own->revision + 1 : 1,
      .kind = arrival->report.change.kind,
      .position = book->position,
      .row = arrival->row,
      .since = book->since,
      .first = own ? own->first : book->position,
  };

  pack(book, arrival, &arrival->merged, packed, &report);
  tables_put(book->tables, &report, &arrival->merged, find_version(book, arrival), arrival->present,
             arrival->present_count);
}

/* Most reports are the first of their unit, from any park: they are put without a look at what is there, and
 * the figures as they came. False, and nothing done, if there is something, the report is about one, or a
 * rule refuses it. */
static bool put_first(struct target_book *book, struct arrival *arrival)
{
  static const struct figures NONE;
  const struct submission_report *report = &arrival->report;
  const struct report_change *change = &report->change;
  const struct judged *judged = book->judged;
  bool is_sound = judged->sound && judged->sound[arrival->row];
  bool is_upheld = book->hindsight && judged->upheld[arrival->row];
  const struct figures *after;
  uint8_t packed[FIGURES_PACKED_MOST];
  struct stored_report first = {
      .book = book->book,
      .unit = report->unit,
      .park = book->park,
      .revision = 1,
      .kind = change->kind,
      .position = book->position,
      .row = arrival->row,
      .first = book->position,
  };

  if (report->has_base || change->kind == KIND_WITHDRAWAL) return false;
  after = change->kind == KIND_FIGURES ? &change->figures : &NONE; /* over nothing, any change fits */
  if (!is_upheld && breaks_rule(book, arrival, is_sound ? RULES_BACK : RULES_ALL, after)) return false;
  pack(book, arrival, after, packed, &first);
  return tables_put_first(book->tables, &first, after, find_version(book, arrival));
}

void posting_carry_out(struct target_book *book, const struct arrival *arrival, enum verdict verdict)
{
  if (verdict == VERDICT_IS_COUNTED)
    put(book, arrival);
  else if (verdict == VERDICT_IS_WAITING)
    store_waiting_add(book->store, arrival->report.base, book->position, arrival->row, arrival->report.unit);
  else if (verdict == VERDICT_IS_WAITING_UNIT)
    store_waiting_unit_add(book->store, arrival->report.unit, book->park, book->book, book->position,
                           arrival->row);
}

bool posting_open_book(struct target_book *book, struct store *store, struct tables *tables,
                       const struct judged *judged, uint64_t position, bool live)
{
  memset(book, 0, sizeof *book);
  book->store = book->ledger = store;
  book->tables = tables;
  book->judged = judged;
  book->live = live;
  book->facts.month = period_last_month(judged->period);
  book->catalogue = judged->catalogue;
  book->form = &judged->catalogue->forms[judged->form];
  book->period = judged->period;
  book->park = judged->agent->stored.area;
  book->position = book->since = position;
  book->book = store_book(store, book->form->code, judged->period);
  return !store_error(store);
}

/* --- live: exceptions and releases are found --- */

void posting_refuse(struct posting *posting, const struct refusal *refusal)
{
  struct refusal kept = *refusal;

  kept.rule = g_string_chunk_insert_const(posting->texts, refusal->rule);
  kept.unit = g_string_chunk_insert_const(posting->texts, refusal->unit);
  kept.found = g_string_chunk_insert_const(posting->texts, refusal->found ? refusal->found : "");
  kept.expected = g_string_chunk_insert_const(posting->texts, refusal->expected ? refusal->expected : "");
  if (!kept.indicator) kept.indicator = "";
  g_array_append_val(posting->exceptions, kept);
}

static char *submission_hex_at(struct store *store, uint64_t position)
{
  uint8_t id[SUBMISSION_ID_SIZE] = {0};

  if (!store_submission_at(store, position, id)) return g_strdup("");
  return text_hex(id, sizeof id);
}

/* Why a report was not counted, in the words of a refusal. */
static void explain(struct posting *posting, const struct target_book *book, const struct arrival *arrival,
                    enum verdict verdict)
{
  struct refusal refusal = {.row = arrival->row, .unit = arrival->report.unit, .verdict = verdict};
  char number[DECIMAL_TEXT_SIZE];
  g_autofree char *base =
      arrival->report.has_base ? text_hex(arrival->report.base, SUBMISSION_ID_SIZE) : NULL;
  g_autofree char *holder = NULL;

  g_autofree char *rule = NULL;

  if (verdict == VERDICT_IS_REFUSED && arrival->breach.rule) {
    const struct rule_breach *breach = &arrival->breach;

    rule =
        finding_rule_id(breach->rule->weight == RULE_MANDATORY ? FINDING_RULE_MANDATORY : FINDING_RULE_QUASI,
                        breach->rule->code);
    refusal.rule = rule;
    if (breach->failure.column >= 0) refusal.indicator = book->form->columns[breach->failure.column].code;
    refusal.found = breach->failure.found;
    refusal.expected = breach->failure.expected;
  } else if (verdict == VERDICT_IS_REFUSED && arrival->blank != CHANGE_FITS) {
    refusal.rule = finding_id(FINDING_VALUE_BLANK);
    const struct column *column = &book->form->columns[arrival->blank];

    refusal.indicator = column->code;
    refusal.expected = decimal_format(arrival->current.value[arrival->blank],
                                      book->catalogue->indicators[column->indicator].decimals, number);
  } else if (verdict == VERDICT_IS_REFUSED) {
    refusal.rule = finding_id(FINDING_REPORT_NOTHING);
  } else {
    refusal.rule = finding_id(verdict == VERDICT_IS_STALE       ? FINDING_REPORT_STALE
                              : verdict == VERDICT_IS_UNCHANGED ? FINDING_REPORT_UNCHANGED
                                                                : FINDING_REPORT_WAITING);
    holder = arrival->own ? submission_hex_at(book->store, arrival->own->position) : NULL;
    refusal.found = base;
    refusal.expected = verdict == VERDICT_IS_WAITING ? base : holder;
  }
  posting_refuse(posting, &refusal);
}

static void count_verdict(struct posting *posting, enum verdict verdict)
{
  switch (verdict) {
  case VERDICT_IS_COUNTED:
    posting->counted++;
    break;
  case VERDICT_IS_UNCHANGED:
    posting->unchanged++;
    break;
  case VERDICT_IS_STALE:
    posting->stale++;
    break;
  case VERDICT_IS_WAITING:
  case VERDICT_IS_WAITING_UNIT:
    posting->waiting++;
    break;
  case VERDICT_IS_REFUSED:
    posting->refused++;
    break;
  }
}

/* Whether the report waits because its unit's registration is applied for. */
static bool waits_for_unit(const struct target_book *book, const struct row_refusal *found, const char *unit)
{
  return (found->code == FINDING_UNIT_UNKNOWN || found->code == FINDING_UNIT_ELSEWHERE) &&
         store_is_applied_for(book->store, book->park, unit);
}

/* A report that a rule refuses does not come to the tables, but may wait. */
static void refuse_by_rule(struct posting *posting, struct target_book *book, const struct row_refusal *found)
{
  const struct judged *judged = book->judged;
  struct arrival arrival = {.row = found->row};
  struct rule_result why;
  struct refusal refusal = {
      .row = found->row,
      .rule = finding_id(found->code),
      .found = why.found,
      .expected = why.expected,
      .verdict = VERDICT_IS_REFUSED,
  };

  judged_explain(judged, found, &why);
  submission_report(judged->submission, found->row, &arrival.report);
  refusal.unit = arrival.report.unit;
  if (found->column != CATALOGUE_NONE)
    refusal.indicator = judged->catalogue->forms[judged->form].columns[found->column].code;
  if (waits_for_unit(book, found, refusal.unit)) {
    refusal.rule = finding_id(FINDING_UNIT_WAITING);
    refusal.verdict = VERDICT_IS_WAITING_UNIT;
    posting_carry_out(book, &arrival, refusal.verdict);
  }
  posting_refuse(posting, &refusal);
  count_verdict(posting, refusal.verdict);
}

static void post_reports(struct posting *posting, struct target_book *book, const struct judged *judged)
{
  size_t count = submission_size(judged->submission);
  CLEANUP(history_window_free)
  struct history_window *past = history_window_new(book->store, judged, HISTORY_ROWS);
  struct arrival arrival;
  unsigned refused = 0;

  book->past = past;
  book->hindsight = hindsight_holds(book->store, judged);
  for (size_t n = 0; n < count && !store_error(book->store); n++) {
    enum verdict verdict;

    if (refused < judged->refusals->len &&
        g_array_index(judged->refusals, struct row_refusal, refused).row == n) {
      refuse_by_rule(posting, book, &g_array_index(judged->refusals, struct row_refusal, refused++));
      continue;
    }
    arrival.row = (uint32_t)n;
    submission_report(judged->submission, n, &arrival.report);
    arrival.breach.rule = NULL;
    verdict = VERDICT_IS_COUNTED;
    arrival.own = NULL;
    if (!put_first(book, &arrival)) {
      posting_find_present(book, &arrival);
      verdict = posting_decide(book, &arrival);
      posting_carry_out(book, &arrival, verdict);
    }
    posting->first += verdict == VERDICT_IS_COUNTED && !arrival.own;
    count_verdict(posting, verdict);
    if (verdict != VERDICT_IS_COUNTED) explain(posting, book, &arrival, verdict);
  }
}

void posting_run(struct posting *posting, struct store *store, struct tables *tables,
                 struct snapshot *snapshot, const struct judged *judged, uint64_t position)
{
  struct target_book book;

  posting_clear(posting);
  if (!posting_open_book(&book, store, tables, judged, position, true)) return;
  store_leaf_coming(store, position, g_bytes_get_data(judged->sealed, NULL),
                    g_bytes_get_size(judged->sealed));
  post_reports(posting, &book, judged);
  store_submission_add(store, judged->id, position, judged->agent->stored.id,
                       submission_head(judged->submission)->sequence);
  posting_release_based(posting, store, tables, snapshot, judged->id, position);
}

/* --- replay: verdicts are taken from the leaf --- */

static void replay_reports(struct target_book *book, const struct judged *judged, const struct leaf *leaf)
{
  struct arrival arrival;
  size_t exception = 0;

  for (size_t n = 0; n < submission_size(judged->submission) && !store_error(book->store); n++) {
    enum verdict verdict = VERDICT_IS_COUNTED;

    if (exception < leaf->submission.exception_count && leaf->submission.exceptions[exception].row == n)
      verdict = leaf->submission.exceptions[exception++].verdict;
    if (verdict != VERDICT_IS_COUNTED && verdict != VERDICT_IS_WAITING && verdict != VERDICT_IS_WAITING_UNIT)
      continue;
    arrival.row = (uint32_t)n;
    submission_report(judged->submission, n, &arrival.report);
    if (verdict == VERDICT_IS_COUNTED && put_first(book, &arrival)) continue;
    posting_find_present(book, &arrival);
    posting_carry_out(book, &arrival, verdict);
  }
}

/* What no rule of the catalogue and no register has a say in. */
static bool follows_from_the_ledger(const struct refusal *exception)
{
  if (!exception) return true;
  if (exception->verdict == VERDICT_IS_WAITING_UNIT) return false;
  return exception->verdict != VERDICT_IS_REFUSED ||
         strcmp(exception->rule, finding_id(FINDING_VALUE_BLANK)) == 0 ||
         strcmp(exception->rule, finding_id(FINDING_REPORT_NOTHING)) == 0;
}

void posting_check(struct store *store, struct store *ledger, struct tables *tables,
                   struct snapshot *snapshot, const struct leaf *leaf, uint64_t position,
                   posting_doubt *doubt, void *data)
{
  CLEANUP(judged_free)
  struct judged *judged =
      judge_recorded(snapshot, leaf->submission.sealed.data, leaf->submission.sealed.length);
  const struct refusal *exceptions = leaf->submission.exceptions;
  struct target_book book;
  size_t next = 0;

  if (!judged || !posting_open_book(&book, store, tables, judged, position, false)) return; /* told later */
  book.ledger = ledger;
  for (size_t n = 0; n < submission_size(judged->submission) && !store_error(store); n++) {
    bool excepted = next < leaf->submission.exception_count && exceptions[next].row == n;
    const struct refusal *exception = excepted ? &exceptions[next++] : NULL;
    enum verdict recorded = exception ? exception->verdict : VERDICT_IS_COUNTED, expected;
    struct arrival arrival = {.row = (uint32_t)n};

    if (!follows_from_the_ledger(exception)) continue;
    submission_report(judged->submission, n, &arrival.report);
    posting_find_present(&book, &arrival);
    expected = posting_decide(&book, &arrival);
    if (expected != recorded) doubt(arrival.row, arrival.report.unit, recorded, expected, data);
  }
}

bool posting_replay(struct store *store, struct store *ledger, struct tables *tables,
                    struct snapshot *snapshot, const struct leaf *leaf, uint64_t position, GError **error)
{
  CLEANUP(judged_free)
  struct judged *judged =
      judge_recorded(snapshot, leaf->submission.sealed.data, leaf->submission.sealed.length);
  struct target_book book;

  if (!judged) return posting_damaged(position, error);
  if (!posting_open_book(&book, store, tables, judged, position, false)) return true; /* told at the commit */
  replay_reports(&book, judged, leaf);
  return posting_replay_releases(store, ledger, tables, snapshot, leaf->submission.releases,
                                 leaf->submission.release_count, position, error);
}

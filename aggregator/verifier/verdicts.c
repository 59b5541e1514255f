/* Checks verdicts (proto/README.md, "Receipts and verdicts"; DOMAIN: a report names the revision it corrects,
 * one built on a stale base never wins): a report that counted is the first of its unit, form and period by
 * its park or names the current one, what is unchanged says the same, what is stale does not name the current
 * one. Refusals by rules are taken as they are: a refused report contributes nothing. */
#include "aggregator/verifier/verdicts_private.h"

#include "common/finding.h"
#include "common/rule.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

static const char *verdict_name(enum verdict verdict)
{
  static const char *const names[] = {
      [VERDICT_IS_COUNTED] = N_("counted"), [VERDICT_IS_UNCHANGED] = N_("the same"),
      [VERDICT_IS_STALE] = N_("stale"),     [VERDICT_IS_WAITING] = N_("waiting for its base"),
      [VERDICT_IS_REFUSED] = N_("refused"), [VERDICT_IS_WAITING_UNIT] = N_("waiting for its unit"),
  };
  return _(names[verdict]);
}

/* --- what is decided by what is there --- */

void verdicts_meet(struct arrival *arrival)
{
  arrival->own = book_report(arrival->book, arrival->unit, arrival->park);
  figures_clear(&arrival->now);
  figures_clear(&arrival->merged);
  if (arrival->own) (void)figures_unpack(arrival->own->packed, arrival->own->length, &arrival->now);
  arrival->fits = report_apply(&arrival->now, arrival->change, &arrival->merged) == CHANGE_FITS;
}

static bool says_the_same(const struct arrival *arrival)
{
  return arrival->own && arrival->own->kind == arrival->change->kind && arrival->fits &&
         figures_equal(&arrival->now, &arrival->merged);
}

enum verdict verdicts_decide(const struct rebuilt *rebuilt, const struct arrival *arrival)
{
  if (arrival->base) {
    void *base;
    if (!g_hash_table_lookup_extended(rebuilt->ids, arrival->base, NULL, &base)) return VERDICT_IS_WAITING;
    if (!arrival->own || arrival->own->position != (uint64_t)(uintptr_t)base) {
      if (says_the_same(arrival)) return VERDICT_IS_UNCHANGED;
      return reports_is_waiting(rebuilt->reports, (uint64_t)(uintptr_t)base, arrival->unit)
                 ? VERDICT_IS_WAITING
                 : VERDICT_IS_STALE;
    }
  } else if (arrival->own) {
    return says_the_same(arrival) ? VERDICT_IS_UNCHANGED : VERDICT_IS_STALE;
  }
  if (!arrival->fits || (arrival->change->kind == KIND_WITHDRAWAL && !arrival->own))
    return VERDICT_IS_REFUSED;
  return says_the_same(arrival) ? VERDICT_IS_UNCHANGED : VERDICT_IS_COUNTED;
}

enum finding_code verdicts_objection(const struct rebuilt *rebuilt, const struct catalogue *catalogue,
                                     const struct arrival *arrival)
{
  struct rule_context context = {.catalogue = catalogue,
                                 .units = rebuilt->units,
                                 .form = catalogue_form(catalogue, arrival->book->form),
                                 .period = arrival->book->period,
                                 .area = catalogue_area(catalogue, arrival->park)};
  struct rule_result result;
  rule_check_report(&context, arrival->unit, arrival->change, &result);
  return result.code;
}

/* --- and what was recorded --- */

void verdicts_expect(struct rebuilt *rebuilt, const struct arrival *arrival, enum verdict found,
                     enum verdict expected)
{
  if (found == expected || (found == VERDICT_IS_REFUSED && expected == VERDICT_IS_COUNTED)) return;
  faults_add(rebuilt->faults, rebuilt->leaf,
             _("the report about %s (leaf %" PRIu64 ", row %" PRIu32 ") is recorded as %s, expected %s"),
             arrival->unit, arrival->position, arrival->row, verdict_name(found), verdict_name(expected));
}

/* Whether the report may have this verdict when it comes. */
static void check_arrival(struct rebuilt *rebuilt, const struct catalogue *catalogue,
                          const struct arrival *arrival, enum verdict found)
{
  if (found == VERDICT_IS_REFUSED) return;
  enum finding_code objection = verdicts_objection(rebuilt, catalogue, arrival);
  if (found == VERDICT_IS_WAITING_UNIT) {
    bool unregistered = objection == FINDING_UNIT_UNKNOWN || objection == FINDING_UNIT_ELSEWHERE;
    if (!unregistered || !rebuilt_is_applied_for(rebuilt, arrival->park, arrival->unit))
      faults_add(rebuilt->faults, rebuilt->leaf,
                 _("the report about %s waits for a registration that nobody awaits"), arrival->unit);
    return;
  }
  if (objection != FINDING_COUNT)
    faults_add(rebuilt->faults, rebuilt->leaf,
               _("the report about %s is recorded as %s, expected a refusal: %s"), arrival->unit,
               verdict_name(found), finding_text(objection));
  else
    verdicts_expect(rebuilt, arrival, found, verdicts_decide(rebuilt, arrival));
}

void verdicts_put(struct rebuilt *rebuilt, const struct arrival *arrival)
{
  if (!arrival->fits) return; /* it was said */
  book_put(rebuilt->reports, arrival->book, arrival->unit, arrival->park, arrival->change->kind,
           &arrival->merged, arrival->position);
  if (!g_hash_table_contains(rebuilt->names, arrival->unit))
    g_hash_table_add(rebuilt->names, g_strdup(arrival->unit));
}

/* --- a submission --- */

/* The catalogue that it names; NULL, and it is said, if nothing can be made of the reports. */
static const struct catalogue *check_head(struct rebuilt *rebuilt, const struct party *party,
                                          struct submission *submission)
{
  const struct submission_head *head = submission_head(submission);
  const struct catalogue *catalogue = g_hash_table_lookup(rebuilt->catalogues, head->catalogue_hash);
  int form = catalogue ? catalogue_form(catalogue, head->form) : CATALOGUE_NONE;
  if (form == CATALOGUE_NONE || submission_bind(submission, catalogue, form) != CATALOGUE_NONE ||
      catalogue_area(catalogue, party->area) == CATALOGUE_NONE) {
    faults_add(rebuilt->faults, rebuilt->leaf,
               _("it names a catalogue, form or column that the ledger does not have"));
    return NULL;
  }
  g_autofree char *objection = catalogue_period_objection(catalogue, form, submission_period(submission));
  if (objection)
    faults_add(rebuilt->faults, rebuilt->leaf, _("found %s, form %s expects %s"), head->period, head->form,
               objection);
  if (!party_may_report(party, rebuilt->catalogue, head->form))
    faults_add(rebuilt->faults, rebuilt->leaf, _("agent %s has no right to form %s"), party->id, head->form);
  if (rebuilt_is_closed(rebuilt, head->form, submission_period(submission),
                        catalogue_area(rebuilt->catalogue, party->area)))
    faults_add(rebuilt->faults, rebuilt->leaf, _("%s of form %s was closed for %s before"), head->period,
               head->form, party->area);
  return catalogue;
}

/* The recorded verdict of a row: that of the next exception, if it is this row's. */
static enum verdict recorded_verdict(struct rebuilt *rebuilt, const struct leaf *leaf, size_t row,
                                     const char *unit, size_t *next)
{
  if (*next >= leaf->submission.exception_count) return VERDICT_IS_COUNTED;
  const struct refusal *exception = &leaf->submission.exceptions[*next];
  if (exception->row != row) return VERDICT_IS_COUNTED;
  ++*next;
  if (strcmp(exception->unit, unit) != 0 || exception->verdict == VERDICT_IS_COUNTED)
    faults_add(rebuilt->faults, rebuilt->leaf, _("what is recorded of row %zu is not about its report"), row);
  return exception->verdict;
}

static void keep_waiting(struct rebuilt *rebuilt, const struct catalogue *catalogue,
                         const struct arrival *arrival, const struct submission_report *report,
                         const uint8_t id[static SUBMISSION_ID_SIZE], bool for_unit)
{
  struct undecided *waiting = undecided_new(report);
  waiting->position = arrival->position;
  waiting->row = arrival->row;
  waiting->for_unit = for_unit;
  waiting->book = arrival->book;
  waiting->park = g_strdup(arrival->park);
  waiting->catalogue = catalogue;
  memcpy(waiting->id, id, sizeof waiting->id);
  reports_wait(rebuilt->reports, waiting);
}

bool verdicts_submission(struct rebuilt *rebuilt, const struct party *party, struct submission *submission,
                         const struct leaf *leaf, struct said *said)
{
  const struct catalogue *catalogue = check_head(rebuilt, party, submission);
  size_t next = 0;
  if (!catalogue) return false;
  struct book *book =
      reports_book(rebuilt->reports, submission_head(submission)->form, submission_period(submission));
  for (size_t row = 0; row < submission_size(submission); row++) {
    struct submission_report report;
    submission_report(submission, row, &report);
    struct arrival arrival = {.book = book,
                              .unit = report.unit,
                              .park = party->area,
                              .position = rebuilt->leaf,
                              .row = (uint32_t)row,
                              .change = &report.change,
                              .base = report.has_base ? report.base : NULL};
    enum verdict found = recorded_verdict(rebuilt, leaf, row, report.unit, &next);
    verdicts_meet(&arrival);
    check_arrival(rebuilt, catalogue, &arrival, found);
    said->verdicts[found]++;
    rebuilt->verdicts[found]++;
    if (found == VERDICT_IS_COUNTED) verdicts_put(rebuilt, &arrival);
    if (found == VERDICT_IS_WAITING || found == VERDICT_IS_WAITING_UNIT)
      keep_waiting(rebuilt, catalogue, &arrival, &report, said->id, found == VERDICT_IS_WAITING_UNIT);
  }
  if (next < leaf->submission.exception_count)
    faults_add(rebuilt->faults, rebuilt->leaf,
               _("verdicts are recorded of rows that are not there, or in no order"));
  return true;
}

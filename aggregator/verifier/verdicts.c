/* Checks verdicts (proto/README.md, "Receipts and verdicts"; DOMAIN: a report names the revision it corrects,
 * one built on a stale base never wins): a report that counted is the first of its unit, form and period by
 * its park or names the current one, what is unchanged says the same, what is stale does not name the current
 * one, and what waited is let go when that came which it waited for, in order. Refusals by rules are taken as
 * they are: a refused report contributes nothing. */
#include "aggregator/verifier/verdicts.h"

#include "common/finding.h"
#include "common/rule.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

/* A report as it meets what is there. */
struct arrival {
  struct book *book;
  const char *unit, *park;
  uint64_t position; /* its leaf and row */
  uint32_t row;
  const struct report_change *change;
  const uint8_t *base; /* or NULL */
  const struct current *own;
  struct figures now, merged;
  bool fits; /* it leaves no figure blank that was reported */
};

static const char *verdict_name(enum verdict verdict)
{
  static const char *const names[] = {
      [VERDICT_IS_COUNTED] = N_("counted"), [VERDICT_IS_UNCHANGED] = N_("unchanged"),
      [VERDICT_IS_STALE] = N_("stale"),     [VERDICT_IS_WAITING] = N_("waiting for its base"),
      [VERDICT_IS_REFUSED] = N_("refused"), [VERDICT_IS_WAITING_UNIT] = N_("waiting for its unit"),
  };
  return _(names[verdict]);
}

/* --- what is decided by what is there --- */

static void meet(struct arrival *arrival)
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

/* VERDICT_IS_COUNTED: it counts, unless a rule refuses it. */
static enum verdict verdict_of(const struct rebuilt *rebuilt, const struct arrival *arrival)
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

/* What must hold of the report whatever else was reported: FINDING_COUNT, or what refuses it. */
static enum finding_code objection_to(const struct rebuilt *rebuilt, const struct catalogue *catalogue,
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

static void expect(struct rebuilt *rebuilt, const struct arrival *arrival, enum verdict found,
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
  enum finding_code objection = objection_to(rebuilt, catalogue, arrival);
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
    expect(rebuilt, arrival, found, verdict_of(rebuilt, arrival));
}

/* Does what was recorded. */
static void put(struct rebuilt *rebuilt, const struct arrival *arrival)
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
    meet(&arrival);
    check_arrival(rebuilt, catalogue, &arrival, found);
    said->verdicts[found]++;
    rebuilt->verdicts[found]++;
    if (found == VERDICT_IS_COUNTED) put(rebuilt, &arrival);
    if (found == VERDICT_IS_WAITING || found == VERDICT_IS_WAITING_UNIT)
      keep_waiting(rebuilt, catalogue, &arrival, &report, said->id, found == VERDICT_IS_WAITING_UNIT);
  }
  if (next < leaf->submission.exception_count)
    faults_add(rebuilt->faults, rebuilt->leaf,
               _("verdicts are recorded of rows that are not there, or in no order"));
  return true;
}

/* --- what waited --- */

/* Recorded releases, as they are met. */
struct letting_go {
  struct rebuilt *rebuilt;
  const struct release *releases;
  size_t count, next;
  GArray *settled; /* struct settled */
};

struct settled {
  uint8_t id[SUBMISSION_ID_SIZE];
  char *unit; /* NULL: the submission itself has come */
};

static void clear_settled(void *data)
{
  struct settled *settled = data;
  g_free(settled->unit);
}

static void settle(struct letting_go *of, const uint8_t id[static SUBMISSION_ID_SIZE], const char *unit)
{
  struct settled settled = {.unit = g_strdup(unit)};
  memcpy(settled.id, id, sizeof settled.id);
  g_array_append_val(of->settled, settled);
}

/* The verdict that was recorded of it: it must be the next one, and the expected one. If it is not there, it
 * goes on waiting. */
static enum verdict next_release(struct letting_go *of, const struct undecided *waiting,
                                 const struct arrival *arrival, enum verdict expected)
{
  const struct release *release = of->next < of->count ? &of->releases[of->next] : NULL;
  if (release && release->position == waiting->position && release->row == waiting->row) {
    of->next++;
    expect(of->rebuilt, arrival, release->verdict, expected);
    return release->verdict;
  }
  faults_add(of->rebuilt->faults, of->rebuilt->leaf,
             _("the report about %s (leaf %" PRIu64 ", row %" PRIu32
               ") waits no longer, but nothing is recorded "
               "of it here"),
             waiting->unit, waiting->position, waiting->row);
  return VERDICT_IS_WAITING;
}

static struct arrival arrival_of(const struct undecided *waiting, const struct report_change *change)
{
  struct arrival arrival = {.book = waiting->book,
                            .unit = waiting->unit,
                            .park = waiting->park,
                            .position = waiting->position,
                            .row = waiting->row,
                            .change = change,
                            .base = waiting->has_base ? waiting->base : NULL};
  meet(&arrival);
  return arrival;
}

/* Takes what waited. */
static void carry_out(struct letting_go *of, struct undecided *waiting, const struct arrival *arrival,
                      enum verdict verdict)
{
  if (verdict == VERDICT_IS_COUNTED) put(of->rebuilt, arrival);
  if (verdict == VERDICT_IS_WAITING) {
    waiting->for_unit = waiting->for_unit && !waiting->has_base;
    reports_wait(of->rebuilt->reports, waiting);
    return;
  }
  settle(of, waiting->id, waiting->unit);
  undecided_free(waiting);
}

/* Its base has come. */
static void release_based(struct letting_go *of, uint64_t position, uint32_t row)
{
  struct undecided *waiting = reports_take(of->rebuilt->reports, position, row);
  if (!waiting) return;
  struct report_change change = undecided_change(waiting);
  struct arrival arrival = arrival_of(waiting, &change);
  enum verdict verdict = verdict_of(of->rebuilt, &arrival);
  if (verdict != VERDICT_IS_WAITING) verdict = next_release(of, waiting, &arrival, verdict);
  carry_out(of, waiting, &arrival, verdict);
}

/* Its unit is registered. */
static void release_registered(struct letting_go *of, uint64_t position, uint32_t row)
{
  struct undecided *waiting = reports_take(of->rebuilt->reports, position, row);
  struct report_change change = undecided_change(waiting);
  struct arrival arrival = arrival_of(waiting, &change);
  bool refused = objection_to(of->rebuilt, waiting->catalogue, &arrival) != FINDING_COUNT;
  enum verdict expected = refused ? VERDICT_IS_REFUSED : verdict_of(of->rebuilt, &arrival);
  carry_out(of, waiting, &arrival, next_release(of, waiting, &arrival, expected));
}

static void release_refused(struct letting_go *of, uint64_t position, uint32_t row)
{
  struct undecided *waiting = reports_take(of->rebuilt->reports, position, row);
  struct report_change change = undecided_change(waiting);
  struct arrival arrival = arrival_of(waiting, &change);
  carry_out(of, waiting, &arrival, next_release(of, waiting, &arrival, VERDICT_IS_REFUSED));
}

/* Where the waiting ones of which `is_meant` stand, in their order. */
static GArray *find_waiting(const struct rebuilt *rebuilt,
                            bool is_meant(const struct rebuilt *, const struct undecided *, const void *),
                            const void *data)
{
  GArray *places = g_array_new(FALSE, FALSE, sizeof(struct release));
  for (GTreeNode *node = g_tree_node_first(rebuilt->reports->waiting); node; node = g_tree_node_next(node)) {
    const struct undecided *waiting = g_tree_node_value(node);
    struct release place = {.position = waiting->position, .row = waiting->row};
    if (is_meant(rebuilt, waiting, data)) g_array_append_val(places, place);
  }
  return places;
}

static bool waits_for_settled(const struct rebuilt *rebuilt, const struct undecided *waiting,
                              const void *data)
{
  const struct settled *settled = data;
  (void)rebuilt;
  return !waiting->for_unit && memcmp(waiting->base, settled->id, sizeof settled->id) == 0 &&
         (!settled->unit || strcmp(settled->unit, waiting->unit) == 0);
}

static bool is_registered(const struct rebuilt *rebuilt, const struct undecided *waiting, const void *data)
{
  (void)data;
  if (!waiting->for_unit) return false;
  const struct unit_version *version = register_version(rebuilt->units, waiting->unit, waiting->book->period);
  int area = catalogue_area(rebuilt->catalogue, waiting->park);
  return version && area != CATALOGUE_NONE && unit_version_within(version, rebuilt->catalogue, area);
}

static bool waits_for_application(const struct rebuilt *rebuilt, const struct undecided *waiting,
                                  const void *data)
{
  const char *const *names = data;
  (void)rebuilt;
  return waiting->for_unit && strcmp(waiting->park, names[0]) == 0 && strcmp(waiting->unit, names[1]) == 0;
}

static struct letting_go begin(struct rebuilt *rebuilt, const struct release *releases, size_t count)
{
  struct letting_go of = {.rebuilt = rebuilt, .releases = releases, .count = count};
  of.settled = g_array_new(FALSE, FALSE, sizeof(struct settled));
  g_array_set_clear_func(of.settled, clear_settled);
  return of;
}

/* Each report that was settled lets those go that wait for it in turn. */
static void end(struct letting_go *of)
{
  for (unsigned n = 0; n < of->settled->len; n++) {
    struct settled settled = g_array_index(of->settled, struct settled, n);
    if (!g_hash_table_contains(of->rebuilt->reports->bases, settled.id)) continue;
    g_autoptr(GArray) places = find_waiting(of->rebuilt, waits_for_settled, &settled);
    for (unsigned p = 0; p < places->len; p++) {
      const struct release *place = &g_array_index(places, struct release, p);
      release_based(of, place->position, place->row);
    }
  }
  if (of->next < of->count)
    faults_add(of->rebuilt->faults, of->rebuilt->leaf,
               _("a report is let go (leaf %" PRIu64 ", row %" PRIu32
                 ") that did not wait for this, or in no order"),
               of->releases[of->next].position, of->releases[of->next].row);
  g_array_unref(of->settled);
}

void verdicts_release_based(struct rebuilt *rebuilt, const uint8_t id[static SUBMISSION_ID_SIZE],
                            const struct release *releases, size_t count)
{
  struct letting_go of = begin(rebuilt, releases, count);
  settle(&of, id, NULL);
  end(&of);
}

void verdicts_release_registered(struct rebuilt *rebuilt, const struct release *releases, size_t count)
{
  struct letting_go of = begin(rebuilt, releases, count);
  g_autoptr(GArray) places = find_waiting(rebuilt, is_registered, NULL);
  for (unsigned p = 0; p < places->len; p++)
    release_registered(&of, g_array_index(places, struct release, p).position,
                       g_array_index(places, struct release, p).row);
  end(&of);
}

void verdicts_release_declined(struct rebuilt *rebuilt, const char *park, const char *unit,
                               const struct release *releases, size_t count)
{
  const char *const names[] = {park, unit};
  struct letting_go of = begin(rebuilt, releases, count);
  g_autoptr(GArray) places = find_waiting(rebuilt, waits_for_application, names);
  for (unsigned p = 0; p < places->len; p++)
    release_refused(&of, g_array_index(places, struct release, p).position,
                    g_array_index(places, struct release, p).row);
  end(&of);
}

/* Reports that waited: for the submission that they correct, or for their unit's registration. */
#include "aggregator/posting_private.h"

#include "aggregator/history.h"
#include "aggregator/store/applications.h"
#include "aggregator/store/inquiries.h"
#include "common/error.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

#define PAGE 256 /* reports that wait for a registration, in memory */

/* The submission of the leaf at `position`; NULL if the ledger is damaged there. */
static struct judged *recorded_at(struct store *ledger, struct snapshot *snapshot, uint64_t position)
{
  g_autoptr(GBytes) body = store_leaf(ledger, position);
  CLEANUP(leaf_free)
  struct leaf *leaf = body ? leaf_decode(g_bytes_get_data(body, NULL), g_bytes_get_size(body)) : NULL;

  if (!leaf || leaf->kind != LEAF_SUBMISSION) return NULL;
  return judge_recorded(snapshot, leaf->submission.sealed.data, leaf->submission.sealed.length);
}

/* The submission that was read last: rows of one come in a row, and it is decoded once. */
struct recorded {
  uint64_t position;
  struct judged *judged; /* NULL: none was */
};

/* NULL if the ledger is damaged there, or has no such row. */
static const struct judged *recorded_row(struct recorded *last, struct store *ledger,
                                         struct snapshot *snapshot, uint64_t position, uint32_t row)
{
  if (!last->judged || last->position != position) {
    judged_free(last->judged);
    last->judged = recorded_at(ledger, snapshot, position);
    last->position = position;
  }
  return last->judged && row < submission_size(last->judged->submission) ? last->judged : NULL;
}

/* Reports that wait, while they are decided anew. */
struct releasing {
  struct posting *posting;
  struct store *store;
  struct tables *tables;
  struct snapshot *snapshot;
  uint64_t since; /* the leaf that lets them go */
  struct recorded last;
  const struct judged *judged; /* of the one that is decided */
  GQueue settled;              /* of struct settled: those that others may wait for in turn */
};

/* A report that waits no longer. */
struct settled {
  uint8_t id[SUBMISSION_ID_SIZE]; /* its submission */
  char *unit;
};

static void settled_free(struct settled *settled)
{
  g_free(settled->unit);
  g_free(settled);
}

static void settle(struct releasing *releasing, const uint8_t id[SUBMISSION_ID_SIZE], const char *unit)
{
  struct settled *settled = g_new0(struct settled, 1);

  memcpy(settled->id, id, sizeof settled->id);
  settled->unit = g_strdup(unit);
  g_queue_push_tail(&releasing->settled, settled);
}

static bool load_waiting(struct releasing *releasing, const struct waiting *waiting)
{
  releasing->judged =
      recorded_row(&releasing->last, releasing->store, releasing->snapshot, waiting->position, waiting->row);
  return releasing->judged != NULL;
}

/* What the park is told when it asks again. */
static void keep_decision(struct store *store, const char *park, const struct release *released,
                          uint64_t since)
{
  store_decided_put(store, (struct waiting){released->position, released->row}, released->verdict);
  store_area_state_put(store, park, since + 1);
}

/* Of a report that is let go, and those that wait for it in turn. */
static void note_release(struct releasing *releasing, const struct waiting *waiting, const char *unit,
                         enum verdict verdict)
{
  struct release released = {.position = waiting->position, .row = waiting->row, .verdict = verdict};

  g_array_append_val(releasing->posting->releases, released);
  keep_decision(releasing->store, releasing->judged->agent->stored.area, &released, releasing->since);
  if (verdict != VERDICT_IS_WAITING) settle(releasing, releasing->judged->id, unit);
}

/* The verdict by what the tables hold now, carried out. */
static enum verdict decide_anew(struct releasing *releasing, struct target_book *book,
                                struct arrival *arrival)
{
  CLEANUP(history_window_free)
  struct history_window *past = history_window_new(releasing->store, releasing->judged, 1);
  enum verdict verdict;

  book->past = past;
  posting_find_present(book, arrival);
  store_waiting_remove(releasing->store, book->position, arrival->row);
  verdict = posting_decide(book, arrival);
  posting_carry_out(book, arrival, verdict);
  book->past = NULL;
  return verdict;
}

static void release(struct releasing *releasing, const struct waiting *waiting)
{
  struct target_book book;
  struct arrival arrival = {.row = waiting->row};
  enum verdict verdict;

  if (!load_waiting(releasing, waiting) || !posting_open_book(&book, releasing->store, releasing->tables,
                                                              releasing->judged, waiting->position, true))
    return;
  book.since = releasing->since;
  submission_report(releasing->judged->submission, waiting->row, &arrival.report);
  verdict = decide_anew(releasing, &book, &arrival);
  if (verdict != VERDICT_IS_WAITING) note_release(releasing, waiting, arrival.report.unit, verdict);
}

/* Each settled report lets those go that wait for it: of a submission that has just arrived all, of the
 * others those of its unit. */
static void release_settled(struct releasing *releasing)
{
  struct settled *settled;

  while ((settled = g_queue_pop_head(&releasing->settled))) {
    g_autoptr(GArray) waiting = store_waiting(releasing->store, settled->id, settled->unit);

    for (unsigned n = 0; n < waiting->len && !store_error(releasing->store); n++)
      release(releasing, &g_array_index(waiting, struct waiting, n));
    settled_free(settled);
  }
}

void posting_release_based(struct posting *posting, struct store *store, struct tables *tables,
                           struct snapshot *snapshot, const uint8_t id[SUBMISSION_ID_SIZE], uint64_t position)
{
  struct releasing releasing = {
      .posting = posting, .store = store, .tables = tables, .snapshot = snapshot, .since = position};

  g_queue_init(&releasing.settled);
  settle(&releasing, id, NULL);
  release_settled(&releasing);
  judged_free(releasing.last.judged);
}

/* --- reports that waited for their unit's registration --- */

/* Whether the register has the unit for the period in the park that reports it. */
static bool is_governed(const struct snapshot *snapshot, const struct waiting_unit *waiting)
{
  const struct unit_version *version = register_version(snapshot->units, waiting->unit, waiting->period);
  int area = catalogue_area(snapshot->catalogue, waiting->park);

  return version && area != CATALOGUE_NONE && unit_version_within(version, snapshot->catalogue, area);
}

/* Of a report whose unit is registered now: the rest of the rules, then what was reported before. */
static enum verdict judge_registered(struct releasing *releasing, struct target_book *book,
                                     struct arrival *arrival)
{
  const struct judged *judged = releasing->judged;
  struct rule_context context = {
      .catalogue = judged->catalogue,
      .units = releasing->snapshot->units,
      .form = judged->form,
      .period = judged->period,
      .area = catalogue_area(judged->catalogue, book->park),
  };
  struct rule_result result;

  rule_check_report(&context, arrival->report.unit, &arrival->report.change, &result);
  if (result.code == FINDING_COUNT) return decide_anew(releasing, book, arrival);
  store_waiting_remove(releasing->store, book->position, arrival->row);
  return VERDICT_IS_REFUSED;
}

/* `refuse`: its unit will not be registered. */
static void release_unit(struct releasing *releasing, const struct waiting_unit *waiting, bool refuse)
{
  struct target_book book;
  struct arrival arrival = {.row = waiting->at.row};
  enum verdict verdict = VERDICT_IS_REFUSED;

  if (!load_waiting(releasing, &waiting->at) ||
      !posting_open_book(&book, releasing->store, releasing->tables, releasing->judged, waiting->at.position,
                         true))
    return;
  book.since = releasing->since;
  submission_report(releasing->judged->submission, waiting->at.row, &arrival.report);
  if (refuse)
    store_waiting_remove(releasing->store, waiting->at.position, waiting->at.row);
  else
    verdict = judge_registered(releasing, &book, &arrival);
  note_release(releasing, &waiting->at, waiting->unit, verdict);
}

void posting_release_registered(struct posting *posting, struct store *store, struct tables *tables,
                                struct snapshot *snapshot, uint64_t position)
{
  struct releasing releasing = {
      .posting = posting, .store = store, .tables = tables, .snapshot = snapshot, .since = position};
  struct waiting behind = {0};
  unsigned count;

  g_queue_init(&releasing.settled);
  posting_clear(posting);
  do {
    g_autoptr(GArray) page = store_waiting_units(store, behind, PAGE);

    count = page->len;
    for (unsigned n = 0; n < count && !store_error(store); n++) {
      const struct waiting_unit *waiting = &g_array_index(page, struct waiting_unit, n);

      behind = waiting->at;
      if (is_governed(snapshot, waiting)) release_unit(&releasing, waiting, false);
    }
  } while (count == PAGE && !store_error(store));
  release_settled(&releasing);
  judged_free(releasing.last.judged);
}

void posting_release_declined(struct posting *posting, struct store *store, struct tables *tables,
                              struct snapshot *snapshot, const char *park, const char *unit,
                              uint64_t position)
{
  struct releasing releasing = {
      .posting = posting, .store = store, .tables = tables, .snapshot = snapshot, .since = position};
  g_autoptr(GArray) all = store_waiting_of_unit(store, unit, park);

  g_queue_init(&releasing.settled);
  posting_clear(posting);
  for (unsigned n = 0; n < all->len && !store_error(store); n++)
    release_unit(&releasing, &g_array_index(all, struct waiting_unit, n), true);
  release_settled(&releasing);
  judged_free(releasing.last.judged);
}

/* --- replay: verdicts are taken from the leaf --- */

bool posting_damaged(uint64_t position, GError **error)
{
  g_set_error(error, PARKTALLY_ERROR, ERROR_DATA,
              _("the ledger is damaged at leaf %" PRIu64 ": its submission cannot be read"), position);
  return false;
}

bool posting_replay_releases(struct store *store, struct store *ledger, struct tables *tables,
                             struct snapshot *snapshot, const struct release *releases, size_t count,
                             uint64_t position, GError **error)
{
  struct recorded last = {0};

  for (size_t n = 0; n < count; n++) {
    const struct release *released = &releases[n];
    const struct judged *waited = recorded_row(&last, ledger, snapshot, released->position, released->row);
    struct target_book book;
    struct arrival arrival = {.row = released->row};

    if (!waited) {
      judged_free(last.judged);
      return posting_damaged(released->position, error);
    }
    if (!posting_open_book(&book, store, tables, waited, released->position, false))
      break; /* told at the commit */
    book.since = position;
    submission_report(waited->submission, released->row, &arrival.report);
    posting_find_present(&book, &arrival);
    store_waiting_remove(store, released->position, released->row);
    posting_carry_out(&book, &arrival, released->verdict);
    keep_decision(store, book.park, released, position);
  }
  judged_free(last.judged);
  return true;
}

/* Checks what became of reports that waited (proto/README.md, "Receipts and verdicts"): each is let go when
 * that came which it waited for, a base or a registration, and those that waited for it in turn; in the order
 * in which they came, none without a reason and none forgotten. */
#include "aggregator/verifier/verdicts_private.h"

#include "common/text.h"

#include <inttypes.h>
#include <string.h>

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
    verdicts_expect(of->rebuilt, arrival, release->verdict, expected);
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
  verdicts_meet(&arrival);
  return arrival;
}

/* Takes what waited. */
static void carry_out(struct letting_go *of, struct undecided *waiting, const struct arrival *arrival,
                      enum verdict verdict)
{
  if (verdict == VERDICT_IS_COUNTED) verdicts_put(of->rebuilt, arrival);
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
  enum verdict verdict = verdicts_decide(of->rebuilt, &arrival);
  if (verdict != VERDICT_IS_WAITING) verdict = next_release(of, waiting, &arrival, verdict);
  carry_out(of, waiting, &arrival, verdict);
}

/* Its unit is registered. */
static void release_registered(struct letting_go *of, uint64_t position, uint32_t row)
{
  struct undecided *waiting = reports_take(of->rebuilt->reports, position, row);
  struct report_change change = undecided_change(waiting);
  struct arrival arrival = arrival_of(waiting, &change);
  bool refused = verdicts_objection(of->rebuilt, waiting->catalogue, &arrival) != FINDING_COUNT;
  enum verdict expected = refused ? VERDICT_IS_REFUSED : verdicts_decide(of->rebuilt, &arrival);
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

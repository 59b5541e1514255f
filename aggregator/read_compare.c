/* Growth: the reports of two periods side by side, unit by unit, with the register for those that are in one
 * alone. One walk answers for every area and slice, and is kept as long as the reader. */
#include "aggregator/read_private.h"
#include "aggregator/succession.h"

#include <string.h>

#define BLOCKS_TO_SHARE 256 /* some 25 000 reports: a thread and a store cost a millisecond */

/* A book that takes part, and what is taken from its reports. */
struct source {
  struct reader_reports *reports;
  const struct stored_report *report; /* the next one that counts; NULL at the end */
  const struct plan_part *part, *published;
  unsigned pair;
  uint64_t due; /* the turn of the walk in which it was */
};

/* The books of one period. */
struct side {
  const struct plan *plan;
  struct period period;
  size_t count;
  struct source sources[COMPARE_PAIRS];
};

/* Through the books of both periods, or a part of them. */
struct walk {
  struct reader *reader;
  struct store *store; /* the reader's, or one beside it */
  struct snapshot *snapshot;
  struct memberships *memberships; /* of the past the reader's */
  struct comparing *comparing;
  struct successions *successions;
  struct side now, before;
  bool paired;           /* part n of one side answers part n of the other; else all are one */
  const char *from, *to; /* the first unit, and the first that is no more of it; NULL: none */
  uint64_t turn;         /* of sources that have a report of the unit at hand, `due` is this */
  size_t near;           /* in the register */
};

/* --- reading the books --- */

/* The one place where reports come from. */
static void open_source(struct walk *walk, const struct plan *plan, struct source *source)
{
  const char *form = walk->snapshot->catalogue->forms[plan->form].code;
  int64_t book = store_find_book(walk->store, form, source->part->period);
  source->reports = reader_reports_open_at(walk->reader, walk->store, book, walk->from);
}

/* Of the reports of a book those that count, one for each unit. */
static void advance(struct source *source)
{
  do source->report = reader_reports_next(source->reports);
  while (source->report && !source->report->counted);
}

static bool has_the_same_parts(const struct plan *a, const struct plan *b)
{
  if (a->form != b->form || a->count != b->count || a->difference != b->difference) return false;
  for (size_t n = 0; n < a->count; n++)
    if (!period_equal(a->parts[n].period, b->parts[n].period)) return false;
  return true;
}

/* `published` may be NULL. */
static void open_side(struct walk *walk, struct side *side, const struct plan *plan,
                      const struct plan *published)
{
  side->plan = plan;
  if (plan->form == CATALOGUE_NONE || !plan->data) return;
  for (size_t n = 0; n < plan->count; n++) {
    struct source *source = &side->sources[side->count++];
    *source = (struct source){.part = &plan->parts[n],
                              .published = published ? &published->parts[n] : NULL,
                              .pair = walk->paired && !plan->difference ? (unsigned)n : 0};
    open_source(walk, plan, source);
    advance(source);
  }
}

static void close_side(struct side *side)
{
  for (size_t n = 0; n < side->count; n++) reader_reports_close(side->sources[n].reports);
}

static bool pick(const struct stored_report *report, const struct plan_part *part, int64_t *ret_value)
{
  const uint8_t *figures = report->figures;
  size_t length = report->figures_length;
  return figures_pick(figures, length, (unsigned)part->slot, ret_value) ||
         (part->other != NO_SLOT && figures_pick(figures, length, (unsigned)part->other, ret_value));
}

static bool take_figure(const struct source *source, struct compare_figure *ret_figure)
{
  struct compare_figure figure = {.pair = source->pair, .membership = source->report->membership};
  if (!pick(source->report, source->part, &figure.value)) return false;
  figure.has_published = source->published && pick(source->report, source->published, &figure.published);
  *ret_figure = figure;
  return true;
}

/* --- a unit's figures of a side --- */

static void look_for_least(struct walk *walk, struct side *side, const char **least)
{
  for (size_t n = 0; n < side->count; n++) {
    struct source *source = &side->sources[n];
    if (!source->report) continue;
    int order = *least ? strcmp(source->report->unit, *least) : -1;
    if (order > 0) continue;
    if (order < 0) walk->turn++;
    source->due = walk->turn;
    *least = source->report->unit;
  }
}

/* NULL at the end. */
static const char *next_unit(struct walk *walk)
{
  const char *least = NULL;
  look_for_least(walk, &walk->now, &least);
  look_for_least(walk, &walk->before, &least);
  return least && (!walk->to || strcmp(least, walk->to) < 0) ? least : NULL;
}

static bool is_due(const struct walk *walk, const struct source *source)
{
  return source->due == walk->turn;
}

/* What was reported to the last month, less what was before the first: where the later of the reports is. */
static size_t take_difference(const struct walk *walk, const struct side *side,
                              struct compare_figure *ret_figure)
{
  struct compare_figure later, earlier;
  if (!is_due(walk, &side->sources[0]) || !is_due(walk, &side->sources[1]) ||
      !take_figure(&side->sources[0], &later) || !take_figure(&side->sources[1], &earlier))
    return 0;
  later.value -= earlier.value;
  later.has_published = later.has_published && earlier.has_published;
  if (later.has_published) later.published -= earlier.published;
  *ret_figure = later;
  return 1;
}

static size_t take_figures(const struct walk *walk, const struct side *side,
                           struct compare_figure ret_figures[static COMPARE_PAIRS])
{
  size_t count = 0;
  if (side->count > 0 && side->plan->difference) return take_difference(walk, side, ret_figures);
  for (size_t n = 0; n < side->count; n++)
    if (is_due(walk, &side->sources[n])) count += take_figure(&side->sources[n], &ret_figures[count]);
  return count;
}

static void advance_due(const struct walk *walk, struct side *side)
{
  for (size_t n = 0; n < side->count; n++)
    if (is_due(walk, &side->sources[n])) advance(&side->sources[n]);
}

/* --- what the register says of a unit --- */

static unsigned all_pairs(const struct walk *walk)
{
  size_t count = walk->paired ? MAX(walk->now.plan->count, 1) : 1;
  return (1u << count) - 1;
}

/* For which pairs the unit owed the form; of a plan that is one, and where there is none, by the last day. */
static unsigned owed(const struct walk *walk, const struct side *side, const struct unit_version *versions,
                     size_t count)
{
  const struct catalogue *catalogue = walk->snapshot->catalogue;
  bool known = side->plan->form != CATALOGUE_NONE;
  int form = known ? side->plan->form : MAX(walk->now.plan->form, walk->before.plan->form); /* one has one */
  unsigned pairs = all_pairs(walk), found = 0;
  for (unsigned pair = 0; pairs >> pair; pair++) {
    bool is_part = known && walk->paired && !side->plan->difference && pair < side->plan->count;
    day_number day = period_last_day(is_part ? side->plan->parts[pair].period : side->period);
    size_t last = count;
    while (last > 0 && versions[last - 1].from > day) last--;
    if (last > 0 && versions[last - 1].to >= day && unit_version_owes(&versions[last - 1], catalogue, form))
      found |= 1u << pair;
  }
  return found;
}

/* Where a unit without a figure now is today: by the register, if it still owes one; else where it was. */
static int64_t registered_today(struct walk *walk, const struct unit_version *versions, size_t count,
                                const struct compare_unit *unit)
{
  const struct unit_version *version = unit_versions_in(versions, count, walk->now.period);
  if (unit->owed_now && version)
    return memberships_of(walk->memberships, walk->snapshot->catalogue, version)->id;
  return unit->before_count > 0 ? unit->before[unit->before_count - 1].membership : 0;
}

/* What the figures alone do not tell; `data` is the walk. */
static void look_up(const char *code, struct compare_unit *unit, void *data)
{
  struct walk *walk = data;
  const struct unit_version *versions = NULL;
  size_t count = register_unit_near(walk->snapshot->units, code, &walk->near, &versions);
  unit->owed_now = owed(walk, &walk->now, versions, count);
  unit->owed_before = owed(walk, &walk->before, versions, count);
  if (unit->now_count == 0) unit->today = registered_today(walk, versions, count, unit);
}

static unsigned pairs_of(const struct compare_figure *figures, size_t count)
{
  unsigned pairs = 0;
  for (size_t n = 0; n < count; n++) pairs |= 1u << figures[n].pair;
  return pairs;
}

/* --- the walk --- */

static void add_unit(struct walk *walk, const char *code)
{
  struct compare_figure now[COMPARE_PAIRS], before[COMPARE_PAIRS];
  struct compare_unit unit = {.now = now, .before = before};
  unit.now_count = take_figures(walk, &walk->now, now);
  unit.before_count = take_figures(walk, &walk->before, before);
  if (unit.now_count + unit.before_count == 0) return;
  unit.today =
      unit.now_count > 0 ? now[unit.now_count - 1].membership : before[unit.before_count - 1].membership;
  struct succession *succession = successions_next(walk->successions, code);
  if (succession) {
    succession_add(succession, code, &unit);
    return;
  }
  if (pairs_of(now, unit.now_count) != pairs_of(before, unit.before_count)) look_up(code, &unit, walk);
  comparing_add(walk->comparing, &unit);
}

/* What is compared, and from which moment. */
struct comparison_of {
  struct reader *reader;
  struct period period, base;
  const struct plan *now, *before, *published;
};

static void walk_begin(struct walk *walk, struct store *store, const struct comparison_of *of,
                       const char *from, const char *to)
{
  struct reader *reader = of->reader;
  *walk = (struct walk){.reader = reader,
                        .store = store,
                        .snapshot = reader->snapshot,
                        .memberships = reader->past ? reader->memberships : memberships_new(store),
                        .comparing = comparing_new(),
                        .now.period = of->period,
                        .before.period = of->base,
                        .paired = of->now->count == of->before->count &&
                                  of->now->difference == of->before->difference,
                        .from = from,
                        .to = to};
  open_side(walk, &walk->now, of->now, has_the_same_parts(of->now, of->published) ? of->published : NULL);
  open_side(walk, &walk->before, of->before, NULL);
}

/* Units are joined by what came since the first report of the base period: a year to date may be one of its
 * last month, or all of its months. */
static struct period first_of(const struct side *side)
{
  return side->plan->count > 0 ? side->plan->parts[0].period : side->period;
}

static void *walk_units(void *data)
{
  struct walk *walk = data;
  const char *unit;
  walk->successions =
      successions_new(walk->snapshot->units, first_of(&walk->before), walk->now.period); /* takes its time */
  while ((unit = next_unit(walk))) {
    add_unit(walk, unit);
    advance_due(walk, &walk->now);
    advance_due(walk, &walk->before);
  }
  close_side(&walk->now);
  close_side(&walk->before);
  return NULL;
}

static void walk_end(struct walk *walk)
{
  if (!walk->reader->past) memberships_free(walk->memberships);
  successions_free(walk->successions);
  comparing_free(walk->comparing);
}

static struct comparing *walk_all(const struct comparison_of *of)
{
  struct walk walk;
  walk_begin(&walk, of->reader->store, of, "", NULL);
  walk_units(&walk);
  successions_compare(walk.successions, walk.comparing, look_up, &walk);
  struct comparing *comparing = g_steal_pointer(&walk.comparing);
  walk_end(&walk);
  return comparing;
}

/* Two threads, each with half of the units; NULL if the other one's store failed. */
static struct comparing *walk_halves(struct store *beside, const struct comparison_of *of, const char *middle)
{
  struct walk lower, upper;
  struct comparing *comparing = NULL;
  walk_begin(&upper, beside, of, middle, NULL);
  GThread *thread = g_thread_new("compare", walk_units, &upper);
  walk_begin(&lower, of->reader->store, of, "", middle);
  walk_units(&lower);
  g_thread_join(thread);
  if (store_commit(beside, NULL)) {
    comparing_join(lower.comparing, upper.comparing);
    successions_join(lower.successions, upper.successions);
    successions_compare(lower.successions, lower.comparing, look_up, &lower);
    comparing = g_steal_pointer(&lower.comparing);
  }
  walk_end(&lower);
  walk_end(&upper);
  return comparing;
}

static struct comparing *compare_books(const struct comparison_of *of)
{
  const struct plan *larger = of->now->data ? of->now : of->before;
  if (larger->form == CATALOGUE_NONE || !larger->data) return comparing_new();
  if (of->reader->past) return walk_all(of); /* it is one thread's */
  struct store *store = of->reader->store;
  const char *form = of->reader->catalogue->forms[larger->form].code;
  size_t blocks;
  g_autofree char *middle =
      store_middle_unit(store, store_find_book(store, form, larger->parts[0].period), &blocks);
  CLEANUP(store_close) struct store *beside = blocks >= BLOCKS_TO_SHARE ? store_open_beside(store) : NULL;
  struct comparing *comparing = beside ? walk_halves(beside, of, middle) : NULL;
  return comparing ? comparing : walk_all(of); /* which finds the damage that the other found */
}

/* --- questions --- */

static void add_plan_key(GString *key, const struct plan *plan)
{
  g_string_append_printf(key, " %d %d %d", plan->form, plan->data, plan->difference);
  for (size_t n = 0; n < plan->count; n++)
    g_string_append_printf(key, " %d %d %d", period_key(plan->parts[n].period), plan->parts[n].slot,
                           plan->parts[n].other);
}

/* A year to date begins in January, whichever of its months has its figures. */
static struct period whole(struct period period, bool cumulative)
{
  if (!cumulative) return period;
  return (struct period){.year = period.year, .month = 1, .months = (uint8_t)period_last_month(period)};
}

/* Where nobody of the area's tree reported, units that came from another one may have: then as there. */
static void plan_of_any_tree(struct reader *reader, int area, int indicator, enum columns columns,
                             struct period period, bool cumulative, struct plan *ret_plan)
{
  const struct catalogue *catalogue = reader->catalogue;
  reader_plan(reader, area, indicator, columns, period, cumulative, ret_plan);
  for (int root = 0; !ret_plan->data && root < (int)catalogue->area_count; root++) {
    struct plan plan;
    if (catalogue->areas[root].parent != CATALOGUE_NONE) continue;
    reader_plan(reader, root, indicator, columns, period, cumulative, &plan);
    if (plan.data) *ret_plan = plan;
  }
}

struct family {
  struct reader *reader;
  const char *area, *slice;
};

static bool is_member(int64_t membership, void *data)
{
  const struct family *family = data;
  return reader_is_member(family->reader, membership, family->area, family->slice);
}

void reader_compare(struct reader *reader, int area, int slice, int indicator, struct period period,
                    bool cumulative, struct period base, struct comparison *ret_comparison)
{
  struct plan now, before, published = {.form = CATALOGUE_NONE};
  plan_of_any_tree(reader, area, indicator, COLUMNS_OF_THIS_YEAR, period, cumulative, &now);
  plan_of_any_tree(reader, area, indicator, COLUMNS_OF_THIS_YEAR, base, cumulative, &before);
  if (period_equal(base, period_last_year(period)))
    plan_of_any_tree(reader, area, indicator, COLUMNS_OF_LAST_YEAR, period, cumulative, &published);
  period = whole(period, cumulative);
  base = whole(base, cumulative);
  g_autoptr(GString) key = g_string_new(NULL);
  g_string_append_printf(key, "%d %d", period_key(period), period_key(base));
  add_plan_key(key, &now);
  add_plan_key(key, &before);
  add_plan_key(key, &published);
  struct comparing *comparing = g_hash_table_lookup(reader->compared, key->str);
  if (!comparing) {
    const struct comparison_of of = {.reader = reader,
                                     .period = period,
                                     .base = base,
                                     .now = &now,
                                     .before = &before,
                                     .published = &published};
    comparing = compare_books(&of);
    g_hash_table_insert(reader->compared, g_strdup(key->str), comparing);
  }
  struct family family = {.reader = reader,
                          .area = reader->catalogue->areas[area].code,
                          .slice = reader->catalogue->slices[slice].code};
  comparing_read(comparing, is_member, &family, ret_comparison);
}

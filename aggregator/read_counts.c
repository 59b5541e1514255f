/* Unit counts: how many legal entities satisfy a condition. */
#include "aggregator/read_private.h"

#include <string.h>

/* --- by the register --- */

const char *count_entity(const struct catalogue *catalogue, const struct unit_version *version)
{
  int class = catalogue_class(catalogue, version->class);
  bool is_part =
      class != CATALOGUE_NONE && catalogue->classes[class].scheme == ID_ESTABLISHMENT && *version->parent;
  return is_part ? version->parent : version->unit;
}

static bool is_in_force(const struct unit_version *version, const struct unit_version *next, day_number day)
{
  if (version->from > day || version->to < day) return false;
  return !next || strcmp(next->unit, version->unit) != 0 || next->from > day;
}

/* A closed or bankrupt unit does not count; a stopped one does. */
static bool is_open(const struct catalogue *catalogue, const struct unit_version *version)
{
  int status = catalogue_status(catalogue, version->status);
  return status == CATALOGUE_NONE || catalogue->statuses[status].expected;
}

static bool satisfies(const struct catalogue *catalogue, const struct indicator *indicator,
                      const struct unit_version *version)
{
  if (strcmp(version->class, catalogue->classes[indicator->count_class].code) != 0) return false;
  if (indicator->count_flag != CATALOGUE_NONE &&
      !register_list_has(version->flags, catalogue->flags[indicator->count_flag].code))
    return false;
  return is_open(catalogue, version);
}

static bool is_part(const struct catalogue *catalogue, const struct unit_version *version, const char *area,
                    const char *slice)
{
  g_autoptr(GString) areas = g_string_new(NULL);
  g_autoptr(GString) slices = g_string_new(NULL);
  membership_derive(catalogue, version, areas, slices);
  return register_list_has(areas->str, area) && register_list_has(slices->str, slice);
}

bool count_has(const struct catalogue *catalogue, const struct unit_register *units, size_t n,
               const struct indicator *indicator, day_number day, const char *area, const char *slice)
{
  const struct unit_version *version = register_nth(units, n);
  const struct unit_version *next = n + 1 < register_size(units) ? register_nth(units, n + 1) : NULL;
  return is_in_force(version, next, day) && satisfies(catalogue, indicator, version) &&
         is_part(catalogue, version, area, slice);
}

static void count_registered(struct reader *reader, int area, int slice, const struct indicator *indicator,
                             struct period period, struct total *ret_total)
{
  const struct catalogue *catalogue = reader->catalogue;
  const struct unit_register *units = reader->snapshot->units;
  const char *area_code = catalogue->areas[area].code, *slice_code = catalogue->slices[slice].code;
  day_number day = period_last_day(period);
  size_t size = register_size(units);
  g_autoptr(GHashTable) entities = g_hash_table_new(g_str_hash, g_str_equal);
  for (size_t n = 0; n < size; n++) {
    if (!count_has(catalogue, units, n, indicator, day, area_code, slice_code)) continue;
    g_hash_table_add(entities, (char *)count_entity(catalogue, register_nth(units, n)));
    ret_total->reported++;
  }
  ret_total->value = g_hash_table_size(entities);
  ret_total->expected = ret_total->reported;
  ret_total->defined = size > 0;
  ret_total->complete = true;
}

/* --- by figures --- */

/* What a unit's report adds to the figure of its legal entity. */
struct contribution {
  const char *entity; /* of the register */
  int64_t membership;
  int64_t value;
  unsigned months; /* of struct total */
};

struct gathering {
  struct reader *reader;
  const struct indicator *indicator;
  const struct plan_part *part;
  GArray *contributions;
};

bool count_takes(const struct catalogue *catalogue, const struct unit_register *units,
                 const struct indicator *indicator, const struct unit_version *version, struct period period)
{
  const char *class = catalogue->classes[indicator->count_class].code;
  if (strcmp(version->class, class) == 0) return true;
  const char *code = count_entity(catalogue, version);
  if (strcmp(code, version->unit) == 0) return false;
  const struct unit_version *entity = register_version(units, code, period);
  return !entity ||
         strcmp(entity->class, class) == 0; /* one that is not registered here is known by its plants alone */
}

static void gather_report(const struct gathering *gathering, const struct stored_report *report)
{
  const struct plan_part *part = gathering->part;
  struct figures figures;
  int64_t value;
  if (!report->counted || !figures_unpack(report->figures, report->figures_length, &figures)) return;
  if (!reader_figure(&figures, part, &value)) return;
  const struct unit_version *version =
      register_version(gathering->reader->snapshot->units, report->unit, part->period);
  if (!version || !count_takes(gathering->reader->catalogue, gathering->reader->snapshot->units,
                               gathering->indicator, version, part->period))
    return;
  struct contribution contribution = {.entity = count_entity(gathering->reader->catalogue, version),
                                      .membership = report->membership,
                                      .value = value,
                                      .months = part->months};
  g_array_append_val(gathering->contributions, contribution);
}

static void gather_book(const struct gathering *gathering, int64_t book)
{
  struct reader_reports *reports = reader_reports_open(gathering->reader, book);
  const struct stored_report *report;
  while ((report = reader_reports_next(reports))) gather_report(gathering, report);
  reader_reports_close(reports);
}

static int by_entity(const void *left, const void *right)
{
  return strcmp(((const struct contribution *)left)->entity, ((const struct contribution *)right)->entity);
}

/* By legal entity, of a plan with data. Read once for all areas, slices and tiers; a tree of areas without
 * data has a plan of the same parts, and nothing here. */
static const GArray *gather(struct reader *reader, const struct indicator *indicator, const struct plan *plan)
{
  g_autoptr(GString) key = g_string_new(NULL);
  g_string_append_printf(key, "%d %d", indicator->count_class, plan->form);
  for (size_t n = 0; n < plan->count; n++)
    g_string_append_printf(key, " %d %d %d", period_key(plan->parts[n].period), plan->parts[n].slot,
                           plan->parts[n].other);
  GArray *contributions = g_hash_table_lookup(reader->contributions, key->str);
  if (contributions) return contributions;

  contributions = g_array_new(FALSE, FALSE, sizeof(struct contribution));
  for (size_t n = 0; n < plan->count; n++) {
    struct gathering gathering = {
        .reader = reader, .indicator = indicator, .part = &plan->parts[n], .contributions = contributions};
    const char *form = reader->catalogue->forms[plan->form].code;
    int64_t book = store_find_book(reader->store, form, gathering.part->period);
    if (book) gather_book(&gathering, book);
  }
  g_array_sort(contributions, by_entity);
  g_hash_table_insert(reader->contributions, g_strdup(key->str), contributions);
  return contributions;
}

bool count_is_in_tier(const struct indicator *indicator, int128 sum)
{
  bool unbounded = indicator->count_below == INT64_MAX;
  return sum >= indicator->count_from && (unbounded || sum < indicator->count_below);
}

/* Of area × slice: how many legal entities are in the tier, and on how many reports that rests. */
static void count_tier(struct reader *reader, const struct indicator *indicator, const GArray *contributions,
                       const char *area, const char *slice, struct total *ret_total)
{
  for (unsigned n = 0; n < contributions->len;) {
    const char *entity = g_array_index(contributions, struct contribution, n).entity;
    int128 sum = 0;
    int64_t reports = 0;
    for (; n < contributions->len; n++) {
      const struct contribution *of = &g_array_index(contributions, struct contribution, n);
      if (strcmp(of->entity, entity) != 0) break;
      if (!reader_is_member(reader, of->membership, area, slice)) continue;
      ret_total->months |= of->months;
      sum += of->value;
      reports++;
    }
    ret_total->reported += reports;
    if (reports > 0 && count_is_in_tier(indicator, sum)) ret_total->value++;
  }
}

static void count_reported(struct reader *reader, int area, int slice, const struct indicator *indicator,
                           struct period period, struct total *ret_total)
{
  const struct catalogue *catalogue = reader->catalogue;
  const char *area_code = catalogue->areas[area].code, *slice_code = catalogue->slices[slice].code;
  struct plan plan;
  reader_plan(reader, area, indicator->count_indicator, COLUMNS_OF_THIS_YEAR, period, true, &plan);
  if (plan.form == CATALOGUE_NONE) return;
  unsigned months = 0;
  for (size_t n = 0; n < plan.count; n++) {
    months |= plan.parts[n].months;
    ret_total->expected += reader_expected(reader, catalogue->forms[plan.form].code, area_code, slice_code,
                                           period_last_day(plan.parts[n].period));
  }
  if (plan.data)
    count_tier(reader, indicator, gather(reader, indicator, &plan), area_code, slice_code, ret_total);
  ret_total->defined = ret_total->reported > 0;
  ret_total->complete = ret_total->defined && ret_total->months == months;
}

void reader_count(struct reader *reader, int area, int slice, int indicator, struct period period,
                  struct total *ret_total)
{
  const struct indicator *count = &reader->catalogue->indicators[indicator];
  if (count->count_indicator != CATALOGUE_NONE)
    count_reported(reader, area, slice, count, period, ret_total);
  else
    count_registered(reader, area, slice, count, period, ret_total);
}

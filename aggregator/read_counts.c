/* Unit counts: how many legal entities satisfy a condition. */
#include "aggregator/read_private.h"

#include <string.h>

/* --- by the register --- */

static const char *parent_of(const struct unit_version *version)
{
  return *version->parent ? version->parent : version->unit;
}

/* `next` is the version after it in the register, or NULL. */
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

static void count_registered(struct reader *reader, int area, int slice, const struct indicator *indicator,
                             struct period period, struct total *ret_total)
{
  const struct catalogue *catalogue = reader->catalogue;
  const struct unit_register *units = reader->snapshot->units;
  const char *area_code = catalogue->areas[area].code, *slice_code = catalogue->slices[slice].code;
  day_number day = period_last_day(period);
  size_t size = register_size(units);
  g_autoptr(GHashTable) parents = g_hash_table_new(g_str_hash, g_str_equal);
  for (size_t n = 0; n < size; n++) {
    const struct unit_version *version = register_nth(units, n);
    const struct unit_version *next = n + 1 < size ? register_nth(units, n + 1) : NULL;
    if (!is_in_force(version, next, day) || !satisfies(catalogue, indicator, version)) continue;
    if (!is_part(catalogue, version, area_code, slice_code)) continue;
    g_hash_table_add(parents, (char *)parent_of(version));
    ret_total->reported++;
  }
  ret_total->value = g_hash_table_size(parents);
  ret_total->expected = ret_total->reported;
  ret_total->defined = size > 0;
}

/* --- by figures --- */

/* What a unit's report adds to the figure of its legal entity. */
struct contribution {
  const char *parent; /* of the register */
  int64_t membership;
  int64_t value;
};

struct gathering {
  struct reader *reader;
  const struct indicator *indicator;
  struct period period;
  int slot;
  GArray *contributions;
};

/* A legal entity is of a class by itself; its plants, which are of another, add to its figure. */
static bool is_of_class(const struct gathering *gathering, const struct unit_version *version)
{
  const char *class = gathering->reader->catalogue->classes[gathering->indicator->count_class].code;
  if (strcmp(version->class, class) == 0) return true;
  const char *parent = parent_of(version);
  if (strcmp(parent, version->unit) == 0) return false;
  const struct unit_version *entity =
      register_version(gathering->reader->snapshot->units, parent, gathering->period);
  return !entity ||
         strcmp(entity->class, class) == 0; /* one that is not registered here is known by its plants alone */
}

static bool gather_report(const struct stored_report *report, void *data)
{
  struct gathering *gathering = data;
  struct figures figures;
  if (!report->counted || !figures_unpack(report->figures, report->figures_length, &figures)) return true;
  if (!column_set_has(&figures.present, (unsigned)gathering->slot)) return true;
  const struct unit_version *version =
      register_version(gathering->reader->snapshot->units, report->unit, gathering->period);
  if (!version || !is_of_class(gathering, version)) return true;
  struct contribution contribution = {.parent = parent_of(version),
                                      .membership = report->membership,
                                      .value = figures.value[gathering->slot]};
  g_array_append_val(gathering->contributions, contribution);
  return true;
}

static int by_parent(const void *left, const void *right)
{
  return strcmp(((const struct contribution *)left)->parent, ((const struct contribution *)right)->parent);
}

/* By legal entity. Read once for all areas, slices and tiers. */
static const GArray *gather(struct reader *reader, const struct indicator *indicator, const struct plan *plan)
{
  g_autoptr(GString) key = g_string_new(NULL);
  g_string_append_printf(key, "%d %d", indicator->count_class, plan->form);
  for (size_t n = 0; n < plan->count; n++)
    g_string_append_printf(key, " %d %d", period_key(plan->parts[n].period), plan->parts[n].slot);
  GArray *contributions = g_hash_table_lookup(reader->contributions, key->str);
  if (contributions) return contributions;

  contributions = g_array_new(FALSE, FALSE, sizeof(struct contribution));
  for (size_t n = 0; n < plan->count; n++) {
    struct gathering gathering = {.reader = reader,
                                  .indicator = indicator,
                                  .period = plan->parts[n].period,
                                  .slot = plan->parts[n].slot,
                                  .contributions = contributions};
    const char *form = reader->catalogue->forms[plan->form].code;
    int64_t book = plan->data ? store_find_book(reader->store, form, gathering.period) : 0;
    if (book) store_each_report(reader->store, book, gather_report, &gathering);
  }
  g_array_sort(contributions, by_parent);
  g_hash_table_insert(reader->contributions, g_strdup(key->str), contributions);
  return contributions;
}

static bool is_in_tier(const struct indicator *indicator, int128 sum)
{
  bool unbounded = indicator->count_below == INT64_MAX;
  return sum >= indicator->count_from && (unbounded || sum < indicator->count_below);
}

/* Of area × slice: how many legal entities are in the tier, and on how many reports that rests. */
static void count_tier(struct reader *reader, const struct indicator *indicator, const GArray *contributions,
                       const char *area, const char *slice, struct total *ret_total)
{
  for (unsigned n = 0; n < contributions->len;) {
    const char *parent = g_array_index(contributions, struct contribution, n).parent;
    int128 sum = 0;
    int64_t reports = 0;
    for (; n < contributions->len; n++) {
      const struct contribution *of = &g_array_index(contributions, struct contribution, n);
      if (strcmp(of->parent, parent) != 0) break;
      if (!reader_is_member(reader, of->membership, area, slice)) continue;
      sum += of->value;
      reports++;
    }
    ret_total->reported += reports;
    if (reports > 0 && is_in_tier(indicator, sum)) ret_total->value++;
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
  for (size_t n = 0; n < plan.count; n++)
    ret_total->expected += store_expected(reader->store, catalogue->forms[plan.form].code, area_code,
                                          slice_code, period_last_day(plan.parts[n].period));
  count_tier(reader, indicator, gather(reader, indicator, &plan), area_code, slice_code, ret_total);
  ret_total->defined = ret_total->reported > 0;
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

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

struct counting {
  struct reader *reader;
  const struct indicator *indicator;
  const char *area, *slice;
  struct period period;
  int slot;
  GHashTable *sums; /* legal entity → int128 */
  int64_t reported;
};

static void add_to_parent(struct counting *counting, const char *parent, int64_t value)
{
  int128 *sum = g_hash_table_lookup(counting->sums, parent);
  if (!sum) {
    sum = g_new0(int128, 1);
    g_hash_table_insert(counting->sums, g_strdup(parent), sum);
  }
  *sum += value;
}

/* A legal entity is of a class by itself; its plants, which are of another, add to its figure. */
static bool is_of_class(const struct counting *counting, const struct unit_version *version)
{
  const char *class = counting->reader->catalogue->classes[counting->indicator->count_class].code;
  if (strcmp(version->class, class) == 0) return true;
  const char *parent = parent_of(version);
  if (strcmp(parent, version->unit) == 0) return false;
  const struct unit_version *entity =
      register_version(counting->reader->snapshot->units, parent, counting->period);
  return !entity ||
         strcmp(entity->class, class) == 0; /* one that is not registered here is known by its plants alone */
}

static bool count_report(const struct stored_report *report, void *data)
{
  struct counting *counting = data;
  struct figures figures;
  if (!report->counted ||
      !reader_is_member(counting->reader, report->membership, counting->area, counting->slice))
    return true;
  if (!figures_unpack(report->figures, report->figures_length, &figures)) return true;
  if (!column_set_has(&figures.present, (unsigned)counting->slot)) return true;

  const struct unit_version *version =
      register_version(counting->reader->snapshot->units, report->unit, counting->period);
  if (!version || !is_of_class(counting, version)) return true;
  counting->reported++;
  add_to_parent(counting, parent_of(version), figures.value[counting->slot]);
  return true;
}

/* How many sums are in the tier. */
static int64_t count_tier(GHashTable *sums, const struct indicator *indicator)
{
  GHashTableIter iter;
  void *value;
  int64_t count = 0;
  g_hash_table_iter_init(&iter, sums);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    int128 sum = *(int128 *)value;
    bool unbounded = indicator->count_below == INT64_MAX;
    if (sum >= indicator->count_from && (unbounded || sum < indicator->count_below)) count++;
  }
  return count;
}

static void count_reported(struct reader *reader, int area, int slice, const struct indicator *indicator,
                           struct period period, struct total *ret_total)
{
  const struct catalogue *catalogue = reader->catalogue;
  struct plan plan;
  reader_plan(reader, area, indicator->count_indicator, COLUMNS_OF_THIS_YEAR, period, true, &plan);
  if (plan.form == CATALOGUE_NONE) return;

  const char *form = catalogue->forms[plan.form].code;
  g_autoptr(GHashTable) sums = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  struct counting counting = {.reader = reader,
                              .indicator = indicator,
                              .area = catalogue->areas[area].code,
                              .slice = catalogue->slices[slice].code,
                              .sums = sums};
  for (size_t n = 0; n < plan.count; n++) {
    counting.period = plan.parts[n].period;
    counting.slot = plan.parts[n].slot;
    int64_t book = plan.data ? store_find_book(reader->store, form, counting.period) : 0;
    if (book) store_each_report(reader->store, book, count_report, &counting);
    ret_total->expected +=
        store_expected(reader->store, form, counting.area, counting.slice, period_last_day(counting.period));
  }
  ret_total->reported = counting.reported;
  ret_total->defined = counting.reported > 0;
  ret_total->value = count_tier(sums, indicator);
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

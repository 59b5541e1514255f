#include "aggregator/read_footing.h"

#include "aggregator/read_coverage.h"
#include "aggregator/read_private.h"

/* Where a total is asked for, and one of the periods that make it up. */
struct place {
  struct reader *reader;
  int area, slice, indicator;
  bool cumulative; /* the part is the whole from January on */
  const struct plan_part *part;
};

/* Missing units that were last heard of in the same period. */
struct lot {
  struct period when;
  int128 value;
  int64_t units;
};

static struct lot *lot_of(GArray *lots, struct period when)
{
  for (unsigned n = 0; n < lots->len; n++) {
    struct lot *lot = &g_array_index(lots, struct lot, n);
    if (period_equal(lot->when, when)) return lot;
  }
  struct lot lot = {.when = when};
  g_array_append_val(lots, lot);
  return &g_array_index(lots, struct lot, lots->len - 1);
}

static GArray *sort_missing(const struct place *place, const struct coverage_report *report)
{
  GArray *lots = g_array_new(FALSE, FALSE, sizeof(struct lot));
  for (unsigned n = 0; n < report->missing->len; n++) {
    const struct missing_unit *missing = &g_array_index(report->missing, struct missing_unit, n);
    if (!missing->known || !reader_is_in_area(place->reader, missing->version, place->area)) continue;
    struct lot *lot = lot_of(lots, missing->when);
    lot->value += missing->figure;
    lot->units++;
  }
  return lots;
}

static void add_lot(const struct place *place, const struct lot *lot, struct footing *footing)
{
  struct comparison matched;
  struct fraction value = {lot->value, 1}, sum;
  reader_compare(place->reader, place->area, place->slice, place->indicator, place->part->period,
                 place->cumulative, lot->when, &matched);
  if (matched.comparable_figures == 0 || matched.base <= 0 || matched.comparable < 0) return;
  if (!fraction_multiply(value, (struct fraction){matched.comparable, matched.base}, &value) ||
      !fraction_add(footing->estimate, value, &sum))
    return;
  footing->estimate = sum;
  footing->estimated += lot->units;
}

static bool add_part(const struct place *place, int form, struct footing *footing, GError **error)
{
  const struct coverage_report *report =
      reader_coverage_of(place->reader, form, place->slice, place->part->slot, place->part->period, error);
  if (!report) return false;
  const struct covered *covered = &report->covered[place->area];
  footing->coverage = covered->area;
  footing->parks = covered->parks;
  footing->parks_reporting = covered->parks_reporting;
  footing->missing += coverage_missing(&covered->area);
  if (coverage_missing(&covered->area) == 0) return true;
  g_autoptr(GArray) lots = sort_missing(place, report);
  for (unsigned n = 0; n < lots->len; n++) add_lot(place, &g_array_index(lots, struct lot, n), footing);
  return true;
}

bool reader_footing(struct reader *reader, int area, int slice, int indicator, struct period period,
                    struct footing *ret_footing, GError **error)
{
  const struct indicator *of = &reader->catalogue->indicators[indicator];
  struct footing footing = {.estimate = {0, 1}};
  bool counted = of->kind == KIND_COUNT;
  if (counted) indicator = of->count_indicator;
  struct plan plan = {.form = CATALOGUE_NONE};
  if (indicator != CATALOGUE_NONE)
    reader_plan(reader, area, indicator, COLUMNS_OF_THIS_YEAR, period, true, &plan);
  footing.reports = plan.form != CATALOGUE_NONE;
  for (size_t n = 0; n < plan.count; n++) {
    const struct place place = {.reader = reader,
                                .area = area,
                                .slice = slice,
                                .indicator = indicator,
                                .cumulative = of->kind == KIND_FLOW && plan.count == 1,
                                .part = &plan.parts[n]};
    if (!add_part(&place, plan.form, &footing, error)) return false;
  }
  if (counted) {
    footing.estimated = 0;
    footing.estimate = (struct fraction){0, 1};
  }
  const GError *failure = store_error(reader->store);
  if (failure) {
    g_propagate_error(error, g_error_copy(failure));
    return false;
  }
  *ret_footing = footing;
  return true;
}

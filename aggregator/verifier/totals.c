/* Adds up (DOMAIN: overlap; ARCHITECTURE.md, "Which report of a unit counts"): only registered units count;
 * each unit once in an area and slice, however many parks it sits in; of several reports the designated
 * reporter's, else the earliest of the parks that it is registered in, else the earliest of those that it has
 * left. The register of now says where a unit belonged in a period: its last version in force on any day of
 * it. */
#include "aggregator/verifier/totals.h"

#include <string.h>

/* --- where a unit counts --- */

/* Whether a park of the version is the area or below it, and the area counts the unit. */
static bool is_in_area(const struct catalogue *catalogue, const struct unit_version *version, int area)
{
  if (catalogue->areas[area].boundary_only && !version->in_boundary) return false;
  g_auto(GStrv) parks = g_strsplit(version->parks, ";", -1);
  for (char **park = parks; *park; park++) {
    int of = catalogue_area(catalogue, *park);
    if (of != CATALOGUE_NONE && catalogue->areas[of].reports && catalogue_area_within(catalogue, of, area))
      return true;
  }
  return false;
}

static bool is_of_industry(const struct slice *slice, const struct unit_version *version)
{
  bool any = !slice->industries || !slice->industries[0];
  for (char **prefix = slice->industries; !any && *prefix; prefix++)
    any = g_str_has_prefix(version->industry, *prefix);
  return any;
}

static bool is_in_slice(const struct catalogue *catalogue, const struct unit_version *version, int slice)
{
  const struct slice *of = &catalogue->slices[slice];
  for (size_t n = 0; n < of->member_count; n++)
    if (is_in_slice(catalogue, version, of->members[n])) return true;
  if (of->member_count > 0) return false;
  if (of->cluster != CATALOGUE_NONE &&
      !register_list_has(version->clusters, catalogue->clusters[of->cluster].code))
    return false;
  if (of->flag != CATALOGUE_NONE && !register_list_has(version->flags, catalogue->flags[of->flag].code))
    return false;
  return !(of->outside && version->in_boundary) && is_of_industry(of, version);
}

/* --- which report of a unit counts --- */

static int standing_of(const struct catalogue *catalogue, const struct unit_version *version,
                       const struct current *report)
{
  int park = catalogue_area(catalogue, report->park);
  if (*version->reporter && strcmp(version->reporter, report->park) == 0) return 2;
  return park != CATALOGUE_NONE && unit_version_within(version, catalogue, park);
}

static const struct current *choose(const struct catalogue *catalogue, const struct unit_version *version,
                                    const struct current *reports)
{
  const struct current *best = NULL;
  for (const struct current *one = reports; one; one = one->next) {
    if (one->kind == KIND_WITHDRAWAL) continue;
    int more = best ? standing_of(catalogue, version, one) - standing_of(catalogue, version, best) : 1;
    if (more > 0 || (more == 0 && one->first < best->first)) best = one;
  }
  return best;
}

/* --- adding --- */

static struct family *family_at(struct totals *totals, int area, int slice)
{
  void *key = GINT_TO_POINTER(area * LIMIT_SLICES + slice);
  struct family *family = g_hash_table_lookup(totals->families, key);
  if (family) return family;
  family = g_new0(struct family, 1);
  family->area = area;
  family->slice = slice;
  family->sums = g_new0(struct sum, totals->catalogue->forms[totals->form].column_count + 1);
  g_hash_table_insert(totals->families, key, family);
  return family;
}

/* The other column of the indicator that means the same in the year's first period, or CATALOGUE_NONE. */
static int twin_of(const struct form *form, struct period period, unsigned column)
{
  static const enum variant twins[] = {[VARIANT_PERIOD] = VARIANT_YTD,
                                       [VARIANT_YTD] = VARIANT_PERIOD,
                                       [VARIANT_LY] = VARIANT_YTD_LY,
                                       [VARIANT_YTD_LY] = VARIANT_LY};
  const struct column *of = &form->columns[column];
  for (size_t n = 0; period.month == 1 && n < form->column_count; n++)
    if (form->columns[n].indicator == of->indicator && form->columns[n].variant == twins[of->variant])
      return (int)n;
  return CATALOGUE_NONE;
}

static void add_column(const struct form *form, struct period period, enum reading reading,
                       const struct figures *figures, unsigned column, struct sum *sum)
{
  int twin = CATALOGUE_NONE;
  if (!column_set_has(&figures->present, column)) {
    twin = reading == READ_FIRST_PERIOD ? twin_of(form, period, column) : CATALOGUE_NONE;
    if (twin == CATALOGUE_NONE || !column_set_has(&figures->present, (unsigned)twin)) return;
  }
  sum->total += figures->value[twin == CATALOGUE_NONE ? column : (unsigned)twin];
  sum->units++;
}

static void add_report(struct totals *totals, enum reading reading, const struct current *report,
                       const struct figures *figures, struct family *family)
{
  const struct form *form = &totals->catalogue->forms[totals->form];
  family->reported++;
  family->nil += report->kind == KIND_NIL;
  for (unsigned column = 0; column < form->column_count; column++)
    add_column(form, totals->period, reading, figures, column, &family->sums[column]);
}

/* The slices that a version is in, as bits. */
static uint64_t slices_of(const struct catalogue *catalogue, const struct unit_version *version)
{
  uint64_t slices = 0;
  for (int slice = 0; slice < (int)catalogue->slice_count; slice++)
    slices |= (uint64_t)is_in_slice(catalogue, version, slice) << slice;
  return slices;
}

static void add_unit(struct totals *totals, enum reading reading, const struct unit_version *version,
                     const struct current *reports)
{
  const struct catalogue *catalogue = totals->catalogue;
  const struct current *report = choose(catalogue, version, reports);
  uint64_t slices = slices_of(catalogue, version);
  struct figures figures;
  if (!report || !figures_unpack(report->packed, report->length, &figures)) return; /* we packed it */
  for (int area = 0; area < (int)catalogue->area_count; area++) {
    if (!is_in_area(catalogue, version, area)) continue;
    for (int slice = 0; slice < (int)catalogue->slice_count; slice++)
      if (slices >> slice & 1) add_report(totals, reading, report, &figures, family_at(totals, area, slice));
  }
}

static void family_free(void *data)
{
  struct family *family = data;
  g_free(family->sums);
  g_free(family);
}

struct totals *totals_reckon(const struct rebuilt *rebuilt, const char *form, struct period period,
                             enum reading reading)
{
  int n = rebuilt->catalogue ? catalogue_form(rebuilt->catalogue, form) : CATALOGUE_NONE;
  const struct book *book = reports_find_book(rebuilt->reports, form, period);
  GHashTableIter all;
  void *unit, *reports;
  if (n == CATALOGUE_NONE) return NULL;
  struct totals *totals = g_new0(struct totals, 1);
  totals->catalogue = catalogue_ref(rebuilt->catalogue);
  totals->form = n;
  totals->period = period;
  totals->families = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, family_free);
  if (!book) return totals;
  g_hash_table_iter_init(&all, book->units);
  while (g_hash_table_iter_next(&all, &unit, &reports)) {
    const struct unit_version *version = register_version(rebuilt->units, unit, period);
    if (version) add_unit(totals, reading, version, reports);
  }
  return totals;
}

void totals_free(struct totals *totals)
{
  if (!totals) return;
  catalogue_unref(totals->catalogue);
  g_hash_table_unref(totals->families);
  g_free(totals);
}

/* --- who owes a report: by the version in force on the period's last day --- */

static bool is_in_force(const struct rebuilt *rebuilt, size_t n, day_number day)
{
  const struct unit_version *version = register_nth(rebuilt->units, n);
  const struct unit_version *next =
      n + 1 < register_size(rebuilt->units) ? register_nth(rebuilt->units, n + 1) : NULL;
  if (next && strcmp(next->unit, version->unit) == 0 && next->from <= day) return false;
  return version->from <= day && version->to >= day;
}

void totals_expect(struct totals *totals, const struct rebuilt *rebuilt)
{
  const struct catalogue *catalogue = totals->catalogue;
  day_number day = period_last_day(totals->period);
  for (size_t n = 0; n < register_size(rebuilt->units); n++) {
    const struct unit_version *version = register_nth(rebuilt->units, n);
    if (!is_in_force(rebuilt, n, day) || !unit_version_owes(version, catalogue, totals->form)) continue;
    uint64_t slices = slices_of(catalogue, version);
    for (int area = 0; area < (int)catalogue->area_count; area++)
      for (int slice = 0; slice < (int)catalogue->slice_count; slice++)
        if (is_in_area(catalogue, version, area) && (slices >> slice & 1))
          family_at(totals, area, slice)->expected++;
  }
}

const struct family *totals_family(const struct totals *totals, int area, int slice)
{
  return g_hash_table_lookup(totals->families, GINT_TO_POINTER(area * LIMIT_SLICES + slice));
}

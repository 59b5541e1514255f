#include "aggregator/read_coverage.h"

#include "aggregator/read_private.h"
#include "common/calendar.h"

#include <string.h>

#define MONTHS_BACK 12
#define LOOK_AT_SHARE                                                                                        \
  32 /* fewer units than this part of all are looked at one by one, not with their book                      \
      */

/* A unit that owes the report. */
struct owing {
  const struct unit_version *version;
  unsigned group;
  struct coverage_unit unit;
  int64_t figure; /* the last known value, with its sign … */
  int32_t when;   /* … and the period_key() of it */
};

/* Units of the same parks, inside the boundary or outside: they are in the same areas. */
struct group {
  struct coverage coverage;
  const struct unit_version *one; /* of them */
};

struct survey {
  struct reader *reader;
  int form, slice;
  struct period period;
  int column;
  uint64_t late_from;      /* position of the first leaf after the deadline */
  GArray *owing;           /* struct owing, by unit */
  GArray *groups;          /* struct group */
  GHashTable *group_of[2]; /* by in_boundary: parks → index + 1 */
  const char *parks[2];    /* looked up last … */
  unsigned last[2];        /* … and its group */
};

/* --- groups --- */

static unsigned group_of(struct survey *survey, const struct unit_version *version)
{
  int inside = version->in_boundary;
  if (survey->parks[inside] == version->parks) return survey->last[inside];
  unsigned index = GPOINTER_TO_UINT(g_hash_table_lookup(survey->group_of[inside], version->parks));
  if (index == 0) {
    struct group group = {.one = version};
    g_array_append_val(survey->groups, group);
    index = survey->groups->len;
    g_hash_table_insert(survey->group_of[inside], (char *)version->parks, GUINT_TO_POINTER(index));
  }
  survey->parks[inside] = version->parks;
  survey->last[inside] = index - 1;
  return index - 1;
}

static struct coverage *coverage_of(struct survey *survey, unsigned group)
{
  return &g_array_index(survey->groups, struct group, group).coverage;
}

/* --- who owes --- */

/* The next unit's version in force on the day, from the nth version on; NULL if it has none. `*n` becomes the
 * first of the unit after it. */
static const struct unit_version *next_in_force(const struct unit_register *units, day_number day, size_t *n)
{
  const char *unit = register_nth(units, *n)->unit;
  const struct unit_version *found = NULL;
  for (; *n < register_size(units); ++*n) {
    const struct unit_version *version = register_nth(units, *n);
    if (version->unit != unit && strcmp(version->unit, unit) != 0) break;
    if (version->from <= day) found = version;
  }
  return found && found->to >= day ? found : NULL;
}

static void find_owing(struct survey *survey)
{
  const struct catalogue *catalogue = survey->reader->catalogue;
  const struct unit_register *units = survey->reader->snapshot->units;
  day_number day = period_last_day(survey->period);
  for (size_t n = 0; n < register_size(units);) {
    const struct unit_version *version = next_in_force(units, day, &n);
    if (!version || !unit_version_owes(version, catalogue, survey->form)) continue;
    if (!membership_in_slice(catalogue, survey->slice, version)) continue;
    struct owing owing = {.version = version, .group = group_of(survey, version), .unit = {.expected = true}};
    g_array_append_val(survey->owing, owing);
  }
}

/* --- who has reported --- */

static void take_report(const struct survey *survey, const struct stored_report *report,
                        const struct unit_version *version, struct coverage_unit *unit)
{
  unit->reported = true;
  unit->nil = report->kind == KIND_NIL;
  unit->late = report->first >= survey->late_from;
  unit->corrected = report->revision > 1;
  unit->other_park = *version->reporter && strcmp(version->reporter, report->park) != 0;
}

/* One that counts, of a unit that does not owe it. */
static void take_unexpected(struct survey *survey, const struct stored_report *report)
{
  const struct unit_register *units = survey->reader->snapshot->units;
  const struct unit_version *version = register_version(units, report->unit, survey->period);
  if (version && membership_in_slice(survey->reader->catalogue, survey->slice, version))
    coverage_count(coverage_of(survey, group_of(survey, version)), &(struct coverage_unit){.reported = true});
}

static const char *form_code(const struct survey *survey)
{
  return survey->reader->catalogue->forms[survey->form].code;
}

static int64_t book_of(const struct survey *survey, struct period period)
{
  return store_find_book(survey->reader->store, form_code(survey), period);
}

/* Side by side through the book and those who owe, both by unit. */
static void find_reported(struct survey *survey)
{
  struct reader_reports *reports = reader_reports_open(survey->reader, book_of(survey, survey->period));
  const struct stored_report *report;
  unsigned n = 0;
  while ((report = reader_reports_next(reports))) {
    int order = -1;
    if (!report->counted) continue;
    for (; n < survey->owing->len; n++) {
      order = strcmp(g_array_index(survey->owing, struct owing, n).version->unit, report->unit);
      if (order >= 0) break;
    }
    struct owing *owing = order == 0 ? &g_array_index(survey->owing, struct owing, n) : NULL;
    if (owing)
      take_report(survey, report, owing->version, &owing->unit);
    else
      take_unexpected(survey, report);
  }
  reader_reports_close(reports);
}

/* --- last known values --- */

struct look {
  const struct survey *survey;
  struct owing *owing;
  struct period period;
};

static bool take_value(const struct stored_report *report, void *data)
{
  const struct look *look = data;
  struct figures figures;
  unsigned column = (unsigned)look->survey->column;
  if (!report->counted || !figures_unpack(report->figures, report->figures_length, &figures)) return true;
  if (!column_set_has(&figures.present, column)) return true;
  look->owing->unit.known = true;
  look->owing->unit.weight = ABS(figures.value[column]);
  look->owing->figure = figures.value[column];
  look->owing->when = period_key(look->period);
  return false;
}

static void look_at(struct survey *survey, const GPtrArray *lacking, struct period period, int64_t book)
{
  for (unsigned n = 0; n < lacking->len; n++) {
    struct look look = {survey, lacking->pdata[n], period};
    store_look_at(survey->reader->store, book, look.owing->version->unit, take_value, &look);
  }
}

static void read_book(struct survey *survey, const GPtrArray *lacking, struct period period, int64_t book)
{
  struct reader_reports *reports = reader_reports_open(survey->reader, book);
  const struct stored_report *report;
  unsigned n = 0;
  while (n < lacking->len && (report = reader_reports_next(reports))) {
    int order = -1;
    while (n < lacking->len &&
           (order = strcmp(((struct owing *)lacking->pdata[n])->version->unit, report->unit)) < 0)
      n++;
    if (order == 0) take_value(report, &(struct look){survey, lacking->pdata[n], period});
  }
  reader_reports_close(reports);
}

static void drop_known(GPtrArray *lacking)
{
  unsigned kept = 0;
  for (unsigned n = 0; n < lacking->len; n++)
    if (!((struct owing *)lacking->pdata[n])->unit.known) lacking->pdata[kept++] = lacking->pdata[n];
  g_ptr_array_set_size(lacking, (int)kept);
}

static int months_of(struct period period)
{
  return period.year * 12 + (int)period_last_month(period);
}

/* Calls for each earlier book, the newest first, until nobody lacks a value. */
static void each_earlier_book(struct survey *survey, GPtrArray *lacking,
                              void (*read)(struct survey *survey, const GPtrArray *lacking,
                                           struct period period, int64_t book))
{
  const struct form *form = &survey->reader->catalogue->forms[survey->form];
  struct period period = form_period_before(form, survey->period);
  while (lacking->len > 0 && months_of(survey->period) - months_of(period) <= MONTHS_BACK) {
    int64_t book = book_of(survey, period);
    if (book) read(survey, lacking, period, book);
    drop_known(lacking);
    period = form_period_before(form, period);
  }
}

/* Few units are looked at one by one: so those never heard of do not cost a year's books. */
static void read_or_look(struct survey *survey, const GPtrArray *lacking, struct period period, int64_t book)
{
  if (!survey->reader->past && lacking->len < survey->owing->len / LOOK_AT_SHARE)
    look_at(survey, lacking, period, book);
  else
    read_book(survey, lacking, period, book);
}

/* Of the past there is no looking at one report: they are few that are looked for, in all of the book. */
static void read_predecessors(struct survey *survey, const GPtrArray *lacking, struct period period,
                              int64_t book)
{
  struct reader_reports *reports = reader_reports_open(survey->reader, book);
  const struct stored_report *report;
  while ((report = reader_reports_next(reports)))
    for (unsigned n = 0; n < lacking->len; n++) {
      struct look look = {survey, lacking->pdata[n], period};
      if (strcmp(look.owing->version->succeeds, report->unit) == 0) take_value(report, &look);
    }
  reader_reports_close(reports);
}

/* Of the unit that it succeeds. */
static void look_at_predecessor(struct survey *survey, const GPtrArray *lacking, struct period period,
                                int64_t book)
{
  if (survey->reader->past) {
    read_predecessors(survey, lacking, period, book);
    return;
  }
  for (unsigned n = 0; n < lacking->len; n++) {
    struct look look = {survey, lacking->pdata[n], period};
    store_look_at(survey->reader->store, book, look.owing->version->succeeds, take_value, &look);
  }
}

static void find_values(struct survey *survey)
{
  g_autoptr(GPtrArray) lacking = g_ptr_array_sized_new(survey->owing->len);
  if (survey->column == CATALOGUE_NONE) return;
  for (unsigned n = 0; n < survey->owing->len; n++)
    g_ptr_array_add(lacking, &g_array_index(survey->owing, struct owing, n));
  each_earlier_book(survey, lacking, read_or_look);
  for (unsigned n = lacking->len; n-- > 0;)
    if (!*((struct owing *)lacking->pdata[n])->version->succeeds) g_ptr_array_remove_index(lacking, n);
  each_earlier_book(survey, lacking, look_at_predecessor);
}

/* --- what it comes to --- */

static bool has_bit(const uint64_t *words, size_t bit)
{
  return words[bit / 64] >> (bit % 64) & 1;
}

static void spread_group(const struct catalogue *catalogue, const struct group *group,
                         struct covered *covered)
{
  uint64_t areas[MEMBERSHIP_AREA_WORDS] = {0};
  membership_areas(catalogue, group->one, areas);
  for (size_t area = 0; area < catalogue->area_count; area++)
    if (has_bit(areas, area)) coverage_add(&covered[area].area, &group->coverage);
}

static void count_parks(const struct catalogue *catalogue, struct covered *covered)
{
  for (int park = 0; park < (int)catalogue->area_count; park++) {
    if (!catalogue->areas[park].reports || covered[park].area.expected == 0) continue;
    for (int area = park; area != CATALOGUE_NONE; area = catalogue->areas[area].parent) {
      covered[area].parks++;
      covered[area].parks_reporting += covered[park].area.reported > 0;
    }
  }
}

static int largest_first(const void *left, const void *right)
{
  const struct missing_unit *a = left, *b = right;
  if (a->known != b->known) return a->known ? -1 : 1;
  if (a->value != b->value) return a->value > b->value ? -1 : 1;
  return strcmp(a->version->unit, b->version->unit);
}

static struct coverage_report *conclude(struct survey *survey)
{
  const struct catalogue *catalogue = survey->reader->catalogue;
  struct coverage_report *report = g_new0(struct coverage_report, 1);
  report->due_ms = calendar_due(catalogue, survey->form, survey->period);
  report->column = survey->column;
  report->covered = g_new0(struct covered, catalogue->area_count);
  report->missing = g_array_new(FALSE, FALSE, sizeof(struct missing_unit));
  for (unsigned n = 0; n < survey->owing->len; n++) {
    const struct owing *owing = &g_array_index(survey->owing, struct owing, n);
    struct missing_unit missing = {.version = owing->version,
                                   .known = owing->unit.known,
                                   .value = owing->unit.weight,
                                   .figure = owing->figure};
    coverage_count(coverage_of(survey, owing->group), &owing->unit);
    if (owing->unit.reported) continue;
    if (missing.known) period_from_key(owing->when, &missing.when);
    g_array_append_val(report->missing, missing);
  }
  g_array_sort(report->missing, largest_first);
  for (unsigned n = 0; n < survey->groups->len; n++)
    spread_group(catalogue, &g_array_index(survey->groups, struct group, n), report->covered);
  count_parks(catalogue, report->covered);
  return report;
}

static struct coverage_report *make_survey(struct reader *reader, int form, int slice, int column,
                                           struct period period, GError **error)
{
  int64_t due_ms = calendar_due(reader->catalogue, form, period);
  struct survey survey = {
      .reader = reader,
      .form = form,
      .slice = slice,
      .period = period,
      .column = column,
      .late_from = due_ms == CALENDAR_NEVER ? UINT64_MAX : store_leaves_until(reader->store, due_ms),
      .owing = g_array_new(FALSE, FALSE, sizeof(struct owing)),
      .groups = g_array_new(FALSE, FALSE, sizeof(struct group)),
      .group_of = {g_hash_table_new(g_str_hash, g_str_equal), g_hash_table_new(g_str_hash, g_str_equal)}};
  find_owing(&survey);
  find_reported(&survey);
  find_values(&survey);
  CLEANUP(coverage_report_free) struct coverage_report *report = conclude(&survey);
  g_array_unref(survey.owing);
  g_array_unref(survey.groups);
  g_hash_table_unref(survey.group_of[0]);
  g_hash_table_unref(survey.group_of[1]);
  if (!store_error(reader->store)) return g_steal_pointer(&report);
  g_propagate_error(error, g_error_copy(store_error(reader->store)));
  return NULL;
}

struct coverage_report *reader_coverage(struct reader *reader, int form, struct period period, GError **error)
{
  return make_survey(reader, form, 0, reader->catalogue->forms[form].weighed_by, period, error);
}

const struct coverage_report *reader_coverage_of(struct reader *reader, int form, int slice, int column,
                                                 struct period period, GError **error)
{
  if (column == CATALOGUE_NONE) column = reader->catalogue->forms[form].weighed_by;
  g_autofree char *key = g_strdup_printf("%d %d %d %d", form, slice, column, period_key(period));
  struct coverage_report *report = g_hash_table_lookup(reader->surveys, key);
  if (report) return report;
  report = make_survey(reader, form, slice, column, period, error);
  if (report) g_hash_table_insert(reader->surveys, g_steal_pointer(&key), report);
  return report;
}

void coverage_report_free(struct coverage_report *report)
{
  if (!report) return;
  g_free(report->covered);
  g_array_unref(report->missing);
  g_free(report);
}

bool reader_is_in_area(const struct reader *reader, const struct unit_version *version, int area)
{
  uint64_t areas[MEMBERSHIP_AREA_WORDS] = {0};
  membership_areas(reader->catalogue, version, areas);
  return has_bit(areas, (size_t)area);
}

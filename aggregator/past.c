#include "aggregator/past.h"

#include "aggregator/choice.h"
#include "aggregator/past_private.h"
#include "aggregator/rollup.h"

#include <string.h>

/* --- units --- */

/* A report that is kept while those behind it are read. */
struct held {
  struct stored_report report;
  char unit[LIMIT_CODE_BYTES + 1], park[LIMIT_CODE_BYTES + 1];
  uint8_t figures[FIGURES_PACKED_MOST];
};

struct past_units {
  struct past *past;
  struct period period;
  struct store_reports_cursor *cursor;
  const struct stored_report *next; /* not of the unit yet; NULL at the end */
  GPtrArray *held;                  /* struct held: some may be left from units before */
  GPtrArray *reports;               /* of the unit: pointers into held */
  size_t near;                      /* in the register: units ascend */
  struct past_unit unit;
};

static bool find_period(const struct past *past, int64_t book, struct period *ret_period)
{
  for (unsigned n = 0; n < past->books->len; n++) {
    const struct stored_book *known = &g_array_index(past->books, struct stored_book, n);

    if (known->book != book) continue;
    *ret_period = known->period;
    return true;
  }
  return false;
}

struct past_units *past_units_open(struct past *past, int64_t book)
{
  struct past_units *units = g_new0(struct past_units, 1);

  units->past = past;
  units->held = g_ptr_array_new_with_free_func(g_free);
  units->reports = g_ptr_array_new();
  if (!find_period(past, book, &units->period)) return units; /* nothing was ever sent for it */
  units->cursor = store_reports_open_as_of(past->store, book, past->leaves);
  units->next = store_reports_next(units->cursor);
  return units;
}

void past_units_close(struct past_units *units)
{
  if (!units) return;
  store_reports_close(units->cursor);
  g_ptr_array_unref(units->held);
  g_ptr_array_unref(units->reports);
  g_free(units);
}

static void hold(struct past_units *units, const struct stored_report *report)
{
  unsigned n = units->reports->len;
  struct held *held;

  if (n == units->held->len) g_ptr_array_add(units->held, g_new(struct held, 1));
  held = units->held->pdata[n];
  held->report = *report;
  g_strlcpy(held->unit, report->unit, sizeof held->unit);
  g_strlcpy(held->park, report->park, sizeof held->park);
  held->report.unit = held->unit;
  held->report.park = held->park;
  held->report.figures = held->figures;
  memcpy(held->figures, report->figures, report->figures_length);
  g_ptr_array_add(units->reports, &held->report);
}

static bool is_of(const struct stored_report *report, const char *unit)
{
  return report && strcmp(report->unit, unit) == 0;
}

/* Most units have one report, which lives while the next one is looked at. */
static void gather_unit(struct past_units *units)
{
  const struct stored_report *first = units->next;

  g_ptr_array_set_size(units->reports, 0);
  units->next = store_reports_next(units->cursor);
  if (!is_of(units->next, first->unit)) {
    g_ptr_array_add(units->reports, (void *)first);
    return;
  }
  hold(units, first);
  for (; is_of(units->next, ((struct held *)units->held->pdata[0])->unit);
       units->next = store_reports_next(units->cursor))
    hold(units, units->next);
}

const struct past_unit *past_units_next(struct past_units *units)
{
  const struct snapshot *then = units->past->then;
  struct past_unit *unit = &units->unit;

  if (!units->next) return NULL;
  gather_unit(units);
  if (store_error(units->past->store)) return NULL;

  unit->unit = ((const struct stored_report *)units->reports->pdata[0])->unit;
  unit->reports = (const struct stored_report *const *)units->reports->pdata;
  unit->count = units->reports->len;
  unit->version = register_version_near(then->units, unit->unit, units->period, &units->near);
  unit->membership = membership_lookup_of(units->past->lookup, unit->version);
  unit->chosen = choice_of(then->catalogue, unit->version, unit->reports, unit->count);
  return unit;
}

/* --- reports --- */

struct past_reports {
  struct past_units *units;
  const struct past_unit *unit; /* NULL: before the first, or at the end */
  size_t next;                  /* of its reports */
  struct stored_report report;
};

struct past_reports *past_reports_open(struct past *past, int64_t book)
{
  struct past_reports *reports = g_new0(struct past_reports, 1);

  reports->units = past_units_open(past, book);
  return reports;
}

const struct stored_report *past_reports_next(struct past_reports *reports)
{
  const struct past_unit *unit = reports->unit;

  if (!unit || reports->next == unit->count) {
    unit = reports->unit = past_units_next(reports->units);
    reports->next = 0;
    if (!unit) return NULL;
  }
  reports->report = *unit->reports[reports->next];
  reports->report.membership = unit->membership->id;
  reports->report.counted = unit->chosen == unit->reports[reports->next];
  reports->next++;
  return &reports->report;
}

void past_reports_close(struct past_reports *reports)
{
  if (!reports) return;
  past_units_close(reports->units);
  g_free(reports);
}

/* --- cells --- */

/* Of one area and slice of a book. */
struct family {
  const char *area, *slice; /* of memberships */
  size_t count;
  struct cell_change *cells;
};

/* Of a book. */
struct families {
  int64_t book;
  GHashTable *set; /* of struct family */
};

static unsigned family_hash(const void *data)
{
  const struct family *family = data;

  return g_str_hash(family->area) * 31 + g_str_hash(family->slice);
}

static gboolean family_equal(const void *left, const void *right)
{
  const struct family *a = left, *b = right;

  return strcmp(a->area, b->area) == 0 && strcmp(a->slice, b->slice) == 0;
}

static void family_free(void *data)
{
  struct family *family = data;

  g_free(family->cells);
  g_free(family);
}

static void families_free(void *data)
{
  struct families *families = data;

  g_hash_table_unref(families->set);
  g_free(families);
}

static bool keep_family(const struct cell_family *given, void *data)
{
  struct families *families = data;
  struct family *family = g_new(struct family, 1);

  *family = (struct family){.area = given->area,
                            .slice = given->slice,
                            .count = given->count,
                            .cells = g_memdup2(given->changes, given->count * sizeof *given->changes)};
  g_hash_table_add(families->set, family);
  return true;
}

static struct families *read_families(struct past *past, int64_t book)
{
  struct families *families = g_new(struct families, 1);
  CLEANUP(rollup_free) struct rollup *rollup = rollup_new();
  struct past_units *units = past_units_open(past, book);
  const struct past_unit *unit;

  families->book = book;
  families->set = g_hash_table_new_full(family_hash, family_equal, family_free, NULL);
  while ((unit = past_units_next(units))) {
    struct figures figures;

    if (unit->chosen && figures_unpack(unit->chosen->figures, unit->chosen->figures_length, &figures))
      rollup_add(rollup, book, unit->membership, unit->chosen->kind, &figures, +1);
  }
  past_units_close(units);
  rollup_drain(rollup, keep_family, families);
  return families;
}

bool past_cell(struct past *past, const struct cell_key *key, int128 *ret_total, int64_t *ret_units)
{
  struct families *families = g_hash_table_lookup(past->families, &key->book);
  const struct family *family;

  *ret_total = 0;
  *ret_units = 0;
  if (!families) {
    families = read_families(past, key->book);
    g_hash_table_insert(past->families, &families->book, families);
  }
  family = g_hash_table_lookup(families->set, &(struct family){.area = key->area, .slice = key->slice});
  for (size_t n = 0; family && n < family->count; n++) {
    if (family->cells[n].slot != key->slot) continue;
    *ret_total = family->cells[n].total;
    *ret_units = family->cells[n].units;
    return true;
  }
  return false;
}

/* --- the past --- */

struct past *past_new(struct store *store, struct snapshot *present, uint64_t leaves, int64_t moment_ms,
                      GError **error)
{
  CLEANUP(snapshot_unref) struct snapshot *then = past_in_force(store, present, leaves, error);
  struct past *past;

  if (!then) return NULL;
  past = g_new0(struct past, 1);
  past->store = store;
  past->leaves = leaves;
  past->moment_ms = moment_ms;
  past->present = snapshot_ref(present);
  past->then = g_steal_pointer(&then);
  past->memberships = memberships_new(NULL);
  past->lookup = membership_lookup_new(past->memberships);
  membership_lookup_use(past->lookup, past->then->catalogue);
  past->books = store_books(store, NULL);
  past->families = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, families_free);
  return past;
}

void past_free(struct past *past)
{
  if (!past) return;
  g_hash_table_unref(past->families);
  if (past->owed) g_hash_table_unref(past->owed);
  g_array_unref(past->books);
  membership_lookup_free(past->lookup);
  memberships_free(past->memberships);
  snapshot_unref(past->then);
  snapshot_unref(past->present);
  g_free(past);
}

uint64_t past_leaves(const struct past *past)
{
  return past->leaves;
}

int64_t past_moment_ms(const struct past *past)
{
  return past->moment_ms;
}

struct snapshot *past_snapshot(struct past *past)
{
  return past->then;
}

struct memberships *past_memberships(struct past *past)
{
  return past->memberships;
}

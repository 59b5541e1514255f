#include "aggregator/tables.h"

#include "aggregator/rollup.h"

#include <assert.h>
#include <string.h>

/* Units whose reports are re-derived between two looks at the table that holds them. */
#define REDERIVE_UNITS 1024

/* Units of one kind share the texts that a membership is derived from, so that their addresses, within a
 * register, tell it: a look at a few pointers instead of hashing four texts for each report. */
#define KNOWN_BITS 12

struct known_membership {
  const char *parks, *industry, *clusters, *flags; /* of a version of the register in use */
  bool in_boundary;
  const struct membership *membership; /* NULL: an empty slot */
};

struct tables {
  struct store *store;
  struct catalogue *catalogue;
  struct unit_register *units;
  struct memberships *memberships;
  struct known_membership known[1 << KNOWN_BITS];
  struct rollup *rollup;
  GHashTable *owed; /* set of struct owed, by form, membership and day */
};

/* By how many units more owe a form from a day on: of one membership, or of one of its areas and slices. */
struct owed {
  int form;
  const struct membership *membership; /* NULL: area and slice are set */
  const char *area, *slice;
  day_number day;
  int64_t units;
};

static unsigned owed_hash(const void *data)
{
  const struct owed *key = data;
  unsigned hash = ((unsigned)key->form << 20) ^ (unsigned)key->day;

  if (key->membership) return hash ^ g_direct_hash(key->membership);
  return hash ^ g_str_hash(key->area) ^ (g_str_hash(key->slice) * 31u);
}

static gboolean owed_equal(const void *left, const void *right)
{
  const struct owed *a = left, *b = right;

  if (a->form != b->form || a->day != b->day || a->membership != b->membership) return FALSE;
  return a->membership || (strcmp(a->area, b->area) == 0 && strcmp(a->slice, b->slice) == 0);
}

static GHashTable *owed_new(void)
{
  return g_hash_table_new_full(owed_hash, owed_equal, g_free, NULL);
}

struct tables *tables_new(struct store *store)
{
  struct tables *tables = g_new0(struct tables, 1);

  tables->store = store;
  tables->memberships = memberships_new(store);
  tables->rollup = rollup_new();
  tables->owed = owed_new();
  return tables;
}

void tables_free(struct tables *tables)
{
  if (!tables) return;
  g_hash_table_unref(tables->owed);
  rollup_free(tables->rollup);
  memberships_free(tables->memberships);
  register_unref(tables->units);
  catalogue_unref(tables->catalogue);
  g_free(tables);
}

void tables_use(struct tables *tables, struct catalogue *catalogue, struct unit_register *units)
{
  struct catalogue *old_catalogue = tables->catalogue;
  struct unit_register *old_units = tables->units;

  tables->catalogue = catalogue ? catalogue_ref(catalogue) : NULL;
  tables->units = units ? register_ref(units) : NULL;
  memset(tables->known, 0, sizeof tables->known);
  catalogue_unref(old_catalogue);
  register_unref(old_units);
}

const struct unit_register *tables_register(const struct tables *tables)
{
  return tables->units;
}

static struct known_membership *known_slot(struct tables *tables, const struct unit_version *version)
{
  static const uint64_t FACTOR = UINT64_C(0x9E3779B97F4A7C15); /* of Fibonacci hashing */
  uint64_t hash = (uintptr_t)version->parks + version->in_boundary;

  hash = hash * FACTOR + (uintptr_t)version->industry;
  hash = hash * FACTOR + (uintptr_t)version->clusters;
  hash = hash * FACTOR + (uintptr_t)version->flags;
  return &tables->known[hash * FACTOR >> (64 - KNOWN_BITS)];
}

/* Of a version of the register in use, or NULL. */
static const struct membership *membership_of(struct tables *tables, const struct unit_version *version)
{
  if (!version) return memberships_of(tables->memberships, tables->catalogue, NULL);
  struct known_membership *known = known_slot(tables, version);

  if (!known->membership || known->parks != version->parks || known->industry != version->industry ||
      known->clusters != version->clusters || known->flags != version->flags ||
      known->in_boundary != version->in_boundary)
    *known = (struct known_membership){
        .parks = version->parks,
        .industry = version->industry,
        .clusters = version->clusters,
        .flags = version->flags,
        .in_boundary = version->in_boundary,
        .membership = memberships_of(tables->memberships, tables->catalogue, version),
    };
  return known->membership;
}

/* --- which report of a unit counts --- */

/* 3: the designated reporter, 2: an area that the unit is registered in, 1: one that it has left since; 0:
 * withdrawn. */
static int standing(const struct tables *tables, const struct unit_version *version,
                    const struct stored_report *report)
{
  int area = catalogue_area(tables->catalogue, report->park);

  if (report->kind == KIND_WITHDRAWAL) return 0;
  if (version->reporter[0] && strcmp(version->reporter, report->park) == 0) return 3;
  return area != CATALOGUE_NONE && unit_version_within(version, tables->catalogue, area) ? 2 : 1;
}

/* The report of the best standing; of equals the one that came first. */
static const struct stored_report *choose(const struct tables *tables, const struct unit_version *version,
                                          const struct stored_report *const *reports, size_t count)
{
  const struct stored_report *chosen = NULL;
  int best = 0;

  for (size_t n = 0; version && n < count; n++) {
    int mine = standing(tables, version, reports[n]);

    if (mine < best || mine == 0 || (mine == best && reports[n]->first > chosen->first)) continue;
    chosen = reports[n];
    best = mine;
  }
  return chosen;
}

static void add_to_cells(struct tables *tables, const struct stored_report *report, int64_t membership,
                         int sign)
{
  struct figures figures;
  const struct membership *of = memberships_by_id(tables->memberships, membership);

  if (of && figures_unpack(report->figures, report->figures_length, &figures))
    rollup_add(tables->rollup, report->book, of, report->kind, &figures, sign);
}

/* Marks those whose membership, or whether they count, is not what it was. */
static void mark_changed(struct tables *tables, const struct stored_report *const *reports, size_t count,
                         const struct stored_report *chosen, int64_t membership)
{
  for (size_t n = 0; n < count; n++)
    if (reports[n]->counted != (reports[n] == chosen) || reports[n]->membership != membership)
      store_report_mark(tables->store, reports[n]->book, reports[n]->unit, reports[n]->park, membership,
                        reports[n] == chosen);
}

bool tables_put_first(struct tables *tables, const struct stored_report *report,
                      const struct figures *figures, const struct unit_version *version)
{
  const struct membership *membership = membership_of(tables, version);
  struct stored_report put = *report;

  put.membership = membership->id;
  put.counted = version && report->kind != KIND_WITHDRAWAL; /* it alone is there to be chosen */
  if (!store_report_put_first(tables->store, &put)) return false;
  if (put.counted) rollup_add(tables->rollup, put.book, membership, put.kind, figures, +1);
  return true;
}

void tables_put(struct tables *tables, const struct stored_report *report, const struct figures *figures,
                const struct unit_version *version, const struct stored_report *present, size_t count)
{
  const struct membership *membership = membership_of(tables, version);
  g_autofree const struct stored_report **now = g_new(const struct stored_report *, count + 1);
  const struct stored_report *chosen;
  struct stored_report put = *report;
  size_t size = 0;

  for (size_t n = 0; n < count; n++) {
    if (present[n].counted) add_to_cells(tables, &present[n], present[n].membership, -1);
    if (strcmp(present[n].park, report->park) != 0) now[size++] = &present[n];
  }
  now[size] = report;
  chosen = choose(tables, version, now, size + 1);
  if (chosen == report)
    rollup_add(tables->rollup, report->book, membership, report->kind, figures, +1);
  else if (chosen)
    add_to_cells(tables, chosen, membership->id, +1);

  put.membership = membership->id;
  put.counted = chosen == report;
  store_report_put(tables->store, &put);
  mark_changed(tables, now, size, chosen, membership->id);
}

/* Re-derives the marks of a unit's reports in one book. `take_out`: their old contribution is still in the
 * cells. */
static void rederive_unit(struct tables *tables, struct period period, const struct stored_report *reports,
                          size_t count, bool take_out)
{
  const struct unit_version *version = register_version(tables->units, reports[0].unit, period);
  const struct membership *membership = membership_of(tables, version);
  g_autofree const struct stored_report **now = g_new(const struct stored_report *, count);
  const struct stored_report *chosen;

  for (size_t n = 0; n < count; n++) {
    now[n] = &reports[n];
    if (take_out && reports[n].counted) add_to_cells(tables, &reports[n], reports[n].membership, -1);
  }
  chosen = choose(tables, version, now, count);
  if (chosen) add_to_cells(tables, chosen, membership->id, +1);
  mark_changed(tables, now, count, chosen, membership->id);
}

/* --- what a unit owes --- */

static void add_owed(GHashTable *owed, const struct owed *change)
{
  struct owed *sum = g_hash_table_lookup(owed, change);

  if (sum)
    sum->units += change->units;
  else
    g_hash_table_add(owed, g_memdup2(change, sizeof *change));
}

/* Adds (or, with sign −1, takes back) all that a unit owes by its versions in a register. */
static void owe(struct tables *tables, const struct unit_register *units, const char *unit, int sign)
{
  const struct unit_version *versions;
  size_t count = register_unit(units, unit, &versions);

  for (size_t n = 0; n < count; n++) {
    const struct unit_version *version = &versions[n];
    day_number end = version->to;
    const struct membership *membership = memberships_of(tables->memberships, tables->catalogue, version);

    if (n + 1 < count && versions[n + 1].from <= end) end = versions[n + 1].from - 1;
    assert(tables->catalogue); /* a register has been checked against one */
    for (size_t form = 0; form < tables->catalogue->form_count; form++) {
      if (!unit_version_owes(version, tables->catalogue, (int)form)) continue;
      add_owed(
          tables->owed,
          &(struct owed){.form = (int)form, .membership = membership, .day = version->from, .units = sign});
      if (end != DAY_NONE)
        add_owed(tables->owed,
                 &(struct owed){.form = (int)form, .membership = membership, .day = end + 1, .units = -sign});
    }
  }
}

/* --- changes of register and catalogue --- */

void tables_register_changed(struct tables *tables, struct unit_register *after, const GPtrArray *units)
{
  g_autoptr(GArray) books = store_books(tables->store, NULL);

  for (unsigned n = 0; n < units->len; n++) owe(tables, tables->units, units->pdata[n], -1);
  tables_use(tables, tables->catalogue, after);
  for (unsigned n = 0; n < units->len; n++) owe(tables, after, units->pdata[n], +1);

  for (unsigned b = 0; b < books->len; b++) {
    const struct stored_book *book = &g_array_index(books, struct stored_book, b);

    for (unsigned n = 0; n < units->len; n++) {
      size_t count;
      const struct stored_report *reports = store_reports(tables->store, book->book, units->pdata[n], &count);

      if (count > 0) rederive_unit(tables, book->period, reports, count, true);
    }
    tables_flush(tables); /* so that memory is that of one book */
  }
}

static bool collect_unit(const struct stored_report *report, void *data)
{
  GPtrArray *units = data;

  if (units->len > 0 && strcmp(units->pdata[units->len - 1], report->unit) == 0) return true;
  if (units->len == REDERIVE_UNITS) return false;
  g_ptr_array_add(units, g_strdup(report->unit));
  return true;
}

static void rederive_book(struct tables *tables, const struct stored_book *book)
{
  g_autoptr(GPtrArray) units = g_ptr_array_new_with_free_func(g_free);
  g_autofree char *last = g_strdup("");

  do {
    g_ptr_array_set_size(units, 0);
    store_each_report_after(tables->store, book->book, last, collect_unit, units);
    for (unsigned n = 0; n < units->len; n++) {
      size_t count;
      const struct stored_report *reports = store_reports(tables->store, book->book, units->pdata[n], &count);

      if (count > 0) rederive_unit(tables, book->period, reports, count, false);
    }
    if (units->len > 0) {
      g_free(last);
      last = g_strdup(units->pdata[units->len - 1]);
    }
  } while (units->len == REDERIVE_UNITS && !store_error(tables->store));
}

void tables_catalogue_changed(struct tables *tables, struct catalogue *catalogue)
{
  g_autoptr(GArray) books = store_books(tables->store, NULL);
  const char *previous = NULL;

  tables_flush(tables);
  tables_use(tables, catalogue, tables->units);
  store_cells_clear(tables->store);
  store_expected_clear(tables->store);
  for (unsigned b = 0; b < books->len; b++) {
    rederive_book(tables, &g_array_index(books, struct stored_book, b));
    tables_flush(tables);
  }
  for (size_t n = 0; n < register_size(tables->units); n++) {
    const struct unit_version *version = register_nth(tables->units, n);

    if (!previous || strcmp(previous, version->unit) != 0) owe(tables, tables->units, version->unit, +1);
    previous = version->unit;
  }
  tables_flush(tables);
}

/* --- writing --- */

static bool write_family(const struct cell_family *family, void *data)
{
  store_cells_add(data, family);
  return !store_error(data);
}

/* What each area and slice of the memberships comes to. */
static GHashTable *spread_owed(GHashTable *owed)
{
  GHashTable *spread = owed_new();
  GHashTableIter iter;
  void *item;

  g_hash_table_iter_init(&iter, owed);
  while (g_hash_table_iter_next(&iter, &item, NULL)) {
    const struct owed *of = item;

    for (char **area = of->membership->areas; *area; area++)
      for (char **slice = of->membership->slices; *slice; slice++)
        add_owed(spread,
                 &(struct owed){
                     .form = of->form, .area = *area, .slice = *slice, .day = of->day, .units = of->units});
  }
  return spread;
}

void tables_flush(struct tables *tables)
{
  g_autoptr(GHashTable) owed = NULL;
  GHashTableIter iter;
  void *item;

  rollup_drain(tables->rollup, write_family, tables->store);
  if (!tables->catalogue) return; /* nothing is owed without one */
  owed = spread_owed(tables->owed);
  g_hash_table_iter_init(&iter, owed);
  while (g_hash_table_iter_next(&iter, &item, NULL)) {
    const struct owed *of = item;

    if (of->units != 0)
      store_expected_add(tables->store, tables->catalogue->forms[of->form].code, of->area, of->slice, of->day,
                         of->units);
  }
  g_hash_table_remove_all(tables->owed);
}

void tables_forget(struct tables *tables)
{
  rollup_clear(tables->rollup);
  g_hash_table_remove_all(tables->owed);
  memberships_forget(tables->memberships);
  memset(tables->known, 0, sizeof tables->known);
}

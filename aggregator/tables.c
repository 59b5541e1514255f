#include "aggregator/tables.h"

#include "aggregator/choice.h"
#include "aggregator/owing.h"
#include "aggregator/rollup.h"

#include <string.h>

/* Units whose reports are re-derived between two looks at the table that holds them. */
#define REDERIVE_UNITS 1024

struct tables {
  struct store *store;
  struct catalogue *catalogue;
  struct unit_register *units;
  struct memberships *memberships;
  struct membership_lookup *known; /* of the register in use */
  struct rollup *rollup;
  struct owing *owing;
};

struct tables *tables_new(struct store *store)
{
  struct tables *tables = g_new0(struct tables, 1);

  tables->store = store;
  tables->memberships = memberships_new(store);
  tables->known = membership_lookup_new(tables->memberships);
  tables->rollup = rollup_new();
  tables->owing = owing_new();
  return tables;
}

void tables_free(struct tables *tables)
{
  if (!tables) return;
  owing_free(tables->owing);
  rollup_free(tables->rollup);
  membership_lookup_free(tables->known);
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
  membership_lookup_use(tables->known, tables->catalogue);
  catalogue_unref(old_catalogue);
  register_unref(old_units);
}

const struct unit_register *tables_register(const struct tables *tables)
{
  return tables->units;
}

/* Of a version of the register in use, or NULL. */
static const struct membership *membership_of(struct tables *tables, const struct unit_version *version)
{
  return membership_lookup_of(tables->known, version);
}

/* --- which report of a unit counts --- */

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
  chosen = choice_of(tables->catalogue, version, now, size + 1);
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
  chosen = choice_of(tables->catalogue, version, now, count);
  if (chosen) add_to_cells(tables, chosen, membership->id, +1);
  mark_changed(tables, now, count, chosen, membership->id);
}

/* --- changes of register and catalogue --- */

void tables_register_changed(struct tables *tables, struct unit_register *after, const GPtrArray *units)
{
  g_autoptr(GArray) books = store_books(tables->store, NULL);

  for (unsigned n = 0; n < units->len; n++)
    owing_add(tables->owing, tables->memberships, tables->catalogue, tables->units, units->pdata[n], -1);
  tables_use(tables, tables->catalogue, after);
  for (unsigned n = 0; n < units->len; n++)
    owing_add(tables->owing, tables->memberships, tables->catalogue, after, units->pdata[n], +1);

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

  tables_flush(tables);
  tables_use(tables, catalogue, tables->units);
  store_cells_clear(tables->store);
  store_expected_clear(tables->store);
  for (unsigned b = 0; b < books->len; b++) {
    rederive_book(tables, &g_array_index(books, struct stored_book, b));
    tables_flush(tables);
  }
  owing_add_all(tables->owing, tables->memberships, tables->catalogue, tables->units, +1);
  tables_flush(tables);
}

/* --- writing --- */

static bool write_family(const struct cell_family *family, void *data)
{
  store_cells_add(data, family);
  return !store_error(data);
}

static void write_owed(int form, const char *area, const char *slice, day_number day, int64_t units,
                       void *data)
{
  struct tables *tables = data;

  store_expected_add(tables->store, tables->catalogue->forms[form].code, area, slice, day, units);
}

void tables_flush(struct tables *tables)
{
  rollup_drain(tables->rollup, write_family, tables->store);
  if (tables->catalogue) owing_drain(tables->owing, write_owed, tables); /* nothing is owed without one */
}

void tables_forget(struct tables *tables)
{
  rollup_clear(tables->rollup);
  owing_clear(tables->owing);
  memberships_forget(tables->memberships);
  membership_lookup_use(tables->known, tables->catalogue);
}

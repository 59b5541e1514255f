/* Reports of single units: what each park's current report of each unit says on one form for one period, who
 * answers for it, and which submission it came with. These are confidential (统计法 §25): who may give
 * commands to the server, or is named in its configuration, sees them, and nobody else. */
#include "aggregator/export/topic.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"

#include <inttypes.h>

const struct export_column export_reports_columns[] = {
    {"unit", N_("unit"), .kind = EXPORT_TEXT},
    {"name", N_("unit's name"), .kind = EXPORT_TEXT},
    {"park", N_("park code"), .kind = EXPORT_TEXT},
    {"park_name", N_("park"), .kind = EXPORT_TEXT},
    {"period", N_("period"), .kind = EXPORT_PERIOD},
    {"kind", N_("kind"), .kind = EXPORT_TEXT},
    {"counted", N_("counted"), .kind = EXPORT_FLAG},
    {"revision", N_("revision"), .kind = EXPORT_COUNT},
    {"approved_by", N_("approved by"), .kind = EXPORT_TEXT},
    {"recorded", N_("recorded"), .kind = EXPORT_TEXT},
    {"submission", N_("submission"), .kind = EXPORT_TEXT},
    {.id = NULL},
};

/* What reports have from their submission. */
struct origin {
  char *approved_by, *recorded, *id;
};

static void free_origin(void *data)
{
  struct origin *origin = data;
  g_free(origin->approved_by);
  g_free(origin->recorded);
  g_free(origin->id);
  g_free(origin);
}

struct reports {
  const struct export_scope *scope;
  const struct form *form;
  struct period period;
  struct export_table *table;
  GHashTable *origins; /* by position: many reports come with one submission */
  GHashTable *parks;   /* area codes → name of those that are asked for */
  size_t near;         /* units ascend */
  GError *error;
};

/* --- columns --- */

static void add_form_columns(const struct export_scope *scope, struct export_table *table)
{
  const struct catalogue *catalogue = scope->catalogue;
  const struct form *form = &catalogue->forms[scope->form];
  for (int n = 0; n < (int)form->column_count; n++) {
    const struct indicator *indicator = &catalogue->indicators[form->columns[n].indicator];
    g_autofree char *name = catalogue_column_name(catalogue, scope->form, n);
    /* Translators: a heading: an indicator's name and its measure. */
    g_autofree char *title =
        g_strdup_printf(_("%s (%s)"), name, catalogue->measures[indicator->measure].code);
    export_table_add_column(table,
                            &(struct export_column){form->columns[n].code, title, .kind = EXPORT_DECIMAL});
  }
}

/* --- rows --- */

static struct origin *read_origin(struct store *store, uint64_t position)
{
  g_autoptr(GBytes) body = store_leaf(store, position);
  CLEANUP(leaf_free)
  struct leaf *leaf = body ? leaf_decode(g_bytes_get_data(body, NULL), g_bytes_get_size(body)) : NULL;
  const uint8_t *payload;
  size_t length;
  uint8_t id[SUBMISSION_ID_SIZE];
  if (!leaf || leaf->kind != LEAF_SUBMISSION || !store_submission_at(store, position, id) ||
      !seal_peek(leaf->submission.sealed.data, leaf->submission.sealed.length, SEAL_SUBMISSION, &payload,
                 &length))
    return NULL;
  CLEANUP(submission_free) struct submission *submission = submission_decode(payload, length);
  if (!submission) return NULL;
  struct origin *origin = g_new0(struct origin, 1);
  origin->approved_by = g_strdup(submission_head(submission)->approved_by);
  origin->recorded = clock_format((struct wall_time){leaf->recorded_at_ms});
  origin->id = text_hex(id, sizeof id);
  return origin;
}

static const struct origin *origin_of(struct reports *reports, uint64_t position)
{
  struct origin *origin = g_hash_table_lookup(reports->origins, &position);
  if (origin) return origin;
  origin = read_origin(reports->scope->store, position);
  if (origin) g_hash_table_insert(reports->origins, g_memdup2(&position, sizeof position), origin);
  return origin;
}

static void add_figures(struct reports *reports, const struct figures *figures)
{
  char text[DECIMAL_TEXT_SIZE];
  for (unsigned n = 0; n < reports->form->column_count; n++) {
    int indicator = reports->form->columns[n].indicator;
    unsigned decimals = reports->scope->catalogue->indicators[indicator].decimals;
    bool present = column_set_has(&figures->present, n);
    export_table_cell(reports->table, present ? decimal_format(figures->value[n], decimals, text) : "");
  }
}

static void add_report(struct reports *reports, const struct stored_report *report,
                       const struct origin *origin, const struct figures *figures)
{
  static const char *const kinds[] = {
      [KIND_FIGURES] = "figures", [KIND_NIL] = "nil", [KIND_WITHDRAWAL] = "withdrawal"};
  struct export_table *table = reports->table;
  const struct unit_version *version =
      register_version_near(reports->scope->snapshot->units, report->unit, reports->period, &reports->near);
  char text[PERIOD_TEXT_SIZE];
  export_table_cell(table, report->unit);
  export_table_cell(table, version ? version->name : "");
  export_table_cell(table, report->park);
  export_table_cell(table, g_hash_table_lookup(reports->parks, report->park));
  export_table_cell(table, period_format(reports->period, text));
  export_table_cell(table, kinds[report->kind]);
  export_table_flag(table, report->counted);
  export_table_count(table, report->revision);
  export_table_cell(table, origin->approved_by);
  export_table_cell(table, origin->recorded);
  export_table_cell(table, origin->id);
  add_figures(reports, figures);
}

static bool take_report(const struct stored_report *report, void *data)
{
  struct reports *reports = data;
  struct figures figures;
  if (!g_hash_table_contains(reports->parks, report->park)) return true;
  const struct origin *origin = origin_of(reports, report->position);
  figures_clear(&figures);
  if (origin && figures_unpack(report->figures, report->figures_length, &figures)) {
    add_report(reports, report, origin, &figures);
    return true;
  }
  if (store_tell_error(reports->scope->store, &reports->error)) return false;
  g_set_error(&reports->error, PARKTALLY_ERROR, ERROR_DATA,
              _("the submission at position %" PRIu64
                " of the ledger, which has the report of %s, is damaged; "
                "restore a copy of the data folder, or run \"park-aggregator rebuild --check\""),
              report->position, report->unit);
  return false;
}

/* --- what is asked for --- */

static bool stop_at_first(const struct stored_report *report, void *data)
{
  (void)report;
  *(bool *)data = true;
  return false;
}

/* The book of the period, or of the last one that anything was reported for; 0 if there is none. */
static int64_t find_book(const struct export_scope *scope, const char *form, struct period *ret_period)
{
  int64_t found = 0;
  *ret_period = scope->period;
  if (scope->period_named) return store_find_book(scope->store, form, scope->period);
  g_autoptr(GArray) books = store_books(scope->store, form);
  for (unsigned n = 0; n < books->len; n++) {
    const struct stored_book *book = &g_array_index(books, struct stored_book, n);
    bool has_reports = false;
    if (found && !period_is_later(book->period, *ret_period)) continue;
    store_each_report(scope->store, book->book, stop_at_first, &has_reports);
    if (!has_reports) continue;
    found = book->book;
    *ret_period = book->period;
  }
  return found;
}

/* The areas that are asked for, and those within them. */
static GHashTable *find_parks(const struct export_scope *scope)
{
  GHashTable *parks = g_hash_table_new(g_str_hash, g_str_equal);
  const struct catalogue *catalogue = scope->catalogue;
  for (int inner = 0; inner < (int)catalogue->area_count; inner++)
    for (unsigned n = 0; n < scope->areas->len; n++)
      if (catalogue_area_within(catalogue, inner, g_array_index(scope->areas, int, n)))
        g_hash_table_insert(parks, catalogue->areas[inner].code,
                            (char *)text_label(&catalogue->areas[inner].name));
  return parks;
}

static bool refuse_without_form(const struct catalogue *catalogue, GError **error)
{
  g_autoptr(GString) list = g_string_new(NULL);
  for (size_t n = 0; n < catalogue->form_count; n++)
    g_string_append_printf(list, "%s%s", n > 0 ? ", " : "", catalogue->forms[n].code);
  g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE,
              _("reports are exported form by form: name one with --form; there are: %s"), list->str);
  return false;
}

bool export_reports(const struct export_scope *scope, struct export_table *table, GError **error)
{
  if (scope->form == CATALOGUE_NONE) return refuse_without_form(scope->catalogue, error);
  struct reports reports = {.scope = scope, .form = &scope->catalogue->forms[scope->form], .table = table};
  int64_t book = find_book(scope, reports.form->code, &reports.period);
  add_form_columns(scope, table);
  if (book || scope->period_named) export_table_set_period(table, reports.period);
  if (!book) return true;
  reports.parks = find_parks(scope);
  reports.origins = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, free_origin);
  store_each_report(scope->store, book, take_report, &reports);
  g_hash_table_unref(reports.origins);
  g_hash_table_unref(reports.parks);
  if (!reports.error) return true; /* the store's own errors are told when the transaction ends */
  g_propagate_error(error, reports.error);
  return false;
}

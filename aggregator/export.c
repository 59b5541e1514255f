/* park-aggregator export: topics (what) in a format (how), for spreadsheets and other programs. The store's
 * transaction, in which the topics are read, is over before anything is written. */
#include "aggregator/export/format.h"
#include "aggregator/export/topic.h"
#include "aggregator/office.h"
#include "aggregator/pick.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"

/* What is asked for, as words. */
struct asked {
  GStrv areas, indicators, slices;
  char *period, *form, *format, *output, *edition;
  gboolean cumulative, to_terminal;
};

static void asked_clear(struct asked *asked)
{
  g_strfreev(asked->areas);
  g_strfreev(asked->indicators);
  g_strfreev(asked->slices);
  g_free(asked->period);
  g_free(asked->form);
  g_free(asked->format);
  g_free(asked->output);
  g_free(asked->edition);
}

static void scope_clear(struct export_scope *scope)
{
  g_clear_pointer(&scope->areas, g_array_unref);
  g_clear_pointer(&scope->indicators, g_array_unref);
  g_clear_pointer(&scope->slices, g_array_unref);
}

/* --- what is asked for --- */

static bool refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool refuse(GError **error, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *message = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  g_set_error_literal(error, PARKTALLY_ERROR, ERROR_USAGE, message);
  return false;
}

/* An option that says nothing about any of the topics was meant for another one. */
static bool options_fit(const struct asked *asked, const GPtrArray *topics, GError **error)
{
  const struct {
    const char *name;
    bool given;
    enum export_option option;
  } options[] = {{"--area", asked->areas != NULL, EXPORT_AREA},
                 {"--indicator", asked->indicators != NULL, EXPORT_INDICATOR},
                 {"--slice", asked->slices != NULL, EXPORT_SLICE},
                 {"--cumulative", asked->cumulative, EXPORT_CUMULATIVE},
                 {"--form", asked->form != NULL, EXPORT_FORM},
                 {"--edition", asked->edition != NULL, EXPORT_EDITION}};
  unsigned taken = 0;
  for (unsigned n = 0; n < topics->len; n++) taken |= ((const struct export_topic *)topics->pdata[n])->takes;
  for (size_t n = 0; n < G_N_ELEMENTS(options); n++)
    if (options[n].given && !(taken & options[n].option))
      return refuse(error, _("%s says nothing about what is exported here; leave it out"), options[n].name);
  return true;
}

static GPtrArray *find_topics(int count, char **words, GError **error)
{
  g_autoptr(GPtrArray) topics = g_ptr_array_new();
  for (int n = 0; n < count; n++) {
    const struct export_topic *topic = export_topic_find(words[n], error);
    if (!topic) return NULL;
    if (!g_ptr_array_find(topics, topic, NULL)) g_ptr_array_add(topics, (void *)topic);
  }
  return g_steal_pointer(&topics);
}

/* What can be said without the store. */
static bool understand(const struct asked *asked, const GPtrArray *topics, const struct export_format *format,
                       struct export_scope *scope, GError **error)
{
  scope->period_named = asked->period != NULL;
  scope->cumulative = asked->cumulative;
  if (!options_fit(asked, topics, error)) return false;
  if (!format->many && topics->len > 1)
    return refuse(error, _("a file of the format %s holds one table; name one topic, or choose xlsx or json"),
                  format->name);
  if (format->binary && asked->to_terminal)
    return refuse(error, _("%s is nothing for a terminal; name a file with --output"), format->name);
  if (asked->edition && !g_ascii_string_to_unsigned(asked->edition, 10, 1, INT64_MAX, &scope->edition, NULL))
    return refuse(error, _("“%s” is no number of an edition: “park-aggregator editions” lists them"),
                  asked->edition);
  if (asked->period && !period_read(asked->period, 0, &scope->period))
    return refuse(error, _("“%s” is no period; write 2018-05, 2018-Q2, 2018 or 2018-01/P2M"), asked->period);
  return true;
}

static bool pick(const struct asked *asked, struct export_scope *scope, GError **error)
{
  const struct catalogue *catalogue = scope->catalogue;
  char *forms[] = {asked->form, NULL};
  g_autoptr(GArray) form = pick_items(catalogue, PICK_FORMS, forms, error);
  if (!form) return false;
  scope->form = form->len > 0 ? g_array_index(form, int, 0) : CATALOGUE_NONE;
  scope->areas = pick_or_all(catalogue, PICK_AREAS, asked->areas, error);
  if (scope->areas) scope->indicators = pick_or_all(catalogue, PICK_INDICATORS, asked->indicators, error);
  if (scope->indicators) scope->slices = pick_slices(catalogue, asked->slices, error);
  scope->areas_named = scope->areas && asked->areas;
  scope->indicators_named = scope->indicators && asked->indicators;
  scope->slices_named = scope->slices && asked->slices;
  return scope->slices != NULL;
}

/* --- reading --- */

static void free_table(void *table)
{
  export_table_free(table);
}

static GPtrArray *read_tables(const GPtrArray *topics, const struct export_scope *scope, GError **error)
{
  g_autoptr(GPtrArray) tables = g_ptr_array_new_with_free_func(free_table);
  for (unsigned n = 0; n < topics->len; n++) {
    struct export_table *table = export_topic_read(topics->pdata[n], scope, error);
    if (!table) return NULL;
    g_ptr_array_add(tables, table);
  }
  return g_steal_pointer(&tables);
}

/* All tables as of one moment: that of the snapshot, whose transaction ends here. */
static GPtrArray *read_moment(struct office *office, struct snapshot *snapshot, const struct asked *asked,
                              const GPtrArray *topics, struct export_scope *scope, uint64_t *ret_leaves,
                              GError **error)
{
  CLEANUP(reader_free) struct reader *reader = reader_new(office->reader, snapshot);
  scope->store = office->reader;
  scope->reader = reader;
  scope->snapshot = snapshot;
  scope->catalogue = snapshot->catalogue;
  *ret_leaves = store_leaf_count(office->reader);
  g_autoptr(GPtrArray) tables = pick(asked, scope, error) ? read_tables(topics, scope, error) : NULL;
  if (!tables) {
    store_rollback(office->reader);
    return NULL;
  }
  return store_commit(office->reader, error) ? g_steal_pointer(&tables) : NULL;
}

/* --- writing --- */

static uint64_t count_cells(const GPtrArray *tables)
{
  uint64_t count = 0;
  for (unsigned n = 0; n < tables->len; n++)
    count += export_table_rows(tables->pdata[n]) * export_table_width(tables->pdata[n]);
  return count;
}

static void warn_of_empty(const GPtrArray *tables, struct control_request *request)
{
  for (unsigned n = 0; n < tables->len; n++) {
    struct period period;
    if (!export_table_period(tables->pdata[n], &period))
      control_err(request->output, _("park-aggregator: nobody has reported anything yet of “%s”\n"),
                  export_table_id(tables->pdata[n]));
  }
}

static int export(struct office *office, struct control_request *request, const struct asked *asked,
                  const GPtrArray *topics, const struct export_format *format, struct export_scope *scope)
{
  GError *error = NULL;
  uint64_t leaves;
  CLEANUP(snapshot_unref)
  struct snapshot *snapshot = present_begin(writer_present(office->writer), office->reader, &error);
  if (!snapshot) return office_fail(request, error);
  g_autoptr(GPtrArray) tables = read_moment(office, snapshot, asked, topics, scope, &leaves, &error);
  if (!tables) return office_fail(request, error);
  g_autofree char *made_at = clock_format(clock_wall());
  struct export_about about = {
      .catalogue = snapshot->catalogue, .leaves = leaves, .cells = count_cells(tables), .made_at = made_at};
  if (!export_format_write(format, &about, tables, request->output, &error))
    return office_fail(request, error);
  warn_of_empty(tables, request);
  return 0;
}

static int run(struct office *office, struct control_request *request, const struct asked *asked, int count,
               char **words)
{
  GError *error = NULL;
  struct export_scope scope = {0};
  g_autoptr(GPtrArray) topics = find_topics(count, words, &error);
  const struct export_format *format = topics ? export_format_find(asked->format, &error) : NULL;
  if (!format || !understand(asked, topics, format, &scope, &error)) return office_fail(request, error);
  int exit_code = export(office, request, asked, topics, format, &scope);
  scope_clear(&scope);
  return exit_code;
}

int office_export(struct office *office, struct control_request *request, int argc, char **argv)
{
  struct asked asked = {0};
  const GOptionEntry entries[] = {
      {"format", 0, 0, G_OPTION_ARG_STRING, &asked.format, N_("csv, xlsx, json, sdmx-csv or sdmx-csv-1.0"),
       N_("FORMAT")},
      {"output", 0, 0, G_OPTION_ARG_STRING, &asked.output, N_("a file; standard output by default"),
       N_("FILE")}, /* office_run() takes it out */
      {"area", 0, 0, G_OPTION_ARG_STRING_ARRAY, &asked.areas, N_("these areas; all by default"), N_("A,…")},
      {"period", 0, 0, G_OPTION_ARG_STRING, &asked.period,
       N_("2018-05, 2018-Q2, 2018; the last one by default"), N_("P")},
      {"form", 0, 0, G_OPTION_ARG_STRING, &asked.form, N_("this form; reports need one"), N_("F")},
      {"edition", 0, 0, G_OPTION_ARG_STRING, &asked.edition,
       N_("of editions: its number; the last one by default"), N_("N")},
      {"indicator", 0, 0, G_OPTION_ARG_STRING_ARRAY, &asked.indicators,
       N_("these; all that were reported by default"), N_("I,…")},
      {"slice", 0, 0, G_OPTION_ARG_STRING_ARRAY, &asked.slices,
       N_("these slices; “all” by default, of an edition every one"), N_("S,…")},
      {"cumulative", 0, 0, G_OPTION_ARG_NONE, &asked.cumulative, N_("January to the period"), NULL},
      {OFFICE_TO_TERMINAL, 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &asked.to_terminal, NULL, NULL},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  if (office_options(request, entries, 1, G_MAXINT, &argc, &argv, &exit_code))
    exit_code = run(office, request, &asked, argc - 1, argv + 1);
  asked_clear(&asked);
  return exit_code;
}

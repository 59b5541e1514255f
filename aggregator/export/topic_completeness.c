/* Who owes reports and who has given them, by area and form: the lines of the command `completeness`. And the
 * units that are missing, by name, with what they reported last: confidential as reports of units are. */
#include "aggregator/export/topic.h"
#include "aggregator/surveys.h"
#include "common/calendar.h"
#include "common/text.h"

const struct export_column export_completeness_columns[] = {
    {"area", N_("area code"), EXPORT_TEXT, EXPORT_DIMENSION, "AREA"},
    {"area_name", N_("area"), .kind = EXPORT_TEXT},
    {"form", N_("form code"), EXPORT_TEXT, EXPORT_DIMENSION, "FORM"},
    {"form_name", N_("form"), .kind = EXPORT_TEXT},
    {"period", N_("period"), EXPORT_PERIOD, EXPORT_DIMENSION, "TIME_PERIOD"},
    {"due", N_("due by"), .kind = EXPORT_TEXT},
    {"expected", N_("expected"), EXPORT_COUNT, EXPORT_ATTRIBUTE, "EXPECTED"},
    {"reported", N_("reported"), EXPORT_COUNT, EXPORT_MEASURE, "OBS_VALUE"},
    {"nil", N_("nil"), EXPORT_COUNT, EXPORT_ATTRIBUTE, "NIL"},
    {"on_time", N_("on time"), EXPORT_COUNT, EXPORT_ATTRIBUTE, "ON_TIME"},
    {"late", N_("late"), EXPORT_COUNT, EXPORT_ATTRIBUTE, "LATE"},
    {"missing", N_("missing"), EXPORT_COUNT, EXPORT_ATTRIBUTE, "MISSING"},
    {"units_percent", N_("units, percent"), EXPORT_DECIMAL, EXPORT_ATTRIBUTE, "COVERAGE_UNITS"},
    {"value_percent", N_("value, percent"), EXPORT_DECIMAL, EXPORT_ATTRIBUTE, "COVERAGE_VALUE"},
    {"value_unknown", N_("without a last known value"), .kind = EXPORT_COUNT},
    {"corrected", N_("corrected"), .kind = EXPORT_COUNT},
    {"other_park", N_("by another park"), .kind = EXPORT_COUNT},
    {"unexpected", N_("reported, not expected"), .kind = EXPORT_COUNT},
    {"parks", N_("parks"), .kind = EXPORT_COUNT},
    {"parks_reporting", N_("parks reporting"), .kind = EXPORT_COUNT},
    {"status", N_("status"), EXPORT_TEXT, EXPORT_ATTRIBUTE, "OBS_STATUS"},
    {"confidentiality", N_("confidentiality"), EXPORT_TEXT, EXPORT_ATTRIBUTE, "CONF_STATUS"},
    {.id = NULL},
};

const struct export_column export_missing_columns[] = {
    {"form", N_("form code"), .kind = EXPORT_TEXT},
    {"form_name", N_("form"), .kind = EXPORT_TEXT},
    {"period", N_("period"), .kind = EXPORT_PERIOD},
    {"unit", N_("unit"), .kind = EXPORT_TEXT},
    {"name", N_("unit's name"), .kind = EXPORT_TEXT},
    {"parks", N_("parks"), .kind = EXPORT_TEXT},
    {"reporter", N_("designated reporter"), .kind = EXPORT_TEXT},
    {"unit_status", N_("unit's status"), .kind = EXPORT_TEXT},
    {"indicator", N_("indicator code"), .kind = EXPORT_TEXT},
    {"indicator_name", N_("indicator"), .kind = EXPORT_TEXT},
    {"value", N_("last known value"), .kind = EXPORT_DECIMAL},
    {"measure", N_("measure"), .kind = EXPORT_TEXT},
    {"last_period", N_("last known for"), .kind = EXPORT_PERIOD},
    {.id = NULL},
};

/* A table that is being filled, form by form. */
struct filling {
  const struct export_scope *scope;
  struct surveys surveys;
  struct export_table *table;
  bool has_period;
  struct period last;
};

static void add_form(const struct filling *filling, int form, struct period period)
{
  const struct form *of = &filling->scope->catalogue->forms[form];
  char text[PERIOD_TEXT_SIZE];
  export_table_cell(filling->table, of->code);
  export_table_cell(filling->table, text_label(&of->name));
  export_table_cell(filling->table, period_format(period, text));
}

static void note_period(struct filling *filling, struct period period)
{
  if (!filling->has_period || period_is_later(period, filling->last)) filling->last = period;
  filling->has_period = true;
}

/* --- areas --- */

static void add_percent(struct export_table *table, bool defined, int128 percent)
{
  char text[DECIMAL_TEXT_SIZE];
  export_table_cell(table, defined ? decimal_format(percent, COVERAGE_DECIMALS, text) : "");
}

static void add_counts(struct export_table *table, const struct covered *covered)
{
  const struct coverage *of = &covered->area;
  int128 units = 0, value = 0;
  bool by_units = coverage_of_units(of, &units), by_value = coverage_of_value(of, &value);
  export_table_count(table, of->expected);
  export_table_count(table, of->reported);
  export_table_count(table, of->nil);
  export_table_count(table, coverage_on_time(of));
  export_table_count(table, of->late);
  export_table_count(table, coverage_missing(of));
  add_percent(table, by_units, units);
  add_percent(table, by_value, value);
  export_table_count(table, of->unknown);
  export_table_count(table, of->corrected);
  export_table_count(table, of->other_park);
  export_table_count(table, of->unexpected);
  export_table_count(table, covered->parks);
  export_table_count(table, covered->parks_reporting);
  export_table_cell(table, export_status(true)); /* that nobody reported is a count too */
  export_table_cell(table, export_confidentiality());
}

static void add_areas(int form, struct period period, const struct coverage_report *report, void *data)
{
  struct filling *filling = data;
  const struct export_scope *scope = filling->scope;
  g_autofree char *due = calendar_format_due(scope->catalogue, report->due_ms);
  note_period(filling, period);
  for (unsigned n = 0; n < scope->areas->len; n++) {
    int index = g_array_index(scope->areas, int, n);
    const struct area *area = &scope->catalogue->areas[index];
    if (!scope->areas_named && !surveys_concern(&report->covered[index].area)) continue;
    export_table_cell(filling->table, area->code);
    export_table_cell(filling->table, text_label(&area->name));
    add_form(filling, form, period);
    export_table_cell(filling->table, due);
    add_counts(filling->table, &report->covered[index]);
  }
}

/* --- missing units --- */

static void add_last_known(const struct filling *filling, int form, const struct coverage_report *report,
                           const struct missing_unit *missing)
{
  const struct catalogue *catalogue = filling->scope->catalogue;
  char number[DECIMAL_TEXT_SIZE], period[PERIOD_TEXT_SIZE];
  if (!missing->known) {
    for (int n = 0; n < 5; n++) export_table_cell(filling->table, "");
    return;
  }
  const struct column *column = &catalogue->forms[form].columns[report->column];
  const struct indicator *indicator = &catalogue->indicators[column->indicator];
  g_autofree char *name = catalogue_column_name(catalogue, form, report->column);
  export_table_cell(filling->table, column->code);
  export_table_cell(filling->table, name);
  export_table_cell(filling->table, decimal_format(missing->value, indicator->decimals, number));
  export_table_cell(filling->table, catalogue->measures[indicator->measure].code);
  export_table_cell(filling->table, period_format(missing->when, period));
}

static void add_missing(int form, struct period period, const struct coverage_report *report, void *data)
{
  struct filling *filling = data;
  const struct catalogue *catalogue = filling->scope->catalogue;
  note_period(filling, period);
  for (unsigned n = 0; n < report->missing->len; n++) {
    const struct missing_unit *missing = &g_array_index(report->missing, struct missing_unit, n);
    const struct unit_version *version = missing->version;
    int status = catalogue_status(catalogue, version->status);
    if (!surveys_are_about(&filling->surveys, version, filling->scope->areas)) continue;
    add_form(filling, form, period);
    export_table_cell(filling->table, version->unit);
    export_table_cell(filling->table, version->name);
    export_table_cell(filling->table, version->parks);
    export_table_cell(filling->table, version->reporter);
    export_table_cell(filling->table, status == CATALOGUE_NONE
                                          ? version->status
                                          : text_label(&catalogue->statuses[status].name));
    add_last_known(filling, form, report, missing);
  }
}

/* --- what is asked for --- */

static bool fill(const struct export_scope *scope, survey_sink *sink, struct export_table *table,
                 GError **error)
{
  g_autoptr(GArray) forms = g_array_new(FALSE, FALSE, sizeof(int));
  for (int form = 0; form < (int)scope->catalogue->form_count; form++)
    if (scope->form == CATALOGUE_NONE || scope->form == form) g_array_append_val(forms, form);
  struct filling filling = {.scope = scope, .table = table};
  filling.surveys = (struct surveys){.reader = scope->reader,
                                     .catalogue = scope->catalogue,
                                     .forms = forms,
                                     .forms_named = scope->form != CATALOGUE_NONE,
                                     .period = scope->period_named ? &scope->period : NULL};
  if (!surveys_each(&filling.surveys, sink, &filling, error)) return false;
  if (filling.has_period) export_table_set_period(table, filling.last);
  return true;
}

bool export_completeness(const struct export_scope *scope, struct export_table *table, GError **error)
{
  return fill(scope, add_areas, table, error);
}

bool export_missing(const struct export_scope *scope, struct export_table *table, GError **error)
{
  return fill(scope, add_missing, table, error);
}

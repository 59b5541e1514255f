/* park-aggregator completeness: who owes a report, who has reported, in time or late, and who is missing. */
#include "aggregator/moment.h"
#include "aggregator/office.h"
#include "aggregator/pick.h"
#include "aggregator/print.h"
#include "aggregator/surveys.h"
#include "common/calendar.h"
#include "common/error.h"
#include "common/text.h"

#include <string.h>

#define MISSING_SHOWN 10 /* below a table, unless --missing says otherwise */

static const struct print_column area_columns[] = {
    {"area", N_("area"), PRINT_TEXT},
    {"form", N_("form"), PRINT_TEXT},
    {"period", N_("period"), PRINT_TEXT},
    {"due", N_("due by"), PRINT_TEXT},
    {"expected", N_("expected"), PRINT_COUNT},
    {"reported", N_("reported"), PRINT_COUNT},
    {"nil", N_("nil"), PRINT_COUNT},
    {"on_time", N_("on time"), PRINT_COUNT},
    {"late", N_("late"), PRINT_COUNT},
    {"missing", N_("missing"), PRINT_COUNT},
    {"units_percent", N_("units, percent"), PRINT_DECIMAL},
    {"value_percent", N_("value, percent"), PRINT_DECIMAL},
    {"value_unknown", NULL, PRINT_COUNT},
    {"corrected", NULL, PRINT_COUNT},
    {"other_park", NULL, PRINT_COUNT},
    {"unexpected", NULL, PRINT_COUNT},
    {"parks", NULL, PRINT_COUNT},
    {"parks_reporting", NULL, PRINT_COUNT},
    {NULL, NULL, PRINT_TEXT},
};

static const struct print_column missing_columns[] = {
    {"form", N_("form"), PRINT_TEXT},         {"period", N_("period"), PRINT_TEXT},
    {"unit", N_("missing unit"), PRINT_TEXT}, {"name", N_("name"), PRINT_TEXT},
    {"parks", N_("parks"), PRINT_TEXT},       {"reporter", NULL, PRINT_TEXT},
    {"status", N_("status"), PRINT_TEXT},     {"indicator", N_("last known"), PRINT_TEXT},
    {"value", N_("value"), PRINT_DECIMAL},    {"measure", N_("measure"), PRINT_TEXT},
    {"last_period", N_("of"), PRINT_TEXT},    {NULL, NULL, PRINT_TEXT},
};

struct completeness {
  const struct catalogue *catalogue;
  struct surveys surveys;
  GArray *forms, *areas; /* of int */
  bool areas_chosen;
  size_t missing_most;          /* of each form */
  struct print *rows, *missing; /* NULL: not asked for */
};

/* --- printing --- */

static void print_percent(struct print *print, bool defined, int128 percent)
{
  char text[DECIMAL_TEXT_SIZE];
  print_cell(print, defined ? decimal_format(percent, COVERAGE_DECIMALS, text) : NULL);
}

static void print_area(const struct completeness *completeness, int form, struct period period,
                       const struct coverage_report *report, int area)
{
  const struct catalogue *catalogue = completeness->catalogue;
  const struct covered *covered = &report->covered[area];
  const struct coverage *of = &covered->area;
  struct print *print = completeness->rows;
  g_autofree char *due = calendar_format_due(catalogue, report->due_ms);
  char text[PERIOD_TEXT_SIZE];
  int128 units = 0, value = 0;
  bool by_units = coverage_of_units(of, &units), by_value = coverage_of_value(of, &value);
  print_named(print, catalogue->areas[area].code, text_label(&catalogue->areas[area].name));
  print_named(print, catalogue->forms[form].code, text_label(&catalogue->forms[form].name));
  print_cell(print, period_format(period, text));
  print_cell(print, due);
  print_count(print, of->expected);
  print_count(print, of->reported);
  print_count(print, of->nil);
  print_count(print, coverage_on_time(of));
  print_count(print, of->late);
  print_count(print, coverage_missing(of));
  print_percent(print, by_units, units);
  print_percent(print, by_value, value);
  print_count(print, of->unknown);
  print_count(print, of->corrected);
  print_count(print, of->other_park);
  print_count(print, of->unexpected);
  print_count(print, covered->parks);
  print_count(print, covered->parks_reporting);
}

static void print_missing(const struct completeness *completeness, int form, struct period period,
                          const struct coverage_report *report, const struct missing_unit *missing)
{
  const struct catalogue *catalogue = completeness->catalogue;
  const struct unit_version *version = missing->version;
  struct print *print = completeness->missing;
  char text[PERIOD_TEXT_SIZE], number[DECIMAL_TEXT_SIZE];
  int status = catalogue_status(catalogue, version->status);
  print_named(print, catalogue->forms[form].code, text_label(&catalogue->forms[form].name));
  print_cell(print, period_format(period, text));
  print_cell(print, version->unit);
  print_cell(print, version->name);
  print_cell(print, version->parks);
  print_cell(print, version->reporter);
  print_named(print, version->status,
              status == CATALOGUE_NONE ? version->status : text_label(&catalogue->statuses[status].name));
  if (!missing->known) {
    for (int n = 0; n < 4; n++) print_cell(print, NULL);
    return;
  }
  const struct column *column = &catalogue->forms[form].columns[report->column];
  const struct indicator *indicator = &catalogue->indicators[column->indicator];
  g_autofree char *name = catalogue_column_name(catalogue, form, report->column);
  bool table = print_format_of(print) == PRINT_TABLE;
  print_named(print, column->code, name);
  print_cell(print,
             (table ? decimal_format_grouped : decimal_format)(missing->value, indicator->decimals, number));
  print_cell(print, catalogue->measures[indicator->measure].code);
  print_cell(print, period_format(missing->when, text));
}

static void print_report(int form, struct period period, const struct coverage_report *report, void *data)
{
  const struct completeness *completeness = data;
  size_t shown = 0;
  for (unsigned n = 0; completeness->rows && n < completeness->areas->len; n++) {
    int area = g_array_index(completeness->areas, int, n);
    if (completeness->areas_chosen || surveys_concern(&report->covered[area].area))
      print_area(completeness, form, period, report, area);
  }
  for (unsigned n = 0; completeness->missing && n < report->missing->len; n++) {
    const struct missing_unit *missing = &g_array_index(report->missing, struct missing_unit, n);
    if (!surveys_are_about(&completeness->surveys, missing->version, completeness->areas)) continue;
    if (shown++ == completeness->missing_most) break;
    print_missing(completeness, form, period, report, missing);
  }
}

/* --- what is asked for --- */

/* What is asked for, as words. */
struct asked {
  GStrv forms, areas;
  char *period, *missing, *format, *as_of;
};

static void asked_clear(struct asked *asked)
{
  g_strfreev(asked->forms);
  g_strfreev(asked->areas);
  g_free(asked->period);
  g_free(asked->missing);
  g_free(asked->format);
  g_free(asked->as_of);
}

/* "all", or how many. */
static bool read_most(const char *text, size_t *ret_most)
{
  guint64 most;
  *ret_most = MISSING_SHOWN;
  if (!text) return true;
  *ret_most = SIZE_MAX;
  if (strcmp(text, "all") == 0) return true;
  if (!g_ascii_string_to_unsigned(text, 10, 1, UINT32_MAX, &most, NULL)) return false;
  *ret_most = (size_t)most;
  return true;
}

/* Within a transaction of the reader, which it ends. */
static int answer(struct office *office, struct control_request *request, const struct asked *asked,
                  struct completeness *completeness)
{
  const struct catalogue *catalogue = completeness->catalogue;
  g_auto(GStrv) form_words = pick_words(asked->forms);
  g_auto(GStrv) area_words = pick_words(asked->areas);
  GError *error = NULL;
  completeness->areas_chosen = *area_words != NULL;
  completeness->forms = pick_or_all(catalogue, PICK_FORMS, asked->forms, &error);
  if (completeness->forms) completeness->areas = pick_or_all(catalogue, PICK_AREAS, asked->areas, &error);
  completeness->surveys.forms = completeness->forms;
  completeness->surveys.forms_named = *form_words != NULL;
  if (completeness->areas) surveys_each(&completeness->surveys, print_report, completeness, &error);
  g_clear_pointer(&completeness->forms, g_array_unref);
  g_clear_pointer(&completeness->areas, g_array_unref);
  if (error)
    store_rollback(office->reader);
  else
    store_commit(office->reader, &error);
  return error ? office_fail(request, error) : 0;
}

static int run(struct office *office, struct control_request *request, const struct asked *asked)
{
  enum print_format format;
  struct period period;
  GError *error = NULL;
  struct completeness completeness = {0};
  if (!office_read_format(request, asked->format, &format)) return ERROR_USAGE;
  if (!read_most(asked->missing, &completeness.missing_most))
    return office_misused(request, _("--missing: found “%s”, expected a number from 1, or all"),
                          asked->missing);
  if (asked->period && !office_read_period(request, asked->period, &period)) return ERROR_USAGE;
  CLEANUP(snapshot_unref)
  struct snapshot *snapshot = present_begin(writer_present(office->writer), office->reader, &error);
  if (!snapshot) return office_fail(request, error);
  CLEANUP(past_free) struct past *past = NULL;
  if (asked->as_of && !moment_past(office->reader, snapshot, asked->as_of, &past, &error)) {
    store_rollback(office->reader);
    return office_fail(request, error);
  }
  CLEANUP(reader_free)
  struct reader *reader = past ? reader_new_at(office->reader, past) : reader_new(office->reader, snapshot);
  CLEANUP(print_free) struct print *rows = print_new(area_columns, format);
  CLEANUP(print_free) struct print *missing = print_new(missing_columns, format);
  bool table = format == PRINT_TABLE;
  completeness.catalogue = past ? past_snapshot(past)->catalogue : snapshot->catalogue;
  completeness.surveys = (struct surveys){
      .reader = reader, .catalogue = completeness.catalogue, .period = asked->period ? &period : NULL};
  completeness.rows = table || !asked->missing ? rows : NULL;
  completeness.missing = table || asked->missing ? missing : NULL;
  int exit_code = answer(office, request, asked, &completeness);
  if (exit_code != 0) return exit_code;
  if (completeness.rows) print_finish(rows, request->output);
  if (table) control_out(request->output, "\n");
  if (completeness.missing) print_finish(missing, request->output);
  return 0;
}

int office_completeness(struct office *office, struct control_request *request, int argc, char **argv)
{
  struct asked asked = {0};
  const GOptionEntry entries[] = {
      {"form", 0, 0, G_OPTION_ARG_STRING_ARRAY, &asked.forms, N_("these forms; all by default"), N_("F,…")},
      {"period", 0, 0, G_OPTION_ARG_STRING, &asked.period,
       N_("2018-05, 2018-Q2, 2018; the last one by default"), N_("P")},
      {"area", 0, 0, G_OPTION_ARG_STRING_ARRAY, &asked.areas, N_("these areas; all by default"), N_("A,…")},
      {"missing", 0, 0, G_OPTION_ARG_STRING, &asked.missing,
       N_("so many of the missing units of each form, the largest first, or all"), N_("N|all")},
      {"as-of", 0, 0, G_OPTION_ARG_STRING, &asked.as_of,
       N_("as it was then: 2018-06-10T12:00, 2018-06-10, @1234"), N_("T")},
      {"format", 0, 0, G_OPTION_ARG_STRING, &asked.format, N_("table, csv or json"), N_("FORMAT")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  if (office_options(request, entries, 0, 0, &argc, &argv, &exit_code))
    exit_code = run(office, request, &asked);
  asked_clear(&asked);
  return exit_code;
}

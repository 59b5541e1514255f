/* Totals of areas: the lines of the command `totals`, with names beside codes and with flags. */
#include "aggregator/export/topic.h"
#include "aggregator/line.h"
#include "common/text.h"

const struct export_column export_totals_columns[] = {
    {"area", N_("area code"), EXPORT_TEXT, EXPORT_DIMENSION, "AREA"},
    {"area_name", N_("area"), .kind = EXPORT_TEXT},
    {"indicator", N_("indicator code"), EXPORT_TEXT, EXPORT_DIMENSION, "INDICATOR"},
    {"indicator_name", N_("indicator"), .kind = EXPORT_TEXT},
    {"slice", N_("slice code"), EXPORT_TEXT, EXPORT_DIMENSION, "SLICE"},
    {"slice_name", N_("slice"), .kind = EXPORT_TEXT},
    {"span", N_("span"), EXPORT_TEXT, EXPORT_DIMENSION, "CUMULATIVE"},
    {"period", N_("period"), EXPORT_PERIOD, EXPORT_DIMENSION, "TIME_PERIOD"},
    {"value", N_("total"), EXPORT_DECIMAL, EXPORT_MEASURE, "OBS_VALUE"},
    {"measure", N_("measure"), EXPORT_TEXT, EXPORT_ATTRIBUTE, "UNIT_MEASURE"},
    {"reported", N_("reported"), EXPORT_COUNT, EXPORT_ATTRIBUTE, "REPORTED"},
    {"expected", N_("expected"), EXPORT_COUNT, EXPORT_ATTRIBUTE, "EXPECTED"},
    {"under_inquiry", N_("under inquiry"), EXPORT_DECIMAL, EXPORT_ATTRIBUTE, "UNDER_INQUIRY"},
    {"status", N_("status"), EXPORT_TEXT, EXPORT_ATTRIBUTE, "OBS_STATUS"},
    {"confidentiality", N_("confidentiality"), EXPORT_TEXT, EXPORT_ATTRIBUTE, "CONF_STATUS"},
    {.id = NULL},
};

/* A total before it is a row. */
struct line {
  int area, slice;
  struct total total;
  int128 under_inquiry;
};

static void add_value(const struct indicator *indicator, const struct total *total,
                      struct export_table *table)
{
  char text[DECIMAL_TEXT_SIZE] = "";
  int128 value = total->value;
  bool fits = true;
  if (indicator->kind == KIND_RATIO && total->defined)
    fits = decimal_divide(total->value, total->denominator, indicator->decimals, &value);
  if (total->defined && fits) decimal_format(value, indicator->decimals, text);
  export_table_cell(table, text);
}

static void add_line(const struct export_scope *scope, struct period period, int indicator_index,
                     const struct line *line, struct export_table *table)
{
  const struct catalogue *catalogue = scope->catalogue;
  const struct area *area = &catalogue->areas[line->area];
  const struct indicator *indicator = &catalogue->indicators[indicator_index];
  g_autofree char *slice_code = line_slice_code(catalogue, line->slice);
  g_autofree char *slice_name = line_slice_name(catalogue, line->slice);
  char text[DECIMAL_TEXT_SIZE];
  export_table_cell(table, area->code);
  export_table_cell(table, text_label(&area->name));
  export_table_cell(table, indicator->code);
  export_table_cell(table, text_label(&indicator->name));
  export_table_cell(table, slice_code);
  export_table_cell(table, slice_name);
  export_table_cell(table, scope->cumulative ? "YTD" : "PERIOD");
  export_table_cell(table, period_format(period, text));
  add_value(indicator, &line->total, table);
  export_table_cell(table, catalogue->measures[indicator->measure].code);
  export_table_count(table, line->total.reported);
  export_table_count(table, line->total.expected);
  export_table_cell(table, decimal_format(line->under_inquiry, indicator->decimals, text));
  export_table_cell(table, export_status(line->total.defined));
  export_table_cell(table, export_confidentiality());
}

/* Where nobody reported it, and nobody asked for it by name, there is no line of an indicator. */
static bool add_indicator(const struct export_scope *scope, struct period period, int indicator,
                          struct export_table *table, GError **error)
{
  g_autoptr(GArray) lines = g_array_new(FALSE, FALSE, sizeof(struct line));
  bool wanted = scope->indicators_named;
  for (unsigned a = 0; a < scope->areas->len; a++)
    for (unsigned s = 0; s < scope->slices->len; s++) {
      GError *failure = NULL;
      struct line line = {.area = g_array_index(scope->areas, int, a),
                          .slice = g_array_index(scope->slices, int, s)};
      if (line_read(scope->reader, scope->catalogue, line.area, line.slice, indicator, period,
                    scope->cumulative, &line.total, &line.under_inquiry, &failure)) {
        wanted |= line.total.defined;
        g_array_append_val(lines, line);
      } else if (failure) {
        g_propagate_error(error, failure);
        return false;
      }
    }
  for (unsigned n = 0; wanted && n < lines->len; n++)
    add_line(scope, period, indicator, &g_array_index(lines, struct line, n), table);
  return true;
}

/* The last period for which anything was reported of what is asked for. */
static bool find_period(const struct export_scope *scope, struct period *ret_period)
{
  bool found = false;
  *ret_period = scope->period;
  for (unsigned n = 0; !scope->period_named && n < scope->indicators->len; n++) {
    int indicator = g_array_index(scope->indicators, int, n);
    enum indicator_kind kind = scope->catalogue->indicators[indicator].kind;
    struct period period;
    if (!scope->indicators_named && kind != KIND_FLOW && kind != KIND_STOCK) continue;
    if (!reader_last_period(scope->reader, indicator, &period)) continue;
    if (!found || period_is_later(period, *ret_period)) *ret_period = period;
    found = true;
  }
  return found || scope->period_named;
}

bool export_totals(const struct export_scope *scope, struct export_table *table, GError **error)
{
  struct period period;
  if (!find_period(scope, &period)) return true;
  export_table_set_period(table, period);
  for (unsigned n = 0; n < scope->indicators->len; n++)
    if (!add_indicator(scope, period, g_array_index(scope->indicators, int, n), table, error)) return false;
  return true;
}

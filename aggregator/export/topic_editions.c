/* An edition: what was published, and of what was not, why. Growth and ratios are worked out from what it
 * prints, so they tell nothing more. The form's columns of this year and of last year are one row. */
#include "aggregator/edition.h"
#include "aggregator/export/topic.h"
#include "aggregator/growth.h"
#include "aggregator/line.h"
#include "common/error.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

#define GROWTH_DECIMALS 1
#define WITHHELD "Q" /* OBS_STATUS of SDMX: missing, since it is suppressed */

const struct export_column export_editions_columns[] = {
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
    {"last_year", N_("last year"), EXPORT_DECIMAL, EXPORT_ATTRIBUTE, "LAST_YEAR"},
    {"growth", N_("growth (%)"), EXPORT_DECIMAL, EXPORT_ATTRIBUTE, "GROWTH"},
    {"growth_in_words", N_("where there is no rate"), .kind = EXPORT_TEXT},
    {"reported", N_("reported"), EXPORT_COUNT, EXPORT_ATTRIBUTE, "REPORTED"},
    {"expected", N_("expected"), EXPORT_COUNT, EXPORT_ATTRIBUTE, "EXPECTED"},
    {"status", N_("status"), EXPORT_TEXT, EXPORT_ATTRIBUTE, "OBS_STATUS"},
    {"confidentiality", N_("confidentiality"), EXPORT_TEXT, EXPORT_ATTRIBUTE, "CONF_STATUS"},
    {"edition", N_("edition"), EXPORT_COUNT, EXPORT_ATTRIBUTE, "EDITION"},
    {"vintage", N_("vintage"), EXPORT_TEXT, EXPORT_ATTRIBUTE, "VINTAGE"},
    {"reason", N_("reason"), .kind = EXPORT_TEXT},
    {.id = NULL},
};

struct editing {
  const struct export_scope *scope;
  const struct edition *edition;
  struct export_table *table;
  GHashTable *columns; /* code → index + 1 */
};

/* A figure of an area's slice, or of both terms of a ratio. */
struct figure {
  bool printed;
  int128 value, denominator;
  char status; /* CONF_STATUS; '\0': nobody reported it */
};

/* --- cells --- */

/* As decimal_format() writes it: its digits are the scaled value. */
static int128 read_value(const char *text)
{
  g_autofree char *digits = g_strdup(text);
  char *point = strchr(digits, '.');
  int128 value = 0;
  if (point) memmove(point, point + 1, strlen(point));
  (void)decimal_read_int128(digits, &value);
  return value;
}

static struct figure read_figure(const struct editing *editing, unsigned area, unsigned slice,
                                 const char *code)
{
  struct figure figure = {.denominator = 1};
  unsigned column = GPOINTER_TO_UINT(g_hash_table_lookup(editing->columns, code));
  const struct edition_cell *cell =
      column > 0 ? edition_cell(editing->edition, area, slice, column - 1) : NULL;
  if (!cell) return figure;
  figure.status = cell->status;
  figure.printed = cell->value != NULL;
  if (figure.printed) figure.value = read_value(cell->value);
  return figure;
}

static unsigned decimals_of(const struct editing *editing, const char *code)
{
  unsigned column = GPOINTER_TO_UINT(g_hash_table_lookup(editing->columns, code));
  return column > 0 ? g_array_index(editing->edition->columns, struct edition_column, column - 1).decimals
                    : 0;
}

/* A ratio is printed where both of its terms are, and the lower one is above 0. */
static struct figure read_ratio(const struct editing *editing, unsigned area, unsigned slice,
                                const struct edition_ratio *ratio, const char *variant)
{
  g_autofree char *upper_code = g_strconcat(ratio->numerator, variant, NULL);
  g_autofree char *lower_code = g_strconcat(ratio->denominator, variant, NULL);
  struct figure upper = read_figure(editing, area, slice, upper_code);
  struct figure lower = read_figure(editing, area, slice, lower_code);
  struct figure figure = {.denominator = 1};
  if (!upper.status || !lower.status) return figure;
  figure.status = lower.status;
  if (!upper.printed) figure.status = upper.status;
  figure.printed = upper.printed && lower.printed && lower.value > 0 &&
                   !__builtin_mul_overflow(
                       upper.value, (int128)ratio->scale * decimal_power10(decimals_of(editing, lower_code)),
                       &figure.value) &&
                   !__builtin_mul_overflow(lower.value, decimal_power10(decimals_of(editing, upper_code)),
                                           &figure.denominator);
  return figure;
}

/* --- rows --- */

/* A figure is scaled by its decimals; a ratio is still to be divided. */
static void add_value(const struct editing *editing, const struct figure *figure, bool ratio,
                      unsigned decimals)
{
  char text[DECIMAL_TEXT_SIZE] = "";
  int128 value;
  if (figure->printed && decimal_divide(figure->value, figure->denominator, ratio ? decimals : 0, &value))
    decimal_format(value, decimals, text);
  export_table_cell(editing->table, text);
}

static void add_growth(const struct editing *editing, const struct figure *now, const struct figure *before)
{
  char text[DECIMAL_TEXT_SIZE] = "";
  int128 rate;
  enum growth growth = GROWTH_UNKNOWN;
  if (now->printed && before->printed)
    growth = compare_growth(now->value, before->value, GROWTH_DECIMALS, &rate);
  export_table_cell(editing->table, growth == GROWTH_RATE ? decimal_format(rate, GROWTH_DECIMALS, text) : "");
  export_table_cell(editing->table, growth == GROWTH_RATE ? "" : growth_words(growth));
}

static void add_count(const struct editing *editing, unsigned area, unsigned slice, const char *code)
{
  struct figure figure = read_figure(editing, area, slice, code);
  if (figure.printed)
    export_table_count(editing->table, (int64_t)figure.value);
  else
    export_table_cell(editing->table, "");
}

static void add_flags(const struct editing *editing, const struct figure *figure)
{
  char vintage[] = {(char)editing->edition->vintage, '\0'}, status[] = {figure->status, '\0'};
  bool provisional = figure->printed && editing->edition->vintage == EDITION_PROVISIONAL;
  const char *observed = provisional ? "P" : export_status(figure->printed);
  export_table_cell(editing->table, figure->status != 'F' ? WITHHELD : observed);
  export_table_cell(editing->table, status);
  export_table_count(editing->table, (int64_t)editing->edition->number);
  export_table_cell(editing->table, vintage);
  export_table_cell(editing->table, editing->edition->reason);
}

/* What a row is about. */
struct line {
  unsigned area, slice;
  const char *indicator;
  const struct label *name;
  const char *measure;
  unsigned decimals;
  bool cumulative, ratio;
};

static void add_line(const struct editing *editing, const struct line *line, const struct figure *now,
                     const struct figure *before)
{
  const struct edition *edition = editing->edition;
  const struct edition_item *area = &g_array_index(edition->areas, struct edition_item, line->area);
  const struct edition_item *slice = &g_array_index(edition->slices, struct edition_item, line->slice);
  struct export_table *table = editing->table;
  bool overlap = strcmp(slice->code, EDITION_OVERLAP) == 0;
  static const struct figure none = {.denominator = 1};
  g_autofree char *name =
      overlap ? line_slice_name(editing->scope->catalogue, PICK_OVERLAP) : g_strdup(text_label(&slice->name));
  export_table_cell(table, area->code);
  export_table_cell(table, text_label(&area->name));
  export_table_cell(table, line->indicator);
  export_table_cell(table, text_label(line->name));
  export_table_cell(table, slice->code);
  export_table_cell(table, name);
  export_table_cell(table, line->cumulative ? "YTD" : "PERIOD");
  export_table_cell(table, edition->period);
  add_value(editing, now, line->ratio, line->decimals);
  export_table_cell(table, line->measure);
  add_value(editing, before, line->ratio, line->decimals);
  add_growth(editing, line->ratio ? &none : now, before);
  add_count(editing, line->area, line->slice, EDITION_REPORTED);
  add_count(editing, line->area, line->slice, EDITION_EXPECTED);
  add_flags(editing, now);
}

static bool is_asked(const struct export_scope *scope, const char *indicator)
{
  for (unsigned n = 0; scope->indicators_named && n < scope->indicators->len; n++)
    if (strcmp(scope->catalogue->indicators[g_array_index(scope->indicators, int, n)].code, indicator) == 0)
      return true;
  return !scope->indicators_named;
}

static void add_figures(const struct editing *editing, unsigned area, unsigned slice)
{
  const struct edition *edition = editing->edition;
  for (unsigned n = 0; n < edition->columns->len; n++) {
    const struct edition_column *column = &g_array_index(edition->columns, struct edition_column, n);
    bool cumulative = strcmp(column->variant, ".ytd") == 0;
    if (!*column->indicator || (*column->variant && !cumulative) ||
        !is_asked(editing->scope, column->indicator))
      continue;
    g_autofree char *last_year = g_strconcat(column->indicator, cumulative ? ".ytd_ly" : ".ly", NULL);
    struct figure now = read_figure(editing, area, slice, column->code);
    struct figure before = read_figure(editing, area, slice, last_year);
    if (now.status)
      add_line(editing,
               &(struct line){area, slice, column->indicator, &column->name, column->measure,
                              column->decimals, cumulative, false},
               &now, &before);
  }
}

/* Of both spans, those of which the form has both terms. Of an overlap there is none. */
static void add_ratios(const struct editing *editing, unsigned area, unsigned slice)
{
  static const char *const variants[][2] = {{"", ".ly"}, {".ytd", ".ytd_ly"}};
  const struct edition *edition = editing->edition;
  for (unsigned n = 0; n < edition->ratios->len; n++) {
    const struct edition_ratio *ratio = &g_array_index(edition->ratios, struct edition_ratio, n);
    for (int span = 0; span < 2 && is_asked(editing->scope, ratio->code); span++) {
      struct figure now = read_ratio(editing, area, slice, ratio, variants[span][0]);
      struct figure before = read_ratio(editing, area, slice, ratio, variants[span][1]);
      if (now.status)
        add_line(editing,
                 &(struct line){area, slice, ratio->code, &ratio->name, ratio->measure, ratio->decimals,
                                span == 1, true},
                 &now, &before);
    }
  }
}

/* --- which --- */

static bool has_area(const struct export_scope *scope, const char *code)
{
  for (unsigned n = 0; scope->areas_named && n < scope->areas->len; n++)
    if (strcmp(scope->catalogue->areas[g_array_index(scope->areas, int, n)].code, code) == 0) return true;
  return !scope->areas_named;
}

static bool has_slice(const struct export_scope *scope, const char *code)
{
  for (unsigned n = 0; scope->slices_named && n < scope->slices->len; n++) {
    g_autofree char *named = line_slice_code(scope->catalogue, g_array_index(scope->slices, int, n));
    if (strcmp(named, code) == 0) return true;
  }
  return !scope->slices_named;
}

/* The last one of what is asked for, if none is named by its number. 0: nothing was published. */
static uint64_t find_edition(const struct export_scope *scope)
{
  const char *form = scope->form == CATALOGUE_NONE ? NULL : scope->catalogue->forms[scope->form].code;
  g_autoptr(GArray) editions = store_editions(scope->store, form);
  for (unsigned n = editions->len; n-- > 0;) {
    const struct stored_edition *edition = &g_array_index(editions, struct stored_edition, n);
    if (!scope->period_named || period_key(scope->period) == period_key(edition->period))
      return edition->number;
  }
  return 0;
}

bool export_editions(const struct export_scope *scope, struct export_table *table, GError **error)
{
  uint64_t number = scope->edition > 0 ? scope->edition : find_edition(scope);
  if (number == 0) return true;
  CLEANUP(edition_free) struct edition *edition = edition_load(scope->store, number, error);
  struct period period;
  if (!edition) return false;
  g_autoptr(GHashTable) columns = g_hash_table_new(g_str_hash, g_str_equal);
  struct editing editing = {scope, edition, table, columns};
  if (period_parse(edition->period, &period)) export_table_set_period(table, period);
  export_table_set_edition(table, edition->leaves, edition->catalogue);
  for (unsigned n = 0; n < edition->columns->len; n++)
    g_hash_table_insert(columns, g_array_index(edition->columns, struct edition_column, n).code,
                        GUINT_TO_POINTER(n + 1));
  for (unsigned area = 0; area < edition->areas->len; area++)
    for (unsigned slice = 0; slice < edition->slices->len; slice++) {
      if (!has_area(scope, g_array_index(edition->areas, struct edition_item, area).code) ||
          !has_slice(scope, g_array_index(edition->slices, struct edition_item, slice).code))
        continue;
      add_figures(&editing, area, slice);
      add_ratios(&editing, area, slice);
    }
  return true;
}

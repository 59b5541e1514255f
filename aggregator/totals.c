/* park-aggregator totals: areas × indicators × slices, with how many units each total rests on. */
#include "aggregator/growth.h"
#include "aggregator/line.h"
#include "aggregator/moment.h"
#include "aggregator/office.h"
#include "aggregator/print.h"
#include "common/error.h"
#include "common/text.h"

static const struct print_column columns[] = {
    {"area", N_("area"), PRINT_TEXT},
    {"period", N_("period"), PRINT_TEXT},
    {"indicator", N_("indicator"), PRINT_TEXT},
    {"slice", N_("slice"), PRINT_TEXT},
    {"value", N_("total"), PRINT_DECIMAL},
    {"measure", N_("measure"), PRINT_TEXT},
    {"reported", N_("reported"), PRINT_COUNT},
    {"expected", N_("expected"), PRINT_COUNT},
    {"under_inquiry", N_("under inquiry"), PRINT_DECIMAL},
    {NULL, NULL, PRINT_TEXT},
};

struct totals {
  const struct catalogue *catalogue;
  struct reader *reader;
  struct print *print;
  GArray *areas, *indicators, *slices; /* of int; slices may hold what pick.h has for them */
  bool chosen; /* the indicators were asked for, so they are printed also where nobody reported */
  struct period period;
  bool cumulative;
  bool growth;   /* compared with a base: */
  bool previous; /* the period before, else the same a year before */
  bool causes;   /* the difference split */
};

/* A line before it is printed. */
struct line {
  int area, slice;
  struct total total;
  int128 under_inquiry;
  bool has_base;
  struct growth_base base;
};

/* --- reading --- */

/* False on an error, or where such a line makes no sense: `error` tells. */
static bool read_line(struct totals *totals, int indicator, struct line *line, GError **error)
{
  if (!line_read(totals->reader, totals->catalogue, line->area, line->slice, indicator, totals->period,
                 totals->cumulative, &line->total, &line->under_inquiry, error))
    return false;
  line->has_base = totals->growth && line->slice >= 0;
  return !line->has_base ||
         reader_growth(totals->reader, line->area, line->slice, indicator, totals->period, totals->cumulative,
                       totals->previous, &line->total, &line->base, error);
}

static GArray *read_lines(struct totals *totals, int indicator, bool *ret_defined, GError **error)
{
  g_autoptr(GArray) lines = g_array_new(FALSE, FALSE, sizeof(struct line));
  *ret_defined = false;
  for (unsigned a = 0; a < totals->areas->len; a++)
    for (unsigned s = 0; s < totals->slices->len; s++) {
      GError *failure = NULL;
      struct line line = {.area = g_array_index(totals->areas, int, a),
                          .slice = g_array_index(totals->slices, int, s)};
      if (read_line(totals, indicator, &line, &failure)) {
        *ret_defined |= line.total.defined;
        g_array_append_val(lines, line);
      } else if (failure) {
        g_propagate_error(error, failure);
        return NULL;
      }
    }
  return g_steal_pointer(&lines);
}

/* --- printing --- */

static void print_value(struct totals *totals, const struct indicator *indicator, const struct total *total)
{
  char text[DECIMAL_TEXT_SIZE] = "";
  int128 value = total->value;
  bool table = print_format_of(totals->print) == PRINT_TABLE;
  bool fits = true;
  if (indicator->kind == KIND_RATIO && total->defined)
    fits = decimal_divide(total->value, total->denominator, indicator->decimals, &value);
  if (total->defined && fits && table) decimal_format_grouped(value, indicator->decimals, text);
  if (total->defined && fits && !table) decimal_format(value, indicator->decimals, text);
  print_cell(totals->print, text);
  if (indicator->kind == KIND_RATIO && total->defined)
    print_note(totals->print, _("Rounded figures: parts may not add up to their total."));
}

static void print_slice(struct totals *totals, int slice)
{
  g_autofree char *code = line_slice_code(totals->catalogue, slice);
  g_autofree char *name = line_slice_name(totals->catalogue, slice);
  print_named(totals->print, code, name);
}

static void print_under_inquiry(struct totals *totals, const struct indicator *indicator,
                                const struct line *line)
{
  char text[DECIMAL_TEXT_SIZE];
  if (print_format_of(totals->print) == PRINT_TABLE)
    decimal_format_grouped(line->under_inquiry, indicator->decimals, text);
  else
    decimal_format(line->under_inquiry, indicator->decimals, text);
  print_cell(totals->print, text);
}

static void print_line(struct totals *totals, int indicator_index, const struct line *line)
{
  const struct catalogue *catalogue = totals->catalogue;
  const struct area *area = &catalogue->areas[line->area];
  const struct indicator *indicator = &catalogue->indicators[indicator_index];
  char text[DECIMAL_TEXT_SIZE];
  print_named(totals->print, area->code, text_label(&area->name));
  print_cell(totals->print, period_format(totals->period, text));
  print_named(totals->print, indicator->code, text_label(&indicator->name));
  print_slice(totals, line->slice);
  print_value(totals, indicator, &line->total);
  print_cell(totals->print, catalogue->measures[indicator->measure].code);
  print_count(totals->print, line->total.reported);
  print_count(totals->print, line->total.expected);
  print_under_inquiry(totals, indicator, line);
  if (totals->growth)
    growth_print(totals->print, indicator, &line->total, line->has_base ? &line->base : NULL);
  if (pick_overlap_set(line->slice) != CATALOGUE_NONE)
    print_note(totals->print, _("Overlap of a set of slices: their sum, less the set, which counts each unit "
                                "once."));
  if (line->slice == PICK_ADJUSTMENT)
    print_note(totals->print, _("Annual adjustment: the year's total, which is that of the annual form, less "
                                "what was reported month by month."));
}

/* A line, while its causes are printed. */
struct cause_row {
  struct totals *totals;
  int indicator;
  const struct line *line;
};

static void begin_cause(void *data)
{
  const struct cause_row *row = data;
  struct totals *totals = row->totals;
  const struct area *area = &totals->catalogue->areas[row->line->area];
  const struct indicator *indicator = &totals->catalogue->indicators[row->indicator];
  char text[PERIOD_TEXT_SIZE];
  print_named(totals->print, area->code, text_label(&area->name));
  print_cell(totals->print, period_format(totals->period, text));
  print_cell(totals->print, period_format(row->line->base.period, text));
  print_named(totals->print, indicator->code, text_label(&indicator->name));
  print_slice(totals, row->line->slice);
}

static void print_causes(struct totals *totals, int indicator, const struct line *line)
{
  struct cause_row row = {.totals = totals, .indicator = indicator, .line = line};
  enum indicator_kind kind = totals->catalogue->indicators[indicator].kind;
  if (line->has_base && (kind == KIND_FLOW || kind == KIND_STOCK))
    growth_print_causes(totals->print, totals->catalogue, &totals->catalogue->indicators[indicator],
                        &line->base, begin_cause, &row);
}

static bool print_indicator(struct totals *totals, int indicator, GError **error)
{
  bool defined;
  g_autoptr(GArray) lines = read_lines(totals, indicator, &defined, error);
  if (!lines) return false;
  if (!defined && !totals->chosen) return true;
  for (unsigned n = 0; n < lines->len; n++)
    (totals->causes ? print_causes : print_line)(totals, indicator, &g_array_index(lines, struct line, n));
  return true;
}

static bool print_totals(struct totals *totals, GError **error)
{
  for (unsigned n = 0; n < totals->indicators->len; n++)
    if (!print_indicator(totals, g_array_index(totals->indicators, int, n), error)) return false;
  if (totals->cumulative) print_note(totals->print, _("Cumulative: January to the period."));
  return true;
}

/* --- what is asked for --- */

/* The last period for which anything was reported of what is asked for. */
static bool find_period(struct totals *totals)
{
  bool found = false;
  for (unsigned n = 0; n < totals->indicators->len; n++) {
    int indicator = g_array_index(totals->indicators, int, n);
    enum indicator_kind kind = totals->catalogue->indicators[indicator].kind;
    struct period period;
    if (!totals->chosen && kind != KIND_FLOW && kind != KIND_STOCK) continue;
    if (!reader_last_period(totals->reader, indicator, &period)) continue;
    if (!found || period_is_later(period, totals->period)) totals->period = period;
    found = true;
  }
  return found;
}

/* What is asked for, as words. */
struct asked {
  GStrv areas, indicators, slices;
  char *period, *format, *as_of;
  gboolean cumulative, yoy, mom, causes;
};

static void asked_clear(struct asked *asked)
{
  g_strfreev(asked->areas);
  g_strfreev(asked->indicators);
  g_strfreev(asked->slices);
  g_free(asked->period);
  g_free(asked->format);
  g_free(asked->as_of);
}

static bool understand(const struct asked *asked, struct totals *totals, GError **error)
{
  const struct catalogue *catalogue = totals->catalogue;
  totals->areas = pick_or_all(catalogue, PICK_AREAS, asked->areas, error);
  if (totals->areas) totals->indicators = pick_or_all(catalogue, PICK_INDICATORS, asked->indicators, error);
  if (totals->indicators) totals->slices = pick_slices(catalogue, asked->slices, error);
  g_auto(GStrv) named = pick_words(asked->indicators);
  totals->chosen = *named != NULL;
  totals->cumulative = asked->cumulative;
  totals->growth = asked->yoy || asked->mom;
  totals->previous = asked->mom;
  totals->causes = asked->causes;
  return totals->slices != NULL;
}

/* Ends the transaction in which it is called: all lines are as of one moment. */
static int answer(struct office *office, struct control_request *request, const struct asked *asked,
                  struct totals *totals)
{
  GError *error = NULL;
  bool found = understand(asked, totals, &error) && (asked->period || find_period(totals));
  if (found) print_totals(totals, &error);
  if (error)
    store_rollback(office->reader);
  else
    store_commit(office->reader, &error);
  if (error) return office_fail(request, error);
  if (!found) control_err(request->output, _("park-aggregator: nobody has reported anything yet\n"));
  print_finish(totals->print, request->output);
  return 0;
}

/* The options that do not go together; NULL if they do. */
static const char *contradiction(const struct asked *asked)
{
  if (asked->yoy && asked->mom) return _("--yoy and --mom are two bases; ask for one after the other");
  if (asked->mom && asked->cumulative)
    return _("January to the period has no period before it; ask for --yoy, or leave out --cumulative");
  if (asked->causes && !asked->yoy && !asked->mom)
    return _("--causes splits a difference; say --yoy or --mom with it");
  return NULL;
}

static GArray *pick_columns(const struct asked *asked)
{
  GArray *picked = g_array_new(TRUE, TRUE, sizeof(struct print_column));
  for (const struct print_column *of = asked->causes ? growth_cause_columns : columns; of->id; of++)
    g_array_append_val(picked, *of);
  for (const struct print_column *of = growth_columns; (asked->yoy || asked->mom) && !asked->causes && of->id;
       of++)
    g_array_append_val(picked, *of);
  return picked;
}

static int run(struct office *office, struct control_request *request, const struct asked *asked)
{
  enum print_format format;
  if (!office_read_format(request, asked->format, &format)) return ERROR_USAGE;
  struct period period = {0};
  if (asked->period && !office_read_period(request, asked->period, &period)) return ERROR_USAGE;
  const char *objection = contradiction(asked);
  if (objection) return office_misused(request, "%s", objection);
  GError *error = NULL;
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
  g_autoptr(GArray) picked = pick_columns(asked);
  CLEANUP(print_free)
  struct print *print = print_new((const struct print_column *)(void *)picked->data, format);
  struct totals totals = {.catalogue = past ? past_snapshot(past)->catalogue : snapshot->catalogue,
                          .reader = reader,
                          .print = print,
                          .period = period};
  int exit_code = answer(office, request, asked, &totals);
  g_clear_pointer(&totals.areas, g_array_unref);
  g_clear_pointer(&totals.indicators, g_array_unref);
  g_clear_pointer(&totals.slices, g_array_unref);
  return exit_code;
}

int office_totals(struct office *office, struct control_request *request, int argc, char **argv)
{
  struct asked asked = {0};
  const GOptionEntry entries[] = {
      {"area", 0, 0, G_OPTION_ARG_STRING_ARRAY, &asked.areas, N_("these areas; all by default"), N_("A,…")},
      {"period", 0, 0, G_OPTION_ARG_STRING, &asked.period,
       N_("2018-05, 2018-Q2, 2018; the last one by default"), N_("P")},
      {"indicator", 0, 0, G_OPTION_ARG_STRING_ARRAY, &asked.indicators,
       N_("these; all that were reported by default"), N_("I,…")},
      {"slice", 0, 0, G_OPTION_ARG_STRING_ARRAY, &asked.slices, N_("these slices; “all” by default"),
       N_("S,…")},
      {"cumulative", 0, 0, G_OPTION_ARG_NONE, &asked.cumulative, N_("January to the period"), NULL},
      {"yoy", 0, 0, G_OPTION_ARG_NONE, &asked.yoy, N_("growth on the same period a year before"), NULL},
      {"mom", 0, 0, G_OPTION_ARG_NONE, &asked.mom, N_("growth on the period before"), NULL},
      {"causes", 0, 0, G_OPTION_ARG_NONE, &asked.causes, N_("what made the difference, adding up to it"),
       NULL},
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

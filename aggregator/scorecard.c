/* park-aggregator scorecard: what each assessed area scores in a year, its rank, and why. */
#include "aggregator/office.h"
#include "aggregator/pick.h"
#include "aggregator/print.h"
#include "aggregator/statistics/assess.h"
#include "common/error.h"
#include "common/text.h"

static const struct print_column columns[] = {
    {"card", NULL, PRINT_TEXT},
    {"area", N_("area"), PRINT_TEXT},
    {"period", N_("period"), PRINT_TEXT},
    {"dimension", NULL, PRINT_TEXT},
    {"item", N_("item"), PRINT_TEXT},
    {"rank", N_("rank"), PRINT_COUNT},
    {"points", N_("points"), PRINT_DECIMAL},
    {"weight", N_("out of"), PRINT_DECIMAL},
    {"value", N_("value"), PRINT_DECIMAL},
    {"measure", N_("measure"), PRINT_TEXT},
    {"none_at", N_("none at"), PRINT_DECIMAL},
    {"full_at", N_("all at"), PRINT_DECIMAL},
    {"compared_with", N_("compared with"), PRINT_TEXT},
    {"reported", N_("reported"), PRINT_COUNT},
    {"expected", N_("expected"), PRINT_COUNT},
    {"last_rank", N_("last year's rank"), PRINT_COUNT},
    {"last_points", N_("last year's points"), PRINT_DECIMAL},
    {"why_not", NULL, PRINT_TEXT},
    {NULL, NULL, PRINT_TEXT},
};

/* One card, this year and the year before. */
struct carding {
  const struct catalogue *catalogue;
  const struct scorecard *card;
  struct print *print;
  struct period period;
  struct assessment now, before;
};

/* --- printing --- */

static void print_number(struct print *print, bool given, int128 value, unsigned decimals)
{
  char text[DECIMAL_TEXT_SIZE] = "";
  if (given && print_format_of(print) == PRINT_TABLE)
    decimal_format_grouped(value, decimals, text);
  else if (given)
    decimal_format(value, decimals, text);
  print_cell(print, text);
}

static void print_fraction(struct print *print, bool given, struct fraction value, unsigned decimals)
{
  int128 rounded = 0;
  given = given && decimal_divide(value.upper, value.lower, decimals, &rounded);
  print_number(print, given, rounded, decimals);
}

static void print_rank(struct print *print, unsigned rank)
{
  if (rank > 0)
    print_count(print, rank);
  else
    print_cell(print, "");
}

/* The whole, a dimension, or below it an item. */
static void print_subject(struct carding *carding, const struct assess_line *line)
{
  const struct score_dimension *dimension =
      line->dimension < 0 ? NULL : &carding->card->dimensions[line->dimension];
  print_cell(carding->print, dimension ? dimension->code : "");
  if (!dimension) {
    print_named(carding->print, "", _("total score"));
  } else if (line->item < 0) {
    print_named(carding->print, "", text_label(&dimension->name));
  } else {
    const struct score_item *item = &dimension->items[line->item];
    g_autofree char *name = g_strconcat("· ", text_label(&item->name), NULL);
    print_named(carding->print, item->code, name);
  }
}

static void print_basis(struct carding *carding, const struct assess_line *line,
                        const struct score_item *item)
{
  unsigned decimals = item->asked.decimals;
  print_fraction(carding->print, line->has_basis, line->none_at, decimals);
  print_fraction(carding->print, line->has_basis, line->full_at, decimals);
  if (item->points == POINTS_LINEAR) {
    print_named(carding->print, "fixed", _("fixed marks"));
  } else if (line->best == CATALOGUE_NONE) {
    print_cell(carding->print, "");
  } else {
    const struct area *best = &carding->catalogue->areas[carding->card->areas[line->best]];
    print_named(carding->print, best->code, text_label(&best->name));
  }
}

/* What only an item has. */
static void print_why(struct carding *carding, const struct assess_line *line)
{
  struct print *print = carding->print;
  if (line->item < 0) {
    for (int cell = 0; cell < 7; cell++) print_cell(print, "");
    return;
  }
  const struct score_item *item = &carding->card->dimensions[line->dimension].items[line->item];
  if (line->value.known)
    print_fraction(print, true, line->value.value, item->asked.decimals);
  else
    print_named(print, "", _("not reported"));
  print_cell(print, item->asked.measure);
  print_basis(carding, line, item);
  print_count(print, line->value.reported);
  print_count(print, line->value.expected);
}

/* Whether the year before can be told of this line: everything in it that is known now was known then. */
static bool is_tracked(const struct carding *carding, const struct assess_line *line)
{
  bool known = false;
  for (size_t n = 0; n < carding->now.line_count; n++) {
    const struct assess_line *part = assessment_line(&carding->now, 0, n);
    if (part->item < 0 || (line->dimension >= 0 && part->dimension != line->dimension) ||
        (line->item >= 0 && part->item != line->item))
      continue;
    bool known_then = assessment_line(&carding->before, 0, n)->rank > 0;
    if (part->rank > 0 && !known_then) return false;
    known |= known_then;
  }
  return known;
}

static void print_line(struct carding *carding, size_t at, size_t n)
{
  struct print *print = carding->print;
  const struct area *area = &carding->catalogue->areas[carding->card->areas[at]];
  const struct assess_line *line = assessment_line(&carding->now, at, n);
  const struct assess_line *before = assessment_line(&carding->before, at, n);
  bool tracked = is_tracked(carding, line);
  char text[PERIOD_TEXT_SIZE];
  print_cell(print, carding->card->code);
  print_named(print, area->code, n == 0 ? text_label(&area->name) : "");
  print_named(print, period_format(carding->period, text), n == 0 ? text : "");
  print_subject(carding, line);
  print_rank(print, line->rank);
  print_number(print, true, line->points, ASSESS_POINT_DECIMALS);
  print_number(print, true, line->weight, ASSESS_POINT_DECIMALS);
  print_why(carding, line);
  print_rank(print, tracked ? before->rank : 0);
  print_number(print, tracked, before->points, ASSESS_POINT_DECIMALS);
  print_cell(print, line->value.why_not);
  if (line->value.why_not) print_note(print, line->value.why_not);
}

/* Areas by rank, those of one rank in the order of the card. */
static void print_card(struct carding *carding, const GArray *chosen)
{
  for (unsigned rank = 0; rank <= carding->card->area_count; rank++)
    for (size_t at = 0; at < carding->card->area_count; at++) {
      bool printed = chosen->len == 0;
      for (unsigned n = 0; n < chosen->len; n++)
        printed |= g_array_index(chosen, int, n) == carding->card->areas[at];
      if (!printed || assessment_line(&carding->now, at, 0)->rank != rank) continue;
      for (size_t n = 0; n < carding->now.line_count; n++) print_line(carding, at, n);
    }
  print_note(carding->print, text_label(&carding->card->note));
}

/* --- a year of every card --- */

static bool answer_card(struct reader *reader, struct carding *carding, const GArray *chosen, GError **error)
{
  int year = carding->period.year;
  if (!assess(reader, carding->catalogue, carding->card, year, &carding->now, error)) return false;
  if (assess(reader, carding->catalogue, carding->card, year - 1, &carding->before, error)) {
    print_card(carding, chosen);
    assessment_clear(&carding->before);
  }
  assessment_clear(&carding->now);
  return !*error;
}

static bool is_assessed(const struct catalogue *catalogue, int area)
{
  for (size_t n = 0; n < catalogue->scorecard_count; n++)
    for (size_t at = 0; at < catalogue->scorecards[n].area_count; at++)
      if (catalogue->scorecards[n].areas[at] == area) return true;
  return false;
}

/* What is asked for can be answered. */
static GArray *pick_assessed(const struct catalogue *catalogue, char **given, GError **error)
{
  g_auto(GStrv) words = pick_words(given);
  if (catalogue->scorecard_count == 0) {
    g_set_error_literal(error, PARKTALLY_ERROR, ERROR_CONFIG,
                        _("the catalogue has no scorecard; add one under “scorecards”"));
    return NULL;
  }
  GArray *areas = pick_items(catalogue, PICK_AREAS, words, error);
  for (unsigned n = 0; areas && n < areas->len; n++) {
    int area = g_array_index(areas, int, n);
    if (is_assessed(catalogue, area)) continue;
    g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE,
                _("“%s” is assessed by no scorecard of the catalogue; add it to the areas of one"),
                catalogue->areas[area].code);
    g_clear_pointer(&areas, g_array_unref);
  }
  return areas;
}

/* `year` 0: the last one of each card. Whether there was any. */
static bool answer(struct reader *reader, const struct catalogue *catalogue, struct print *print, int year,
                   const GArray *chosen, GError **error)
{
  bool any = false;
  for (size_t n = 0; n < catalogue->scorecard_count && !*error; n++) {
    struct carding carding = {.catalogue = catalogue,
                              .card = &catalogue->scorecards[n],
                              .print = print,
                              .period = {.month = 1, .months = 12}};
    int of_card = year;
    if (year == 0 && !assess_last_year(reader, carding.card, &of_card)) continue;
    any = true;
    carding.period.year = (int16_t)of_card;
    answer_card(reader, &carding, chosen, error);
  }
  if (any) {
    print_note(print,
               _("Points are rounded to hundredths item by item and then added; ranks are by points, equals "
                 "share one. What is not reported has no points."));
    print_note(print, _("Compared unrounded; what is shown is rounded."));
  }
  return any;
}

static int run(struct office *office, struct control_request *request, int year, char **areas,
               enum print_format format)
{
  GError *error = NULL;
  CLEANUP(snapshot_unref) /* all of it as of one moment */
  struct snapshot *snapshot = present_begin(writer_present(office->writer), office->reader, &error);
  if (!snapshot) return office_fail(request, error);
  CLEANUP(reader_free) struct reader *reader = reader_new(office->reader, snapshot);
  CLEANUP(print_free) struct print *print = print_new(columns, format);
  g_autoptr(GArray) chosen = pick_assessed(snapshot->catalogue, areas, &error);
  bool any = chosen && answer(reader, snapshot->catalogue, print, year, chosen, &error);
  if (error)
    store_rollback(office->reader);
  else
    store_commit(office->reader, &error);
  if (error) return office_fail(request, error);
  if (!any)
    control_err(request->output,
                _("park-aggregator: nobody has reported a whole year yet; name one with --period\n"));
  print_finish(print, request->output);
  return 0;
}

int office_scorecard(struct office *office, struct control_request *request, int argc, char **argv)
{
  g_autofree char *period_text = NULL, *format_text = NULL;
  g_auto(GStrv) areas = NULL;
  const GOptionEntry entries[] = {
      {"period", 0, 0, G_OPTION_ARG_STRING, &period_text, N_("2018; the last whole year by default"),
       N_("YEAR")},
      {"area", 0, 0, G_OPTION_ARG_STRING_ARRAY, &areas, N_("these areas; all that are assessed by default"),
       N_("A,…")},
      {"format", 0, 0, G_OPTION_ARG_STRING, &format_text, N_("table, csv or json"), N_("FORMAT")},
      G_OPTION_ENTRY_NULL,
  };
  enum print_format format;
  struct period period = {0};
  int exit_code;
  if (!office_options(request, entries, 0, 0, &argc, &argv, &exit_code)) return exit_code;
  if (!office_read_format(request, format_text, &format)) return ERROR_USAGE;
  if (period_text && (!period_read(period_text, 0, &period) || period.months != 12))
    return office_misused(request, _("“%s” is no year; write 2018"), period_text);
  return run(office, request, period.year, areas, format);
}

/* park-aggregator explain: what changed a total between two moments, or what it rests on, unit by unit. */
#include "aggregator/leaf_story.h"
#include "aggregator/moment.h"
#include "aggregator/office.h"
#include "aggregator/pick.h"
#include "aggregator/print.h"
#include "aggregator/read_explain.h"
#include "common/error.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

#define LINES_USUAL 1000
#define LINES_MOST 100000 /* so that the answer fits the server's memory */

static const struct print_column columns[] = {
    {"indicator", N_("indicator"), PRINT_TEXT}, {"line", NULL, PRINT_TEXT},
    {"unit", N_("unit"), PRINT_TEXT},           {"name", N_("name"), PRINT_TEXT},
    {"cause", N_("cause"), PRINT_TEXT},         {"period", NULL, PRINT_TEXT},
    {"park", N_("park"), PRINT_TEXT},           {"revision", NULL, PRINT_COUNT},
    {"change", N_("change"), PRINT_DECIMAL},    {"measure", N_("measure"), PRINT_TEXT},
    {"position", N_("leaf"), PRINT_COUNT},      {"recorded", N_("recorded"), PRINT_TEXT},
    {"by", N_("by whom"), PRINT_TEXT},          {"submission", NULL, PRINT_TEXT},
    {"reason", N_("reason"), PRINT_TEXT},       {NULL, NULL, PRINT_TEXT},
};

static const struct {
  const char *code, *name;
} causes[EXPLAIN_CAUSES] = {
    [EXPLAIN_CATALOGUE] = {"catalogue", N_("catalogue")},
    [EXPLAIN_REGISTER] = {"register", N_("register")},
    [EXPLAIN_REPORT] = {"report", N_("report")},
    [EXPLAIN_COLUMNS] = {"columns", N_("other columns")},
};

struct telling {
  struct store *store;
  struct past *before, *after; /* before: NULL, nothing */
  const struct catalogue *catalogue;
  struct explained asked;
  size_t most;
  struct print *print;
  struct leaf_stories *stories;
};

/* --- printing --- */

static void print_change(struct telling *telling, const struct indicator *indicator, bool defined,
                         int128 value)
{
  char text[DECIMAL_TEXT_SIZE] = "";
  if (defined && print_format_of(telling->print) == PRINT_TABLE)
    decimal_format_grouped(value, indicator->decimals, text);
  else if (defined)
    decimal_format(value, indicator->decimals, text);
  print_cell(telling->print, text);
  print_cell(telling->print, telling->catalogue->measures[indicator->measure].code);
}

static void print_empty(struct telling *telling, int cells)
{
  for (int n = 0; n < cells; n++) print_cell(telling->print, "");
}

/* The name of the unit, by the last of its versions. */
static const char *name_of(const struct telling *telling, const char *unit)
{
  const struct unit_version *versions;
  struct past *pasts[] = {telling->after, telling->before};
  for (size_t n = 0; n < G_N_ELEMENTS(pasts); n++) {
    size_t count = pasts[n] ? register_unit(past_snapshot(pasts[n])->units, unit, &versions) : 0;
    if (count > 0) return versions[count - 1].name;
  }
  return "";
}

static void print_story(struct telling *telling, const struct leaf_story *story)
{
  if (!story) {
    print_empty(telling, 5);
    return;
  }
  g_autofree char *recorded = moment_format(telling->catalogue, story->recorded_ms);
  print_count(telling->print, (int64_t)story->position);
  print_cell(telling->print, recorded);
  print_cell(telling->print, story->by);
  print_cell(telling->print, story->submission);
  print_cell(telling->print, story->reason);
}

static void print_line(struct telling *telling, const struct indicator *indicator,
                       const struct explain_line *line)
{
  char period[PERIOD_TEXT_SIZE];
  bool is_report = line->cause == EXPLAIN_REPORT && line->revision > 0;
  print_named(telling->print, indicator->code, text_label(&indicator->name));
  print_cell(telling->print, "unit");
  print_cell(telling->print, line->unit);
  print_cell(telling->print, name_of(telling, line->unit));
  print_named(telling->print, causes[line->cause].code, _(causes[line->cause].name));
  print_cell(telling->print, is_report ? period_format(line->period, period) : "");
  print_cell(telling->print, is_report ? line->park : "");
  if (is_report)
    print_count(telling->print, line->revision);
  else
    print_cell(telling->print, "");
  print_change(telling, indicator, true, line->change);
  print_story(telling, leaf_stories_of(telling->stories, line));
}

/* A line that closes: what it is for programs, and for people. */
static void print_closing(struct telling *telling, const struct indicator *indicator, const char *code,
                          const char *name, const char *cause, bool defined, int128 value)
{
  print_named(telling->print, indicator->code, text_label(&indicator->name));
  print_cell(telling->print, code);
  print_named(telling->print, "", name);
  print_empty(telling, 1);
  print_cell(telling->print, cause);
  print_empty(telling, 3);
  print_change(telling, indicator, defined, value);
  print_empty(telling, 5);
}

static void print_sums(struct telling *telling, const struct indicator *indicator,
                       const struct explain_sums *sums)
{
  if (sums->other_lines > 0) {
    g_autofree char *others = g_strdup_printf(_("%" PRId64 " others"), sums->other_lines);
    print_closing(telling, indicator, "others", others, "", true, sums->others);
  }
  print_closing(telling, indicator, "before", _("earlier"), "", telling->before != NULL, sums->before);
  for (int cause = 0; cause < EXPLAIN_CAUSES; cause++) {
    if (sums->lines[cause] == 0) continue;
    bool table = print_format_of(telling->print) == PRINT_TABLE;
    print_closing(telling, indicator, "sum", _("sum"), table ? _(causes[cause].name) : causes[cause].code,
                  true, sums->change[cause]);
  }
  print_closing(telling, indicator, "after", _("later"), "", true, sums->after);
}

static bool tell(struct telling *telling, int indicator_index, GError **error)
{
  const struct indicator *indicator = &telling->catalogue->indicators[indicator_index];
  CLEANUP(explain_free) struct explain *explain = explain_new(telling->most);
  const struct explain_line *lines;
  struct explain_sums sums;
  size_t count;
  telling->asked.indicator = indicator->code;
  if (!read_explain_run(telling->store, telling->before, telling->after, &telling->asked, explain, error))
    return false;
  explain_finish(explain, &lines, &count, &sums);
  for (size_t n = 0; n < count; n++) print_line(telling, indicator, &lines[n]);
  print_sums(telling, indicator, &sums);
  return true;
}

/* Of a ratio its two parts, each. */
static bool tell_all(struct telling *telling, int indicator_index, GError **error)
{
  const struct indicator *indicator = &telling->catalogue->indicators[indicator_index];
  if (indicator->kind != KIND_RATIO) return tell(telling, indicator_index, error);
  return tell_all(telling, indicator->numerator, error) && tell_all(telling, indicator->denominator, error);
}

/* --- what is asked for --- */

struct asked {
  char *between[2]; /* of argv; NULL: from nothing to now */
  char *slice, *format, *unpaired;
  gboolean cumulative;
  int most;
};

/* `--between T1 T2` is taken out of the words: GLib knows no option of two values. */
static void take_between(int *argc, char **argv, struct asked *asked)
{
  for (int i = 1; i + 2 < *argc; i++) {
    if (strcmp(argv[i], "--") == 0) return;
    if (strcmp(argv[i], "--between") != 0) continue;
    asked->between[0] = argv[i + 1];
    asked->between[1] = argv[i + 2];
    memmove(argv + i, argv + i + 3, (size_t)(*argc - i - 3) * sizeof *argv);
    *argc -= 3;
    return;
  }
}

/* Where no catalogue was in force yet there was nothing, which is a beginning too. */
static bool open_before(struct telling *telling, struct snapshot *present, const struct moment *moment,
                        GError **error)
{
  GError *failure = NULL;
  telling->before = past_new(telling->store, present, moment->leaves, moment->ms, &failure);
  if (telling->before) return true;
  if (g_error_matches(failure, PARKTALLY_ERROR, ERROR_USAGE)) {
    g_error_free(failure);
    return true;
  }
  g_propagate_error(error, failure);
  return false;
}

static bool open_moments(struct telling *telling, struct snapshot *present, const struct asked *asked,
                         GError **error)
{
  struct moment first, last = {.leaves = store_leaf_count(telling->store)};
  last.ms = store_leaf_recorded(telling->store, last.leaves - 1);
  if (asked->between[0]) {
    if (!moment_read(telling->store, present->catalogue, asked->between[0], &first, error) ||
        !moment_read(telling->store, present->catalogue, asked->between[1], &last, error))
      return false;
    if (first.leaves > last.leaves) {
      g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE,
                  _("“%s” is later than “%s”: the earlier moment goes first"), asked->between[0],
                  asked->between[1]);
      return false;
    }
    if (!open_before(telling, present, &first, error)) return false;
  }
  telling->after = past_new(telling->store, present, last.leaves, last.ms, error);
  return telling->after != NULL;
}

/* Within a transaction. */
static bool answer(struct telling *telling, struct snapshot *present, const struct asked *asked, char **words,
                   GError **error)
{
  int area, indicator, slice = 0;
  if (!open_moments(telling, present, asked, error)) return false;
  telling->catalogue = past_snapshot(telling->after)->catalogue;
  if (!pick_one(telling->catalogue, PICK_AREAS, words[0], &area, error) ||
      !pick_one(telling->catalogue, PICK_INDICATORS, words[1], &indicator, error) ||
      (asked->slice && !pick_one(telling->catalogue, PICK_SLICES, asked->slice, &slice, error)))
    return false;
  telling->asked.area = telling->catalogue->areas[area].code;
  telling->asked.slice = telling->catalogue->slices[slice].code;
  telling->stories = leaf_stories_new(telling->store, telling->before ? past_leaves(telling->before) : 0,
                                      past_leaves(telling->after));
  return tell_all(telling, indicator, error);
}

static int run(struct office *office, struct control_request *request, const struct asked *asked,
               char **words)
{
  struct telling telling = {.store = office->reader, .asked = {.cumulative = asked->cumulative}};
  enum print_format format;
  GError *error = NULL;
  if (asked->unpaired) return office_misused(request, "%s", _("--between needs two moments"));
  if (asked->most < 0 || asked->most > LINES_MOST)
    return office_misused(request, _("--most is at most %d"), LINES_MOST);
  telling.most = asked->most > 0 ? (size_t)asked->most : LINES_USUAL;
  if (!office_read_format(request, asked->format, &format)) return ERROR_USAGE;
  if (!office_read_period(request, words[2], &telling.asked.period)) return ERROR_USAGE;
  CLEANUP(snapshot_unref)
  struct snapshot *present = present_begin(writer_present(office->writer), office->reader, &error);
  if (!present) return office_fail(request, error);
  CLEANUP(print_free) struct print *print = telling.print = print_new(columns, format);
  answer(&telling, present, asked, words, &error);
  leaf_stories_free(telling.stories);
  past_free(telling.before);
  past_free(telling.after);
  if (error)
    store_rollback(office->reader);
  else
    store_commit(office->reader, &error);
  if (error) return office_fail(request, error);
  print_finish(print, request->output);
  return 0;
}

int office_explain(struct office *office, struct control_request *request, int argc, char **argv)
{
  struct asked asked = {0};
  const GOptionEntry entries[] = {
      {"between", 0, 0, G_OPTION_ARG_STRING, &asked.unpaired,
       N_("these moments, as --as-of has them; without it from nothing to now"), N_("T1 T2")},
      {"slice", 0, 0, G_OPTION_ARG_STRING, &asked.slice, N_("of this slice; “all” by default"), N_("S")},
      {"cumulative", 0, 0, G_OPTION_ARG_NONE, &asked.cumulative, N_("January to the period"), NULL},
      {"most", 0, 0, G_OPTION_ARG_INT, &asked.most, N_("so many lines, the largest; 1000 by default"),
       N_("N")},
      {"format", 0, 0, G_OPTION_ARG_STRING, &asked.format, N_("table, csv or json"), N_("FORMAT")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  take_between(&argc, argv, &asked);
  if (office_options(request, entries, 3, 3, &argc, &argv, &exit_code))
    exit_code = run(office, request, &asked, argv + 1);
  g_free(asked.slice);
  g_free(asked.format);
  g_free(asked.unpaired);
  return exit_code;
}

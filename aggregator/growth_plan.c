/* park-aggregator growth-plan: members, what they promised and did, and the year's verdict; and who may join.
 */
#include "aggregator/growth_units.h"
#include "aggregator/office.h"
#include "aggregator/pick.h"
#include "aggregator/print.h"
#include "common/error.h"
#include "common/text.h"

static const struct print_column columns[] = {
    {"plan", NULL, PRINT_TEXT},
    {"period", N_("period"), PRINT_TEXT},
    {"park", N_("park"), PRINT_TEXT},
    {"unit", NULL, PRINT_TEXT},
    {"name", N_("enterprise"), PRINT_TEXT},
    {"member", N_("member"), PRINT_FLAG},
    {"verdict", N_("verdict"), PRINT_TEXT},
    {"criterion", N_("criterion"), PRINT_TEXT},
    {"actual", N_("actual"), PRINT_DECIMAL},
    {"direction", NULL, PRINT_TEXT},
    {"target", N_("target"), PRINT_DECIMAL},
    {"measure", NULL, PRINT_TEXT},
    {"met", N_("met"), PRINT_FLAG},
    {"reason", N_("reason"), PRINT_TEXT},
    {NULL, NULL, PRINT_TEXT},
};

struct planning {
  const struct catalogue *catalogue;
  const struct growth_plan *plan;
  struct print *print;
  struct period period;
};

/* --- printing --- */

/* `first`: of its lines. A table says only there whose they are. */
static void print_unit(struct planning *planning, const struct unit_version *version, bool is_member,
                       enum growth_verdict verdict, bool first)
{
  static const struct {
    const char *code, *name;
  } verdicts[] = {
      [MEMBER_STAYS] = {"stay", N_("stays")},
      [MEMBER_DROPS] = {"drop", N_("dropped")},
      [MEMBER_CANDIDATE] = {"candidate", N_("candidate")},
      [MEMBER_NOT_ASSESSED] = {"not_assessed", N_("not assessed")},
  };
  struct print *print = planning->print;
  char text[PERIOD_TEXT_SIZE];
  int park = catalogue_area(planning->catalogue, version->parks); /* of several, their codes */
  const char *parks =
      park == CATALOGUE_NONE ? version->parks : text_label(&planning->catalogue->areas[park].name);
  print_cell(print, planning->plan->code);
  print_named(print, period_format(planning->period, text), first ? text : "");
  print_named(print, version->parks, first ? parks : "");
  print_cell(print, version->unit);
  print_named(print, version->name, !first ? "" : *version->name ? version->name : version->unit);
  if (first || print_format_of(print) != PRINT_TABLE)
    print_flag(print, is_member);
  else
    print_cell(print, "");
  print_named(print, verdicts[verdict].code, first ? _(verdicts[verdict].name) : "");
}

/* With measure and sign in a table, as numbers elsewhere. */
static void print_side(struct print *print, bool given, struct fraction value, unsigned decimals, char *text)
{
  char number[DECIMAL_TEXT_SIZE] = "";
  int128 rounded;
  if (print_format_of(print) == PRINT_TABLE) {
    print_cell(print, text);
  } else {
    if (given && decimal_divide(value.upper, value.lower, decimals, &rounded))
      decimal_format(rounded, decimals, number);
    print_cell(print, number);
  }
  g_free(text);
}

static void print_criterion(struct print *print, const struct criterion *criterion,
                            const struct growth_result *result)
{
  static const char *const directions[] = {
      [DIRECTION_AT_LEAST] = "at_least", [DIRECTION_AT_MOST] = "at_most", [DIRECTION_ABOVE] = "above"};
  unsigned decimals = criterion->asked.decimals;
  print_named(print, criterion->code, text_label(&criterion->name));
  print_side(print, result->has_actual, result->actual, decimals, growth_actual_text(criterion, result));
  print_cell(print, directions[criterion->asked.direction]);
  print_side(print, result->has_promise, result->promise, decimals, growth_promise_text(criterion, result));
  print_cell(print, criterion->asked.measure);
  if (result->met == CRITERION_UNKNOWN)
    print_cell(print, "");
  else
    print_flag(print, result->met == CRITERION_MET);
  print_cell(print, result->why);
}

/* A line for the verdict, and one for each criterion. */
static bool print_judgement(const struct unit_version *version, bool is_member,
                            const struct growth_judgement *judgement, void *data)
{
  struct planning *planning = data;
  bool has_figures = false;
  print_unit(planning, version, is_member, judgement->verdict, true);
  for (int cell = 0; cell < 6; cell++) print_cell(planning->print, "");
  print_cell(planning->print, judgement->reason);
  for (size_t n = 0; n < judgement->count; n++) {
    const struct growth_result *result = &judgement->results[n];
    if (!result->asked) continue;
    print_unit(planning, version, is_member, judgement->verdict, false);
    print_criterion(planning->print, &planning->plan->criteria[n], result);
    has_figures = true;
  }
  if (has_figures) print_note(planning->print, _("Compared unrounded; what is shown is rounded."));
  return true;
}

/* --- what is asked for --- */

/* The last year for which anybody reported the plan's form; false if none. */
static bool find_year(struct reader *reader, const struct catalogue *catalogue,
                      const struct growth_plan *plan, int *ret_year)
{
  const struct form *form = &catalogue->forms[plan->form];
  struct period period;
  for (size_t n = 0; n < form->column_count; n++) {
    if (!reader_last_period(reader, form->columns[n].indicator, &period)) continue;
    *ret_year = period.year;
    return true;
  }
  return false;
}

/* `year` 0: the last one of each plan. Whether there was any. */
static bool answer(struct reader *reader, const struct snapshot *snapshot, struct print *print, int year,
                   int area, GError **error)
{
  const struct catalogue *catalogue = snapshot->catalogue;
  bool any = false;
  if (catalogue->growth_plan_count == 0)
    g_set_error_literal(error, PARKTALLY_ERROR, ERROR_CONFIG,
                        _("the catalogue has no growth plan; add one under “growth_plans”"));
  for (size_t n = 0; n < catalogue->growth_plan_count && !*error; n++) {
    const struct growth_plan *plan = &catalogue->growth_plans[n];
    int of_plan = year;
    if (year == 0 && !find_year(reader, catalogue, plan, &of_plan)) continue;
    struct planning planning = {catalogue, plan, print, {(int16_t)of_plan, 1, 12}};
    any = true;
    growth_units(reader, snapshot, plan, of_plan, area, print_judgement, &planning, error);
    print_note(print, text_label(&plan->note));
  }
  return any;
}

static bool pick_area(const struct catalogue *catalogue, char *code, int *ret_area, GError **error)
{
  char *words[] = {code, NULL};
  g_autoptr(GArray) areas = pick_items(catalogue, PICK_AREAS, words, error);
  *ret_area = areas && areas->len > 0 ? g_array_index(areas, int, 0) : CATALOGUE_NONE;
  return areas != NULL;
}

static int run(struct office *office, struct control_request *request, int year, char *area_code,
               enum print_format format)
{
  GError *error = NULL;
  CLEANUP(snapshot_unref) /* all of it as of one moment */
  struct snapshot *snapshot = present_begin(writer_present(office->writer), office->reader, &error);
  if (!snapshot) return office_fail(request, error);
  CLEANUP(reader_free) struct reader *reader = reader_new(office->reader, snapshot);
  CLEANUP(print_free) struct print *print = print_new(columns, format);
  int area;
  bool any = pick_area(snapshot->catalogue, area_code, &area, &error) &&
             answer(reader, snapshot, print, year, area, &error);
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

int office_growth_plan(struct office *office, struct control_request *request, int argc, char **argv)
{
  g_autofree char *period_text = NULL, *format_text = NULL, *area = NULL;
  const GOptionEntry entries[] = {
      {"period", 0, 0, G_OPTION_ARG_STRING, &period_text,
       N_("2018; the last one that was reported by default"), N_("YEAR")},
      {"area", 0, 0, G_OPTION_ARG_STRING, &area, N_("enterprises of this area; of all by default"), N_("A")},
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
  return run(office, request, period.year, area, format);
}

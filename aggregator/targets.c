/* park-aggregator targets: what the plan promises, and where it stands. */
#include "aggregator/moment.h"
#include "aggregator/office.h"
#include "aggregator/pick.h"
#include "aggregator/print.h"
#include "aggregator/statistics/target.h"
#include "common/error.h"
#include "common/text.h"

static const struct print_column columns[] = {
    {"target", N_("no."), PRINT_COUNT},
    {"name", N_("target"), PRINT_TEXT},
    {"area", N_("area"), PRINT_TEXT},
    {"period", N_("period"), PRINT_TEXT},
    {"direction", NULL, PRINT_TEXT},
    {"promised", N_("promised"), PRINT_DECIMAL},
    {"tolerance", NULL, PRINT_DECIMAL},
    {"stage", N_("this year"), PRINT_DECIMAL},
    {"standing", N_("standing"), PRINT_DECIMAL},
    {"measure", N_("measure"), PRINT_TEXT},
    {"reported", NULL, PRINT_COUNT},
    {"expected", NULL, PRINT_COUNT},
    {"reached", NULL, PRINT_FLAG},
    {"why_not", NULL, PRINT_TEXT},
    {"bureau", N_("responsible bureau"), PRINT_TEXT},
    {"population", NULL, PRINT_TEXT},
    {"note", NULL, PRINT_TEXT},
    {"status", N_("status"), PRINT_TEXT},
    {"reason", NULL, PRINT_TEXT},
    {"gap", N_("gap"), PRINT_DECIMAL},
    {"due", NULL, PRINT_DECIMAL},
    {"due_share", NULL, PRINT_DECIMAL},
    {"coverage_parks", NULL, PRINT_COUNT},
    {"parks", NULL, PRINT_COUNT},
    {"coverage_units", NULL, PRINT_DECIMAL},
    {"coverage_value", N_("coverage, percent"), PRINT_DECIMAL},
    {"estimate", N_("estimate"), PRINT_DECIMAL},
    {"estimate_status", NULL, PRINT_TEXT},
    {"estimated_units", NULL, PRINT_COUNT},
    {"missing_units", NULL, PRINT_COUNT},
    {"annual_adjustment", NULL, PRINT_DECIMAL},
    {NULL, NULL, PRINT_TEXT},
};

static const char *const signs[] = {[DIRECTION_AT_LEAST] = "≥ ",
                                    [DIRECTION_ABOUT] = "≈ ",
                                    [DIRECTION_AT_MOST] = "≤ ",
                                    [DIRECTION_ABOVE] = "> ",
                                    [DIRECTION_TRACKED] = ""};

/* In a table with the sign of its direction. */
static void print_promise(struct print *print, const struct target *target, bool given, int64_t value)
{
  char text[DECIMAL_TEXT_SIZE];
  if (!given || target->direction == DIRECTION_TRACKED) {
    print_cell(print, "");
  } else if (print_format_of(print) != PRINT_TABLE) {
    print_cell(print, decimal_format(value, target->decimals, text));
  } else {
    g_autofree char *promise =
        g_strconcat(signs[target->direction], decimal_format_grouped(value, target->decimals, text), NULL);
    print_cell(print, promise);
  }
}

/* Rounded, at display only; empty where it is not there. */
static void print_fraction(struct print *print, bool given, struct fraction value, unsigned decimals,
                           const char *mark)
{
  char text[DECIMAL_TEXT_SIZE];
  int128 rounded;
  bool table = print_format_of(print) == PRINT_TABLE;
  if (!given || !decimal_divide(value.upper, value.lower, decimals, &rounded)) {
    print_cell(print, NULL);
    return;
  }
  const char *shown =
      table ? decimal_format_grouped(rounded, decimals, text) : decimal_format(rounded, decimals, text);
  g_autofree char *marked = g_strconcat(shown, table ? mark : "", NULL);
  print_cell(print, marked);
}

static struct fraction standing_of(const struct target_standing *standing)
{
  return (struct fraction){standing->numerator, standing->denominator};
}

static void print_reached(struct print *print, const struct target_standing *standing)
{
  if (standing->promised && standing->measurable && !standing->too_little)
    print_flag(print, standing->reached);
  else
    print_cell(print, NULL);
}

static void print_count_if(struct print *print, bool given, int64_t count)
{
  if (given)
    print_count(print, count);
  else
    print_cell(print, NULL);
}

/* NULL where there is nothing to have a share of. */
static char *percent_text(bool (*share)(const struct coverage *, int128 *), const struct coverage *coverage)
{
  char text[DECIMAL_TEXT_SIZE];
  int128 percent;
  return share(coverage, &percent) ? g_strdup(decimal_format(percent, COVERAGE_DECIMALS, text)) : NULL;
}

static void print_coverage(struct print *print, const struct footing *weakest)
{
  g_autofree char *by_units = percent_text(coverage_of_units, &weakest->coverage);
  g_autofree char *by_value = percent_text(coverage_of_value, &weakest->coverage);
  print_count_if(print, weakest->reports, weakest->parks_reporting);
  print_count_if(print, weakest->reports, weakest->parks);
  print_cell(print, by_units);
  print_cell(print, by_value);
}

/* --- notes --- */

/* What is too long for a table stands below it. */
static void add_note(struct print *print, const char *row, char *note)
{
  if (note && *note) {
    g_autofree char *line = g_strdup_printf("%s: %s", row, note);
    print_note(print, line);
  }
  g_free(note);
}

/* “5 of 6 parks, 93 % of units, 97 % of value”, where it is not all. */
static char *coverage_note(const struct footing *weakest)
{
  char reporting[DECIMAL_TEXT_SIZE], parks[DECIMAL_TEXT_SIZE];
  if (!weakest->reports || coverage_missing(&weakest->coverage) == 0) return NULL;
  g_autofree char *by_units = percent_text(coverage_of_units, &weakest->coverage);
  g_autofree char *by_value = percent_text(coverage_of_value, &weakest->coverage);
  return g_strdup_printf(_("rests on %s of %s parks, %s %% of units, %s %% of last known value"),
                         decimal_format(weakest->parks_reporting, 0, reporting),
                         decimal_format(weakest->parks, 0, parks), by_units, by_value ? by_value : "–");
}

static char *due_note(const struct target *target, const struct target_standing *standing)
{
  char due[DECIMAL_TEXT_SIZE], share[DECIMAL_TEXT_SIZE];
  int128 amount, percent;
  struct fraction hundred;
  if (!standing->judged || !standing->pro_rated ||
      !fraction_multiply(standing->share, (struct fraction){100, 1}, &hundred) ||
      !decimal_divide(hundred.upper, hundred.lower, COVERAGE_DECIMALS, &percent) ||
      !decimal_divide(standing->due.upper, standing->due.lower, target->decimals, &amount))
    return NULL;
  return g_strdup_printf(_("%s is due by now: %s %% of this year's, as in the same months of last year"),
                         decimal_format_grouped(amount, target->decimals, due),
                         decimal_format(percent, COVERAGE_DECIMALS, share));
}

static char *estimate_note(const struct target_standing *standing)
{
  char estimated[DECIMAL_TEXT_SIZE], missing[DECIMAL_TEXT_SIZE];
  if (!standing->estimated) return NULL;
  return g_strdup_printf(_("the estimate stands for %s of %s missing reports"),
                         decimal_format(standing->estimated_units, 0, estimated),
                         decimal_format(standing->missing_units, 0, missing));
}

static char *adjustment_note(const struct target *target, const struct target_standing *standing)
{
  char text[DECIMAL_TEXT_SIZE];
  int128 amount;
  if (!standing->adjusted ||
      !decimal_divide(standing->adjustment.upper, standing->adjustment.lower, target->decimals, &amount))
    return NULL;
  return g_strdup_printf(_("annual adjustment of the months' sum: %s"),
                         decimal_format_grouped(amount, target->decimals, text));
}

static void add_notes(struct print *print, const struct catalogue *catalogue, const struct target *target,
                      const struct target_standing *standing)
{
  g_autofree char *number = g_strdup_printf("%u", target->id);
  g_autofree char *part = standing->area == target->area
                              ? g_strdup(number)
                              : g_strdup_printf("%s %s", number, catalogue->areas[standing->area].code);
  add_note(print, part, g_strdup(standing->why_not));
  add_note(print, part, g_strdup(standing->reason));
  add_note(print, part, due_note(target, standing));
  add_note(print, part, coverage_note(&standing->weakest));
  add_note(print, part, estimate_note(standing));
  add_note(print, part, adjustment_note(target, standing));
  add_note(print, number, g_strdup(text_label(&target->note)));
  if (standing->estimated)
    print_note(print,
               _("E: with the missing units estimated, each as its last known value × the growth of the "
                 "units that reported both then and now; never part of a total."));
}

/* --- rows --- */

static void print_course(struct print *print, const struct target *target,
                         const struct target_standing *standing)
{
  struct fraction percent = {0, 1};
  bool has_share =
      standing->pro_rated && fraction_multiply(standing->share, (struct fraction){100, 1}, &percent);
  print_named(print, target_status_code(standing->status), target_status_name(standing->status));
  print_cell(print, standing->reason ? standing->reason : standing->why_not);
  print_fraction(print, standing->judged, standing->gap, target->decimals, "");
  print_fraction(print, standing->judged, standing->due, target->decimals, "");
  print_fraction(print, has_share, percent, COVERAGE_DECIMALS, "");
  print_coverage(print, &standing->weakest);
  print_fraction(print, standing->estimated, standing->estimate, target->decimals, " E");
  print_cell(print, standing->estimated ? "E" : NULL);
  print_count_if(print, standing->estimated, standing->estimated_units);
  print_count_if(print, standing->weakest.reports, standing->missing_units);
  print_fraction(print, standing->adjusted, standing->adjustment, target->decimals, "");
}

static void print_target(struct print *print, const struct catalogue *catalogue, const struct target *target,
                         const struct target_standing *standing)
{
  bool whole = standing->area == target->area;
  char text[PERIOD_TEXT_SIZE];
  print_count(print, target->id);
  print_cell(print, text_label(&target->name));
  print_cell(print,
             catalogue->areas[standing->area].code); /* as --area takes it; names would widen the table */
  print_cell(print, period_format(standing->period, text));
  print_cell(print, target_direction(target));
  print_promise(print, target, whole || standing->promised, whole ? target->value : standing->promise);
  print_promise(print, target, print_format_of(print) != PRINT_TABLE, target->tolerance);
  print_promise(print, target, standing->stage != NULL, standing->stage ? standing->stage->value : 0);
  print_fraction(print, standing->measurable, standing_of(standing), target->decimals, "");
  print_cell(print, target->measure);
  print_count(print, standing->reported);
  print_count(print, standing->expected);
  print_reached(print, standing);
  print_cell(print, standing->why_not);
  print_cell(print, target->bureau);
  print_cell(print, text_label(&target->population));
  print_cell(print, text_label(&target->note));
  print_course(print, target, standing);
  add_notes(print, catalogue, target, standing);
}

struct printing {
  struct print *print;
  struct reader *reader;
  const struct catalogue *catalogue;
  struct period period;
  GError **error;
};

static bool print_one(const struct target *target, int area, void *data)
{
  const struct printing *to = data;
  struct target_standing standing;
  if (!target_evaluate(to->reader, to->catalogue, target, area, to->period, &standing, to->error))
    return false;
  print_target(to->print, to->catalogue, target, &standing);
  target_standing_clear(&standing);
  return true;
}

/* Within a transaction of the reader. False where there is no period yet, or with an error. */
static bool print_all(struct printing *printing, char **area_words, bool period_given)
{
  const struct catalogue *catalogue = printing->catalogue;
  g_auto(GStrv) words = pick_words(area_words);
  g_autoptr(GArray) areas = pick_items(catalogue, PICK_AREAS, words, printing->error);
  if (!areas) return false;
  if (!period_given && !target_last_period(printing->reader, catalogue, &printing->period)) return false;
  if (!target_each(catalogue, areas->len > 0 ? areas : NULL, print_one, printing)) return false;
  print_note(printing->print, _("Compared unrounded; what is shown is rounded."));
  return true;
}

static int run(struct office *office, struct control_request *request, const char *period_text,
               char **area_words, const char *as_of, enum print_format format)
{
  struct period period = {0};
  if (period_text && !period_read(period_text, 0, &period))
    return office_misused(request, _("“%s” is no period; write 2018-05, 2018-Q2 or 2018"), period_text);
  GError *error = NULL;
  CLEANUP(snapshot_unref) /* all of them as of one moment */
  struct snapshot *snapshot = present_begin(writer_present(office->writer), office->reader, &error);
  if (!snapshot) return office_fail(request, error);
  CLEANUP(past_free) struct past *past = NULL;
  if (as_of && !moment_past(office->reader, snapshot, as_of, &past, &error)) {
    store_rollback(office->reader);
    return office_fail(request, error);
  }
  CLEANUP(reader_free)
  struct reader *reader = past ? reader_new_at(office->reader, past) : reader_new(office->reader, snapshot);
  const struct catalogue *catalogue = past ? past_snapshot(past)->catalogue : snapshot->catalogue;
  CLEANUP(print_free) struct print *print = print_new(columns, format);
  struct printing printing = {print, reader, catalogue, period, &error};
  bool found = print_all(&printing, area_words, period_text != NULL);
  if (error)
    store_rollback(office->reader);
  else
    store_commit(office->reader, &error);
  if (error) return office_fail(request, error);
  if (!found)
    control_err(request->output,
                _("park-aggregator: nobody has reported anything yet; name a period with --period\n"));
  print_finish(print, request->output);
  return 0;
}

int office_targets(struct office *office, struct control_request *request, int argc, char **argv)
{
  g_autofree char *period = NULL, *format_text = NULL, *as_of = NULL;
  g_auto(GStrv) areas = NULL;
  const GOptionEntry entries[] = {
      {"period", 0, 0, G_OPTION_ARG_STRING, &period, N_("2018 or 2018-05; the last one by default"), N_("P")},
      {"as-of", 0, 0, G_OPTION_ARG_STRING, &as_of, N_("as it was then: 2018-06-10T12:00, 2018-06-10, @1234"),
       N_("T")},
      {"area", 0, 0, G_OPTION_ARG_STRING_ARRAY, &areas,
       N_("what has a sense in these areas, parks among them; as the plan states it by default"), N_("A,…")},
      {"format", 0, 0, G_OPTION_ARG_STRING, &format_text, N_("table, csv or json"), N_("FORMAT")},
      G_OPTION_ENTRY_NULL,
  };
  enum print_format format;
  int exit_code;
  if (!office_options(request, entries, 0, 0, &argc, &argv, &exit_code)) return exit_code;
  if (!office_read_format(request, format_text, &format)) return ERROR_USAGE;
  return run(office, request, period, areas, as_of, format);
}

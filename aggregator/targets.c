/* park-aggregator targets: what the plan promises, and where it stands. */
#include "aggregator/moment.h"
#include "aggregator/office.h"
#include "aggregator/print.h"
#include "aggregator/statistics/target.h"
#include "common/error.h"
#include "common/text.h"

static const struct print_column columns[] = {
    {"target", N_("no."), PRINT_COUNT},
    {"name", N_("target"), PRINT_TEXT},
    {"area", NULL, PRINT_TEXT},
    {"period", N_("period"), PRINT_TEXT},
    {"direction", NULL, PRINT_TEXT},
    {"promised", N_("promised"), PRINT_DECIMAL},
    {"tolerance", NULL, PRINT_DECIMAL},
    {"stage", N_("this year"), PRINT_DECIMAL},
    {"standing", N_("standing"), PRINT_DECIMAL},
    {"measure", N_("measure"), PRINT_TEXT},
    {"reported", N_("reported"), PRINT_COUNT},
    {"expected", N_("expected"), PRINT_COUNT},
    {"reached", N_("reached"), PRINT_FLAG},
    {"why_not", NULL, PRINT_TEXT},
    {"bureau", N_("responsible bureau"), PRINT_TEXT},
    {"population", NULL, PRINT_TEXT},
    {"note", NULL, PRINT_TEXT},
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

static void print_standing(struct print *print, const struct target *target,
                           const struct target_standing *standing)
{
  char text[DECIMAL_TEXT_SIZE] = "";
  int128 value;
  if (standing->measurable &&
      decimal_divide(standing->numerator, standing->denominator, target->decimals, &value)) {
    if (print_format_of(print) == PRINT_TABLE)
      decimal_format_grouped(value, target->decimals, text);
    else
      decimal_format(value, target->decimals, text);
  }
  print_cell(print, text);
}

static void print_reached(struct print *print, const struct target *target,
                          const struct target_standing *standing)
{
  if (!standing->measurable)
    print_named(print, "", _("not measurable"));
  else if (target->direction == DIRECTION_TRACKED)
    print_named(print, "", _("tracked"));
  else
    print_flag(print, standing->reached);
}

/* What is too long for a table stands below it. */
static void add_note(struct print *print, const struct target *target, const char *note)
{
  if (!*note) return;
  g_autofree char *line = g_strdup_printf("%u: %s", target->id, note);
  print_note(print, line);
}

static void print_target(struct print *print, const struct catalogue *catalogue, const struct target *target,
                         const struct target_standing *standing)
{
  const struct area *area = &catalogue->areas[target->area];
  const char *note = text_label(&target->note);
  char text[PERIOD_TEXT_SIZE];
  print_count(print, target->id);
  print_cell(print, text_label(&target->name));
  print_named(print, area->code, text_label(&area->name));
  print_cell(print, period_format(standing->period, text));
  print_cell(print, target_direction(target));
  print_promise(print, target, true, target->value);
  print_promise(print, target, print_format_of(print) != PRINT_TABLE, target->tolerance);
  print_promise(print, target, standing->stage != NULL, standing->stage ? standing->stage->value : 0);
  print_standing(print, target, standing);
  print_cell(print, target->measure);
  print_count(print, standing->reported);
  print_count(print, standing->expected);
  print_reached(print, target, standing);
  print_cell(print, standing->why_not);
  print_cell(print, target->bureau);
  print_cell(print, text_label(&target->population));
  print_cell(print, note);
  add_note(print, target, standing->why_not ? standing->why_not : "");
  add_note(print, target, note);
}

static bool print_targets(struct print *print, struct reader *reader, const struct catalogue *catalogue,
                          struct period period, GError **error)
{
  for (size_t n = 0; n < catalogue->target_count; n++) {
    struct target_standing standing;
    if (!target_evaluate(reader, catalogue, &catalogue->targets[n], period, &standing, error)) return false;
    print_target(print, catalogue, &catalogue->targets[n], &standing);
    target_standing_clear(&standing);
  }
  print_note(print, _("Compared unrounded; what is shown is rounded."));
  return true;
}

static int run(struct office *office, struct control_request *request, const char *period_text,
               const char *as_of, enum print_format format)
{
  struct period period;
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
  bool found = period_text || target_last_period(reader, catalogue, &period);
  if (found) print_targets(print, reader, catalogue, period, &error);
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
  const GOptionEntry entries[] = {
      {"period", 0, 0, G_OPTION_ARG_STRING, &period, N_("2018 or 2018-05; the last one by default"), N_("P")},
      {"as-of", 0, 0, G_OPTION_ARG_STRING, &as_of, N_("as it was then: 2018-06-10T12:00, 2018-06-10, @1234"),
       N_("T")},
      {"format", 0, 0, G_OPTION_ARG_STRING, &format_text, N_("table, csv or json"), N_("FORMAT")},
      G_OPTION_ENTRY_NULL,
  };
  enum print_format format;
  int exit_code;
  if (!office_options(request, entries, 0, 0, &argc, &argv, &exit_code)) return exit_code;
  if (!print_read_format(format_text, &format))
    return office_misused(request, _("“%s” is no format; choose table, csv or json"), format_text);
  return run(office, request, period, as_of, format);
}

/* park-aggregator top: what the running server's limits have come to. */
#include "aggregator/bounds.h"
#include "aggregator/office.h"
#include "aggregator/print.h"
#include "common/error.h"
#include "common/text.h"

static const struct print_column columns[] = {
    {"limit", N_("limit"), PRINT_TEXT},
    {"unit", N_("unit"), PRINT_TEXT},
    {"value", N_("value"), PRINT_COUNT},
    {"in_use", N_("in use"), PRINT_COUNT},
    {"highest", N_("most"), PRINT_COUNT},
    {"refused", N_("reached"), PRINT_COUNT},
    {"set_by", N_("key under “limits”"), PRINT_TEXT},
    {NULL, NULL, PRINT_TEXT},
};

static void print_bound(const struct bounds *bounds, enum bound which, struct print *print)
{
  const struct bound_kind *kind = &bound_kinds[which];
  struct bound_reading reading = bounds_read(bounds, which);

  print_named(print, kind->name, _(kind->title));
  print_cell(print, kind->unit);
  print_count(print, reading.value);
  print_count(print, reading.in_use);
  print_count(print, reading.highest);
  print_count(print, reading.refused);
  print_cell(print, kind->most != 0 ? kind->name : NULL);
}

int office_top(struct office *office, struct control_request *request, int argc, char **argv)
{
  g_autofree char *format_text = NULL;
  const GOptionEntry entries[] = {
      {"format", 0, 0, G_OPTION_ARG_STRING, &format_text, N_("table, csv or json"), N_("FORMAT")},
      G_OPTION_ENTRY_NULL,
  };
  enum print_format format;
  int exit_code;

  if (!office_options(request, entries, 0, 0, &argc, &argv, &exit_code)) return exit_code;
  if (!office_read_format(request, format_text, &format)) return ERROR_USAGE;
  if (!office->bounds)
    return office_fail(request,
                       g_error_new_literal(PARKTALLY_ERROR, ERROR_UNAVAILABLE,
                                           _("no server runs here; start it with “park-aggregator run”")));
  CLEANUP(print_free) struct print *print = print_new(columns, format);
  for (int n = 0; n < BOUND_COUNT; n++) print_bound(office->bounds, (enum bound)n, print);
  print_finish(print, request->output);
  return 0;
}

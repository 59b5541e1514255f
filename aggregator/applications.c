/* park-aggregator applications, decline: units that parks want registered. One is accepted by importing the
 * unit into the register, as ever. */
#include "aggregator/store/applications.h"
#include "aggregator/office.h"
#include "aggregator/pick.h"
#include "aggregator/print.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

#define PAGE 256 /* applications in memory */

/* --- applications --- */

static const struct print_column columns[] = {
    {"number", N_("number"), PRINT_COUNT},
    {"state", N_("state"), PRINT_TEXT},
    {"area", N_("area"), PRINT_TEXT},
    {"unit", N_("unit"), PRINT_TEXT},
    {"name", N_("name"), PRINT_TEXT},
    {"class", N_("class"), PRINT_TEXT},
    {"industry", N_("industry"), PRINT_TEXT},
    {"parent", N_("parent"), PRINT_TEXT},
    {"from", N_("from"), PRINT_TEXT},
    {"text", N_("why applied for"), PRINT_TEXT},
    {"applied_by", N_("by"), PRINT_TEXT},
    {"waiting", N_("reports that wait"), PRINT_TEXT},
    {"reason", N_("why declined"), PRINT_TEXT},
    {"applied", NULL, PRINT_TEXT},
    {"settled", NULL, PRINT_TEXT},
    {NULL, NULL, PRINT_TEXT},
};

static const struct {
  const char *code, *name;
} states[] = {
    [APPLICATION_IS_PENDING] = {"pending", N_("pending")},
    [APPLICATION_IS_REGISTERED] = {"registered", N_("registered")},
    [APPLICATION_IS_DECLINED] = {"declined", N_("declined")},
};

static void print_time(struct print *print, int64_t ms)
{
  g_autofree char *text = ms ? clock_format((struct wall_time){ms}) : NULL;
  print_cell(print, text);
}

/* Each as form and period, in the order in which they came. */
static void print_waiting(struct print *print, struct store *store, const char *unit, const char *park)
{
  g_autoptr(GArray) waiting = store_waiting_of_unit(store, unit, park);
  g_autoptr(GString) text = g_string_new(NULL);
  for (unsigned n = 0; n < waiting->len; n++) {
    const struct waiting_unit *of = &g_array_index(waiting, struct waiting_unit, n);
    char period[PERIOD_TEXT_SIZE];
    g_string_append_printf(text, "%s%s %s", n > 0 ? _("; ") : "", of->form,
                           period_format(of->period, period));
  }
  print_cell(print, text->str);
}

static void print_application(struct print *print, struct store *store, const struct catalogue *catalogue,
                              const struct stored_application *application)
{
  int area = catalogue_area(catalogue, application->park);
  print_count(print, (int64_t)application->number);
  print_named(print, states[application->state].code, _(states[application->state].name));
  print_named(print, application->park,
              area == CATALOGUE_NONE ? application->park : text_label(&catalogue->areas[area].name));
  print_cell(print, application->unit);
  print_cell(print, application->name);
  print_cell(print, application->class);
  print_cell(print, application->industry);
  print_cell(print, application->parent);
  print_cell(print, application->from);
  print_cell(print, application->text);
  print_cell(print, application->applied_by);
  print_waiting(print, store, application->unit, application->park);
  print_cell(print, application->reason);
  print_time(print, application->applied_ms);
  print_time(print, application->settled_ms);
}

struct asked {
  char *area, *format;
  gboolean all;
};

static void print_all(struct store *store, const struct catalogue *catalogue, const struct asked *asked,
                      struct print *print)
{
  uint64_t behind = 0;
  for (;;) {
    g_autoptr(GArray) page = store_applications(store, asked->area, !asked->all, behind, PAGE);
    for (unsigned n = 0; n < page->len; n++) {
      const struct stored_application *application = &g_array_index(page, struct stored_application, n);
      print_application(print, store, catalogue, application);
      behind = application->number;
    }
    if (page->len < PAGE) return;
  }
}

static int run(struct office *office, struct control_request *request, const struct asked *asked)
{
  enum print_format format;
  if (!office_read_format(request, asked->format, &format)) return ERROR_USAGE;
  GError *error = NULL;
  CLEANUP(snapshot_unref)
  struct snapshot *snapshot = present_begin(writer_present(office->writer), office->reader, &error);
  if (!snapshot) return office_fail(request, error);
  CLEANUP(print_free) struct print *print = print_new(columns, format);
  char *const areas[] = {asked->area, NULL};
  g_autoptr(GArray) area = pick_items(snapshot->catalogue, PICK_AREAS, areas, &error);
  if (!area) {
    store_rollback(office->reader);
    return office_fail(request, error);
  }
  print_all(office->reader, snapshot->catalogue, asked, print);
  if (!store_commit(office->reader, &error)) return office_fail(request, error);
  print_finish(print, request->output);
  return 0;
}

int office_applications(struct office *office, struct control_request *request, int argc, char **argv)
{
  struct asked asked = {0};
  const GOptionEntry entries[] = {
      {"area", 0, 0, G_OPTION_ARG_STRING, &asked.area, N_("of this park; of all by default"), N_("A")},
      {"all", 0, 0, G_OPTION_ARG_NONE, &asked.all, N_("settled ones too"), NULL},
      {"format", 0, 0, G_OPTION_ARG_STRING, &asked.format, N_("table, csv or json"), N_("FORMAT")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  if (office_options(request, entries, 0, 0, &argc, &argv, &exit_code))
    exit_code = run(office, request, &asked);
  g_free(asked.area);
  g_free(asked.format);
  return exit_code;
}

/* --- decline --- */

static int decline(struct office *office, struct control_request *request, const char *word,
                   const char *reason)
{
  struct leaf leaf = {.kind = LEAF_DECLINE, .by = request->user, .reason = reason};
  struct act act = {.kind = LEAF_DECLINE, .leaf = &leaf};
  GError *error = NULL;
  if (!g_ascii_string_to_unsigned(word, 10, 1, INT64_MAX, &leaf.decline.application, NULL))
    return office_misused(
        request, _("“%s” is no number of an application: “park-aggregator applications” lists them"), word);
  if (!reason || !*reason) return office_misused(request, _("say with --reason why: the park reads it"));
  if (!writer_act(office->writer, &act, NULL, &error)) return office_fail(request, error);
  control_out(request->output, _("Declined; the reports that waited for it are refused.\n"));
  return 0;
}

int office_decline(struct office *office, struct control_request *request, int argc, char **argv)
{
  g_autofree char *reason = NULL;
  const GOptionEntry entries[] = {
      {"reason", 0, 0, G_OPTION_ARG_STRING, &reason, N_("why; the park reads it"), N_("R")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  if (!office_options(request, entries, 1, 1, &argc, &argv, &exit_code)) return exit_code;
  return decline(office, request, argv[1], reason);
}

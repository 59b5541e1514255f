/* park-aggregator agents: who may send. */
#include "aggregator/office.h"
#include "aggregator/print.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"

static const struct print_column columns[] = {
    {"agent", N_("agent"), PRINT_TEXT},
    {"area", N_("area"), PRINT_TEXT},
    {"role", N_("role"), PRINT_TEXT},
    {"forms", N_("forms"), PRINT_TEXT},
    {"enrolled", N_("enrolled"), PRINT_TEXT},
    {"submissions", N_("submissions"), PRINT_COUNT},
    {"last_seen", N_("last submission"), PRINT_TEXT},
    {"revoked", N_("revoked"), PRINT_TEXT},
    {"state", N_("state"), PRINT_TEXT},
    {"admitted_by", N_("admitted by"), PRINT_TEXT},
    {NULL, NULL, PRINT_TEXT},
};

static void print_time(struct print *print, int64_t ms)
{
  g_autofree char *text = ms ? clock_format((struct wall_time){ms}) : NULL;
  print_cell(print, text);
}

static void print_state(const struct stored_agent *agent, struct print *print)
{
  if (agent->revoked_ms != 0)
    print_named(print, "revoked", _("is revoked"));
  else if (stored_agent_waits(agent))
    print_named(print, "waiting", _("waits for admission"));
  else
    print_named(print, "in_force", _("in force"));
}

/* Empty: none had to, or none has. */
static void print_admission(const struct stored_agent *agent, struct print *print)
{
  const struct stored_admission *admission = &agent->admission;
  g_autofree char *by = g_strdup_printf("%s (%s)", admission->by, admission->approved_by);
  if (agent->entry == ENTRY_IS_SUCCESSION)
    print_named(print, "nobody", _("nobody: those before it were revoked"));
  else if (admission->position != 0)
    print_named(print, admission->by, by);
  else
    print_cell(print, NULL);
}

static void print_agent(struct office *office, const struct catalogue *catalogue,
                        const struct stored_agent *agent, struct print *print)
{
  int area = catalogue_area(catalogue, agent->area);
  bool bureau = agent->role == AGENT_OF_BUREAU;
  g_autofree char *forms = agent->forms ? g_strjoinv(";", agent->forms) : g_strdup("");
  uint64_t submissions;
  int64_t last_ms;
  store_agent_activity(office->reader, agent->id, &submissions, &last_ms);
  print_cell(print, agent->id);
  print_named(print, agent->area,
              area == CATALOGUE_NONE ? agent->area : text_label(&catalogue->areas[area].name));
  print_named(print, bureau ? "bureau" : "park", bureau ? _("bureau") : _("park"));
  print_named(print, forms, *forms ? forms : _("all of its role"));
  print_time(print, agent->enrolled_ms);
  print_count(print, (int64_t)submissions);
  print_time(print, last_ms);
  print_time(print, agent->revoked_ms);
  print_state(agent, print);
  print_admission(agent, print);
}

int office_agents(struct office *office, struct control_request *request, int argc, char **argv)
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

  GError *error = NULL;
  CLEANUP(snapshot_unref)
  struct snapshot *snapshot = present_begin(writer_present(office->writer), office->reader, &error);
  if (!snapshot) return office_fail(request, error);
  CLEANUP(print_free) struct print *print = print_new(columns, format);
  for (unsigned n = 0; n < snapshot->agents->len; n++)
    print_agent(office, snapshot->catalogue, &g_array_index(snapshot->agents, struct agent_record, n).stored,
                print);
  if (!store_commit(office->reader, &error)) return office_fail(request, error);
  print_finish(print, request->output);
  return 0;
}

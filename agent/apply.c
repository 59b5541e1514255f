/* park-agent apply, applications: units that the city is to register (入库申请), and what became of that. */
#include "agent/commands.h"
#include "agent/desk.h"
#include "common/clock.h"
#include "common/command.h"
#include "common/error.h"
#include "common/text.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* --- applications --- */

static const struct {
  const char *code, *name;
} STATES[] = {
    [APPLICATION_IS_PENDING] = {"pending", N_("pending")},
    [APPLICATION_IS_REGISTERED] = {"registered", N_("registered")},
    [APPLICATION_IS_DECLINED] = {"declined", N_("declined")},
};

static void print_json(const struct application_item *application)
{
  g_autofree char *applied = clock_format((struct wall_time){application->applied_at_ms});
  json_t *object =
      json_pack("{s:I, s:s, s:s, s:s, s:s, s:s}", "number", (json_int_t)application->number, "unit",
                application->unit, "name", application->name, "state", STATES[application->state].code,
                "reason", application->reason, "applied", applied);
  json_dumpf(object, stdout, JSON_COMPACT);
  json_decref(object);
  putchar('\n');
}

static bool print_application(const struct application_item *application, void *data)
{
  const struct desk *desk = data;
  if (desk->json) {
    print_json(application);
    return true;
  }
  g_autofree char *applied = clock_format((struct wall_time){application->applied_at_ms});
  printf("%" PRIu64 "  %s %s  %s  %s%s%s\n", application->number, application->unit, application->name,
         applied, _(STATES[application->state].name), application->reason[0] ? C_("punctuation", ": ") : "",
         application->reason);
  return true;
}

int command_applications(int argc, char **argv)
{
  struct desk desk = {0};
  const GOptionEntry entries[] = {
      {"data", 0, 0, G_OPTION_ARG_FILENAME, &desk.data, N_("the agent's folder"), N_("DIR")},
      {"format", 0, 0, G_OPTION_ARG_STRING, &desk.format, N_("text (default) or json"), N_("FORMAT")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  if (command_options(NULL, entries, 0, 0, &argc, &argv, &exit_code)) {
    g_autoptr(GError) error = NULL;
    bool done = desk_open(&desk, &error);
    if (done) desk_refresh(&desk);
    done = done && outbox_each_application(desk.outbox, print_application, &desk, &error);
    exit_code = done ? 0 : command_fail(error);
  }
  desk_close(&desk);
  return exit_code;
}

/* --- apply --- */

struct applying {
  struct desk desk;
  char *class, *name, *industry, *parent, *from, *text, *by;
  int timeout; /* GOption's */
  int64_t batch;
  int exit_code;
};

static const char *or_empty(const char *text)
{
  return text ? text : "";
}

static bool is_code_or_empty(const char *text)
{
  return !text || !*text || desk_text_fits(text, LIMIT_CODE_BYTES);
}

static bool check_words(struct applying *applying, const char *unit, GError **error)
{
  day_number day;
  if (!desk_check_answerable(&applying->desk, applying->timeout, &applying->by,
                             _("name with --by the person who answers for the application"), error))
    return false;
  if (!desk_text_fits(unit, LIMIT_CODE_BYTES) || !desk_text_fits(applying->class, LIMIT_CODE_BYTES))
    return desk_misused(error, _("give the unit's code, and its class with --class"));
  if (!desk_text_fits(applying->name, LIMIT_NAME_BYTES))
    return desk_misused(error, _("give the unit's name with --name"));
  if (!desk_text_fits(applying->text, LIMIT_ANSWER_BYTES))
    return desk_misused(error, _("say why with --text: one line of at most 600 characters"));
  if (!is_code_or_empty(applying->industry) || !is_code_or_empty(applying->parent))
    return desk_misused(error, _("--industry and --parent are codes"));
  if (applying->from && !day_parse(applying->from, &day))
    return desk_misused(error, _("--from is no day; write it as 2018-05-01"));
  return true;
}

static bool make_application(struct applying *applying, const char *unit, GError **error)
{
  struct park_act act = {.kind = PARK_APPLIES,
                         .application = {unit, applying->class, applying->name, or_empty(applying->industry),
                                         or_empty(applying->parent), or_empty(applying->from), applying->text,
                                         applying->by}};
  return desk_make_act(&applying->desk, _("application"), &act, unit, &applying->batch, error);
}

static bool report(struct applying *applying, const char *unit, GError **error)
{
  enum desk_outcome outcome;
  if (!desk_outcome(&applying->desk, applying->batch, &outcome, error)) return false;
  if (outcome == DESK_ARRIVED)
    printf(_("The city has the application for %s. The unit's reports can be sent now; they wait, and count "
             "once it is registered.\n"),
           unit);
  else if (outcome == DESK_WAITING)
    printf(_("The application for %s waits in the outbox to be sent.\n"), unit);
  applying->exit_code = desk_exit_code(outcome);
  return true;
}

static bool apply(struct applying *applying, char *unit, GError **error)
{
  struct desk *desk = &applying->desk;
  text_fold(unit);
  if (!desk_open(desk, error) || !check_words(applying, unit, error)) return false;
  delivery_init(&desk->delivery, desk->home, desk->outbox);
  return make_application(applying, unit, error) &&
         delivery_finish(&desk->delivery, applying->timeout, error) && report(applying, unit, error);
}

int command_apply(int argc, char **argv)
{
  struct applying of = {.timeout = DESK_WAIT_SECONDS};
  const GOptionEntry entries[] = {
      {"class", 0, 0, G_OPTION_ARG_STRING, &of.class, N_("its class, as in the catalogue"), N_("C")},
      {"name", 0, 0, G_OPTION_ARG_STRING, &of.name, N_("its name"), N_("NAME")},
      {"industry", 0, 0, G_OPTION_ARG_STRING, &of.industry, N_("its industry"), N_("CODE")},
      {"parent", 0, 0, G_OPTION_ARG_STRING, &of.parent, N_("the legal entity that it is part of"),
       N_("UNIT")},
      {"from", 0, 0, G_OPTION_ARG_STRING, &of.from, N_("from when; since ever by default"), N_("DAY")},
      {"text", 0, 0, G_OPTION_ARG_STRING, &of.text, N_("why it is to be registered"), N_("WHY")},
      {"by", 0, 0, G_OPTION_ARG_STRING, &of.by, N_("who answers for the application"), N_("NAME")},
      {"timeout", 0, 0, G_OPTION_ARG_INT, &of.timeout, N_("how long to wait (default 120)"), N_("SECONDS")},
      {"data", 0, 0, G_OPTION_ARG_FILENAME, &of.desk.data, N_("the agent's folder"), N_("DIR")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  if (command_options(NULL, entries, 1, 1, &argc, &argv, &exit_code)) {
    g_autoptr(GError) error = NULL;
    exit_code = apply(&of, argv[1], &error) ? of.exit_code : command_fail(error);
  }
  desk_close(&of.desk);
  char *const words[] = {of.class, of.name, of.industry, of.parent, of.from, of.text, of.by};
  for (size_t i = 0; i < G_N_ELEMENTS(words); i++) g_free(words[i]);
  return exit_code;
}

/* park-aggregator period open|close|reopen: until when reports are taken. Each is a leaf, with who and why.
 */
#include "aggregator/office.h"
#include "aggregator/periods.h"
#include "aggregator/pick.h"
#include "common/calendar.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"

#include <string.h>

/* What is asked for, as words. */
struct asked {
  char *form, *period, *area, *reason;
};

static void asked_clear(struct asked *asked)
{
  g_free(asked->form);
  g_free(asked->period);
  g_free(asked->area);
  g_free(asked->reason);
}

/* What the writer does not look at, since the clock decides it. */
static bool check_clock(const struct catalogue *catalogue, enum period_action action,
                        const struct asked *asked, struct period period, GError **error)
{
  bool begun = calendar_has_begun(catalogue, period, clock_wall().ms);
  if (action == PERIOD_TO_OPEN && begun)
    g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE,
                _("%s has begun, so it opened by itself; “period reopen” opens one that was closed"),
                asked->period);
  else if (action == PERIOD_TO_CLOSE && !begun)
    g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE, _("%s has not begun, so nobody can report for it yet"),
                asked->period);
  else
    return true;
  return false;
}

static void say_done(struct control_request *request, const struct catalogue *catalogue,
                     enum period_action action, const struct act *act, int area)
{
  const char *form = text_label(&catalogue->forms[catalogue_form(catalogue, act->period.form)].name);
  const char *whose = area == CATALOGUE_NONE ? _("all areas") : text_label(&catalogue->areas[area].name);
  switch (action) {
  case PERIOD_TO_OPEN:
    control_out(request->output, _("%s of %s takes reports already now (%s).\n"), act->period.period, form,
                whose);
    break;
  case PERIOD_TO_CLOSE:
    control_out(request->output, _("%s of %s is closed (%s); what was reported stays counted.\n"),
                act->period.period, form, whose);
    break;
  case PERIOD_TO_REOPEN:
    control_out(request->output, _("%s of %s takes reports again (%s).\n"), act->period.period, form, whose);
    break;
  }
}

static int run(struct office *office, struct control_request *request, enum period_action action,
               const struct asked *asked)
{
  CLEANUP(snapshot_unref) struct snapshot *snapshot = office_snapshot(office);
  const struct catalogue *catalogue = snapshot->catalogue;
  char text[PERIOD_TEXT_SIZE];
  struct period period;
  GError *error = NULL;
  int form, area = CATALOGUE_NONE;
  if (!office_read_period(request, asked->period, &period)) return ERROR_USAGE;
  if (!pick_one(catalogue, PICK_FORMS, asked->form, &form, &error) ||
      (asked->area && !pick_one(catalogue, PICK_AREAS, asked->area, &area, &error)))
    return office_fail(request, error);
  struct act act = {.kind = LEAF_PERIOD,
                    .by = request->user,
                    .reason = asked->reason,
                    .period = {.action = action,
                               .form = catalogue->forms[form].code,
                               .period = period_format(period, text),
                               .area = asked->area ? asked->area : ""}};
  if (!check_clock(catalogue, action, asked, period, &error) ||
      !writer_act(office->writer, &act, NULL, &error))
    return office_fail(request, error);
  say_done(request, catalogue, action, &act, area);
  return 0;
}

static bool is_blank(const char *text)
{
  return !text || text[strspn(text, " \t")] == '\0';
}

static int carry_out(struct office *office, struct control_request *request, enum period_action action,
                     int argc, char **argv)
{
  struct asked asked = {0};
  const GOptionEntry entries[] = {
      {"form", 0, 0, G_OPTION_ARG_STRING, &asked.form, N_("of this form"), N_("F")},
      {"period", 0, 0, G_OPTION_ARG_STRING, &asked.period, N_("2018-05, 2018-Q2, 2018 or 2018-01/P2M"),
       N_("P")},
      {"area", 0, 0, G_OPTION_ARG_STRING, &asked.area, N_("of one park alone; of all by default"), N_("A")},
      {"reason", 0, 0, G_OPTION_ARG_STRING, &asked.reason, N_("why; kept in the ledger"), N_("R")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  if (!office_options(request, entries, 0, 0, &argc, &argv, &exit_code))
    ;
  else if (!asked.form || !asked.period)
    exit_code = office_misused(request, _("which period? Name it with --form F --period P"));
  else if (action != PERIOD_TO_CLOSE && is_blank(asked.reason))
    exit_code = office_misused(request, _("why? Say it with --reason R; the ledger keeps it"));
  else
    exit_code = run(office, request, action, &asked);
  asked_clear(&asked);
  return exit_code;
}

int office_period_open(struct office *office, struct control_request *request, int argc, char **argv)
{
  return carry_out(office, request, PERIOD_TO_OPEN, argc, argv);
}

int office_period_close(struct office *office, struct control_request *request, int argc, char **argv)
{
  return carry_out(office, request, PERIOD_TO_CLOSE, argc, argv);
}

int office_period_reopen(struct office *office, struct control_request *request, int argc, char **argv)
{
  return carry_out(office, request, PERIOD_TO_REOPEN, argc, argv);
}

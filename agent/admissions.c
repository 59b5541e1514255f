/* park-agent admissions, admit: agents that the city enrolled for this area, and letting one in that waits.
 */
#include "agent/about.h"
#include "agent/answer.h"
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

/* --- admissions --- */

static const struct {
  const char *code, *name;
} STATES[] = {
    [AGENT_IS_IN_FORCE] = {"in_force", N_("in force")},
    [AGENT_IS_WAITING] = {"waiting", N_("waits for admission")},
    [AGENT_IS_REVOKED] = {"revoked", N_("is revoked")},
};

struct listing {
  struct desk *desk;
  bool all;
  size_t waiting;
};

/* How it came in; "" where nothing is to be said. Newly allocated. */
static char *describe_entry(const struct agent_item *agent)
{
  if (agent->entry == ENTRY_IS_SUCCESSION)
    return g_strdup(_("admitted by nobody: the agents before it were revoked"));
  if (!agent->admitted_by[0]) return g_strdup("");
  return g_strdup_printf(_("admitted by %s, %s%s%s"), agent->admitted_by, agent->approved_by,
                         agent->reason[0] ? C_("punctuation", ": ") : "", agent->reason);
}

static void print_json(const struct agent_item *agent, const char *area)
{
  g_autofree char *enrolled = clock_format((struct wall_time){agent->enrolled_at_ms});
  g_autofree char *key = about_fingerprint(agent->key_id.data);
  json_t *forms = json_array();
  for (size_t i = 0; i < agent->form_count; i++) json_array_append_new(forms, json_string(agent->forms[i]));
  json_t *object = json_pack(
      "{s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "agent", agent->agent, "area", area, "role",
      agent->role == AGENT_OF_BUREAU ? "bureau" : "park", "forms", forms, "enrolled", enrolled, "key", key,
      "state", STATES[agent->state].code, "admitted_by", agent->admitted_by, "approved_by",
      agent->approved_by, "reason", agent->reason, "succeeds_revoked", agent->entry == ENTRY_IS_SUCCESSION);
  json_dumpf(object, stdout, JSON_COMPACT);
  json_decref(object);
  putchar('\n');
}

static void print_text(const struct agent_item *agent, const char *area)
{
  g_autofree char *enrolled = clock_format((struct wall_time){agent->enrolled_at_ms});
  g_autofree char *key = about_fingerprint(agent->key_id.data);
  g_autofree char *entry = describe_entry(agent);
  printf("%s  %s", agent->agent, area);
  for (size_t i = 0; i < agent->form_count; i++) printf("%s %s", i > 0 ? "," : " ", agent->forms[i]);
  if (agent->form_count == 0) printf("  %s", _("all of its role"));
  printf(_("  enrolled %s, key %s: %s"), enrolled, key, _(STATES[agent->state].name));
  printf("%s%s\n", *entry ? C_("punctuation", ", ") : "", entry);
}

static bool list(const struct agent_item *agent, void *data)
{
  struct listing *listing = data;
  const struct certificate *own = listing->desk->home->certificate;
  if (agent->state == AGENT_IS_WAITING)
    listing->waiting++;
  else if (!listing->all)
    return true;
  if (listing->desk->json)
    print_json(agent, own->area);
  else
    print_text(agent, own->area);
  return true;
}

static bool list_all(struct desk *desk, bool all, GError **error)
{
  struct listing listing = {.desk = desk, .all = all};
  if (!desk_open(desk, error)) return false;
  desk_refresh(desk);
  if (!outbox_each_agent(desk->outbox, list, &listing, error)) return false;
  if (desk->json) return true;
  if (listing.waiting > 0)
    printf(_("Ask who uses such a computer for its key (park-agent status) before you let it in: park-agent "
             "admit AGENT --approved-by NAME\n"));
  else
    printf(_("No agent waits for this park's admission.\n"));
  return true;
}

int command_admissions(int argc, char **argv)
{
  struct desk desk = {0};
  gboolean all = FALSE;
  const GOptionEntry entries[] = {
      {"all", 0, 0, G_OPTION_ARG_NONE, &all, N_("every agent that was ever enrolled for this area"), NULL},
      {"data", 0, 0, G_OPTION_ARG_FILENAME, &desk.data, N_("the agent's folder"), N_("DIR")},
      {"format", 0, 0, G_OPTION_ARG_STRING, &desk.format, N_("text (default) or json"), N_("FORMAT")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  if (command_options(NULL, entries, 0, 0, &argc, &argv, &exit_code)) {
    g_autoptr(GError) error = NULL;
    exit_code = list_all(&desk, all, &error) ? 0 : command_fail(error);
  }
  desk_close(&desk);
  return exit_code;
}

/* --- admit --- */

struct admitting {
  struct desk desk;
  char *reason, *by;
  int timeout; /* GOption's */
  const char *agent;
  bool waits; /* as found on the list */
  uint8_t key_id[SEAL_HASH_SIZE];
  int64_t batch;
  int exit_code;
};

static bool check_words(struct admitting *admitting, GError **error)
{
  if (!desk_check_answerable(&admitting->desk, admitting->timeout, &admitting->by,
                             _("name with --approved-by the person who answers for the admission"), error))
    return false;
  if (admitting->reason && *admitting->reason && !desk_text_fits(admitting->reason, LIMIT_NAME_BYTES))
    return desk_misused(error, _("--reason is one line of at most 170 characters"));
  return true;
}

static bool match(const struct agent_item *agent, void *data)
{
  struct admitting *admitting = data;
  if (strcmp(agent->agent, admitting->agent) != 0) return true;
  admitting->waits = agent->state == AGENT_IS_WAITING;
  memcpy(admitting->key_id, agent->key_id.data, sizeof admitting->key_id);
  return false;
}

/* On the list, whose key is what is admitted. */
static bool find_agent(struct admitting *admitting, GError **error)
{
  struct desk *desk = &admitting->desk;
  if (outbox_agent_waits(desk->outbox, desk->home->certificate->agent)) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_PERMISSION, _("%s; it can admit nobody [%s]"),
                finding_text(FINDING_ADMISSION_WAITING), finding_id(FINDING_ADMISSION_WAITING));
    return false;
  }
  if (!outbox_each_agent(desk->outbox, match, admitting, error)) return false;
  if (admitting->waits) return true;
  g_set_error(
      error, PARKTALLY_ERROR, ERROR_DATA,
      desk->delivery.link || desk->delivery.cut_off
          ? _("no agent “%s” waits for this park's admission; “park-agent admissions” lists those that do")
          : _("no agent “%s” waits for this park's admission, as far as the service of this computer "
              "knows; it asks the city every half a minute"),
      admitting->agent);
  return false;
}

static bool make_admission(struct admitting *admitting, GError **error)
{
  struct park_act act = {.kind = PARK_ADMITS,
                         .admission = {admitting->agent,
                                       {admitting->key_id, sizeof admitting->key_id},
                                       admitting->reason ? admitting->reason : "",
                                       admitting->by}};
  return desk_make_act(&admitting->desk, _("admission"), &act, "", &admitting->batch, error);
}

static bool report(struct admitting *admitting, GError **error)
{
  enum desk_outcome outcome;
  if (!desk_outcome(&admitting->desk, admitting->batch, &outcome, error)) return false;
  if (outcome == DESK_ARRIVED)
    printf(_("%s is admitted: what it sends counts from now on.\n"), admitting->agent);
  else if (outcome == DESK_WAITING)
    printf(_("The admission of %s waits in the outbox to be sent.\n"), admitting->agent);
  admitting->exit_code = desk_exit_code(outcome);
  return true;
}

static bool admit(struct admitting *admitting, GError **error)
{
  struct desk *desk = &admitting->desk;
  if (!desk_open(desk, error) || !check_words(admitting, error)) return false;
  desk_refresh(desk);
  return find_agent(admitting, error) && make_admission(admitting, error) &&
         delivery_finish(&desk->delivery, admitting->timeout, error) && report(admitting, error);
}

int command_admit(int argc, char **argv)
{
  struct admitting admitting = {.timeout = DESK_WAIT_SECONDS};
  const GOptionEntry entries[] = {
      {"approved-by", 0, 0, G_OPTION_ARG_STRING, &admitting.by, N_("who answers for the admission"),
       N_("NAME")},
      {"reason", 0, 0, G_OPTION_ARG_STRING, &admitting.reason, N_("why; kept in the ledger"), N_("R")},
      {"timeout", 0, 0, G_OPTION_ARG_INT, &admitting.timeout, N_("how long to wait (default 120)"),
       N_("SECONDS")},
      {"data", 0, 0, G_OPTION_ARG_FILENAME, &admitting.desk.data, N_("the agent's folder"), N_("DIR")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  if (command_options(NULL, entries, 1, 1, &argc, &argv, &exit_code)) {
    g_autoptr(GError) error = NULL;
    admitting.agent = text_fold(argv[1]);
    exit_code = admit(&admitting, &error) ? admitting.exit_code : command_fail(error);
  }
  desk_close(&admitting.desk);
  g_free(admitting.reason);
  g_free(admitting.by);
  return exit_code;
}

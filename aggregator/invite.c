/* park-aggregator invite: one string with which one agent may enrol, once. Only the secret's hash is kept. */
#include "aggregator/office.h"
#include "aggregator/pick.h"
#include "aggregator/rights.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/limits.h"
#include "common/text.h"

#include <string.h>

#define SECRET_SIZE 32

/* --- for how long --- */

/* "48h", "7d", "30m". False unless it is more than nothing and at most LIMIT_INVITATION_MOST_MS. */
static bool read_duration(const char *text, int64_t *ret_ms)
{
  static const struct {
    char unit;
    int64_t ms;
  } units[] = {{'m', 60 * 1000}, {'h', 3600 * 1000}, {'d', 24 * 3600 * 1000}};
  size_t length = strlen(text);
  if (length < 2) return false;
  for (size_t n = 0; n < G_N_ELEMENTS(units); n++) {
    if (text[length - 1] != units[n].unit) continue;
    g_autofree char *digits = g_strndup(text, length - 1);
    guint64 count;
    guint64 most = (guint64)(LIMIT_INVITATION_MOST_MS / units[n].ms);
    if (!g_ascii_string_to_unsigned(digits, 10, 1, most, &count, NULL)) return false;
    *ret_ms = (int64_t)count * units[n].ms;
    return true;
  }
  return false;
}

/* --- to where --- */

/* "tcp://HOST:PORT" in parts; folder_config() has checked the shape. */
static char *host_of(const char *endpoint)
{
  const char *host = endpoint + strlen("tcp://");
  return g_strndup(host, (gsize)(strrchr(endpoint, ':') - host));
}

static bool is_any_host(const char *host)
{
  return !strcmp(host, "*") || !strcmp(host, "0.0.0.0") || !strcmp(host, "[::]");
}

/* By which address agents reach us: as announced; else the host that is announced for the other port; else
 * where we listen, with this machine's name where that is every address. */
static char *public_endpoint(const char *announced, const char *other_announced, const char *listen,
                             bool *ret_guessed, GError **error)
{
  if (announced) return g_strdup(announced);
  const char *port = strrchr(listen, ':') + 1;
  if (!strcmp(port, "*")) {
    g_set_error(
        error, PARKTALLY_ERROR, ERROR_CONFIG,
        _("the server listens on any free port (%s), which no invitation can name; configure a port, or "
          "“announce” and “announce_enrol”"),
        listen);
    return NULL;
  }
  g_autofree char *host = host_of(other_announced ? other_announced : listen);
  if (!is_any_host(host)) return g_strdup_printf("tcp://%s:%s", host, port);
  *ret_guessed = true;
  return g_strdup_printf("tcp://%s:%s", g_get_host_name(), port);
}

/* Sets both; false and error if there is no telling. */
static bool find_endpoints(const struct aggregator_config *config, struct control_request *request,
                           char **ret_endpoint, char **ret_enrol_endpoint, GError **error)
{
  bool guessed = false;
  g_autofree char *endpoint =
      public_endpoint(config->announce, config->announce_enrol, config->listen, &guessed, error);
  if (!endpoint) return false;
  char *enrol_endpoint =
      public_endpoint(config->announce_enrol, config->announce, config->enrol, &guessed, error);
  if (!enrol_endpoint) return false;
  if (guessed)
    control_err(request->output,
                _("park-aggregator: warning: the invitation names %s and %s, by this machine's own name; if "
                  "parks do not "
                  "reach it there, set “announce” in aggregator.yaml and invite again\n"),
                endpoint, enrol_endpoint);
  *ret_endpoint = g_steal_pointer(&endpoint);
  *ret_enrol_endpoint = enrol_endpoint;
  return true;
}

/* --- for whom --- */

struct guest {
  const char *area;
  enum agent_role role;
  GStrv forms;
};

static bool check_area(const struct catalogue *catalogue, char *code, GError **error)
{
  g_autoptr(GArray) areas = pick_items(catalogue, PICK_AREAS, (char *[]){code, NULL}, error);
  if (!areas) return false;
  const struct area *area = &catalogue->areas[g_array_index(areas, int, 0)];
  if (area->reports) return true;
  g_set_error(
      error, PARKTALLY_ERROR, ERROR_USAGE,
      _("%s (%s) has no units of its own, it only sums up; choose a park or another area that reports"), code,
      text_label(&area->name));
  return false;
}

static bool check_forms(const struct catalogue *catalogue, const struct guest *guest, GError **error)
{
  bool bureau = guest->role == AGENT_OF_BUREAU;
  g_autoptr(GArray) forms = pick_items(catalogue, PICK_FORMS, guest->forms, error);
  if (!forms) return false;
  if (bureau && forms->len == 0) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE,
                _("a bureau has rights to single forms; name them with --forms F,…"));
    return false;
  }
  if (forms->len > LIMIT_AGENT_FORMS) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE, _("an agent is invited to at most %d forms by name"),
                LIMIT_AGENT_FORMS);
    return false;
  }
  for (unsigned n = 0; n < forms->len; n++) {
    const struct form *form = &catalogue->forms[g_array_index(forms, int, n)];
    if ((form->role == ROLE_OF_BUREAU) == bureau) continue;
    g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE,
                bureau ? _("%s (%s) is filled in by parks, not by a bureau")
                       : _("%s (%s) is filled in by a bureau; invite one with --role bureau"),
                form->code, text_label(&form->name));
    return false;
  }
  return true;
}

/* What the agent would find now. */
static void tell_entry(struct control_request *request, const struct snapshot *snapshot,
                       const struct guest *guest)
{
  const struct stored_agent agent = {.area = (char *)guest->area, .role = guest->role, .forms = guest->forms};
  switch (rights_entry(snapshot, &agent)) {
  case ENTRY_IS_FIRST:
    break;
  case ENTRY_IS_WAITING:
    control_err(
        request->output,
        _("park-aggregator: note: %s has an agent already; the new one reports nothing until that one "
          "admits it (park-agent admit)\n"),
        guest->area);
    break;
  case ENTRY_IS_SUCCESSION:
    control_err(request->output,
                _("park-aggregator: note: the agents of %s were revoked; the new one takes their place, and "
                  "the ledger says that nobody admitted it\n"),
                guest->area);
    break;
  }
}

/* --- the command --- */

static int invite(struct office *office, struct control_request *request, const struct guest *guest,
                  int64_t valid_ms, const char *reason)
{
  GError *error = NULL;
  g_autofree char *endpoint = NULL, *enrol_endpoint = NULL;
  if (!find_endpoints(office->config, request, &endpoint, &enrol_endpoint, &error))
    return office_fail(request, error);

  uint8_t secret[SECRET_SIZE];
  seal_random(secret, sizeof secret);
  struct act act = {.kind = LEAF_INVITATION, .by = request->user, .reason = reason ? reason : ""};
  seal_hash(secret, sizeof secret, act.invitation.secret_hash);
  act.invitation.area = guest->area;
  act.invitation.role = guest->role;
  act.invitation.forms = (const char *const *)guest->forms;
  act.invitation.form_count = g_strv_length(guest->forms);
  act.invitation.expires_ms = clock_wall().ms + valid_ms;
  if (!writer_act(office->writer, &act, NULL, &error)) return office_fail(request, error);

  struct invitation invitation = {.endpoint = endpoint,
                                  .enrol_endpoint = enrol_endpoint,
                                  .curve_key = {identity_curve_public(office->identity), CURVE_KEY_SIZE},
                                  .sign_key = {identity_sign_public(office->identity), SEAL_PUBLIC_KEY_SIZE},
                                  .secret = {secret, sizeof secret},
                                  .expires_at_ms = act.invitation.expires_ms};
  g_autofree char *text = invitation_encode(&invitation);
  control_out(request->output, "%s\n", text);
  explicit_bzero(secret, sizeof secret);
  explicit_bzero(text, strlen(text));
  return 0;
}

int office_invite(struct office *office, struct control_request *request, int argc, char **argv)
{
  g_autofree char *area = NULL, *role = NULL, *valid = NULL, *reason = NULL;
  g_auto(GStrv) given = NULL;
  const GOptionEntry entries[] = {
      {"area", 0, 0, G_OPTION_ARG_STRING, &area, N_("whose units the agent reports"), N_("CODE")},
      {"role", 0, 0, G_OPTION_ARG_STRING, &role, N_("park (default) or bureau"), N_("ROLE")},
      {"forms", 0, 0, G_OPTION_ARG_STRING_ARRAY, &given, N_("only these forms; a bureau needs them"),
       N_("F,…")},
      {"valid", 0, 0, G_OPTION_ARG_STRING, &valid, N_("for how long: 30m, 48h (default), 7d"), N_("TIME")},
      {"reason", 0, 0, G_OPTION_ARG_STRING, &reason, N_("why; kept in the ledger"), N_("R")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  if (!office_options(request, entries, 0, 0, &argc, &argv, &exit_code)) return exit_code;
  if (!area) return office_misused(request, _("whose agent is invited? Name the area with --area CODE"));
  if (role && strcmp(role, "park") != 0 && strcmp(role, "bureau") != 0)
    return office_misused(request, _("“%s” is no role; choose park or bureau"), role);
  int64_t valid_ms = LIMIT_INVITATION_MS;
  if (valid && !read_duration(valid, &valid_ms))
    return office_misused(request, _("“%s” is no time; write 30m, 48h or 7d, at most %dd"), valid,
                          (int)(LIMIT_INVITATION_MOST_MS / (24 * 3600 * 1000)));

  g_auto(GStrv) forms = pick_words(given);
  struct guest guest = {.area = area,
                        .role = role && !strcmp(role, "bureau") ? AGENT_OF_BUREAU : AGENT_OF_PARK,
                        .forms = forms};
  CLEANUP(snapshot_unref) struct snapshot *snapshot = office_snapshot(office);
  GError *error = NULL;
  if (!check_area(snapshot->catalogue, area, &error) || !check_forms(snapshot->catalogue, &guest, &error))
    return office_fail(request, error);
  tell_entry(request, snapshot, &guest);
  return invite(office, request, &guest, valid_ms, reason);
}

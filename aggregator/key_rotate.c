/* park-aggregator key rotate, key retire: new keys for the city's server. The present ones sign who comes
 * after them, and nothing more; agents that come under them are told, and go on with the new ones. */
#include "aggregator/keys.h"
#include "aggregator/office.h"
#include "common/error.h"
#include "common/limits.h"
#include "common/text.h"

#include <string.h>

/* The options of both. False, and the exit code, where there is nothing to do. */
static bool read_words(struct control_request *request, int argc, char **argv, char **ret_reason,
                       int *ret_exit)
{
  const GOptionEntry entries[] = {
      {"reason", 0, 0, G_OPTION_ARG_STRING, ret_reason, N_("why; kept in the ledger"), N_("R")},
      G_OPTION_ENTRY_NULL,
  };

  if (!office_options(request, entries, 0, 0, &argc, &argv, ret_exit)) return false;
  if (!*ret_reason) *ret_reason = g_strdup("");
  if (strlen(*ret_reason) <= LIMIT_KEY_REASON && text_is_clean(*ret_reason, strlen(*ret_reason))) return true;
  *ret_exit = office_misused(request, "%s", _("--reason is one line of at most 40 characters"));
  return false;
}

static void begin_anew(struct office *office, struct control_request *request, bool changes_keys,
                       const char *reason)
{
  const struct server_renewal renewal = {changes_keys, request->user, reason};

  office->begin_anew(&renewal, office->begin_anew_data);
}

static int rotate(struct office *office, struct control_request *request, const char *reason)
{
  GError *error = NULL;

  if (office->begin_anew)
    begin_anew(office, request, true, reason);
  else if (!keys_change(office->config->data, request->user, reason, &error))
    return office_fail(request, error);
  control_out(request->output, "%s",
              office->begin_anew
                  ? _("The server starts anew with new keys; agents notice a moment's silence.\n")
                  : _("There are new keys, which the server has from its next start on.\n"));
  control_out(request->output, "%s",
              _("Agents that come are told of them by themselves. Invitations that were given before are "
                "void. Make a new “key backup” now: the one from before can restore nothing that comes after "
                "this. “park-aggregator ledger head” shows which key signs.\n"));
  return 0;
}

int office_key_rotate(struct office *office, struct control_request *request, int argc, char **argv)
{
  g_autofree char *reason = NULL;
  int exit_code;

  return read_words(request, argc, argv, &reason, &exit_code) ? rotate(office, request, reason) : exit_code;
}

static int retire(struct office *office, struct control_request *request, const char *reason)
{
  GError *error = NULL;

  if (!keys_retire(office->config->data, &error) ||
      !writer_note(office->writer, request->user, reason, "key retire", "", &error))
    return office_fail(request, error);
  if (office->begin_anew) begin_anew(office, request, false, reason);
  control_out(request->output, "%s",
              _("Agents that have not come since the keys were changed cannot come any more; they need a new "
                "invitation.\n"));
  return 0;
}

int office_key_retire(struct office *office, struct control_request *request, int argc, char **argv)
{
  g_autofree char *reason = NULL;
  int exit_code;

  return read_words(request, argc, argv, &reason, &exit_code) ? retire(office, request, reason) : exit_code;
}

/* park-aggregator reload: configuration and catalogue are read again, as SIGHUP does, but with who and why.
 */
#include "aggregator/office.h"
#include "common/error.h"
#include "common/text.h"

static int run(struct office *office, struct control_request *request, const char *reason)
{
  GError *error = NULL;

  if (!office->reload)
    return office_fail(
        request,
        g_error_new_literal(PARKTALLY_ERROR, ERROR_UNAVAILABLE,
                            _("no server runs; it reads configuration and catalogue when it starts")));
  if (!office->reload(request->user, reason ? reason : "", office->reload_data, &error)) {
    g_prefix_error(&error, "%s", _("the old catalogue and configuration stay in force:\n"));
    return office_fail(request, error);
  }
  control_out(request->output, "%s", _("Configuration and catalogue were read again.\n"));
  return 0;
}

int office_reload(struct office *office, struct control_request *request, int argc, char **argv)
{
  g_autofree char *reason = NULL;
  const GOptionEntry entries[] = {
      {"reason", 0, 0, G_OPTION_ARG_STRING, &reason, N_("why; kept in the ledger"), N_("R")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;

  if (!office_options(request, entries, 0, 0, &argc, &argv, &exit_code)) return exit_code;
  return run(office, request, reason);
}

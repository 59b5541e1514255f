/* park-aggregator revoke: the agent's next message is refused. */
#include "aggregator/office.h"
#include "common/text.h"

int office_revoke(struct office *office, struct control_request *request, int argc, char **argv)
{
  g_autofree char *reason = NULL;
  const GOptionEntry entries[] = {
      {"reason", 0, 0, G_OPTION_ARG_STRING, &reason, N_("why; kept in the ledger"), N_("R")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  if (!office_options(request, entries, 1, 1, &argc, &argv, &exit_code)) return exit_code;

  struct act act = {
      .kind = LEAF_REVOCATION, .by = request->user, .reason = reason ? reason : "", .agent = argv[1]};
  CLEANUP(snapshot_unref) struct snapshot *snapshot = office_snapshot(office);
  bool known = snapshot_agent(snapshot, argv[1]) != NULL;
  if (!known && snapshot->epoch == 0)
    return office_misused(request, _("there is no agent “%s”: “park-aggregator agents” lists them"), argv[1]);
  GError *error = NULL;
  if (!writer_act(office->writer, &act, NULL, &error)) return office_fail(request, error);
  control_out(request->output,
              known ? _("Agent %s is revoked; what it sent before stays counted.\n")
                    : _("The backup knew no agent %s; should one of this name come back, it is refused.\n"),
              argv[1]);
  return 0;
}

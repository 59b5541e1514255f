/* park-aggregator resume: figures are taken again after a restore, once somebody has looked after the
 * revocations that the backup did not know. */
#include "aggregator/moment.h"
#include "aggregator/office.h"
#include "aggregator/store/epochs.h"
#include "common/error.h"
#include "common/text.h"

#include <inttypes.h>

/* Since when the backup knows nothing: the recorded time of its last leaf. */
static char *backup_time(struct office *office, const struct snapshot *snapshot, GError **error)
{
  g_autoptr(GArray) epochs = NULL;
  int64_t recorded_ms = 0;

  store_begin(office->reader);
  epochs = store_epochs(office->reader);
  if (epochs->len > 0)
    recorded_ms = store_leaf_recorded(
        office->reader, g_array_index(epochs, struct stored_epoch, epochs->len - 1).position - 1);
  if (!store_commit(office->reader, error)) return NULL;
  return moment_format(snapshot->catalogue, recorded_ms);
}

static int ask(struct office *office, struct control_request *request, const struct snapshot *snapshot)
{
  GError *error = NULL;
  g_autofree char *since = backup_time(office, snapshot, &error);

  if (!since) return office_fail(request, error);
  control_err(
      request->output,
      _("park-aggregator: the backup ends at %s. Agents that were revoked after that are in force again: "
        "look "
        "in your own records, and give “park-aggregator revoke AGENT” for each of them, also for one that "
        "“park-aggregator agents” does not know. What else operators did since is not in it either: register "
        "imports, reloads of the catalogue, closed periods. Do it again first; figures of units that the "
        "register does not have would be refused. Then: park-aggregator resume --revocations-checked\n"),
      since);
  return ERROR_USAGE;
}

static int run(struct office *office, struct control_request *request, bool checked, const char *reason)
{
  CLEANUP(snapshot_unref) struct snapshot *snapshot = office_snapshot(office);
  struct leaf leaf = {.kind = LEAF_RESUME,
                      .by = request->user,
                      .reason = reason ? reason : "",
                      .resume.epoch = snapshot->epoch};
  struct act act = {.kind = LEAF_RESUME, .leaf = &leaf};
  GError *error = NULL;

  if (snapshot->paused && !checked) return ask(office, request, snapshot);
  if (!writer_act(office->writer, &act, NULL, &error)) return office_fail(request, error);
  control_out(
      request->output,
      _("Figures are taken again. Agents send what the backup did not have by themselves; open invitations "
        "from before are void.\n"));
  return 0;
}

int office_resume(struct office *office, struct control_request *request, int argc, char **argv)
{
  g_autofree char *reason = NULL;
  gboolean checked = FALSE;
  const GOptionEntry entries[] = {
      {"revocations-checked", 0, 0, G_OPTION_ARG_NONE, &checked,
       N_("whoever was revoked after the backup is revoked again"), NULL},
      {"reason", 0, 0, G_OPTION_ARG_STRING, &reason, N_("why; kept in the ledger"), N_("R")},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;

  if (!office_options(request, entries, 0, 0, &argc, &argv, &exit_code)) return exit_code;
  return run(office, request, checked, reason);
}

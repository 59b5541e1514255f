/* park-aggregator revoke: the agent's next message is refused. What it sent before stays counted, as the
 * ledger proves when that was; what came since its keys may have been in strange hands is listed, to be asked
 * about. */
#include "aggregator/moment.h"
#include "aggregator/office.h"
#include "common/error.h"
#include "common/submission.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

/* --- what came since --- */

struct doubtful {
  struct office *office;
  struct control_request *request;
  const struct catalogue *catalogue;
  uint64_t count;
};

static void print_submission(struct doubtful *doubtful, uint64_t position, const struct leaf *leaf)
{
  const struct bytes_view *sealed = &leaf->submission.sealed;
  CLEANUP(submission_free) struct submission *submission = NULL;
  g_autofree char *at = moment_format(doubtful->catalogue, leaf->recorded_at_ms);
  const uint8_t *payload;
  size_t length;

  if (leaf->kind == LEAF_SUBMISSION &&
      seal_peek(sealed->data, sealed->length, SEAL_SUBMISSION, &payload, &length))
    submission = submission_decode(payload, length);
  doubtful->count++;
  if (submission)
    control_out(doubtful->request->output, _("  @%" PRIu64 "  %s  number %" PRIu64 ": %s %s, %zu reports\n"),
                position, at, submission_head(submission)->sequence, submission_head(submission)->form,
                submission_head(submission)->period, submission_size(submission));
  else
    control_out(doubtful->request->output, _("  @%" PRIu64 "  %s  an act\n"), position, at);
}

static bool take(uint64_t position, void *data)
{
  struct doubtful *doubtful = data;
  g_autoptr(GBytes) bytes = store_leaf(doubtful->office->reader, position);
  size_t length = 0;
  const uint8_t *leaf_bytes = bytes ? g_bytes_get_data(bytes, &length) : NULL;
  CLEANUP(leaf_free) struct leaf *leaf = leaf_bytes ? leaf_decode(leaf_bytes, length) : NULL;

  if (leaf) print_submission(doubtful, position, leaf);
  return leaf != NULL;
}

static bool list(struct office *office, struct control_request *request, const struct catalogue *catalogue,
                 const char *agent, uint64_t leaves, GError **error)
{
  struct doubtful doubtful = {office, request, catalogue, 0};

  control_out(request->output,
              _("What it sent since then, each of which its park can be asked about (ask):\n"));
  store_begin(office->reader);
  (void)store_each_of_agent(office->reader, agent, leaves, take, &doubtful);
  if (!store_commit(office->reader, error)) return false;
  if (doubtful.count == 0) control_out(request->output, _("  nothing\n"));
  return true;
}

/* --- the command --- */

struct revocation {
  const char *agent, *since, *reason;
  struct moment moment; /* of `since` */
};

static bool read_since(struct office *office, const struct snapshot *snapshot, struct revocation *revocation,
                       GError **error)
{
  bool understood;

  if (!revocation->since) return true;
  store_begin(office->reader);
  understood =
      moment_read(office->reader, snapshot->catalogue, revocation->since, &revocation->moment, error);
  return store_commit(office->reader, understood ? error : NULL) && understood;
}

static bool carry_out(struct office *office, struct control_request *request, struct revocation *revocation,
                      GError **error)
{
  CLEANUP(snapshot_unref) struct snapshot *snapshot = office_snapshot(office);
  bool known = snapshot_agent(snapshot, revocation->agent) != NULL;
  struct leaf leaf = {.kind = LEAF_REVOCATION, .by = request->user, .reason = revocation->reason};
  struct act act = {.kind = LEAF_REVOCATION, .leaf = &leaf, .agent = revocation->agent};

  if (!known && snapshot->epoch == 0) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE,
                _("there is no agent “%s”: “park-aggregator agents” lists them"), revocation->agent);
    return false;
  }
  if (!read_since(office, snapshot, revocation, error)) return false;
  leaf.revocation.doubtful_since_ms = revocation->since ? revocation->moment.ms : 0;
  if (!writer_act(office->writer, &act, NULL, error)) return false;
  control_out(request->output,
              known ? _("Agent %s is revoked; what it sent before stays counted.\n")
                    : _("The backup knew no agent %s; should one of this name come back, it is refused.\n"),
              revocation->agent);
  return !known || !revocation->since ||
         list(office, request, snapshot->catalogue, revocation->agent, revocation->moment.leaves, error);
}

int office_revoke(struct office *office, struct control_request *request, int argc, char **argv)
{
  g_autofree char *reason = NULL, *since = NULL;
  const GOptionEntry entries[] = {
      {"since", 0, 0, G_OPTION_ARG_STRING, &since,
       N_("since when its keys may have been in strange hands: lists what came since"), N_("WHEN")},
      {"reason", 0, 0, G_OPTION_ARG_STRING, &reason, N_("why; kept in the ledger"), N_("R")},
      G_OPTION_ENTRY_NULL,
  };
  struct revocation revocation;
  GError *error = NULL;
  int exit_code;

  if (!office_options(request, entries, 1, 1, &argc, &argv, &exit_code)) return exit_code;
  revocation = (struct revocation){.agent = argv[1], .since = since, .reason = reason ? reason : ""};
  return carry_out(office, request, &revocation, &error) ? 0 : office_fail(request, error);
}

/* park-aggregator rebuild: the tables against the ledger that they come from; ledger verify: that, and the
 * ledger against itself. */
#include "aggregator/office.h"
#include "aggregator/replay.h"
#include "common/error.h"
#include "common/text.h"

#include <inttypes.h>
#include <unistd.h>

/* Differences that are listed; the rest is counted. */
#define LISTED_MOST 1000

struct rebuild {
  struct control_request *request;
  bool shows_progress;
  uint64_t listed;
};

/* Only where a person looks at it. */
static void show_progress(uint64_t done, uint64_t all, void *data)
{
  struct rebuild *rebuild = data;
  if (!rebuild->shows_progress) return;
  g_autofree char *progress = g_strdup_printf(_("%" PRIu64 " of %" PRIu64 " leaves"), done, all);
  control_err(rebuild->request->output, "\r%s", progress);
  if (done >= all) control_err(rebuild->request->output, "\n");
}

static void list_difference(const char *what, const char *stored, const char *replayed, void *data)
{
  struct rebuild *rebuild = data;
  if (rebuild->listed++ >= LISTED_MOST) return;
  control_out(rebuild->request->output, _("%s: stored %s, by the ledger %s\n"), what,
              *stored ? stored : _("nothing"), *replayed ? replayed : _("nothing"));
}

static int check(struct rebuild *rebuild, const char *folder)
{
  struct control_request *request = rebuild->request;
  GError *error = NULL;
  uint64_t differences, leaves;
  if (!replay_check(folder, list_difference, show_progress, rebuild, &differences, &leaves, &error))
    return office_fail(request, error);
  if (differences == 0) {
    control_out(request->output, _("%" PRIu64 " leaves of the ledger come to exactly the tables in force.\n"),
                leaves);
    return 0;
  }
  if (differences > LISTED_MOST)
    control_out(request->output, _("… and %" PRIu64 " more\n"), differences - LISTED_MOST);
  control_err(request->output,
              _("park-aggregator: %" PRIu64 " differences between the tables and the ledger's %" PRIu64
                " leaves; check the disk, stop the server and run “park-aggregator rebuild”\n"),
              differences, leaves);
  return ERROR_DATA;
}

static int verify(struct rebuild *rebuild, const char *folder)
{
  struct control_request *request = rebuild->request;
  struct verified verified;
  GError *error = NULL;
  uint64_t leaves;
  if (!replay_verify(folder, list_difference, show_progress, rebuild, &verified, &leaves, &error))
    return office_fail(request, error);
  if (verified.differences == 0) {
    control_out(request->output,
                _("%" PRIu64 " leaves: the tree, %" PRIu64 " seals, %" PRIu64 " receipts and %" PRIu64
                  " editions are right, and the leaves come to exactly the reports and totals in force.\n"),
                leaves, verified.seals, verified.receipts, verified.editions);
    return 0;
  }
  if (verified.differences > LISTED_MOST)
    control_out(request->output, _("… and %" PRIu64 " more\n"), verified.differences - LISTED_MOST);
  control_err(request->output,
              _("park-aggregator: %" PRIu64 " of what the ledger's %" PRIu64
                " leaves say is wrong; keep the folder as it is, check the disk, stop the server and see "
                "with “park-aggregator "
                "ledger check” what mends it; else restore the last backup\n"),
              verified.differences, leaves);
  return ERROR_DATA;
}

static int make_anew(struct rebuild *rebuild, const char *folder)
{
  GError *error = NULL;
  if (replay_rebuild(folder, show_progress, rebuild, &error)) {
    control_out(rebuild->request->output, _("The tables are made anew from the ledger.\n"));
    return 0;
  }
  if (!g_error_matches(error, PARKTALLY_ERROR, ERROR_DATA)) return office_fail(rebuild->request, error);
  control_err(rebuild->request->output, "park-aggregator: %s\n", error->message);
  g_clear_error(&error);
  g_autofree char *aside = NULL;
  if (!replay_rebuild_beside(folder, show_progress, rebuild, &aside, &error))
    return office_fail(rebuild->request, error);
  control_out(rebuild->request->output,
              _("The tables are made anew from the ledger, which is whole, in a new file; the damaged one is "
                "kept as %s.\n"),
              aside);
  return 0;
}

int office_rebuild(struct office *office, struct control_request *request, int argc, char **argv)
{
  gboolean only_check = FALSE;
  const GOptionEntry entries[] = {
      {"check", 0, 0, G_OPTION_ARG_NONE, &only_check, N_("compare only, and list every difference"), NULL},
      G_OPTION_ENTRY_NULL,
  };
  int exit_code;
  if (!office_options(request, entries, 0, 0, &argc, &argv, &exit_code)) return exit_code;

  struct rebuild rebuild = {.request = request, .shows_progress = isatty(STDERR_FILENO)};
  if (only_check) return check(&rebuild, office->config->data);
  if (office->locked) return make_anew(&rebuild, office->config->data);
  control_err(request->output,
              _("park-aggregator: the server is running and writes the tables; stop it first, or use "
                "“rebuild --check”, which works beside it\n"));
  return ERROR_UNAVAILABLE;
}

int office_ledger_verify(struct office *office, struct control_request *request, int argc, char **argv)
{
  const GOptionEntry entries[] = {G_OPTION_ENTRY_NULL};
  int exit_code;
  if (!office_options(request, entries, 0, 0, &argc, &argv, &exit_code)) return exit_code;

  struct rebuild rebuild = {.request = request, .shows_progress = isatty(STDERR_FILENO)};
  return verify(&rebuild, office->config->data);
}

/* park-agent: reads a park's files, checks them offline, and sends signed figures to the city's aggregator.
 */
#include "agent/commands.h"
#include "common/command.h"
#include "common/db.h"
#include "common/error.h"
#include "common/identity.h"
#include "common/log.h"
#include "common/text.h"

#include <unistd.h>

static const struct command commands[] = {
    {"join", N_("- [--data DIR]"), N_("enrol this park with the invitation on standard input"), command_join},
    {"check", N_("FILE… [--form F] [--period P] | --config FILE"),
     N_("check files offline and print every finding"), command_check},
    {"push", N_("FILE… [--form F] [--period P] --approved-by NAME [--wait]"),
     N_("check files and send what is good"), command_push},
    {"run", N_("[--config FILE]"), N_("the service: watch folders, send, keep receipts"), command_run},
    {"status", N_("[--data DIR]"), N_("show who we are, what waits and what was counted"), command_status},
    {"inquiries", N_("[--all] [--format text|json]"), N_("list what the city asks about the figures"),
     command_inquiries},
    {"answer", N_("NUMBER… --text EXPLANATION --by NAME"), N_("explain figures that the city asks about"),
     command_answer},
    {"apply",
     N_("UNIT --class C --name NAME --text WHY --by NAME [--from DAY] [--industry CODE] [--parent UNIT]"),
     N_("apply for the registration of a unit; its reports wait until then"), command_apply},
    {"applications", N_("[--format text|json]"), N_("list this park's applications and what became of them"),
     command_applications},
    {"admissions", N_("[--all] [--format text|json]"), N_("list agents that wait for this park's admission"),
     command_admissions},
    {"admit", N_("AGENT --approved-by NAME [--reason WHY]"),
     N_("let an agent that waits report for this park too"), command_admit},
    {"key rotate", N_("[--reason R]"), N_("replace this agent's keys by new ones, and tell the city"),
     command_key_rotate},
    {"receipts verify", N_("[--format text|json]"),
     N_("prove from what is kept here that the city's ledger has what it acknowledged"),
     command_receipts_verify},
    {"outbox check", N_("[--repair]"), N_("name every damage of the outbox; repair it, keeping what is good"),
     command_outbox_check},
    {"outbox export", N_("FILE [--all]"), N_("write what waits to be sent to a file, where no network goes"),
     command_outbox_export},
    {"outbox import", "FILE", N_("take receipts out of a file, or what was exported back"),
     command_outbox_import},
    {NULL, NULL, NULL, NULL},
};

/* What the disk holds is unknown now: nothing more is said to be durable. Whatever was sent may be sent
 * again. */
static void end(const GError *error)
{
  log_say(LOG_LEVEL_ERROR, "disk.sync-failed", "%s", error->message);
  _exit(ERROR_IO);
}

int main(int argc, char **argv)
{
  identity_guard_process();
  db_on_failed_sync(end);
  db_on_damage(N_("check the disk, then see with “park-agent outbox check” what is left"));
  text_init();
  log_init("park-agent", LOG_LEVEL_NOTICE);
  return command_main("park-agent", N_("carries a park's figures to its zone's totals"), commands, argc,
                      argv);
}

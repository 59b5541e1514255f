/* park-agent: reads a park's files, checks them offline, and sends signed figures to the city's aggregator.
 */
#include "agent/commands.h"
#include "common/command.h"
#include "common/log.h"
#include "common/text.h"

static const struct command commands[] = {
    {"join", N_("- [--data DIR]"), N_("enrol this park with the invitation on standard input"), command_join},
    {"check", N_("FILE… [--form F] [--period P] | --config FILE"),
     N_("check files offline and print every finding"), command_check},
    {"push", N_("FILE… [--form F] [--period P] --approved-by NAME [--wait]"),
     N_("check files and send what is good"), command_push},
    {"run", N_("[--config FILE]"), N_("the service: watch folders, send, keep receipts"), command_run},
    {"status", N_("[--data DIR]"), N_("show who we are, what waits and what was counted"), command_status},
    {NULL, NULL, NULL, NULL},
};

int main(int argc, char **argv)
{
  text_init();
  log_init("park-agent", LOG_LEVEL_NOTICE);
  return command_main("park-agent", N_("carries a park's figures to its zone's totals"), commands, argc,
                      argv);
}

/* park-aggregator: takes the parks' signed figures, keeps them durably and rolls them up into a zone's
 * totals. */
#include "aggregator/commands.h"
#include "aggregator/office.h"
#include "common/command.h"
#include "common/db.h"
#include "common/identity.h"
#include "common/log.h"
#include "common/text.h"

static const struct command own_commands[] = {
    {"init", N_("--data DIR --catalogue FILE"), N_("make a new data folder with store and identity"),
     command_init},
    {"run", N_("[--config FILE | --data DIR] [--listen ENDPOINT] [--enrol ENDPOINT]"), N_("run the server"),
     command_run},
    {"restore", N_("FILE --data DIR --key FILE [--reason R] [--after TIME]"),
     N_("make a data folder out of a backup"), command_restore},
    {"check", N_("[--data DIR | --config FILE] [--catalogue FILE]"),
     N_("say every mistake in configuration and catalogue"), command_check},
};

static int run_in_office(int argc, char **argv)
{
  return office_run(argv[0], argc, argv);
}

int main(int argc, char **argv)
{
  g_autoptr(GArray) table = g_array_new(TRUE, TRUE, sizeof(struct command));

  identity_guard_process();
  db_on_damage(N_("check the disk, then see with “park-aggregator ledger check” what is damaged"));
  text_init();
  log_init("park-aggregator", LOG_LEVEL_NOTICE);
  g_array_append_vals(table, own_commands, G_N_ELEMENTS(own_commands));
  for (const struct office_command *of = office_commands; of->command.name; of++) {
    struct command command = of->command;

    command.run = run_in_office;
    g_array_append_val(table, command);
  }
  return command_main("park-aggregator", N_("a zone's totals from its parks' signed figures"),
                      (const struct command *)(void *)table->data, argc, argv);
}

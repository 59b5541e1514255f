/* park-aggregator: takes the parks' signed figures, keeps them durably and rolls them up into a zone's
 * totals. */
#include "aggregator/commands.h"
#include "aggregator/office.h"
#include "common/command.h"
#include "common/identity.h"
#include "common/log.h"
#include "common/text.h"

static const struct command own_commands[] = {
    {"init", N_("--data DIR --catalogue FILE"), N_("make a new data folder with store and identity"),
     command_init},
    {"run", N_("[--config FILE | --data DIR] [--listen ENDPOINT] [--enrol ENDPOINT]"), N_("run the server"),
     command_run},
    {"check", N_("[--data DIR | --config FILE] [--catalogue FILE]"),
     N_("say every mistake in configuration and catalogue"), command_check},
};

static int run_in_office(int argc, char **argv)
{
  return office_run(argv[0], argc, argv);
}

int main(int argc, char **argv)
{
  struct command table[32] = {0};
  size_t count = 0;

  identity_guard_process();
  text_init();
  log_init("park-aggregator", LOG_LEVEL_NOTICE);
  for (; count < G_N_ELEMENTS(own_commands); count++) table[count] = own_commands[count];
  for (const struct office_command *of = office_commands; of->command.name && count + 1 < G_N_ELEMENTS(table);
       of++) {
    table[count] = of->command;
    table[count++].run = run_in_office;
  }
  return command_main("park-aggregator", N_("a zone's totals from its parks' signed figures"), table, argc,
                      argv);
}

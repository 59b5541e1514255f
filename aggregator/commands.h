/* The commands of park-aggregator that are not the office's. */
#ifndef PARKTALLY_AGGREGATOR_COMMANDS_H
#define PARKTALLY_AGGREGATOR_COMMANDS_H

int command_init(int argc, char **argv);
int command_restore(int argc, char **argv);
int command_run(int argc, char **argv);
int command_check(int argc, char **argv);

#endif

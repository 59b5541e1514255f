/* The office: where operators' commands are carried out. A command runs in the server that holds the folder, asked over
 * its control socket, or in its own process under the folder's lock where no server runs: the same code either way. */
#ifndef PARKTALLY_AGGREGATOR_OFFICE_H
#define PARKTALLY_AGGREGATOR_OFFICE_H

#include "aggregator/folder.h"
#include "aggregator/snapshot.h"
#include "aggregator/store/store.h"
#include "aggregator/writer.h"
#include "common/cleanup.h"
#include "common/command.h"
#include "common/control.h"

#include <glib.h>

/* What a command works with. */
struct office {
  const struct aggregator_config *config;
  const struct identity *identity;
  struct writer *writer;
  struct store *reader; /* for the office's own thread */
};

/* One command of the office. */
struct office_command {
  struct command command; /* name, synopsis, summary; run is not used */
  /* Carries it out; prints to request->output; returns the exit code. argv[0] is the command's name. */
  int (*carry_out)(struct office *office, struct control_request *request, int argc, char **argv);
  bool takes_file; /* its first argument is a file, opened by the caller and passed as request->file */
};

/* The table, ended by a NULL name (main.c appends it to its own). */
extern const struct office_command office_commands[];

/* From main: runs a command of the table, at the server or here. `--data DIR` and `--config FILE` are taken out of argv first. */
int office_run(const char *name, int argc, char **argv);

/* The server's handler: control_handler over an office. */
int office_handle(struct control_request *request, void *office);

/* The commands, one file each. */
int office_register_import(struct office *office, struct control_request *request, int argc, char **argv);
int office_invite(struct office *office, struct control_request *request, int argc, char **argv);
int office_agents(struct office *office, struct control_request *request, int argc, char **argv);
int office_revoke(struct office *office, struct control_request *request, int argc, char **argv);
int office_totals(struct office *office, struct control_request *request, int argc, char **argv);
int office_targets(struct office *office, struct control_request *request, int argc, char **argv);
int office_rebuild(struct office *office, struct control_request *request, int argc, char **argv);

#endif

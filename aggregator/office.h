/* The office: where operators' commands are carried out. A command runs in the server that holds the folder,
 * asked over its control socket, or in its own process under the folder's lock where no server runs: the same
 * code either way. */
#ifndef PARKTALLY_AGGREGATOR_OFFICE_H
#define PARKTALLY_AGGREGATOR_OFFICE_H

#include "aggregator/bounds.h"
#include "aggregator/folder.h"
#include "aggregator/print.h"
#include "aggregator/snapshot.h"
#include "aggregator/store/store.h"
#include "aggregator/writer.h"
#include "common/cleanup.h"
#include "common/command.h"
#include "common/control.h"

#include <glib.h>

/* Why a server is to start anew. */
struct server_renewal {
  bool changes_keys;
  const char *by, *reason;
};

/* What a command works with. */
struct office {
  const struct aggregator_config *config;
  const struct identity *identity;
  struct writer *writer;       /* NULL: a command that runs `alone` */
  struct store *reader;        /* for the office's own thread */
  const struct bounds *bounds; /* NULL where no server runs */
  /* Asks the server to start anew; NULL where no server runs. */
  void (*begin_anew)(const struct server_renewal *renewal, void *data);
  void *begin_anew_data;
  /* Has the server read configuration and catalogue again; NULL where no server runs. */
  bool (*reload)(const char *by, const char *reason, void *data, GError **error);
  void *reload_data;
  bool locked; /* alone, and the folder's lock is held: no server runs */
};

struct office_caller; /* the process in which a command was given */

/* One command of the office. */
struct office_command {
  struct command command; /* name, synopsis, summary; run is not used */
  /* Carries it out; prints to request->output; returns the exit code. argv[0] is the command's name. */
  int (*carry_out)(struct office *office, struct control_request *request, int argc, char **argv);
  bool takes_file; /* its first argument is a file, opened by the caller and passed as request->file; options
                    * before it that take a value are written --name VALUE or --name=VALUE */
  bool gives_file; /* has --output FILE, which the caller's own process writes; without one it is told by
                    * OFFICE_TO_TERMINAL where its output goes to a terminal */
  bool for_guests; /* may be given by the users of reports_for too (control.h) */
  /* Long work: never the server's, but the caller's own process. It gets neither writer nor reader and opens
   * the store itself, under the folder's lock where no server holds it. */
  bool alone;
  /* What the caller's own process does itself, with the caller's own rights; the rest it asks for with
   * office_hand_over(). NULL: carry_out does it all. */
  int (*at_the_caller)(struct office_caller *caller, struct control_request *request, int argc, char **argv);
};

#define OFFICE_TO_TERMINAL "to-terminal" /* an option that no person gives */

/* The table, ended by a NULL name (main.c appends it to its own). */
extern const struct office_command office_commands[];

/* From main: runs a command of the table, at the server or here. `--data DIR` and `--config FILE` are taken
 * out of argv first. */
int office_run(const char *name, int argc, char **argv);

/* For at_the_caller: gives words and a file (−1: none) to carry_out, at the server or here, where the folder
 * then stays locked until the command ends. What it prints to standard output is `ret_answer`, of any bytes;
 * what it says on standard error was said. */
bool office_hand_over(struct office_caller *caller, const char *const *words, int file, int *ret_exit,
                      GBytes **ret_answer, GError **error);

/* The server's handler: control_handler over an office. */
int office_handle(struct control_request *request, void *office);

/* --- for the commands --- */

/* As command_options(), for the command argv[0]; prints to the request's output. Comes first in each command:
 * for --help there is no office. */
bool office_options(struct control_request *request, const GOptionEntry *entries, int least, int most,
                    int *argc, char ***argv, int *ret_exit);

/* Prints the error and returns its exit code. Takes it. */
int office_fail(struct control_request *request, GError *error);

/* A usage error of the command's own: prints and returns 64. */
int office_misused(struct control_request *request, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* What an option or word says. False, and a usage error printed, if it is none; a format that is not given
 * is the usual one. */
bool office_read_format(struct control_request *request, const char *text, enum print_format *ret_format);
bool office_read_period(struct control_request *request, const char *text, struct period *ret_period);
/* Of commands that print no table: text (NULL) or json. */
bool office_read_text_or_json(struct control_request *request, const char *text, bool *ret_json);

/* A new reference to what is in force. */
struct snapshot *office_snapshot(struct office *office);

/* --- the commands, one file each --- */

int office_register_import(struct office *office, struct control_request *request, int argc, char **argv);
int office_invite(struct office *office, struct control_request *request, int argc, char **argv);
int office_agents(struct office *office, struct control_request *request, int argc, char **argv);
int office_revoke(struct office *office, struct control_request *request, int argc, char **argv);
int office_period_open(struct office *office, struct control_request *request, int argc, char **argv);
int office_period_close(struct office *office, struct control_request *request, int argc, char **argv);
int office_period_reopen(struct office *office, struct control_request *request, int argc, char **argv);
int office_period_status(struct office *office, struct control_request *request, int argc, char **argv);
int office_period_publish(struct office *office, struct control_request *request, int argc, char **argv);
int office_editions(struct office *office, struct control_request *request, int argc, char **argv);
int office_totals(struct office *office, struct control_request *request, int argc, char **argv);
int office_targets(struct office *office, struct control_request *request, int argc, char **argv);
int office_inquiries(struct office *office, struct control_request *request, int argc, char **argv);
int office_ask(struct office *office, struct control_request *request, int argc, char **argv);
int office_accept(struct office *office, struct control_request *request, int argc, char **argv);
int office_consent(struct office *office, struct control_request *request, int argc, char **argv);
int office_explain(struct office *office, struct control_request *request, int argc, char **argv);
int office_applications(struct office *office, struct control_request *request, int argc, char **argv);
int office_decline(struct office *office, struct control_request *request, int argc, char **argv);
int office_completeness(struct office *office, struct control_request *request, int argc, char **argv);
int office_export(struct office *office, struct control_request *request, int argc, char **argv);
int office_scorecard(struct office *office, struct control_request *request, int argc, char **argv);
int office_growth_plan(struct office *office, struct control_request *request, int argc, char **argv);
int office_import(struct office *office, struct control_request *request, int argc, char **argv);
int office_import_files(struct office_caller *caller, struct control_request *request, int argc, char **argv);
int office_top(struct office *office, struct control_request *request, int argc, char **argv);
int office_rebuild(struct office *office, struct control_request *request, int argc, char **argv);
int office_ledger_head(struct office *office, struct control_request *request, int argc, char **argv);
int office_ledger_prove(struct office *office, struct control_request *request, int argc, char **argv);
int office_resume(struct office *office, struct control_request *request, int argc, char **argv);
int office_reload(struct office *office, struct control_request *request, int argc, char **argv);
int office_key_rotate(struct office *office, struct control_request *request, int argc, char **argv);
int office_key_retire(struct office *office, struct control_request *request, int argc, char **argv);
int office_key_backup(struct office *office, struct control_request *request, int argc, char **argv);
int office_audit_list(struct office *office, struct control_request *request, int argc, char **argv);
int office_audit_verify(struct office *office, struct control_request *request, int argc, char **argv);
int office_backup(struct office *office, struct control_request *request, int argc, char **argv);
int office_ledger_check(struct office *office, struct control_request *request, int argc, char **argv);
int office_ledger_verify(struct office *office, struct control_request *request, int argc, char **argv);
int office_ledger_export(struct office *office, struct control_request *request, int argc, char **argv);

#endif

/* The command line that both programs share: `program command [options] …`, from one table per program.
 *
 * The table is read by dispatch and by --help. */
#ifndef PARKTALLY_COMMON_COMMAND_H
#define PARKTALLY_COMMON_COMMAND_H

#include <glib.h>
#include <stdbool.h>

struct command {
  const char *name;     /* "push", or two words: "register import" */
  const char *synopsis; /* "FILE… [--form F] …", N_() where it has words */
  const char *summary;  /* one line, N_() */
  /* argv[0] is the command's name, both words of two; returns the exit code. */
  int (*run)(int argc, char **argv);
};

/* Finds the command in the table (ended by a NULL name) and runs it. --help and --version are answered here;
 * without or with an unknown command the list is printed to standard error and 64 returned. */
int command_main(const char *program, const char *summary, const struct command *table, int argc,
                 char **argv);

/* Parses options into `entries` (GOption, translated). `command` NULL: the one that command_main() runs.
 * Prints help where asked (false, *ret_exit 0) or what is wrong (false, 64). After it argv holds what is
 * left, argc - 1 arguments, which must be between least and most (-1: any). */
bool command_options(const struct command *command, const GOptionEntry *entries, int least, int most,
                     int *argc, char ***argv, int *ret_exit);

/* What --help prints: usage, summary and options, their columns aligned; in one language also where GLib's
 * own translations are not installed. Newly allocated. */
char *command_help(const char *program, const struct command *command, const GOptionEntry *entries);

/* Prints "program: message" to standard error and returns error_exit_code(error). */
int command_fail(const GError *error);

#endif

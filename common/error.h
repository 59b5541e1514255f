/* Errors at the edges: files, network, configuration, commands.
 *
 * A GError of domain PARKTALLY_ERROR has a code from the table below, which is also the exit code of a
 * program that ends because of it (sysexits.h). Its message is one sentence for a park clerk: where, what was
 * found, what was expected, what to do. Inner loops return an enum instead. */
#ifndef PARKTALLY_COMMON_ERROR_H
#define PARKTALLY_COMMON_ERROR_H

#include <glib.h>

#define PARKTALLY_ERROR (parktally_error_quark())
GQuark parktally_error_quark(void);

enum parktally_error {
  ERROR_USAGE = 64,       /* the command line */
  ERROR_DATA = 65,        /* what was read is wrong: a file, a message, a stored row */
  ERROR_UNAVAILABLE = 69, /* the other side is not there, or a limit of ours is reached */
  ERROR_INTERNAL = 70,    /* our own bug, said instead of shown as a crash where data is at stake */
  ERROR_IO = 74,          /* the disk or the network failed */
  ERROR_TEMPORARY = 75,   /* try again later; nothing is lost */
  ERROR_PERMISSION = 77,  /* no right to do this */
  ERROR_CONFIG = 78,      /* configuration, catalogue or identity */
};

/* The exit code for `error`: its own code, 0 for NULL, ERROR_IO for G_FILE_ERROR, 64 for G_OPTION_ERROR,
 * else 70. */
int error_exit_code(const GError *error);

#endif

/* The programs' log: one line per event on standard error, or the journal where systemd runs the program.
 * Only programs log, once, where they decide; library code returns errors. A line that people will search for
 * starts with a stable id, such as "catalogue.refused". No secret, no figure and no file content goes in. */
#ifndef PARKTALLY_COMMON_LOG_H
#define PARKTALLY_COMMON_LOG_H

#include <glib.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_NOTICE, LOG_LEVEL_DEBUG };

/* Once at start. `program` goes before each line on a terminal. Thread-safe from then on. */
void log_init(const char *program, enum log_level most);

/* `id`: stable, dotted, lower case. The text is translated by the caller with _(). */
void log_say(enum log_level level, const char *id, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Tells a service manager, if there is one: "READY=1", "STOPPING=1", "RELOADING=1", "WATCHDOG=1". */
void log_notify(const char *state);

#endif

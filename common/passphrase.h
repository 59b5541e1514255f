/* A passphrase: from the terminal, without being shown, or the first line of standard input; never from the
 * command line, where every user of the machine would see it. */
#ifndef PARKTALLY_COMMON_PASSPHRASE_H
#define PARKTALLY_COMMON_PASSPHRASE_H

#include "common/cleanup.h"

#include <glib.h>
#include <stdbool.h>

#define PASSPHRASE_LEAST 12 /* characters of one that is chosen */

struct passphrase; /* in guarded memory */
/* `chosen`: a new one, which on a terminal is asked for twice. ERROR_USAGE where there is none, it is too
 * short, or the two differ. Blocking. */
struct passphrase *passphrase_read(bool chosen, GError **error);
void passphrase_free(struct passphrase *passphrase); /* wipes */
CLEANUP_DEFINE(struct passphrase, passphrase_free)
const char *passphrase_text(const struct passphrase *passphrase);

#endif

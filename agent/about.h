/* Who this agent is and what it has, for `join` and `status`. */
#ifndef PARKTALLY_AGENT_ABOUT_H
#define PARKTALLY_AGENT_ABOUT_H

#include "agent/home.h"
#include "agent/outbox.h"

/* Prints to standard output. `outbox` may be NULL: nothing was made yet. False and `error` if the outbox
 * fails. */
bool about_print(const struct home *home, struct outbox *outbox, bool json, GError **error);

/* Of a signing key, by its id: to be compared by telephone, and too long for another key to be found that has
 * the same. Newly allocated. */
char *about_fingerprint(const uint8_t key_id[SEAL_HASH_SIZE]);

#endif

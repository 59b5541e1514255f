/* Admitting again, by itself, whom a person of this park admitted already.
 *
 * A city that was restored from a backup may hear of an admission before the agent has returned that it is
 * about, and then refuses it as one of nobody. Once that agent waits, under the same name and with the same
 * key, what was said of it holds: the same words are sealed anew. */
#ifndef PARKTALLY_AGENT_ADMIT_AGAIN_H
#define PARKTALLY_AGENT_ADMIT_AGAIN_H

#include "agent/home.h"
#include "agent/outbox.h"
#include "common/text.h"

/* For people: whom, and who said so. */
#define ADMITTED_AGAIN                                                                                       \
  _("%s is admitted again: %s had admitted it before the city's server was restored from a backup")

/* Looks at who waits as far as the outbox knows; cheap where nobody does. What was made is durable and
 * sendable when it returns: `*ret_admissions`, newly allocated, of struct park_act; it may be none. Waits for
 * whoever else seals. */
bool admit_again(struct home *home, struct outbox *outbox, GPtrArray **ret_admissions, GError **error);

#endif

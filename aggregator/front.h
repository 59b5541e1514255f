/* The front: what stands between the network and libzmq. It listens at the public addresses, and for each
 * connection that says the right things it makes one to the ROUTER, from an address of its own in
 * 127.0.0.0/8, and passes bytes between the two.
 *
 * libzmq lets a peer that is not at its word hold any amount of memory: a handshake that does not go on,
 * parts of a message that never ends, answers that nobody takes. So the front counts: connections, handshakes
 * and their time, bytes, and how much went in of which no whole message has come out at the gate. It knows
 * which connection is whose, and can cut one.
 *
 * One thread. Functions are for any thread and do not block unless it says so. */
#ifndef PARKTALLY_AGGREGATOR_FRONT_H
#define PARKTALLY_AGGREGATOR_FRONT_H

#include "aggregator/bounds.h"
#include "aggregator/front_peers.h"
#include "common/cleanup.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct front;
/* Listens at both endpoints, whose port may be "*"; nobody is answered yet. The number of connections is
 * lowered to what the limit of open files allows, after that was raised as far as may be. The bounds must
 * outlive it. */
struct front *front_new(const char *listen, const char *enrol, struct bounds *bounds, GError **error);
/* Where connections are passed on to: endpoints of ROUTERs, tcp://127.0.0.1:PORT. Whose HELLO means nothing
 * to the first is shown to the one that has the keys of before, unless that is NULL. */
struct front_routers {
  const char *present, *former;
};
/* Starts the thread. */
bool front_start(struct front *front, const struct front_routers *agents, const struct front_routers *joiners,
                 GError **error);
/* After the ROUTERs were closed: what they gave last still leaves, for LIMIT_FAREWELL_MS at most. Blocking.
 */
void front_free(struct front *front);
CLEANUP_DEFINE(struct front, front_free)

/* What was bound: as asked, with the port. */
const char *front_endpoint(const struct front *front);
const char *front_enrol_endpoint(const struct front *front);

/* Who stands behind the addresses that libzmq sees. NULL: no front, so nobody. */
struct front_peers *front_peers(struct front *front);

/* A message, or a part of one, from there came out of a ROUTER. */
void front_seen(struct front *front, uint32_t id, size_t bytes);

/* Cuts every connection of an agent. */
void front_cut(struct front *front, const char *agent);
/* Cuts this one after LIMIT_FAREWELL_MS, in which an answer can leave. */
void front_dismiss(struct front *front, uint32_t id);

#endif

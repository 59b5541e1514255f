/* The door: both ROUTERs with the front before them, who is let in at the handshake, and who is shown out.
 *
 * The gate's thread receives and answers here; ZAP has a thread of its own, and so has the front. */
#ifndef PARKTALLY_AGGREGATOR_DOOR_H
#define PARKTALLY_AGGREGATOR_DOOR_H

#include "aggregator/bounds.h"
#include "aggregator/writer.h"
#include "common/channel.h"
#include "common/cleanup.h"
#include "common/identity.h"

#include <glib.h>
#include <stdbool.h>

#define DOOR_NAME_SIZE 64

struct door_options {
  const char *listen, *enrol;      /* endpoints; may end in ":*" */
  const struct identity *identity; /* must outlive the door, as the writer and the bounds must */
  struct writer *writer;
  struct bounds *bounds;
  void (*failed)(const char *why,
                 void *data); /* nobody can be admitted any more; in a thread of the door's */
  void *data;
};

struct door;
struct door *door_open(const struct door_options *options, GError **error);
/* What was answered may still leave, for twice LIMIT_FAREWELL_MS at most. Blocking. */
void door_close(struct door *door);
CLEANUP_DEFINE(struct door, door_close)

/* What was bound. */
const char *door_endpoint(const struct door *door);
const char *door_enrol_endpoint(const struct door *door);

/* For the gate's thread: where agents send to, where they enrol. */
struct channel_server *door_agents(struct door *door);
struct channel_server *door_joiners(struct door *door);

/* Answers a message at once. Nothing is sent to who has not taken LIMIT_UNTAKEN_BYTES of earlier answers: it
 * asks again. */
void door_answer(struct door *door, struct channel_server *server, const struct channel_message *message,
                 GBytes *frame);
/* Where it really came from. */
void door_name(struct door *door, struct channel_server *server, const struct channel_message *message,
               char ret_name[static DOOR_NAME_SIZE]);
/* Its connection ends once an answer had time to leave. */
void door_dismiss(struct door *door, const struct channel_message *message);

/* Cuts the connections of agents that were revoked since the last call. An agent that is revoked may connect
 * anew, to be told so. */
void door_look(struct door *door);

#endif

/* The gate: where messages are taken in, behind the door (door.h). One thread owns the two endpoints, for
 * submissions and for enrolment, bounds what is worked on (credit in all and per agent), answers what needs
 * no thought, and hands submissions to intake.
 *
 * Who may connect is decided at the handshake (CURVE key → agent) and again for each message, so that a
 * revocation bites at once. A submission that is being worked on and arrives again is not taken twice; its
 * answer goes to whoever asked last. */
#ifndef PARKTALLY_AGGREGATOR_GATE_H
#define PARKTALLY_AGGREGATOR_GATE_H

#include "aggregator/bounds.h"
#include "aggregator/writer.h"
#include "common/cleanup.h"
#include "common/identity.h"

#include <glib.h>

struct gate_options {
  const char *listen, *enrol;      /* endpoints; may end in ":*" */
  const char *folder;              /* the store's, for what was refused earlier */
  const struct identity *identity; /* must outlive the gate, as the writer must */
  struct writer *writer;
  struct bounds *bounds; /* likewise */
  void (*failed)(const char *why,
                 void *data); /* the gate ended unasked: the program must stop. In a thread of the gate's */
  void *data;
};

struct gate;
/* Binds both endpoints and starts. */
struct gate *gate_new(const struct gate_options *options, GError **error);
/* Takes nothing more, waits until what was taken is answered, ends. */
void gate_free(struct gate *gate);
CLEANUP_DEFINE(struct gate, gate_free)

/* What was bound. */
const char *gate_endpoint(const struct gate *gate);
const char *gate_enrol_endpoint(const struct gate *gate);

#endif

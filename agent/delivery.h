/* Delivery: what a command made durable in the outbox leaves, by this process, or by another one that sends
 * for the folder. Faults and clocks that differ are told on standard error. */
#ifndef PARKTALLY_AGENT_DELIVERY_H
#define PARKTALLY_AGENT_DELIVERY_H

#include "agent/home.h"
#include "agent/link.h"
#include "agent/outbox.h"

struct delivery {
  struct home *home;
  struct outbox *outbox;
  struct link *link; /* NULL while another process sends */
  bool cut_off;      /* sending failed for good */
  int exit_code;     /* of that failure, which was told */
};

/* Takes the link where no other process has it. Home and outbox must live as long. */
void delivery_init(struct delivery *delivery, struct home *home, struct outbox *outbox);
void delivery_clear(struct delivery *delivery);

/* As link_run(), of a delivery with a link; an error is told. */
bool delivery_run(struct delivery *delivery, enum link_until until, int64_t timeout_ms);

/* Sends all that waits, or waits while another process does, and takes over where that one ends. `seconds` 0:
 * for a moment, as what is not sent then goes with the next command, or the service. False if the outbox
 * cannot be read. */
bool delivery_finish(struct delivery *delivery, int64_t seconds, GError **error);

#endif

/* The sender: the link as an actor of its own, with its own outbox and home, for the service.
 *
 * It sends what becomes sendable, logs what the aggregator says, and tries again for ever. */
#ifndef PARKTALLY_AGENT_SENDER_H
#define PARKTALLY_AGENT_SENDER_H

#include "common/cleanup.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct sender;

/* Starts the thread for the data folder. `config` as for home_open(). */
struct sender *sender_start(const char *folder, const char *config, GError **error);
/* Asks it to end, and waits for that. */
void sender_stop(struct sender *sender);
CLEANUP_DEFINE(struct sender, sender_stop)

/* There is new work in the outbox. */
void sender_wake(struct sender *sender);

/* Asks the aggregator for the documents in force and waits for at most `timeout_ms`: true if those on the
 * disk are. */
bool sender_refresh(struct sender *sender, int64_t timeout_ms);

/* Readable once something was answered; the reader empties this eventfd. */
int sender_answers(const struct sender *sender);

#endif

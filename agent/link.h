/* The link: sends what the outbox holds to the aggregator and brings back receipts, catalogue and register.
 *
 * One state machine in the caller's thread. Losing the connection, a lost receipt or a kill at any moment
 * only means that something is sent again, which is always safe. */
#ifndef PARKTALLY_AGENT_LINK_H
#define PARKTALLY_AGENT_LINK_H

#include "agent/home.h"
#include "agent/outbox.h"
#include "common/cleanup.h"

#include <glib.h>
#include <stdbool.h>

struct link;

/* What the link tells its owner, in the owner's thread, from within link_run(). Each may be NULL. */
struct link_events {
  void (*connected)(bool connected, void *data);
  void (*receipt)(const struct receipt *receipt, void *data); /* came; is kept soon after */
  void (*fault)(const char *code, const char *text, void *data);
  void (*document)(enum document_kind kind, void *data); /* home has a new one */
  void (*clocks_differ)(int64_t ahead_ms, void *data);   /* ours minus theirs */
  void (*kept)(void *data);                              /* answers that came are in the outbox, durably */
  void (*asked)(void *data);                             /* so is a new list of what the city asks */
};

/* Holds lock.link; ERROR_TEMPORARY if another process sends for this folder. */
struct link *link_new(struct home *home, struct outbox *outbox, const struct link_events *events, void *data,
                      GError **error);
void link_free(struct link *link);
CLEANUP_DEFINE(struct link, link_free)

/* A seam for tests: in place of LIMIT_ANSWER_MS. */
void link_set_patience(struct link *link, int64_t answer_ms);

enum link_until {
  LINK_WELCOMED, /* asked anew: connected, and catalogue, register, what the city asks and what became of
                    reports are those of now */
  LINK_IDLE,     /* nothing waits to be answered, or to be sent, unless this agent waits for admission */
  LINK_STOPPED,  /* only by wake_fd */
};

/* Runs until the condition holds, `timeout_ms` passed (−1: none) or wake_fd (−1: none) became readable. True
 * if the condition holds; false without error on time-out or wake; ERROR_IO where the outbox fails,
 * ERROR_PERMISSION where the aggregator refuses the agent. */
bool link_run(struct link *link, enum link_until until, int64_t timeout_ms, int wake_fd, GError **error);

#endif

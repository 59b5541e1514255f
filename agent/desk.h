/* The desk: what the commands share that show what the city says, and send acts of this park. */
#ifndef PARKTALLY_AGENT_DESK_H
#define PARKTALLY_AGENT_DESK_H

#include "agent/delivery.h"

#define DESK_WAIT_SECONDS 120 /* for a receipt, unless --timeout says otherwise */

struct desk {
  char *data, *format; /* of the options; owned */
  bool json;
  struct home *home;
  struct outbox *outbox;
  struct delivery delivery;
};

/* Opens home and outbox; the rest of it is zero but for the options. */
bool desk_open(struct desk *desk, GError **error);
void desk_close(struct desk *desk);

/* Fetches the lists of now where the city can be reached; the process that sends keeps them fresh otherwise.
 * Blocking, for some seconds. */
void desk_refresh(struct desk *desk);

/* A usage error; always false. */
bool desk_misused(GError **error, const char *message);

/* Whether it is a text of 1 to `most` bytes without control characters; NULL is none. */
bool desk_text_fits(const char *text, size_t most);

#endif

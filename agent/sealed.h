/* What stands sealed in the outbox, or comes in a file: opened by the key that it must be of. */
#ifndef PARKTALLY_AGENT_SEALED_H
#define PARKTALLY_AGENT_SEALED_H

#include "agent/home.h"
#include "agent/outbox.h"

enum sealed_status {
  SEALED_GOOD,
  SEALED_DAMAGED,   /* no seal, or the signature does not hold */
  SEALED_OTHER_KEY, /* of another key */
  SEALED_MALFORMED, /* the seal holds, and what it seals cannot be decoded */
  SEALED_FOREIGN,   /* it names another agent */
  SEALED_UNPROVEN,  /* a receipt that does not prove that its submission is in the ledger */
};

/* A submission or an act that this agent sealed. */
struct sealed_own {
  struct outbox_lost lost; /* texts live as long as this; sealed is lent */
  struct submission *submission;
  struct park_act *act;
};
enum sealed_status sealed_open_own(const struct home *home, struct bytes_view sealed,
                                   struct sealed_own *ret_own);
void sealed_own_clear(struct sealed_own *own);

/* A receipt of the aggregator's, for this agent, with a proof that holds; `ret_receipt` is to be freed with
 * receipt_free(). */
enum sealed_status sealed_open_receipt(const struct home *home, struct bytes_view sealed,
                                       struct receipt **ret_receipt);

/* What is the matter, for people; not of SEALED_GOOD. */
const char *sealed_meaning(enum sealed_status status);

#endif

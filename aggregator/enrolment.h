/* Enrolments: what comes of a joining record. */
#ifndef PARKTALLY_AGGREGATOR_ENROLMENT_H
#define PARKTALLY_AGGREGATOR_ENROLMENT_H

#include "aggregator/snapshot.h"
#include "aggregator/store/store.h"
#include "common/codec.h"
#include "common/identity.h"

#include <glib.h>
#include <stdbool.h>

/* The certificate that answers the record; NULL and `error` if there is none. `ret_new`: it was made just
 * now, for an enrolment of this time, and the leaf that makes it so, with what the agent finds, is to be
 * carried out; else it was given before to these keys. */
GBytes *enrolment_certify(struct store *store, const struct snapshot *snapshot,
                          const struct identity *identity, const struct join_record *join, int64_t now_ms,
                          bool *ret_new, enum agent_entry *ret_entry, GError **error);

/* An agent that shows its certificate, and which keys it has had since. */
struct enrolment_return {
  GBytes *certificate;    /* its own, which answers it */
  bool is_new;            /* the ledger was restored from a backup that did not have it: as above */
  enum agent_entry entry; /* of such a one */
  GPtrArray *key_changes; /* GBytes: those that are to be recorded then, in order; the caller's */
};
/* False and ERROR_PERMISSION where it was revoked, or is nobody that could return. */
bool enrolment_return(struct store *store, const struct snapshot *snapshot, GBytes *sealed,
                      struct enrolment_return *ret_return, GError **error);

#endif

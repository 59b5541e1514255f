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

/* The same of an agent that returns: its own certificate, where we had signed it, and the ledger was restored
 * from a backup that may not have it. ERROR_PERMISSION where it was revoked, or is nobody that could return.
 */
GBytes *enrolment_return(struct store *store, const struct snapshot *snapshot,
                         const struct identity *identity, GBytes *sealed, bool *ret_new,
                         enum agent_entry *ret_entry, GError **error);

#endif

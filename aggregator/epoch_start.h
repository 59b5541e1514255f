/* Beginning an epoch (epoch.h): the last step of making a store that lacks what the city had. */
#ifndef PARKTALLY_AGGREGATOR_EPOCH_START_H
#define PARKTALLY_AGGREGATOR_EPOCH_START_H

#include "common/identity.h"

#include <glib.h>
#include <stdbool.h>

/* Appends to the store of the folder, which nobody has open, the leaf of a new epoch that goes on from its
 * head; durable when it returns true. Its number is above `after`. `by` and `reason` are kept in the ledger.
 */
bool epoch_start(const char *folder, const struct identity *identity, uint64_t after, const char *by,
                 const char *reason, GError **error);

#endif

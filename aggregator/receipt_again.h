/* A receipt that was lost, signed anew: it says of the submission what the leaf has, and proves it by the
 * ledger as it is now. A park that has the first one keeps that. */
#ifndef PARKTALLY_AGGREGATOR_RECEIPT_AGAIN_H
#define PARKTALLY_AGGREGATOR_RECEIPT_AGAIN_H

#include "aggregator/proof.h"
#include "common/identity.h"

#include <stdbool.h>

/* Of the submission or act at `position`, put within the store's transaction. False, and the store may have
 * the error, if its leaf cannot be read. */
bool receipt_again(struct store *store, const struct identity *identity, uint64_t position,
                   const struct tree_head *head);

#endif

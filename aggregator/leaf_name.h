/* What a leaf was, for people, where it cannot be read itself. */
#ifndef PARKTALLY_AGGREGATOR_LEAF_NAME_H
#define PARKTALLY_AGGREGATOR_LEAF_NAME_H

#include "aggregator/store/store.h"

/* Of a store that may be damaged: from the list of submissions, the receipt, or what the leaf's row says.
 * Newly allocated; "" where nothing tells. */
char *leaf_name(struct store *store, uint64_t position);

/* A kind in a word or two; "" of an unknown one. */
const char *leaf_kind_name(enum leaf_kind kind);

#endif

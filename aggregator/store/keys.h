/* The store's part about changes of keys. As of store.h: inside a transaction, errors are kept. */
#ifndef PARKTALLY_AGGREGATOR_STORE_KEYS_H
#define PARKTALLY_AGGREGATOR_STORE_KEYS_H

#include "aggregator/store/store.h"

/* Number `number`, from 0, of an agent's changes; "": of the aggregator's. */
void store_key_change_add(struct store *store, const char *agent, unsigned number, const uint8_t *sealed,
                          size_t length);
/* All of them: agent → GPtrArray of GBytes, in order. */
GHashTable *store_key_changes(struct store *store);

#endif

/* The store's part about restores from backups. As of store.h: inside a transaction, errors are kept. */
#ifndef PARKTALLY_AGGREGATOR_STORE_EPOCHS_H
#define PARKTALLY_AGGREGATOR_STORE_EPOCHS_H

#include "aggregator/store/store.h"

struct stored_epoch {
  uint64_t number;   /* rising */
  uint64_t position; /* of its leaf, and so the size of the tree that it begins with */
  int64_t recorded_ms;
  bool resumed; /* figures are taken again */
  GBytes *sealed;
};

void store_epoch_add(struct store *store, const struct stored_epoch *epoch);
void store_epoch_resume(struct store *store, uint64_t number);
/* An array of struct stored_epoch that owns what it holds, by number. */
GArray *store_epochs(struct store *store);
/* The last that began before the ledger had so many leaves; 0: none. */
uint64_t store_epoch_at(struct store *store, uint64_t leaves);
/* From now on no open invitation is good for anything. */
void store_invitations_void(struct store *store);

/* An agent that is not known, as a backup did not know it, is not to come back. */
void store_bar(struct store *store, const char *agent, int64_t recorded_ms);
bool store_is_barred(struct store *store, const char *agent);

#endif

/* The store's part about editions: which were published. What they say is in their leaves. As of store.h:
 * inside a transaction, errors are kept. */
#ifndef PARKTALLY_AGGREGATOR_STORE_EDITIONS_H
#define PARKTALLY_AGGREGATOR_STORE_EDITIONS_H

#include "aggregator/store/store.h"

struct stored_edition {
  uint64_t number; /* from 1 */
  char *form;
  struct period period;
  char vintage;      /* enum edition_vintage */
  uint64_t leaves;   /* on which it rests */
  uint64_t position; /* its own leaf */
  int64_t recorded_ms;
  char *by, *reason;
  uint64_t published, withheld; /* cells */
};

void store_edition_add(struct store *store, const struct stored_edition *edition);
/* The number of the last one; 0: none. */
uint64_t store_last_edition(struct store *store);

/* All that follow: arrays of struct stored_edition, by number, which own their texts. */

/* One, or none. */
GArray *store_edition(struct store *store, uint64_t number);
/* Of one form, or of all (NULL). */
GArray *store_editions(struct store *store, const char *form);

#endif

/* One cell's change, for tests that want no more. */
#ifndef PARKTALLY_TESTS_ADD_CELL_H
#define PARKTALLY_TESTS_ADD_CELL_H

#include "aggregator/store/store.h"

static inline void add_cell(struct store *store, const struct cell_key *key, int128 total, int64_t units)
{
  const struct cell_change change = {.slot = key->slot, .units = units, .total = total};
  store_cells_add(store, &(struct cell_family){key->book, key->area, key->slice, 1, &change});
}

#endif

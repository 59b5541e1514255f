/* Replay: the ledger read again from its first leaf into an empty store, by the verdicts it recorded. */
#ifndef PARKTALLY_AGGREGATOR_REPLAY_H
#define PARKTALLY_AGGREGATOR_REPLAY_H

#include "aggregator/store/store.h"
#include "aggregator/verify.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* A difference between the tables in force and those that the ledger comes to. Values are texts; "" where
 * there is none. */
typedef void replay_difference(const char *what, const char *stored, const char *replayed, void *data);

/* Replays the ledger of `folder` into a temporary store beside it and compares cells, current reports and
 * expected counts. Works beside a running server: it catches up with what was committed meanwhile before it
 * compares. `progress` (may be NULL) is called now and then with leaves done and in all. */
bool replay_check(const char *folder, replay_difference *difference,
                  void (*progress)(uint64_t done, uint64_t all, void *), void *data,
                  uint64_t *ret_differences, uint64_t *ret_leaves, GError **error);

/* The same, and verifies what the ledger says of itself: seals, receipts, the tree's nodes, editions. */
bool replay_verify(const char *folder, replay_difference *difference,
                   void (*progress)(uint64_t done, uint64_t all, void *), void *data,
                   struct verified *ret_verified, uint64_t *ret_leaves, GError **error);

/* Replaces the tables in force by those that the ledger comes to; the caller holds the folder's lock, no
 * server runs. */
bool replay_rebuild(const char *folder, void (*progress)(uint64_t done, uint64_t all, void *), void *data,
                    GError **error);

/* The same into a new store, which takes the place of the old one: where tables cannot be replaced, since
 * pages of theirs are damaged. The ledger's own must not be. The old store stays beside it, by the name that
 * is newly allocated. */
bool replay_rebuild_beside(const char *folder, void (*progress)(uint64_t done, uint64_t all, void *),
                           void *data, char **ret_aside, GError **error);

#endif

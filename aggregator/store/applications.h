/* The store's part about applications to register units. Each application is one row that changes its state;
 * what changed it is in the ledger. As of store.h: inside a transaction, errors are kept. */
#ifndef PARKTALLY_AGGREGATOR_STORE_APPLICATIONS_H
#define PARKTALLY_AGGREGATOR_STORE_APPLICATIONS_H

#include "aggregator/store/store.h"

struct stored_application {
  uint64_t number; /* from 1 */
  char *park;      /* area that applied */
  char *unit, *class, *name, *industry, *parent;
  char *from; /* a day, or "": since ever */
  char *text, *applied_by;
  enum application_state state;
  char *reason; /* of who declined it, or "" */
  int64_t applied_ms, settled_ms;
};

/* Gives it the next number. */
void store_application_add(struct store *store, struct stored_application *application);
/* Its state, reason and time of settlement. */
void store_application_settle(struct store *store, uint64_t number, enum application_state state,
                              const char *reason, int64_t now_ms);
/* Whether one of this park for this unit is pending. */
bool store_is_applied_for(struct store *store, const char *park, const char *unit);

/* All that follow: arrays of struct stored_application, by number, which own their texts. */

/* One, or none. */
GArray *store_application(struct store *store, uint64_t number);
/* Of one park, or of all (NULL); pending ones alone, or all; at most `most` behind number `behind`. */
GArray *store_applications(struct store *store, const char *park, bool pending, uint64_t behind, size_t most);
/* Of a park, at most so many behind a number. */
GArray *store_applications_page(struct store *store, const char *park, uint64_t behind, size_t most);
/* How many of a park are pending. */
size_t store_applications_pending(struct store *store, const char *park);

#endif

/* What the files of the past share. */
#ifndef PARKTALLY_AGGREGATOR_PAST_PRIVATE_H
#define PARKTALLY_AGGREGATOR_PAST_PRIVATE_H

#include "aggregator/past.h"

struct past {
  struct store *store;
  uint64_t leaves;
  int64_t moment_ms;
  struct snapshot *present, *then;
  struct memberships *memberships;
  struct membership_lookup *lookup; /* of register and catalogue of then */
  GArray *books;                    /* struct stored_book */
  GHashTable *families; /* int64_t in the value → struct families, of books that were asked for */
  GHashTable *owed;     /* of past_owed.c; NULL until it is asked for */
};

/* past_in_force.c: catalogue and register of then. NULL and the error as of past_new(). */
struct snapshot *past_in_force(struct store *store, struct snapshot *present, uint64_t leaves,
                               GError **error);

/* The units whose versions changed since, each once: texts in `texts`. */
GPtrArray *past_changed_units(struct store *store, uint64_t leaves, GStringChunk *texts);

#endif

/* The city as it was after so many leaves of the ledger: register and catalogue of then, reports of then, and
 * the cells and expected counts that the tables had then.
 *
 * The store keeps what was superseded: revisions of reports, versions of units. What follows from them, which
 * report of a unit counts and where, is worked out anew by the code that the tables use, from register and
 * catalogue of then. Cells are made a book at a time, when somebody first asks for one of it, and kept as
 * long as the past is. All of it is one thread's, within one transaction of a reading store. */
#ifndef PARKTALLY_AGGREGATOR_PAST_H
#define PARKTALLY_AGGREGATOR_PAST_H

#include "aggregator/membership.h"
#include "aggregator/snapshot.h"
#include "aggregator/store/store.h"
#include "common/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

struct past;

/* After the first `leaves` leaves, at least one and no more than there are. `present` is the snapshot of the
 * store's moment (present_begin()). The moment's time is `moment_ms`. NULL and ERROR_USAGE where no catalogue
 * was in force then, ERROR_DATA where the store is damaged. */
struct past *past_new(struct store *store, struct snapshot *present, uint64_t leaves, int64_t moment_ms,
                      GError **error);
void past_free(struct past *past);
CLEANUP_DEFINE(struct past, past_free)

uint64_t past_leaves(const struct past *past);
int64_t past_moment_ms(const struct past *past);
/* Of then; the past's. Its agents are those of the present: no total depends on them. */
struct snapshot *past_snapshot(struct past *past);
/* What reports' memberships are numbers of; the past's. */
struct memberships *past_memberships(struct past *past);

/* As store_cell() and store_expected(). */
bool past_cell(struct past *past, const struct cell_key *key, int128 *ret_total, int64_t *ret_units);
int64_t past_expected(struct past *past, const char *form, const char *area, const char *slice,
                      day_number day);

/* A unit's reports of one book, as they were. */
struct past_unit {
  const char *unit;
  const struct stored_report *const *reports; /* by place; at least one */
  size_t count;
  const struct unit_version *version; /* that governs them; NULL: none did */
  const struct membership *membership;
  const struct stored_report *chosen; /* the one that counts, or NULL */
};

/* The units of a book that had reports then, in their order. What a unit is lives until the next call; NULL
 * at the end, or after an error, which the store keeps. */
struct past_units;
struct past_units *past_units_open(struct past *past, int64_t book);
const struct past_unit *past_units_next(struct past_units *units);
void past_units_close(struct past_units *units);

/* The same report by report, with membership and counted of then. */
struct past_reports;
struct past_reports *past_reports_open(struct past *past, int64_t book);
const struct stored_report *past_reports_next(struct past_reports *reports);
void past_reports_close(struct past_reports *reports);

#endif

/* Publishing as an act: which vintage an edition is, and what becomes of its leaf, live and in replay alike.
 * What stands in an edition is statistics/edition.h. */
#ifndef PARKTALLY_AGGREGATOR_EDITION_H
#define PARKTALLY_AGGREGATOR_EDITION_H

#include "aggregator/snapshot.h"
#include "aggregator/statistics/edition.h"
#include "aggregator/store/editions.h"
#include "common/codec.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* What the next edition of a form's period is: provisional while the period takes reports of somebody, final
 * when it is closed, revised after a final one. False and ERROR_USAGE where a final one is out and the period
 * was opened again: what is to be revised is closed first. No clock is asked. */
bool edition_next_vintage(struct store *store, const struct snapshot *snapshot, const char *form,
                          struct period period, enum edition_vintage *ret_vintage, GError **error);

/* Applies a leaf of kind LEAF_EDITION. False and `error`, and nothing changed, if another edition took its
 * number, or the period is not as it was when the edition was made. */
bool edition_apply(struct store *store, const struct snapshot *snapshot, const struct leaf *leaf,
                   uint64_t position, GError **error);

/* What an edition says, from its leaf. NULL and ERROR_USAGE if there is no such edition, ERROR_DATA where the
 * ledger is damaged. Within a transaction. */
struct edition *edition_load(struct store *store, uint64_t number, GError **error);

/* The same of a leaf. */
struct edition *edition_of_leaf(const struct leaf *leaf, GError **error);

/* All editions of a store, a line of text each: for comparing two stores. */
GPtrArray *edition_lines(struct store *store);

#endif

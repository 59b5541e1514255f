/* Applications to register units (入库申请): a park applies, an operator registers the unit as ever, or
 * declines. Every change is a leaf, and the same code applies it live and in replay.
 *
 * While one is pending, the park's reports about the unit are kept and wait (posting.h). */
#ifndef PARKTALLY_AGGREGATOR_APPLICATION_H
#define PARKTALLY_AGGREGATOR_APPLICATION_H

#include "aggregator/snapshot.h"
#include "aggregator/store/applications.h"
#include "common/codec.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* An act of a park, the leaf's or the one that comes, of an agent of this area. False if it is refused:
 * `ret_refusal` says why; its texts live as long as the act. Nothing is changed then. Without a snapshot, as
 * in replay, nothing is refused. */
bool application_apply(struct store *store, const struct snapshot *snapshot, const struct park_act *act,
                       const char *area, int64_t now_ms, uint64_t position, struct refusal *ret_refusal);

/* The register is that of `snapshot` from the leaf at `position` on: settles the applications for units that
 * it has in the park that applied, on the day from which, or later. */
void application_settle_registered(struct store *store, const struct snapshot *snapshot, int64_t now_ms,
                                   uint64_t position);

/* Applies a leaf of kind LEAF_DECLINE. False and `error`, and nothing changed, if there is no such
 * application, or nothing waits for it any more. */
bool application_decline(struct store *store, const struct leaf *leaf, uint64_t position, GError **error);

/* Applications, reports that wait for them, and what became of reports that waited, a line of text each, in a
 * fixed order: for comparing two stores. */
GPtrArray *application_lines(struct store *store);

#endif

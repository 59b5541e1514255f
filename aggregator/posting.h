/* Posting: how the reports of a submission enter the tables, each with its verdict.
 *
 *   refused    a rule refuses it, or it leaves a present figure blank, or there is nothing to withdraw
 *   unchanged  the report already says the same, whatever its base
 *   counted    it corrects the current revision (or is the first): a new revision
 *   waiting    its base has not arrived, or its unit is not registered yet, as was applied for
 *   stale      another submission changed the report since its base: kept in the ledger, not counted
 *
 * Live, verdicts are found; in replay they are taken from the leaf, and looked at where a ledger is verified.
 * Reports that waited for this submission follow. */
#ifndef PARKTALLY_AGGREGATOR_POSTING_H
#define PARKTALLY_AGGREGATOR_POSTING_H

#include "aggregator/judge.h"
#include "aggregator/store/store.h"
#include "aggregator/tables.h"
#include "common/cleanup.h"
#include "common/codec.h"

#include <glib.h>

struct posting {
  uint32_t first; /* of those counted: the first of their unit and park */
  uint32_t counted, unchanged, stale, waiting, refused;
  GArray *exceptions;  /* struct refusal: every report that was not counted, by row */
  GArray *releases;    /* struct release */
  GStringChunk *texts; /* what the refusals point to */
};

void posting_init(struct posting *posting);
void posting_clear(struct posting *posting); /* for the next one */
void posting_finish(struct posting *posting);

/* Adds an exception; its texts are copied. */
void posting_refuse(struct posting *posting, const struct refusal *refusal);

/* Posts a judged submission that will be the leaf at `position`. `snapshot` is for releases. */
void posting_run(struct posting *posting, struct store *store, struct tables *tables,
                 struct snapshot *snapshot, const struct judged *judged, uint64_t position);

/* At the leaf at `position`: lets the reports go whose units the register of `snapshot`, which is in use, has
 * for their period and park now; and refuses those that wait for an application that is declined. Both begin
 * the posting anew, and leave in its releases what is to be recorded. */
void posting_release_registered(struct posting *posting, struct store *store, struct tables *tables,
                                struct snapshot *snapshot, uint64_t position);
void posting_release_declined(struct posting *posting, struct store *store, struct tables *tables,
                              struct snapshot *snapshot, const char *park, const char *unit,
                              uint64_t position);

/* Carries out releases as the leaf at `position` recorded them; as posting_replay(). */
bool posting_replay_releases(struct store *store, struct store *ledger, struct tables *tables,
                             struct snapshot *snapshot, const struct release *releases, size_t count,
                             uint64_t position, GError **error);

/* Tells each report of a submission for which its leaf records another verdict than what the ledger before it
 * comes to: counted, unchanged, stale, waiting for its base, or refused since there is nothing to change.
 * What rules and the register refuse is not looked at. Before posting_replay(), and as that. */
typedef void posting_doubt(uint32_t row, const char *unit, enum verdict recorded, enum verdict expected,
                           void *data);
void posting_check(struct store *store, struct store *ledger, struct tables *tables,
                   struct snapshot *snapshot, const struct leaf *leaf, uint64_t position,
                   posting_doubt *doubt, void *data);

/* Posts a submission as its leaf recorded it into `store`; leaves that waited are read from `ledger`, which
 * may be another. False and `error` if the leaf is damaged. */
bool posting_replay(struct store *store, struct store *ledger, struct tables *tables,
                    struct snapshot *snapshot, const struct leaf *leaf, uint64_t position, GError **error);

#endif

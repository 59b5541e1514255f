/* What is found in the reports of one submission that does not refuse them. Reads, and changes nothing. */
#ifndef PARKTALLY_AGGREGATOR_EXAMINE_H
#define PARKTALLY_AGGREGATOR_EXAMINE_H

#include "aggregator/snapshot.h"
#include "aggregator/store/store.h"
#include "common/cleanup.h"
#include "common/codec.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* What was found in submissions; it owns its texts. */
struct examination {
  GArray *submissions; /* struct examined; empty ones are left out */
  GPtrArray *findings; /* of GArray of struct refusal, one for each of them */
  GHashTable *asked;   /* by area, of `texts`: how many inquiries it has, those that will follow included */
  GStringChunk *texts;
};
struct examination *examination_new(void);
void examination_free(struct examination *examination);
CLEANUP_DEFINE(struct examination, examination_free)

/* Looks at the leaf at `position`: where it is a submission, at its reports that stand as it says, at those
 * that were stale, and at the submissions whose waiting reports it let go. Of what an area was not asked yet,
 * no more is listed than LIMIT_INQUIRIES_OPEN leaves room for; the rest is counted. False if it is damaged,
 * or the store has an error. */
bool examine_leaf(struct store *store, struct snapshot *snapshot, uint64_t position,
                  struct examination *examination);

#endif

/* What was published: editions, each against the ledger as of the leaves that it rests on. These may be fewer
 * than stand before it, so that the export is looked through for them first. */
#ifndef PARKTALLY_VERIFIER_PUBLISHED_H
#define PARKTALLY_VERIFIER_PUBLISHED_H

#include "aggregator/verifier/rebuilt.h"
#include "common/merkle.h"

struct published;
struct published *published_new(struct faults *faults);
void published_free(struct published *published);
CLEANUP_DEFINE(struct published, published_free)

/* A leaf of an edition, while the export is looked through; says nothing. */
void published_note(struct published *published, uint64_t position, const struct leaf *leaf);

/* After each leaf: keeps what editions rest on that rest on these leaves. */
void published_reckon(struct published *published, const struct rebuilt *rebuilt, const struct merkle *tree);

/* The leaf of an edition, at `position`, of the city as it was just before it. */
void published_check(struct published *published, const struct rebuilt *rebuilt, uint64_t position,
                     const struct leaf *leaf);

uint64_t published_editions(const struct published *published);
uint64_t published_figures(const struct published *published); /* that are printed, of all */

#endif

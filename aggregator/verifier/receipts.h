/* Receipts that parks keep, against the ledger that gave them. */
#ifndef PARKTALLY_VERIFIER_RECEIPTS_H
#define PARKTALLY_VERIFIER_RECEIPTS_H

#include "aggregator/verifier/rebuilt.h"
#include "aggregator/verifier/tree.h"

struct receipts;
struct receipts *receipts_new(struct faults *faults);
void receipts_free(struct receipts *receipts);
CLEANUP_DEFINE(struct receipts, receipts_free)

/* Reads a file of them: what “park-agent outbox export FILE --all” writes, or each as a length (4 bytes,
 * little-endian) and the sealed receipt. False and the error if
 * it cannot be read; what is wrong with its content is said. */
bool receipts_read(struct receipts *receipts, const char *path, GError **error);

/* Once the ledger's keys are known: verifies the seals, and has the tree compare what they say of it. */
void receipts_open(struct receipts *receipts, struct tree *tree);

/* The last leaf of the tree, and what it said, NULL if nobody sent it: against those that are of it. */
void receipts_compare(struct receipts *receipts, const struct tree *tree, int64_t recorded_ms,
                      const struct said *said);
/* The same against one that stands in the export itself. */
void receipts_take(struct receipts *receipts, struct tree *tree, const uint8_t *sealed, size_t length,
                   int64_t recorded_ms, const struct said *said);

/* Behind the last leaf. */
void receipts_end(struct receipts *receipts, uint64_t leaves);

uint64_t receipts_count(const struct receipts *receipts);

#endif

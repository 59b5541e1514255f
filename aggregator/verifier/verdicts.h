/* Verdicts: what became of each report, as far as the ledger alone decides it. */
#ifndef PARKTALLY_VERIFIER_VERDICTS_H
#define PARKTALLY_VERIFIER_VERDICTS_H

#include "aggregator/verifier/rebuilt.h"

#include <stdbool.h>

/* The reports of a submission that the party sealed, each with the verdict that its leaf recorded. False, and
 * it is said, if nothing can be made of them. */
bool verdicts_submission(struct rebuilt *rebuilt, const struct party *party, struct submission *submission,
                         const struct leaf *leaf, struct said *said);

/* What the leaf recorded of reports that waited: for this submission, for units that the register has now,
 * or for an application that is declined. It must be each that no longer waits, in their order. */
void verdicts_release_based(struct rebuilt *rebuilt, const uint8_t id[static SUBMISSION_ID_SIZE],
                            const struct release *releases, size_t count);
void verdicts_release_registered(struct rebuilt *rebuilt, const struct release *releases, size_t count);
void verdicts_release_declined(struct rebuilt *rebuilt, const char *park, const char *unit,
                               const struct release *releases, size_t count);

#endif

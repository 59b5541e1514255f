/* What verdicts.c and verdicts_release.c share: a report as it meets what was reported before. */
#ifndef PARKTALLY_VERIFIER_VERDICTS_PRIVATE_H
#define PARKTALLY_VERIFIER_VERDICTS_PRIVATE_H

#include "aggregator/verifier/verdicts.h"
#include "common/finding.h"

struct arrival {
  struct book *book;
  const char *unit, *park;
  uint64_t position; /* its leaf and row */
  uint32_t row;
  const struct report_change *change;
  const uint8_t *base; /* or NULL */
  const struct current *own;
  struct figures now, merged;
  bool fits; /* it leaves no figure blank that was reported */
};

/* Fills in what is there, and what the report comes to. */
void verdicts_meet(struct arrival *arrival);

/* By what is there. VERDICT_IS_COUNTED: it counts, unless a rule of the catalogue refuses it. */
enum verdict verdicts_decide(const struct rebuilt *rebuilt, const struct arrival *arrival);

/* What must hold of the report whatever else was reported: FINDING_COUNT, or what refuses it. */
enum finding_code verdicts_objection(const struct rebuilt *rebuilt, const struct catalogue *catalogue,
                                     const struct arrival *arrival);

/* Says if the recorded verdict is not the expected one. */
void verdicts_expect(struct rebuilt *rebuilt, const struct arrival *arrival, enum verdict found,
                     enum verdict expected);

/* The report is the current one now. */
void verdicts_put(struct rebuilt *rebuilt, const struct arrival *arrival);

#endif

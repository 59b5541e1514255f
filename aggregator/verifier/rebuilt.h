/* The city as the ledger's leaves so far make it: catalogue, register, agents, periods, reports. */
#ifndef PARKTALLY_VERIFIER_REBUILT_H
#define PARKTALLY_VERIFIER_REBUILT_H

#include "aggregator/verifier/faults.h"
#include "aggregator/verifier/keys.h"
#include "aggregator/verifier/parties.h"
#include "aggregator/verifier/reports.h"
#include "common/codec.h"
#include "common/register.h"

#include <glib.h>

/* What a submission or an act said, for who has its receipt. */
struct said {
  uint8_t id[SEAL_HASH_SIZE];
  const char *agent; /* of the party that said it */
  uint64_t sequence;
  uint32_t verdicts[VERDICT_IS_WAITING_UNIT + 1]; /* reports by verdict */
  const struct refusal *exceptions;               /* the leaf's */
  size_t exception_count;
};

struct rebuilt {
  struct faults *faults;
  const struct keys *keys;     /* of the ledger, all that it ever has */
  uint64_t leaf;               /* that is looked at */
  int64_t recorded_ms;         /* of it */
  int64_t first_ms;            /* of the first one */
  GHashTable *catalogues;      /* hash → struct catalogue: whichever was in force */
  struct catalogue *catalogue; /* in force; NULL at first */
  struct unit_register *units;
  uint64_t epoch; /* the last that began; 0: it was never restored from a backup */
  bool paused;    /* since then, until somebody resumes */
  struct parties parties;
  struct reports *reports;
  GHashTable *ids;      /* of submissions and acts → leaf */
  GArray *applications; /* struct application: private */
  GArray *period_acts;  /* struct period_act: private */
  GHashTable *names;    /* units that reported */
  uint64_t submissions, acts, verdicts[VERDICT_IS_WAITING_UNIT + 1];
};

/* The keys are the caller's. */
struct rebuilt *rebuilt_new(struct faults *faults, const struct keys *keys);
void rebuilt_free(struct rebuilt *rebuilt);
CLEANUP_DEFINE(struct rebuilt, rebuilt_free)

/* The next leaf. `ret_said` is filled in of one that was sent: false of others. What is wrong is said, and
 * the leaf carried out as it is, as far as it can be. */
bool rebuilt_apply(struct rebuilt *rebuilt, const struct leaf *leaf, struct said *ret_said);

/* The ledger was restored from a backup and begins this epoch: open invitations are void, and nothing is
 * taken until somebody resumes. */
void rebuilt_restore(struct rebuilt *rebuilt, uint64_t epoch);

/* Whether the last act of an operator about the area closed the form's period; area CATALOGUE_NONE: whether
 * it is closed for each area that reports. */
bool rebuilt_is_closed(const struct rebuilt *rebuilt, const char *form, struct period period, int area);

/* Whether the park has applied for the unit's registration, and was not declined. */
bool rebuilt_is_applied_for(const struct rebuilt *rebuilt, const char *park, const char *unit);

#endif

/* Judging a submission as far as a snapshot goes: seal, agent, catalogue, form, period, and the rules for
 * each report. An act of a park comes the same way, and has a seal and an agent alone. What depends on what
 * was reported before is decided by posting, in the writer. No I/O; any thread. */
#ifndef PARKTALLY_AGGREGATOR_JUDGE_H
#define PARKTALLY_AGGREGATOR_JUDGE_H

#include "aggregator/quota.h"
#include "aggregator/snapshot.h"
#include "common/cleanup.h"
#include "common/codec.h"
#include "common/finding.h"
#include "common/formula.h"
#include "common/rule.h"
#include "common/submission.h"

#include <glib.h>

/* Bytes of the heap that a judged submission takes at most, beside what is sealed; an array that grows may be
 * half empty. */
#define JUDGED_MOST                                                                                          \
  (LIMIT_SUBMISSION_ARENA + sizeof(struct judged) +                                                          \
   LIMIT_REPORTS * (sizeof(struct unit_version *) + 2 * sizeof(bool) + 2 * sizeof(struct row_refusal)))

struct row_refusal { /* of a report that a rule refuses */
  uint32_t row;
  enum finding_code code;
  int column;
};

/* A submission, or an act, and what was found. */
struct judged {
  GBytes *sealed;
  uint8_t key_id[SEAL_HASH_SIZE]; /* that it claims to be sealed by */
  uint8_t id[SUBMISSION_ID_SIZE];
  enum finding_code fault; /* why it is refused whole, or FINDING_COUNT */
  char fault_text[256];    /* English, with what was found and expected */

  struct snapshot *snapshot; /* by which it was judged */
  const struct agent_record *agent;
  struct catalogue *catalogue; /* the one that it names */
  int form;
  struct period period;
  uint64_t sequence;    /* of the agent */
  struct park_act *act; /* or NULL, and all that follows is of a submission */
  struct submission *submission;
  GArray *refusals; /* struct row_refusal, by row */
  /* By row, the version of the unit that governs the report; NULL of a row that is refused. They belong to
   * the snapshot's register. NULL as a whole where nothing was judged. */
  const struct unit_version **versions;
  /* By row, whether its figures keep every rule of the catalogue that can refuse them and looks at nothing
   * else: all that such a rule sees of a unit's first report. NULL where nothing was judged. */
  bool *sound;
  /* By row, whether it is sound and keeps those that look at other reports of its unit too, as of so many
   * leaves; `books` are those that were looked at, by tense. NULL where nobody looked (hindsight.h). */
  bool *upheld;
  uint64_t leaves;
  int64_t books[TENSE_COUNT];
  bool clock_off; /* its clock is ahead of ours by more than LIMIT_CLOCK_SKEW_MS */

  struct quota *quota; /* a reference of where `share` goes back to when it is freed; or NULL */
  size_t share;
};

/* Takes a reference of `sealed`. The seal is verified before anything of the payload is decoded. `now_ms` is
 * our wall clock; `claimed_id` may be NULL. */
struct judged *judge_submission(struct snapshot *snapshot, GBytes *sealed, const uint8_t *claimed_id,
                                int64_t now_ms);

/* Judges again by another snapshot; the seal is not verified a second time, revocation is. */
void judge_again(struct judged *judged, struct snapshot *snapshot, int64_t now_ms);

/* A submission out of the ledger: bound to its catalogue, nothing is judged. NULL if the leaf is damaged. */
struct judged *judge_recorded(struct snapshot *snapshot, const uint8_t *sealed, size_t length);

/* Whether its fault is one that came with time, the clock's or an operator's act, which closed a period or
 * took a right: then the submission may have been acknowledged before, and its receipt is to be looked for.
 */
bool judged_may_be_known(const struct judged *judged);

/* What a rule found in the row and what it expected. */
void judged_explain(const struct judged *judged, const struct row_refusal *refusal,
                    struct rule_result *ret_result);

/* Bytes that it takes at most, also when it is judged again. */
size_t judged_memory(const struct judged *judged);

void judged_free(struct judged *judged);
CLEANUP_DEFINE(struct judged, judged_free)

#endif

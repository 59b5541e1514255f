/* Acts: everything besides a submission that becomes a leaf: what operators do, and enrolments. The same code
 * applies them live and in replay. */
#ifndef PARKTALLY_AGGREGATOR_ACT_H
#define PARKTALLY_AGGREGATOR_ACT_H

#include "aggregator/snapshot.h"
#include "aggregator/store/store.h"
#include "aggregator/tables.h"
#include "common/codec.h"

#include <glib.h>
#include <stdbool.h>

/* What is asked of the writer: a leaf without its time. Owned by whoever asks; copied into the leaf's bytes.
 */
struct act {
  enum leaf_kind kind; /* any but of what comes sealed */
  const char *by, *reason;
  /* LEAF_EXAMINATION, LEAF_ASK, LEAF_ACCEPT, LEAF_CONSENT, LEAF_DECLINE, LEAF_EDITION, LEAF_EPOCH,
   * LEAF_RESUME, LEAF_NOTE: the leaf, with by and reason, which must live until the act is done; else NULL.
   */
  const struct leaf *leaf;
  GBytes *text; /* catalogue, register; of an enrolment what returns */
  struct {
    uint8_t secret_hash[SEAL_HASH_SIZE];
    const char *area;
    enum agent_role role;
    const char *const *forms;
    size_t form_count;
    int64_t expires_ms;
  } invitation;
  const struct join_record *join; /* enrolment */
  const char *agent;              /* revocation */
  struct {
    enum period_action action;
    const char *form, *period;
    const char *area; /* "": everybody */
  } period;
};

/* Applies the leaf at `position` to store and tables; `*snapshot` is replaced where the act changes it. False
 * and `error` if it cannot be applied: live, the act is refused and leaves no trace; in replay the ledger is
 * damaged. */
bool act_apply(struct store *store, struct tables *tables, struct snapshot **snapshot,
               const struct leaf *leaf, uint64_t position, GError **error);

#endif

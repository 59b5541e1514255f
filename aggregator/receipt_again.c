#include "aggregator/receipt_again.h"

#include "common/codec.h"
#include "common/limits.h"
#include "common/submission.h"

/* What became of its reports, as the writer counted them (posting.c): each exception is one report's. */
static void count(struct receipt *receipt, size_t reports, const struct refusal *exceptions, size_t count)
{
  receipt->counted = (uint32_t)reports;
  for (size_t n = 0; n < count; n++) {
    switch (exceptions[n].verdict) {
    case VERDICT_IS_COUNTED:
      continue;
    case VERDICT_IS_UNCHANGED:
      receipt->unchanged++;
      break;
    case VERDICT_IS_STALE:
      receipt->stale++;
      break;
    case VERDICT_IS_WAITING:
    case VERDICT_IS_WAITING_UNIT:
      receipt->waiting++;
      break;
    case VERDICT_IS_REFUSED:
      receipt->refused++;
      break;
    }
    receipt->counted--;
  }
  receipt->refusals = exceptions;
  receipt->refusal_count = MIN(count, LIMIT_REFUSALS_INLINE);
  receipt->refusals_total = (uint32_t)count;
}

static bool put(struct store *store, const struct identity *identity, uint64_t position,
                const struct tree_head *head, struct receipt *receipt)
{
  struct merkle_proof path;
  uint8_t leaf_hash[MERKLE_HASH_SIZE];
  g_autoptr(GByteArray) payload = NULL, sealed = NULL;

  if (!proof_inclusion(store, position, head, leaf_hash, &path)) return false;
  receipt->position = position;
  receipt->tree_size = head->size;
  receipt->tree_epoch = head->epoch;
  receipt->tree_root = (struct bytes_view){head->root, MERKLE_HASH_SIZE};
  receipt->leaf_hash = (struct bytes_view){leaf_hash, sizeof leaf_hash};
  receipt->path = (struct hashes_view){(const uint8_t(*)[SEAL_HASH_SIZE])path.hash, path.count};
  payload = receipt_encode(receipt);
  sealed = identity_seal(identity, SEAL_RECEIPT, payload->data, payload->len, NULL);
  store_receipt_put(store, receipt->submission.data, sealed->data, sealed->len);
  return true;
}

static bool of_submission(struct store *store, const struct identity *identity, uint64_t position,
                          const struct tree_head *head, const struct leaf *leaf)
{
  const struct bytes_view *sealed = &leaf->submission.sealed;
  struct receipt receipt = {.recorded_at_ms = leaf->recorded_at_ms,
                            .findings = leaf->submission.findings,
                            .finding_count = leaf->submission.finding_count};
  CLEANUP(submission_free) struct submission *submission = NULL;
  const uint8_t *payload;
  size_t length;
  uint8_t id[SUBMISSION_ID_SIZE];

  if (seal_peek(sealed->data, sealed->length, SEAL_SUBMISSION, &payload, &length))
    submission = submission_decode(payload, length);
  if (!submission) return false;
  seal_hash(payload, length, id);
  receipt.submission = (struct bytes_view){id, sizeof id};
  receipt.agent = submission_head(submission)->agent;
  receipt.sequence = submission_head(submission)->sequence;
  count(&receipt, submission_size(submission), leaf->submission.exceptions, leaf->submission.exception_count);
  return put(store, identity, position, head, &receipt);
}

static bool of_act(struct store *store, const struct identity *identity, uint64_t position,
                   const struct tree_head *head, const struct leaf *leaf)
{
  const struct bytes_view *sealed = &leaf->park_act.sealed;
  struct receipt receipt = {.recorded_at_ms = leaf->recorded_at_ms};
  CLEANUP(park_act_free) struct park_act *act = NULL;
  const uint8_t *payload;
  size_t length;
  uint8_t id[SUBMISSION_ID_SIZE];

  if (seal_peek(sealed->data, sealed->length, SEAL_ACT, &payload, &length))
    act = park_act_decode(payload, length);
  if (!act) return false;
  seal_hash(payload, length, id);
  receipt.submission = (struct bytes_view){id, sizeof id};
  receipt.agent = act->agent;
  receipt.sequence = act->sequence;
  count(&receipt, 1, leaf->park_act.exceptions, leaf->park_act.exception_count);
  return put(store, identity, position, head, &receipt);
}

bool receipt_again(struct store *store, const struct identity *identity, uint64_t position,
                   const struct tree_head *head)
{
  g_autoptr(GBytes) body = store_leaf(store, position);
  CLEANUP(leaf_free)
  struct leaf *leaf = body ? leaf_decode(g_bytes_get_data(body, NULL), g_bytes_get_size(body)) : NULL;

  if (!leaf) return false;
  return leaf->kind == LEAF_PARK_ACT ? of_act(store, identity, position, head, leaf)
                                     : of_submission(store, identity, position, head, leaf);
}

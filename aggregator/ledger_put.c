#include "aggregator/ledger_put.h"

#include "common/codec.h"
#include "common/submission.h"

#include <string.h>

/* Where in the body the sealed bytes stand, which parts begin with; 0 of other kinds. */
static size_t sealed_at(const struct leaf *leaf, const uint8_t *body, size_t length)
{
  const struct bytes_view *sealed = &leaf->submission.sealed;
  const uint8_t *at;

  if (leaf->kind != LEAF_SUBMISSION) return 0;
  at = memmem(body, length, sealed->data, sealed->length);
  return at ? (size_t)(at - body) : 0;
}

/* What the store knows of a submission, or act, besides its leaf: as add_submission() of group.c has it. */
static bool note_submission(struct store *store, const struct leaf *leaf, uint64_t position)
{
  bool is_act = leaf->kind == LEAF_PARK_ACT;
  const struct bytes_view *sealed = is_act ? &leaf->park_act.sealed : &leaf->submission.sealed;
  CLEANUP(park_act_free) struct park_act *act = NULL;
  CLEANUP(submission_free) struct submission *submission = NULL;
  const uint8_t *payload;
  size_t length;
  uint8_t id[SUBMISSION_ID_SIZE];

  if (!is_act && leaf->kind != LEAF_SUBMISSION) return true;
  if (!seal_peek(sealed->data, sealed->length, is_act ? SEAL_ACT : SEAL_SUBMISSION, &payload, &length))
    return false;
  seal_hash(payload, length, id);
  if (is_act)
    act = park_act_decode(payload, length);
  else
    submission = submission_decode(payload, length);
  if (!act && !submission) return false;
  store_submission_add(store, id, position, act ? act->agent : submission_head(submission)->agent,
                       act ? act->sequence : submission_head(submission)->sequence);
  return true;
}

bool ledger_put_leaf(struct store *store, uint64_t position, const uint8_t *data, size_t length)
{
  CLEANUP(leaf_free) struct leaf *leaf = leaf_decode(data, length);
  uint8_t hash[MERKLE_HASH_SIZE];

  if (!leaf || !note_submission(store, leaf, position)) return false;
  merkle_leaf_hash(data, length, hash);
  store_leaf_add(store, position, leaf->kind, leaf->recorded_at_ms, data, length,
                 sealed_at(leaf, data, length), hash);
  return true;
}

bool ledger_put_receipt(struct store *store, const struct key_chain *keys, const uint8_t *data, size_t length,
                        uint64_t *ret_position)
{
  CLEANUP(receipt_free) struct receipt *receipt = key_chain_open_receipt(keys, data, length, NULL);
  uint64_t position;

  if (!receipt || !store_submission_position(store, receipt->submission.data, &position) ||
      position != receipt->position)
    return false;
  store_receipt_put(store, receipt->submission.data, data, length);
  if (ret_position) *ret_position = position;
  return true;
}

static void put_node(unsigned level, uint64_t number, const uint8_t hash[static MERKLE_HASH_SIZE], void *data)
{
  if (level > 0 && level % MERKLE_STRIDE == 0) store_node_put(data, level, number, hash);
}

bool ledger_put_tree(struct store *store, uint64_t size, struct merkle *ret_tree)
{
  uint8_t hashes[LEDGER_PUT_STEP][MERKLE_HASH_SIZE];
  struct merkle tree;

  merkle_init(&tree);
  for (uint64_t n = 0; n < size; n += LEDGER_PUT_STEP) {
    size_t count = MIN(size - n, LEDGER_PUT_STEP);

    if (!store_nodes(store, 0, n, count, hashes)) return false;
    for (size_t i = 0; i < count; i++) merkle_append_telling(&tree, hashes[i], put_node, store);
  }
  store_tree_put(store, &tree);
  *ret_tree = tree;
  return true;
}

#include "aggregator/proof.h"

#include "aggregator/store/epochs.h"
#include "common/log.h"
#include "common/text.h"

#include <string.h>

/* A set of proofs as merkle_is_*() take them. */
typedef const uint8_t hash_row[MERKLE_HASH_SIZE];

static bool read_nodes(unsigned level, uint64_t first, size_t count, uint8_t (*ret_hashes)[MERKLE_HASH_SIZE],
                       void *data)
{
  return store_nodes(data, level, first, count, ret_hashes);
}

bool proof_head(struct store *store, struct tree_head *ret_head)
{
  struct merkle tree;

  store_tree(store, &tree);
  if (store_error(store)) return false;
  ret_head->size = tree.size;
  ret_head->epoch = store_epoch_at(store, tree.size);
  merkle_root(&tree, ret_head->root);
  return true;
}

bool proof_head_of(struct store *store, uint64_t size, struct tree_head *ret_head)
{
  struct tree_head now, then = {.size = size};
  struct merkle_proof proof;

  if (!proof_head(store, &now) || !merkle_root_of(size, read_nodes, store, then.root) ||
      !merkle_prove_consistency(size, now.size, read_nodes, store, &proof))
    return false;
  if (!merkle_is_consistent(size, then.root, now.size, now.root, (hash_row *)proof.hash, proof.count)) {
    store_damaged_tree(store);
    return false;
  }
  then.epoch = store_epoch_at(store, size);
  *ret_head = then;
  return true;
}

GBytes *proof_sign(struct store *store, const struct identity *identity, const struct tree_head *head)
{
  struct signed_head content = {
      .size = head->size,
      .epoch = head->epoch,
      .root = {head->root, MERKLE_HASH_SIZE},
      .recorded_at_ms = head->size > 0 ? store_leaf_recorded(store, head->size - 1) : 0,
  };
  g_autoptr(GByteArray) payload = signed_head_encode(&content);

  return g_byte_array_free_to_bytes(identity_seal(identity, SEAL_HEAD, payload->data, payload->len, NULL));
}

bool proof_inclusion(struct store *store, uint64_t position, const struct tree_head *head,
                     uint8_t ret_hash[static MERKLE_HASH_SIZE], struct merkle_proof *ret_proof)
{
  uint8_t hash[1][MERKLE_HASH_SIZE];

  if (!store_nodes(store, 0, position, 1, hash) ||
      !merkle_prove_inclusion(position, head->size, read_nodes, store, ret_proof))
    return false;
  if (!merkle_is_included(hash[0], position, head->size, head->root, (hash_row *)ret_proof->hash,
                          ret_proof->count)) {
    store_damaged_tree(store);
    return false;
  }
  memcpy(ret_hash, hash[0], MERKLE_HASH_SIZE);
  return true;
}

bool proof_consistency(struct store *store, uint64_t before, const struct tree_head *head,
                       struct merkle_proof *ret_proof)
{
  uint8_t root[MERKLE_HASH_SIZE];

  if (!merkle_root_of(before, read_nodes, store, root) ||
      !merkle_prove_consistency(before, head->size, read_nodes, store, ret_proof))
    return false;
  if (merkle_is_consistent(before, root, head->size, head->root, (hash_row *)ret_proof->hash,
                           ret_proof->count))
    return true;
  store_damaged_tree(store);
  return false;
}

/* --- for an agent --- */

struct head_page {
  struct frame frame;
  GBytes *sealed;
  GArray *epochs; /* struct stored_epoch */
  struct bytes_view told[LIMIT_EPOCHS_TOLD];
  size_t count;
  struct consistency_item items[LIMIT_HEADS_TOLD];
  struct merkle_proof proofs[LIMIT_HEADS_TOLD];
};

static bool has_item(const struct head_page *page, uint64_t from)
{
  for (size_t n = 0; n < page->count; n++)
    if (page->items[n].from == from) return true;
  return false;
}

static bool add_item(struct head_page *page, struct store *store, const struct tree_head *head, uint64_t from)
{
  struct merkle_proof *proof = &page->proofs[page->count];

  if (from > head->size || has_item(page, from)) return true;
  if (!proof_consistency(store, from, head, proof)) return false;
  page->items[page->count++] = (struct consistency_item){from, {(hash_row *)proof->hash, proof->count}};
  return true;
}

/* The last ones, each with the proof that the ledger goes on from where it says. */
static bool add_epochs(struct head_page *page, struct store *store, const struct tree_head *head)
{
  guint first;

  page->epochs = store_epochs(store);
  first = page->epochs->len > LIMIT_EPOCHS_TOLD ? page->epochs->len - LIMIT_EPOCHS_TOLD : 0;
  for (guint n = first; n < page->epochs->len; n++) {
    const struct stored_epoch *epoch = &g_array_index(page->epochs, struct stored_epoch, n);
    struct bytes_view *told = &page->told[n - first];

    told->data = g_bytes_get_data(epoch->sealed, &told->length);
    if (!add_item(page, store, head, epoch->position)) return false;
  }
  page->frame.head.epochs = page->told;
  page->frame.head.epoch_count = page->epochs->len - first;
  return true;
}

static bool fill(struct head_page *page, struct store *store, const struct identity *identity,
                 const uint64_t *from, size_t count)
{
  struct tree_head head;

  if (!proof_head(store, &head)) return false;
  page->sealed = proof_sign(store, identity, &head);
  for (size_t n = 0; n < count && n < LIMIT_HEADS_ASKED; n++)
    if (!add_item(page, store, &head, from[n])) return false;
  return add_epochs(page, store, &head);
}

struct head_page *head_page_read(struct store *store, const struct identity *identity, const uint64_t *from,
                                 size_t count)
{
  CLEANUP(head_page_free) struct head_page *page = g_new0(struct head_page, 1);
  g_autoptr(GError) error = NULL;
  bool filled;

  store_begin(store);
  filled = fill(page, store, identity, from, count);
  if (!store_commit(store, &error) || !filled) {
    log_say(LOG_LEVEL_ERROR, "proof.failed", "%s", error ? error->message : _("the ledger cannot be read"));
    return NULL;
  }
  page->frame.kind = FRAME_HEAD;
  page->frame.head.sealed.data = g_bytes_get_data(page->sealed, &page->frame.head.sealed.length);
  page->frame.head.items = page->items;
  page->frame.head.count = page->count;
  return g_steal_pointer(&page);
}

void head_page_free(struct head_page *page)
{
  if (!page) return;
  if (page->sealed) g_bytes_unref(page->sealed);
  if (page->epochs) g_array_unref(page->epochs);
  g_free(page);
}

const struct frame *head_page_frame(const struct head_page *page)
{
  return &page->frame;
}

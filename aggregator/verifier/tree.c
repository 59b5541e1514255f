/* Checks that the leaves are those that were signed: that the tree over them (RFC 6962 §2.1) has the head's
 * size and root, and had those of every earlier head at its size (proto/README.md, "One history"). */
#include "aggregator/verifier/tree.h"

#include "common/text.h"

#include <inttypes.h>
#include <string.h>

/* A root that the tree of so many leaves is to have. */
struct expected_root {
  uint8_t root[MERKLE_HASH_SIZE];
  char *whose; /* as it stands in a sentence */
};

static void expected_free(void *data)
{
  struct expected_root *expected = data;
  g_free(expected->whose);
  g_free(expected);
}

static int by_size(const void *left, const void *right, void *data)
{
  uint64_t a = (uint64_t)(uintptr_t)left, b = (uint64_t)(uintptr_t)right;
  (void)data;
  return a < b ? -1 : a > b;
}

void tree_init(struct tree *tree, struct faults *faults, const struct keys *keys)
{
  memset(tree, 0, sizeof *tree);
  tree->faults = faults;
  tree->keys = keys;
  merkle_init(&tree->leaves);
  tree->head = g_byte_array_new();
  tree->restores = g_array_new(FALSE, FALSE, sizeof(struct restore));
  tree->claims = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  tree->expected = g_tree_new_full(by_size, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);
}

void tree_finish(struct tree *tree)
{
  g_byte_array_unref(tree->head);
  g_array_unref(tree->restores);
  g_ptr_array_unref(tree->claims);
  g_tree_unref(tree->expected);
}

void tree_set_head(struct tree *tree, const uint8_t *sealed, size_t length)
{
  g_byte_array_append(tree->head, sealed, (unsigned)length);
}

void tree_claim(struct tree *tree, GBytes *sealed)
{
  g_ptr_array_add(tree->claims, g_bytes_ref(sealed));
}

static void compare_root(struct tree *tree, const struct expected_root *expected)
{
  uint8_t root[MERKLE_HASH_SIZE];
  merkle_root(&tree->leaves, root);
  if (memcmp(root, expected->root, sizeof root) == 0) return;
  g_autofree char *found = text_hex(root, sizeof root), *wanted = text_hex(expected->root, sizeof root);
  faults_add(tree->faults, NO_LEAF,
             _("the tree of the first %" PRIu64 " leaves has the root %s, %s says %s: this is not the ledger "
               "that was signed then"),
             tree->leaves.size, found, expected->whose, wanted);
}

/* Those of the tree of now. */
static void compare_roots(struct tree *tree)
{
  void *size = (void *)(uintptr_t)tree->leaves.size;
  const GPtrArray *expected = g_tree_lookup(tree->expected, size);
  for (unsigned n = 0; expected && n < expected->len; n++) compare_root(tree, expected->pdata[n]);
  if (expected) g_tree_remove(tree->expected, size);
}

void tree_expect(struct tree *tree, uint64_t size, const uint8_t root[static MERKLE_HASH_SIZE],
                 const char *whose)
{
  GPtrArray *all = g_tree_lookup(tree->expected, (void *)(uintptr_t)size);
  if (!all) {
    all = g_ptr_array_new_with_free_func(expected_free);
    g_tree_insert(tree->expected, (void *)(uintptr_t)size, all);
  }
  struct expected_root *expected = g_new0(struct expected_root, 1);
  expected->whose = g_strdup(whose);
  memcpy(expected->root, root, sizeof expected->root);
  g_ptr_array_add(all, expected);
  compare_roots(tree);
}

/* --- restores --- */

bool tree_is_lost(const struct tree *tree, uint64_t epoch, uint64_t size)
{
  bool goes_on_from_it = epoch == 0, went_back = false;
  for (unsigned n = 0; n < tree->restores->len; n++) {
    const struct restore *restore = &g_array_index(tree->restores, struct restore, n);
    if (restore->epoch > epoch && restore->size < size) return true;
    goes_on_from_it = goes_on_from_it || restore->epoch == epoch;
    went_back = went_back || restore->epoch > epoch;
  }
  return went_back && !goes_on_from_it;
}

uint64_t tree_restored(struct tree *tree, struct bytes_view sealed, uint64_t epoch_before)
{
  CLEANUP(epoch_free) struct epoch *epoch = NULL;
  uint8_t root[MERKLE_HASH_SIZE];
  struct bytes_view payload;
  uint64_t position = tree->leaves.size;
  if (keys_open_at(tree->keys, position, sealed, SEAL_EPOCH, &payload) != SEAL_OK)
    faults_add(tree->faults, position, _("the epoch is not signed by the ledger's key"));
  if (seal_peek(sealed.data, sealed.length, SEAL_EPOCH, &payload.data, &payload.length))
    epoch = epoch_decode(payload.data, payload.length);
  merkle_root(&tree->leaves, root);
  if (!epoch || epoch->before != epoch_before || epoch->size != position ||
      memcmp(epoch->root.data, root, sizeof root) != 0)
    faults_add(tree->faults, position, _("this epoch does not go on from the leaves before it"));
  return epoch ? epoch->number : 0;
}

/* --- what was signed --- */

/* NULL, and it is said, if it is not signed by a key of the ledger's that could. */
static struct signed_head *open_head(struct tree *tree, const uint8_t *sealed, size_t length,
                                     const char *whose, const struct key **ret_key)
{
  CLEANUP(signed_head_free) struct signed_head *head = NULL;
  struct bytes_view payload;
  enum seal_status status =
      keys_open(tree->keys, (struct bytes_view){sealed, length}, SEAL_HEAD, &payload, ret_key);
  if (status == SEAL_OK) head = signed_head_decode(payload.data, payload.length);
  if (status == SEAL_OTHER_KEY) {
    faults_add(tree->faults, NO_LEAF, _("%s is signed by another key than the ledger's"), whose);
  } else if (!head) {
    faults_add(tree->faults, NO_LEAF, _("%s is not signed: its seal is damaged or forged"), whose);
  } else if (!key_may_seal(*ret_key, head->epoch, head->size)) {
    faults_add(tree->faults, NO_LEAF, _("%s is signed by a key that was changed before that"), whose);
    return NULL;
  }
  return g_steal_pointer(&head);
}

static void take_own_head(struct tree *tree)
{
  const char *whose = _("the head of this export");
  const struct key *key;
  CLEANUP(signed_head_free)
  struct signed_head *head = open_head(tree, tree->head->data, tree->head->len, whose, &key);
  if (!head) return;
  if (key != keys_present(tree->keys))
    faults_add(tree->faults, NO_LEAF, _("%s is signed by a key that was changed before that"), whose);
  tree->is_sealed = true;
  tree->size = head->size;
  tree->epoch = head->epoch;
  tree->recorded_ms = head->recorded_at_ms;
  memcpy(tree->root, head->root.data, sizeof tree->root);
}

static void take_claims(struct tree *tree)
{
  for (unsigned n = 0; n < tree->claims->len; n++) {
    size_t length;
    const uint8_t *sealed = g_bytes_get_data(tree->claims->pdata[n], &length);
    g_autofree char *whose = g_strdup_printf(_("earlier head no. %u"), n + 1);
    const struct key *key;
    CLEANUP(signed_head_free) struct signed_head *head = open_head(tree, sealed, length, whose, &key);
    if (!head) continue;
    if (tree_is_lost(tree, head->epoch, head->size))
      tree->lost++;
    else
      tree_expect(tree, head->size, head->root.data, whose);
  }
}

void tree_open(struct tree *tree)
{
  take_own_head(tree);
  take_claims(tree);
}

/* --- the leaves --- */

void tree_add(struct tree *tree, const uint8_t *leaf, size_t length)
{
  merkle_leaf_hash(leaf, length, tree->leaf_hash);
  merkle_append(&tree->leaves, tree->leaf_hash);
  compare_roots(tree);
}

void tree_end(struct tree *tree, int64_t recorded_ms, uint64_t epoch)
{
  uint8_t root[MERKLE_HASH_SIZE];
  for (GTreeNode *node = g_tree_node_first(tree->expected); node; node = g_tree_node_next(node)) {
    const GPtrArray *all = g_tree_node_value(node);
    for (unsigned n = 0; n < all->len; n++) {
      const struct expected_root *expected = all->pdata[n];
      faults_add(
          tree->faults, NO_LEAF,
          _("%s is of %" PRIu64 " leaves, this export has %" PRIu64 ": it is older, or leaves were cut off"),
          expected->whose, (uint64_t)(uintptr_t)g_tree_node_key(node), tree->leaves.size);
    }
  }
  if (!tree->is_sealed) return;
  merkle_root(&tree->leaves, root);
  if (tree->size != tree->leaves.size)
    faults_add(tree->faults, NO_LEAF, _("found %" PRIu64 " leaves, the head says %" PRIu64),
               tree->leaves.size, tree->size);
  else if (memcmp(root, tree->root, sizeof root) != 0)
    faults_add(tree->faults, NO_LEAF,
               _("the tree of the leaves has another root than the head: leaves were altered"));
  else if (recorded_ms != tree->recorded_ms || epoch != tree->epoch)
    faults_add(tree->faults, NO_LEAF, _("the head says another time or epoch than its last leaf"));
}

/* Checks that the leaves are those that were signed: that the tree over them (RFC 6962 §2.1) has the head's
 * size and root, and had those of every earlier head at its size (proto/README.md, "One history"). */
#include "aggregator/verifier/tree.h"

#include "common/text.h"

#include <inttypes.h>
#include <string.h>

static void clear_expected(void *data)
{
  struct expected_root *expected = data;
  g_free(expected->whose);
}

void tree_init(struct tree *tree, struct faults *faults)
{
  memset(tree, 0, sizeof *tree);
  tree->faults = faults;
  merkle_init(&tree->leaves);
  tree->head = g_byte_array_new();
  tree->claims = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  tree->expected = g_array_new(FALSE, FALSE, sizeof(struct expected_root));
  g_array_set_clear_func(tree->expected, clear_expected);
}

void tree_finish(struct tree *tree)
{
  g_byte_array_unref(tree->head);
  g_ptr_array_unref(tree->claims);
  g_array_unref(tree->expected);
}

void tree_set_head(struct tree *tree, const uint8_t *sealed, size_t length)
{
  g_byte_array_append(tree->head, sealed, (unsigned)length);
}

void tree_claim(struct tree *tree, GBytes *sealed)
{
  g_ptr_array_add(tree->claims, g_bytes_ref(sealed));
}

void tree_expect(struct tree *tree, uint64_t size, const uint8_t root[static MERKLE_HASH_SIZE],
                 const char *whose)
{
  struct expected_root expected = {.size = size, .whose = g_strdup(whose)};
  memcpy(expected.root, root, sizeof expected.root);
  g_array_append_val(tree->expected, expected);
}

/* --- what was signed --- */

/* NULL, and it is said, if it is not signed by the ledger's key. */
static struct signed_head *open_head(struct tree *tree, const uint8_t *sealed, size_t length,
                                     const char *whose)
{
  const uint8_t *payload;
  size_t payload_length;
  struct signed_head *head = NULL;
  enum seal_status status =
      seal_open(sealed, length, SEAL_HEAD, tree->sign_key, &payload, &payload_length, NULL);
  if (status == SEAL_OK) head = signed_head_decode(payload, payload_length);
  if (status == SEAL_OTHER_KEY)
    faults_add(tree->faults, NO_LEAF, _("%s is signed by another key than the ledger's"), whose);
  else if (!head)
    faults_add(tree->faults, NO_LEAF, _("%s is not signed: its seal is damaged or forged"), whose);
  return head;
}

static void take_own_head(struct tree *tree)
{
  CLEANUP(signed_head_free)
  struct signed_head *head = open_head(tree, tree->head->data, tree->head->len, _("the head of this export"));
  if (!head) return;
  tree->is_sealed = true;
  tree->size = head->size;
  tree->recorded_ms = head->recorded_at_ms;
  memcpy(tree->root, head->root.data, sizeof tree->root);
}

static void take_claims(struct tree *tree)
{
  for (unsigned n = 0; n < tree->claims->len; n++) {
    size_t length;
    const uint8_t *sealed = g_bytes_get_data(tree->claims->pdata[n], &length);
    g_autofree char *whose = g_strdup_printf(_("earlier head no. %u"), n + 1);
    CLEANUP(signed_head_free) struct signed_head *head = open_head(tree, sealed, length, whose);
    if (head) tree_expect(tree, head->size, head->root.data, whose);
  }
}

static int by_size(const void *left, const void *right)
{
  const struct expected_root *a = left, *b = right;
  return a->size < b->size ? -1 : a->size > b->size;
}

static void compare_roots(struct tree *tree)
{
  for (; tree->next < tree->expected->len; tree->next++) {
    const struct expected_root *expected = &g_array_index(tree->expected, struct expected_root, tree->next);
    uint8_t root[MERKLE_HASH_SIZE];
    if (expected->size > tree->leaves.size) return;
    merkle_root(&tree->leaves, root);
    if (memcmp(root, expected->root, sizeof root) == 0) continue;
    g_autofree char *found = text_hex(root, sizeof root), *wanted = text_hex(expected->root, sizeof root);
    faults_add(tree->faults, NO_LEAF,
               _("the tree of the first %" PRIu64
                 " leaves has the root %s, %s says %s: this is not the ledger "
                 "that was signed then"),
               expected->size, found, expected->whose, wanted);
  }
}

void tree_set_key(struct tree *tree, const uint8_t sign_key[static SEAL_PUBLIC_KEY_SIZE])
{
  memcpy(tree->sign_key, sign_key, sizeof tree->sign_key);
  seal_key_id(sign_key, tree->key_id);
  tree->has_key = true;
  take_own_head(tree);
  take_claims(tree);
}

/* --- the leaves --- */

void tree_add(struct tree *tree, const uint8_t *leaf, size_t length)
{
  uint8_t hash[MERKLE_HASH_SIZE];
  if (tree->leaves.size == 0) {
    g_array_sort(tree->expected, by_size);
    compare_roots(tree);
  }
  merkle_leaf_hash(leaf, length, hash);
  merkle_append(&tree->leaves, hash);
  compare_roots(tree);
}

void tree_end(struct tree *tree, int64_t recorded_ms)
{
  uint8_t root[MERKLE_HASH_SIZE];
  for (; tree->next < tree->expected->len; tree->next++) {
    const struct expected_root *expected = &g_array_index(tree->expected, struct expected_root, tree->next);
    faults_add(
        tree->faults, NO_LEAF,
        _("%s is of %" PRIu64 " leaves, this export has %" PRIu64 ": it is older, or leaves were cut off"),
        expected->whose, expected->size, tree->leaves.size);
  }
  if (!tree->is_sealed) return;
  merkle_root(&tree->leaves, root);
  if (tree->size != tree->leaves.size)
    faults_add(tree->faults, NO_LEAF, _("found %" PRIu64 " leaves, the head says %" PRIu64),
               tree->leaves.size, tree->size);
  else if (memcmp(root, tree->root, sizeof root) != 0)
    faults_add(tree->faults, NO_LEAF,
               _("the tree of the leaves has another root than the head: leaves were altered"));
  else if (recorded_ms != tree->recorded_ms)
    faults_add(tree->faults, NO_LEAF, _("the head says another time than its last leaf"));
}

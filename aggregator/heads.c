#include "aggregator/heads.h"

#include <glib.h>
#include <string.h>

struct named {
  uint64_t size;
  uint8_t root[MERKLE_HASH_SIZE];
};

struct heads {
  GHashTable *named; /* size → struct named */
};

struct heads *heads_new(void)
{
  struct heads *heads = g_new0(struct heads, 1);

  heads->named = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
  return heads;
}

void heads_free(struct heads *heads)
{
  if (!heads) return;
  g_hash_table_unref(heads->named);
  g_free(heads);
}

void heads_name(struct heads *heads, uint64_t size, const uint8_t root[static MERKLE_HASH_SIZE])
{
  struct named *named;

  if (g_hash_table_contains(heads->named, &size)) return;
  named = g_new(struct named, 1);
  named->size = size;
  memcpy(named->root, root, sizeof named->root);
  g_hash_table_insert(heads->named, &named->size, named);
}

enum heads_match heads_match(const struct heads *heads, const struct merkle *tree)
{
  const struct named *named = g_hash_table_lookup(heads->named, &tree->size);
  uint8_t root[MERKLE_HASH_SIZE];

  if (!named) return HEADS_UNNAMED;
  merkle_root(tree, root);
  return memcmp(root, named->root, sizeof root) == 0 ? HEADS_SAME : HEADS_OTHER;
}

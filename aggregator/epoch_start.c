#include "aggregator/epoch_start.h"

#include "aggregator/epoch.h"
#include "aggregator/folder.h"
#include "aggregator/writer.h"
#include "common/clock.h"

static void keep_error(const GError *error, void *data)
{
  GError **kept = data;

  if (!*kept) *kept = g_error_copy(error);
}

static GBytes *seal(const char *folder, const struct identity *identity, uint64_t after, GError **error)
{
  g_autofree char *path = folder_path(folder, "store.db");
  CLEANUP(store_close) struct store *store = store_open(path, STORE_READ, error);
  g_autoptr(GBytes) sealed = NULL;

  if (!store) return NULL;
  store_begin(store);
  sealed = epoch_seal(store, identity, clock_wall().ms, after);
  return store_commit(store, error) ? g_steal_pointer(&sealed) : NULL;
}

/* Changes of keys that the ledger does not have: the epoch, which is signed with the present ones, brings
 * them along. */
static GArray *later_keys(const struct identity *identity, struct writer *writer)
{
  const GPtrArray *papers = identity_papers(identity);
  GArray *changes = g_array_new(FALSE, FALSE, sizeof(struct bytes_view));
  CLEANUP(snapshot_unref) struct snapshot *snapshot = present_get(writer_present(writer));

  for (guint n = snapshot->keys->papers->len; n < papers->len; n++) {
    struct bytes_view change;

    change.data = g_bytes_get_data(papers->pdata[n], &change.length);
    g_array_append_val(changes, change);
  }
  return changes;
}

bool epoch_start(const char *folder, const struct identity *identity, uint64_t after, const char *by,
                 const char *reason, GError **error)
{
  g_autoptr(GBytes) sealed = seal(folder, identity, after, error);
  g_autoptr(GError) failure = NULL;
  CLEANUP(writer_free) struct writer *writer = NULL;
  struct leaf leaf = {.kind = LEAF_EPOCH, .by = by, .reason = reason};
  struct act act = {.kind = LEAF_EPOCH, .leaf = &leaf};

  if (!sealed) return false;
  leaf.epoch.sealed.data = g_bytes_get_data(sealed, &leaf.epoch.sealed.length);
  writer = writer_new(folder, identity, keep_error, &failure, error);
  if (!writer) return false;
  g_autoptr(GArray) changes = later_keys(identity, writer);
  leaf.epoch.key_changes = (const struct bytes_view *)(const void *)changes->data;
  leaf.epoch.key_change_count = changes->len;
  return writer_act(writer, &act, NULL, error);
}

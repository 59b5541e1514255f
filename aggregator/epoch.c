#include "aggregator/epoch.h"

#include "aggregator/key_change.h"
#include "aggregator/store/epochs.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/merkle.h"
#include "common/text.h"

#include <inttypes.h>

/* The second of the restore as it is read, in UTC: 20261129191045. Counting the restores that a backup knows
 * would number two from the same one alike, and nobody could tell their ledgers apart. */
static uint64_t number_of(int64_t ms)
{
  g_autofree char *text = clock_format((struct wall_time){ms});
  uint64_t number = 0;

  for (const char *at = text; *at; at++)
    if (g_ascii_isdigit(*at)) number = number * 10 + (uint64_t)(*at - '0');
  return number;
}

GBytes *epoch_seal(struct store *store, const struct identity *identity, int64_t now_ms, uint64_t after)
{
  struct merkle tree;
  uint8_t root[MERKLE_HASH_SIZE];
  struct epoch epoch = {.restored_at_ms = now_ms, .root = {root, sizeof root}};
  g_autoptr(GByteArray) payload = NULL;

  store_tree(store, &tree);
  if (store_error(store)) return NULL;
  merkle_root(&tree, root);
  epoch.size = tree.size;
  epoch.before = store_epoch_at(store, tree.size);
  epoch.number = MAX(MAX(epoch.before, after) + 1, number_of(now_ms));
  payload = epoch_encode(&epoch);
  return g_byte_array_free_to_bytes(identity_seal(identity, SEAL_EPOCH, payload->data, payload->len, NULL));
}

static bool refuse(GError **error, const char *why)
{
  g_set_error_literal(error, PARKTALLY_ERROR, ERROR_USAGE, why);
  return false;
}

static bool begin(struct store *store, struct snapshot **snapshot, const struct leaf *leaf, uint64_t position,
                  GError **error)
{
  const struct bytes_view *sealed = &leaf->epoch.sealed;
  g_autoptr(GBytes) kept = g_bytes_new(sealed->data, sealed->length);
  CLEANUP(epoch_free) struct epoch *epoch = NULL;
  const uint8_t *payload;
  size_t length;

  if (seal_peek(sealed->data, sealed->length, SEAL_EPOCH, &payload, &length))
    epoch = epoch_decode(payload, length);
  if (!epoch || epoch->before != (*snapshot)->epoch || epoch->size != position)
    return refuse(error, _("this epoch does not go on from what the ledger is"));
  for (size_t n = 0; n < leaf->epoch.key_change_count; n++)
    if (!key_change_apply(store, snapshot, &leaf->epoch.key_changes[n], position, error)) return false;
  store_epoch_add(store, &(struct stored_epoch){.number = epoch->number,
                                                .position = position,
                                                .recorded_ms = leaf->recorded_at_ms,
                                                .sealed = kept});
  store_invitations_void(store);
  snapshot_replace(snapshot, position, snapshot_change_epoch(*snapshot, epoch->number, true));
  return true;
}

static bool resume(struct store *store, struct snapshot **snapshot, const struct leaf *leaf,
                   uint64_t position, GError **error)
{
  if (!(*snapshot)->paused || leaf->resume.epoch != (*snapshot)->epoch)
    return refuse(error, _("there is nothing to resume: figures are taken"));
  store_epoch_resume(store, leaf->resume.epoch);
  snapshot_replace(snapshot, position, snapshot_change_epoch(*snapshot, leaf->resume.epoch, false));
  return true;
}

bool epoch_apply(struct store *store, struct snapshot **snapshot, const struct leaf *leaf, uint64_t position,
                 GError **error)
{
  return leaf->kind == LEAF_EPOCH ? begin(store, snapshot, leaf, position, error)
                                  : resume(store, snapshot, leaf, position, error);
}

GPtrArray *epoch_lines(struct store *store)
{
  GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GArray) epochs = store_epochs(store);

  for (guint n = 0; n < epochs->len; n++) {
    const struct stored_epoch *epoch = &g_array_index(epochs, struct stored_epoch, n);

    g_ptr_array_add(lines, g_strdup_printf("%" PRIu64 " @%" PRIu64 " %" PRId64 " %d", epoch->number,
                                           epoch->position, epoch->recorded_ms, epoch->resumed));
  }
  return lines;
}

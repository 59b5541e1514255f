#include "aggregator/keys.h"

#include "aggregator/folder.h"
#include "aggregator/key_change.h"
#include "aggregator/store/epochs.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/key_chain.h"
#include "common/log.h"
#include "common/merkle.h"
#include "common/text.h"

#include <string.h>

/* --- changing --- */

/* The last tree that the present keys sign. */
static bool read_tree(const char *folder, struct key_change *change, GError **error)
{
  g_autofree char *path = folder_path(folder, "store.db");
  CLEANUP(store_close) struct store *store = store_open(path, STORE_READ, error);
  struct merkle tree;

  if (!store) return false;
  store_begin(store);
  store_tree(store, &tree);
  change->until = tree.size;
  change->epoch = store_epoch_at(store, tree.size);
  return store_commit(store, error);
}

bool keys_change(const char *folder, const char *by, const char *reason, GError **error)
{
  g_autofree char *path = folder_path(folder, KEYS_FILE);
  struct key_change change = {.agent = "", .changed_at_ms = clock_wall().ms, .by = by, .reason = reason};
  CLEANUP(identity_free) struct identity *present = identity_load(path, error);
  CLEANUP(identity_free) struct identity *next = NULL;

  if (!present || !read_tree(folder, &change, error)) return false;
  next = key_change_make(present, &change, error);
  if (!next) return false;
  identity_keep_former(next, present);
  return identity_replace(next, path, error);
}

bool keys_retire(const char *folder, GError **error)
{
  g_autofree char *path = folder_path(folder, KEYS_FILE);
  CLEANUP(identity_free) struct identity *identity = identity_load(path, error);

  if (!identity) return false;
  if (!identity_former_curve_secret(identity)) {
    g_set_error_literal(error, PARKTALLY_ERROR, ERROR_USAGE, _("there are no keys of before"));
    return false;
  }
  identity_forget_former(identity);
  return identity_replace(identity, path, error);
}

/* --- what the ledger knows --- */

static bool record(struct writer *writer, GBytes *paper, GError **error)
{
  struct leaf leaf = {.kind = LEAF_KEY, .by = "", .reason = ""};
  struct act act = {.kind = LEAF_KEY, .leaf = &leaf};
  CLEANUP(key_change_free) struct key_change *change = NULL;

  leaf.key.sealed.data = g_bytes_get_data(paper, &leaf.key.sealed.length);
  change = key_change_peek(&leaf.key.sealed);
  if (change) {
    leaf.by = change->by;
    leaf.reason = change->reason;
  }
  if (!writer_act(writer, &act, NULL, error)) return false;
  log_say(LOG_LEVEL_NOTICE, "keys.changed", "%s",
          _("from here on everything is signed with new keys; make a new “key backup”"));
  return true;
}

/* The ledger's keys are the first of those in the file. */
static bool leads_on(const struct key_chain *ledger, const struct key_chain *own)
{
  guint known = ledger->links->len;

  return known <= own->links->len &&
         memcmp(key_chain_present(ledger)->key_id,
                g_array_index(own->links, struct key_link, known - 1).key_id, SEAL_HASH_SIZE) == 0;
}

bool keys_catch_up(struct writer *writer, const struct identity *identity, GError **error)
{
  CLEANUP(snapshot_unref) struct snapshot *snapshot = present_get(writer_present(writer));
  CLEANUP(key_chain_unref) struct key_chain *own = NULL;

  if (!snapshot->keys) return true; /* a ledger that has no beginning yet */
  own = key_chain_of(identity, "", error);
  if (!own) return false;
  if (!leads_on(snapshot->keys, own)) {
    g_set_error_literal(error, PARKTALLY_ERROR, ERROR_CONFIG,
                        _("identity.key does not hold the keys with which the ledger goes on; it is an older "
                          "one, or another city's: put the newest “key backup” in its place"));
    return false;
  }
  for (guint n = snapshot->keys->papers->len; n < own->papers->len; n++)
    if (!record(writer, own->papers->pdata[n], error)) return false;
  return true;
}

#include "aggregator/key_change.h"

#include "aggregator/store/epochs.h"
#include "aggregator/store/inquiries.h"
#include "aggregator/store/keys.h"
#include "common/error.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

struct key_change *key_change_peek(const struct bytes_view *sealed)
{
  const uint8_t *payload;
  size_t length;

  return seal_peek(sealed->data, sealed->length, SEAL_KEY, &payload, &length)
             ? key_change_decode(payload, length)
             : NULL;
}

void key_change_begin(struct snapshot **snapshot, const struct leaf *leaf, uint64_t position)
{
  struct key_chain *keys = key_chain_new("", leaf->genesis.curve_key.data, leaf->genesis.sign_key.data);

  snapshot_replace(snapshot, position, snapshot_change_keys(*snapshot, keys));
}

static bool refuse(uint64_t position, GError **error)
{
  g_set_error(error, PARKTALLY_ERROR, ERROR_DATA,
              _("the ledger is damaged at leaf %" PRIu64 ": its change of keys does not follow from the keys "
                "before it"),
              position);
  return false;
}

static void put(struct store *store, const struct key_chain *keys, const struct bytes_view *sealed)
{
  store_key_change_add(store, keys->agent, keys->papers->len - 1, sealed->data, sealed->length);
}

static void change_agent(struct store *store, struct snapshot **snapshot, const struct agent_record *agent,
                         struct key_chain *keys, uint64_t position)
{
  const struct key_link *present = key_chain_present(keys);
  struct stored_agent changed = agent->stored;

  memcpy(changed.curve_key, present->curve_key, sizeof changed.curve_key);
  memcpy(changed.sign_key, present->sign_key, sizeof changed.sign_key);
  store_agent_put(store, &changed);
  store_area_state_put(store, changed.area, position + 1);
  snapshot_replace(snapshot, position, snapshot_change_agent_keys(*snapshot, &changed, keys));
}

bool key_change_apply(struct store *store, struct snapshot **snapshot, const struct bytes_view *sealed,
                      uint64_t position, GError **error)
{
  CLEANUP(key_change_free) struct key_change *change = key_change_peek(sealed);
  const struct agent_record *agent =
      change && *change->agent ? snapshot_agent(*snapshot, change->agent) : NULL;
  const struct key_chain *before = agent ? agent->keys : (*snapshot)->keys;
  CLEANUP(key_chain_unref) struct key_chain *keys = NULL;

  if (!change || !before || (*change->agent && !agent)) return refuse(position, error);
  if (agent && agent->stored.revoked_ms != 0) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE, _("agent “%s” is revoked already"), agent->stored.id);
    return false;
  }
  keys = key_chain_copy(before);
  if (!key_chain_add(keys, sealed->data, sealed->length)) return refuse(position, error);
  put(store, keys, sealed);
  if (!agent) store_invitations_void(store); /* they name the keys of before */
  if (agent)
    change_agent(store, snapshot, agent, g_steal_pointer(&keys), position);
  else
    snapshot_replace(snapshot, position, snapshot_change_keys(*snapshot, g_steal_pointer(&keys)));
  return true;
}

#include "aggregator/snapshot.h"

#include "aggregator/periods.h"
#include "aggregator/store/epochs.h"
#include "aggregator/store/keys.h"
#include "common/error.h"
#include "common/limits.h"
#include "common/text.h"

#include <string.h>

/* --- agents --- */

static void record_clear(void *record)
{
  struct agent_record *agent = record;

  key_chain_unref(agent->keys);
  stored_agent_clear(&agent->stored);
}

static GArray *agents_new(void)
{
  GArray *agents = g_array_new(FALSE, FALSE, sizeof(struct agent_record));
  g_array_set_clear_func(agents, record_clear);
  return agents;
}

/* Takes the chain. */
static void add_agent(GArray *agents, const struct stored_agent *agent, struct key_chain *keys)
{
  struct agent_record record = {.stored = *agent};
  record.stored.id = g_strdup(agent->id);
  record.stored.area = g_strdup(agent->area);
  record.stored.forms = agent->forms ? g_strdupv(agent->forms) : g_new0(char *, 1);
  record.stored.certificate = agent->certificate ? g_bytes_ref(agent->certificate) : NULL;
  record.stored.admission.by = g_strdup(agent->admission.by);
  record.stored.admission.approved_by = g_strdup(agent->admission.approved_by);
  record.stored.admission.reason = g_strdup(agent->admission.reason);
  record.keys = keys;
  memcpy(record.key_id, key_chain_present(keys)->key_id, sizeof record.key_id);
  g_array_append_val(agents, record);
}

static const struct agent_record *nth_agent(const GArray *agents, unsigned n)
{
  return &g_array_index(agents, struct agent_record, n);
}

static struct key_chain *first_keys(const struct stored_agent *agent)
{
  return key_chain_new(agent->id, agent->curve_key, agent->sign_key);
}

/* A copy, by id, with `agent` in its place; `keys` is taken, NULL: those that it had, or its first. */
static GArray *agents_with(const GArray *agents, const struct stored_agent *agent, struct key_chain *keys)
{
  GArray *changed = agents_new();
  bool added = false;
  for (unsigned n = 0; n < agents->len; n++) {
    const struct stored_agent *present = &nth_agent(agents, n)->stored;
    struct key_chain *had = nth_agent(agents, n)->keys;
    int order = strcmp(present->id, agent->id);
    if (order >= 0 && !added) {
      if (!keys) keys = order == 0 ? key_chain_ref(had) : first_keys(agent);
      add_agent(changed, agent, keys);
      added = true;
    }
    if (order != 0) add_agent(changed, present, key_chain_ref(had));
  }
  if (!added) add_agent(changed, agent, keys ? keys : first_keys(agent));
  return changed;
}

/* The chain whose later keys these are. NULL if they do not follow from the first. */
static struct key_chain *follow(struct key_chain *first, const GPtrArray *papers)
{
  CLEANUP(key_chain_unref) struct key_chain *chain = first;
  if (chain && papers && !key_chain_follow(chain, papers)) return NULL;
  return g_steal_pointer(&chain);
}

/* Those that a certificate gave. */
static struct key_chain *certified_keys(const struct stored_agent *agent)
{
  size_t length, payload_length;
  const uint8_t *payload, *sealed = g_bytes_get_data(agent->certificate, &length);
  CLEANUP(certificate_free) struct certificate *certificate = NULL;
  if (seal_peek(sealed, length, SEAL_CERTIFICATE, &payload, &payload_length))
    certificate = certificate_decode(payload, payload_length);
  return certificate ? key_chain_new(agent->id, certificate->curve_key.data, certificate->sign_key.data)
                     : NULL;
}

static bool refuse_keys(const char *agent, GError **error)
{
  g_set_error(error, PARKTALLY_ERROR, ERROR_DATA,
              _("the store is damaged: changes of keys of “%s” do not follow each other; “park-aggregator "
                "rebuild” makes its tables anew from the ledger"),
              agent);
  return false;
}

static GArray *load_agents(struct store *store, GHashTable *changes, GError **error)
{
  g_autoptr(GArray) stored = store_agents(store);
  g_autoptr(GArray) agents = agents_new();
  for (unsigned n = 0; n < stored->len; n++) {
    const struct stored_agent *agent = &g_array_index(stored, struct stored_agent, n);
    const GPtrArray *papers = g_hash_table_lookup(changes, agent->id);
    struct key_chain *keys = papers ? follow(certified_keys(agent), papers) : first_keys(agent);
    if (!keys) {
      refuse_keys(agent->id, error);
      return NULL;
    }
    add_agent(agents, agent, keys);
  }
  return g_steal_pointer(&agents);
}

/* The aggregator's, which the first leaf begins; NULL without error where there is none yet. */
static bool load_keys(struct store *store, GHashTable *changes, struct key_chain **ret_keys, GError **error)
{
  uint64_t position;
  *ret_keys = NULL;
  if (!store_last_leaf_of(store, LEAF_GENESIS, 1, &position)) return true;
  g_autoptr(GBytes) first = store_leaf(store, 0);
  size_t length = 0;
  const uint8_t *data = first ? g_bytes_get_data(first, &length) : NULL;
  CLEANUP(leaf_free) struct leaf *leaf = data ? leaf_decode(data, length) : NULL;
  if (!leaf || leaf->kind != LEAF_GENESIS) return true; /* whoever replays it says so */
  *ret_keys = follow(key_chain_new("", leaf->genesis.curve_key.data, leaf->genesis.sign_key.data),
                     g_hash_table_lookup(changes, ""));
  return *ret_keys || refuse_keys("", error);
}

/* --- catalogues --- */

static void unref_catalogue(void *catalogue)
{
  catalogue_unref((struct catalogue *)catalogue);
}

static GPtrArray *compile_all(GPtrArray *texts, GError **error)
{
  g_autoptr(GPtrArray) catalogues = g_ptr_array_new_with_free_func(unref_catalogue);
  for (unsigned n = 0; n < texts->len; n++) {
    size_t length;
    const char *text = (const char *)g_bytes_get_data((GBytes *)texts->pdata[n], &length);
    struct catalogue *catalogue = catalogue_compile("catalogue.yaml", text ? text : "", length, error);
    if (!catalogue) {
      g_prefix_error(error,
                     _("a catalogue in the store is not understood; was this program replaced by an older "
                       "one? "));
      return NULL;
    }
    g_ptr_array_add(catalogues, catalogue);
  }
  return g_steal_pointer(&catalogues);
}

/* The one in force goes last, also where it was in force before. */
static GPtrArray *catalogues_with(const GPtrArray *catalogues, struct catalogue *catalogue)
{
  GPtrArray *changed = g_ptr_array_new_with_free_func(unref_catalogue);
  for (unsigned n = 0; n < catalogues->len; n++) {
    struct catalogue *present = (struct catalogue *)catalogues->pdata[n];
    if (memcmp(present->hash, catalogue->hash, CATALOGUE_HASH_SIZE) != 0)
      g_ptr_array_add(changed, catalogue_ref(present));
  }
  g_ptr_array_add(changed, catalogue_ref(catalogue));
  return changed;
}

static struct catalogue *last_catalogue(const GPtrArray *catalogues)
{
  return catalogues->len > 0 ? catalogue_ref((struct catalogue *)catalogues->pdata[catalogues->len - 1])
                             : NULL;
}

/* --- snapshots --- */

struct snapshot *snapshot_load(struct store *store, GError **error)
{
  g_autoptr(GPtrArray) texts = store_catalogues(store);
  CLEANUP(register_unref) struct unit_register *units = store_register(store);
  g_autoptr(GHashTable) changes = store_key_changes(store);
  g_autoptr(GArray) agents = NULL;
  CLEANUP(key_chain_unref) struct key_chain *keys = NULL;
  g_autoptr(GArray) period_acts = store_period_acts(store);
  g_autoptr(GArray) epochs = store_epochs(store);
  const struct stored_epoch *last =
      epochs->len > 0 ? &g_array_index(epochs, struct stored_epoch, epochs->len - 1) : NULL;
  if (store_error(store)) {
    g_propagate_error(error, g_error_copy(store_error(store)));
    return NULL;
  }
  agents = load_agents(store, changes, error);
  if (!agents || !load_keys(store, changes, &keys, error)) return NULL;
  if (store_error(store)) {
    g_propagate_error(error, g_error_copy(store_error(store)));
    return NULL;
  }
  GPtrArray *catalogues = compile_all(texts, error);
  if (!catalogues) return NULL;
  struct snapshot *snapshot = g_new(struct snapshot, 1);
  *snapshot = (struct snapshot){
      .references = 1,
      .version = 1,
      .position = store_leaf_count(store),
      .catalogue = last_catalogue(catalogues),
      .catalogues = catalogues,
      .units = g_steal_pointer(&units),
      .agents = g_steal_pointer(&agents),
      .period_acts = g_steal_pointer(&period_acts),
      .epoch = last ? last->number : 0,
      .paused = last && !last->resumed,
      .keys = g_steal_pointer(&keys),
  };
  return snapshot;
}

struct snapshot *snapshot_change(const struct snapshot *snapshot, struct catalogue *catalogue,
                                 struct unit_register *units, const struct stored_agent *agent)
{
  GPtrArray *catalogues =
      catalogue ? catalogues_with(snapshot->catalogues, catalogue) : g_ptr_array_ref(snapshot->catalogues);
  struct snapshot *changed = g_new(struct snapshot, 1);
  *changed = (struct snapshot){
      .references = 1,
      .version = snapshot->version + 1,
      .position = snapshot->position,
      .catalogue = last_catalogue(catalogues),
      .catalogues = catalogues,
      .units = register_ref(units ? units : snapshot->units),
      .agents = agent ? agents_with(snapshot->agents, agent, NULL) : g_array_ref(snapshot->agents),
      .period_acts = g_array_ref(snapshot->period_acts),
      .epoch = snapshot->epoch,
      .paused = snapshot->paused,
      .keys = snapshot->keys ? key_chain_ref(snapshot->keys) : NULL,
  };
  return changed;
}

struct snapshot *snapshot_change_keys(const struct snapshot *snapshot, struct key_chain *keys)
{
  struct snapshot *changed = snapshot_change(snapshot, NULL, NULL, NULL);
  key_chain_unref(changed->keys);
  changed->keys = keys;
  return changed;
}

struct snapshot *snapshot_change_agent_keys(const struct snapshot *snapshot, const struct stored_agent *agent,
                                            struct key_chain *keys)
{
  struct snapshot *changed = snapshot_change(snapshot, NULL, NULL, NULL);
  g_array_unref(changed->agents);
  changed->agents = agents_with(snapshot->agents, agent, keys);
  return changed;
}

struct snapshot *snapshot_change_period(const struct snapshot *snapshot, const struct stored_period_act *act)
{
  struct snapshot *changed = snapshot_change(snapshot, NULL, NULL, NULL);
  g_array_unref(changed->period_acts);
  changed->period_acts = periods_with(snapshot->period_acts, act);
  return changed;
}

struct snapshot *snapshot_change_epoch(const struct snapshot *snapshot, uint64_t epoch, bool paused)
{
  struct snapshot *changed = snapshot_change(snapshot, NULL, NULL, NULL);
  changed->epoch = epoch;
  changed->paused = paused;
  return changed;
}

void snapshot_replace(struct snapshot **snapshot, uint64_t position, struct snapshot *next)
{
  next->position = position + 1;
  snapshot_unref(*snapshot);
  *snapshot = next;
}

struct snapshot *snapshot_ref(struct snapshot *snapshot)
{
  g_atomic_int_inc(&snapshot->references);
  return snapshot;
}

void snapshot_unref(struct snapshot *snapshot)
{
  if (!snapshot || !g_atomic_int_dec_and_test(&snapshot->references)) return;
  if (snapshot->catalogue) catalogue_unref(snapshot->catalogue);
  g_ptr_array_unref(snapshot->catalogues);
  register_unref(snapshot->units);
  g_array_unref(snapshot->agents);
  g_array_unref(snapshot->period_acts);
  key_chain_unref(snapshot->keys);
  g_free(snapshot);
}

/* --- looking up --- */

const struct agent_record *snapshot_agent(const struct snapshot *snapshot, const char *id)
{
  unsigned from = 0, below = snapshot->agents->len;
  while (from < below) {
    unsigned middle = from + (below - from) / 2;
    const struct agent_record *record = nth_agent(snapshot->agents, middle);
    int order = strcmp(record->stored.id, id);
    if (order == 0) return record;
    if (order < 0)
      from = middle + 1;
    else
      below = middle;
  }
  return NULL;
}

/* Keys may have been enrolled again after a revocation: one in force goes before one that is revoked. */
static const struct agent_record *better(const struct agent_record *found, const struct agent_record *record)
{
  return found && (found->stored.revoked_ms == 0 || record->stored.revoked_ms != 0) ? found : record;
}

const struct agent_record *snapshot_agent_by_key_id(const struct snapshot *snapshot,
                                                    const uint8_t key_id[SEAL_HASH_SIZE])
{
  const struct agent_record *found = NULL;
  for (unsigned n = 0; n < snapshot->agents->len; n++) {
    const struct agent_record *record = nth_agent(snapshot->agents, n);
    if (key_chain_find(record->keys, key_id)) found = better(found, record);
  }
  return found;
}

const struct agent_record *snapshot_agent_by_curve(const struct snapshot *snapshot,
                                                   const uint8_t curve_key[32])
{
  const struct agent_record *found = NULL;
  for (unsigned n = 0; n < snapshot->agents->len; n++) {
    const struct agent_record *record = nth_agent(snapshot->agents, n);
    if (memcmp(record->stored.curve_key, curve_key, sizeof record->stored.curve_key) == 0)
      found = better(found, record);
  }
  return found;
}

bool snapshot_had_curve(const struct snapshot *snapshot, const uint8_t curve_key[32])
{
  for (unsigned n = 0; n < snapshot->agents->len; n++) {
    const GArray *links = nth_agent(snapshot->agents, n)->keys->links;
    for (unsigned i = 0; i < links->len; i++)
      if (memcmp(g_array_index(links, struct key_link, i).curve_key, curve_key, CURVE_KEY_SIZE) == 0)
        return true;
  }
  return false;
}

struct catalogue *snapshot_catalogue(const struct snapshot *snapshot, const uint8_t hash[CATALOGUE_HASH_SIZE])
{
  for (unsigned n = snapshot->catalogues->len; n-- > 0;) {
    struct catalogue *catalogue = (struct catalogue *)snapshot->catalogues->pdata[n];
    if (memcmp(catalogue->hash, hash, CATALOGUE_HASH_SIZE) == 0) return catalogue;
  }
  return NULL;
}

/* --- the present one --- */

struct present {
  GMutex lock;
  struct snapshot *snapshot;
};

struct present *present_new(struct snapshot *snapshot)
{
  struct present *present = g_new0(struct present, 1);
  g_mutex_init(&present->lock);
  present->snapshot = snapshot;
  return present;
}

void present_free(struct present *present)
{
  if (!present) return;
  snapshot_unref(present->snapshot);
  g_mutex_clear(&present->lock);
  g_free(present);
}

struct snapshot *present_get(struct present *present)
{
  g_mutex_lock(&present->lock);
  struct snapshot *snapshot = snapshot_ref(present->snapshot);
  g_mutex_unlock(&present->lock);
  return snapshot;
}

void present_set(struct present *present, struct snapshot *snapshot)
{
  g_mutex_lock(&present->lock);
  struct snapshot *before = present->snapshot;
  present->snapshot = snapshot;
  g_mutex_unlock(&present->lock);
  snapshot_unref(before); /* may free a whole register: not under the lock */
}

/* Whether nothing between the snapshot and the end of the store's ledger has changed what is in force. The
 * writer may be ahead of the snapshot, but by no more than the group of which it has not told yet. */
static bool is_of_store(const struct snapshot *snapshot, struct store *store)
{
  uint64_t leaves = store_leaf_count(store);
  uint64_t told = leaves > LIMIT_GROUP_JOBS ? leaves - LIMIT_GROUP_JOBS : 0;
  if (snapshot->position > leaves) return false;
  return !store_in_force_changed(store, MAX(told, snapshot->position));
}

struct snapshot *present_begin(struct present *present, struct store *store, GError **error)
{
  enum { TRIES = 500, PAUSE_US = 1000 };
  for (int n = 0; n < TRIES; n++) {
    if (n > 0) g_usleep(PAUSE_US);
    store_begin(store);
    store_leaf_count(store); /* the first look settles the moment: it goes before taking the snapshot */
    struct snapshot *snapshot = present_get(present);
    bool fits = is_of_store(snapshot, store);
    GError *failure = store_error(store) ? g_error_copy(store_error(store)) : NULL;
    if (fits && !failure) return snapshot;
    snapshot_unref(snapshot);
    store_rollback(store);
    if (!failure) continue;
    g_propagate_error(error, failure);
    return NULL;
  }
  g_set_error_literal(error, PARKTALLY_ERROR, ERROR_TEMPORARY,
                      _("the register or the catalogue is being changed just now; try again in a moment"));
  return NULL;
}

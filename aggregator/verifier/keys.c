/* Follows changes of keys by the words of proto/README.md, and shares nothing with who makes them. */
#include "aggregator/verifier/keys.h"

#include "common/limits.h"
#include "common/text.h"

#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#define CONSENTS_TO "parktally-key-1"

void keys_init(struct keys *keys, const char *agent)
{
  keys->agent = g_strdup(agent);
  keys->all = g_array_new(FALSE, TRUE, sizeof(struct key));
}

void keys_finish(struct keys *keys)
{
  g_free(keys->agent);
  g_array_unref(keys->all);
}

void keys_begin(struct keys *keys, uint64_t at, const uint8_t curve_key[static 32],
                const uint8_t sign_key[static SEAL_PUBLIC_KEY_SIZE])
{
  struct key key = {.since = at};
  memcpy(key.curve_key, curve_key, sizeof key.curve_key);
  memcpy(key.sign_key, sign_key, sizeof key.sign_key);
  seal_key_id(sign_key, key.key_id);
  g_array_append_val(keys->all, key);
}

/* --- which one --- */

unsigned keys_changes(const struct keys *keys)
{
  return keys->all->len > 0 ? keys->all->len - 1 : 0;
}

const struct key *keys_nth(const struct keys *keys, unsigned n)
{
  return n < keys->all->len ? &g_array_index(keys->all, struct key, n) : NULL;
}

const struct key *keys_present(const struct keys *keys)
{
  return keys_nth(keys, keys_changes(keys));
}

const struct key *keys_at(const struct keys *keys, uint64_t leaf)
{
  for (unsigned n = keys->all->len; n-- > 1;)
    if (keys_nth(keys, n)->since <= leaf) return keys_nth(keys, n);
  return keys_nth(keys, 0);
}

const struct key *keys_find(const struct keys *keys, const uint8_t *key_id)
{
  for (unsigned n = 0; key_id && n < keys->all->len; n++)
    if (memcmp(keys_nth(keys, n)->key_id, key_id, SEAL_HASH_SIZE) == 0) return keys_nth(keys, n);
  return NULL;
}

bool keys_have(const struct keys *keys, const uint8_t curve_key[static 32],
               const uint8_t sign_key[static SEAL_PUBLIC_KEY_SIZE])
{
  for (unsigned n = 0; n < keys->all->len; n++) {
    const struct key *key = keys_nth(keys, n);
    if (memcmp(key->curve_key, curve_key, sizeof key->curve_key) == 0 ||
        memcmp(key->sign_key, sign_key, sizeof key->sign_key) == 0)
      return true;
  }
  return false;
}

/* --- what one seals --- */

bool key_may_seal(const struct key *key, uint64_t epoch, uint64_t until)
{
  return !key->changed || epoch < key->epoch || (epoch == key->epoch && until <= key->until);
}

static enum seal_status open_with(const struct key *key, struct bytes_view sealed, enum seal_label label,
                                  struct bytes_view *ret_payload)
{
  if (!key) return SEAL_OTHER_KEY;
  return seal_open(sealed.data, sealed.length, label, key->sign_key, &ret_payload->data, &ret_payload->length,
                   NULL);
}

enum seal_status keys_open_at(const struct keys *keys, uint64_t leaf, struct bytes_view sealed,
                              enum seal_label label, struct bytes_view *ret_payload)
{
  return open_with(keys_at(keys, leaf), sealed, label, ret_payload);
}

enum seal_status keys_open(const struct keys *keys, struct bytes_view sealed, enum seal_label label,
                           struct bytes_view *ret_payload, const struct key **ret_key)
{
  const struct key *key = keys_find(keys, seal_claimed_key(sealed.data, sealed.length));
  const struct key *tried = key ? key : keys_present(keys); /* which says what is wrong with it */
  enum seal_status status = open_with(tried, sealed, label, ret_payload);
  if (status == SEAL_OK) *ret_key = key;
  return status;
}

/* --- another one --- */

/* Ed25519 by the new signing key over the prefix, the id of the key before it, and both new keys. */
static bool has_consent(const struct key *before, const struct key_change *change)
{
  g_autoptr(GByteArray) said = g_byte_array_new();
  g_byte_array_append(said, (const uint8_t *)CONSENTS_TO, strlen(CONSENTS_TO));
  g_byte_array_append(said, before->key_id, sizeof before->key_id);
  g_byte_array_append(said, change->curve_key.data, (unsigned)change->curve_key.length);
  g_byte_array_append(said, change->sign_key.data, (unsigned)change->sign_key.length);
  return crypto_sign_verify_detached(change->consent.data, said->data, said->len, change->sign_key.data) == 0;
}

/* Whether the key before could have sealed up to there: numbers have no epoch and no last one, and trees that
 * were not there yet could not be signed. */
static bool could_be(const struct keys *keys, uint64_t at, uint64_t epoch, const struct key_change *change)
{
  if (change->until == UINT64_MAX) return false;
  if (*keys->agent) return change->epoch == 0;
  return change->epoch < epoch || (change->epoch == epoch && change->until <= at);
}

static bool goes_back(const struct keys *keys, const struct key_change *change)
{
  const struct key *former = keys_changes(keys) > 0 ? keys_nth(keys, keys_changes(keys) - 1) : NULL;
  return former &&
         (change->epoch < former->epoch || (change->epoch == former->epoch && change->until < former->until));
}

/* NULL: nothing is wrong with it. */
static const char *objection_to(const struct keys *keys, uint64_t at, uint64_t epoch,
                                struct bytes_view sealed, const struct key_change *change)
{
  struct bytes_view payload;
  enum seal_status status = open_with(keys_present(keys), sealed, SEAL_KEY, &payload);
  if (status == SEAL_OTHER_KEY) return _("this is not sealed by the present key");
  if (status != SEAL_OK) return _("the present key has not signed this, it was altered");
  if (keys_changes(keys) >= LIMIT_KEY_CHANGES) return _("they were changed as often as may be");
  if (keys_have(keys, change->curve_key.data, change->sign_key.data))
    return _("it had one of the new ones before");
  if (!has_consent(keys_present(keys), change)) return _("the new one has not consented");
  if (!could_be(keys, at, epoch, change)) return _("it names a number or a tree that could not be there yet");
  if (goes_back(keys, change)) return _("it names a number or a tree of before the last change");
  return NULL;
}

void keys_refuse(const struct keys *keys, struct faults *faults, uint64_t at, const char *objection)
{
  g_autofree char *whose =
      *keys->agent ? g_strdup_printf(_("agent %s"), keys->agent) : g_strdup(_("the aggregator"));
  faults_add(faults, at, _("the keys of %s cannot be changed so: %s"), whose, objection);
}

bool keys_change(struct keys *keys, struct faults *faults, uint64_t at, uint64_t epoch,
                 struct bytes_view sealed, const struct key_change *change)
{
  const char *objection = objection_to(keys, at, epoch, sealed, change);
  if (objection) {
    keys_refuse(keys, faults, at, objection);
    return false;
  }
  struct key *before = &g_array_index(keys->all, struct key, keys->all->len - 1);
  before->changed = true;
  before->until = change->until;
  before->epoch = change->epoch;
  keys_begin(keys, at, change->curve_key.data, change->sign_key.data);
  return true;
}

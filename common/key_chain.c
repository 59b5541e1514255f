#include "common/key_chain.h"

#include "common/error.h"
#include "common/limits.h"
#include "common/text.h"

#include <sodium.h>
#include <string.h>

/* What the new key signs: the prefix keeps it apart from all else that it ever signs. */
static const char consent_prefix[] = "parktally-key-1";
#define PREFIX_SIZE (sizeof consent_prefix - 1)
#define CONSENTED_SIZE (PREFIX_SIZE + SEAL_HASH_SIZE + CURVE_KEY_SIZE + SEAL_PUBLIC_KEY_SIZE)
G_STATIC_ASSERT(KEY_CONSENT_SIZE == crypto_sign_BYTES);

static void write_consented(const uint8_t *key_id_before, const uint8_t *curve_key, const uint8_t *sign_key,
                            uint8_t ret_bytes[static CONSENTED_SIZE])
{
  uint8_t *at = ret_bytes;
  memcpy(at, consent_prefix, PREFIX_SIZE);
  at += PREFIX_SIZE;
  memcpy(at, key_id_before, SEAL_HASH_SIZE);
  at += SEAL_HASH_SIZE;
  memcpy(at, curve_key, CURVE_KEY_SIZE);
  at += CURVE_KEY_SIZE;
  memcpy(at, sign_key, SEAL_PUBLIC_KEY_SIZE);
}

GByteArray *key_change_seal(const struct identity *before, const struct identity *after,
                            const struct key_change *change)
{
  struct key_change whole = *change;
  uint8_t key_id[SEAL_HASH_SIZE], consented[CONSENTED_SIZE], consent[KEY_CONSENT_SIZE];
  g_autoptr(GByteArray) payload = NULL;

  seal_key_id(identity_sign_public(before), key_id);
  write_consented(key_id, identity_curve_public(after), identity_sign_public(after), consented);
  crypto_sign_detached(consent, NULL, consented, sizeof consented, identity_sign_secret(after));
  whole.curve_key = (struct bytes_view){identity_curve_public(after), CURVE_KEY_SIZE};
  whole.sign_key = (struct bytes_view){identity_sign_public(after), SEAL_PUBLIC_KEY_SIZE};
  whole.consent = (struct bytes_view){consent, sizeof consent};
  payload = key_change_encode(&whole);
  return identity_seal(before, SEAL_KEY, payload->data, payload->len, NULL);
}

/* --- the chain --- */

static struct key_link link_of(const uint8_t *curve_key, const uint8_t *sign_key)
{
  struct key_link link = {.until = UINT64_MAX, .epoch = UINT64_MAX};

  memcpy(link.curve_key, curve_key, sizeof link.curve_key);
  memcpy(link.sign_key, sign_key, sizeof link.sign_key);
  seal_key_id(sign_key, link.key_id);
  return link;
}

static struct key_link *nth(const struct key_chain *chain, guint n)
{
  return &g_array_index(chain->links, struct key_link, n);
}

struct key_chain *key_chain_new(const char *agent, const uint8_t curve_key[static CURVE_KEY_SIZE],
                                const uint8_t sign_key[static SEAL_PUBLIC_KEY_SIZE])
{
  struct key_chain *chain = g_atomic_rc_box_new0(struct key_chain);
  struct key_link link = link_of(curve_key, sign_key);

  chain->agent = g_strdup(agent);
  chain->links = g_array_new(FALSE, FALSE, sizeof(struct key_link));
  chain->papers = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  g_array_append_val(chain->links, link);
  return chain;
}

struct key_chain *key_chain_copy(const struct key_chain *chain)
{
  struct key_chain *copy = g_atomic_rc_box_new0(struct key_chain);

  copy->agent = g_strdup(chain->agent);
  copy->links = g_array_copy(chain->links);
  copy->papers = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  for (guint n = 0; n < chain->papers->len; n++)
    g_ptr_array_add(copy->papers, g_bytes_ref(chain->papers->pdata[n]));
  return copy;
}

struct key_chain *key_chain_ref(struct key_chain *chain)
{
  return g_atomic_rc_box_acquire(chain);
}

static void clear(void *data)
{
  struct key_chain *chain = data;

  g_free(chain->agent);
  g_array_unref(chain->links);
  g_ptr_array_unref(chain->papers);
}

void key_chain_unref(struct key_chain *chain)
{
  if (chain) g_atomic_rc_box_release_full(chain, clear);
}

const struct key_link *key_chain_present(const struct key_chain *chain)
{
  return nth(chain, chain->links->len - 1);
}

const struct key_link *key_chain_find(const struct key_chain *chain, const uint8_t key_id[SEAL_HASH_SIZE])
{
  for (guint n = chain->links->len; n-- > 0;)
    if (memcmp(nth(chain, n)->key_id, key_id, SEAL_HASH_SIZE) == 0) return nth(chain, n);
  return NULL;
}

enum seal_status key_chain_open(const struct key_chain *chain, const uint8_t *sealed, size_t length,
                                enum seal_label label, const uint8_t **ret_payload, size_t *ret_length,
                                uint8_t *ret_hash, const struct key_link **ret_link)
{
  const uint8_t *key_id = seal_claimed_key(sealed, length);
  const struct key_link *link = key_id ? key_chain_find(chain, key_id) : NULL;
  enum seal_status status;

  if (!key_id || !seal_peek(sealed, length, label, ret_payload, ret_length)) return SEAL_MALFORMED;
  if (!link) return SEAL_OTHER_KEY;
  status = seal_open(sealed, length, label, link->sign_key, ret_payload, ret_length, ret_hash);
  if (status == SEAL_OK && ret_link) *ret_link = link;
  return status;
}

bool key_link_may_seal(const struct key_link *link, uint64_t epoch, uint64_t size)
{
  return epoch < link->epoch || (epoch == link->epoch && size <= link->until);
}

/* --- going on --- */

static bool consents(struct key_link before, const struct key_change *change)
{
  uint8_t consented[CONSENTED_SIZE];

  write_consented(before.key_id, change->curve_key.data, change->sign_key.data, consented);
  return crypto_sign_verify_detached(change->consent.data, consented, sizeof consented,
                                     change->sign_key.data) == 0;
}

/* Whether it has, or had, one of the two. */
static bool had(const struct key_chain *chain, const struct key_link *link)
{
  for (guint n = 0; n < chain->links->len; n++) {
    struct key_link known = *nth(chain, n);

    if (memcmp(known.curve_key, link->curve_key, sizeof known.curve_key) == 0 ||
        memcmp(known.sign_key, link->sign_key, sizeof known.sign_key) == 0)
      return true;
  }
  return false;
}

static bool goes_on(const struct key_chain *chain, const struct key_change *change)
{
  guint count = chain->links->len;
  const struct key_link *former = count > 1 ? nth(chain, count - 2) : NULL;
  struct key_link next = link_of(change->curve_key.data, change->sign_key.data);

  if (chain->papers->len >= LIMIT_KEY_CHANGES || strcmp(change->agent, chain->agent) != 0) return false;
  if (change->until == UINT64_MAX || (*chain->agent && change->epoch != 0)) return false;
  if (former &&
      (change->epoch < former->epoch || (change->epoch == former->epoch && change->until < former->until)))
    return false;
  return !had(chain, &next) && consents(*key_chain_present(chain), change);
}

bool key_chain_add(struct key_chain *chain, const uint8_t *sealed, size_t length)
{
  struct key_link *present = nth(chain, chain->links->len - 1);
  CLEANUP(key_change_free) struct key_change *change = NULL;
  const uint8_t *payload;
  size_t payload_length;

  if (seal_open(sealed, length, SEAL_KEY, present->sign_key, &payload, &payload_length, NULL) == SEAL_OK)
    change = key_change_decode(payload, payload_length);
  if (!change || !goes_on(chain, change)) return false;
  struct key_link next = link_of(change->curve_key.data, change->sign_key.data);
  present->until = change->until;
  present->epoch = change->epoch;
  next.since_ms = change->changed_at_ms;
  g_array_append_val(chain->links, next);
  g_ptr_array_add(chain->papers, g_bytes_new(sealed, length));
  return true;
}

bool key_chain_follow(struct key_chain *chain, const GPtrArray *papers)
{
  for (guint n = 0; n < papers->len; n++) {
    size_t length;
    const uint8_t *paper = g_bytes_get_data(papers->pdata[n], &length);

    if (!key_chain_add(chain, paper, length)) return false;
  }
  return true;
}

bool key_chain_knows(const struct key_chain *chain, struct bytes_view paper)
{
  for (guint n = 0; n < chain->papers->len; n++) {
    size_t length;
    const void *data = g_bytes_get_data(chain->papers->pdata[n], &length);

    if (length == paper.length && memcmp(data, paper.data, length) == 0) return true;
  }
  return false;
}

bool key_chain_extend(struct key_chain *chain, const struct bytes_view *papers, size_t count)
{
  bool met = false; /* the chain's own keys: what stands before them is older */

  for (size_t n = 0; n < count; n++) {
    if (key_chain_knows(chain, papers[n])) {
      met = true;
    } else if (key_chain_add(chain, papers[n].data, papers[n].length)) {
      met = true;
    } else if (met) {
      return false;
    }
  }
  return count == 0 || met;
}

struct key_chain *key_chain_of(const struct identity *identity, const char *agent, GError **error)
{
  CLEANUP(key_chain_unref)
  struct key_chain *chain =
      key_chain_new(agent, identity_first_curve(identity), identity_first_sign(identity));
  bool follows = key_chain_follow(chain, identity_papers(identity));
  const struct key_link *present = key_chain_present(chain);

  if (follows && memcmp(present->curve_key, identity_curve_public(identity), CURVE_KEY_SIZE) == 0 &&
      memcmp(present->sign_key, identity_sign_public(identity), SEAL_PUBLIC_KEY_SIZE) == 0)
    return g_steal_pointer(&chain);
  g_set_error_literal(
      error, PARKTALLY_ERROR, ERROR_CONFIG,
      _("the file of keys is damaged: what leads to its keys does not; restore it from a backup"));
  return NULL;
}

struct receipt *key_chain_open_receipt(const struct key_chain *chain, const uint8_t *sealed, size_t length,
                                       enum seal_status *ret_status)
{
  CLEANUP(receipt_free) struct receipt *receipt = NULL;
  const struct key_link *link = NULL;
  const uint8_t *payload;
  size_t payload_length;
  enum seal_status status =
      key_chain_open(chain, sealed, length, SEAL_RECEIPT, &payload, &payload_length, NULL, &link);

  if (status == SEAL_OK) receipt = receipt_decode(payload, payload_length);
  if (receipt && !key_link_may_seal(link, receipt->tree_epoch, receipt->tree_size)) status = SEAL_OTHER_KEY;
  if (ret_status) *ret_status = status;
  return status == SEAL_OK ? g_steal_pointer(&receipt) : NULL;
}

struct signed_head *key_chain_open_head(const struct key_chain *chain, const uint8_t *sealed, size_t length)
{
  CLEANUP(signed_head_free) struct signed_head *head = NULL;
  const struct key_link *link;
  const uint8_t *payload;
  size_t payload_length;

  if (key_chain_open(chain, sealed, length, SEAL_HEAD, &payload, &payload_length, NULL, &link) == SEAL_OK)
    head = signed_head_decode(payload, payload_length);
  return head && key_link_may_seal(link, head->epoch, head->size) ? g_steal_pointer(&head) : NULL;
}

/* --- changing --- */

struct identity *key_change_make(const struct identity *before, const struct key_change *change,
                                 GError **error)
{
  CLEANUP(identity_free) struct identity *next = NULL;
  g_autoptr(GBytes) paper = NULL;

  if (identity_papers(before)->len >= LIMIT_KEY_CHANGES) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_CONFIG,
                _("the keys were changed %d times, which is as often as can be"), LIMIT_KEY_CHANGES);
    return NULL;
  }
  next = identity_new(error);
  if (!next) return NULL;
  paper = g_byte_array_free_to_bytes(key_change_seal(before, next, change));
  identity_take_papers(next, before, paper);
  return g_steal_pointer(&next);
}

/* --- storing --- */

GBytes *key_papers_pack(const GPtrArray *papers)
{
  g_autoptr(GByteArray) bytes = g_byte_array_new();

  for (guint n = 0; n < papers->len; n++) {
    size_t length;
    const uint8_t *data = g_bytes_get_data(papers->pdata[n], &length);
    uint32_t stored = GUINT32_TO_LE((uint32_t)length);

    g_byte_array_append(bytes, (const uint8_t *)&stored, sizeof stored);
    g_byte_array_append(bytes, data, (guint)length);
  }
  return g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
}

GPtrArray *key_papers_unpack(const uint8_t *data, size_t length)
{
  g_autoptr(GPtrArray) papers = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  size_t at = 0;

  while (at < length) {
    uint32_t stored;

    if (length - at < sizeof stored || papers->len == LIMIT_KEY_CHANGES) return NULL;
    memcpy(&stored, data + at, sizeof stored);
    at += sizeof stored;
    stored = GUINT32_FROM_LE(stored);
    if (stored > LIMIT_JOIN_BYTES || stored > length - at) return NULL;
    g_ptr_array_add(papers, g_bytes_new(data + at, stored));
    at += stored;
  }
  return g_steal_pointer(&papers);
}

#include "common/identity_private.h"

#include "common/error.h"
#include "common/text.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>
#include <sys/prctl.h>

static_assert(CURVE_KEY_SIZE == crypto_box_PUBLICKEYBYTES && CURVE_KEY_SIZE == crypto_box_SECRETKEYBYTES,
              "CURVE");

uint8_t *identity_guarded(size_t size)
{
  return sodium_init() < 0 ? NULL : sodium_malloc(size);
}

bool identity_no_memory(GError **error)
{
  g_set_error_literal(error, PARKTALLY_ERROR, ERROR_UNAVAILABLE,
                      _("no protected memory for the keys could be had"));
  return false;
}

struct identity *identity_alloc(GError **error)
{
  struct secrets *secrets = (void *)identity_guarded(sizeof *secrets);
  struct identity *identity;

  if (secrets == NULL) {
    identity_no_memory(error);
    return NULL;
  }
  memset(secrets, 0, sizeof *secrets);
  identity = g_new0(struct identity, 1);
  identity->secrets = secrets;
  identity->papers = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  return identity;
}

void identity_free(struct identity *identity)
{
  if (!identity) return;
  sodium_free(identity->secrets);
  g_ptr_array_unref(identity->papers);
  g_free(identity);
}

void identity_are_first(struct identity *identity)
{
  const struct keys *keys = &identity->secrets->keys;

  memcpy(identity->first.curve_public, keys->curve.public_key, CURVE_KEY_SIZE);
  memcpy(identity->first.sign_public, keys->sign_public, SEAL_PUBLIC_KEY_SIZE);
}

struct identity *identity_new(GError **error)
{
  struct identity *identity = identity_alloc(error);
  struct keys *keys;

  if (identity == NULL) return NULL;
  keys = &identity->secrets->keys;
  crypto_box_keypair(keys->curve.public_key, keys->curve.secret_key);
  crypto_sign_keypair(keys->sign_public, keys->sign_secret);
  identity_keys_finish(keys);
  identity_are_first(identity);
  sodium_mprotect_readonly(identity->secrets);
  return identity;
}

void identity_guard_process(void)
{
  (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* cannot fail for 0 */
}

/* --- the present keys --- */

const uint8_t *identity_curve_public(const struct identity *identity)
{
  return identity->secrets->keys.curve.public_key;
}

const uint8_t *identity_curve_secret(const struct identity *identity)
{
  return identity->secrets->keys.curve.secret_key;
}

const uint8_t *identity_sign_public(const struct identity *identity)
{
  return identity->secrets->keys.sign_public;
}

const uint8_t *identity_sign_secret(const struct identity *identity)
{
  return identity->secrets->keys.sign_secret;
}

GByteArray *identity_seal(const struct identity *identity, enum seal_label label, const uint8_t *payload,
                          size_t length, uint8_t *ret_id)
{
  return seal_make(label, identity_sign_public(identity), identity_sign_secret(identity), payload, length,
                   ret_id);
}

/* --- those of before --- */

const uint8_t *identity_first_curve(const struct identity *identity)
{
  return identity->first.curve_public;
}

const uint8_t *identity_first_sign(const struct identity *identity)
{
  return identity->first.sign_public;
}

const GPtrArray *identity_papers(const struct identity *identity)
{
  return identity->papers;
}

void identity_take_papers(struct identity *identity, const struct identity *before, GBytes *change)
{
  identity->first = before->first;
  g_ptr_array_set_size(identity->papers, 0);
  for (guint n = 0; n < before->papers->len; n++)
    g_ptr_array_add(identity->papers, g_bytes_ref(before->papers->pdata[n]));
  g_ptr_array_add(identity->papers, g_bytes_ref(change));
}

const uint8_t *identity_former_curve_secret(const struct identity *identity)
{
  const uint8_t *former = identity->secrets->former.secret_key;

  return sodium_is_zero(former, CURVE_KEY_SIZE) ? NULL : former;
}

void identity_keep_former(struct identity *identity, const struct identity *before)
{
  sodium_mprotect_readwrite(identity->secrets);
  identity->secrets->former = before->secrets->keys.curve;
  sodium_mprotect_readonly(identity->secrets);
}

void identity_forget_former(struct identity *identity)
{
  sodium_mprotect_readwrite(identity->secrets);
  sodium_memzero(&identity->secrets->former, sizeof identity->secrets->former);
  sodium_mprotect_readonly(identity->secrets);
}

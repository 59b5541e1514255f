#include "common/seal.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

static_assert(SEAL_HASH_SIZE == crypto_generichash_BYTES, "BLAKE2b-256");
static_assert(SEAL_PUBLIC_KEY_SIZE == crypto_sign_PUBLICKEYBYTES, "Ed25519");
static_assert(SEAL_SECRET_KEY_SIZE == crypto_sign_SECRETKEYBYTES, "Ed25519");

#define SUITE_BLAKE2B_ED25519 1

enum {
  AT_MAGIC = 0,
  AT_SUITE = 4,
  AT_LABEL = 5,
  AT_ZERO = 6,
  AT_KEY_ID = 8,
  AT_SIGNATURE = 40,
  AT_PAYLOAD = 104
};
static_assert(AT_SIGNATURE == AT_KEY_ID + SEAL_HASH_SIZE, "layout");
static_assert(AT_PAYLOAD == AT_SIGNATURE + crypto_sign_BYTES && AT_PAYLOAD == SEAL_HEADER_SIZE, "layout");

static const uint8_t magic[4] = {'P', 'T', 'L', 'Y'};

/* What is signed: everything of the header before the signature, then the payload's hash. */
#define SIGNED_SIZE (AT_SIGNATURE + SEAL_HASH_SIZE)

void seal_random(uint8_t *ret_bytes, size_t length)
{
  /* Before it, the generator reads the system's state anew for each call; it cannot fail where that can be
   * read. */
  g_assert(sodium_init() >= 0);
  randombytes_buf(ret_bytes, length);
}

void seal_hash(const uint8_t *data, size_t length, uint8_t ret_hash[static SEAL_HASH_SIZE])
{
  crypto_generichash(ret_hash, SEAL_HASH_SIZE, data, length, NULL, 0);
}

struct seal_hasher {
  crypto_generichash_state state;
};

struct seal_hasher *seal_hash_begin(void)
{
  /* libsodium wants more than malloc's alignment. */
  struct seal_hasher *hasher = g_aligned_alloc(1, sizeof *hasher, _Alignof(struct seal_hasher));
  crypto_generichash_init(&hasher->state, NULL, 0, SEAL_HASH_SIZE);
  return hasher;
}

void seal_hash_add(struct seal_hasher *hasher, const void *data, size_t length)
{
  crypto_generichash_update(&hasher->state, data, length);
}

void seal_hash_end(struct seal_hasher *hasher, uint8_t ret_hash[static SEAL_HASH_SIZE])
{
  crypto_generichash_final(&hasher->state, ret_hash, SEAL_HASH_SIZE);
  g_aligned_free(hasher);
}

void seal_key_id(const uint8_t public_key[static SEAL_PUBLIC_KEY_SIZE], uint8_t ret_id[static SEAL_HASH_SIZE])
{
  seal_hash(public_key, SEAL_PUBLIC_KEY_SIZE, ret_id);
}

GByteArray *seal_make(enum seal_label label, const uint8_t public_key[static SEAL_PUBLIC_KEY_SIZE],
                      const uint8_t secret_key[static SEAL_SECRET_KEY_SIZE], const uint8_t *payload,
                      size_t length, uint8_t *ret_id)
{
  assert(length <= G_MAXUINT - SEAL_HEADER_SIZE);

  uint8_t header[SEAL_HEADER_SIZE] = {0};
  memcpy(header + AT_MAGIC, magic, sizeof magic);
  header[AT_SUITE] = SUITE_BLAKE2B_ED25519;
  header[AT_LABEL] = (uint8_t)label;
  seal_key_id(public_key, header + AT_KEY_ID);

  uint8_t message[SIGNED_SIZE];
  memcpy(message, header, AT_SIGNATURE);
  seal_hash(payload, length, message + AT_SIGNATURE);
  if (ret_id) memcpy(ret_id, message + AT_SIGNATURE, SEAL_HASH_SIZE);
  crypto_sign_detached(header + AT_SIGNATURE, NULL, message, sizeof message, secret_key);

  GByteArray *sealed = g_byte_array_sized_new((guint)(SEAL_HEADER_SIZE + length));
  g_byte_array_append(sealed, header, sizeof header);
  if (length > 0) g_byte_array_append(sealed, payload, (guint)length);
  return sealed;
}

static bool has_shape(const uint8_t *sealed, size_t length)
{
  return length >= SEAL_HEADER_SIZE && memcmp(sealed + AT_MAGIC, magic, sizeof magic) == 0 &&
         sealed[AT_SUITE] == SUITE_BLAKE2B_ED25519 && sealed[AT_LABEL] >= SEAL_SUBMISSION &&
         sealed[AT_LABEL] <= SEAL_KEY && sealed[AT_ZERO] == 0 && sealed[AT_ZERO + 1] == 0;
}

const uint8_t *seal_claimed_key(const uint8_t *sealed, size_t length)
{
  return has_shape(sealed, length) ? sealed + AT_KEY_ID : NULL;
}

enum seal_label seal_claimed_label(const uint8_t *sealed, size_t length)
{
  return has_shape(sealed, length) ? (enum seal_label)sealed[AT_LABEL] : (enum seal_label)0;
}

bool seal_peek(const uint8_t *sealed, size_t length, enum seal_label label, const uint8_t **ret_payload,
               size_t *ret_length)
{
  if (!has_shape(sealed, length) || sealed[AT_LABEL] != label) return false;
  *ret_payload = sealed + SEAL_HEADER_SIZE;
  *ret_length = length - SEAL_HEADER_SIZE;
  return true;
}

enum seal_status seal_open(const uint8_t *sealed, size_t length, enum seal_label label,
                           const uint8_t public_key[static SEAL_PUBLIC_KEY_SIZE], const uint8_t **ret_payload,
                           size_t *ret_length, uint8_t *ret_hash)
{
  const uint8_t *payload;
  size_t payload_length;
  if (!seal_peek(sealed, length, label, &payload, &payload_length)) return SEAL_MALFORMED;

  uint8_t key_id[SEAL_HASH_SIZE];
  seal_key_id(public_key, key_id);
  if (memcmp(sealed + AT_KEY_ID, key_id, sizeof key_id) != 0) return SEAL_OTHER_KEY;

  uint8_t message[SIGNED_SIZE];
  memcpy(message, sealed, AT_SIGNATURE);
  seal_hash(payload, payload_length, message + AT_SIGNATURE);
  if (crypto_sign_verify_detached(sealed + AT_SIGNATURE, message, sizeof message, public_key) != 0)
    return SEAL_FORGED;

  *ret_payload = payload;
  *ret_length = payload_length;
  if (ret_hash != NULL) memcpy(ret_hash, message + AT_SIGNATURE, SEAL_HASH_SIZE);
  return SEAL_OK;
}

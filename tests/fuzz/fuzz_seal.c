/* Seals: nothing but what the key sealed opens; reading stays inside. */
#include "common/seal.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const uint8_t seed[crypto_sign_SEEDBYTES] = {7};
  uint8_t public_key[SEAL_PUBLIC_KEY_SIZE], secret_key[SEAL_SECRET_KEY_SIZE], hash[SEAL_HASH_SIZE];
  crypto_sign_seed_keypair(public_key, secret_key, seed);

  const uint8_t *payload;
  size_t length;
  const uint8_t *claimed = seal_claimed_key(data, size);
  for (enum seal_label label = SEAL_SUBMISSION; label <= SEAL_CERTIFICATE; label++) {
    enum seal_status status = seal_open(data, size, label, public_key, &payload, &length, hash);
    if (status != SEAL_MALFORMED && claimed == NULL) abort();
    if (seal_peek(data, size, label, &payload, &length) != (status != SEAL_MALFORMED)) abort();
    if (status != SEAL_OK) continue;
    g_autoptr(GByteArray) ours = seal_make(label, public_key, secret_key, payload, length, NULL);
    if (ours->len != size || memcmp(ours->data, data, size) != 0) abort(); /* Ed25519 signs one way only */
  }
  return 0;
}

/* Invitations, as text and, past the check that would stop nearly every try, as message; and joining records.
 */
#include "common/codec.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_text(const char *text)
{
  CLEANUP(invitation_free) struct invitation *invitation = invitation_decode(text);
  if (invitation == NULL) return;
  g_autofree char *encoded = invitation_encode(invitation);
  CLEANUP(invitation_free) struct invitation *again = invitation_decode(encoded);
  if (again == NULL || strcmp(again->endpoint, invitation->endpoint) != 0) abort();
}

static void try_message(const uint8_t *data, size_t size)
{
  static const char prefix[] = "parktally-invitation:1:";
  uint8_t digest[SEAL_HASH_SIZE];
  seal_hash(data, size, digest);
  g_autoptr(GByteArray) message = g_byte_array_new();
  g_byte_array_append(message, data, (guint)size);
  g_byte_array_append(message, (const uint8_t *)"\x3a\x04", 2);
  g_byte_array_append(message, digest, 4);
  size_t length = sodium_base64_encoded_len(message->len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  g_autofree char *text = g_malloc(sizeof prefix + length);
  memcpy(text, prefix, sizeof prefix);
  sodium_bin2base64(text + sizeof prefix - 1, length, message->data, message->len,
                    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  try_text(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct join_record join;
  join_decode(data, size, &join);
  g_autofree char *text = g_strndup((const char *)data, size);
  try_text(text);
  try_message(data, size);
  return 0;
}

#include "common/codec_private.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

/* --- invitations --- */

static const char invitation_prefix[] = "parktally-invitation:1:";
#define PREFIX_LENGTH (sizeof invitation_prefix - 1)
#define BASE64_VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

/* The check is the last field, of fixed size, so what it covers is all that stands before it. */
#define CHECK_SIZE 4
#define CHECK_FIELD_SIZE (2 + CHECK_SIZE)
#define CHECK_TAG ((7 << 3) | PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)

#define MESSAGE_MOST (2 * (3 + LIMIT_NAME_BYTES) + 3 * (2 + SEAL_HASH_SIZE) + 11 + CHECK_FIELD_SIZE)
static_assert(PREFIX_LENGTH + (MESSAGE_MOST * 4 + 2) / 3 < LIMIT_INVITATION_TEXT,
              "an invitation fits its limit");

static void make_check(const uint8_t *message, size_t length, uint8_t ret_field[static CHECK_FIELD_SIZE])
{
  uint8_t hash[SEAL_HASH_SIZE];
  seal_hash(message, length, hash);
  ret_field[0] = CHECK_TAG;
  ret_field[1] = CHECK_SIZE;
  memcpy(ret_field + 2, hash, CHECK_SIZE);
}

static bool check_holds(const uint8_t *message, size_t length)
{
  if (length < CHECK_FIELD_SIZE) return false;
  uint8_t field[CHECK_FIELD_SIZE];
  make_check(message, length - CHECK_FIELD_SIZE, field);
  return memcmp(message + length - CHECK_FIELD_SIZE, field, sizeof field) == 0;
}

static struct invitation *decode_message(const uint8_t *data, size_t length)
{
  CLEANUP(invitation_free)
  struct invitation *invitation = arena_record(sizeof *invitation, LIMIT_DECODE_ARENA, true);
  const Parktally__Invitation *message =
      arena_unpack(invitation, &parktally__invitation__descriptor, data, length);
  if (message == NULL || !codec_text_fits(message->endpoint, 1, LIMIT_NAME_BYTES) ||
      !codec_text_fits(message->enrol_endpoint, 1, LIMIT_NAME_BYTES))
    return NULL;
  if (!codec_is_hash(message->curve_key) || !codec_is_hash(message->sign_key) ||
      !codec_is_hash(message->secret)) /* each is of 32 bytes */
    return NULL;
  *invitation = (struct invitation){
      .endpoint = message->endpoint,
      .enrol_endpoint = message->enrol_endpoint,
      .curve_key = codec_view(message->curve_key),
      .sign_key = codec_view(message->sign_key),
      .secret = codec_view(message->secret),
      .expires_at_ms = message->expires_at_ms,
  };
  return g_steal_pointer(&invitation);
}

struct invitation *invitation_decode(const char *text)
{
  static const char space[] = " \t\r\n";
  text += strspn(text, space);
  size_t length = strlen(text);
  if (length > LIMIT_INVITATION_TEXT || strncmp(text, invitation_prefix, PREFIX_LENGTH) != 0) return NULL;

  uint8_t message[LIMIT_INVITATION_TEXT];
  size_t message_length;
  bool whole = sodium_base642bin(message, sizeof message, text + PREFIX_LENGTH, length - PREFIX_LENGTH, space,
                                 &message_length, NULL, BASE64_VARIANT) == 0;
  struct invitation *invitation =
      whole && check_holds(message, message_length) ? decode_message(message, message_length) : NULL;
  sodium_memzero(message, sizeof message);
  return invitation;
}

void invitation_free(struct invitation *invitation)
{
  arena_record_free(invitation);
}

char *invitation_encode(const struct invitation *invitation)
{
  Parktally__Invitation message = PARKTALLY__INVITATION__INIT;
  message.endpoint = codec_text(invitation->endpoint);
  message.enrol_endpoint = codec_text(invitation->enrol_endpoint);
  message.curve_key = codec_bytes(invitation->curve_key);
  message.sign_key = codec_bytes(invitation->sign_key);
  message.secret = codec_bytes(invitation->secret);
  message.expires_at_ms = invitation->expires_at_ms;

  g_autoptr(GByteArray) packed = codec_pack(&message.base);
  uint8_t check[CHECK_FIELD_SIZE];
  make_check(packed->data, packed->len, check);
  g_byte_array_append(packed, check, sizeof check);

  size_t size = PREFIX_LENGTH + sodium_base64_encoded_len(packed->len, BASE64_VARIANT);
  char *text = g_malloc(size);
  memcpy(text, invitation_prefix, PREFIX_LENGTH);
  sodium_bin2base64(text + PREFIX_LENGTH, size - PREFIX_LENGTH, packed->data, packed->len, BASE64_VARIANT);
  sodium_memzero(packed->data, packed->len);
  return text;
}

/* --- joining --- */

static const char join_context[] = "parktally-join-1";
#define CONTEXT_LENGTH (sizeof join_context - 1)
#define SIGNED_SIZE (JOIN_SIZE - crypto_sign_BYTES)
static_assert(sizeof(struct join_record) == SIGNED_SIZE, "the record is the wire's first 96 bytes");

static void make_message(const uint8_t *record, uint8_t ret_message[static CONTEXT_LENGTH + SIGNED_SIZE])
{
  memcpy(ret_message, join_context, CONTEXT_LENGTH);
  memcpy(ret_message + CONTEXT_LENGTH, record, SIGNED_SIZE);
}

void join_encode(const struct join_record *join, const uint8_t sign_secret[static SEAL_SECRET_KEY_SIZE],
                 uint8_t ret_bytes[static JOIN_SIZE])
{
  uint8_t message[CONTEXT_LENGTH + SIGNED_SIZE];
  memcpy(ret_bytes, join, SIGNED_SIZE);
  make_message(ret_bytes, message);
  crypto_sign_detached(ret_bytes + SIGNED_SIZE, NULL, message, sizeof message, sign_secret);
  sodium_memzero(message, sizeof message);
}

bool join_decode(const uint8_t *data, size_t length, struct join_record *ret_join)
{
  if (length != JOIN_SIZE) return false;
  struct join_record join;
  uint8_t message[CONTEXT_LENGTH + SIGNED_SIZE];
  memcpy(&join, data, SIGNED_SIZE);
  make_message(data, message);
  if (crypto_sign_verify_detached(data + SIGNED_SIZE, message, sizeof message, join.sign_key) != 0)
    return false;
  *ret_join = join;
  return true;
}

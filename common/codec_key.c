/* Changes of keys, and what an agent shows that returns. */
#include "common/codec_private.h"

#define PAYLOAD_MOST LIMIT_JOIN_BYTES

/* --- sealed bytes in a row --- */

bool codec_take_views(void *record, const ProtobufCBinaryData *given, size_t count, size_t most,
                      const struct bytes_view **ret_views, size_t *ret_count)
{
  if (count > most) return false;
  struct bytes_view *views = arena_take(record, count * sizeof *views);
  if (!views) return false;
  for (size_t n = 0; n < count; n++) views[n] = codec_view(given[n]);
  *ret_views = views;
  *ret_count = count;
  return true;
}

ProtobufCBinaryData *codec_views(const struct bytes_view *views, size_t count)
{
  ProtobufCBinaryData *data = g_new(ProtobufCBinaryData, count);
  for (size_t n = 0; n < count; n++) data[n] = codec_bytes(views[n]);
  return data;
}

/* --- changes of keys --- */

struct key_change *key_change_decode(const uint8_t *payload, size_t length)
{
  if (length > PAYLOAD_MOST) return NULL;
  CLEANUP(key_change_free)
  struct key_change *change = arena_record(sizeof *change, LIMIT_DECODE_ARENA, false);
  const Parktally__KeyChange *message =
      arena_unpack(change, &parktally__key_change__descriptor, payload, length);
  if (message == NULL || !codec_text_fits(message->agent, 0, LIMIT_CODE_BYTES) ||
      !codec_text_fits(message->by, 0, LIMIT_KEY_REASON) ||
      !codec_text_fits(message->reason, 0, LIMIT_KEY_REASON))
    return NULL;
  if (!codec_is_hash(message->curve_key) || !codec_is_hash(message->sign_key) || /* keys of 32 bytes too */
      message->consent.len != KEY_CONSENT_SIZE)
    return NULL;
  *change = (struct key_change){
      .agent = message->agent,
      .until = message->until,
      .epoch = message->epoch,
      .curve_key = codec_view(message->curve_key),
      .sign_key = codec_view(message->sign_key),
      .changed_at_ms = message->changed_at_ms,
      .by = message->by,
      .reason = message->reason,
      .consent = codec_view(message->consent),
  };
  return g_steal_pointer(&change);
}

void key_change_free(struct key_change *change)
{
  arena_record_free(change);
}

GByteArray *key_change_encode(const struct key_change *change)
{
  g_autofree char *by = codec_presentable(change->by, LIMIT_KEY_REASON);
  g_autofree char *reason = codec_presentable(change->reason, LIMIT_KEY_REASON);
  Parktally__KeyChange message = PARKTALLY__KEY_CHANGE__INIT;
  message.agent = codec_text(change->agent);
  message.until = change->until;
  message.epoch = change->epoch;
  message.curve_key = codec_bytes(change->curve_key);
  message.sign_key = codec_bytes(change->sign_key);
  message.changed_at_ms = change->changed_at_ms;
  message.by = by;
  message.reason = reason;
  message.consent = codec_bytes(change->consent);
  return codec_pack(&message.base);
}

/* --- who returns --- */

struct return_record *return_decode(const uint8_t *payload, size_t length)
{
  if (length > PAYLOAD_MOST) return NULL;
  CLEANUP(return_free)
  struct return_record *record = arena_record(sizeof *record, LIMIT_DECODE_ARENA, false);
  const Parktally__Return *message = arena_unpack(record, &parktally__return__descriptor, payload, length);
  if (message == NULL || message->certificate.len < SEAL_HEADER_SIZE ||
      !codec_take_views(record, message->key_change, message->n_key_change, LIMIT_KEYS_SHOWN,
                        &record->key_changes, &record->key_change_count))
    return NULL;
  record->certificate = codec_view(message->certificate);
  return g_steal_pointer(&record);
}

void return_free(struct return_record *record)
{
  arena_record_free(record);
}

GByteArray *return_encode(const struct return_record *record)
{
  g_autofree ProtobufCBinaryData *changes = codec_views(record->key_changes, record->key_change_count);
  Parktally__Return message = PARKTALLY__RETURN__INIT;
  message.certificate = codec_bytes(record->certificate);
  message.n_key_change = record->key_change_count;
  message.key_change = changes;
  return codec_pack(&message.base);
}

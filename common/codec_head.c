/* Heads of the ledger's tree, and how they hang together. */
#include "common/codec_private.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

static_assert(LIMIT_HEADS_TOLD * (MERKLE_PROOF_MOST + 1) * (2 + MERKLE_HASH_SIZE) + LIMIT_KIB <=
                  LIMIT_FRAME_BYTES,
              "an answer fits a frame");

/* --- hashes in a row, as proofs are --- */

bool codec_take_hashes(void *record, const ProtobufCBinaryData *given, size_t count, size_t most,
                       struct hashes_view *ret_hashes)
{
  uint8_t(*hashes)[SEAL_HASH_SIZE];

  if (count > most) return false;
  hashes = arena_take(record, count * SEAL_HASH_SIZE);
  if (!hashes) return false;
  for (size_t n = 0; n < count; n++) {
    if (!codec_is_hash(given[n])) return false;
    memcpy(hashes[n], given[n].data, SEAL_HASH_SIZE);
  }
  *ret_hashes = (struct hashes_view){(const uint8_t(*)[SEAL_HASH_SIZE])hashes, count};
  return true;
}

ProtobufCBinaryData *codec_hashes(struct hashes_view hashes)
{
  ProtobufCBinaryData *given = g_new(ProtobufCBinaryData, hashes.count);

  for (size_t n = 0; n < hashes.count; n++)
    given[n] = codec_bytes((struct bytes_view){hashes.hash[n], SEAL_HASH_SIZE});
  return given;
}

/* --- a signed head --- */

struct signed_head *signed_head_decode(const uint8_t *payload, size_t length)
{
  CLEANUP(signed_head_free) struct signed_head *head = NULL;
  const Parktally__SignedHead *message;

  if (length > LIMIT_HEAD_BYTES) return NULL;
  head = arena_record(sizeof *head, LIMIT_DECODE_ARENA, false);
  message = arena_unpack(head, &parktally__signed_head__descriptor, payload, length);
  if (!message || !message->head || !codec_is_hash(message->head->root)) return NULL;
  head->size = message->head->size;
  head->epoch = message->head->epoch;
  head->root = codec_view(message->head->root);
  head->recorded_at_ms = message->recorded_at_ms;
  return g_steal_pointer(&head);
}

void signed_head_free(struct signed_head *head)
{
  arena_record_free(head);
}

GByteArray *signed_head_encode(const struct signed_head *head)
{
  Parktally__TreeHead tree = PARKTALLY__TREE_HEAD__INIT;
  Parktally__SignedHead message = PARKTALLY__SIGNED_HEAD__INIT;

  tree.size = head->size;
  tree.epoch = head->epoch;
  tree.root = codec_bytes(head->root);
  message.head = &tree;
  message.recorded_at_ms = head->recorded_at_ms;
  return codec_pack(&message.base);
}

/* --- an epoch --- */

struct epoch *epoch_decode(const uint8_t *payload, size_t length)
{
  CLEANUP(epoch_free) struct epoch *epoch = NULL;
  const Parktally__Epoch *message;

  if (length > LIMIT_HEAD_BYTES) return NULL;
  epoch = arena_record(sizeof *epoch, LIMIT_DECODE_ARENA, false);
  message = arena_unpack(epoch, &parktally__epoch__descriptor, payload, length);
  if (!message || !message->head || !codec_is_hash(message->head->root) || message->number > INT64_MAX ||
      message->head->epoch >= message->number)
    return NULL;
  epoch->number = message->number;
  epoch->before = message->head->epoch;
  epoch->size = message->head->size;
  epoch->root = codec_view(message->head->root);
  epoch->restored_at_ms = message->restored_at_ms;
  return g_steal_pointer(&epoch);
}

void epoch_free(struct epoch *epoch)
{
  arena_record_free(epoch);
}

GByteArray *epoch_encode(const struct epoch *epoch)
{
  Parktally__TreeHead tree = PARKTALLY__TREE_HEAD__INIT;
  Parktally__Epoch message = PARKTALLY__EPOCH__INIT;

  tree.size = epoch->size;
  tree.root = codec_bytes(epoch->root);
  tree.epoch = epoch->before;
  message.number = epoch->number;
  message.head = &tree;
  message.restored_at_ms = epoch->restored_at_ms;
  return codec_pack(&message.base);
}

/* --- as text --- */

#define PREFIX "parktally-head:1:"
#define PREFIX_LENGTH (sizeof PREFIX - 1)
#define BASE64_VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

char *head_text(const uint8_t *sealed, size_t length)
{
  size_t size = sodium_base64_encoded_len(length, BASE64_VARIANT);
  char *text = g_malloc(PREFIX_LENGTH + size);

  memcpy(text, PREFIX, PREFIX_LENGTH);
  sodium_bin2base64(text + PREFIX_LENGTH, size, sealed, length, BASE64_VARIANT);
  return text;
}

GBytes *head_from_text(const char *text)
{
  uint8_t sealed[SEAL_HEADER_SIZE + LIMIT_HEAD_BYTES];
  g_autofree char *word = g_strstrip(g_strdup(text));
  size_t length;

  if (strncmp(word, PREFIX, PREFIX_LENGTH) != 0 ||
      sodium_base642bin(sealed, sizeof sealed, word + PREFIX_LENGTH, strlen(word + PREFIX_LENGTH), NULL,
                        &length, NULL, BASE64_VARIANT) != 0)
    return NULL;
  return g_bytes_new(sealed, length);
}

/* --- frames --- */

bool head_request_decode(const Parktally__HeadRequest *message, struct frame *frame)
{
  frame->kind = FRAME_HEAD_REQUEST;
  frame->head_request.from = message->from;
  frame->head_request.count = message->n_from;
  return message->n_from <= LIMIT_HEADS_ASKED;
}

static bool take_consistency(struct frame *frame, const Parktally__Consistency *message,
                             struct consistency_item *ret_item)
{
  ret_item->from = message->from;
  return codec_take_hashes(frame, message->path, message->n_path, MERKLE_PROOF_MOST, &ret_item->path);
}

static bool is_head_s_seal(ProtobufCBinaryData sealed)
{
  return sealed.len >= SEAL_HEADER_SIZE && sealed.len <= SEAL_HEADER_SIZE + LIMIT_HEAD_BYTES;
}

static bool take_epochs(struct frame *frame, const Parktally__Head *message)
{
  struct bytes_view *epochs = arena_take(frame, message->n_epoch * sizeof *epochs);

  if (!epochs || message->n_epoch > LIMIT_EPOCHS_TOLD) return false;
  for (size_t n = 0; n < message->n_epoch; n++) {
    if (!is_head_s_seal(message->epoch[n])) return false;
    epochs[n] = codec_view(message->epoch[n]);
  }
  frame->head.epochs = epochs;
  frame->head.epoch_count = message->n_epoch;
  return true;
}

bool head_decode(const Parktally__Head *message, struct frame *frame)
{
  struct consistency_item *items = arena_take(frame, message->n_consistency * sizeof *items);

  frame->kind = FRAME_HEAD;
  frame->head.sealed = codec_view(message->sealed);
  frame->head.items = items;
  frame->head.count = message->n_consistency;
  if (!items || message->n_consistency > LIMIT_HEADS_TOLD || !is_head_s_seal(message->sealed)) return false;
  for (size_t n = 0; n < message->n_consistency; n++)
    if (!take_consistency(frame, message->consistency[n], &items[n])) return false;
  return take_epochs(frame, message);
}

GBytes *head_request_encode(Parktally__Frame *message, const struct frame *frame)
{
  Parktally__HeadRequest request = PARKTALLY__HEAD_REQUEST__INIT;

  request.n_from = frame->head_request.count;
  request.from = (uint64_t *)frame->head_request.from;
  message->head_request = &request;
  return codec_pack_frame(message, PARKTALLY__FRAME__BODY_HEAD_REQUEST);
}

GBytes *head_encode(Parktally__Frame *message, const struct frame *frame)
{
  size_t count = MIN(frame->head.count, (size_t)LIMIT_HEADS_TOLD);
  Parktally__Consistency items[LIMIT_HEADS_TOLD], *pointers[LIMIT_HEADS_TOLD];
  ProtobufCBinaryData epochs[LIMIT_EPOCHS_TOLD];
  Parktally__Head head = PARKTALLY__HEAD__INIT;
  GBytes *packed;

  for (size_t n = 0; n < count; n++) {
    const struct consistency_item *item = &frame->head.items[n];

    parktally__consistency__init(&items[n]);
    items[n].from = item->from;
    items[n].n_path = item->path.count;
    items[n].path = codec_hashes(item->path);
    pointers[n] = &items[n];
  }
  head.sealed = codec_bytes(frame->head.sealed);
  head.n_consistency = count;
  head.consistency = pointers;
  head.n_epoch = MIN(frame->head.epoch_count, (size_t)LIMIT_EPOCHS_TOLD);
  for (size_t n = 0; n < head.n_epoch; n++) epochs[n] = codec_bytes(frame->head.epochs[n]);
  head.epoch = epochs;
  message->head = &head;
  packed = codec_pack_frame(message, PARKTALLY__FRAME__BODY_HEAD);
  for (size_t n = 0; n < count; n++) g_free(items[n].path);
  return packed;
}

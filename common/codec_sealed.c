#include "common/codec_private.h"

#include <assert.h>
#include <string.h>

#define PAYLOAD_MOST (LIMIT_SEALED_BYTES - SEAL_HEADER_SIZE)

/* A receipt with all that it may carry inline fits a seal; the last KiB is for its numbers, hashes outside of
 * the path, and the agent's id. */
static_assert(LIMIT_REFUSALS_INLINE * REFUSAL_MOST + FINDING_COUNT * (2 + LIMIT_CODE_BYTES) +
                      MERKLE_PROOF_MOST * (3 + MERKLE_HASH_SIZE) + LIMIT_KIB <=
                  PAYLOAD_MOST,
              "a receipt fits a seal");
static_assert(LIMIT_DOCUMENT_CHUNKS * (2 + SEAL_HASH_SIZE) + LIMIT_KIB <= PAYLOAD_MOST,
              "a manifest fits a seal");
static_assert((int)AGENT_OF_PARK == (int)PARKTALLY__ROLE__ROLE_PARK &&
                  (int)AGENT_OF_BUREAU == (int)PARKTALLY__ROLE__ROLE_BUREAU,
              "our roles are the wire's");

/* --- manifest --- */

struct manifest *manifest_decode(const uint8_t *payload, size_t length)
{
  if (length > PAYLOAD_MOST) return NULL;
  CLEANUP(manifest_free)
  struct manifest *manifest = arena_record(sizeof *manifest, LIMIT_DECODE_ARENA, false);
  const Parktally__Manifest *message =
      arena_unpack(manifest, &parktally__manifest__descriptor, payload, length);
  if (message == NULL || !codec_is_hash(message->hash) || message->size > LIMIT_DOCUMENT_BYTES ||
      !codec_text_fits(message->area, 0, LIMIT_CODE_BYTES))
    return NULL;
  if ((int)message->kind != DOCUMENT_OF_CATALOGUE && (int)message->kind != DOCUMENT_OF_REGISTER) return NULL;
  if (message->n_chunk != (message->size + LIMIT_CHUNK_BYTES - 1) / LIMIT_CHUNK_BYTES) return NULL;

  manifest->kind = (enum document_kind)message->kind;
  manifest->hash = codec_view(message->hash);
  manifest->size = message->size;
  manifest->area = message->area;
  struct hashes_view chunks;
  if (!codec_take_hashes(manifest, message->chunk, message->n_chunk, message->n_chunk, &chunks)) return NULL;
  manifest->chunks = chunks.hash;
  manifest->chunk_count = chunks.count;
  return g_steal_pointer(&manifest);
}

void manifest_free(struct manifest *manifest)
{
  arena_record_free(manifest);
}

GByteArray *manifest_encode(const struct manifest *manifest)
{
  g_autofree ProtobufCBinaryData *chunks =
      codec_hashes((struct hashes_view){manifest->chunks, manifest->chunk_count});
  Parktally__Manifest message = PARKTALLY__MANIFEST__INIT;
  message.kind = (Parktally__DocumentKind)manifest->kind;
  message.hash = codec_bytes(manifest->hash);
  message.size = manifest->size;
  message.n_chunk = manifest->chunk_count;
  message.chunk = chunks;
  message.area = codec_text(manifest->area);
  return codec_pack(&message.base);
}

/* --- receipt --- */

static bool is_sound_receipt(const Parktally__Receipt *message)
{
  return codec_is_hash(message->submission) && codec_text_fits(message->agent, 1, LIMIT_CODE_BYTES) &&
         message->head != NULL && codec_is_hash(message->head->root) &&
         message->position < message->head->size && message->n_refusal <= LIMIT_REFUSALS_INLINE &&
         message->n_refusal <= message->refusals && message->n_finding <= FINDING_COUNT &&
         codec_texts_fit(message->finding, message->n_finding, 1, LIMIT_CODE_BYTES) &&
         codec_is_hash(message->leaf_hash);
}

struct receipt *receipt_decode(const uint8_t *payload, size_t length)
{
  if (length > PAYLOAD_MOST) return NULL;
  CLEANUP(receipt_free) struct receipt *receipt = arena_record(sizeof *receipt, LIMIT_DECODE_ARENA, false);
  const Parktally__Receipt *message = arena_unpack(receipt, &parktally__receipt__descriptor, payload, length);
  if (message == NULL || !is_sound_receipt(message)) return NULL;
  const struct refusal *refusals;
  struct hashes_view path;
  if (!refusals_decode(receipt, message->refusal, message->n_refusal, &refusals) ||
      !codec_take_hashes(receipt, message->path, message->n_path, MERKLE_PROOF_MOST, &path))
    return NULL;

  *receipt = (struct receipt){
      .submission = codec_view(message->submission),
      .agent = message->agent,
      .sequence = message->sequence,
      .counted = message->counted,
      .unchanged = message->unchanged,
      .stale = message->stale,
      .waiting = message->waiting,
      .refused = message->refused,
      .position = message->position,
      .tree_size = message->head->size,
      .tree_epoch = message->head->epoch,
      .tree_root = codec_view(message->head->root),
      .recorded_at_ms = message->recorded_at_ms,
      .refusals = refusals,
      .refusal_count = message->n_refusal,
      .refusals_total = message->refusals,
      .findings = (const char *const *)message->finding,
      .finding_count = message->n_finding,
      .leaf_hash = codec_view(message->leaf_hash),
      .path = path,
  };
  return g_steal_pointer(&receipt);
}

void receipt_free(struct receipt *receipt)
{
  arena_record_free(receipt);
}

GByteArray *receipt_encode(const struct receipt *receipt)
{
  size_t count = MIN(receipt->refusal_count, (size_t)LIMIT_REFUSALS_INLINE);
  struct refusal_messages refusals;
  refusal_messages_init(&refusals, receipt->refusals, count);
  Parktally__TreeHead head = PARKTALLY__TREE_HEAD__INIT;
  head.size = receipt->tree_size;
  head.epoch = receipt->tree_epoch;
  head.root = codec_bytes(receipt->tree_root);

  Parktally__Receipt message = PARKTALLY__RECEIPT__INIT;
  message.submission = codec_bytes(receipt->submission);
  message.agent = codec_text(receipt->agent);
  message.sequence = receipt->sequence;
  message.counted = receipt->counted;
  message.unchanged = receipt->unchanged;
  message.stale = receipt->stale;
  message.waiting = receipt->waiting;
  message.refused = receipt->refused;
  message.position = receipt->position;
  message.head = &head;
  message.recorded_at_ms = receipt->recorded_at_ms;
  message.n_refusal = count;
  message.refusal = refusals.pointer;
  message.refusals = receipt->refusals_total;
  message.n_finding = MIN(receipt->finding_count, (size_t)FINDING_COUNT);
  message.finding = (char **)receipt->findings;
  message.leaf_hash = codec_bytes(receipt->leaf_hash);
  message.n_path = receipt->path.count;
  g_autofree ProtobufCBinaryData *path = codec_hashes(receipt->path);
  message.path = path;
  GByteArray *packed = codec_pack(&message.base);
  refusal_messages_finish(&refusals);
  return packed;
}

/* --- certificate --- */

struct certificate *certificate_decode(const uint8_t *payload, size_t length)
{
  if (length > PAYLOAD_MOST) return NULL;
  CLEANUP(certificate_free)
  struct certificate *certificate = arena_record(sizeof *certificate, LIMIT_DECODE_ARENA, false);
  const Parktally__Certificate *message =
      arena_unpack(certificate, &parktally__certificate__descriptor, payload, length);
  if (message == NULL || !codec_text_fits(message->agent, 1, LIMIT_CODE_BYTES) ||
      !codec_text_fits(message->area, 1, LIMIT_CODE_BYTES) || message->n_form > LIMIT_CATALOGUE_ITEMS ||
      !codec_texts_fit(message->form, message->n_form, 1, LIMIT_CODE_BYTES))
    return NULL;
  if (!codec_is_hash(message->curve_key) || !codec_is_hash(message->sign_key))
    return NULL; /* keys of 32 bytes too */
  if ((int)message->role != AGENT_OF_PARK && (int)message->role != AGENT_OF_BUREAU) return NULL;

  *certificate = (struct certificate){
      .agent = message->agent,
      .area = message->area,
      .role = (enum agent_role)message->role,
      .forms = (const char *const *)message->form,
      .form_count = message->n_form,
      .curve_key = codec_view(message->curve_key),
      .sign_key = codec_view(message->sign_key),
      .issued_at_ms = message->issued_at_ms,
  };
  return g_steal_pointer(&certificate);
}

void certificate_free(struct certificate *certificate)
{
  arena_record_free(certificate);
}

GByteArray *certificate_encode(const struct certificate *certificate)
{
  Parktally__Certificate message = PARKTALLY__CERTIFICATE__INIT;
  message.agent = codec_text(certificate->agent);
  message.area = codec_text(certificate->area);
  message.role = (Parktally__Role)certificate->role;
  message.n_form = certificate->form_count;
  message.form = (char **)certificate->forms;
  message.curve_key = codec_bytes(certificate->curve_key);
  message.sign_key = codec_bytes(certificate->sign_key);
  message.issued_at_ms = certificate->issued_at_ms;
  return codec_pack(&message.base);
}

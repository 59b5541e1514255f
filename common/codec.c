#include "common/codec_private.h"

#include <assert.h>

/* The arena of a frame: its own copy of what it carries, and room for what a frame may be split into. */
static_assert(LIMIT_FRAME_BYTES < LIMIT_DECODE_ARENA, "a frame is copied into its arena");
static_assert(LIMIT_REFUSALS_INLINE * REFUSAL_MOST + LIMIT_KIB <= LIMIT_FRAME_BYTES,
              "a page of refusals fits a frame");
static_assert(LIMIT_CHUNK_BYTES + LIMIT_KIB <= LIMIT_FRAME_BYTES, "a chunk fits a frame");
static_assert((int)DOCUMENT_OF_CATALOGUE == (int)PARKTALLY__DOCUMENT_KIND__DOCUMENT_CATALOGUE &&
                  (int)DOCUMENT_OF_REGISTER == (int)PARKTALLY__DOCUMENT_KIND__DOCUMENT_REGISTER,
              "our kinds are the wire's");

/* --- decoding: a function per kind, false if a field is not what it must be --- */

static bool is_document_kind(int kind)
{
  return kind == DOCUMENT_OF_CATALOGUE || kind == DOCUMENT_OF_REGISTER;
}

static bool take_hello(const Parktally__Hello *message, struct frame *frame)
{
  if (!codec_text_fits(message->agent, 1, LIMIT_CODE_BYTES) ||
      !codec_text_fits(message->software, 0, LIMIT_NAME_BYTES) ||
      !codec_is_hash_or_empty(message->catalogue_hash) || !codec_is_hash_or_empty(message->register_hash) ||
      !codec_is_hash_or_empty(message->server_key))
    return false;
  frame->kind = FRAME_HELLO;
  frame->hello.agent = message->agent;
  frame->hello.software = message->software;
  frame->hello.clock_ms = message->clock_ms;
  frame->hello.catalogue_hash = codec_view(message->catalogue_hash);
  frame->hello.register_hash = codec_view(message->register_hash);
  frame->hello.server_key = codec_view(message->server_key);
  return true;
}

static bool take_welcome(const Parktally__Welcome *message, struct frame *frame)
{
  if (!codec_is_hash_or_empty(message->catalogue_hash) || !codec_is_hash_or_empty(message->register_hash))
    return false;
  frame->kind = FRAME_WELCOME;
  frame->welcome.credit = message->credit;
  frame->welcome.clock_ms = message->clock_ms;
  frame->welcome.catalogue_hash = codec_view(message->catalogue_hash);
  frame->welcome.register_hash = codec_view(message->register_hash);
  frame->welcome.state = message->state;
  frame->welcome.waiting = message->waiting;
  return codec_take_views(frame, message->key_change, message->n_key_change, LIMIT_KEY_CHANGES,
                          &frame->welcome.key_changes, &frame->welcome.key_change_count);
}

static bool take_document_request(const Parktally__DocumentRequest *message, struct frame *frame)
{
  frame->kind = FRAME_DOCUMENT_REQUEST;
  frame->document_request.kind = (enum document_kind)message->kind;
  return is_document_kind((int)message->kind);
}

static bool take_document(const Parktally__Document *message, struct frame *frame)
{
  frame->kind = FRAME_DOCUMENT;
  frame->document.kind = (enum document_kind)message->kind;
  frame->document.manifest = codec_view(message->manifest);
  return is_document_kind((int)message->kind) && message->manifest.len >= SEAL_HEADER_SIZE &&
         message->manifest.len <= LIMIT_SEALED_BYTES;
}

static bool take_chunk_request(const Parktally__ChunkRequest *message, struct frame *frame)
{
  frame->kind = FRAME_CHUNK_REQUEST;
  frame->chunk_request.kind = (enum document_kind)message->kind;
  frame->chunk_request.hash = codec_view(message->hash);
  frame->chunk_request.index = message->index;
  return is_document_kind((int)message->kind) && codec_is_hash(message->hash) &&
         message->index < LIMIT_DOCUMENT_CHUNKS;
}

static bool take_chunk(const Parktally__Chunk *message, struct frame *frame)
{
  frame->kind = FRAME_CHUNK;
  frame->chunk.hash = codec_view(message->hash);
  frame->chunk.index = message->index;
  frame->chunk.data = codec_view(message->data);
  return codec_is_hash(message->hash) && message->index < LIMIT_DOCUMENT_CHUNKS &&
         message->data.len <= LIMIT_CHUNK_BYTES;
}

static bool take_submit(const Parktally__Submit *message, struct frame *frame)
{
  frame->kind = FRAME_SUBMIT;
  frame->submit.id = codec_view(message->id);
  frame->submit.sealed = codec_view(message->sealed);
  return codec_is_hash(message->id); /* how large it may be is judged later, so that the answer names it */
}

static bool take_busy(const Parktally__Busy *message, struct frame *frame)
{
  frame->kind = FRAME_BUSY;
  frame->busy.id = codec_view(message->id);
  frame->busy.retry_after_ms = message->retry_after_ms;
  return codec_is_hash(message->id);
}

static bool take_fault(const Parktally__Fault *message, struct frame *frame)
{
  frame->kind = FRAME_FAULT;
  frame->fault.id = codec_view(message->id);
  frame->fault.code = message->code;
  frame->fault.text = message->text;
  return codec_is_hash_or_empty(message->id) && codec_text_fits(message->code, 1, LIMIT_CODE_BYTES) &&
         codec_text_fits(message->text, 0, LIMIT_NAME_BYTES);
}

static bool take_refusal_request(const Parktally__RefusalRequest *message, struct frame *frame)
{
  frame->kind = FRAME_REFUSAL_REQUEST;
  frame->refusal_request.id = codec_view(message->id);
  frame->refusal_request.offset = message->offset;
  return codec_is_hash(message->id);
}

static bool take_refusal_page(const Parktally__RefusalPage *message, struct frame *frame)
{
  frame->kind = FRAME_REFUSAL_PAGE;
  frame->refusal_page.id = codec_view(message->id);
  frame->refusal_page.offset = message->offset;
  frame->refusal_page.total = message->total;
  frame->refusal_page.count = message->n_refusal;
  return codec_is_hash(message->id) && message->n_refusal <= LIMIT_REFUSALS_INLINE &&
         refusals_decode(frame, message->refusal, message->n_refusal, &frame->refusal_page.refusals);
}

static bool take_state_request(const Parktally__StateRequest *message, struct frame *frame)
{
  frame->kind = FRAME_STATE_REQUEST;
  frame->state_request.from = message->from;
  return true;
}

static bool take_receipt(ProtobufCBinaryData sealed, struct frame *frame)
{
  frame->kind = FRAME_RECEIPT;
  frame->receipt.sealed = codec_view(sealed);
  return sealed.len <= LIMIT_SEALED_BYTES;
}

static bool take_certificate(ProtobufCBinaryData sealed, struct frame *frame)
{
  frame->kind = FRAME_CERTIFICATE;
  frame->certificate.sealed = codec_view(sealed);
  return sealed.len <= LIMIT_SEALED_BYTES;
}

static bool take_body(const Parktally__Frame *message, struct frame *frame)
{
  switch (message->body_case) {
  case PARKTALLY__FRAME__BODY_HELLO:
    return take_hello(message->hello, frame);
  case PARKTALLY__FRAME__BODY_WELCOME:
    return take_welcome(message->welcome, frame);
  case PARKTALLY__FRAME__BODY_DOCUMENT_REQUEST:
    return take_document_request(message->document_request, frame);
  case PARKTALLY__FRAME__BODY_DOCUMENT:
    return take_document(message->document, frame);
  case PARKTALLY__FRAME__BODY_CHUNK_REQUEST:
    return take_chunk_request(message->chunk_request, frame);
  case PARKTALLY__FRAME__BODY_CHUNK:
    return take_chunk(message->chunk, frame);
  case PARKTALLY__FRAME__BODY_SUBMIT:
    return take_submit(message->submit, frame);
  case PARKTALLY__FRAME__BODY_BUSY:
    return take_busy(message->busy, frame);
  case PARKTALLY__FRAME__BODY_FAULT:
    return take_fault(message->fault, frame);
  case PARKTALLY__FRAME__BODY_REFUSAL_REQUEST:
    return take_refusal_request(message->refusal_request, frame);
  case PARKTALLY__FRAME__BODY_REFUSAL_PAGE:
    return take_refusal_page(message->refusal_page, frame);
  case PARKTALLY__FRAME__BODY_RECEIPT:
    return take_receipt(message->receipt, frame);
  case PARKTALLY__FRAME__BODY_CERTIFICATE:
    return take_certificate(message->certificate, frame);
  case PARKTALLY__FRAME__BODY_STATE_REQUEST:
    return take_state_request(message->state_request, frame);
  case PARKTALLY__FRAME__BODY_STATE_PAGE:
    return state_page_decode(message->state_page, frame);
  case PARKTALLY__FRAME__BODY_HEAD_REQUEST:
    return head_request_decode(message->head_request, frame);
  case PARKTALLY__FRAME__BODY_HEAD:
    return head_decode(message->head, frame);
  default:
    return true; /* of a newer protocol, or empty: FRAME_NONE */
  }
}

struct frame *frame_decode(const uint8_t *data, size_t length)
{
  if (length > LIMIT_FRAME_BYTES) return NULL;
  CLEANUP(frame_free) struct frame *frame = arena_record(sizeof *frame, LIMIT_DECODE_ARENA, false);
  const Parktally__Frame *message = arena_unpack(frame, &parktally__frame__descriptor, data, length);
  if (message == NULL || message->protocol == 0) return NULL;
  frame->protocol = message->protocol;
  /* What a newer protocol means by its fields is not ours to guess. */
  if (message->protocol == PROTOCOL_VERSION && !take_body(message, frame)) return NULL;
  return g_steal_pointer(&frame);
}

void frame_free(struct frame *frame)
{
  arena_record_free(frame);
}

/* --- encoding --- */

GBytes *codec_pack_frame(Parktally__Frame *message, Parktally__Frame__BodyCase body)
{
  message->body_case = body;
  return g_byte_array_free_to_bytes(codec_pack(&message->base));
}

static GBytes *encode_hello(Parktally__Frame *message, const struct frame *frame)
{
  Parktally__Hello hello = PARKTALLY__HELLO__INIT;
  hello.agent = codec_text(frame->hello.agent);
  hello.software = codec_text(frame->hello.software);
  hello.clock_ms = frame->hello.clock_ms;
  hello.catalogue_hash = codec_bytes(frame->hello.catalogue_hash);
  hello.register_hash = codec_bytes(frame->hello.register_hash);
  hello.server_key = codec_bytes(frame->hello.server_key);
  message->hello = &hello;
  return codec_pack_frame(message, PARKTALLY__FRAME__BODY_HELLO);
}

static GBytes *encode_welcome(Parktally__Frame *message, const struct frame *frame)
{
  Parktally__Welcome welcome = PARKTALLY__WELCOME__INIT;
  welcome.credit = frame->welcome.credit;
  welcome.clock_ms = frame->welcome.clock_ms;
  welcome.catalogue_hash = codec_bytes(frame->welcome.catalogue_hash);
  welcome.register_hash = codec_bytes(frame->welcome.register_hash);
  welcome.state = frame->welcome.state;
  welcome.waiting = frame->welcome.waiting;
  welcome.n_key_change = frame->welcome.key_change_count;
  g_autofree ProtobufCBinaryData *changes =
      codec_views(frame->welcome.key_changes, frame->welcome.key_change_count);
  welcome.key_change = changes;
  message->welcome = &welcome;
  return codec_pack_frame(message, PARKTALLY__FRAME__BODY_WELCOME);
}

static GBytes *encode_document_request(Parktally__Frame *message, const struct frame *frame)
{
  Parktally__DocumentRequest request = PARKTALLY__DOCUMENT_REQUEST__INIT;
  request.kind = (Parktally__DocumentKind)frame->document_request.kind;
  message->document_request = &request;
  return codec_pack_frame(message, PARKTALLY__FRAME__BODY_DOCUMENT_REQUEST);
}

static GBytes *encode_document(Parktally__Frame *message, const struct frame *frame)
{
  Parktally__Document document = PARKTALLY__DOCUMENT__INIT;
  document.kind = (Parktally__DocumentKind)frame->document.kind;
  document.manifest = codec_bytes(frame->document.manifest);
  message->document = &document;
  return codec_pack_frame(message, PARKTALLY__FRAME__BODY_DOCUMENT);
}

static GBytes *encode_chunk_request(Parktally__Frame *message, const struct frame *frame)
{
  Parktally__ChunkRequest request = PARKTALLY__CHUNK_REQUEST__INIT;
  request.kind = (Parktally__DocumentKind)frame->chunk_request.kind;
  request.hash = codec_bytes(frame->chunk_request.hash);
  request.index = frame->chunk_request.index;
  message->chunk_request = &request;
  return codec_pack_frame(message, PARKTALLY__FRAME__BODY_CHUNK_REQUEST);
}

static GBytes *encode_chunk(Parktally__Frame *message, const struct frame *frame)
{
  Parktally__Chunk chunk = PARKTALLY__CHUNK__INIT;
  chunk.hash = codec_bytes(frame->chunk.hash);
  chunk.index = frame->chunk.index;
  chunk.data = codec_bytes(frame->chunk.data);
  message->chunk = &chunk;
  return codec_pack_frame(message, PARKTALLY__FRAME__BODY_CHUNK);
}

static GBytes *encode_submit(Parktally__Frame *message, const struct frame *frame)
{
  Parktally__Submit submit = PARKTALLY__SUBMIT__INIT;
  submit.id = codec_bytes(frame->submit.id);
  submit.sealed = codec_bytes(frame->submit.sealed);
  message->submit = &submit;
  return codec_pack_frame(message, PARKTALLY__FRAME__BODY_SUBMIT);
}

static GBytes *encode_busy(Parktally__Frame *message, const struct frame *frame)
{
  Parktally__Busy busy = PARKTALLY__BUSY__INIT;
  busy.id = codec_bytes(frame->busy.id);
  busy.retry_after_ms = frame->busy.retry_after_ms;
  message->busy = &busy;
  return codec_pack_frame(message, PARKTALLY__FRAME__BODY_BUSY);
}

static GBytes *encode_fault(Parktally__Frame *message, const struct frame *frame)
{
  g_autofree char *text = codec_presentable(frame->fault.text, LIMIT_NAME_BYTES);
  Parktally__Fault fault = PARKTALLY__FAULT__INIT;
  fault.id = codec_bytes(frame->fault.id);
  fault.code = codec_text(frame->fault.code);
  fault.text = text;
  message->fault = &fault;
  return codec_pack_frame(message, PARKTALLY__FRAME__BODY_FAULT);
}

static GBytes *encode_refusal_request(Parktally__Frame *message, const struct frame *frame)
{
  Parktally__RefusalRequest request = PARKTALLY__REFUSAL_REQUEST__INIT;
  request.id = codec_bytes(frame->refusal_request.id);
  request.offset = frame->refusal_request.offset;
  message->refusal_request = &request;
  return codec_pack_frame(message, PARKTALLY__FRAME__BODY_REFUSAL_REQUEST);
}

static GBytes *encode_refusal_page(Parktally__Frame *message, const struct frame *frame)
{
  size_t count = MIN(frame->refusal_page.count, (size_t)LIMIT_REFUSALS_INLINE);
  struct refusal_messages refusals;
  refusal_messages_init(&refusals, frame->refusal_page.refusals, count);
  Parktally__RefusalPage page = PARKTALLY__REFUSAL_PAGE__INIT;
  page.id = codec_bytes(frame->refusal_page.id);
  page.offset = frame->refusal_page.offset;
  page.total = frame->refusal_page.total;
  page.n_refusal = count;
  page.refusal = refusals.pointer;
  message->refusal_page = &page;
  GBytes *packed = codec_pack_frame(message, PARKTALLY__FRAME__BODY_REFUSAL_PAGE);
  refusal_messages_finish(&refusals);
  return packed;
}

static GBytes *encode_state_request(Parktally__Frame *message, const struct frame *frame)
{
  Parktally__StateRequest request = PARKTALLY__STATE_REQUEST__INIT;
  request.from = frame->state_request.from;
  message->state_request = &request;
  return codec_pack_frame(message, PARKTALLY__FRAME__BODY_STATE_REQUEST);
}

GBytes *frame_encode(const struct frame *frame)
{
  Parktally__Frame message = PARKTALLY__FRAME__INIT;
  message.protocol = PROTOCOL_VERSION;
  switch (frame->kind) {
  case FRAME_HELLO:
    return encode_hello(&message, frame);
  case FRAME_WELCOME:
    return encode_welcome(&message, frame);
  case FRAME_DOCUMENT_REQUEST:
    return encode_document_request(&message, frame);
  case FRAME_DOCUMENT:
    return encode_document(&message, frame);
  case FRAME_CHUNK_REQUEST:
    return encode_chunk_request(&message, frame);
  case FRAME_CHUNK:
    return encode_chunk(&message, frame);
  case FRAME_SUBMIT:
    return encode_submit(&message, frame);
  case FRAME_BUSY:
    return encode_busy(&message, frame);
  case FRAME_FAULT:
    return encode_fault(&message, frame);
  case FRAME_REFUSAL_REQUEST:
    return encode_refusal_request(&message, frame);
  case FRAME_REFUSAL_PAGE:
    return encode_refusal_page(&message, frame);
  case FRAME_RECEIPT:
    message.receipt = codec_bytes(frame->receipt.sealed);
    return codec_pack_frame(&message, PARKTALLY__FRAME__BODY_RECEIPT);
  case FRAME_CERTIFICATE:
    message.certificate = codec_bytes(frame->certificate.sealed);
    return codec_pack_frame(&message, PARKTALLY__FRAME__BODY_CERTIFICATE);
  case FRAME_STATE_REQUEST:
    return encode_state_request(&message, frame);
  case FRAME_STATE_PAGE:
    return state_page_encode(&message, frame);
  case FRAME_HEAD_REQUEST:
    return head_request_encode(&message, frame);
  case FRAME_HEAD:
    return head_encode(&message, frame);
  case FRAME_NONE:
    break;
  }
  return codec_pack_frame(&message, PARKTALLY__FRAME__BODY__NOT_SET);
}

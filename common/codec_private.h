/* What the codec*.c and submission.c share: the bounded arena that every decoded record lives in, checks of
 * fields, and refusals, which receipts, pages and leaves have in common. */
#ifndef PARKTALLY_COMMON_CODEC_PRIVATE_H
#define PARKTALLY_COMMON_CODEC_PRIVATE_H

#include "common/codec.h"
#include "common/limits.h"
#include "common/merkle.h"

#include "parktally.pb-c.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Code of a column: an indicator's and the longest suffix of a variant. */
#define CODEC_COLUMN_BYTES (LIMIT_CODE_BYTES + sizeof ".ytd_ly" - 1)

/* --- the arena --- */

/* A zeroed record at the head of an arena of its own, from which at most `limit` bytes are given. With
 * `secret` its memory is wiped when it is freed. */
void *arena_record(size_t record_size, size_t limit, bool secret);
/* Frees the record and all that was taken from its arena. NULL is accepted. */
void arena_record_free(void *record);

/* Uninitialised memory for as long as the record lives; NULL beyond the limit. */
void *arena_take(void *record, size_t size);

/* What the record and its arena take of the heap, but for the allocator's own. */
size_t arena_memory(const void *record);

/* Unpacks a message into the record's arena; NULL if it is malformed or does not fit. */
void *arena_unpack(void *record, const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t length);

/* --- checks of what arena_unpack() gave; all texts are clean UTF-8 without NUL --- */

bool codec_text_fits(const char *text, size_t least, size_t most);
bool codec_texts_fit(char *const *texts, size_t count, size_t least, size_t most);

static inline bool codec_is_hash(ProtobufCBinaryData bytes)
{
  return bytes.len == SEAL_HASH_SIZE;
}

static inline bool codec_is_hash_or_empty(ProtobufCBinaryData bytes)
{
  return bytes.len == SEAL_HASH_SIZE || bytes.len == 0;
}

/* Never with a NULL pointer, also of nothing. */
static inline struct bytes_view codec_view(ProtobufCBinaryData bytes)
{
  static const uint8_t nothing;
  return (struct bytes_view){bytes.len > 0 ? bytes.data : &nothing, bytes.len};
}

/* --- for encoding: protobuf-c's structs are not const, its packing is --- */

static inline ProtobufCBinaryData codec_bytes(struct bytes_view view)
{
  return (ProtobufCBinaryData){view.length, (uint8_t *)view.data};
}

static inline char *codec_text(const char *text)
{
  return (char *)(text != NULL ? text : "");
}

/* What comes from files and peers, made clean and cut to `most` bytes, for the reader refuses what is
 * neither. New. */
char *codec_presentable(const char *text, size_t most);

GByteArray *codec_pack(const ProtobufCMessage *message);
GBytes *codec_pack_frame(Parktally__Frame *message, Parktally__Frame__BodyCase body);

/* --- hashes in a row (codec_head.c) --- */

/* Copied, side by side. False if there are too many, one is no hash, or the arena is full. */
bool codec_take_hashes(void *record, const ProtobufCBinaryData *given, size_t count, size_t most,
                       struct hashes_view *ret_hashes);
/* For packing; freed with g_free(). */
ProtobufCBinaryData *codec_hashes(struct hashes_view hashes);

/* --- sealed bytes in a row (codec_key.c): views, as above --- */

bool codec_take_views(void *record, const ProtobufCBinaryData *given, size_t count, size_t most,
                      const struct bytes_view **ret_views, size_t *ret_count);
ProtobufCBinaryData *codec_views(const struct bytes_view *views, size_t count);

/* --- heads (codec_head.c) --- */

bool head_request_decode(const Parktally__HeadRequest *message, struct frame *frame);
bool head_decode(const Parktally__Head *message, struct frame *frame);
GBytes *head_request_encode(Parktally__Frame *message, const struct frame *frame);
GBytes *head_encode(Parktally__Frame *message, const struct frame *frame);

/* --- refusals --- */

/* False if one is malformed or the arena is full. */
bool refusals_decode(void *record, Parktally__Refusal *const *messages, size_t count,
                     const struct refusal **ret_refusals);

/* For packing. Found and expected are cut to LIMIT_REFUSAL_TEXT. */
struct refusal_messages {
  Parktally__Refusal *message;
  Parktally__Refusal **pointer;
  GPtrArray *texts; /* that had to be cut */
};
void refusal_messages_init(struct refusal_messages *messages, const struct refusal *refusals, size_t count);
void refusal_messages_finish(struct refusal_messages *messages);

/* --- pages of what an area is asked (codec_state.c) --- */

bool state_page_decode(const Parktally__StatePage *message, struct frame *frame);
GBytes *state_page_encode(Parktally__Frame *message, const struct frame *frame);

/* --- leaves about inquiries (codec_inquiry.c): false if a field is not what it must be --- */

bool examination_decode(const Parktally__ExaminationLeaf *message, struct leaf *leaf);
bool ask_decode(const Parktally__AskLeaf *message, struct leaf *leaf);
bool accept_decode(const Parktally__AcceptLeaf *message, struct leaf *leaf);
bool consent_decode(const Parktally__ConsentLeaf *message, struct leaf *leaf);
GByteArray *inquiry_leaf_encode(Parktally__Leaf *message, const struct leaf *leaf);

/* Most bytes of one refusal with its tag and length in what it is repeated in. */
#define REFUSAL_MOST                                                                                         \
  ((1 + 2) + (1 + 5) + 3 * 2 + (LIMIT_CODE_BYTES + LIMIT_CODE_BYTES + CODEC_COLUMN_BYTES) +                  \
   2 * (2 + LIMIT_REFUSAL_TEXT) + 2)

#endif

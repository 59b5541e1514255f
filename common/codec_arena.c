#include "common/codec_private.h"

#include "common/text.h"

#include <assert.h>
#include <sodium.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

/* protobuf-c frees piecemeal, and where it gives up half-way its 1.4.1 has to be trusted to free each piece
 * once. Here freeing does nothing, the whole arena goes at once, so neither an early end nor merged messages
 * can leak or free twice. (Read in protobuf-c 1.4.1: every path looks at the allocator's NULL; the one
 * resource that is not a message is the table of scanned fields, 32 bytes a field, which comes from the
 * allocator too.) */

struct block {
  struct block *next;
  size_t size, used; /* of what follows */
};

struct arena {
  ProtobufCAllocator allocator;
  struct block *blocks; /* the one in use first */
  size_t record_size;
  size_t taken, limit;
  bool secret;
};

/* The record stands behind its arena. */
#define ARENA_SIZE                                                                                           \
  ((sizeof(struct arena) + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t))

/* Before each piece stands its size, for protobuf-c tells a text only by its NUL and so hides one that is
 * inside. */
struct piece {
  size_t size;
};

#define BLOCK_FIRST ((size_t)2048)
#define BLOCK_MOST (256 * LIMIT_KIB)

static_assert(sizeof(struct block) % alignof(uint64_t) == 0 && sizeof(struct piece) % alignof(uint64_t) == 0,
              "pieces are aligned for any field of a message");

static struct arena *arena_of(const void *record)
{
  return (struct arena *)((char *)record - ARENA_SIZE);
}

static struct block *add_block(struct arena *arena, size_t least)
{
  size_t size = arena->blocks == NULL ? BLOCK_FIRST : MIN(arena->blocks->size * 2, BLOCK_MOST);
  size = MAX(size, least);
  struct block *block = malloc(sizeof *block + size);
  if (block == NULL) return NULL;
  *block = (struct block){.next = arena->blocks, .size = size};
  arena->blocks = block;
  return block;
}

static void *take(void *data, size_t size)
{
  struct arena *arena = data;
  if (size > arena->limit) return NULL;
  size_t need = sizeof(struct piece) + (size + 7) / 8 * 8;
  if (need > arena->limit - arena->taken) return NULL;

  struct block *block = arena->blocks;
  if (block == NULL || need > block->size - block->used) block = add_block(arena, need);
  if (block == NULL) return NULL;
  struct piece *piece = (struct piece *)((char *)(block + 1) + block->used);
  piece->size = size;
  block->used += need;
  arena->taken += need;
  return piece + 1;
}

static void leave(void *data, void *piece)
{
  (void)data;
  (void)piece;
}

void *arena_record(size_t record_size, size_t limit, bool secret)
{
  struct arena *arena = g_malloc0(ARENA_SIZE + record_size);
  *arena = (struct arena){
      .allocator = {.alloc = take, .free = leave, .allocator_data = arena},
      .record_size = record_size,
      .limit = limit,
      .secret = secret,
  };
  return (char *)arena + ARENA_SIZE;
}

void arena_record_free(void *record)
{
  if (record == NULL) return;
  struct arena *arena = arena_of(record);
  for (struct block *block = arena->blocks, *next; block != NULL; block = next) {
    next = block->next;
    if (arena->secret) sodium_memzero(block + 1, block->used);
    free(block);
  }
  if (arena->secret) sodium_memzero(record, arena->record_size);
  g_free(arena);
}

void *arena_take(void *record, size_t size)
{
  return take(arena_of(record), size);
}

size_t arena_memory(const void *record)
{
  const struct arena *arena = arena_of(record);
  size_t size = ARENA_SIZE + arena->record_size;
  for (const struct block *block = arena->blocks; block != NULL; block = block->next)
    size += sizeof *block + block->size;
  return size;
}

void *arena_unpack(void *record, const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t length)
{
  static const uint8_t nothing;
  return protobuf_c_message_unpack(type, &arena_of(record)->allocator, length, length > 0 ? data : &nothing);
}

static size_t text_length(const char *text)
{
  if (text == protobuf_c_empty_string) return 0;
  return ((const struct piece *)(const void *)text - 1)->size - 1;
}

bool codec_text_fits(const char *text, size_t least, size_t most)
{
  size_t length = text_length(text);
  return length >= least && length <= most && text_is_clean(text, length);
}

bool codec_texts_fit(char *const *texts, size_t count, size_t least, size_t most)
{
  for (size_t i = 0; i < count; i++)
    if (!codec_text_fits(texts[i], least, most)) return false;
  return true;
}

char *codec_presentable(const char *text, size_t most)
{
  return text != NULL ? text_excerpt(text, strlen(text), most) : g_strdup("");
}

GByteArray *codec_pack(const ProtobufCMessage *message)
{
  size_t size = protobuf_c_message_get_packed_size(message);
  assert(size <= G_MAXUINT);
  GByteArray *packed = g_byte_array_sized_new((guint)size);
  g_byte_array_set_size(packed, (guint)size);
  protobuf_c_message_pack(message, packed->data);
  return packed;
}

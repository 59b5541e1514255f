/* A file from a stick: the reader ends, keeps within the file, and gives the same whatever is read at a time.
 */
#include "check.h"

#include "common/codec.h"
#include "common/limits.h"
#include "common/satchel_private.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct memory {
  const uint8_t *data;
  size_t left, piece;
};

static ssize_t give(void *data, void *bytes, size_t most)
{
  struct memory *memory = data;
  size_t part = MIN(MIN(most, memory->left), memory->piece);
  memcpy(bytes, memory->data, part);
  memory->data += part;
  memory->left -= part;
  return (ssize_t)part;
}

/* Takes what a record holds as both programs do once its seal was opened. */
static void open_record(const struct satchel_record *record)
{
  if (record->kind != SATCHEL_FAULT && record->kind != SATCHEL_REFUSALS) return;
  CLEANUP(frame_free) struct frame *frame = frame_decode(record->data, record->length);
  (void)frame;
}

/* A number that stands for all that was read. */
static uint64_t read_all(const uint8_t *data, size_t size, size_t piece)
{
  struct memory memory = {data, size, piece};
  CLEANUP(satchel_reader_free) struct satchel_reader *reader = satchel_reader_new(give, &memory);
  uint64_t sum = 1, bytes = 0;
  for (unsigned events = 0;; events++) {
    struct satchel_record record;
    struct satchel_damage damage;
    g_autoptr(GError) error = NULL;
    enum satchel_event event = satchel_next(reader, &record, &damage, &error);
    CHECK(events < 2 * size + 8);
    sum = sum * 31 + event;
    if (event == SATCHEL_HAS_RECORD) {
      CHECK(record.length <= LIMIT_CARRIED_BYTES && record.kind != SATCHEL_END);
      bytes += record.length + SATCHEL_RECORD_SIZE;
      sum = sum * 31 + record.sequence + record.length;
      open_record(&record);
    } else if (event == SATCHEL_HAS_DAMAGE) {
      g_autofree char *text = satchel_describe(&damage);
      CHECK(*text);
      CHECK(damage.offset <= size);
      sum = sum * 31 + damage.offset;
    } else {
      CHECK((event == SATCHEL_FAILED) == (error != NULL));
      CHECK(bytes <= size);
      return sum;
    }
  }
}

static void read_twice(const uint8_t *data, size_t size)
{
  CHECK(read_all(data, size, SIZE_MAX) == read_all(data, size, 7));
}

/* Kind, number, and whether the length is told right, then a length and so many bytes; again and again. */
static void make_records(const uint8_t *data, size_t size)
{
  static const uint8_t head[SATCHEL_HEAD_SIZE] = SATCHEL_MAGIC "\1\1";
  g_autoptr(GByteArray) file = g_byte_array_new();
  g_byte_array_append(file, head, sizeof head);
  while (size >= 4) {
    size_t length = MIN((size_t)data[3], size - 4);
    struct satchel_header header = {.kind = data[0],
                                    .number = data[1],
                                    .length = (uint32_t)(data[2] % 4 == 0 ? data[2] * 40000 : length),
                                    .sequence = data[2]};
    uint8_t bytes[SATCHEL_RECORD_SIZE];
    satchel_check(data + 4, length, header.payload_check);
    satchel_header_write(&header, bytes);
    g_byte_array_append(file, bytes, sizeof bytes);
    g_byte_array_append(file, data + 4, (guint)length);
    data += 4 + length;
    size -= 4 + length;
  }
  read_twice(file->data, file->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size > 0 && data[0] == 'P')
    read_twice(data, size);
  else
    make_records(data, size);
  return 0;
}

/* Reading a satchel: untrusted bytes, a record at a time; behind damage the next record is found again. */
#include "common/satchel_private.h"

#include "common/error.h"
#include "common/limits.h"
#include "common/text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Room for a record and the header of the next. */
#define BUFFER_SIZE (2 * SATCHEL_RECORD_SIZE + LIMIT_CARRIED_BYTES)

/* So many damaged records may have others within them: whoever makes headers overlap has each of their bytes
 * hashed again and again. */
#define LOOKS 64

struct satchel_reader {
  satchel_source *source;
  void *data;
  int file; /* where the reader has opened it; else −1 */
  char *name;
  uint8_t *buffer;
  size_t begin, end; /* what of it is there */
  uint64_t offset;   /* in the file, of `begin` */
  bool at_end;       /* of the file */
  int failure;       /* errno */
  struct seal_hasher *hasher;
  bool begun, head_damaged, newer, ended, cut, beyond;
  enum satchel_contents contents;
  uint32_t next;  /* number of the record that should come */
  uint32_t came;  /* records given */
  uint64_t skips; /* bytes of a record over the limit that are still to be passed over */
  size_t used;    /* of the record given last, to be consumed first */
  unsigned looks; /* for records within a damaged one */
};

struct satchel_reader *satchel_reader_new(satchel_source *source, void *data)
{
  struct satchel_reader *reader = g_new0(struct satchel_reader, 1);
  reader->source = source;
  reader->data = data;
  reader->file = -1;
  reader->name = g_strdup("");
  reader->buffer = g_malloc(BUFFER_SIZE);
  reader->hasher = seal_hash_begin();
  return reader;
}

static ssize_t read_file(void *data, void *bytes, size_t most)
{
  const struct satchel_reader *reader = data;
  ssize_t got;
  do got = read(reader->file, bytes, most);
  while (got < 0 && errno == EINTR);
  return got;
}

struct satchel_reader *satchel_reader_open(const char *path, GError **error)
{
  struct stat facts;
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (file < 0) {
    int saved = errno;
    g_set_error(error, PARKTALLY_ERROR, saved == EACCES || saved == EPERM ? ERROR_PERMISSION : ERROR_IO,
                _("%s cannot be opened: %s"), path, g_strerror(saved));
    return NULL;
  }
  if (fstat(file, &facts) != 0 || !S_ISREG(facts.st_mode)) {
    close(file);
    g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE,
                _("%s is no ordinary file; name a file that “outbox export” or “import” wrote"), path);
    return NULL;
  }
  struct satchel_reader *reader = satchel_reader_new(read_file, NULL);
  reader->data = reader;
  reader->file = file;
  g_free(reader->name);
  reader->name = g_strdup(path);
  return reader;
}

void satchel_reader_free(struct satchel_reader *reader)
{
  if (!reader) return;
  uint8_t hash[SEAL_HASH_SIZE];
  if (reader->hasher) seal_hash_end(reader->hasher, hash);
  if (reader->file >= 0) close(reader->file);
  g_free(reader->buffer);
  g_free(reader->name);
  g_free(reader);
}

enum satchel_contents satchel_reader_contents(const struct satchel_reader *reader)
{
  return reader->contents;
}

static size_t available(const struct satchel_reader *reader)
{
  return reader->end - reader->begin;
}

/* Reads until so many bytes are there, or the file ends. */
static bool fill(struct satchel_reader *reader, size_t wanted)
{
  assert(wanted <= BUFFER_SIZE);
  if (reader->begin + wanted > BUFFER_SIZE) {
    memmove(reader->buffer, reader->buffer + reader->begin, available(reader));
    reader->end -= reader->begin;
    reader->begin = 0;
  }
  while (available(reader) < wanted && !reader->at_end && !reader->failure) {
    ssize_t got = reader->source(reader->data, reader->buffer + reader->end, BUFFER_SIZE - reader->end);
    if (got < 0) reader->failure = errno ? errno : EIO;
    if (got == 0) reader->at_end = true;
    if (got > 0) reader->end += (size_t)got;
  }
  return available(reader) >= wanted;
}

static void consume(struct satchel_reader *reader, size_t length)
{
  if (reader->hasher) seal_hash_add(reader->hasher, reader->buffer + reader->begin, length);
  reader->begin += length;
  reader->offset += length;
}

/* Passes over all that is left; true if there was anything. */
static bool drain(struct satchel_reader *reader)
{
  bool any = false;
  while (fill(reader, 1)) {
    any = true;
    consume(reader, available(reader));
  }
  return any;
}

static bool header_at(const struct satchel_reader *reader, size_t at, struct satchel_header *ret_header)
{
  return available(reader) >= at + SATCHEL_RECORD_SIZE &&
         satchel_header_read(reader->buffer + reader->begin + at, ret_header);
}

/* Passes over bytes until a header begins, or all of them: how many. `at`: the first that may begin one. */
static uint64_t resynchronise(struct satchel_reader *reader, size_t at)
{
  uint64_t start = reader->offset;
  for (;;) {
    struct satchel_header header;
    fill(reader, BUFFER_SIZE);
    size_t here = available(reader);
    while (at + SATCHEL_RECORD_SIZE <= here) {
      const uint8_t *mark = memchr(reader->buffer + reader->begin + at, SATCHEL_MARK[0], here - at);
      at = mark ? (size_t)(mark - reader->buffer) - reader->begin : here;
      if (header_at(reader, at, &header)) {
        consume(reader, at);
        return reader->offset - start;
      }
      at += mark != NULL;
    }
    if (reader->at_end || reader->failure) break;
    consume(reader, at); /* a header may have begun in what stays */
    at = 0;
  }
  consume(reader, available(reader));
  return reader->offset - start;
}

/* False where the head is not that of a satchel. */
static bool take_head(struct satchel_reader *reader)
{
  reader->begun = true;
  const uint8_t *head = reader->buffer + reader->begin;
  struct satchel_header header;
  if (fill(reader, SATCHEL_HEAD_SIZE)) head = reader->buffer + reader->begin;
  if (available(reader) < SATCHEL_HEAD_SIZE || memcmp(head, SATCHEL_MAGIC, 8) != 0) {
    fill(reader, SATCHEL_HEAD_SIZE + SATCHEL_RECORD_SIZE);
    if (header_at(reader, SATCHEL_HEAD_SIZE, &header)) consume(reader, SATCHEL_HEAD_SIZE);
    return false;
  }
  reader->newer = head[8] > SATCHEL_VERSION;
  reader->contents = head[9];
  consume(reader, SATCHEL_HEAD_SIZE);
  return true;
}

static enum satchel_event lost(struct satchel_reader *reader, size_t from, struct satchel_damage *ret_damage)
{
  struct satchel_header header = {.number = reader->next};
  uint64_t offset = reader->offset;
  uint64_t bytes = resynchronise(reader, from);
  bool found = header_at(reader, 0, &header);
  *ret_damage = (struct satchel_damage){
      .kind = SATCHEL_LOST,
      .offset = offset,
      .bytes = bytes,
      .first = reader->next,
      .count = found && header.number > reader->next ? header.number - reader->next : 0};
  if (found) reader->next = header.number;
  return SATCHEL_HAS_DAMAGE;
}

/* The record at hand is damaged, or cut off: the next one is where its length says, or somewhere in it. */
static void pass_over(struct satchel_reader *reader, size_t length)
{
  struct satchel_header next;
  fill(reader, length + SATCHEL_RECORD_SIZE);
  bool whole = available(reader) >= length;
  if (header_at(reader, length, &next) || (whole && (available(reader) == length || reader->looks == LOOKS)))
    consume(reader, length);
  else
    resynchronise(reader, SATCHEL_RECORD_SIZE);
  reader->looks += reader->looks < LOOKS;
}

static enum satchel_event take_end(struct satchel_reader *reader, const struct satchel_header *header,
                                   struct satchel_damage *ret_damage)
{
  uint8_t hash[SEAL_HASH_SIZE];
  const uint8_t *payload = reader->buffer + reader->begin + SATCHEL_RECORD_SIZE;
  seal_hash_end(g_steal_pointer(&reader->hasher), hash);
  bool same = header->length == SATCHEL_END_SIZE && satchel_get_number(payload, 8) == header->number &&
              memcmp(payload + 8, hash, sizeof hash) == 0;
  reader->ended = true;
  *ret_damage = (struct satchel_damage){.kind = SATCHEL_OTHER, .offset = reader->offset};
  consume(reader, SATCHEL_RECORD_SIZE + header->length);
  return same ? SATCHEL_AT_END : SATCHEL_HAS_DAMAGE;
}

static enum satchel_event take_record(struct satchel_reader *reader, const struct satchel_header *header,
                                      struct satchel_record *ret_record, struct satchel_damage *ret_damage)
{
  size_t length = SATCHEL_RECORD_SIZE + header->length;
  uint8_t check[SATCHEL_CHECK_SIZE];
  *ret_damage = (struct satchel_damage){
      .offset = reader->offset, .first = header->number, .count = 1, .sequence = header->sequence};
  reader->next = header->number + 1;
  if (header->length > LIMIT_CARRIED_BYTES) {
    ret_damage->kind = SATCHEL_LARGE;
    ret_damage->bytes = header->length;
    reader->skips = (uint64_t)SATCHEL_RECORD_SIZE + header->length;
    return SATCHEL_HAS_DAMAGE;
  }
  if (fill(reader, length)) {
    const uint8_t *payload = reader->buffer + reader->begin + SATCHEL_RECORD_SIZE;
    satchel_check(payload, header->length, check);
    if (memcmp(check, header->payload_check, sizeof check) == 0) {
      if (header->kind == SATCHEL_END) return take_end(reader, header, ret_damage);
      *ret_record = (struct satchel_record){
          .kind = header->kind, .sequence = header->sequence, .data = payload, .length = header->length};
      reader->used = length;
      reader->came++;
      return SATCHEL_HAS_RECORD;
    }
  }
  ret_damage->kind = SATCHEL_ALTERED;
  pass_over(reader, length);
  return SATCHEL_HAS_DAMAGE;
}

/* Nothing more comes. */
static enum satchel_event take_nothing(struct satchel_reader *reader, struct satchel_damage *ret_damage)
{
  if (reader->ended || reader->cut) return SATCHEL_AT_END;
  reader->cut = true;
  *ret_damage = (struct satchel_damage){.kind = SATCHEL_CUT, .offset = reader->offset, .count = reader->came};
  return SATCHEL_HAS_DAMAGE;
}

static enum satchel_event next_event(struct satchel_reader *reader, struct satchel_record *ret_record,
                                     struct satchel_damage *ret_damage)
{
  struct satchel_header header;
  while (reader->skips > 0 && fill(reader, 1)) {
    size_t part = (size_t)MIN(reader->skips, (uint64_t)available(reader));
    consume(reader, part);
    reader->skips -= part;
  }
  reader->skips = 0;
  if (!fill(reader, 1)) return take_nothing(reader, ret_damage);
  fill(reader, SATCHEL_RECORD_SIZE);
  if (!header_at(reader, 0, &header)) return lost(reader, 1, ret_damage);
  if (header.number > reader->next) return lost(reader, 0, ret_damage);
  return take_record(reader, &header, ret_record, ret_damage);
}

static enum satchel_event fail(const struct satchel_reader *reader, GError **error)
{
  if (reader->newer)
    g_set_error(error, PARKTALLY_ERROR, ERROR_CONFIG,
                _("%s was written by a newer Parktally; install the newer program"), reader->name);
  else
    g_set_error(error, PARKTALLY_ERROR, ERROR_IO, _("%s cannot be read: %s"), reader->name,
                g_strerror(reader->failure));
  return SATCHEL_FAILED;
}

enum satchel_event satchel_next(struct satchel_reader *reader, struct satchel_record *ret_record,
                                struct satchel_damage *ret_damage, GError **error)
{
  enum satchel_event event = SATCHEL_AT_END;
  consume(reader, reader->used);
  reader->used = 0;
  if (reader->newer) return fail(reader, error);
  if (!reader->begun && !take_head(reader)) {
    *ret_damage = (struct satchel_damage){.kind = SATCHEL_NO_HEAD};
    event = SATCHEL_HAS_DAMAGE;
  } else if (!reader->newer && !reader->ended) {
    event = next_event(reader, ret_record, ret_damage);
  }
  if (reader->ended && event == SATCHEL_AT_END && !reader->beyond) {
    uint64_t offset = reader->offset;
    reader->beyond = true;
    if (drain(reader)) {
      *ret_damage = (struct satchel_damage){.kind = SATCHEL_BEYOND, .offset = offset};
      event = SATCHEL_HAS_DAMAGE;
    }
  }
  return reader->failure || reader->newer ? fail(reader, error) : event;
}

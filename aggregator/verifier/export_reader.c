/* Checks the form of the file: magic, records in their order, each within its limit, and the closing hash. */
#include "aggregator/verifier/export_reader.h"

#include "common/limits.h"
#include "common/seal.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

#define MAGIC "PTLYLDG1"
#define MAGIC_SIZE 8
#define HEADER_SIZE 5
#define DIGEST_SIZE 32
#define LEAF_BYTES (260 * LIMIT_MIB)
#define TOTALS_BYTES (64 * LIMIT_KIB)
#define PIECE (1 * LIMIT_MIB) /* memory is taken as the bytes come, whatever a length claims */

enum stage { AT_START, AT_HEAD, IN_LEAVES, IN_TOTALS, AT_END };

struct export_reader {
  FILE *file;
  struct faults *faults;
  GChecksum *sum; /* of all bytes before the record that is read */
  GByteArray *content;
  enum stage stage;
  uint64_t offset;
};

struct export_reader *export_reader_new(FILE *file, struct faults *faults)
{
  struct export_reader *reader = g_new0(struct export_reader, 1);
  reader->file = file;
  reader->faults = faults;
  reader->sum = g_checksum_new(G_CHECKSUM_SHA256);
  reader->content = g_byte_array_new();
  return reader;
}

void export_reader_free(struct export_reader *reader)
{
  if (!reader) return;
  g_checksum_free(reader->sum);
  g_byte_array_unref(reader->content);
  g_free(reader);
}

bool export_reader_is_whole(const struct export_reader *reader)
{
  return reader->stage == AT_END;
}

/* Always false. */
static bool stop(struct export_reader *reader, const char *text)
{
  if (reader->faults) faults_add(reader->faults, NO_LEAF, _("byte %" PRIu64 ": %s"), reader->offset, text);
  return false;
}

static bool read_bytes(struct export_reader *reader, void *bytes, size_t length)
{
  return fread(bytes, 1, length, reader->file) == length;
}

static bool read_magic(struct export_reader *reader)
{
  uint8_t magic[MAGIC_SIZE];
  if (!read_bytes(reader, magic, sizeof magic) || memcmp(magic, MAGIC, sizeof magic) != 0)
    return stop(reader, _("this is no export of a ledger, or one of a later version"));
  g_checksum_update(reader->sum, magic, sizeof magic);
  reader->offset = sizeof magic;
  reader->stage = AT_HEAD;
  return true;
}

/* The most that a record of this kind may have here; 0: there may be none. */
static size_t most_of(enum stage stage, uint8_t kind)
{
  switch (kind) {
  case EXPORT_HEAD:
    return stage == AT_HEAD ? SEAL_HEADER_SIZE + LIMIT_HEAD_BYTES : 0;
  case EXPORT_LEAF:
    return stage == IN_LEAVES ? LEAF_BYTES : 0;
  case EXPORT_RECEIPT:
    return stage == IN_LEAVES ? LIMIT_SEALED_BYTES : 0;
  case EXPORT_CONFIGURATION:
    return stage == IN_LEAVES || stage == IN_TOTALS ? LIMIT_CONFIG_BYTES : 0;
  case EXPORT_TOTALS:
    return stage == IN_LEAVES || stage == IN_TOTALS ? TOTALS_BYTES : 0;
  case EXPORT_END:
    return stage == IN_LEAVES || stage == IN_TOTALS ? DIGEST_SIZE : 0;
  default:
    return 0;
  }
}

static bool read_content(struct export_reader *reader, size_t length)
{
  g_byte_array_set_size(reader->content, 0);
  while (reader->content->len < length) {
    unsigned from = reader->content->len;
    unsigned count = (unsigned)MIN(length - from, PIECE);
    g_byte_array_set_size(reader->content, from + count);
    if (!read_bytes(reader, reader->content->data + from, count)) return false;
  }
  return true;
}

/* Always false: nothing may follow. */
static bool close_file(struct export_reader *reader)
{
  uint8_t digest[DIGEST_SIZE];
  gsize length = sizeof digest;
  g_checksum_get_digest(reader->sum, digest, &length);
  reader->stage = AT_END;
  if (reader->content->len != sizeof digest || memcmp(reader->content->data, digest, sizeof digest) != 0)
    return stop(reader,
                _("the closing hash is not that of the bytes before it: the file was changed or damaged"));
  if (fgetc(reader->file) != EOF) return stop(reader, _("bytes follow the closing record"));
  return false;
}

bool export_reader_next(struct export_reader *reader, struct export_record *ret_record)
{
  uint8_t header[HEADER_SIZE];
  if (reader->stage == AT_START && !read_magic(reader)) return false;
  if (!read_bytes(reader, header, sizeof header))
    return stop(reader, _("the file ends without its closing record: it was cut"));
  size_t length = header[0] | (size_t)header[1] << 8 | (size_t)header[2] << 16 | (size_t)header[3] << 24;
  if (length > most_of(reader->stage, header[4]) || (length == 0 && header[4] != EXPORT_CONFIGURATION))
    return stop(reader, _("no record of this kind and length may stand here"));
  if (!read_content(reader, length))
    return stop(reader, _("the file ends in the middle of a record: it was cut"));
  if (header[4] == EXPORT_END) return close_file(reader);
  g_checksum_update(reader->sum, header, sizeof header);
  g_checksum_update(reader->sum, reader->content->data, (gssize)length);
  reader->offset += sizeof header + length;
  if (header[4] != EXPORT_CONFIGURATION) reader->stage = header[4] == EXPORT_TOTALS ? IN_TOTALS : IN_LEAVES;
  *ret_record = (struct export_record){(enum export_kind)header[4], reader->content->data, length};
  return true;
}

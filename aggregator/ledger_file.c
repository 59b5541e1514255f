#include "aggregator/ledger_file.h"

#include "common/error.h"
#include "common/limits.h"
#include "common/text.h"

#include <errno.h>
#include <inttypes.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>

#define MAGIC "PTLYLDG1"
#define MAGIC_LENGTH (sizeof MAGIC - 1)
#define HEADER_LENGTH 5                                    /* of a record: length, little-endian, and kind */
#define RECORD_MOST (LIMIT_DOCUMENT_BYTES + 4 * LIMIT_MIB) /* the largest leaf has a register */

/* --- writing --- */

struct ledger_file_writer {
  struct control_output *output;
  struct sha256_ctx hash; /* of all that was written */
};

static void write_bytes(struct ledger_file_writer *writer, const void *data, size_t length)
{
  sha256_update(&writer->hash, length, data);
  control_write(writer->output, data, length);
}

struct ledger_file_writer *ledger_file_writer_new(struct control_output *output)
{
  struct ledger_file_writer *writer = g_new0(struct ledger_file_writer, 1);

  writer->output = output;
  sha256_init(&writer->hash);
  write_bytes(writer, MAGIC, MAGIC_LENGTH);
  return writer;
}

void ledger_file_writer_free(struct ledger_file_writer *writer)
{
  g_free(writer);
}

void ledger_file_write(struct ledger_file_writer *writer, enum ledger_record kind, const void *data,
                       size_t length)
{
  uint8_t header[HEADER_LENGTH] = {(uint8_t)length, (uint8_t)(length >> 8), (uint8_t)(length >> 16),
                                   (uint8_t)(length >> 24), (uint8_t)kind};

  write_bytes(writer, header, sizeof header);
  write_bytes(writer, data, length);
}

void ledger_file_write_end(struct ledger_file_writer *writer)
{
  uint8_t digest[SHA256_DIGEST_SIZE];
  struct sha256_ctx so_far = writer->hash;

  sha256_digest(&so_far, sizeof digest, digest);
  ledger_file_write(writer, LEDGER_END, digest, sizeof digest);
}

/* --- reading --- */

struct ledger_file_reader {
  FILE *file;
  char *path;
  struct sha256_ctx hash;
  uint64_t at;      /* byte of the file */
  GByteArray *data; /* of the record read last */
  bool ended;
};

static bool fail_read(const char *path, GError **error)
{
  int number = errno;

  g_set_error(error, PARKTALLY_ERROR, number == EACCES || number == EPERM ? ERROR_PERMISSION : ERROR_IO,
              _("%s cannot be read: %s"), path, g_strerror(number));
  return false;
}

static bool fail_damaged(const struct ledger_file_reader *reader, const char *what, GError **error)
{
  g_set_error(error, PARKTALLY_ERROR, ERROR_DATA,
              _("%s, byte %" PRIu64 ": %s; nothing of it was taken, use another copy"), reader->path,
              reader->at, what);
  return false;
}

/* Into memory that grows with what is really there, whatever a header says. */
static bool read_bytes(struct ledger_file_reader *reader, size_t length, GError **error)
{
  g_byte_array_set_size(reader->data, 0);
  while (reader->data->len < length) {
    uint8_t piece[64 * 1024];
    size_t want = MIN(length - reader->data->len, sizeof piece);
    size_t got = fread(piece, 1, want, reader->file);

    g_byte_array_append(reader->data, piece, (guint)got);
    reader->at += got;
    if (got == want) continue;
    if (ferror(reader->file)) return fail_read(reader->path, error);
    return fail_damaged(reader, _("the file ends here, before its end record"), error);
  }
  return true;
}

struct ledger_file_reader *ledger_file_open(const char *path, GError **error)
{
  CLEANUP(ledger_file_close) struct ledger_file_reader *reader = g_new0(struct ledger_file_reader, 1);

  reader->path = g_strdup(path);
  reader->data = g_byte_array_new();
  sha256_init(&reader->hash);
  reader->file = fopen(path, "re");
  if (!reader->file) {
    fail_read(path, error);
    return NULL;
  }
  if (!read_bytes(reader, MAGIC_LENGTH, error)) return NULL;
  if (memcmp(reader->data->data, MAGIC, MAGIC_LENGTH) != 0) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_DATA,
                _("%s is no file that “backup” or “ledger export” has written"), path);
    return NULL;
  }
  sha256_update(&reader->hash, MAGIC_LENGTH, reader->data->data);
  return g_steal_pointer(&reader);
}

void ledger_file_close(struct ledger_file_reader *reader)
{
  if (!reader) return;
  if (reader->file) fclose(reader->file);
  g_byte_array_unref(reader->data);
  g_free(reader->path);
  g_free(reader);
}

/* The hash is that of all before this record, and nothing comes behind it. */
static bool take_end(struct ledger_file_reader *reader, GError **error)
{
  uint8_t digest[SHA256_DIGEST_SIZE];
  struct sha256_ctx so_far = reader->hash;

  sha256_digest(&so_far, sizeof digest, digest);
  if (reader->data->len != sizeof digest || memcmp(reader->data->data, digest, sizeof digest) != 0)
    return fail_damaged(reader, _("the file is not what was written: its closing hash differs"), error);
  if (getc(reader->file) != EOF) return fail_damaged(reader, _("something stands behind the end"), error);
  reader->ended = true;
  return false;
}

bool ledger_file_next(struct ledger_file_reader *reader, enum ledger_record *ret_kind,
                      const uint8_t **ret_data, size_t *ret_length, GError **error)
{
  uint8_t header[HEADER_LENGTH];
  size_t length;

  if (reader->ended || !read_bytes(reader, sizeof header, error)) return false;
  memcpy(header, reader->data->data, sizeof header);
  length = header[0] | (size_t)header[1] << 8 | (size_t)header[2] << 16 | (size_t)header[3] << 24;
  if (length > RECORD_MOST) return fail_damaged(reader, _("a record is larger than any can be"), error);
  if (!read_bytes(reader, length, error)) return false;
  if (header[4] == LEDGER_END) return take_end(reader, error);
  sha256_update(&reader->hash, sizeof header, header);
  sha256_update(&reader->hash, length, reader->data->data);
  *ret_kind = (enum ledger_record)header[4];
  *ret_data = reader->data->data ? reader->data->data : (const uint8_t *)"";
  *ret_length = length;
  return true;
}

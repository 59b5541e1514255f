/* Writing a satchel: beside its place, synced, then moved there. */
#include "common/satchel_private.h"

#include "common/durable.h"
#include "common/error.h"
#include "common/limits.h"
#include "common/text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct satchel_writer {
  char *path, *beside;
  FILE *file; /* NULL once it is closed */
  struct seal_hasher *hasher;
  uint32_t number;
  int failure; /* errno of the first failure, or 0 */
};

static void set_error(const struct satchel_writer *writer, int number, GError **error)
{
  if (number == ENOSPC || number == EDQUOT || number == EFBIG)
    g_set_error(error, PARKTALLY_ERROR, ERROR_TEMPORARY,
                _("%s cannot be written: there is no room (%s); take a larger or an emptier stick"),
                writer->path, g_strerror(number));
  else
    g_set_error(error, PARKTALLY_ERROR,
                number == EACCES || number == EPERM || number == EROFS ? ERROR_PERMISSION : ERROR_IO,
                _("%s cannot be written: %s"), writer->path, g_strerror(number));
}

static bool write_all(struct satchel_writer *writer, const void *data, size_t length)
{
  if (writer->failure) return false;
  if (length > 0 && fwrite(data, 1, length, writer->file) != length) writer->failure = errno ? errno : EIO;
  if (writer->hasher) seal_hash_add(writer->hasher, data, length);
  return writer->failure == 0;
}

static bool put(struct satchel_writer *writer, enum satchel_kind kind, uint64_t sequence, const uint8_t *data,
                size_t length)
{
  struct satchel_header header = {
      .kind = (uint8_t)kind, .number = writer->number, .length = (uint32_t)length, .sequence = sequence};
  uint8_t bytes[SATCHEL_RECORD_SIZE];
  satchel_check(data, length, header.payload_check);
  satchel_header_write(&header, bytes);
  if (!write_all(writer, bytes, sizeof bytes) || !write_all(writer, data, length)) return false;
  writer->number++;
  return true;
}

bool satchel_put(struct satchel_writer *writer, enum satchel_kind kind, uint64_t sequence,
                 const uint8_t *data, size_t length)
{
  assert(length <= LIMIT_CARRIED_BYTES && kind != SATCHEL_END);
  return put(writer, kind, sequence, data, length);
}

struct satchel_writer *satchel_writer_new(const char *path, enum satchel_contents contents, GError **error)
{
  struct stat facts;
  if (strcmp(path, "-") == 0 || (stat(path, &facts) == 0 && !S_ISREG(facts.st_mode))) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE,
                _("%s is no ordinary file, and a file that can be trusted to be whole is needed; name a file "
                  "on the stick, such as /media/stick/outbox"),
                path);
    return NULL;
  }
  CLEANUP(satchel_writer_free) struct satchel_writer *writer = g_new0(struct satchel_writer, 1);
  writer->path = g_strdup(path);
  writer->beside = g_strconcat(path, ".XXXXXX", NULL);
  int file = g_mkstemp_full(writer->beside, O_WRONLY | O_CLOEXEC, 0600);
  if (file < 0) {
    set_error(writer, errno, error);
    g_clear_pointer(&writer->beside, g_free);
    return NULL;
  }
  writer->file = fdopen(file, "wb");
  writer->hasher = seal_hash_begin();
  uint8_t head[SATCHEL_HEAD_SIZE] = SATCHEL_MAGIC;
  head[8] = SATCHEL_VERSION;
  head[9] = (uint8_t)contents;
  write_all(writer, head, sizeof head);
  return g_steal_pointer(&writer);
}

/* So that the name is durable. A file system that knows no sync of folders (some of FAT, of networks) has
 * nothing better to offer. */
static void sync_folder(struct satchel_writer *writer)
{
  if (!durable_folder_of(writer->path) && errno != EINVAL && errno != ENOTSUP) writer->failure = errno;
}

bool satchel_writer_finish(struct satchel_writer *writer, GError **error)
{
  uint8_t payload[SATCHEL_END_SIZE];
  satchel_put_number(payload, 8, writer->number);
  seal_hash_end(g_steal_pointer(&writer->hasher), payload + 8);
  put(writer, SATCHEL_END, 0, payload, sizeof payload);
  if (!writer->failure && (fflush(writer->file) != 0 || fsync(fileno(writer->file)) != 0))
    writer->failure = errno;
  if (fclose(g_steal_pointer(&writer->file)) != 0 && !writer->failure) writer->failure = errno;
  if (!writer->failure && rename(writer->beside, writer->path) != 0) writer->failure = errno;
  if (!writer->failure) {
    g_clear_pointer(&writer->beside, g_free);
    sync_folder(writer);
  }
  if (!writer->failure) return true;
  set_error(writer, writer->failure, error);
  return false;
}

void satchel_writer_free(struct satchel_writer *writer)
{
  if (!writer) return;
  if (writer->hasher) {
    uint8_t hash[SEAL_HASH_SIZE];
    seal_hash_end(writer->hasher, hash);
  }
  if (writer->file) fclose(writer->file);
  if (writer->beside) unlink(writer->beside);
  g_free(writer->beside);
  g_free(writer->path);
  g_free(writer);
}

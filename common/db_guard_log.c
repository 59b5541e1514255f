/* The guard over the write-ahead log. */
#include "common/db_guard_private.h"

#include "common/checksum.h"

#include <glib.h>
#include <string.h>

#define MAGIC_BIG_ENDIAN 0x377f0683u /* sums of words of this order */
#define MAGIC_LITTLE_ENDIAN 0x377f0682u

/* Behind a transaction whose sync has returned. SQLite takes it for no frame: its salts are elsewhere. */
struct mark {
  char magic[16];
  uint8_t salts[8], sums[8]; /* of the last frame, as they stand in its head */
  int64_t checksum;          /* of all above, little endian */
};
static const char MARK_MAGIC[16] = "parktally synced"; /* without its end */

static int64_t mark_checksum(const struct mark *mark)
{
  return GINT64_TO_LE(checksum_of(mark, offsetof(struct mark, checksum)));
}

static uint32_t big_endian(const uint8_t *bytes)
{
  uint32_t value;
  memcpy(&value, bytes, sizeof value);
  return GUINT32_FROM_BE(value);
}

static struct log_sums stored_sums(const uint8_t *bytes)
{
  return (struct log_sums){{big_endian(bytes), big_endian(bytes + 4)}};
}

/* SQLite's checksum; `length` is a multiple of 8. */
static struct log_sums add_sums(struct log_sums sums, bool swapped, const uint8_t *data, size_t length)
{
  uint32_t first = sums.words[0], second = sums.words[1];
  for (size_t at = 0; at < length; at += 8) {
    uint32_t words[2];
    memcpy(words, data + at, sizeof words);
    first += (swapped ? GUINT32_SWAP_LE_BE(words[0]) : words[0]) + second;
    second += (swapped ? GUINT32_SWAP_LE_BE(words[1]) : words[1]) + first;
  }
  return (struct log_sums){{first, second}};
}

static bool are_equal(struct log_sums one, struct log_sums other)
{
  return one.words[0] == other.words[0] && one.words[1] == other.words[1];
}

static bool is_frame(const struct log_watch *log, const uint8_t *head, const uint8_t *page,
                     struct log_sums before)
{
  struct log_sums sums = add_sums(before, log->swapped, head, 8);
  sums = add_sums(sums, log->swapped, page, DB_PAGE_BYTES);
  return big_endian(head) != 0 && are_equal(sums, stored_sums(head + 16));
}

static bool is_commit(const uint8_t *head)
{
  return big_endian(head + 4) != 0;
}

static uint32_t number_of_frame(int64_t offset)
{
  return (uint32_t)((offset - LOG_HEAD_BYTES) / LOG_FRAME_BYTES) + 1;
}

static bool starts_frame(int64_t offset)
{
  return offset >= LOG_HEAD_BYTES && (offset - LOG_HEAD_BYTES) % LOG_FRAME_BYTES == 0;
}

static int read_real(struct guarded *guarded, void *data, size_t length, int64_t offset)
{
  return guarded->real->pMethods->xRead(guarded->real, data, (int)length, offset);
}

void log_watch_init(struct log_watch *log)
{
  *log = (struct log_watch){.unsynced_from = INT64_MAX};
}

/* --- what was synced, though something before it is not what was written --- */

/* Whether what stands at `at` shows that the frame before it, a commit of these salts, had been synced: a
 * mark, or a frame that was written upon it. Salts NULL: any, as the log's head is broken. */
static bool is_evidence(struct guarded *guarded, int64_t at, const uint8_t *salts)
{
  uint8_t before[LOG_FRAME_HEAD_BYTES], *head = guarded->page, *page = head + LOG_FRAME_HEAD_BYTES;
  struct mark mark;
  if (read_real(guarded, before, sizeof before, at - LOG_FRAME_BYTES) != SQLITE_OK ||
      read_real(guarded, &mark, sizeof mark, at) != SQLITE_OK)
    return false;
  if (memcmp(mark.magic, MARK_MAGIC, sizeof mark.magic) == 0 && mark.checksum == mark_checksum(&mark))
    return memcmp(mark.salts, salts ? salts : before + 8, sizeof mark.salts) == 0;
  return is_commit(before) && (!salts || memcmp(before + 8, salts, 8) == 0) &&
         read_real(guarded, head, LOG_FRAME_BYTES, at) == SQLITE_OK &&
         is_frame(&guarded->log, head, page, stored_sums(before + 16));
}

/* The log is no log from `broken` on. SQLite would take that for the end of what was written, which it is
 * after a loss of power. */
static int end_of_log(struct guarded *guarded, int64_t broken, const uint8_t *salts)
{
  sqlite3_int64 size;
  guarded->log.next = 0;
  int result = guarded->real->pMethods->xFileSize(guarded->real, &size);
  if (result != SQLITE_OK) return result;
  int64_t first = MAX(broken, LOG_HEAD_BYTES);
  for (int64_t at = first + LOG_FRAME_BYTES; at < size; at += LOG_FRAME_BYTES)
    if (is_evidence(guarded, at, salts))
      return db_guard_damaged(guarded, DB_DAMAGE_LOG, broken < LOG_HEAD_BYTES ? 0 : number_of_frame(broken));
  return SQLITE_OK;
}

/* --- reading --- */

static bool is_swapped(uint32_t magic)
{
  return (magic == MAGIC_BIG_ENDIAN) != (G_BYTE_ORDER == G_BIG_ENDIAN);
}

static bool is_head(struct log_watch *log, const uint8_t *head)
{
  uint32_t magic = big_endian(head);
  bool known = magic == MAGIC_BIG_ENDIAN || magic == MAGIC_LITTLE_ENDIAN;
  log->swapped = known && is_swapped(magic);
  return known && big_endian(head + 8) == DB_PAGE_BYTES &&
         are_equal(add_sums((struct log_sums){{0, 0}}, log->swapped, head, 24), stored_sums(head + 24));
}

/* SQLite begins to find out what the log holds; nobody else is at it then. */
static int begin_recovery(struct guarded *guarded, const uint8_t *head)
{
  struct log_watch *log = &guarded->log;
  if (!is_head(log, head)) {
    log->swapped = false; /* most likely */
    return end_of_log(guarded, 0, NULL);
  }
  log->next = LOG_HEAD_BYTES;
  log->sums = stored_sums(head + 24);
  memcpy(log->salts, head + 16, sizeof log->salts);
  return SQLITE_OK;
}

static int recover_frame(struct guarded *guarded, const uint8_t *frame, int64_t offset)
{
  struct log_watch *log = &guarded->log;
  if (log->next != offset) return SQLITE_OK;
  if (memcmp(frame + 8, log->salts, sizeof log->salts) != 0 ||
      !is_frame(log, frame, frame + LOG_FRAME_HEAD_BYTES, log->sums))
    return end_of_log(guarded, offset, log->salts);
  log->next += LOG_FRAME_BYTES;
  log->sums = stored_sums(frame + 16);
  return SQLITE_OK;
}

/* A page out of the log, while it is in use: by its own head, and the sums of what stands before. */
static int check_frame(struct guarded *guarded, const uint8_t *page, int64_t offset)
{
  struct log_watch *log = &guarded->log;
  uint8_t head[LOG_FRAME_HEAD_BYTES], sums[8], magic[4];
  if (offset >= log->unsynced_from) return SQLITE_OK;
  if (!log->swapped_known) {
    int result = read_real(guarded, magic, sizeof magic, 0);
    if (result != SQLITE_OK) return result;
    log->swapped = is_swapped(big_endian(magic));
    log->swapped_known = true;
  }
  int64_t sums_at = offset == LOG_HEAD_BYTES ? 24 : offset - LOG_FRAME_BYTES + 16;
  int result = read_real(guarded, sums, sizeof sums, sums_at);
  if (result == SQLITE_OK) result = read_real(guarded, head, sizeof head, offset);
  if (result != SQLITE_OK) return result;
  return is_frame(log, head, page, stored_sums(sums))
             ? SQLITE_OK
             : db_guard_damaged(guarded, DB_DAMAGE_LOG, number_of_frame(offset));
}

int log_read(sqlite3_file *file, void *data, int amount, sqlite3_int64 offset)
{
  struct guarded *guarded = guarded_of(file);
  int result = guarded->real->pMethods->xRead(guarded->real, data, amount, offset);
  if (result != SQLITE_OK) return result;
  if (amount == LOG_HEAD_BYTES && offset == 0) return begin_recovery(guarded, (const uint8_t *)data);
  if (amount == LOG_FRAME_BYTES && starts_frame(offset))
    return recover_frame(guarded, (const uint8_t *)data, offset);
  if (amount == DB_PAGE_BYTES && starts_frame(offset - LOG_FRAME_HEAD_BYTES))
    return check_frame(guarded, (const uint8_t *)data, offset - LOG_FRAME_HEAD_BYTES);
  return SQLITE_OK;
}

/* --- writing --- */

int log_write(sqlite3_file *file, const void *data, int amount, sqlite3_int64 offset)
{
  struct guarded *guarded = guarded_of(file);
  struct log_watch *log = &guarded->log;
  if (offset == 0) { /* it begins anew */
    log->end = 0;
    log->swapped_known = false;
  }
  log->unsynced_from = MIN(log->unsynced_from, offset);
  if (amount == LOG_FRAME_HEAD_BYTES && starts_frame(offset)) {
    memcpy(log->end_head, data, sizeof log->end_head);
    log->end = is_commit(log->end_head) ? offset + LOG_FRAME_BYTES : 0;
  }
  return guarded->real->pMethods->xWrite(guarded->real, data, amount, offset);
}

/* A mark that cannot be written is none: what it would tell of is durable without it. */
static void leave_mark(struct guarded *guarded)
{
  struct log_watch *log = &guarded->log;
  struct mark mark;
  memcpy(mark.magic, MARK_MAGIC, sizeof mark.magic);
  memcpy(mark.salts, log->end_head + 8, sizeof mark.salts);
  memcpy(mark.sums, log->end_head + 16, sizeof mark.sums);
  mark.checksum = mark_checksum(&mark);
  guarded->real->pMethods->xWrite(guarded->real, &mark, sizeof mark, log->end);
}

int log_sync(sqlite3_file *file, int flags)
{
  struct guarded *guarded = guarded_of(file);
  int result = guarded->real->pMethods->xSync(guarded->real, flags);
  if (result != SQLITE_OK) return result;
  if (guarded->log.end > 0) leave_mark(guarded);
  guarded->log.end = 0;
  guarded->log.unsynced_from = INT64_MAX;
  return SQLITE_OK;
}

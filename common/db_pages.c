#include "common/db_pages.h"

#include "common/db_guard.h"
#include "common/error.h"
#include "common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define HEADER_BYTES 100 /* of the database, on its first page */
#define LEAF_OF_TABLE 0x0d
/* https://www.sqlite.org/fileformat2.html#walformat */
#define LOG_HEADER_BYTES 32
#define FRAME_HEADER_BYTES 24

struct pages {
  bool ours;     /* of our own size, whatever the header says */
  int file, log; /* −1: there is no log */
  size_t page_size, usable;
  uint32_t pages, frames;
  GHashTable *logged; /* page → the last frame of the log that has it, from 1 */
  /* For carving: */
  uint8_t *page, *overflow; /* of a page each */
  uint8_t *row;             /* of `most` bytes */
  size_t most;
  bool in_log; /* the page is a frame's */
  bool sound;
  db_carve_sink *sink;
  void *data;
};

static uint32_t number_at(const uint8_t *bytes, size_t size)
{
  uint32_t number = 0;
  for (size_t i = 0; i < size; i++) number = number << 8 | bytes[i];
  return number;
}

/* A sector that the disk does not give is zeros. False where there is nothing at all. */
static bool read_at(int file, off_t at, size_t length, uint8_t *ret_bytes)
{
  memset(ret_bytes, 0, length);
  for (size_t done = 0; done < length;) {
    ssize_t got = pread(file, ret_bytes + done, length - done, at + (off_t)done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return done > 0;
    done += (size_t)got;
  }
  return true;
}

static bool read_page(const struct pages *pages, uint32_t number, uint8_t *ret_page)
{
  if (number == 0 || number > pages->pages) return false;
  return read_at(pages->file, (off_t)(number - 1) * (off_t)pages->page_size, pages->page_size, ret_page);
}

static off_t frame_at(const struct pages *pages, uint32_t frame)
{
  return LOG_HEADER_BYTES + (off_t)(frame - 1) * (off_t)(FRAME_HEADER_BYTES + pages->page_size);
}

static bool read_frame(const struct pages *pages, uint32_t frame, uint8_t *ret_page)
{
  return read_at(pages->log, frame_at(pages, frame) + FRAME_HEADER_BYTES, pages->page_size, ret_page);
}

/* --- the files --- */

/* What the header says, or where that is damaged, what our own databases have. */
static void take_sizes(struct pages *pages, off_t length)
{
  uint8_t header[HEADER_BYTES] = {0};
  bool whole = read_at(pages->file, 0, sizeof header, header) && memcmp(header, "SQLite format 3", 16) == 0;
  size_t size = number_at(header + 16, 2);
  if (size == 1) size = 65536;
  bool possible = whole && !pages->ours && size >= 512 && (size & (size - 1)) == 0 && header[20] <= 32;
  pages->page_size = possible ? size : DB_PAGE_BYTES;
  pages->usable = pages->page_size - (possible ? header[20] : DB_RESERVED_BYTES);
  pages->pages = (uint32_t)MIN(((uint64_t)length + pages->page_size - 1) / pages->page_size, UINT32_MAX);
}

/* Frames with the salts of the log's header: those behind them are of a log before. */
static void take_log(struct pages *pages, const char *path)
{
  g_autofree char *name = g_strconcat(path, "-wal", NULL);
  uint8_t header[LOG_HEADER_BYTES], frame[FRAME_HEADER_BYTES];
  pages->logged = g_hash_table_new(g_direct_hash, g_direct_equal);
  pages->log = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (pages->log < 0 || !read_at(pages->log, 0, sizeof header, header)) return;
  while (read_at(pages->log, frame_at(pages, pages->frames + 1), sizeof frame, frame) &&
         memcmp(frame + 8, header + 16, 8) == 0)
    g_hash_table_insert(pages->logged, GUINT_TO_POINTER(number_at(frame, 4)),
                        GUINT_TO_POINTER(++pages->frames));
}

static bool open_pages(struct pages *pages, const char *path, GError **error)
{
  pages->file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  off_t length = pages->file < 0 ? -1 : lseek(pages->file, 0, SEEK_END);
  if (length < 0) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_IO, _("%s cannot be read (%s)"), path, g_strerror(errno));
    if (pages->file >= 0) close(pages->file);
    return false;
  }
  take_sizes(pages, length);
  take_log(pages, path);
  return true;
}

static void close_pages(struct pages *pages)
{
  close(pages->file);
  if (pages->log >= 0) close(pages->log);
  g_hash_table_unref(pages->logged);
}

/* --- damage --- */

bool db_pages_check(const char *path, db_page_sink *damaged, void *data, GError **error)
{
  struct pages pages = {.ours = true};
  if (!open_pages(&pages, path, error)) return false;
  uint8_t *page = g_malloc(DB_PAGE_BYTES);
  for (uint32_t n = 1; n <= pages.pages; n++)
    if (!g_hash_table_contains(pages.logged, GUINT_TO_POINTER(n)) &&
        !(read_page(&pages, n, page) && db_guard_page_fits(page, n)))
      damaged(n, data);
  g_free(page);
  close_pages(&pages);
  return true;
}

/* --- rows --- */

/* SQLite's varint: at most nine bytes, seven bits in each but the ninth. 0 bytes if it goes over the end. */
static size_t take_varint(const uint8_t *bytes, size_t length, uint64_t *ret_value)
{
  uint64_t value = 0;
  for (size_t i = 0; i < MIN(length, 9); i++) {
    if (i == 8) {
      *ret_value = value << 8 | bytes[i];
      return 9;
    }
    value = value << 7 | (bytes[i] & 0x7f);
    if (!(bytes[i] & 0x80)) {
      *ret_value = value;
      return i + 1;
    }
  }
  return 0;
}

/* How much of a row of `total` bytes stands on its leaf. */
static size_t local_bytes(const struct pages *pages, size_t total)
{
  size_t most = pages->usable - 35, least = (pages->usable - 12) * 32 / 255 - 23;
  if (total <= most) return total;
  size_t local = least + (total - least) % (pages->usable - 4);
  return local <= most ? local : least;
}

/* Where a row of the log goes on, the log is asked first. */
static bool read_overflow(const struct pages *pages, uint32_t number)
{
  uint32_t frame =
      pages->in_log ? GPOINTER_TO_UINT(g_hash_table_lookup(pages->logged, GUINT_TO_POINTER(number))) : 0;
  return frame > 0 ? read_frame(pages, frame, pages->overflow) : read_page(pages, number, pages->overflow);
}

/* Follows the chain of overflow pages. False where it breaks off. */
static bool gather(const struct pages *pages, const uint8_t *cell, size_t total)
{
  size_t done = local_bytes(pages, total);
  memcpy(pages->row, cell, done);
  uint32_t next = done < total ? number_at(cell + done, 4) : 0;
  while (done < total) {
    size_t part = MIN(total - done, pages->usable - 4);
    if (!read_overflow(pages, next)) return false;
    memcpy(pages->row + done, pages->overflow + 4, part);
    next = number_at(pages->overflow, 4);
    done += part;
  }
  return true;
}

static size_t integer_bytes(uint64_t type)
{
  static const uint8_t BYTES[] = {0, 1, 2, 3, 4, 6, 8};
  return type < G_N_ELEMENTS(BYTES) ? BYTES[type] : 0;
}

/* From its type in the row's header; `at` goes on behind it. False if it goes over the end. */
static bool take_column(const struct pages *pages, uint64_t type, size_t total, size_t *at,
                        struct db_carved_column *ret_column)
{
  struct db_carved_column column = {.type = DB_CARVED_OTHER, .bytes = pages->row + *at};
  uint64_t length = type >= 12 ? (type - 12) / 2 : type == 7 ? 8 : integer_bytes(type);
  if (length > total - *at) return false;
  column.length = (size_t)length;
  if (type == 0) {
    column.type = DB_CARVED_NULL;
  } else if (type <= 6 || type == 8 || type == 9) {
    uint64_t value = length > 0 && column.bytes[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < column.length; i++) value = value << 8 | column.bytes[i];
    column.type = DB_CARVED_INT;
    column.number = type >= 8 ? (int64_t)type - 8 : (int64_t)value;
  } else if (type >= 12 && type % 2 == 0) {
    column.type = DB_CARVED_BLOB;
  }
  *at += column.length;
  *ret_column = column;
  return true;
}

/* A row is its header's length, a type for each column, and the columns. */
static void look_at_row(const struct pages *pages, uint64_t key, size_t total)
{
  struct db_carved row = {.key = (int64_t)key, .sound = pages->sound};
  uint64_t header, type;
  size_t at = take_varint(pages->row, total, &header);
  if (at == 0 || header > total) return;
  size_t content = (size_t)header;
  while (at < header) {
    size_t taken = take_varint(pages->row + at, (size_t)header - at, &type);
    if (taken == 0 || row.count == DB_CARVED_COLUMNS ||
        !take_column(pages, type, total, &content, &row.column[row.count++]))
      return;
    at += taken;
  }
  if (content == total) pages->sink(&row, pages->data);
}

static void look_at_cell(const struct pages *pages, size_t at)
{
  uint64_t total, key;
  if (at >= pages->usable) return;
  size_t taken = take_varint(pages->page + at, pages->usable - at, &total);
  if (!taken || total == 0 || total > pages->most) return;
  at += taken;
  taken = take_varint(pages->page + at, pages->usable - at, &key);
  if (!taken) return;
  at += taken;
  size_t local = local_bytes(pages, (size_t)total), needed = local + (local < total ? 4 : 0);
  if (needed > pages->usable - at || !gather(pages, pages->page + at, (size_t)total)) return;
  look_at_row(pages, key, (size_t)total);
}

static void look_at_page(const struct pages *pages, size_t start)
{
  if (pages->page[start] != LEAF_OF_TABLE) return;
  size_t cells = number_at(pages->page + start + 3, 2);
  for (size_t n = 0; n < cells && start + 8 + 2 * n + 2 <= pages->usable; n++)
    look_at_cell(pages, number_at(pages->page + start + 8 + 2 * n, 2));
}

static void look_at_all(struct pages *pages)
{
  pages->page = g_malloc(pages->page_size);
  pages->overflow = g_malloc(pages->page_size);
  pages->row = g_malloc(pages->most);
  for (uint32_t n = 1; n <= pages->pages; n++) {
    if (!read_page(pages, n, pages->page)) continue;
    pages->sound = pages->page_size == DB_PAGE_BYTES && db_guard_page_fits(pages->page, n);
    look_at_page(pages, n == 1 ? HEADER_BYTES : 0);
  }
  pages->in_log = true;
  pages->sound = false;
  for (uint32_t n = 1; n <= pages->frames; n++)
    if (read_frame(pages, n, pages->page)) look_at_page(pages, 0);
  g_free(pages->page);
  g_free(pages->overflow);
  g_free(pages->row);
}

bool db_pages_carve(const char *path, size_t most, db_carve_sink *sink, void *data, GError **error)
{
  struct pages pages = {.most = most, .sink = sink, .data = data};
  if (!open_pages(&pages, path, error)) return false;
  look_at_all(&pages);
  close_pages(&pages);
  return true;
}

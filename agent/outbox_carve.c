/* Records out of the pages of a database file that SQLite itself cannot read any more, as SQLite's file
 * format lays them out (https://www.sqlite.org/fileformat2.html): every page is looked at by itself,
 * whichever table it belonged to, also those that belong to none any more.
 *
 * What is found may be anything; a seal tells what it is. The outbox's two tables of sealed bytes have rows
 * of one shape, their number (the rowid) and a blob, which may go on in a chain of overflow pages. */
#include "agent/outbox_private.h"

#include "common/error.h"
#include "common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define HEADER_BYTES 100 /* of the database, on its first page */
#define LEAF_OF_TABLE 0x0d
#define PAGE_USUAL 8192 /* of our own databases */
#define ROW_MOST (LIMIT_SEALED_BYTES + 32)

struct carve {
  int file;
  size_t page_size, usable;
  uint32_t pages;
  uint8_t *page, *overflow; /* of a page each */
  uint8_t *row;             /* ROW_MOST */
  outbox_carve_sink *sink;
  void *data;
};

static uint32_t number_at(const uint8_t *bytes, size_t size)
{
  uint32_t number = 0;
  for (size_t i = 0; i < size; i++) number = number << 8 | bytes[i];
  return number;
}

/* A sector that the disk does not give is zeros. */
static bool read_page(const struct carve *carve, uint32_t number, uint8_t *ret_page)
{
  if (number == 0 || number > carve->pages) return false;
  memset(ret_page, 0, carve->page_size);
  off_t at = (off_t)(number - 1) * (off_t)carve->page_size;
  for (size_t done = 0; done < carve->page_size;) {
    ssize_t got = pread(carve->file, ret_page + done, carve->page_size - done, at + (off_t)done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return done > 0;
    done += (size_t)got;
  }
  return true;
}

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
static size_t local_bytes(const struct carve *carve, size_t total)
{
  size_t most = carve->usable - 35, least = (carve->usable - 12) * 32 / 255 - 23;
  if (total <= most) return total;
  size_t local = least + (total - least) % (carve->usable - 4);
  return local <= most ? local : least;
}

/* Follows the chain of overflow pages. False where it breaks off. */
static bool gather(const struct carve *carve, const uint8_t *cell, size_t total)
{
  size_t done = local_bytes(carve, total);
  memcpy(carve->row, cell, done);
  uint32_t next = done < total ? number_at(cell + done, 4) : 0;
  while (done < total) {
    size_t part = MIN(total - done, carve->usable - 4);
    if (!read_page(carve, next, carve->overflow)) return false;
    memcpy(carve->row + done, carve->overflow + 4, part);
    next = number_at(carve->overflow, 4);
    done += part;
  }
  return true;
}

/* A row is its header's length, a type for each column, and the columns: here no bytes for the number, then a
 * blob. */
static void look_at_row(const struct carve *carve, size_t total)
{
  uint64_t header, number, blob;
  size_t at = take_varint(carve->row, total, &header);
  size_t taken = at ? take_varint(carve->row + at, total - at, &number) : 0;
  size_t taken_too = taken ? take_varint(carve->row + at + taken, total - at - taken, &blob) : 0;
  if (!taken_too || header != at + taken + taken_too || number != 0) return;
  if (blob < 12 || blob % 2 != 0 || (blob - 12) / 2 != total - header) return;
  carve->sink((struct bytes_view){carve->row + header, total - (size_t)header}, carve->data);
}

static void look_at_cell(const struct carve *carve, size_t at)
{
  uint64_t total, rowid;
  if (at >= carve->usable) return;
  size_t taken = take_varint(carve->page + at, carve->usable - at, &total);
  if (!taken || total < SEAL_HEADER_SIZE || total > ROW_MOST) return;
  at += taken;
  taken = take_varint(carve->page + at, carve->usable - at, &rowid);
  if (!taken) return;
  at += taken;
  size_t local = local_bytes(carve, (size_t)total), needed = local + (local < total ? 4 : 0);
  if (needed > carve->usable - at || !gather(carve, carve->page + at, (size_t)total)) return;
  look_at_row(carve, (size_t)total);
}

static void look_at_page(const struct carve *carve, uint32_t number)
{
  if (!read_page(carve, number, carve->page)) return;
  size_t start = number == 1 ? HEADER_BYTES : 0;
  if (carve->page[start] != LEAF_OF_TABLE) return;
  size_t cells = number_at(carve->page + start + 3, 2);
  for (size_t n = 0; n < cells && start + 8 + 2 * n + 2 <= carve->usable; n++)
    look_at_cell(carve, number_at(carve->page + start + 8 + 2 * n, 2));
}

/* What the header says, or where that is damaged, what our own databases have. */
static void take_sizes(struct carve *carve, off_t length)
{
  uint8_t header[HEADER_BYTES] = {0};
  bool whole = pread(carve->file, header, sizeof header, 0) == (ssize_t)sizeof header &&
               memcmp(header, "SQLite format 3", 16) == 0;
  size_t size = number_at(header + 16, 2);
  if (size == 1) size = 65536;
  bool possible = whole && size >= 512 && (size & (size - 1)) == 0 && header[20] <= 32;
  carve->page_size = possible ? size : PAGE_USUAL;
  carve->usable = carve->page_size - (possible ? header[20] : 0);
  carve->pages = (uint32_t)MIN(((uint64_t)length + carve->page_size - 1) / carve->page_size, UINT32_MAX);
}

static void look_at_all(struct carve *carve)
{
  carve->page = g_malloc(carve->page_size);
  carve->overflow = g_malloc(carve->page_size);
  carve->row = g_malloc(ROW_MOST);
  for (uint32_t n = 1; n <= carve->pages; n++) look_at_page(carve, n);
  g_free(carve->page);
  g_free(carve->overflow);
  g_free(carve->row);
}

bool outbox_carve(const char *path, outbox_carve_sink *sink, void *data, GError **error)
{
  struct carve carve = {.sink = sink, .data = data};
  carve.file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  off_t length = carve.file < 0 ? -1 : lseek(carve.file, 0, SEEK_END);
  bool opened = length >= 0;
  if (opened) {
    take_sizes(&carve, length);
    look_at_all(&carve);
  } else {
    g_set_error(error, PARKTALLY_ERROR, ERROR_IO, _("%s cannot be read (%s)"), path, g_strerror(errno));
  }
  if (carve.file >= 0) close(carve.file);
  return opened;
}

#include "common/db_owner.h"

#include "common/db_guard.h"

#include <glib.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <string.h>

#define LOOKED_AT_MOST 100000 /* pages, 800 MB: a second or two */
#define USABLE (DB_PAGE_BYTES - DB_RESERVED_BYTES)

/* The first byte of a page of a tree: https://www.sqlite.org/fileformat2.html#b_tree_pages */
enum page_type { INNER_INDEX = 2, INNER_TABLE = 5, LEAF_INDEX = 10, LEAF_TABLE = 13 };

struct search {
  sqlite3_file *file;
  uint32_t page; /* whose owner is sought */
  size_t looked_at;
  GArray *trees; /* uint32_t: pages of the tree that are still to be looked at */
  uint8_t bytes[DB_PAGE_BYTES];
};

static uint32_t number_at(const uint8_t *bytes)
{
  uint32_t value;
  memcpy(&value, bytes, sizeof value);
  return GUINT32_FROM_BE(value);
}

/* SQLite's own: seven bits a byte, the ninth whole. False beyond `end`. */
static bool take_varint(const uint8_t **at, const uint8_t *end, uint64_t *ret_value)
{
  uint64_t value = 0;
  for (int n = 0; n < 9 && *at < end; n++) {
    uint8_t byte = *(*at)++;
    value = n == 8 ? value << 8 | byte : value << 7 | (byte & 0x7f);
    if (n == 8 || !(byte & 0x80)) {
      *ret_value = value;
      return true;
    }
  }
  return false;
}

static bool read_page(struct search *search, uint32_t page, uint8_t *ret_bytes, int length)
{
  return page > 0 && ++search->looked_at < LOOKED_AT_MOST &&
         search->file->pMethods->xRead(search->file, ret_bytes, length,
                                       (sqlite3_int64)(page - 1) * DB_PAGE_BYTES) == SQLITE_OK;
}

/* Of a payload so long, how much stands in the page itself. */
static uint64_t local_length(uint64_t payload, bool is_table)
{
  uint64_t most = is_table ? USABLE - 35 : (USABLE - 12) * 64 / 255 - 23;
  uint64_t least = (USABLE - 12) * 32 / 255 - 23;
  if (payload <= most) return payload;
  uint64_t kept = least + (payload - least) % (USABLE - 4);
  return kept <= most ? kept : least;
}

static bool is_in_chain(struct search *search, uint32_t page)
{
  uint8_t next[4];
  while (page != 0) {
    if (page == search->page) return true;
    if (!read_page(search, page, next, sizeof next)) return false;
    page = number_at(next);
  }
  return false;
}

/* A cell of the page in `bytes`: notes the page below it, and follows what goes on elsewhere. */
static bool is_in_cell(struct search *search, enum page_type type, size_t at)
{
  const uint8_t *cell = search->bytes + at, *end = search->bytes + USABLE;
  uint64_t payload, row;
  if (at + 4 > USABLE) return false;
  if (type == INNER_TABLE || type == INNER_INDEX) {
    uint32_t below = number_at(cell);
    g_array_append_val(search->trees, below);
    cell += 4;
  }
  if (type == INNER_TABLE || !take_varint(&cell, end, &payload)) return false;
  if (type == LEAF_TABLE && !take_varint(&cell, end, &row)) return false;
  uint64_t local = local_length(payload, type == LEAF_TABLE);
  if (local == payload || local + 4 > (uint64_t)(end - cell)) return false;
  return is_in_chain(search, number_at(cell + local));
}

/* Whether it is a page of the tree below `root`, or one that goes on from there. */
static bool is_in_tree(struct search *search, uint32_t root)
{
  g_array_set_size(search->trees, 0);
  g_array_append_val(search->trees, root);
  while (search->trees->len > 0) {
    uint32_t page = g_array_index(search->trees, uint32_t, search->trees->len - 1);
    g_array_set_size(search->trees, search->trees->len - 1);
    if (page == search->page) return true;
    if (!read_page(search, page, search->bytes, DB_PAGE_BYTES)) continue;
    const uint8_t *head = search->bytes + (page == 1 ? 100 : 0);
    enum page_type type = (enum page_type)head[0];
    if (type != INNER_INDEX && type != INNER_TABLE && type != LEAF_INDEX && type != LEAF_TABLE) continue;
    bool is_inner = type == INNER_INDEX || type == INNER_TABLE;
    size_t cells = (size_t)head[3] << 8 | head[4];
    const uint8_t *places = head + (is_inner ? 12 : 8);
    if (is_inner) {
      uint32_t last = number_at(head + 8);
      g_array_append_val(search->trees, last);
    }
    for (size_t n = 0; n < cells && places + 2 * n + 2 <= search->bytes + USABLE; n++)
      if (is_in_cell(search, type, (size_t)places[2 * n] << 8 | places[2 * n + 1])) return true;
  }
  return false;
}

static char *find_owner(struct search *search, sqlite3 *handle)
{
  sqlite3_stmt *statement = NULL;
  char *found = NULL;
  if (search->page == 1 || is_in_tree(search, 1)) return g_strdup("sqlite_schema");
  if (sqlite3_prepare_v2(handle, "SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0", -1,
                         &statement, NULL) != SQLITE_OK)
    return NULL;
  while (!found && sqlite3_step(statement) == SQLITE_ROW)
    if (is_in_tree(search, (uint32_t)sqlite3_column_int64(statement, 1)))
      found = g_strdup((const char *)sqlite3_column_text(statement, 0));
  sqlite3_finalize(statement);
  return found;
}

char *db_owner_of_page(const char *path, uint32_t page)
{
  struct search search = {.page = page, .trees = g_array_new(FALSE, FALSE, sizeof(uint32_t))};
  sqlite3 *handle = NULL;
  char *found = NULL;
  /* A connection of its own, past the guard. SQLite's, as closing a file would drop the locks of others. */
  if (sqlite3_open_v2(path, &handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
      sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL) == SQLITE_OK &&
      sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, (void *)&search.file) == SQLITE_OK &&
      search.file->pMethods)
    found = find_owner(&search, handle);
  sqlite3_close_v2(handle);
  g_array_unref(search.trees);
  return found;
}

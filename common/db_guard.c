#include "common/db_guard_private.h"

#include "common/checksum.h"

#include <assert.h>
#include <glib.h>
#include <string.h>

#define CHECKED_BYTES (DB_PAGE_BYTES - DB_RESERVED_BYTES)
#define HEAD_BYTES 100 /* of a database, which SQLite looks at before it has a lock on it */
#define HEAD_RESERVED_AT 20
static const char MAGIC[16] = "SQLite format 3"; /* with its end */

static _Thread_local struct db_damage damage;
static _Thread_local bool damage_is_new;

const struct db_damage *db_guard_take_damage(void)
{
  bool is_new = damage_is_new;
  damage_is_new = false;
  return is_new ? &damage : NULL;
}

int db_guard_damaged(const struct guarded *guarded, enum db_damage_kind kind, uint32_t number)
{
  damage.kind = kind;
  damage.number = number;
  g_strlcpy(damage.path, guarded->name, sizeof damage.path);
  damage_is_new = true;
  return SQLITE_IOERR_DATA;
}

/* --- pages --- */

static int64_t page_checksum(const uint8_t *page, uint32_t number)
{
  return GINT64_TO_LE(checksum_at(page, CHECKED_BYTES, number));
}

static bool is_zero(const uint8_t *data, size_t length)
{
  return data[0] == 0 && memcmp(data, data + 1, length - 1) == 0;
}

bool db_guard_page_fits(const uint8_t *page, uint32_t number)
{
  int64_t expected = page_checksum(page, number);
  return memcmp(page + CHECKED_BYTES, &expected, sizeof expected) == 0 || is_zero(page, DB_PAGE_BYTES);
}

static int check_page(const struct guarded *guarded, const uint8_t *page, uint32_t number)
{
  if (db_guard_page_fits(page, number)) return SQLITE_OK;
  if (number == 1 && memcmp(page, MAGIC, sizeof MAGIC) != 0) return SQLITE_NOTADB;
  return db_guard_damaged(
      guarded, number == 1 && page[HEAD_RESERVED_AT] == 0 ? DB_DAMAGE_NO_GUARD : DB_DAMAGE_PAGE, number);
}

static int read_page(struct guarded *guarded, uint8_t *page, uint32_t number)
{
  int result = guarded->real->pMethods->xRead(guarded->real, page, DB_PAGE_BYTES,
                                              (sqlite3_int64)(number - 1) * DB_PAGE_BYTES);
  if (result != SQLITE_OK && result != SQLITE_IOERR_SHORT_READ) return result;
  int checked = check_page(guarded, page, number); /* beyond the end there are zeros */
  return checked == SQLITE_OK ? result : checked;
}

static int page_read(sqlite3_file *file, void *data, int amount, sqlite3_int64 offset)
{
  struct guarded *guarded = guarded_of(file);
  uint32_t number = (uint32_t)(offset / DB_PAGE_BYTES) + 1;
  size_t within = (size_t)(offset % DB_PAGE_BYTES);
  /* Without a lock it may be half written; with one, all of the page is read. */
  if (offset + amount <= HEAD_BYTES)
    return guarded->real->pMethods->xRead(guarded->real, data, amount, offset);
  if (within == 0 && amount == DB_PAGE_BYTES) return read_page(guarded, (uint8_t *)data, number);
  /* A head that tells of pages of another size. */
  if (within + (size_t)amount > DB_PAGE_BYTES) return db_guard_damaged(guarded, DB_DAMAGE_PAGE, number);
  int result = read_page(guarded, guarded->page, number);
  if (result == SQLITE_OK || result == SQLITE_IOERR_SHORT_READ)
    memcpy(data, guarded->page + within, (size_t)amount);
  return result;
}

static int page_write(sqlite3_file *file, const void *data, int amount, sqlite3_int64 offset)
{
  struct guarded *guarded = guarded_of(file);
  if (amount != DB_PAGE_BYTES || offset % DB_PAGE_BYTES != 0) return SQLITE_IOERR_WRITE;
  int64_t checksum = page_checksum((const uint8_t *)data, (uint32_t)(offset / DB_PAGE_BYTES) + 1);
  memcpy(guarded->page, data, CHECKED_BYTES); /* SQLite's own stays as it is: its log has another checksum */
  memcpy(guarded->page + CHECKED_BYTES, &checksum, sizeof checksum);
  return guarded->real->pMethods->xWrite(guarded->real, guarded->page, amount, offset);
}

/* --- what is passed on --- */

static int pass_close(sqlite3_file *file)
{
  struct guarded *guarded = guarded_of(file);
  int result = guarded->real->pMethods->xClose(guarded->real);
  sqlite3_free(guarded->real);
  sqlite3_free(guarded->page);
  return result;
}

static int pass_truncate(sqlite3_file *file, sqlite3_int64 size)
{
  sqlite3_file *real = guarded_of(file)->real;
  return real->pMethods->xTruncate(real, size);
}

static int pass_sync(sqlite3_file *file, int flags)
{
  sqlite3_file *real = guarded_of(file)->real;
  return real->pMethods->xSync(real, flags);
}

static int pass_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
  sqlite3_file *real = guarded_of(file)->real;
  return real->pMethods->xFileSize(real, ret_size);
}

static int pass_lock(sqlite3_file *file, int level)
{
  sqlite3_file *real = guarded_of(file)->real;
  return real->pMethods->xLock(real, level);
}

static int pass_unlock(sqlite3_file *file, int level)
{
  sqlite3_file *real = guarded_of(file)->real;
  return real->pMethods->xUnlock(real, level);
}

static int pass_check_lock(sqlite3_file *file, int *ret_reserved)
{
  sqlite3_file *real = guarded_of(file)->real;
  return real->pMethods->xCheckReservedLock(real, ret_reserved);
}

static int pass_control(sqlite3_file *file, int operation, void *argument)
{
  sqlite3_file *real = guarded_of(file)->real;
  return real->pMethods->xFileControl(real, operation, argument);
}

static int pass_sector_size(sqlite3_file *file)
{
  sqlite3_file *real = guarded_of(file)->real;
  return real->pMethods->xSectorSize(real);
}

static int pass_characteristics(sqlite3_file *file)
{
  sqlite3_file *real = guarded_of(file)->real;
  return real->pMethods->xDeviceCharacteristics(real);
}

static int pass_map(sqlite3_file *file, int region, int size, int extend, void volatile **ret_memory)
{
  sqlite3_file *real = guarded_of(file)->real;
  return real->pMethods->xShmMap(real, region, size, extend, ret_memory);
}

static int pass_map_lock(sqlite3_file *file, int offset, int count, int flags)
{
  sqlite3_file *real = guarded_of(file)->real;
  return real->pMethods->xShmLock(real, offset, count, flags);
}

static void pass_barrier(sqlite3_file *file)
{
  sqlite3_file *real = guarded_of(file)->real;
  real->pMethods->xShmBarrier(real);
}

static int pass_unmap(sqlite3_file *file, int remove)
{
  sqlite3_file *real = guarded_of(file)->real;
  return real->pMethods->xShmUnmap(real, remove);
}

/* Version 2: no memory-mapped pages, which nobody would check. */
#define METHODS(read, write, sync)                                                                           \
  {                                                                                                          \
    .iVersion = 2, .xClose = pass_close, .xRead = (read), .xWrite = (write), .xTruncate = pass_truncate,     \
    .xSync = (sync), .xFileSize = pass_size, .xLock = pass_lock, .xUnlock = pass_unlock,                     \
    .xCheckReservedLock = pass_check_lock, .xFileControl = pass_control, .xSectorSize = pass_sector_size,    \
    .xDeviceCharacteristics = pass_characteristics, .xShmMap = pass_map, .xShmLock = pass_map_lock,          \
    .xShmBarrier = pass_barrier, .xShmUnmap = pass_unmap                                                     \
  }
static const sqlite3_io_methods page_methods = METHODS(page_read, page_write, pass_sync);
static const sqlite3_io_methods log_methods = METHODS(log_read, log_write, log_sync);

/* --- opening --- */

static int open_guarded(struct guarded *guarded, const char *name, int flags, int *ret_flags)
{
  sqlite3_vfs *below = sqlite3_vfs_find(NULL);
  *guarded = (struct guarded){.base = {NULL}, .name = name};
  guarded->real = sqlite3_malloc64((sqlite3_uint64)below->szOsFile);
  guarded->page = sqlite3_malloc64(LOG_FRAME_BYTES);
  if (!guarded->real || !guarded->page) return SQLITE_NOMEM;
  memset(guarded->real, 0, (size_t)below->szOsFile);
  int result = below->xOpen(below, name, guarded->real, flags, ret_flags);
  if (result != SQLITE_OK && guarded->real->pMethods) guarded->real->pMethods->xClose(guarded->real);
  return result;
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
  (void)vfs;
  sqlite3_vfs *below = sqlite3_vfs_find(NULL);
  if (!(flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)))
    return below->xOpen(below, name, file, flags, ret_flags); /* temporary files, and the journal that only
                                                                 a new database has, for a moment */
  struct guarded *guarded = guarded_of(file);
  int result = open_guarded(guarded, name, flags, ret_flags);
  if (result == SQLITE_OK) {
    log_watch_init(&guarded->log);
    file->pMethods = flags & SQLITE_OPEN_WAL ? &log_methods : &page_methods;
    return result;
  }
  sqlite3_free(guarded->real);
  sqlite3_free(guarded->page);
  return result;
}

/* What is not about an open file is the one's below, which is asked directly: its functions get itself. */
static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
  (void)vfs;
  sqlite3_vfs *below = sqlite3_vfs_find(NULL);
  return below->xDelete(below, name, sync);
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret_answer)
{
  (void)vfs;
  sqlite3_vfs *below = sqlite3_vfs_find(NULL);
  return below->xAccess(below, name, flags, ret_answer);
}

static int vfs_full_name(sqlite3_vfs *vfs, const char *name, int size, char *ret_name)
{
  (void)vfs;
  sqlite3_vfs *below = sqlite3_vfs_find(NULL);
  return below->xFullPathname(below, name, size, ret_name);
}

static int vfs_last_error(sqlite3_vfs *vfs, int size, char *ret_text)
{
  (void)vfs;
  sqlite3_vfs *below = sqlite3_vfs_find(NULL);
  return below->xGetLastError(below, size, ret_text);
}

const char *db_guard_name(void)
{
  static sqlite3_vfs guard;
  static gsize made;
  if (g_once_init_enter(&made)) {
    sqlite3_vfs *below = sqlite3_vfs_find(NULL);
    guard = *below;
    guard.zName = "parktally";
    guard.pNext = NULL;
    guard.szOsFile = MAX((int)sizeof(struct guarded), below->szOsFile);
    guard.xOpen = vfs_open;
    guard.xDelete = vfs_delete;
    guard.xAccess = vfs_access;
    guard.xFullPathname = vfs_full_name;
    guard.xGetLastError = vfs_last_error;
    int result = sqlite3_vfs_register(&guard, 0);
    assert(result == SQLITE_OK);
    (void)result;
    g_once_init_leave(&made, 1);
  }
  return guard.zName;
}

/* What was done since the last sync, so that it can be undone. */
#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#define SECTOR 512

/* What undoes one step. */
struct undo {
  TAILQ_ENTRY(undo) link;
  enum kind kind;
  char path[PATH_MAX], from[PATH_MAX]; /* as the names were when the step was done; `from` of a rename only */
  dev_t device;
  ino_t inode;
  off_t offset, length, old_size;
  uint8_t *old; /* what stood at `offset`, as far as the file went */
  off_t old_length;
  int lost_file;    /* of rename and unlink: what the name stood for, or -1 */
  mode_t lost_mode; /* 0: nothing was there */
  bool doomed, skipped;
};

static TAILQ_HEAD(undo_list, undo) undos = TAILQ_HEAD_INITIALIZER(undos); /* the oldest first */
static const uint64_t *seed; /* of the loss under way: what is kept by chance; NULL: nothing is */

/* --- what was done --- */

static struct undo *new_undo(enum kind kind, const char *path)
{
  struct undo *undo = calloc(1, sizeof *undo);
  if (!undo) give_up("memory");
  undo->kind = kind;
  undo->lost_file = -1;
  strcpy(undo->path, path);
  TAILQ_INSERT_TAIL(&undos, undo, link);
  return undo;
}

static void drop_undo(struct undo *undo)
{
  TAILQ_REMOVE(&undos, undo, link);
  if (undo->lost_file >= 0) close(undo->lost_file); /* no name is left for it, so nobody has locks on it */
  free(undo->old);
  free(undo);
}

void undo_forget_last(void)
{
  drop_undo(TAILQ_LAST(&undos, undo_list));
}

/* A descriptor that is for writing only cannot be read. Reopening is no harm then: SQLite, whose locks a
 * close() would drop, opens for both. */
static void read_old(int file, struct undo *undo)
{
  undo->old = malloc((size_t)undo->old_length + 1);
  if (!undo->old) give_up("memory");
  bool blind = (fcntl(file, F_GETFL) & O_ACCMODE) == O_WRONLY;
  int reader = blind ? real.openat(AT_FDCWD, undo->path, O_RDONLY | O_CLOEXEC) : file;
  for (off_t done = 0; done < undo->old_length;) {
    ssize_t count = pread(reader, undo->old + done, (size_t)(undo->old_length - done), undo->offset + done);
    if (count <= 0) give_up(undo->path);
    done += count;
  }
  if (blind) close(reader);
}

/* Of a write, a truncation (length: to the old end) or an allocation. */
void undo_remember_bytes(enum kind kind, int file, const char *path, off_t offset, off_t length)
{
  struct stat status;
  if (fstat(file, &status) != 0) return;
  struct undo *undo = new_undo(kind, path);
  undo->device = status.st_dev;
  undo->inode = status.st_ino;
  undo->offset = offset;
  undo->length = length;
  undo->old_size = status.st_size;
  off_t end = offset + length < status.st_size ? offset + length : status.st_size;
  undo->old_length = end > offset ? end - offset : 0;
  if (undo->old_length > 0) read_old(file, undo);
}

/* Of a name. What it stood for is held open, so that it can be brought back. */
void undo_remember_name(enum kind kind, const char *path, const char *from)
{
  struct undo *undo = new_undo(kind, path);
  struct stat status;
  if (from) strcpy(undo->from, from);
  if (kind == CREATE || kind == MKDIR || lstat(path, &status) != 0) return;
  undo->lost_mode = status.st_mode;
  if (S_ISREG(status.st_mode)) undo->lost_file = real.openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
}

static bool is_of_name(const struct undo *undo)
{
  return undo->kind >= CREATE;
}

/* A rename is durable: what happened before it happened under the new name. */
static void rename_older(struct undo *renamed)
{
  size_t length = strlen(renamed->from);
  for (struct undo *undo = TAILQ_FIRST(&undos); undo != renamed; undo = TAILQ_NEXT(undo, link)) {
    if (strncmp(undo->path, renamed->from, length) != 0 || (undo->path[length] && undo->path[length] != '/'))
      continue;
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s%s", renamed->path, undo->path + length) < PATH_MAX)
      strcpy(undo->path, path);
  }
}

static void folder_of(const char *path, char parent[PATH_MAX])
{
  snprintf(parent, PATH_MAX, "%s", path);
  *strrchr(parent, '/') = '\0';
}

/* Whether a sync of a file or folder makes it durable. */
static bool is_synced_with(const struct undo *undo, const struct stat *status, const char *path)
{
  char parent[PATH_MAX];
  if (!is_of_name(undo)) return undo->inode == status->st_ino && undo->device == status->st_dev;
  folder_of(undo->path, parent);
  return S_ISDIR(status->st_mode) && strcmp(parent, path) == 0;
}

/* What was given up and is written again is as good as if it had been written once. */
static void drop_rewritten(const struct undo *synced)
{
  for (struct undo *undo = TAILQ_FIRST(&undos), *next; undo != synced; undo = next) {
    next = TAILQ_NEXT(undo, link);
    if (undo->doomed && undo->inode == synced->inode && undo->device == synced->device &&
        undo->offset >= synced->offset && undo->offset + undo->length <= synced->offset + synced->length)
      drop_undo(undo);
  }
}

void undo_forget_synced(int file, const char *path)
{
  struct stat status;
  if (fstat(file, &status) != 0) return;
  for (struct undo *undo = TAILQ_FIRST(&undos), *next; undo; undo = next) {
    next = TAILQ_NEXT(undo, link);
    if (undo->doomed || !is_synced_with(undo, &status, path)) continue;
    if (undo->kind == RENAME) rename_older(undo);
    if (undo->kind == WRITE) drop_rewritten(undo);
    drop_undo(undo);
  }
}

/* The system takes what it could not write for written (Linux does), so no later sync helps it. */
void undo_doom_unsynced(int file, const char *path)
{
  struct undo *undo;
  struct stat status;
  if (fstat(file, &status) != 0) return;
  TAILQ_FOREACH(undo, &undos, link)
  {
    if (!is_of_name(undo) && is_synced_with(undo, &status, path)) undo->doomed = true;
  }
}

/* --- losing what was not synced --- */

static bool coin(uint64_t inode, uint64_t number)
{
  uint64_t mix = *seed * 0x9e3779b97f4a7c15U + inode * 0xbf58476d1ce4e5b9U + number * 0x94d049bb133111ebU;
  mix ^= mix >> 31;
  mix *= 0xff51afd7ed558ccdU;
  return (mix >> 33) & 1;
}

static void put(int file, const struct undo *undo, off_t from, off_t to)
{
  static const uint8_t ZEROS[SECTOR];
  off_t old_end = undo->offset + undo->old_length;
  while (from < to) {
    off_t end = from < old_end && to > old_end ? old_end : to;
    const uint8_t *bytes = from < old_end ? undo->old + (from - undo->offset) : ZEROS;
    if (real.pwrite(file, bytes, (size_t)(end - from), from) != end - from) give_up(undo->path);
    from = end;
  }
}

/* Puts back the sectors that are lost. A sector is lost in all of its unsynced states or in none. */
static void undo_sectors(int file, const struct undo *undo)
{
  off_t end = undo->offset + undo->length, kept_end = undo->old_size;
  struct stat status;
  if (fstat(file, &status) != 0) give_up(undo->path);
  if (end > status.st_size) end = status.st_size;
  for (off_t from = undo->offset, to; from < end; from = to) {
    to = (from / SECTOR + 1) * SECTOR;
    if (to > end) to = end;
    if (seed && coin(undo->inode, (uint64_t)(from / SECTOR)))
      kept_end = to > kept_end ? to : kept_end;
    else
      put(file, undo, from, to);
  }
  if (status.st_size == end && kept_end < end && real.ftruncate(file, kept_end) != 0) give_up(undo->path);
}

static void skip_older(const struct undo *kept)
{
  for (struct undo *undo = TAILQ_PREV(kept, undo_list, link); undo; undo = TAILQ_PREV(undo, undo_list, link))
    if (!is_of_name(undo) && undo->inode == kept->inode && undo->device == kept->device) undo->skipped = true;
}

static void undo_bytes(const struct undo *undo)
{
  if (undo->skipped) return;
  if (seed && undo->kind != WRITE && coin(undo->inode, UINT64_MAX)) {
    skip_older(undo); /* a file that was cut holds nothing of before */
    return;
  }
  int file = real.openat(AT_FDCWD, undo->path, O_WRONLY | O_CLOEXEC); /* never closed: the process ends */
  if (file < 0 && errno == ENOENT) return; /* unlinked since, and that is durable */
  if (file < 0) give_up(undo->path);
  if (undo->kind == WRITE) {
    undo_sectors(file, undo);
  } else {
    if (real.ftruncate(file, undo->old_size) != 0) give_up(undo->path);
    put(file, undo, undo->offset, undo->offset + undo->old_length);
  }
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
  (void)status;
  (void)walk;
  return real.unlinkat(AT_FDCWD, path, type == FTW_DP ? AT_REMOVEDIR : 0);
}

static void bring_back(const struct undo *undo)
{
  if (undo->lost_mode == 0) return;
  if (S_ISDIR(undo->lost_mode)) {
    if (real.mkdirat(AT_FDCWD, undo->path, undo->lost_mode & 07777) != 0) give_up(undo->path);
    return;
  }
  int file =
      real.openat(AT_FDCWD, undo->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, undo->lost_mode & 07777);
  char bytes[65536];
  ssize_t count;
  if (file < 0 && errno == ENOENT) return; /* its folder has gone too */
  if (file < 0 || undo->lost_file < 0) give_up(undo->path);
  for (off_t offset = 0; (count = pread(undo->lost_file, bytes, sizeof bytes, offset)) > 0; offset += count)
    if (real.pwrite(file, bytes, (size_t)count, offset) != count) give_up(undo->path);
}

static void undo_name(const struct undo *undo)
{
  if (undo->kind == CREATE || undo->kind == MKDIR)
    nftw(undo->path, remove_one, 8, FTW_PHYS | FTW_DEPTH);
  else if (undo->kind == RENAME && real.renameat(AT_FDCWD, undo->path, AT_FDCWD, undo->from) != 0 &&
           errno != ENOENT)
    give_up(undo->path);
  if (undo->kind == RENAME || undo->kind == UNLINK) bring_back(undo);
}

/* From the newest to the oldest. A file system keeps the order of its names: what is kept of them is the
 * beginning. */
void undo_all(const uint64_t *torn_by)
{
  struct undo *undo;
  uint64_t number = 0;
  seed = torn_by;
  bool keep = false;
  TAILQ_FOREACH_REVERSE(undo, &undos, undo_list, link)
  {
    if (!is_of_name(undo)) {
      undo_bytes(undo);
      continue;
    }
    keep = keep || (seed && coin(1, number++));
    if (!keep) undo_name(undo);
  }
}

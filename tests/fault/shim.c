/* A disk that fails, as a library put before a program with LD_PRELOAD. See tests/fault/README.md.
 *
 * Every call that changes files below PARKTALLY_FAULT_FOLDER is a step; steps are numbered from 1. One mutex
 * is held over each, so the steps of all threads have one order. Sockets, pipes, SQLite's -shm files, files
 * that are unlinked already and files elsewhere are no steps. With PARKTALLY_FAULT_TRACE each step is a line
 * "number kind path" of that file. PARKTALLY_FAULT says what goes wrong:
 *
 *   count             nothing
 *   before:N after:N  the process is killed before, or after, step N
 *   lose:N            killed before step N, and the machine loses whatever was never synced
 *   tear:N:SEED       the same, but the seed says of each unsynced sector of 512 bytes whether it is lost,
 *                     and how many of the unsynced changes of names, the newest of them
 *   fail:N:EIO        step N fails (EIO or ENOSPC), once
 *   fail-from:N:EIO   from step N on all fail (ENOSPC: all that may need room)
 *   flip:N            the disk takes step N, a write(), but one of its bits is another one than what was
 * given budget:FILE       the files below the folder together cannot grow beyond the bytes that FILE says; it
 * is read at each step, so that a test gives room again while the program runs
 *
 * A file's bytes are synced by fsync() of it, its name by fsync() of its folder, as POSIX promises and no
 * more. The bytes that a failed sync should have made durable never are: they are lost when the program ends,
 * and with them whatever else is unsynced then. */
#define _GNU_SOURCE
#include "shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

static const char *const KINDS[] = {"write",  "truncate", "allocate", "sync",
                                    "create", "rename",   "unlink",   "mkdir"};

enum mode {
  MODE_NONE,
  MODE_COUNT,
  MODE_BEFORE,
  MODE_AFTER,
  MODE_LOSE,
  MODE_TEAR,
  MODE_FAIL,
  MODE_FAIL_FROM,
  MODE_FLIP,
  MODE_BUDGET
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static char folder[PATH_MAX], budget_path[PATH_MAX];
static size_t folder_length;
static enum mode mode;
static unsigned long fault_step, steps;
static uint64_t seed;
static int fault_error, trace = -1;
static bool sync_failed;

struct real real;

void give_up(const char *what)
{
  fprintf(stderr, "fault shim: %s: %s\n", what, strerror(errno));
  abort();
}

static void find(void *ret_function, const char *name)
{
  void *symbol = dlsym(RTLD_NEXT, name);
  if (!symbol) give_up(name);
  memcpy(ret_function, &symbol, sizeof symbol);
}

static void read_mode(const char *text)
{
  static const char *const NAMES[] = {"",     "count", "before",    "after", "lose",
                                      "tear", "fail",  "fail-from", "flip",  "budget"};
  char name[16] = "", rest[PATH_MAX] = "";
  sscanf(text, "%15[^:]:%4095s", name, rest);
  for (mode = MODE_COUNT; mode <= MODE_BUDGET && strcmp(NAMES[mode], name) != 0;) mode++;
  errno = EINVAL;
  if (mode > MODE_BUDGET) give_up(text);
  char *after;
  fault_step = strtoul(rest, &after, 10);
  if (mode == MODE_TEAR && *after == ':') seed = strtoull(after + 1, NULL, 10);
  if (mode == MODE_FAIL || mode == MODE_FAIL_FROM) fault_error = strcmp(after, ":ENOSPC") == 0 ? ENOSPC : EIO;
  if (mode == MODE_BUDGET) strcpy(budget_path, rest);
}

static void start(void)
{
  find(&real.write, "write");
  find(&real.pwrite, "pwrite64");
  find(&real.writev, "writev");
  find(&real.ftruncate, "ftruncate64");
  find(&real.fsync, "fsync");
  find(&real.fdatasync, "fdatasync");
  find(&real.fallocate, "fallocate64");
  find(&real.openat, "openat64");
  find(&real.renameat, "renameat");
  find(&real.linkat, "linkat");
  find(&real.unlinkat, "unlinkat");
  find(&real.mkdirat, "mkdirat");
  find(&real.exit, "_exit");
  const char *text = getenv("PARKTALLY_FAULT"), *below = getenv("PARKTALLY_FAULT_FOLDER");
  if (!text || !below || !realpath(below, folder)) return;
  folder_length = strlen(folder);
  read_mode(text);
  const char *trace_path = getenv("PARKTALLY_FAULT_TRACE");
  if (trace_path) trace = real.openat(AT_FDCWD, trace_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

/* --- which files --- */

static bool ends_with(const char *text, const char *end)
{
  size_t length = strlen(text), end_length = strlen(end);
  return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* Strictly below the folder. */
static bool is_below(const char *path)
{
  return strncmp(path, folder, folder_length) == 0 && path[folder_length] == '/' &&
         (mode == MODE_BUDGET || !ends_with(path, "-shm"));
}

static bool file_path(int file, char path[PATH_MAX])
{
  char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length <= 0) return false;
  path[length] = '\0';
  return path[0] == '/' && !ends_with(path, " (deleted)");
}

/* Absolute, and otherwise as it was given: the programs name their files without links or dots. */
static bool full_path(int at, const char *name, char path[PATH_MAX])
{
  char base[PATH_MAX];
  if (name[0] == '/') return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX;
  if (at == AT_FDCWD ? !getcwd(base, sizeof base) : !file_path(at, base)) return false;
  if (strncmp(name, "./", 2) == 0) name += 2;
  return snprintf(path, PATH_MAX, "%s/%s", base, name) < PATH_MAX;
}

/* --- the disk's size --- */

static off_t used;

static off_t size_of(const struct stat *status)
{
  off_t blocks = (off_t)status->st_blocks * 512;
  return status->st_size > blocks ? status->st_size : blocks;
}

static int add_size(const char *path, const struct stat *status, int type, struct FTW *walk)
{
  (void)path;
  (void)walk;
  if (type == FTW_F && S_ISREG(status->st_mode)) used += size_of(status);
  return 0;
}

/* Whether there is room for `file` to reach to `end`. Room allocated before, in its size or beyond it, is its
 * own. */
static bool has_room(int file, off_t end)
{
  struct stat status;
  if (fstat(file, &status) != 0 || end <= size_of(&status)) return true;
  int budget_file = real.openat(AT_FDCWD, budget_path, O_RDONLY | O_CLOEXEC);
  char text[32] = "";
  if (budget_file < 0 || read(budget_file, text, sizeof text - 1) < 0) give_up(budget_path);
  close(budget_file);
  used = 0;
  nftw(folder, add_size, 8, FTW_PHYS);
  return used + end - size_of(&status) <= strtoll(text, NULL, 10);
}

/* --- a step --- */

static bool keeps_undos(void)
{
  return mode >= MODE_LOSE && mode <= MODE_FAIL_FROM;
}

static void die(void)
{
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

static void note(enum kind kind, const char *path)
{
  char line[PATH_MAX + 64];
  if (trace < 0) return;
  const char *shown = strlen(path) > folder_length ? path + folder_length + 1 : ".";
  int length = snprintf(line, sizeof line, "%lu %s %s\n", steps, KINDS[kind], shown);
  if (length > 0 && real.write(trace, line, (size_t)length) != length) give_up("trace");
}

/* On a full disk what was written can still be synced, cut and removed. */
static bool fails_for_ever(enum kind kind)
{
  return fault_error != ENOSPC || kind == WRITE || kind == ALLOCATE || kind == CREATE || kind == MKDIR;
}

/* Takes the mutex and counts. Returns 0, or the errno by which the step is to fail. */
static int begin_step(enum kind kind, const char *path)
{
  pthread_mutex_lock(&mutex);
  steps++;
  note(kind, path);
  bool now = steps == fault_step;
  if (now && (mode == MODE_LOSE || mode == MODE_TEAR)) undo_all(mode == MODE_TEAR ? &seed : NULL);
  if (now && (mode == MODE_BEFORE || mode == MODE_LOSE || mode == MODE_TEAR)) die();
  if (mode == MODE_FAIL ? now : mode == MODE_FAIL_FROM && steps >= fault_step && fails_for_ever(kind))
    return fault_error;
  return 0;
}

/* errno is left as the step left it. */
static void end_step(void)
{
  int saved = errno;
  if (mode == MODE_AFTER && steps == fault_step) die();
  pthread_mutex_unlock(&mutex);
  errno = saved;
}

static bool is_step(int file, char path[PATH_MAX])
{
  int saved = errno;
  struct stat status;
  pthread_once(&once, start);
  bool step = mode != MODE_NONE && fstat(file, &status) == 0 && S_ISREG(status.st_mode) &&
              file_path(file, path) && is_below(path);
  errno = saved;
  return step;
}

static bool is_step_by_name(int at, const char *name, char path[PATH_MAX])
{
  int saved = errno;
  pthread_once(&once, start);
  bool step = mode != MODE_NONE && full_path(at, name, path) && is_below(path);
  errno = saved;
  return step;
}

static int begin_growing(enum kind kind, int file, const char *path, off_t offset, off_t length)
{
  int error = begin_step(kind, path);
  if (!error && mode == MODE_BUDGET && !has_room(file, offset + length)) error = ENOSPC;
  if (!error && keeps_undos()) undo_remember_bytes(kind, file, path, offset, length);
  return error;
}

static off_t write_offset(int file)
{
  struct stat status;
  if ((fcntl(file, F_GETFL) & O_APPEND) && fstat(file, &status) == 0) return status.st_size;
  return lseek(file, 0, SEEK_CUR);
}

static ssize_t fail(int error)
{
  errno = error;
  return -1;
}

/* What the disk takes of these bytes, which the caller frees; NULL: as they are. */
static void *flip(const void *bytes, size_t count)
{
  if (mode != MODE_FLIP || steps != fault_step || count == 0) return NULL;
  unsigned char *others = malloc(count);
  if (!others) give_up("flip");
  memcpy(others, bytes, count);
  others[count / 2] ^= 1;
  return others;
}

/* --- the calls --- */

EXPORTED ssize_t write(int file, const void *bytes, size_t count)
{
  char path[PATH_MAX];
  if (!is_step(file, path)) return real.write(file, bytes, count);
  int error = begin_growing(WRITE, file, path, write_offset(file), (off_t)count);
  void *others = flip(bytes, count);
  ssize_t result = error ? fail(error) : real.write(file, others ? others : bytes, count);
  free(others);
  end_step();
  return result;
}

EXPORTED ssize_t pwrite64(int file, const void *bytes, size_t count, off_t offset)
{
  char path[PATH_MAX];
  if (!is_step(file, path)) return real.pwrite(file, bytes, count, offset);
  int error = begin_growing(WRITE, file, path, offset, (off_t)count);
  ssize_t result = error ? fail(error) : real.pwrite(file, bytes, count, offset);
  end_step();
  return result;
}

EXPORTED ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset)
{
  return pwrite64(file, bytes, count, offset);
}

EXPORTED ssize_t writev(int file, const struct iovec *parts, int count)
{
  char path[PATH_MAX];
  if (!is_step(file, path)) return real.writev(file, parts, count);
  off_t length = 0;
  for (int i = 0; i < count; i++) length += (off_t)parts[i].iov_len;
  int error = begin_growing(WRITE, file, path, write_offset(file), length);
  ssize_t result = error ? fail(error) : real.writev(file, parts, count);
  end_step();
  return result;
}

EXPORTED int ftruncate64(int file, off_t length)
{
  char path[PATH_MAX];
  struct stat status;
  if (!is_step(file, path) || fstat(file, &status) != 0) return real.ftruncate(file, length);
  int error = begin_step(TRUNCATE, path);
  if (!error && keeps_undos())
    undo_remember_bytes(TRUNCATE, file, path, length, status.st_size > length ? status.st_size - length : 0);
  int result = error ? (int)fail(error) : real.ftruncate(file, length);
  end_step();
  return result;
}

EXPORTED int ftruncate(int file, off_t length)
{
  return ftruncate64(file, length);
}

EXPORTED int fallocate64(int file, int how, off_t offset, off_t length)
{
  char path[PATH_MAX];
  if (!is_step(file, path)) return real.fallocate(file, how, offset, length);
  int error = begin_growing(ALLOCATE, file, path, offset, length);
  int result = error ? (int)fail(error) : real.fallocate(file, how, offset, length);
  end_step();
  return result;
}

EXPORTED int fallocate(int file, int how, off_t offset, off_t length)
{
  return fallocate64(file, how, offset, length);
}

EXPORTED int posix_fallocate64(int file, off_t offset, off_t length)
{
  int saved = errno;
  int result = fallocate64(file, 0, offset, length) == 0 ? 0 : errno;
  errno = saved;
  return result;
}

EXPORTED int posix_fallocate(int file, off_t offset, off_t length)
{
  return posix_fallocate64(file, offset, length);
}

/* The folder itself counts here: its sync makes the names in it durable. */
static int sync_file(int file, int (*sync)(int))
{
  char path[PATH_MAX];
  int saved = errno;
  pthread_once(&once, start);
  bool step = mode != MODE_NONE && file_path(file, path) && (is_below(path) || strcmp(path, folder) == 0);
  errno = saved;
  if (!step) return sync(file);
  int error = begin_step(SYNC, path);
  int result = error ? (int)fail(error) : sync(file);
  if (result == 0 && keeps_undos()) undo_forget_synced(file, path);
  if (error) undo_doom_unsynced(file, path);
  sync_failed = sync_failed || error;
  end_step();
  return result;
}

EXPORTED int fsync(int file)
{
  pthread_once(&once, start);
  return sync_file(file, real.fsync);
}

EXPORTED int fdatasync(int file)
{
  pthread_once(&once, start);
  return sync_file(file, real.fdatasync);
}

/* Opening is a step where it makes the file, or empties it. */
static int open_file(int at, const char *name, int flags, mode_t rights)
{
  char path[PATH_MAX];
  struct stat status;
  if (!(flags & (O_CREAT | O_TRUNC)) || (flags & O_TMPFILE) == O_TMPFILE ||
      !is_step_by_name(at, name, path)) {
    pthread_once(&once, start);
    return real.openat(at, name, flags, rights);
  }
  bool exists = stat(path, &status) == 0;
  if (exists && (!(flags & O_TRUNC) || status.st_size == 0)) return real.openat(at, name, flags, rights);
  int error = begin_step(exists ? TRUNCATE : CREATE, path);
  if (error) {
    int result = (int)fail(error);
    end_step();
    return result;
  }
  if (exists) {
    int file = real.openat(at, name, O_RDONLY | O_CLOEXEC);
    if (keeps_undos()) undo_remember_bytes(TRUNCATE, file, path, 0, status.st_size);
    close(file);
  } else {
    if (keeps_undos()) undo_remember_name(CREATE, path, NULL);
  }
  int result = real.openat(at, name, flags, rights);
  end_step();
  return result;
}

#define RIGHTS(flags)                                                                                        \
  mode_t rights = 0;                                                                                         \
  if ((flags) & (O_CREAT | O_TMPFILE)) {                                                                     \
    va_list more;                                                                                            \
    va_start(more, flags);                                                                                   \
    rights = va_arg(more, mode_t);                                                                           \
    va_end(more);                                                                                            \
  }

EXPORTED int open(const char *name, int flags, ...)
{
  RIGHTS(flags)
  return open_file(AT_FDCWD, name, flags, rights);
}

EXPORTED int open64(const char *name, int flags, ...)
{
  RIGHTS(flags)
  return open_file(AT_FDCWD, name, flags, rights);
}

EXPORTED int openat(int at, const char *name, int flags, ...)
{
  RIGHTS(flags)
  return open_file(at, name, flags, rights);
}

EXPORTED int openat64(int at, const char *name, int flags, ...)
{
  RIGHTS(flags)
  return open_file(at, name, flags, rights);
}

EXPORTED int renameat(int from_at, const char *from, int to_at, const char *to)
{
  char from_path[PATH_MAX], to_path[PATH_MAX];
  bool leaves = is_step_by_name(from_at, from, from_path), comes = is_step_by_name(to_at, to, to_path);
  if (!leaves || !comes) return real.renameat(from_at, from, to_at, to);
  int error = begin_step(RENAME, to_path);
  if (!error && keeps_undos()) undo_remember_name(RENAME, to_path, from_path);
  int result = error ? (int)fail(error) : real.renameat(from_at, from, to_at, to);
  if (!error && result != 0 && keeps_undos()) undo_forget_last();
  end_step();
  return result;
}

EXPORTED int rename(const char *from, const char *to)
{
  return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

/* A further name is a new one, whatever it names. */
EXPORTED int linkat(int from_at, const char *from, int to_at, const char *to, int flags)
{
  char path[PATH_MAX];
  if (!is_step_by_name(to_at, to, path)) return real.linkat(from_at, from, to_at, to, flags);
  int error = begin_step(CREATE, path);
  int result = error ? (int)fail(error) : real.linkat(from_at, from, to_at, to, flags);
  if (result == 0 && keeps_undos()) undo_remember_name(CREATE, path, NULL);
  end_step();
  return result;
}

EXPORTED int link(const char *from, const char *to)
{
  return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* Empty folders that go are not brought back. */
EXPORTED int unlinkat(int at, const char *name, int flags)
{
  char path[PATH_MAX];
  struct stat status;
  if (!is_step_by_name(at, name, path) || lstat(path, &status) != 0 || !S_ISREG(status.st_mode)) {
    pthread_once(&once, start);
    return real.unlinkat(at, name, flags);
  }
  int error = begin_step(UNLINK, path);
  if (!error && keeps_undos()) undo_remember_name(UNLINK, path, NULL);
  int result = error ? (int)fail(error) : real.unlinkat(at, name, flags);
  end_step();
  return result;
}

EXPORTED int unlink(const char *name)
{
  return unlinkat(AT_FDCWD, name, 0);
}

EXPORTED int mkdirat(int at, const char *name, mode_t rights)
{
  char path[PATH_MAX];
  struct stat status;
  if (!is_step_by_name(at, name, path) || lstat(path, &status) == 0) {
    pthread_once(&once, start);
    return real.mkdirat(at, name, rights);
  }
  int error = begin_step(MKDIR, path);
  if (!error && keeps_undos()) undo_remember_name(MKDIR, path, NULL);
  int result = error ? (int)fail(error) : real.mkdirat(at, name, rights);
  end_step();
  return result;
}

EXPORTED int mkdir(const char *name, mode_t rights)
{
  return mkdirat(AT_FDCWD, name, rights);
}

/* --- the end --- */

static void lose_after_failed_sync(void)
{
  if (!sync_failed) return;
  pthread_mutex_lock(&mutex);
  undo_all(mode == MODE_TEAR ? &seed : NULL);
}

EXPORTED void _exit(int code)
{
  pthread_once(&once, start);
  lose_after_failed_sync();
  real.exit(code);
  abort(); /* not reached */
}

__attribute__((destructor)) static void finish(void)
{
  lose_after_failed_sync();
}

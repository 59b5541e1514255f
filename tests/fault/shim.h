/* What the two halves of the library share: shim.c counts the steps and lets them fail, shim_undo.c loses
 * what was not synced. All of it is called with shim.c's mutex held. */
#ifndef PARKTALLY_TESTS_FAULT_SHIM_H
#define PARKTALLY_TESTS_FAULT_SHIM_H

#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Of steps. From CREATE on they change names. */
enum kind { WRITE, TRUNCATE, ALLOCATE, SYNC, CREATE, RENAME, UNLINK, MKDIR };

/* The calls themselves, below those that stand before them. */
struct real {
  ssize_t (*write)(int, const void *, size_t);
  ssize_t (*pwrite)(int, const void *, size_t, off_t);
  ssize_t (*writev)(int, const struct iovec *, int);
  int (*ftruncate)(int, off_t);
  int (*fsync)(int);
  int (*fdatasync)(int);
  int (*fallocate)(int, int, off_t, off_t);
  int (*openat)(int, const char *, int, ...);
  int (*renameat)(int, const char *, int, const char *);
  int (*linkat)(int, const char *, int, const char *, int);
  int (*unlinkat)(int, const char *, int);
  int (*mkdirat)(int, const char *, mode_t);
  void (*exit)(int);
};
extern struct real real;

/* Ends the program: the library itself cannot go on. */
void give_up(const char *what) __attribute__((noreturn));

/* Before a write, a truncation (`length`: to the old end) or an allocation. */
void undo_remember_bytes(enum kind kind, int file, const char *path, off_t offset, off_t length);
/* Before a name is made, removed or, with `from`, replaced. */
void undo_remember_name(enum kind kind, const char *path, const char *from);
/* The step that was remembered last came to nothing. */
void undo_forget_last(void);
/* After a sync of a file or a folder. */
void undo_forget_synced(int file, const char *path);
/* After one that failed: the system takes the bytes that it could not write for written (Linux does), so no
 * later sync helps them unless they are written again. Names are tried again. */
void undo_doom_unsynced(int file, const char *path);
/* Loses what was never synced, or what of it the seed says. */
void undo_all(const uint64_t *torn_by);

#endif

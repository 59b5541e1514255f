/* What the files of the guard share. */
#ifndef PARKTALLY_COMMON_DB_GUARD_PRIVATE_H
#define PARKTALLY_COMMON_DB_GUARD_PRIVATE_H

#include "common/db_guard.h"

#include <sqlite3.h>
#include <stddef.h>

/* The log as SQLite writes it: https://www.sqlite.org/fileformat2.html#walformat */
#define LOG_HEAD_BYTES 32
#define LOG_FRAME_HEAD_BYTES 24
#define LOG_FRAME_BYTES (LOG_FRAME_HEAD_BYTES + DB_PAGE_BYTES)

/* A frame of the log and what its checksum begins with. */
struct log_sums {
  uint32_t words[2];
};

struct log_watch {
  /* Of this connection's own: frames from here on were written since its last sync. SQLite may write one of
   * them again and correct the checksums at the commit alone, so they are not checked. */
  int64_t unsynced_from;
  int64_t end; /* where the last frame ends that was written, if it was a commit; 0 */
  uint8_t end_head[LOG_FRAME_HEAD_BYTES]; /* of that frame */
  bool swapped, swapped_known;            /* checksums are over words of the other byte order */
  /* SQLite finds out what the log holds: the next frame is to be here, after these sums and with these salts;
   * 0: it does not. */
  int64_t next;
  struct log_sums sums;
  uint8_t salts[8];
};

/* An open file. The methods of SQLite's own stand behind `real`. */
struct guarded {
  sqlite3_file base;
  sqlite3_file *real;
  const char *name; /* SQLite's, which keeps it */
  uint8_t *page;    /* room for one, and its frame's head */
  struct log_watch log;
};

static inline struct guarded *guarded_of(sqlite3_file *file)
{
  return (struct guarded *)(void *)file;
}

/* Notes it; returns the code for SQLite. */
int db_guard_damaged(const struct guarded *guarded, enum db_damage_kind kind, uint32_t number);

/* db_guard_log.c: the methods of a log that differ from a plain file's. */
void log_watch_init(struct log_watch *log);
int log_read(sqlite3_file *file, void *data, int amount, sqlite3_int64 offset);
int log_write(sqlite3_file *file, const void *data, int amount, sqlite3_int64 offset);
int log_sync(sqlite3_file *file, int flags);

#endif

/* What stands between SQLite and the disk: a VFS that knows whether a page is what was written.
 *
 * Each page of a database ends with a checksum of itself and its number, in eight bytes that SQLite leaves
 * free (its "reserved space", a part of its file format, so that any SQL shell can read the file). A page is
 * sealed when it is written to the database and checked whenever it is read from there, so no table, index or
 * inner page needs a checksum of its own for that. A page of zeros was never written, and passes.
 *
 * Frames of the write-ahead log have SQLite's own checksums, of which each begins with the one before. SQLite
 * looks at them when it finds a log after a kill, and takes the first wrong one for the end of what was
 * written; here they are checked at every read, and a wrong one before something that was synced is an error
 * instead of an end. To know what was synced, a mark is left behind each transaction once its sync has
 * returned; the next transaction stands in its place.
 *
 * A page that was written and never came to the disk is as it was before, with a checksum that fits: that is
 * not noticed. Nor does the guard help against somebody who changes a page and its checksum. */
#ifndef PARKTALLY_COMMON_DB_GUARD_H
#define PARKTALLY_COMMON_DB_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#define DB_PAGE_BYTES                                                                                        \
  8192 /* of every database: a fifth less time for reports and submissions than SQLite's 4096, as            \
          fewer pages split and are written; 16384 gains no more and doubles what one report writes */
#define DB_RESERVED_BYTES 8 /* at the end of each: XXH3 of what stands before it, seeded with its number */

/* Whether a page of DB_PAGE_BYTES, read from the database file at this number, is what was written there. */
bool db_guard_page_fits(const uint8_t *page, uint32_t number);

/* The name for sqlite3_open_v2(). Any thread. */
const char *db_guard_name(void);

enum db_damage_kind {
  DB_DAMAGE_PAGE,     /* of the database */
  DB_DAMAGE_LOG,      /* a frame of the log; 0: its head */
  DB_DAMAGE_NO_GUARD, /* a database without checksums */
};

struct db_damage {
  enum db_damage_kind kind;
  uint32_t number; /* of the page or frame, from 1 */
  char path[4096]; /* of the file */
};

/* What was found last in this thread, and was not taken yet, or NULL. Lives until something more is found. */
const struct db_damage *db_guard_take_damage(void);

#endif

/* Pages of a database file, looked at past SQLite: which of them are damaged, and what rows still stand in
 * them where SQLite itself cannot read on. For repairs; nobody may write meanwhile. */
#ifndef PARKTALLY_COMMON_DB_PAGES_H
#define PARKTALLY_COMMON_DB_PAGES_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void db_page_sink(uint32_t page, void *data);
/* Every page whose checksum (db_guard.h) is not what was written, from 1 on, but for pages that the log
 * beside the file has in a newer state. ERROR_IO where the file cannot be read at all. */
bool db_pages_check(const char *path, db_page_sink *damaged, void *data, GError **error);

#define DB_CARVED_COLUMNS 4 /* rows of more are passed over */

/* A row of a table that has a rowid. Bytes live until the sink returns. */
struct db_carved {
  int64_t key; /* rowid */
  bool sound;  /* the page's checksum fits; not said of the log's */
  size_t count;
  struct db_carved_column {
    enum db_carved_type { DB_CARVED_NULL, DB_CARVED_INT, DB_CARVED_BLOB, DB_CARVED_OTHER } type;
    int64_t number;
    const uint8_t *bytes;
    size_t length;
  } column[DB_CARVED_COLUMNS];
};
typedef void db_carve_sink(const struct db_carved *row, void *data);
/* Every row of at most `most` bytes that stands in a page of the file, or of the log beside it, whichever
 * table it belonged to, also of pages that belong to none any more; as SQLite's file format lays them out
 * (https://www.sqlite.org/fileformat2.html). What is found may be anything, also what was deleted, and the
 * same row twice: the caller has to know by itself what is good. ERROR_IO where the file cannot be read at
 * all. */
bool db_pages_carve(const char *path, size_t most, db_carve_sink *sink, void *data, GError **error);

#endif

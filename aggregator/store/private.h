/* What the files of the SQLite store share. Nobody else includes it. */
#ifndef PARKTALLY_AGGREGATOR_STORE_PRIVATE_H
#define PARKTALLY_AGGREGATOR_STORE_PRIVATE_H

#include "aggregator/store/block.h"
#include "aggregator/store/store.h"
#include "common/checksum.h"
#include "common/db.h"

#include <glib.h>
#include <string.h>

/* schema_sqlite.c: migration n brings a store from schema version n to n + 1. */
extern const char *const store_migrations[];
extern const size_t store_migration_count;

#define KNOWN_SUBMISSIONS                                                                                    \
  64 /* slots; corrections of one file name one or two bases, for thousands of rows                          \
      */

struct known_submission {
  uint8_t id[SUBMISSION_ID_SIZE];
  uint64_t position_plus_1; /* 0: an empty slot */
};

/* A part of a leaf. */
struct part {
  size_t length;
  uint8_t bytes[LIMIT_PART_BYTES];
};

struct store {
  struct db *db;
  char *path;
  struct known_submission known[KNOWN_SUBMISSIONS]; /* by the id's first byte */
  GArray *reports;                                  /* what store_reports() gave, and its texts */
  GStringChunk *report_texts;

  /* Blocks of reports in memory, by book and first unit; they hold what was put since they were written. */
  GTree *blocks;
  struct block *block;    /* the one used last, or NULL */
  size_t near;            /* line used last in it */
  GTree *looked_at;       /* further ones, unchanged, of books of which none is among them */
  GQueue looked_order;    /* the same, in the order in which they were read */
  int64_t looked_version; /* of the database, when the first of these was read */
  struct block *looked;   /* the one used last, or NULL */
  size_t looked_near;     /* line used last in it */

  GHashTable *changed; /* book → the leaf count that store_book_changed() gives, but for those of … */
  GArray *changing;    /* … int64_t: books that a transaction changed which is not committed */

  struct store *ledger; /* which has the leaves; itself but while a replay is compared */
  /* Parts of leaves that were read in this transaction: reports of several submissions lie side by side. */
  int64_t part_ids[LIMIT_PARTS_KEPT]; /* 0: none */
  struct part *parts[LIMIT_PARTS_KEPT];
  unsigned part_turn; /* whose turn it is to make room */
  struct {
    uint64_t position;
    const uint8_t *sealed; /* NULL: none is about to be added */
    size_t length;
  } coming;
};

#define STORE_PARTS_MOST 65536 /* of a leaf: 508 MiB; the largest is a register of LIMIT_DOCUMENT_BYTES */

/* ledger_sqlite.c: the parts of a leaf, one after the other, as far as they are there. */
GByteArray *store_leaf_parts(struct store *store, uint64_t position);

/* ledger_sqlite.c: so many bytes of the sealed submission at `position`. False, after an error too, if they
 * are not there. */
bool store_sealed_bytes(struct store *store, uint64_t position, size_t at, size_t length, uint8_t *ret_bytes);

/* The parts that were read may no longer be so. */
void store_parts_forget(struct store *store);

/* reports_sqlite.c: writes what the blocks in memory hold. */
void store_blocks_flush(struct store *store);
/* Forgets those that were written. What was only looked at stays as it is. */
void store_blocks_close(struct store *store);
/* At a transaction's begin: forgets what was looked at before if another connection has written since. */
void store_blocks_begin(struct store *store);
/* Forgets all. */
void store_blocks_forget(struct store *store);
/* After a commit. */
void store_books_settle(struct store *store);
/* For cursor_sqlite.c. Of a row: its book, first unit (of one of the history: its unit), and text. */
int64_t store_block_checksum(int64_t book, const char *from, const char *text, size_t length);
#define STORE_BLOCK_COLUMNS "id, unit, reports, checksum"
/* From these columns. NULL, and an error that names the row, if it is damaged. */
struct block *store_read_block(struct store *store, struct db_row *row, int64_t book, const char *to);
/* Line n. False, and an error that names the block, if it is damaged. */
bool store_read_entry(struct store *store, const struct block *block, size_t n,
                      struct block_entry *ret_entry);
/* Adds what an entry leaves to the ledger. False, and an error that names the report, if it is damaged. */
bool store_complete(struct store *store, int64_t book, struct block_entry *entry);

/* --- errors --- */

/* Keeps an ERROR_DATA that names the row by its table and key; false, so that a reader can return it. */
bool store_damaged(struct store *store, const char *table, const char *key_format, ...) G_GNUC_PRINTF(3, 4);
/* Keeps an ERROR_INTERNAL: our bug, told before it reaches a total. `format` is English: it is for us. */
void store_bug(struct store *store, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* --- checksums of rows: over a table's letter, then every column, on the stack --- */

struct digest {
  size_t length;
  uint8_t bytes[1000]; /* a typical row; longer ones are folded */
};

static inline void digest_bytes(struct digest *digest, const void *data, size_t length)
{
  const uint8_t *rest = (const uint8_t *)data;
  while (length > 0) {
    if (digest->length == sizeof digest->bytes) {
      int64_t folded = checksum_of(digest->bytes, digest->length);
      memcpy(digest->bytes, &folded, sizeof folded);
      digest->length = sizeof folded;
    }
    size_t part = MIN(length, sizeof digest->bytes - digest->length);
    memcpy(digest->bytes + digest->length, rest, part);
    digest->length += part;
    rest += part;
    length -= part;
  }
}

static inline void digest_int(struct digest *digest, int64_t value)
{
  int64_t stored = GINT64_TO_LE(value);
  digest_bytes(digest, &stored, sizeof stored);
}

/* The length first, so that no two rows run together to the same bytes. */
static inline void digest_blob(struct digest *digest, const void *data, size_t length)
{
  digest_int(digest, (int64_t)length);
  digest_bytes(digest, data, length);
}

static inline void digest_text(struct digest *digest, const char *text)
{
  digest_blob(digest, text, strlen(text));
}

static inline void digest_init(struct digest *digest, char table)
{
  digest->length = 0;
  digest_int(digest, table);
}

static inline int64_t digest_value(const struct digest *digest)
{
  return checksum_of(digest->bytes, digest->length);
}

#endif

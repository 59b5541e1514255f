/* A block: the current reports of one book whose units lie between two bounds, in the order of their units
 * and, within one, of their places. The store keeps it as one row; it is JSON, so that a plain SQL shell
 * shows it (view `reports`), a line for each report:
 *
 *   ["91450200…X","liudong",3,17,244,"05ffffffffff",51234,208,2868123456]
 *
 * unit, park, membership, position, row, figures, at, length, checksum; then, where they are not those of a
 * first report of figures that counts: revision, kind, first, counted; then, where it waited, since. The
 * figures (packed, report.h) are the bytes of `figures`, in hex, and behind them those `length` bytes of the
 * sealed submission at `position` that begin at `at`: what the ledger holds is not written a second time.
 * `checksum` is that of them all.
 *
 * In memory a block is the same text, and where its lines begin. No I/O. */
#ifndef PARKTALLY_AGGREGATOR_STORE_BLOCK_H
#define PARKTALLY_AGGREGATOR_STORE_BLOCK_H

#include "aggregator/store/store.h"
#include "common/cleanup.h"

#include <glib.h>

struct block {
  int64_t row; /* in the database; 0: in none yet */
  int64_t book;
  char *from; /* the least unit that belongs here; "" in a book's first block */
  char *to;   /* the least that does not; NULL: none */
  bool changed;
  GString *lines; /* each ends with ",\n" */
  GArray *starts; /* uint32_t: of lines */
};

/* `to` may be NULL. */
struct block *block_new(int64_t book, const char *from, const char *to);
void block_free(struct block *block);
CLEANUP_DEFINE(struct block, block_free)

bool block_covers(const struct block *block, int64_t book, const char *unit);

/* Takes over the text of a row. False if it is no list of lines. */
bool block_read(struct block *block, const char *text, size_t length);
/* The text of a row. */
void block_write(const struct block *block, GString *ret_text);

static inline size_t block_size(const struct block *block)
{
  return block->starts->len;
}
static inline size_t block_bytes(const struct block *block)
{
  return block->lines->len;
}

/* The first line whose unit is not less than this one. `near` is where it may be, or a little before. */
size_t block_find(const struct block *block, const char *unit, size_t near);
/* Whether line n, if there is one, is of this unit. */
bool block_has(const struct block *block, size_t n, const char *unit);

/* A line as it was read. `report` lacks its book and place, and of its figures what stands in the sealed
 * submission; its texts and figures are the entry's own. */
struct block_entry {
  struct stored_report report;
  uint32_t checksum; /* of all figures */
  char unit[LIMIT_CODE_BYTES + 1], park[LIMIT_CODE_BYTES + 1];
  uint8_t figures[FIGURES_PACKED_MOST];
};

/* The line as it stands in a text of its own. False if it is not one of ours. */
bool block_read_line(const char *line, struct block_entry *ret_entry);
/* Likewise of line n. */
bool block_entry(const struct block *block, size_t n, struct block_entry *ret_entry);
/* A copy whose report points to its own texts and figures. */
void block_entry_copy(const struct block_entry *entry, struct block_entry *ret_entry);
/* The line as it stands. */
void block_line(const struct block *block, size_t n, const char **ret_line, size_t *ret_length);

/* What a line says of the figures of a report that has all of them. */
uint32_t block_checksum(const struct stored_report *report);

/* A line for `report`, of whose figures the last sealed_length bytes are left to the ledger, before line n.
 */
void block_insert(struct block *block, size_t n, const struct stored_report *report);
/* In place of line n. */
void block_replace(struct block *block, size_t n, const struct stored_report *report);
/* The same for an entry that was read. */
void block_replace_entry(struct block *block, size_t n, const struct block_entry *entry);

/* Moves about half of the lines to a new block, which begins with a unit of its own; NULL if they are all of
 * one unit. `at` is where a line was just inserted: what was appended begins the new block alone, as units
 * mostly come in order, and blocks are then full. */
struct block *block_split(struct block *block, size_t at);

#endif

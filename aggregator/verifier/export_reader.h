/* An export of the ledger, record by record (proto/README.md, "An export of the ledger"). Its bytes are
 * anybody's: lengths, order and limits are checked before anything is made of them. One record is in memory
 * at a time. */
#ifndef PARKTALLY_VERIFIER_EXPORT_READER_H
#define PARKTALLY_VERIFIER_EXPORT_READER_H

#include "aggregator/verifier/faults.h"

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

enum export_kind {
  EXPORT_HEAD = 'H',
  EXPORT_LEAF = 'L',
  EXPORT_RECEIPT = 'R',       /* of the leaf before it; in a backup, */
  EXPORT_CONFIGURATION = 'C', /* as is this, which is none of ours */
  EXPORT_TOTALS = 'T',
  EXPORT_END = 'E', /* the reader's own */
};

struct export_record {
  enum export_kind kind; /* never EXPORT_END */
  const uint8_t *data;   /* until the next record */
  size_t length;
};

struct export_reader;
/* Reads from where the file stands, which stays the caller's. What is wrong goes to `faults`, unless NULL. */
struct export_reader *export_reader_new(FILE *file, struct faults *faults);
void export_reader_free(struct export_reader *reader);
CLEANUP_DEFINE(struct export_reader, export_reader_free)

/* False at the end: behind the closing record, where the file ends too early, or where it cannot be
 * understood any further. */
bool export_reader_next(struct export_reader *reader, struct export_record *ret_record);

/* Whether the closing record was there. */
bool export_reader_is_whole(const struct export_reader *reader);

#endif

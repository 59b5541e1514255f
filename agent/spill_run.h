/* Sorted runs of records in unnamed temporary files, and their merging. */
#ifndef PARKTALLY_AGENT_SPILL_RUN_H
#define PARKTALLY_AGENT_SPILL_RUN_H

#include "common/cleanup.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- writing --- */

struct run_writer {
  int descriptor;
  uint8_t *buffer; /* the caller's */
  size_t capacity, used;
  const char *folder; /* for messages */
};

/* An unnamed file in `folder`, which vanishes with the process. −1 and `error` if there is no room for it. */
int run_create(const char *folder, GError **error);
bool run_write(struct run_writer *writer, const uint8_t *record, size_t size, GError **error);
bool run_flush(struct run_writer *writer, GError **error);

/* --- merging --- */

struct merge;

/* Reads the runs from their beginning; each gets an equal part of `buffer`, which must hold a record of
 * RECORD_MOST for each. Descriptors stay the caller's. */
struct merge *merge_new(const int *descriptors, size_t count, uint8_t *buffer, size_t capacity,
                        GError **error);
void merge_free(struct merge *merge);
CLEANUP_DEFINE(struct merge, merge_free)

/* The least record, valid until the next call; NULL at the end, or with `error` if the disk failed. */
const uint8_t *merge_next(struct merge *merge, GError **error);

#endif

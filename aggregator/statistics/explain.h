/* What changed a total between two moments, or what it rests on: lines that add up exactly. No I/O.
 *
 * What a unit adds to a total follows from the catalogue, the register, the reports, and from which columns
 * and periods make up the total (that depends on what was reported at all). Where several of them changed,
 * the difference is split in this order: first the new catalogue with all else as it was, then the new
 * register, then the new reports one by one, last the new columns. So a unit that came with its report is the
 * report's, a unit that moved with its figure unchanged is the register's, and of one that did both the
 * register has the old figure and the report the difference. */
#ifndef PARKTALLY_AGGREGATOR_STATISTICS_EXPLAIN_H
#define PARKTALLY_AGGREGATOR_STATISTICS_EXPLAIN_H

#include "common/cleanup.h"
#include "common/decimal.h"
#include "common/limits.h"
#include "common/period.h"

#include <glib.h>
#include <stdint.h>

enum explain_cause { EXPLAIN_CATALOGUE, EXPLAIN_REGISTER, EXPLAIN_REPORT, EXPLAIN_COLUMNS, EXPLAIN_CAUSES };

/* By how much one cause changed what one unit (of a count: one legal entity) adds. */
struct explain_line {
  char unit[LIMIT_CODE_BYTES + 1];
  enum explain_cause cause;
  int128 change; /* of the total, at its decimals; of a count: entities */
  /* Of EXPLAIN_REPORT: the report and its leaf. */
  struct period period;
  char park[LIMIT_CODE_BYTES + 1];
  unsigned revision; /* 0: no report */
  uint64_t position; /* of its submission */
  uint64_t since;    /* leaf from which it is in force */
};

struct explain;
/* Keeps the `most` lines of greatest magnitude. */
struct explain *explain_new(size_t most);
void explain_free(struct explain *explain);
CLEANUP_DEFINE(struct explain, explain_free)

/* A unit's line, which is copied; one that changes nothing is left out. */
void explain_add(struct explain *explain, const struct explain_line *line);
/* What it adds at either moment. */
void explain_unit(struct explain *explain, int128 before, int128 after);

struct explain_sums {
  int128 before, after;
  int128 change[EXPLAIN_CAUSES]; /* before + Σ change = after */
  int64_t lines[EXPLAIN_CAUSES];
  int128 others; /* of the lines that are not kept */
  int64_t other_lines;
};
/* Ends the adding. The lines kept, greatest magnitude first, then by unit and cause; they live as long. False
 * if they do not add up, which would be our mistake. */
bool explain_finish(struct explain *explain, const struct explain_line **ret_lines, size_t *ret_count,
                    struct explain_sums *ret_sums);

#endif

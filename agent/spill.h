/* The spill: entries in any order go in, one per period and unit comes out, sorted, in bounded memory
 * whatever the file's size: sorted runs go to unnamed temporary files and are merged. */
#ifndef PARKTALLY_AGENT_SPILL_H
#define PARKTALLY_AGENT_SPILL_H

#include "agent/mapping.h"
#include "common/cleanup.h"

#include <glib.h>
#include <stdbool.h>

struct spill;

/* `folder` takes the runs. `form` says the catalogue's column decimals only for messages. */
struct spill *spill_new(const char *folder, const char *file, const struct catalogue *catalogue,
                        finding_sink *findings, void *data);
void spill_free(struct spill *spill);
CLEANUP_DEFINE(struct spill, spill_free)

/* Copies. False and `error` if the disk fails. */
bool spill_add(struct spill *spill, const struct entry *entry, GError **error);

/* Ends the adding and gives each period and unit once, by period, then unit (byte order). Entries of one unit
 * and period join: rows of a long table add up to one report; equal rows count once (ROW_TWICE), rows that
 * differ are refused, all of them, by name (ROW_CONFLICT). `row` of the entry given is the first one's.
 * False: the taker ended it, or `error`. */
bool spill_each(struct spill *spill, int form, entry_sink *entries, void *data, GError **error);

/* A seam for tests: so many bytes in place of LIMIT_SPILL_BYTES, at least 256 KiB, before the first entry:
 * many runs. */
void spill_set_capacity(struct spill *spill, size_t bytes);

/* Bytes held in memory now, for tests. */
size_t spill_memory(const struct spill *spill);

#endif

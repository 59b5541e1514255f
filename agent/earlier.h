/* What the file that is being prepared says of earlier periods. Good reports come by period, then unit: those
 * of a period are kept as a sorted run in an unnamed temporary file, and are met in the same order where a
 * later period looks back. Memory is bounded whatever the file's size. */
#ifndef PARKTALLY_AGENT_EARLIER_H
#define PARKTALLY_AGENT_EARLIER_H

#include "common/cleanup.h"
#include "common/period.h"
#include "common/report.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

struct earlier;

/* `folder` takes the runs. */
struct earlier *earlier_new(const char *folder);
void earlier_free(struct earlier *earlier);
CLEANUP_DEFINE(struct earlier, earlier_free)

/* Keeps what a report comes to; without figures: that there are none. Periods ascend, and units within one.
 * False and `error` if the disk failed. */
bool earlier_add(struct earlier *earlier, struct period period, const char *unit,
                 const struct figures *figures, GError **error);

/* From now on a later period is judged, which looks at these ones, at most LIMIT_HISTORY_PERIODS; others are
 * let go of. *ret_any: the file says something of one of them. */
bool earlier_turn(struct earlier *earlier, const struct period *periods, size_t count, bool *ret_any,
                  GError **error);

/* What the file says of the unit for the nth of the periods; *ret_figures is NULL if nothing, and lives until
 * the next call with the same n. Units ascend. */
bool earlier_find(struct earlier *earlier, size_t n, const char *unit, const struct figures **ret_figures,
                  GError **error);

#endif

/* A line of totals: an area's slice, or what goes for one (pick.h): the overlap of its parks, that of a set
 * of slices, or the annual adjustment. */
#ifndef PARKTALLY_AGGREGATOR_LINE_H
#define PARKTALLY_AGGREGATOR_LINE_H

#include "aggregator/pick.h"
#include "aggregator/read.h"

/* Reads its total, and how much of it is under inquiry. False on an error, or where there is no such line:
 * `error` tells. */
bool line_read(struct reader *reader, const struct catalogue *catalogue, int area, int slice, int indicator,
               struct period period, bool cumulative, struct total *ret_total, int128 *ret_under_inquiry,
               GError **error);

/* The slice's code, and its name in the language of the locale. Free with g_free(). */
char *line_slice_code(const struct catalogue *catalogue, int slice);
char *line_slice_name(const struct catalogue *catalogue, int slice);

#endif

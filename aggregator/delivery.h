/* A file that a command's output goes to: written by the caller's own process, with the caller's own rights,
 * whoever carries the command out. It takes its place when it is complete; before that, whatever stood there
 * stays. */
#ifndef PARKTALLY_AGGREGATOR_DELIVERY_H
#define PARKTALLY_AGGREGATOR_DELIVERY_H

#include <glib.h>
#include <stdbool.h>

struct delivery;

/* From now on standard output is the file. What is no plain file (/dev/null, a pipe) is written to as it is.
 * The new file is for its owner alone, for it may hold single units' reports. NULL and ERROR_IO or
 * ERROR_PERMISSION if it cannot be made. */
struct delivery *delivery_begin(const char *path, GError **error);

/* Says whether the disk gives what was written, which stands at `path` for now. */
typedef bool delivery_check(const char *path, void *data, GError **error);

/* Standard output is what it was before. With `keep` the file is synced, checked (`check` may be NULL) as the
 * disk has it, and put in its place, which is durable then; else it is dropped, as where the check fails, and
 * whatever stood there stays. Frees the delivery. */
bool delivery_end(struct delivery *delivery, bool keep, delivery_check *check, void *data, GError **error);

#endif

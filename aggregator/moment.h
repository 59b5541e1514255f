/* Moments of the past, as people name them, and the positions of the ledger that they are. */
#ifndef PARKTALLY_AGGREGATOR_MOMENT_H
#define PARKTALLY_AGGREGATOR_MOMENT_H

#include "aggregator/past.h"
#include "aggregator/snapshot.h"
#include "aggregator/store/store.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct moment {
  int64_t ms;      /* milliseconds since 1970-01-01T00:00Z; of a position its leaf's recorded time */
  uint64_t leaves; /* of the ledger, recorded by then: at least one */
};

/* `text` is "now"; "edition:3": what that edition rests on; or a time, 2018-06-10T12:00 or
 * 2018-06-10T12:00:30, of the zone's clock (the catalogue's timezone) unless an offset follows (Z, +08:00); a
 * day alone, 2018-06-10, which means its end; or a position of the ledger, @1234: right after that leaf. What
 * was recorded at the very moment is in. ERROR_USAGE if it is none of them, before the ledger began, or yet
 * to come; of a day that has begun the present is meant. Within a transaction of the store. */
bool moment_read(struct store *store, const struct catalogue *catalogue, const char *text,
                 struct moment *ret_moment, GError **error);

/* The past at a moment; `*ret_past` is NULL where that is the present: nothing was recorded since. */
bool moment_past(struct store *store, struct snapshot *present, const char *text, struct past **ret_past,
                 GError **error);

/* "2018-06-10 12:00:00" by the zone's clock; free with g_free. */
char *moment_format(const struct catalogue *catalogue, int64_t ms);

#endif

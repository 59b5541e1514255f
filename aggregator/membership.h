/* Membership: the areas and slices whose totals a unit's report is part of, from its register version and the
 * catalogue. No I/O but interning. */
#ifndef PARKTALLY_AGGREGATOR_MEMBERSHIP_H
#define PARKTALLY_AGGREGATOR_MEMBERSHIP_H

#include "aggregator/store/store.h"
#include "common/catalogue.h"
#include "common/cleanup.h"
#include "common/limits.h"
#include "common/register.h"

#include <glib.h>
#include <stdint.h>

struct membership {
  int64_t id;          /* as interned in the store; 0: belongs nowhere */
  GStrv areas, slices; /* codes; each area once also where the unit sits in several parks below it */
};

/* The areas as bits by their indexes, added to those that are set. */
#define MEMBERSHIP_AREA_WORDS (LIMIT_CATALOGUE_ITEMS / 64)
void membership_areas(const struct catalogue *catalogue, const struct unit_version *version,
                      uint64_t ret_areas[static MEMBERSHIP_AREA_WORDS]);

/* The codes as they are stored, ';'-joined in the catalogue's order. Both "" for a unit that belongs nowhere.
 */
void membership_derive(const struct catalogue *catalogue, const struct unit_version *version,
                       GString *ret_areas, GString *ret_slices);

/* Memberships of one store, each kept once in memory. */
struct memberships;
struct memberships *memberships_new(struct store *store);
void memberships_free(struct memberships *memberships);
CLEANUP_DEFINE(struct memberships, memberships_free)

/* Of a version (NULL: the empty membership, id 0). Belongs to `memberships`. */
const struct membership *memberships_of(struct memberships *memberships, const struct catalogue *catalogue,
                                        const struct unit_version *version);
const struct membership *memberships_by_id(struct memberships *memberships, int64_t id);

/* After a rollback: forgets what the store no longer has. */
void memberships_forget(struct memberships *memberships);

#endif

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
#include <stdbool.h>
#include <stdint.h>

struct membership {
  int64_t id;          /* as interned in the store; 0: belongs nowhere */
  GStrv areas, slices; /* codes; each area once also where the unit sits in several parks below it */
};

/* The areas as bits by their indexes, added to those that are set. */
#define MEMBERSHIP_AREA_WORDS (LIMIT_CATALOGUE_ITEMS / 64)
void membership_areas(const struct catalogue *catalogue, const struct unit_version *version,
                      uint64_t ret_areas[static MEMBERSHIP_AREA_WORDS]);

bool membership_in_slice(const struct catalogue *catalogue, int slice, const struct unit_version *version);

/* The codes as they are stored, ';'-joined in the catalogue's order. Both "" for a unit that belongs nowhere.
 */
void membership_derive(const struct catalogue *catalogue, const struct unit_version *version,
                       GString *ret_areas, GString *ret_slices);

/* Memberships of one store, each kept once in memory; without a store (NULL) they have numbers of their own.
 */
struct memberships;
struct memberships *memberships_new(struct store *store);
void memberships_free(struct memberships *memberships);
CLEANUP_DEFINE(struct memberships, memberships_free)

/* Of a version (NULL: the empty membership, id 0). Belongs to `memberships`. */
const struct membership *memberships_of(struct memberships *memberships, const struct catalogue *catalogue,
                                        const struct unit_version *version);
const struct membership *memberships_by_id(struct memberships *memberships, int64_t id);

/* The same for many versions of one register. Units of one kind share the texts that a membership is derived
 * from, so that their addresses, within a register, tell it: a look at a few pointers instead of hashing four
 * texts for each report. */
struct membership_lookup;
struct membership_lookup *membership_lookup_new(struct memberships *memberships);
void membership_lookup_free(struct membership_lookup *lookup);
CLEANUP_DEFINE(struct membership_lookup, membership_lookup_free)
/* The versions are those of another register, or the catalogue (not referenced) is another. */
void membership_lookup_use(struct membership_lookup *lookup, const struct catalogue *catalogue);
const struct membership *membership_lookup_of(struct membership_lookup *lookup,
                                              const struct unit_version *version);

/* After a rollback: forgets what the store no longer has. */
void memberships_forget(struct memberships *memberships);

#endif

/* The roll-up algebra: reports in, changes of cells out. No I/O.
 *
 * A report adds its vector (figures and presence) to each cell family, area × slice, of its membership;
 * taking it out subtracts the same. Changes are collected per book and membership, of which there are few,
 * and spread over the families once, when the cells are written. Sums are 128 bits wide, so the order of
 * reports does not matter. */
#ifndef PARKTALLY_AGGREGATOR_ROLLUP_H
#define PARKTALLY_AGGREGATOR_ROLLUP_H

#include "aggregator/membership.h"
#include "aggregator/store/store.h"
#include "common/cleanup.h"
#include "common/report.h"

struct rollup;
struct rollup *rollup_new(void);
void rollup_free(struct rollup *rollup);
CLEANUP_DEFINE(struct rollup, rollup_free)

/* `sign` +1 or −1. A withdrawal adds nothing. */
void rollup_add(struct rollup *rollup, int64_t book, const struct membership *membership,
                enum report_kind kind, const struct figures *figures, int sign);

/* Gives the changes that are not zero, each family once, in key order, and is empty afterwards. Memberships
 * must still live. */
typedef bool family_sink(const struct cell_family *family, void *data);
void rollup_drain(struct rollup *rollup, family_sink *sink, void *data);

/* Forgets all changes. */
void rollup_clear(struct rollup *rollup);

#endif

/* What units owe, as changes by day: a unit adds one on the day on which a version that owes a form comes
 * into force, and takes it back on the day after it ends. Collected by membership, of which there are few,
 * and spread over areas and slices once. No I/O but interning. */
#ifndef PARKTALLY_AGGREGATOR_OWING_H
#define PARKTALLY_AGGREGATOR_OWING_H

#include "aggregator/membership.h"
#include "common/catalogue.h"
#include "common/cleanup.h"
#include "common/register.h"

#include <stdint.h>

struct owing;
struct owing *owing_new(void);
void owing_free(struct owing *owing);
CLEANUP_DEFINE(struct owing, owing_free)

/* Adds (or, with sign −1, takes back) all that a unit owes by its versions in a register. */
void owing_add(struct owing *owing, struct memberships *memberships, const struct catalogue *catalogue,
               const struct unit_register *units, const char *unit, int sign);
/* The same of all units of the register. */
void owing_add_all(struct owing *owing, struct memberships *memberships, const struct catalogue *catalogue,
                   const struct unit_register *units, int sign);

/* By how many more units owe a form (of the catalogue that it was added with) in area × slice from a day on.
 * In no order, each once, none of zero; it is empty afterwards. Memberships must still live. */
typedef void owing_sink(int form, const char *area, const char *slice, day_number day, int64_t units,
                        void *data);
void owing_drain(struct owing *owing, owing_sink *sink, void *data);

void owing_clear(struct owing *owing);

#endif

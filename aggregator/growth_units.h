/* The enterprises of a growth plan: its members, who have its flag in the register on the last day of the
 * year, and the others who reported its form. */
#ifndef PARKTALLY_AGGREGATOR_GROWTH_UNITS_H
#define PARKTALLY_AGGREGATOR_GROWTH_UNITS_H

#include "aggregator/read.h"
#include "aggregator/statistics/growth_plan.h"

/* False ends it. Everything belongs to the caller. */
typedef bool growth_unit_sink(const struct unit_version *version, bool is_member,
                              const struct growth_judgement *judgement, void *data);

/* Every member, and everybody else who is a candidate, in the order of the register; of `area` and below it,
 * or of all (CATALOGUE_NONE). A successor after a merger is measured by itself and those it continues: by the
 * register's `succeeds` of versions that came into force after the first day of the year before and until the
 * end of the year. Blocking reads; false and error where one failed. ERROR_PERMISSION: reader_unit(). */
bool growth_units(struct reader *reader, const struct snapshot *snapshot, const struct growth_plan *plan,
                  int year, int area, growth_unit_sink *sink, void *data, GError **error);

#endif

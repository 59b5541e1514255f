/* Which of a unit's reports counts. No I/O: the same for the tables and for any moment of the past. */
#ifndef PARKTALLY_AGGREGATOR_CHOICE_H
#define PARKTALLY_AGGREGATOR_CHOICE_H

#include "aggregator/store/store.h"
#include "common/catalogue.h"
#include "common/register.h"

#include <stddef.h>

/* Of one unit's reports in one book: that of the designated reporter, else that of an area that the unit is
 * registered in, else that of one which it has left; of equals the one that came first. NULL if there is
 * none, they are all withdrawn, or `version`, which governs them, is NULL. */
const struct stored_report *choice_of(const struct catalogue *catalogue, const struct unit_version *version,
                                      const struct stored_report *const *reports, size_t count);

#endif

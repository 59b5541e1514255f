/* The zone's own time: which day it is, which days are worked, and until when a form's reports of a period
 * are due (DOMAIN: deadlines in local time, holidays moved by configuration). Moments are wall clock,
 * milliseconds since 1970 (clock.h). Reads the machine's time zone data once for each catalogue; where the
 * machine does not know the zone, its time is UTC. Any thread. */
#ifndef PARKTALLY_COMMON_CALENDAR_H
#define PARKTALLY_COMMON_CALENDAR_H

#include "common/catalogue.h"
#include "common/period.h"

#include <stdbool.h>
#include <stdint.h>

#define CALENDAR_NEVER INT64_MAX

/* Whether the machine knows the catalogue's time zone. */
bool calendar_knows_zone(const struct catalogue *catalogue);

/* The day that it is at that moment. */
day_number calendar_day(const struct catalogue *catalogue, int64_t wall_ms);

/* Whether the period has begun at that moment. */
bool calendar_has_begun(const struct catalogue *catalogue, struct period period, int64_t wall_ms);

/* The form's last period that has ended before that day: the one to be reported then. */
struct period calendar_last_ended(const struct form *form, day_number day);

/* Monday to Friday but for `holidays`, and `workdays`. */
bool calendar_is_worked(const struct catalogue *catalogue, day_number day);

/* The moment up to which a report is on time: the form's day and time after the period's end; of a day that
 * is not worked, the same time on the next one that is (顺延). CALENDAR_NEVER if the form has no deadline. */
int64_t calendar_due(const struct catalogue *catalogue, int form, struct period period);

/* A moment in the zone's time, "2018-06-11 18:00"; the last of a day, as deadlines are, "2018-06-11 24:00".
 * "" of CALENDAR_NEVER. Newly allocated. */
char *calendar_format(const struct catalogue *catalogue, int64_t wall_ms);
char *calendar_format_due(const struct catalogue *catalogue, int64_t due_ms);

#endif

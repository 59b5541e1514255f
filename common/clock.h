/* Time. Wall time and monotonic time are distinct types, so that one is never taken for the other.
 * The clock is a seam: a test replaces it. */
#ifndef PARKTALLY_COMMON_CLOCK_H
#define PARKTALLY_COMMON_CLOCK_H

#include <glib.h>
#include <stdint.h>

/* Milliseconds since 1970-01-01T00:00Z. What is written and shown; orders nothing. */
struct wall_time {
  int64_t ms;
};

/* Milliseconds since an unknown moment. For time-outs and durations. */
struct mono_time {
  int64_t ms;
};

struct wall_time clock_wall(void);
struct mono_time clock_mono(void);

/* Milliseconds from `start` until now; never negative. */
int64_t clock_since(struct mono_time start);

/* Tests: until called with NULL, clock_wall() answers what `wall` answers. Not thread-safe. */
void clock_replace(struct wall_time (*wall)(void));

/* "2018-06-10T12:00:00Z"; free with g_free. */
char *clock_format(struct wall_time time);

#endif

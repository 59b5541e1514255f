/* Submissions in flight: taken in and not yet answered. The gate's memory is bounded by their number.
 *
 * For the gate's thread alone. */
#ifndef PARKTALLY_AGGREGATOR_FLIGHT_H
#define PARKTALLY_AGGREGATOR_FLIGHT_H

#include "common/cleanup.h"
#include "common/submission.h"

#include <glib.h>

struct flights;
struct flights *flights_new(void);
void flights_free(struct flights *flights);
CLEANUP_DEFINE(struct flights, flights_free)

enum flight_status {
  FLIGHT_TAKEN,   /* new: work on it */
  FLIGHT_ALREADY, /* under way; its answer now goes to this peer */
  FLIGHT_FULL,    /* no credit: Busy */
};

/* `peer` is where the answer goes; a reference is taken. */
enum flight_status flights_take(struct flights *flights, const char *agent,
                                const uint8_t id[SUBMISSION_ID_SIZE], GBytes *peer);

/* Ends one: its peer, or NULL if it is not in flight. The caller owns the reference. */
GBytes *flights_land(struct flights *flights, const char *agent, const uint8_t id[SUBMISSION_ID_SIZE]);

unsigned flights_count(const struct flights *flights);
/* The most that one agent has. */
unsigned flights_most(const struct flights *flights);

#endif

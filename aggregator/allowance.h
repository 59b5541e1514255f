/* What one agent may add to the ledger within a day, so that none fills the disk for all: bytes of
 * submissions, counted since the server started.
 *
 * For the gate's thread alone; nothing blocks. */
#ifndef PARKTALLY_AGGREGATOR_ALLOWANCE_H
#define PARKTALLY_AGGREGATOR_ALLOWANCE_H

#include "common/cleanup.h"
#include "common/clock.h"

#include <stdbool.h>
#include <stdint.h>

struct allowances;
struct allowances *allowances_new(void);
void allowances_free(struct allowances *allowances);
CLEANUP_DEFINE(struct allowances, allowances_free)

/* Takes so many bytes; false, and nothing is taken, where `most` would be exceeded in the agent's day, which
 * begins with the first submission after the one before has ended. `*ret_taken`: what is taken of it now. */
bool allowances_take(struct allowances *allowances, const char *agent, int64_t bytes, int64_t most,
                     struct mono_time now, int64_t *ret_taken);

#endif

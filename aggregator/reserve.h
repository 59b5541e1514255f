/* Room on the disk that is kept for the day when there is none: a file of LIMIT_RESERVE_BYTES in the data
 * folder that holds nothing. When the store meets a full disk the file is emptied, so that what must go on
 * can: acts of the operator, such as a revocation. Submissions are put off until the file has its room again.
 */
#ifndef PARKTALLY_AGGREGATOR_RESERVE_H
#define PARKTALLY_AGGREGATOR_RESERVE_H

#include "common/cleanup.h"

#include <stdbool.h>

struct reserve;
/* `folder` is the data folder. Takes nothing yet. */
struct reserve *reserve_new(const char *folder);
/* Keeps the file as it is. */
void reserve_free(struct reserve *reserve);
CLEANUP_DEFINE(struct reserve, reserve_free)

/* True if the room is there, or could be had now with as much again left over. Nothing is taken otherwise.
 * May block for some milliseconds. */
bool reserve_take(struct reserve *reserve);
/* Gives the room back. */
void reserve_give(struct reserve *reserve);

#endif

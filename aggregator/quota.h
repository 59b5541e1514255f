/* A quantity, of memory say, that threads share: each takes a part before it needs it and gives it back, in
 * any thread. Parts are given out in the order of turns, so that nobody who came later can hold what one who
 * came earlier waits for. */
#ifndef PARKTALLY_AGGREGATOR_QUOTA_H
#define PARKTALLY_AGGREGATOR_QUOTA_H

#include "common/cleanup.h"

#include <stddef.h>
#include <stdint.h>

struct quota;
struct quota *quota_new(size_t total);
struct quota *quota_ref(struct quota *quota);
void quota_unref(struct quota *quota);
CLEANUP_DEFINE(struct quota, quota_unref)

/* Waits until it is this turn, from 0 on, and so much is there; `part` is at most the total. Each turn is
 * taken once. */
void quota_take(struct quota *quota, uint64_t turn, size_t part);

/* Never waits. */
void quota_give(struct quota *quota, size_t part);

#endif

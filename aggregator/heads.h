/* Heads of the ledger that somebody named (receipts, signed heads, the tree that is stored): what a tree of
 * so many leaves comes to. */
#ifndef PARKTALLY_AGGREGATOR_HEADS_H
#define PARKTALLY_AGGREGATOR_HEADS_H

#include "common/cleanup.h"
#include "common/merkle.h"

#include <stdbool.h>
#include <stdint.h>

struct heads;
struct heads *heads_new(void);
void heads_free(struct heads *heads);
CLEANUP_DEFINE(struct heads, heads_free)

/* Of one size the first one stays. */
void heads_name(struct heads *heads, uint64_t size, const uint8_t root[static MERKLE_HASH_SIZE]);

enum heads_match { HEADS_UNNAMED, HEADS_SAME, HEADS_OTHER };
/* Whether the tree, at its size, is what was named. */
enum heads_match heads_match(const struct heads *heads, const struct merkle *tree);

#endif

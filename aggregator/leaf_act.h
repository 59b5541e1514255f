/* What an operator's leaf was, in the words of commands. */
#ifndef PARKTALLY_AGGREGATOR_LEAF_ACT_H
#define PARKTALLY_AGGREGATOR_LEAF_ACT_H

#include "common/codec.h"

/* The code of the act, as commands are called, and what it was about, newly allocated; NULL, and nothing, of
 * what no operator did. */
const char *leaf_act(const struct leaf *leaf, char **ret_about);

#endif

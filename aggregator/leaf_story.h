/* The leaves behind what changed: when, by whom, why. */
#ifndef PARKTALLY_AGGREGATOR_LEAF_STORY_H
#define PARKTALLY_AGGREGATOR_LEAF_STORY_H

#include "aggregator/statistics/explain.h"
#include "aggregator/store/store.h"
#include "common/cleanup.h"

#include <stdint.h>

struct leaf_story {
  uint64_t position;   /* of the submission, or of the act */
  int64_t recorded_ms; /* from when on it was in force */
  char *by;            /* who approved the submission; the operator */
  char *submission;    /* id in hex; "" of an act */
  char *reason;        /* "" where none was given */
};

/* Of what changed from one number of leaves to another. Within a transaction of the store. */
struct leaf_stories;
struct leaf_stories *leaf_stories_new(struct store *store, uint64_t before, uint64_t after);
void leaf_stories_free(struct leaf_stories *stories);

/* Of a line's report; of its unit's register versions the leaf that changed them last; the last catalogue.
 * NULL where there is none to name. Lives until the next call. */
const struct leaf_story *leaf_stories_of(struct leaf_stories *stories, const struct explain_line *line);

#endif

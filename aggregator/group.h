/* A group: the jobs that the writer takes into one transaction, and what it keeps between transactions.
 *
 * group_begin(), group_add() for each job, group_commit(); then each job has its receipt, result or error. */
#ifndef PARKTALLY_AGGREGATOR_GROUP_H
#define PARKTALLY_AGGREGATOR_GROUP_H

#include "aggregator/writer.h"

enum job_kind { JOB_SUBMISSION, JOB_ACT };

struct job {
  enum job_kind kind;

  struct judged *judged; /* JOB_SUBMISSION; owned */
  writer_answer *answer;
  uint64_t position; /* of its leaf, if it got one */
  uint64_t sequence; /* of the submission, for the receipt */

  struct act act; /* JOB_ACT; what it points to is owned by the asker, but for `join` and `text` */
  struct join_record join;
  writer_act_answer *act_answer;

  void *data;
  GBytes *result; /* sealed receipt or certificate; owned */
  GError *error;  /* owned */
};

struct group;
/* Neither store nor identity is owned. */
struct group *group_new(struct store *store, const struct identity *identity, struct snapshot *snapshot);
void group_free(struct group *group);

void group_begin(struct group *group);
/* The job belongs to the caller and must live until after the commit. */
void group_add(struct group *group, struct job *job);
/* False and `error`: nothing of the group was done, and every job has that error. */
bool group_commit(struct group *group, GError **error);

/* After a commit: the snapshot that is now in force. Not owned by the caller. */
struct snapshot *group_snapshot(const struct group *group);

#endif

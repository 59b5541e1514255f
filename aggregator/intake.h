/* Intake: workers that verify, decode and judge submissions, and hand the sound ones to the writer. */
#ifndef PARKTALLY_AGGREGATOR_INTAKE_H
#define PARKTALLY_AGGREGATOR_INTAKE_H

#include "aggregator/writer.h"
#include "common/cleanup.h"
#include "common/submission.h"

#include <glib.h>

/* Called in a worker's or the writer's thread when a submission is done with. `agent` is the one that carried
 * it, `id` as it claimed. Exactly one of these: a sealed receipt; a fault; neither, which means busy. */
struct intake_answer {
  const char *agent;
  const uint8_t *id;
  GBytes *receipt;
  const char *fault, *fault_text; /* finding id */
};
typedef void intake_sink(const struct intake_answer *answer, void *data);

struct intake;
struct intake *intake_new(const char *folder, struct writer *writer, intake_sink *sink, void *data,
                          GError **error);
/* Waits for its workers. What they handed to the writer must have been answered before. */
void intake_free(struct intake *intake);
CLEANUP_DEFINE(struct intake, intake_free)

/* Takes a reference of `sealed`. Never blocks. Called by one thread; the writer gets what is sound in this
 * order. */
void intake_take(struct intake *intake, const char *agent, const uint8_t id[SUBMISSION_ID_SIZE],
                 GBytes *sealed);

#endif

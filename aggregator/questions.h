/* What agents ask of the store besides submitting: pages of refusals and of what their area is asked, heads
 * of the ledger with their proofs. Each may take milliseconds, so a thread of its own works them out, one of
 * each agent in turn: who asks much makes nobody wait but himself. */
#ifndef PARKTALLY_AGGREGATOR_QUESTIONS_H
#define PARKTALLY_AGGREGATOR_QUESTIONS_H

#include "aggregator/writer.h"
#include "common/channel.h"
#include "common/cleanup.h"
#include "common/codec.h"
#include "common/identity.h"

#include <glib.h>

/* Called in the questions' thread with what `asked` is answered with. */
typedef void question_sink(const struct channel_message *asked, GBytes *frame, void *data);

struct questions;
/* The identity and the writer must outlive them. */
struct questions *questions_new(const char *folder, const struct identity *identity, struct writer *writer,
                                question_sink *sink, void *data, GError **error);
/* Waits for the one that is worked out; those that wait are not answered. */
void questions_free(struct questions *questions);
CLEANUP_DEFINE(struct questions, questions_free)

/* Takes in a request for refusals, a state or a head. How many of its agent wait now; 0, and not taken, where
 * LIMIT_QUESTIONS_AGENT of this agent wait already. Never blocks. */
unsigned questions_take(struct questions *questions, const struct channel_message *message,
                        const struct frame *asked);
/* The most that one agent has waiting now. Any thread. */
unsigned questions_most(struct questions *questions);

#endif

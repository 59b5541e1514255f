/* Answers of the aggregator, in words for a park clerk. */
#ifndef PARKTALLY_AGENT_ANSWER_H
#define PARKTALLY_AGENT_ANSWER_H

#include "agent/home.h"
#include "agent/link.h"
#include "agent/outbox.h"

/* One line: which report was not counted, why, and what to do. Newly allocated. */
char *answer_format(const struct home *home, const char *form, const char *period,
                    const struct refusal *refusal);

/* What was answered so far, one line. Newly allocated. */
char *answer_summary(const struct outbox_summary *summary);

/* What a fault means, in the language of this process: what the aggregator wrote is English, and stands
 * behind it in brackets. Newly allocated. */
char *answer_fault(const char *code, const char *text);

/* Whether a fault is about the agent, not about one submission: nothing more is to be had with this
 * enrolment, and what is in the outbox stays as it is. */
bool answer_is_about_agent(const char *code);

/* That the clocks differ, one line. Newly allocated. */
char *answer_clocks(int64_t ahead_ms);

#endif

/* What this agent reported of the same units at other times, for rules that look back: the form's period
 * before, and the same period a year before. The figures of the outbox alone; what it does not know is
 * unknown to the rules, and the aggregator, which knows more, asks again. */
#ifndef PARKTALLY_AGENT_LOOKBACK_H
#define PARKTALLY_AGENT_LOOKBACK_H

#include "agent/outbox.h"
#include "common/formula.h"

#include <glib.h>
#include <stdbool.h>

struct lookback {
  struct period period[TENSE_COUNT];
  bool known[TENSE_COUNT]; /* some rule looks there, and the outbox has something of that period */
  struct prior *priors[TENSE_COUNT];
  size_t count;
  struct figures figures[TENSE_COUNT]; /* of the unit that was asked for last */
};

/* From now on it is about this form and period. `outbox` NULL: nothing is known. True if there is anything to
 * look at, so that units are to be given to lookback_load(). */
bool lookback_turn(struct lookback *lookback, struct outbox *outbox, const struct catalogue *catalogue,
                   int form, struct period period);

/* Reads what is known of these units, ascending. */
bool lookback_load(struct lookback *lookback, struct outbox *outbox, const struct catalogue *catalogue,
                   int form, const char *const *units, size_t count, GError **error);

/* Sets the figures of the nth of them, but for those of this period. They live until the next call. */
void lookback_facts(struct lookback *lookback, size_t n, struct formula_facts *facts);

/* Lets go of the units. */
void lookback_clear(struct lookback *lookback);

#endif

/* What this agent reported of the same units for the form's periods before: for rules that look back, and for
 * what a unit's own history makes suspect. It is what the outbox holds, and over it what the file that is
 * being prepared says of earlier periods. What neither knows is unknown, and the aggregator, which knows
 * more, asks again. */
#ifndef PARKTALLY_AGENT_LOOKBACK_H
#define PARKTALLY_AGENT_LOOKBACK_H

#include "agent/earlier.h"
#include "agent/outbox.h"
#include "common/formula.h"
#include "common/suspicion.h"

#include <glib.h>
#include <stdbool.h>

struct lookback {
  struct outbox *outbox;                 /* NULL: nothing was reported before */
  struct earlier *earlier;               /* owned */
  struct suspicion_facts facts;          /* but for `now`, of the unit that was asked for last */
  bool in_file;                          /* the file says something of a period before */
  bool in_outbox[LIMIT_HISTORY_PERIODS]; /* the outbox does, of this one */
  struct prior *priors[LIMIT_HISTORY_PERIODS];
  size_t count;
  struct figures figures[LIMIT_HISTORY_PERIODS];
};

/* `folder` takes what the file says, for as long as it is read. */
void lookback_init(struct lookback *lookback, struct outbox *outbox, const char *folder);
void lookback_finish(struct lookback *lookback);

/* Keeps what a report of the file comes to, for the file's later periods. */
bool lookback_keep(struct lookback *lookback, struct period period, const char *unit,
                   const struct figures *figures, GError **error);

/* From now on it is about this form and period. *ret_any: there is something to look at, so that units are to
 * be given to lookback_load(). */
bool lookback_turn(struct lookback *lookback, const struct catalogue *catalogue, int form,
                   struct period period, bool *ret_any, GError **error);

/* Reads what is known of these units, ascending. */
bool lookback_load(struct lookback *lookback, const char *const *units, size_t count, GError **error);

/* Sets the facts of the nth of them, which is this unit; units ascend. They live until the next call. */
bool lookback_find(struct lookback *lookback, size_t n, const char *unit, GError **error);

/* Lets go of the units. */
void lookback_clear(struct lookback *lookback);

#endif

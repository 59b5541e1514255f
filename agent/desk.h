/* The desk: what the commands share that show what the city says, and send acts of this park. */
#ifndef PARKTALLY_AGENT_DESK_H
#define PARKTALLY_AGENT_DESK_H

#include "agent/delivery.h"
#include "common/codec.h"

#define DESK_WAIT_SECONDS 120 /* for a receipt, unless --timeout says otherwise */

struct desk {
  char *data, *format; /* of the options; owned */
  bool json;
  struct home *home;
  struct outbox *outbox;
  struct delivery delivery;
};

/* Opens home and outbox; the rest of it is zero but for the options. */
bool desk_open(struct desk *desk, GError **error);
void desk_close(struct desk *desk);

/* Fetches the lists of now where the city can be reached; the process that sends keeps them fresh otherwise.
 * Blocking, for some seconds. */
void desk_refresh(struct desk *desk);

/* A usage error; always false. */
bool desk_misused(GError **error, const char *message);

/* Whether it is a text of 1 to `most` bytes without control characters; NULL is none. */
bool desk_text_fits(const char *text, size_t most);

/* --- acts of this park: sealed, durable, then delivered --- */

/* What each of their commands asks: a time to wait, and who answers for it, `*by`, else as the home's
 * configuration says. `nobody` is the usage error where nobody does. */
bool desk_check_answerable(const struct desk *desk, int timeout, char **by, const char *nobody,
                           GError **error);

/* Adds acts to the batch with desk_add_act(). */
typedef bool desk_adder(struct desk *desk, int64_t batch, void *data, GError **error);
/* A batch of them: all become durable, or none. */
bool desk_make_acts(struct desk *desk, const char *name, desk_adder *add, void *data, int64_t *ret_batch,
                    GError **error);
/* Says whose it is, its number and when, and seals it. The outbox lists it under the period and the unit,
 * which may be "". */
bool desk_add_act(struct desk *desk, int64_t batch, struct park_act *act, struct period period,
                  const char *unit, GError **error);
/* The period of acts that have none of their own. */
struct period desk_today(void);
/* A batch of a single one, of no period of its own. */
bool desk_make_act(struct desk *desk, const char *name, struct park_act *act, const char *unit,
                   int64_t *ret_batch, GError **error);

enum desk_outcome { DESK_ARRIVED, DESK_REFUSED, DESK_WAITING };

/* What became of a single act; prints why it was refused. False on an error. */
bool desk_outcome(struct desk *desk, int64_t batch, enum desk_outcome *ret_outcome, GError **error);
int desk_exit_code(enum desk_outcome outcome);

#endif

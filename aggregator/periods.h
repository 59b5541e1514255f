/* Periods of forms: what operators did with them, and what that comes to. A period opens by itself when it
 * begins by the zone's own clock, and takes reports, late ones too, until an operator closes it.
 *
 * A list of acts is a GArray of struct stored_period_act by form, period and position; immutable once it is a
 * snapshot's, and shared by reference count. Areas are indexes into the catalogue, CATALOGUE_NONE for
 * everybody. No I/O. */
#ifndef PARKTALLY_AGGREGATOR_PERIODS_H
#define PARKTALLY_AGGREGATOR_PERIODS_H

#include "aggregator/store/store.h"
#include "common/catalogue.h"

#include <glib.h>
#include <stdbool.h>

/* An empty list. */
GArray *periods_new(void);
/* A copy with one more, whose texts are copied. */
GArray *periods_with(const GArray *acts, const struct stored_period_act *act);

/* The acts of one form and period, in order; NULL and 0 if there are none. */
const struct stored_period_act *periods_acts(const GArray *acts, const char *form, struct period period,
                                             size_t *ret_count);

/* The last one that is about the area: of itself, of an area that it is a part of, or of everybody. It
 * decides: closed, or opened (again). NULL if there is none, and the clock decides. */
const struct stored_period_act *periods_last(const GArray *acts, const struct catalogue *catalogue,
                                             const char *form, struct period period, int area);

enum period_state { PERIOD_IS_FUTURE, PERIOD_IS_OPEN, PERIOD_IS_DUE, PERIOD_IS_CLOSED };

/* Of the form's period at a moment of the wall clock, for an area, or as it is for everybody but those for
 * whom an act of their own decides. */
enum period_state periods_state(const GArray *acts, const struct catalogue *catalogue, int form,
                                struct period period, int area, int64_t now_ms);
/* Whether it is closed for each area that reports; no clock is asked. */
bool periods_closed_for_all(const GArray *acts, const struct catalogue *catalogue, const char *form,
                            struct period period);
/* "future", "open", "due", "closed"; and in the language of the locale. */
const char *periods_state_code(enum period_state state);
const char *periods_state_name(enum period_state state);
/* "open", "close", "reopen". */
const char *periods_action_code(enum period_action action);

/* Why an act would change nothing, or makes no sense, by what was done before; no clock is asked, so that a
 * replay finds the same. Newly allocated; NULL if it may be. */
char *periods_objection(const GArray *acts, const struct catalogue *catalogue, enum period_action action,
                        int form, struct period period, int area);

#endif

#include "aggregator/periods.h"

#include "common/calendar.h"
#include "common/text.h"

#include <string.h>

/* --- lists --- */

GArray *periods_new(void)
{
  GArray *acts = g_array_new(FALSE, FALSE, sizeof(struct stored_period_act));
  g_array_set_clear_func(acts, (GDestroyNotify)stored_period_act_clear);
  return acts;
}

static const struct stored_period_act *nth(const GArray *acts, unsigned n)
{
  return &g_array_index(acts, struct stored_period_act, n);
}

static int compare(const struct stored_period_act *act, const char *form, struct period period)
{
  int order = strcmp(act->form, form);
  return order != 0 ? order : period_key(act->period) - period_key(period);
}

/* The first one that is not before the form's period. */
static unsigned lower_bound(const GArray *acts, const char *form, struct period period)
{
  unsigned from = 0, below = acts->len;
  while (from < below) {
    unsigned middle = from + (below - from) / 2;
    if (compare(nth(acts, middle), form, period) < 0)
      from = middle + 1;
    else
      below = middle;
  }
  return from;
}

static void append_copy(GArray *acts, const struct stored_period_act *act)
{
  struct stored_period_act copy = *act;
  copy.form = g_strdup(act->form);
  copy.area = g_strdup(act->area);
  copy.by = g_strdup(act->by);
  copy.reason = g_strdup(act->reason);
  g_array_append_val(acts, copy);
}

GArray *periods_with(const GArray *acts, const struct stored_period_act *act)
{
  GArray *changed = periods_new();
  bool added = false;
  for (unsigned n = 0; n < acts->len; n++) {
    if (!added && compare(nth(acts, n), act->form, act->period) > 0) {
      append_copy(changed, act);
      added = true;
    }
    append_copy(changed, nth(acts, n));
  }
  if (!added) append_copy(changed, act);
  return changed;
}

const struct stored_period_act *periods_acts(const GArray *acts, const char *form, struct period period,
                                             size_t *ret_count)
{
  unsigned first = lower_bound(acts, form, period), end = first;
  while (end < acts->len && compare(nth(acts, end), form, period) == 0) end++;
  *ret_count = end - first;
  return end > first ? nth(acts, first) : NULL;
}

/* --- what they come to --- */

static bool is_about(const struct stored_period_act *act, const struct catalogue *catalogue, int area)
{
  if (!*act->area) return true;
  int of = catalogue_area(catalogue, act->area);
  return of != CATALOGUE_NONE && area != CATALOGUE_NONE && catalogue_area_within(catalogue, area, of);
}

const struct stored_period_act *periods_last(const GArray *acts, const struct catalogue *catalogue,
                                             const char *form, struct period period, int area)
{
  size_t count;
  const struct stored_period_act *all = periods_acts(acts, form, period, &count);
  while (count-- > 0)
    if (is_about(&all[count], catalogue, area)) return &all[count];
  return NULL;
}

enum period_state periods_state(const GArray *acts, const struct catalogue *catalogue, int form,
                                struct period period, int area, int64_t now_ms)
{
  const struct stored_period_act *last =
      periods_last(acts, catalogue, catalogue->forms[form].code, period, area);
  if (last && last->action == PERIOD_TO_CLOSE) return PERIOD_IS_CLOSED;
  if (!last && !calendar_has_begun(catalogue, period, now_ms)) return PERIOD_IS_FUTURE;
  return now_ms > calendar_due(catalogue, form, period) ? PERIOD_IS_DUE : PERIOD_IS_OPEN;
}

const char *periods_state_code(enum period_state state)
{
  static const char *const codes[] = {"future", "open", "due", "closed"};
  return codes[state];
}

const char *periods_state_name(enum period_state state)
{
  static const char *const names[] = {N_("not begun"), N_("takes reports"), N_("due"), N_("closed")};
  return _(names[state]);
}

const char *periods_action_code(enum period_action action)
{
  static const char *const codes[] = {
      [PERIOD_TO_OPEN] = "open", [PERIOD_TO_CLOSE] = "close", [PERIOD_TO_REOPEN] = "reopen"};
  return codes[action];
}

/* --- what may follow --- */

/* How many of the areas that an act is about there are, for whom the period is closed, and for whom it was
 * opened, by what was done before. */
static void count_areas(const GArray *acts, const struct catalogue *catalogue, const char *form,
                        struct period period, int area, unsigned *ret_all, unsigned *ret_closed,
                        unsigned *ret_opened)
{
  *ret_all = *ret_closed = *ret_opened = 0;
  for (int n = 0; n < (int)catalogue->area_count; n++) {
    if (!catalogue->areas[n].reports) continue;
    if (area != CATALOGUE_NONE && !catalogue_area_within(catalogue, n, area)) continue;
    const struct stored_period_act *last = periods_last(acts, catalogue, form, period, n);
    ++*ret_all;
    *ret_closed += last && last->action == PERIOD_TO_CLOSE;
    *ret_opened += last && last->action != PERIOD_TO_CLOSE;
  }
}

bool periods_closed_for_all(const GArray *acts, const struct catalogue *catalogue, const char *form,
                            struct period period)
{
  unsigned all, closed, opened;
  count_areas(acts, catalogue, form, period, CATALOGUE_NONE, &all, &closed, &opened);
  return all > 0 && closed == all;
}

char *periods_objection(const GArray *acts, const struct catalogue *catalogue, enum period_action action,
                        int form, struct period period, int area)
{
  const char *code = catalogue->forms[form].code;
  char text[PERIOD_TEXT_SIZE];
  g_autofree char *wrong = catalogue_period_objection(catalogue, form, period);
  unsigned all, closed, opened;
  period_format(period, text);
  if (wrong) return g_strdup_printf(_("found %s, form %s expects %s"), text, code, wrong);
  count_areas(acts, catalogue, code, period, area, &all, &closed, &opened);
  if (all == 0) return g_strdup_printf(_("nobody reports in %s; choose a park"), catalogue->areas[area].code);
  if (action == PERIOD_TO_CLOSE && closed == all)
    return g_strdup_printf(_("%s of form %s is closed already"), text, code);
  if (action == PERIOD_TO_REOPEN && closed == 0)
    return g_strdup_printf(_("%s of form %s is not closed, so there is nothing to reopen"), text, code);
  if (action == PERIOD_TO_OPEN && closed > 0)
    return g_strdup_printf(_("%s of form %s is closed; “period reopen” takes reports again"), text, code);
  if (action == PERIOD_TO_OPEN && opened == all)
    return g_strdup_printf(_("%s of form %s is open already"), text, code);
  return NULL;
}

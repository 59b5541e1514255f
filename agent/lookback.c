#include "agent/lookback.h"

#include <string.h>

void lookback_init(struct lookback *lookback, struct outbox *outbox, const char *folder)
{
  lookback->outbox = outbox;
  lookback->earlier = earlier_new(folder);
}

void lookback_finish(struct lookback *lookback)
{
  lookback_clear(lookback);
  earlier_free(lookback->earlier);
}

bool lookback_keep(struct lookback *lookback, struct period period, const char *unit,
                   const struct figures *figures, GError **error)
{
  return earlier_add(lookback->earlier, period, unit, figures, error);
}

bool lookback_turn(struct lookback *lookback, const struct catalogue *catalogue, int form,
                   struct period period, bool *ret_any, GError **error)
{
  struct period periods[LIMIT_HISTORY_PERIODS];
  const char *code = catalogue->forms[form].code;
  lookback_clear(lookback);
  suspicion_facts_init(&lookback->facts, catalogue, form, period);
  for (size_t i = 0; i < LIMIT_HISTORY_PERIODS; i++) periods[i] = lookback->facts.past[i].period;
  if (!earlier_turn(lookback->earlier, periods, LIMIT_HISTORY_PERIODS, &lookback->in_file, error))
    return false;
  *ret_any = lookback->in_file;
  for (size_t i = 0; i < LIMIT_HISTORY_PERIODS; i++) {
    lookback->in_outbox[i] = lookback->outbox && outbox_may_have_priors(lookback->outbox, code, periods[i]);
    *ret_any |= lookback->in_outbox[i];
  }
  return true;
}

bool lookback_load(struct lookback *lookback, const char *const *units, size_t count, GError **error)
{
  const struct suspicion_facts *facts = &lookback->facts;
  lookback_clear(lookback);
  lookback->count = count;
  for (size_t i = 0; i < LIMIT_HISTORY_PERIODS; i++) {
    if (!lookback->in_outbox[i]) continue;
    lookback->priors[i] = priors_new(count);
    if (!outbox_priors(lookback->outbox, facts->catalogue, facts->form, facts->past[i].period, units, count,
                       lookback->priors[i], error))
      return false;
  }
  return true;
}

/* What the outbox knows of the nth unit for the ith period before, or NULL. */
static const struct figures *of_outbox(struct lookback *lookback, size_t i, size_t n)
{
  const struct prior *prior = lookback->priors[i] ? &lookback->priors[i][n] : NULL;
  if (!prior || !prior->exists || !prior->known) return NULL;
  prior_figures(prior, &lookback->figures[i]);
  return &lookback->figures[i];
}

bool lookback_find(struct lookback *lookback, size_t n, const char *unit, GError **error)
{
  for (size_t i = 0; i < LIMIT_HISTORY_PERIODS; i++) {
    const struct figures *in_file = NULL;
    if (lookback->in_file && !earlier_find(lookback->earlier, i, unit, &in_file, error)) return false;
    lookback->facts.past[i].figures = in_file ? in_file : of_outbox(lookback, i, n);
  }
  return true;
}

void lookback_clear(struct lookback *lookback)
{
  for (size_t i = 0; i < LIMIT_HISTORY_PERIODS; i++) {
    if (lookback->priors[i]) priors_free(lookback->priors[i], lookback->count);
    lookback->priors[i] = NULL;
    lookback->facts.past[i].figures = NULL;
  }
}

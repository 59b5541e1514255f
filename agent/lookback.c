#include "agent/lookback.h"

#include <string.h>

#define EACH_TENSE_BACK(tense) for (enum formula_tense tense = TENSE_LAST; tense < TENSE_COUNT; tense++)

bool lookback_turn(struct lookback *lookback, struct outbox *outbox, const struct catalogue *catalogue,
                   int form, struct period period)
{
  const struct form *of = &catalogue->forms[form];
  bool any = false;
  lookback_clear(lookback);
  lookback->period[TENSE_LAST] = form_period_before(of, period);
  lookback->period[TENSE_YEAR_AGO] = period_last_year(period);
  EACH_TENSE_BACK(tense)
  {
    lookback->known[tense] =
        outbox && of->looks_back[tense] && outbox_may_have_priors(outbox, of->code, lookback->period[tense]);
    any |= lookback->known[tense];
  }
  return any;
}

bool lookback_load(struct lookback *lookback, struct outbox *outbox, const struct catalogue *catalogue,
                   int form, const char *const *units, size_t count, GError **error)
{
  lookback_clear(lookback);
  lookback->count = count;
  EACH_TENSE_BACK(tense)
  {
    if (!lookback->known[tense]) continue;
    lookback->priors[tense] = priors_new(count);
    if (!outbox_priors(outbox, catalogue, form, lookback->period[tense], units, count,
                       lookback->priors[tense], error))
      return false;
  }
  return true;
}

void lookback_facts(struct lookback *lookback, size_t n, struct formula_facts *facts)
{
  EACH_TENSE_BACK(tense)
  {
    const struct prior *prior = lookback->priors[tense] ? &lookback->priors[tense][n] : NULL;
    facts->figures[tense] = NULL;
    if (!prior || !prior->exists || !prior->known) continue;
    prior_figures(prior, &lookback->figures[tense]);
    facts->figures[tense] = &lookback->figures[tense];
  }
}

void lookback_clear(struct lookback *lookback)
{
  EACH_TENSE_BACK(tense)
  {
    if (lookback->priors[tense]) priors_free(lookback->priors[tense], lookback->count);
    lookback->priors[tense] = NULL;
  }
}

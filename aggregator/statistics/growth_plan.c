#include "aggregator/statistics/growth_plan.h"

#include "aggregator/statistics/target_value.h"
#include "common/text.h"

#include <stdarg.h>

/* One criterion for one enterprise. */
struct judging {
  const struct catalogue *catalogue;
  const struct growth_plan *plan;
  const struct criterion *criterion;
  const struct growth_facts *facts;
  struct growth_result *result;
};

/* Always false, so that it ends a chain of steps. */
static bool cannot(struct judging *judging, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool cannot(struct judging *judging, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  g_free(judging->result->why);
  judging->result->why = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  return false;
}

static bool cannot_fit(struct judging *judging)
{
  return cannot(judging, _("the numbers are too large for an exact answer"));
}

/* --- figures --- */

static bool add_figure(struct judging *judging, const struct figures *figures, int indicator,
                       struct period period, struct fraction *sum)
{
  const struct indicator *of = &judging->catalogue->indicators[indicator];
  int column = catalogue_column(judging->catalogue, judging->plan->form, of->code);
  char text[PERIOD_TEXT_SIZE];
  if (column == CATALOGUE_NONE || !column_set_has(&figures->present, (unsigned)column))
    return cannot(judging, _("%s is not reported for %s"), text_label(&of->name),
                  period_format(period, text));
  sum->lower = decimal_power10(of->decimals);
  return !__builtin_add_overflow(sum->upper, figures->value[column], &sum->upper) || cannot_fit(judging);
}

static bool sum_now(struct judging *judging, const struct term *terms, size_t count, struct fraction *ret_sum)
{
  struct fraction sum = {0, 1};
  for (size_t n = 0; n < count; n++)
    if (!add_figure(judging, judging->facts->figures, terms[n].indicator, judging->facts->period, &sum))
      return false;
  *ret_sum = sum;
  return true;
}

/* Of all whose business it is now: what a merger joined was as large together. */
static bool sum_before(struct judging *judging, const struct term *terms, size_t count,
                       struct fraction *ret_sum)
{
  const struct growth_facts *facts = judging->facts;
  struct period before = period_last_year(facts->period);
  struct fraction sum = {0, 1};
  char text[PERIOD_TEXT_SIZE];
  if (!facts->before_complete || facts->before_count == 0)
    return cannot(judging, _("there is no report for %s"), period_format(before, text));
  for (size_t unit = 0; unit < facts->before_count; unit++)
    for (size_t n = 0; n < count; n++)
      if (!add_figure(judging, &facts->before[unit], terms[n].indicator, before, &sum)) return false;
  *ret_sum = sum;
  return true;
}

/* --- formulas --- */

static bool in_measure(struct judging *judging, struct fraction figure, struct fraction *ret_value)
{
  const struct target *asked = &judging->criterion->asked;
  struct fraction factor = {asked->scale, asked->form == TARGET_VALUE ? asked->divisor : 1};
  return fraction_multiply(figure, factor, ret_value) || cannot_fit(judging);
}

static bool ratio_of(struct judging *judging, struct fraction numerator, struct fraction *ret_value)
{
  const struct target *asked = &judging->criterion->asked;
  struct fraction denominator, quotient;
  if (!sum_now(judging, asked->denominator, asked->denominator_count, &denominator)) return false;
  if (denominator.upper == 0)
    return cannot(judging, _("%s is zero, and nothing can be divided by it"),
                  text_label(&judging->catalogue->indicators[asked->denominator[0].indicator].name));
  if (!fraction_divide(numerator, denominator, &quotient)) return cannot_fit(judging);
  return in_measure(judging, quotient, ret_value);
}

static bool growth_of(struct judging *judging, struct fraction now, struct fraction *ret_value)
{
  const struct target *asked = &judging->criterion->asked;
  struct fraction before, quotient, percent;
  if (!sum_before(judging, asked->numerator, asked->numerator_count, &before)) return false;
  const char *no_rate = target_no_rate(now, before);
  if (no_rate) return cannot(judging, "%s", no_rate);
  return (fraction_divide(now, before, &quotient) &&
          fraction_multiply(quotient, (struct fraction){100, 1}, &percent) &&
          fraction_subtract(percent, (struct fraction){100, 1}, ret_value)) ||
         cannot_fit(judging);
}

static bool find_actual(struct judging *judging)
{
  const struct target *asked = &judging->criterion->asked;
  struct growth_result *result = judging->result;
  struct fraction numerator;
  if (!sum_now(judging, asked->numerator, asked->numerator_count, &numerator)) return false;
  switch (asked->form) {
  case TARGET_VALUE:
    result->has_actual = in_measure(judging, numerator, &result->actual);
    break;
  case TARGET_RATIO:
    result->has_actual = ratio_of(judging, numerator, &result->actual);
    break;
  case TARGET_GROWTH:
    result->has_actual = growth_of(judging, numerator, &result->actual);
    break;
  }
  return result->has_actual;
}

static bool find_promise(struct judging *judging)
{
  const struct criterion *criterion = judging->criterion;
  struct growth_result *result = judging->result;
  struct fraction promised;
  result->promise = (struct fraction){criterion->asked.value, decimal_power10(criterion->asked.decimals)};
  result->has_promise = true;
  if (criterion->own_target == CATALOGUE_NONE) return true;
  struct term own = {criterion->own_target, CATALOGUE_NONE, 0};
  result->has_promise =
      sum_before(judging, &own, 1, &promised) && in_measure(judging, promised, &result->promise);
  return result->has_promise;
}

static void judge_criterion(struct judging *judging)
{
  struct growth_result *result = judging->result;
  enum direction direction = judging->criterion->asked.direction;
  int order;
  /* Both, for whoever reads why: a target that there is stands beside a figure that there is not. */
  bool has_promise = find_promise(judging);
  if (!find_actual(judging) || !has_promise) return;
  if (!fraction_compare(result->actual, result->promise, &order)) {
    cannot_fit(judging);
    return;
  }
  bool met = direction == DIRECTION_AT_MOST ? order <= 0
             : direction == DIRECTION_ABOVE ? order > 0
                                            : order >= 0;
  result->met = met ? CRITERION_MET : CRITERION_NOT_MET;
}

/* --- in words --- */

static char *value_text(const struct criterion *criterion, const char *sign, struct fraction value)
{
  char text[DECIMAL_TEXT_SIZE];
  int128 rounded;
  if (!decimal_divide(value.upper, value.lower, criterion->asked.decimals, &rounded)) return g_strdup("");
  return g_strdup_printf("%s%s %s", sign, decimal_format_grouped(rounded, criterion->asked.decimals, text),
                         criterion->asked.measure);
}

char *growth_promise_text(const struct criterion *criterion, const struct growth_result *result)
{
  static const char *const signs[] = {
      [DIRECTION_AT_LEAST] = "≥ ", [DIRECTION_AT_MOST] = "≤ ", [DIRECTION_ABOVE] = "> "};
  if (!result->has_promise) return g_strdup("");
  return value_text(criterion, signs[criterion->asked.direction], result->promise);
}

char *growth_actual_text(const struct criterion *criterion, const struct growth_result *result)
{
  return result->has_actual ? value_text(criterion, "", result->actual) : g_strdup("");
}

/* Those criteria that came out as `met`, each with its figures or with why there are none. */
static char *list_criteria(const struct growth_plan *plan, const struct growth_judgement *judgement,
                           enum growth_met met)
{
  GString *list = g_string_new(NULL);
  for (size_t n = 0; n < judgement->count; n++) {
    const struct growth_result *result = &judgement->results[n];
    if (!result->asked || result->met != met) continue;
    g_autofree char *actual = growth_actual_text(&plan->criteria[n], result);
    g_autofree char *promise = growth_promise_text(&plan->criteria[n], result);
    if (list->len > 0) g_string_append(list, _("; "));
    if (result->why)
      g_string_append_printf(list, _("%s: %s"), text_label(&plan->criteria[n].name), result->why);
    else
      g_string_append_printf(list, _("%s %s, target %s"), text_label(&plan->criteria[n].name), actual,
                             promise);
  }
  return g_string_free(list, FALSE);
}

static size_t count_criteria(const struct growth_judgement *judgement, enum growth_met met)
{
  size_t count = 0;
  for (size_t n = 0; n < judgement->count; n++)
    count += judgement->results[n].asked && judgement->results[n].met == met;
  return count;
}

/* --- the verdict --- */

static char *why_no_figures(const struct growth_facts *facts)
{
  char text[PERIOD_TEXT_SIZE];
  if (facts->report == UNIT_REPORTED_NIL)
    return g_strdup_printf(_("it reported for %s that there is nothing to report"),
                           period_format(facts->period, text));
  if (facts->idle)
    return g_strdup_printf(_("no report for %s, which its status “%s” does not owe"),
                           period_format(facts->period, text), facts->idle);
  return g_strdup_printf(_("no report for %s"), period_format(facts->period, text));
}

/* What is missed for certain is missed, whatever else is not known; but nobody stays unless all is met. */
static void conclude(const struct growth_plan *plan, const struct growth_facts *facts,
                     struct growth_judgement *judgement)
{
  size_t met = count_criteria(judgement, CRITERION_MET),
         missed = count_criteria(judgement, CRITERION_NOT_MET);
  size_t unknown = count_criteria(judgement, CRITERION_UNKNOWN);
  if (missed > 0) {
    g_autofree char *list = list_criteria(plan, judgement, CRITERION_NOT_MET);
    judgement->verdict = facts->is_member ? MEMBER_DROPS : MEMBER_NOT_QUALIFIED;
    judgement->reason = g_strdup_printf(_("misses %zu of %zu: %s"), missed, met + missed + unknown, list);
  } else if (unknown > 0 || met == 0) {
    g_autofree char *list = list_criteria(plan, judgement, CRITERION_UNKNOWN);
    judgement->verdict = facts->is_member ? MEMBER_NOT_ASSESSED : MEMBER_NOT_QUALIFIED;
    judgement->reason = g_strdup_printf(_("cannot be judged: %s"), list);
  } else {
    judgement->verdict = facts->is_member ? MEMBER_STAYS : MEMBER_CANDIDATE;
    judgement->reason = g_strdup_printf(_("meets all %zu"), met);
  }
}

void growth_plan_judge(const struct catalogue *catalogue, const struct growth_plan *plan,
                       const struct growth_facts *facts, struct growth_judgement *ret_judgement)
{
  struct growth_judgement judgement = {.count = plan->criterion_count,
                                       .results = g_new0(struct growth_result, plan->criterion_count)};
  if (facts->report != UNIT_REPORTED_FIGURES) {
    judgement.verdict = facts->is_member ? MEMBER_NOT_ASSESSED : MEMBER_NOT_QUALIFIED;
    judgement.reason = why_no_figures(facts);
    *ret_judgement = judgement;
    return;
  }
  for (size_t n = 0; n < plan->criterion_count; n++) {
    struct judging judging = {catalogue, plan, &plan->criteria[n], facts, &judgement.results[n]};
    judgement.results[n].asked = facts->is_member || !plan->criteria[n].of_members_only;
    if (judgement.results[n].asked) judge_criterion(&judging);
  }
  conclude(plan, facts, &judgement);
  *ret_judgement = judgement;
}

void growth_judgement_clear(struct growth_judgement *judgement)
{
  for (size_t n = 0; n < judgement->count; n++) g_free(judgement->results[n].why);
  g_free(judgement->results);
  g_free(judgement->reason);
  *judgement = (struct growth_judgement){0};
}

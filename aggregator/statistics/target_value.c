#include "aggregator/statistics/target_value.h"

#include "common/text.h"

#include <stdarg.h>

struct evaluation {
  const struct target_place *place;
  const struct target *target;
  const struct fraction
      *missing; /* by term, of the denominator behind the numerator; NULL: nothing is added */
  struct period period;
  struct target_value *value;
  unsigned months[KIND_RATIO + 1]; /* by kind: which the terms so far cover; 0: none yet */
};

/* Always false, so that it ends a chain of steps. */
static bool cannot(struct evaluation *evaluation, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool cannot(struct evaluation *evaluation, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  g_free(evaluation->value->why_not);
  evaluation->value->why_not = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  return false;
}

static bool cannot_fit(struct evaluation *evaluation)
{
  return cannot(evaluation, _("the numbers are too large for an exact answer"));
}

static const char *area_name(const struct evaluation *evaluation, const struct term *term)
{
  int area =
      target_term_area(evaluation->place->catalogue, evaluation->target, term, evaluation->place->area);
  return text_label(&evaluation->place->catalogue->areas[area].name);
}

typedef bool read_total(struct reader *reader, int area, int slice, int indicator, struct period period,
                        bool cumulative, struct total *ret_total, GError **error);

static bool nobody_reported(struct evaluation *evaluation, const struct term *term, struct period period)
{
  char text[PERIOD_TEXT_SIZE];
  return cannot(evaluation, _("nobody has reported %s of %s for %s"),
                text_label(&evaluation->place->catalogue->indicators[term->indicator].name),
                area_name(evaluation, term), period_format(period, text));
}

/* What some months come to stands for no year, and against a cumulative figure it would give a wrong number
 * rather than none. */
static bool months_missing(struct evaluation *evaluation, const struct term *term, struct period period)
{
  char text[PERIOD_TEXT_SIZE];
  return cannot(evaluation, _("%s of %s has not been reported for every month up to %s"),
                text_label(&evaluation->place->catalogue->indicators[term->indicator].name),
                area_name(evaluation, term), period_format(period, text));
}

/* Flows are added to and divided by flows of the same months. A stock of a month may well stand beside
 * another one, or below a flow; but growth is from month to the same month, whatever the kind. */
static bool covers_the_same(struct evaluation *evaluation, const struct term *term, unsigned months)
{
  const struct indicator *indicator = &evaluation->place->catalogue->indicators[term->indicator];
  unsigned *covered = &evaluation->months[indicator->kind];
  if (indicator->kind != KIND_FLOW && evaluation->target->form != TARGET_GROWTH) return true;
  if (*covered == 0) *covered = months;
  if (*covered == months) return true;
  return cannot(evaluation, _("%s of %s is there for other months than what it is compared with"),
                text_label(&indicator->name), area_name(evaluation, term));
}

/* What a term adds to the sum. False and why_not, or false and error. */
static bool read_term(struct evaluation *evaluation, const struct term *term, read_total *read,
                      struct period missing_of, bool covers, struct fraction *ret_amount, GError **error)
{
  const struct catalogue *catalogue = evaluation->place->catalogue;
  int area = target_term_area(catalogue, evaluation->target, term, evaluation->place->area);
  struct total total;
  if (!read(evaluation->place->reader, area, term->slice, term->indicator, evaluation->period, true, &total,
            error))
    return false;
  if (covers) {
    evaluation->value->reported += total.reported;
    evaluation->value->expected += total.expected;
  }
  if (!total.complete && total.reported > 0) return months_missing(evaluation, term, missing_of);
  if (!total.defined) return nobody_reported(evaluation, term, missing_of);
  if (!covers_the_same(evaluation, term, total.months)) return false;
  unsigned decimals = catalogue->indicators[term->indicator].decimals;
  *ret_amount = (struct fraction){total.value, decimal_power10(decimals)};
  return true;
}

/* Sums terms, which share measure and decimals; `missing_of` is the period that is named where one is
 * missing, `missing` what is added to each. False and why_not, or false and error. */
static bool sum_terms(struct evaluation *evaluation, const struct term *terms, size_t count,
                      const struct fraction *missing, read_total *read, struct period missing_of, bool covers,
                      struct fraction *ret_sum, GError **error)
{
  struct fraction sum = {0, 1}, amount;
  for (size_t n = 0; n < count; n++) {
    if (!read_term(evaluation, &terms[n], read, missing_of, covers, &amount, error)) return false;
    if (!fraction_add(sum, amount, &sum) || (missing && !fraction_add(sum, missing[n], &sum)))
      return cannot_fit(evaluation);
  }
  *ret_sum = sum;
  return true;
}

const char *target_no_rate(struct fraction now, struct fraction base)
{
  int order;
  if (base.upper > 0 && now.upper >= 0) return NULL;
  if (base.upper == 0) return _("no growth rate: last year's figure is zero");
  if (base.upper > 0) return _("no growth rate: turned from profit to loss");
  if (now.upper >= 0) return _("no growth rate: turned from loss to profit");
  if (!fraction_compare(now, base, &order)) return _("the numbers are too large for an exact answer");
  if (order > 0) return _("no growth rate: the loss has shrunk");
  if (order < 0) return _("no growth rate: the loss has grown");
  return _("no growth rate: the loss is unchanged");
}

static bool evaluate_value(struct evaluation *evaluation, struct fraction numerator,
                           struct fraction *ret_value, GError **error)
{
  (void)error;
  const struct target *target = evaluation->target;
  struct fraction factor = {target->scale, target->divisor > 0 ? target->divisor : 1};
  return fraction_multiply(numerator, factor, ret_value) || cannot_fit(evaluation);
}

static bool evaluate_ratio(struct evaluation *evaluation, struct fraction numerator,
                           struct fraction *ret_value, GError **error)
{
  const struct target *target = evaluation->target;
  struct fraction denominator, quotient;
  const struct fraction *missing = evaluation->missing ? evaluation->missing + target->numerator_count : NULL;
  if (!sum_terms(evaluation, target->denominator, target->denominator_count, missing, reader_total,
                 evaluation->period, false, &denominator, error))
    return false;
  if (denominator.upper == 0)
    return cannot(
        evaluation, _("%s is zero, and nothing can be divided by it"),
        text_label(&evaluation->place->catalogue->indicators[target->denominator[0].indicator].name));
  return (fraction_divide(numerator, denominator, &quotient) &&
          fraction_multiply(quotient, (struct fraction){target->scale, 1}, ret_value)) ||
         cannot_fit(evaluation);
}

static bool evaluate_growth(struct evaluation *evaluation, struct fraction now, struct fraction *ret_value,
                            GError **error)
{
  const struct target *target = evaluation->target;
  struct fraction base, quotient, percent;
  if (!sum_terms(evaluation, target->numerator, target->numerator_count, NULL, reader_last_year,
                 period_last_year(evaluation->period), false, &base, error))
    return false;
  const char *no_rate = target_no_rate(now, base);
  if (no_rate) return cannot(evaluation, "%s", no_rate);
  return (fraction_divide(now, base, &quotient) &&
          fraction_multiply(quotient, (struct fraction){100, 1}, &percent) &&
          fraction_subtract(percent, (struct fraction){100, 1}, ret_value)) ||
         cannot_fit(evaluation);
}

/* --- questions --- */

int target_term_area(const struct catalogue *catalogue, const struct target *target, const struct term *term,
                     int area)
{
  return area != target->area && catalogue_area_within(catalogue, area, term->area) ? area : term->area;
}

void target_value_clear(struct target_value *value)
{
  g_free(value->why_not);
  *value = (struct target_value){.value = {0, 1}};
}

/* False only with an error. */
static bool conclude(struct target_value *value, GError *failure, struct target_value *ret_value,
                     GError **error)
{
  if (failure) {
    target_value_clear(value);
    g_propagate_error(error, failure);
    return false;
  }
  value->measurable = !value->why_not;
  *ret_value = *value;
  return true;
}

bool target_value_read(const struct target_place *place, const struct target *target, struct period period,
                       const struct fraction *missing, struct target_value *ret_value, GError **error)
{
  static bool (*const formulas[])(struct evaluation *, struct fraction, struct fraction *, GError **) = {
      [TARGET_VALUE] = evaluate_value, [TARGET_RATIO] = evaluate_ratio, [TARGET_GROWTH] = evaluate_growth};
  struct target_value value = {.value = {0, 1}};
  struct evaluation evaluation = {
      .place = place, .target = target, .missing = missing, .period = period, .value = &value};
  GError *failure = NULL;
  struct fraction numerator;
  if (target->numerator_count == 0)
    cannot(&evaluation, _("the catalogue gives no formula"));
  else if (sum_terms(&evaluation, target->numerator, target->numerator_count, missing, reader_total, period,
                     true, &numerator, &failure))
    formulas[target->form](&evaluation, numerator, &value.value, &failure);
  return conclude(&value, failure, ret_value, error);
}

bool target_is_flow(const struct catalogue *catalogue, const struct target *target)
{
  if (target->form != TARGET_VALUE) return false;
  for (size_t n = 0; n < target->numerator_count; n++)
    if (catalogue->indicators[target->numerator[n].indicator].kind != KIND_FLOW) return false;
  return target->numerator_count > 0;
}

/* Of the same forms: an annual one would count otherwise than the months do. */
static struct period to_december(struct period period)
{
  unsigned months = period.months == 2 ? 1 : period.months;
  return (struct period){.year = period.year, .month = (uint8_t)(13 - months), .months = (uint8_t)months};
}

bool target_share_read(const struct target_place *place, const struct target *target, struct period period,
                       struct target_value *ret_share, GError **error)
{
  struct period last = period_last_year(period), whole = to_december(last);
  struct target_value value = {.value = {0, 1}};
  struct evaluation of_months = {.place = place, .target = target, .period = last, .value = &value};
  struct evaluation of_year = {.place = place, .target = target, .period = whole, .value = &value};
  GError *failure = NULL;
  struct fraction months, year;
  if (sum_terms(&of_months, target->numerator, target->numerator_count, NULL, reader_total, last, false,
                &months, &failure) &&
      sum_terms(&of_year, target->numerator, target->numerator_count, NULL, reader_total, whole, false, &year,
                &failure) &&
      !promise_share(months, year, &value.value))
    cannot(&of_year, _("last year's figures give no share: zero, losses, or more than the whole year"));
  return conclude(&value, failure, ret_share, error);
}

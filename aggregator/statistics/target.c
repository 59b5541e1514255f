#include "aggregator/statistics/target.h"

#include "common/text.h"

#include <stdarg.h>

/* --- evaluation --- */

struct evaluation {
  struct reader *reader;
  const struct catalogue *catalogue;
  const struct target *target;
  struct period period;
  struct target_standing *standing;
  unsigned months[KIND_RATIO + 1]; /* by kind: which the terms so far cover; 0: none yet */
};

/* Always false, so that it ends a chain of steps. */
static bool cannot(struct evaluation *evaluation, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool cannot(struct evaluation *evaluation, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  g_free(evaluation->standing->why_not);
  evaluation->standing->why_not = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  return false;
}

static bool cannot_fit(struct evaluation *evaluation)
{
  return cannot(evaluation, _("the numbers are too large for an exact answer"));
}

typedef bool read_total(struct reader *reader, int area, int slice, int indicator, struct period period,
                        bool cumulative, struct total *ret_total, GError **error);

static bool nobody_reported(struct evaluation *evaluation, const struct term *term, struct period period)
{
  char text[PERIOD_TEXT_SIZE];
  return cannot(evaluation, _("nobody has reported %s of %s for %s"),
                text_label(&evaluation->catalogue->indicators[term->indicator].name),
                text_label(&evaluation->catalogue->areas[term->area].name), period_format(period, text));
}

/* What some months come to stands for no year, and against a cumulative figure it would give a wrong number
 * rather than none. */
static bool months_missing(struct evaluation *evaluation, const struct term *term, struct period period)
{
  char text[PERIOD_TEXT_SIZE];
  return cannot(evaluation, _("%s of %s has not been reported for every month up to %s"),
                text_label(&evaluation->catalogue->indicators[term->indicator].name),
                text_label(&evaluation->catalogue->areas[term->area].name), period_format(period, text));
}

/* Flows are added to and divided by flows of the same months. A stock of a month may well stand beside
 * another one, or below a flow; but growth is from month to the same month, whatever the kind. */
static bool covers_the_same(struct evaluation *evaluation, const struct term *term, unsigned months)
{
  const struct indicator *indicator = &evaluation->catalogue->indicators[term->indicator];
  unsigned *covered = &evaluation->months[indicator->kind];
  if (indicator->kind != KIND_FLOW && evaluation->target->form != TARGET_GROWTH) return true;
  if (*covered == 0) *covered = months;
  if (*covered == months) return true;
  return cannot(evaluation, _("%s of %s is there for other months than what it is compared with"),
                text_label(&indicator->name), text_label(&evaluation->catalogue->areas[term->area].name));
}

/* Sums terms, which share measure and decimals; `missing_of` is the period that is named where one is
 * missing. False and why_not, or false and error. */
static bool sum_terms(struct evaluation *evaluation, const struct term *terms, size_t count, read_total *read,
                      struct period missing_of, bool covers, struct fraction *ret_sum, GError **error)
{
  struct fraction sum = {0, 1};
  for (size_t n = 0; n < count; n++) {
    struct total total;
    if (!read(evaluation->reader, terms[n].area, terms[n].slice, terms[n].indicator, evaluation->period, true,
              &total, error))
      return false;
    if (covers) {
      evaluation->standing->reported += total.reported;
      evaluation->standing->expected += total.expected;
    }
    if (!total.complete && total.reported > 0) return months_missing(evaluation, &terms[n], missing_of);
    if (!total.defined) return nobody_reported(evaluation, &terms[n], missing_of);
    if (!covers_the_same(evaluation, &terms[n], total.months)) return false;
    sum.lower = decimal_power10(evaluation->catalogue->indicators[terms[n].indicator].decimals);
    if (__builtin_add_overflow(sum.upper, total.value, &sum.upper)) return cannot_fit(evaluation);
  }
  *ret_sum = fraction_reduced(sum);
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
  if (!sum_terms(evaluation, target->denominator, target->denominator_count, reader_total, evaluation->period,
                 false, &denominator, error))
    return false;
  if (denominator.upper == 0)
    return cannot(evaluation, _("%s is zero, and nothing can be divided by it"),
                  text_label(&evaluation->catalogue->indicators[target->denominator[0].indicator].name));
  return (fraction_divide(numerator, denominator, &quotient) &&
          fraction_multiply(quotient, (struct fraction){target->scale, 1}, ret_value)) ||
         cannot_fit(evaluation);
}

static bool evaluate_growth(struct evaluation *evaluation, struct fraction now, struct fraction *ret_value,
                            GError **error)
{
  const struct target *target = evaluation->target;
  struct fraction base, quotient, percent;
  if (!sum_terms(evaluation, target->numerator, target->numerator_count, reader_last_year,
                 period_last_year(evaluation->period), false, &base, error))
    return false;
  const char *no_rate = target_no_rate(now, base);
  if (no_rate) return cannot(evaluation, "%s", no_rate);
  return (fraction_divide(now, base, &quotient) &&
          fraction_multiply(quotient, (struct fraction){100, 1}, &percent) &&
          fraction_subtract(percent, (struct fraction){100, 1}, ret_value)) ||
         cannot_fit(evaluation);
}

/* --- standing against promise --- */

static const struct stage *stage_of(const struct target *target, int year)
{
  for (size_t n = 0; n < target->stage_count; n++)
    if (target->stages[n].year == year) return &target->stages[n];
  return NULL;
}

/* −1, 0 or 1 as the standing is below, at or above `bound`, which is scaled by the target's decimals. */
static bool compare(struct fraction standing, int128 bound, unsigned decimals, int *ret_order)
{
  return fraction_compare(standing, (struct fraction){bound, decimal_power10(decimals)}, ret_order);
}

static bool is_reached(const struct target *target, struct fraction standing, int64_t promised,
                       bool *ret_reached)
{
  int low, high;
  if (!compare(standing, (int128)promised - target->tolerance, target->decimals, &low) ||
      !compare(standing, (int128)promised + target->tolerance, target->decimals, &high))
    return false;
  switch (target->direction) {
  case DIRECTION_AT_LEAST:
    *ret_reached = low >= 0;
    break;
  case DIRECTION_ABOUT:
    *ret_reached = low >= 0 && high <= 0;
    break;
  case DIRECTION_AT_MOST:
    *ret_reached = high <= 0;
    break;
  case DIRECTION_ABOVE:
    *ret_reached = low > 0;
    break;
  case DIRECTION_TRACKED:
    *ret_reached = false;
    break;
  }
  return true;
}

void target_standing_clear(struct target_standing *standing)
{
  g_free(standing->why_not);
  *standing = (struct target_standing){.denominator = 1};
}

static void conclude(struct evaluation *evaluation, struct fraction value)
{
  struct target_standing *standing = evaluation->standing;
  const struct target *target = evaluation->target;
  int64_t promised = standing->stage ? standing->stage->value : target->value;
  if (!is_reached(target, value, promised, &standing->reached)) {
    cannot_fit(evaluation);
    return;
  }
  standing->measurable = true;
  standing->numerator = value.upper;
  standing->denominator = value.lower;
}

bool target_evaluate(struct reader *reader, const struct catalogue *catalogue, const struct target *target,
                     struct period period, struct target_standing *ret_standing, GError **error)
{
  static bool (*const formulas[])(struct evaluation *, struct fraction, struct fraction *, GError **) = {
      [TARGET_VALUE] = evaluate_value, [TARGET_RATIO] = evaluate_ratio, [TARGET_GROWTH] = evaluate_growth};
  if (target->yearly) period = (struct period){.year = period.year, .month = 1, .months = 12};
  struct target_standing standing = {
      .denominator = 1, .period = period, .stage = stage_of(target, period.year)};
  struct evaluation evaluation = {
      .reader = reader, .catalogue = catalogue, .target = target, .period = period, .standing = &standing};
  g_autoptr(GError) failure = NULL;
  struct fraction numerator, value;
  if (target->numerator_count == 0)
    cannot(&evaluation, _("the catalogue gives no formula"));
  else if (sum_terms(&evaluation, target->numerator, target->numerator_count, reader_total, period, true,
                     &numerator, &failure) &&
           formulas[target->form](&evaluation, numerator, &value, &failure))
    conclude(&evaluation, value);
  if (failure) {
    target_standing_clear(&standing);
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
  }
  *ret_standing = standing;
  return true;
}

bool target_last_period(struct reader *reader, const struct catalogue *catalogue, struct period *ret_period)
{
  bool found = false;
  for (size_t n = 0; n < catalogue->target_count; n++) {
    const struct target *target = &catalogue->targets[n];
    for (size_t t = 0; t < target->numerator_count; t++) {
      struct period period;
      if (!reader_last_period(reader, target->numerator[t].indicator, &period)) continue;
      if (!found || period_is_later(period, *ret_period)) *ret_period = period;
      found = true;
    }
  }
  return found;
}

const char *target_direction(const struct target *target)
{
  static const char *const codes[] = {[DIRECTION_AT_LEAST] = "at_least",
                                      [DIRECTION_ABOUT] = "about",
                                      [DIRECTION_AT_MOST] = "at_most",
                                      [DIRECTION_ABOVE] = "above",
                                      [DIRECTION_TRACKED] = "tracked"};
  return codes[target->direction];
}

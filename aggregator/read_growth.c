/* What a total is compared with: the base period, and both as totals, of every kind of indicator. */
#include "aggregator/read_private.h"

/* Of as many months; before January and February together comes December. */
static struct period calendar_before(struct period period)
{
  if (period.months == 12) return period_last_year(period);
  unsigned months = period.months == 2 ? 1 : period.months;
  unsigned end = period.month == 1 ? 13 : period.month; /* the month after */
  return (struct period){.year = (int16_t)(period.year - (end == 13)),
                         .month = (uint8_t)(end - months),
                         .months = (uint8_t)months};
}

/* The monthly form that carries the indicator; of a ratio or a count that of what it rests on. */
static const struct form *monthly_form(const struct catalogue *catalogue, int indicator)
{
  const struct indicator *of = &catalogue->indicators[indicator];
  struct column_ref column;
  if (of->kind == KIND_RATIO) return monthly_form(catalogue, of->numerator);
  if (of->kind == KIND_COUNT && of->count_indicator != CATALOGUE_NONE)
    return monthly_form(catalogue, of->count_indicator);
  if (catalogue_find_column(catalogue, indicator, VARIANT_PERIOD, 1, &column) ||
      catalogue_find_column(catalogue, indicator, VARIANT_YTD, 1, &column))
    return &catalogue->forms[column.form];
  return NULL;
}

struct period reader_base_period(struct reader *reader, int indicator, struct period period, bool previous)
{
  if (!previous) return period_last_year(period);
  const struct form *form = period.months < 3 ? monthly_form(reader->catalogue, indicator) : NULL;
  return form ? form_period_before(form, period) : calendar_before(period);
}

/* --- totals of what is comparable --- */

static struct total total_of(int128 value, int64_t figures)
{
  return (struct total){.defined = figures > 0, .value = value, .denominator = 1, .reported = figures};
}

static void compare_amounts(struct reader *reader, int area, int slice, int indicator, struct period period,
                            bool cumulative, struct period base, struct growth_base *growth)
{
  struct comparison *of = &growth->comparison;
  reader_compare(reader, area, slice, indicator, period, cumulative, base, of);
  growth->comparable = total_of(of->comparable, of->comparable_figures);
  growth->comparable_before = total_of(of->base, of->comparable_figures);
}

static void compare_parts(struct reader *reader, int area, int slice, const struct indicator *ratio,
                          struct period period, bool cumulative, struct period base,
                          struct growth_base *growth)
{
  struct growth_base upper = {0}, lower = {0};
  compare_amounts(reader, area, slice, ratio->numerator, period, cumulative, base, &upper);
  compare_amounts(reader, area, slice, ratio->denominator, period, cumulative, base, &lower);
  reader_divide(reader->catalogue, ratio, &upper.comparable, &lower.comparable, &growth->comparable);
  reader_divide(reader->catalogue, ratio, &upper.comparable_before, &lower.comparable_before,
                &growth->comparable_before);
}

/* A year before, the same months; before a month or a quarter, of a flow as many. Counts from the register
 * are of a day, and of none. */
static bool has_like_months(const struct indicator *indicator, const struct total *now,
                            const struct total *before, bool previous)
{
  if (!previous) return now->months == before->months;
  return indicator->kind != KIND_FLOW ||
         __builtin_popcount(now->months) == __builtin_popcount(before->months);
}

bool reader_growth(struct reader *reader, int area, int slice, int indicator, struct period period,
                   bool cumulative, bool previous, const struct total *total, struct growth_base *ret_base,
                   GError **error)
{
  const struct indicator *of = &reader->catalogue->indicators[indicator];
  struct growth_base growth = {.comparable = {.denominator = 1}, .comparable_before = {.denominator = 1}};
  growth.period = reader_base_period(reader, indicator, period, previous);
  if (!reader_total(reader, area, slice, indicator, growth.period, cumulative, &growth.before, error))
    return false;
  bool both = total->defined && growth.before.defined;
  bool alike = has_like_months(of, total, &growth.before, previous);
  growth.usable = both && total->complete && growth.before.complete && alike;
  if (of->kind == KIND_FLOW || of->kind == KIND_STOCK)
    compare_amounts(reader, area, slice, indicator, period, cumulative, growth.period, &growth);
  else if (of->kind == KIND_RATIO)
    compare_parts(reader, area, slice, of, period, cumulative, growth.period, &growth);
  /* January and February are no base of March, nor a stock of June one of December. */
  if ((of->kind == KIND_FLOW && growth.period.months != period.months) ||
      (of->kind == KIND_STOCK && both && !alike))
    growth.comparable.defined = growth.comparable_before.defined = false;
  const GError *failure = store_error(reader->store);
  if (failure) {
    g_propagate_error(error, g_error_copy(failure));
    return false;
  }
  *ret_base = growth;
  return true;
}

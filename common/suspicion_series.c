#include "common/suspicion_private.h"

static int128 magnitude(int128 value)
{
  return value < 0 ? -value : value;
}

/* --- reading --- */

/* So many months a figure of the column is of. */
static unsigned months_of(const struct suspicion_facts *facts, unsigned column, struct period period)
{
  const struct column *of = &facts->catalogue->forms[facts->form].columns[column];
  if (facts->catalogue->indicators[of->indicator].kind != KIND_FLOW) return 1;
  return of->variant == VARIANT_YTD ? period_last_month(period) : period.months;
}

/* Whether the figure lies between two thirds and twice of the other: then the other is at most half of itself
 * away from it. */
static bool is_near(int128 now, int128 past)
{
  return now < 0 ? 3 * past <= 2 * now && past >= 2 * now : 3 * past >= 2 * now && past <= 2 * now;
}

/* Where more than half of the past is near, the median is: no slip, no other sign, no outlier. So most
 * reports cost no sorting. */
bool series_read(const struct suspicion_facts *facts, unsigned column, struct series *ret_series)
{
  const struct column *of = &facts->catalogue->forms[facts->form].columns[column];
  size_t near = 0;
  ret_series->months = months_of(facts, column, facts->period);
  int128 scale = MONTH_SCALE / ret_series->months;
  ret_series->now = facts->now->value[column] * scale;
  ret_series->trifle =
      SUSPICION_TRIFLE * decimal_power10(facts->catalogue->indicators[of->indicator].decimals) * scale;
  ret_series->count = 0;
  for (size_t i = 0; i < LIMIT_HISTORY_PERIODS; i++) {
    const struct suspicion_past *past = &facts->past[i];
    if (!past->figures || !column_set_has(&past->figures->present, column)) continue;
    int128 rate =
        past->figures->value[column] * (int128)(MONTH_SCALE / months_of(facts, column, past->period));
    near += is_near(ret_series->now, rate);
    ret_series->past[ret_series->count++] = rate;
  }
  return ret_series->count > 0 && 2 * near <= ret_series->count;
}

/* --- medians --- */

/* Twice the median: of an even number of values the two in the middle added. Sorts them. */
static int128 twice_median(int128 *values, size_t count)
{
  for (size_t i = 1; i < count; i++) {
    int128 value = values[i];
    size_t at = i;
    for (; at > 0 && values[at - 1] > value; at--) values[at] = values[at - 1];
    values[at] = value;
  }
  return values[(count - 1) / 2] + values[count / 2];
}

static size_t magnitudes_of(const struct series *series, int128 ret_values[static LIMIT_HISTORY_PERIODS])
{
  size_t count = 0;
  for (size_t i = 0; i < series->count; i++)
    if (series->past[i] != 0) ret_values[count++] = magnitude(series->past[i]);
  return count;
}

/* --- slip --- */

static bool is_steady(const int128 *values, size_t count, int128 middle)
{
  size_t strays = 0;
  for (size_t i = 0; i < count; i++)
    strays += 2 * values[i] * SUSPICION_STEADY < middle || 2 * values[i] > SUSPICION_STEADY * middle;
  return strays <= count / 4;
}

/* Whether `large` is about `factor` times `small`. */
static bool is_about(int128 large, int128 small, int factor)
{
  return large * SUSPICION_SLIP_NEAR >= small * factor && large <= small * factor * SUSPICION_SLIP_NEAR;
}

int series_slip(const struct series *series, int128 *ret_twice_median)
{
  static const int factors[] = {10, 1000};
  int128 values[LIMIT_HISTORY_PERIODS], now = 2 * magnitude(series->now);
  size_t count = magnitudes_of(series, values);
  if (count < SUSPICION_SLIP_LEAST || now == 0) return 0;
  int128 middle = twice_median(values, count);
  if (magnitude(now - middle) < 2 * series->trifle || !is_steady(values, count, middle)) return 0;
  *ret_twice_median = middle;
  for (size_t i = 0; i < G_N_ELEMENTS(factors); i++) {
    if (is_about(now, middle, factors[i])) return factors[i];
    if (is_about(middle, now, factors[i])) return -factors[i];
  }
  return 0;
}

/* --- sign --- */

int series_sign(const struct series *series)
{
  int128 values[LIMIT_HISTORY_PERIODS], now = series->now;
  size_t count = magnitudes_of(series, values);
  if (count < SUSPICION_OUTLIER_LEAST || now == 0) return 0;
  for (size_t i = 0; i < series->count; i++)
    if (series->past[i] != 0 && (series->past[i] < 0) == (now < 0)) return 0;
  if (10 * magnitude(now) <= twice_median(values, count)) return 0;
  return now < 0 ? 1 : -1;
}

/* --- outlier --- */

bool series_is_outlier(const struct series *series, int128 *ret_low_x4, int128 *ret_high_x4)
{
  if (series->count < SUSPICION_OUTLIER_LEAST) return false;
  int128 values[LIMIT_HISTORY_PERIODS];
  for (size_t i = 0; i < series->count; i++) values[i] = series->past[i];
  int128 middle = twice_median(values, series->count);
  if (middle == 0) return false;
  for (size_t i = 0; i < series->count; i++) values[i] = magnitude(2 * values[i] - middle);
  int128 deviation_x4 = twice_median(values, series->count);
  int128 room_x4 = MAX(SUSPICION_DEVIATIONS * deviation_x4, magnitude(middle));
  room_x4 = MAX(room_x4, 4 * series->trifle);
  *ret_low_x4 = 2 * middle - room_x4;
  *ret_high_x4 = 2 * middle + room_x4;
  return 4 * series->now < *ret_low_x4 || 4 * series->now > *ret_high_x4;
}

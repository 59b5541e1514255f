#include "common/suspicion_private.h"

#include "common/text.h"

void suspicion_facts_init(struct suspicion_facts *ret_facts, const struct catalogue *catalogue, int form,
                          struct period period)
{
  *ret_facts = (struct suspicion_facts){.catalogue = catalogue, .form = form, .period = period};
  for (size_t i = 0; i < LIMIT_HISTORY_PERIODS; i++) {
    period = form_period_before(&catalogue->forms[form], period);
    ret_facts->past[i].period = period;
  }
}

const struct figures *suspicion_year_ago(const struct suspicion_facts *facts)
{
  struct period year_ago = period_last_year(facts->period);
  for (size_t i = 0; i < LIMIT_HISTORY_PERIODS; i++)
    if (period_equal(facts->past[i].period, year_ago)) return facts->past[i].figures;
  return NULL;
}

/* --- columns --- */

static const struct column *column_at(const struct suspicion_facts *facts, unsigned column)
{
  return &facts->catalogue->forms[facts->form].columns[column];
}

static const struct indicator *indicator_of(const struct suspicion_facts *facts, unsigned column)
{
  return &facts->catalogue->indicators[column_at(facts, column)->indicator];
}

/* Another column of the same indicator on the form, or CATALOGUE_NONE. */
static int sibling(const struct suspicion_facts *facts, unsigned column, enum variant variant)
{
  const struct form *form = &facts->catalogue->forms[facts->form];
  struct column_ref found;
  bool is_there = catalogue_find_column(facts->catalogue, form->columns[column].indicator, variant,
                                        form->months, &found) &&
                  found.form == facts->form && !form->columns[found.column].retired;
  return is_there ? found.column : CATALOGUE_NONE;
}

static bool look_up(const struct figures *figures, int column, int64_t *ret_value)
{
  if (!figures || column == CATALOGUE_NONE || !column_set_has(&figures->present, (unsigned)column))
    return false;
  *ret_value = figures->value[column];
  return true;
}

/* --- words --- */

static void write_figure(const struct suspicion_facts *facts, unsigned column, int128 value,
                         char ret_text[DECIMAL_TEXT_SIZE])
{
  decimal_format(value, indicator_of(facts, column)->decimals, ret_text);
}

/* A rate, times `times`, as a figure of the column, within the indicator's range. */
static void write_rate(const struct suspicion_facts *facts, unsigned column, const struct series *series,
                       int128 rate, int times, char ret_text[DECIMAL_TEXT_SIZE])
{
  const struct indicator *indicator = indicator_of(facts, column);
  int128 figure = 0;
  decimal_divide(rate * series->months, (int128)MONTH_SCALE * times, 0, &figure); /* far below 128 bits */
  write_figure(facts, column, CLAMP(figure, indicator->least, indicator->most), ret_text);
}

static bool suspect(const struct suspicion_facts *facts, unsigned column, enum finding_code code,
                    struct suspicion *suspicion)
{
  suspicion->code = code;
  suspicion->column = (int)column;
  write_figure(facts, column, facts->now->value[column], suspicion->found);
  return true;
}

/* "= 3600" */
static void expect(const struct suspicion_facts *facts, unsigned column, const char *sign, int128 value,
                   struct suspicion *suspicion)
{
  char number[DECIMAL_TEXT_SIZE];
  write_figure(facts, column, value, number);
  g_snprintf(suspicion->expected, sizeof suspicion->expected, "%s %s", sign, number);
}

/* --- slip --- */

static int slip_of(const struct suspicion_facts *facts, int column)
{
  struct series series;
  int128 middle;
  int64_t ignored;
  return look_up(facts->now, column, &ignored) && series_read(facts, (unsigned)column, &series)
             ? series_slip(&series, &middle)
             : 0;
}

/* What is not looked at by its own history: last year's figures, for the reports of then are known. */
static bool has_history(const struct suspicion_facts *facts, unsigned column)
{
  enum variant variant = column_at(facts, column)->variant;
  return !column_at(facts, column)->retired && (variant == VARIANT_PERIOD || variant == VARIANT_YTD);
}

/* Whether a column before it, in a measure of the same base, slipped likewise. */
static bool is_said(const struct suspicion_facts *facts, unsigned column, int factor)
{
  const struct measure *measures = facts->catalogue->measures;
  const char *base = measures[indicator_of(facts, column)->measure].base;
  for (unsigned i = 0; i < column; i++)
    if (has_history(facts, i) && g_str_equal(measures[indicator_of(facts, i)->measure].base, base) &&
        slip_of(facts, (int)i) == factor)
      return true;
  return false;
}

static void say_slip(const struct suspicion_facts *facts, unsigned column, const struct series *series,
                     int factor, int128 middle, struct suspicion *suspicion)
{
  char number[DECIMAL_TEXT_SIZE];
  suspect(facts, column, FINDING_FIGURE_SLIP, suspicion);
  write_rate(facts, column, series, series->now < 0 ? -middle : middle, 2, number);
  g_snprintf(suspicion->expected, sizeof suspicion->expected, "≈ %s (%s%d)", number, factor < 0 ? "÷" : "×",
             ABS(factor));
}

/* Whether the figure or another one of the indicator slipped, which explains what else is wrong with them. */
static bool slip_explains(const struct suspicion_facts *facts, unsigned column)
{
  return slip_of(facts, sibling(facts, column, VARIANT_PERIOD)) != 0 ||
         slip_of(facts, sibling(facts, column, VARIANT_YTD)) != 0;
}

/* --- cumulative --- */

/* Of the period before, in the same year. */
static const struct figures *last_of_year(const struct suspicion_facts *facts)
{
  return facts->past[0].period.year == facts->period.year ? facts->past[0].figures : NULL;
}

static bool is_unconserved(const struct suspicion_facts *facts, unsigned column, struct suspicion *suspicion)
{
  int64_t ytd = facts->now->value[column], month, before = 0;
  bool begins = facts->period.month == 1;
  if (!look_up(facts->now, sibling(facts, column, VARIANT_PERIOD), &month)) return false;
  if (!begins && !look_up(last_of_year(facts), (int)column, &before)) return false;
  int128 sum = (int128)before + month;
  if (ytd <= sum + SUSPICION_ROUNDING && ytd >= sum - SUSPICION_ROUNDING) return false;
  if (slip_explains(facts, column)) return false;
  expect(facts, column, "=", sum, suspicion);
  return suspect(facts, column, FINDING_FIGURE_UNCONSERVED, suspicion);
}

/* A month that follows from two cumulative figures would be negative. */
static bool falls(const struct suspicion_facts *facts, unsigned column, struct suspicion *suspicion)
{
  int64_t before;
  if (column_at(facts, column)->variant != VARIANT_YTD || indicator_of(facts, column)->least < 0 ||
      !look_up(last_of_year(facts), (int)column, &before) || facts->now->value[column] >= before)
    return false;
  expect(facts, column, "≥", before, suspicion);
  return suspect(facts, column, FINDING_FIGURE_SIGN, suspicion);
}

/* --- last year's --- */

static bool differs_from_last_year(const struct suspicion_facts *facts, unsigned column,
                                   struct suspicion *suspicion)
{
  enum variant then = column_at(facts, column)->variant == VARIANT_LY ? VARIANT_PERIOD : VARIANT_YTD;
  int64_t reported;
  if (!look_up(suspicion_year_ago(facts), sibling(facts, column, then), &reported) ||
      facts->now->value[column] == reported || slip_explains(facts, column))
    return false;
  expect(facts, column, "=", reported, suspicion);
  return suspect(facts, column, FINDING_FIGURE_LAST_YEAR, suspicion);
}

/* --- by its own history --- */

static bool is_unusual(const struct suspicion_facts *facts, unsigned column, const struct series *series,
                       struct suspicion *suspicion)
{
  int sign = indicator_of(facts, column)->least < 0 ? series_sign(series) : 0;
  if (sign != 0) {
    expect(facts, column, sign > 0 ? ">" : "<", 0, suspicion);
    return suspect(facts, column, FINDING_FIGURE_SIGN, suspicion);
  }
  int128 low, high;
  if (!series_is_outlier(series, &low, &high)) return false;
  char from[DECIMAL_TEXT_SIZE], to[DECIMAL_TEXT_SIZE];
  write_rate(facts, column, series, low, 4, from);
  write_rate(facts, column, series, high, 4, to);
  g_snprintf(suspicion->expected, sizeof suspicion->expected, _("%s to %s"), from, to);
  return suspect(facts, column, FINDING_FIGURE_OUTLIER, suspicion);
}

static bool is_suspect_by_history(const struct suspicion_facts *facts, unsigned column,
                                  struct suspicion *suspicion)
{
  struct series series;
  int128 middle;
  bool strays = series_read(facts, column, &series);
  int factor = strays ? series_slip(&series, &middle) : 0;
  if (factor != 0) {
    if (is_said(facts, column, factor)) return false;
    say_slip(facts, column, &series, factor, middle, suspicion);
    return true;
  }
  bool beside_month = column_at(facts, column)->variant == VARIANT_YTD &&
                      sibling(facts, column, VARIANT_PERIOD) != CATALOGUE_NONE;
  if (beside_month) return is_unconserved(facts, column, suspicion);
  return falls(facts, column, suspicion) || (strays && is_unusual(facts, column, &series, suspicion));
}

bool suspicion_next(const struct suspicion_facts *facts, size_t *next, struct suspicion *ret_suspicion)
{
  const struct form *form = &facts->catalogue->forms[facts->form];
  while (*next < form->column_count) {
    unsigned column = (unsigned)(*next)++;
    if (form->columns[column].retired || !column_set_has(&facts->now->present, column)) continue;
    if (has_history(facts, column) ? is_suspect_by_history(facts, column, ret_suspicion)
                                   : differs_from_last_year(facts, column, ret_suspicion))
      return true;
  }
  return false;
}

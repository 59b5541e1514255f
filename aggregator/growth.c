#include "aggregator/growth.h"

#include "common/text.h"

#define RATE_DECIMALS 1

const struct print_column growth_columns[] = {
    {"base", N_("base"), PRINT_TEXT},
    {"before", N_("before"), PRINT_DECIMAL},
    {"published_before", NULL, PRINT_DECIMAL},
    {"change", N_("change"), PRINT_DECIMAL},
    {"growth", N_("growth"), PRINT_DECIMAL},
    {"comparable", NULL, PRINT_DECIMAL},
    {"comparable_before", N_("comparable before"), PRINT_DECIMAL},
    {"comparable_growth", N_("comparable growth"), PRINT_DECIMAL},
    {NULL, NULL, PRINT_TEXT},
};

const struct print_column growth_cause_columns[] = {
    {"area", N_("area"), PRINT_TEXT},       {"period", N_("period"), PRINT_TEXT},
    {"base", N_("base"), PRINT_TEXT},       {"indicator", N_("indicator"), PRINT_TEXT},
    {"slice", N_("slice"), PRINT_TEXT},     {"cause", N_("cause"), PRINT_TEXT},
    {"value", N_("amount"), PRINT_DECIMAL}, {"measure", N_("measure"), PRINT_TEXT},
    {"units", N_("units"), PRINT_COUNT},    {NULL, NULL, PRINT_TEXT},
};

/* Where there is no rate: for programs, for people. */
static const struct {
  const char *code, *name;
} words[] = {
    [GROWTH_UNKNOWN] = {"", ""},
    [GROWTH_UNCHANGED] = {"unchanged", N_("unchanged")},
    [GROWTH_FROM_ZERO] = {"from_zero", N_("from zero")},
    [GROWTH_TO_PROFIT] = {"turned_to_profit", N_("turned to profit")},
    [GROWTH_LOSS_REDUCED] = {"loss_reduced", N_("loss reduced")},
    [GROWTH_LOSS_GREW] = {"loss_grew", N_("loss grew")},
    [GROWTH_TO_LOSS] = {"turned_to_loss", N_("turned to loss")},
};

static const struct {
  const char *code, *name;
} causes[CAUSE_COUNT] = {
    [CAUSE_ENTERED] = {"entered", N_("entered")},
    [CAUSE_LEFT] = {"left", N_("left")},
    [CAUSE_MOVED] = {"moved", N_("moved")},
    [CAUSE_NOT_REPORTED] = {"not_reported", N_("not reported in one of the periods")},
    [CAUSE_BASE_REVISED] = {"base_revised", N_("base revised")},
    [CAUSE_GROWN] = {"grown", N_("grown")},
};

const char *growth_words(enum growth growth)
{
  return words[growth].name && *words[growth].name ? _(words[growth].name) : "";
}

/* --- cells --- */

static void print_amount(struct print *print, int128 value, unsigned decimals)
{
  char text[DECIMAL_TEXT_SIZE];
  if (print_format_of(print) == PRINT_TABLE)
    decimal_format_grouped(value, decimals, text);
  else
    decimal_format(value, decimals, text);
  print_cell(print, text);
}

static void print_total(struct print *print, const struct indicator *indicator, const struct total *total)
{
  int128 value = total->value;
  bool fits = total->defined;
  if (fits && indicator->kind == KIND_RATIO)
    fits = decimal_divide(total->value, total->denominator, indicator->decimals, &value);
  if (fits)
    print_amount(print, value, indicator->decimals);
  else
    print_cell(print, NULL);
}

/* Of ratios in percentage points, or whatever their measure is. */
static void print_change(struct print *print, const struct indicator *indicator, const struct total *now,
                         const struct total *before)
{
  int128 change;
  if (indicator->kind != KIND_RATIO)
    print_amount(print, now->value - before->value, indicator->decimals);
  else if (compare_ratios(now->value, now->denominator, before->value, before->denominator,
                          indicator->decimals, &change))
    print_amount(print, change, indicator->decimals);
  else
    print_cell(print, NULL);
}

static void print_rate(struct print *print, const struct total *now, const struct total *before)
{
  int128 rate;
  enum growth growth = compare_growth(now->value, before->value, RATE_DECIMALS, &rate);
  char text[DECIMAL_TEXT_SIZE];
  if (growth != GROWTH_RATE) {
    print_named(print, words[growth].code, growth_words(growth));
    return;
  }
  decimal_format(rate, RATE_DECIMALS, text);
  g_autofree char *shown = g_strconcat(text, "%", NULL);
  print_named(print, text, shown);
}

/* A ratio's growth is its change: percentage points. */
static void print_growth(struct print *print, const struct indicator *indicator, const struct total *now,
                         const struct total *before, bool usable)
{
  if (!usable || !now->defined || !before->defined)
    print_cell(print, NULL);
  else if (indicator->kind == KIND_RATIO)
    print_change(print, indicator, now, before);
  else
    print_rate(print, now, before);
}

void growth_print(struct print *print, const struct indicator *indicator, const struct total *total,
                  const struct growth_base *base)
{
  static const struct growth_base none = {.usable = false};
  const struct growth_base *of = base ? base : &none;
  char text[PERIOD_TEXT_SIZE];
  struct total published = {
      .defined = of->comparison.published_figures > 0, .value = of->comparison.published, .denominator = 1};
  print_cell(print, base ? period_format(base->period, text) : NULL);
  print_total(print, indicator, &of->before);
  print_total(print, indicator, &published);
  if (of->usable)
    print_change(print, indicator, total, &of->before);
  else
    print_cell(print, NULL);
  print_growth(print, indicator, total, &of->before, of->usable);
  print_total(print, indicator, &of->comparable);
  print_total(print, indicator, &of->comparable_before);
  print_growth(print, indicator, &of->comparable, &of->comparable_before, true);
  if (indicator->kind == KIND_RATIO && of->comparable.defined)
    print_note(print, _("Ratios grow by percentage points."));
}

/* --- causes --- */

static void print_cause(struct print *print, const struct catalogue *catalogue,
                        const struct indicator *indicator, const char *code, const char *name, int128 value,
                        int64_t units)
{
  print_named(print, code, name);
  print_amount(print, value, indicator->decimals);
  print_cell(print, catalogue->measures[indicator->measure].code);
  print_count(print, units);
}

void growth_print_causes(struct print *print, const struct catalogue *catalogue,
                         const struct indicator *indicator, const struct growth_base *base, growth_row *begin,
                         void *data)
{
  const struct comparison *of = &base->comparison;
  begin(data);
  print_cause(print, catalogue, indicator, "before", _("before"), of->before, of->before_figures);
  for (unsigned cause = 0; cause < CAUSE_COUNT; cause++) {
    begin(data);
    print_cause(print, catalogue, indicator, causes[cause].code, _(causes[cause].name),
                of->cause[cause].value, of->cause[cause].units);
  }
  begin(data);
  print_cause(print, catalogue, indicator, "now", _("now"), of->now, of->now_figures);
}

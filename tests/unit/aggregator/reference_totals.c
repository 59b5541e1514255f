/* Totals: which figures make them up, and their sum, unit by unit. */
#include "reference.h"

/* --- what an indicator is --- */

static const struct {
  enum { IS_FLOW, IS_STOCK, IS_COUNT, IS_RATIO } kind;
  int form, month, cumulative, month_last_year, cumulative_last_year; /* columns */
  int decimals, numerator, denominator;
} INDICATORS[REFERENCE_INDICATORS] = {
    [REFERENCE_OUTPUT] = {IS_FLOW, REFERENCE_MONTHLY, 0, -1, 4, -1, 1, 0, 0},
    [REFERENCE_SALES] = {IS_FLOW, REFERENCE_MONTHLY, 1, 2, 6, 5, 0, 0, 0},
    [REFERENCE_PROFIT] = {IS_FLOW, REFERENCE_FINANCE, -1, 0, -1, 1, 0, 0, 0},
    [REFERENCE_STAFF] = {IS_STOCK, REFERENCE_MONTHLY, 3, -1, -1, -1, 0, 0, 0},
    [REFERENCE_RESEARCH] = {IS_FLOW, REFERENCE_YEARLY, 0, -1, -1, -1, 0, 0, 0},
    [REFERENCE_BIG] = {.kind = IS_COUNT},
    [REFERENCE_SCALED] = {.kind = IS_COUNT},
    [REFERENCE_INTENSITY] = {.kind = IS_RATIO,
                             .numerator = REFERENCE_RESEARCH,
                             .denominator = REFERENCE_SALES},
    [REFERENCE_MULTIPLE] = {.kind = IS_RATIO, .numerator = REFERENCE_SALES, .denominator = REFERENCE_PROFIT},
};

/* January is exempt of the finance form. */
static bool is_month_of(int form, int month)
{
  return form == REFERENCE_MONTHLY || (form == REFERENCE_FINANCE && month > 1);
}

/* --- which figures make up a total --- */

static bool has_column(const struct reference_current *report, int column)
{
  return column != REFERENCE_NONE && (report->present >> column & 1);
}

bool reference_figure(const struct reference_current *report, const struct reference_part *part,
                      int64_t *ret_value)
{
  int column = has_column(report, part->column) ? part->column : part->other;
  if (!has_column(report, column)) return false;
  *ret_value = report->value[column];
  return true;
}

static bool does_anybody_say(const struct reference_city *city, int form, struct reference_period period,
                             int column)
{
  for (int unit = 0; unit < REFERENCE_UNITS; unit++) {
    const struct reference_current *report = reference_counted(city, form, period, unit);
    if (report && has_column(report, column)) return true;
  }
  return false;
}

static struct reference_period month_of(int year, int month)
{
  return (struct reference_period){year, month, 1};
}

/* In January both columns say the same, and each unit may fill in another. */
static void add_part(struct reference_parts *parts, struct reference_period period, int column, int other)
{
  bool is_january = period.month == 1 && period.months == 1;
  parts->part[parts->count++] = (struct reference_part){
      .period = period, .column = column, .other = is_january ? other : REFERENCE_NONE};
}

static bool is_there(const struct reference_city *city, const struct reference_parts *parts, int n)
{
  const struct reference_part *part = &parts->part[n];
  return does_anybody_say(city, parts->form, part->period, part->column) ||
         does_anybody_say(city, parts->form, part->period, part->other);
}

/* From January on what is cumulative decides; else months are as they were reported, a longer period their
 * sum; only where that gives nothing is a month the difference of two cumulative figures. Without figures it
 * is the first way that there would be. */
static struct reference_parts flow(const struct reference_city *city, int form, int year, int first, int last,
                                   bool cumulative, int month, int ytd)
{
  struct reference_parts found = {.form = form}, way = {.form = form};
  if (ytd != REFERENCE_NONE && first == 1 && is_month_of(form, last)) {
    bool is_month = last == 1 && !cumulative && month != REFERENCE_NONE;
    add_part(&way, month_of(year, last), is_month ? month : ytd, is_month ? ytd : month);
    way.data = is_there(city, &way, 0);
    if (way.data) return way;
    found = way;
  }
  way = (struct reference_parts){.form = form};
  for (int n = first; month != REFERENCE_NONE && n <= last; n++) {
    if (!is_month_of(form, n)) continue;
    bool by_ytd = n == 1 && cumulative && ytd != REFERENCE_NONE;
    add_part(&way, month_of(year, n), by_ytd ? ytd : month, by_ytd ? month : ytd);
    way.data |= is_there(city, &way, way.count - 1);
  }
  if (way.data) return way;
  if (found.count == 0) found = way;
  way = (struct reference_parts){.form = form};
  if (ytd != REFERENCE_NONE && first > 1 && is_month_of(form, last)) {
    add_part(&way, month_of(year, last), ytd, REFERENCE_NONE);
    if (is_month_of(form, first - 1)) {
      way.difference = true;
      add_part(&way, month_of(year, first - 1), ytd, month);
      way.data = does_anybody_say(city, form, month_of(year, last), ytd) &&
                 does_anybody_say(city, form, month_of(year, first - 1), ytd);
    }
    if (way.data || found.count == 0) found = way;
  }
  return found;
}

/* The last month that has any. */
static struct reference_parts stock(const struct reference_city *city, int form, int year, int first,
                                    int last, int column)
{
  struct reference_parts found = {.form = form};
  for (int n = last; n >= first; n--) {
    struct reference_parts way = {.form = form};
    add_part(&way, month_of(year, n), column, REFERENCE_NONE);
    way.data = is_there(city, &way, 0);
    if (way.data) return way;
    if (found.count == 0) found = way;
  }
  return found;
}

struct reference_parts reference_parts_of(const struct reference_city *city, int indicator, bool last_year,
                                          struct reference_period period, bool cumulative)
{
  int form = INDICATORS[indicator].form;
  int month = last_year ? INDICATORS[indicator].month_last_year : INDICATORS[indicator].month;
  int ytd = last_year ? INDICATORS[indicator].cumulative_last_year : INDICATORS[indicator].cumulative;
  int first = cumulative ? 1 : period.month, last = period.month + period.months - 1;
  struct reference_parts parts = {.form = REFERENCE_NONE};
  if (month == REFERENCE_NONE && ytd == REFERENCE_NONE) return parts;
  if (form == REFERENCE_YEARLY) {
    if (period.months < 12) return parts;
    parts.form = form;
    add_part(&parts, period, month, REFERENCE_NONE);
    parts.data = is_there(city, &parts, 0);
    return parts;
  }
  if (INDICATORS[indicator].kind == IS_STOCK) return stock(city, form, period.year, first, last, month);
  return flow(city, form, period.year, first, last, cumulative, month, ytd);
}

/* --- totals --- */

static void add_expected(const struct reference_city *city, const struct reference_parts *parts, int area,
                         int slice, struct reference_total *total)
{
  for (int n = 0; n < (parts->difference ? 1 : parts->count); n++)
    total->expected += reference_standing(city, area, slice, parts->form, parts->part[n].period).owed;
}

static void add_unit(const struct reference_city *city, const struct reference_parts *parts, int n, int unit,
                     int area, int slice, struct reference_total *total)
{
  const struct reference_part *part = &parts->part[n];
  const struct reference_current *report = reference_counted(city, parts->form, part->period, unit);
  const struct reference_version *version = reference_governing(city, unit, part->period);
  int64_t value, before = 0;
  if (!report || !reference_is_in(reference_membership(city, version), area, slice)) return;
  if (!reference_figure(report, part, &value)) return;
  if (parts->difference) {
    report = reference_counted(city, parts->form, parts->part[1].period, unit);
    if (!report || !reference_figure(report, &parts->part[1], &before)) return; /* after a gap */
  }
  total->value += (reference_sum)value - before;
  total->reported++;
}

static struct reference_total total_of_amounts(const struct reference_city *city, int area, int slice,
                                               int indicator, struct reference_period period, bool cumulative)
{
  struct reference_total total = {.denominator = 1};
  struct reference_parts parts = reference_parts_of(city, indicator, false, period, cumulative);
  if (parts.form == REFERENCE_NONE) return total;
  for (int n = 0; parts.data && n < (parts.difference ? 1 : parts.count); n++)
    for (int unit = 0; unit < REFERENCE_UNITS; unit++) add_unit(city, &parts, n, unit, area, slice, &total);
  add_expected(city, &parts, area, slice, &total);
  total.defined = total.reported > 0;
  return total;
}

static struct reference_total total_of_scaled(const struct reference_city *city, int area, int slice,
                                              struct reference_period period)
{
  struct reference_total total = {.denominator = 1};
  for (int unit = 0; unit < REFERENCE_UNITS; unit++) {
    const struct reference_version *version = reference_at_the_end(city, unit, period);
    total.defined |= city->version_count[unit] > 0;
    if (!version || city->class[unit] != REFERENCE_ENTERPRISE || !version->above_scale) continue;
    if (reference_is_expected(city, version) &&
        reference_is_in(reference_membership(city, version), area, slice))
      total.value++;
  }
  total.reported = total.expected = (int64_t)total.value;
  return total;
}

/* By legal entity: an establishment's profit is its parent's, as far as both are in area and slice. */
static struct reference_total total_of_big(const struct reference_city *city, int area, int slice,
                                           struct reference_period period)
{
  struct reference_total total = {.denominator = 1};
  struct reference_parts parts = reference_parts_of(city, REFERENCE_PROFIT, false, period, true);
  for (int entity = 0; entity < REFERENCE_UNITS; entity++) {
    struct reference_total own = {0};
    for (int unit = 0; unit < REFERENCE_UNITS; unit++) {
      bool is_plant = city->class[unit] == REFERENCE_ESTABLISHMENT && city->parent[unit] == entity;
      bool is_it = unit == entity && city->class[unit] == REFERENCE_ENTERPRISE;
      for (int n = 0; parts.data && (is_plant || is_it) && n < parts.count; n++)
        add_unit(city, &parts, n, unit, area, slice, &own);
    }
    total.reported += own.reported;
    if (own.reported > 0 && own.value >= (city->rules.big_from_2000 ? 2000 : 1000)) total.value++;
  }
  add_expected(city, &parts, area, slice, &total);
  total.defined = total.reported > 0;
  return total;
}

/* Numerator and denominator are summed first. It rests on what the weaker of both does. */
static struct reference_total total_of_ratio(const struct reference_city *city, int area, int slice,
                                             int indicator, struct reference_period period, bool cumulative)
{
  struct reference_total upper =
      total_of_amounts(city, area, slice, INDICATORS[indicator].numerator, period, cumulative);
  struct reference_total lower =
      total_of_amounts(city, area, slice, INDICATORS[indicator].denominator, period, cumulative);
  bool is_upper =
      (reference_sum)upper.reported * lower.expected <= (reference_sum)lower.reported * upper.expected;
  struct reference_total total = {.denominator = 1,
                                  .reported = is_upper ? upper.reported : lower.reported,
                                  .expected = is_upper ? upper.expected : lower.expected};
  total.defined = upper.defined && lower.defined && lower.value != 0;
  if (!total.defined) return total;
  total.value = upper.value * 100 * (lower.value < 0 ? -1 : 1);
  total.denominator = lower.value < 0 ? -lower.value : lower.value;
  return total;
}

struct reference_total reference_total(const struct reference_city *city, int area, int slice, int indicator,
                                       struct reference_period period, bool cumulative)
{
  if (indicator == REFERENCE_SCALED) return total_of_scaled(city, area, slice, period);
  if (indicator == REFERENCE_BIG) return total_of_big(city, area, slice, period);
  if (INDICATORS[indicator].kind == IS_RATIO)
    return total_of_ratio(city, area, slice, indicator, period, cumulative);
  return total_of_amounts(city, area, slice, indicator, period, cumulative);
}

bool reference_overlap(const struct reference_city *city, int area, int slice, int indicator,
                       struct reference_period period, bool cumulative, struct reference_total *ret_overlap)
{
  struct reference_total own = reference_total(city, area, slice, indicator, period, cumulative);
  struct reference_total line = {.defined = own.defined,
                                 .value = -own.value,
                                 .denominator = 1,
                                 .reported = -own.reported,
                                 .expected = -own.expected};
  bool has_children = false;
  for (int child = 0; child < REFERENCE_AREAS; child++) {
    if (!reference_is_child(city, child, area)) continue;
    struct reference_total part = reference_total(city, child, slice, indicator, period, cumulative);
    has_children = true;
    line.defined |= part.defined;
    line.value += part.value;
    line.reported += part.reported;
    line.expected += part.expected;
  }
  *ret_overlap = line;
  return has_children && line.defined && INDICATORS[indicator].kind != IS_RATIO;
}

bool reference_set_overlap(const struct reference_city *city, int area, int indicator,
                           struct reference_period period, bool cumulative,
                           struct reference_total *ret_overlap)
{
  const int members[] = {REFERENCE_CARS, REFERENCE_STEEL, REFERENCE_ABOVE_SCALE};
  struct reference_total own = reference_total(city, area, REFERENCE_EITHER, indicator, period, cumulative);
  struct reference_total line = {.defined = own.defined,
                                 .value = -own.value,
                                 .denominator = 1,
                                 .reported = -own.reported,
                                 .expected = -own.expected};
  for (int n = 0; n < (city->rules.either_has_scaled ? 3 : 2); n++) {
    struct reference_total part = reference_total(city, area, members[n], indicator, period, cumulative);
    line.defined |= part.defined;
    line.value += part.value;
    line.reported += part.reported;
    line.expected += part.expected;
  }
  *ret_overlap = line;
  return line.defined && INDICATORS[indicator].kind != IS_RATIO;
}

struct reference_standing reference_standing(const struct reference_city *city, int area, int slice, int form,
                                             struct reference_period period)
{
  struct reference_standing standing = {0};
  for (int unit = 0; unit < REFERENCE_UNITS; unit++) {
    const struct reference_current *report = reference_counted(city, form, period, unit);
    struct reference_membership then = reference_membership(city, reference_governing(city, unit, period));
    struct reference_membership end = reference_membership(city, reference_at_the_end(city, unit, period));
    if (report && reference_is_in(then, area, slice)) {
      standing.reported++;
      standing.nil += report->kind == REFERENCE_NIL;
    }
    if (reference_owes(city, unit, form, period) && reference_is_in(end, area, slice)) standing.owed++;
  }
  return standing;
}

#include "aggregator/statistics/target.h"

#include "aggregator/statistics/target_value.h"
#include "common/text.h"

/* --- what is promised --- */

/* Of the target's own area, or of a part of it; false if the catalogue gives none. */
static bool stages_of(const struct target *target, int area, const struct stage **ret_stages,
                      size_t *ret_count)
{
  if (area == target->area) {
    *ret_stages = target->stages;
    *ret_count = target->stage_count;
    return target->direction != DIRECTION_TRACKED;
  }
  for (size_t n = 0; n < target->share_count; n++) {
    if (target->shares[n].area != area) continue;
    *ret_stages = target->shares[n].stages;
    *ret_count = target->shares[n].stage_count;
    return true;
  }
  return false;
}

/* A year after the last stage is held to that; one before it that has no stage promises nothing. */
static void find_promise(const struct target *target, struct target_standing *standing)
{
  const struct stage *stages;
  size_t count;
  if (!stages_of(target, standing->area, &stages, &count)) return;
  for (size_t n = 0; n < count; n++)
    if (stages[n].year == standing->period.year) standing->stage = &stages[n];
  const struct stage *last = count > 0 ? &stages[count - 1] : NULL;
  standing->promised = standing->stage || !last || last->year < standing->period.year;
  if (standing->area != target->area && !last) standing->promised = false;
  standing->promise = standing->stage ? standing->stage->value : last ? last->value : target->value;
}

static struct promise promise_of(const struct target *target, const struct target_standing *standing)
{
  return (struct promise){.direction = target->direction,
                          .value = standing->promise,
                          .tolerance = target->tolerance,
                          .decimals = target->decimals};
}

/* --- what it rests on --- */

struct place {
  struct target_place place;
  const struct target *target;
  struct target_standing *standing;
};

static const struct term *term_at(const struct target *target, size_t n)
{
  return n < target->numerator_count ? &target->numerator[n]
                                     : &target->denominator[n - target->numerator_count];
}

static size_t term_count(const struct target *target)
{
  return target->numerator_count + (target->form == TARGET_RATIO ? target->denominator_count : 0);
}

static void put_reason(struct target_standing *standing, char *reason)
{
  g_free(standing->reason);
  standing->reason = reason;
}

/* By value, where none is known by units. False where nobody owes anything. */
static bool percent_of(const struct coverage *coverage, int128 *ret_percent)
{
  return coverage_of_value(coverage, ret_percent) || coverage_of_units(coverage, ret_percent);
}

static void take_weakest(struct target_standing *standing, const struct footing *footing)
{
  int128 weakest, percent;
  if (!footing->reports) return;
  if (!standing->weakest.reports || !percent_of(&standing->weakest.coverage, &weakest) ||
      (percent_of(&footing->coverage, &percent) && percent < weakest))
    standing->weakest = *footing;
}

/* `missing` is by term. Whether enough was reported of each. */
static bool read_footings(const struct place *at, struct fraction *missing, bool *ret_enough, GError **error)
{
  const struct catalogue *catalogue = at->place.catalogue;
  const struct target *target = at->target;
  struct target_standing *standing = at->standing;
  bool enough = true;
  for (size_t n = 0; n < term_count(target); n++) {
    const struct term *term = term_at(target, n);
    int area = target_term_area(catalogue, target, term, at->place.area);
    struct footing footing;
    if (!reader_footing(at->place.reader, area, term->slice, term->indicator, standing->period, &footing,
                        error))
      return false;
    take_weakest(standing, &footing);
    enough = enough && !(footing.reports && coverage_is_below(&footing.coverage, target->least_coverage));
    unsigned decimals = catalogue->indicators[term->indicator].decimals;
    missing[n] = (struct fraction){0, 1};
    fraction_multiply(footing.estimate, (struct fraction){1, decimal_power10(decimals)}, &missing[n]);
    standing->estimated_units += footing.estimated;
    standing->missing_units += footing.missing;
  }
  *ret_enough = enough;
  return true;
}

static bool read_estimate(const struct place *at, const struct fraction *missing, GError **error)
{
  struct target_standing *standing = at->standing;
  struct target_value value;
  if (!standing->measurable || standing->estimated_units == 0 || at->target->form == TARGET_GROWTH)
    return true;
  if (!target_value_read(&at->place, at->target, standing->period, missing, &value, error)) return false;
  standing->estimated = value.measurable;
  standing->estimate = value.value;
  target_value_clear(&value);
  return true;
}

static bool read_adjustment(const struct place *at, GError **error)
{
  const struct catalogue *catalogue = at->place.catalogue;
  const struct target *target = at->target;
  struct target_standing *standing = at->standing;
  GError *failure = NULL;
  if (target->form != TARGET_VALUE || !standing->measurable) return true;
  struct fraction sum = {0, 1};
  for (size_t n = 0; n < target->numerator_count && !failure; n++) {
    const struct term *term = &target->numerator[n];
    int area = target_term_area(catalogue, target, term, at->place.area);
    struct total total;
    if (!reader_annual_adjustment(at->place.reader, area, term->slice, term->indicator, standing->period,
                                  &total, &failure))
      continue;
    unsigned decimals = catalogue->indicators[term->indicator].decimals;
    struct fraction part = {total.value, decimal_power10(decimals)};
    standing->adjusted = fraction_add(sum, part, &sum);
  }
  if (failure) {
    g_propagate_error(error, failure);
    return false;
  }
  struct fraction factor = {target->scale, MAX(target->divisor, 1)};
  standing->adjusted = standing->adjusted && fraction_multiply(sum, factor, &standing->adjustment);
  return true;
}

/* --- status --- */

/* Growth is promised for every year. A stage before this one that was missed is not made up for; one that
 * cannot be told is left open. */
static bool read_earlier(const struct place *at, GError **error)
{
  const struct target *target = at->target;
  struct target_standing *standing = at->standing;
  if (target->form != TARGET_GROWTH || !standing->judged || at->place.area != target->area) return true;
  for (size_t n = 0; n < target->stage_count && target->stages[n].year < standing->period.year; n++) {
    const struct stage *stage = &target->stages[n];
    struct period period = standing->period;
    period.year = (int16_t)stage->year;
    struct promise promise = promise_of(target, standing);
    struct target_value value;
    bool reached = true;
    promise.value = stage->value;
    if (!target_value_read(&at->place, target, period, NULL, &value, error)) return false;
    if (value.measurable) promise_reached(&promise, value.value, (struct fraction){1, 1}, &reached);
    target_value_clear(&value);
    if (reached) continue;
    standing->status = TARGET_BEHIND;
    put_reason(standing, g_strdup_printf(_("missed in %d, and it is promised for every year"), stage->year));
  }
  return true;
}

/* Sets the share where the stage is pro-rated. Whether it can be judged: without a share only if the whole
 * year's stage is reached for good. */
static bool read_share(const struct place *at, bool *ret_can, GError **error)
{
  struct target_standing *standing = at->standing;
  struct target_value share;
  enum direction direction = at->target->direction;
  *ret_can = true;
  if (period_last_month(standing->period) == 12 || !target_is_flow(at->place.catalogue, at->target))
    return true;
  if (!target_share_read(&at->place, at->target, standing->period, &share, error)) return false;
  standing->pro_rated = share.measurable;
  standing->share = share.measurable ? share.value : (struct fraction){1, 1};
  *ret_can = share.measurable ||
             (standing->reached && (direction == DIRECTION_AT_LEAST || direction == DIRECTION_ABOVE));
  if (!*ret_can)
    put_reason(standing, g_strdup_printf(_("no share of last year to compare with: %s"), share.why_not));
  target_value_clear(&share);
  return true;
}

static bool judge(const struct place *at, bool enough, GError **error)
{
  struct target_standing *standing = at->standing;
  struct promise promise = promise_of(at->target, standing);
  struct fraction value = {standing->numerator, standing->denominator};
  bool ended =
      period_last_month(standing->period) == 12 && reader_has_ended(at->place.reader, standing->period);
  bool can;
  standing->status = TARGET_NOT_MEASURABLE;
  if (!standing->measurable) return true;
  if (!standing->promised) {
    standing->status = TARGET_TRACKED;
    return true;
  }
  if (!enough) {
    standing->too_little = true;
    standing->reached = false;
    put_reason(standing, g_strdup_printf(_("less than %u %% of what it rests on has been reported"),
                                         at->target->least_coverage));
    return true;
  }
  if (!read_share(at, &can, error)) return false;
  if (!can) return true;
  standing->judged = promise_judge(&promise, value, standing->share.lower ? &standing->share : NULL, ended,
                                   &standing->status, &standing->due, &standing->gap);
  return read_earlier(at, error);
}

/* --- evaluation --- */

void target_standing_clear(struct target_standing *standing)
{
  g_free(standing->why_not);
  g_free(standing->reason);
  *standing = (struct target_standing){.denominator = 1};
}

static bool read_value(const struct place *at, GError **error)
{
  struct target_standing *standing = at->standing;
  struct target_value value;
  if (!target_value_read(&at->place, at->target, standing->period, NULL, &value, error)) return false;
  standing->measurable = value.measurable;
  standing->why_not = g_steal_pointer(&value.why_not);
  standing->reported = value.reported;
  standing->expected = value.expected;
  if (!value.measurable) return true;
  struct promise promise = promise_of(at->target, standing);
  if (standing->area != at->target->area && !standing->promised) promise.direction = DIRECTION_TRACKED;
  if (!promise_reached(&promise, value.value, (struct fraction){1, 1}, &standing->reached)) {
    standing->measurable = false;
    standing->why_not = g_strdup(_("the numbers are too large for an exact answer"));
    return true;
  }
  standing->numerator = value.value.upper;
  standing->denominator = value.value.lower;
  return true;
}

bool target_evaluate(struct reader *reader, const struct catalogue *catalogue, const struct target *target,
                     int area, struct period period, struct target_standing *ret_standing, GError **error)
{
  if (target->yearly) period = (struct period){.year = period.year, .month = 1, .months = 12};
  struct target_standing standing = {.area = area, .denominator = 1, .period = period};
  const struct place at = {{reader, catalogue, area}, target, &standing};
  g_autofree struct fraction *missing = g_new(struct fraction, term_count(target) + 1);
  bool enough;
  find_promise(target, &standing);
  if (!read_value(&at, error) || !read_footings(&at, missing, &enough, error) ||
      !read_estimate(&at, missing, error) || !read_adjustment(&at, error) || !judge(&at, enough, error)) {
    target_standing_clear(&standing);
    return false;
  }
  *ret_standing = standing;
  return true;
}

/* --- which there are --- */

bool target_has_sense(const struct catalogue *catalogue, const struct target *target, int area)
{
  return area == target->area || (target->per_park && catalogue_area_within(catalogue, area, target->area));
}

bool target_each(const struct catalogue *catalogue, const GArray *areas, target_each_one *each, void *data)
{
  for (size_t n = 0; n < catalogue->target_count; n++) {
    const struct target *target = &catalogue->targets[n];
    if (!areas) {
      if (!each(target, target->area, data)) return false;
      for (size_t i = 0; i < target->share_count; i++)
        if (!each(target, target->shares[i].area, data)) return false;
    }
    for (unsigned i = 0; areas && i < areas->len; i++) {
      int area = g_array_index(areas, int, i);
      if (target_has_sense(catalogue, target, area) && !each(target, area, data)) return false;
    }
  }
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

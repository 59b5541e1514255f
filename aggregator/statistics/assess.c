#include "aggregator/statistics/assess.h"

#include "aggregator/statistics/target_value.h"
#include "common/text.h"

/* --- values --- */

/* The terms as they are about the area. Of several, those are left out that no unit of the area could have
 * reported: a park without a steelworks has no steel, and that is not missing. The caller's to free. */
static bool place_terms(struct reader *reader, const struct term *terms, size_t count, int area,
                        struct period period, struct term **ret_terms, size_t *ret_count, GError **error)
{
  g_autofree struct term *placed = g_new(struct term, count);
  size_t kept = 0;
  for (size_t n = 0; n < count; n++) {
    struct term term = terms[n];
    struct total total = {.expected = 1};
    if (term.area == CATALOGUE_NONE) term.area = area;
    if (count > 1 &&
        !reader_total(reader, term.area, term.slice, term.indicator, period, true, &total, error))
      return false;
    if (total.reported > 0 || total.expected > 0) placed[kept++] = term;
  }
  if (kept == 0 && count > 0) { /* of nobody at all: the first says so */
    placed[0] = terms[0];
    if (placed[0].area == CATALOGUE_NONE) placed[0].area = area;
    kept = 1;
  }
  *ret_terms = g_steal_pointer(&placed);
  *ret_count = kept;
  return true;
}

/* The item's formula with the area in its place. */
static bool ask(struct reader *reader, const struct score_item *item, int area, struct period period,
                struct target *ret_asked, GError **error)
{
  struct target asked = item->asked;
  asked.area = area;
  asked.denominator = NULL;
  if (!place_terms(reader, item->asked.numerator, item->asked.numerator_count, area, period, &asked.numerator,
                   &asked.numerator_count, error))
    return false;
  if (!place_terms(reader, item->asked.denominator, item->asked.denominator_count, area, period,
                   &asked.denominator, &asked.denominator_count, error)) {
    g_free(asked.numerator);
    return false;
  }
  *ret_asked = asked;
  return true;
}

/* How many reports a ratio's denominator rests on, if that is the smaller part of those expected. */
static bool weaken(struct reader *reader, const struct catalogue *catalogue, const struct target *asked,
                   struct period period, struct assess_value *value, GError **error)
{
  struct target denominator = {.area = asked->area,
                               .form = TARGET_VALUE,
                               .numerator = asked->denominator,
                               .numerator_count = asked->denominator_count,
                               .scale = 1,
                               .divisor = 1,
                               .direction = DIRECTION_TRACKED};
  const struct target_place place = {reader, catalogue, asked->area};
  struct target_value below;
  if (asked->form != TARGET_RATIO) return true;
  if (!target_value_read(&place, &denominator, period, NULL, &below, error)) return false;
  if ((int128)below.reported * value->expected < (int128)value->reported * below.expected) {
    value->reported = below.reported;
    value->expected = below.expected;
  }
  target_value_clear(&below);
  return true;
}

static bool evaluate(struct reader *reader, const struct catalogue *catalogue, const struct score_item *item,
                     int area, struct period period, struct assess_value *ret_value, GError **error)
{
  struct target asked;
  struct target_value found;
  if (!ask(reader, item, area, period, &asked, error)) return false;
  const struct target_place place = {reader, catalogue, area};
  bool evaluated = target_value_read(&place, &asked, period, NULL, &found, error);
  if (evaluated) {
    *ret_value = (struct assess_value){.known = found.measurable,
                                       .value = found.value,
                                       .why_not = g_steal_pointer(&found.why_not),
                                       .reported = found.reported,
                                       .expected = found.expected};
    target_value_clear(&found);
    evaluated = weaken(reader, catalogue, &asked, period, ret_value, error);
  }
  g_free(asked.numerator);
  g_free(asked.denominator);
  return evaluated;
}

/* --- points --- */

static void cannot_fit(struct assess_value *value)
{
  value->known = false;
  g_free(value->why_not);
  value->why_not = g_strdup(_("the numbers are too large for an exact answer"));
}

/* The worst and the best of those that are known; false if nobody is, or where they cannot be compared. */
static bool find_range(const struct score_item *item, struct assess_line *const *lines, size_t count,
                       struct fraction *ret_worst, struct fraction *ret_best, int *ret_best_at)
{
  struct fraction least = {0}, most = {0};
  int least_at = CATALOGUE_NONE, most_at = CATALOGUE_NONE;
  for (size_t n = 0; n < count; n++) {
    const struct assess_value *value = &lines[n]->value;
    int low = -1, high = 1;
    if (!value->known) continue;
    if (least_at != CATALOGUE_NONE &&
        (!fraction_compare(value->value, least, &low) || !fraction_compare(value->value, most, &high)))
      return false;
    if (low < 0) {
      least = value->value;
      least_at = (int)n;
    }
    if (high > 0) {
      most = value->value;
      most_at = (int)n;
    }
  }
  *ret_worst = item->lowest_is_best ? most : least;
  *ret_best = item->lowest_is_best ? least : most;
  *ret_best_at = item->lowest_is_best ? least_at : most_at;
  return most_at != CATALOGUE_NONE;
}

/* Which part of the way from none to full the value is, at most all of it: points of the weight. */
static bool part_of(struct fraction value, struct fraction none, struct fraction full, int64_t weight,
                    int64_t *ret_points)
{
  struct fraction way, whole, part, points;
  int128 rounded;
  if (!fraction_subtract(value, none, &way) || !fraction_subtract(full, none, &whole)) return false;
  if (whole.upper == 0) {
    *ret_points = weight;
    return true;
  }
  if (!fraction_divide(way, whole, &part)) return false;
  if (part.upper <= 0) {
    *ret_points = 0;
  } else if (part.upper >= part.lower) {
    *ret_points = weight;
  } else {
    if (!fraction_multiply(part, (struct fraction){weight, 1}, &points) ||
        !decimal_divide(points.upper, points.lower, 0, &rounded))
      return false;
    *ret_points = (int64_t)rounded;
  }
  return true;
}

void assess_points(const struct score_item *item, struct assess_line *const *lines, size_t count)
{
  int128 scale = decimal_power10(item->asked.decimals);
  struct fraction none = {item->none_at, scale}, full = {item->full_at, scale};
  int best = CATALOGUE_NONE;
  bool has_basis = item->points == POINTS_LINEAR || find_range(item, lines, count, &none, &full, &best);
  for (size_t n = 0; n < count; n++) {
    struct assess_line *line = lines[n];
    line->points = 0;
    line->has_basis = has_basis;
    line->none_at = none;
    line->full_at = full;
    line->best = best;
    if (line->value.known &&
        (!has_basis || !part_of(line->value.value, none, full, line->weight, &line->points)))
      cannot_fit(&line->value);
  }
}

void assess_ranks(struct assess_line *const *lines, size_t count)
{
  for (size_t n = 0; n < count; n++) {
    lines[n]->rank = 1;
    for (size_t other = 0; other < count; other++) lines[n]->rank += lines[other]->points > lines[n]->points;
  }
}

/* --- a whole scorecard --- */

static struct assess_line *line_at(const struct assessment *assessment, size_t area, size_t n)
{
  return &assessment->lines[area * assessment->line_count + n];
}

const struct assess_line *assessment_line(const struct assessment *assessment, size_t area, size_t n)
{
  return line_at(assessment, area, n);
}

static void make_lines(const struct scorecard *card, struct assessment *assessment)
{
  assessment->area_count = card->area_count;
  assessment->line_count = 1 + card->dimension_count;
  for (size_t d = 0; d < card->dimension_count; d++) assessment->line_count += card->dimensions[d].item_count;
  assessment->lines = g_new0(struct assess_line, assessment->area_count * assessment->line_count);
  for (size_t area = 0; area < card->area_count; area++) {
    struct assess_line *line = line_at(assessment, area, 0), *whole = line++;
    *whole = (struct assess_line){.dimension = -1, .item = -1};
    for (size_t d = 0; d < card->dimension_count; d++) {
      const struct score_dimension *dimension = &card->dimensions[d];
      whole->weight += dimension->weight;
      *line++ = (struct assess_line){.dimension = (int)d, .item = -1, .weight = dimension->weight};
      for (size_t i = 0; i < dimension->item_count; i++)
        *line++ =
            (struct assess_line){.dimension = (int)d, .item = (int)i, .weight = dimension->items[i].weight};
    }
  }
}

static bool read_values(struct reader *reader, const struct catalogue *catalogue,
                        const struct scorecard *card, struct period period, struct assessment *assessment,
                        GError **error)
{
  for (size_t area = 0; area < card->area_count; area++)
    for (size_t n = 0; n < assessment->line_count; n++) {
      struct assess_line *line = line_at(assessment, area, n);
      if (line->item < 0) continue;
      if (!evaluate(reader, catalogue, &card->dimensions[line->dimension].items[line->item],
                    card->areas[area], period, &line->value, error))
        return false;
    }
  return true;
}

/* What an area's items come to, in its dimensions and as a whole. */
static void add_up(struct assessment *assessment, size_t area)
{
  struct assess_line *whole = line_at(assessment, area, 0), *dimension = whole + 1;
  for (size_t n = 1; n < assessment->line_count; n++) {
    struct assess_line *line = line_at(assessment, area, n);
    if (line->item < 0) {
      dimension = line;
      continue;
    }
    dimension->points += line->points;
    whole->points += line->points;
    dimension->value.known |= line->value.known;
    whole->value.known |= line->value.known;
  }
  assessment->known |= whole->value.known;
}

/* Ranks where there is anybody to be compared. */
static void rank(struct assessment *assessment, size_t n, struct assess_line **lines)
{
  bool known = false;
  for (size_t area = 0; area < assessment->area_count; area++) {
    lines[area] = line_at(assessment, area, n);
    known |= lines[area]->value.known;
  }
  if (known) assess_ranks(lines, assessment->area_count);
}

bool assess(struct reader *reader, const struct catalogue *catalogue, const struct scorecard *card, int year,
            struct assessment *ret_assessment, GError **error)
{
  struct period period = {.year = (int16_t)year, .month = 1, .months = 12};
  struct assessment assessment = {0};
  make_lines(card, &assessment);
  if (!read_values(reader, catalogue, card, period, &assessment, error)) {
    assessment_clear(&assessment);
    return false;
  }
  g_autofree struct assess_line **lines = g_new(struct assess_line *, assessment.area_count);
  for (size_t n = 0; n < assessment.line_count; n++) {
    for (size_t area = 0; area < assessment.area_count; area++) lines[area] = line_at(&assessment, area, n);
    if (lines[0]->item >= 0)
      assess_points(&card->dimensions[lines[0]->dimension].items[lines[0]->item], lines, card->area_count);
  }
  for (size_t area = 0; area < assessment.area_count; area++) add_up(&assessment, area);
  for (size_t n = 0; n < assessment.line_count; n++) rank(&assessment, n, lines);
  *ret_assessment = assessment;
  return true;
}

void assessment_clear(struct assessment *assessment)
{
  for (size_t n = 0; n < assessment->area_count * assessment->line_count; n++)
    g_free(assessment->lines[n].value.why_not);
  g_free(assessment->lines);
  *assessment = (struct assessment){0};
}

/* --- the last year --- */

static bool last_year_of(struct reader *reader, const struct score_item *item, int *ret_year)
{
  bool found = false;
  for (size_t n = 0; n < item->asked.numerator_count; n++) {
    struct period period;
    if (!reader_last_period(reader, item->asked.numerator[n].indicator, &period)) continue;
    int year = period_last_month(period) == 12 ? period.year : period.year - 1;
    if (!found || year > *ret_year) *ret_year = year;
    found = true;
  }
  return found;
}

bool assess_last_year(struct reader *reader, const struct scorecard *card, int *ret_year)
{
  bool found = false;
  for (size_t d = 0; d < card->dimension_count; d++)
    for (size_t i = 0; i < card->dimensions[d].item_count; i++) {
      int year = 0;
      if (!last_year_of(reader, &card->dimensions[d].items[i], &year)) continue;
      if (!found || year > *ret_year) *ret_year = year;
      found = true;
    }
  return found;
}

/* Growth, a unit after the other: what it said of both periods, and why that differs. */
#include "reference.h"

/* A figure of one of the two periods. */
struct figure {
  int pair; /* the month that it is compared in */
  struct reference_membership where;
  reference_sum value, published;
  bool has_published;
};

/* One unit, or all that a merger or a split joins. */
struct one {
  unsigned units; /* bits */
  struct figure now[12 * REFERENCE_UNITS], before[12 * REFERENCE_UNITS];
  int now_count, before_count;
  bool owed_now[12], owed_before[12];
  struct reference_membership today;
};

struct question {
  const struct reference_city *city;
  struct reference_period period, base;
  struct reference_parts now, before, published;
  bool is_published; /* the forms say of last year what they say of now, month by month */
  bool is_paired;    /* as many months in both periods, which answer each other; else all are one */
  int pairs;
};

/* --- what is compared --- */

/* A year to date begins in January. */
static struct reference_period whole(struct reference_period period, bool cumulative)
{
  if (!cumulative) return period;
  return (struct reference_period){period.year, 1, period.month + period.months - 1};
}

static struct reference_period period_before(int form, struct reference_period period, bool previous)
{
  struct reference_period base = {period.year - 1, period.month, period.months};
  int first = form == REFERENCE_FINANCE ? 2 : 1;
  if (!previous) return base;
  if (period.month <= first) return (struct reference_period){period.year - 1, 12, 1};
  return (struct reference_period){period.year, period.month - 1, 1};
}

static bool are_of_the_same_periods(const struct reference_parts *a, const struct reference_parts *b)
{
  if (a->form != b->form || a->count != b->count || a->difference != b->difference) return false;
  for (int n = 0; n < a->count; n++)
    if (a->part[n].period.year != b->part[n].period.year ||
        a->part[n].period.month != b->part[n].period.month ||
        a->part[n].period.months != b->part[n].period.months)
      return false;
  return true;
}

static struct question ask(const struct reference_city *city, int indicator, struct reference_period period,
                           bool cumulative, bool previous)
{
  struct question question = {.city = city, .period = whole(period, cumulative)};
  question.now = reference_parts_of(city, indicator, false, period, cumulative);
  struct reference_period base = period_before(question.now.form, period, previous);
  question.before = reference_parts_of(city, indicator, false, base, cumulative);
  question.base = whole(base, cumulative);
  if (!previous) question.published = reference_parts_of(city, indicator, true, period, cumulative);
  question.is_published = !previous && are_of_the_same_periods(&question.now, &question.published);
  question.is_paired =
      question.now.count == question.before.count && question.now.difference == question.before.difference;
  question.pairs = question.is_paired ? question.now.count : 1;
  return question;
}

/* --- a unit --- */

static bool read_figure(const struct question *question, const struct reference_parts *parts, int n, int unit,
                        struct figure *ret_figure)
{
  const struct reference_part *part = &parts->part[n];
  const struct reference_current *report = reference_counted(question->city, parts->form, part->period, unit);
  const struct reference_version *version = reference_governing(question->city, unit, part->period);
  int64_t value, published;
  if (!report || !reference_figure(report, part, &value)) return false;
  *ret_figure = (struct figure){.where = reference_membership(question->city, version), .value = value};
  if (parts == &question->now && question->is_published &&
      reference_figure(report, &question->published.part[n], &published)) {
    ret_figure->has_published = true;
    ret_figure->published = published;
  }
  return true;
}

static int read_figures(const struct question *question, const struct reference_parts *parts, int unit,
                        struct figure *ret_figures)
{
  int count = 0;
  struct figure earlier;
  if (!parts->data) return 0;
  if (!parts->difference) {
    for (int n = 0; n < parts->count; n++)
      if (read_figure(question, parts, n, unit, &ret_figures[count]))
        ret_figures[count++].pair = question->is_paired ? n : 0;
    return count;
  }
  if (!read_figure(question, parts, 0, unit, ret_figures) || !read_figure(question, parts, 1, unit, &earlier))
    return 0;
  ret_figures->value -= earlier.value;
  ret_figures->published -= earlier.published;
  ret_figures->has_published = ret_figures->has_published && earlier.has_published;
  return 1;
}

/* A month by itself, where months answer each other; else by the end of the whole. */
static bool owed(const struct question *question, const struct reference_parts *parts,
                 struct reference_period whole, int pair, int unit)
{
  bool is_month = question->is_paired && !parts->difference;
  struct reference_period period = is_month ? parts->part[pair].period : whole;
  return reference_owes(question->city, unit, parts->form, period);
}

static bool owes_any(const struct question *question, int unit)
{
  for (int pair = 0; pair < question->pairs; pair++)
    if (owed(question, &question->now, question->period, pair, unit)) return true;
  return false;
}

static struct reference_membership registered(const struct question *question, int unit)
{
  const struct reference_city *city = question->city;
  return reference_membership(city, reference_governing(city, unit, question->period));
}

/* --- mergers and splits --- */

static bool succeeds(const struct reference_city *city, int unit, int predecessor, int from, int to)
{
  for (int n = 0; n < city->version_count[unit]; n++) {
    const struct reference_version *version = &city->version[unit][n];
    if (!(version->succeeds >> predecessor & 1)) continue;
    return version->from > from && version->from <= to; /* that is when it began */
  }
  return false;
}

/* All units that are joined with this one since what is first of the base period, as bits. */
static unsigned joined_with(const struct question *question, int unit)
{
  struct reference_period base =
      question->before.count > 0 ? question->before.part[0].period : question->base;
  int from = (base.year * 12 + base.month - 1) * 2;
  int to = (question->period.year * 12 + question->period.month + question->period.months - 1) * 2 - 1;
  unsigned units = 1u << unit;
  for (unsigned before = 0; before != units;) {
    before = units;
    for (int a = 0; a < REFERENCE_UNITS; a++)
      for (int b = 0; b < REFERENCE_UNITS; b++)
        if (a != b && ((units >> a & 1) || (units >> b & 1)) && succeeds(question->city, a, b, from, to))
          units |= 1u << a | 1u << b;
  }
  return units;
}

/* Where all of it is today: where the unit with the greatest figure is; where none has one, where the first
 * is that owes one, or else the first that had one. A unit is where its last report is. */
static void find_today(const struct question *question, struct one *one)
{
  bool is_found = false;
  reference_sum greatest = 0;
  for (int unit = 0; unit < REFERENCE_UNITS; unit++) {
    struct figure figures[12];
    int count = one->units >> unit & 1 ? read_figures(question, &question->now, unit, figures) : 0;
    reference_sum sum = 0;
    for (int n = 0; n < count; n++) sum += figures[n].value;
    if (count == 0 || (is_found && sum <= greatest)) continue;
    is_found = true;
    greatest = sum;
    one->today = figures[count - 1].where;
  }
  for (int unit = 0; !is_found && unit < REFERENCE_UNITS; unit++)
    if ((one->units >> unit & 1) && owes_any(question, unit)) {
      is_found = true;
      one->today = registered(question, unit);
    }
  for (int unit = 0; !is_found && unit < REFERENCE_UNITS; unit++) {
    struct figure figures[12];
    int count = one->units >> unit & 1 ? read_figures(question, &question->before, unit, figures) : 0;
    is_found = count > 0;
    if (is_found) one->today = figures[count - 1].where;
  }
}

static void gather(const struct question *question, unsigned units, struct one *ret_one)
{
  *ret_one = (struct one){.units = units};
  for (int unit = 0; unit < REFERENCE_UNITS; unit++) {
    if (!(units >> unit & 1)) continue;
    ret_one->now_count += read_figures(question, &question->now, unit, &ret_one->now[ret_one->now_count]);
    ret_one->before_count +=
        read_figures(question, &question->before, unit, &ret_one->before[ret_one->before_count]);
    for (int pair = 0; pair < question->pairs; pair++) {
      ret_one->owed_now[pair] |= owed(question, &question->now, question->period, pair, unit);
      ret_one->owed_before[pair] |= owed(question, &question->before, question->base, pair, unit);
    }
  }
  find_today(question, ret_one);
}

/* --- why it differs --- */

static bool are_equal(struct reference_membership a, struct reference_membership b)
{
  return a.areas == b.areas && a.slices == b.slices;
}

static void add_moves(const struct one *one, int area, int slice, struct reference_growth *growth)
{
  bool is_today = reference_is_in(one->today, area, slice);
  int count = one->before_count + one->now_count;
  for (int n = 0; n < count; n++) {
    bool is_before = n < one->before_count;
    const struct figure *figure = is_before ? &one->before[n] : &one->now[n - one->before_count];
    int is_there = reference_is_in(figure->where, area, slice);
    bool is_first = true; /* once for each place that it left */
    growth->cause[REFERENCE_MOVED].value += (is_before ? -1 : 1) * (is_there - is_today) * figure->value;
    for (int m = 0; m < n; m++) {
      const struct figure *other = m < one->before_count ? &one->before[m] : &one->now[m - one->before_count];
      if (are_equal(other->where, figure->where)) is_first = false;
    }
    if (is_first && is_there != is_today) growth->cause[REFERENCE_MOVED].units++;
  }
}

static void add_cause(struct reference_growth *growth, int cause, reference_sum value, bool *causes)
{
  growth->cause[cause].value += value;
  causes[cause] = true;
}

/* Of a month, what all of it said then and says now. */
static void add_pair(const struct one *one, int pair, struct reference_growth *growth, bool *causes)
{
  reference_sum now = 0, before = 0, published = 0;
  int now_count = 0, before_count = 0, published_count = 0;
  for (int n = 0; n < one->now_count; n++) {
    if (one->now[n].pair != pair) continue;
    now += one->now[n].value;
    now_count++;
    if (!one->now[n].has_published) continue;
    published += one->now[n].published;
    published_count++;
  }
  for (int n = 0; n < one->before_count; n++) {
    if (one->before[n].pair != pair) continue;
    before += one->before[n].value;
    before_count++;
  }
  bool is_published = now_count > 0 && published_count == now_count;
  reference_sum base = is_published ? published : before;
  if (now_count == 0 && before_count == 0) return;
  if (now_count == 0) {
    add_cause(growth, one->owed_now[pair] ? REFERENCE_NOT_REPORTED : REFERENCE_LEFT, -before, causes);
    return;
  }
  int arrived = one->owed_before[pair] ? REFERENCE_NOT_REPORTED : REFERENCE_ENTERED;
  if (before_count == 0 && !is_published) {
    add_cause(growth, arrived, now, causes);
    return;
  }
  if (before_count == 0) add_cause(growth, arrived, base, causes);
  if (before_count > 0 && base != before) add_cause(growth, REFERENCE_BASE_REVISED, base - before, causes);
  add_cause(growth, REFERENCE_GROWN, now - base, causes);
  growth->base += base;
  growth->comparable += now;
  growth->comparable_figures++;
}

static void add_one(const struct question *question, const struct one *one, int area, int slice,
                    struct reference_growth *growth)
{
  bool causes[REFERENCE_CAUSES] = {false};
  for (int n = 0; n < one->now_count; n++) {
    const struct figure *figure = &one->now[n];
    if (!reference_is_in(figure->where, area, slice)) continue;
    growth->now += figure->value;
    growth->now_figures++;
    growth->published += figure->has_published ? figure->published : 0;
    growth->published_figures += figure->has_published;
  }
  for (int n = 0; n < one->before_count; n++) {
    if (!reference_is_in(one->before[n].where, area, slice)) continue;
    growth->before += one->before[n].value;
    growth->before_figures++;
  }
  add_moves(one, area, slice, growth);
  if (!reference_is_in(one->today, area, slice)) return;
  for (int pair = 0; pair < question->pairs; pair++) add_pair(one, pair, growth, causes);
  for (int cause = 0; cause < REFERENCE_CAUSES; cause++) growth->cause[cause].units += causes[cause];
}

struct reference_growth reference_growth(const struct reference_city *city, int area, int slice,
                                         int indicator, struct reference_period period, bool cumulative,
                                         bool previous)
{
  struct question question = ask(city, indicator, period, cumulative, previous);
  struct reference_growth growth = {0};
  unsigned done = 0;
  if (!question.now.data && !question.before.data) return growth;
  for (int unit = 0; unit < REFERENCE_UNITS; unit++) {
    static struct one one;
    if (done >> unit & 1) continue;
    unsigned units = joined_with(&question, unit);
    done |= units;
    gather(&question, units, &one);
    if (one.now_count + one.before_count > 0) add_one(&question, &one, area, slice, &growth);
  }
  return growth;
}

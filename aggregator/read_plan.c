/* Where the figures of a flow or a stock stand: which form, which periods, which columns. */
#include "aggregator/read_private.h"

bool reader_period_ending(const struct form *form, int year, unsigned month, struct period *ret_period)
{
  struct period period = {.year = (int16_t)year, .month = (uint8_t)month, .months = 1};
  if (form->months > 1) {
    if (month % form->months != 0) return false;
    period.month = (uint8_t)(month - form->months + 1);
    period.months = (uint8_t)form->months;
  } else if (form->january != JANUARY_SEPARATE && month == 1) {
    return false;
  } else if (form->january == JANUARY_JOINT && month == 2) {
    period = (struct period){.year = (int16_t)year, .month = 1, .months = 2};
  }
  *ret_period = period;
  return true;
}

static unsigned last_month(struct period period)
{
  return period.month + period.months - 1u;
}

/* What is asked of one form. */
struct question {
  struct reader *reader;
  int root; /* of the tree of areas */
  const struct form *form;
  bool has_x, has_y;
  int x, y; /* the columns: of the period, and cumulative */
  int year;
  unsigned first, last; /* months */
};

static bool has_units(const struct question *question, int64_t book, int area, int slot)
{
  const struct catalogue *catalogue = question->reader->catalogue;
  struct cell_key key = {
      .book = book, .area = catalogue->areas[area].code, .slice = catalogue->slices[0].code, .slot = slot};
  int128 total;
  int64_t units;
  return store_cell(question->reader->store, &key, &total, &units) && units > 0;
}

/* Whether anybody in the tree reported the column. The root has it all, save what lies outside its boundary.
 */
static bool has_data(const struct question *question, struct period period, int slot)
{
  const struct catalogue *catalogue = question->reader->catalogue;
  int64_t book = store_find_book(question->reader->store, question->form->code, period);
  if (book == 0) return false;
  if (has_units(question, book, question->root, slot)) return true;
  for (int area = 0; area < (int)catalogue->area_count; area++)
    if (catalogue_area_within(catalogue, area, question->root) && has_units(question, book, area, slot))
      return true;
  return false;
}

static void add_part(struct plan *plan, struct period period, int slot)
{
  plan->parts[plan->count].period = period;
  plan->parts[plan->count++].slot = slot;
}

/* January to the last month, as it was reported. */
static bool plan_cumulative(const struct question *question, struct plan *plan)
{
  struct period period;
  if (!question->has_y || question->first != 1) return false;
  if (!reader_period_ending(question->form, question->year, question->last, &period)) return false;
  add_part(plan, period, question->y);
  return has_data(question, period, question->y);
}

/* The periods of the form from the first month to the last, each on its own. */
static bool plan_sum(const struct question *question, struct plan *plan)
{
  bool data = false;
  if (!question->has_x) return false;
  for (unsigned month = question->first; month <= question->last; month++) {
    struct period period;
    if (!reader_period_ending(question->form, question->year, month, &period)) continue;
    if (period.month < question->first) continue;
    int slot = question->x;
    bool reported = has_data(question, period, slot);
    /* Of the year's first period both columns mean the same, and often only one is filled in. */
    if (!reported && period.month == 1 && question->has_y && has_data(question, period, question->y)) {
      slot = question->y;
      reported = true;
    }
    add_part(plan, period, slot);
    data |= reported;
  }
  return data;
}

static bool plan_difference(const struct question *question, struct plan *plan)
{
  struct period later, earlier;
  if (!question->has_y || question->first == 1) return false;
  if (!reader_period_ending(question->form, question->year, question->last, &later)) return false;
  add_part(plan, later, question->y);
  if (!reader_period_ending(question->form, question->year, question->first - 1, &earlier)) return false;
  plan->difference = true;
  add_part(plan, earlier, question->y);
  return has_data(question, later, question->y) && has_data(question, earlier, question->y);
}

static bool plan_last(const struct question *question, struct plan *plan)
{
  struct plan fallback = *plan;
  if (!question->has_x) return false;
  for (unsigned month = question->last; month >= question->first; month--) {
    struct period period;
    if (!reader_period_ending(question->form, question->year, month, &period)) continue;
    if (period.month < question->first) continue;
    if (fallback.count == 0) add_part(&fallback, period, question->x);
    if (!has_data(question, period, question->x)) continue;
    add_part(plan, period, question->x);
    return true;
  }
  *plan = fallback;
  return false;
}

/* Tries one way after the other; without data the plan is the first that says where the figures are expected.
 */
static void plan_form(const struct question *question, enum indicator_kind kind, int form,
                      struct plan *ret_plan)
{
  static bool (*const of_stocks[])(const struct question *, struct plan *) = {plan_last, NULL};
  static bool (*const of_flows[])(const struct question *, struct plan *) = {plan_cumulative, plan_sum,
                                                                             plan_difference, NULL};
  struct plan expected = {.form = form};
  for (bool (*const *way)(const struct question *, struct plan *) = kind == KIND_STOCK ? of_stocks : of_flows;
       *way; way++) {
    struct plan plan = {.form = form};
    plan.data = (*way)(question, &plan);
    if (plan.data || expected.count == 0) expected = plan;
    if (plan.data) break;
  }
  *ret_plan = expected;
}

static int root_of(const struct catalogue *catalogue, int area)
{
  while (catalogue->areas[area].parent != CATALOGUE_NONE) area = catalogue->areas[area].parent;
  return area;
}

void reader_plan(struct reader *reader, int area, int indicator, enum columns columns, struct period period,
                 bool cumulative, struct plan *ret_plan)
{
  static const unsigned frequencies[] = {12, 3, 1};
  const struct catalogue *catalogue = reader->catalogue;
  bool now = columns == COLUMNS_OF_THIS_YEAR;
  struct question question = {.reader = reader,
                              .root = root_of(catalogue, area),
                              .year = period.year,
                              .first = cumulative ? 1 : period.month,
                              .last = last_month(period)};
  struct plan found = {.form = CATALOGUE_NONE};
  for (size_t n = 0; n < G_N_ELEMENTS(frequencies); n++) {
    struct column_ref x = {0}, y = {0};
    if (frequencies[n] > period.months) continue;
    question.has_x =
        catalogue_find_column(catalogue, indicator, now ? VARIANT_PERIOD : VARIANT_LY, frequencies[n], &x);
    question.has_y =
        catalogue_find_column(catalogue, indicator, now ? VARIANT_YTD : VARIANT_YTD_LY, frequencies[n], &y);
    if (!question.has_x && !question.has_y) continue;
    question.x = x.column;
    question.y = y.column;
    struct plan plan;
    int form = question.has_x ? x.form : y.form;
    question.form = &catalogue->forms[form];
    plan_form(&question, catalogue->indicators[indicator].kind, form, &plan);
    if (plan.data || found.form == CATALOGUE_NONE) found = plan;
    if (plan.data) break;
  }
  *ret_plan = found;
}

/* Where the figures of a flow or a stock stand: which form, which periods, which columns. */
#include "aggregator/read_private.h"

/* What is asked of one form. */
struct question {
  struct reader *reader;
  int root; /* of the tree of areas */
  const struct form *form;
  bool has_x, has_y;
  int x, y; /* the columns: of the period, and cumulative */
  bool cumulative;
  int year;
  unsigned first, last; /* months */
};

static int64_t count_units(const struct question *question, int64_t book, int area, int slot)
{
  const struct catalogue *catalogue = question->reader->catalogue;
  struct cell_key key = {
      .book = book, .area = catalogue->areas[area].code, .slice = catalogue->slices[0].code, .slot = slot};
  int128 total;
  int64_t units;
  if (!reader_cell(question->reader, &key, &total, &units)) return 0;
  return slot == SLOT_REPORTED ? units - (int64_t)total : units; /* nil ones have no figures */
}

/* Whether anybody in the tree reported the column. The root has it all, save what lies outside its boundary.
 */
static bool has_data(const struct question *question, struct period period, int slot)
{
  const struct catalogue *catalogue = question->reader->catalogue;
  int64_t book = store_find_book(question->reader->store, question->form->code, period);
  if (book == 0) return false;
  if (count_units(question, book, question->root, slot) > 0) return true;
  for (int area = 0; area < (int)catalogue->area_count; area++)
    if (catalogue_area_within(catalogue, area, question->root) && count_units(question, book, area, slot) > 0)
      return true;
  return false;
}

/* Whether everybody in the tree who reported figures reported the column. */
static bool is_everybody_s(const struct question *question, struct period period, int slot)
{
  const struct catalogue *catalogue = question->reader->catalogue;
  int64_t book = store_find_book(question->reader->store, question->form->code, period);
  for (int area = 0; area < (int)catalogue->area_count; area++)
    if (catalogue_area_within(catalogue, area, question->root) &&
        count_units(question, book, area, slot) < count_units(question, book, area, SLOT_REPORTED))
      return false;
  return true;
}

static unsigned months_between(unsigned first, unsigned last)
{
  return (1u << last) - (1u << (first - 1));
}

static void add_part(struct plan *plan, struct period period, int slot, int other, unsigned first)
{
  plan->parts[plan->count++] = (struct plan_part){.period = period,
                                                  .slot = slot,
                                                  .other = other,
                                                  .months = months_between(first, period_last_month(period))};
}

/* Of the year's first period both columns mean the same, and often only one is filled in: by all, or by each
 * unit another. */
static bool has_two_columns(const struct question *question, struct period period)
{
  return period.month == 1 && question->has_x && question->has_y;
}

/* Whether anybody reported it. */
static bool add_first_period(const struct question *question, struct period period, struct plan *plan)
{
  int slot = question->cumulative ? question->y : question->x;
  int other = question->cumulative ? question->x : question->y;
  bool reported = has_data(question, period, slot);
  bool reported_other = has_data(question, period, other);
  if (reported && reported_other && !is_everybody_s(question, period, slot))
    add_part(plan, period, slot, other, 1);
  else
    add_part(plan, period, reported || !reported_other ? slot : other, NO_SLOT, 1);
  return reported || reported_other;
}

/* January to the last month, as it was reported. */
static bool plan_cumulative(const struct question *question, struct plan *plan)
{
  struct period period;
  if (!question->has_y || question->first != 1) return false;
  if (!form_period_ending(question->form, question->year, question->last, &period)) return false;
  if (has_two_columns(question, period)) return add_first_period(question, period, plan);
  add_part(plan, period, question->y, NO_SLOT, 1);
  return has_data(question, period, question->y);
}

/* The periods of the form from the first month to the last, each as it was reported by itself: nobody who
 * adds up the columns by hand finds another total. */
static bool plan_sum(const struct question *question, struct plan *plan)
{
  bool data = false;
  if (!question->has_x) return false;
  for (unsigned month = question->first; month <= question->last; month++) {
    struct period period;
    if (!form_period_ending(question->form, question->year, month, &period)) continue;
    if (period.month < question->first) continue;
    if (has_two_columns(question, period)) {
      data |= add_first_period(question, period, plan);
      continue;
    }
    add_part(plan, period, question->x, NO_SLOT, period.month);
    data |= has_data(question, period, question->x);
  }
  return data;
}

/* One end of a difference. Whether anybody reported it as such: where all left January's cumulative column
 * blank, the months after it are what was reported of them. */
static bool add_end(const struct question *question, struct period period, struct plan *plan)
{
  int other = has_two_columns(question, period) ? question->x : NO_SLOT;
  add_part(plan, period, question->y, other, 1);
  return has_data(question, period, question->y);
}

/* Where only cumulative figures were reported: what was to the last month, less what was before the first. */
static bool plan_difference(const struct question *question, struct plan *plan)
{
  struct period later, earlier;
  if (!question->has_y || question->first == 1) return false;
  if (!form_period_ending(question->form, question->year, question->last, &later)) return false;
  bool data = add_end(question, later, plan);
  if (later.month < question->first) return false; /* January–February, and February is asked for */
  if (!form_period_ending(question->form, question->year, question->first - 1, &earlier)) return false;
  plan->difference = true;
  data &= add_end(question, earlier, plan);
  return data;
}

static bool plan_last(const struct question *question, struct plan *plan)
{
  struct plan fallback = *plan;
  if (!question->has_x) return false;
  for (unsigned month = question->last; month >= question->first; month--) {
    struct period period;
    if (!form_period_ending(question->form, question->year, month, &period)) continue;
    if (period.month < question->first) continue;
    if (fallback.count == 0) add_part(&fallback, period, question->x, NO_SLOT, period.month);
    if (!has_data(question, period, question->x)) continue;
    add_part(plan, period, question->x, NO_SLOT, period.month);
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

/* Of forms that are asked for every `longest` months or more often. */
static void make_plan(struct reader *reader, int root, int indicator, enum columns columns,
                      struct period period, bool cumulative, unsigned longest, struct plan *ret_plan)
{
  static const unsigned frequencies[] = {12, 3, 1};
  const struct catalogue *catalogue = reader->catalogue;
  bool now = columns == COLUMNS_OF_THIS_YEAR;
  struct question question = {.reader = reader,
                              .root = root,
                              .cumulative = cumulative,
                              .year = period.year,
                              .first = cumulative ? 1 : period.month,
                              .last = period_last_month(period)};
  struct plan found = {.form = CATALOGUE_NONE};
  for (size_t n = 0; n < G_N_ELEMENTS(frequencies); n++) {
    struct column_ref x = {0}, y = {0};
    if (frequencies[n] > MIN(period.months, longest)) continue;
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

/* It is one for all areas of a tree, and a tree may have thousands. */
static void plan_up_to(struct reader *reader, int area, int indicator, enum columns columns,
                       struct period period, bool cumulative, unsigned longest, struct plan *ret_plan)
{
  int root = root_of(reader->catalogue, area);
  g_autofree char *key =
      g_strdup_printf("%d %d %d %d %d %u", root, indicator, columns, period_key(period), cumulative, longest);
  struct plan *plan = g_hash_table_lookup(reader->plans, key);
  if (!plan) {
    plan = g_new0(struct plan, 1);
    make_plan(reader, root, indicator, columns, period, cumulative, longest, plan);
    g_hash_table_insert(reader->plans, g_steal_pointer(&key), plan);
  }
  *ret_plan = *plan;
}

void reader_plan(struct reader *reader, int area, int indicator, enum columns columns, struct period period,
                 bool cumulative, struct plan *ret_plan)
{
  plan_up_to(reader, area, indicator, columns, period, cumulative, 12, ret_plan);
}

void reader_plan_of_months(struct reader *reader, int area, int indicator, struct period period,
                           struct plan *ret_plan)
{
  plan_up_to(reader, area, indicator, COLUMNS_OF_THIS_YEAR, period, true, 3, ret_plan);
}

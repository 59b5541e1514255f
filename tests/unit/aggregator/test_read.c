/* Totals against sums that are made straight from the reports, over every combination of basis, January and
 * period. */
#include "common/clock.h"
#include "read_world.h"

#include <stdlib.h>

/* --- the plain way --- */

static bool form_period(int form, int month, struct period *ret_period)
{
  *ret_period = (struct period){2018, (uint8_t)month, 1};
  if (form == 1 && month == 2) *ret_period = (struct period){2018, 1, 2};
  return form == 0 || month > 1;
}

/* Random reports; now and then a whole month is missing, or a column of it. */
static void report_at_random(struct world *world, GRand *random)
{
  for (int f = 0; f < FORMS; f++)
    for (int month = 1; month <= MONTHS; month++) {
      struct period period;
      bool skipped[COLUMNS];
      if (!form_period(f, month, &period) || g_rand_int_range(random, 0, 8) == 0) continue;
      for (int c = 0; c < COLUMNS; c++) skipped[c] = g_rand_int_range(random, 0, 7) == 0;
      for (int u = 0; u < UNITS; u++) {
        struct figures figures;
        figures_clear(&figures);
        for (int c = 0; c < COLUMNS; c++) {
          if (skipped[c] || g_rand_int_range(random, 0, 6) == 0) continue;
          int64_t value = g_rand_int_range(random, c == X_STOCK ? 0 : -500, 5000);
          world->present[f][month][u][c] = true;
          world->value[f][month][u][c] = value;
          figures_set(&figures, (unsigned)c, value);
        }
        if (column_set_is_empty(&figures.present)) continue;
        g_autofree char *form = g_strdup_printf("form_%d", f);
        put(world, form, period, world->unit[u].id, &figures);
      }
    }
}

static bool is_part(const struct unit *unit, const char *area, bool cars)
{
  if (cars && !unit->cars) return false;
  if (!strcmp(area, "zone")) return unit->in_boundary;
  if (!strcmp(area, "group")) return strstr(unit->parks, "east") || strstr(unit->parks, "west");
  return strstr(unit->parks, area) != NULL;
}

struct expectation {
  bool defined;
  int64_t value, reported, periods;
};

static bool anybody(const struct world *world, int form, int month, int column)
{
  for (int u = 0; u < UNITS; u++)
    if (world->present[form][month][u][column]) return true;
  return false;
}

static void add_figure(const struct world *world, int unit, int64_t value, const char *area, bool cars,
                       struct expectation *sum)
{
  if (!is_part(&world->unit[unit], area, cars)) return;
  sum->defined = true;
  sum->reported++;
  sum->value += value;
}

static void add_month(const struct world *world, int form, int month, int column, const char *area, bool cars,
                      struct expectation *sum)
{
  sum->periods++;
  for (int u = 0; u < UNITS; u++)
    if (world->present[form][month][u][column])
      add_figure(world, u, world->value[form][month][u][column], area, cars, sum);
}

/* `column`, and of who left it blank `other`. */
static void add_first(const struct world *world, int form, int month, int column, int other, const char *area,
                      bool cars, struct expectation *sum)
{
  sum->periods++;
  for (int u = 0; u < UNITS; u++) {
    int of = world->present[form][month][u][column] ? column : other;
    if (world->present[form][month][u][of])
      add_figure(world, u, world->value[form][month][u][of], area, cars, sum);
  }
}

/* Months of the form from `first` to `last`; of a joint January–February the month is 2 and `first` must
 * be 1. `y` −1: the indicator has months alone. */
static struct expectation sum_months(const struct world *world, int form, int first, int last, int x, int y,
                                     bool cumulative, const char *area, bool cars)
{
  struct expectation sum = {0};
  for (int month = first; month <= last; month++) {
    struct period period;
    if (!form_period(form, month, &period) || period.month < first) continue;
    if (period.month == 1 && y >= 0)
      add_first(world, form, month, cumulative ? y : x, cumulative ? x : y, area, cars, &sum);
    else
      add_month(world, form, month, x, area, cars, &sum);
  }
  return sum;
}

/* What a unit's cumulative figure is; of the year's first period its month stands in, if `x` is no −1. */
static bool reached(const struct world *world, int form, int month, int unit, int x, int y,
                    int64_t *ret_value)
{
  struct period period;
  if (!form_period(form, month, &period)) return false;
  if (!world->present[form][month][unit][y]) {
    if (x < 0 || period.month > 1) return false;
    y = x;
  }
  *ret_value = world->value[form][month][unit][y];
  return world->present[form][month][unit][y];
}

/* `x` −1: the indicator is cumulative alone. */
static struct expectation subtract_months(const struct world *world, int form, int first, int last, int x,
                                          int y, const char *area, bool cars)
{
  struct expectation sum = {.periods = 1};
  for (int u = 0; u < UNITS; u++) {
    int64_t later = 0, earlier = 0;
    if (reached(world, form, last, u, x, y, &later) && reached(world, form, first - 1, u, x, y, &earlier))
      add_figure(world, u, later - earlier, area, cars, &sum);
  }
  return sum;
}

/* Whether anybody reported the month's own column in any of these months (of the first also the other one).
 */
static bool any_month(const struct world *world, int form, int first, int last)
{
  for (int month = first; month <= last; month++) {
    struct period period;
    if (!form_period(form, month, &period) || period.month < first) continue;
    if (anybody(world, form, month, X_BOTH) || (period.month == 1 && anybody(world, form, month, Y_BOTH)))
      return true;
  }
  return false;
}

static struct expectation expect_both(const struct world *world, int form, int first, int last,
                                      bool cumulative, const char *area, bool cars)
{
  struct period period;
  struct expectation sum = {0};
  bool ends = form_period(form, last, &period) && period.month >= first;
  if (ends && first == 1 && period.month > 1 && anybody(world, form, last, Y_BOTH)) {
    add_month(world, form, last, Y_BOTH, area, cars, &sum);
    return sum;
  }
  if (ends && first > 1 && !any_month(world, form, first, last) && anybody(world, form, last, Y_BOTH) &&
      anybody(world, form, first - 1, Y_BOTH))
    return subtract_months(world, form, first, last, X_BOTH, Y_BOTH, area, cars);
  return sum_months(world, form, first, last, X_BOTH, Y_BOTH, cumulative, area, cars);
}

static struct expectation expect(const struct world *world, int form, int column, struct period period,
                                 bool cumulative, const char *area, bool cars)
{
  int first = cumulative ? 1 : period.month, last = period.month + period.months - 1;
  struct expectation sum = {0};
  switch (column) {
  case X_MONTH:
    return sum_months(world, form, first, last, X_MONTH, -1, cumulative, area, cars);
  case Y_CUMULATIVE:
    if (first > 1) return subtract_months(world, form, first, last, -1, Y_CUMULATIVE, area, cars);
    add_month(world, form, last, Y_CUMULATIVE, area, cars, &sum);
    return sum;
  case X_BOTH:
    return expect_both(world, form, first, last, cumulative, area, cars);
  default:
    for (int month = last; month >= first; month--) {
      struct period own;
      if (!form_period(form, month, &own) || own.month < first || !anybody(world, form, month, X_STOCK))
        continue;
      add_month(world, form, month, X_STOCK, area, cars, &sum);
      break;
    }
    return sum;
  }
}

/* --- comparing --- */

static const char *const AREAS[] = {"zone", "group", "east", "west", "south", "city"};

/* Units of area × slice that owe a form: all but the closed one. */
static int64_t owing(const struct world *world, const char *area, bool cars)
{
  int64_t count = 0;
  for (int u = 0; u < UNITS; u++) count += u != 7 && is_part(&world->unit[u], area, cars);
  return count;
}

static void compare(struct world *world, int form, int column, struct period period, bool cumulative,
                    const char *area, bool cars)
{
  static const char *const names[] = {"month", "cum", "both", NULL, "stock"};
  g_autofree char *indicator = g_strdup_printf("%s_%d", names[column], form);
  struct total total = read_one(world, area, cars ? "cars" : "all", indicator, period, cumulative);
  struct expectation expected = expect(world, form, column, period, cumulative, area, cars);
  char text[PERIOD_TEXT_SIZE];
  if (total.defined == expected.defined && (int64_t)total.value == expected.value &&
      total.reported == expected.reported &&
      (!expected.defined || total.expected == expected.periods * owing(world, area, cars)))
    return;
  fail_msg("%s %s %s%s%s: read %d %" G_GINT64_FORMAT " (%" G_GINT64_FORMAT "/%" G_GINT64_FORMAT
           "), the reports come to %d %" G_GINT64_FORMAT " (%" G_GINT64_FORMAT ", %" G_GINT64_FORMAT
           " periods)",
           indicator, area, period_format(period, text), cumulative ? " cumulative" : "", cars ? " cars" : "",
           total.defined, (int64_t)total.value, total.reported, total.expected, expected.defined,
           expected.value, expected.reported, expected.periods);
}

static void compare_period(struct world *world, struct period period)
{
  static const int columns[] = {X_MONTH, Y_CUMULATIVE, X_BOTH, X_STOCK};
  for (int form = 0; form < FORMS; form++)
    for (size_t c = 0; c < G_N_ELEMENTS(columns); c++)
      for (size_t a = 0; a < G_N_ELEMENTS(AREAS); a++)
        for (int way = 0; way < 4; way++)
          compare(world, form, columns[c], period, way & 1, AREAS[a], way & 2);
}

static void compare_overlap(struct world *world, const char *indicator, struct period period, bool cumulative)
{
  int zone = catalogue_area(world->catalogue, "zone");
  struct total overlap, own = read_one(world, "zone", "all", indicator, period, cumulative);
  struct total group = read_one(world, "group", "all", indicator, period, cumulative);
  struct total south = read_one(world, "south", "all", indicator, period, cumulative);
  bool found = reader_overlap(world->reader, zone, 0, catalogue_indicator(world->catalogue, indicator),
                              period, cumulative, &overlap, NULL);
  assert_int_equal(found, own.defined || group.defined || south.defined);
  if (!found) return;
  assert_true(overlap.value == group.value + south.value - own.value);
  assert_int_equal(overlap.reported, group.reported + south.reported - own.reported);
}

static unsigned seed(void)
{
  const char *given = getenv("PARKTALLY_SEED");
  unsigned number = given ? (unsigned)strtoul(given, NULL, 10) : 20180521;
  print_message("PARKTALLY_SEED=%u\n", number);
  return number;
}

static void every_total_equals_the_sum_over_the_reports(void **state)
{
  struct world *world = *state;
  GRand *random = g_rand_new_with_seed(seed());
  report_at_random(world, random);
  g_rand_free(random);
  finish(world);
  for (int month = 1; month <= MONTHS; month++)
    compare_period(world, (struct period){2018, (uint8_t)month, 1});
  for (int quarter = 0; quarter < 4; quarter++)
    compare_period(world, (struct period){2018, (uint8_t)(quarter * 3 + 1), 3});
  compare_period(world, (struct period){2018, 1, 2});
  compare_period(world, (struct period){2018, 1, 12});
  for (int month = 1; month <= MONTHS; month++)
    for (int way = 0; way < 2; way++) {
      compare_overlap(world, "both_0", (struct period){2018, (uint8_t)month, 1}, way);
      compare_overlap(world, "cum_1", (struct period){2018, (uint8_t)month, 1}, way);
    }
}

/* --- single cases --- */

static void nobody_reporting_is_not_zero(void **state)
{
  struct world *world = *state;
  put_value(world, "form_0", (struct period){2018, 5, 1}, 0, X_MONTH, 0);
  finish(world);
  struct total total = read_one(world, "zone", "all", "month_0", (struct period){2018, 5, 1}, false);
  assert_true(total.defined && total.value == 0);
  assert_int_equal(total.reported, 1);
  total = read_one(world, "zone", "all", "month_0", (struct period){2018, 6, 1}, false);
  assert_false(total.defined);
  assert_int_equal(total.reported, 0);
  assert_int_equal(total.expected, owing(world, "zone", false));
  total = read_one(world, "zone", "all", "month_0", (struct period){2017, 5, 1}, false);
  assert_int_equal(total.expected, 0); /* nobody was registered */
  struct total overlap;
  int indicator = catalogue_indicator(world->catalogue, "month_0");
  assert_false(reader_overlap(world->reader, catalogue_area(world->catalogue, "zone"), 0, indicator,
                              (struct period){2018, 6, 1}, false, &overlap, NULL));
  assert_false(reader_overlap(world->reader, catalogue_area(world->catalogue, "east"), 0, indicator,
                              (struct period){2018, 5, 1}, false, &overlap, NULL));
}

static void a_year_is_the_annual_report_s_and_else_the_sum_of_months(void **state)
{
  struct world *world = *state;
  struct period year = {2018, 1, 12};
  put_value(world, "form_0", (struct period){2018, 5, 1}, 0, X_MONTH, 7);
  put_value(world, "form_0", (struct period){2018, 6, 1}, 0, X_MONTH, 8);
  put_value(world, "quarterly", (struct period){2018, 1, 3}, 0, 0, 100);
  finish(world);
  assert_true(read_one(world, "zone", "all", "month_0", year, false).value == 15);
  assert_true(read_one(world, "zone", "all", "wide", year, false).value == 100);
  store_begin(world->place->store);
  put_value(world, "yearly", year, 0, 1, 20);
  put_value(world, "yearly", year, 1, 0, 500);
  tables_flush(world->tables);
  place_commit(world->place);
  reader_free(world->reader); /* which answers as of one moment */
  world->reader = reader_new(world->place->store, world->snapshot);
  assert_true(read_one(world, "zone", "all", "month_0", year, false).value == 20);
  assert_true(read_one(world, "zone", "all", "wide", year, false).value == 500);
  assert_true(read_one(world, "zone", "all", "wide", (struct period){2018, 1, 3}, false).value == 100);
  assert_false(read_one(world, "zone", "all", "wide", (struct period){2018, 5, 1}, true).defined);
  struct period last;
  assert_true(reader_last_period(world->reader, catalogue_indicator(world->catalogue, "month_0"), &last));
  assert_true(period_equal(last, year));
  assert_false(reader_last_period(world->reader, catalogue_indicator(world->catalogue, "cum_1"), &last));
}

static void of_the_year_s_first_period_the_cumulative_figure_stands_for_the_month(void **state)
{
  struct world *world = *state;
  put_value(world, "form_0", (struct period){2018, 1, 1}, 0, Y_BOTH, 10);
  put_value(world, "form_0", (struct period){2018, 2, 1}, 0, X_BOTH, 5);
  finish(world);
  assert_true(read_one(world, "zone", "all", "both_0", (struct period){2018, 1, 1}, false).value == 10);
  assert_true(read_one(world, "zone", "all", "both_0", (struct period){2018, 1, 2}, false).value == 15);
  assert_true(read_one(world, "zone", "all", "both_0", (struct period){2018, 2, 1}, true).value == 15);
}

static void of_the_year_s_first_period_each_unit_is_in_with_the_column_that_it_filled_in(void **state)
{
  struct world *world = *state;
  struct period january = {2018, 1, 1};
  struct figures figures;
  put_value(world, "form_0", january, 0, X_BOTH, 100);
  put_value(world, "form_0", january, 1, Y_BOTH, 7);
  figures_clear(&figures); /* both, and they contradict: the one that is asked for */
  figures_set(&figures, X_BOTH, 1000);
  figures_set(&figures, Y_BOTH, 2000);
  put(world, "form_0", january, world->unit[2].id, &figures);
  put_value(world, "form_0", january, 4, X_MONTH, 1); /* neither */
  finish(world);
  struct total total = read_one(world, "zone", "all", "both_0", january, false);
  assert_int_equal((int64_t)total.value, 1107);
  assert_int_equal(total.reported, 3);
  assert_int_equal(total.expected, owing(world, "zone", false));
  total = read_one(world, "zone", "all", "both_0", january, true);
  assert_int_equal((int64_t)total.value, 2107);
  assert_int_equal(total.reported, 3);
}

static void a_quarter_is_the_sum_of_its_months_as_they_were_reported(void **state)
{
  struct world *world = *state;
  static const int64_t months[] = {10, 10, 10, 10, 10, 10}, cumulative[] = {10, 20, 30, 40, 50, 65};
  for (uint8_t month = 1; month <= 6; month++) { /* 5 more of before, told in June's cumulative figure */
    struct figures figures;
    figures_clear(&figures);
    figures_set(&figures, X_BOTH, months[month - 1]);
    figures_set(&figures, Y_BOTH, cumulative[month - 1]);
    put(world, "form_0", (struct period){2018, month, 1}, world->unit[0].id, &figures);
  }
  finish(world);
  struct period spring = {2018, 1, 3}, summer = {2018, 4, 3}, may = {2018, 5, 1}, june = {2018, 6, 1};
  assert_int_equal((int64_t)read_one(world, "zone", "all", "both_0", june, true).value, 65);
  assert_int_equal((int64_t)read_one(world, "zone", "all", "both_0", spring, false).value, 30);
  struct total total = read_one(world, "zone", "all", "both_0", summer, false);
  assert_int_equal((int64_t)total.value, 30);
  assert_int_equal(total.reported, 3); /* reports */
  assert_int_equal(total.expected, 3 * owing(world, "zone", false));
  assert_int_equal((int64_t)read_one(world, "zone", "all", "both_0", may, false).value, 10);
  assert_int_equal((int64_t)read_one(world, "zone", "all", "both_0", june, false).value,
                   10); /* as reported */
}

/* A restatement of January shows in what was reported cumulatively, not in February's month. */
static void a_month_is_as_it_was_reported_whatever_the_cumulative_figures_say(void **state)
{
  struct world *world = *state;
  struct period january = {2018, 1, 1}, february = {2018, 2, 1};
  struct figures figures;
  put_value(world, "form_0", january, 0, X_BOTH, 100);
  figures_clear(&figures);
  figures_set(&figures, X_BOTH, 50);
  figures_set(&figures, Y_BOTH, 170);
  put(world, "form_0", february, world->unit[0].id, &figures);
  finish(world);
  assert_int_equal((int64_t)read_one(world, "zone", "all", "both_0", february, false).value, 50);
  assert_int_equal((int64_t)read_one(world, "zone", "all", "both_0", february, true).value, 170);
  store_begin(world->place->store);
  put_value(world, "form_0", january, 1, Y_BOTH, 7);
  tables_flush(world->tables);
  place_commit(world->place);
  assert_int_equal((int64_t)read_one(world, "zone", "all", "both_0", february, false).value, 50);
}

/* Else the parts would be of different months, and the overlap line nonsense. */
static void all_areas_take_their_stocks_from_the_same_month(void **state)
{
  struct world *world = *state;
  struct period quarter = {2018, 4, 3};
  assert_false(world->unit[3].in_boundary);
  put_value(world, "form_0", (struct period){2018, 5, 1}, 0, X_STOCK, 70);
  put_value(world, "form_0", (struct period){2018, 6, 1}, 3, X_STOCK, 8);
  finish(world);
  assert_false(read_one(world, "zone", "all", "stock_0", quarter, false).defined);
  struct total overlap;
  assert_true(reader_overlap(world->reader, catalogue_area(world->catalogue, "zone"), 0,
                             catalogue_indicator(world->catalogue, "stock_0"), quarter, false, &overlap,
                             NULL));
  assert_true(overlap.value > 0 && overlap.value % 8 == 0);
}

static void a_ratio_is_of_sums_and_needs_a_denominator(void **state)
{
  struct world *world = *state;
  struct period year = {2018, 1, 12}, december = {2018, 12, 1};
  put_value(world, "yearly", year, 0, 0, 12345); /* 123.45 */
  put_value(world, "yearly", year, 1, 0, 55);
  put_value(world, "form_0", december, 0, Y_BOTH, 3000);
  finish(world);
  struct total total = read_one(world, "zone", "all", "share", year, false);
  int128 shown = 0;
  assert_true(total.defined && decimal_divide(total.value, total.denominator, 2, &shown));
  assert_int_equal((int64_t)shown, 413); /* 124.00 ÷ 3000 = 4.13 % */
  assert_int_equal(total.reported, 1);   /* of the weaker part */
  assert_false(read_one(world, "south", "all", "share", year, false).defined);
  assert_false(read_one(world, "zone", "all", "share", december, false).defined);
  store_begin(world->place->store);
  put_value(world, "form_0", december, 1, Y_BOTH, -3000);
  tables_flush(world->tables);
  place_commit(world->place);
  assert_false(read_one(world, "zone", "all", "share", year, false).defined); /* nothing divides by zero */
  struct total overlap;
  assert_false(reader_overlap(world->reader, 0, 0, catalogue_indicator(world->catalogue, "share"), year,
                              false, &overlap, NULL));
}

static void last_year_is_the_form_s_own_column_before_the_stored_total(void **state)
{
  struct world *world = *state;
  struct period year = {2018, 1, 12}, before = {2017, 1, 12};
  g_autoptr(GError) error = NULL;
  struct total total;
  int wide = catalogue_indicator(world->catalogue, "wide");
  put_value(world, "yearly", year, 0, 2, 900);
  finish(world);
  assert_true(reader_last_year(world->reader, 0, 0, wide, year, false, &total, &error));
  assert_true(total.defined && total.value == 900);
  assert_true(reader_last_year(world->reader, 0, 0, wide, before, false, &total, &error));
  assert_false(total.defined);
}

static void tiers_count_legal_entities_by_the_sum_over_their_plants(void **state)
{
  struct world *world = *state;
  struct period may = {2018, 5, 1};
  /* Unit 0 and its plant 12 are 60 + 50; 1 is 99, 2 exactly 100, 4 exactly 300, 6 500. */
  static const struct {
    int unit;
    int64_t value;
  } values[] = {{0, 60}, {12, 50}, {1, 99}, {2, 100}, {4, 300}, {6, 500}};
  for (size_t n = 0; n < G_N_ELEMENTS(values); n++)
    put_value(world, "form_0", may, values[n].unit, Y_CUMULATIVE, values[n].value);
  finish(world);
  struct total total = read_one(world, "zone", "all", "big", may, false);
  assert_true(total.defined);
  assert_int_equal((int64_t)total.value, 4); /* 0 with 12, 2, 4, 6 */
  assert_int_equal(total.reported, 6);
  assert_int_equal(total.expected, owing(world, "zone", false));
  assert_int_equal((int64_t)read_one(world, "zone", "all", "tier", may, false).value, 2); /* 0 with 12, 2 */
  total = read_one(world, "zone", "all", "big_plants", may, false);
  assert_int_equal((int64_t)total.value, 1);
  assert_int_equal(total.reported, 1);
  assert_false(read_one(world, "zone", "all", "big", (struct period){2018, 6, 1}, false).defined);
}

/* The city is a tree by itself. */
static void where_nothing_was_reported_hides_no_count_elsewhere(void **state)
{
  struct world *world = *state;
  struct period may = {2018, 5, 1};
  put_value(world, "form_0", may, 0, Y_CUMULATIVE, 150);
  finish(world);
  assert_false(read_one(world, "city", "all", "big", may, false).defined);
  struct total total = read_one(world, "zone", "all", "big", may, false);
  assert_true(total.defined);
  assert_int_equal((int64_t)total.value, 1);
  assert_false(read_one(world, "city", "all", "big", may, false).defined);
}

static void units_that_are_no_establishments_count_each_whoever_runs_them(void **state)
{
  struct world *world = *state;
  struct period may = {2018, 5, 1};
  struct figures figures;
  figures_clear(&figures);
  figures_set(&figures, Y_CUMULATIVE, 150);
  for (size_t n = 0; n < 2; n++) put(world, "form_0", may, INCUBATORS[n], &figures);
  put_value(world, "form_0", may, 0, Y_CUMULATIVE, 60); /* not 360 */
  finish(world);
  struct total total = read_one(world, "zone", "all", "incubators", may, false);
  assert_int_equal((int64_t)total.value, 3);
  assert_int_equal(total.reported, 3);
  assert_int_equal((int64_t)read_one(world, "zone", "all", "big_incubators", may, false).value, 2);
  total = read_one(world, "zone", "all", "big", may, false);
  assert_int_equal((int64_t)total.value, 0);
  assert_int_equal(total.reported, 1);
}

/* --- the last period --- */

static struct wall_time on_june_1_in_shanghai(void)
{
  return (struct wall_time){INT64_C(1527782400) * 1000}; /* 2018-05-31T16:00Z */
}

static struct wall_time just_before_june_in_shanghai(void)
{
  return (struct wall_time){INT64_C(1527782399) * 1000};
}

static struct period last_of(struct world *world, const char *indicator)
{
  struct period last = {0};
  reader_last_period(world->reader, catalogue_indicator(world->catalogue, indicator), &last);
  return last;
}

static void only_what_counts_and_has_begun_makes_a_period_the_last(void **state)
{
  struct world *world = *state;
  struct period may = {2018, 5, 1}, june = {2018, 6, 1}, none = {0};
  struct figures figures;
  store_book(world->place->store, "form_0", (struct period){2018, 4, 1});
  figures_clear(&figures);
  figures_set(&figures, X_MONTH, 1);
  put(world, "form_0", (struct period){2018, 4, 1}, "nobody", &figures);
  finish(world);
  clock_replace(on_june_1_in_shanghai);
  assert_true(period_equal(last_of(world, "month_0"), none)); /* refused, and of nobody we know */
  store_begin(world->place->store);
  put_value(world, "form_0", may, 0, X_MONTH, 1);
  put_value(world, "form_0", june, 0, X_MONTH, 1);
  put_value(world, "form_0", (struct period){2018, 12, 1}, 0, X_MONTH, 1);
  store_book(world->place->store, "form_0", (struct period){2018, 3, 1});
  tables_flush(world->tables);
  place_commit(world->place);
  assert_true(period_equal(last_of(world, "month_0"), june));
  assert_true(period_equal(last_of(world, "plants"), june)); /* of any form */
  clock_replace(just_before_june_in_shanghai);
  assert_true(period_equal(last_of(world, "month_0"), may));
}

static int tear_down_clock(void **state)
{
  clock_replace(NULL);
  return tear_down(state);
}

static void registered_units_are_counted_by_parent_unless_they_are_closed(void **state)
{
  struct world *world = *state;
  struct period may = {2018, 5, 1};
  finish(world);
  for (size_t a = 0; a < G_N_ELEMENTS(AREAS); a++) {
    int64_t scaled = 0;
    bool has_plants[12] = {false};
    for (int u = 0; u < UNITS; u++) {
      if (!is_part(&world->unit[u], AREAS[a], false) || u == 7) continue;
      if (u >= 12)
        has_plants[parent_of(u)] = true;
      else if (u % 2)
        scaled++;
    }
    struct total total = read_one(world, AREAS[a], "all", "scaled", may, false);
    assert_int_equal((int64_t)total.value, scaled);
    assert_int_equal(total.reported, scaled);
    assert_int_equal(total.expected, scaled);
    int64_t parents = 0;
    for (int u = 0; u < 12; u++) parents += has_plants[u];
    assert_int_equal((int64_t)read_one(world, AREAS[a], "all", "plants", may, false).value, parents);
  }
  int64_t june = (int64_t)read_one(world, "zone", "all", "scaled", (struct period){2018, 6, 1}, false).value;
  int64_t july = (int64_t)read_one(world, "zone", "all", "scaled", (struct period){2018, 7, 1}, false).value;
  assert_int_equal(july, june - 1);
  assert_int_equal(
      (int64_t)read_one(world, "zone", "all", "scaled", (struct period){2017, 12, 1}, false).value, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(nobody_reporting_is_not_zero),
      TEST(every_total_equals_the_sum_over_the_reports),
      TEST(a_year_is_the_annual_report_s_and_else_the_sum_of_months),
      TEST(of_the_year_s_first_period_the_cumulative_figure_stands_for_the_month),
      TEST(of_the_year_s_first_period_each_unit_is_in_with_the_column_that_it_filled_in),
      TEST(a_quarter_is_the_sum_of_its_months_as_they_were_reported),
      TEST(a_month_is_as_it_was_reported_whatever_the_cumulative_figures_say),
      TEST(all_areas_take_their_stocks_from_the_same_month),
      TEST(a_ratio_is_of_sums_and_needs_a_denominator),
      TEST(last_year_is_the_form_s_own_column_before_the_stored_total),
      TEST(tiers_count_legal_entities_by_the_sum_over_their_plants),
      TEST(where_nothing_was_reported_hides_no_count_elsewhere),
      TEST(units_that_are_no_establishments_count_each_whoever_runs_them),
      cmocka_unit_test_setup_teardown(only_what_counts_and_has_begun_makes_a_period_the_last, set_up,
                                      tear_down_clock),
      TEST(registered_units_are_counted_by_parent_unless_they_are_closed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Standings of targets: exact, and in words where there is no number. */
#include "aggregator/statistics/target.h"

#include "aggregator/statistics/target_value.h"

#include "add_cell.h"
#include "read_world.h"

/* A target over `wide` (2 decimals, yearly form) of the zone: 0.5 % of it is worth a test of rounding. */
static struct target make_target(struct world *world, enum target_form form, struct term *terms)
{
  int wide = catalogue_indicator(world->catalogue, "wide");
  int month = catalogue_indicator(world->catalogue, "month_0");
  terms[0] = (struct term){wide, catalogue_area(world->catalogue, "zone"), 0};
  terms[1] = (struct term){month, catalogue_area(world->catalogue, "zone"), 0};
  return (struct target){.id = 1,
                         .form = form,
                         .numerator = &terms[0],
                         .numerator_count = 1,
                         .denominator = &terms[1],
                         .denominator_count = 1,
                         .scale = 1,
                         .divisor = 1,
                         .yearly = true,
                         .decimals = 1};
}

static const struct period MAY = {2018, 5, 1}, YEAR = {2018, 1, 12}, BEFORE = {2017, 1, 12};

static struct target_standing evaluate(struct world *world, const struct target *target)
{
  g_autoptr(GError) error = NULL;
  struct target_standing standing;
  if (!target_evaluate(world->reader, world->catalogue, target, target->area, MAY, &standing, &error))
    fail_msg("%s", error->message);
  return standing;
}

static void assert_why_not(struct world *world, const struct target *target, const char *why)
{
  struct target_standing standing = evaluate(world, target);
  assert_false(standing.measurable);
  assert_false(standing.reached);
  assert_string_equal(standing.why_not, why);
  target_standing_clear(&standing);
}

static void what_nobody_reported_is_named(void **state)
{
  struct world *world = *state;
  struct term terms[2];
  struct target target = make_target(world, TARGET_VALUE, terms);
  finish(world);
  assert_why_not(world, &target, "nobody has reported Wide of Zone for 2018");
  target.yearly = false;
  assert_why_not(world, &target, "nobody has reported Wide of Zone for 2018-05");
  target.numerator_count = 0;
  assert_why_not(world, &target, "the catalogue gives no formula");
}

static void a_missing_base_of_growth_is_named_by_its_own_year(void **state)
{
  struct world *world = *state;
  struct term terms[2];
  struct target target = make_target(world, TARGET_GROWTH, terms);
  put_value(world, "yearly", YEAR, 0, 0, 100);
  finish(world);
  assert_why_not(world, &target, "nobody has reported Wide of Zone for 2017");
}

/* Over January to May of the monthly form. */
static struct target make_monthly(struct world *world, enum target_form form, struct term *terms,
                                  const char *numerator, const char *denominator)
{
  struct target target = make_target(world, form, terms);
  terms[0].indicator = catalogue_indicator(world->catalogue, numerator);
  terms[1].indicator = catalogue_indicator(world->catalogue, denominator);
  target.yearly = false;
  return target;
}

static void put_months(struct world *world, int16_t year, unsigned column, uint8_t first, uint8_t last)
{
  for (uint8_t month = first; month <= last; month++)
    put_value(world, "form_0", (struct period){year, month, 1}, month * 2 % 6, column, 10);
}

static void a_base_of_some_months_is_no_base(void **state)
{
  struct world *world = *state;
  struct term terms[2];
  struct target target = make_monthly(world, TARGET_GROWTH, terms, "both_0", "both_0");
  put_value(world, "form_0", MAY, 0, Y_BOTH, 60);
  put_months(world, 2018, BOTH_LAST_YEAR, 4, 4); /* of April alone */
  finish(world);
  assert_why_not(world, &target, "Both 0 of Zone has not been reported for every month up to 2017-05");
  store_begin(world->place->store);
  put_months(world, 2018, BOTH_LAST_YEAR, 1, 3);
  put_value(world, "form_0", MAY, 1, BOTH_LAST_YEAR, 10);
  tables_flush(world->tables);
  place_commit(world->place);
  struct target_standing standing = evaluate(world, &target);
  assert_true(standing.measurable);
  assert_true(standing.numerator == standing.denominator * 20); /* 60 over 50 */
}

static void the_stored_year_is_the_base_where_the_form_tells_some_months_of_it(void **state)
{
  struct world *world = *state;
  struct term terms[2];
  struct target target = make_monthly(world, TARGET_GROWTH, terms, "both_0", "both_0");
  put_value(world, "form_0", MAY, 0, Y_BOTH, 60);
  put_months(world, 2018, BOTH_LAST_YEAR, 4, 4);
  finish(world);
  store_begin(world->place->store); /* nobody was registered then, but the cell is there */
  struct cell_key key = {store_book(world->place->store, "form_0", (struct period){2017, 5, 1}), "zone",
                         "all", Y_BOTH};
  add_cell(world->place->store, &key, 30, 1);
  place_commit(world->place);
  struct target_standing standing = evaluate(world, &target);
  assert_true(standing.measurable);
  assert_true(standing.numerator == standing.denominator * 100);
}

static void a_sum_without_one_of_its_months_is_no_standing(void **state)
{
  struct world *world = *state;
  struct term terms[2];
  struct target target = make_monthly(world, TARGET_RATIO, terms, "both_0", "month_0");
  put_value(world, "form_0", MAY, 1, Y_BOTH, 60);
  put_months(world, 2018, X_MONTH, 4, 4);
  finish(world);
  assert_why_not(world, &target, "Month 0 of Zone has not been reported for every month up to 2018-05");
  target.form = TARGET_VALUE;
  target.numerator = &terms[1];
  assert_why_not(world, &target, "Month 0 of Zone has not been reported for every month up to 2018-05");
  store_begin(world->place->store);
  put_months(world, 2018, X_MONTH, 1, 3);
  put_value(world, "form_0", MAY, 0, X_MONTH, 10);
  tables_flush(world->tables);
  place_commit(world->place);
  assert_true(evaluate(world, &target).measurable);
  target.form = TARGET_RATIO;
  target.numerator = &terms[0];
  struct target_standing standing = evaluate(world, &target);
  assert_true(standing.measurable && standing.numerator * 50 == standing.denominator * 60);
}

/* January is exempt: February's cumulative figure has it, February's month has not. */
static void both_sides_are_of_the_same_months(void **state)
{
  struct world *world = *state;
  struct term terms[2];
  struct target target = make_monthly(world, TARGET_RATIO, terms, "cum_2", "month_2");
  for (uint8_t month = 2; month <= 5; month++) {
    put_value(world, "form_2", (struct period){2018, month, 1}, 0, X_MONTH, 10);
    put_value(world, "form_2", (struct period){2018, month, 1}, 1, Y_CUMULATIVE, 10 * month);
  }
  finish(world);
  assert_why_not(world, &target, "Month 2 of Zone is there for other months than what it is compared with");
  terms[1].indicator = terms[0].indicator;
  assert_true(evaluate(world, &target).measurable);
}

static void a_negative_denominator_turns_the_sign(void **state)
{
  struct world *world = *state;
  struct term terms[2];
  struct target target = make_target(world, TARGET_RATIO, terms);
  put_value(world, "yearly", YEAR, 0, 0, 100);
  put_value(world, "yearly", YEAR, 1, 1, -2);
  finish(world);
  struct target_standing standing = evaluate(world, &target);
  assert_true(standing.measurable && standing.denominator > 0);
  assert_true(standing.numerator * 2 == -standing.denominator);
}

static void a_zero_denominator_is_no_standing(void **state)
{
  struct world *world = *state;
  struct term terms[2];
  struct target target = make_target(world, TARGET_RATIO, terms);
  put_value(world, "yearly", YEAR, 0, 0, 100);
  put_value(world, "yearly", YEAR, 1, 1, 0);
  finish(world);
  assert_why_not(world, &target, "Month 0 is zero, and nothing can be divided by it");
}

static void growth_without_a_positive_base_is_told_in_words(void **state)
{
  struct world *world = *state;
  struct term terms[2];
  struct target target = make_target(world, TARGET_GROWTH, terms);
  static const struct {
    int64_t base, now;
    const char *why;
  } cases[] = {
      {0, 5, "no growth rate: last year's figure is zero"},
      {5, -1, "no growth rate: turned from profit to loss"},
      {-5, 1, "no growth rate: turned from loss to profit"},
      {-5, -3, "no growth rate: the loss has shrunk"},
      {-5, -7, "no growth rate: the loss has grown"},
      {-5, -5, "no growth rate: the loss is unchanged"},
  };
  finish(world);
  int64_t base = 0, now = 0;
  for (size_t n = 0; n < G_N_ELEMENTS(cases); n++) {
    store_begin(world->place->store);
    /* In differences, for a unit's second report is another matter. */
    struct cell_key key = {store_book(world->place->store, "yearly", YEAR), "zone", "all", 0};
    add_cell(world->place->store, &key, cases[n].now - now, n == 0);
    key.book = store_book(world->place->store, "yearly", BEFORE);
    add_cell(world->place->store, &key, cases[n].base - base, n == 0);
    place_commit(world->place);
    base = cases[n].base;
    now = cases[n].now;
    assert_why_not(world, &target, cases[n].why);
  }
}

static void growth_is_exact_and_compared_unrounded(void **state)
{
  struct world *world = *state;
  struct term terms[2];
  struct target target = make_target(world, TARGET_GROWTH, terms);
  target.direction = DIRECTION_ABOVE;
  put_value(world, "yearly", YEAR, 0, 0, 300001);
  put_value(world, "yearly", YEAR, 1, 2, 300000); /* what the form says of last year */
  finish(world);
  struct target_standing standing = evaluate(world, &target);
  assert_true(standing.measurable && standing.reached); /* 0.0003 %, shown as 0.0 */
  assert_true(standing.numerator * 3000 == standing.denominator);
  target.tolerance = -1; /* 0.1 % above: missed */
  standing = evaluate(world, &target);
  assert_true(standing.measurable && !standing.reached);
}

static void each_direction_has_its_own_bound(void **state)
{
  struct world *world = *state;
  struct term terms[2];
  static const struct {
    enum direction direction;
    int64_t promised, tolerance; /* one decimal; the standing is 123.45 ÷ 10 × 2 = 24.69 */
    bool reached;
  } cases[] = {
      {DIRECTION_AT_LEAST, 246, 0, true}, {DIRECTION_AT_LEAST, 247, 0, false},
      {DIRECTION_AT_LEAST, 247, 1, true}, {DIRECTION_AT_MOST, 247, 0, true},
      {DIRECTION_AT_MOST, 246, 0, false}, {DIRECTION_AT_MOST, 246, 1, true},
      {DIRECTION_ABOUT, 250, 4, true},    {DIRECTION_ABOUT, 250, 3, false},
      {DIRECTION_ABOUT, 240, 6, false},   {DIRECTION_ABOUT, 240, 7, true},
      {DIRECTION_ABOVE, 246, 0, true},    {DIRECTION_ABOVE, 247, 0, false},
      {DIRECTION_TRACKED, 0, 0, false},
  };
  put_value(world, "yearly", YEAR, 0, 0, 12345);
  finish(world);
  for (size_t n = 0; n < G_N_ELEMENTS(cases); n++) {
    struct target target = make_target(world, TARGET_VALUE, terms);
    target.scale = 2;
    target.divisor = 10;
    target.direction = cases[n].direction;
    target.value = cases[n].promised;
    target.tolerance = cases[n].tolerance;
    struct target_standing standing = evaluate(world, &target);
    assert_true(standing.measurable);
    assert_true(standing.numerator * 100 == standing.denominator * 2469);
    assert_int_equal(standing.reached, cases[n].reached);
    assert_true(period_equal(standing.period, YEAR));
    assert_int_equal(standing.reported, 1);
    assert_true(standing.expected > 1);
  }
}

static void the_bound_itself_is_reached_but_not_exceeded(void **state)
{
  struct world *world = *state;
  struct term terms[2];
  struct target target = make_target(world, TARGET_RATIO, terms);
  put_value(world, "yearly", YEAR, 0, 0, 220);
  put_value(world, "yearly", YEAR, 1, 1, 100);
  target.scale = 100; /* 2.20 ÷ 100 in % */
  target.value = 22;
  finish(world);
  static const struct {
    enum direction direction;
    bool reached;
  } cases[] = {{DIRECTION_AT_LEAST, true},
               {DIRECTION_AT_MOST, true},
               {DIRECTION_ABOUT, true},
               {DIRECTION_ABOVE, false}};
  for (size_t n = 0; n < G_N_ELEMENTS(cases); n++) {
    target.direction = cases[n].direction;
    assert_int_equal(evaluate(world, &target).reached, cases[n].reached);
  }
}

static void a_stage_goes_before_the_plan_s_own_value(void **state)
{
  struct world *world = *state;
  struct term terms[2];
  struct stage stages[] = {{2018, 10}, {2020, 100}};
  struct target target = make_target(world, TARGET_VALUE, terms);
  target.value = 100;
  target.stages = stages;
  target.stage_count = 2;
  put_value(world, "yearly", YEAR, 0, 0, 200); /* 2.0 */
  finish(world);
  struct target_standing standing = evaluate(world, &target);
  assert_true(standing.reached);
  assert_ptr_equal(standing.stage, &stages[0]);
  stages[0].year = 2019;
  standing = evaluate(world, &target);
  assert_false(standing.reached);
  assert_null(standing.stage);
}

static void terms_add_before_anything_else(void **state)
{
  struct world *world = *state;
  struct term terms[2], sum[2];
  struct target target = make_target(world, TARGET_VALUE, terms);
  sum[0] = terms[0];
  sum[1] = terms[0];
  sum[1].area = catalogue_area(world->catalogue, "group");
  target.numerator = sum;
  target.numerator_count = 2;
  put_value(world, "yearly", YEAR, 0, 0, 200);
  finish(world);
  assert_true(strstr("east;west", world->unit[0].parks));
  struct target_standing standing = evaluate(world, &target);
  assert_true(standing.numerator == standing.denominator * 4);
  assert_int_equal(standing.reported, 2);
}

static struct target_standing evaluate_in(struct world *world, const struct target *target, const char *area,
                                          struct period period)
{
  g_autoptr(GError) error = NULL;
  struct target_standing standing;
  if (!target_evaluate(world->reader, world->catalogue, target, catalogue_area(world->catalogue, area),
                       period, &standing, &error))
    fail_msg("%s", error->message);
  return standing;
}

/* Unit 0 is in the east, unit 2 is not; the city's denominator is the city's for every part. */
static void a_part_takes_its_own_terms_and_keeps_those_of_others(void **state)
{
  struct world *world = *state;
  struct term terms[2];
  struct stage stages[] = {{2018, 11}};
  struct share share = {catalogue_area(world->catalogue, "east"), stages, 1};
  struct target target = make_target(world, TARGET_VALUE, terms);
  put_value(world, "yearly", YEAR, 0, 0, 100);
  put_value(world, "yearly", YEAR, 2, 0, 50);
  finish(world);
  struct target_standing standing = evaluate_in(world, &target, "east", YEAR);
  assert_true(standing.numerator == standing.denominator);
  assert_int_equal(standing.status, TARGET_TRACKED); /* no number of its own is invented */
  assert_false(standing.judged || standing.promised || standing.reached);
  target.shares = &share;
  target.share_count = 1;
  assert_int_equal(evaluate_in(world, &target, "east", YEAR).status, TARGET_BEHIND); /* 1.00 of 1.1 */
  stages[0].value = 10;
  assert_int_equal(evaluate_in(world, &target, "east", YEAR).status, TARGET_MET);
  stages[0].year = 2019; /* for later, and nothing for now */
  assert_int_equal(evaluate_in(world, &target, "east", YEAR).status, TARGET_TRACKED);
  stages[0].year = 2017; /* held to the last one */
  assert_int_equal(evaluate_in(world, &target, "east", YEAR).status, TARGET_MET);
  assert_int_equal(target_term_area(world->catalogue, &target, &terms[0], share.area), share.area);
  terms[0].area = catalogue_area(world->catalogue, "city");
  assert_int_equal(target_term_area(world->catalogue, &target, &terms[0], share.area), terms[0].area);
}

static void a_part_has_a_sense_only_where_the_catalogue_says_so(void **state)
{
  struct world *world = *state;
  struct term terms[2];
  struct target target = make_target(world, TARGET_VALUE, terms);
  int zone = catalogue_area(world->catalogue, "zone"), east = catalogue_area(world->catalogue, "east");
  finish(world);
  target.area = zone;
  assert_true(target_has_sense(world->catalogue, &target, zone));
  assert_false(target_has_sense(world->catalogue, &target, east));
  target.per_park = true;
  assert_true(target_has_sense(world->catalogue, &target, east));
  assert_false(target_has_sense(world->catalogue, &target, catalogue_area(world->catalogue, "city")));
}

static void the_annual_figure_replaces_the_months_and_the_difference_is_told(void **state)
{
  struct world *world = *state;
  struct term terms[2];
  struct target target = make_monthly(world, TARGET_VALUE, terms, "month_0", "month_0");
  target.yearly = true;
  target.divisor = 10;
  put_months(world, 2018, X_MONTH, 1, 12);
  finish(world);
  struct target_standing standing = evaluate(world, &target);
  assert_true(standing.numerator == standing.denominator * 12);
  assert_false(standing.adjusted);
  reader_free(world->reader);
  snapshot_unref(world->snapshot);
  store_begin(world->place->store);
  put_value(world, "yearly", YEAR, 0, 1, 95);
  finish(world);
  standing = evaluate(world, &target);
  assert_true(standing.numerator * 2 == standing.denominator * 19);
  assert_true(standing.adjusted && standing.adjustment.upper * 2 == standing.adjustment.lower * -5);
}

/* Of months that are summed, each with its own missing: unit 0 gave 10 in April and nothing in May, for which
 * unit 2 gave twice of April's. */
static void what_is_missing_is_estimated_beside_the_standing(void **state)
{
  struct world *world = *state;
  struct term terms[2];
  struct target target = make_monthly(world, TARGET_VALUE, terms, "month_0", "month_0");
  for (uint8_t month = 1; month <= 5; month++) {
    struct period period = {2018, month, 1};
    if (month < 5) put_value(world, "form_0", period, 0, X_MONTH, 10);
    put_value(world, "form_0", period, 2, X_MONTH, month < 5 ? 20 : 40);
  }
  finish(world);
  struct target_standing standing = evaluate(world, &target);
  assert_true(standing.numerator == standing.denominator * 160);
  assert_true(standing.estimated);
  assert_true(standing.estimate.upper == standing.estimate.lower * 180);
  assert_int_equal(standing.estimated_units, 1); /* those that never reported have nothing to go by */
  assert_true(standing.missing_units > 1);
  assert_true(standing.weakest.coverage.weight == 30 && standing.weakest.coverage.weight_reported == 20);
  target.least_coverage = 66;
  assert_false(evaluate(world, &target).too_little);
  target.direction = DIRECTION_AT_LEAST;
  target.value = 1;
  standing = evaluate(world, &target);
  assert_false(standing.too_little);
  target_standing_clear(&standing);
  target.least_coverage = 67;
  standing = evaluate(world, &target);
  assert_true(standing.measurable && standing.too_little && !standing.reached);
  assert_int_equal(standing.status, TARGET_NOT_MEASURABLE);
  target_standing_clear(&standing);
}

/* A loss has no growth that could be multiplied with. */
static void a_sum_of_losses_is_no_base_of_an_estimate(void **state)
{
  struct world *world = *state;
  struct term terms[2];
  struct target target = make_monthly(world, TARGET_VALUE, terms, "month_0", "month_0");
  for (uint8_t month = 1; month <= 5; month++) {
    if (month < 5) put_value(world, "form_0", (struct period){2018, month, 1}, 0, X_MONTH, 10);
    put_value(world, "form_0", (struct period){2018, month, 1}, 2, X_MONTH, month < 5 ? -20 : 30);
  }
  finish(world);
  struct target_standing standing = evaluate(world, &target);
  assert_true(standing.measurable && !standing.estimated);
  assert_int_equal(standing.estimated_units, 0);
  assert_true(standing.missing_units > 1);
  target_standing_clear(&standing);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(what_nobody_reported_is_named),
      TEST(a_missing_base_of_growth_is_named_by_its_own_year),
      TEST(a_base_of_some_months_is_no_base),
      TEST(the_stored_year_is_the_base_where_the_form_tells_some_months_of_it),
      TEST(a_sum_without_one_of_its_months_is_no_standing),
      TEST(both_sides_are_of_the_same_months),
      TEST(a_negative_denominator_turns_the_sign),
      TEST(a_zero_denominator_is_no_standing),
      TEST(growth_without_a_positive_base_is_told_in_words),
      TEST(growth_is_exact_and_compared_unrounded),
      TEST(each_direction_has_its_own_bound),
      TEST(the_bound_itself_is_reached_but_not_exceeded),
      TEST(a_stage_goes_before_the_plan_s_own_value),
      TEST(terms_add_before_anything_else),
      TEST(a_part_takes_its_own_terms_and_keeps_those_of_others),
      TEST(a_part_has_a_sense_only_where_the_catalogue_says_so),
      TEST(the_annual_figure_replaces_the_months_and_the_difference_is_told),
      TEST(what_is_missing_is_estimated_beside_the_standing),
      TEST(a_sum_of_losses_is_no_base_of_an_estimate),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

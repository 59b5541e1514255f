/* Scorecards: points, ranks, and a whole card over a store. */
#include "aggregator/statistics/assess.h"

#include "assessed.h"

/* --- points of one item --- */

#define AREAS 4

struct points_case {
  struct fraction value[AREAS]; /* lower 0: not known */
  int64_t points[AREAS];
};

/* Lines of one item of weight 10.00; the points that come out. */
static void assert_points(const struct score_item *item, const struct points_case *of)
{
  struct assess_line line[AREAS], *lines[AREAS];
  for (size_t n = 0; n < AREAS; n++) {
    line[n] = (struct assess_line){
        .weight = 1000, .points = 7, .value = {.known = of->value[n].lower > 0, .value = of->value[n]}};
    lines[n] = &line[n];
  }
  assess_points(item, lines, AREAS);
  for (size_t n = 0; n < AREAS; n++) assert_int_equal(line[n].points, of->points[n]);
}

#define NOT_KNOWN                                                                                            \
  {                                                                                                          \
    0, 0                                                                                                     \
  }

static void linear_points_are_between_none_and_all(void **state)
{
  (void)state;
  static const struct score_item rising = {
      .asked.decimals = 1, .points = POINTS_LINEAR, .none_at = 100, .full_at = 400};
  static const struct score_item falling = {
      .asked.decimals = 1, .points = POINTS_LINEAR, .none_at = 400, .full_at = 100};
  static const struct score_item through_zero = {
      .asked.decimals = 0, .points = POINTS_LINEAR, .none_at = -3, .full_at = 3};
  static const struct points_case cases[] = {
      {{{10, 1}, {40, 1}, {25, 1}, NOT_KNOWN}, {0, 1000, 500, 0}},
      {{{-7, 1}, {41, 1}, {20, 1}, {0, 1}}, {0, 1000, 333, 0}},
      {{{3001, 300}, {11999, 300}, {20, 2}, NOT_KNOWN}, {0, 1000, 0, 0}}, /* 0.11 and 999.9 hundredths */
      {{{20003, 2000}, {20001, 2000}, {30, 1}, {39997, 1000}}, {0, 0, 667, 1000}},
  };
  for (size_t n = 0; n < G_N_ELEMENTS(cases); n++) {
    struct points_case turned = cases[n];
    assert_points(&rising, &cases[n]);
    for (size_t a = 0; a < AREAS; a++) /* 50 − x is as far from 40 as x is from 10 */
      turned.value[a].upper = 50 * turned.value[a].lower - turned.value[a].upper;
    assert_points(&falling, &turned);
  }
  assert_points(&through_zero,
                &(struct points_case){{{-4, 1}, {-1, 1}, {0, 1}, {9, 1}}, {0, 333, 500, 1000}});
}

static void halves_of_a_hundredth_are_rounded_away_from_zero(void **state)
{
  (void)state;
  static const struct score_item item = {.points = POINTS_LINEAR, .none_at = 0, .full_at = 1000};
  assert_points(&item, &(struct points_case){{{1, 2}, {3, 2}, {49, 100}, {999, 1}}, {1, 2, 0, 999}});
}

static void relative_points_go_from_the_worst_to_the_best_that_is_known(void **state)
{
  (void)state;
  static const struct score_item highest = {.points = POINTS_RELATIVE};
  static const struct score_item lowest = {.points = POINTS_RELATIVE, .lowest_is_best = true};
  static const struct {
    bool lowest;
    struct points_case points;
  } cases[] = {
      {false, {{{2, 1}, {4, 1}, {3, 1}, NOT_KNOWN}, {0, 1000, 500, 0}}},
      {true, {{{2, 1}, {4, 1}, {3, 1}, NOT_KNOWN}, {1000, 0, 500, 0}}},
      {false, {{{-5, 1}, {-1, 1}, {0, 1}, {-4, 1}}, {0, 800, 1000, 200}}},
      {false, {{{1, 3}, {1, 2}, {2, 6}, {5, 12}}, {0, 1000, 0, 500}}},
      {false, {{{7, 1}, {7, 1}, {14, 2}, {7, 1}}, {1000, 1000, 1000, 1000}}}, /* all equal */
      {true, {{{0, 1}, {0, 5}, NOT_KNOWN, NOT_KNOWN}, {1000, 1000, 0, 0}}},
      {false, {{NOT_KNOWN, NOT_KNOWN, {3, 1}, NOT_KNOWN}, {0, 0, 1000, 0}}}, /* one alone */
      {false, {{NOT_KNOWN, NOT_KNOWN, NOT_KNOWN, NOT_KNOWN}, {0, 0, 0, 0}}},
  };
  for (size_t n = 0; n < G_N_ELEMENTS(cases); n++)
    assert_points(cases[n].lowest ? &lowest : &highest, &cases[n].points);
}

static void the_basis_names_the_first_of_the_best(void **state)
{
  (void)state;
  static const struct score_item lowest = {.points = POINTS_RELATIVE, .lowest_is_best = true};
  struct assess_line line[] = {{.value = {.known = true, .value = {9, 1}}},
                               {.value = {.known = true, .value = {2, 1}}},
                               {.value = {.known = true, .value = {2, 1}}}};
  struct assess_line *lines[] = {&line[0], &line[1], &line[2]};
  assess_points(&lowest, lines, 3);
  assert_true(line[0].has_basis && line[0].none_at.upper == 9 && line[0].full_at.upper == 2);
  assert_int_equal(line[0].best, 1);
  line[1].value.known = line[2].value.known = line[0].value.known = false;
  assess_points(&lowest, lines, 3);
  assert_false(line[0].has_basis);
}

static void what_does_not_fit_is_said_and_has_no_points(void **state)
{
  (void)state;
  static const struct score_item item = {.points = POINTS_RELATIVE};
  int128 large = decimal_power10(37);
  struct assess_line line[] = {{.weight = 1000, .value = {.known = true, .value = {1, large + 1}}},
                               {.weight = 1000, .value = {.known = true, .value = {1, large + 3}}}};
  struct assess_line *lines[] = {&line[0], &line[1]};
  assess_points(&item, lines, 2);
  for (size_t n = 0; n < 2; n++) {
    assert_false(line[n].value.known);
    assert_int_equal(line[n].points, 0);
    assert_string_equal(line[n].value.why_not, "the numbers are too large for an exact answer");
    g_free(line[n].value.why_not);
  }
}

static void equals_share_a_rank(void **state)
{
  (void)state;
  static const struct {
    int64_t points[AREAS];
    unsigned ranks[AREAS];
  } cases[] = {
      {{30, 20, 20, 10}, {1, 2, 2, 4}},
      {{10, 20, 30, 40}, {4, 3, 2, 1}},
      {{5, 5, 5, 5}, {1, 1, 1, 1}},
      {{0, 7, 0, 7}, {3, 1, 3, 1}},
  };
  for (size_t n = 0; n < G_N_ELEMENTS(cases); n++) {
    struct assess_line line[AREAS], *lines[AREAS];
    for (size_t a = 0; a < AREAS; a++) {
      line[a] = (struct assess_line){.points = cases[n].points[a]};
      lines[a] = &line[a];
    }
    assess_ranks(lines, AREAS);
    for (size_t a = 0; a < AREAS; a++) assert_int_equal(line[a].rank, cases[n].ranks[a]);
  }
}

/* --- a whole card --- */

static struct assessment assess_year(struct assessed *world, int year)
{
  g_autoptr(GError) error = NULL;
  struct assessment assessment;
  if (!assess(world->reader, world->catalogue, world->catalogue->scorecards, year, &assessment, &error))
    fail_msg("%s", error->message);
  return assessment;
}

/* share, of-zone, staff, safety of the areas east, west, south; and their whole. */
static void assert_card(struct assessed *world, int year, const int64_t points[3][4], const int64_t whole[3],
                        const unsigned ranks[3])
{
  static const size_t items[] = {2, 3, 5, 6};
  struct assessment assessment = assess_year(world, year);
  assert_int_equal(assessment.line_count, 7);
  for (size_t area = 0; area < 3; area++) {
    for (size_t n = 0; n < 4; n++)
      assert_int_equal(assessment_line(&assessment, area, items[n])->points, points[area][n]);
    assert_int_equal(assessment_line(&assessment, area, 1)->points, points[area][0] + points[area][1]);
    assert_int_equal(assessment_line(&assessment, area, 4)->points, points[area][2] + points[area][3]);
    assert_int_equal(assessment_line(&assessment, area, 0)->points, whole[area]);
    assert_int_equal(assessment_line(&assessment, area, 0)->rank, ranks[area]);
  }
  assessment_clear(&assessment);
}

static void a_card_without_a_report_ranks_nobody(void **state)
{
  struct assessed *world = *state;
  assessed_finish(world);
  struct assessment assessment = assess_year(world, 2018);
  int year;
  assert_false(assessment.known);
  for (size_t n = 0; n < assessment.line_count; n++)
    assert_int_equal(assessment_line(&assessment, 1, n)->rank, 0);
  assert_non_null(strstr(assessment_line(&assessment, 0, 2)->value.why_not, "nobody has reported"));
  assert_false(assess_last_year(world->reader, world->catalogue->scorecards, &year));
  assessment_clear(&assessment);
}

static void a_card_adds_up_and_ranks_and_says_what_is_not_reported(void **state)
{
  struct assessed *world = *state;
  int year;
  /* Output, staff, incidents. e1 and w1 are emerging. */
  assessed_put(world, "yearly", 2018, "e1", (int64_t[]){30, 10, 4}, 3); /* east: 30 of 120 is 25 % */
  assessed_put(world, "yearly", 2018, "e2", (int64_t[]){90, 20, 0}, 3);
  assessed_put(world, "yearly", 2018, "w1", (int64_t[]){60, 90, 0},
               2); /* west: all of it, incidents unknown */
  assessed_put(world, "yearly", 2018, "s1", (int64_t[]){20, 60, 2}, 3); /* south: nobody is emerging */
  assessed_finish(world);
  /* of the zone's 200: 60, 30 and 10 % */
  static const int64_t points[3][4] = {{1775, 2450, 0, 0}, {3550, 980, 3000, 0}, {0, 0, 1500, 1000}};
  assert_card(world, 2018, points, (const int64_t[]){4225, 7530, 2500}, (const unsigned[]){2, 1, 3});

  struct assessment assessment = assess_year(world, 2018);
  const struct assess_line *share = assessment_line(&assessment, 0, 2);
  assert_true(share->value.known && share->value.value.upper == 25 && share->value.value.lower == 1);
  assert_false(assessment_line(&assessment, 1, 6)->value.known);
  const struct assess_line *of_zone = assessment_line(&assessment, 0, 3);
  assert_int_equal(of_zone->best, 0);
  assert_int_equal(of_zone->value.reported, 2); /* two of three of east, as of the zone four of six */
  assert_int_equal(of_zone->value.expected, 3);
  of_zone = assessment_line(&assessment, 2, 3); /* all of south, but of the denominator not all */
  assert_int_equal(of_zone->value.reported, 4);
  assert_int_equal(of_zone->value.expected, 6);
  assert_true(assess_last_year(world->reader, world->catalogue->scorecards, &year));
  assert_int_equal(year, 2018);
  assessment_clear(&assessment);
  assessment = assess_year(world, 2017);
  assert_false(assessment.known);
  assessment_clear(&assessment);
}

static void a_zero_denominator_is_no_value_and_a_negative_one_turns_the_sign(void **state)
{
  struct assessed *world = *state;
  assessed_put(world, "yearly", 2018, "e1", (int64_t[]){30, 10, 4}, 3);
  assessed_put(world, "yearly", 2018, "e2", (int64_t[]){-30, 20, 4}, 3);
  assessed_put(world, "yearly", 2018, "w1", (int64_t[]){60, 90, 4}, 3);
  assessed_put(world, "yearly", 2018, "w2", (int64_t[]){-160, 90, 4}, 3);
  assessed_finish(world);
  struct assessment assessment = assess_year(world, 2018);
  assert_string_equal(assessment_line(&assessment, 0, 2)->value.why_not,
                      "Output is zero, and nothing can be divided by it");
  const struct assess_line *west = assessment_line(&assessment, 1, 2);
  assert_true(west->value.known && west->value.value.upper == -60 && west->value.value.lower == 1);
  assert_int_equal(west->points, 0);
  assessment_clear(&assessment);
}

static void a_slice_of_nobody_is_left_out_of_a_sum_of_several(void **state)
{
  struct assessed *world = *state;
  assessed_put(world, "yearly", 2018, "s1", (int64_t[]){20, 60, 2}, 3);
  assessed_put(world, "yearly", 2018, "e1", (int64_t[]){20, 60, 2}, 3);
  assessed_finish(world);
  struct score_item item = world->catalogue->scorecards->dimensions[0].items[0];
  struct term terms[] = {{item.asked.numerator[0].indicator, CATALOGUE_NONE, item.asked.numerator[0].slice},
                         {item.asked.numerator[0].indicator, CATALOGUE_NONE, 0}};
  item.asked.numerator = terms;
  item.asked.numerator_count = 2;
  struct score_dimension dimension = {.items = &item, .item_count = 1, .weight = item.weight};
  struct scorecard card = *world->catalogue->scorecards;
  card.dimensions = &dimension;
  card.dimension_count = 1;
  g_autoptr(GError) error = NULL;
  struct assessment assessment;
  assert_true(assess(world->reader, world->catalogue, &card, 2018, &assessment, &error));
  const struct assess_line *south = assessment_line(&assessment, 2, 2),
                           *west = assessment_line(&assessment, 1, 2);
  assert_true(south->value.known && south->value.value.upper == 100 && south->value.value.lower == 1);
  assert_true(assessment_line(&assessment, 0, 2)->value.value.upper == 200); /* e1 is in both */
  assert_false(west->value.known); /* w1 is emerging, and has not reported */
  assessment_clear(&assessment);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(linear_points_are_between_none_and_all),
      cmocka_unit_test(halves_of_a_hundredth_are_rounded_away_from_zero),
      cmocka_unit_test(relative_points_go_from_the_worst_to_the_best_that_is_known),
      cmocka_unit_test(the_basis_names_the_first_of_the_best),
      cmocka_unit_test(what_does_not_fit_is_said_and_has_no_points),
      cmocka_unit_test(equals_share_a_rank),
      cmocka_unit_test_setup_teardown(a_card_without_a_report_ranks_nobody, assessed_set_up,
                                      assessed_tear_down),
      cmocka_unit_test_setup_teardown(a_card_adds_up_and_ranks_and_says_what_is_not_reported, assessed_set_up,
                                      assessed_tear_down),
      cmocka_unit_test_setup_teardown(a_zero_denominator_is_no_value_and_a_negative_one_turns_the_sign,
                                      assessed_set_up, assessed_tear_down),
      cmocka_unit_test_setup_teardown(a_slice_of_nobody_is_left_out_of_a_sum_of_several, assessed_set_up,
                                      assessed_tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

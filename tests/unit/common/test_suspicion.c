#include "common/suspicion.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { X, X_YTD, X_LY, X_YTD_LY, Y, POWER, STAFF };   /* of the form "monthly" */
enum { PROFIT_YTD, PROFIT_YTD_LY, REVENUE_YTD, OLD }; /* of "finance" */

static const char text[] =
    "format: 1\ncatalogue: c\nzh: 区\nen: zone\ntimezone: UTC\n"
    "measures:\n  元:\n  千元: {base: 元, factor: 1000}\n  千瓦时:\n  人:\n"
    "areas:\n  east: {zh: 东, en: east, reports: true}\n"
    "classes:\n  enterprise: {zh: 法人, en: enterprise, ids: uscc}\n"
    "statuses:\n  正常: {zh: 正常, en: operating, expected: true}\n"
    "slices:\n  all: {zh: 全部, en: all}\n"
    "indicators:\n"
    "  x: {zh: 甲, en: x, measure: 千元, kind: flow, basis: both}\n"
    "  y: {zh: 乙, en: y, measure: 元, decimals: 2, kind: flow, basis: month}\n"
    "  power: {zh: 电, en: power, measure: 千瓦时, kind: flow, basis: month}\n"
    "  staff: {zh: 人, en: staff, measure: 人, kind: stock}\n"
    "  profit: {zh: 利, en: profit, measure: 千元, kind: flow, basis: cumulative, negative: true}\n"
    "  revenue: {zh: 收, en: revenue, measure: 千元, kind: flow, basis: cumulative}\n"
    "  old: {zh: 旧, en: old, measure: 千元, kind: stock}\n"
    "forms:\n"
    "  monthly: {zh: 月, en: monthly, number: 1, issuer: 局, approval: 1, legal_basis: statistical,\n"
    "    filled_by: park, every: month, january: joint, classes: [enterprise], columns: [{column: x},\n"
    "    {column: x.ytd}, {column: x.ly}, {column: x.ytd_ly}, {column: y}, {column: power}, {column: "
    "staff}]}\n"
    "  finance: {zh: 财, en: finance, number: 2, issuer: 局, approval: 1, legal_basis: statistical,\n"
    "    filled_by: park, every: month, january: exempt, classes: [enterprise], columns: [{column: "
    "profit.ytd},\n"
    "    {column: profit.ytd_ly}, {column: revenue.ytd}, {column: old, retired: true}]}\n";

static struct catalogue *catalogue;

/* A report and what was before it, in figures of its own. */
struct scene {
  struct suspicion_facts facts;
  struct figures now, past[LIMIT_HISTORY_PERIODS];
};

static void scene_init(struct scene *scene, const char *form, int year, unsigned month, unsigned months)
{
  struct period period = {(int16_t)year, (uint8_t)month, (uint8_t)months};
  memset(scene, 0, sizeof *scene);
  suspicion_facts_init(&scene->facts, catalogue, catalogue_form(catalogue, form), period);
  scene->facts.now = &scene->now;
}

/* So many periods before; from 1. */
static void before(struct scene *scene, size_t periods, unsigned column, int64_t value)
{
  figures_set(&scene->past[periods - 1], column, value);
  scene->facts.past[periods - 1].figures = &scene->past[periods - 1];
}

/* The same figure in each of the last `count` periods. */
static void steady(struct scene *scene, size_t count, unsigned column, int64_t value)
{
  for (size_t i = 1; i <= count; i++) before(scene, i, column, value);
}

/* "figure.slip 0 10000 ≈ 1000 (×10); …", of all that is suspected. */
static char *suspicions(const struct scene *scene)
{
  GString *all = g_string_new(NULL);
  struct suspicion suspicion;
  for (size_t next = 0; suspicion_next(&scene->facts, &next, &suspicion);)
    g_string_append_printf(all, "%s%s %d %s %s", all->len ? "; " : "", finding_id(suspicion.code),
                           suspicion.column, suspicion.found, suspicion.expected);
  return g_string_free(all, FALSE);
}

static void assert_suspicions(const struct scene *scene, const char *expected)
{
  g_autofree char *found = suspicions(scene);
  assert_string_equal(found, expected);
}

/* --- slip --- */

static void a_slip_is_a_ratio_near_ten_or_a_thousand(void **state)
{
  (void)state;
  static const struct {
    int64_t now;
    const char *expected;
  } cases[] = {
      {499999, "figure.outlier 6 499999 50000 to 150000"}, /* 4.99999 times */
      {500000, "figure.slip 6 500000 ≈ 100000 (×10)"},     /* 5 */
      {2000000, "figure.slip 6 2000000 ≈ 100000 (×10)"},   /* 20 */
      {2000001, "figure.outlier 6 2000001 50000 to 150000"},
      {49999999, "figure.outlier 6 49999999 50000 to 150000"},
      {50000000, "figure.slip 6 50000000 ≈ 100000 (×1000)"},
      {200000000, "figure.slip 6 200000000 ≈ 100000 (×1000)"},
      {200000001, "figure.outlier 6 200000001 50000 to 150000"},
      {20001, "figure.outlier 6 20001 50000 to 150000"},
      {20000, "figure.slip 6 20000 ≈ 100000 (÷10)"},
      {5000, "figure.slip 6 5000 ≈ 100000 (÷10)"},
      {4999, "figure.outlier 6 4999 50000 to 150000"},
      {200, "figure.slip 6 200 ≈ 100000 (÷1000)"},
      {50, "figure.slip 6 50 ≈ 100000 (÷1000)"},
      {49, "figure.outlier 6 49 50000 to 150000"},
      {0, "figure.outlier 6 0 50000 to 150000"},
      {150000, ""},
      {150001, "figure.outlier 6 150001 50000 to 150000"},
      {50000, ""},
      {100000, ""},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    struct scene scene;
    scene_init(&scene, "monthly", 2018, 8, 1);
    steady(&scene, 7, STAFF, 100000);
    figures_set(&scene.now, STAFF, cases[i].now);
    assert_suspicions(&scene, cases[i].expected);
  }
}

static void a_short_or_unsteady_history_knows_no_slip(void **state)
{
  (void)state;
  struct scene scene;
  scene_init(&scene, "monthly", 2018, 8, 1);
  figures_set(&scene.now, STAFF, 10000);
  assert_suspicions(&scene, ""); /* none at all */
  steady(&scene, 2, STAFF, 1000);
  before(&scene, 3, STAFF, 0); /* is none to divide by */
  assert_suspicions(&scene, "");
  before(&scene, 5, STAFF, 1000); /* the third; of the fourth period before nothing is known */
  assert_suspicions(&scene, "figure.slip 6 10000 ≈ 1000 (×10)");
  before(&scene, 5, STAFF, 3001);
  assert_suspicions(&scene, ""); /* one of three strays */
  before(&scene, 5, STAFF, 3000);
  assert_suspicions(&scene, "figure.slip 6 10000 ≈ 1000 (×10)");
  before(&scene, 4, STAFF, 10000); /* one of four may: a slip of before */
  before(&scene, 5, STAFF, 1000);
  assert_suspicions(&scene, "figure.slip 6 10000 ≈ 1000 (×10)");
}

static void small_numbers_do_not_slip(void **state)
{
  (void)state;
  struct scene scene;
  scene_init(&scene, "monthly", 2018, 8, 1);
  steady(&scene, 8, STAFF, 1);
  figures_set(&scene.now, STAFF, 10);
  assert_suspicions(&scene, "");
  figures_set(&scene.now, STAFF, 11);
  assert_suspicions(&scene, "figure.slip 6 11 ≈ 1 (×10)");
  steady(&scene, 8, STAFF, 5);
  figures_set(&scene.now, STAFF, 15);
  assert_suspicions(&scene, "");
  figures_set(&scene.now, STAFF, 16);
  assert_suspicions(&scene, "figure.outlier 6 16 0 to 15"); /* a bound is within the indicator's range */
  steady(&scene, 8, Y, 100); /* 1.00: trifles go by the measure, not by the decimals */
  figures_set(&scene.now, Y, 1000);
  assert_suspicions(&scene, "figure.outlier 6 16 0 to 15");
}

static void a_sheet_in_another_measure_is_one_finding(void **state)
{
  (void)state;
  struct scene scene;
  scene_init(&scene, "monthly", 2018, 8, 1);
  for (size_t i = 1; i <= 6; i++) {
    before(&scene, i, X, 1000);
    before(&scene, i, X_YTD, (int64_t)(8 - i) * 1000);
    before(&scene, i, Y, 500000); /* 元, of one base with 千元 */
    before(&scene, i, POWER, 70000);
  }
  before(&scene, 11, X, 1100);
  before(&scene, 11, X_YTD, 8800);
  figures_set(&scene.now, X, 10000);
  figures_set(&scene.now, X_YTD, 80000);
  figures_set(&scene.now, X_LY, 11000);
  figures_set(&scene.now, X_YTD_LY, 88000);
  figures_set(&scene.now, Y, 5000000);
  figures_set(&scene.now, POWER, 70000);
  assert_suspicions(&scene, "figure.slip 0 10000 ≈ 1000 (×10)");
  figures_set(&scene.now, POWER, 700000); /* no money */
  assert_suspicions(&scene, "figure.slip 0 10000 ≈ 1000 (×10); figure.slip 5 700000 ≈ 70000 (×10)");
  figures_set(&scene.now, Y, 500000000); /* by another factor */
  assert_suspicions(&scene, "figure.slip 0 10000 ≈ 1000 (×10); figure.slip 4 5000000.00 ≈ 5000.00 (×1000); "
                            "figure.slip 5 700000 ≈ 70000 (×10)");
  figures_set(&scene.now, X_YTD, 8000); /* which does not conserve because of the slip */
  figures_set(&scene.now, Y, 500000);
  figures_set(&scene.now, POWER, 70000);
  assert_suspicions(&scene, "figure.slip 0 10000 ≈ 1000 (×10)");
  figures_set(&scene.now, X, 1000);
  figures_set(&scene.now, X_YTD, 80000); /* alone */
  figures_set(&scene.now, Y, 500000);
  figures_set(&scene.now, POWER, 70000);
  assert_suspicions(&scene, "figure.slip 1 80000 ≈ 8000 (×10)");
}

static void a_cumulative_column_slips_by_its_months(void **state)
{
  (void)state;
  struct scene scene;
  scene_init(&scene, "finance", 2018, 5, 1);
  before(&scene, 1, REVENUE_YTD, 4000);  /* January to April */
  before(&scene, 4, REVENUE_YTD, 12000); /* to December */
  before(&scene, 6, REVENUE_YTD, 10000);
  figures_set(&scene.now, REVENUE_YTD, 50000);
  assert_suspicions(&scene, "figure.slip 2 50000 ≈ 5000 (×10)");
  figures_set(&scene.now, REVENUE_YTD, 5000);
  assert_suspicions(&scene, "");
}

static void two_months_together_are_compared_by_the_month(void **state)
{
  (void)state;
  struct scene scene;
  scene_init(&scene, "monthly", 2018, 1, 2);
  steady(&scene, 8, Y, 100000);
  figures_set(&scene.now, Y, 200000);
  assert_suspicions(&scene, "");
  figures_set(&scene.now, Y, 300001);
  assert_suspicions(&scene, "figure.outlier 4 3000.01 1000.00 to 3000.00");
  figures_set(&scene.now, Y, 1000000);
  assert_suspicions(&scene, "figure.slip 4 10000.00 ≈ 2000.00 (×10)");
  scene_init(&scene, "monthly", 2018, 3, 1);
  before(&scene, 1, Y, 200000);
  before(&scene, 2, Y, 100000);
  before(&scene, 3, Y, 100000);
  figures_set(&scene.now, Y, 100000);
  assert_suspicions(&scene, "");
}

/* --- outlier --- */

static void an_outlier_is_far_by_median_deviation(void **state)
{
  (void)state;
  static const int64_t history[] = {1000, 1300, 700, 1600, 400, 1200, 800}; /* median 1000, deviation 300 */
  struct scene scene;
  scene_init(&scene, "monthly", 2018, 10, 1);
  for (size_t i = 0; i < 5; i++) before(&scene, i + 1, STAFF, history[i]);
  figures_set(&scene.now, STAFF, 3000);
  assert_suspicions(&scene, ""); /* five are too few */
  for (size_t i = 5; i < G_N_ELEMENTS(history); i++) before(&scene, i + 1, STAFF, history[i]);
  figures_set(&scene.now, STAFF, 2500);
  assert_suspicions(&scene, "");
  figures_set(&scene.now, STAFF, 2501);
  assert_suspicions(&scene, "figure.outlier 6 2501 0 to 2500");
}

static void of_an_even_number_the_median_lies_between_the_two_in_the_middle(void **state)
{
  (void)state;
  struct scene scene;
  scene_init(&scene, "monthly", 2018, 10, 1);
  for (size_t i = 1; i <= 6; i++) before(&scene, i, STAFF, i % 2 ? 660 : 670);
  figures_set(&scene.now, STAFF, 997);
  assert_suspicions(&scene, "");
  figures_set(&scene.now, STAFF, 998); /* more than half away from 665, though half of them are near */
  assert_suspicions(&scene, "figure.outlier 6 998 333 to 998"); /* 997.5, shown as a figure */
}

static void nothing_is_far_from_a_median_of_zero(void **state)
{
  (void)state;
  struct scene scene;
  scene_init(&scene, "monthly", 2018, 8, 1);
  steady(&scene, 8, STAFF, 0);
  figures_set(&scene.now, STAFF, 5000);
  assert_suspicions(&scene, "");
}

/* --- cumulative --- */

static void a_cumulative_figure_is_the_last_one_and_the_month(void **state)
{
  (void)state;
  static const struct {
    unsigned month, months;
    int64_t last_ytd; /* −1: a gap */
    int64_t now, now_ytd;
    const char *expected;
  } cases[] = {
      {5, 1, 4000, 1000, 5000, ""},
      {5, 1, 4000, 1000, 5001, ""}, /* rounded */
      {5, 1, 4000, 1000, 4999, ""},
      {5, 1, 4000, 1000, 5002, "figure.unconserved 1 5002 = 5000"},
      {5, 1, 4000, 1000, 4998, "figure.unconserved 1 4998 = 5000"},
      {5, 1, -1, 1000, 4998, ""}, /* a gap, or the unit entered within the year */
      {3, 1, 2000, 1000, 3100, "figure.unconserved 1 3100 = 3000"}, /* after January and February together */
      {1, 2, 12000, 2000, 2000, ""},                                /* the year before is over */
      {1, 2, -1, 2000, 2001, ""},
      {1, 2, -1, 2000, 2500, "figure.unconserved 1 2500 = 2000"},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    struct scene scene;
    scene_init(&scene, "monthly", 2018, cases[i].month, cases[i].months);
    if (cases[i].last_ytd >= 0) before(&scene, 1, X_YTD, cases[i].last_ytd);
    figures_set(&scene.now, X, cases[i].now);
    figures_set(&scene.now, X_YTD, cases[i].now_ytd);
    assert_suspicions(&scene, cases[i].expected);
    scene.now.present = (struct column_set){0};
    figures_set(&scene.now, X_YTD, cases[i].now_ytd);
    assert_suspicions(&scene, ""); /* without a month */
  }
}

static void where_january_is_exempt_the_first_period_says_nothing_of_it(void **state)
{
  (void)state;
  struct scene scene;
  scene_init(&scene, "finance", 2018, 2, 1);
  before(&scene, 1, REVENUE_YTD, 12000); /* December */
  figures_set(&scene.now, REVENUE_YTD, 2000);
  assert_suspicions(&scene, "");
  scene_init(&scene, "finance", 2018, 3, 1);
  before(&scene, 1, REVENUE_YTD, 3000);
  figures_set(&scene.now, REVENUE_YTD, 3000);
  assert_suspicions(&scene, "");
  figures_set(&scene.now, REVENUE_YTD, 2999);
  assert_suspicions(&scene, "figure.sign 2 2999 ≥ 3000");
  before(&scene, 1, PROFIT_YTD, 3000); /* may be negative, so it may fall */
  figures_set(&scene.now, PROFIT_YTD, 2000);
  assert_suspicions(&scene, "figure.sign 2 2999 ≥ 3000");
}

/* --- last year --- */

static void last_years_columns_are_compared_with_what_was_reported(void **state)
{
  (void)state;
  struct scene scene;
  scene_init(&scene, "monthly", 2018, 5, 1);
  figures_set(&scene.now, X_LY, 900);
  figures_set(&scene.now, X_YTD_LY, 4400);
  assert_suspicions(&scene, "");
  before(&scene, 11, X, 900); /* January and February are one period */
  before(&scene, 11, X_YTD, 4400);
  assert_suspicions(&scene, "");
  before(&scene, 11, X, 901);
  before(&scene, 11, X_YTD, 4399);
  assert_suspicions(&scene, "figure.last-year 2 900 = 901; figure.last-year 3 4400 = 4399");
  before(&scene, 10, X, 900);
  scene.facts.past[10].figures = NULL;
  assert_suspicions(&scene, "");
}

/* --- sign --- */

static void a_turn_to_loss_is_said_where_all_were_profits(void **state)
{
  (void)state;
  struct scene scene;
  scene_init(&scene, "finance", 2018, 7, 1);
  for (size_t i = 1; i <= 5; i++) before(&scene, i, PROFIT_YTD, (int64_t)(7 - i) * 100);
  figures_set(&scene.now, PROFIT_YTD, -700);
  assert_suspicions(&scene, ""); /* five are too few */
  before(&scene, 6, PROFIT_YTD, 1200);
  assert_suspicions(&scene, "figure.sign 0 -700 > 0");
  figures_set(&scene.now, PROFIT_YTD, -141); /* more than a fifth of 700 */
  assert_suspicions(&scene, "figure.sign 0 -141 > 0");
  figures_set(&scene.now, PROFIT_YTD, -140);
  assert_suspicions(&scene, "figure.slip 0 -140 ≈ -700 (÷10)");
  figures_set(&scene.now, PROFIT_YTD, -34); /* a trifle of it */
  assert_suspicions(&scene, "figure.outlier 0 -34 350 to 1050");
  figures_set(&scene.now, PROFIT_YTD, -7000); /* a slip besides */
  assert_suspicions(&scene, "figure.slip 0 -7000 ≈ -700 (×10)");
}

static void a_history_of_losses_is_as_good(void **state)
{
  (void)state;
  struct scene scene;
  scene_init(&scene, "finance", 2018, 8, 1);
  for (size_t i = 1; i <= 6; i++) before(&scene, i, PROFIT_YTD, (int64_t)(8 - i) * -100);
  figures_set(&scene.now, PROFIT_YTD, -800);
  assert_suspicions(&scene, "");
  figures_set(&scene.now, PROFIT_YTD, -2000);
  assert_suspicions(&scene, "figure.outlier 0 -2000 -1200 to -400");
  figures_set(&scene.now, PROFIT_YTD, -80);
  assert_suspicions(&scene, "figure.slip 0 -80 ≈ -800 (÷10)");
  figures_set(&scene.now, PROFIT_YTD, 800);
  assert_suspicions(&scene, "figure.sign 0 800 < 0");
  before(&scene, 7, PROFIT_YTD, 1200); /* it has had both signs */
  assert_suspicions(&scene, "figure.outlier 0 800 -1200 to -400");
}

static void a_retired_column_is_not_looked_at(void **state)
{
  (void)state;
  struct scene scene;
  scene_init(&scene, "finance", 2018, 8, 1);
  steady(&scene, 6, OLD, 1000);
  figures_set(&scene.now, OLD, 10000);
  assert_suspicions(&scene, "");
}

static void the_largest_figures_do_no_harm(void **state)
{
  (void)state;
  static const int64_t extremes[] = {LIMIT_FIGURE, -LIMIT_FIGURE, 0, 1, -1};
  struct scene scene;
  for (size_t i = 0; i < G_N_ELEMENTS(extremes); i++)
    for (size_t j = 0; j < G_N_ELEMENTS(extremes); j++) {
      scene_init(&scene, "finance", 2018, 3, 1);
      for (size_t n = 1; n <= LIMIT_HISTORY_PERIODS; n++)
        before(&scene, n, PROFIT_YTD, extremes[(i + n) % 5]);
      steady(&scene, 8, PROFIT_YTD, extremes[i]);
      figures_set(&scene.now, PROFIT_YTD, extremes[j]);
      figures_set(&scene.now, PROFIT_YTD_LY, extremes[j]);
      g_autofree char *found = suspicions(&scene);
      for (const char *p = found; *p; p++) assert_true((signed char)*p < 0 || *p >= ' ');
    }
}

/* --- at random --- */

static uint64_t seed;

static int64_t draw(int64_t from, int64_t to)
{
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return from + (int64_t)((seed >> 33) % (uint64_t)(to - from + 1));
}

/* A level with its season, give or take 30 %. */
static int64_t honest(int64_t level, unsigned month)
{
  static const int season[] = {70, 70, 90, 95, 100, 105, 100, 100, 105, 110, 115, 120};
  return level * season[month - 1] / 100 * draw(70, 130) / 100;
}

static void scaled_figures_are_found_and_honest_ones_are_not(void **state)
{
  (void)state;
  static const int factors[] = {10, 1000};
  const char *given = getenv("PARKTALLY_SEED");
  uint64_t first = seed = given ? strtoull(given, NULL, 10) : (uint64_t)g_get_real_time();
  printf("PARKTALLY_SEED=%" G_GUINT64_FORMAT "\n", first);
  for (int round = 0; round < 20000; round++) {
    struct scene scene;
    unsigned month = (unsigned)draw(3, 12);
    int64_t level = draw(100000, 100000000000);
    scene_init(&scene, "monthly", 2018, (int)month, 1);
    size_t count = (size_t)draw(SUSPICION_SLIP_LEAST, LIMIT_HISTORY_PERIODS);
    for (size_t i = 1; i <= count; i++) before(&scene, i, STAFF, level * draw(70, 130) / 100);
    int factor = factors[draw(0, 1)];
    bool up = draw(0, 1);
    int64_t now = level * draw(70, 130) / 100;
    figures_set(&scene.now, STAFF, up ? now * factor : now / factor);
    g_autofree char *found = suspicions(&scene),
                    *expected = g_strdup_printf("(%s%d)", up ? "×" : "÷", factor);
    if (!g_str_has_prefix(found, "figure.slip 6 ") || !g_str_has_suffix(found, expected))
      fail_msg("round %d: “%s”, expected a slip %s", round, found, expected);

    scene_init(&scene, "monthly", 2018, (int)month, 1);
    for (size_t i = 1; i <= count; i++) {
      struct period period = scene.facts.past[i - 1].period;
      before(&scene, i, STAFF, honest(level, period.month));
      before(&scene, i, Y, honest(level, period.month) * period.months);
    }
    figures_set(&scene.now, STAFF, honest(level, month));
    figures_set(&scene.now, Y, honest(level, month));
    g_autofree char *said = suspicions(&scene);
    if (strstr(said, "slip") || strstr(said, "sign"))
      fail_msg("round %d: “%s” of honest figures", round, said);
  }
}

static int set_up(void **state)
{
  (void)state;
  GError *error = NULL;
  catalogue = catalogue_compile("suspicion.yaml", text, strlen(text), &error);
  if (!catalogue) g_error("%s", error->message);
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  catalogue_unref(catalogue);
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_slip_is_a_ratio_near_ten_or_a_thousand),
      cmocka_unit_test(a_short_or_unsteady_history_knows_no_slip),
      cmocka_unit_test(small_numbers_do_not_slip),
      cmocka_unit_test(a_sheet_in_another_measure_is_one_finding),
      cmocka_unit_test(a_cumulative_column_slips_by_its_months),
      cmocka_unit_test(two_months_together_are_compared_by_the_month),
      cmocka_unit_test(an_outlier_is_far_by_median_deviation),
      cmocka_unit_test(of_an_even_number_the_median_lies_between_the_two_in_the_middle),
      cmocka_unit_test(nothing_is_far_from_a_median_of_zero),
      cmocka_unit_test(a_cumulative_figure_is_the_last_one_and_the_month),
      cmocka_unit_test(where_january_is_exempt_the_first_period_says_nothing_of_it),
      cmocka_unit_test(last_years_columns_are_compared_with_what_was_reported),
      cmocka_unit_test(a_turn_to_loss_is_said_where_all_were_profits),
      cmocka_unit_test(a_history_of_losses_is_as_good),
      cmocka_unit_test(a_retired_column_is_not_looked_at),
      cmocka_unit_test(the_largest_figures_do_no_harm),
      cmocka_unit_test(scaled_figures_are_found_and_honest_ones_are_not),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}

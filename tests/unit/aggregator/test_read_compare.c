/* Growth out of a store: the base period, what is comparable, and books that two threads share. */
#include "read_world.h"

static const struct period MAY = {2018, 5, 1}, MAY_BEFORE = {2017, 5, 1}, MAY_AFTER = {2019, 5, 1},
                           APRIL_AFTER = {2019, 4, 1};

static struct growth_base growth_of(struct world *world, const char *area, const char *indicator,
                                    struct period period, bool cumulative, bool previous)
{
  g_autoptr(GError) error = NULL;
  int of = catalogue_indicator(world->catalogue, indicator), place = catalogue_area(world->catalogue, area);
  struct total total;
  struct growth_base base;
  assert_true(reader_total(world->reader, place, 0, of, period, cumulative, &total, &error));
  if (!reader_growth(world->reader, place, 0, of, period, cumulative, previous, &total, &base, &error))
    fail_msg("%s", error->message);
  return base;
}

/* In place of the one in use. */
static void use_register(struct world *world, const char *csv)
{
  g_autoptr(GError) error = NULL;
  struct unit_register *units;
  if (!register_read_csv(world->catalogue, "test.csv", csv, strlen(csv), complain, NULL, &units, &error))
    fail_msg("%s", error->message);
  g_autoptr(GPtrArray) ids = g_ptr_array_new();
  for (size_t n = 0; n < register_size(units); n++) {
    store_version_put(world->place->store, register_nth(units, n));
    g_ptr_array_add(ids, (char *)register_nth(units, n)->unit);
  }
  tables_register_changed(world->tables, units, ids);
  register_unref(world->units);
  world->units = units;
}

static void nobody_has_no_growth(void **state)
{
  struct world *world = *state;
  finish(world);
  struct growth_base base = growth_of(world, "zone", "month_0", MAY, false, false);
  assert_false(base.usable || base.before.defined || base.comparable.defined ||
               base.comparable_before.defined);
  base = growth_of(world, "zone", "share", MAY, false, false);
  assert_false(base.usable || base.comparable.defined);
}

static void the_base_is_a_year_before_or_the_form_s_period_before(void **state)
{
  struct world *world = *state;
  finish(world);
  static const struct {
    const char *indicator;
    struct period period, before;
  } cases[] = {
      {"month_0", {2018, 1, 1}, {2017, 12, 1}}, {"month_0", {2018, 5, 1}, {2018, 4, 1}},
      {"month_1", {2018, 3, 1}, {2018, 1, 2}},  {"month_1", {2018, 1, 2}, {2017, 12, 1}},
      {"cum_2", {2018, 2, 1}, {2017, 12, 1}},   {"month_0", {2018, 4, 3}, {2018, 1, 3}},
      {"month_0", {2018, 1, 3}, {2017, 10, 3}}, {"wide", {2018, 1, 12}, {2017, 1, 12}},
      {"scaled", {2018, 1, 1}, {2017, 12, 1}},  {"share", {2018, 1, 2}, {2017, 12, 1}},
      {"big", {2018, 6, 1}, {2018, 5, 1}},
  };
  for (size_t n = 0; n < G_N_ELEMENTS(cases); n++) {
    int indicator = catalogue_indicator(world->catalogue, cases[n].indicator);
    struct period before = reader_base_period(world->reader, indicator, cases[n].period, true);
    char text[PERIOD_TEXT_SIZE];
    if (!period_equal(before, cases[n].before)) fail_msg("case %zu: %s", n, period_format(before, text));
    before = reader_base_period(world->reader, indicator, cases[n].period, false);
    assert_true(period_equal(before, period_last_year(cases[n].period)));
  }
}

static void two_months_are_no_base_of_one(void **state)
{
  struct world *world = *state;
  put_value(world, "form_1", (struct period){2018, 1, 2}, 0, X_MONTH, 100);
  put_value(world, "form_1", (struct period){2018, 3, 1}, 0, X_MONTH, 60);
  finish(world);
  struct growth_base base = growth_of(world, "zone", "month_1", (struct period){2018, 3, 1}, false, true);
  assert_true(base.before.defined && base.before.value == 100);
  assert_false(base.usable || base.comparable.defined);
}

static void a_stock_of_another_month_is_no_base(void **state)
{
  struct world *world = *state;
  const struct period year = {2018, 1, 12}, year_after = {2019, 1, 12};
  put_value(world, "form_0", (struct period){2018, 12, 1}, 0, X_STOCK, 100);
  put_value(world, "form_0", MAY, 0, X_STOCK, 100);
  put_value(world, "form_0", MAY_AFTER, 0, X_STOCK, 110);
  finish(world);
  struct growth_base base = growth_of(world, "zone", "stock_0", year_after, false, false);
  assert_true(base.before.defined);
  assert_false(base.usable || base.comparable.defined);
  base = growth_of(world, "zone", "stock_0", MAY_AFTER, false, false);
  assert_true(base.usable && base.comparable.value == 110 && base.comparable_before.value == 100);
  assert_false(growth_of(world, "zone", "stock_0", year, false, false).usable);
}

/* A unit whose cumulative figure has a gap has no month to compare. */
static void a_gap_in_cumulative_figures_leaves_nothing_to_compare(void **state)
{
  struct world *world = *state;
  for (int unit = 0; unit < 2; unit++) {
    put_value(world, "form_0", (struct period){2018, 4, 1}, unit, Y_CUMULATIVE, 100);
    put_value(world, "form_0", MAY, unit, Y_CUMULATIVE, 130);
    if (unit == 0) put_value(world, "form_0", APRIL_AFTER, unit, Y_CUMULATIVE, 110);
    put_value(world, "form_0", MAY_AFTER, unit, Y_CUMULATIVE, 150);
  }
  finish(world);
  struct growth_base zone = growth_of(world, "zone", "cum_0", MAY_AFTER, false, false);
  assert_true(zone.comparison.cause[CAUSE_GROWN].value == 40 - 30);
  assert_int_equal(zone.comparison.cause[CAUSE_GROWN].units, 1);
  assert_true(zone.comparable.value == 40 && zone.comparable_before.value == 30);
}

static void the_last_year_column_is_the_base_of_comparable_growth(void **state)
{
  struct world *world = *state;
  struct figures figures;
  put_value(world, "form_0", MAY, 0, X_BOTH, 100);
  figures_clear(&figures);
  figures_set(&figures, X_BOTH, 150);
  figures_set(&figures, BOTH_LAST_YEAR, 120);
  put(world, "form_0", MAY_AFTER, world->unit[0].id, &figures);
  finish(world);
  struct growth_base base = growth_of(world, "zone", "both_0", MAY_AFTER, false, false);
  assert_true(base.usable && base.before.value == 100 && base.comparison.published == 120);
  assert_true(base.comparable.value == 150 && base.comparable_before.value == 120);
  assert_true(base.comparison.cause[CAUSE_BASE_REVISED].value == 20);
  base = growth_of(world, "zone", "both_0", MAY_AFTER, false, true);
  assert_int_equal(base.comparison.published_figures, 0); /* it says nothing of the month before */
}

static void put_month(struct world *world, const char *unit, struct period period, unsigned column,
                      int64_t value)
{
  struct figures figures;
  figures_clear(&figures);
  figures_set(&figures, column, value);
  put(world, "form_0", period, unit, &figures);
}

/* A merger of March is within January to May of the base year. */
static void a_successor_of_the_base_year_is_no_entry_of_a_year_to_date(void **state)
{
  struct world *world = *state;
  use_register(world, "unit,class,name,parks,from,to,succeeds\n"
                      "J1,incubator,孵,east,,2017-02-28,\n"
                      "J2,incubator,孵,east,2017-03-01,,J1\n");
  put_month(world, "J1", (struct period){2017, 1, 1}, X_MONTH, 100);
  put_month(world, "J2", MAY_BEFORE, X_MONTH, 100);
  put_month(world, "J2", (struct period){2018, 1, 1}, X_MONTH, 130);
  put_month(world, "J2", MAY, X_MONTH, 130);
  finish(world);
  struct comparison of = growth_of(world, "east", "month_0", MAY, true, false).comparison;
  assert_true(of.now == 260 && of.before == 200 && of.cause[CAUSE_GROWN].value == 60);
  assert_true(of.cause[CAUSE_ENTERED].value == 0 && of.cause[CAUSE_LEFT].value == 0);
}

/* The stock of a year is that of March as long as no later month has one; but today is then the year's end.
 */
static void a_month_and_its_year_are_compared_each_by_itself(void **state)
{
  struct world *world = *state;
  const struct period march = {2018, 3, 1}, march_before = {2017, 3, 1}, year = {2018, 1, 12};
  g_autofree char *csv = g_strdup_printf("unit,class,name,parks,from\n"
                                         "J1,incubator,孵,east,\n"
                                         "%s,enterprise,名,east,\n"
                                         "%s,enterprise,名,west,2018-06-01\n",
                                         fixture_uscc(0), fixture_uscc(0));
  use_register(world, csv);
  put_month(world, fixture_uscc(0), march_before, X_STOCK, 100);
  put_month(world, "J1", march, X_STOCK, 130);
  finish(world);
  struct comparison of = growth_of(world, "east", "stock_0", year, false, false).comparison;
  assert_true(of.cause[CAUSE_MOVED].value == -100 && of.cause[CAUSE_NOT_REPORTED].value == 0);
  of = growth_of(world, "east", "stock_0", march, false, false).comparison;
  assert_true(of.cause[CAUSE_MOVED].value == 0 && of.cause[CAUSE_NOT_REPORTED].value == -100);
}

/* --- more than one thread is given --- */

enum { MANY = 40000 };

/* At either end of the books a unit that succeeds one at the other end. */
static const char *predecessor(int n)
{
  return n == 0 ? "I39998" : n == MANY - 1 ? "I00001" : NULL;
}

static bool reports_before(int n)
{
  return !predecessor(n);
}

static bool reports_now(int n)
{
  return n % 100 != 1 && n != MANY - 2;
}

static void put_many(struct world *world)
{
  g_autoptr(GString) csv = g_string_new("unit,class,name,parks,from,succeeds\n");
  for (int n = 0; n < MANY; n++)
    g_string_append_printf(csv, "I%05d,incubator,孵,%s,%s,%s\n", n, n % 2 ? "east" : "west",
                           predecessor(n) ? "2018-01-01" : "", predecessor(n) ? predecessor(n) : "");
  use_register(world, csv->str);
  for (int n = 0; n < MANY; n++) {
    g_autofree char *unit = g_strdup_printf("I%05d", n);
    struct figures figures;
    figures_clear(&figures);
    figures_set(&figures, X_MONTH, 1000 + n);
    if (reports_before(n)) put(world, "form_0", MAY_BEFORE, unit, &figures);
    figures_set(&figures, X_MONTH, 1500 + n);
    if (reports_now(n)) put(world, "form_0", MAY, unit, &figures);
  }
}

static void assert_many(struct world *world)
{
  struct growth_base base = growth_of(world, "zone", "month_0", MAY, false, false);
  int64_t silent = 0, units = 0;
  int64_t grown = 1500 - (1000 + MANY - 2) + 1500 + MANY - 1 - 1001; /* of the successors */
  for (int n = 2; n < MANY - 2; n++) {
    if (reports_now(n)) grown += 500;
    if (!reports_now(n)) silent += 1000 + n;
    if (!reports_now(n)) units++;
  }
  assert_true(base.comparison.cause[CAUSE_GROWN].value == grown);
  /* Incubators owe none of these forms. */
  assert_true(base.comparison.cause[CAUSE_LEFT].value == -silent);
  assert_int_equal(base.comparison.cause[CAUSE_LEFT].units, units);
  assert_true(base.comparison.now == read_one(world, "zone", "all", "month_0", MAY, false).value);
  assert_true(base.comparison.before == base.before.value);
}

static void books_that_are_shared_come_to_the_same(void **state)
{
  struct world *world = *state;
  put_many(world);
  finish(world);
  g_autofree char *blocks = place_query(world->place, "SELECT count(*) FROM block WHERE book = 1");
  assert_true(atoi(blocks) >= 256); /* enough to be shared */
  assert_many(world);
}

/* The writer was at work since: there is no other store of the same moment, and one thread does it. */
static void an_older_moment_is_read_by_one_thread(void **state)
{
  struct world *world = *state;
  put_many(world);
  finish(world);
  CLEANUP(store_close) struct store *reading = place_open(world->place, STORE_READ);
  store_begin(reading);
  assert_int_equal(store_leaf_count(reading), 0);
  CLEANUP(store_close) struct store *beside = store_open_beside(reading);
  assert_non_null(beside);
  assert_true(store_commit(beside, NULL));
  uint8_t hash[MERKLE_HASH_SIZE] = {0};
  store_begin(world->place->store);
  store_leaf_add(world->place->store, 0, LEAF_GENESIS, 1, hash, sizeof hash, 0, hash);
  place_commit(world->place);
  assert_null(store_open_beside(reading));
  reader_free(world->reader);
  world->reader = reader_new(reading, world->snapshot);
  assert_many(world);
  assert_true(store_commit(reading, NULL));
}

static void damage_is_told_whichever_thread_meets_it(void **state)
{
  struct world *world = *state;
  static const char *const damages[] = {
      "UPDATE block SET checksum = checksum + 1 WHERE unit = (SELECT max(unit) FROM block WHERE book = 1)",
      "UPDATE block SET checksum = checksum - 1 WHERE unit = (SELECT max(unit) FROM block WHERE book = 1);"
      "UPDATE block SET checksum = checksum + 1 WHERE book = 1 AND unit = ''"};
  put_many(world);
  finish(world);
  for (size_t n = 0; n < G_N_ELEMENTS(damages); n++) {
    place_sql(world->place, damages[n]);
    CLEANUP(store_close) struct store *reading = place_open(world->place, STORE_READ);
    CLEANUP(reader_free) struct reader *reader = reader_new(reading, world->snapshot);
    g_autoptr(GError) error = NULL;
    struct total total;
    struct growth_base base;
    int of = catalogue_indicator(world->catalogue, "month_0");
    store_begin(reading);
    assert_true(reader_total(reader, 0, 0, of, MAY, false, &total, &error));
    assert_false(reader_growth(reader, 0, 0, of, MAY, false, false, &total, &base, &error));
    assert_non_null(strstr(error->message, "\"block\" is damaged"));
    store_rollback(reading);
  }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(nobody_has_no_growth),
      TEST(the_base_is_a_year_before_or_the_form_s_period_before),
      TEST(two_months_are_no_base_of_one),
      TEST(a_stock_of_another_month_is_no_base),
      TEST(a_gap_in_cumulative_figures_leaves_nothing_to_compare),
      TEST(the_last_year_column_is_the_base_of_comparable_growth),
      TEST(a_successor_of_the_base_year_is_no_entry_of_a_year_to_date),
      TEST(a_month_and_its_year_are_compared_each_by_itself),
      TEST(books_that_are_shared_come_to_the_same),
      TEST(an_older_moment_is_read_by_one_thread),
      TEST(damage_is_told_whichever_thread_meets_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

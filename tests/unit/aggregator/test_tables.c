/* Current reports, cells and expected counts, changed by hand: which report of a unit counts, and where. */
#include "aggregator/tables.h"

#include "small.h"
#include "store_place.h"

#include <inttypes.h>

#define OUTPUT 0 /* columns of form `monthly` in small.yaml */
#define NOTHING (-1)
#define HEADER "unit,class,parks,reporter,clusters,flags,status,from,to\n"

struct world {
  struct place *place;
  struct store *store;
  struct tables *tables;
  struct catalogue *catalogue;
  struct unit_register *units;
  int64_t book;
  uint64_t position; /* of the last leaf there might be */
};

static const struct period may = {2018, 5, 1};

static int set_up(void **state)
{
  struct world *world = g_new0(struct world, 1);
  void *place;

  place_set_up(&place);
  world->place = place;
  world->store = world->place->store;
  world->catalogue = small_catalogue(NULL, NULL, "");
  world->units = register_builder_finish(register_builder_new());
  world->tables = tables_new(world->store);
  tables_use(world->tables, world->catalogue, world->units);
  store_begin(world->store);
  world->book = store_book(world->store, "monthly", may);
  *state = world;
  return 0;
}

static int tear_down(void **state)
{
  struct world *world = *state;
  void *place = world->place;

  store_rollback(world->store);
  tables_free(world->tables);
  register_unref(world->units);
  catalogue_unref(world->catalogue);
  g_free(world);
  return place_tear_down(&place);
}

/* --- changes --- */

/* The register is this one from now on, which differs in the unit (or all of them, if it is NULL). */
static void register_units(struct world *world, const char *csv, const char *unit)
{
  struct unit_register *after = small_register(world->catalogue, csv);
  g_autoptr(GPtrArray) changed = g_ptr_array_new();

  if (unit) g_ptr_array_add(changed, (void *)unit);
  for (size_t n = 0; !unit && n < register_size(after); n++) {
    const char *nth = register_nth(after, n)->unit;

    if (changed->len == 0 || strcmp(changed->pdata[changed->len - 1], nth) != 0)
      g_ptr_array_add(changed, (void *)nth);
  }
  tables_register_changed(world->tables, after, changed);
  tables_flush(world->tables);
  register_unref(world->units);
  world->units = after;
}

static void put(struct world *world, const char *unit, const char *park, enum report_kind kind, int64_t value)
{
  struct figures figures;
  size_t count;
  const struct stored_report *present = store_reports(world->store, world->book, unit, &count);
  const struct stored_report *own = NULL;
  uint8_t packed[FIGURES_PACKED_MOST];
  struct stored_report report = {
      .book = world->book, .unit = unit, .park = park, .kind = kind, .position = ++world->position};

  for (size_t n = 0; n < count; n++)
    if (strcmp(present[n].park, park) == 0) own = &present[n];
  report.revision = own ? own->revision + 1 : 1;
  report.first = own ? own->first : report.position;
  report.place = own ? own->place : (unsigned)count;
  figures_clear(&figures);
  if (kind == KIND_FIGURES) figures_set(&figures, OUTPUT, value);
  report.figures = packed;
  report.figures_length = figures_pack_to(&figures, packed);
  if (count == 0 && kind != KIND_WITHDRAWAL &&
      tables_put_first(world->tables, &report, &figures, register_version(world->units, unit, may)))
    return;
  tables_put(world->tables, &report, &figures, register_version(world->units, unit, may), present, count);
}

static void put_value(struct world *world, const char *unit, const char *park, int64_t value)
{
  put(world, unit, park, KIND_FIGURES, value);
}

/* --- what is there --- */

/* The total of output, NOTHING if there is no cell. */
static int64_t total(struct world *world, const char *area, const char *slice)
{
  struct cell_key key = {.book = world->book, .area = area, .slice = slice, .slot = OUTPUT};
  int128 sum;
  int64_t units;

  tables_flush(world->tables);
  return store_cell(world->store, &key, &sum, &units) ? (int64_t)sum : NOTHING;
}

static int64_t reported(struct world *world, const char *area)
{
  struct cell_key key = {.book = world->book, .area = area, .slice = "all", .slot = SLOT_REPORTED};
  int128 nil;
  int64_t units;

  tables_flush(world->tables);
  store_cell(world->store, &key, &nil, &units);
  return units;
}

/* The park whose report of the unit is counted, "" if none; fails if there are two. */
static const char *counted(struct world *world, const char *unit)
{
  static char park[16];
  size_t count;
  const struct stored_report *reports = store_reports(world->store, world->book, unit, &count);

  park[0] = '\0';
  for (size_t n = 0; n < count; n++) {
    if (!reports[n].counted) continue;
    assert_string_equal(park, "");
    g_strlcpy(park, reports[n].park, sizeof park);
  }
  return park;
}

static bool count_cell(const struct cell_key *key, int128 sum, int64_t units, void *data)
{
  (void)key, (void)sum, (void)units;
  ++*(unsigned *)data;
  return true;
}

static unsigned cells(struct world *world)
{
  unsigned count = 0;

  tables_flush(world->tables);
  assert_true(store_each_cell(world->store, count_cell, &count));
  return count;
}

/* --- which report counts, and where --- */

static void a_report_of_an_unregistered_unit_is_kept_and_counts_once_it_is_registered(void **state)
{
  struct world *world = *state;

  put_value(world, "a1", "east", 10);
  assert_int_equal(cells(world), 0);
  assert_string_equal(counted(world, "a1"), "");
  register_units(world, HEADER "a1,code,east,,,,,,\n", NULL);
  assert_string_equal(counted(world, "a1"), "east");
  assert_int_equal(total(world, "zone", "all"), 10);
  assert_int_equal(reported(world, "east"), 1);
}

static void a_unit_that_leaves_takes_its_figures_along_and_its_report_stays(void **state)
{
  struct world *world = *state;

  register_units(world, HEADER "a1,code,east,,,,,,\n", NULL);
  put_value(world, "a1", "east", 10);
  assert_int_equal(total(world, "east", "all"), 10);
  register_units(world, HEADER "a1,code,east,,,,,,2018-04-30\n", "a1"); /* before the period */
  assert_int_equal(cells(world), 0);
  assert_string_equal(counted(world, "a1"), "");
  register_units(world, HEADER "a1,code,east,,,,,,2018-05-01\n", "a1"); /* within it */
  assert_int_equal(total(world, "east", "all"), 10);
}

static void the_designated_reporter_counts_else_the_earliest(void **state)
{
  struct world *world = *state;

  register_units(world, HEADER "b1,code,east;west,west,,,,,\nc1,code,east;west,,,,,,\n", NULL);
  /* b1: west is named */
  put_value(world, "b1", "east", 10);
  assert_string_equal(counted(world, "b1"), "east"); /* silent until now */
  put_value(world, "b1", "west", 20);
  assert_string_equal(counted(world, "b1"), "west");
  put_value(world, "b1", "east", 11);
  assert_string_equal(counted(world, "b1"), "west");
  assert_int_equal(total(world, "zone", "all"), 20);
  assert_int_equal(total(world, "east", "all"), 20); /* in every area */
  assert_int_equal(reported(world, "zone"), 1);      /* once */
  /* c1: nobody is; a correction does not make the first the later one */
  put_value(world, "c1", "west", 300);
  put_value(world, "c1", "east", 400);
  put_value(world, "c1", "west", 301);
  assert_string_equal(counted(world, "c1"), "west");
  assert_int_equal(total(world, "zone", "all"), 321);
  assert_int_equal(reported(world, "group"), 2);
}

static void a_withdrawn_report_gives_way_to_the_other_park_s(void **state)
{
  struct world *world = *state;

  register_units(world, HEADER "b1,code,east;west,west,,,,,\n", NULL);
  put_value(world, "b1", "east", 10);
  put_value(world, "b1", "west", 20);
  put(world, "b1", "west", KIND_WITHDRAWAL, 0);
  assert_string_equal(counted(world, "b1"), "east");
  assert_int_equal(total(world, "zone", "all"), 10);
  put(world, "b1", "east", KIND_WITHDRAWAL, 0);
  assert_string_equal(counted(world, "b1"), "");
  assert_int_equal(cells(world), 0);
  put(world, "b1", "west", KIND_NIL, 0); /* nothing to report is an answer, and the named one's */
  put_value(world, "b1", "east", 12);
  assert_string_equal(counted(world, "b1"), "west");
  assert_int_equal(total(world, "zone", "all"), NOTHING);
  assert_int_equal(reported(world, "zone"), 1);
}

static void a_change_of_the_register_moves_what_was_reported(void **state)
{
  struct world *world = *state;

  register_units(world, HEADER "b1,code,east;west,west,cars,,,,\na1,code,east,,,,,,\n", NULL);
  put_value(world, "b1", "east", 10);
  put_value(world, "b1", "west", 20);
  put_value(world, "a1", "east", 1);
  assert_int_equal(total(world, "zone", "cars"), 20);
  register_units(world, HEADER "b1,code,east;west,east,steel,,,,\na1,code,east,,,,,,\n", "b1");
  assert_string_equal(counted(world, "b1"), "east");
  assert_int_equal(total(world, "zone", "cars"), NOTHING);
  assert_int_equal(total(world, "zone", "steel"), 10);
  assert_int_equal(total(world, "west", "all"), 10);
  register_units(world, HEADER "b1,code,south,,,,,,\na1,code,east,,,,,,\n", "b1");
  assert_int_equal(total(world, "west", "all"), NOTHING);
  assert_int_equal(total(world, "group", "all"), 1);
  assert_int_equal(total(world, "south", "all"), 10); /* the earliest, as nobody is named any more */
  assert_int_equal(total(world, "zone", "all"), 11);
}

/* --- what is owed --- */

static void expected_counts_follow_versions_days_and_status(void **state)
{
  struct world *world = *state;
  static const struct {
    const char *rows;
    const char *form, *area, *slice, *day;
    int64_t units;
  } cases[] = {
      {"a1,code,east,,,,,2018-03-01,2018-05-31\n", "monthly", "east", "all", "2018-02-28", 0},
      {"a1,code,east,,,,,2018-03-01,2018-05-31\n", "monthly", "east", "all", "2018-03-01", 1},
      {"a1,code,east,,,,,2018-03-01,2018-05-31\n", "monthly", "zone", "all", "2018-05-31", 1},
      {"a1,code,east,,,,,2018-03-01,2018-05-31\n", "monthly", "east", "all", "2018-06-01", 0},
      {"a1,code,east,,,,,2018-03-01,2018-05-31\n", "monthly", "west", "all", "2018-03-31", 0},
      /* since ever, for ever */
      {"a1,code,east,,,,,,\n", "monthly", "east", "all", "1950-01-01", 1},
      {"a1,code,east,,,,,,\n", "monthly", "east", "all", "2900-01-01", 1},
      /* of two parks: once above, in each below */
      {"a1,code,east;west,,,,,,\n", "monthly", "zone", "all", "2018-05-31", 1},
      {"a1,code,east;west,,,,,,\n", "monthly", "west", "all", "2018-05-31", 1},
      /* a stopped unit owes, a closed one does not */
      {"a1,code,east,,,,停产,,\n", "monthly", "east", "all", "2018-05-31", 1},
      {"a1,code,east,,,,关闭,,\n", "monthly", "east", "all", "2018-05-31", 0},
      /* the next version ends the one before, also where that says it is open */
      {"a1,code,east,,,,,,\na1,code,west,,,,,2018-05-01,\n", "monthly", "east", "all", "2018-04-30", 1},
      {"a1,code,east,,,,,,\na1,code,west,,,,,2018-05-01,\n", "monthly", "east", "all", "2018-05-01", 0},
      {"a1,code,east,,,,,,\na1,code,west,,,,,2018-05-01,\n", "monthly", "west", "all", "2018-05-01", 1},
      {"a1,code,east,,,,,,\na1,code,west,,,,,2018-05-01,\n", "monthly", "zone", "all", "2018-05-01", 1},
      {"a1,code,east,,,,,,\na1,code,east,,,,关闭,2018-05-01,\n", "monthly", "east", "all", "2018-05-31", 0},
      /* a gap */
      {"a1,code,east,,,,,,2018-03-31\na1,code,east,,,,,2018-05-01,\n", "monthly", "east", "all", "2018-04-30",
       0},
      /* slices */
      {"a1,code,east,,cars,,,,\n", "monthly", "zone", "cars", "2018-05-31", 1},
      {"a1,code,east,,cars,,,,\n", "monthly", "zone", "steel", "2018-05-31", 0},
      /* forms by class and population */
      {"a1,code,east,,,,,,\n", "yearly", "east", "all", "2018-12-31", 1},
      {"a1,code,east,,,above_scale,,,\n", "finance", "east", "all", "2018-05-31", 0},
      {"914502000000000060,enterprise,east,,,,,,\n", "finance", "east", "all", "2018-05-31", 0},
      {"914502000000000060,enterprise,east,,,above_scale,,,\n", "finance", "east", "all", "2018-05-31", 1},
  };

  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *csv = g_strconcat(HEADER, cases[i].rows, NULL);
    day_number day;
    int64_t found;

    assert_true(day_parse(cases[i].day, &day));
    register_units(world, csv, NULL);
    found = store_expected(world->store, cases[i].form, cases[i].area, cases[i].slice, day);
    if (found != cases[i].units)
      fail_msg("case %zu, %s %s %s on %s: found %" PRId64 ", expected %" PRId64, i, cases[i].form,
               cases[i].area, cases[i].slice, cases[i].day, found, cases[i].units);
    /* and is taken back whole */
    g_autoptr(GPtrArray) units = g_ptr_array_new();
    CLEANUP(register_unref) struct unit_register *empty = register_builder_finish(register_builder_new());
    g_ptr_array_add(units, (void *)register_nth(world->units, 0)->unit);
    tables_register_changed(world->tables, empty, units);
    tables_flush(world->tables);
    if (store_expected(world->store, cases[i].form, cases[i].area, cases[i].slice, day) != 0)
      fail_msg("case %zu leaves something behind", i);
  }
}

/* --- another catalogue --- */

static void another_catalogue_re_derives_every_cell_and_expected_count(void **state)
{
  enum { UNITS = 2100 }; /* more than are looked at between two looks at the table */
  struct world *world = *state;
  g_autoptr(GString) csv = g_string_new(HEADER);
  CLEANUP(catalogue_unref)
  struct catalogue *next =
      small_catalogue("  cars: {cluster: cars}\n",
                      "  cars: {cluster: cars}\n"
                      "  big_cars: {zh: 大车, en: Big cars, cluster: cars, flag: above_scale}\n",
                      "");
  int64_t sum = 0;
  day_number day = period_last_day(may);

  for (int n = 0; n < UNITS; n++)
    g_string_append_printf(csv, "u%04d,code,east;west,,cars,%s,,,\n", n, n % 3 ? "" : "above_scale");
  register_units(world, csv->str, NULL);
  for (int n = 0; n < UNITS; n++) {
    char unit[8];

    g_snprintf(unit, sizeof unit, "u%04d", n);
    put_value(world, unit, "west", n);
    if (n == 1023 || n == 1024) put_value(world, unit, "east", 1000000); /* two reports, at the seam */
    sum += n % 3 ? 0 : n;
  }
  assert_int_equal(total(world, "zone", "all"), (int64_t)UNITS * (UNITS - 1) / 2);
  assert_int_equal(total(world, "zone", "big_cars"), NOTHING);
  tables_catalogue_changed(world->tables, next);
  assert_int_equal(total(world, "zone", "big_cars"), sum);
  assert_int_equal(total(world, "zone", "all"), (int64_t)UNITS * (UNITS - 1) / 2);
  assert_int_equal(reported(world, "group"), UNITS);
  assert_int_equal(store_expected(world->store, "monthly", "zone", "big_cars", day), UNITS / 3);
  assert_int_equal(store_expected(world->store, "monthly", "zone", "all", day), UNITS);
  /* what the new marks say can be taken out again */
  put_value(world, "u0003", "west", 0);
  assert_int_equal(total(world, "west", "big_cars"), sum - 3);
}

/* --- after a rollback --- */

static void what_was_rolled_back_is_forgotten(void **state)
{
  struct world *world = *state;

  place_commit(world->place);
  store_begin(world->store);
  register_units(world, HEADER "a1,code,east,,,,,,\n", NULL);
  put_value(world, "a1", "east", 10);
  store_rollback(world->store);
  tables_forget(world->tables);
  store_begin(world->store);
  assert_int_equal(cells(world), 0);
  /* the next membership gets the number that was given in vain */
  register_units(world, HEADER "b1,code,south,,,,,,\n", "b1");
  put_value(world, "b1", "south", 7);
  assert_int_equal(total(world, "south", "all"), 7);
  assert_int_equal(total(world, "east", "all"), NOTHING);
}

static void a_figure_that_cannot_be_read_is_told_at_the_commit(void **state)
{
  struct world *world = *state;
  g_autoptr(GError) error = NULL;

  register_units(world, HEADER "a1,code,east,,,,,,\n", NULL);
  put_value(world, "a1", "east", 10);
  tables_flush(world->tables);
  place_commit(world->place);
  place_sql(world->place, "UPDATE block SET reports = replace(reports, '010114', '0101')");
  store_begin(world->store);
  put_value(world, "a1", "east", 11);
  tables_flush(world->tables);
  assert_false(store_commit(world->store, &error));
  assert_non_null(error);
  store_begin(world->store);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(a_figure_that_cannot_be_read_is_told_at_the_commit),
      TEST(what_was_rolled_back_is_forgotten),
      TEST(a_report_of_an_unregistered_unit_is_kept_and_counts_once_it_is_registered),
      TEST(a_unit_that_leaves_takes_its_figures_along_and_its_report_stays),
      TEST(the_designated_reporter_counts_else_the_earliest),
      TEST(a_withdrawn_report_gives_way_to_the_other_park_s),
      TEST(a_change_of_the_register_moves_what_was_reported),
      TEST(expected_counts_follow_versions_days_and_status),
      TEST(another_catalogue_re_derives_every_cell_and_expected_count),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Moments as people name them, over a ledger whose leaves were recorded at known times. */
#include "aggregator/moment.h"

#include "aggregator/folder.h"
#include "common/clock.h"
#include "common/error.h"
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define REGISTER_HEADER                                                                                      \
  "unit,class,parent,name,parks,reporter,in_boundary,industry,clusters,flags,status,succeeds,from,to\n"
#define SECOND INT64_C(1000)
#define NOON (INT64_C(1528603200) * SECOND) /* 2018-06-10T12:00+08:00 */

static int64_t now_ms;

static struct wall_time clock_of_test(void)
{
  return (struct wall_time){now_ms};
}

struct world {
  struct fixture fixture;
  struct store *reader;
  struct snapshot *snapshot;
};

/* Genesis at millisecond 1, the catalogue at noon, then the register a minute later, then again in the last
 * millisecond of the day, and in the first of the next; now is two days later. Leaves 0 to 4. */
static int set_up(void **state)
{
  struct world *world = g_new0(struct world, 1);
  static const int64_t times[] = {NOON + 60 * SECOND, NOON + 12 * 3600 * SECOND - 1,
                                  NOON + 12 * 3600 * SECOND};
  clock_replace(clock_of_test);
  now_ms = NOON;
  fixture_setup(&world->fixture, NULL);
  for (size_t n = 0; n < G_N_ELEMENTS(times); n++) {
    g_autofree char *csv = g_strdup_printf(REGISTER_HEADER "u%zu,code,,甲,east,,1,,,,,,,\n", n);
    now_ms = times[n];
    fixture_import(&world->fixture, csv);
  }
  now_ms = NOON + 48 * 3600 * SECOND;
  g_autofree char *path = folder_path(world->fixture.folder, "store.db");
  world->reader = store_open(path, STORE_READ, NULL);
  world->snapshot = present_begin(writer_present(world->fixture.writer), world->reader, NULL);
  assert_non_null(world->snapshot);
  *state = world;
  return 0;
}

static int tear_down(void **state)
{
  struct world *world = *state;
  snapshot_unref(world->snapshot);
  store_rollback(world->reader);
  store_close(world->reader);
  fixture_teardown(&world->fixture);
  clock_replace(NULL);
  g_free(world);
  return 0;
}

static void what_is_no_moment_is_named_with_what_would_be_one(void **state)
{
  struct world *world = *state;
  static const char *const texts[] = {
      "",
      "yesterday",
      "2018-06",
      "2018-6-10",
      "2018-06-31",
      "2018-13-01",
      "2018-06-10T25:00",
      "2018-06-10T12",
      "2018-06-10T12:60",
      "2018-06-10T12:00:61",
      "2018-06-10T12:00:00.5",
      "2018-06-10T12:00+8",
      "2018-06-10T12:00+08:00x",
      "2018-06-10T12:00+99:99",
      "2018-06-10x",
      "12:00",
      " 2018-06-10",
  };
  for (size_t n = 0; n < G_N_ELEMENTS(texts); n++) {
    g_autoptr(GError) error = NULL;
    struct moment moment = {.leaves = 77};
    if (moment_read(world->reader, world->snapshot->catalogue, texts[n], &moment, &error))
      fail_msg("“%s” was taken for a moment", texts[n]);
    assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_USAGE));
    assert_non_null(strstr(error->message, "2018-06-10T12:00"));
    assert_int_equal(moment.leaves, 77);
  }
}

static void what_is_no_position_of_the_ledger_is_refused(void **state)
{
  struct world *world = *state;
  static const char *const texts[] = {
      "@", "@x", "@-1", "@5", "@1 ", "@18446744073709551616", "@9223372036854775807"};
  for (size_t n = 0; n < G_N_ELEMENTS(texts); n++) {
    g_autoptr(GError) error = NULL;
    struct moment moment;
    if (moment_read(world->reader, world->snapshot->catalogue, texts[n], &moment, &error))
      fail_msg("“%s” was taken for a position", texts[n]);
    assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_USAGE));
  }
  g_autoptr(GError) error = NULL;
  struct moment moment;
  assert_false(moment_read(world->reader, world->snapshot->catalogue, "@5", &moment, &error));
  assert_non_null(strstr(error->message, "@4")); /* the last one there is */
}

static void the_future_and_what_was_before_the_ledger_are_refused(void **state)
{
  struct world *world = *state;
  static const char *const texts[] = {"2018-06-12T12:00:01", "2018-06-13", "1969-12-31",
                                      "1970-01-01T07:59:59"};
  for (size_t n = 0; n < G_N_ELEMENTS(texts); n++) {
    g_autoptr(GError) error = NULL;
    struct moment moment;
    if (moment_read(world->reader, world->snapshot->catalogue, texts[n], &moment, &error))
      fail_msg("“%s” was taken", texts[n]);
    assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_USAGE));
    assert_non_null(strstr(error->message, texts[n]));
  }
}

static void a_moment_is_all_that_was_recorded_by_then(void **state)
{
  struct world *world = *state;
  static const struct {
    const char *text;
    uint64_t leaves;
  } cases[] = {
      {"1970-01-01T08:00:01", 1},
      {"2018-06-10T11:59:59", 1},
      {"2018-06-10T12:00", 2},
      {"2018-06-10 12:00", 2},
      {"2018-06-10T12:00:59", 2},
      {"2018-06-10T12:01:00", 3},
      {"2018-06-10T04:00Z", 2},
      {"2018-06-10T03:59:59Z", 1},
      {"2018-06-10T06:00+02:00", 2},
      {"2018-06-09T23:01-05:00", 3},
      {"2018-06-10T23:59:59", 3},
      {"2018-06-09", 1},
      {"2018-06-10", 4},
      {"2018-06-11T00:00", 5},
      {"2018-06-11", 5},
      {"2018-06-12", 5},
      {"2018-06-12T12:00", 5},
      {"@0", 1},
      {"@2", 3},
      {"@4", 5},
  };
  for (size_t n = 0; n < G_N_ELEMENTS(cases); n++) {
    g_autoptr(GError) error = NULL;
    struct moment moment;
    if (!moment_read(world->reader, world->snapshot->catalogue, cases[n].text, &moment, &error))
      fail_msg("%s: %s", cases[n].text, error->message);
    if (moment.leaves != cases[n].leaves)
      fail_msg("%s: %d leaves, not %d", cases[n].text, (int)moment.leaves, (int)cases[n].leaves);
    assert_true(moment.ms <= now_ms);
  }
}

static void the_present_is_no_past_and_before_the_catalogue_there_is_none(void **state)
{
  struct world *world = *state;
  g_autoptr(GError) error = NULL;
  struct past *past = NULL;
  assert_true(moment_past(world->reader, world->snapshot, "@4", &past, &error));
  assert_null(past);
  assert_false(moment_past(world->reader, world->snapshot, "@0", &past, &error));
  assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_USAGE));
  g_clear_error(&error);
  assert_true(moment_past(world->reader, world->snapshot, "@1", &past, &error));
  assert_int_equal(register_size(past_snapshot(past)->units), 0);
  past_free(past);
  assert_true(moment_past(world->reader, world->snapshot, "@3", &past, &error));
  assert_int_equal(register_size(past_snapshot(past)->units), 2);
  assert_int_equal(past_moment_ms(past), NOON + 12 * 3600 * SECOND - 1);
  past_free(past);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(what_is_no_moment_is_named_with_what_would_be_one),
      TEST(what_is_no_position_of_the_ledger_is_refused),
      TEST(the_future_and_what_was_before_the_ledger_are_refused),
      TEST(a_moment_is_all_that_was_recorded_by_then),
      TEST(the_present_is_no_past_and_before_the_catalogue_there_is_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

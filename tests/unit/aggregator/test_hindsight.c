/* Rules that look back, asked by workers: what they found counts while nothing has changed, and no longer. */
#include "aggregator/hindsight.h"

#include "fixture.h"

#include "common/clock.h"
#include "common/finding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define OUTPUT 0 /* column of form `monthly` in small.yaml */

static const char RULES[] =
    "\nrules:\n"
    "  grows: {zh: 不减, en: Output never falls, form: monthly, weight: mandatory, holds: output >= "
    "last(output)}\n"
    "  some: {zh: 有产值, en: There is output, form: monthly, weight: mandatory, holds: output > 0}\n";

struct world {
  struct fixture fixture;
  struct fixture_agent east, west;
  struct hindsight *hindsight;
};

static void put_rules(struct fixture *fixture)
{
  CLEANUP(snapshot_unref) struct snapshot *snapshot = present_get(writer_present(fixture->writer));
  g_autofree char *text = g_strconcat(snapshot->catalogue->text, RULES, NULL);
  struct act act = {.kind = LEAF_CATALOGUE, .by = "test", .text = g_bytes_new(text, strlen(text))};
  g_autoptr(GError) error = NULL;

  if (!writer_act(fixture->writer, &act, NULL, &error)) fail_msg("%s", error->message);
  g_bytes_unref(act.text);
}

static int setup(void **state)
{
  struct world *world = g_new0(struct world, 1);

  fixture_setup(&world->fixture, "unit,class,parks,reporter\na1,code,east;west,west\nb1,code,east,\n");
  put_rules(&world->fixture);
  fixture_enrol(&world->fixture, "east", &world->east);
  fixture_enrol(&world->fixture, "west", &world->west);
  world->hindsight = hindsight_new(world->fixture.folder, NULL);
  assert_non_null(world->hindsight);
  *state = world;
  return 0;
}

static int teardown(void **state)
{
  struct world *world = *state;

  hindsight_free(world->hindsight);
  fixture_agent_clear(&world->east);
  fixture_agent_clear(&world->west);
  fixture_teardown(&world->fixture);
  g_free(world);
  return 0;
}

/* East's reports of output, `b1`'s left out where it is 0; corrections of `base`. */
static GBytes *seal(struct world *world, const char *period, const uint8_t *base, int64_t a1, int64_t b1,
                    uint8_t ret_id[SUBMISSION_ID_SIZE])
{
  struct fixture_report reports[] = {{.unit = "a1", .base = base, .change = fixture_value(OUTPUT, a1)},
                                     {.unit = "b1", .base = base, .change = fixture_value(OUTPUT, b1)}};

  return fixture_seal(&world->fixture, &world->east, "monthly", period, reports, b1 == 0 ? 1 : 2, ret_id);
}

/* Judged, and looked at by a worker's hindsight as of the moment that it has. */
static struct judged *ask_within_moment(struct world *world, GBytes *sealed)
{
  CLEANUP(snapshot_unref) struct snapshot *snapshot = present_get(writer_present(world->fixture.writer));
  struct judged *judged = judge_submission(snapshot, sealed, NULL, clock_wall().ms);

  assert_int_equal(judged->fault, FINDING_COUNT);
  hindsight_ask(world->hindsight, judged);
  assert_non_null(judged->upheld);
  return judged;
}

/* As of now. */
static struct judged *ask(struct world *world, GBytes *sealed)
{
  hindsight_rest(world->hindsight);
  return ask_within_moment(world, sealed);
}

static void write_judged(struct world *world, struct judged *judged, uint32_t counted, uint32_t refused)
{
  g_autoptr(GError) error = NULL;
  struct receipt *receipt = fixture_submit_judged(&world->fixture, judged, &error);

  if (!receipt) fail_msg("submit: %s", error->message);
  assert_int_equal(receipt->counted, counted);
  assert_int_equal(receipt->refused, refused);
  receipt_free(receipt);
}

static void report(struct world *world, const char *period, const uint8_t *base, int64_t a1, int64_t b1,
                   uint8_t ret_id[SUBMISSION_ID_SIZE])
{
  g_autoptr(GBytes) sealed = seal(world, period, base, a1, b1, ret_id);

  write_judged(world, ask(world, sealed), b1 == 0 ? 1 : 2, 0);
}

/* By a store to which nothing has changed since it was opened. */
static bool holds(struct world *world, const struct judged *judged)
{
  g_autofree char *path = g_build_filename(world->fixture.folder, "store.db", NULL);
  CLEANUP(store_close) struct store *store = store_open(path, STORE_READ, NULL);

  assert_non_null(store);
  return hindsight_holds(store, judged);
}

/* --- tests --- */

static void what_keeps_all_rules_is_told_from_what_does_not(void **state)
{
  struct world *world = *state;
  uint8_t id[SUBMISSION_ID_SIZE];

  report(world, "2018-04", NULL, 10, 10, id);
  g_autoptr(GBytes) sealed = seal(world, "2018-05", NULL, 10, 9, id);
  struct judged *judged = ask(world, sealed);
  assert_true(judged->upheld[0]);
  assert_false(judged->upheld[1]); /* fell */
  assert_true(holds(world, judged));
  write_judged(world, judged, 1, 1);
}

static void what_a_report_says_by_itself_counts_too(void **state)
{
  struct world *world = *state;
  uint8_t id[SUBMISSION_ID_SIZE];
  g_autoptr(GBytes) sealed = seal(world, "2018-05", NULL, 0, 1, id); /* no month before */
  struct judged *judged = ask(world, sealed);

  assert_false(judged->upheld[0]);
  assert_true(judged->upheld[1]);
  write_judged(world, judged, 1, 1);
}

static void a_fault_is_not_asked_about(void **state)
{
  struct world *world = *state;
  CLEANUP(snapshot_unref) struct snapshot *snapshot = present_get(writer_present(world->fixture.writer));
  g_autoptr(GBytes) garbage = g_bytes_new("garbage", 7);
  CLEANUP(judged_free) struct judged *judged = judge_submission(snapshot, garbage, NULL, clock_wall().ms);

  hindsight_ask(world->hindsight, judged);
  assert_null(judged->upheld);
}

static void a_month_before_that_was_corrected_since_is_read_again(void **state)
{
  struct world *world = *state;
  uint8_t before[SUBMISSION_ID_SIZE], id[SUBMISSION_ID_SIZE];

  report(world, "2018-04", NULL, 10, 10, before);
  g_autoptr(GBytes) sealed = seal(world, "2018-05", NULL, 15, 9, id);
  struct judged *judged = ask(world, sealed);
  report(world, "2018-04", before, 20, 5, id);
  write_judged(world, judged, 1, 1); /* now it is a1 that falls, and not b1 */

  g_autoptr(GBytes) again = seal(world, "2018-05", NULL, 20, 0, id);
  write_judged(world, ask(world, again), 1, 0);
}

static void a_unit_that_came_into_the_month_before_since_is_read(void **state)
{
  struct world *world = *state;
  uint8_t id[SUBMISSION_ID_SIZE];
  struct fixture_report late = {.unit = "b1", .change = fixture_value(OUTPUT, 20)};

  report(world, "2018-04", NULL, 10, 0, id);
  g_autoptr(GBytes) sealed = seal(world, "2018-05", NULL, 10, 9, id);
  struct judged *judged = ask(world, sealed);
  assert_true(judged->upheld[1]);
  g_autoptr(GBytes) other = fixture_seal(&world->fixture, &world->east, "monthly", "2018-04", &late, 1, id);
  write_judged(world, ask(world, other), 1, 0);
  write_judged(world, judged, 1, 1);
}

static void a_month_before_that_came_since_is_read(void **state)
{
  struct world *world = *state;
  uint8_t id[SUBMISSION_ID_SIZE];
  g_autoptr(GBytes) sealed = seal(world, "2018-05", NULL, 15, 9, id);
  struct judged *judged = ask(world, sealed);

  report(world, "2018-04", NULL, 10, 10, id);
  assert_false(holds(world, judged));
  write_judged(world, judged, 1, 1);
}

/* The report of another park counts where this one has none. */
static void a_report_of_its_own_goes_before_the_one_that_counted(void **state)
{
  struct world *world = *state;
  struct fixture_report other = {.unit = "a1", .change = fixture_value(OUTPUT, 30)};
  uint8_t id[SUBMISSION_ID_SIZE];
  g_autoptr(GBytes) west = fixture_seal(&world->fixture, &world->west, "monthly", "2018-04", &other, 1, NULL);

  write_judged(world, ask(world, west), 1, 0);
  g_autoptr(GBytes) sealed = seal(world, "2018-05", NULL, 20, 0, id);
  struct judged *judged = ask(world, sealed);
  assert_false(judged->upheld[0]); /* 30 → 20 */
  report(world, "2018-04", NULL, 20, 0, id);
  write_judged(world, judged, 1, 0); /* its own of the month before goes first */
}

static void within_one_moment_what_came_after_it_is_read_by_the_writer(void **state)
{
  struct world *world = *state;
  uint8_t before[SUBMISSION_ID_SIZE], id[SUBMISSION_ID_SIZE];

  report(world, "2018-03", NULL, 10, 10, before);
  for (int n = 0; n < 3; n++) { /* far within the time for which a moment is kept, or it proves nothing */
    g_autofree char *period = g_strdup_printf("2018-%02d", 4 + n);

    g_autoptr(GBytes) sealed = seal(world, period, NULL, 10, 9 - n, id); /* b1 falls each month */
    write_judged(world, ask_within_moment(world, sealed), 1, 1);
    g_autoptr(GBytes) again = seal(world, period, NULL, 10, 10, id); /* a1 is there, b1 comes now */
    struct judged *judged = ask_within_moment(world, again);
    write_judged(world, judged, 1, 0);
  }
}

static void after_a_rest_it_sees_what_was_committed(void **state)
{
  struct world *world = *state;
  uint8_t id[SUBMISSION_ID_SIZE];

  report(world, "2018-04", NULL, 10, 10, id);
  g_autoptr(GBytes) sealed = seal(world, "2018-05", NULL, 9, 11, id);
  CLEANUP(judged_free) struct judged *judged = ask(world, sealed);
  assert_false(judged->upheld[0]);
  assert_true(judged->upheld[1]);
  assert_true(holds(world, judged));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_keeps_all_rules_is_told_from_what_does_not, setup, teardown),
      cmocka_unit_test_setup_teardown(what_a_report_says_by_itself_counts_too, setup, teardown),
      cmocka_unit_test_setup_teardown(a_fault_is_not_asked_about, setup, teardown),
      cmocka_unit_test_setup_teardown(a_month_before_that_was_corrected_since_is_read_again, setup, teardown),
      cmocka_unit_test_setup_teardown(a_unit_that_came_into_the_month_before_since_is_read, setup, teardown),
      cmocka_unit_test_setup_teardown(a_month_before_that_came_since_is_read, setup, teardown),
      cmocka_unit_test_setup_teardown(a_report_of_its_own_goes_before_the_one_that_counted, setup, teardown),
      cmocka_unit_test_setup_teardown(within_one_moment_what_came_after_it_is_read_by_the_writer, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(after_a_rest_it_sees_what_was_committed, setup, teardown),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What operators' acts come to: which decides for whom, and which would change nothing. */
#include "aggregator/periods.h"

#include "small.h"

static const struct period may = {2018, 5, 1}, june = {2018, 6, 1};
#define IN_JUNE_MS 1528693200000 /* 2018-06-11 13:00 in Shanghai */

struct world {
  struct catalogue *catalogue;
  GArray *acts;
};

static int set_up(void **state)
{
  struct world *world = g_new0(struct world, 1);
  world->catalogue = small_catalogue("    january: separate\n",
                                     "    january: separate\n    due: {day: 11, time: '12:00'}\n", "");
  world->acts = periods_new();
  *state = world;
  return 0;
}

static int tear_down(void **state)
{
  struct world *world = *state;
  g_array_unref(world->acts);
  catalogue_unref(world->catalogue);
  g_free(world);
  return 0;
}

static int area_of(const struct world *world, const char *area)
{
  return *area ? catalogue_area(world->catalogue, area) : CATALOGUE_NONE;
}

static char *objection(struct world *world, enum period_action action, struct period period, const char *area)
{
  return periods_objection(world->acts, world->catalogue, action, catalogue_form(world->catalogue, "monthly"),
                           period, area_of(world, area));
}

static void must_object(struct world *world, enum period_action action, struct period period,
                        const char *area, const char *word)
{
  g_autofree char *text = objection(world, action, period, area);
  if (!text || !strstr(text, word)) fail_msg("found “%s”, expected “%s”", text ? text : "", word);
}

static void act(struct world *world, enum period_action action, struct period period, const char *area)
{
  g_autofree char *text = objection(world, action, period, area);
  if (text) fail_msg("%s", text);
  struct stored_period_act done = {.position = 10 + world->acts->len,
                                   .form = (char *)"monthly",
                                   .period = period,
                                   .action = action,
                                   .area = (char *)area,
                                   .by = (char *)"b",
                                   .reason = (char *)"r"};
  GArray *next = periods_with(world->acts, &done);
  g_array_unref(world->acts);
  world->acts = next;
}

static enum period_state state_at(const struct world *world, struct period period, const char *area,
                                  int64_t now)
{
  return periods_state(world->acts, world->catalogue, catalogue_form(world->catalogue, "monthly"), period,
                       area_of(world, area), now);
}

static enum period_state state_of(const struct world *world, const char *area)
{
  return state_at(world, may, area, IN_JUNE_MS - 3601 * 1000);
}

static void what_makes_no_sense_is_objected_to(void **state)
{
  struct world *world = *state;
  must_object(world, PERIOD_TO_CLOSE, (struct period){2018, 1, 12}, "", "expects a month");
  must_object(world, PERIOD_TO_CLOSE, (struct period){2018, 1, 2}, "", "expects a month");
  must_object(world, PERIOD_TO_REOPEN, may, "", "not closed");
  must_object(world, PERIOD_TO_REOPEN, may, "east", "not closed");
  act(world, PERIOD_TO_CLOSE, may, "east");
  must_object(world, PERIOD_TO_CLOSE, may, "east", "closed already");
  must_object(world, PERIOD_TO_REOPEN, may, "west", "not closed");
  must_object(world, PERIOD_TO_OPEN, may, "", "period reopen");
  act(world, PERIOD_TO_CLOSE, may, ""); /* the others too */
  must_object(world, PERIOD_TO_CLOSE, may, "", "closed already");
  must_object(world, PERIOD_TO_CLOSE, may, "west", "closed already");
  act(world, PERIOD_TO_OPEN, june, "");
  must_object(world, PERIOD_TO_OPEN, june, "", "open already");
  must_object(world, PERIOD_TO_OPEN, june, "west", "open already");
}

static void the_last_act_about_an_area_decides(void **state)
{
  struct world *world = *state;
  assert_int_equal(state_of(world, "east"), PERIOD_IS_OPEN);
  act(world, PERIOD_TO_CLOSE, may, "");
  assert_int_equal(state_of(world, "east"), PERIOD_IS_CLOSED);
  assert_int_equal(state_at(world, june, "east", IN_JUNE_MS), PERIOD_IS_OPEN);
  act(world, PERIOD_TO_REOPEN, may, "group"); /* of which east and west are parts */
  assert_int_equal(state_of(world, "east"), PERIOD_IS_OPEN);
  assert_int_equal(state_of(world, "south"), PERIOD_IS_CLOSED);
  assert_int_equal(state_of(world, ""), PERIOD_IS_CLOSED);
  act(world, PERIOD_TO_CLOSE, may, "west");
  assert_int_equal(state_of(world, "west"), PERIOD_IS_CLOSED);
  assert_int_equal(state_of(world, "east"), PERIOD_IS_OPEN);
  act(world, PERIOD_TO_CLOSE, may, "");
  assert_int_equal(state_of(world, "east"), PERIOD_IS_CLOSED);
  act(world, PERIOD_TO_REOPEN, may, "");
  assert_int_equal(state_of(world, "west"), PERIOD_IS_OPEN);
  assert_int_equal(state_of(world, ""), PERIOD_IS_OPEN);
}

static void the_clock_decides_where_nobody_did(void **state)
{
  struct world *world = *state;
  int64_t due = IN_JUNE_MS - 3600 * 1000, begins = 1527782400000; /* 2018-06-01 00:00 in Shanghai */
  assert_int_equal(state_at(world, june, "", begins - 1), PERIOD_IS_FUTURE);
  assert_int_equal(state_at(world, june, "", begins), PERIOD_IS_OPEN);
  assert_int_equal(state_at(world, may, "", due), PERIOD_IS_OPEN);
  assert_int_equal(state_at(world, may, "", due + 1), PERIOD_IS_DUE);
  act(world, PERIOD_TO_OPEN, june, "east");
  assert_int_equal(state_at(world, june, "east", begins - 1), PERIOD_IS_OPEN);
  assert_int_equal(state_at(world, june, "west", begins - 1), PERIOD_IS_FUTURE);
}

static void acts_stand_by_form_period_and_position(void **state)
{
  struct world *world = *state;
  size_t count;
  act(world, PERIOD_TO_CLOSE, june, "");
  act(world, PERIOD_TO_CLOSE, may, "");
  act(world, PERIOD_TO_REOPEN, may, "east");
  const struct stored_period_act *acts = periods_acts(world->acts, "monthly", may, &count);
  assert_int_equal(count, 2);
  assert_int_equal(acts[0].position, 11);
  assert_int_equal(acts[1].position, 12);
  assert_null(periods_acts(world->acts, "finance", may, &count));
  assert_int_equal(count, 0);
  assert_null(periods_acts(world->acts, "zzz", may, &count));
  const struct stored_period_act *last =
      periods_last(world->acts, world->catalogue, "monthly", may, area_of(world, "west"));
  assert_int_equal(last->position, 11);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(what_makes_no_sense_is_objected_to),
      TEST(the_last_act_about_an_area_decides),
      TEST(the_clock_decides_where_nobody_did),
      TEST(acts_stand_by_form_period_and_position),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

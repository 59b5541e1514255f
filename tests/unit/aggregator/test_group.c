/* A transaction that comes to nothing, as its jobs see it. */
#include "fixture.h"

#include "aggregator/folder.h"
#include "aggregator/group.h"
#include "common/clock.h"
#include "common/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char REGISTER[] =
    "unit,class,parent,name,parks,reporter,in_boundary,industry,clusters,flags,status,succeeds,from,to\n"
    "a1,code,,甲,east,,1,,,,,,,\n"
    "b1,code,,乙,west,,1,,,,,,,\n";

/* A group of its own over the fixture's store, which no writer has. */
struct world {
  struct fixture fixture;
  struct fixture_agent east, west;
  struct store *store;
  struct group *group;
};

static int setup(void **state)
{
  struct world *world = g_new0(struct world, 1);

  fixture_setup(&world->fixture, REGISTER);
  fixture_enrol(&world->fixture, "east", &world->east);
  fixture_enrol(&world->fixture, "west", &world->west);
  *state = world;
  return 0;
}

static int teardown(void **state)
{
  struct world *world = *state;

  if (world->group) group_free(world->group);
  store_close(world->store);
  fixture_agent_clear(&world->east);
  fixture_agent_clear(&world->west);
  fixture_teardown(&world->fixture);
  g_free(world);
  return 0;
}

static void open_group(struct world *world)
{
  g_autofree char *path = folder_path(world->fixture.folder, "store.db");

  writer_free(world->fixture.writer);
  world->fixture.writer = NULL;
  world->store = store_open(path, STORE_WRITE, NULL);
  assert_non_null(world->store);
  CLEANUP(snapshot_unref) struct snapshot *snapshot = snapshot_load(world->store, NULL);
  assert_non_null(snapshot);
  world->group = group_new(world->store, world->fixture.identity, snapshot);
}

static GBytes *seal_one(struct world *world, struct fixture_agent *agent, const char *unit)
{
  const struct fixture_report report = {.unit = unit, .change = fixture_value(0, 7)};

  return fixture_seal(&world->fixture, agent, "monthly", "2018-05", &report, 1, NULL);
}

static void clear_job(struct job *job)
{
  judged_free(job->judged);
  g_clear_pointer(&job->result, g_bytes_unref);
  g_clear_error(&job->error);
}

/* Each job by itself is what the writer does where one of them meets a damaged row. */
static bool commit_alone(struct world *world, struct job *job)
{
  g_autoptr(GError) error = NULL;

  g_clear_error(&job->error);
  group_begin(world->group);
  group_add(world->group, job);
  return group_commit(world->group, &error);
}

static void a_revoked_agent_stays_refused_when_its_group_came_to_nothing(void **state)
{
  struct world *world = *state;
  const struct act revocation = {.kind = LEAF_REVOCATION, .by = "test", .agent = world->east.id};
  CLEANUP(snapshot_unref) struct snapshot *before = present_get(writer_present(world->fixture.writer));
  g_autoptr(GBytes) revoked = seal_one(world, &world->east, "a1");
  g_autoptr(GBytes) other = seal_one(world, &world->west, "b1");
  g_autoptr(GError) error = NULL;
  struct job early = {.kind = JOB_SUBMISSION}, late = {.kind = JOB_SUBMISSION};

  early.judged = judge_submission(before, revoked, NULL, clock_wall().ms); /* just before the revocation */
  assert_int_equal(early.judged->fault, FINDING_COUNT);
  assert_true(writer_act(world->fixture.writer, &revocation, NULL, NULL));
  open_group(world);
  late.judged = judge_submission(group_snapshot(world->group), other, NULL, clock_wall().ms);

  group_begin(world->group);
  group_add(world->group, &early);
  group_add(world->group, &late);
  assert_int_equal(early.error->code, ERROR_DATA);
  store_leaf_add(world->store, 0, LEAF_GENESIS, 1, (const uint8_t *)"", 0, 0,
                 (const uint8_t[32]){0}); /* is there */
  assert_false(group_commit(world->group, &error));

  assert_true(commit_alone(world, &early));
  assert_non_null(early.error);
  assert_null(early.result);
  assert_int_equal(early.judged->fault, FINDING_AGENT_REVOKED);
  assert_true(commit_alone(world, &late));
  assert_null(late.error);
  assert_non_null(late.result);
  clear_job(&early);
  clear_job(&late);
}

static void a_number_that_was_used_in_vain_is_free_again(void **state)
{
  struct world *world = *state;
  struct job first = {.kind = JOB_SUBMISSION}, second = {.kind = JOB_SUBMISSION};
  g_autoptr(GError) error = NULL;

  g_autoptr(GBytes) one = seal_one(world, &world->east, "a1");
  world->east.sequence--; /* another submission with the same number */
  const struct fixture_report report = {.unit = "a1", .change = fixture_value(0, 8)};
  g_autoptr(GBytes) two = fixture_seal(&world->fixture, &world->east, "monthly", "2018-06", &report, 1, NULL);
  open_group(world);
  first.judged = judge_submission(group_snapshot(world->group), one, NULL, clock_wall().ms);
  second.judged = judge_submission(group_snapshot(world->group), two, NULL, clock_wall().ms);

  group_begin(world->group);
  group_add(world->group, &first);
  group_add(world->group, &second);
  assert_int_equal(second.judged->fault, FINDING_SEQUENCE_REUSED);
  store_leaf_add(world->store, 0, LEAF_GENESIS, 1, (const uint8_t *)"", 0, 0, (const uint8_t[32]){0});
  assert_false(group_commit(world->group, &error));
  assert_true(commit_alone(world, &second));
  assert_null(second.error);
  assert_non_null(second.result);
  clear_job(&first);
  clear_job(&second);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(a_revoked_agent_stays_refused_when_its_group_came_to_nothing),
      TEST(a_number_that_was_used_in_vain_is_free_again),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}

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

static void an_acknowledged_submission_gets_its_receipt_also_after_its_period_was_closed(void **state)
{
  struct world *world = *state;
  const struct act closing = {
      .kind = LEAF_PERIOD, .by = "test", .period = {PERIOD_TO_CLOSE, "monthly", "2018-05", ""}};
  struct job first = {.kind = JOB_SUBMISSION}, again = {.kind = JOB_SUBMISSION},
             new = {.kind = JOB_SUBMISSION};
  struct job act = {.kind = JOB_ACT, .act = closing};
  g_autoptr(GBytes) acknowledged = seal_one(world, &world->east, "a1");
  g_autoptr(GBytes) other = seal_one(world, &world->west, "b1");

  open_group(world);
  first.judged = judge_submission(group_snapshot(world->group), acknowledged, NULL, clock_wall().ms);
  new.judged = judge_submission(group_snapshot(world->group), other, NULL, clock_wall().ms);
  assert_true(commit_alone(world, &first));
  assert_non_null(first.result);

  /* one that was judged before the close, in the very transaction of the close: refused, for it came after */
  group_begin(world->group);
  group_add(world->group, &act);
  group_add(world->group, &new);
  assert_true(group_commit(world->group, NULL));
  assert_null(act.error);
  assert_int_equal(new.judged->fault, FINDING_PERIOD_CLOSED);
  assert_non_null(new.error);
  assert_null(new.result);

  again.judged = judge_submission(group_snapshot(world->group), acknowledged, NULL, clock_wall().ms);
  assert_int_equal(again.judged->fault, FINDING_PERIOD_CLOSED);
  assert_true(commit_alone(world, &again));
  assert_null(again.error);
  assert_true(g_bytes_equal(again.result, first.result));
  clear_job(&first);
  clear_job(&again);
  clear_job(&new);
  clear_job(&act);
}

#define DUE_MS 1528884000000 /* 2018-06-13 18:00 in Shanghai */

/* The wall clock of the test. */
static int64_t now_ms;

static struct wall_time fake_wall(void)
{
  return (struct wall_time){now_ms};
}

static int setup_before_the_deadline(void **state)
{
  now_ms = DUE_MS - 10000;
  clock_replace(fake_wall);
  return setup(state);
}

static int teardown_of_clock(void **state)
{
  clock_replace(NULL);
  return teardown(state);
}

static bool is_late(struct world *world, struct job *job)
{
  const uint8_t *payload;
  size_t length;

  assert_true(commit_alone(world, job));
  assert_null(job->error);
  assert_true(seal_peek(g_bytes_get_data(job->result, NULL), g_bytes_get_size(job->result), SEAL_RECEIPT,
                        &payload, &length));
  CLEANUP(receipt_free) struct receipt *receipt = receipt_decode(payload, length);
  assert_int_equal(receipt->counted, 1);
  g_autoptr(GBytes) body = store_leaf(world->store, receipt->position);
  CLEANUP(leaf_free) struct leaf *leaf = leaf_decode(g_bytes_get_data(body, NULL), g_bytes_get_size(body));
  assert_int_equal(leaf->submission.finding_count, receipt->finding_count); /* the ledger has it too */
  return receipt->finding_count == 1 && strcmp(receipt->findings[0], "report.late") == 0;
}

static void who_reports_first_after_the_deadline_is_late_and_who_corrects_is_not(void **state)
{
  struct world *world = *state;
  static const char DUE[] = "    january: separate\n    due: {day: 13, time: '18:00'}\n";
  uint8_t id[SUBMISSION_ID_SIZE];
  CLEANUP(snapshot_unref) struct snapshot *before = present_get(writer_present(world->fixture.writer));
  g_auto(GStrv) parts = g_strsplit(before->catalogue->text, "    january: separate\n", 2);
  g_autofree char *text = g_strconcat(parts[0], DUE, parts[1], NULL);
  g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
  const struct act act = {.kind = LEAF_CATALOGUE, .by = "test", .text = bytes};
  assert_true(writer_act(world->fixture.writer, &act, NULL, NULL));
  struct fixture_report report = {.unit = "a1", .change = fixture_value(0, 7)};
  g_autoptr(GBytes) first = fixture_seal(&world->fixture, &world->east, "monthly", "2018-05", &report, 1, id);
  report.base = id;
  report.change = fixture_value(0, 8);
  g_autoptr(GBytes) correction =
      fixture_seal(&world->fixture, &world->east, "monthly", "2018-05", &report, 1, NULL);
  g_autoptr(GBytes) other = seal_one(world, &world->west, "b1");
  struct job jobs[] = {{.kind = JOB_SUBMISSION}, {.kind = JOB_SUBMISSION}, {.kind = JOB_SUBMISSION}};
  GBytes *const sealed[] = {first, correction, other};

  open_group(world);
  for (int n = 0; n < 3; n++) {
    jobs[n].judged = judge_submission(group_snapshot(world->group), sealed[n], NULL, DUE_MS);
    now_ms = DUE_MS + n; /* the first at the last moment */
    assert_int_equal(is_late(world, &jobs[n]), n == 2);
    clear_job(&jobs[n]);
  }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(a_revoked_agent_stays_refused_when_its_group_came_to_nothing),
      TEST(a_number_that_was_used_in_vain_is_free_again),
      TEST(an_acknowledged_submission_gets_its_receipt_also_after_its_period_was_closed),
      cmocka_unit_test_setup_teardown(who_reports_first_after_the_deadline_is_late_and_who_corrects_is_not,
                                      setup_before_the_deadline, teardown_of_clock),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}

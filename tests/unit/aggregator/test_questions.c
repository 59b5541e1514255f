/* Questions over a real store: each agent's in turn, and no more of one than may wait. */
#include "aggregator/questions.h"

#include "common/finding.h"
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct world {
  struct fixture fixture;
  struct fixture_agent east, west, south;
  struct questions *questions;
  GMutex mutex; /* of what follows */
  GCond cond;
  bool held;         /* the sink waits, and with it the thread */
  bool busy;         /* … and does so now */
  GString *askers;   /* a letter for each answer */
  GPtrArray *frames; /* GBytes */
};

static void keep(const struct channel_message *asked, GBytes *frame, void *data)
{
  struct world *world = data;

  g_mutex_lock(&world->mutex);
  g_string_append_c(world->askers, asked->user[0]);
  assert_string_equal(g_bytes_get_data(asked->peer, NULL), asked->user);
  assert_string_equal(asked->address, "127.1.0.1");
  g_ptr_array_add(world->frames, g_bytes_ref(frame));
  world->busy = true;
  g_cond_broadcast(&world->cond);
  while (world->held) g_cond_wait(&world->cond, &world->mutex);
  world->busy = false;
  g_mutex_unlock(&world->mutex);
}

/* Until so many are answered. */
static void go_on(struct world *world, guint count)
{
  g_mutex_lock(&world->mutex);
  world->held = false;
  g_cond_broadcast(&world->cond);
  while (world->frames->len < count) g_cond_wait(&world->cond, &world->mutex);
  g_mutex_unlock(&world->mutex);
}

static int set_up(void **state)
{
  struct world *world = g_new0(struct world, 1);

  fixture_setup(&world->fixture, "unit,class,parks\na1,code,east\nc1,code,west\n");
  fixture_enrol(&world->fixture, "east", &world->east);
  fixture_enrol(&world->fixture, "west", &world->west);
  fixture_enrol(&world->fixture, "south", &world->south);
  g_mutex_init(&world->mutex);
  g_cond_init(&world->cond);
  world->askers = g_string_new(NULL);
  world->frames = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  world->questions =
      questions_new(world->fixture.folder, world->fixture.identity, world->fixture.writer, keep, world, NULL);
  *state = world;
  return 0;
}

static int tear_down(void **state)
{
  struct world *world = *state;

  go_on(world, 0); /* also after a failure */
  questions_free(world->questions);
  g_string_free(world->askers, TRUE);
  g_ptr_array_unref(world->frames);
  g_cond_clear(&world->cond);
  g_mutex_clear(&world->mutex);
  fixture_agent_clear(&world->east);
  fixture_agent_clear(&world->west);
  fixture_agent_clear(&world->south);
  fixture_teardown(&world->fixture);
  g_free(world);
  return 0;
}

static unsigned ask(struct world *world, const struct fixture_agent *agent, const struct frame *frame)
{
  struct channel_message message = {.peer = g_bytes_new(agent->id, strlen(agent->id) + 1),
                                    .address = "127.1.0.1"};
  unsigned waiting;

  g_strlcpy(message.user, agent->id, sizeof message.user);
  waiting = questions_take(world->questions, &message, frame);
  channel_message_clear(&message);
  return waiting;
}

static const struct frame head = {.kind = FRAME_HEAD_REQUEST};

/* The thread is at its first answer, to `agent`, and goes no further. */
static void hold(struct world *world, const struct fixture_agent *agent)
{
  world->held = true;
  assert_int_equal(ask(world, agent, &head), 1);
  g_mutex_lock(&world->mutex);
  while (!world->busy) g_cond_wait(&world->cond, &world->mutex);
  g_mutex_unlock(&world->mutex);
}

static struct frame *answer(struct world *world, guint n)
{
  size_t length;
  const uint8_t *data = g_bytes_get_data(world->frames->pdata[n], &length);

  return frame_decode(data, length);
}

static void who_asks_much_waits_for_nobody_but_himself(void **state)
{
  struct world *world = *state;

  hold(world, &world->east);
  for (unsigned n = 1; n <= 10; n++) assert_int_equal(ask(world, &world->east, &head), n);
  for (unsigned n = 1; n <= 2; n++) assert_int_equal(ask(world, &world->west, &head), n);
  assert_int_equal(ask(world, &world->south, &head), 1);
  go_on(world, 14);
  assert_string_equal(world->askers->str, "eewsewe"
                                          "eeeeeee");
}

static void of_one_agent_no_more_wait_than_may(void **state)
{
  struct world *world = *state;

  hold(world, &world->east);
  for (unsigned n = 1; n <= LIMIT_QUESTIONS_AGENT; n++) assert_int_equal(ask(world, &world->east, &head), n);
  assert_int_equal(ask(world, &world->east, &head), 0);
  assert_int_equal(ask(world, &world->west, &head), 1);
  assert_int_equal(questions_most(world->questions), LIMIT_QUESTIONS_AGENT);
  go_on(world, LIMIT_QUESTIONS_AGENT + 2);
  assert_int_equal(questions_most(world->questions), 0);
  assert_int_equal(world->frames->len, LIMIT_QUESTIONS_AGENT + 2);
  assert_int_equal(ask(world, &world->east, &head), 1);
}

static void each_kind_gets_its_answer(void **state)
{
  struct world *world = *state;
  static const uint8_t id[SUBMISSION_ID_SIZE] = {1, 2, 3};
  static const uint64_t sizes[] = {1, 2};
  struct frame asked = {.kind = FRAME_HEAD_REQUEST};

  asked.head_request.from = sizes;
  asked.head_request.count = 2;
  ask(world, &world->east, &asked);
  asked = (struct frame){.kind = FRAME_STATE_REQUEST};
  ask(world, &world->east, &asked);
  asked = (struct frame){.kind = FRAME_REFUSAL_REQUEST};
  asked.refusal_request.id = (struct bytes_view){id, sizeof id};
  ask(world, &world->east, &asked);
  go_on(world, 3);
  CLEANUP(frame_free)
  struct frame *first = answer(world, 0), *second = answer(world, 1), *third = answer(world, 2);
  assert_int_equal(first->kind, FRAME_HEAD);
  assert_int_equal(first->head.count, 2);
  assert_int_equal(second->kind, FRAME_STATE_PAGE);
  assert_int_equal(second->state_page.agent_count, 1);
  assert_int_equal(third->kind, FRAME_FAULT);
  assert_string_equal(third->fault.code, finding_id(FINDING_REQUEST_UNKNOWN));
  assert_memory_equal(third->fault.id.data, id, sizeof id);
}

static void who_was_revoked_meanwhile_is_told_nothing(void **state)
{
  struct world *world = *state;

  hold(world, &world->west);
  ask(world, &world->east, &head);
  ask(world, &world->west, &head);
  fixture_revoke(&world->fixture, &world->east);
  go_on(world, 2);
  assert_string_equal(world->askers->str, "ww");
}

/* By the teardown. */
static void what_still_waits_at_the_end_is_let_go_of(void **state)
{
  struct world *world = *state;

  hold(world, &world->west);
  for (int n = 0; n < 5; n++) ask(world, &world->east, &head);
  go_on(world, 1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(who_asks_much_waits_for_nobody_but_himself, set_up, tear_down),
      cmocka_unit_test_setup_teardown(of_one_agent_no_more_wait_than_may, set_up, tear_down),
      cmocka_unit_test_setup_teardown(each_kind_gets_its_answer, set_up, tear_down),
      cmocka_unit_test_setup_teardown(who_was_revoked_meanwhile_is_told_nothing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_still_waits_at_the_end_is_let_go_of, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

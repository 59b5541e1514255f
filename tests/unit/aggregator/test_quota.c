/* A quota among threads: never more than there is, nobody overtaken. */
#include "aggregator/quota.h"

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PATIENCE_US (20 * G_USEC_PER_SEC) /* what was waited for so long does not come */

enum { TOTAL = 100, THREADS = 8, TURNS = 4000, ROUNDS = 200 };

struct sharing {
  struct quota *quota;
  GMutex lock; /* of what follows */
  uint64_t next;
  size_t held, most_held;
  bool beyond;
};

/* Turns come in order, but threads reach the quota in any. */
static uint64_t next_turn(struct sharing *sharing)
{
  g_mutex_lock(&sharing->lock);
  uint64_t turn = sharing->next++;
  g_mutex_unlock(&sharing->lock);
  return turn;
}

static void note_taken(struct sharing *sharing, size_t part)
{
  g_mutex_lock(&sharing->lock);
  sharing->held += part;
  if (sharing->held > TOTAL) sharing->beyond = true;
  sharing->most_held = MAX(sharing->most_held, sharing->held);
  g_mutex_unlock(&sharing->lock);
}

/* Takes all that it may need, gives what it did not need back, later the rest. */
static void *share(void *data)
{
  struct sharing *sharing = data;

  for (uint64_t turn; (turn = next_turn(sharing)) < TURNS;) {
    size_t most = turn % 7 == 0 ? TOTAL : 1 + turn * 31 % 60, kept = most / 2;

    quota_take(sharing->quota, turn, most);
    note_taken(sharing, most);
    g_mutex_lock(&sharing->lock);
    sharing->held -= most - kept;
    g_mutex_unlock(&sharing->lock);
    quota_give(sharing->quota, most - kept);
    if (turn % 3 == 0) g_thread_yield();
    g_mutex_lock(&sharing->lock);
    sharing->held -= kept;
    g_mutex_unlock(&sharing->lock);
    quota_give(sharing->quota, kept);
  }
  return NULL;
}

static void no_more_is_given_out_than_there_is_and_all_come_to_their_turn(void **state)
{
  (void)state;
  struct sharing sharing = {.quota = quota_new(TOTAL)};
  GThread *threads[THREADS];

  g_mutex_init(&sharing.lock);
  for (int n = 0; n < THREADS; n++) threads[n] = g_thread_new("share", share, &sharing);
  for (int n = 0; n < THREADS; n++) g_thread_join(threads[n]);
  assert_false(sharing.beyond);
  assert_int_equal(sharing.most_held, TOTAL);
  assert_int_equal(sharing.held, 0);
  g_mutex_clear(&sharing.lock);
  quota_unref(sharing.quota);
}

struct waiter {
  struct quota *quota;
  uint64_t turn;
  size_t part;
  GAsyncQueue *done; /* of waiters */
};

static void *wait_for_part(void *data)
{
  struct waiter *waiter = data;

  quota_take(waiter->quota, waiter->turn, waiter->part);
  g_async_queue_push(waiter->done, waiter);
  return NULL;
}

/* Turns 1 to 3 wait, started last first. There is room for the small ones at once, but the large one came
 * first. */
static void who_needs_little_does_not_overtake_who_needs_much(void **state)
{
  (void)state;
  struct quota *quota = quota_new(TOTAL);
  g_autoptr(GAsyncQueue) done = g_async_queue_new();
  struct waiter waiters[] = {{quota, 1, 80, done}, {quota, 2, 10, done}, {quota, 3, 10, done}};
  GThread *threads[3];

  quota_take(quota, 0, 50);
  for (int n = 2; n >= 0; n--) threads[n] = g_thread_new("wait", wait_for_part, &waiters[n]);
  for (int n = 0; n < 1000; n++) g_thread_yield();
  assert_null(g_async_queue_try_pop(done));
  quota_give(quota, 50);
  for (int n = 0; n < 3; n++) g_thread_join(threads[n]);
  assert_int_equal(g_async_queue_length(done), 3);
  quota_take(quota, 4, 0);
  quota_unref(quota);
}

/* There is room enough and nobody gives back: that the turn before is over must wake who waits for it. */
static void a_turn_that_is_over_wakes_the_next(void **state)
{
  (void)state;
  struct quota *quota = quota_new(TOTAL);
  g_autoptr(GAsyncQueue) done = g_async_queue_new();
  bool woken = true;

  for (uint64_t turn = 0; turn < ROUNDS && woken; turn += 2) {
    struct waiter waiter = {quota, turn + 1, 0, done};
    GThread *thread = g_thread_new("wait", wait_for_part, &waiter);

    for (int n = 0; n < 100; n++) g_thread_yield(); /* so that it mostly waits already */
    quota_take(quota, turn, 0);
    woken = g_async_queue_timeout_pop(done, PATIENCE_US) != NULL;
    quota_give(quota, 0); /* wakes it at any rate */
    g_thread_join(thread);
  }
  assert_true(woken);
  quota_unref(quota);
}

static void it_lives_as_long_as_somebody_has_to_give_back(void **state)
{
  (void)state;
  struct quota *quota = quota_new(TOTAL), *kept = quota_ref(quota);

  quota_take(quota, 0, TOTAL);
  quota_unref(quota);
  quota_give(kept, TOTAL);
  quota_take(kept, 1, TOTAL);
  quota_unref(kept);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_more_is_given_out_than_there_is_and_all_come_to_their_turn),
      cmocka_unit_test(who_needs_little_does_not_overtake_who_needs_much),
      cmocka_unit_test(a_turn_that_is_over_wakes_the_next),
      cmocka_unit_test(it_lives_as_long_as_somebody_has_to_give_back),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}

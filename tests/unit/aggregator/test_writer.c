/* When the writer's log is copied into the database, and by which thread. */
#include "aggregator/writer.h"

#include "common/error.h"
#include "common/limits.h"
#include "fixture.h"

#include <dlfcn.h>
#include <glib.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PATIENCE_US                                                                                          \
  (20 * G_USEC_PER_SEC)        /* nothing takes so long; what was waited for in vain is missing              \
                                */
#define MOMENT_US (100 * 1000) /* of quiet, at the least, before a short log is copied */
#define ACTS_MOST 1000         /* without a pause */

/* --- SQLite's own functions: a log as long as a test says, copies that fail --- */

static struct {
  GMutex lock; /* of what follows */
  int (*told)(void *, sqlite3 *, const char *, int);
  size_t bytes;  /* of the log after a commit; 0: as it is */
  int outcome;   /* of copies, in place of SQLITE_OK */
  GThread *last; /* who committed last, and when */
  int64_t last_us;
} library;

struct copy {
  bool by_who_committed;
  int64_t quiet_us; /* since the last commit */
};

static GAsyncQueue *copies;

static size_t page_bytes(sqlite3 *handle)
{
  sqlite3_stmt *query;
  assert_int_equal(sqlite3_prepare_v2(handle, "PRAGMA page_size", -1, &query, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_step(query), SQLITE_ROW);
  int bytes = sqlite3_column_int(query, 0);
  sqlite3_finalize(query);
  return (size_t)bytes;
}

static int tell_commit(void *data, sqlite3 *handle, const char *name, int pages)
{
  g_mutex_lock(&library.lock);
  int told = library.bytes ? (int)(library.bytes / page_bytes(handle)) : pages;
  library.last = g_thread_self();
  library.last_us = g_get_monotonic_time();
  g_mutex_unlock(&library.lock);
  return library.told(data, handle, name, told);
}

void *sqlite3_wal_hook(sqlite3 *handle, int (*hook)(void *, sqlite3 *, const char *, int), void *data)
{
  void *(*real)(sqlite3 *, int (*)(void *, sqlite3 *, const char *, int), void *) =
      (void *(*)(sqlite3 *, int (*)(void *, sqlite3 *, const char *, int), void *))dlsym(RTLD_NEXT,
                                                                                         "sqlite3_wal_hook");
  library.told = hook;
  return real(handle, tell_commit, data);
}

int sqlite3_wal_checkpoint_v2(sqlite3 *handle, const char *name, int mode, int *ret_log, int *ret_copied)
{
  int (*real)(sqlite3 *, const char *, int, int *, int *) =
      (int (*)(sqlite3 *, const char *, int, int *, int *))dlsym(RTLD_NEXT, "sqlite3_wal_checkpoint_v2");
  if (mode != SQLITE_CHECKPOINT_PASSIVE)
    return real(handle, name, mode, ret_log, ret_copied); /* at a start */
  struct copy *copy = g_new0(struct copy, 1);
  g_mutex_lock(&library.lock);
  copy->by_who_committed = library.last == g_thread_self();
  copy->quiet_us = g_get_monotonic_time() - library.last_us;
  int outcome = library.outcome;
  g_mutex_unlock(&library.lock);
  int result = outcome ? outcome : real(handle, name, mode, ret_log, ret_copied);
  g_async_queue_push(copies, copy);
  return result;
}

static void pretend(size_t log_bytes, int outcome)
{
  g_mutex_lock(&library.lock);
  library.bytes = log_bytes;
  library.outcome = outcome;
  g_mutex_unlock(&library.lock);
}

/* --- a writer --- */

struct world {
  struct fixture fixture;
  GAsyncQueue *failures; /* codes */
};

static void note_failure(const GError *error, void *data)
{
  g_async_queue_push(data, GINT_TO_POINTER(error->code));
}

static struct copy *next_copy(void)
{
  struct copy *copy = g_async_queue_timeout_pop(copies, PATIENCE_US);

  if (!copy) fail_msg("the log was not copied");
  return copy;
}

static void forget_copies(void)
{
  for (struct copy *copy; (copy = g_async_queue_try_pop(copies));) g_free(copy);
}

/* What was done to make the world is copied already. */
static int set_up(void **state)
{
  struct world *world = g_new0(struct world, 1);

  copies = g_async_queue_new();
  pretend(0, SQLITE_OK);
  fixture_setup(&world->fixture, NULL);
  writer_free(world->fixture.writer);
  forget_copies();
  world->failures = g_async_queue_new();
  world->fixture.writer =
      writer_new(world->fixture.folder, world->fixture.identity, note_failure, world->failures, NULL);
  *state = world;
  return world->fixture.writer ? 0 : -1;
}

static int tear_down(void **state)
{
  struct world *world = *state;

  fixture_teardown(&world->fixture);
  g_async_queue_unref(world->failures);
  forget_copies();
  g_async_queue_unref(copies);
  g_free(world);
  return 0;
}

static void do_something(struct world *world)
{
  static uint32_t number;
  g_autoptr(GError) error = NULL;
  struct act act = {.kind = LEAF_INVITATION, .by = "test"};

  number++;
  seal_hash((const uint8_t *)&number, sizeof number, act.invitation.secret_hash);
  act.invitation.area = "east";
  act.invitation.expires_ms = INT64_MAX;
  if (!writer_act(world->fixture.writer, &act, NULL, &error)) fail_msg("%s", error->message);
}

/* --- when --- */

static void a_short_log_is_copied_beside_the_writer_after_a_moment_of_quiet(void **state)
{
  g_autofree struct copy *copy = NULL;

  do_something(*state);
  copy = next_copy();
  assert_false(copy->by_who_committed);
  assert_true(copy->quiet_us >= MOMENT_US);
}

static void a_long_log_is_copied_beside_the_writer_without_a_moment_of_quiet(void **state)
{
  g_autofree struct copy *copy = NULL;

  pretend(LIMIT_LOG_CALM_BYTES + LIMIT_MIB, SQLITE_OK);
  for (unsigned n = 0; n < ACTS_MOST && !copy; n++) {
    do_something(*state);
    copy = g_async_queue_try_pop(copies);
  }
  assert_non_null(copy);
  assert_false(copy->by_who_committed);
}

static void the_writer_pauses_and_copies_a_log_beyond_its_bound_itself(void **state)
{
  g_autofree struct copy *copy = NULL;

  pretend(LIMIT_LOG_BYTES + LIMIT_MIB, SQLITE_OK);
  do_something(*state);
  copy = next_copy();
  assert_true(copy->by_who_committed);
}

static void a_copy_for_which_there_is_no_room_is_tried_again(void **state)
{
  struct world *world = *state;

  pretend(LIMIT_LOG_BYTES + LIMIT_MIB, SQLITE_FULL);
  do_something(world);
  g_free(next_copy());
  g_free(next_copy()); /* the one beside the writer */
  pretend(0, SQLITE_OK);
  do_something(world);
  g_free(next_copy());
  assert_null(g_async_queue_try_pop(world->failures));
}

static void a_copy_that_fails_is_told(void **state)
{
  struct world *world = *state;

  pretend(0, SQLITE_IOERR_FSYNC);
  do_something(world);
  assert_int_equal(GPOINTER_TO_INT(g_async_queue_timeout_pop(world->failures, PATIENCE_US)), ERROR_IO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(a_short_log_is_copied_beside_the_writer_after_a_moment_of_quiet),
      TEST(a_long_log_is_copied_beside_the_writer_without_a_moment_of_quiet),
      TEST(the_writer_pauses_and_copies_a_log_beyond_its_bound_itself),
      TEST(a_copy_for_which_there_is_no_room_is_tried_again),
      TEST(a_copy_that_fails_is_told),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}

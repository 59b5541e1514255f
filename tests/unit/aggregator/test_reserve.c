/* Room on the disk that is kept for acts. */
#include "aggregator/reserve.h"

#include "aggregator/folder.h"
#include "common/limits.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
  char *folder, *path;
  struct reserve *reserve;
};

static int set_up(void **state)
{
  struct place *place = g_new0(struct place, 1);
  place->folder = g_dir_make_tmp("parktally-reserve-XXXXXX", NULL);
  place->path = folder_path(place->folder, "reserve");
  place->reserve = reserve_new(place->folder);
  *state = place;
  return 0;
}

static int tear_down(void **state)
{
  struct place *place = *state;
  reserve_free(place->reserve);
  g_unlink(place->path);
  g_rmdir(place->folder);
  g_free(place->path);
  g_free(place->folder);
  g_free(place);
  return 0;
}

/* Bytes of the disk that the file has; 0 also where it is not there. */
static int64_t room(const struct place *place)
{
  struct stat status;
  return stat(place->path, &status) == 0 ? (int64_t)status.st_blocks * 512 : 0;
}

/* No file may grow beyond it, as if the disk were full. */
static void limit_files(rlim_t bytes)
{
  struct rlimit limit;
  signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void where_there_is_no_room_nothing_is_taken(void **state)
{
  struct place *place = *state;
  static const size_t rooms[] = {LIMIT_RESERVE_BYTES / 2, LIMIT_RESERVE_BYTES + LIMIT_RESERVE_BYTES / 2};
  for (size_t n = 0; n < G_N_ELEMENTS(rooms); n++) { /* the last room is for others */
    limit_files(rooms[n]);
    assert_false(reserve_take(place->reserve));
    assert_int_equal(room(place), 0);
  }
  limit_files(RLIM_INFINITY);
  assert_true(reserve_take(place->reserve));
}

static void without_its_folder_nothing_is_taken(void **state)
{
  struct place *place = *state;
  g_rmdir(place->folder);
  assert_false(reserve_take(place->reserve));
  reserve_give(place->reserve);
}

static void the_room_is_real_and_comes_back(void **state)
{
  struct place *place = *state;
  assert_true(reserve_take(place->reserve));
  assert_true(room(place) >= (int64_t)LIMIT_RESERVE_BYTES);
  assert_true(room(place) < 2 * (int64_t)LIMIT_RESERVE_BYTES);
  assert_true(reserve_take(place->reserve)); /* it is there */
  reserve_give(place->reserve);
  assert_int_equal(room(place), 0);
  assert_true(reserve_take(place->reserve));
  assert_true(room(place) >= (int64_t)LIMIT_RESERVE_BYTES);
}

/* A server that is started again while there is little room must not give its acts' room to submissions. */
static void what_an_earlier_run_took_is_kept_also_where_there_is_no_more(void **state)
{
  struct place *place = *state;
  assert_true(reserve_take(place->reserve));
  CLEANUP(reserve_free) struct reserve *next = reserve_new(place->folder);
  limit_files(LIMIT_RESERVE_BYTES);
  assert_true(reserve_take(next));
  assert_true(room(place) >= (int64_t)LIMIT_RESERVE_BYTES);
  reserve_give(next);
  assert_false(reserve_take(next));
  limit_files(RLIM_INFINITY);
}

/* As after a kill between the two steps of taking: its length is there, its room is not. */
static void a_file_without_its_room_is_no_reserve(void **state)
{
  struct place *place = *state;
  assert_true(g_file_set_contents(place->path, "", 0, NULL));
  assert_int_equal(truncate(place->path, LIMIT_RESERVE_BYTES), 0);
  limit_files(LIMIT_RESERVE_BYTES);
  assert_false(reserve_take(place->reserve));
  limit_files(RLIM_INFINITY);
  assert_true(reserve_take(place->reserve));
  assert_true(room(place) >= (int64_t)LIMIT_RESERVE_BYTES);
}

static void the_file_of_an_earlier_run_is_taken_over(void **state)
{
  struct place *place = *state;
  assert_true(reserve_take(place->reserve));
  CLEANUP(reserve_free) struct reserve *next = reserve_new(place->folder);
  assert_true(reserve_take(next));
  reserve_give(next);
  assert_int_equal(room(place), 0);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      CASE(where_there_is_no_room_nothing_is_taken),
      CASE(without_its_folder_nothing_is_taken),
      CASE(the_room_is_real_and_comes_back),
      CASE(what_an_earlier_run_took_is_kept_also_where_there_is_no_more),
      CASE(a_file_without_its_room_is_no_reserve),
      CASE(the_file_of_an_earlier_run_is_taken_over),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

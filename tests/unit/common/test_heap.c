#include "common/heap.h"

#include "common/limits.h"
#include "tests/sanitized.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_within(const void *place, const void *end)
{
  return (uintptr_t)place < (uintptr_t)end && (uintptr_t)end - (uintptr_t)place < 64 * LIMIT_MIB;
}

static void *allocate(void *end)
{
  void *block = calloc(1, LIMIT_SEALED_BYTES);
  bool within = is_within(block, end);
  free(block);
  return within ? end : NULL;
}

static void what_is_freed_is_kept_for_what_comes_next_in_any_thread(void **state)
{
  (void)state;
  if (SANITIZED) skip();
  heap_hold(10 * LIMIT_MIB);
  heap_hold(20 * LIMIT_MIB); /* does nothing */
  void *end = sbrk(0);
  for (int i = 0; i < 3; i++) {
    void *block = calloc(1, 4 * LIMIT_MIB - 64);
    assert_true(is_within(block, end));
    memset(block, 1, 4 * LIMIT_MIB - 64);
    free(block);
    pthread_t thread;
    void *within;
    assert_int_equal(pthread_create(&thread, NULL, allocate, end), 0);
    assert_int_equal(pthread_join(thread, &within), 0);
    assert_ptr_equal(within, end);
    assert_ptr_equal(sbrk(0), end);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_freed_is_kept_for_what_comes_next_in_any_thread),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

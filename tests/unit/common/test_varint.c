#include "common/varint.h"

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static uint32_t seed = 20180510;

/* As the format says it, byte by byte. */
static size_t put_plainly(uint8_t *at, uint64_t value)
{
  size_t size = 0;
  for (; value >= 0x80; value >>= 7) at[size++] = (uint8_t)(value | 0x80);
  at[size++] = (uint8_t)value;
  return size;
}

/* Behind the number there are `more` bytes. */
static void check_value(uint64_t value, size_t more)
{
  uint8_t expected[VARINT_MOST], bytes[VARINT_MOST];
  size_t size = put_plainly(expected, value);
  assert_int_equal(varint_size(value), size);
  assert_ptr_equal(varint_put(bytes, value), bytes + size);
  assert_memory_equal(bytes, expected, size);

  g_autofree uint8_t *exact = g_malloc(size + more); /* the sanitizer sees a step beyond it */
  memcpy(exact, bytes, size);
  memset(exact + size, 0xFF, more);
  const uint8_t *at = exact;
  uint64_t read;
  assert_true(varint_get(&at, exact + size + more, &read));
  assert_true(read == value);
  assert_ptr_equal(at, exact + size);
  at = exact;
  assert_false(varint_get(&at, exact + size - 1, &read)); /* cut off */
}

static void bytes_that_are_no_shortest_number_are_refused(void **state)
{
  (void)state;
  static const struct {
    size_t length;
    uint8_t bytes[16];
  } cases[] = {
      {0, {0}},
      {1, {0x80}},
      {2, {0x80, 0}},
      {9, {0x80, 0, 1, 1, 1, 1, 1, 1, 1}},
      {8, {0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0}},
      {9, {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0}},
      {10, {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2}},
      {12, {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1, 1}},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    const uint8_t *at = cases[i].bytes;
    uint64_t value;
    if (varint_get(&at, cases[i].bytes + cases[i].length, &value)) fail_msg("case %zu", i);
  }
}

static void any_number_has_the_documented_bytes_and_comes_back(void **state)
{
  (void)state;
  for (unsigned bit = 0; bit < 64; bit++)
    for (size_t more = 0; more < 10; more++) {
      check_value((uint64_t)1 << bit, more);
      check_value(((uint64_t)1 << bit) - 1, more);
      check_value(~(uint64_t)0 >> bit, more);
    }
  g_autoptr(GRand) random = g_rand_new_with_seed(seed);
  for (int round = 0; round < 20000; round++) {
    uint64_t bits = (uint64_t)g_rand_int(random) << 32 | g_rand_int(random);
    check_value(bits >> g_rand_int_range(random, 0, 64), (size_t)g_rand_int_range(random, 0, 10));
  }
}

static void small_figures_of_both_signs_have_small_codes(void **state)
{
  (void)state;
  static const struct {
    int64_t value;
    uint64_t coded;
  } cases[] = {{0, 0}, {-1, 1}, {1, 2}, {-2, 3}, {INT64_MAX, UINT64_MAX - 1}, {INT64_MIN, UINT64_MAX}};
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    assert_true(zigzag(cases[i].value) == cases[i].coded);
    assert_true(unzigzag(cases[i].coded) == cases[i].value);
  }
}

int main(int argc, char **argv)
{
  if (argc > 1) seed = (uint32_t)strtoul(argv[1], NULL, 10);
  printf("seed %u\n", seed);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bytes_that_are_no_shortest_number_are_refused),
      cmocka_unit_test(any_number_has_the_documented_bytes_and_comes_back),
      cmocka_unit_test(small_figures_of_both_signs_have_small_codes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "common/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint32_t seed = 20180510;

static void bytes_that_are_not_one_packed_vector_are_refused(void **state)
{
  (void)state;
  static const struct {
    size_t length;
    uint8_t bytes[16];
  } cases[] = {
      {0, {0}},                                                                    /* nothing */
      {1, {1}},                                                                    /* presence cut off */
      {2, {1, 0}},                                                                 /* a trailing zero byte */
      {2, {0, 0}},                                                                 /* more than one vector */
      {2, {1, 1}},                                                                 /* value missing */
      {3, {1, 1, 0x80}},                                                           /* value cut off */
      {4, {1, 1, 0x80, 0x00}},                                                     /* not the shortest */
      {4, {1, 1, 2, 2}},                                                           /* a byte too many */
      {13, {1, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1}}, /* 11 bytes */
      {12, {1, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2}},       /* beyond 64 bits */
      {2, {33, 1}},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    struct figures figures;
    figures.present.word[0] = 42;
    if (figures_unpack(cases[i].bytes, cases[i].length, &figures)) fail_msg("case %zu", i);
    assert_int_equal(figures.present.word[0], 42);
  }
}

static void packed_figures_have_the_documented_bytes(void **state)
{
  (void)state;
  struct figures figures;
  figures_clear(&figures);
  figures_set(&figures, 0, -1);
  figures_set(&figures, 9, 150);
  uint8_t packed[FIGURES_PACKED_MOST];
  static const uint8_t expected[] = {2, 0x01, 0x02, 0x01, 0xAC, 0x02};
  assert_int_equal(figures_pack_to(&figures, packed), sizeof expected);
  assert_memory_equal(packed, expected, sizeof expected);
}

static void any_figures_come_back_from_their_bytes(void **state)
{
  (void)state;
  g_autoptr(GRand) random = g_rand_new_with_seed(seed);
  for (int round = 0; round < 5000; round++) {
    struct figures figures, back;
    figures_clear(&figures);
    int count = g_rand_int_range(random, 0, 12);
    for (int i = 0; i < count; i++) {
      uint64_t bits = (uint64_t)g_rand_int(random) << 32 | g_rand_int(random);
      int64_t value = (int64_t)(bits >> g_rand_int_range(random, 0, 64));
      figures_set(&figures, (unsigned)g_rand_int_range(random, 0, LIMIT_FORM_COLUMNS),
                  i % 2 ? value : -value);
    }
    if (round == 0) figures_set(&figures, 255, INT64_MIN);
    uint8_t packed[FIGURES_PACKED_MOST];
    size_t length = figures_pack_to(&figures, packed);
    assert_true(figures_unpack(packed, length, &back));
    assert_true(figures_equal(&figures, &back));
    assert_false(length > 1 && figures_unpack(packed, length - 1, &back));
  }
}

static void any_one_figure_is_picked_from_the_bytes(void **state)
{
  (void)state;
  static const uint8_t none[] = {0}, cut[] = {1, 2, 0x80}, short_set[] = {4, 1};
  int64_t value = 7;
  assert_false(figures_pick(none, 0, 0, &value));
  assert_false(figures_pick(none, sizeof none, 0, &value));
  assert_false(figures_pick(cut, sizeof cut, 1, &value));
  assert_false(figures_pick(short_set, sizeof short_set, 0, &value));
  assert_int_equal(value, 7);
  g_autoptr(GRand) random = g_rand_new_with_seed(seed);
  for (int round = 0; round < 300; round++) {
    struct figures figures;
    figures_clear(&figures);
    for (int i = g_rand_int_range(random, 0, 40); i > 0; i--)
      figures_set(&figures, (unsigned)g_rand_int_range(random, 0, LIMIT_FORM_COLUMNS),
                  (int64_t)((uint64_t)g_rand_int(random) << 32 >> g_rand_int_range(random, 0, 64)) - 1000);
    uint8_t packed[FIGURES_PACKED_MOST];
    size_t length = figures_pack_to(&figures, packed);
    for (unsigned column = 0; column < LIMIT_FORM_COLUMNS; column++) {
      assert_int_equal(figures_pick(packed, length, column, &value),
                       column_set_has(&figures.present, column));
      if (column_set_has(&figures.present, column)) assert_int_equal(value, figures.value[column]);
    }
  }
}

static void the_largest_figures_fit_the_buffer(void **state)
{
  (void)state;
  struct figures figures, back;
  figures_clear(&figures);
  for (unsigned i = 0; i < LIMIT_FORM_COLUMNS; i++) figures_set(&figures, i, INT64_MIN + i);
  g_autofree uint8_t *packed = g_malloc(FIGURES_PACKED_MOST);
  size_t length = figures_pack_to(&figures, packed);
  assert_int_equal(length, FIGURES_PACKED_MOST);
  assert_true(figures_unpack(packed, length, &back));
  assert_true(figures_equal(&figures, &back));
  figures.value[255] = 1; /* the last one is short, and written by eight bytes at a time */
  assert_int_equal(figures_pack_to(&figures, packed), FIGURES_PACKED_MOST - 9);
}

static struct figures figures_of(const int64_t values[3], unsigned present)
{
  struct figures figures;
  figures_clear(&figures);
  for (unsigned i = 0; i < 3; i++)
    if (present & (1u << i)) figures_set(&figures, i + 63, values[i]);
  return figures;
}

static struct column_set set_of(unsigned bits)
{
  struct column_set set = {0};
  for (unsigned i = 0; i < 3; i++)
    if (bits & (1u << i)) column_set_add(&set, i + 63);
  return set;
}

static void a_blank_over_a_present_value_is_refused(void **state)
{
  (void)state;
  struct figures current = figures_of((int64_t[]){10, 20, 30}, 6),
                 merged = figures_of((int64_t[]){7, 0, 0}, 1);
  struct figures before = merged;
  struct report_change change = {.asked = set_of(7), .figures = figures_of((int64_t[]){1, 0, 3}, 5)};
  assert_int_equal(report_apply(&current, &change, &merged), 64);
  assert_true(figures_equal(&merged, &before));
}

static void columns_outside_the_file_keep_their_value(void **state)
{
  (void)state;
  struct figures current = figures_of((int64_t[]){10, 20, 30}, 7), merged;
  struct report_change change = {
      .asked = set_of(5), .withdrawn = set_of(4), .figures = figures_of((int64_t[]){11, 0, 0}, 1)};
  assert_int_equal(report_apply(&current, &change, &merged), CHANGE_FITS);
  struct figures expected = figures_of((int64_t[]){11, 20, 0}, 3);
  assert_true(figures_equal(&merged, &expected));
  /* Onto itself. */
  assert_int_equal(report_apply(&current, &change, &current), CHANGE_FITS);
  assert_true(figures_equal(&current, &expected));
}

static void a_first_report_holds_what_the_row_says(void **state)
{
  (void)state;
  struct figures merged;
  struct report_change change = {.asked = set_of(7), .figures = figures_of((int64_t[]){0, 5, 0}, 3)};
  assert_int_equal(report_apply(NULL, &change, &merged), CHANGE_FITS);
  assert_true(figures_equal(&merged, &change.figures));
  assert_int_equal(merged.value[63], 0); /* a zero that is present */
}

static void nil_and_withdrawal_leave_no_figures(void **state)
{
  (void)state;
  struct figures current = figures_of((int64_t[]){10, 20, 30}, 7);
  struct report_change change = {.kind = KIND_NIL, .asked = set_of(7)};
  struct figures merged = current;
  assert_int_equal(report_apply(&current, &change, &merged), CHANGE_FITS);
  assert_true(column_set_is_empty(&merged.present));
  change.kind = KIND_WITHDRAWAL;
  merged = current;
  assert_int_equal(report_apply(&current, &change, &merged), CHANGE_FITS);
  assert_true(column_set_is_empty(&merged.present));
}

static void each_column_of_a_set_comes_once_in_order(void **state)
{
  (void)state;
  struct column_set set = {0};
  EACH_COLUMN(column, &set) fail_msg("column %u of none", column);
  static const unsigned columns[] = {0, 63, 64, 200, 255};
  for (size_t i = 0; i < G_N_ELEMENTS(columns); i++) column_set_add(&set, columns[i]);
  size_t n = 0;
  EACH_COLUMN(column, &set) assert_int_equal(column, columns[n++]);
  assert_int_equal(n, G_N_ELEMENTS(columns));
  n = 0;
  EACH_COLUMN(column, &set) {
    if (column < 64) continue;
    n++;
    if (column == 200) break;
  }
  assert_int_equal(n, 2);
}

static void columns_of_a_set_are_found_in_order(void **state)
{
  (void)state;
  struct column_set set = {0};
  assert_true(column_set_is_empty(&set));
  assert_int_equal(column_set_next(&set, 0), LIMIT_FORM_COLUMNS);
  static const unsigned columns[] = {0, 63, 64, 130, 255};
  for (size_t i = 0; i < G_N_ELEMENTS(columns); i++) column_set_add(&set, columns[i]);
  unsigned at = 0;
  for (size_t i = 0; i < G_N_ELEMENTS(columns); i++, at++) {
    at = column_set_next(&set, at);
    assert_int_equal(at, columns[i]);
  }
  assert_int_equal(column_set_next(&set, at), LIMIT_FORM_COLUMNS);
  column_set_remove(&set, 64);
  assert_int_equal(column_set_next(&set, 64), 130);
}

static void figures_differ_by_value_and_by_presence(void **state)
{
  (void)state;
  struct figures a = figures_of((int64_t[]){1, 0, 0}, 1), b = figures_of((int64_t[]){1, 0, 0}, 3);
  assert_false(figures_equal(&a, &b));
  struct figures c = figures_of((int64_t[]){2, 0, 0}, 1);
  assert_false(figures_equal(&a, &c));
  c.value[63] = 1;
  c.value[64] = 99; /* not present: nobody looks */
  assert_true(figures_equal(&a, &c));
}

int main(int argc, char **argv)
{
  if (argc > 1) seed = (uint32_t)strtoul(argv[1], NULL, 10);
  printf("seed %u\n", seed);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bytes_that_are_not_one_packed_vector_are_refused),
      cmocka_unit_test(packed_figures_have_the_documented_bytes),
      cmocka_unit_test(any_figures_come_back_from_their_bytes),
      cmocka_unit_test(any_one_figure_is_picked_from_the_bytes),
      cmocka_unit_test(the_largest_figures_fit_the_buffer),
      cmocka_unit_test(a_blank_over_a_present_value_is_refused),
      cmocka_unit_test(columns_outside_the_file_keep_their_value),
      cmocka_unit_test(a_first_report_holds_what_the_row_says),
      cmocka_unit_test(nil_and_withdrawal_leave_no_figures),
      cmocka_unit_test(columns_of_a_set_are_found_in_order),
      cmocka_unit_test(each_column_of_a_set_comes_once_in_order),
      cmocka_unit_test(figures_differ_by_value_and_by_presence),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

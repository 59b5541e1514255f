#include "aggregator/store/block.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t FIGURES[] = {1, 3, 42, 43};

static struct stored_report report_of(const char *unit, const char *park)
{
  return (struct stored_report){.unit = unit,
                                .park = park,
                                .revision = 1,
                                .kind = KIND_FIGURES,
                                .position = 17,
                                .row = 244,
                                .first = 17,
                                .membership = 3,
                                .counted = true,
                                .figures = FIGURES,
                                .figures_length = sizeof FIGURES};
}

static void add(struct block *block, const char *unit, const char *park)
{
  struct stored_report report = report_of(unit, park);
  size_t n = block_find(block, unit, 0);
  while (block_has(block, n, unit)) n++;
  block_insert(block, n, &report);
}

static char *text_of(const struct block *block)
{
  GString *text = g_string_new(NULL);
  block_write(block, text);
  return g_string_free(text, FALSE);
}

static void assert_reports_equal(const struct stored_report *a, const struct stored_report *b)
{
  assert_string_equal(a->unit, b->unit);
  assert_string_equal(a->park, b->park);
  assert_int_equal(a->membership, b->membership);
  assert_int_equal(a->position, b->position);
  assert_int_equal(a->row, b->row);
  assert_int_equal(a->revision, b->revision);
  assert_int_equal(a->kind, b->kind);
  assert_int_equal(a->first, b->first);
  assert_int_equal(a->counted, b->counted);
  assert_int_equal(a->sealed_at, b->sealed_at);
  assert_int_equal(a->sealed_length, b->sealed_length);
}

/* --- bad input --- */

static void a_row_that_is_no_list_is_not_read(void **state)
{
  (void)state;
  static const char *const texts[] = {"", "[", "]", "{}", "[]x", "x[]"};
  CLEANUP(block_free) struct block *block = block_new(1, "", NULL);
  for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
    assert_false(block_read(block, texts[i], strlen(texts[i])));
  assert_true(block_read(block, "[]", 2));
  assert_int_equal(block_size(block), 0);
}

static void a_line_that_is_none_of_ours_is_no_entry(void **state)
{
  (void)state;
  static const char *const lines[] = {
      "",
      "[]",
      "[\"U\",\"p\",3,17,244,\"01\",0,0,5",
      "[\"U\",\"p\",3,17,244,\"01\",0,0]",
      "[\"U\",\"p\",3,17,244,\"01\",0,0,5]x",
      "[U,\"p\",3,17,244,\"01\",0,0,5]",
      "[\"U\",p,3,17,244,\"01\",0,0,5]",
      "[\"U\",\"p\",,17,244,\"01\",0,0,5]",
      "[\"U\",\"p\",-3,17,244,\"01\",0,0,5]",
      "[\"U\",\"p\",9223372036854775808,17,244,\"01\",0,0,5]",
      "[\"U\",\"p\",3,17,4294967296,\"01\",0,0,5]",
      "[\"U\",\"p\",3,17,244,\"0\",0,0,5]",
      "[\"U\",\"p\",3,17,244,\"0g\",0,0,5]",
      "[\"U\",\"p\",3,17,244,01,0,0,5]",
      "[\"U\",\"p\",3,17,244,\"01\",999999,0,5]",
      "[\"U\",\"p\",3,17,244,\"01\",0,2593,5]",
      "[\"U\",\"p\",3,17,244,\"01\",0,0,4294967296]",
      "[\"U\",\"p\",3,17,244,\"01\",0,0,5,1]",
      "[\"U\",\"p\",3,17,244,\"01\",0,0,5,1,3,17,1]",
      "[\"U\",\"p\",3,17,244,\"01\",0,0,5,1,0,17,2]",
      "[\"U12345678901234567890123456789012345678901234567890123456789012345\",\"p\",3,17,244,\"01\",0,0,5]",
  };
  CLEANUP(block_free) struct block *block = block_new(1, "", NULL);
  struct block_entry entry;
  for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
    g_autofree char *text = g_strdup_printf("[%s]", lines[i]);
    assert_true(block_read(block, text, strlen(text)));
    if (block_size(block) > 0 && block_entry(block, 0, &entry)) fail_msg("taken: %s", lines[i]);
  }
  static const char SOUND[] = "[[\"U\",\"p\",3,17,244,\"01\",0,0,5,1,0,17,1]]";
  assert_true(block_read(block, SOUND, strlen(SOUND)));
  assert_true(block_entry(block, 0, &entry));
}

/* --- lines --- */

static void a_report_comes_back_as_it_was_put(void **state)
{
  (void)state;
  struct stored_report reports[] = {report_of("U1", "east"), report_of("U\"2\\", "we\\st"),
                                    report_of("U3", "east"), report_of("U4", "east"),
                                    report_of("U5", "east")};
  reports[1].kind = KIND_NIL;
  reports[1].figures_length = 0;
  reports[2].revision = 7;
  reports[2].first = 2;
  reports[3].counted = false;
  reports[3].membership = 0;
  reports[4].sealed_at = 51234;
  reports[4].sealed_length = 2;
  CLEANUP(block_free) struct block *written = block_new(1, "", NULL);
  for (size_t i = 0; i < G_N_ELEMENTS(reports); i++) block_insert(written, i, &reports[i]);
  g_autofree char *text = text_of(written);
  CLEANUP(block_free) struct block *block = block_new(1, "", NULL);
  assert_true(block_read(block, text, strlen(text)));
  assert_int_equal(block_size(block), G_N_ELEMENTS(reports));
  struct block_entry entry;
  for (size_t i = 0; i < G_N_ELEMENTS(reports); i++) {
    assert_true(block_entry(block, i, &entry));
    assert_reports_equal(&entry.report, &reports[i]);
    assert_int_equal(entry.checksum, block_checksum(&reports[i]));
    assert_int_equal(entry.report.figures_length, reports[i].figures_length - reports[i].sealed_length);
    assert_memory_equal(entry.figures, FIGURES, entry.report.figures_length);
  }
}

static void a_row_is_json(void **state)
{
  (void)state;
  CLEANUP(block_free) struct block *block = block_new(1, "", NULL);
  add(block, "U\"1\\", "east");
  add(block, "U2", "west");
  g_autofree char *text = text_of(block);
  json_t *rows = json_loads(text, 0, NULL);
  assert_int_equal(json_array_size(rows), 2);
  json_t *row = json_array_get(rows, 0);
  assert_string_equal(json_string_value(json_array_get(row, 0)), "U\"1\\");
  assert_string_equal(json_string_value(json_array_get(row, 1)), "east");
  assert_int_equal(json_integer_value(json_array_get(row, 3)), 17);
  assert_string_equal(json_string_value(json_array_get(row, 5)), "01032a2b");
  json_decref(rows);
}

static void another_line_in_its_place_leaves_the_others(void **state)
{
  (void)state;
  CLEANUP(block_free) struct block *block = block_new(1, "", NULL);
  for (int i = 1; i <= 3; i++) {
    g_autofree char *unit = g_strdup_printf("U%d", i);
    add(block, unit, "east");
  }
  struct stored_report longer = report_of("U2", "east"), shorter = report_of("U2", "e");
  longer.revision = 1000000;
  struct block_entry entry;
  for (int round = 0; round < 3; round++) {
    block->changed = false;
    block_replace(block, 1, round == 1 ? &longer : &shorter); /* and of the same length */
    assert_true(block->changed);
    for (size_t n = 0; n < 3; n++) {
      struct stored_report expected =
          n == 1 ? (round == 1 ? longer : shorter) : report_of(n ? "U3" : "U1", "east");
      assert_true(block_entry(block, n, &entry));
      assert_reports_equal(&entry.report, &expected);
    }
  }
}

/* --- looking for a unit --- */

static size_t find_slowly(char **units, size_t count, const char *unit)
{
  size_t n = 0;
  while (n < count && strcmp(units[n], unit) < 0) n++;
  return n;
}

static char *random_unit(GRand *random)
{
  static const char LETTERS[] = "ab\"\\\xe4\xba\xba";
  GString *unit = g_string_new(g_rand_boolean(random) ? "914502000000" : "");
  int length = g_rand_int_range(random, 1, 12);
  for (int i = 0; i < length; i++) g_string_append_c(unit, LETTERS[g_rand_int_range(random, 0, 7)]);
  return g_string_free(unit, FALSE);
}

static int compare_units(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static void a_unit_is_found_from_wherever_one_looks(void **state)
{
  (void)state;
  const char *given = g_getenv("PARKTALLY_SEED");
  uint32_t seed = given ? (uint32_t)strtoul(given, NULL, 10) : g_random_int();
  print_message("PARKTALLY_SEED=%u\n", seed);
  GRand *random = g_rand_new_with_seed(seed);
  for (int round = 0; round < 200; round++) {
    CLEANUP(block_free) struct block *block = block_new(1, "", NULL);
    size_t count = (size_t)g_rand_int_range(random, 0, 60);
    char *units[60];
    for (size_t i = 0; i < count; i++) units[i] = random_unit(random);
    qsort(units, count, sizeof *units, compare_units);
    for (size_t i = 0; i < count; i++) {
      struct stored_report report = report_of(units[i], "east");
      block_insert(block, i, &report);
    }
    for (int asked = 0; asked < 100; asked++) {
      g_autofree char *other = random_unit(random);
      const char *unit =
          count > 0 && g_rand_boolean(random) ? units[g_rand_int_range(random, 0, (int)count)] : other;
      size_t expected = find_slowly(units, count, unit), before = expected;
      while (before > 0 && strcmp(units[before - 1], unit) == 0) before--;
      size_t near = g_rand_boolean(random) ? before - (size_t)g_rand_int_range(random, 0, (int)before + 1)
                                           : (size_t)g_rand_int_range(random, 0, 70);
      assert_int_equal(block_find(block, unit, near), expected);
      assert_int_equal(block_has(block, expected, unit),
                       expected < count && strcmp(units[expected], unit) == 0);
    }
    for (size_t i = 0; i < count; i++) g_free(units[i]);
  }
  g_rand_free(random);
}

/* Ids that begin alike, end at any place of eight bytes, or are written with marks. */
static void units_are_ordered_by_their_bytes(void **state)
{
  (void)state;
  const char *units[] = {"A",
                         "A!",
                         "A-01",
                         "A\"",
                         "A\"B",
                         "A\\",
                         "A\\B",
                         "1234567",
                         "12345678",
                         "123456789",
                         "12345678-1",
                         "12345678\"",
                         "12345678 ",
                         "1234567\\",
                         "厂",
                         "厂一",
                         "914502000000000060",
                         "914502000000000060-01",
                         "914502000000000060-02",
                         "9145020000000000600000000000000000000000000000000000000000000000"};
  CLEANUP(block_free) struct block *block = block_new(1, "", NULL);
  for (size_t i = 0; i < G_N_ELEMENTS(units); i += 2) add(block, units[i], "p");
  for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
    bool there = i % 2 == 0;
    assert_int_equal(block_has(block, block_find(block, units[i], 0), units[i]), there);
    if (!there) add(block, units[i], "p");
  }
  qsort(units, G_N_ELEMENTS(units), sizeof *units, compare_units);
  for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
    struct block_entry entry;
    assert_true(block_entry(block, i, &entry));
    assert_string_equal(entry.unit, units[i]);
    assert_int_equal(block_find(block, units[i], 0), i);
  }
}

static void a_block_covers_what_lies_between_its_bounds(void **state)
{
  (void)state;
  CLEANUP(block_free) struct block *first = block_new(1, "", "U5"), *last = block_new(1, "U5", NULL);
  assert_true(block_covers(first, 1, "A"));
  assert_true(block_covers(first, 1, "U4"));
  assert_false(block_covers(first, 1, "U5"));
  assert_false(block_covers(first, 2, "U4"));
  assert_false(block_covers(last, 1, "U4"));
  assert_true(block_covers(last, 1, "U5"));
  assert_true(block_covers(last, 1, "Z"));
}

/* --- splitting --- */

static void what_was_appended_begins_the_new_block(void **state)
{
  (void)state;
  CLEANUP(block_free) struct block *block = block_new(1, "", "V");
  for (int i = 1; i <= 9; i++) {
    g_autofree char *unit = g_strdup_printf("U%d", i);
    add(block, unit, "east");
  }
  CLEANUP(block_free) struct block *upper = block_split(block, 8);
  assert_int_equal(block_size(block), 8);
  assert_int_equal(block_size(upper), 1);
  assert_string_equal(block->to, "U9");
  assert_string_equal(upper->from, "U9");
  assert_string_equal(upper->to, "V");
  assert_true(block_has(upper, 0, "U9"));
  assert_true(block->changed && upper->changed);
  assert_int_equal(upper->row, 0);
}

static void a_block_that_grew_in_its_midst_is_halved(void **state)
{
  (void)state;
  CLEANUP(block_free) struct block *block = block_new(1, "", NULL);
  for (int i = 10; i < 30; i++) {
    g_autofree char *unit = g_strdup_printf("U%d", i);
    add(block, unit, "east");
  }
  CLEANUP(block_free) struct block *upper = block_split(block, 3);
  assert_int_equal(block_size(block), 10);
  assert_int_equal(block_size(upper), 10);
  assert_true(block_has(block, 9, "U19"));
  assert_true(block_has(upper, 0, "U20"));
  assert_true(block_has(upper, 9, "U29"));
  add(block, "U195", "east");
  assert_true(block_has(block, 10, "U195"));
}

/* All reports of a unit are found in one block. */
static void the_reports_of_one_unit_are_never_divided(void **state)
{
  (void)state;
  static const int before[] = {0, 1, 5};
  for (size_t i = 0; i < G_N_ELEMENTS(before); i++)
    for (int after = 0; after < 3; after++) {
      CLEANUP(block_free) struct block *block = block_new(1, "", NULL);
      for (int n = 0; n < before[i]; n++) {
        g_autofree char *unit = g_strdup_printf("A%d", n);
        add(block, unit, "east");
      }
      for (int n = 0; n < 20; n++) {
        g_autofree char *park = g_strdup_printf("park%d", n);
        add(block, "M", park);
      }
      for (int n = 0; n < after; n++) {
        g_autofree char *unit = g_strdup_printf("Z%d", n);
        add(block, unit, "east");
      }
      for (size_t at = 0; at < 2; at++) {
        CLEANUP(block_free) struct block *upper = block_split(block, at ? block_size(block) - 1 : 3);
        if (!upper) {
          assert_true(block_has(block, 0, "M") || block_size(block) == 1);
          break;
        }
        assert_true(block_size(block) > 0 && block_size(upper) > 0);
        assert_false(block_has(upper, 0, "M") && block_has(block, block_size(block) - 1, "M"));
      }
    }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_row_that_is_no_list_is_not_read),
      cmocka_unit_test(a_line_that_is_none_of_ours_is_no_entry),
      cmocka_unit_test(a_report_comes_back_as_it_was_put),
      cmocka_unit_test(a_row_is_json),
      cmocka_unit_test(another_line_in_its_place_leaves_the_others),
      cmocka_unit_test(a_unit_is_found_from_wherever_one_looks),
      cmocka_unit_test(units_are_ordered_by_their_bytes),
      cmocka_unit_test(a_block_covers_what_lies_between_its_bounds),
      cmocka_unit_test(what_was_appended_begins_the_new_block),
      cmocka_unit_test(a_block_that_grew_in_its_midst_is_halved),
      cmocka_unit_test(the_reports_of_one_unit_are_never_divided),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

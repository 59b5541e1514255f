#include "aggregator/print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct print_column columns[] = {
    {"area", "区域", PRINT_TEXT},  {"value", "total", PRINT_DECIMAL}, {"reported", "n", PRINT_COUNT},
    {"reached", NULL, PRINT_FLAG}, {NULL, NULL, PRINT_TEXT},
};

static char output[4096];

static void finish(struct print *print)
{
  fflush(NULL);
  int saved = dup(1);
  FILE *file = tmpfile();
  assert_true(dup2(fileno(file), 1) >= 0);
  print_finish(print, control_output_standard());
  assert_true(control_output_flush(control_output_standard()));
  fflush(NULL);
  dup2(saved, 1);
  close(saved);
  rewind(file);
  output[fread(output, 1, sizeof output - 1, file)] = '\0';
  fclose(file);
}

static void fill(struct print *print)
{
  print_named(print, "east", "东园");
  print_cell(print, "123456789012345678901234.5");
  print_count(print, 7);
  print_flag(print, true);
  print_named(print, "a,\"b\"", "A park");
  print_cell(print, NULL);
  print_count(print, -1);
  print_cell(print, "");
  print_note(print, "once");
  print_note(print, "once");
}

static void an_unknown_format_is_no_format(void **state)
{
  (void)state;
  enum print_format format;
  assert_false(print_read_format("xml", &format));
  assert_false(print_read_format("", &format));
  assert_true(print_read_format(NULL, &format) && format == PRINT_TABLE);
  assert_true(print_read_format("json", &format) && format == PRINT_JSON);
}

static void csv_quotes_what_needs_it_and_has_no_notes(void **state)
{
  (void)state;
  CLEANUP(print_free) struct print *print = print_new(columns, PRINT_CSV);
  fill(print);
  finish(print);
  assert_string_equal(output, "area,value,reported,reached\n"
                              "east,123456789012345678901234.5,7,1\n"
                              "\"a,\"\"b\"\"\",,-1,\n");
  finish(print);
  assert_string_equal(output, "area,value,reported,reached\n");
}

static void json_keeps_every_digit_and_tells_nothing_from_zero(void **state)
{
  (void)state;
  CLEANUP(print_free) struct print *print = print_new(columns, PRINT_JSON);
  fill(print);
  finish(print);
  json_t *list = json_loads(output, 0, NULL);
  assert_int_equal(json_array_size(list), 2);
  json_t *row = json_array_get(list, 0);
  assert_string_equal(json_string_value(json_object_get(row, "value")), "123456789012345678901234.5");
  assert_int_equal(json_integer_value(json_object_get(row, "reported")), 7);
  assert_true(json_is_true(json_object_get(row, "reached")));
  row = json_array_get(list, 1);
  assert_string_equal(json_string_value(json_object_get(row, "area")), "a,\"b\"");
  assert_true(json_is_null(json_object_get(row, "value")));
  assert_true(json_is_null(json_object_get(row, "reached")));
  json_decref(list);
}

static void a_table_aligns_chinese_and_figures_and_says_a_note_once(void **state)
{
  (void)state;
  CLEANUP(print_free) struct print *print = print_new(columns, PRINT_TABLE);
  fill(print);
  finish(print);
  assert_string_equal(output, "区域                         total   n\n"
                              "东园    123456789012345678901234.5   7\n"
                              "A park                              -1\n"
                              "\nonce\n");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_unknown_format_is_no_format),
      cmocka_unit_test(csv_quotes_what_needs_it_and_has_no_notes),
      cmocka_unit_test(json_keeps_every_digit_and_tells_nothing_from_zero),
      cmocka_unit_test(a_table_aligns_chinese_and_figures_and_says_a_note_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

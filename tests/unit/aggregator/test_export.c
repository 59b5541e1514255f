#include "aggregator/export/format.h"
#include "aggregator/export/table.h"
#include "capture.h"
#include "common/error.h"

#include <string.h>

static const struct export_column columns[] = {
    {"code", "代码", .kind = EXPORT_TEXT},
    {"period", "报告期", EXPORT_PERIOD, EXPORT_DIMENSION, "TIME_PERIOD"},
    {"value", "数", EXPORT_DECIMAL, EXPORT_MEASURE, "OBS_VALUE"},
    {"count", "个", .kind = EXPORT_COUNT},
    {"flag", "否", .kind = EXPORT_FLAG},
    {.id = NULL},
};

static struct catalogue catalogue = {.code = (char *)"1个"};
static const struct export_about about = {
    .catalogue = &catalogue, .leaves = 7, .made_at = (char *)"2018-06-10T12:00:00Z"};

static struct export_table *new_table(void)
{
  g_autoptr(GError) error = NULL;
  struct export_table *table = export_table_new("things", "Things", &error);
  assert_null(error);
  export_table_add_columns(table, columns);
  return table;
}

static void add_row(struct export_table *table, const char *code, const char *period, const char *value)
{
  export_table_cell(table, code);
  export_table_cell(table, period);
  export_table_cell(table, value);
  export_table_count(table, -3);
  export_table_flag(table, true);
}

static struct capture capture;

/* Takes the table. What is written is in `capture`. */
static bool write_table(const char *format_name, struct export_table *table, GError **error)
{
  CLEANUP(export_table_free) struct export_table *taken = table;
  g_autoptr(GPtrArray) tables = g_ptr_array_new();
  assert_true(export_table_end(taken, error));
  g_ptr_array_add(tables, taken);
  capture_begin(&capture);
  bool written = export_format_write(export_format_find(format_name, error), &about, tables,
                                     control_output_standard(), error);
  capture_end(&capture);
  return written;
}

static void check(const char *format_name, struct export_table *table, const char *expected)
{
  g_autoptr(GError) error = NULL;
  assert_true(write_table(format_name, table, &error));
  assert_string_equal(capture.out, expected);
}

/* --- CSV --- */

#define CSV_HEAD                                                                                             \
  "\xEF\xBB\xBF"                                                                                             \
  "code,period,value,count,flag\r\n"

static void csv_guards_what_a_spreadsheet_would_change_and_nothing_else(void **state)
{
  (void)state;
  static const struct {
    const char *text, *cell;
  } cases[] = {
      {"914502000000000060", "'914502000000000060"},
      {"007", "'007"},
      {"1E5", "'1E5"},
      {"91450200E000000060", "'91450200E000000060"},
      {"-1.5", "'-1.5"},
      {"1,234", "\"'1,234\""},
      {"50%", "'50%"},
      {"2018-05", "'2018-05"},
      {"3/4", "'3/4"},
      {"MAR1", "'MAR1"},
      {"5-Sept", "'5-Sept"},
      {"2018年5月", "'2018年5月"},
      {"下午3时", "'下午3时"},
      {"5 PM", "'5 PM"},
      {"true", "'true"},
      {"=1+1", "'=1+1"},
      {"+A1", "'+A1"},
      {"-A1", "'-A1"},
      {"@A1", "'@A1"},
      {"＝A1", "'＝A1"},
      {"－A1", "'－A1"},
      {"\t=A1", "'\t=A1"},
      {"'a", "''a"},
      {"", ""},
      {"91450200MD0000788F", "91450200MD0000788F"},
      {"914502000000000060-01X", "914502000000000060-01X"},
      {"E007", "E007"},
      {"A1", "A1"},
      {"zone", "zone"},
      {"3D打印公司", "3D打印公司"},
      {"5月花公司", "5月花公司"},
      {"May", "May"},
      {"2018-01/P2M", "2018-01/P2M"},
      {"a,b", "\"a,b\""},
      {"a\"b", "\"a\"\"b\""},
      {"a\nb", "\"a\nb\""},
      {"truth", "truth"},
      {"、", "、"},
  };
  for (size_t n = 0; n < G_N_ELEMENTS(cases); n++) {
    struct export_table *table = new_table();
    add_row(table, cases[n].text, "", "-0.5");
    g_autofree char *expected = g_strconcat(CSV_HEAD, cases[n].cell, ",,-0.5,-3,1\r\n", NULL);
    check("csv", table, expected);
  }
}

static void a_number_of_more_digits_than_a_spreadsheet_has_is_guarded(void **state)
{
  (void)state;
  static const struct {
    const char *value;
    bool fits;
  } cases[] = {{"999999999999999", true},
               {"1000000000000000", false},
               {"-99999999999999.9", true},
               {"9999999999999.999", false},
               {"0.00012345", true},
               {"000000000000000000.1", true},
               {"", true}};
  for (size_t n = 0; n < G_N_ELEMENTS(cases); n++) {
    assert_int_equal(export_fits_spreadsheet(cases[n].value), cases[n].fits);
    struct export_table *table = new_table();
    add_row(table, "a", "2018", cases[n].value);
    g_autofree char *expected =
        g_strdup_printf(CSV_HEAD "a,'2018,%s%s,-3,1\r\n", cases[n].fits ? "" : "'", cases[n].value);
    check("csv", table, expected);
  }
}

/* --- the other formats --- */

static void json_has_texts_for_decimals_and_null_for_nothing(void **state)
{
  (void)state;
  struct export_table *table = new_table();
  add_row(table, "a\"\n", "2018-05", "12345678901234567890.5");
  export_table_cell(table, NULL);
  for (int n = 0; n < 4; n++) export_table_cell(table, "");
  export_table_set_period(table, (struct period){2018, 5, 1});
  check("json", table,
        "[{\"topic\":\"things\",\"title\":\"Things\",\"catalogue\":\"1个\",\"catalogue_hash\":"
        "\"0000000000000000000000000000000000000000000000000000000000000000\",\"period\":\"2018-05\","
        "\"ledger_leaves\":7,\"made_at\":\"2018-06-10T12:00:00Z\",\"rows\":[\n"
        "{\"code\":\"a\\\"\\n\",\"period\":\"2018-05\",\"value\":\"12345678901234567890.5\",\"count\":-3,"
        "\"flag\":true},\n"
        "{\"code\":\"\",\"period\":null,\"value\":null,\"count\":null,\"flag\":null}\n]}]\n");
}

static void sdmx_has_its_own_columns_periods_and_identifiers(void **state)
{
  (void)state;
  struct export_table *table = new_table();
  add_row(table, "left out", "2018-01/P2M", "1.5");
  add_row(table, "left out", "2018", "");
  check("sdmx-csv", table,
        "STRUCTURE,STRUCTURE_ID,ACTION,FREQ,TIME_PERIOD,OBS_VALUE\r\n"
        "dataflow,A1___:THINGS(1.0.0),I,M2,2018-01-01/P2M,1.5\r\n"
        "dataflow,A1___:THINGS(1.0.0),I,A,2018,\r\n");
}

static void what_has_no_period_as_a_dimension_is_no_observation(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  struct export_table *table = export_table_new("things", "Things", &error);
  export_table_add_column(table, columns);
  assert_false(write_table("sdmx-csv-1.0", table, &error));
  assert_int_equal(error->code, ERROR_USAGE);
  assert_string_equal(capture.out, "");
}

static void a_sheet_has_room_for_a_million_rows_and_says_so(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  struct export_table *table = export_table_new("things", "Things", &error);
  export_table_add_column(table, columns);
  for (int n = 0; n < 1048576; n++) export_table_cell(table, "");
  assert_false(write_table("xlsx", table, &error));
  assert_int_equal(error->code, ERROR_UNAVAILABLE);
  assert_non_null(strstr(error->message, "1048576 rows are more than a sheet has (1048575)"));
  assert_string_equal(capture.out, "");
}

/* --- tables --- */

static bool count_row(const char *const *cells, void *data, GError **error)
{
  int *count = data;
  assert_string_equal(cells[0], *count == 0 ? "first" : "");
  assert_string_equal(cells[4], "1");
  if (++*count < 2) return true;
  g_set_error_literal(error, PARKTALLY_ERROR, ERROR_IO, "enough");
  return false;
}

static void a_table_gives_its_rows_as_often_as_they_are_asked_for(void **state)
{
  (void)state;
  CLEANUP(export_table_free) struct export_table *table = new_table();
  g_autoptr(GError) error = NULL;
  add_row(table, "first", "", "");
  add_row(table, NULL, NULL, NULL);
  add_row(table, "third", "", "");
  assert_true(export_table_end(table, &error));
  assert_int_equal(export_table_rows(table), 3);
  assert_int_equal(export_table_find(table, "value"), 2);
  assert_int_equal(export_table_find(table, "nothing"), -1);
  for (int round = 0; round < 2; round++) {
    int count = 0;
    assert_false(export_table_each(table, count_row, &count, &error));
    assert_int_equal(count, 2);
    assert_string_equal(error->message, "enough");
    g_clear_error(&error);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(csv_guards_what_a_spreadsheet_would_change_and_nothing_else),
      cmocka_unit_test(a_number_of_more_digits_than_a_spreadsheet_has_is_guarded),
      cmocka_unit_test(json_has_texts_for_decimals_and_null_for_nothing),
      cmocka_unit_test(sdmx_has_its_own_columns_periods_and_identifiers),
      cmocka_unit_test(what_has_no_period_as_a_dimension_is_no_observation),
      cmocka_unit_test(a_sheet_has_room_for_a_million_rows_and_says_so),
      cmocka_unit_test(a_table_gives_its_rows_as_often_as_they_are_asked_for),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "common/register.h"

#include "common/error.h"
#include "common/seal.h"
#include "small_catalogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HEADER                                                                                               \
  "unit,class,parent,name,parks,reporter,in_boundary,industry,clusters,flags,status,succeeds,from,to\n"
#define A "91350100M000100Y43"
#define B "91110000600037341L"
#define C "9131000063159284XQ"

static uint32_t seed = 20180512;
static struct catalogue *catalogue;

/* The codes of findings, as "register.day@2:13 unit.shape@3:1". */
static void collect(const struct finding *finding, void *data)
{
  GString *said = data;
  assert_string_equal(finding->file, "r.csv");
  g_string_append_printf(said, "%s%s@%zu:%zu", said->len ? " " : "", finding_id(finding->code), finding->row,
                         finding->column);
}

static struct unit_register *read_text(const char *text, size_t length, GString *said, GError **error)
{
  struct unit_register *reg = NULL;
  bool read = register_read_csv(catalogue, "r.csv", text, length, said ? collect : NULL, said, &reg, error);
  assert_int_equal(read, reg != NULL);
  return reg;
}

static struct unit_register *read_rows(const char *rows)
{
  g_autofree char *text = g_strconcat(HEADER, rows, NULL);
  g_autoptr(GError) error = NULL;
  struct unit_register *reg = read_text(text, strlen(text), NULL, &error);
  if (!reg) fail_msg("%s", error->message);
  return reg;
}

static void expect_findings(const char *text, size_t length, const char *expected, bool refused)
{
  g_autoptr(GString) said = g_string_new(NULL);
  g_autoptr(GError) error = NULL;
  CLEANUP(register_unref) struct unit_register *reg = read_text(text, length, said, &error);
  if (strcmp(said->str, expected)) fail_msg("%s\nsaid %s, expected %s", text, said->str, expected);
  assert_int_equal(reg == NULL, refused);
  if (refused) assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_DATA));
  /* Without a sink the outcome is the same. */
  CLEANUP(register_unref) struct unit_register *silent = read_text(text, length, NULL, NULL);
  assert_int_equal(silent == NULL, refused);
}

static void a_mistake_refuses_the_file_and_is_named_with_row_and_column(void **state)
{
  (void)state;
  static const struct {
    const char *row, *findings;
  } cases[] = {
      {",enterprise,,,east,,,,,,,,,", "unit.missing@2:1"},
      {"12345,enterprise,,,east,,,,,,,,,", "unit.shape@2:1"},
      {"9.14502E+17,enterprise,,,east,,,,,,,,,", "unit.damaged@2:1"},
      {"914502001234567000,enterprise,,,east,,,,,,,,,", "unit.damaged@2:1"},
      {"\"914,502,001,234,567,000\",enterprise,,,east,,,,,,,,,", "unit.damaged@2:1"},
      {"914502001234567000.00,enterprise,,,east,,,,,,,,,", "unit.damaged@2:1"},
      {"14502000000000030,enterprise,,,east,,,,,,,,,", "unit.damaged@2:1"},
      {"9.14502E+17,establishment,,,east,,,,,,,,,", "unit.damaged@2:1"},
      {"914502001234567000-01,establishment,,,east,,,,,,,,,", "unit.damaged@2:1"},
      {A ",establishment,,,east,,,,,,,,,", "unit.shape@2:1"},
      {A "-01,enterprise,,,east,,,,,,,,,", "unit.shape@2:1"},
      {"a b,incubator,,,east,,,,,,,,,", "unit.shape@2:1"},
      {A ",company,,,east,,,,,,,,,", "register.class@2:2"},
      {A ",enterprise," B ",,east,,,,,,,,,", "register.parent@2:3"},
      {A "-01,establishment," B ",,east,,,,,,,,,", "register.parent@2:3"},
      {"nest,incubator,a b,,east,,,,,,,,,", "register.parent@2:3"},
      {A ",enterprise,,\"a\tb\",east,,,,,,,,,", "register.text@2:4"},
      {A ",enterprise,,,,,,,,,,,,", "register.area@2:5"},
      {A ",enterprise,,,north,,,,,,,,,", "register.area@2:5"},
      {A ",enterprise,,,zone,,,,,,,,,", "register.area@2:5"},
      {A ",enterprise,,,east;north;south,,,,,,,,,", "register.area@2:5 register.area@2:5"},
      {A ",enterprise,,,east,west,,,,,,,,", "register.reporter@2:6"},
      {A ",enterprise,,,east,,yes,,,,,,,", "register.boundary@2:7"},
      {A ",enterprise,,,east,,,,cars,,,,,", "register.cluster@2:9"},
      {A ",enterprise,,,east,,,,,big,,,,", "register.flag@2:10"},
      {A ",enterprise,,,east,,,,,,gone,,,", "register.status@2:11"},
      {A ",enterprise,,,east,,,,,,,,2018-02-30,", "register.day@2:13"},
      {A ",enterprise,,,east,,,,,,,,,2018/6/1", "register.day@2:14"},
      {A ",enterprise,,,east,,,,,,,,2018-06-01,2018-05-31", "register.days-reversed@2:14"},
      {A ",enterprise,,,east", "row.short@2:0"},
      {A ",enterprise,,,east,,,,,,,,,,", "row.short@2:0"},
      {"\"" A ",enterprise,,,east,,,,,,,,,", "file.cut@2:0"},
      {A "x\"y,enterprise,,,east,,,,,,,,,", "file.quotes@2:0"},
      {A ",enterprise,,\"\xFF\",east,,,,,,,,,", "file.encoding@2:0"},
      {A ",enterprise,,,east,,,,,,,,,\n" B ",enterprise,,,east,,,,,,,,,\n" A ",enterprise,,,west,,,,,,,,,",
       "register.twice@4:0"},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *text = g_strconcat(HEADER, cases[i].row, "\n", NULL);
    expect_findings(text, strlen(text), cases[i].findings, true);
  }
}

static void every_mistake_is_said_and_the_error_names_the_first(void **state)
{
  (void)state;
  static const char text[] = HEADER "\r\n" A ",company,,\"two\nlines\",north,,,,,,,,x,\r\n"
                                    "\r\n" B ",enterprise,,,east,,2,,,,,,,\r\n";
  g_autoptr(GString) said = g_string_new(NULL);
  g_autoptr(GError) error = NULL;
  assert_null(read_text(text, strlen(text), said, &error));
  assert_string_equal(said->str, "register.class@3:2 register.text@3:4 register.area@3:5 register.day@3:13 "
                                 "register.boundary@6:7");
  assert_non_null(strstr(error->message,
                         "r.csv: nothing was taken, because of 5 mistakes. The first: r.csv, row 3, "
                         "column B (class), unit " A));
  assert_non_null(strstr(error->message, "enterprise, establishment, incubator"));
}

static void a_header_that_is_not_a_registers_is_refused(void **state)
{
  (void)state;
  static const struct {
    const char *text, *findings;
  } cases[] = {
      {"", "file.empty@0:0"},
      {"\n\n", "file.empty@0:0"},
      {"unit,class\n", "register.header@1:0"},
      {"unit,class,parks,colour\n", "register.header@1:4"},
      {"unit,class,parks,unit\n", "register.header@1:4"},
      {"\n1,2,3\n", "register.header@2:1 register.header@2:2 register.header@2:3"},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
    expect_findings(cases[i].text, strlen(cases[i].text), cases[i].findings, true);
  expect_findings(HEADER "\0", sizeof HEADER, "file.binary@2:0", true);
}

static void a_doubtful_code_or_parent_is_noted_and_taken(void **state)
{
  (void)state;
  static const char text[] =
      HEADER "91350211M0000XUF46,enterprise,,,east,,,,,,,,,\n" A "-01,establishment,,,east,,,,,,,,,\n" B
             ",enterprise,,,east,,,,,,,,,\n" B "-02,establishment," B ",,west,,,,,,,,,\n"
             "nest,incubator," C ",,west,,,,,,,,,\n";
  expect_findings(text, strlen(text),
                  "unit.check-digit@2:1 register.parent-unknown@3:0 register.parent-unknown@6:0", false);
}

static void a_code_that_the_catalogue_exempts_is_taken_as_it_is(void **state)
{
  (void)state;
  static const char text[] = HEADER "91350211M0000XUF46,enterprise,,,east,,,,,,,,,\n"
                                    "91350211M0000XUF46-01,establishment,,,east,,,,,,,,,\n"
                                    "914502001234567000,enterprise,,,east,,,,,,,,,\n"
                                    "91350100M0001TGQXM,enterprise,,,east,,,,,,,,,\n";
  g_autofree char *exempting =
      g_strconcat(small_catalogue_text, "exempt_codes: [91350211M0000XUF46, '914502001234567000']\n", NULL);
  struct catalogue *usual = catalogue;
  catalogue = catalogue_compile("small.yaml", exempting, strlen(exempting), NULL);
  assert_non_null(catalogue);
  expect_findings(text, strlen(text), "unit.check-digit@5:1", false);
  catalogue_unref(catalogue);
  catalogue = usual;
}

static void what_stands_around_a_code_unseen_is_taken_off(void **state)
{
  (void)state;
  static const char text[] = HEADER "\xEF\xBB\xBF" A "\xC2\xA0,enterprise,,,east,,,,,,,,,\n \xE2\x80\x8B" B
                                    "\xE3\x80\x80,enterprise,,,east,,,,,,,,,\n";
  CLEANUP(register_unref) struct unit_register *reg = read_text(text, strlen(text), NULL, NULL);
  assert_non_null(reg);
  assert_non_null(register_version(reg, A, (struct period){2018, 5, 1}));
  assert_non_null(register_version(reg, B, (struct period){2018, 5, 1}));
}

/* Its hash alone is that of its bytes. */
static GBytes *write_csv(const struct unit_register *reg, int area)
{
  GBytes *csv = register_write_csv(reg, catalogue, area);
  uint8_t expected[SEAL_HASH_SIZE], found[SEAL_HASH_SIZE];
  seal_hash(g_bytes_get_data(csv, NULL), g_bytes_get_size(csv), expected);
  register_hash_csv(reg, catalogue, area, found);
  assert_memory_equal(found, expected, sizeof expected);
  return csv;
}

static void a_header_alone_is_an_empty_register(void **state)
{
  (void)state;
  CLEANUP(register_unref) struct unit_register *reg = read_rows("");
  const struct unit_version *versions;
  assert_int_equal(register_size(reg), 0);
  assert_int_equal(register_unit(reg, A, &versions), 0);
  assert_null(register_version(reg, A, (struct period){2018, 5, 1}));
  g_autoptr(GBytes) csv = write_csv(reg, CATALOGUE_NONE);
  assert_int_equal(g_bytes_get_size(csv), strlen(HEADER));
}

static void a_row_is_read_with_its_defaults_and_lists_in_order(void **state)
{
  (void)state;
  static const char text[] =
      "\xEF\xBB\xBFparks, class ,ｕｎｉｔ,name,clusters,flags\n"
      "west； east;west,establishment,９１350100m000100y43-01,（柳）钢,steel;machinery,;above_scale;\n";
  g_autoptr(GError) error = NULL;
  CLEANUP(register_unref) struct unit_register *reg = read_text(text, strlen(text), NULL, &error);
  if (!reg) fail_msg("%s", error->message);
  const struct unit_version *version;
  assert_int_equal(register_unit(reg, A "-01", &version), 1);
  assert_string_equal(version->parent, A);
  assert_string_equal(version->name, "（柳）钢");
  assert_string_equal(version->parks, "east;west");
  assert_string_equal(version->clusters, "machinery;steel");
  assert_string_equal(version->flags, "above_scale");
  assert_string_equal(version->status, "正常");
  assert_string_equal(version->reporter, "");
  assert_true(version->in_boundary);
  assert_int_equal(version->from, DAY_MIN);
  assert_int_equal(version->to, DAY_NONE);
}

static void a_list_is_in_byte_order_without_repetition_however_it_is_written(void **state)
{
  (void)state;
  static const struct {
    const char *written, *kept;
  } cases[] = {
      {"east", "east"},
      {"east;west", "east;west"},
      {"west;east", "east;west"},
      {"east;east", "east"},
      {"west;east;west", "east;west"},
      {"east;", "east"},
      {";east", "east"},
      {"east;;west", "east;west"},
      {" east ", "east"},
      {"east; west", "east;west"},
      {"east ;west", "east;west"},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *rows = g_strdup_printf(A ",enterprise,,,%s,,,,,,,,,\n", cases[i].written);
    CLEANUP(register_unref) struct unit_register *reg = read_rows(rows);
    assert_string_equal(register_nth(reg, 0)->parks, cases[i].kept);
  }
}

/* Longer than any code. */
static void a_long_word_of_a_list_is_named_whole(void **state)
{
  (void)state;
  char word[LIMIT_CODE_BYTES + 2];
  memset(word, 'x', sizeof word - 1);
  word[sizeof word - 1] = '\0';
  g_autofree char *text = g_strconcat(HEADER, A ",enterprise,,,east;", word, ";west,,,,,,,,,\n", NULL);
  g_autoptr(GError) error = NULL;
  assert_null(read_text(text, strlen(text), NULL, &error));
  assert_non_null(strstr(error->message, word));
}

static const char *park_in(const struct unit_register *reg, const char *unit, struct period period)
{
  const struct unit_version *version = register_version(reg, unit, period);
  return version ? version->parks : "none";
}

static void the_last_version_in_force_in_a_period_governs_it(void **state)
{
  (void)state;
  CLEANUP(register_unref)
  struct unit_register *reg =
      read_rows(A ",enterprise,,,west,,,,,,,,2018-05-15,2018-08-10\n" A
                  ",enterprise,,,east,,,,,,,,2017-03-01,\n" A ",enterprise,,,east;west,,,,,,,,2018-11-01,\n");
  static const struct {
    struct period period;
    const char *parks;
  } cases[] = {
      {{2017, 2, 1}, "none"},       {{2017, 1, 3}, "east"}, {{2018, 4, 1}, "east"},
      {{2018, 5, 1}, "west"},       {{2018, 8, 1}, "west"}, {{2018, 9, 1}, "none"},
      {{2018, 10, 1}, "none"},      {{2018, 7, 3}, "west"}, {{2018, 1, 12}, "east;west"},
      {{2030, 1, 12}, "east;west"},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
    if (strcmp(park_in(reg, A, cases[i].period), cases[i].parks)) fail_msg("case %zu", i);
  assert_string_equal(park_in(reg, B, (struct period){2018, 5, 1}), "none");
}

static void a_unit_owes_by_status_class_and_flag_on_the_last_day(void **state)
{
  (void)state;
  CLEANUP(register_unref)
  struct unit_register *reg = read_rows(
      A ",enterprise,,,east,,,,,above_scale;high_tech,,,,\n" B ",enterprise,,,east,,,,,high_tech,,,,\n" C
        ",enterprise,,,east,,,,,above_scale,,,,2018-05-30\n"
        "91350211M0000XUF46,enterprise,,,east,,,,,above_scale,,,,2018-05-31\n"
        "nest,incubator,,,east,,,,,,,,,\n" A ",enterprise,,,east,,,,,above_scale,关闭,,2018-06-30,\n");
  int monthly = catalogue_form(catalogue, "monthly"), carriers = catalogue_form(catalogue, "carriers");
  struct period may = {2018, 5, 1}, june = {2018, 6, 1}, year = {2018, 1, 12};
  assert_true(register_owes(reg, catalogue, A, monthly, may));
  assert_false(register_owes(reg, catalogue, A, monthly, june)); /* closed */
  assert_false(register_owes(reg, catalogue, B, monthly, may));  /* no flag */
  assert_false(register_owes(reg, catalogue, C, monthly, may));  /* ended the day before */
  assert_true(register_owes(reg, catalogue, "91350211M0000XUF46", monthly, may));
  assert_false(register_owes(reg, catalogue, "nest", monthly, may));
  assert_true(register_owes(reg, catalogue, "nest", carriers, year));
  assert_false(register_owes(reg, catalogue, "unknown", carriers, year));
}

static void a_register_is_written_as_it_is_read_whatever_the_order(void **state)
{
  (void)state;
  static const char expected[] =
      HEADER B ",enterprise,,\"a, \"\"b\"\"\",east,,1,C31,,,正常,,,2018-12-31\n" A
               ",enterprise,,,east;west,east,0,,machinery;steel,above_scale,关闭," B ",2018-01-01,\n" A
               "-01,establishment," A ",甲,west,,1,,,,正常,,,\n";
  CLEANUP(register_unref)
  struct unit_register *reg =
      read_rows(A "-01,establishment,,甲,west,,,,,,,,,\n" A
                  ",enterprise,,,west;east,east,0,,steel;machinery,above_scale,关闭," B ",2018-01-01,\n" B
                  ",enterprise,,\"a, \"\"b\"\"\",east,,,C31,,,,,,2018-12-31\n");
  g_autoptr(GBytes) written = write_csv(reg, CATALOGUE_NONE);
  gsize length;
  const char *text = g_bytes_get_data(written, &length);
  assert_int_equal(length, strlen(expected));
  assert_memory_equal(text, expected, length);
  CLEANUP(register_unref) struct unit_register *back = read_text(text, length, NULL, NULL);
  g_autoptr(GBytes) again = write_csv(back, CATALOGUE_NONE);
  assert_true(g_bytes_equal(written, again));
}

static void an_areas_register_holds_all_versions_of_units_that_were_ever_there(void **state)
{
  (void)state;
  CLEANUP(register_unref)
  struct unit_register *reg =
      read_rows(A ",enterprise,,,east,,,,,,,,,2018-01-31\n" A ",enterprise,,,west,,,,,,,,2018-02-01,\n" B
                  ",enterprise,,,west,,,,,,,,,\n");
  static const struct {
    const char *area;
    size_t versions;
  } cases[] = {{"east", 2}, {"west", 3}, {"zone", 3}};
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GBytes) csv = write_csv(reg, catalogue_area(catalogue, cases[i].area));
    gsize length;
    const char *text = g_bytes_get_data(csv, &length);
    CLEANUP(register_unref) struct unit_register *part = read_text(text, length, NULL, NULL);
    assert_int_equal(register_size(part), cases[i].versions);
  }
}

static struct unit_version plain_version(const char *unit, const char *parks)
{
  return (struct unit_version){.unit = unit,
                               .class = "enterprise",
                               .parent = unit,
                               .name = "",
                               .parks = parks,
                               .reporter = "",
                               .in_boundary = true,
                               .industry = "",
                               .clusters = "",
                               .flags = "",
                               .status = "正常",
                               .succeeds = "",
                               .from = DAY_MIN,
                               .to = DAY_NONE};
}

static void a_cell_is_quoted_where_its_bytes_would_be_read_otherwise(void **state)
{
  (void)state;
  static const struct {
    const char *name, *cell;
  } cases[] = {
      {"", ""},       {"甲", "甲"},       {"a b", "a b"},     {"a;b'c", "a;b'c"},
      {",", "\",\""}, {"\"", "\"\"\"\""}, {"a\r", "\"a\r\""}, {"\nb", "\"\nb\""},
      {" ", "\" \""}, {" a", "\" a\""},   {"a ", "\"a \""},   {"a\"\"b", "\"a\"\"\"\"b\""},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    struct register_builder *builder = register_builder_new();
    struct unit_version version = plain_version("A", "east");
    version.name = cases[i].name;
    register_builder_add(builder, &version);
    CLEANUP(register_unref) struct unit_register *reg = register_builder_finish(builder);
    g_autoptr(GBytes) csv = write_csv(reg, CATALOGUE_NONE);
    g_autofree char *expected =
        g_strdup_printf(HEADER "A,enterprise,,%s,east,,1,,,,正常,,,\n", cases[i].cell);
    assert_int_equal(g_bytes_get_size(csv), strlen(expected));
    assert_memory_equal(g_bytes_get_data(csv, NULL), expected, strlen(expected));
  }
}

/* More texts of parks than answers are remembered, so that some take the place of others, and names that make
 * the document grow, also at once beyond its double. */
static void a_large_register_of_many_parks_is_written_whole(void **state)
{
  (void)state;
  enum { UNITS = 5000 };
  static const char *const words[] = {"east", "west", "zone", "nowhere"};
  struct register_builder *builder = register_builder_new();
  g_autoptr(GString) expected = g_string_new(HEADER);
  g_autofree char *long_name = g_strnfill(1024 * 1024, '"');
  for (size_t i = 0; i < UNITS; i++) {
    g_autofree char *unit = g_strdup_printf("U%05zu", i);
    g_autofree char *parks = g_strdup_printf("%s;p%zu", words[i % 4], i * 7 % 900);
    struct unit_version version = plain_version(unit, parks);
    if (i == 1001) version.name = long_name;
    register_builder_add(builder, &version);
    if (i % 4 != 1) continue;
    g_string_append_printf(expected, "%s,enterprise,,", unit);
    if (i == 1001) g_string_append_printf(expected, "\"%s%s\"", long_name, long_name);
    g_string_append_printf(expected, ",%s,,1,,,,正常,,,\n", parks);
  }
  CLEANUP(register_unref) struct unit_register *reg = register_builder_finish(builder);
  g_autoptr(GBytes) csv = write_csv(reg, catalogue_area(catalogue, "west"));
  assert_int_equal(g_bytes_get_size(csv), expected->len);
  assert_memory_equal(g_bytes_get_data(csv, NULL), expected->str, expected->len);
}

static void words_of_a_list_match_whole(void **state)
{
  (void)state;
  assert_true(register_list_has("a;bc;d", "bc"));
  assert_true(register_list_has("a;bc;d", "d"));
  assert_true(register_list_has("a", "a"));
  assert_false(register_list_has("a;bc;d", "b"));
  assert_false(register_list_has("a;bc;d", "c"));
  assert_false(register_list_has("a;bc;d", ""));
  assert_false(register_list_has("", "a"));
}

/* Against a hash table of the last version that was added for each unit and day. */
static void versions_added_in_any_order_are_found_and_the_later_replaces(void **state)
{
  (void)state;
  g_autoptr(GRand) random = g_rand_new_with_seed(seed);
  for (int round = 0; round < 50; round++) {
    g_autoptr(GHashTable) last = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    struct register_builder *builder = register_builder_new();
    int count = g_rand_int_range(random, 0, 400);
    for (int i = 0; i < count; i++) {
      char unit[16], name[16];
      day_number from = g_rand_int_range(random, 0, 5);
      g_snprintf(unit, sizeof unit, "u%d", g_rand_int_range(random, 0, 60));
      g_snprintf(name, sizeof name, "n%d", i);
      struct unit_version version = {.unit = unit,
                                     .class = "incubator",
                                     .parent = unit,
                                     .name = name,
                                     .parks = "east",
                                     .reporter = "",
                                     .industry = "",
                                     .clusters = "",
                                     .flags = "",
                                     .status = "正常",
                                     .succeeds = "",
                                     .from = from,
                                     .to = DAY_NONE};
      register_builder_add(builder, &version);
      g_hash_table_replace(last, g_strdup_printf("%s/%d", unit, from), GINT_TO_POINTER(i));
    }
    CLEANUP(register_unref) struct unit_register *reg = register_builder_finish(builder);
    assert_int_equal(register_size(reg), g_hash_table_size(last));
    for (size_t n = 0; n < register_size(reg); n++) {
      const struct unit_version *version = register_nth(reg, n), *first;
      g_autofree char *key = g_strdup_printf("%s/%d", version->unit, version->from);
      assert_int_equal(atoi(version->name + 1), GPOINTER_TO_INT(g_hash_table_lookup(last, key)));
      size_t versions = register_unit(reg, version->unit, &first);
      assert_true(first <= version && version < first + versions);
      assert_true(n == 0 || strcmp(version[-1].unit, version->unit) < 0 || version[-1].from < version->from);
      assert_string_equal(first->unit, first[versions - 1].unit);
    }
  }
}

/* Units u00, u02, … of one to three versions. */
static struct unit_register *even_units(GRand *random, int units)
{
  struct register_builder *builder = register_builder_new();
  for (int i = 0; i < units; i++) {
    char unit[16];
    g_snprintf(unit, sizeof unit, "u%02d", 2 * i);
    int versions = g_rand_int_range(random, 1, 4);
    for (int j = 0; j < versions; j++) {
      struct unit_version version = {.unit = unit,
                                     .class = "incubator",
                                     .parent = unit,
                                     .name = "",
                                     .parks = "east",
                                     .reporter = "",
                                     .industry = "",
                                     .clusters = "",
                                     .flags = "",
                                     .status = "",
                                     .succeeds = "",
                                     .from = period_first_day((struct period){2018, (uint8_t)(1 + 3 * j), 1}),
                                     .to = DAY_NONE};
      register_builder_add(builder, &version);
    }
  }
  return register_builder_finish(builder);
}

/* Known and unknown units; mostly ascending, some again, some from anywhere, some after a strange `near`. */
static void a_search_that_goes_on_from_the_last_finds_what_any_other_finds(void **state)
{
  (void)state;
  g_autoptr(GRand) random = g_rand_new_with_seed(seed);
  for (int round = 0; round < 200; round++) {
    int units = g_rand_int_range(random, 0, 48);
    CLEANUP(register_unref) struct unit_register *reg = even_units(random, units);
    size_t near = 0, near_version = 0;
    int number = 0, stride = g_rand_int_range(random, 1, 12);
    for (int asked = 0; asked < 100; asked++) {
      int choice = g_rand_int_range(random, 0, 20);
      number = choice == 0 ? g_rand_int_range(random, 0, 100) : number + g_rand_int_range(random, 0, stride);
      if (number > 99) number = 0;
      if (choice == 1) near = near_version = (size_t)g_rand_int_range(random, 0, 2 * units + 2);
      if (choice == 2) near = near_version = SIZE_MAX;
      char unit[16];
      g_snprintf(unit, sizeof unit, "u%02d%s", number, choice == 3 ? "x" : "");
      struct period period = {2018, (uint8_t)g_rand_int_range(random, 1, 13), 1};
      const struct unit_version *expected = NULL, *found = NULL;
      assert_int_equal(register_unit_near(reg, unit, &near, &found), register_unit(reg, unit, &expected));
      assert_ptr_equal(found, expected);
      assert_ptr_equal(register_version_near(reg, unit, period, &near_version),
                       register_version(reg, unit, period));
      if (found) assert_ptr_equal(register_nth(reg, register_index(reg, found)), found);
    }
  }
}

static void fail_on_finding(const struct finding *finding, void *data)
{
  (void)data;
  g_autofree char *line = finding_format(finding);
  fail_msg("%s", line);
}

static void the_shipped_example_is_taken_without_a_word(void **state)
{
  (void)state;
  CLEANUP(catalogue_unref)
  struct catalogue *liuzhou = catalogue_read(SOURCE_DIR "/deploy/catalogue/liuzhou.yaml", NULL);
  CLEANUP(register_unref) struct unit_register *reg = NULL;
  g_autoptr(GError) error = NULL;
  g_autofree char *text = NULL;
  size_t length;
  assert_true(g_file_get_contents(SOURCE_DIR "/deploy/register.example.csv", &text, &length, NULL));
  if (!register_read_csv(liuzhou, "example", text, length, fail_on_finding, NULL, &reg, &error))
    fail_msg("%s", error->message);
  assert_int_equal(register_size(reg), 5);
}

static int compile_catalogue(void **state)
{
  (void)state;
  catalogue = small_catalogue();
  return 0;
}

static int drop_catalogue(void **state)
{
  (void)state;
  catalogue_unref(catalogue);
  return 0;
}

int main(int argc, char **argv)
{
  if (argc > 1) seed = (uint32_t)strtoul(argv[1], NULL, 10);
  printf("seed %u\n", seed);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_mistake_refuses_the_file_and_is_named_with_row_and_column),
      cmocka_unit_test(every_mistake_is_said_and_the_error_names_the_first),
      cmocka_unit_test(a_header_that_is_not_a_registers_is_refused),
      cmocka_unit_test(a_doubtful_code_or_parent_is_noted_and_taken),
      cmocka_unit_test(a_code_that_the_catalogue_exempts_is_taken_as_it_is),
      cmocka_unit_test(what_stands_around_a_code_unseen_is_taken_off),
      cmocka_unit_test(a_header_alone_is_an_empty_register),
      cmocka_unit_test(a_row_is_read_with_its_defaults_and_lists_in_order),
      cmocka_unit_test(a_list_is_in_byte_order_without_repetition_however_it_is_written),
      cmocka_unit_test(a_long_word_of_a_list_is_named_whole),
      cmocka_unit_test(the_last_version_in_force_in_a_period_governs_it),
      cmocka_unit_test(a_unit_owes_by_status_class_and_flag_on_the_last_day),
      cmocka_unit_test(a_register_is_written_as_it_is_read_whatever_the_order),
      cmocka_unit_test(an_areas_register_holds_all_versions_of_units_that_were_ever_there),
      cmocka_unit_test(a_cell_is_quoted_where_its_bytes_would_be_read_otherwise),
      cmocka_unit_test(a_large_register_of_many_parks_is_written_whole),
      cmocka_unit_test(the_shipped_example_is_taken_without_a_word),
      cmocka_unit_test(words_of_a_list_match_whole),
      cmocka_unit_test(versions_added_in_any_order_are_found_and_the_later_replaces),
      cmocka_unit_test(a_search_that_goes_on_from_the_last_finds_what_any_other_finds),
  };
  return cmocka_run_group_tests(tests, compile_catalogue, drop_catalogue);
}

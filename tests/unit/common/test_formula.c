#include "common/formula.h"

#include "common/limits.h"

#include <glib.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The form of these tests: columns of different decimals, one with a blank-less minus in its code. */
static const struct {
  const char *code;
  unsigned decimals;
} COLUMNS[] = {{"a", 0}, {"b", 1}, {"c", 2}, {"a.ytd", 0}, {"high-tech", 0}, {"3d_output", 3}};
enum { A, B, C, A_YTD, HIGH_TECH, OUTPUT_3D };

static bool resolve(const char *code, int *ret_column, unsigned *ret_decimals, void *data)
{
  (void)data;
  for (size_t i = 0; i < G_N_ELEMENTS(COLUMNS); i++) {
    if (strcmp(COLUMNS[i].code, code) != 0) continue;
    *ret_column = (int)i;
    *ret_decimals = COLUMNS[i].decimals;
    return true;
  }
  return false;
}

static struct formula *compile(const char *text)
{
  char *mistake = NULL;
  size_t at = 0;
  struct formula *formula = formula_compile(text, resolve, NULL, &mistake, &at);
  if (!formula) fail_msg("“%s”, at %zu: %s", text, at, mistake);
  return formula;
}

/* "a=1 b=25 last.a=3 ago.c=100 month=2", figures as stored. */
struct facts {
  struct figures figures[TENSE_COUNT];
  struct formula_facts facts;
};

static void set_fact(struct facts *facts, const char *word)
{
  static const char *const prefixes[TENSE_COUNT] = {"", "last.", "ago."};
  g_auto(GStrv) pair = g_strsplit(word, "=", 2);
  int64_t value = g_ascii_strtoll(pair[1], NULL, 10);
  if (strcmp(pair[0], "month") == 0) {
    facts->facts.month = (unsigned)value;
    return;
  }
  for (int tense = TENSE_COUNT - 1; tense >= 0; tense--) {
    int column = -1;
    unsigned decimals;
    if (!g_str_has_prefix(pair[0], prefixes[tense])) continue;
    if (!resolve(pair[0] + strlen(prefixes[tense]), &column, &decimals, NULL)) fail_msg("%s", word);
    figures_set(&facts->figures[tense], (unsigned)column, value);
    facts->facts.figures[tense] = &facts->figures[tense];
    return;
  }
}

static void set_facts(struct facts *facts, const char *text)
{
  g_auto(GStrv) words = g_strsplit(text, " ", -1);
  memset(facts, 0, sizeof *facts);
  facts->facts.month = 12;
  for (char **word = words; *word; word++)
    if (**word) set_fact(facts, *word);
}

static bool holds(const char *text, const char *facts_text, struct formula_failure *ret_failure)
{
  CLEANUP(formula_free) struct formula *formula = compile(text);
  struct facts facts;
  set_facts(&facts, facts_text);
  return formula_holds(formula, &facts.facts, ret_failure);
}

struct holds_case {
  const char *formula, *facts;
  bool holds;
};

static void check_cases(const struct holds_case *cases, size_t count)
{
  for (size_t i = 0; i < count; i++)
    if (holds(cases[i].formula, cases[i].facts, NULL) != cases[i].holds)
      fail_msg("“%s” with %s: expected that it %s", cases[i].formula, cases[i].facts,
               cases[i].holds ? "holds" : "does not hold");
}

static void what_is_no_formula_is_refused_where_it_ceases_to_be_one(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    size_t at;
    const char *says;
  } cases[] = {
      {"", 0, "the rule ends here"},
      {"a", 1, "expected one of = !="},
      {"a =", 3, "the rule ends here"},
      {"a = 1 b", 6, "expected the end of the rule"},
      {"a ~ 1", 2, "found “~"},
      {"a = 1 ； b = 2", 6, "found “；"},
      {"\"a\" = 1", 0, "found “\"a"},
      {"d = 1", 0, "no column “d”"},
      {"a-b = 1", 0, "put blanks around"},
      {"a.ly = 1", 0, "no column “a.ly”"},
      {"a * b = 1", 4, "cannot be multiplied by a figure"},
      {"(a + 1) * (b + 1) = 1", 10, "cannot be multiplied by a figure"},
      {"a / 2 = 1", 2, "found “/"},
      {"a = 1.2.3", 4, "expected a number"},
      {"a = 1.", 4, "expected a number"},
      {"a = 1 within b", 13, "expected a number"},
      {"a < 1 within 1", 6, "behind = or != alone"},
      {"(a = 1", 6, "expected “)”"},
      {"a = (1", 6, "expected “)”"},
      {"sum() = 1", 4, "expected the code of a column"},
      {"sum(a = 1", 6, "expected “)”"},
      {"sum(1, a) = 1", 4, "no column “1”"},
      {"last(last(a)) = 1", 5, "found “last”, expected the code of a column"},
      {"all of a", 7, "expected “(”"},
      {"some of (a)", 0, "no column “some”"},
      {"present(a) = 1", 11, "expected the end of the rule"},
      {"if a = 1", 8, "expected “then”"},
      {"if a = 1 then", 13, "the rule ends here"},
      {"a = 1 then b = 1", 6, "expected the end of the rule"},
      {"a = 1 and if b = 1 then a = 1", 10, "found “if”, expected the code of a column"},
      {"a = 99999999999999999999", 4, "too large"},
      {"a = 9007199254740991 * 9007199254740991 * 9007199254740991", 58, "too large"},
      {"a * 9007199254740991 * 9007199254740991 = 1", 43, "too large"},
      {"a * 281474976710656 * 281474976710656 * 281474976710656 = 1", 56, "too large"}, /* 2^144 */
      {"a * 0.0000000000000001 * 0.0000000000000001 = 1", 44, "too large"},
      {"future(a) = 1", 0, "expected a column"},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *mistake = NULL;
    size_t at = 999;
    CLEANUP(formula_free)
    struct formula *formula = formula_compile(cases[i].text, resolve, NULL, &mistake, &at);
    if (formula) fail_msg("“%s” was taken", cases[i].text);
    if (!strstr(mistake, cases[i].says) || at != cases[i].at)
      fail_msg("“%s”: %s, at %zu", cases[i].text, mistake, at);
  }
}

static void nesting_and_length_have_a_bound(void **state)
{
  (void)state;
  const char *const openers[] = {"(", "not ", "- ", "a = 1 and ", "a = 1 or ", "a + ", "(not "};
  for (size_t i = 0; i < G_N_ELEMENTS(openers); i++) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (int n = 0; n < 5000; n++) g_string_append(text, openers[i]);
    g_autofree char *mistake = NULL;
    size_t at;
    assert_null(formula_compile(text->str, resolve, NULL, &mistake, &at));
    assert_non_null(strstr(mistake, "make two"));
  }
}

static void side_by_side_there_may_be_many(void **state)
{
  (void)state;
  g_autoptr(GString) sum = g_string_new("(a)"), conditions = g_string_new("a = 2");
  for (int n = 0; n < 99; n++) g_string_append(sum, " + -(a)");
  for (int n = 0; n < 25; n++) g_string_append(conditions, " or (a = 1 and not b = 1)");
  g_string_append(sum, " = -98");
  assert_true(holds(sum->str, "a=1", NULL));
  assert_false(holds(sum->str, "a=2", NULL));
  assert_true(holds(conditions->str, "a=1 b=20", NULL));
  assert_false(holds(conditions->str, "a=1 b=10", NULL));
}

static void a_missing_figure_is_unknown_and_never_wrong(void **state)
{
  (void)state;
  static const struct holds_case cases[] = {
      {"a = 1", "", true},
      {"a = 1", "b=2", true},
      {"a = b", "a=1", true},
      {"not a = 1", "", true},
      {"a = 1 and b = 1", "a=1", true},
      {"a = 1 and b = 1", "a=2", false}, /* whatever the other is */
      {"a = 1 and b = 1", "b=20", false},
      {"a = 1 or b = 1", "a=2", true},
      {"a = 1 or b = 1", "a=2 b=20", false},
      {"if a = 1 then b = 1", "b=20", true},
      {"if a = 1 then b = 1", "a=1", true},
      {"if a = 1 then b = 1", "a=1 b=20", false},
      {"if a = 1 then b = 1", "a=2 b=20", true},
      {"a = last(a)", "a=1", true},
      {"a = last(a)", "last.a=1", true},
      {"a = last(a)", "a=1 last.a=2", false},
      {"a = year_ago(a)", "a=1 last.a=2", true},
      {"a = year_ago(a)", "a=1 ago.a=2", false},
      {"a = 0", "a=0", true}, /* zero is there */
      {"a = 1", "a=0", false},
  };
  check_cases(cases, G_N_ELEMENTS(cases));
}

static void a_sum_passes_over_what_is_missing_unless_all_is(void **state)
{
  (void)state;
  static const struct holds_case cases[] = {
      {"a = sum(b, c)", "a=5 b=50", true},
      {"a = sum(b, c)", "a=5 c=500", true},
      {"a = sum(b, c)", "a=5 b=30 c=200", true},
      {"a = sum(b, c)", "a=5 b=30 c=201", false},
      {"a = sum(b, c)", "a=5", true},
      {"a = sum(b, c)", "b=30 c=200", true},
      {"a = b + c", "a=5 b=40", true},
      {"a = b + c", "a=5 b=40 c=10", false},
      {"sum(a, b) = sum(c, a.ytd)", "a=5", true},
      {"sum(a, b) = sum(c, a.ytd)", "a=5 a.ytd=6", false},
      {"sum(a, b) + sum(c, a.ytd) = 0", "a=5", true},
      {"sum(a, b) + sum(c, a.ytd) = 0", "a=5 c=1", false},
      {"2 * sum(a, b) = 8", "b=40", true},
      {"2 * sum(a, b) = 8", "b=41", false},
      {"a.ytd = sum(last(a.ytd), a)", "a.ytd=5 a=5", true},
      {"a.ytd = sum(last(a.ytd), a)", "a.ytd=5 a=5 last.a.ytd=1", false},
  };
  check_cases(cases, G_N_ELEMENTS(cases));
}

static void decimals_are_aligned_exactly(void **state)
{
  (void)state;
  static const struct holds_case cases[] = {
      {"a = b", "a=1 b=10", true},
      {"a = b", "a=1 b=11", false},
      {"b = c", "b=5 c=50", true},
      {"b < c", "b=5 c=51", true},
      {"a > c", "a=1 c=99", true},
      {"3d_output = a", "3d_output=1000 a=1", true},
      {"3d_output = a", "3d_output=1001 a=1", false},
      {"a * 5% = b", "a=100 b=50", true},
      {"5% * a = b", "a=100 b=51", false},
      {"a = 100 * 1.005", "a=100", false},
      {"c = 1.005 * a", "c=100500 a=1000", true},
      {"c = 1.005 * a", "c=100501 a=1000", false},
      {"a = 9007199254740991", "a=9007199254740991", true},
      {"a + a + a = 3 * 9007199254740991", "a=9007199254740991", true}, /* beyond 64 bits with decimals */
      {"1000000 * a > 1000000 * 3d_output", "a=9007199254740991 3d_output=9007199254740991", true},
      {"a - b - c = 0 - 0.01", "a=1 b=9 c=11", true},
      {"a - (b - c) = 1.1", "a=1 b=0 c=10", true},
      {"-(a - b) = b - a", "a=7 b=31", true},
      {"- a * 2 = -2 * a", "a=7", true},
      {"-a < 0", "a=7", true},
      {"a = -(2 - 9)", "a=7", true},
  };
  check_cases(cases, G_N_ELEMENTS(cases));
}

static void each_sign_means_what_it_says(void **state)
{
  (void)state;
  static const struct holds_case cases[] = {
      {"a = 5", "a=4", false},
      {"a = 5", "a=5", true},
      {"a = 5", "a=6", false},
      {"a != 5", "a=4", true},
      {"a != 5", "a=5", false},
      {"a != 5", "a=6", true},
      {"a < 5", "a=4", true},
      {"a < 5", "a=5", false},
      {"a < 5", "a=6", false},
      {"a <= 5", "a=4", true},
      {"a <= 5", "a=5", true},
      {"a <= 5", "a=6", false},
      {"a > 5", "a=4", false},
      {"a > 5", "a=5", false},
      {"a > 5", "a=6", true},
      {"a >= 5", "a=4", false},
      {"a >= 5", "a=5", true},
      {"a >= 5", "a=6", true},
      {"a = 5 within 2", "a=2", false},
      {"a = 5 within 2", "a=3", true},
      {"a = 5 within 2", "a=7", true},
      {"a = 5 within 2", "a=8", false},
      {"b = 5 within 0.2", "b=48", true},
      {"b = 5 within 0.2", "b=47", false},
      {"a != 5 within 2", "a=7", false},
      {"a != 5 within 2", "a=8", true},
      {"a = 5 within 0.004", "a=5", true},
  };
  check_cases(cases, G_N_ELEMENTS(cases));
}

static void words_bind_as_in_speech(void **state)
{
  (void)state;
  static const struct holds_case cases[] = {
      {"a = 1 or b = 1 and c = 1", "a=1 b=20 c=200", true}, /* and binds closer */
      {"(a = 1 or b = 1) and c = 1", "a=1 b=20 c=200", false},
      {"not a = 1 and b = 1", "a=2 b=20", false}, /* not binds closest */
      {"not (a = 1 and b = 1)", "a=1 b=20", true},
      {"not (a = 1 and b = 1)", "a=1 b=10", false},
      {"not not a = 1", "a=2", false},
      {"((a + 1)) * 2 = (4)", "a=1", true},
      {"(a + 1) * 2 = 4", "a=2", false},
      {"((a + 1) * 2 = 4)", "a=2", false},
      {"a + 1 * 2 = 4", "a=2", true},
      {"if a = 1 or a = 2 then b = 1 and c = 1", "a=2 b=10 c=200", false},
      {"if month > 1 then a = 1", "month=1 a=2", true},
      {"if month > 1 then a = 1", "month=2 a=2", false},
      {"a * 12 >= month * 10 - 20", "month=12 a=9", true},
      {"a * 12 >= month * 10 - 20", "month=12 a=8", false},
      {"high-tech = a - b", "high-tech=1 a=2 b=10", true},
      {"high-tech = a - b", "high-tech=2 a=2 b=10", false},
  };
  check_cases(cases, G_N_ELEMENTS(cases));
}

static void presence_counts_what_is_there(void **state)
{
  (void)state;
  static const struct holds_case cases[] = {
      {"present(a)", "", false},
      {"present(a)", "a=0", true},
      {"all of (a, b)", "a=1", false},
      {"all of (a, b)", "a=1 b=1", true},
      {"any of (a, b)", "c=1", false},
      {"any of (a, b)", "b=1", true},
      {"one of (a, b)", "", false},
      {"one of (a, b)", "a=1", true},
      {"one of (a, b)", "a=1 b=1", false},
      {"none of (a, b)", "c=1", true},
      {"none of (a, b)", "b=1", false},
      {"all of (a, last(a))", "a=1", false},
      {"all of (a, last(a))", "a=1 last.a=1", true},
      {"if present(a) then a > b", "b=1", true},
      {"all of (a, b) or none of (a, b)", "b=1", false},
      {"not present(year_ago(a))", "ago.a=1", false},
  };
  check_cases(cases, G_N_ELEMENTS(cases));
}

static void what_fails_is_shown_as_it_stands_on_either_side(void **state)
{
  (void)state;
  static const struct {
    const char *formula, *facts, *found, *expected;
    int column;
  } cases[] = {
      {"a = sum(b, c)", "a=5 b=30 c=201", "5", "= 5.01", A},
      {"c <= 1.5 * b", "c=4510 b=300", "45.1", "≤ 45", C},
      {"if month > 1 then a.ytd >= last(a.ytd)", "a.ytd=4 last.a.ytd=5", "4", "≥ 5", A_YTD},
      {"a = 1 and b = 1", "a=1 b=20", "2", "= 1", B},
      {"a = 1 or b = 1", "a=2 b=20", "2", "= 1", A},
      {"month = 3 and 3 = a", "month=3 a=4", "3", "= 4", A},
      {"-5 < -a", "a=7", "-5", "< -7", A},
      {"a != 0", "a=0", "0", "≠ 0", A},
      {"b > 0", "b=0", "0", "> 0", B},
      {"not (c = 1 or b = 1)", "c=100", "", "", C},
      {"all of (b, c)", "b=1", "", "", B},
      {"month < 3", "", "12", "< 3", -1},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    struct formula_failure failure;
    assert_false(holds(cases[i].formula, cases[i].facts, &failure));
    if (strcmp(failure.found, cases[i].found) != 0 || strcmp(failure.expected, cases[i].expected) != 0 ||
        failure.column != cases[i].column)
      fail_msg("“%s”: found %s, expected %s, column %d", cases[i].formula, failure.found, failure.expected,
               failure.column);
  }
}

static void note_column(int column, void *data)
{
  g_string_append_printf(data, "%s ", COLUMNS[column].code);
}

static void it_tells_what_it_looks_at(void **state)
{
  (void)state;
  CLEANUP(formula_free)
  struct formula *formula = compile("c + a = last(b) + a and month > 1 and present(a.ytd)");
  g_autoptr(GString) columns = g_string_new(NULL);
  formula_each_column(formula, note_column, columns);
  assert_string_equal(columns->str, "c a a.ytd ");
  assert_true(formula_looks_at(formula, TENSE_NOW));
  assert_true(formula_looks_at(formula, TENSE_LAST));
  assert_false(formula_looks_at(formula, TENSE_YEAR_AGO));
}

/* Random sums of multiples, against the same sum made figure by figure at nine decimals. */
static void random_sums_are_exact(void **state)
{
  (void)state;
  static const int128 SCALE = 1000000000;
  const char *given = g_getenv("PARKTALLY_SEED");
  guint32 seed = given ? (guint32)g_ascii_strtoull(given, NULL, 10) : 20180511;
  g_autoptr(GRand) random = g_rand_new_with_seed(seed);
  for (int round = 0; round < 20000; round++) {
    struct facts facts;
    set_facts(&facts, "");
    g_autoptr(GString) text = g_string_new("0");
    int128 sum = 0;
    bool known = true;
    struct figures *now = &facts.figures[TENSE_NOW];
    facts.facts.figures[TENSE_NOW] = now;
    for (unsigned column = 0; column < G_N_ELEMENTS(COLUMNS); column++)
      if (g_rand_int_range(random, 0, 20) > 0)
        figures_set(now, column, g_rand_int_range(random, -1000000, 1000000));
    for (int terms = g_rand_int_range(random, 1, 6); terms > 0; terms--) {
      int column = g_rand_int_range(random, 0, G_N_ELEMENTS(COLUMNS));
      bool minus = g_rand_boolean(random);
      int hundredths = g_rand_int_range(random, 0, 100000);
      g_string_append_printf(text, " %c %d.%02d * %s", minus ? '-' : '+', hundredths / 100, hundredths % 100,
                             COLUMNS[column].code);
      known &= column_set_has(&now->present, (unsigned)column);
      int128 part =
          (int128)now->value[column] * hundredths * SCALE / 100 / decimal_power10(COLUMNS[column].decimals);
      sum += minus ? -part : part;
    }
    int nearly = g_rand_int_range(random, -1, 2);
    char bound[DECIMAL_TEXT_SIZE];
    int128 value = sum / 10000 + nearly; /* five decimals suffice for three and two */
    g_string_append_printf(text, " = %s%s", value < 0 ? "-" : "",
                           decimal_format(value < 0 ? -value : value, 5, bound));
    CLEANUP(formula_free) struct formula *formula = compile(text->str);
    if (formula_holds(formula, &facts.facts, NULL) != (!known || nearly == 0))
      fail_msg("seed %" PRIu32 ", round %d: %s", seed, round, text->str);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_no_formula_is_refused_where_it_ceases_to_be_one),
      cmocka_unit_test(nesting_and_length_have_a_bound),
      cmocka_unit_test(side_by_side_there_may_be_many),
      cmocka_unit_test(a_missing_figure_is_unknown_and_never_wrong),
      cmocka_unit_test(a_sum_passes_over_what_is_missing_unless_all_is),
      cmocka_unit_test(decimals_are_aligned_exactly),
      cmocka_unit_test(each_sign_means_what_it_says),
      cmocka_unit_test(words_bind_as_in_speech),
      cmocka_unit_test(presence_counts_what_is_there),
      cmocka_unit_test(what_fails_is_shown_as_it_stands_on_either_side),
      cmocka_unit_test(it_tells_what_it_looks_at),
      cmocka_unit_test(random_sums_are_exact),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

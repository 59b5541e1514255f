#include "common/decimal.h"

#include "common/limits.h"

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint32_t seed = 20180511;

struct parse_case {
  const char *text;
  unsigned decimals;
  enum decimal_status status;
  int64_t value;
};

static void check_cases(const struct parse_case *cases, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    const struct parse_case *c = &cases[i];
    int64_t value = -42;
    enum decimal_status status = decimal_parse(c->text, strlen(c->text), c->decimals, 1, 1, &value);
    int64_t expected = c->status == DECIMAL_OK ? c->value : -42;
    if (status != c->status || value != expected)
      fail_msg("“%s”: status %d, value %ld", c->text, status, value);
  }
}

static void what_is_no_number_is_never_taken_for_one(void **state)
{
  (void)state;
  static const struct parse_case cases[] = {
      {"x", 0, DECIMAL_TEXT, 0},
      {"12x", 0, DECIMAL_TEXT, 0},
      {"1.2.3", 2, DECIMAL_TEXT, 0},
      {".", 0, DECIMAL_TEXT, 0},
      {"..", 0, DECIMAL_TEXT, 0},
      {"+", 0, DECIMAL_TEXT, 0},
      {"--1", 0, DECIMAL_TEXT, 0},
      {"-1-", 0, DECIMAL_TEXT, 0},
      {"+-1", 0, DECIMAL_TEXT, 0},
      {"---", 0, DECIMAL_TEXT, 0},
      {"()", 0, DECIMAL_TEXT, 0},
      {"(-1)", 0, DECIMAL_TEXT, 0},
      {"(1", 0, DECIMAL_TEXT, 0},
      {"1)", 0, DECIMAL_TEXT, 0},
      {"-(1)", 0, DECIMAL_TEXT, 0},
      {"1,23", 0, DECIMAL_TEXT, 0},
      {"0,125", 0, DECIMAL_TEXT, 0},
      {"-0,125", 3, DECIMAL_TEXT, 0},
      {"012,345", 0, DECIMAL_TEXT, 0},
      {"０，１２５", 0, DECIMAL_TEXT, 0},
      {"12,34", 0, DECIMAL_TEXT, 0},
      {"1234,567", 0, DECIMAL_TEXT, 0},
      {",123", 0, DECIMAL_TEXT, 0},
      {"1,,234", 0, DECIMAL_TEXT, 0},
      {"1,234,56", 0, DECIMAL_TEXT, 0},
      {"1,234,", 0, DECIMAL_TEXT, 0},
      {"1,234 567", 0, DECIMAL_TEXT, 0},
      {"1.234,5", 2, DECIMAL_TEXT, 0},
      {"1 2", 0, DECIMAL_TEXT, 0},
      {"1.0 0", 2, DECIMAL_TEXT, 0},
      {"1e", 0, DECIMAL_TEXT, 0},
      {"1e+", 0, DECIMAL_TEXT, 0},
      {"e5", 0, DECIMAL_TEXT, 0},
      {"1e5.0", 0, DECIMAL_TEXT, 0},
      {"1,000e3", 0, DECIMAL_TEXT, 0},
      {"5%", 0, DECIMAL_TEXT, 0},
      {"0x10", 0, DECIMAL_TEXT, 0},
      {"￥5", 0, DECIMAL_TEXT, 0},
      {"五", 0, DECIMAL_TEXT, 0},
      {"\xEF\xBC", 0, DECIMAL_TEXT, 0},
      {"1\x01", 0, DECIMAL_TEXT, 0},
      {"\xFF", 0, DECIMAL_TEXT, 0},
      {"nan", 0, DECIMAL_TEXT, 0},
      {"inf", 0, DECIMAL_TEXT, 0},
      {"1…", 0, DECIMAL_TEXT, 0},
      {"1-2", 0, DECIMAL_TEXT, 0},
      {"00000000000000000000000000000000000000000000000000000000000000001", 0, DECIMAL_TEXT,
       0}, /* 65 digits */
  };
  check_cases(cases, G_N_ELEMENTS(cases));
}

static void missing_and_tiny_are_neither_zero_nor_text(void **state)
{
  (void)state;
  static const struct parse_case cases[] = {
      {"", 0, DECIMAL_MISSING, 0},  {"  ", 0, DECIMAL_MISSING, 0}, {"　", 0, DECIMAL_MISSING, 0},
      {"-", 0, DECIMAL_MISSING, 0}, {"—", 0, DECIMAL_MISSING, 0},  {"－", 0, DECIMAL_MISSING, 0},
      {"–", 0, DECIMAL_MISSING, 0}, {"--", 0, DECIMAL_MISSING, 0}, {"——", 0, DECIMAL_MISSING, 0},
      {"…", 0, DECIMAL_TINY, 0},    {" …… ", 0, DECIMAL_TINY, 0},  {"...", 0, DECIMAL_TINY, 0},
      {"0", 0, DECIMAL_OK, 0},      {"-0", 0, DECIMAL_OK, 0},      {"0.00", 0, DECIMAL_OK, 0},
  };
  check_cases(cases, G_N_ELEMENTS(cases));
}

static void numbers_are_read_as_people_write_them(void **state)
{
  (void)state;
  static const struct parse_case cases[] = {
      {"123", 0, DECIMAL_OK, 123},
      {"-123.4", 1, DECIMAL_OK, -1234},
      {"+7", 0, DECIMAL_OK, 7},
      {"７８．９", 2, DECIMAL_OK, 7890},
      {"－１２３", 0, DECIMAL_OK, -123},
      {"−5", 0, DECIMAL_OK, -5},
      {"–5", 0, DECIMAL_OK, -5},
      {"—5", 0, DECIMAL_OK, -5},
      {"- 5", 0, DECIMAL_OK, -5},
      {"5-", 0, DECIMAL_OK, -5},
      {"(123)", 0, DECIMAL_OK, -123},
      {"（１，２３４．５）", 1, DECIMAL_OK, -12345},
      {"( 123 )", 0, DECIMAL_OK, -123},
      {"1,234,567.50", 1, DECIMAL_OK, 12345675},
      {"1 234 567", 0, DECIMAL_OK, 1234567},
      {"1\xC2\xA0\x32\x33\x34", 0, DECIMAL_OK, 1234},
      {"\xEF\xBB\xBF 12\t", 0, DECIMAL_OK, 12},
      {".5", 1, DECIMAL_OK, 5},
      {"5.", 0, DECIMAL_OK, 5},
      {"007", 0, DECIMAL_OK, 7},
      {"000000000000000001", 9, DECIMAL_OK, 1000000000},
      {"1.50E+3", 0, DECIMAL_OK, 1500},
      {"1.5e-1", 2, DECIMAL_OK, 15},
      {"0E+99999999999999999999", 0, DECIMAL_OK, 0},
      {"1.0000000000000000000000000000000000000000", 0, DECIMAL_OK, 1},
      {"9007199254740991", 0, DECIMAL_OK, LIMIT_FIGURE},
      {"-9007199254740991", 0, DECIMAL_OK, -LIMIT_FIGURE},
      {"9,007,199,254,740,991", 0, DECIMAL_OK, LIMIT_FIGURE},
  };
  check_cases(cases, G_N_ELEMENTS(cases));
}

static void too_large_or_too_fine_is_told_apart(void **state)
{
  (void)state;
  static const struct parse_case cases[] = {
      {"9007199254740992", 0, DECIMAL_RANGE, 0},
      {"-9007199254740992", 0, DECIMAL_RANGE, 0},
      {"900719925474099.2", 1, DECIMAL_RANGE, 0},
      {"18446744073709551616", 0, DECIMAL_RANGE, 0},
      {"340282366920938463463374607431768211456", 0, DECIMAL_RANGE, 0},
      {"999999999999999999999999999999999999999999999999999999999999.5", 0, DECIMAL_RANGE, 0},
      {"1E+400", 0, DECIMAL_RANGE, 0},
      {"1E+99999999999", 0, DECIMAL_RANGE, 0},
      {"9007199254740992.00000000000000000000001", 0, DECIMAL_RANGE, 0},
      {"9007199254740991.99999999999999999999999", 0, DECIMAL_DECIMALS, 0},
      {"0.1", 0, DECIMAL_DECIMALS, 0},
      {"1.0000000000000000000000000000000001", 9, DECIMAL_DECIMALS, 0},
      {"1.25", 1, DECIMAL_DECIMALS, 0},
      {"1E-400", 9, DECIMAL_DECIMALS, 0},
      {"1E-99999999999", 9, DECIMAL_DECIMALS, 0},
      {"0.0000000000000000000000000000000000000000001", 9, DECIMAL_DECIMALS, 0},
      {"1.250", 2, DECIMAL_OK, 125},
  };
  check_cases(cases, G_N_ELEMENTS(cases));
}

static void measures_convert_exactly_or_not_at_all(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    unsigned decimals;
    int64_t numerator, denominator;
    enum decimal_status status;
    int64_t value;
  } cases[] = {
      {"12.3", 0, 10, 1, DECIMAL_OK, 123}, /* 万元 to 千元 */
      {"12.34", 0, 10, 1, DECIMAL_DECIMALS, 0},
      {"1,234,000", 0, 1, 1000, DECIMAL_OK, 1234}, /* 元 to 千元 */
      {"1234001", 0, 1, 1000, DECIMAL_DECIMALS, 0},
      {"1234001", 3, 1, 1000, DECIMAL_OK, 1234001},
      {"900719925474100", 0, 10, 1, DECIMAL_RANGE, 0},
      {"9007199254740992", 0, 1, 2, DECIMAL_OK, 4503599627370496},
      {"1", 0, 1, 3, DECIMAL_DECIMALS, 0},
      {"(3)", 0, 1, 3, DECIMAL_OK, -1},
      {"999999999999999999", 9, 1000000000, 1, DECIMAL_RANGE, 0},
      {"9007199254740991E+9", 0, 1, 1000000000, DECIMAL_OK, LIMIT_FIGURE},
      {"…", 0, 10, 1, DECIMAL_TINY, 0},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    int64_t value = 0;
    enum decimal_status status = decimal_parse(cases[i].text, strlen(cases[i].text), cases[i].decimals,
                                               cases[i].numerator, cases[i].denominator, &value);
    if (status != cases[i].status || value != cases[i].value) fail_msg("%s", cases[i].text);
  }
}

/* --- against school arithmetic on digits, with nothing shared --- */

enum { DIGITS = 120 };

/* Digits of a number, most significant first, with the point after `point` of them. */
struct school {
  uint8_t digit[DIGITS];
  int point;
};

static void school_multiply(struct school *number, int64_t factor)
{
  int64_t carry = 0;
  for (int i = DIGITS - 1; i >= 0; i--) {
    carry += number->digit[i] * factor;
    number->digit[i] = (uint8_t)(carry % 10);
    carry /= 10;
  }
  assert_int_equal(carry, 0);
}

/* False if there is a remainder. */
static bool school_divide(struct school *number, int64_t divisor)
{
  int64_t rest = 0;
  for (int i = 0; i < DIGITS; i++) {
    rest = rest * 10 + number->digit[i];
    number->digit[i] = (uint8_t)(rest / divisor);
    rest %= divisor;
  }
  return !rest;
}

static enum decimal_status school_parse(const char *whole, const char *fraction, int exponent,
                                        unsigned decimals, int64_t numerator, int64_t denominator,
                                        int64_t *ret_value)
{
  struct school number = {.point = 60};
  int first = number.point - (int)strlen(whole) - exponent - (int)decimals;
  for (const char *p = whole; *p; p++) number.digit[first++] = (uint8_t)(*p - '0');
  for (const char *p = fraction; *p; p++) number.digit[first++] = (uint8_t)(*p - '0');
  school_multiply(&number, numerator);
  bool exact = school_divide(&number, denominator);
  for (int i = number.point; i < DIGITS; i++) exact = exact && !number.digit[i];
  uint64_t value = 0;
  for (int i = 0; i < number.point; i++) {
    if (value > (uint64_t)LIMIT_FIGURE) return DECIMAL_RANGE;
    value = value * 10 + number.digit[i];
  }
  if (value > (uint64_t)LIMIT_FIGURE) return DECIMAL_RANGE;
  if (!exact) return DECIMAL_DECIMALS;
  *ret_value = (int64_t)value;
  return DECIMAL_OK;
}

static void random_digits(GRand *random, int most, char *ret_digits)
{
  int count = g_rand_int_range(random, 0, most + 1);
  bool zeros = g_rand_boolean(random);
  for (int i = 0; i < count; i++)
    ret_digits[i] =
        zeros && g_rand_int_range(random, 0, 3) ? '0' : (char)g_rand_int_range(random, '0', '9' + 1);
  ret_digits[count] = '\0';
}

/* The number as somebody might write it. */
static char *write_number(GRand *random, const char *whole, const char *fraction, int exponent, bool negative)
{
  GString *text = g_string_new(NULL);
  bool grouped = !exponent && g_rand_boolean(random) && *whole != '0',
       wide = g_rand_int_range(random, 0, 4) == 0;
  size_t count = strlen(whole);
  for (size_t i = 0; i < count; i++) {
    if (grouped && i && (count - i) % 3 == 0) g_string_append(text, wide ? "，" : ",");
    if (wide)
      g_string_append_unichar(text, (gunichar)(0xFF10 + whole[i] - '0'));
    else
      g_string_append_c(text, whole[i]);
  }
  if (*fraction) g_string_append_printf(text, ".%s", fraction);
  if (exponent) g_string_append_printf(text, "E%+d", exponent);
  if (negative) {
    switch (g_rand_int_range(random, 0, 4)) {
    case 0:
      g_string_prepend(text, "－");
      break;
    case 1:
      g_string_prepend_c(text, '(');
      g_string_append_c(text, ')');
      break;
    case 2:
      g_string_append_c(text, '-');
      break;
    default:
      g_string_prepend_c(text, '-');
    }
  }
  return g_string_free(text, FALSE);
}

static void any_number_agrees_with_school_arithmetic(void **state)
{
  (void)state;
  static const int64_t measures[] = {1, 1, 1, 10, 1000, 10000, 7, 1000000000};
  g_autoptr(GRand) random = g_rand_new_with_seed(seed);
  int seen[DECIMAL_RANGE + 1] = {0};
  for (int round = 0; round < 200000; round++) {
    char whole[24], fraction[16];
    random_digits(random, 20, whole);
    random_digits(random, 12, fraction);
    if (!*whole && !*fraction) continue;
    int exponent = g_rand_int_range(random, 0, 4) ? 0 : g_rand_int_range(random, -12, 13);
    unsigned decimals = (unsigned)g_rand_int_range(random, 0, LIMIT_DECIMALS + 1);
    int64_t numerator = measures[g_rand_int_range(random, 0, G_N_ELEMENTS(measures))];
    int64_t denominator = measures[g_rand_int_range(random, 0, G_N_ELEMENTS(measures))];
    bool negative = g_rand_boolean(random);
    int64_t expected = 0, value = 0;
    enum decimal_status wanted =
        school_parse(whole, fraction, exponent, decimals, numerator, denominator, &expected);
    if (negative) expected = -expected;
    g_autofree char *text = write_number(random, whole, fraction, exponent, negative);
    enum decimal_status status = decimal_parse(text, strlen(text), decimals, numerator, denominator, &value);
    if (status != wanted || value != expected)
      fail_msg("seed %u: “%s” at %u decimals × %ld ÷ %ld: %d %ld, expected %d %ld", seed, text, decimals,
               numerator, denominator, status, value, wanted, expected);
    seen[status]++;
  }
  assert_true(seen[DECIMAL_OK] > 1000 && seen[DECIMAL_DECIMALS] > 1000 && seen[DECIMAL_RANGE] > 1000);
}

/* A space keeps a cell from the short way for common cells, and changes nothing else. */
static void check_both_ways(const char *text, unsigned decimals, int64_t numerator, int64_t denominator)
{
  g_autofree char *spaced = g_strconcat(text, " ", NULL);
  size_t length = strlen(text);
  g_autofree char *exact = g_memdup2(text, length); /* so that a read beyond it is seen */
  int64_t value = -42, other = -42;
  enum decimal_status status = decimal_parse(exact, length, decimals, numerator, denominator, &value);
  enum decimal_status wanted = decimal_parse(spaced, length + 1, decimals, numerator, denominator, &other);
  if (status != wanted || value != other)
    fail_msg("“%s” at %u decimals × %ld ÷ %ld: %d %ld, expected %d %ld", text, decimals, numerator,
             denominator, status, value, wanted, other);
}

static const int64_t factors[][2] = {{1, 1}, {10, 1}, {1, 1000}, {1000000000, 1}, {1, 1000000000}, {7, 3}};

static void every_short_cell_is_read_the_same_in_either_way(void **state)
{
  (void)state;
  static const char characters[] = "019.-x/:"; /* the neighbours of digits too */
  enum { LONGEST = 5, KINDS = sizeof characters - 1 };
  int texts = 1;
  for (int length = 0; length <= LONGEST; length++, texts *= KINDS)
    for (int number = 0; number < texts; number++) {
      char text[LONGEST + 1] = "";
      for (int i = 0, rest = number; i < length; i++, rest /= KINDS) text[i] = characters[rest % KINDS];
      for (unsigned decimals = 0; decimals <= 2; decimals++)
        check_both_ways(text, decimals, factors[number % 6][0], factors[number % 6][1]);
    }
}

static void any_common_cell_is_read_the_same_in_either_way(void **state)
{
  (void)state;
  g_autoptr(GRand) random = g_rand_new_with_seed(seed + 2);
  for (int round = 0; round < 200000; round++) {
    char whole[24], fraction[24], text[64];
    random_digits(random, 22, whole);
    random_digits(random, g_rand_boolean(random) ? 22 : 3, fraction);
    g_snprintf(text, sizeof text, "%s%s%s%s", g_rand_boolean(random) ? "-" : "", whole,
               g_rand_boolean(random) ? "." : "", fraction);
    size_t length = strlen(text);
    if (length > 0 && g_rand_int_range(random, 0, 20) == 0) /* a character that is no digit, anywhere */
      text[g_rand_int_range(random, 0, (int)length)] = (char)g_rand_int_range(random, 1, 128);
    const int64_t *factor = factors[g_rand_int_range(random, 0, G_N_ELEMENTS(factors))];
    check_both_ways(text, (unsigned)g_rand_int_range(random, 0, LIMIT_DECIMALS + 1), factor[0], factor[1]);
  }
}

static void any_bytes_are_read_without_harm(void **state)
{
  (void)state;
  static const char *const pieces[] = {"0",    "9",    "1",    ",",    ".",    "-",  "(",  ")",
                                       "E",    "+",    " ",    "…",    "－",   "，", "０", "\xEF",
                                       "\xBC", "\xE2", "\x80", "\xC2", "\xA0", "x"};
  g_autoptr(GRand) random = g_rand_new_with_seed(seed + 1);
  for (int round = 0; round < 200000; round++) {
    g_autoptr(GString) text = g_string_new(NULL);
    int count = g_rand_int_range(random, 0, 12);
    for (int i = 0; i < count; i++)
      g_string_append(text, pieces[g_rand_int_range(random, 0, G_N_ELEMENTS(pieces))]);
    g_autofree char *exact = g_memdup2(text->str, text->len); /* so that a read beyond it is seen */
    int64_t value = -42;
    enum decimal_status status = decimal_parse(exact, text->len, 2, 1, 1, &value);
    if (status != DECIMAL_OK) assert_int_equal(value, -42);
  }
}

/* --- totals --- */

__extension__ typedef unsigned __int128 wide;

static void totals_are_written_and_read_back(void **state)
{
  (void)state;
  int128 most = (int128)(~(wide)0 >> 1), least = -most - 1;
  const struct {
    int128 value;
    unsigned decimals;
    const char *plain, *grouped;
  } cases[] = {
      {0, 0, "0", "0"},
      {0, 2, "0.00", "0.00"},
      {-5, 1, "-0.5", "-0.5"},
      {-12345, 1, "-1234.5", "-1,234.5"},
      {999, 0, "999", "999"},
      {1000, 0, "1000", "1,000"},
      {123456789, 3, "123456.789", "123,456.789"},
      {1, 38, "0.00000000000000000000000000000000000001", "0.00000000000000000000000000000000000001"},
      {most, 0, "170141183460469231731687303715884105727",
       "170,141,183,460,469,231,731,687,303,715,884,105,727"},
      {least, 1, "-17014118346046923173168730371588410572.8",
       "-17,014,118,346,046,923,173,168,730,371,588,410,572.8"},
  };
  char text[DECIMAL_TEXT_SIZE];
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    assert_string_equal(decimal_format(cases[i].value, cases[i].decimals, text), cases[i].plain);
    assert_string_equal(decimal_format_grouped(cases[i].value, cases[i].decimals, text), cases[i].grouped);
    int128 back;
    assert_true(decimal_read_int128(decimal_format(cases[i].value, 0, text), &back));
    assert_true(back == cases[i].value);
  }
  static const char *const bad[] = {"",
                                    "-",
                                    "+1",
                                    " 1",
                                    "1 ",
                                    "1.0",
                                    "170141183460469231731687303715884105728",
                                    "-170141183460469231731687303715884105729",
                                    "99999999999999999999999999999999999999999"};
  for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
    int128 value = 42;
    assert_false(decimal_read_int128(bad[i], &value));
    assert_true(value == 42);
  }
}

static void quotients_round_half_away_from_zero(void **state)
{
  (void)state;
  int128 most = (int128)(~(wide)0 >> 1), least = -most - 1, quotient = 42;
  assert_false(decimal_divide(most, 1, 1, &quotient));
  assert_false(decimal_divide(least, -1, 0, &quotient));
  assert_false(decimal_divide(1, 1, 39, &quotient));
  assert_true(quotient == 42);
  const struct {
    int128 numerator, denominator;
    unsigned decimals;
    int128 quotient;
  } cases[] = {
      {1, 2, 0, 1},       {-1, 2, 0, -1},
      {1, -2, 0, -1},     {-1, -2, 0, 1},
      {1, 3, 2, 33},      {2, 3, 2, 67},
      {-2, 3, 2, -67},    {49, 100, 0, 0},
      {0, -7, 3, 0},      {least, 1, 0, least},
      {most, most, 0, 1}, {most - 1, most, 0, 1},
      {1, most, 0, 0},    {least, 2, 0, least / 2},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    assert_true(decimal_divide(cases[i].numerator, cases[i].denominator, cases[i].decimals, &quotient));
    if (quotient != cases[i].quotient) fail_msg("case %zu", i);
  }
}

static void rescaling_rounds_only_where_digits_go(void **state)
{
  (void)state;
  int128 most = (int128)(~(wide)0 >> 1), value = 42;
  assert_false(decimal_rescale(most, 0, 1, &value));
  assert_false(decimal_rescale(1, 0, 39, &value));
  assert_true(value == 42);
  const struct {
    int128 value;
    unsigned from, to;
    int128 result;
  } cases[] = {{125, 2, 1, 13},  {-125, 2, 1, -13}, {124, 2, 1, 12}, {15, 1, 3, 1500},
               {most, 39, 0, 0}, {most, 38, 0, 2},  {0, 0, 100, 0},  {7, 4, 4, 7}};
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    assert_true(decimal_rescale(cases[i].value, cases[i].from, cases[i].to, &value));
    if (value != cases[i].result) fail_msg("case %zu", i);
  }
}

static void powers_of_ten_are_exact(void **state)
{
  (void)state;
  int128 power = 1;
  for (unsigned i = 0; i < 38; i++, power *= 10) assert_true(decimal_power10(i) == power);
  assert_true(decimal_power10(38) == power);
}

int main(int argc, char **argv)
{
  if (argc > 1) seed = (uint32_t)strtoul(argv[1], NULL, 10);
  printf("seed %u\n", seed);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_no_number_is_never_taken_for_one),
      cmocka_unit_test(missing_and_tiny_are_neither_zero_nor_text),
      cmocka_unit_test(numbers_are_read_as_people_write_them),
      cmocka_unit_test(too_large_or_too_fine_is_told_apart),
      cmocka_unit_test(measures_convert_exactly_or_not_at_all),
      cmocka_unit_test(any_number_agrees_with_school_arithmetic),
      cmocka_unit_test(every_short_cell_is_read_the_same_in_either_way),
      cmocka_unit_test(any_common_cell_is_read_the_same_in_either_way),
      cmocka_unit_test(any_bytes_are_read_without_harm),
      cmocka_unit_test(totals_are_written_and_read_back),
      cmocka_unit_test(quotients_round_half_away_from_zero),
      cmocka_unit_test(rescaling_rounds_only_where_digits_go),
      cmocka_unit_test(powers_of_ten_are_exact),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

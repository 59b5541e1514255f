#include "common/uscc.h"

#include "common/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void codes_are_told_apart(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    enum uscc_status status;
  } cases[] = {
      {"", USCC_SHAPE},
      {"91350100M000100Y4", USCC_SHAPE},
      {"91350100M000100Y433", USCC_SHAPE},
      {"91350100M000I00Y43", USCC_SHAPE},
      {"91350100m000100y43", USCC_SHAPE},
      {"柳州91350100M0001", USCC_SHAPE},
      {"E+17", USCC_SHAPE},
      {"9.1E", USCC_SHAPE},
      {"9.14502E+17x", USCC_SHAPE},
      {"9.14502E+17", USCC_DAMAGED},
      {"9.14502E17", USCC_DAMAGED},
      {"9E+17", USCC_DAMAGED},
      {"914502001234567000", USCC_DAMAGED},
      {"914502000000000000", USCC_DAMAGED},
      {"914,502,001,234,567,000", USCC_DAMAGED},
      {"914502001234567000.00", USCC_DAMAGED},
      {"914,502,001,234,567,000.0", USCC_DAMAGED},
      {"914,502,001,234,567", USCC_SHAPE}, /* of a number so short nothing was lost */
      {"914502001234567000.", USCC_SHAPE},
      {"914502001234567000.05", USCC_SHAPE},
      {"914502001234567000x", USCC_SHAPE},
      {"14502000000000030", USCC_DAMAGED}, /* 014502000000000030 */
      {"14502000000000031", USCC_SHAPE},
      {"91350100M000100Y4Z", USCC_SHAPE}, /* Z is not of the alphabet */
      {"91350100M000100Y44", USCC_CHECK},
      {"914502001234567890", USCC_CHECK},
      {"91350211M0000XUF46", USCC_CHECK},
      {"91350100M0001TGQXM", USCC_CHECK},
      {"91350100M000100Y43", USCC_OK},
      {"91110000600037341L", USCC_OK},
      {"9131000063159284XQ", USCC_OK},
      {"914502000000000060", USCC_OK},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    if (uscc_check(cases[i].text) != cases[i].status) fail_msg("%s", cases[i].text);
  }
}

static void a_code_that_ends_in_zeros_by_right_is_not_damaged(void **state)
{
  (void)state;
  char text[19] = "914502000000000000";
  int found = 0;
  for (int i = 0; i < 1000; i++) {
    char digits[4];
    g_snprintf(digits, sizeof digits, "%03d", i);
    memcpy(text + 8, digits, 3);
    bool right = uscc_check_character(text) == '0';
    found += right;
    assert_int_equal(uscc_check(text), right ? USCC_OK : USCC_DAMAGED);
  }
  assert_true(found > 0);
}

static void an_establishment_has_two_digits_more(void **state)
{
  (void)state;
  assert_false(uscc_is_establishment("91350100M000100Y43"));
  assert_false(uscc_is_establishment("91350100M000100Y43-"));
  assert_false(uscc_is_establishment("91350100M000100Y43-1"));
  assert_false(uscc_is_establishment("91350100M000100Y43-001"));
  assert_false(uscc_is_establishment("91350100M000100Y43-0A"));
  assert_false(uscc_is_establishment("91350100M000100Y4-01"));
  assert_true(uscc_is_establishment("91350100M000100Y43-01"));
}

static void a_free_code_is_letters_and_digits_of_any_script(void **state)
{
  (void)state;
  static const char *const bad[] = {"", "a b", "a;b", "a,b", "a/b", "\xFF", "a\n", "“a”"};
  for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) assert_false(unit_code_is_valid(bad[i]));
  static const char *const good[] = {"liudong", "孵化器-01", "a_b.c", "7"};
  for (size_t i = 0; i < G_N_ELEMENTS(good); i++) assert_true(unit_code_is_valid(good[i]));
  g_autofree char *most = g_strnfill(64, 'a'), *more = g_strnfill(65, 'a');
  assert_true(unit_code_is_valid(most));
  assert_false(unit_code_is_valid(more));
}

static void published_codes_have_the_check_that_the_file_says(void **state)
{
  (void)state;
  const char *data = getenv("PARKTALLY_TESTDATA");
  if (!data) skip();
  g_autofree char *path = g_build_filename(data, "codes", "uscc.csv", NULL);
  g_autofree char *text = NULL;
  assert_true(g_file_get_contents(path, &text, NULL, NULL));
  g_auto(GStrv) lines = g_strsplit(text, "\n", 0);
  int count = 0;
  for (char **line = lines + 1; *line && **line; line++) {
    g_auto(GStrv) cells = g_strsplit(g_strchomp(*line), ",", 2);
    enum uscc_status status = uscc_check(cells[0]);
    bool holds = !strcmp(cells[1], "yes");
    if ((status == USCC_OK) != holds) fail_msg("%s: %d", cells[0], status);
    count++;
  }
  assert_true(count > 50);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(codes_are_told_apart),
      cmocka_unit_test(a_code_that_ends_in_zeros_by_right_is_not_damaged),
      cmocka_unit_test(an_establishment_has_two_digits_more),
      cmocka_unit_test(a_free_code_is_letters_and_digits_of_any_script),
      cmocka_unit_test(published_codes_have_the_check_that_the_file_says),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "common/explanation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static char *phrases[] = {"无误", "核实无误", "情况属实", "正常", "checked", "correct", NULL};
static const struct catalogue catalogue = {.empty_answers = phrases};

static void what_only_says_that_it_is_right_explains_nothing(void **state)
{
  (void)state;
  static const char *const cases[] = {
      "",
      "……",
      "核实无误",
      "核实无误。",
      "核 实 无 误",
      "（核实无误），情况属实！",
      "核实无误核实无误核实无误",
      "核核实无误实无误", /* one within another */
      "Checked, CORRECT.",
      "Ｃｈｅｃｋｅｄ",
      "12345678",
      "正常 123",
      "是的",
      "没变化",
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
    if (explanation_is_real(&catalogue, cases[i])) fail_msg("“%s” was taken for an explanation", cases[i]);
}

static void a_sentence_of_one_s_own_is_one(void **state)
{
  (void)state;
  static const char *const cases[] = {
      "新增产线",
      "核实无误：五月新增一条电机生产线",
      "A new line began in May",
      "经核查，上年同期停产检修，本年正常生产",
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
    if (!explanation_is_real(&catalogue, cases[i])) fail_msg("“%s” was refused", cases[i]);
}

static void a_catalogue_may_have_no_such_phrases(void **state)
{
  (void)state;
  static char *none[] = {NULL};
  const struct catalogue plain = {.empty_answers = none};
  assert_true(explanation_is_real(&plain, "核实无误"));
  assert_false(explanation_is_real(&plain, "好"));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_only_says_that_it_is_right_explains_nothing),
      cmocka_unit_test(a_sentence_of_one_s_own_is_one),
      cmocka_unit_test(a_catalogue_may_have_no_such_phrases),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

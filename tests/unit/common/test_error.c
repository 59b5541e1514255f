#include "common/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_program_ends_with_the_code_of_its_error(void **state)
{
  (void)state;
  const struct {
    GQuark domain;
    int code, exit;
  } cases[] = {
      {g_quark_from_static_string("someone-else"), 3, 70},
      {G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, 64},
      {G_FILE_ERROR, G_FILE_ERROR_NOSPC, 74},
      {PARKTALLY_ERROR, ERROR_DATA, 65},
      {PARKTALLY_ERROR, ERROR_CONFIG, 78},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = g_error_new_literal(cases[i].domain, cases[i].code, "x");
    assert_int_equal(error_exit_code(error), cases[i].exit);
  }
  assert_int_equal(error_exit_code(NULL), 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_program_ends_with_the_code_of_its_error)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

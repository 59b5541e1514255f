#include "common/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* What is stored carries it: it must never change. */
static void the_checksum_is_the_same_for_ever(void **state)
{
  (void)state;
  assert_true(checksum_of("parktally", 9) == INT64_C(8158699872124917707));
  assert_true(checksum_of("parktallz", 9) != checksum_of("parktally", 9));
  assert_true(checksum_at("parktally", 9, 1) == INT64_C(-766933578847762248));
  assert_true(checksum_at("parktally", 9, 1) != checksum_at("parktally", 9, 2));
  assert_true(checksum_of("parktally", 8) != checksum_of("parktally", 9));
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_checksum_is_the_same_for_ever)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

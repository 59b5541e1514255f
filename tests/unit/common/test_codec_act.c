#include "common/codec.h"

#include "common/limits.h"
#include "wire_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct park_act an_act(void)
{
  return (struct park_act){.agent = "liudong-1",
                           .sequence = UINT64_MAX,
                           .created_at_ms = 1528070400000,
                           .kind = PARK_ANSWERS,
                           .answer = {7, "新增生产线", "李四"}};
}

static void an_answer_comes_through(void **state)
{
  (void)state;
  const struct park_act act = an_act();
  g_autoptr(GByteArray) bytes = park_act_encode(&act);
  CLEANUP(park_act_free) struct park_act *found = park_act_decode(bytes->data, bytes->len);
  assert_non_null(found);
  assert_string_equal(found->agent, "liudong-1");
  assert_true(found->sequence == UINT64_MAX);
  assert_true(found->created_at_ms == 1528070400000);
  assert_int_equal(found->kind, PARK_ANSWERS);
  assert_int_equal(found->answer.inquiry, 7);
  assert_string_equal(found->answer.text, "新增生产线");
  assert_string_equal(found->answer.answered_by, "李四");
}

static void acts_with_a_field_out_of_range_are_refused(void **state)
{
  (void)state;
  g_autofree char *endless = g_strnfill(LIMIT_ANSWER_BYTES + 1, 'x');
  struct park_act cases[7];
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) cases[i] = an_act();
  cases[0].agent = "";
  cases[1].sequence = 0;
  cases[2].answer.inquiry = 0;
  cases[3].answer.text = "";
  cases[4].answer.text = endless;
  cases[5].answer.text = "x\n";
  cases[6].answer.answered_by = "";
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GByteArray) bytes = park_act_encode(&cases[i]);
    assert_null(park_act_decode(bytes->data, bytes->len));
  }
}

/* What a later version lets parks do must not be taken for an answer. */
static void an_act_of_another_kind_and_none_are_refused(void **state)
{
  (void)state;
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  assert_null(park_act_decode((const uint8_t *)"", 0));
  put_bytes(bytes, 1, "liudong-1", 9);
  put_number(bytes, 2, 1);
  assert_null(park_act_decode(bytes->data, bytes->len));
  put_bytes(bytes, 5, "x", 1);
  assert_null(park_act_decode(bytes->data, bytes->len));
}

static void an_act_over_the_limit_is_refused(void **state)
{
  (void)state;
  const struct park_act act = an_act();
  g_autoptr(GByteArray) bytes = park_act_encode(&act);
  put_filled(bytes, 200, 'x', LIMIT_SEALED_BYTES);
  assert_null(park_act_decode(bytes->data, bytes->len));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(acts_with_a_field_out_of_range_are_refused),
      cmocka_unit_test(an_act_of_another_kind_and_none_are_refused),
      cmocka_unit_test(an_act_over_the_limit_is_refused),
      cmocka_unit_test(an_answer_comes_through),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

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
                           .answer = {7, "新增生产线", "李四", 1543314000000}};
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
  assert_true(found->answer.asked_at_ms == 1543314000000);
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

static struct park_act an_application(void)
{
  return (struct park_act){.agent = "liudong-1",
                           .sequence = 8,
                           .kind = PARK_APPLIES,
                           .application = {.unit = "91350100M000100Y43",
                                           .class = "enterprise",
                                           .name = "新企业",
                                           .industry = "3610",
                                           .parent = "",
                                           .from = "2018-05-01",
                                           .text = "六月投产",
                                           .applied_by = "李四"}};
}

static void an_application_comes_through(void **state)
{
  (void)state;
  const struct park_act act = an_application();
  g_autoptr(GByteArray) bytes = park_act_encode(&act);
  CLEANUP(park_act_free) struct park_act *found = park_act_decode(bytes->data, bytes->len);
  assert_non_null(found);
  assert_int_equal(found->kind, PARK_APPLIES);
  assert_int_equal(found->sequence, 8);
  assert_string_equal(found->application.unit, "91350100M000100Y43");
  assert_string_equal(found->application.class, "enterprise");
  assert_string_equal(found->application.name, "新企业");
  assert_string_equal(found->application.industry, "3610");
  assert_string_equal(found->application.parent, "");
  assert_string_equal(found->application.from, "2018-05-01");
  assert_string_equal(found->application.text, "六月投产");
  assert_string_equal(found->application.applied_by, "李四");
}

static void applications_with_a_field_out_of_range_are_refused(void **state)
{
  (void)state;
  g_autofree char *endless = g_strnfill(LIMIT_ANSWER_BYTES + 1, 'x');
  struct park_act cases[9];
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) cases[i] = an_application();
  cases[0].application.unit = "";
  cases[1].application.unit = endless;
  cases[2].application.class = "";
  cases[3].application.name = "";
  cases[4].application.industry = endless;
  cases[5].application.parent = "x\n";
  cases[6].application.from = "2018-13-01";
  cases[7].application.text = endless;
  cases[8].application.applied_by = "";
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GByteArray) bytes = park_act_encode(&cases[i]);
    assert_null(park_act_decode(bytes->data, bytes->len));
  }
}

static const uint8_t key[SEAL_HASH_SIZE] = {7};

static struct park_act an_admission(void)
{
  return (struct park_act){.agent = "liudong-1",
                           .sequence = 9,
                           .kind = PARK_ADMITS,
                           .admission = {"liudong-2", {key, sizeof key}, "新办公室", "李四"}};
}

static void an_admission_comes_through(void **state)
{
  (void)state;
  const struct park_act act = an_admission();
  g_autoptr(GByteArray) bytes = park_act_encode(&act);
  CLEANUP(park_act_free) struct park_act *found = park_act_decode(bytes->data, bytes->len);
  assert_non_null(found);
  assert_int_equal(found->kind, PARK_ADMITS);
  assert_int_equal(found->sequence, 9);
  assert_string_equal(found->admission.agent, "liudong-2");
  assert_int_equal(found->admission.key_id.length, sizeof key);
  assert_memory_equal(found->admission.key_id.data, key, sizeof key);
  assert_string_equal(found->admission.reason, "新办公室");
  assert_string_equal(found->admission.approved_by, "李四");
}

static void admissions_with_a_field_out_of_range_are_refused(void **state)
{
  (void)state;
  g_autofree char *endless = g_strnfill(LIMIT_NAME_BYTES + 1, 'x');
  struct park_act cases[6];
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) cases[i] = an_admission();
  cases[0].admission.agent = "";
  cases[1].admission.agent = endless;
  cases[2].admission.key_id.length--;
  cases[3].admission.key_id.length = 0;
  cases[4].admission.reason = endless;
  cases[5].admission.approved_by = "";
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
  put_bytes(bytes, 7, "", 0);
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
      cmocka_unit_test(admissions_with_a_field_out_of_range_are_refused),
      cmocka_unit_test(an_admission_comes_through),
      cmocka_unit_test(an_answer_comes_through),
      cmocka_unit_test(an_application_comes_through),
      cmocka_unit_test(applications_with_a_field_out_of_range_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "fixture_home.h"

#include "agent/sealed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct fixture_home fixture;

static int setup(void **state)
{
  (void)state;
  fixture_home_setup(&fixture, NULL);
  return 0;
}

static int teardown(void **state)
{
  (void)state;
  fixture_home_teardown(&fixture);
  return 0;
}

static struct bytes_view view(const GByteArray *bytes)
{
  return (struct bytes_view){bytes->data, bytes->len};
}

static GByteArray *submission_of(const char *agent, const struct identity *by)
{
  const struct catalogue *catalogue = fixture.home->catalogue;
  CLEANUP(submission_writer_free)
  struct submission_writer *writer = submission_writer_new(catalogue, catalogue_form(catalogue, "monthly"));
  struct report_change change = fixture_change(2, (const int64_t[]){1, 2});
  for (unsigned n = 3; n < 6; n++) assert_true(submission_writer_add(writer, fixture_unit(n), &change, NULL));
  const struct submission_head head = {.agent = agent,
                                       .sequence = 12,
                                       .form = "monthly",
                                       .period = "2018-05",
                                       .approved_by = "张三",
                                       .approved_at_ms = 1,
                                       .responsible = "",
                                       .filler = "",
                                       .telephone = "",
                                       .created_at_ms = 1};
  g_autoptr(GByteArray) payload = submission_writer_finish(writer, &head);
  return identity_seal(by, SEAL_SUBMISSION, payload->data, payload->len, NULL);
}

static enum sealed_status open_own(const GByteArray *sealed)
{
  struct sealed_own own;
  enum sealed_status status = sealed_open_own(fixture.home, view(sealed), &own);
  if (status == SEALED_GOOD) sealed_own_clear(&own);
  return status;
}

static void what_this_agent_sealed_says_what_it_is(void **state)
{
  (void)state;
  g_autoptr(GByteArray) sealed = submission_of("east-1", fixture.home->identity);
  struct sealed_own own;
  assert_int_equal(sealed_open_own(fixture.home, view(sealed), &own), SEALED_GOOD);
  assert_int_equal(own.lost.sequence, 12);
  assert_string_equal(own.lost.form, "monthly");
  assert_int_equal(period_key(own.lost.period), period_key((struct period){2018, 5, 1}));
  assert_string_equal(own.lost.first_unit, fixture_unit(3));
  assert_string_equal(own.lost.last_unit, fixture_unit(5));
  assert_int_equal(own.lost.reports, 3);
  sealed_own_clear(&own);
}

static void an_act_is_of_no_form(void **state)
{
  (void)state;
  const struct park_act act = {.agent = "east-1",
                               .sequence = 4,
                               .created_at_ms = INT64_MAX, /* no day of any calendar */
                               .kind = PARK_ANSWERS,
                               .answer = {7, "new line of production", "张三", 1}};
  g_autoptr(GByteArray) payload = park_act_encode(&act);
  g_autoptr(GByteArray) sealed =
      identity_seal(fixture.home->identity, SEAL_ACT, payload->data, payload->len, NULL);
  struct sealed_own own;
  assert_int_equal(sealed_open_own(fixture.home, view(sealed), &own), SEALED_GOOD);
  assert_string_equal(own.lost.form, "");
  assert_int_equal(own.lost.sequence, 4);
  sealed_own_clear(&own);
}

static void what_is_not_this_agents_is_told_apart(void **state)
{
  (void)state;
  g_autoptr(GByteArray) foreign = submission_of("west-1", fixture.home->identity);
  assert_int_equal(open_own(foreign), SEALED_FOREIGN);
  g_autoptr(GByteArray) other = submission_of("east-1", fixture.server);
  assert_int_equal(open_own(other), SEALED_OTHER_KEY);
  g_autoptr(GByteArray) sealed = submission_of("east-1", fixture.home->identity);
  sealed->data[sealed->len - 1] ^= 1;
  assert_int_equal(open_own(sealed), SEALED_DAMAGED);
  g_autoptr(GByteArray) nonsense =
      identity_seal(fixture.home->identity, SEAL_SUBMISSION, (const uint8_t *)"xyz", 3, NULL);
  assert_int_equal(open_own(nonsense), SEALED_MALFORMED);
  g_autoptr(GByteArray) large = g_byte_array_new();
  g_byte_array_set_size(large, LIMIT_SEALED_BYTES + 1);
  memset(large->data, 0, large->len);
  assert_int_equal(open_own(large), SEALED_DAMAGED);
  static const uint8_t id[SUBMISSION_ID_SIZE] = {1};
  g_autoptr(GByteArray) receipt = fixture_receipt(&fixture, id, 3, NULL, 0, 0);
  assert_int_equal(open_own(receipt), SEALED_DAMAGED);
}

static void a_receipt_is_the_citys_and_this_agents(void **state)
{
  (void)state;
  static const uint8_t id[SUBMISSION_ID_SIZE] = {1};
  g_autoptr(GByteArray) sealed = fixture_receipt(&fixture, id, 3, NULL, 0, 0);
  CLEANUP(receipt_free) struct receipt *receipt = NULL;
  assert_int_equal(sealed_open_receipt(fixture.home, view(sealed), &receipt), SEALED_GOOD);
  assert_memory_equal(receipt->submission.data, id, sizeof id);
  sealed->data[sealed->len - 1] ^= 1;
  CLEANUP(receipt_free) struct receipt *none = NULL;
  assert_int_equal(sealed_open_receipt(fixture.home, view(sealed), &none), SEALED_DAMAGED);
  g_autoptr(GByteArray) own = submission_of("east-1", fixture.home->identity);
  assert_int_not_equal(sealed_open_receipt(fixture.home, view(own), &none), SEALED_GOOD);
  static const uint8_t leaf[32] = {1};
  const struct receipt foreign = {.submission = {id, sizeof id},
                                  .agent = "west-1",
                                  .sequence = 1,
                                  .tree_size = 1,
                                  .tree_root = {leaf, sizeof leaf},
                                  .leaf_hash = {leaf, sizeof leaf}};
  g_autoptr(GByteArray) payload = receipt_encode(&foreign);
  g_autoptr(GByteArray) theirs =
      identity_seal(fixture.server, SEAL_RECEIPT, payload->data, payload->len, NULL);
  assert_int_equal(sealed_open_receipt(fixture.home, view(theirs), &none), SEALED_FOREIGN);
  fixture_ledger_lies(true);
  static const uint8_t lied_about[SUBMISSION_ID_SIZE] = {2};
  g_autoptr(GByteArray) unproven = fixture_receipt(&fixture, lied_about, 3, NULL, 0, 0);
  fixture_ledger_lies(false);
  assert_int_equal(sealed_open_receipt(fixture.home, view(unproven), &none), SEALED_UNPROVEN);
  assert_null(none);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_this_agent_sealed_says_what_it_is),
      cmocka_unit_test(an_act_is_of_no_form),
      cmocka_unit_test(what_is_not_this_agents_is_told_apart),
      cmocka_unit_test(a_receipt_is_the_citys_and_this_agents),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}

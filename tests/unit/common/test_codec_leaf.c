#include "common/codec.h"

#include "common/limits.h"
#include "wire_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t hash[SEAL_HASH_SIZE] = {1, 2, 3, 0, 255};
static const struct bytes_view hash_view = {hash, sizeof hash};
static const uint8_t sealed[SEAL_HEADER_SIZE + 5] = {'P', 'T', 'L', 'Y'};
static const struct bytes_view sealed_view = {sealed, sizeof sealed};

static struct leaf *through_the_ledger(const struct leaf *leaf)
{
  size_t sealed_at;
  g_autoptr(GByteArray) bytes = leaf_encode(leaf, &sealed_at);
  g_autofree uint8_t *copy = g_memdup2(bytes->data, bytes->len);
  struct leaf *decoded = leaf_decode(copy, bytes->len);
  memset(copy, 0xee, bytes->len);
  assert_non_null(decoded);
  assert_int_equal(decoded->kind, leaf->kind);
  if (leaf->kind == LEAF_SUBMISSION)
    assert_memory_equal(bytes->data + sealed_at, leaf->submission.sealed.data,
                        leaf->submission.sealed.length);
  else
    assert_int_equal(sealed_at, 0);
  assert_true(decoded->recorded_at_ms == leaf->recorded_at_ms);
  return decoded;
}

static void assert_view(struct bytes_view view, struct bytes_view expected)
{
  assert_int_equal(view.length, expected.length);
  assert_memory_equal(view.data, expected.data, expected.length);
}

static void a_leaf_that_is_not_understood_is_refused(void **state)
{
  (void)state;
  assert_null(leaf_decode((const uint8_t *)"", 0));
  assert_null(leaf_decode((const uint8_t *)"\x08\x02", 2)); /* a time alone */
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  put_bytes(bytes, 31, "epoch", 5); /* a kind of a later version */
  assert_null(leaf_decode(bytes->data, bytes->len));
}

static void leaves_with_a_field_out_of_range_are_refused(void **state)
{
  (void)state;
  static const struct refusal no_verdict = {.rule = "unit.unknown"};
  static const struct release no_release = {0};
  static const char *const unclean[] = {"x\n"};
  static const struct examined no_area = {.form = "monthly", .period = "2018-05", .area = ""};
  static const struct examined no_rule = {
      .form = "monthly", .period = "2018-05", .area = "liudong", .findings = &no_verdict, .finding_count = 1};
  const struct leaf cases[] = {
      {.kind = LEAF_PARK_ACT, .park_act = {.sealed = {sealed, 5}}},
      {.kind = LEAF_EDITION, .edition = {{sealed, SEAL_HEADER_SIZE - 1}}},
      {.kind = LEAF_EPOCH, .epoch = {.sealed = {sealed, SEAL_HEADER_SIZE - 1}}},
      {.kind = LEAF_KEY, .key = {{sealed, SEAL_HEADER_SIZE - 1}}},
      {.kind = LEAF_NOTE, .note = {"", "x"}},
      {.kind = LEAF_PARK_ACT,
       .park_act = {.sealed = sealed_view, .exceptions = &no_verdict, .exception_count = 1}},
      {.kind = LEAF_EXAMINATION, .examination = {1, &no_area, 1}},
      {.kind = LEAF_EXAMINATION, .examination = {1, &no_rule, 1}},
      {.kind = LEAF_ASK, .ask = {.form = "x\n"}},
      {.kind = LEAF_ACCEPT, .accept = {.area = "x\n"}},
      {.kind = LEAF_CONSENT, .consent = {"monthly", "2018-05", "A1", "liudong", ""}},
      {.kind = LEAF_GENESIS, .genesis = {hash_view, {hash, 31}}},
      {.kind = LEAF_GENESIS, .genesis = {{hash, 0}, hash_view}},
      {.kind = LEAF_INVITATION, .invitation = {.secret_hash = {hash, 31}, .area = "liudong"}},
      {.kind = LEAF_INVITATION, .invitation = {.secret_hash = hash_view, .area = ""}},
      {.kind = LEAF_INVITATION,
       .invitation = {.secret_hash = hash_view, .area = "liudong", .role = (enum agent_role)7}},
      {.kind = LEAF_INVITATION,
       .invitation = {.secret_hash = hash_view, .area = "liudong", .forms = unclean, .form_count = 1}},
      {.kind = LEAF_ENROLMENT, .enrolment = {{sealed, 5}, hash_view, ENTRY_IS_FIRST}},
      {.kind = LEAF_ENROLMENT, .enrolment = {sealed_view, {hash, 16}, ENTRY_IS_FIRST}},
      {.kind = LEAF_ENROLMENT, .enrolment = {sealed_view, hash_view, (enum agent_entry)3}},
      {.kind = LEAF_REVOCATION, .revocation = {.agent = ""}},
      {.kind = LEAF_SUBMISSION, .submission = {.sealed = {sealed, 5}}},
      {.kind = LEAF_PERIOD, .period = {"", "2018-05", PERIOD_TO_CLOSE, ""}},
      {.kind = LEAF_PERIOD, .period = {"monthly", "", PERIOD_TO_CLOSE, ""}},
      {.kind = LEAF_PERIOD, .period = {"monthly", "2018-13", PERIOD_TO_CLOSE, ""}},
      {.kind = LEAF_PERIOD, .period = {"monthly", "201805", PERIOD_TO_CLOSE, ""}},
      {.kind = LEAF_PERIOD, .period = {"monthly", "2018-05", (enum period_action)0, ""}},
      {.kind = LEAF_PERIOD, .period = {"monthly", "2018-05", (enum period_action)4, ""}},
      {.kind = LEAF_PERIOD, .period = {"monthly", "2018-05", PERIOD_TO_CLOSE, "a\nb"}},
      {.kind = LEAF_SUBMISSION,
       .submission = {.sealed = sealed_view, .exceptions = &no_verdict, .exception_count = 1}},
      {.kind = LEAF_SUBMISSION,
       .submission = {.sealed = sealed_view, .releases = &no_release, .release_count = 1}},
      {.kind = LEAF_SUBMISSION,
       .submission = {.sealed = sealed_view, .findings = unclean, .finding_count = 1}},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GByteArray) bytes = leaf_encode(&cases[i], NULL);
    assert_null(leaf_decode(bytes->data, bytes->len));
  }
}

/* What cannot be read again would stop the replay of the whole ledger. */
static void no_word_of_an_operator_makes_a_leaf_that_cannot_be_read(void **state)
{
  (void)state;
  g_autofree char *endless = g_strnfill(100000, 'x');
  CLEANUP(leaf_free)
  struct leaf *leaf = through_the_ledger(&(struct leaf){
      .kind = LEAF_REVOCATION, .by = "\xff", .reason = endless, .revocation = {.agent = "liudong-1"}});
  assert_string_equal(leaf->by, "?");
  assert_true(strlen(leaf->reason) <= LIMIT_NAME_BYTES);
}

static void acts_come_through(void **state)
{
  (void)state;
  static const char *const forms[] = {"rd-yearly"};
  CLEANUP(leaf_free)
  struct leaf *genesis =
      through_the_ledger(&(struct leaf){.kind = LEAF_GENESIS, .genesis = {hash_view, hash_view}});
  assert_view(genesis->genesis.curve_key, hash_view);
  assert_view(genesis->genesis.sign_key, hash_view);
  assert_string_equal(genesis->by, "");
  assert_string_equal(genesis->reason, "");

  CLEANUP(leaf_free)
  struct leaf *revocation = through_the_ledger(&(struct leaf){.kind = LEAF_REVOCATION,
                                                              .recorded_at_ms = 1528070400000,
                                                              .by = "李明",
                                                              .reason = "laptop lost",
                                                              .revocation = {.agent = "liudong-1"}});
  assert_string_equal(revocation->by, "李明");
  assert_string_equal(revocation->reason, "laptop lost");
  assert_string_equal(revocation->revocation.agent, "liudong-1");

  CLEANUP(leaf_free)
  struct leaf *invitation = through_the_ledger(&(struct leaf){
      .kind = LEAF_INVITATION, .invitation = {hash_view, "liudong", AGENT_OF_BUREAU, forms, 1, INT64_MAX}});
  assert_view(invitation->invitation.secret_hash, hash_view);
  assert_string_equal(invitation->invitation.area, "liudong");
  assert_int_equal(invitation->invitation.role, AGENT_OF_BUREAU);
  assert_int_equal(invitation->invitation.form_count, 1);
  assert_string_equal(invitation->invitation.forms[0], "rd-yearly");
  assert_true(invitation->invitation.expires_at_ms == INT64_MAX);

  CLEANUP(leaf_free)
  struct leaf *enrolment = through_the_ledger(
      &(struct leaf){.kind = LEAF_ENROLMENT, .enrolment = {sealed_view, hash_view, ENTRY_IS_SUCCESSION}});
  assert_view(enrolment->enrolment.certificate, sealed_view);
  assert_view(enrolment->enrolment.secret_hash, hash_view);
  assert_int_equal(enrolment->enrolment.entry, ENTRY_IS_SUCCESSION);

  CLEANUP(leaf_free)
  struct leaf *period = through_the_ledger(&(struct leaf){
      .kind = LEAF_PERIOD, .by = "李明", .period = {"monthly", "2018-01/P2M", PERIOD_TO_REOPEN, "east"}});
  assert_string_equal(period->by, "李明");
  assert_string_equal(period->period.form, "monthly");
  assert_string_equal(period->period.period, "2018-01/P2M");
  assert_int_equal(period->period.action, PERIOD_TO_REOPEN);
  assert_string_equal(period->period.area, "east");

  CLEANUP(leaf_free)
  struct leaf *epoch = through_the_ledger(&(struct leaf){
      .kind = LEAF_EPOCH, .by = "李明", .reason = "硬盘损坏", .epoch = {sealed_view, &sealed_view, 1}});
  assert_view(epoch->epoch.sealed, sealed_view);
  assert_int_equal(epoch->epoch.key_change_count, 1);
  assert_view(epoch->epoch.key_changes[0], sealed_view);
  CLEANUP(leaf_free)
  struct leaf *key = through_the_ledger(&(struct leaf){.kind = LEAF_KEY, .by = "李明", .key = {sealed_view}});
  assert_view(key->key.sealed, sealed_view);
  CLEANUP(leaf_free)
  struct leaf *doubted = through_the_ledger(
      &(struct leaf){.kind = LEAF_REVOCATION, .by = "李明", .revocation = {"liudong-1", INT64_MIN}});
  assert_true(doubted->revocation.doubtful_since_ms == INT64_MIN);
  CLEANUP(leaf_free)
  struct leaf *resume = through_the_ledger(
      &(struct leaf){.kind = LEAF_RESUME, .by = "李明", .reason = "r", .resume = {UINT64_MAX}});
  assert_true(resume->resume.epoch == UINT64_MAX);
  CLEANUP(leaf_free)
  struct leaf *note =
      through_the_ledger(&(struct leaf){.kind = LEAF_NOTE, .by = "李明", .note = {"reload", "配置.yaml"}});
  assert_string_equal(note->note.act, "reload");
  assert_string_equal(note->note.detail, "配置.yaml");
  CLEANUP(leaf_free)
  struct leaf *edition = through_the_ledger(
      &(struct leaf){.kind = LEAF_EDITION, .by = "李明", .reason = "急需", .edition = {sealed_view}});
  assert_string_equal(edition->reason, "急需");
  assert_view(edition->edition.sealed, sealed_view);
}

static void what_is_said_about_inquiries_comes_through(void **state)
{
  (void)state;
  static const struct refusal findings[] = {
      {3, "A1", "rule.verify:small", "output", "9", "≤ 8", VERDICT_IS_COUNTED},
      {4, "A2", "report.stale", "", "", "", VERDICT_IS_STALE}};
  static const struct examined submissions[] = {{7, "monthly", "2018-05", "liudong", findings, 2, UINT64_MAX},
                                                {9, "rd-yearly", "2018", "hexi", NULL, 0, 0}};
  static const uint64_t numbers[] = {3, UINT64_MAX};

  CLEANUP(leaf_free)
  struct leaf *examination =
      through_the_ledger(&(struct leaf){.kind = LEAF_EXAMINATION, .examination = {10, submissions, 2}});
  assert_int_equal(examination->examination.examined, 10);
  assert_int_equal(examination->examination.submission_count, 2);
  const struct examined *first = &examination->examination.submissions[0];
  assert_int_equal(first->position, 7);
  assert_string_equal(first->form, "monthly");
  assert_string_equal(first->period, "2018-05");
  assert_string_equal(first->area, "liudong");
  assert_int_equal(first->finding_count, 2);
  assert_string_equal(first->findings[0].rule, "rule.verify:small");
  assert_string_equal(first->findings[0].expected, "≤ 8");
  assert_int_equal(first->findings[1].verdict, VERDICT_IS_STALE);
  assert_true(first->more == UINT64_MAX);
  assert_int_equal(examination->examination.submissions[1].finding_count, 0);

  CLEANUP(leaf_free)
  struct leaf *ask = through_the_ledger(&(struct leaf){
      .kind = LEAF_ASK, .reason = "为何？", .ask = {5, "monthly", "2018-05", "A1", "liudong", "output.ytd"}});
  assert_int_equal(ask->ask.inquiry, 5);
  assert_string_equal(ask->ask.form, "monthly");
  assert_string_equal(ask->ask.period, "2018-05");
  assert_string_equal(ask->ask.unit, "A1");
  assert_string_equal(ask->ask.area, "liudong");
  assert_string_equal(ask->ask.indicator, "output.ytd");

  CLEANUP(leaf_free)
  struct leaf *accept = through_the_ledger(
      &(struct leaf){.kind = LEAF_ACCEPT, .accept = {numbers, 2, "monthly", "2018-05", "liudong"}});
  assert_int_equal(accept->accept.inquiry_count, 2);
  assert_memory_equal(accept->accept.inquiries, numbers, sizeof numbers);
  assert_string_equal(accept->accept.form, "monthly");
  assert_string_equal(accept->accept.period, "2018-05");
  assert_string_equal(accept->accept.area, "liudong");

  CLEANUP(leaf_free)
  struct leaf *consent = through_the_ledger(
      &(struct leaf){.kind = LEAF_CONSENT, .consent = {"monthly", "2018-05", "A1", "liudong", "staff"}});
  assert_string_equal(consent->consent.form, "monthly");
  assert_string_equal(consent->consent.period, "2018-05");
  assert_string_equal(consent->consent.unit, "A1");
  assert_string_equal(consent->consent.area, "liudong");
  assert_string_equal(consent->consent.rule, "staff");

  CLEANUP(leaf_free)
  struct leaf *act = through_the_ledger(
      &(struct leaf){.kind = LEAF_PARK_ACT,
                     .park_act = {.sealed = sealed_view, .exceptions = findings, .exception_count = 1}});
  assert_view(act->park_act.sealed, sealed_view);
  assert_int_equal(act->park_act.exception_count, 1);
  assert_string_equal(act->park_act.exceptions[0].rule, "rule.verify:small");
}

static void documents_of_megabytes_come_through(void **state)
{
  (void)state;
  g_autofree uint8_t *text = g_malloc(LIMIT_CATALOGUE_BYTES);
  memset(text, 'y', LIMIT_CATALOGUE_BYTES);
  const struct bytes_view view = {text, LIMIT_CATALOGUE_BYTES};
  CLEANUP(leaf_free)
  struct leaf *catalogue = through_the_ledger(&(struct leaf){.kind = LEAF_CATALOGUE, .catalogue = {view}});
  assert_view(catalogue->catalogue.text, view);
  CLEANUP(leaf_free)
  struct leaf *registered =
      through_the_ledger(&(struct leaf){.kind = LEAF_REGISTER, .register_ = {.text = view}});
  assert_view(registered->register_.text, view);
}

/* The dearest leaf that there can be: the arena must have room for each. */
static void a_submission_with_verdicts_for_every_row_comes_through(void **state)
{
  (void)state;
  static const char *const findings[] = {"clock.off"};
  static struct refusal exceptions[LIMIT_REPORTS];
  static struct release releases[4 * LIMIT_REPORTS];
  for (uint32_t i = 0; i < LIMIT_REPORTS; i++)
    exceptions[i] = (struct refusal){i, "", "r", "", "", "", VERDICT_IS_UNCHANGED};
  for (uint32_t i = 0; i < G_N_ELEMENTS(releases); i++)
    releases[i] = (struct release){0, 0, VERDICT_IS_STALE};
  releases[7] = (struct release){UINT64_MAX, UINT32_MAX, VERDICT_IS_COUNTED};

  CLEANUP(leaf_free)
  struct leaf *leaf =
      through_the_ledger(&(struct leaf){.kind = LEAF_SUBMISSION,
                                        .submission = {.sealed = sealed_view,
                                                       .exceptions = exceptions,
                                                       .exception_count = LIMIT_REPORTS,
                                                       .releases = releases,
                                                       .release_count = G_N_ELEMENTS(releases),
                                                       .findings = findings,
                                                       .finding_count = 1}});
  assert_view(leaf->submission.sealed, sealed_view);
  assert_int_equal(leaf->submission.exception_count, LIMIT_REPORTS);
  assert_int_equal(leaf->submission.exceptions[LIMIT_REPORTS - 1].row, LIMIT_REPORTS - 1);
  assert_int_equal(leaf->submission.exceptions[0].verdict, VERDICT_IS_UNCHANGED);
  assert_int_equal(leaf->submission.release_count, G_N_ELEMENTS(releases));
  assert_true(leaf->submission.releases[7].position == UINT64_MAX);
  assert_int_equal(leaf->submission.releases[7].row, UINT32_MAX);
  assert_int_equal(leaf->submission.releases[7].verdict, VERDICT_IS_COUNTED);
  assert_int_equal(leaf->submission.finding_count, 1);
  assert_string_equal(leaf->submission.findings[0], "clock.off");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_leaf_that_is_not_understood_is_refused),
      cmocka_unit_test(leaves_with_a_field_out_of_range_are_refused),
      cmocka_unit_test(no_word_of_an_operator_makes_a_leaf_that_cannot_be_read),
      cmocka_unit_test(acts_come_through),
      cmocka_unit_test(what_is_said_about_inquiries_comes_through),
      cmocka_unit_test(documents_of_megabytes_come_through),
      cmocka_unit_test(a_submission_with_verdicts_for_every_row_comes_through),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "fixture_home.h"

#include "agent/prepare.h"
#include "common/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static struct fixture_home fixture;
static struct outbox *outbox;

/* What was said: "id@row:" for each finding, and the figure that a blank stands over. */
static GString *said;
static unsigned refreshed;
static const char *new_register; /* what a refresh brings; NULL: the aggregator cannot be reached */
static const char *touched;      /* a file that grows at the first finding */

static int setup(void **state)
{
  (void)state;
  fixture_home_setup(&fixture, "approved_by: 张三\nfiller: 王五\n");
  outbox = fixture_outbox(&fixture);
  said = g_string_new(NULL);
  refreshed = 0;
  new_register = NULL;
  touched = NULL;
  return 0;
}

static int teardown(void **state)
{
  (void)state;
  g_string_free(said, TRUE);
  outbox_close(outbox);
  fixture_home_teardown(&fixture);
  return 0;
}

static void take_finding(const struct finding *finding, void *data)
{
  (void)data;
  g_string_append_printf(said, "%s@%zu:%s ", finding_id(finding->code), finding->row,
                         finding->code == FINDING_VALUE_BLANK ? finding->expected : "");
  assert_string_equal(finding->file, "may.csv");
  if (touched) g_file_set_contents(touched, "other", -1, NULL);
}

static bool refresh(void *data)
{
  (void)data;
  refreshed++;
  if (new_register) fixture_home_store(&fixture, DOCUMENT_OF_REGISTER, new_register);
  return new_register != NULL;
}

static struct prepare_options options(void)
{
  return (struct prepare_options){.home = fixture.home,
                                  .outbox = outbox,
                                  .approved_by = "张三",
                                  .refresh = refresh,
                                  .findings = take_finding};
}

/* A file of `uscc,period,output,sales`; each row "unit output sales", unit a number of the fixture's. */
static char *file_of(const char *rows)
{
  GString *text = g_string_new("uscc,period,output,sales\n");
  g_auto(GStrv) lines = g_strsplit(rows, ";", -1);
  for (char **line = lines; *line && **line; line++) {
    g_auto(GStrv) cells = g_strsplit(*line, " ", 3);
    g_string_append_printf(text, "%s,2018-05,%s,%s\n", fixture_unit((unsigned)atoi(cells[0])), cells[1],
                           cells[2]);
  }
  char *path = fixture_file(&fixture, "may.csv", text->str);
  g_string_free(text, TRUE);
  return path;
}

static struct prepare_result prepare(const char *rows)
{
  g_autofree char *path = file_of(rows);
  g_autoptr(GError) error = NULL;
  struct prepare_result result;
  struct prepare_options given = options();
  g_string_truncate(said, 0);
  if (!prepare_file(path, &given, &result, &error)) fail_msg("%s", error->message);
  return result;
}

static size_t count_pending(void)
{
  g_autoptr(GPtrArray) items = outbox_pending(outbox, 0, 1000, NULL);
  assert_non_null(items);
  return items->len;
}

/* The newest submission. */
static struct submission *last_submission(void)
{
  g_autoptr(GPtrArray) items = outbox_pending(outbox, 0, 1000, NULL);
  assert_true(items->len > 0);
  const struct outbox_item *item = items->pdata[items->len - 1];
  gsize length;
  const uint8_t *sealed = g_bytes_get_data(item->sealed, &length);
  const uint8_t *payload;
  size_t payload_length;
  assert_int_equal(seal_open(sealed, length, SEAL_SUBMISSION, identity_sign_public(fixture.home->identity),
                             &payload, &payload_length, NULL),
                   SEAL_OK);
  struct submission *submission = submission_decode(payload, payload_length);
  assert_non_null(submission);
  assert_int_equal(submission_bind(submission, fixture.home->catalogue,
                                   catalogue_form(fixture.home->catalogue, "monthly")),
                   CATALOGUE_NONE);
  return submission;
}

static void a_file_that_is_refused_whole_sends_nothing(void **state)
{
  (void)state;
  g_autofree char *path = fixture_file(&fixture, "may.csv", "uscc,period,output,sales\n91\"45");
  g_autoptr(GError) error = NULL;
  struct prepare_result result;
  struct prepare_options given = options();
  assert_true(prepare_file(path, &given, &result, &error));
  assert_false(result.reading.whole);
  assert_int_equal(prepare_exit_code(&result), 65);
  assert_int_equal(count_pending(), 0);
}

static void good_rows_are_sent_and_bad_ones_named(void **state)
{
  (void)state;
  struct prepare_result result = prepare("1 1.5 20;2 x 20;3 3.5 40");
  assert_string_equal(said->str, "value.text@3: ");
  assert_int_equal(result.submissions, 1);
  assert_int_equal(result.reports, 2);
  assert_int_equal(prepare_exit_code(&result), 65);
  CLEANUP(submission_free) struct submission *submission = last_submission();
  assert_int_equal(submission_size(submission), 2);
  const struct submission_head *head = submission_head(submission);
  assert_string_equal(head->approved_by, "张三");
  assert_string_equal(head->filler, "王五");
  assert_string_equal(head->agent, "east-1");
  assert_memory_equal(head->catalogue_hash, fixture.home->catalogue->hash, CATALOGUE_HASH_SIZE);
  struct submission_report report;
  submission_report(submission, 1, &report);
  assert_string_equal(report.unit, fixture_unit(3));
  assert_false(report.has_base);
  assert_int_equal(report.change.figures.value[0], 35);
}

static void the_same_file_again_sends_nothing(void **state)
{
  (void)state;
  prepare("1 1.5 20;2 2 30");
  struct prepare_result result = prepare("1 1.5 20;2 2 30"); /* as after a kill before the file was moved */
  assert_int_equal(result.unchanged, 2);
  assert_int_equal(result.batch, 0);
  assert_int_equal(count_pending(), 1);
}

static void a_correction_names_what_it_corrects(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  prepare("1 1.5 20;2 2 30");
  g_autoptr(GPtrArray) items = outbox_pending(outbox, 0, 10, &error);
  struct prepare_result result = prepare("1 1.5 21;2 2 30");
  assert_int_equal(result.reports, 1);
  assert_int_equal(result.unchanged, 1);
  CLEANUP(submission_free) struct submission *submission = last_submission();
  struct submission_report report;
  submission_report(submission, 0, &report);
  assert_true(report.has_base);
  assert_memory_equal(report.base, ((struct outbox_item *)items->pdata[0])->id, SUBMISSION_ID_SIZE);
}

static void a_blank_over_a_present_value_is_refused_with_its_row(void **state)
{
  (void)state;
  prepare("1 1.5 20;2 2 30");
  struct prepare_result result = prepare("2 3 31;1  9");
  assert_string_equal(said->str, "value.blank@3:1.5 ");
  assert_int_equal(result.refused, 1);
  assert_int_equal(prepare_exit_code(&result), 65);
}

static void a_withdrawal_of_nothing_is_refused(void **state)
{
  (void)state;
  struct prepare_result result = prepare("1 整表撤销 ;2 撤销 撤销;3 本期无数据 ");
  assert_string_equal(said->str, "report.nothing-to-withdraw@2: report.nothing-to-withdraw@3: ");
  assert_int_equal(result.refused, 2);
  assert_int_equal(result.reports, 1);
}

static void a_report_can_be_taken_back_whole_and_once(void **state)
{
  (void)state;
  prepare("1 1.5 20");
  struct prepare_result result = prepare("1 整表撤销 ");
  assert_int_equal(result.reports, 1);
  result = prepare("1 整表撤销 ");
  assert_int_equal(result.reports, 0);
  assert_int_equal(result.unchanged, 1);
  result = prepare("1 1.5 20");
  assert_int_equal(result.reports, 1);
}

static void a_figure_can_be_taken_back_once(void **state)
{
  (void)state;
  prepare("1 1.5 20");
  struct prepare_result result = prepare("1 撤销 20");
  assert_int_equal(result.reports, 1);
  result = prepare("1 撤销 20");
  assert_int_equal(result.reports, 0);
  assert_int_equal(result.unchanged, 1);
}

static void an_unknown_unit_is_refused_after_the_register_was_asked_for(void **state)
{
  (void)state;
  struct prepare_result result = prepare("1 1 2;90 1 2;91 1 2");
  assert_int_equal(refreshed, 1);
  assert_int_equal(result.reports, 1);
  assert_int_equal(result.reading.refused, 2);
}

static void a_unit_registered_meanwhile_is_taken_and_nothing_said_twice(void **state)
{
  (void)state;
  g_autofree char *text = fixture_register_text(100);
  new_register = text;
  struct prepare_result result = prepare("1 1 2;2 x 2;90 1 2;91 y 2");
  assert_int_equal(refreshed, 1);
  assert_int_equal(result.reports, 2);
  assert_string_equal(said->str, "value.text@3: value.text@5: ");
  assert_int_equal(count_pending(), 1);
}

static void without_catalogue_it_is_fetched_or_said(void **state)
{
  (void)state;
  catalogue_unref(fixture.home->catalogue);
  fixture.home->catalogue = NULL;
  g_autofree char *path = file_of("1 1 2");
  g_autoptr(GError) error = NULL;
  struct prepare_result result;
  struct prepare_options given = options();
  assert_false(prepare_file(path, &given, &result, &error));
  assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_UNAVAILABLE));
  assert_int_equal(refreshed, 1);
}

static void a_file_that_changes_while_it_is_read_sends_nothing(void **state)
{
  (void)state;
  g_autofree char *path = file_of("1 1 2;2 x 2");
  touched = path;
  g_autoptr(GError) error = NULL;
  struct prepare_result result;
  struct prepare_options given = options();
  assert_false(prepare_file(path, &given, &result, &error));
  assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_TEMPORARY));
  assert_int_equal(count_pending(), 0);
}

static void asked_to_stop_it_sends_nothing(void **state)
{
  (void)state;
  g_autofree char *path = file_of("1 1 2");
  atomic_bool stop = true;
  g_autoptr(GError) error = NULL;
  struct prepare_result result;
  struct prepare_options given = options();
  given.stop = &stop;
  assert_false(prepare_file(path, &given, &result, &error));
  assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_TEMPORARY));
  assert_int_equal(count_pending(), 0);
}

static void checking_only_says_the_same_and_makes_nothing(void **state)
{
  (void)state;
  prepare("1 1.5 20");
  g_autofree char *path = file_of("1  9;2 1 2");
  g_autoptr(GError) error = NULL;
  struct prepare_result result;
  struct prepare_options given = options();
  given.check_only = true;
  g_string_truncate(said, 0);
  assert_true(prepare_file(path, &given, &result, &error));
  assert_string_equal(said->str, "value.blank@2:1.5 ");
  assert_int_equal(result.batch, 0);
  assert_int_equal(count_pending(), 1);
}

static void a_form_without_right_is_refused_whole(void **state)
{
  (void)state;
  static const char *const FORMS[] = {"yearly"};
  struct certificate *certificate = fixture.home->certificate;
  certificate->forms = FORMS;
  certificate->form_count = 1;
  struct prepare_result result = prepare("1 1.5 20");
  assert_string_equal(said->str, "form.no-right@0: ");
  assert_false(result.reading.whole);
  assert_int_equal(count_pending(), 0);
}

static void rows_of_a_long_file_with_different_columns_go_together(void **state)
{
  (void)state;
  GString *text = g_string_new("uscc,period,indicator,value\n");
  for (unsigned n = 0; n < FIXTURE_UNITS; n++) {
    g_string_append_printf(text, "%s,2018-05,sales,%u\n", fixture_unit(n), n);
    if (n % 2) g_string_append_printf(text, "%s,2018-05,output,%u\n", fixture_unit(n), n);
  }
  g_autofree char *path = fixture_file(&fixture, "may.csv", text->str);
  g_string_free(text, TRUE);
  g_autoptr(GError) error = NULL;
  struct prepare_result result;
  struct prepare_options given = options();
  if (!prepare_file(path, &given, &result, &error)) fail_msg("%s", error->message);
  assert_string_equal(said->str, "");
  assert_int_equal(result.reports, FIXTURE_UNITS);
  assert_int_equal(result.submissions, 2); /* one for each combination, not one for each turn */
}

static void periods_become_submissions_of_their_own(void **state)
{
  (void)state;
  g_autoptr(GString) text = g_string_new("uscc,period,output,sales\n");
  for (unsigned month = 1; month <= 3; month++)
    g_string_append_printf(text, "%s,2018-%02u,1,2\n", fixture_unit(1), month);
  g_autofree char *path = fixture_file(&fixture, "may.csv", text->str);
  g_autoptr(GError) error = NULL;
  struct prepare_result result;
  struct prepare_options given = options();
  if (!prepare_file(path, &given, &result, &error)) fail_msg("%s", error->message);
  assert_int_equal(result.submissions, 3);
  assert_int_equal(result.reports, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(a_file_that_is_refused_whole_sends_nothing),
      TEST(good_rows_are_sent_and_bad_ones_named),
      TEST(the_same_file_again_sends_nothing),
      TEST(a_correction_names_what_it_corrects),
      TEST(a_blank_over_a_present_value_is_refused_with_its_row),
      TEST(a_withdrawal_of_nothing_is_refused),
      TEST(a_report_can_be_taken_back_whole_and_once),
      TEST(a_figure_can_be_taken_back_once),
      TEST(an_unknown_unit_is_refused_after_the_register_was_asked_for),
      TEST(a_unit_registered_meanwhile_is_taken_and_nothing_said_twice),
      TEST(without_catalogue_it_is_fetched_or_said),
      TEST(a_file_that_changes_while_it_is_read_sends_nothing),
      TEST(asked_to_stop_it_sends_nothing),
      TEST(checking_only_says_the_same_and_makes_nothing),
      TEST(a_form_without_right_is_refused_whole),
      TEST(rows_of_a_long_file_with_different_columns_go_together),
      TEST(periods_become_submissions_of_their_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

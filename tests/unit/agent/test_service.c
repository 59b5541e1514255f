#include "fixture_home.h"

#include "agent/findings_file.h"
#include "agent/prepare.h"
#include "agent/service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

static struct fixture_home fixture;
static struct outbox *outbox;
static struct service *service;
static unsigned sendable;
static atomic_bool stop;

static void count_sendable(void *data)
{
  (void)data;
  sendable++;
}

static void start_service(void)
{
  GError *error = NULL;
  const struct service_options options = {
      .home = fixture.home, .outbox = outbox, .sendable = count_sendable, .stop = &stop};
  service = service_new(&options, &error);
  assert_non_null(service);
}

static int setup(void **state)
{
  (void)state;
  fixture_home_setup(&fixture, "review_folder: ../待审\nsubmit_folder: ../报送\napproved_by: 张三\n");
  outbox = fixture_outbox(&fixture);
  sendable = 0;
  atomic_store(&stop, false);
  start_service();
  return 0;
}

static int teardown(void **state)
{
  (void)state;
  service_free(service);
  outbox_close(outbox);
  fixture_home_teardown(&fixture);
  return 0;
}

/* Puts a file in, as a move: rows of `uscc,period,output,sales`. */
static void put(const char *name, const char *outputs)
{
  GString *text = g_string_new("uscc,period,output,sales\n");
  g_auto(GStrv) cells = g_strsplit(outputs, " ", -1);
  for (unsigned n = 0; cells[n]; n++)
    g_string_append_printf(text, "%s,2018-05,%s,7\n", fixture_unit(n), cells[n]);
  g_free(fixture_file(&fixture, name, text->str));
  g_string_free(text, TRUE);
}

static bool is_there(const char *name)
{
  g_autofree char *path = g_build_filename(fixture.folder, name, NULL);
  return g_file_test(path, G_FILE_TEST_EXISTS);
}

static char *content(const char *name)
{
  g_autofree char *path = g_build_filename(fixture.folder, name, NULL);
  char *text = NULL;
  if (!g_file_get_contents(path, &text, NULL, NULL)) fail_msg("%s is not there", name);
  return text;
}

static void assert_says(const char *name, const char *words)
{
  g_autofree char *text = content(name);
  assert_true(g_str_has_prefix(text, "\xef\xbb\xbf"));
  if (!strstr(text, words)) fail_msg("%s: no “%s” in: %s", name, words, text);
}

static size_t count_pending(void)
{
  g_autoptr(GPtrArray) items = outbox_pending(outbox, 0, 100, NULL);
  return items->len;
}

static size_t count_files(const char *folder)
{
  g_autofree char *path = g_build_filename(fixture.folder, folder, NULL);
  GDir *files = g_dir_open(path, 0, NULL);
  size_t count = 0;
  while (g_dir_read_name(files)) count++;
  g_dir_close(files);
  return count;
}

static void a_file_to_review_is_checked_and_not_sent(void **state)
{
  (void)state;
  put("待审/may.csv", "1 2");
  put("待审/bad.csv", "1 x");
  service_step(service);
  assert_true(is_there("待审/done/may.csv"));
  assert_says("待审/done/may.csv" FINDINGS_SUFFIX, "nothing is refused");
  assert_true(is_there("待审/refused/bad.csv"));
  assert_says("待审/refused/bad.csv" FINDINGS_SUFFIX, "[value.text]");
  assert_false(is_there("待审/may.csv") || is_there("待审/bad.csv"));
  assert_int_equal(count_pending(), 0);
  assert_int_equal(sendable, 0);
}

static void a_file_to_submit_is_sent(void **state)
{
  (void)state;
  put("报送/may.csv", "1 2");
  service_step(service);
  assert_true(is_there("报送/done/may.csv"));
  assert_says("报送/done/may.csv" FINDINGS_SUFFIX, "2 reports are sent");
  assert_int_equal(count_pending(), 1);
  assert_int_equal(sendable, 1);
}

static void a_file_with_a_bad_row_goes_to_refused_and_says_that_the_good_ones_are_sent(void **state)
{
  (void)state;
  put("报送/may.csv", "1 x 3");
  service_step(service);
  assert_true(is_there("报送/refused/may.csv"));
  assert_says("报送/refused/may.csv" FINDINGS_SUFFIX, "2 reports are sent");
  assert_says("报送/refused/may.csv" FINDINGS_SUFFIX, "row 3");
  assert_int_equal(count_pending(), 1);
}

static void a_file_of_no_known_kind_is_refused(void **state)
{
  (void)state;
  g_free(fixture_file(&fixture, "报送/may.doc", "x"));
  service_step(service);
  assert_true(is_there("报送/refused/may.doc"));
  assert_says("报送/refused/may.doc" FINDINGS_SUFFIX, "refused as a whole");
  assert_int_equal(count_pending(), 0);
}

static void what_others_still_write_is_left_alone(void **state)
{
  (void)state;
  static const char *const NAMES[] = {".may.csv", "~$may.csv", "may.csv.part", "may.csv.tmp",
                                      ("may.csv" FINDINGS_SUFFIX)};
  for (size_t i = 0; i < G_N_ELEMENTS(NAMES); i++) {
    g_autofree char *name = g_build_filename("报送", NAMES[i], NULL);
    put(name, "1");
  }
  for (int i = 0; i < 3; i++) service_step(service);
  assert_int_equal(count_files("报送"), G_N_ELEMENTS(NAMES) + 2);
  assert_int_equal(count_pending(), 0);
}

static void a_file_from_before_the_start_is_taken_when_it_stands_unchanged(void **state)
{
  (void)state;
  service_free(service);
  put("报送/may.csv", "1");
  start_service();
  service_step(service);
  assert_true(is_there("报送/may.csv"));
  put("报送/.other", "1");
  g_autofree char *hidden = g_build_filename(fixture.folder, "报送/.other", NULL);
  assert_int_equal(g_remove(hidden), 0);
  service_step(service);
  assert_true(is_there("报送/done/may.csv"));
}

static void a_file_that_grows_between_two_looks_is_not_taken(void **state)
{
  (void)state;
  service_free(service);
  put("报送/may.csv", "1");
  start_service();
  service_step(service);
  g_autofree char *path = g_build_filename(fixture.folder, "报送/may.csv", NULL);
  FILE *file = fopen(path, "ae");
  fprintf(file, "%s,2018-05,1,", fixture_unit(5)); /* its writer is in the middle of a row */
  fflush(file);
  service_step(service);
  assert_true(is_there("报送/may.csv"));
  fprintf(file, "7\n");
  fclose(file); /* says that it is complete */
  service_step(service);
  assert_true(is_there("报送/done/may.csv"));
  assert_says("报送/done/may.csv" FINDINGS_SUFFIX, "2 reports are sent");
}

static void a_file_that_its_writer_has_open_is_not_taken_however_long_it_stands(void **state)
{
  (void)state;
  service_free(service);
  put("报送/may.csv", "1");
  start_service();
  g_autofree char *path = g_build_filename(fixture.folder, "报送/may.csv", NULL);
  FILE *file = fopen(path, "ae");
  int probe = open(path, O_RDONLY | O_CLOEXEC);
  bool leases = fcntl(probe, F_SETLEASE, F_RDLCK) != 0 && errno == EAGAIN;
  close(probe);
  for (int i = 0; leases && i < 3; i++) {
    service_step(service);
    assert_true(is_there("报送/may.csv"));
  }
  fclose(file);
  if (!leases) skip();
  service_step(service);
  assert_true(is_there("报送/done/may.csv"));
}

static void a_figure_cut_in_its_middle_is_not_sent(void **state)
{
  (void)state;
  g_autofree char *text = g_strdup_printf("uscc,period,output,sales\n%s,2018-05,3,7\n%s,2018-05,12,3",
                                          fixture_unit(0), fixture_unit(1)); /* of “34.00” */
  g_free(fixture_file(&fixture, "报送/may.csv", text));
  service_step(service);
  assert_true(is_there("报送/refused/may.csv"));
  assert_says("报送/refused/may.csv" FINDINGS_SUFFIX, "refused as a whole");
  assert_says("报送/refused/may.csv" FINDINGS_SUFFIX, "[file.cut]");
  assert_int_equal(count_pending(), 0);
}

static void a_second_file_of_one_name_does_not_replace_the_first(void **state)
{
  (void)state;
  put("报送/may.csv", "1");
  service_step(service);
  put("报送/may.csv", "2");
  service_step(service);
  put("报送/may.csv", "3");
  service_step(service);
  assert_int_equal(count_files("报送/done"), 6);
  assert_int_equal(count_pending(), 3);
}

static void a_kill_before_the_file_was_moved_sends_nothing_twice(void **state)
{
  (void)state;
  put("报送/may.csv", "1 2");
  g_autofree char *path = g_build_filename(fixture.folder, "报送/may.csv", NULL);
  const struct prepare_options options = {
      .home = fixture.home, .outbox = outbox, .approved_by = "张三", .place = path, .findings = NULL};
  struct prepare_result result;
  assert_true(prepare_file(path, &options, &result, NULL)); /* and here comes the kill */
  assert_int_equal(count_pending(), 1);
  service_step(service);
  assert_int_equal(count_pending(), 1);
  assert_true(is_there("报送/done/may.csv"));
  assert_says("报送/done/may.csv" FINDINGS_SUFFIX, "2 were reported before");

  /* An answer still finds its file. */
  g_autoptr(GPtrArray) items = outbox_pending(outbox, 0, 1, NULL);
  struct refusal refused = {.row = 1,
                            .unit = fixture_unit(1),
                            .rule = "value.range",
                            .indicator = "output",
                            .found = "2",
                            .expected = "less",
                            .verdict = VERDICT_IS_REFUSED};
  fixture_answer(&fixture, outbox, ((struct outbox_item *)items->pdata[0])->id, 2, &refused, 1, 1);
  service_tell(service);
  assert_true(is_there("报送/refused/may.csv"));
  assert_false(is_there("报送/done/may.csv"));
  assert_false(is_there("报送/done/may.csv" FINDINGS_SUFFIX));
  assert_says("报送/refused/may.csv" FINDINGS_SUFFIX, "The city did not count");
  assert_says("报送/refused/may.csv" FINDINGS_SUFFIX, fixture_unit(1));
  assert_says("报送/refused/may.csv" FINDINGS_SUFFIX, "企业1");
}

/* The only submission that waits to be sent. */
static void refuse_pending(void)
{
  g_autoptr(GPtrArray) items = outbox_pending(outbox, 0, 1, NULL);
  assert_int_equal(items->len, 1);
  struct refusal refused = {.row = 0,
                            .unit = fixture_unit(0),
                            .rule = "value.range",
                            .indicator = "output",
                            .found = "2",
                            .expected = "less",
                            .verdict = VERDICT_IS_REFUSED};
  fixture_answer(&fixture, outbox, ((struct outbox_item *)items->pdata[0])->id, 1, &refused, 1, 1);
}

static void folders_that_were_removed_are_made_again(void **state)
{
  (void)state;
  g_autofree char *done = g_build_filename(fixture.folder, "报送/done", NULL);
  g_autofree char *refused = g_build_filename(fixture.folder, "报送/refused", NULL);
  g_autofree char *file = g_build_filename(done, "may.csv", NULL);
  g_autofree char *findings = g_strconcat(file, FINDINGS_SUFFIX, NULL);
  assert_int_equal(g_rmdir(done), 0);
  put("报送/may.csv", "1");
  service_step(service);
  assert_true(is_there("报送/done/may.csv"));

  refuse_pending();
  assert_int_equal(g_remove(file) | g_remove(findings) | g_rmdir(done) | g_rmdir(refused), 0);
  service_tell(service);
  assert_says("报送/refused/may.csv" FINDINGS_SUFFIX, "The city did not count");
}

/* Others may write into the folder: what they prepared there is not followed. */
static void a_link_in_place_of_findings_is_not_followed(void **state)
{
  (void)state;
  g_free(fixture_file(&fixture, "secret", "mine"));
  g_autofree char *target = g_build_filename(fixture.folder, "secret", NULL);
  g_autofree char *old_name =
      g_build_filename(fixture.folder, "报送/done/.may.csv" FINDINGS_SUFFIX ".tmp", NULL);
  assert_int_equal(symlink(target, old_name), 0);
  put("报送/may.csv", "1");
  service_step(service);
  assert_true(is_there("报送/done/may.csv"));
  g_autofree char *findings = g_build_filename(fixture.folder, "报送/done/may.csv" FINDINGS_SUFFIX, NULL);
  assert_int_equal(g_remove(findings), 0);
  assert_int_equal(symlink(target, findings), 0);
  refuse_pending();
  service_tell(service);
  g_autofree char *text = content("secret");
  assert_string_equal(text, "mine");
}

static void a_file_of_the_longest_name_is_handled(void **state)
{
  (void)state;
  g_autoptr(GString) name = g_string_new("报送/");
  for (int i = 0; i < 83; i++) g_string_append(name, "统"); /* 249 bytes */
  g_string_append(name, ".csv");
  for (int i = 0; i < 2; i++) {
    g_autofree char *other = g_build_filename(fixture.folder, "报送/.other", NULL);
    g_autofree char *path = g_build_filename(fixture.folder, name->str, NULL);
    put("报送/.other", i == 0 ? "1" : "2");
    assert_int_equal(g_rename(other, path), 0);
    service_step(service);
    assert_int_equal(count_files("报送"), 2);
    assert_int_equal(count_files("报送/done"), 2 * (i + 1));
  }
}

static void a_file_that_was_deleted_is_not_looked_for(void **state)
{
  (void)state;
  service_free(service);
  put("报送/may.csv", "1");
  start_service();
  assert_int_equal(service_step(service), 0); /* it has to stand unchanged: look again soon */
  g_autofree char *path = g_build_filename(fixture.folder, "报送/may.csv", NULL);
  assert_int_equal(g_remove(path), 0);
  service_step(service);
  assert_true(service_step(service) > 1000);
}

static void older_files_go_first(void **state)
{
  (void)state;
  service_free(service);
  put("报送/a.csv", "2");
  put("报送/b.csv", "1");
  g_autofree char *older = g_build_filename(fixture.folder, "报送/b.csv", NULL);
  struct utimbuf past = {1000, 1000};
  assert_int_equal(utime(older, &past), 0);
  start_service();
  service_step(service);
  service_step(service);
  assert_int_equal(count_pending(), 2);
  const char *unit = fixture_unit(0);
  struct prior *prior = priors_new(1);
  const struct catalogue *catalogue = fixture.home->catalogue;
  assert_true(outbox_priors(outbox, catalogue, catalogue_form(catalogue, "monthly"),
                            (struct period){2018, 5, 1}, &unit, 1, prior, NULL));
  struct figures figures;
  prior_figures(prior, &figures);
  assert_int_equal(figures.value[0], 20); /* a.csv corrects b.csv */
  priors_free(prior, 1);
}

static void asked_to_stop_files_stay(void **state)
{
  (void)state;
  put("报送/may.csv", "1");
  atomic_store(&stop, true);
  service_step(service);
  assert_true(is_there("报送/may.csv"));
  assert_int_equal(count_pending(), 0);
}

static void a_file_stays_while_there_is_no_catalogue(void **state)
{
  (void)state;
  catalogue_unref(fixture.home->catalogue);
  fixture.home->catalogue = NULL;
  put("报送/may.csv", "1");
  service_step(service);
  assert_true(is_there("报送/may.csv"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(a_file_to_review_is_checked_and_not_sent),
      TEST(a_file_to_submit_is_sent),
      TEST(a_file_with_a_bad_row_goes_to_refused_and_says_that_the_good_ones_are_sent),
      TEST(a_file_of_no_known_kind_is_refused),
      TEST(what_others_still_write_is_left_alone),
      TEST(a_file_from_before_the_start_is_taken_when_it_stands_unchanged),
      TEST(a_file_that_grows_between_two_looks_is_not_taken),
      TEST(a_file_that_its_writer_has_open_is_not_taken_however_long_it_stands),
      TEST(a_figure_cut_in_its_middle_is_not_sent),
      TEST(a_second_file_of_one_name_does_not_replace_the_first),
      TEST(a_kill_before_the_file_was_moved_sends_nothing_twice),
      TEST(folders_that_were_removed_are_made_again),
      TEST(a_link_in_place_of_findings_is_not_followed),
      TEST(a_file_of_the_longest_name_is_handled),
      TEST(a_file_that_was_deleted_is_not_looked_for),
      TEST(older_files_go_first),
      TEST(asked_to_stop_files_stay),
      TEST(a_file_stays_while_there_is_no_catalogue),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* park-aggregator check: every mistake, and whether a catalogue may follow the one in force. */
#include "aggregator/commands.h"
#include "aggregator/folder.h"
#include "capture.h"
#include "common/command.h"
#include "common/db.h"
#include "fixture.h"
#include "small.h"

#include <glib/gstdio.h>

static const struct command table[] = {{"check", "[--data DIR] …", "checks", command_check}, {0}};
static struct capture printed;
static struct fixture fixture; /* a data folder with tests/data/small.yaml in force */

static int set_up(void **state)
{
  g_autofree char *text = small_text(NULL, NULL, "");

  (void)state;
  fixture_setup(&fixture, NULL);
  g_autofree char *path = folder_path(fixture.folder, "catalogue.yaml");
  assert_true(g_file_set_contents(path, text, -1, NULL));
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  fixture_teardown(&fixture);
  return 0;
}

/* Words end with NULL. */
static int check(const char *const *words)
{
  char *argv[16] = {(char *)"park-aggregator", (char *)"check"};
  int argc = 2, code;

  for (; *words; words++) argv[argc++] = (char *)*words;
  capture_begin(&printed);
  code = command_main("park-aggregator", "", table, argc, argv);
  capture_end(&printed);
  return code;
}

#define CHECK(...) check((const char *const[]){__VA_ARGS__, NULL})

/* Writes a file of the folder; its path. */
static char *file(const char *name, const char *text)
{
  char *path = folder_path(fixture.folder, name);

  assert_true(g_file_set_contents(path, text, -1, NULL));
  return path;
}

static void mistakes_are_all_named_with_their_place(void **state)
{
  g_autofree char *mistaken = small_text("  output: {", "  output: {measures: 千元, ", "nonsense: 1\n");
  g_autofree char *path = file("other.yaml", mistaken);
  g_autofree char *broken = file("broken.yaml", "areas: [\n");

  (void)state;
  assert_int_equal(CHECK("--catalogue", path), 78);
  assert_non_null(strstr(printed.err, "measures"));
  assert_non_null(strstr(printed.err, "nonsense"));
  assert_non_null(strstr(printed.err, "other.yaml:"));
  assert_string_equal(printed.out, "");
  assert_int_equal(CHECK("--catalogue", broken), 78);
  assert_int_equal(CHECK("--catalogue", "/nowhere/catalogue.yaml"), 74);
}

static void a_configuration_is_checked_with_the_catalogue_that_it_names(void **state)
{
  g_autofree char *wrong = file("wrong.yaml", "listen: here\nlisten_to: tcp://127.0.0.1:1\n");
  g_autofree char *lost = file("lost.yaml", "catalogue: not-there.yaml\n");
  g_autofree char *right = file("right.yaml", "catalogue: catalogue.yaml\nlisten: tcp://127.0.0.1:7650\n");

  (void)state;
  assert_int_equal(CHECK("--config", wrong), 78);
  assert_non_null(strstr(printed.err, "wrong.yaml:1:"));
  assert_non_null(strstr(printed.err, "wrong.yaml:2:"));
  assert_int_not_equal(CHECK("--config", lost), 0);
  assert_non_null(strstr(printed.err, "not-there.yaml"));
  assert_int_equal(CHECK("--config", right, "--data", fixture.folder), 0);
  assert_non_null(strstr(printed.out, "right.yaml"));
  assert_non_null(strstr(printed.out, "catalogue.yaml"));
}

static void a_catalogue_that_may_not_follow_the_one_in_force_is_refused(void **state)
{
  g_autofree char *text = small_text("decimals: 1", "decimals: 2", "");
  g_autofree char *path = file("next.yaml", text);

  (void)state;
  assert_int_equal(CHECK("--catalogue", path), 0); /* in itself it is right */
  assert_int_equal(CHECK("--data", fixture.folder, "--catalogue", path), 78);
  assert_non_null(strstr(printed.err, "output"));
  g_free(file("catalogue.yaml", text));
  assert_int_equal(CHECK("--data", fixture.folder), 78);
}

static void a_store_that_cannot_be_read_is_no_clean_bill(void **state)
{
  g_autofree char *path = folder_path(fixture.folder, "store.db");

  (void)state;
  writer_free(fixture.writer);
  fixture.writer = NULL;
  struct db *db = db_open(path, DB_WRITE, 256, NULL);
  assert_true(db_exec(db, "DROP TABLE catalogue"));
  db_close(db);
  assert_int_not_equal(CHECK("--data", fixture.folder), 0);
  assert_true(g_file_set_contents(path, "this is no database, whatever its name says", -1, NULL));
  assert_int_not_equal(CHECK("--data", fixture.folder), 0);
}

static void what_is_right_is_counted(void **state)
{
  (void)state;
  assert_int_equal(CHECK("--data", fixture.folder), 0);
  assert_non_null(strstr(printed.out, "6 areas, 8 indicators, 3 forms, 0 targets"));
  assert_string_equal(printed.err, "");
  assert_int_equal(CHECK("--catalogue", SOURCE_DIR "/deploy/catalogue/liuzhou.yaml"), 0);
  assert_int_equal(CHECK("--config", SOURCE_DIR "/deploy/aggregator.example.yaml", "--data", fixture.folder,
                         "--catalogue", SOURCE_DIR "/tests/data/small.yaml"),
                   0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(mistakes_are_all_named_with_their_place),
      TEST(a_configuration_is_checked_with_the_catalogue_that_it_names),
      TEST(a_catalogue_that_may_not_follow_the_one_in_force_is_refused),
      TEST(a_store_that_cannot_be_read_is_no_clean_bill),
      TEST(what_is_right_is_counted),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}

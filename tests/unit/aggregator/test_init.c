/* park-aggregator init: a folder is either whole or not there. */
#include "aggregator/commands.h"
#include "aggregator/folder.h"
#include "aggregator/snapshot.h"
#include "aggregator/store/store.h"
#include "capture.h"
#include "common/command.h"
#include "common/identity.h"
#include "small.h"

#include <glib/gstdio.h>
#include <sys/stat.h>

static const struct command table[] = {
    {"init", "--data DIR --catalogue FILE", "makes a folder", command_init}, {0}};
static struct capture printed;
static char *folder, *good, *bad, *data; /* a folder of the test; catalogues in it; the data folder to make */

static int set_up(void **state)
{
  g_autofree char *text = small_text(NULL, NULL, "");

  (void)state;
  folder = g_dir_make_tmp("parktally-init-XXXXXX", NULL);
  good = g_build_filename(folder, "good.yaml", NULL);
  bad = g_build_filename(folder, "bad.yaml", NULL);
  data = g_build_filename(folder, "made", NULL);
  assert_true(g_file_set_contents(good, text, -1, NULL));
  assert_true(g_file_set_contents(bad, "format: 1\nareas: []\n", -1, NULL));
  return 0;
}

static void remove_all(const char *path)
{
  g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
  const char *name;

  while (dir && (name = g_dir_read_name(dir))) {
    g_autofree char *inside = g_build_filename(path, name, NULL);

    remove_all(inside);
  }
  assert_int_equal(g_remove(path), 0);
}

static int tear_down(void **state)
{
  (void)state;
  remove_all(folder);
  g_free(folder);
  g_free(good);
  g_free(bad);
  g_free(data);
  return 0;
}

/* Words end with NULL. */
static int init(const char *const *words)
{
  char *argv[16] = {(char *)"park-aggregator", (char *)"init"};
  int argc = 2, code;

  for (; *words; words++) argv[argc++] = (char *)*words;
  capture_begin(&printed);
  code = command_main("park-aggregator", "", table, argc, argv);
  capture_end(&printed);
  return code;
}

#define INIT(...) init((const char *const[]){__VA_ARGS__, NULL})

/* How many files there are beside the two catalogues. */
static unsigned others(void)
{
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  unsigned count = 0;

  while (g_dir_read_name(dir)) count++;
  return count - 2;
}

static void what_is_left_out_is_named(void **state)
{
  (void)state;
  assert_int_equal(init((const char *const[]){NULL}), 64);
  assert_int_equal(INIT("--data", data), 64);
  assert_non_null(strstr(printed.err, "--catalogue"));
  assert_int_equal(INIT("--catalogue", good), 64);
  assert_int_equal(INIT("--data", data, "--catalogue", good, "more"), 64);
  assert_int_equal(others(), 0);
}

static void a_catalogue_with_mistakes_makes_nothing(void **state)
{
  (void)state;
  assert_int_equal(INIT("--data", data, "--catalogue", bad), 78);
  assert_non_null(strstr(printed.err, "bad.yaml:2:"));
  assert_int_equal(INIT("--data", data, "--catalogue", "/nowhere/catalogue.yaml"), 74);
  assert_non_null(strstr(printed.err, "/nowhere/catalogue.yaml"));
  assert_int_equal(others(), 0);
}

static void a_folder_that_holds_something_stays_as_it_is(void **state)
{
  g_autofree char *file = g_build_filename(data, "notes.txt", NULL);
  g_autofree char *found = NULL;

  (void)state;
  assert_int_equal(g_mkdir(data, 0755), 0);
  assert_true(g_file_set_contents(file, "mine", -1, NULL));
  assert_int_equal(INIT("--data", data, "--catalogue", good), 78);
  assert_non_null(strstr(printed.err, data));
  assert_true(g_file_get_contents(file, &found, NULL, NULL));
  assert_string_equal(found, "mine");
  assert_int_equal(others(), 1); /* and nothing half made beside it */
}

static void an_aggregator_is_not_made_twice(void **state)
{
  (void)state;
  assert_int_equal(INIT("--data", data, "--catalogue", good), 0);
  g_autofree char *key = folder_path(data, "identity.key");
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  assert_true(g_file_get_contents(key, &before, NULL, NULL));
  assert_int_equal(INIT("--data", data, "--catalogue", good), 78);
  assert_true(g_file_get_contents(key, &after, NULL, NULL));
  assert_string_equal(before, after);
  assert_int_equal(others(), 1);
}

static void a_file_where_the_folder_should_be_is_no_place_for_it(void **state)
{
  g_autofree char *below = g_build_filename(good, "data", NULL);

  (void)state;
  assert_int_not_equal(INIT("--data", good, "--catalogue", good), 0);
  assert_int_not_equal(INIT("--data", below, "--catalogue", good), 0);
  assert_int_equal(others(), 0);
}

static void a_folder_is_made_with_those_above_it(void **state)
{
  g_autofree char *deep = g_build_filename(data, "a", "b", NULL);
  g_autofree char *slash = g_strconcat(deep, "/", NULL);

  (void)state;
  assert_int_equal(INIT("--data", slash, "--catalogue", good), 0);
  assert_true(g_file_test(deep, G_FILE_TEST_IS_DIR));
}

static void what_is_made_is_an_aggregator_with_its_catalogue_in_force(void **state)
{
  g_autofree char *key = folder_path(data, "identity.key");
  g_autofree char *path = folder_path(data, "store.db");
  g_autofree char *copy = folder_path(data, "catalogue.yaml");
  g_autofree char *text = NULL;
  struct stat status;
  g_autoptr(GError) error = NULL;

  (void)state;
  assert_int_equal(g_mkdir(data, 0755), 0); /* empty: may be there */
  assert_int_equal(INIT("--data", data, "--catalogue", good), 0);
  assert_non_null(strstr(printed.out, data));
  assert_int_equal(stat(data, &status), 0);
  assert_int_equal(status.st_mode & 0777, 0700);
  assert_int_equal(stat(key, &status), 0);
  assert_int_equal(status.st_mode & 0777, 0600);
  CLEANUP(identity_free) struct identity *identity = identity_load(key, &error);
  assert_non_null(identity);
  CLEANUP(store_close) struct store *store = store_open(path, STORE_WRITE, &error);
  if (!store) fail_msg("%s", error->message);
  assert_int_equal(store_leaf_count(store), 2); /* genesis and catalogue */
  CLEANUP(snapshot_unref) struct snapshot *snapshot = snapshot_load(store, &error);
  assert_non_null(snapshot->catalogue);
  assert_true(g_file_get_contents(copy, &text, NULL, NULL));
  assert_string_equal(snapshot->catalogue->text, text);
  /* the first leaf says whose ledger it is */
  g_autoptr(GBytes) body = store_leaf(store, 0);
  CLEANUP(leaf_free) struct leaf *leaf = leaf_decode(g_bytes_get_data(body, NULL), g_bytes_get_size(body));
  assert_int_equal(leaf->kind, LEAF_GENESIS);
  assert_memory_equal(leaf->genesis.sign_key.data, identity_sign_public(identity), SEAL_PUBLIC_KEY_SIZE);
  assert_memory_equal(leaf->genesis.curve_key.data, identity_curve_public(identity), CURVE_KEY_SIZE);
  assert_int_equal(others(), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(what_is_left_out_is_named),
      TEST(a_catalogue_with_mistakes_makes_nothing),
      TEST(a_folder_that_holds_something_stays_as_it_is),
      TEST(an_aggregator_is_not_made_twice),
      TEST(a_file_where_the_folder_should_be_is_no_place_for_it),
      TEST(a_folder_is_made_with_those_above_it),
      TEST(what_is_made_is_an_aggregator_with_its_catalogue_in_force),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}

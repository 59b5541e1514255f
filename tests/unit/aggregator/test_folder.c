#include "aggregator/folder.h"

#include "common/error.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
  char *folder;
  char *config; /* aggregator.yaml in it */
};

static int set_up(void **state)
{
  struct place *place = g_new0(struct place, 1);
  place->folder = g_dir_make_tmp("parktally-folder-XXXXXX", NULL);
  place->config = folder_path(place->folder, "aggregator.yaml");
  g_unsetenv("PARKTALLY_DATA");
  *state = place;
  return 0;
}

static int tear_down(void **state)
{
  struct place *place = (struct place *)*state;
  g_autoptr(GDir) folder = g_dir_open(place->folder, 0, NULL);
  const char *name;
  while ((name = g_dir_read_name(folder))) {
    g_autofree char *path = folder_path(place->folder, name);
    g_unlink(path);
  }
  g_rmdir(place->folder);
  g_free(place->folder);
  g_free(place->config);
  g_free(place);
  return 0;
}

static void write_config(struct place *place, const char *text)
{
  assert_true(g_file_set_contents(place->config, text, -1, NULL));
}

static struct aggregator_config *read_config(const char *path, const char *data)
{
  g_autoptr(GError) error = NULL;
  struct aggregator_config *config = folder_config(path, data, &error);
  if (!config) fail_msg("%s", error->message);
  return config;
}

static void every_mistake_is_told_with_its_place(void **state)
{
  struct place *place = (struct place *)*state;
  write_config(place, "listen: tcp://0.0.0.0:7650\n"
                      "lisen: tcp://0.0.0.0:7650\n"
                      "enrol: 7651\n"
                      "announce: [a, b]\n"
                      "reports_for: zhangsan\n");
  g_autoptr(GError) error = NULL;
  assert_null(folder_config(place->config, NULL, &error));
  assert_int_equal(error->code, ERROR_CONFIG);
  static const char *const words[] = {
      "aggregator.yaml:2:1:",  "listen",     "aggregator.yaml:3:8:", "7651", "aggregator.yaml:4:11:",
      "aggregator.yaml:5:14:", "reports_for"};
  for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
    if (!strstr(error->message, words[i])) fail_msg("\"%s\" does not say %s", error->message, words[i]);
}

static void an_address_is_checked_for_its_use(void **state)
{
  struct place *place = (struct place *)*state;
  static const struct {
    const char *address;
    bool may_listen, may_announce;
  } cases[] = {
      {"tcp://0.0.0.0:7650", true, false},
      {"tcp://*:7650", true, false},
      {"tcp://127.0.0.1:*", true, false},
      {"tcp://[::1]:7650", true, true},
      {"tcp://tongji.example.cn:7650", true, true},
      {"tcp://127.0.0.1:65535", true, true},
      {"tcp://127.0.0.1:65536", false, false},
      {"tcp://127.0.0.1:0", false, false},
      {"tcp://127.0.0.1:", false, false},
      {"tcp://127.0.0.1:+1", false, false},
      {"tcp://127.0.0.1", false, false},
      {"tcp://:7650", false, false},
      {"tcp://", false, false},
      {"tcp://::1:7650", false, false},
      {"tcp://a b:7650", false, false},
      {"tcp://a/b:7650", false, false},
      {"ipc:///tmp/a:1", false, false},
      {"http://a:80", false, false},
      {"127.0.0.1:7650", false, false},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    for (unsigned announce = 0; announce < 2; announce++) {
      g_autofree char *text =
          g_strdup_printf("%s: \"%s\"\n", announce ? "announce" : "listen", cases[i].address);
      write_config(place, text);
      CLEANUP(aggregator_config_free)
      struct aggregator_config *config = folder_config(place->config, NULL, NULL);
      bool expected = announce ? cases[i].may_announce : cases[i].may_listen;
      if ((config != NULL) != expected) fail_msg("%s", text);
      if (config) assert_string_equal(announce ? config->announce : config->listen, cases[i].address);
    }
  }
}

static void a_file_that_cannot_be_read_is_an_error(void **state)
{
  struct place *place = (struct place *)*state;
  g_autoptr(GError) error = NULL;
  assert_null(folder_config(place->config, NULL, &error)); /* named, and not there */
  assert_int_equal(error->code, ERROR_CONFIG);
  assert_non_null(strstr(error->message, place->config));
  g_clear_error(&error);
  assert_null(folder_config(place->folder, NULL, &error)); /* a folder */
  assert_int_equal(error->code, ERROR_CONFIG);
  g_clear_error(&error);
  write_config(place, "listen: x\n");
  assert_int_equal(truncate(place->config, INT64_C(2) << 30), 0); /* not read into memory */
  assert_null(folder_config(place->config, NULL, &error));
  assert_int_equal(error->code, ERROR_CONFIG);
  assert_non_null(strstr(error->message, "2147483648"));
  g_clear_error(&error);
  write_config(place, "listen: [\n");
  assert_null(folder_config(place->config, NULL, &error));
  assert_int_equal(error->code, ERROR_CONFIG);
}

static void without_a_file_there_are_defaults(void **state)
{
  struct place *place = (struct place *)*state;
  CLEANUP(aggregator_config_free) struct aggregator_config *config = read_config(NULL, place->folder);
  g_autofree char *catalogue = folder_path(place->folder, "catalogue.yaml");
  assert_string_equal(config->data, place->folder);
  assert_string_equal(config->catalogue, catalogue);
  assert_string_equal(config->listen, "tcp://0.0.0.0:7650");
  assert_string_equal(config->enrol, "tcp://0.0.0.0:7651");
  assert_null(config->announce);
  assert_null(config->announce_enrol);
  assert_null(config->reports_for[0]);
  write_config(place, "# nothing yet\nreports_for: [zhangsan, 李四]\n");
  CLEANUP(aggregator_config_free) struct aggregator_config *empty = read_config(NULL, place->folder);
  assert_string_equal(empty->listen, "tcp://0.0.0.0:7650");
  assert_int_equal(g_strv_length(empty->reports_for), 2);
  assert_string_equal(empty->reports_for[1], "李四");
}

static void the_environment_names_the_data_folder(void **state)
{
  struct place *place = (struct place *)*state;
  g_autofree char *inside = folder_path(place->folder, "inside");
  CLEANUP(aggregator_config_free) struct aggregator_config *plain = read_config(NULL, NULL);
  assert_string_equal(plain->data, "/var/lib/park-aggregator");
  write_config(place, "listen: tcp://127.0.0.1:1\n");
  g_setenv("PARKTALLY_DATA", place->folder, TRUE);
  CLEANUP(aggregator_config_free) struct aggregator_config *config = read_config(NULL, NULL);
  assert_string_equal(config->data, place->folder);
  assert_string_equal(config->listen, "tcp://127.0.0.1:1");
  CLEANUP(aggregator_config_free) struct aggregator_config *other = read_config(NULL, inside);
  assert_string_equal(other->data, inside); /* the option goes first */
  assert_string_equal(other->listen, "tcp://0.0.0.0:7650");
}

static void paths_in_a_file_start_at_its_folder(void **state)
{
  struct place *place = (struct place *)*state;
  write_config(place, "data: data\ncatalogue: ../zone.yaml\n");
  CLEANUP(aggregator_config_free) struct aggregator_config *config = read_config(place->config, NULL);
  g_autofree char *data = folder_path(place->folder, "data");
  g_autofree char *above = g_path_get_dirname(place->folder);
  g_autofree char *catalogue = folder_path(above, "zone.yaml");
  assert_string_equal(config->data, data);
  assert_string_equal(config->catalogue, catalogue);
  CLEANUP(aggregator_config_free) struct aggregator_config *given = read_config(place->config, "/srv/other");
  assert_string_equal(given->data, "/srv/other");
  /* Found in a data folder, a file belongs to that folder. */
  CLEANUP(aggregator_config_free) struct aggregator_config *found = read_config(NULL, place->folder);
  assert_string_equal(found->data, place->folder);
}

static void the_shipped_example_is_sound_and_names_every_key(void **state)
{
  (void)state;
  g_autofree char *path = g_build_filename(SOURCE_DIR, "deploy", "aggregator.example.yaml", NULL);
  CLEANUP(aggregator_config_free) struct aggregator_config *config = read_config(path, NULL);
  assert_string_equal(config->data, "/var/lib/park-aggregator");
  assert_string_equal(config->catalogue, "/var/lib/park-aggregator/catalogue.yaml");
  assert_string_equal(config->listen, "tcp://0.0.0.0:7650"); /* its defaults are ours */
  assert_string_equal(config->enrol, "tcp://0.0.0.0:7651");
  assert_null(config->reports_for[0]);
  assert_null(config->announce); /* a copy of the example names nobody's machine */
  assert_null(config->announce_enrol);
}

static void a_folder_is_locked_by_one_at_a_time(void **state)
{
  struct place *place = (struct place *)*state;
  g_autoptr(GError) error = NULL;
  int lock = folder_lock(place->folder, &error);
  assert_true(lock >= 0);
  g_autofree char *path = folder_path(place->folder, "lock");
  GStatBuf status;
  assert_int_equal(g_stat(path, &status), 0);
  assert_int_equal(status.st_mode & 0777, 0600);
  assert_int_equal(folder_lock(place->folder, &error), -1);
  assert_int_equal(error->code, ERROR_TEMPORARY);
  assert_non_null(strstr(error->message, place->folder));
  g_clear_error(&error);
  close(lock);
  lock = folder_lock(place->folder, &error);
  assert_true(lock >= 0);
  close(lock);
}

static void a_folder_that_is_not_there_cannot_be_locked(void **state)
{
  struct place *place = (struct place *)*state;
  g_autofree char *none = folder_path(place->folder, "none");
  g_autoptr(GError) error = NULL;
  assert_int_equal(folder_lock(none, &error), -1);
  assert_int_equal(error->code, ERROR_CONFIG);
  assert_non_null(strstr(error->message, "init"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      CASE(every_mistake_is_told_with_its_place),
      CASE(an_address_is_checked_for_its_use),
      CASE(a_file_that_cannot_be_read_is_an_error),
      CASE(without_a_file_there_are_defaults),
      CASE(the_environment_names_the_data_folder),
      CASE(paths_in_a_file_start_at_its_folder),
      CASE(the_shipped_example_is_sound_and_names_every_key),
      CASE(a_folder_is_locked_by_one_at_a_time),
      CASE(a_folder_that_is_not_there_cannot_be_locked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

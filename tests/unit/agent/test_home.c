#include "fixture_home.h"

#include "common/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static void assert_refused(int code, const char *word)
{
  g_autoptr(GError) error = NULL;
  assert_null(home_open(fixture.data, NULL, &error));
  assert_true(g_error_matches(error, PARKTALLY_ERROR, code));
  assert_non_null(strstr(error->message, word));
}

/* Replaces the first `from` in a file of the data folder. */
static void damage(const char *name, const char *from, const char *to)
{
  g_autofree char *path = g_build_filename(fixture.data, name, NULL);
  g_autofree char *text = NULL;
  assert_true(g_file_get_contents(path, &text, NULL, NULL));
  char *at = strstr(text, from);
  assert_non_null(at);
  memcpy(at, to, strlen(to));
  assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void set_time(const char *name, time_t seconds)
{
  g_autofree char *path = g_build_filename(fixture.data, name, NULL);
  const struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
  assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void a_folder_that_is_not_enrolled_says_how_to_join(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  assert_null(home_open("/nowhere/at/all", NULL, &error));
  assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_CONFIG));
  assert_non_null(strstr(error->message, "park-agent join"));
}

static void a_damaged_enrolment_is_refused(void **state)
{
  (void)state;
  static const char *const DAMAGES[][2] = {
      {"tcp://", "tcq://"},       {"server_curve=", "server_curse="},
      {"version=1", "version=9"}, {"certificate=5", "certificate=6"},
      {"[enrol", "[enrul"},
  };
  g_autofree char *path = g_build_filename(fixture.data, "enrolment", NULL);
  g_autofree char *sound = NULL;
  assert_true(g_file_get_contents(path, &sound, NULL, NULL));
  for (size_t i = 0; i < G_N_ELEMENTS(DAMAGES); i++) {
    damage("enrolment", DAMAGES[i][0], DAMAGES[i][1]);
    assert_refused(ERROR_CONFIG, "damaged");
    assert_true(g_file_set_contents(path, sound, -1, NULL));
  }
  home_free(fixture.home);
  fixture.home = home_open(fixture.data, NULL, NULL);
  assert_non_null(fixture.home);
}

static void keys_that_others_can_read_are_refused(void **state)
{
  (void)state;
  g_autofree char *path = g_build_filename(fixture.data, "identity.key", NULL);
  assert_int_equal(chmod(path, 0644), 0);
  assert_refused(ERROR_PERMISSION, "identity.key");
}

static void other_keys_than_those_enrolled_are_refused(void **state)
{
  (void)state;
  g_autofree char *path = g_build_filename(fixture.data, "identity.key", NULL);
  assert_int_equal(g_remove(path), 0);
  identity_free(identity_create(path, NULL));
  assert_refused(ERROR_CONFIG, "other keys");
}

static void what_is_stored_is_for_its_owner_alone(void **state)
{
  (void)state;
  static const char *const FILES[] = {"enrolment",      "identity.key",     "catalogue.yaml", "register.csv",
                                      "register.image", "register.checked", "lock.push"};
  int lock = home_lock(fixture.data, "push", false, NULL);
  for (size_t i = 0; i < G_N_ELEMENTS(FILES); i++) {
    g_autofree char *path = g_build_filename(fixture.data, FILES[i], NULL);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 077, 0);
  }
  close(lock);
}

static void documents_are_read_again_at_the_next_start(void **state)
{
  (void)state;
  fixture_home_reopen(&fixture);
  assert_non_null(fixture.home->catalogue);
  assert_non_null(fixture.home->units);
  assert_int_equal(register_size(fixture.home->units), FIXTURE_UNITS);
  assert_int_equal(fixture.home->area, catalogue_area(fixture.home->catalogue, "east"));
  assert_null(fixture.home->trouble);
}

static void a_damaged_document_is_set_aside_and_named(void **state)
{
  (void)state;
  damage("register.csv", "C3610", "C3611");
  fixture_home_reopen(&fixture);
  assert_non_null(fixture.home->catalogue);
  assert_null(fixture.home->units);
  assert_non_null(strstr(fixture.home->trouble, "register.csv"));
}

static void a_document_with_another_seal_is_set_aside(void **state)
{
  (void)state;
  g_autofree char *from = g_build_filename(fixture.data, "register.seal", NULL);
  g_autofree char *to = g_build_filename(fixture.data, "catalogue.seal", NULL);
  assert_int_equal(g_rename(from, to), 0); /* as a kill between two files could leave it */
  fixture_home_reopen(&fixture);
  assert_null(fixture.home->catalogue);
  assert_null(fixture.home->units);
  assert_non_null(fixture.home->trouble);
}

static void a_document_that_does_not_compile_leaves_the_old_one_in_use(void **state)
{
  (void)state;
  static const char TEXT[] = "format: 1\nareas: 7\n";
  g_autoptr(GError) error = NULL;
  g_autoptr(GByteArray) manifest = fixture_manifest(&fixture, DOCUMENT_OF_CATALOGUE, TEXT, strlen(TEXT));
  struct catalogue *before = fixture.home->catalogue;
  assert_false(home_store_document(fixture.home, DOCUMENT_OF_CATALOGUE, (const uint8_t *)TEXT, strlen(TEXT),
                                   manifest->data, manifest->len, &error));
  assert_ptr_equal(fixture.home->catalogue, before);
  fixture_home_reopen(&fixture);
  assert_non_null(fixture.home->catalogue);
}

static void what_another_process_stores_is_taken_into_use(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  struct home *other = home_open(fixture.data, NULL, &error);
  assert_non_null(other);
  struct unit_register *before = other->units;
  assert_true(home_refresh(other, &error));
  assert_ptr_equal(other->units, before);
  g_autofree char *text = fixture_register_text(3);
  fixture_home_store(&fixture, DOCUMENT_OF_REGISTER, text);
  assert_true(home_refresh(other, &error));
  assert_int_equal(register_size(other->units), 3);
  home_free(other);
}

static char *image_path(void)
{
  return g_build_filename(fixture.data, "register.image", NULL);
}

/* An image of 3 units for the register of FIXTURE_UNITS, as nobody would make it: it shows what was read. */
static void put_strange_image(const uint8_t document[SEAL_HASH_SIZE], const uint8_t other[SEAL_HASH_SIZE])
{
  g_autofree char *path = image_path(), *text = fixture_register_text(3);
  CLEANUP(register_unref) struct unit_register *units = NULL;
  assert_true(
      register_read_csv(fixture.home->catalogue, "three", text, strlen(text), NULL, NULL, &units, NULL));
  g_autoptr(GBytes) image = register_image(units, document, other);
  gsize length;
  const void *data = g_bytes_get_data(image, &length);
  assert_true(g_file_set_contents(path, data, (gssize)length, NULL));
}

static void an_image_that_is_not_of_the_register_in_force_is_made_anew(void **state)
{
  (void)state;
  static const uint8_t other[SEAL_HASH_SIZE] = {1};
  uint8_t hash[SEAL_HASH_SIZE];
  memcpy(hash, fixture.home->register_hash, sizeof hash);
  g_autofree char *path = image_path();
  for (int i = 0; i < 4; i++) {
    switch (i) {
    case 0:
      put_strange_image(other, fixture.home->catalogue->hash);
      break;
    case 1:
      put_strange_image(hash, other);
      break;
    case 2:
      assert_true(g_file_set_contents(path, "damaged", -1, NULL));
      break;
    default:
      assert_int_equal(g_remove(path), 0);
    }
    fixture_home_reopen(&fixture);
    assert_int_equal(register_size(fixture.home->units), FIXTURE_UNITS);
    assert_null(fixture.home->trouble);
    CLEANUP(register_unref)
    struct unit_register *image = register_open_image(path, hash, fixture.home->catalogue->hash);
    assert_non_null(image);
    assert_int_equal(register_size(image), FIXTURE_UNITS);
  }
}

static void an_image_spares_reading_the_register_but_not_checking_it(void **state)
{
  (void)state;
  put_strange_image(fixture.home->register_hash, fixture.home->catalogue->hash);
  fixture_home_reopen(&fixture);
  assert_int_equal(register_size(fixture.home->units), 3);
  damage("register.csv", "C3610", "C3611");
  set_time("register.csv", 1);
  fixture_home_reopen(&fixture);
  assert_null(fixture.home->units);
  assert_non_null(fixture.home->trouble);
}

/* It shows by a mistake that only reading would find. */
static void a_register_that_was_checked_is_read_again_only_where_anything_changed(void **state)
{
  (void)state;
  static const char *const NAMES[] = {"register.csv", "register.image", "register.checked", "register.seal"};
  set_time("register.csv", 5);
  fixture_home_reopen(&fixture); /* finds it changed, but right */
  damage("register.csv", "C3610", "C3611");
  set_time("register.csv", 5);
  fixture_home_reopen(&fixture);
  assert_null(fixture.home->trouble);
  assert_int_equal(register_size(fixture.home->units), FIXTURE_UNITS);
  for (size_t i = 0; i < G_N_ELEMENTS(NAMES); i++) {
    g_autofree char *path = g_build_filename(fixture.data, NAMES[i], NULL);
    g_autofree char *content = NULL;
    gsize length;
    assert_true(g_file_get_contents(path, &content, &length, NULL));
    char *changed = content + length - 3; /* the number of the time, in `checked` */
    *changed = (char)(*changed ^ 1);
    assert_true(g_file_set_contents(path, content, (gssize)length, NULL));
    if (i == 0) set_time(NAMES[i], 6);
    fixture_home_reopen(&fixture);
    assert_null(fixture.home->units);
    assert_non_null(fixture.home->trouble);
    *changed = (char)(*changed ^ 1);
    assert_true(g_file_set_contents(path, content, (gssize)length, NULL));
    set_time("register.csv", 5);
    fixture_home_reopen(&fixture);
    assert_null(fixture.home->trouble);
    assert_int_equal(register_size(fixture.home->units), FIXTURE_UNITS);
  }
}

static void a_register_without_its_file_is_none(void **state)
{
  (void)state;
  g_autofree char *path = g_build_filename(fixture.data, "register.csv", NULL);
  assert_int_equal(g_remove(path), 0);
  fixture_home_reopen(&fixture);
  assert_null(fixture.home->units);
}

static void an_image_that_cannot_be_written_is_done_without(void **state)
{
  (void)state;
  g_autofree char *path = image_path();
  assert_int_equal(g_remove(path), 0);
  assert_int_equal(g_mkdir(path, 0700), 0);
  fixture_home_reopen(&fixture);
  assert_int_equal(register_size(fixture.home->units), FIXTURE_UNITS);
  assert_null(fixture.home->trouble);
  assert_int_equal(g_rmdir(path), 0);
}

static void a_lock_is_held_by_one_at_a_time(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  int first = home_lock(fixture.data, "link", false, &error);
  assert_true(first >= 0);
  assert_int_equal(home_lock(fixture.data, "link", false, &error), -1);
  assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_TEMPORARY));
  int other = home_lock(fixture.data, "push", false, NULL);
  assert_true(other >= 0);
  close(other);
  close(first);
  int again = home_lock(fixture.data, "link", false, NULL);
  assert_true(again >= 0);
  close(again);
}

static void every_mistake_of_the_configuration_is_named_with_its_place(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  g_autofree char *path =
      fixture_file(&fixture, "agent.yaml", "submit_folder: in\nreviewfolder: [a]\ntelephone: {}\n");
  assert_false(home_check_config(path, &error));
  assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_CONFIG));
  assert_non_null(strstr(error->message, ":1:"));
  assert_non_null(strstr(error->message, "approved_by"));
  assert_non_null(strstr(error->message, ":2:"));
  assert_non_null(strstr(error->message, ":3:"));
}

static void a_heading_that_stands_twice_is_named(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  g_autofree char *path = fixture_file(&fixture, "agent.yaml",
                                       "mappings:\n"
                                       "  - columns:\n"
                                       "      企业代码: unit\n"
                                       "      企业 代码: period\n"); /* the same but for a blank */
  assert_false(home_check_config(path, &error));
  assert_non_null(strstr(error->message, ":4:7: "));
  assert_non_null(strstr(error->message, "“企业代码”"));
}

static void a_configuration_that_is_named_must_exist(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  assert_null(home_open(fixture.data, "/nowhere/agent.yaml", &error));
  assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_CONFIG));
}

static void folders_stand_beside_the_configuration(void **state)
{
  (void)state;
  G_GNUC_UNUSED g_autofree char *path = fixture_file(&fixture, "data/agent.yaml",
                                                     "review_folder: 待审\nsubmit_folder: /srv/报送\n"
                                                     "approved_by: 张三\n");
  fixture_home_reopen(&fixture);
  g_autofree char *review = g_build_filename(fixture.data, "待审", NULL);
  assert_string_equal(fixture.home->config.review_folder, review);
  assert_string_equal(fixture.home->config.submit_folder, "/srv/报送");
  assert_string_equal(fixture.home->config.approved_by, "张三");
  assert_string_equal(fixture.home->config.proxy, "");
}

static void the_example_that_is_shipped_is_right(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  if (!home_check_config(SOURCE_DIR "/deploy/agent.example.yaml", &error)) fail_msg("%s", error->message);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(a_folder_that_is_not_enrolled_says_how_to_join),
      TEST(a_damaged_enrolment_is_refused),
      TEST(keys_that_others_can_read_are_refused),
      TEST(other_keys_than_those_enrolled_are_refused),
      TEST(what_is_stored_is_for_its_owner_alone),
      TEST(documents_are_read_again_at_the_next_start),
      TEST(a_damaged_document_is_set_aside_and_named),
      TEST(a_document_with_another_seal_is_set_aside),
      TEST(a_document_that_does_not_compile_leaves_the_old_one_in_use),
      TEST(what_another_process_stores_is_taken_into_use),
      TEST(an_image_that_is_not_of_the_register_in_force_is_made_anew),
      TEST(an_image_spares_reading_the_register_but_not_checking_it),
      TEST(a_register_that_was_checked_is_read_again_only_where_anything_changed),
      TEST(a_register_without_its_file_is_none),
      TEST(an_image_that_cannot_be_written_is_done_without),
      TEST(a_lock_is_held_by_one_at_a_time),
      TEST(every_mistake_of_the_configuration_is_named_with_its_place),
      TEST(a_heading_that_stands_twice_is_named),
      TEST(a_configuration_that_is_named_must_exist),
      TEST(folders_stand_beside_the_configuration),
      TEST(the_example_that_is_shipped_is_right),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "common/identity.h"

#include "common/error.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
  char *folder, *path;
};

static int set_up(void **state)
{
  struct place *place = g_new0(struct place, 1);
  place->folder = g_dir_make_tmp("parktally-identity-XXXXXX", NULL);
  place->path = g_build_filename(place->folder, "identity", NULL);
  *state = place;
  return place->folder == NULL;
}

static int tear_down(void **state)
{
  struct place *place = *state;
  g_unlink(place->path);
  int result = g_rmdir(place->folder); /* fails if anything else was left behind */
  g_free(place->path);
  g_free(place->folder);
  g_free(place);
  return result;
}

static void assert_refused(const char *path, int code)
{
  g_autoptr(GError) error = NULL;
  assert_null(identity_load(path, &error));
  assert_true(g_error_matches(error, PARKTALLY_ERROR, code));
  assert_non_null(strstr(error->message, path));
}

static void make(const char *path)
{
  g_autoptr(GError) error = NULL;
  CLEANUP(identity_free) struct identity *identity = identity_create(path, &error);
  assert_null(error);
  assert_non_null(identity);
}

static void a_missing_file_is_an_error(void **state)
{
  assert_refused(((struct place *)*state)->path, ERROR_CONFIG);
}

static void a_file_that_others_can_read_is_refused(void **state)
{
  const char *path = ((struct place *)*state)->path;
  make(path);
  static const mode_t modes[] = {0640, 0604, 0620, 0602, 0610, 0601, 0666};
  for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
    assert_int_equal(g_chmod(path, modes[i]), 0);
    assert_refused(path, ERROR_PERMISSION);
  }
  assert_int_equal(g_chmod(path, 0600), 0);
  CLEANUP(identity_free) struct identity *identity = identity_load(path, NULL);
  assert_non_null(identity);
}

static void a_file_with_any_byte_changed_is_refused(void **state)
{
  const char *path = ((struct place *)*state)->path;
  make(path);
  g_autofree char *whole = NULL;
  size_t length;
  assert_true(g_file_get_contents(path, &whole, &length, NULL));
  for (size_t i = 0; i < length; i++) {
    whole[i] ^= 1;
    assert_true(g_file_set_contents_full(path, whole, (gssize)length, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    assert_refused(path, ERROR_CONFIG);
    whole[i] ^= 1;
  }
}

static void a_shorter_or_longer_file_is_refused(void **state)
{
  const char *path = ((struct place *)*state)->path;
  make(path);
  struct stat status;
  assert_int_equal(stat(path, &status), 0);
  assert_int_equal(truncate(path, status.st_size + 1), 0);
  assert_refused(path, ERROR_CONFIG);
  assert_int_equal(truncate(path, status.st_size - 1), 0);
  assert_refused(path, ERROR_CONFIG);
  assert_int_equal(truncate(path, 0), 0);
  assert_refused(path, ERROR_CONFIG);
}

/* Two halves that do not belong together, with a checksum that holds: as after mending a file by hand. */
static void keys_whose_halves_do_not_fit_are_refused(void **state)
{
  const char *path = ((struct place *)*state)->path;
  make(path);
  g_autofree char *whole = NULL;
  size_t length;
  assert_true(g_file_get_contents(path, &whole, &length, NULL));
  assert_int_equal(length, 200);
  static const size_t keys[] = {8, 40, 72, 104, 136};
  for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
    g_autofree uint8_t *other = g_memdup2(whole, length);
    other[keys[i] + 5] ^= 1;
    seal_hash(other, length - SEAL_HASH_SIZE, other + length - SEAL_HASH_SIZE);
    assert_true(
        g_file_set_contents_full(path, (char *)other, (gssize)length, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    assert_refused(path, ERROR_CONFIG);
  }
}

static void links_pipes_and_folders_are_refused(void **state)
{
  struct place *place = *state;
  g_autofree char *other = g_build_filename(place->folder, "link", NULL);
  make(place->path);
  assert_int_equal(symlink(place->path, other), 0);
  assert_refused(other, ERROR_CONFIG);
  g_unlink(other);
  assert_int_equal(mkfifo(other, 0600), 0);
  assert_refused(other, ERROR_CONFIG);
  g_unlink(other);
  assert_refused(place->folder, ERROR_CONFIG);
}

static void keys_that_exist_are_never_overwritten(void **state)
{
  struct place *place = *state;
  make(place->path);
  g_autofree char *before = NULL, *after = NULL;
  size_t length;
  assert_true(g_file_get_contents(place->path, &before, &length, NULL));
  g_autoptr(GError) error = NULL;
  assert_null(identity_create(place->path, &error));
  assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_CONFIG));
  assert_true(g_file_get_contents(place->path, &after, &length, NULL));
  assert_memory_equal(before, after, length);
}

static void a_folder_that_does_not_exist_is_an_error(void **state)
{
  struct place *place = *state;
  g_autofree char *path = g_build_filename(place->folder, "missing", "identity", NULL);
  g_autoptr(GError) error = NULL;
  assert_null(identity_create(path, &error));
  assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_IO));
}

static void what_was_made_is_private_and_loads_again(void **state)
{
  const char *path = ((struct place *)*state)->path;
  umask(0);
  CLEANUP(identity_free) struct identity *made = identity_create(path, NULL);
  assert_non_null(made);
  struct stat status;
  assert_int_equal(stat(path, &status), 0);
  assert_int_equal(status.st_mode & 07777, 0600);
  assert_int_equal(status.st_nlink, 1);

  CLEANUP(identity_free) struct identity *loaded = identity_load(path, NULL);
  assert_non_null(loaded);
  assert_memory_equal(identity_curve_public(made), identity_curve_public(loaded), CURVE_KEY_SIZE);
  assert_memory_equal(identity_curve_secret(made), identity_curve_secret(loaded), CURVE_KEY_SIZE);
  assert_memory_equal(identity_sign_public(made), identity_sign_public(loaded), SEAL_PUBLIC_KEY_SIZE);
  assert_memory_equal(identity_sign_secret(made), identity_sign_secret(loaded), SEAL_SECRET_KEY_SIZE);
}

static void two_identities_share_no_key(void **state)
{
  struct place *place = *state;
  CLEANUP(identity_free) struct identity *first = identity_create(place->path, NULL);
  g_unlink(place->path);
  CLEANUP(identity_free) struct identity *second = identity_create(place->path, NULL);
  assert_memory_not_equal(identity_curve_secret(first), identity_curve_secret(second), CURVE_KEY_SIZE);
  assert_memory_not_equal(identity_sign_secret(first), identity_sign_secret(second), 32);
}

static void seals_open_with_the_public_key(void **state)
{
  CLEANUP(identity_free) struct identity *identity = identity_create(((struct place *)*state)->path, NULL);
  g_autoptr(GByteArray) sealed = identity_seal(identity, SEAL_RECEIPT, (const uint8_t *)"x", 1, NULL);
  const uint8_t *payload;
  size_t length;
  assert_int_equal(seal_open(sealed->data, sealed->len, SEAL_RECEIPT, identity_sign_public(identity),
                             &payload, &length, NULL),
                   SEAL_OK);
}

/* --- copies that a passphrase protects --- */

static void a_copy_opens_with_its_passphrase_alone(void **state)
{
  const char *path = ((struct place *)*state)->path;
  g_autofree char *copy = g_strconcat(path, ".copy", NULL);
  g_autoptr(GError) error = NULL;
  make(path);
  CLEANUP(identity_free) struct identity *identity = identity_load(path, NULL);
  assert_true(identity_back_up(identity, copy, "correct horse", NULL));
  assert_true(identity_is_backup(copy));
  assert_false(identity_is_backup(path));
  assert_false(identity_back_up(identity, copy, "correct horse", NULL)); /* is never overwritten */
  assert_null(identity_load_backup(copy, "correct horsf", &error));
  assert_int_equal(error->code, ERROR_PERMISSION);
  assert_null(identity_load_backup(path, "correct horse", NULL));
  CLEANUP(identity_free) struct identity *again = identity_load_backup(copy, "correct horse", NULL);
  assert_non_null(again);
  assert_memory_equal(identity_sign_secret(again), identity_sign_secret(identity), SEAL_SECRET_KEY_SIZE);
  assert_memory_equal(identity_curve_secret(again), identity_curve_secret(identity), CURVE_KEY_SIZE);

  g_autofree char *bytes = NULL;
  gsize length;
  assert_true(g_file_get_contents(copy, &bytes, &length, NULL));
  bytes[length - 1] ^= 1;
  assert_true(g_file_set_contents(copy, bytes, (gssize)length, NULL));
  assert_null(identity_load_backup(copy, "correct horse", NULL));
  assert_true(g_file_set_contents(copy, bytes, (gssize)length - 1, NULL));
  assert_null(identity_load_backup(copy, "correct horse", NULL));
  g_unlink(copy);
}

static void keys_are_stored_elsewhere_as_they_are(void **state)
{
  const char *path = ((struct place *)*state)->path;
  g_autofree char *copy = g_strconcat(path, ".copy", NULL);
  make(path);
  CLEANUP(identity_free) struct identity *identity = identity_load(path, NULL);
  assert_true(identity_store(identity, copy, NULL));
  assert_false(identity_store(identity, copy, NULL));
  CLEANUP(identity_free) struct identity *again = identity_load(copy, NULL);
  assert_non_null(again);
  assert_memory_equal(identity_sign_secret(again), identity_sign_secret(identity), SEAL_SECRET_KEY_SIZE);
  g_unlink(copy);
}

static void a_guarded_process_leaves_no_core_dump(void **state)
{
  (void)state;
  int before = prctl(PR_GET_DUMPABLE);
  identity_guard_process();
  int after = prctl(PR_GET_DUMPABLE);
  prctl(PR_SET_DUMPABLE, before);
  assert_int_equal(before, 1);
  assert_int_equal(after, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(a_missing_file_is_an_error),
      TEST(a_file_that_others_can_read_is_refused),
      TEST(a_file_with_any_byte_changed_is_refused),
      TEST(a_shorter_or_longer_file_is_refused),
      TEST(keys_whose_halves_do_not_fit_are_refused),
      TEST(links_pipes_and_folders_are_refused),
      TEST(keys_that_exist_are_never_overwritten),
      TEST(a_folder_that_does_not_exist_is_an_error),
      TEST(what_was_made_is_private_and_loads_again),
      TEST(two_identities_share_no_key),
      TEST(seals_open_with_the_public_key),
      TEST(a_copy_opens_with_its_passphrase_alone),
      TEST(keys_are_stored_elsewhere_as_they_are),
      TEST(a_guarded_process_leaves_no_core_dump),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

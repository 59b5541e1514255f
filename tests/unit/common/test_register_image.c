#include "common/checksum.h"
#include "common/register.h"

#include "common/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static uint32_t seed = 20180512;
static bool full;
static char *folder, *path;
static const uint8_t document[CATALOGUE_HASH_SIZE] = {0xFF, 1, 2}, catalogue[CATALOGUE_HASH_SIZE] = {3, 4};

/* `units` of one to three versions; every text differs from its neighbours, some are shared. */
static struct unit_register *make(GRand *random, unsigned units)
{
  static const char *const PARKS[] = {"east", "east;west", "西"};
  struct register_builder *builder = register_builder_new();
  for (unsigned i = 0; i < units; i++) {
    int versions = g_rand_int_range(random, 1, 4);
    for (int j = 0; j < versions; j++) {
      char unit[16], name[64];
      g_snprintf(unit, sizeof unit, "u%05u", i);
      g_snprintf(name, sizeof name, "企业%u %.*s", i, g_rand_int_range(random, 0, 30),
                 "                              ");
      struct unit_version version = {.unit = unit,
                                     .class = "enterprise",
                                     .parent = i % 3 ? unit : "owner",
                                     .name = name,
                                     .parks = PARKS[g_rand_int_range(random, 0, 3)],
                                     .reporter = "east",
                                     .in_boundary = g_rand_boolean(random),
                                     .industry = "C36",
                                     .clusters = "steel",
                                     .flags = "",
                                     .status = "正常",
                                     .succeeds = i % 5 ? "" : name,
                                     .from = j * 100,
                                     .to = j == versions - 1 ? DAY_NONE : j * 100 + 99};
      register_builder_add(builder, &version);
    }
  }
  return register_builder_finish(builder);
}

static struct unit_register *make_seeded(unsigned units)
{
  g_autoptr(GRand) random = g_rand_new_with_seed(seed);
  return make(random, units);
}

static void put_file(const void *data, size_t length)
{
  g_remove(path); /* never written to: others may have mapped it */
  assert_true(g_file_set_contents_full(path, data, (gssize)length, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

static GBytes *put_image(const struct unit_register *reg)
{
  GBytes *image = register_image(reg, document, catalogue);
  gsize length;
  const void *data = g_bytes_get_data(image, &length);
  put_file(data, length);
  return image;
}

static void assert_same(const struct unit_register *a, const struct unit_register *b)
{
  assert_int_equal(register_size(a), register_size(b));
  for (size_t n = 0; n < register_size(a); n++) {
    const struct unit_version *x = register_nth(a, n), *y = register_nth(b, n), *first = NULL, *other = NULL;
    assert_string_equal(x->unit, y->unit);
    assert_int_equal(x->from, y->from);
    assert_true(unit_version_equal(x, y));
    assert_int_equal(register_unit(b, x->unit, &first), register_unit(a, x->unit, &other));
    assert_int_equal(register_index(b, first), register_index(a, other));
  }
  const struct unit_version *none;
  assert_int_equal(register_unit(b, "unknown", &none), 0);
}

static void assert_none(const char *what, size_t n)
{
  CLEANUP(register_unref) struct unit_register *reg = register_open_image(path, document, catalogue);
  if (reg) fail_msg("%s %zu", what, n);
}

static void an_image_that_is_not_there_is_none(void **state)
{
  (void)state;
  g_remove(path);
  assert_none("missing", 0);
  assert_null(register_open_image(folder, document, catalogue));
  put_file("", 0);
  assert_none("empty", 0);
}

static void an_image_of_another_document_or_catalogue_is_none(void **state)
{
  (void)state;
  CLEANUP(register_unref) struct unit_register *reg = make_seeded(10);
  G_GNUC_UNUSED g_autoptr(GBytes) image = put_image(reg);
  uint8_t other[CATALOGUE_HASH_SIZE];
  for (size_t i = 0; i < sizeof other; i++) {
    memcpy(other, document, sizeof other);
    other[i] ^= 1;
    assert_null(register_open_image(path, other, catalogue));
    memcpy(other, catalogue, sizeof other);
    other[i] ^= 1;
    assert_null(register_open_image(path, document, other));
  }
  CLEANUP(register_unref) struct unit_register *right = register_open_image(path, document, catalogue);
  assert_non_null(right);
}

static void an_image_with_any_byte_changed_is_none(void **state)
{
  (void)state;
  CLEANUP(register_unref) struct unit_register *reg = make_seeded(12);
  g_autoptr(GBytes) image = put_image(reg);
  gsize length;
  const uint8_t *sound = g_bytes_get_data(image, &length);
  g_autofree uint8_t *damaged = g_memdup2(sound, length);
  g_autoptr(GRand) random = g_rand_new_with_seed(seed);
  for (size_t i = 0; i < length; i += full || i < 256 ? 1 : (size_t)g_rand_int_range(random, 1, 12)) {
    damaged[i] ^= (uint8_t)(1 << g_rand_int_range(random, 0, 8));
    put_file(damaged, length);
    assert_none("byte", i);
    damaged[i] = sound[i];
  }
}

static void an_image_of_any_other_length_is_none(void **state)
{
  (void)state;
  CLEANUP(register_unref) struct unit_register *reg = make_seeded(12);
  g_autoptr(GBytes) image = put_image(reg);
  gsize length;
  const uint8_t *sound = g_bytes_get_data(image, &length);
  g_autofree uint8_t *longer = g_malloc0(length + 8192);
  memcpy(longer, sound, length);
  g_autoptr(GRand) random = g_rand_new_with_seed(seed);
  for (size_t i = 0; i < length + 8192; i += full || i < 256 || (i > length - 8 && i < length + 8)
                                                 ? 1
                                                 : (size_t)g_rand_int_range(random, 1, 12)) {
    if (i == length) continue;
    put_file(longer, i);
    assert_none("length", i);
  }
}

/* Behind a right checksum: what only a mistake of ours could write. */
static void an_image_that_points_out_of_itself_is_none(void **state)
{
  (void)state;
  CLEANUP(register_unref) struct unit_register *reg = make_seeded(12);
  g_autoptr(GBytes) image = put_image(reg);
  gsize length;
  const uint8_t *sound = g_bytes_get_data(image, &length);
  enum { HEAD = 128, COUNT = 112, SLOTS = 120 }; /* see register_image.c */
  size_t count = register_size(reg);
  size_t slots = HEAD + count * sizeof(struct unit_version);
  static const uint64_t WRONG = UINT64_MAX / 2;
  struct {
    size_t at, length;
  } places[] = {
      {COUNT, 8},
      {SLOTS, 8},
      {HEAD + offsetof(struct unit_version, unit), 8},
      {HEAD + (count - 1) * sizeof(struct unit_version) + offsetof(struct unit_version, succeeds), 8},
      {slots, 4},
      {length - 1, 1}};
  g_autofree uint8_t *damaged = g_memdup2(sound, length);
  for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
    memcpy(damaged + places[i].at, &WRONG, places[i].length);
    int64_t checksum = checksum_of(damaged + sizeof checksum, length - sizeof checksum);
    memcpy(damaged, &checksum, sizeof checksum);
    put_file(damaged, length);
    assert_none("place", i);
    memcpy(damaged, sound, length);
  }
  for (size_t slot = 0; slot < 64; slot++)
    damaged[slots + 4 * slot] = 1; /* no free slot: an endless search */
  seal_hash(damaged + SEAL_HASH_SIZE, length - SEAL_HASH_SIZE, damaged);
  put_file(damaged, length);
  assert_none("slots", 64);
}

static void an_image_holds_what_the_register_held(void **state)
{
  (void)state;
  g_autoptr(GRand) random = g_rand_new_with_seed(seed);
  for (int round = 0; round < 20; round++) {
    CLEANUP(register_unref)
    struct unit_register *reg = make(random, round ? (unsigned)g_rand_int_range(random, 0, 200) : 0);
    g_autoptr(GBytes) image = put_image(reg);
    /* The first may get the place that its pointers are made for; those beside it cannot. */
    struct unit_register *first = register_open_image(path, document, catalogue);
    struct unit_register *second = register_open_image(path, document, catalogue);
    struct unit_register *idle = register_open_image(path, document, catalogue);
    assert_true(first && second && idle);
    assert_same(reg, second);
    assert_same(reg, first);
    register_unref(first);
    register_unref(idle);
    g_remove(path);
    assert_same(reg, second);
    register_unref(second);
    g_autoptr(GBytes) again = register_image(reg, document, catalogue);
    assert_true(g_bytes_equal(image, again));
  }
}

static void *look(void *data)
{
  const struct unit_register *reg = data;
  const struct unit_version *first;
  return GSIZE_TO_POINTER(register_unit(reg, "u00007", &first));
}

static void threads_that_ask_first_at_once_are_all_answered(void **state)
{
  (void)state;
  CLEANUP(register_unref) struct unit_register *reg = make_seeded(2000);
  G_GNUC_UNUSED g_autoptr(GBytes) image = put_image(reg);
  CLEANUP(register_unref) struct unit_register *first = register_open_image(path, document, catalogue);
  CLEANUP(register_unref) struct unit_register *second = register_open_image(path, document, catalogue);
  GThread *threads[8];
  for (size_t i = 0; i < G_N_ELEMENTS(threads); i++) threads[i] = g_thread_new("look", look, second);
  const struct unit_version *version;
  size_t expected = register_unit(reg, "u00007", &version);
  for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
    assert_int_equal(GPOINTER_TO_SIZE(g_thread_join(threads[i])), expected);
  assert_same(reg, second);
}

static int make_folder(void **state)
{
  (void)state;
  folder = g_dir_make_tmp("parktally-image-XXXXXX", NULL);
  path = g_build_filename(folder, "register.image", NULL);
  return folder ? 0 : -1;
}

static int drop_folder(void **state)
{
  (void)state;
  g_remove(path);
  g_rmdir(folder);
  g_free(path);
  g_free(folder);
  return 0;
}

int main(int argc, char **argv)
{
  const char *given = g_getenv("PARKTALLY_SEED");
  if (argc > 1) given = argv[1];
  if (given) seed = (uint32_t)strtoul(given, NULL, 10);
  full = g_getenv("PARKTALLY_FULL") != NULL;
  printf("seed %u\n", seed);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_image_that_is_not_there_is_none),
      cmocka_unit_test(an_image_of_another_document_or_catalogue_is_none),
      cmocka_unit_test(an_image_with_any_byte_changed_is_none),
      cmocka_unit_test(an_image_of_any_other_length_is_none),
      cmocka_unit_test(an_image_that_points_out_of_itself_is_none),
      cmocka_unit_test(an_image_holds_what_the_register_held),
      cmocka_unit_test(threads_that_ask_first_at_once_are_all_answered),
  };
  return cmocka_run_group_tests(tests, make_folder, drop_folder);
}

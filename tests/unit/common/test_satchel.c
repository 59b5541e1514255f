#include "common/error.h"
#include "common/limits.h"
#include "common/satchel_private.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char *folder;

static int setup(void **state)
{
  (void)state;
  folder = g_dir_make_tmp("parktally-XXXXXX", NULL);
  return folder ? 0 : -1;
}

static int teardown(void **state)
{
  (void)state;
  g_rmdir(folder);
  g_free(folder);
  return 0;
}

/* --- a file in memory --- */

struct memory {
  const uint8_t *data;
  size_t left, piece; /* at most so much at a time */
};

static ssize_t give(void *data, void *bytes, size_t most)
{
  struct memory *memory = data;
  size_t part = MIN(MIN(most, memory->left), memory->piece);
  memcpy(bytes, memory->data, part);
  memory->data += part;
  memory->left -= part;
  return (ssize_t)part;
}

/* Of records of these lengths: the nth is filled with n and has the sequence 10 + n; the first is 0. */
static GByteArray *written(const size_t *lengths, size_t count)
{
  g_autofree char *path = g_build_filename(folder, "satchel", NULL);
  CLEANUP(satchel_writer_free)
  struct satchel_writer *writer = satchel_writer_new(path, SATCHEL_OF_OUTBOX, NULL);
  assert_non_null(writer);
  for (size_t n = 0; n < count; n++) {
    g_autofree uint8_t *payload = g_malloc(lengths[n] + 1);
    memset(payload, (int)n, lengths[n]);
    assert_true(satchel_put(writer, SATCHEL_SUBMISSION, 10 + n, payload, lengths[n]));
  }
  assert_true(satchel_writer_finish(writer, NULL));
  char *data;
  gsize length;
  assert_true(g_file_get_contents(path, &data, &length, NULL));
  g_unlink(path);
  return g_byte_array_new_take((guint8 *)data, length);
}

static const size_t SMALL[] = {100, 0, 300, 7, 1000};
#define SMALL_COUNT G_N_ELEMENTS(SMALL)

struct seen {
  GString *records; /* "10 11 …": sequences, in order */
  GString *damages; /* a letter for each: H L A S C O B */
  struct satchel_damage last;
  GError *error;
};

static void seen_clear(struct seen *seen)
{
  g_string_free(seen->records, TRUE);
  g_string_free(seen->damages, TRUE);
  g_clear_error(&seen->error);
}

static struct seen look(const uint8_t *data, size_t length, size_t piece)
{
  struct seen seen = {.records = g_string_new(""), .damages = g_string_new("")};
  struct memory memory = {data, length, piece};
  CLEANUP(satchel_reader_free) struct satchel_reader *reader = satchel_reader_new(give, &memory);
  for (;;) {
    struct satchel_record record;
    struct satchel_damage damage;
    switch (satchel_next(reader, &record, &damage, &seen.error)) {
    case SATCHEL_HAS_RECORD:
      g_string_append_printf(seen.records, "%s%" G_GUINT64_FORMAT, seen.records->len ? " " : "",
                             record.sequence);
      for (size_t i = 0; i < record.length; i++) assert_int_equal(record.data[i], record.sequence - 10);
      break;
    case SATCHEL_HAS_DAMAGE: {
      g_autofree char *text = satchel_describe(&damage);
      assert_true(strlen(text) > 0);
      g_string_append_c(seen.damages, "HLASCOB"[damage.kind]);
      seen.last = damage;
      break;
    }
    case SATCHEL_AT_END:
    case SATCHEL_FAILED:
      return seen;
    }
  }
}

static void expect(const GByteArray *file, const char *records, const char *damages)
{
  static const size_t pieces[] = {1, 13, 4096, SIZE_MAX};
  for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++) {
    struct seen seen = look(file->data, file->len, pieces[i]);
    assert_string_equal(seen.records->str, records);
    assert_string_equal(seen.damages->str, damages);
    assert_null(seen.error);
    seen_clear(&seen);
  }
}

/* Where the nth record's header begins. */
static size_t place(size_t n)
{
  size_t at = SATCHEL_HEAD_SIZE;
  for (size_t i = 0; i < n; i++) at += SATCHEL_RECORD_SIZE + SMALL[i];
  return at;
}

/* --- tests --- */

static void what_was_written_is_read_again(void **state)
{
  (void)state;
  g_autoptr(GByteArray) file = written(SMALL, SMALL_COUNT);
  expect(file, "10 11 12 13 14", "");
  g_autoptr(GByteArray) none = written(NULL, 0);
  expect(none, "", "");
  static const size_t large[] = {LIMIT_CARRIED_BYTES, LIMIT_CARRIED_BYTES, 1};
  g_autoptr(GByteArray) most = written(large, G_N_ELEMENTS(large));
  struct seen seen = look(most->data, most->len, SIZE_MAX);
  assert_string_equal(seen.records->str, "10 11 12");
  assert_string_equal(seen.damages->str, "");
  seen_clear(&seen);
}

static void a_file_cut_anywhere_gives_its_whole_records_and_says_so(void **state)
{
  (void)state;
  g_autoptr(GByteArray) file = written(SMALL, SMALL_COUNT);
  for (size_t length = 0; length < file->len; length++) {
    struct seen seen = look(file->data, length, SIZE_MAX);
    size_t whole = 0;
    while (whole < SMALL_COUNT && place(whole + 1) <= length) whole++;
    assert_int_equal(seen.records->len, whole ? 3 * whole - 1 : 0);
    assert_true(seen.damages->len > 0);
    assert_int_equal(seen.damages->str[seen.damages->len - 1], 'C');
    assert_int_equal(seen.last.count, whole);
    seen_clear(&seen);
  }
}

static void any_bit_that_flips_is_told_and_costs_one_record_at_most(void **state)
{
  (void)state;
  g_autoptr(GByteArray) file = written(SMALL, SMALL_COUNT);
  for (size_t bit = 0; bit < 8 * (size_t)file->len; bit++) {
    size_t hit = 0, byte = bit / 8;
    while (hit < SMALL_COUNT && place(hit + 1) <= byte) hit++;
    file->data[byte] ^= (uint8_t)(1 << bit % 8);
    struct seen seen = look(file->data, file->len, SIZE_MAX);
    if (byte == 8 && bit % 8 > 0) {
      assert_true(seen.error && seen.error->code == ERROR_CONFIG); /* of a newer version */
    } else {
      assert_true(seen.damages->len > 0);
      assert_int_equal(seen.records->len, byte < SATCHEL_HEAD_SIZE || hit == SMALL_COUNT ? 14 : 11);
      g_autofree char *missing = g_strdup_printf("%zu", 10 + hit);
      if (byte >= SATCHEL_HEAD_SIZE && hit < SMALL_COUNT) assert_null(strstr(seen.records->str, missing));
    }
    seen_clear(&seen);
    file->data[byte] ^= (uint8_t)(1 << bit % 8);
  }
}

static void a_damaged_payload_is_named_with_its_sequence(void **state)
{
  (void)state;
  g_autoptr(GByteArray) file = written(SMALL, SMALL_COUNT);
  file->data[place(2) + SATCHEL_RECORD_SIZE + 5] ^= 1;
  struct seen seen = look(file->data, file->len, SIZE_MAX);
  assert_string_equal(seen.records->str, "10 11 13 14");
  assert_string_equal(seen.damages->str, "AO");
  seen_clear(&seen);
}

static void bytes_that_were_lost_or_put_in_cost_the_records_they_hit(void **state)
{
  (void)state;
  g_autoptr(GByteArray) lost = written(SMALL, SMALL_COUNT);
  g_byte_array_remove_range(lost, (guint)place(2) + 100, 60); /* within the third's payload */
  expect(lost, "10 11 13 14", "AO");
  g_autoptr(GByteArray) whole = written(SMALL, SMALL_COUNT);
  g_byte_array_remove_range(whole, (guint)place(1), (guint)(place(3) - place(1)));
  expect(whole, "10 13 14", "LO");
  g_autoptr(GByteArray) more = written(SMALL, SMALL_COUNT);
  static const uint8_t zeroes[512];
  size_t at = place(3);
  g_byte_array_append(more, zeroes, sizeof zeroes);
  memmove(more->data + at + sizeof zeroes, more->data + at, more->len - sizeof zeroes - at);
  memset(more->data + at, 0, sizeof zeroes);
  expect(more, "10 11 12 13 14", "LO");
}

static void a_record_over_the_limit_is_passed_over(void **state)
{
  (void)state;
  static const size_t lengths[] = {10, 20};
  g_autoptr(GByteArray) file = written(lengths, 2);
  g_autoptr(GByteArray) large = g_byte_array_new();
  struct satchel_header header = {.kind = SATCHEL_SUBMISSION, .number = 1, .length = 3 * LIMIT_CARRIED_BYTES};
  uint8_t bytes[SATCHEL_RECORD_SIZE];
  satchel_header_write(&header, bytes);
  size_t first = SATCHEL_HEAD_SIZE + SATCHEL_RECORD_SIZE + 10;
  g_byte_array_append(large, file->data, (guint)first);
  g_byte_array_append(large, bytes, sizeof bytes);
  g_byte_array_set_size(large, large->len + header.length);
  memset(large->data + first + sizeof bytes, 'P', header.length);
  g_byte_array_append(large, file->data + first, file->len - (guint)first);
  expect(large, "10 11", "SO");
}

static void what_stands_behind_the_end_is_told(void **state)
{
  (void)state;
  g_autoptr(GByteArray) file = written(SMALL, SMALL_COUNT);
  g_byte_array_append(file, (const uint8_t *)"x", 1);
  expect(file, "10 11 12 13 14", "B");
}

static void another_file_is_none(void **state)
{
  (void)state;
  g_autoptr(GByteArray) file = g_byte_array_new();
  for (unsigned i = 0; i < 100000; i++) g_byte_array_append(file, (const uint8_t *)"PTrc,1\n", 7);
  expect(file, "", "HLC");
}

static void a_new_file_takes_the_place_of_an_older_one(void **state)
{
  (void)state;
  g_autofree char *path = g_build_filename(folder, "satchel", NULL);
  assert_true(g_file_set_contents(path, "before", -1, NULL));
  g_autoptr(GByteArray) file = written(SMALL, SMALL_COUNT); /* of the same name */
  expect(file, "10 11 12 13 14", "");
}

static void nothing_stands_in_its_place_before_it_is_whole(void **state)
{
  (void)state;
  g_autofree char *path = g_build_filename(folder, "there", NULL);
  assert_true(g_file_set_contents(path, "before", -1, NULL));
  struct satchel_writer *writer = satchel_writer_new(path, SATCHEL_OF_RECEIPTS, NULL);
  assert_true(satchel_put(writer, SATCHEL_RECEIPT, 1, (const uint8_t *)"x", 1));
  satchel_writer_free(writer);
  g_autofree char *text = NULL;
  assert_true(g_file_get_contents(path, &text, NULL, NULL));
  assert_string_equal(text, "before");
  g_unlink(path); /* and nothing beside it: teardown removes the folder */
}

static void what_cannot_be_durable_is_refused(void **state)
{
  (void)state;
  g_autoptr(GError) error = NULL;
  assert_null(satchel_writer_new("-", SATCHEL_OF_OUTBOX, &error));
  assert_int_equal(error->code, ERROR_USAGE);
  g_clear_error(&error);
  assert_null(satchel_writer_new(folder, SATCHEL_OF_OUTBOX, &error));
  assert_int_equal(error->code, ERROR_USAGE);
  g_clear_error(&error);
  assert_null(satchel_writer_new("/dev/full", SATCHEL_OF_OUTBOX, &error));
  assert_int_equal(error->code, ERROR_USAGE);
  g_clear_error(&error);
  assert_null(satchel_reader_open(folder, &error));
  assert_int_equal(error->code, ERROR_USAGE);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_was_written_is_read_again),
      cmocka_unit_test(a_file_cut_anywhere_gives_its_whole_records_and_says_so),
      cmocka_unit_test(any_bit_that_flips_is_told_and_costs_one_record_at_most),
      cmocka_unit_test(a_damaged_payload_is_named_with_its_sequence),
      cmocka_unit_test(bytes_that_were_lost_or_put_in_cost_the_records_they_hit),
      cmocka_unit_test(a_record_over_the_limit_is_passed_over),
      cmocka_unit_test(what_stands_behind_the_end_is_told),
      cmocka_unit_test(another_file_is_none),
      cmocka_unit_test(a_new_file_takes_the_place_of_an_older_one),
      cmocka_unit_test(nothing_stands_in_its_place_before_it_is_whole),
      cmocka_unit_test(what_cannot_be_durable_is_refused),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}

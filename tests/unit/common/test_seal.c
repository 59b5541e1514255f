#include "common/seal.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint8_t public_key[SEAL_PUBLIC_KEY_SIZE], secret_key[SEAL_SECRET_KEY_SIZE];
static const uint8_t payload[] = "100 thousand yuan";

static int make_keys(void **state)
{
  (void)state;
  static const uint8_t seed[crypto_sign_SEEDBYTES] = {1, 2, 3};
  return crypto_sign_seed_keypair(public_key, secret_key, seed);
}

static GByteArray *sealed_payload(void)
{
  return seal_make(SEAL_SUBMISSION, public_key, secret_key, payload, sizeof payload, NULL);
}

static enum seal_status open_bytes(const uint8_t *sealed, size_t length)
{
  const uint8_t *opened;
  size_t opened_length;
  return seal_open(sealed, length, SEAL_SUBMISSION, public_key, &opened, &opened_length, NULL);
}

static void a_change_of_any_bit_is_noticed(void **state)
{
  (void)state;
  g_autoptr(GByteArray) sealed = sealed_payload();
  for (guint bit = 0; bit < sealed->len * 8; bit++) {
    sealed->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    enum seal_status status = open_bytes(sealed->data, sealed->len);
    /* magic, suite, label and zero bytes; key id; signature and payload */
    guint byte = bit / 8;
    assert_int_equal(status, byte < 8 ? SEAL_MALFORMED : byte < 40 ? SEAL_OTHER_KEY : SEAL_FORGED);
    sealed->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  assert_int_equal(open_bytes(sealed->data, sealed->len), SEAL_OK);
}

static void a_cut_or_lengthened_payload_is_forged(void **state)
{
  (void)state;
  g_autoptr(GByteArray) sealed = sealed_payload();
  for (guint length = 0; length < sealed->len; length++)
    assert_int_equal(open_bytes(sealed->data, length),
                     length < SEAL_HEADER_SIZE ? SEAL_MALFORMED : SEAL_FORGED);
  g_byte_array_append(sealed, (const uint8_t *)"", 1);
  assert_int_equal(open_bytes(sealed->data, sealed->len), SEAL_FORGED);
}

static void sealing_and_opening_give_the_same_id(void **state)
{
  (void)state;
  uint8_t made[SEAL_HASH_SIZE], opened_id[SEAL_HASH_SIZE], expected[SEAL_HASH_SIZE];
  g_autoptr(GByteArray) sealed =
      seal_make(SEAL_SUBMISSION, public_key, secret_key, payload, sizeof payload, made);
  const uint8_t *opened;
  size_t length;
  assert_int_equal(
      seal_open(sealed->data, sealed->len, SEAL_SUBMISSION, public_key, &opened, &length, opened_id),
      SEAL_OK);
  seal_hash(payload, sizeof payload, expected);
  assert_memory_equal(made, expected, sizeof expected);
  assert_memory_equal(opened_id, expected, sizeof expected);
}

static void another_label_does_not_pass(void **state)
{
  (void)state;
  g_autoptr(GByteArray) sealed = sealed_payload();
  const uint8_t *opened;
  size_t length;
  assert_int_equal(seal_open(sealed->data, sealed->len, SEAL_RECEIPT, public_key, &opened, &length, NULL),
                   SEAL_MALFORMED);
  assert_false(seal_peek(sealed->data, sealed->len, SEAL_RECEIPT, &opened, &length));
  sealed->data[5] = SEAL_RECEIPT; /* the label is under the signature */
  assert_int_equal(seal_open(sealed->data, sealed->len, SEAL_RECEIPT, public_key, &opened, &length, NULL),
                   SEAL_FORGED);
}

static void unknown_suites_and_labels_are_malformed(void **state)
{
  (void)state;
  static const struct {
    guint at;
    uint8_t value;
  } cases[] = {{4, 0}, {4, 2}, {5, 0}, {5, SEAL_KEY + 1}, {5, 255}, {6, 1}, {7, 1}};
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GByteArray) sealed = sealed_payload();
    sealed->data[cases[i].at] = cases[i].value;
    assert_null(seal_claimed_key(sealed->data, sealed->len));
    assert_int_equal(seal_claimed_label(sealed->data, sealed->len), 0);
    assert_int_equal(open_bytes(sealed->data, sealed->len), SEAL_MALFORMED);
  }
}

static void a_key_of_small_order_signs_nothing(void **state)
{
  (void)state;
  /* With this public key a signature of zeros would hold over anything, were it not refused. */
  uint8_t weak[SEAL_PUBLIC_KEY_SIZE] = {1};
  g_autoptr(GByteArray) sealed = sealed_payload();
  seal_key_id(weak, sealed->data + 8);
  memset(sealed->data + 40, 0, 64);
  sealed->data[40] = 1;
  const uint8_t *opened;
  size_t length;
  assert_int_equal(seal_open(sealed->data, sealed->len, SEAL_SUBMISSION, weak, &opened, &length, NULL),
                   SEAL_FORGED);
}

static void what_was_sealed_opens_and_is_named_by_its_hash(void **state)
{
  (void)state;
  g_autoptr(GByteArray) sealed = sealed_payload();
  assert_int_equal(sealed->len, SEAL_HEADER_SIZE + sizeof payload);

  const uint8_t *opened;
  size_t length;
  uint8_t id[SEAL_HASH_SIZE], expected[SEAL_HASH_SIZE];
  assert_int_equal(seal_open(sealed->data, sealed->len, SEAL_SUBMISSION, public_key, &opened, &length, id),
                   SEAL_OK);
  assert_int_equal(length, sizeof payload);
  assert_memory_equal(opened, payload, length);
  seal_hash(payload, sizeof payload, expected);
  assert_memory_equal(id, expected, sizeof id);

  seal_key_id(public_key, expected);
  assert_memory_equal(seal_claimed_key(sealed->data, sealed->len), expected, sizeof expected);
  assert_true(seal_peek(sealed->data, sealed->len, SEAL_SUBMISSION, &opened, &length));
  assert_ptr_equal(opened, sealed->data + SEAL_HEADER_SIZE);
}

static void an_empty_payload_can_be_sealed(void **state)
{
  (void)state;
  g_autoptr(GByteArray) sealed = seal_make(SEAL_SUBMISSION, public_key, secret_key, NULL, 0, NULL);
  assert_int_equal(sealed->len, SEAL_HEADER_SIZE);
  assert_int_equal(open_bytes(sealed->data, sealed->len), SEAL_OK);
}

static void what_comes_in_pieces_has_the_hash_of_the_whole(void **state)
{
  (void)state;
  uint8_t bytes[1000], whole[SEAL_HASH_SIZE], pieces[SEAL_HASH_SIZE];
  seal_random(bytes, sizeof bytes);
  seal_hash(bytes, sizeof bytes, whole);
  static const size_t sizes[] = {1, 127, 128, 129, 1000};
  for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
    struct seal_hasher *hasher = seal_hash_begin();
    for (size_t at = 0; at < sizeof bytes; at += sizes[i])
      seal_hash_add(hasher, bytes + at, MIN(sizes[i], sizeof bytes - at));
    seal_hash_end(hasher, pieces);
    assert_memory_equal(pieces, whole, sizeof whole);
  }
}

static void random_bytes_differ_and_fill_all_they_are_asked_for(void **state)
{
  (void)state;
  uint8_t first[32] = {0}, second[33] = {0};
  seal_random(first, sizeof first);
  seal_random(second, sizeof second - 1);
  assert_memory_not_equal(first, second, sizeof first);
  assert_int_equal(second[32], 0);
  static const uint8_t zeros[8];
  for (size_t i = 0; i < sizeof first; i += sizeof zeros)
    assert_memory_not_equal(first + i, zeros, sizeof zeros);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_change_of_any_bit_is_noticed),
      cmocka_unit_test(a_cut_or_lengthened_payload_is_forged),
      cmocka_unit_test(sealing_and_opening_give_the_same_id),
      cmocka_unit_test(another_label_does_not_pass),
      cmocka_unit_test(unknown_suites_and_labels_are_malformed),
      cmocka_unit_test(a_key_of_small_order_signs_nothing),
      cmocka_unit_test(what_was_sealed_opens_and_is_named_by_its_hash),
      cmocka_unit_test(an_empty_payload_can_be_sealed),
      cmocka_unit_test(what_comes_in_pieces_has_the_hash_of_the_whole),
      cmocka_unit_test(random_bytes_differ_and_fill_all_they_are_asked_for),
  };
  return cmocka_run_group_tests(tests, make_keys, NULL);
}

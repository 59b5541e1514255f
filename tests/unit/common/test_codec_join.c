#include "common/codec.h"

#include "common/limits.h"
#include "wire_bytes.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PREFIX "parktally-invitation:1:"

static const uint8_t curve_key[32] = {1}, sign_key[32] = {2}, secret[32] = {3};

static struct invitation sample(void)
{
  return (struct invitation){.endpoint = "tcp://127.0.0.1:7650",
                             .enrol_endpoint = "tcp://127.0.0.1:7651",
                             .curve_key = {curve_key, 32},
                             .sign_key = {sign_key, 32},
                             .secret = {secret, 32},
                             .expires_at_ms = 1528243200000};
}

static char *encoded_sample(void)
{
  struct invitation invitation = sample();
  return invitation_encode(&invitation);
}

/* An invitation with a check that holds, of whatever stands in the message. */
static char *invitation_of(GByteArray *message)
{
  uint8_t digest[SEAL_HASH_SIZE];
  seal_hash(message->data, message->len, digest);
  put_bytes(message, 7, digest, 4);
  size_t size = sodium_base64_encoded_len(message->len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  g_autofree char *text = g_malloc(size);
  sodium_bin2base64(text, size, message->data, message->len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  return g_strconcat(PREFIX, text, NULL);
}

static void a_slip_in_any_character_is_noticed(void **state)
{
  (void)state;
  g_autofree char *text = encoded_sample();
  for (size_t i = 0; text[i]; i++) {
    char right = text[i];
    text[i] = right == 'A' ? 'B' : 'A';
    assert_null(invitation_decode(text));
    text[i] = '%';
    assert_null(invitation_decode(text));
    text[i] = right;
  }
}

static void a_cut_invitation_is_noticed(void **state)
{
  (void)state;
  g_autofree char *text = encoded_sample();
  for (size_t length = 0; length < strlen(text); length++) {
    g_autofree char *cut = g_strndup(text, length);
    assert_null(invitation_decode(cut));
  }
  g_autofree char *longer = g_strconcat(text, "A", NULL);
  assert_null(invitation_decode(longer));
}

static void words_around_an_invitation_are_none(void **state)
{
  (void)state;
  g_autofree char *text = encoded_sample();
  g_autofree char *upper = g_strconcat("PARKTALLY-INVITATION:1:", text + strlen(PREFIX), NULL);
  g_autofree char *newer = g_strconcat("parktally-invitation:2:", text + strlen(PREFIX), NULL);
  g_autofree char *endless = g_strnfill(LIMIT_INVITATION_TEXT * 2, ' ');
  const char *const cases[] = {"", "\n", PREFIX, "please join", upper, newer, text + 1, endless};
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) assert_null(invitation_decode(cases[i]));
}

static void fields_out_of_range_are_refused_though_the_check_holds(void **state)
{
  (void)state;
  g_autofree char *long_text = g_strnfill(LIMIT_NAME_BYTES + 1, 'x');
  const struct {
    const char *endpoint, *enrol_endpoint;
    size_t curve, sign, secret;
    bool good;
  } cases[] = {
      {"tcp://a:1", "tcp://a:2", 32, 32, 32, true},  {"", "tcp://a:2", 32, 32, 32, false},
      {"tcp://a:1", "", 32, 32, 32, false},          {"tcp://a:1\n", "tcp://a:2", 32, 32, 32, false},
      {"tcp://a:1", long_text, 32, 32, 32, false},   {"tcp://a:1", "tcp://a:2", 31, 32, 32, false},
      {"tcp://a:1", "tcp://a:2", 32, 33, 32, false}, {"tcp://a:1", "tcp://a:2", 32, 32, 0, false},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GByteArray) message = g_byte_array_new();
    put_text(message, 1, cases[i].endpoint);
    put_text(message, 2, cases[i].enrol_endpoint);
    put_filled(message, 3, 1, cases[i].curve);
    put_filled(message, 4, 2, cases[i].sign);
    put_filled(message, 5, 3, cases[i].secret);
    g_autofree char *text = invitation_of(message);
    CLEANUP(invitation_free) struct invitation *invitation = invitation_decode(text);
    assert_int_equal(invitation != NULL, cases[i].good);
  }
}

static void an_invitation_comes_through_also_when_a_mail_program_broke_it_into_lines(void **state)
{
  (void)state;
  g_autofree char *text = encoded_sample();
  assert_true(strlen(text) <= LIMIT_INVITATION_TEXT);
  g_autofree char *broken = g_strdup_printf(" \r\n\t%.60s\r\n%s\n", text, text + 60);
  const char *const cases[] = {text, broken};
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    CLEANUP(invitation_free) struct invitation *decoded = invitation_decode(cases[i]);
    assert_non_null(decoded);
    assert_string_equal(decoded->endpoint, "tcp://127.0.0.1:7650");
    assert_string_equal(decoded->enrol_endpoint, "tcp://127.0.0.1:7651");
    assert_memory_equal(decoded->curve_key.data, curve_key, 32);
    assert_memory_equal(decoded->sign_key.data, sign_key, 32);
    assert_memory_equal(decoded->secret.data, secret, 32);
    assert_true(decoded->expires_at_ms == 1528243200000);
  }
}

static void a_joining_record_with_any_bit_changed_is_refused(void **state)
{
  (void)state;
  static const uint8_t seed[crypto_sign_SEEDBYTES] = {4};
  struct join_record join = {{3}, {1}, {0}}, decoded;
  uint8_t sign_secret[SEAL_SECRET_KEY_SIZE], bytes[JOIN_SIZE + 1] = {0};
  crypto_sign_seed_keypair(join.sign_key, sign_secret, seed);
  join_encode(&join, sign_secret, bytes);

  assert_true(join_decode(bytes, JOIN_SIZE, &decoded));
  assert_memory_equal(&decoded, &join, sizeof join);
  assert_false(join_decode(bytes, JOIN_SIZE - 1, &decoded));
  assert_false(join_decode(bytes, JOIN_SIZE + 1, &decoded));
  for (size_t bit = 0; bit < JOIN_SIZE * 8; bit++) {
    bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_false(join_decode(bytes, JOIN_SIZE, &decoded));
    bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_slip_in_any_character_is_noticed),
      cmocka_unit_test(a_cut_invitation_is_noticed),
      cmocka_unit_test(words_around_an_invitation_are_none),
      cmocka_unit_test(fields_out_of_range_are_refused_though_the_check_holds),
      cmocka_unit_test(an_invitation_comes_through_also_when_a_mail_program_broke_it_into_lines),
      cmocka_unit_test(a_joining_record_with_any_bit_changed_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

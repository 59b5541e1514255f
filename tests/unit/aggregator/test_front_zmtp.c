/* The front's look at ZMTP: what may pass, byte by byte. */
#include "aggregator/front_zmtp.h"

#include "common/limits.h"

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 1000 };

static void say(GByteArray *bytes, const void *data, size_t length)
{
  g_byte_array_append(bytes, data, (guint)length);
}

/* A frame whose content begins with a word and has so many bytes. */
static void say_frame(GByteArray *bytes, uint8_t flags, const char *word, size_t length)
{
  uint8_t head[9] = {flags};
  size_t size = flags & 2 ? 9 : 2, begins = strlen(word);

  for (size_t n = 1; n < size; n++) head[n] = (uint8_t)((uint64_t)length >> 8 * (size - 1 - n));
  say(bytes, head, size);
  guint before = bytes->len;
  g_byte_array_set_size(bytes, before + (guint)length);
  memset(bytes->data + before, 'x', length);
  memcpy(bytes->data + before, word, MIN(begins, length));
}

static GByteArray *greeting(void)
{
  GByteArray *bytes = g_byte_array_new();

  say(bytes, zmtp_greeting, sizeof zmtp_greeting);
  return bytes;
}

static GByteArray *up_to_hello(void)
{
  GByteArray *bytes = greeting();

  say_frame(bytes, 4, "\005HELLO", 200);
  return bytes;
}

/* Takes it in pieces of a size, going on behind each step. */
static size_t take(struct zmtp *zmtp, const GByteArray *bytes, size_t piece, enum zmtp_fault *ret_fault)
{
  size_t at = 0;

  *ret_fault = ZMTP_SOUND;
  while (at < bytes->len && *ret_fault == ZMTP_SOUND) {
    size_t step = MIN(piece, bytes->len - at), passed = zmtp_take(zmtp, bytes->data + at, step, ret_fault);

    at += passed;
    if (*ret_fault == ZMTP_HANDSHAKE && (zmtp->state == ZMTP_ASKED || zmtp->state == ZMTP_WAITING)) {
      zmtp_answered(zmtp);
      *ret_fault = ZMTP_SOUND;
    }
  }
  return at;
}

/* An open connection. */
static void open_zmtp(struct zmtp *zmtp)
{
  g_autoptr(GByteArray) bytes = up_to_hello();
  enum zmtp_fault fault;

  zmtp_init(zmtp, ZMTP_CLIENT, MOST);
  say_frame(bytes, 6, "\010INITIATE", 300);
  assert_int_equal(take(zmtp, bytes, bytes->len, &fault), bytes->len);
  assert_int_equal(zmtp->state, ZMTP_WAITING);
  zmtp_answered(zmtp);
  assert_int_equal(zmtp->state, ZMTP_OPEN);
}

static void a_whole_conversation_passes_in_pieces_of_any_size(void **state)
{
  (void)state;
  g_autoptr(GByteArray) bytes = up_to_hello();

  say_frame(bytes, 6, "\010INITIATE", 257);
  say_frame(bytes, 0, "\007MESSAGE", ZMTP_WRAPPING);
  say_frame(bytes, 2, "\007MESSAGE", MOST + ZMTP_WRAPPING);
  say_frame(bytes, 0, "\007MESSAGE", ZMTP_SMALL_MOST);
  say_frame(bytes, 0, "\007MESSAGE", ZMTP_SMALL_MOST + 1);
  say_frame(bytes, 0, "\007MESSAGE", ZMTP_WRAPPING);
  for (size_t piece = 1; piece <= bytes->len; piece++) {
    struct zmtp zmtp;
    enum zmtp_fault fault;

    zmtp_init(&zmtp, ZMTP_CLIENT, MOST);
    assert_int_equal(take(&zmtp, bytes, piece, &fault), bytes->len);
    assert_int_equal(fault, ZMTP_SOUND);
    assert_int_equal(zmtp.large, 2);
    assert_int_equal(zmtp.large_bytes, MOST + ZMTP_WRAPPING + ZMTP_SMALL_MOST + 1);
    assert_int_equal(zmtp.small, 3);
    assert_int_equal(zmtp.small_before, 2);
    assert_int_equal(zmtp.small_before_bytes, ZMTP_WRAPPING + ZMTP_SMALL_MOST);
  }
}

static void a_server_s_side_passes_as_well(void **state)
{
  (void)state;
  g_autoptr(GByteArray) bytes = greeting();
  struct zmtp zmtp;
  enum zmtp_fault fault;

  say_frame(bytes, 4, "\007WELCOME", 168);
  say_frame(bytes, 4, "\005READY", 65);
  zmtp_init(&zmtp, ZMTP_SERVER, MOST);
  assert_int_equal(take(&zmtp, bytes, bytes->len, &fault), bytes->len);
  assert_int_equal(zmtp.state, ZMTP_WAITING);
}

/* Each byte of the greeting that has a meaning, made wrong: it and what is behind it never pass. */
static void a_greeting_of_anything_else_stops_at_the_wrong_byte(void **state)
{
  (void)state;
  static const struct {
    size_t at;
    uint8_t byte;
  } WRONG[] = {{0, 'G'}, {9, 0x7e}, {10, 2}, {12, 'N'}, {16, 'F'}, {17, ' '}, {31, 1}};
  static const size_t FREE[] = {1, 8, 11, 32, 33, 63};

  for (size_t n = 0; n < G_N_ELEMENTS(WRONG); n++) {
    g_autoptr(GByteArray) bytes = greeting();
    struct zmtp zmtp;
    enum zmtp_fault fault;

    bytes->data[WRONG[n].at] = WRONG[n].byte;
    zmtp_init(&zmtp, ZMTP_CLIENT, MOST);
    assert_int_equal(take(&zmtp, bytes, bytes->len, &fault), WRONG[n].at);
    assert_int_equal(fault, ZMTP_OTHER);
  }
  for (size_t n = 0; n < G_N_ELEMENTS(FREE); n++) {
    g_autoptr(GByteArray) bytes = greeting();
    struct zmtp zmtp;
    enum zmtp_fault fault;

    bytes->data[FREE[n]] ^= 0x55;
    zmtp_init(&zmtp, ZMTP_CLIENT, MOST);
    assert_int_equal(take(&zmtp, bytes, bytes->len, &fault), bytes->len);
    assert_int_equal(fault, ZMTP_SOUND);
  }
}

static void nothing_passes_before_the_other_side_has_answered_a_step(void **state)
{
  (void)state;
  g_autoptr(GByteArray) bytes = up_to_hello();
  struct zmtp zmtp;
  enum zmtp_fault fault;

  say(bytes, "\006", 1);
  zmtp_init(&zmtp, ZMTP_CLIENT, MOST);
  assert_int_equal(zmtp_take(&zmtp, bytes->data, bytes->len, &fault), bytes->len - 1);
  assert_int_equal(fault, ZMTP_HANDSHAKE);
  zmtp_answered(&zmtp);
  assert_int_equal(zmtp_take(&zmtp, (const uint8_t *)"\006", 1, &fault), 1);
}

/* What may stand where a step is due. */
static void a_step_has_its_word_its_size_and_its_flags(void **state)
{
  (void)state;
  static const struct {
    uint8_t flags;
    const char *word;
    size_t length, passes; /* bytes of the frame */
  } WRONG[] = {
      {4, "\005HELLO", 199, 1}, {4, "\005HELLO", 201, 1},    {6, "\005HELLO", 1 << 20, 8},
      {0, "\005HELLO", 200, 0}, {5, "\005HELLO", 200, 0},    {12, "\005HELLO", 200, 0},
      {4, "\005HALLO", 200, 4}, {4, "\010INITIATE", 200, 2},
  };

  for (size_t n = 0; n < G_N_ELEMENTS(WRONG); n++) {
    g_autoptr(GByteArray) bytes = greeting();
    struct zmtp zmtp;
    enum zmtp_fault fault;

    say_frame(bytes, WRONG[n].flags, WRONG[n].word, WRONG[n].length);
    zmtp_init(&zmtp, ZMTP_CLIENT, MOST);
    assert_int_equal(take(&zmtp, bytes, bytes->len, &fault), 64 + WRONG[n].passes);
    assert_int_equal(fault, WRONG[n].flags == 5 ? ZMTP_MORE : ZMTP_HANDSHAKE);
  }
}

/* The byte that makes a frame wrong is the first that does not pass. */
static void a_frame_over_the_limit_a_part_and_a_command_stop_in_their_heads(void **state)
{
  (void)state;
  static const struct {
    uint8_t flags;
    const char *word;
    size_t length, passes;
    enum zmtp_fault fault;
  } WRONG[] = {
      {2, "\007MESSAGE", MOST + ZMTP_WRAPPING + 1, 8, ZMTP_LARGE},
      {2, "\007MESSAGE", (size_t)1 << 40, 8, ZMTP_LARGE},
      {1, "\007MESSAGE", 100, 0, ZMTP_MORE},
      {3, "\007MESSAGE", 400, 0, ZMTP_MORE},
      {4, "\004PING", 100, 0, ZMTP_NO_MESSAGE},
      {8, "\007MESSAGE", 100, 0, ZMTP_NO_MESSAGE},
      {0, "\007MESSAGE", ZMTP_WRAPPING - 1, 1, ZMTP_NO_MESSAGE},
      {0, "\007MASSAGE", 100, 4, ZMTP_NO_MESSAGE},
  };

  for (size_t n = 0; n < G_N_ELEMENTS(WRONG); n++) {
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    struct zmtp zmtp;
    enum zmtp_fault fault;

    open_zmtp(&zmtp);
    say_frame(bytes, WRONG[n].flags, WRONG[n].word, MIN(WRONG[n].length, 4096));
    if (WRONG[n].length > 4096) bytes->data[3] = 1; /* 2^40 */
    assert_int_equal(take(&zmtp, bytes, bytes->len, &fault), WRONG[n].passes);
    assert_int_equal(fault, WRONG[n].fault);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_whole_conversation_passes_in_pieces_of_any_size),
      cmocka_unit_test(a_server_s_side_passes_as_well),
      cmocka_unit_test(a_greeting_of_anything_else_stops_at_the_wrong_byte),
      cmocka_unit_test(nothing_passes_before_the_other_side_has_answered_a_step),
      cmocka_unit_test(a_step_has_its_word_its_size_and_its_flags),
      cmocka_unit_test(a_frame_over_the_limit_a_part_and_a_command_stop_in_their_heads),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}

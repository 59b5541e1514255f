#include "aggregator/front_zmtp.h"

#include "common/limits.h"

#include <assert.h>
#include <string.h>

enum { FLAG_MORE = 1, FLAG_LONG = 2, FLAG_COMMAND = 4 };

/* Signature (10), version 3.1, mechanism (20), as-server, filler. */
#define SIGNATURE_SIZE 10
#define MAJOR 10
#define MECHANISM 12
#define MECHANISM_END 32
const uint8_t zmtp_greeting[ZMTP_GREETING_SIZE] = {0xff, 0, 0, 0,   0,   0,   0,   0,   1,
                                                   0x7f, 3, 1, 'C', 'U', 'R', 'V', 'E', [32] = 1};

/* The steps of the handshake: how the frame's content begins, and its size. */
static const struct step {
  const char *word; /* its own length first */
  size_t least, most;
} STEPS[2][2] = {
    [ZMTP_CLIENT] = {{"\005HELLO", 200, 200}, {"\010INITIATE", 257, LIMIT_INITIATE_BYTES}},
    [ZMTP_SERVER] = {{"\007WELCOME", 168, 168}, {"\005READY", 30, LIMIT_INITIATE_BYTES}},
};
static const char MESSAGE[] = "\007MESSAGE";

static_assert(ZMTP_HELLO_SIZE == 2 + 200, "a short head before it");

void zmtp_init(struct zmtp *zmtp, enum zmtp_side side, size_t most)
{
  *zmtp = (struct zmtp){.side = side, .most = most + ZMTP_WRAPPING};
}

/* Of a greeting only what others could mean by it is free: the signature's length, the minor version, whether
 * it is a server, and the filler. */
static enum zmtp_fault take_greeting(struct zmtp *zmtp, uint8_t byte)
{
  size_t at = zmtp->at++;
  bool right = true;

  if (at == 0)
    right = byte == 0xff;
  else if (at == SIGNATURE_SIZE - 1)
    right = (byte & 1) != 0;
  else if (at == MAJOR)
    right = byte >= 3;
  else if (at >= MECHANISM && at < MECHANISM_END)
    right = byte == zmtp_greeting[at];
  if (!right) return ZMTP_OTHER;
  if (zmtp->at == ZMTP_GREETING_SIZE) {
    zmtp->state = ZMTP_FIRST;
    zmtp->at = 0;
  }
  return ZMTP_SOUND;
}

static const struct step *step_of(const struct zmtp *zmtp)
{
  return &STEPS[zmtp->side][zmtp->state == ZMTP_SECOND];
}

static enum zmtp_fault judge_flags(const struct zmtp *zmtp, uint8_t flags)
{
  if (flags & FLAG_MORE) return ZMTP_MORE;
  if (zmtp->state == ZMTP_OPEN) return flags & ~FLAG_LONG ? ZMTP_NO_MESSAGE : ZMTP_SOUND;
  return (flags & ~FLAG_LONG) == FLAG_COMMAND ? ZMTP_SOUND : ZMTP_HANDSHAKE;
}

/* The whole length is known. */
static enum zmtp_fault judge_length(struct zmtp *zmtp)
{
  if (zmtp->state != ZMTP_OPEN) {
    const struct step *step = step_of(zmtp);

    return zmtp->length >= step->least && zmtp->length <= step->most ? ZMTP_SOUND : ZMTP_HANDSHAKE;
  }
  if (zmtp->length > zmtp->most) return ZMTP_LARGE;
  if (zmtp->length < ZMTP_WRAPPING) return ZMTP_NO_MESSAGE;
  if (zmtp->length <= ZMTP_SMALL_MOST) {
    zmtp->small++;
    zmtp->small_bytes += zmtp->length;
  } else {
    zmtp->large++;
    zmtp->large_bytes += zmtp->length;
    zmtp->small_before = zmtp->small;
    zmtp->small_before_bytes = zmtp->small_bytes;
  }
  return ZMTP_SOUND;
}

static size_t head_size(const struct zmtp *zmtp)
{
  return zmtp->flags & FLAG_LONG ? 9 : 2;
}

static enum zmtp_fault take_head(struct zmtp *zmtp, uint8_t byte)
{
  enum zmtp_fault fault = ZMTP_SOUND;

  if (zmtp->at == 0) {
    zmtp->flags = byte;
    zmtp->length = 0;
    fault = judge_flags(zmtp, byte);
  } else {
    zmtp->length = zmtp->length << 8 | byte; /* at most 8 bytes of it */
  }
  zmtp->at++;
  if (fault == ZMTP_SOUND && zmtp->at == head_size(zmtp)) {
    fault = judge_length(zmtp);
    zmtp->left = zmtp->length;
  }
  return fault;
}

/* How many of these bytes of the content are as they must be: it begins with a word. */
static size_t count_right(const struct zmtp *zmtp, const uint8_t *data, size_t length)
{
  const char *word = zmtp->state == ZMTP_OPEN ? MESSAGE : step_of(zmtp)->word;
  uint64_t from = zmtp->length - zmtp->left; /* bytes of the content that were seen */
  size_t size = strlen(word);

  for (size_t n = 0; n < length && from + n < size; n++)
    if (data[n] != (uint8_t)word[from + n]) return n;
  return length;
}

static void end_frame(struct zmtp *zmtp)
{
  zmtp->at = 0;
  if (zmtp->state == ZMTP_FIRST)
    zmtp->state = ZMTP_ASKED;
  else if (zmtp->state == ZMTP_SECOND)
    zmtp->state = ZMTP_WAITING;
}

size_t zmtp_take(struct zmtp *zmtp, const uint8_t *data, size_t length, enum zmtp_fault *ret_fault)
{
  size_t passed = 0;

  *ret_fault = ZMTP_SOUND;
  while (passed < length) {
    if (zmtp->state == ZMTP_GREETING) {
      *ret_fault = take_greeting(zmtp, data[passed]);
    } else if (zmtp->state == ZMTP_ASKED || zmtp->state == ZMTP_WAITING) {
      *ret_fault = ZMTP_HANDSHAKE;
    } else if (zmtp->at == 0 || zmtp->at < head_size(zmtp)) {
      *ret_fault = take_head(zmtp, data[passed]);
    } else {
      size_t piece = length - passed < zmtp->left ? length - passed : (size_t)zmtp->left;
      size_t right = count_right(zmtp, data + passed, piece);

      passed += right;
      if (right < piece) {
        *ret_fault = zmtp->state == ZMTP_OPEN ? ZMTP_NO_MESSAGE : ZMTP_HANDSHAKE;
        break;
      }
      zmtp->left -= piece;
      if (zmtp->left == 0) end_frame(zmtp);
      continue;
    }
    if (*ret_fault != ZMTP_SOUND) break;
    passed++;
  }
  return passed;
}

void zmtp_answered(struct zmtp *zmtp)
{
  if (zmtp->state == ZMTP_ASKED) zmtp->state = ZMTP_SECOND;
  if (zmtp->state == ZMTP_WAITING) zmtp->state = ZMTP_OPEN;
}

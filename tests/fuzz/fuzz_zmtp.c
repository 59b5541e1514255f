/* The front's look at ZMTP. The first byte chooses the side and how the rest comes in pieces. Pieces never
 * matter; and what passes is read again here, by a slow reader of its own: no frame of it breaks a limit. */
#include "aggregator/front_zmtp.h"

#include "check.h"
#include "common/limits.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 600 };

/* In pieces of `piece` bytes; whoever waits for an answer gets it at once. */
static size_t take(struct zmtp *zmtp, const uint8_t *data, size_t size, size_t piece,
                   enum zmtp_fault *ret_fault)
{
  size_t at = 0;

  *ret_fault = ZMTP_SOUND;
  while (at < size && *ret_fault == ZMTP_SOUND) {
    size_t step = MIN(piece, size - at), passed = zmtp_take(zmtp, data + at, step, ret_fault);

    CHECK(passed <= step && (*ret_fault != ZMTP_SOUND || passed == step));
    at += passed;
    if (zmtp->state != ZMTP_ASKED && zmtp->state != ZMTP_WAITING) continue;
    CHECK(*ret_fault == ZMTP_SOUND || *ret_fault == ZMTP_HANDSHAKE);
    zmtp_answered(zmtp);
    *ret_fault = ZMTP_SOUND;
  }
  return at;
}

/* All frames behind the greeting, of which the last need not be whole. */
static void check_frames(const uint8_t *data, size_t size, enum zmtp_side side)
{
  size_t at = ZMTP_GREETING_SIZE, frames = 0;

  if (size > 0) CHECK(data[0] == 0xff);
  if (size > ZMTP_GREETING_SIZE) CHECK(memcmp(data + 12, "CURVE\0", 6) == 0 && data[10] >= 3);
  for (; at < size; frames++) {
    uint8_t flags = data[at];
    size_t head = flags & 2 ? 9 : 2;
    uint64_t length = 0;

    CHECK((flags & ~2U) == (frames < 2 ? 4 : 0));
    if (size - at < head) return;
    for (size_t n = 1; n < head; n++) length = length << 8 | data[at + n];
    if (frames == 0) CHECK(length == (side == ZMTP_CLIENT ? 200U : 168U));
    if (frames == 1) CHECK(length <= LIMIT_INITIATE_BYTES);
    if (frames > 1) CHECK(length >= ZMTP_WRAPPING && length <= MOST + ZMTP_WRAPPING);
    at += head;
    if (frames > 1 && size - at >= 8) CHECK(memcmp(data + at, "\007MESSAGE", 8) == 0);
    if (size - at < length) return;
    at += (size_t)length;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct zmtp whole, pieces;
  enum zmtp_fault fault, again;
  enum zmtp_side side;
  size_t passed;

  if (size == 0) return 0;
  side = data[0] & 1 ? ZMTP_SERVER : ZMTP_CLIENT;
  zmtp_init(&whole, side, MOST);
  zmtp_init(&pieces, side, MOST);
  passed = take(&whole, data + 1, size - 1, size, &fault);
  CHECK(take(&pieces, data + 1, size - 1, 1 + (data[0] >> 1), &again) == passed && again == fault);
  CHECK(whole.state == pieces.state && whole.large == pieces.large && whole.small == pieces.small);
  CHECK(whole.small_before <= whole.small &&
        whole.large_bytes + whole.small_bytes <= (whole.large + whole.small) * (MOST + ZMTP_WRAPPING));
  check_frames(data + 1, passed, side);
  return 0;
}

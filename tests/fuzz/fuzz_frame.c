/* Frames: whatever decodes must encode, and decode again to the same bytes; a submission that is only viewed
 * is the one that is decoded. */
#include "common/codec.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool equals(struct bytes_view a, struct bytes_view b)
{
  return a.length == b.length && memcmp(a.data, b.data, a.length) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  CLEANUP(frame_free) struct frame *frame = frame_decode(data, size);
  struct bytes_view id, sealed;
  if (submit_view(data, size, &id, &sealed) &&
      (frame == NULL || frame->kind != FRAME_SUBMIT || !equals(frame->submit.id, id) ||
       !equals(frame->submit.sealed, sealed)))
    abort();
  if (frame == NULL || frame->kind == FRAME_NONE) return 0;
  g_autoptr(GBytes) encoded = frame_encode(frame);
  gsize length;
  const uint8_t *bytes = g_bytes_get_data(encoded, &length);
  CLEANUP(frame_free) struct frame *again = frame_decode(bytes, length);
  if (again == NULL || again->kind != frame->kind) abort();
  g_autoptr(GBytes) encoded_again = frame_encode(again);
  if (!g_bytes_equal(encoded, encoded_again)) abort();
  return 0;
}

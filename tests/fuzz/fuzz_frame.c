/* Frames: whatever decodes must encode, and decode again to the same bytes. */
#include "common/codec.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  CLEANUP(frame_free) struct frame *frame = frame_decode(data, size);
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

#include "aggregator/reply.h"

#include "common/codec.h"

GBytes *reply_fault(const uint8_t *id, const char *code, const char *text)
{
  struct frame frame = {.kind = FRAME_FAULT};

  if (id) frame.fault.id = (struct bytes_view){id, SUBMISSION_ID_SIZE};
  frame.fault.code = code;
  frame.fault.text = text;
  return frame_encode(&frame);
}

GBytes *reply_busy(const uint8_t id[SUBMISSION_ID_SIZE], uint32_t retry_ms)
{
  struct frame frame = {.kind = FRAME_BUSY};

  frame.busy.id = (struct bytes_view){id, SUBMISSION_ID_SIZE};
  frame.busy.retry_after_ms = retry_ms;
  return frame_encode(&frame);
}

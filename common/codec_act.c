/* What a park does besides reporting. */
#include "common/codec_private.h"

#define PAYLOAD_MOST (LIMIT_SEALED_BYTES - SEAL_HEADER_SIZE)

static bool take_answer(const Parktally__Answer *message, struct park_act *act)
{
  act->kind = PARK_ANSWERS;
  act->answer.inquiry = message->inquiry;
  act->answer.text = message->text;
  act->answer.answered_by = message->answered_by;
  return message->inquiry != 0 && codec_text_fits(message->text, 1, LIMIT_ANSWER_BYTES) &&
         codec_text_fits(message->answered_by, 1, LIMIT_NAME_BYTES);
}

struct park_act *park_act_decode(const uint8_t *payload, size_t length)
{
  if (length > PAYLOAD_MOST) return NULL;
  CLEANUP(park_act_free) struct park_act *act = arena_record(sizeof *act, LIMIT_DECODE_ARENA, false);
  const Parktally__Act *message = arena_unpack(act, &parktally__act__descriptor, payload, length);
  if (message == NULL || !codec_text_fits(message->agent, 1, LIMIT_CODE_BYTES) || message->sequence == 0)
    return NULL;
  act->agent = message->agent;
  act->sequence = message->sequence;
  act->created_at_ms = message->created_at_ms;
  if (message->body_case != PARKTALLY__ACT__BODY_ANSWER || !take_answer(message->answer, act)) return NULL;
  return g_steal_pointer(&act);
}

void park_act_free(struct park_act *act)
{
  arena_record_free(act);
}

GByteArray *park_act_encode(const struct park_act *act)
{
  Parktally__Answer answer = PARKTALLY__ANSWER__INIT;
  Parktally__Act message = PARKTALLY__ACT__INIT;
  message.agent = codec_text(act->agent);
  message.sequence = act->sequence;
  message.created_at_ms = act->created_at_ms;
  answer.inquiry = act->answer.inquiry;
  answer.text = codec_text(act->answer.text);
  answer.answered_by = codec_text(act->answer.answered_by);
  message.answer = &answer;
  message.body_case = PARKTALLY__ACT__BODY_ANSWER;
  return codec_pack(&message.base);
}

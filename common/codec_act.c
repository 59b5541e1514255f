/* What a park does besides reporting. */
#include "common/codec_private.h"
#include "common/period.h"

#define PAYLOAD_MOST (LIMIT_SEALED_BYTES - SEAL_HEADER_SIZE)

static bool take_answer(const Parktally__Answer *message, struct park_act *act)
{
  act->kind = PARK_ANSWERS;
  act->answer.inquiry = message->inquiry;
  act->answer.text = message->text;
  act->answer.answered_by = message->answered_by;
  act->answer.asked_at_ms = message->asked_at_ms;
  return message->inquiry != 0 && codec_text_fits(message->text, 1, LIMIT_ANSWER_BYTES) &&
         codec_text_fits(message->answered_by, 1, LIMIT_NAME_BYTES);
}

static bool take_application(const Parktally__Application *message, struct park_act *act)
{
  day_number day;
  act->kind = PARK_APPLIES;
  act->application.unit = message->unit;
  act->application.class = message->unit_class;
  act->application.name = message->name;
  act->application.industry = message->industry;
  act->application.parent = message->parent;
  act->application.from = message->from_day;
  act->application.text = message->text;
  act->application.applied_by = message->applied_by;
  return codec_text_fits(message->unit, 1, LIMIT_CODE_BYTES) &&
         codec_text_fits(message->unit_class, 1, LIMIT_CODE_BYTES) &&
         codec_text_fits(message->name, 1, LIMIT_NAME_BYTES) &&
         codec_text_fits(message->industry, 0, LIMIT_CODE_BYTES) &&
         codec_text_fits(message->parent, 0, LIMIT_CODE_BYTES) &&
         codec_text_fits(message->from_day, 0, LIMIT_CODE_BYTES) &&
         (!*message->from_day || day_parse(message->from_day, &day)) &&
         codec_text_fits(message->text, 1, LIMIT_ANSWER_BYTES) &&
         codec_text_fits(message->applied_by, 1, LIMIT_NAME_BYTES);
}

static bool take_admission(const Parktally__Admission *message, struct park_act *act)
{
  act->kind = PARK_ADMITS;
  act->admission.agent = message->agent;
  act->admission.key_id = codec_view(message->key_id);
  act->admission.reason = message->reason;
  act->admission.approved_by = message->approved_by;
  return codec_text_fits(message->agent, 1, LIMIT_CODE_BYTES) && codec_is_hash(message->key_id) &&
         codec_text_fits(message->reason, 0, LIMIT_NAME_BYTES) &&
         codec_text_fits(message->approved_by, 1, LIMIT_NAME_BYTES);
}

static bool take_body(const Parktally__Act *message, struct park_act *act)
{
  switch (message->body_case) {
  case PARKTALLY__ACT__BODY_ANSWER:
    return take_answer(message->answer, act);
  case PARKTALLY__ACT__BODY_APPLICATION:
    return take_application(message->application, act);
  case PARKTALLY__ACT__BODY_ADMISSION:
    return take_admission(message->admission, act);
  default:
    return false;
  }
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
  return take_body(message, act) ? g_steal_pointer(&act) : NULL;
}

void park_act_free(struct park_act *act)
{
  arena_record_free(act);
}

static GByteArray *encode_answer(Parktally__Act *message, const struct park_act *act)
{
  Parktally__Answer answer = PARKTALLY__ANSWER__INIT;
  answer.inquiry = act->answer.inquiry;
  answer.text = codec_text(act->answer.text);
  answer.answered_by = codec_text(act->answer.answered_by);
  answer.asked_at_ms = act->answer.asked_at_ms;
  message->answer = &answer;
  message->body_case = PARKTALLY__ACT__BODY_ANSWER;
  return codec_pack(&message->base);
}

static GByteArray *encode_application(Parktally__Act *message, const struct park_act *act)
{
  Parktally__Application application = PARKTALLY__APPLICATION__INIT;
  application.unit = codec_text(act->application.unit);
  application.unit_class = codec_text(act->application.class);
  application.name = codec_text(act->application.name);
  application.industry = codec_text(act->application.industry);
  application.parent = codec_text(act->application.parent);
  application.from_day = codec_text(act->application.from);
  application.text = codec_text(act->application.text);
  application.applied_by = codec_text(act->application.applied_by);
  message->application = &application;
  message->body_case = PARKTALLY__ACT__BODY_APPLICATION;
  return codec_pack(&message->base);
}

static GByteArray *encode_admission(Parktally__Act *message, const struct park_act *act)
{
  Parktally__Admission admission = PARKTALLY__ADMISSION__INIT;
  admission.agent = codec_text(act->admission.agent);
  admission.key_id = codec_bytes(act->admission.key_id);
  admission.reason = codec_text(act->admission.reason);
  admission.approved_by = codec_text(act->admission.approved_by);
  message->admission = &admission;
  message->body_case = PARKTALLY__ACT__BODY_ADMISSION;
  return codec_pack(&message->base);
}

GByteArray *park_act_encode(const struct park_act *act)
{
  Parktally__Act message = PARKTALLY__ACT__INIT;
  message.agent = codec_text(act->agent);
  message.sequence = act->sequence;
  message.created_at_ms = act->created_at_ms;
  switch (act->kind) {
  case PARK_ANSWERS:
    return encode_answer(&message, act);
  case PARK_APPLIES:
    return encode_application(&message, act);
  case PARK_ADMITS:
    return encode_admission(&message, act);
  }
  return codec_pack(&message.base);
}

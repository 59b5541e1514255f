#include "common/codec_private.h"

#include "common/text.h"

#include <assert.h>
#include <string.h>

static_assert((int)VERDICT_IS_COUNTED == (int)PARKTALLY__VERDICT__VERDICT_COUNTED &&
                  (int)VERDICT_IS_UNCHANGED == (int)PARKTALLY__VERDICT__VERDICT_UNCHANGED &&
                  (int)VERDICT_IS_STALE == (int)PARKTALLY__VERDICT__VERDICT_STALE &&
                  (int)VERDICT_IS_WAITING == (int)PARKTALLY__VERDICT__VERDICT_WAITING &&
                  (int)VERDICT_IS_REFUSED == (int)PARKTALLY__VERDICT__VERDICT_REFUSED &&
                  (int)VERDICT_IS_WAITING_UNIT == (int)PARKTALLY__VERDICT__VERDICT_WAITING_UNIT,
              "our verdicts are the wire's");

static bool is_sound(const Parktally__Refusal *message)
{
  return codec_text_fits(message->unit, 0, LIMIT_CODE_BYTES) &&
         codec_text_fits(message->rule, 1, LIMIT_CODE_BYTES) &&
         codec_text_fits(message->indicator, 0, CODEC_COLUMN_BYTES) &&
         codec_text_fits(message->found, 0, LIMIT_REFUSAL_TEXT) &&
         codec_text_fits(message->expected, 0, LIMIT_REFUSAL_TEXT) &&
         (int)message->verdict >= VERDICT_IS_COUNTED && (int)message->verdict <= VERDICT_IS_WAITING_UNIT;
}

bool refusals_decode(void *record, Parktally__Refusal *const *messages, size_t count,
                     const struct refusal **ret_refusals)
{
  struct refusal *refusals = arena_take(record, count * sizeof *refusals);
  if (refusals == NULL) return false;
  for (size_t i = 0; i < count; i++) {
    const Parktally__Refusal *message = messages[i];
    if (!is_sound(message)) return false;
    refusals[i] = (struct refusal){
        .row = message->row,
        .unit = message->unit,
        .rule = message->rule,
        .indicator = message->indicator,
        .found = message->found,
        .expected = message->expected,
        .verdict = (enum verdict)message->verdict,
    };
  }
  *ret_refusals = refusals;
  return true;
}

static char *presentable(GPtrArray *texts, const char *text)
{
  size_t length = text != NULL ? strlen(text) : 0;
  if (length <= LIMIT_REFUSAL_TEXT && text_is_clean(codec_text(text), length)) return codec_text(text);
  char *cut = codec_presentable(text, LIMIT_REFUSAL_TEXT);
  g_ptr_array_add(texts, cut);
  return cut;
}

void refusal_messages_init(struct refusal_messages *messages, const struct refusal *refusals, size_t count)
{
  *messages = (struct refusal_messages){
      .message = g_new(Parktally__Refusal, count),
      .pointer = g_new(Parktally__Refusal *, count),
      .texts = g_ptr_array_new_with_free_func(g_free),
  };
  for (size_t i = 0; i < count; i++) {
    const struct refusal *refusal = &refusals[i];
    Parktally__Refusal *message = &messages->message[i];
    parktally__refusal__init(message);
    message->row = refusal->row;
    message->unit = codec_text(refusal->unit);
    message->rule = codec_text(refusal->rule);
    message->indicator = codec_text(refusal->indicator);
    message->found = presentable(messages->texts, refusal->found);
    message->expected = presentable(messages->texts, refusal->expected);
    message->verdict = (Parktally__Verdict)refusal->verdict;
    messages->pointer[i] = message;
  }
}

void refusal_messages_finish(struct refusal_messages *messages)
{
  g_ptr_array_unref(messages->texts);
  g_free(messages->pointer);
  g_free(messages->message);
}

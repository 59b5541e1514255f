/* Leaves about inquiries: what was found, asked, accepted and consented to. */
#include "common/codec_private.h"

/* --- decoding --- */

bool examination_decode(const Parktally__ExaminationLeaf *message, struct leaf *leaf)
{
  struct examined *submissions = arena_take(leaf, message->n_submission * sizeof *submissions);
  if (submissions == NULL) return false;
  for (size_t i = 0; i < message->n_submission; i++) {
    const Parktally__Examined *examined = message->submission[i];
    if (!codec_text_fits(examined->form, 1, LIMIT_CODE_BYTES) ||
        !codec_text_fits(examined->period, 1, LIMIT_CODE_BYTES) ||
        !codec_text_fits(examined->area, 1, LIMIT_CODE_BYTES) ||
        !refusals_decode(leaf, examined->finding, examined->n_finding, &submissions[i].findings))
      return false;
    submissions[i].position = examined->position;
    submissions[i].form = examined->form;
    submissions[i].period = examined->period;
    submissions[i].area = examined->area;
    submissions[i].finding_count = examined->n_finding;
    submissions[i].more = examined->more;
  }
  leaf->kind = LEAF_EXAMINATION;
  leaf->examination.examined = message->examined;
  leaf->examination.submissions = submissions;
  leaf->examination.submission_count = message->n_submission;
  return true;
}

static bool is_code_or_empty(const char *text)
{
  return codec_text_fits(text, 0, LIMIT_CODE_BYTES);
}

bool ask_decode(const Parktally__AskLeaf *message, struct leaf *leaf)
{
  leaf->kind = LEAF_ASK;
  leaf->ask.inquiry = message->inquiry;
  leaf->ask.form = message->form;
  leaf->ask.period = message->period;
  leaf->ask.unit = message->unit;
  leaf->ask.area = message->area;
  leaf->ask.indicator = message->indicator;
  return is_code_or_empty(message->form) && is_code_or_empty(message->period) &&
         is_code_or_empty(message->unit) && is_code_or_empty(message->area) &&
         codec_text_fits(message->indicator, 0, CODEC_COLUMN_BYTES);
}

bool accept_decode(const Parktally__AcceptLeaf *message, struct leaf *leaf)
{
  leaf->kind = LEAF_ACCEPT;
  leaf->accept.inquiries = message->inquiry;
  leaf->accept.inquiry_count = message->n_inquiry;
  leaf->accept.form = message->form;
  leaf->accept.period = message->period;
  leaf->accept.area = message->area;
  return is_code_or_empty(message->form) && is_code_or_empty(message->period) &&
         is_code_or_empty(message->area);
}

bool consent_decode(const Parktally__ConsentLeaf *message, struct leaf *leaf)
{
  leaf->kind = LEAF_CONSENT;
  leaf->consent.form = message->form;
  leaf->consent.period = message->period;
  leaf->consent.unit = message->unit;
  leaf->consent.area = message->area;
  leaf->consent.rule = message->rule;
  return codec_text_fits(message->form, 1, LIMIT_CODE_BYTES) &&
         codec_text_fits(message->period, 1, LIMIT_CODE_BYTES) &&
         codec_text_fits(message->unit, 1, LIMIT_CODE_BYTES) &&
         codec_text_fits(message->area, 1, LIMIT_CODE_BYTES) &&
         codec_text_fits(message->rule, 1, LIMIT_CODE_BYTES);
}

/* --- encoding --- */

static GByteArray *encode_examination(Parktally__Leaf *message, const struct leaf *leaf)
{
  size_t count = leaf->examination.submission_count;
  g_autofree Parktally__Examined *examined = g_new(Parktally__Examined, count);
  g_autofree Parktally__Examined **pointers = g_new(Parktally__Examined *, count);
  g_autofree struct refusal_messages *findings = g_new(struct refusal_messages, count);
  Parktally__ExaminationLeaf examination = PARKTALLY__EXAMINATION_LEAF__INIT;

  for (size_t i = 0; i < count; i++) {
    const struct examined *submission = &leaf->examination.submissions[i];
    refusal_messages_init(&findings[i], submission->findings, submission->finding_count);
    parktally__examined__init(&examined[i]);
    examined[i].position = submission->position;
    examined[i].form = codec_text(submission->form);
    examined[i].period = codec_text(submission->period);
    examined[i].area = codec_text(submission->area);
    examined[i].n_finding = submission->finding_count;
    examined[i].finding = findings[i].pointer;
    examined[i].more = submission->more;
    pointers[i] = &examined[i];
  }
  examination.examined = leaf->examination.examined;
  examination.n_submission = count;
  examination.submission = pointers;
  message->examination = &examination;
  message->body_case = PARKTALLY__LEAF__BODY_EXAMINATION;
  GByteArray *packed = codec_pack(&message->base);
  for (size_t i = 0; i < count; i++) refusal_messages_finish(&findings[i]);
  return packed;
}

static GByteArray *encode_ask(Parktally__Leaf *message, const struct leaf *leaf)
{
  Parktally__AskLeaf ask = PARKTALLY__ASK_LEAF__INIT;
  ask.inquiry = leaf->ask.inquiry;
  ask.form = codec_text(leaf->ask.form);
  ask.period = codec_text(leaf->ask.period);
  ask.unit = codec_text(leaf->ask.unit);
  ask.area = codec_text(leaf->ask.area);
  ask.indicator = codec_text(leaf->ask.indicator);
  message->ask = &ask;
  message->body_case = PARKTALLY__LEAF__BODY_ASK;
  return codec_pack(&message->base);
}

static GByteArray *encode_accept(Parktally__Leaf *message, const struct leaf *leaf)
{
  Parktally__AcceptLeaf accept = PARKTALLY__ACCEPT_LEAF__INIT;
  accept.n_inquiry = leaf->accept.inquiry_count;
  accept.inquiry = (uint64_t *)leaf->accept.inquiries;
  accept.form = codec_text(leaf->accept.form);
  accept.period = codec_text(leaf->accept.period);
  accept.area = codec_text(leaf->accept.area);
  message->accept = &accept;
  message->body_case = PARKTALLY__LEAF__BODY_ACCEPT;
  return codec_pack(&message->base);
}

static GByteArray *encode_consent(Parktally__Leaf *message, const struct leaf *leaf)
{
  Parktally__ConsentLeaf consent = PARKTALLY__CONSENT_LEAF__INIT;
  consent.form = codec_text(leaf->consent.form);
  consent.period = codec_text(leaf->consent.period);
  consent.unit = codec_text(leaf->consent.unit);
  consent.area = codec_text(leaf->consent.area);
  consent.rule = codec_text(leaf->consent.rule);
  message->consent = &consent;
  message->body_case = PARKTALLY__LEAF__BODY_CONSENT;
  return codec_pack(&message->base);
}

GByteArray *inquiry_leaf_encode(Parktally__Leaf *message, const struct leaf *leaf)
{
  switch (leaf->kind) {
  case LEAF_EXAMINATION:
    return encode_examination(message, leaf);
  case LEAF_ASK:
    return encode_ask(message, leaf);
  case LEAF_ACCEPT:
    return encode_accept(message, leaf);
  case LEAF_CONSENT:
    return encode_consent(message, leaf);
  default:
    return NULL;
  }
}

/* Pages of what the city asks an area, what it consented to, and of the area's applications and agents. */
#include "common/codec_private.h"

#include <assert.h>

/* One item of a page with its tag and length: an inquiry. */
#define INQUIRY_MOST                                                                                         \
  ((1 + 3) + 3 * (1 + 10) + 5 * (2 + LIMIT_CODE_BYTES) + (2 + CODEC_COLUMN_BYTES) +                          \
   2 * (2 + LIMIT_REFUSAL_TEXT) + 2 * (3 + LIMIT_NAME_BYTES) + (3 + LIMIT_ANSWER_BYTES))
#define APPLICATION_MOST ((1 + 3) + 4 * (1 + 10) + (2 + LIMIT_CODE_BYTES) + 2 * (3 + LIMIT_NAME_BYTES))
#define AGENT_MOST                                                                                           \
  ((1 + 3) + 3 * (1 + 10) + 3 * (1 + 1) + (2 + LIMIT_AGENT_FORMS) * (2 + LIMIT_CODE_BYTES) +                 \
   (2 + SEAL_HASH_SIZE) + 2 * (3 + LIMIT_NAME_BYTES))
static_assert(APPLICATION_MOST < INQUIRY_MOST && AGENT_MOST < INQUIRY_MOST,
              "an inquiry is the largest item of a page");
static_assert(LIMIT_STATE_INLINE * INQUIRY_MOST + LIMIT_KIB <= LIMIT_FRAME_BYTES,
              "a page of inquiries fits a frame");

static bool is_sound_inquiry(const Parktally__Inquiry *message)
{
  return message->number != 0 && codec_text_fits(message->form, 1, LIMIT_CODE_BYTES) &&
         codec_text_fits(message->period, 1, LIMIT_CODE_BYTES) &&
         codec_text_fits(message->unit, 0, LIMIT_CODE_BYTES) &&
         codec_text_fits(message->rule, 1, LIMIT_CODE_BYTES) &&
         codec_text_fits(message->indicator, 0, CODEC_COLUMN_BYTES) &&
         codec_text_fits(message->found, 0, LIMIT_REFUSAL_TEXT) &&
         codec_text_fits(message->expected, 0, LIMIT_REFUSAL_TEXT) &&
         codec_text_fits(message->question, 0, LIMIT_NAME_BYTES) &&
         codec_text_fits(message->answer, 0, LIMIT_ANSWER_BYTES) &&
         codec_text_fits(message->answered_by, 0, LIMIT_NAME_BYTES);
}

static bool take_inquiries(const Parktally__StatePage *message, struct frame *frame)
{
  struct inquiry_item *items = arena_take(frame, message->n_inquiry * sizeof *items);

  if (items == NULL) return false;
  for (size_t i = 0; i < message->n_inquiry; i++) {
    const Parktally__Inquiry *inquiry = message->inquiry[i];

    if (!is_sound_inquiry(inquiry)) return false;
    items[i] = (struct inquiry_item){
        .number = inquiry->number,
        .form = inquiry->form,
        .period = inquiry->period,
        .unit = inquiry->unit,
        .rule = inquiry->rule,
        .indicator = inquiry->indicator,
        .found = inquiry->found,
        .expected = inquiry->expected,
        .question = inquiry->question,
        .asked_at_ms = inquiry->asked_at_ms,
        .answer = inquiry->answer,
        .answered_by = inquiry->answered_by,
        .answered_at_ms = inquiry->answered_at_ms,
    };
  }
  frame->state_page.inquiries = items;
  frame->state_page.inquiry_count = message->n_inquiry;
  return true;
}

static bool take_consents(const Parktally__StatePage *message, struct frame *frame)
{
  struct consent_item *items = arena_take(frame, message->n_consent * sizeof *items);

  if (items == NULL) return false;
  for (size_t i = 0; i < message->n_consent; i++) {
    const Parktally__Consent *consent = message->consent[i];

    if (!codec_text_fits(consent->form, 1, LIMIT_CODE_BYTES) ||
        !codec_text_fits(consent->period, 1, LIMIT_CODE_BYTES) ||
        !codec_text_fits(consent->unit, 1, LIMIT_CODE_BYTES) ||
        !codec_text_fits(consent->rule, 1, LIMIT_CODE_BYTES))
      return false;
    items[i] = (struct consent_item){consent->form, consent->period, consent->unit, consent->rule};
  }
  frame->state_page.consents = items;
  frame->state_page.consent_count = message->n_consent;
  return true;
}

static bool take_applications(const Parktally__StatePage *message, struct frame *frame)
{
  struct application_item *items = arena_take(frame, message->n_application * sizeof *items);

  if (items == NULL) return false;
  for (size_t i = 0; i < message->n_application; i++) {
    const Parktally__ApplicationItem *application = message->application[i];

    if (application->number == 0 || !codec_text_fits(application->unit, 1, LIMIT_CODE_BYTES) ||
        !codec_text_fits(application->name, 1, LIMIT_NAME_BYTES) ||
        !codec_text_fits(application->reason, 0, LIMIT_NAME_BYTES) ||
        (int)application->state < APPLICATION_IS_PENDING || (int)application->state > APPLICATION_IS_DECLINED)
      return false;
    items[i] = (struct application_item){
        .number = application->number,
        .unit = application->unit,
        .name = application->name,
        .state = (enum application_state)application->state,
        .reason = application->reason,
        .applied_at_ms = application->applied_at_ms,
        .settled_at_ms = application->settled_at_ms,
    };
  }
  frame->state_page.applications = items;
  frame->state_page.application_count = message->n_application;
  return true;
}

static bool is_sound_agent(const Parktally__AgentItem *message)
{
  return codec_text_fits(message->agent, 1, LIMIT_CODE_BYTES) &&
         ((int)message->role == AGENT_OF_PARK || (int)message->role == AGENT_OF_BUREAU) &&
         message->n_form <= LIMIT_AGENT_FORMS &&
         codec_texts_fit(message->form, message->n_form, 1, LIMIT_CODE_BYTES) &&
         codec_is_hash(message->key_id) && (int)message->state >= AGENT_IS_IN_FORCE &&
         (int)message->state <= AGENT_IS_REVOKED && (int)message->entry >= ENTRY_IS_FIRST &&
         (int)message->entry <= ENTRY_IS_SUCCESSION &&
         codec_text_fits(message->admitted_by, 0, LIMIT_CODE_BYTES) &&
         codec_text_fits(message->approved_by, 0, LIMIT_NAME_BYTES) &&
         codec_text_fits(message->reason, 0, LIMIT_NAME_BYTES);
}

static bool take_agents(const Parktally__StatePage *message, struct frame *frame)
{
  struct agent_item *items = arena_take(frame, message->n_agent * sizeof *items);

  if (items == NULL) return false;
  for (size_t i = 0; i < message->n_agent; i++) {
    const Parktally__AgentItem *agent = message->agent[i];

    if (!is_sound_agent(agent)) return false;
    items[i] = (struct agent_item){
        .agent = agent->agent,
        .role = (enum agent_role)agent->role,
        .forms = (const char *const *)agent->form,
        .form_count = agent->n_form,
        .key_id = codec_view(agent->key_id),
        .state = (enum agent_state)agent->state,
        .entry = (enum agent_entry)agent->entry,
        .enrolled_at_ms = agent->enrolled_at_ms,
        .revoked_at_ms = agent->revoked_at_ms,
        .admitted_by = agent->admitted_by,
        .approved_by = agent->approved_by,
        .reason = agent->reason,
        .admitted_at_ms = agent->admitted_at_ms,
    };
  }
  frame->state_page.agents = items;
  frame->state_page.agent_count = message->n_agent;
  return true;
}

bool state_page_decode(const Parktally__StatePage *message, struct frame *frame)
{
  frame->kind = FRAME_STATE_PAGE;
  frame->state_page.state = message->state;
  frame->state_page.from = message->from;
  frame->state_page.next = message->next;
  return message->n_inquiry + message->n_consent + message->n_application + message->n_agent <=
             LIMIT_STATE_INLINE &&
         take_inquiries(message, frame) && take_consents(message, frame) &&
         take_applications(message, frame) && take_agents(message, frame);
}

static void fill_inquiry(Parktally__Inquiry *message, const struct inquiry_item *item)
{
  parktally__inquiry__init(message);
  message->number = item->number;
  message->form = codec_text(item->form);
  message->period = codec_text(item->period);
  message->unit = codec_text(item->unit);
  message->rule = codec_text(item->rule);
  message->indicator = codec_text(item->indicator);
  message->found = codec_text(item->found);
  message->expected = codec_text(item->expected);
  message->question = codec_text(item->question);
  message->asked_at_ms = item->asked_at_ms;
  message->answer = codec_text(item->answer);
  message->answered_by = codec_text(item->answered_by);
  message->answered_at_ms = item->answered_at_ms;
}

static void fill_application(Parktally__ApplicationItem *message, const struct application_item *item)
{
  parktally__application_item__init(message);
  message->number = item->number;
  message->unit = codec_text(item->unit);
  message->name = codec_text(item->name);
  message->state = (Parktally__ApplicationState)item->state;
  message->reason = codec_text(item->reason);
  message->applied_at_ms = item->applied_at_ms;
  message->settled_at_ms = item->settled_at_ms;
}

static void fill_consent(Parktally__Consent *message, const struct consent_item *item)
{
  parktally__consent__init(message);
  message->form = codec_text(item->form);
  message->period = codec_text(item->period);
  message->unit = codec_text(item->unit);
  message->rule = codec_text(item->rule);
}

static void fill_agent(Parktally__AgentItem *message, const struct agent_item *item)
{
  parktally__agent_item__init(message);
  message->agent = codec_text(item->agent);
  message->role = (Parktally__Role)item->role;
  message->n_form = MIN(item->form_count, LIMIT_AGENT_FORMS);
  message->form = (char **)item->forms;
  message->key_id = codec_bytes(item->key_id);
  message->state = (Parktally__AgentState)item->state;
  message->entry = (Parktally__Entry)item->entry;
  message->enrolled_at_ms = item->enrolled_at_ms;
  message->revoked_at_ms = item->revoked_at_ms;
  message->admitted_by = codec_text(item->admitted_by);
  message->approved_by = codec_text(item->approved_by);
  message->reason = codec_text(item->reason);
  message->admitted_at_ms = item->admitted_at_ms;
}

GBytes *state_page_encode(Parktally__Frame *message, const struct frame *frame)
{
  Parktally__Inquiry inquiries[LIMIT_STATE_INLINE], *inquiry_pointers[LIMIT_STATE_INLINE];
  Parktally__Consent consents[LIMIT_STATE_INLINE], *consent_pointers[LIMIT_STATE_INLINE];
  Parktally__ApplicationItem applications[LIMIT_STATE_INLINE], *application_pointers[LIMIT_STATE_INLINE];
  Parktally__AgentItem agents[LIMIT_STATE_INLINE], *agent_pointers[LIMIT_STATE_INLINE];
  Parktally__StatePage page = PARKTALLY__STATE_PAGE__INIT;

  assert(frame->state_page.inquiry_count + frame->state_page.consent_count +
             frame->state_page.application_count + frame->state_page.agent_count <=
         LIMIT_STATE_INLINE);
  for (size_t i = 0; i < frame->state_page.inquiry_count; i++) {
    fill_inquiry(&inquiries[i], &frame->state_page.inquiries[i]);
    inquiry_pointers[i] = &inquiries[i];
  }
  for (size_t i = 0; i < frame->state_page.consent_count; i++) {
    fill_consent(&consents[i], &frame->state_page.consents[i]);
    consent_pointers[i] = &consents[i];
  }
  for (size_t i = 0; i < frame->state_page.application_count; i++) {
    fill_application(&applications[i], &frame->state_page.applications[i]);
    application_pointers[i] = &applications[i];
  }
  for (size_t i = 0; i < frame->state_page.agent_count; i++) {
    fill_agent(&agents[i], &frame->state_page.agents[i]);
    agent_pointers[i] = &agents[i];
  }
  page.state = frame->state_page.state;
  page.from = frame->state_page.from;
  page.next = frame->state_page.next;
  page.n_inquiry = frame->state_page.inquiry_count;
  page.inquiry = inquiry_pointers;
  page.n_consent = frame->state_page.consent_count;
  page.consent = consent_pointers;
  page.n_application = frame->state_page.application_count;
  page.application = application_pointers;
  page.n_agent = frame->state_page.agent_count;
  page.agent = agent_pointers;
  message->body_case = PARKTALLY__FRAME__BODY_STATE_PAGE;
  message->state_page = &page;
  return g_byte_array_free_to_bytes(codec_pack(&message->base));
}

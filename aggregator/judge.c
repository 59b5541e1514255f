#include "aggregator/judge.h"

#include "aggregator/periods.h"
#include "aggregator/rights.h"
#include "common/calendar.h"
#include "common/text.h"

#include <stdarg.h>
#include <string.h>

static bool fault(struct judged *judged, enum finding_code code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Always false, for `return fault(…)`. */
static bool fault(struct judged *judged, enum finding_code code, const char *format, ...)
{
  va_list arguments;

  judged->fault = code;
  va_start(arguments, format);
  g_vsnprintf(judged->fault_text, sizeof judged->fault_text, format, arguments);
  va_end(arguments);
  return false;
}

static struct judged *judged_new(struct snapshot *snapshot, GBytes *sealed)
{
  struct judged *judged = g_new0(struct judged, 1);

  judged->sealed = g_bytes_ref(sealed);
  judged->snapshot = snapshot_ref(snapshot);
  judged->fault = FINDING_COUNT;
  judged->refusals = g_array_new(FALSE, FALSE, sizeof(struct row_refusal));
  return judged;
}

void judged_free(struct judged *judged)
{
  if (!judged) return;
  g_array_unref(judged->refusals);
  g_free(judged->versions);
  g_free(judged->sound);
  g_free(judged->upheld);
  park_act_free(judged->act);
  submission_free(judged->submission);
  catalogue_unref(judged->catalogue);
  snapshot_unref(judged->snapshot);
  g_bytes_unref(judged->sealed);
  if (judged->quota) quota_give(judged->quota, judged->share);
  quota_unref(judged->quota);
  g_free(judged);
}

size_t judged_memory(const struct judged *judged)
{
  size_t rows = judged->submission ? submission_size(judged->submission) : 0;

  return sizeof *judged +
         rows * (sizeof *judged->versions + 2 * sizeof(bool) + 2 * sizeof(struct row_refusal)) +
         (judged->submission ? submission_memory(judged->submission) : 0);
}

/* Finds the signer and verifies the seal; nothing of the payload is looked at before. */
static bool open_seal(struct judged *judged, const uint8_t *claimed_id, enum seal_label *ret_label,
                      const uint8_t **ret_payload, size_t *ret_length)
{
  size_t length;
  const uint8_t *sealed = g_bytes_get_data(judged->sealed, &length);
  const uint8_t *key_id;

  if (length > LIMIT_SEALED_BYTES)
    return fault(judged, FINDING_MESSAGE_SIZE, "found %zu bytes, expected at most %zu", length,
                 LIMIT_SEALED_BYTES);
  key_id = seal_claimed_key(sealed, length);
  if (!key_id) return fault(judged, FINDING_MESSAGE_MALFORMED, "the seal's header is damaged");
  judged->agent = snapshot_agent_by_key_id(judged->snapshot, key_id);
  memcpy(judged->key_id, key_id, sizeof judged->key_id);
  if (!judged->agent) return fault(judged, FINDING_SEAL_UNKNOWN, "no agent has this signing key");
  *ret_label = seal_claimed_label(sealed, length) == SEAL_ACT ? SEAL_ACT : SEAL_SUBMISSION;
  if (key_chain_open(judged->agent->keys, sealed, length, *ret_label, ret_payload, ret_length, judged->id,
                     NULL) != SEAL_OK)
    return fault(judged, FINDING_SEAL_FORGED, "the signature by agent %s does not hold",
                 judged->agent->stored.id);
  if (claimed_id && memcmp(claimed_id, judged->id, SUBMISSION_ID_SIZE) != 0)
    return fault(judged, FINDING_MESSAGE_MALFORMED, "the id beside the submission is not its hash");
  return true;
}

/* Rights go by what is in force, whichever catalogue a submission names; forms retire but never vanish. */
static const struct form *form_in_force(const struct snapshot *snapshot, const char *code)
{
  int form = catalogue_form(snapshot->catalogue, code);

  return form == CATALOGUE_NONE ? NULL : &snapshot->catalogue->forms[form];
}

static bool check_agent(struct judged *judged, const char *agent)
{
  const struct key_link *link = key_chain_find(judged->agent->keys, judged->key_id);

  if (judged->agent->stored.revoked_ms != 0)
    return fault(judged, FINDING_AGENT_REVOKED, "agent %s was revoked", judged->agent->stored.id);
  if (strcmp(agent, judged->agent->stored.id) != 0)
    return fault(judged, FINDING_AGENT_OTHER, "found agent %s, its key is that of %s", agent,
                 judged->agent->stored.id);
  if (!link || !key_link_may_seal(link, 0, judged->sequence))
    return fault(judged, FINDING_SEAL_RETIRED,
                 "found number %" G_GUINT64_FORMAT ", its key seals up to %" G_GUINT64_FORMAT,
                 judged->sequence, link ? link->until : 0);
  if (stored_agent_waits(&judged->agent->stored))
    return fault(judged, FINDING_ADMISSION_WAITING, "agent %s waits until an agent of %s admits it",
                 judged->agent->stored.id, judged->agent->stored.area);
  return true;
}

static bool check_head(struct judged *judged)
{
  const struct submission_head *head = submission_head(judged->submission);
  g_autofree char *objection = NULL;
  int unknown;

  judged->catalogue = snapshot_catalogue(judged->snapshot, head->catalogue_hash);
  if (!judged->catalogue)
    return fault(judged, FINDING_CATALOGUE_UNKNOWN, "expected one that was in force here");
  catalogue_ref(judged->catalogue);
  if (catalogue_area(judged->catalogue, judged->agent->stored.area) == CATALOGUE_NONE)
    return fault(judged, FINDING_CATALOGUE_UNKNOWN, "the catalogue that it names has no area %s yet",
                 judged->agent->stored.area);
  judged->form = catalogue_form(judged->catalogue, head->form);
  if (judged->form == CATALOGUE_NONE) return fault(judged, FINDING_FORM_UNKNOWN, "found form %s", head->form);
  if (!rights_to_form(&judged->agent->stored, form_in_force(judged->snapshot, head->form)))
    return fault(judged, FINDING_FORM_RIGHT, "agent %s has no right to form %s", head->agent, head->form);
  judged->period = submission_period(judged->submission);
  objection = catalogue_period_objection(judged->catalogue, judged->form, judged->period);
  if (objection)
    return fault(judged, FINDING_PERIOD_WRONG, "found %s, form %s expects %s", head->period, head->form,
                 objection);
  unknown = submission_bind(judged->submission, judged->catalogue, judged->form);
  if (unknown != CATALOGUE_NONE)
    return fault(judged, FINDING_INDICATOR_UNKNOWN, "form %s has no column %s", head->form,
                 submission_indicator(judged->submission, (size_t)unknown));
  return true;
}

/* Bytes of what an operator wrote that fit beside the rest of a fault's text. */
enum { REASON_SHOWN = 100 };

/* Whether reports are taken for the period: by what is in force, and by our clock, never the park's. */
static bool check_period(struct judged *judged, int64_t now_ms)
{
  const struct snapshot *snapshot = judged->snapshot;
  const struct catalogue *catalogue = snapshot->catalogue;
  const struct submission_head *head = submission_head(judged->submission);
  int form = catalogue_form(catalogue, head->form);
  int area = catalogue_area(catalogue, judged->agent->stored.area);
  enum period_state state =
      periods_state(snapshot->period_acts, catalogue, form, judged->period, area, now_ms);
  const struct stored_period_act *last;
  g_autofree char *when = NULL, *reason = NULL;

  if (state == PERIOD_IS_FUTURE)
    return fault(judged, FINDING_PERIOD_NOT_BEGUN, "found %s, form %s expects a period that has begun",
                 head->period, head->form);
  if (state != PERIOD_IS_CLOSED) return true;
  last = periods_last(snapshot->period_acts, catalogue, head->form, judged->period, area);
  when = calendar_format(catalogue, last->recorded_ms);
  reason = text_excerpt(last->reason, strlen(last->reason), REASON_SHOWN);
  return fault(judged, FINDING_PERIOD_CLOSED, "%s of form %s, on %s%s%s", head->period, head->form, when,
               *reason ? ": " : "", reason);
}

bool judged_may_be_known(const struct judged *judged)
{
  switch (judged->fault) {
  case FINDING_PERIOD_CLOSED:
  case FINDING_PERIOD_NOT_BEGUN:
  case FINDING_FORM_RIGHT:
  case FINDING_AGENT_REVOKED: /* another agent may carry what it sealed */
  case FINDING_AGENT_OTHER:
    return true;
  default:
    return false;
  }
}

static struct rule_context rules_for(const struct judged *judged)
{
  return (struct rule_context){
      .catalogue = judged->catalogue,
      .units = judged->snapshot->units,
      .form = judged->form,
      .period = judged->period,
      .area = catalogue_area(judged->catalogue, judged->agent->stored.area),
  };
}

/* Asked here, by any thread, so that the writer, which there is one of, need not. */
static bool is_sound(const struct judged *judged, const struct report_change *change)
{
  struct formula_facts facts = {.figures[TENSE_NOW] = &change->figures,
                                .month = period_last_month(judged->period)};
  struct rule_breach breach;
  size_t next = 0;

  return change->kind == KIND_FIGURES &&
         !rule_next_breach(&judged->catalogue->forms[judged->form], RULES_OF_REPORT, RULE_QUASI, &facts,
                           &next, &breach);
}

static void check_reports(struct judged *judged)
{
  size_t count = submission_size(judged->submission);
  struct rule_context context = rules_for(judged);
  struct submission_report report;
  struct rule_result result;

  judged->versions = g_new(const struct unit_version *, count);
  judged->sound = g_new0(bool, count);
  for (size_t n = 0; n < count; n++) {
    struct row_refusal refusal = {.row = (uint32_t)n};

    submission_report(judged->submission, n, &report);
    rule_check_report(&context, report.unit, &report.change, &result);
    judged->versions[n] = result.code == FINDING_COUNT ? result.version : NULL;
    if (result.code == FINDING_COUNT) {
      judged->sound[n] = is_sound(judged, &report.change);
      continue;
    }
    refusal.code = result.code;
    refusal.column = result.column;
    g_array_append_val(judged->refusals, refusal);
  }
}

/* Worked out again: kept, the texts of many refusals take more than their reports. */
void judged_explain(const struct judged *judged, const struct row_refusal *refusal,
                    struct rule_result *ret_result)
{
  struct rule_context context = rules_for(judged);
  struct submission_report report;

  submission_report(judged->submission, refusal->row, &report);
  rule_check_report(&context, report.unit, &report.change, ret_result);
}

/* Of a snapshot that goes. */
static void forget_findings(struct judged *judged)
{
  judged->fault = FINDING_COUNT;
  g_array_set_size(judged->refusals, 0);
  g_clear_pointer(&judged->versions, g_free);
  g_clear_pointer(&judged->sound, g_free);
  g_clear_pointer(&judged->upheld, g_free);
}

/* What a snapshot alone decides, once the seal was opened. */
static void judge_content(struct judged *judged, int64_t now_ms)
{
  const struct submission_head *head;

  if (judged->act) {
    (void)check_agent(judged, judged->act->agent);
    return;
  }
  head = submission_head(judged->submission);
  if (!check_agent(judged, head->agent) || !check_head(judged) || !check_period(judged, now_ms)) return;
  /* Only a clock that is ahead shows in a submission: an old one may just have waited in its outbox. */
  judged->clock_off = head->created_at_ms > now_ms + LIMIT_CLOCK_SKEW_MS;
  check_reports(judged);
}

static bool decode_payload(struct judged *judged, enum seal_label label, const uint8_t *payload,
                           size_t length)
{
  if (label == SEAL_ACT) {
    judged->act = park_act_decode(payload, length);
    if (judged->act) judged->sequence = judged->act->sequence;
    return judged->act != NULL;
  }
  judged->submission = submission_decode(payload, length);
  if (judged->submission) judged->sequence = submission_head(judged->submission)->sequence;
  return judged->submission != NULL;
}

struct judged *judge_submission(struct snapshot *snapshot, GBytes *sealed, const uint8_t *claimed_id,
                                int64_t now_ms)
{
  struct judged *judged = judged_new(snapshot, sealed);
  enum seal_label label = SEAL_SUBMISSION;
  const uint8_t *payload;
  size_t length;

  if (!open_seal(judged, claimed_id, &label, &payload, &length)) return judged;
  if (decode_payload(judged, label, payload, length))
    judge_content(judged, now_ms);
  else
    fault(judged, FINDING_MESSAGE_MALFORMED, "the submission's payload cannot be decoded");
  return judged;
}

void judge_again(struct judged *judged, struct snapshot *snapshot, int64_t now_ms)
{
  struct snapshot *before = judged->snapshot;
  struct catalogue *catalogue = judged->catalogue;

  if (!judged->submission && !judged->act) return;
  forget_findings(judged);
  judged->agent = snapshot_agent(snapshot, judged->agent->stored.id);
  judged->snapshot = snapshot_ref(snapshot);
  judged->catalogue = NULL;
  judge_content(judged, now_ms);
  catalogue_unref(catalogue);
  snapshot_unref(before);
}

struct judged *judge_recorded(struct snapshot *snapshot, const uint8_t *sealed, size_t length)
{
  g_autoptr(GBytes) bytes = g_bytes_new(sealed, length);
  CLEANUP(judged_free) struct judged *judged = judged_new(snapshot, bytes);
  const struct submission_head *head;
  struct catalogue *catalogue;
  const uint8_t *payload;
  size_t payload_length;

  if (!seal_peek(g_bytes_get_data(bytes, NULL), length, SEAL_SUBMISSION, &payload, &payload_length))
    return NULL;
  seal_hash(payload, payload_length, judged->id);
  judged->submission = submission_decode(payload, payload_length);
  if (!judged->submission) return NULL;
  head = submission_head(judged->submission);
  judged->agent = snapshot_agent(snapshot, head->agent);
  catalogue = snapshot_catalogue(snapshot, head->catalogue_hash);
  if (!judged->agent || !catalogue) return NULL;
  judged->catalogue = catalogue_ref(catalogue);
  judged->form = catalogue_form(judged->catalogue, head->form);
  judged->period = submission_period(judged->submission);
  if (judged->form == CATALOGUE_NONE ||
      submission_bind(judged->submission, judged->catalogue, judged->form) != CATALOGUE_NONE)
    return NULL;
  return g_steal_pointer(&judged);
}

/* What the aggregator says, and what it means to the link: a function per kind of frame. */
#include "agent/answer.h"
#include "agent/link_private.h"

#include "common/error.h"
#include "common/limits.h"
#include "common/merkle.h"
#include "common/text.h"

#include <string.h>

#define BUSY_LEAST_MS 100
#define BUSY_MOST_MS 60000

static struct flight *find_flight(struct link *link, struct bytes_view id)
{
  for (guint i = 0; i < link->flights->len; i++) {
    struct flight *flight = link->flights->pdata[i];
    if (id.length == SUBMISSION_ID_SIZE && memcmp(flight->item->id, id.data, SUBMISSION_ID_SIZE) == 0)
      return flight;
  }
  return NULL;
}

static void land(struct link *link, struct bytes_view id)
{
  struct flight *flight = find_flight(link, id);
  if (flight) g_ptr_array_remove(link->flights, flight);
}

static void compare_clocks(struct link *link, int64_t theirs_ms)
{
  int64_t ahead = (int64_t)((uint64_t)clock_wall().ms - (uint64_t)theirs_ms);
  bool differs = ahead > LIMIT_CLOCK_SKEW_MS || ahead < -LIMIT_CLOCK_SKEW_MS;
  if (differs && link->events.clocks_differ) link->events.clocks_differ(ahead, link->data);
}

static void take_wanted(struct link *link, enum document_kind kind, struct bytes_view hash)
{
  link->has_wanted[kind - 1] = hash.length == SEAL_HASH_SIZE;
  if (hash.length == SEAL_HASH_SIZE) memcpy(link->wanted[kind - 1], hash.data, SEAL_HASH_SIZE);
}

/* What the city asks has changed since it was fetched. Asked for where nothing else is under way. */
static void compare_states(struct link *link, uint64_t state)
{
  link->state_wanted = state;
  if (link->state_page.due || link->state_page.awaited || state == outbox_state(link->outbox, NULL)) return;
  link->state_from = 0;
  request_make_due(&link->state_page);
}

/* Nothing is submitted until a Welcome says that this agent was admitted; all of it stays in the outbox. */
static void report_waiting(struct link *link, const char *text)
{
  link->waiting = true;
  link_report(link, finding_id(FINDING_ADMISSION_WAITING), text);
}

/* This agent's keys are known there, or it would not have been let in; the aggregator's may be new to us. */
static bool take_keys(struct link *link, const struct frame *frame)
{
  g_autoptr(GError) error = NULL;
  bool changed;
  outbox_note_keys(link->outbox, link->home->keys->papers->len);
  if (!home_take_server_keys(link->home, frame->welcome.key_changes, frame->welcome.key_change_count,
                             &changed, &error)) {
    link_report(link, finding_id(FINDING_SEAL_FORGED), error->message);
    link_reopen(link);
    return false;
  }
  if (changed) link_report(link, finding_id(FINDING_SERVER_KEYS), "");
  return true;
}

static void take_welcome(struct link *link, const struct frame *frame)
{
  if (!take_keys(link, frame)) return;
  link->unheard = 0;
  link->hello.awaited = false;
  link->hello.since = clock_mono();
  if (link->state == STATE_FETCHING) return;
  link->credit = CLAMP(frame->welcome.credit, 1, LIMIT_CREDIT_AGENT);
  take_wanted(link, DOCUMENT_OF_CATALOGUE, frame->welcome.catalogue_hash);
  take_wanted(link, DOCUMENT_OF_REGISTER, frame->welcome.register_hash);
  compare_states(link, frame->welcome.state);
  if (frame->welcome.waiting && !link->waiting) report_waiting(link, "");
  link->waiting = frame->welcome.waiting;
  if (!link->connected) {
    link->connected = true;
    link->connected_at = clock_mono();
    compare_clocks(link, frame->welcome.clock_ms);
    if (link->events.connected) link->events.connected(true, link->data);
  }
  link_fetch_or_ready(link);
}

static void take_receipt(struct link *link, const struct frame *frame)
{
  struct bytes_view sealed = frame->receipt.sealed;
  enum seal_status status;
  CLEANUP(receipt_free) struct receipt *receipt = home_open_receipt(link->home, sealed, &status);
  if (status != SEAL_OK) {
    link_report(link, finding_id(FINDING_SEAL_FORGED),
                _("a receipt was not signed by the aggregator and was ignored"));
    return;
  }
  if (!receipt || strcmp(receipt->agent, link->home->certificate->agent) != 0) {
    link_report(link, finding_id(FINDING_MESSAGE_MALFORMED),
                _("a receipt cannot be decoded, or is for another agent; it was ignored"));
    return;
  }
  if (!merkle_is_included(receipt->leaf_hash.data, receipt->position, receipt->tree_size,
                          receipt->tree_root.data, receipt->path.hash, receipt->path.count)) {
    link_report(link, finding_id(FINDING_MESSAGE_MALFORMED),
                _("a receipt does not prove that the submission is in the ledger; it was ignored"));
    return;
  }
  struct outbox_head known = {.epoch = receipt->tree_epoch, .size = receipt->tree_size};
  if (outbox_head_root(link->outbox, known.epoch, known.size, known.root) &&
      memcmp(known.root, receipt->tree_root.data, sizeof known.root) != 0) {
    link_refuse_ledger(link, sealed, &known);
    return;
  }
  GError *error = NULL;
  if (!outbox_receipt(link->outbox, sealed.data, sealed.length, receipt, &error)) {
    link_fail(link, error);
    return;
  }
  link->answered = link->untied = true;
  link_note_progress(link);
  land(link, receipt->submission);
  if (receipt->refusals_total > receipt->refusal_count) link->pages_missing = true;
  if (link->events.receipt) link->events.receipt(receipt, link->data);
}

static void take_busy(struct link *link, const struct frame *frame)
{
  struct flight *flight = find_flight(link, frame->busy.id);
  if (!flight) return;
  int32_t wait = (int32_t)CLAMP(frame->busy.retry_after_ms, BUSY_LEAST_MS, BUSY_MOST_MS);
  flight->sent = false;
  flight->due = link_time_after(wait + g_random_int_range(0, wait / 2 + 1));
}

static void take_refused_submission(struct link *link, const struct frame *frame)
{
  GError *error = NULL;
  if (!find_flight(link, frame->fault.id)) return;
  if (!outbox_fault(link->outbox, frame->fault.id.data, frame->fault.code, frame->fault.text, &error)) {
    link_fail(link, error);
    return;
  }
  link->answered = true;
  land(link, frame->fault.id);
}

/* The refusals that were announced are not to be had (any more): what is kept is all there is. */
static void give_up_page(struct link *link)
{
  GError *error = NULL;
  link->page = (struct request){0};
  link->answered = true;
  if (!outbox_refusals(link->outbox, link->page_id, NULL, 0, &error)) link_fail(link, error);
}

static void take_fault(struct link *link, const struct frame *frame)
{
  const char *code = frame->fault.code, *text = frame->fault.text;
  if (answer_is_about_agent(code)) {
    g_autofree char *meaning = answer_fault(code, text); /* who has come in its place too */
    link_reopen(link);
    link_fail(
        link,
        g_error_new(PARKTALLY_ERROR, ERROR_PERMISSION,
                    _("the aggregator refuses this agent: %s [%s]; what was made stays in the outbox, ask "
                      "the city"),
                    meaning, code));
    return;
  }
  if (finding_from_id(code) == FINDING_ADMISSION_WAITING) {
    link_forget_flights(link);
    if (!link->waiting) report_waiting(link, text);
    return;
  }
  if (link->state == STATE_RETURNING) {
    link_report(link, code, text);
    link_reopen(link);
    return;
  }
  bool whole = frame->fault.id.length == SUBMISSION_ID_SIZE;
  if (!whole && link->state == STATE_FETCHING) {
    link_fetch_refused(link, code, text);
    return;
  }
  link_report(link, code, text);
  if (whole && link->page.awaited && memcmp(frame->fault.id.data, link->page_id, SUBMISSION_ID_SIZE) == 0)
    give_up_page(link);
  else if (whole)
    take_refused_submission(link, frame);
  else if (link->head.awaited)
    link_reopen(link);
  else if (link->page.awaited)
    give_up_page(link);
  else if (link->state_page.awaited)
    link->state_page = (struct request){0}; /* with the next Welcome again */
  else if (link->state == STATE_GREETING)
    link_reopen(link);
}

static void take_refusal_page(struct link *link, const struct frame *frame)
{
  if (!link->page.awaited || frame->refusal_page.offset != link->page_offset ||
      memcmp(frame->refusal_page.id.data, link->page_id, SUBMISSION_ID_SIZE) != 0)
    return;
  link->page = (struct request){0};
  link->answered = true;
  GError *error = NULL;
  if (!outbox_refusals(link->outbox, link->page_id, frame->refusal_page.refusals, frame->refusal_page.count,
                       &error))
    link_fail(link, error);
}

/* Pages of one state follow each other; where it changed meanwhile, the list begins anew. */
static void take_state_page(struct link *link, const struct frame *frame)
{
  if (!link->state_page.awaited || frame->state_page.from != link->state_from) return;
  bool first = link->state_from == 0, last = frame->state_page.next == 0;
  link->state_page = (struct request){0};
  if (!first && frame->state_page.state != link->state_coming) {
    link->state_from = 0;
    request_make_due(&link->state_page);
    return;
  }
  link->state_coming = frame->state_page.state;
  link->answered = true;
  GError *error = NULL;
  if (!outbox_state_page(link->outbox, frame, first, last, clock_wall().ms, &error)) {
    link_fail(link, error);
    return;
  }
  link->state_from = frame->state_page.next;
  if (last) link->pages_missing = true; /* of reports that waited */
  if (!last)
    request_make_due(&link->state_page);
  else if (link->events.asked)
    link->events.asked(link->data);
}

static void (*const TAKERS[])(struct link *, const struct frame *) = {
    [FRAME_WELCOME] = take_welcome,
    [FRAME_DOCUMENT] = link_take_document,
    [FRAME_CHUNK] = link_take_chunk,
    [FRAME_RECEIPT] = take_receipt,
    [FRAME_BUSY] = take_busy,
    [FRAME_FAULT] = take_fault,
    [FRAME_REFUSAL_PAGE] = take_refusal_page,
    [FRAME_STATE_PAGE] = take_state_page,
    [FRAME_HEAD] = link_take_head,
    [FRAME_CERTIFICATE] = link_take_certificate,
};

void link_take(struct link *link, GBytes *message)
{
  gsize length;
  const uint8_t *data = g_bytes_get_data(message, &length);
  CLEANUP(frame_free) struct frame *frame = frame_decode(data, length);
  link->heard_at = clock_mono();
  if (!frame)
    link_report(link, finding_id(FINDING_MESSAGE_MALFORMED), _("the aggregator sent what cannot be decoded"));
  else if (frame->kind < G_N_ELEMENTS(TAKERS) && TAKERS[frame->kind])
    TAKERS[frame->kind](link, frame); /* others are of a newer protocol */
}

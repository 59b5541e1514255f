#include "aggregator/state.h"

#include "aggregator/store/applications.h"
#include "aggregator/store/inquiries.h"
#include "common/limits.h"
#include "common/log.h"

#include <string.h>

struct state_page {
  struct frame frame;
  GArray *inquiries, *consents, *applications, *agents; /* of the store; the items point into them */
  GArray *books;
  struct inquiry_item inquiry_items[LIMIT_STATE_INLINE];
  struct consent_item consent_items[LIMIT_STATE_INLINE];
  struct application_item application_items[LIMIT_STATE_INLINE];
  struct agent_item agent_items[LIMIT_STATE_INLINE];
  uint8_t key_ids[LIMIT_STATE_INLINE][SEAL_HASH_SIZE];
  char periods[LIMIT_STATE_INLINE][PERIOD_TEXT_SIZE];
};

static bool end_reading(struct store *store)
{
  g_autoptr(GError) error = NULL;

  if (store_commit(store, &error)) return true;
  log_say(LOG_LEVEL_ERROR, "store.unreadable", "%s", error->message);
  return false;
}

uint64_t state_of(struct store *store, const char *area)
{
  uint64_t state;

  store_begin(store);
  state = store_area_state(store, area);
  return end_reading(store) ? state : 0;
}

static const struct stored_book *book_of(const struct state_page *page, int64_t book)
{
  for (unsigned n = 0; n < page->books->len; n++)
    if (g_array_index(page->books, struct stored_book, n).book == book)
      return &g_array_index(page->books, struct stored_book, n);
  return NULL;
}

static void add_inquiries(struct state_page *page)
{
  for (unsigned n = 0; n < page->inquiries->len; n++) {
    const struct stored_inquiry *inquiry = &g_array_index(page->inquiries, struct stored_inquiry, n);
    const struct stored_book *book = book_of(page, inquiry->book);
    size_t at = page->frame.state_page.inquiry_count;

    if (!book) continue; /* never: it was opened in it */
    page->inquiry_items[at] = (struct inquiry_item){
        .number = inquiry->number,
        .form = book->form,
        .period = period_format(book->period, page->periods[at]),
        .unit = inquiry->unit,
        .rule = inquiry->rule,
        .indicator = inquiry->indicator,
        .found = inquiry->found,
        .expected = inquiry->expected,
        .question = inquiry->question,
        .asked_at_ms = inquiry->asked_ms,
        .answer = inquiry->answer,
        .answered_by = inquiry->answered_by,
        .answered_at_ms = inquiry->answered_ms,
    };
    page->frame.state_page.inquiry_count++;
  }
}

static void add_consents(struct state_page *page)
{
  size_t before = page->frame.state_page.inquiry_count;

  for (unsigned n = 0; n < page->consents->len; n++) {
    const struct stored_consent *consent = &g_array_index(page->consents, struct stored_consent, n);

    page->consent_items[n] = (struct consent_item){
        .form = consent->form,
        .period = period_format(consent->period, page->periods[before + n]),
        .unit = consent->unit,
        .rule = consent->rule,
    };
  }
  page->frame.state_page.consent_count = page->consents->len;
}

static void add_applications(struct state_page *page)
{
  for (unsigned n = 0; n < page->applications->len; n++) {
    const struct stored_application *application =
        &g_array_index(page->applications, struct stored_application, n);

    page->application_items[n] = (struct application_item){
        .number = application->number,
        .unit = application->unit,
        .name = application->name,
        .state = application->state,
        .reason = application->reason,
        .applied_at_ms = application->applied_ms,
        .settled_at_ms = application->settled_ms,
    };
  }
  page->frame.state_page.application_count = page->applications->len;
}

static enum agent_state state_of_agent(const struct stored_agent *agent)
{
  if (agent->revoked_ms != 0) return AGENT_IS_REVOKED;
  return stored_agent_waits(agent) ? AGENT_IS_WAITING : AGENT_IS_IN_FORCE;
}

static void add_agents(struct state_page *page)
{
  for (unsigned n = 0; n < page->agents->len; n++) {
    const struct stored_agent *agent = &g_array_index(page->agents, struct stored_agent, n);

    seal_key_id(agent->sign_key, page->key_ids[n]);
    page->agent_items[n] = (struct agent_item){
        .agent = agent->id,
        .role = agent->role,
        .forms = (const char *const *)agent->forms,
        .form_count = g_strv_length(agent->forms),
        .key_id = {page->key_ids[n], SEAL_HASH_SIZE},
        .state = state_of_agent(agent),
        .entry = agent->entry,
        .enrolled_at_ms = agent->enrolled_ms,
        .revoked_at_ms = agent->revoked_ms,
        .admitted_by = agent->admission.by,
        .approved_by = agent->admission.approved_by,
        .reason = agent->admission.reason,
        .admitted_at_ms = agent->admission.recorded_ms,
    };
  }
  page->frame.state_page.agent_count = page->agents->len;
}

/* How many of `count` items a page skips and takes that begins at `*offset` and has room for `*room`; both
 * are moved behind them. */
static size_t skip_items(size_t count, size_t *offset, size_t *room, size_t *ret_most)
{
  size_t skip = MIN(*offset, count);

  *ret_most = MIN(*room, count - skip);
  *offset -= skip;
  *room -= *ret_most;
  return skip;
}

/* Inquiries by number, behind them the consents, the applications by number, and the agents. */
static void read_page(struct state_page *page, struct store *store, const char *area, bool agents_only,
                      uint32_t offset)
{
  size_t inquiries = agents_only ? 0 : store_inquiries_count(store, area);
  size_t consents = agents_only ? 0 : store_consents_count(store, area);
  size_t applications = agents_only ? 0 : store_applications_count(store, area);
  size_t agents = store_area_agents_count(store, area);
  size_t left = offset, room = LIMIT_STATE_INLINE, skip, most;

  page->books = store_books(store, NULL);
  skip = skip_items(inquiries, &left, &room, &most);
  page->inquiries = store_inquiries_page(store, area, skip, most);
  skip = skip_items(consents, &left, &room, &most);
  page->consents = store_consents(store, area, skip, most);
  skip = skip_items(applications, &left, &room, &most);
  page->applications = store_applications_page(store, area, skip, most);
  skip = skip_items(agents, &left, &room, &most);
  page->agents = store_area_agents(store, area, skip, most);
  page->frame.kind = FRAME_STATE_PAGE;
  page->frame.state_page.state = store_area_state(store, area);
  page->frame.state_page.offset = offset;
  page->frame.state_page.total = (uint32_t)MIN(inquiries + consents + applications + agents, UINT32_MAX);
  add_inquiries(page);
  add_consents(page);
  add_applications(page);
  add_agents(page);
  page->frame.state_page.inquiries = page->inquiry_items;
  page->frame.state_page.consents = page->consent_items;
  page->frame.state_page.applications = page->application_items;
  page->frame.state_page.agents = page->agent_items;
}

struct state_page *state_page_read(struct store *store, const char *area, bool agents_only, uint32_t offset)
{
  CLEANUP(state_page_free) struct state_page *page = g_new0(struct state_page, 1);

  store_begin(store);
  read_page(page, store, area, agents_only, offset);
  return end_reading(store) ? g_steal_pointer(&page) : NULL;
}

void state_page_free(struct state_page *page)
{
  if (!page) return;
  g_array_unref(page->inquiries);
  g_array_unref(page->consents);
  g_array_unref(page->applications);
  g_array_unref(page->agents);
  g_array_unref(page->books);
  g_free(page);
}

const struct frame *state_page_frame(const struct state_page *page)
{
  return &page->frame;
}

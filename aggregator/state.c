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

/* A place in an area's list, whose parts stand one behind the other: the part, and the number behind which it
 * goes on (of a consent its position, of an agent when it enrolled in ms: recorded times ascend, so there is
 * but one). 0 is the beginning; no such number is 0. */
enum part { PART_INQUIRIES, PART_CONSENTS, PART_APPLICATIONS, PART_AGENTS };
#define PART_SHIFT 62
#define PLACE(part, behind) ((uint64_t)(part) << PART_SHIFT | (uint64_t)(behind))

/* Behind which number a page takes items of this part that begins at `from`. */
static uint64_t behind_in(enum part part, uint64_t from)
{
  enum part first = (enum part)(from >> PART_SHIFT);

  if (part != first) return part < first ? UINT64_MAX : 0;
  return from & (PLACE(1, 0) - 1);
}

/* Inquiries by number, behind them the consents, the applications by number, and the agents. */
static void read_items(struct state_page *page, struct store *store, const char *area, uint64_t from)
{
  size_t room = LIMIT_STATE_INLINE;

  page->inquiries = store_inquiries_page(store, area, behind_in(PART_INQUIRIES, from), room);
  room -= page->inquiries->len;
  page->consents = store_consents_page(store, area, behind_in(PART_CONSENTS, from), room);
  room -= page->consents->len;
  page->applications = store_applications_page(store, area, behind_in(PART_APPLICATIONS, from), room);
  room -= page->applications->len;
  page->agents = store_agents_page(store, area, behind_in(PART_AGENTS, from), room);
}

/* Behind the last item of a full page. */
static uint64_t next_place(const struct state_page *page)
{
  unsigned inquiries = page->inquiries->len, consents = page->consents->len,
           applications = page->applications->len, agents = page->agents->len;

  if (inquiries + consents + applications + agents < LIMIT_STATE_INLINE) return 0;
  if (agents > 0)
    return PLACE(PART_AGENTS, g_array_index(page->agents, struct stored_agent, agents - 1).enrolled_ms);
  if (applications > 0)
    return PLACE(PART_APPLICATIONS,
                 g_array_index(page->applications, struct stored_application, applications - 1).number);
  if (consents > 0)
    return PLACE(PART_CONSENTS, g_array_index(page->consents, struct stored_consent, consents - 1).position);
  return PLACE(PART_INQUIRIES, g_array_index(page->inquiries, struct stored_inquiry, inquiries - 1).number);
}

static void read_page(struct state_page *page, struct store *store, const char *area, bool agents_only,
                      uint64_t from)
{
  page->books = store_books(store, NULL);
  read_items(page, store, area, agents_only ? MAX(from, PLACE(PART_AGENTS, 0)) : from);
  page->frame.kind = FRAME_STATE_PAGE;
  page->frame.state_page.state = store_area_state(store, area);
  page->frame.state_page.from = from;
  page->frame.state_page.next = next_place(page);
  add_inquiries(page);
  add_consents(page);
  add_applications(page);
  add_agents(page);
  page->frame.state_page.inquiries = page->inquiry_items;
  page->frame.state_page.consents = page->consent_items;
  page->frame.state_page.applications = page->application_items;
  page->frame.state_page.agents = page->agent_items;
}

struct state_page *state_page_read(struct store *store, const char *area, bool agents_only, uint64_t from)
{
  CLEANUP(state_page_free) struct state_page *page = g_new0(struct state_page, 1);

  store_begin(store);
  read_page(page, store, area, agents_only, from);
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

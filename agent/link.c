#include "agent/link_private.h"

#include "common/error.h"
#include "common/limits.h"
#include "common/text.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define POLL_MS                                                                                              \
  1250 /* how often other processes' work is looked for: less than a wake-up a second, with heartbeats */
#define HELLO_MS 30000 /* keeps documents fresh, and shows that the other side lives */
#define RETRY_MS 100   /* the socket takes nothing: it is not connected yet */
#define TAKE_MOST 64   /* messages in a row, before the states have their turn */
#define READ_MOST 2    /* submissions read in a row: the first leave while the next are read */

/* --- times --- */

int64_t link_until_time(struct mono_time time)
{
  int64_t left = time.ms - clock_mono().ms;
  return left > 0 ? left : 0;
}

struct mono_time link_time_after(int64_t ms)
{
  return (struct mono_time){clock_mono().ms + ms};
}

/* --- requests --- */

void request_make_due(struct request *request)
{
  if (request->due) return;
  *request = (struct request){.due = true, .since = clock_mono()};
}

bool link_send(struct link *link, const struct frame *frame)
{
  g_autoptr(GBytes) data = frame_encode(frame);
  return channel_client_send(link->client, data);
}

void link_send_request(struct link *link, struct request *request, const struct frame *frame)
{
  if (request->due && link_send(link, frame))
    *request = (struct request){.awaited = true, .since = clock_mono()};
}

bool link_is_overdue(const struct link *link, const struct request *request)
{
  return (request->due || request->awaited) && clock_since(request->since) > link->answer_ms;
}

/* How long to sleep for its sake. What could not be sent is tried ever less often, at last once a second. */
int64_t link_request_pause(const struct link *link, const struct request *request)
{
  if (request->due) return CLAMP(clock_since(request->since), RETRY_MS, POLL_MS);
  if (request->awaited) return MAX(0, link->answer_ms - clock_since(request->since)) + 1;
  return INT64_MAX;
}

static void send_hello(struct link *link)
{
  const struct home *home = link->home;
  struct frame frame = {.kind = FRAME_HELLO};
  frame.hello.agent = home->certificate->agent;
  frame.hello.server_key = (struct bytes_view){key_chain_present(home->server)->key_id, SEAL_HASH_SIZE};
  frame.hello.software = "park-agent " PARKTALLY_VERSION;
  frame.hello.clock_ms = clock_wall().ms;
  if (home->catalogue)
    frame.hello.catalogue_hash = (struct bytes_view){home->catalogue->hash, CATALOGUE_HASH_SIZE};
  if (home->units) frame.hello.register_hash = (struct bytes_view){home->register_hash, SEAL_HASH_SIZE};
  link_send_request(link, &link->hello, &frame);
}

/* --- telling the owner --- */

void link_report(struct link *link, const char *code, const char *text)
{
  if (link->events.fault) link->events.fault(code, text, link->data);
}

void link_fail(struct link *link, GError *error)
{
  if (link->failure)
    g_error_free(error);
  else
    link->failure = error;
}

/* --- changing the state --- */

void link_forget_flights(struct link *link)
{
  g_ptr_array_set_size(link->flights, 0);
  link->cursor = 0;
  link->more = true;
}

void link_note_progress(struct link *link)
{
  link->backoff_ms = MIN(LIMIT_RECONNECT_MS, link->answer_ms);
}

/* A Welcome alone is no progress: whoever is cut off by each submission must not come back ever so quickly.
 */
static void enter_closed(struct link *link)
{
  if (link->connected && clock_since(link->connected_at) >= LIMIT_RECONNECT_MAX_MS) link_note_progress(link);
  if (link->client) channel_client_close(link->client);
  link->client = NULL;
  link_forget_flights(link);
  fetch_clear(&link->fetch);
  link->hello = link->page = link->state_page = link->head = link->certificate = (struct request){0};
  link->trusted = false;
  link->current = false;
  link->open_at =
      link_time_after(link->backoff_ms / 2 + g_random_int_range(0, (int32_t)link->backoff_ms + 1));
  link->backoff_ms = MIN(link->backoff_ms * 2, LIMIT_RECONNECT_MAX_MS);
  if (link->connected && link->events.connected) link->events.connected(false, link->data);
  link->connected = false;
}

static void enter_ready(struct link *link)
{
  link->fetches = 0;
  link->pages_missing = true;
  fetch_clear(&link->fetch);
}

void link_enter(struct link *link, enum link_state state)
{
  link->state = state;
  if (state == STATE_CLOSED) enter_closed(link);
  if (state == STATE_GREETING) request_make_due(&link->hello);
  if (state == STATE_GREETING && !link->trusted && !link->head.awaited) request_make_due(&link->head);
  if (state == STATE_READY) enter_ready(link);
}

void link_reopen(struct link *link)
{
  link_enter(link, STATE_CLOSED);
}

/* --- the states: each does what is due and returns for how many milliseconds nothing will be --- */

static int64_t run_closed(struct link *link)
{
  int64_t wait = link_until_time(link->open_at);
  GError *error = NULL;
  if (wait > 0) return wait;
  if (!home_refresh_keys(link->home, NULL, &error)) {
    link_fail(link, error);
    return 0;
  }
  if (link_may_return(link)) {
    link_begin_return(link);
    return 0;
  }
  const struct home *home = link->home;
  link->unheard++;
  link->client =
      channel_client_open(link->context, home->endpoint, key_chain_present(home->server)->curve_key,
                          home->identity, home->config.proxy[0] ? home->config.proxy : NULL, &error);
  if (!link->client) {
    link_enter(link, STATE_CLOSED);
    link_fail(link, error);
    return 0;
  }
  link->heard_at = clock_mono();
  link_enter(link, STATE_GREETING);
  return 0;
}

static int64_t run_greeting(struct link *link)
{
  if (link_is_overdue(link, &link->hello)) {
    link_reopen(link);
    return 0;
  }
  send_hello(link);
  if (link->hello.awaited) link_ask_for_head(link);
  return link_request_pause(link, &link->hello);
}

static int64_t run_fetching(struct link *link)
{
  if (link_is_overdue(link, &link->fetch.request)) {
    link_reopen(link);
    return 0;
  }
  link_send_fetch(link);
  return link_request_pause(link, &link->fetch.request);
}

static void look_for_work(struct link *link)
{
  bool changed;
  GError *error = NULL;
  if (link_until_time(link->polled_at) > 0) return;
  if (!home_refresh_keys(link->home, &changed, &error))
    link_fail(link, error);
  else if (changed)
    link_reopen(link); /* with the new ones */
  int64_t version = outbox_version(link->outbox);
  if (version != link->version) link->more = true;
  link->version = version;
  link->polled_at = link_time_after(POLL_MS);
}

static void flight_free(gpointer data)
{
  struct flight *flight = data;
  outbox_item_free(flight->item);
  g_free(flight);
}

/* As many submissions are out as the credit allows; those that rest after Busy hold their place. */
static bool has_room(const struct link *link)
{
  return link->more && !link->waiting && link->flights->len < link->credit;
}

static void take_off(struct link *link)
{
  if (!has_room(link)) return;
  size_t room = MIN(link->credit - link->flights->len, READ_MOST);
  GError *error = NULL;
  g_autoptr(GPtrArray) items = outbox_pending(link->outbox, link->cursor, room, &error);
  if (!items) {
    link_fail(link, error);
    return;
  }
  link->more = items->len == room;
  if (items->len > 0) link->rested = false;
  g_ptr_array_set_free_func(items, NULL);
  for (guint i = 0; i < items->len; i++) {
    struct flight *flight = g_new0(struct flight, 1);
    flight->item = items->pdata[i];
    flight->due = clock_mono();
    link->cursor = flight->item->sequence;
    g_ptr_array_add(link->flights, flight);
  }
}

/* Sends what is due. What is not answered in time goes again: the receipt may be lost. Milliseconds until the
 * next. */
static int64_t send_flights(struct link *link)
{
  int64_t pause = INT64_MAX;
  for (guint i = 0; i < link->flights->len; i++) {
    struct flight *flight = link->flights->pdata[i];
    int64_t wait = link_until_time(flight->due);
    if (wait == 0 && flight->sent && clock_since(link->heard_at) > link->answer_ms) {
      link_reopen(link);
      return 0;
    }
    if (wait == 0) {
      gsize length;
      const uint8_t *sealed = g_bytes_get_data(flight->item->sealed, &length);
      struct frame frame = {.kind = FRAME_SUBMIT};
      frame.submit.id = (struct bytes_view){flight->item->id, SUBMISSION_ID_SIZE};
      frame.submit.sealed = (struct bytes_view){sealed, length};
      if (link_send(link, &frame)) {
        flight->sent = true;
        flight->sent_at = clock_mono();
        flight->due = link_time_after(link->answer_ms);
      } else {
        flight->due = link_time_after(POLL_MS);
      }
      wait = link_until_time(flight->due);
    }
    pause = MIN(pause, wait);
  }
  return pause;
}

static void ask_for_refusals(struct link *link)
{
  if (link->page.awaited || (!link->pages_missing && !link->page.due)) return;
  if (!link->page.due) {
    g_autoptr(GError) error = NULL;
    link->pages_missing = outbox_missing_refusals(link->outbox, link->page_id, &link->page_offset, &error);
    if (error) link_fail(link, g_steal_pointer(&error));
    if (!link->pages_missing) return;
    request_make_due(&link->page);
  }
  struct frame frame = {.kind = FRAME_REFUSAL_REQUEST};
  frame.refusal_request.id = (struct bytes_view){link->page_id, sizeof link->page_id};
  frame.refusal_request.offset = link->page_offset;
  link_send_request(link, &link->page, &frame);
}

static void ask_for_state(struct link *link)
{
  struct frame frame = {.kind = FRAME_STATE_REQUEST};
  frame.state_request.from = link->state_from;
  link_send_request(link, &link->state_page, &frame);
}

static bool is_asking(const struct link *link)
{
  return link->state_page.due || link->state_page.awaited || link->pages_missing || link->page.due ||
         link->page.awaited;
}

/* Once all receipts are there, the heads that they name are shown to belong to one ledger. */
static void tie_heads(struct link *link)
{
  if (link->untied && link->flights->len == 0 && !is_asking(link) && !link->head.awaited) {
    link->untied = false;
    request_make_due(&link->head);
  }
  link_ask_for_head(link);
}

static int64_t run_ready(struct link *link)
{
  if (link_is_overdue(link, &link->hello) || link_is_overdue(link, &link->page) ||
      link_is_overdue(link, &link->state_page) || link_is_overdue(link, &link->head)) {
    link_reopen(link);
    return 0;
  }
  if (!link->hello.due && !link->hello.awaited && clock_since(link->hello.since) >= HELLO_MS)
    request_make_due(&link->hello);
  send_hello(link);
  if (!link->trusted) {
    link_ask_for_head(link);
    return MIN(link_request_pause(link, &link->head), link_request_pause(link, &link->hello));
  }
  look_for_work(link);
  if (link->state != STATE_READY) return 0;
  take_off(link);
  int64_t pause = send_flights(link);
  if (link->state != STATE_READY) return 0;
  if (has_room(link)) return 0;
  ask_for_refusals(link);
  ask_for_state(link);
  tie_heads(link);
  pause = MIN(pause, link_request_pause(link, &link->head));
  pause = MIN(pause, link_request_pause(link, &link->hello));
  pause = MIN(pause, link_request_pause(link, &link->state_page));
  return MIN(pause, MIN(link_request_pause(link, &link->page), POLL_MS));
}

static int64_t (*const STATES[])(struct link *) = {
    [STATE_CLOSED] = run_closed,     [STATE_RETURNING] = link_run_returning,
    [STATE_GREETING] = run_greeting, [STATE_FETCHING] = run_fetching,
    [STATE_READY] = run_ready,
};

/* --- the owner's side --- */

struct link *link_new(struct home *home, struct outbox *outbox, const struct link_events *events, void *data,
                      GError **error)
{
  int lock = home_lock(home->folder, "link", false, error);
  if (lock < 0) return NULL;
  struct link *link = g_new0(struct link, 1);
  link->home = home;
  link->outbox = outbox;
  if (events) link->events = *events;
  link->data = data;
  link->lock = lock;
  link->answer_ms = LIMIT_ANSWER_MS;
  link->context = channel_context_new();
  link_note_progress(link);
  link->open_at = clock_mono();
  link->credit = 1;
  link->flights = g_ptr_array_new_with_free_func(flight_free);
  link->more = true;
  return link;
}

void link_free(struct link *link)
{
  if (!link) return;
  if (link->client) channel_client_close(link->client);
  channel_context_free(link->context);
  fetch_clear(&link->fetch);
  g_ptr_array_unref(link->flights);
  g_clear_error(&link->failure);
  close(link->lock);
  g_free(link);
}

void link_set_patience(struct link *link, int64_t answer_ms)
{
  link->answer_ms = answer_ms;
  link_note_progress(link);
}

static bool holds(const struct link *link, enum link_until until)
{
  if (until == LINK_STOPPED || link->state != STATE_READY) return false;
  bool told = !is_asking(link) && link->trusted && !link->untied && !link->head.due && !link->head.awaited;
  if (until == LINK_WELCOMED) return link->current && told;
  bool sent = link->waiting || !link->more;
  return sent && link->flights->len == 0 && told;
}

static void rest_if_idle(struct link *link)
{
  if (link->rested || !holds(link, LINK_IDLE)) return;
  outbox_rest(link->outbox);
  link->rested = true;
}

/* Sleeps until a message comes, the connection is lost or the time is up; true if the owner woke us. */
static bool sleep_or_wake(struct link *link, int wake_fd, int64_t pause)
{
  bool wake = false;
  if (link->client) {
    channel_client_wait(link->client, wake_fd, pause, &wake);
    return wake;
  }
  struct pollfd wait = {.fd = wake_fd, .events = POLLIN}; /* a negative one is passed over */
  return poll(&wait, 1, (int)MIN(pause, INT32_MAX)) == 1;
}

/* All that have come, so that their answers are kept with one sync. Where that fails the link ends, and
 * nothing of them is forgotten. */
static void take_messages(struct link *link)
{
  GError *error = NULL;
  outbox_answers_begin(link->outbox);
  for (int i = 0; i < TAKE_MOST && link->client && !link->failure; i++) {
    g_autoptr(GBytes) message = channel_client_receive(link->client);
    if (!message) break;
    link_take(link, message);
  }
  if (!outbox_answers_end(link->outbox, &error))
    link_fail(link, error);
  else if (link->answered && link->events.kept)
    link->events.kept(link->data);
  link->answered = false;
}

bool link_run(struct link *link, enum link_until until, int64_t timeout_ms, int wake_fd, GError **error)
{
  struct mono_time end = link_time_after(timeout_ms < 0 ? 0 : timeout_ms);
  link->more = true; /* the owner may have added some over the same connection, which changes no version */
  if (link->hello.due) link->hello.since = clock_mono(); /* while nobody ran it, nobody was silent */
  if (until == LINK_WELCOMED && link->state == STATE_READY) {
    link->current = false;
    if (!link->hello.awaited) request_make_due(&link->hello);
  }
  for (;;) {
    int64_t pause = STATES[link->state](link);
    if (link->failure) {
      g_propagate_error(error, g_steal_pointer(&link->failure));
      return false;
    }
    if (holds(link, until)) return true;
    if (timeout_ms >= 0) {
      int64_t left = link_until_time(end);
      if (left == 0) return false;
      pause = MIN(pause, left);
    }
    rest_if_idle(link);
    if (sleep_or_wake(link, wake_fd, pause)) return false;
    take_messages(link);
    if (link->client && channel_client_is_lost(link->client)) link_reopen(link);
  }
}

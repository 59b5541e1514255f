#include "aggregator/front_listen.h"
#include "aggregator/front_private.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_PER_TURN 128
#define TICK_MS 1000
#define FILES_A_CONNECTION 3 /* to the client, to the ROUTER, and the ROUTER's own */
#define FILES_OF_OTHERS 256  /* the store's, the control socket's, libzmq's own … */

/* What another thread asks for. */
struct order {
  char *agent; /* all of it; NULL: */
  uint32_t id; /* this one, soon */
};

/* --- what time brings --- */

static void end_handshakes(struct front *front)
{
  int64_t most = bounds_value(front->bounds, BOUND_HANDSHAKE_TIME);

  for (int n = 0; n < STANDINGS; n++) {
    GQueue *queue = &front->handshakes[n];

    while (queue->length > 0 && front->now_ms - ((struct connection *)queue->head->data)->begun_ms >= most)
      accept_cut_oldest(queue, BOUND_HANDSHAKE_TIME);
  }
}

static bool is_since(int64_t since_ms, const struct front *front)
{
  return since_ms != 0 && front->now_ms - since_ms >= bounds_value(front->bounds, BOUND_STALL);
}

static void look_at(struct connection *connection)
{
  if (connection->phase == PHASE_OPEN && connection->unseen > 0) credit_look(connection);
  if (connection->leaves_ms != 0 && connection->front->now_ms >= connection->leaves_ms)
    connection_close(connection);
  else if (is_since(connection->slow_ms, connection->front))
    connection_cut(connection, BOUND_STALL);
  else if (is_since(connection->starved_ms, connection->front))
    connection_cut(connection, BOUND_UNSEEN_AGENT);
}

static void tick(struct front *front)
{
  unsigned connections, handshakes;

  for (GList *at = front->connections.head, *next; at; at = next) {
    next = at->next;
    look_at(at->data);
  }
  credit_sweep(front);
  front_addresses_sweep(front->addresses, front->now_ms, &connections, &handshakes);
  bounds_use(front->bounds, BOUND_CONNECTIONS_ADDRESS, connections);
  bounds_use(front->bounds, BOUND_HANDSHAKES_ADDRESS, handshakes);
}

/* Those that are held and may go on. */
static void go_on(struct front *front, bool all)
{
  for (GList *at = front->held.head, *next; at; at = next) {
    struct connection *connection = at->data;

    next = at->next;
    if (all || (connection->rested_ms != 0 && connection->rested_ms <= front->now_ms))
      connection_ask(connection);
  }
}

/* Milliseconds until something is due. */
static int patience(const struct front *front)
{
  int64_t until = front->tick_ms;

  for (int n = 0; n < STANDINGS; n++) {
    const struct connection *oldest =
        front->handshakes[n].length > 0 ? front->handshakes[n].head->data : NULL;

    if (oldest) until = MIN(until, oldest->begun_ms + bounds_value(front->bounds, BOUND_HANDSHAKE_TIME));
  }
  if (front->accepts_again_ms > front->now_ms) until = MIN(until, front->accepts_again_ms);
  for (const GList *at = front->held.head; at; at = at->next) {
    const struct connection *connection = at->data;

    if (connection->rested_ms > front->now_ms) until = MIN(until, connection->rested_ms);
  }
  if (front->end_ms != 0) until = MIN(until, front->end_ms);
  return (int)CLAMP(until - front->now_ms, 0, TICK_MS);
}

/* --- what other threads ask for --- */

static void carry_out(struct front *front, const struct order *order)
{
  for (GList *at = front->connections.head, *next; at; at = next) {
    struct connection *connection = at->data;
    char user[CHANNEL_USER_SIZE];

    next = at->next;
    if (connection->id == 0) continue;
    if (order->agent) {
      front_peers_user(front->peers, connection->id, user); /* also of one that is not open yet */
      if (strcmp(user, order->agent) == 0) connection_close(connection);
    } else if (connection->id == order->id && connection->leaves_ms == 0) {
      connection->leaves_ms = front->now_ms + LIMIT_FAREWELL_MS;
    }
  }
}

static void order_free(struct order *order)
{
  g_free(order->agent);
  g_free(order);
}

static void take_orders(struct front *front)
{
  struct order *order;
  bool stop;

  do {
    g_mutex_lock(&front->lock);
    order = g_queue_pop_head(&front->orders);
    stop = front->stop;
    g_mutex_unlock(&front->lock);
    if (!order) break;
    carry_out(front, order);
    order_free(order);
  } while (order);
  if (stop && front->end_ms == 0) front->end_ms = front->now_ms + LIMIT_FAREWELL_MS;
}

static void wake(struct front *front)
{
  eventfd_write(front->wake, 1);
}

static void give_order(struct front *front, const char *agent, uint32_t id)
{
  struct order *order = g_new0(struct order, 1);

  order->agent = g_strdup(agent);
  order->id = id;
  g_mutex_lock(&front->lock);
  g_queue_push_tail(&front->orders, order);
  g_mutex_unlock(&front->lock);
  wake(front);
}

void front_cut(struct front *front, const char *agent)
{
  give_order(front, agent, 0);
}

void front_dismiss(struct front *front, uint32_t id)
{
  give_order(front, NULL, id);
}

void front_seen(struct front *front, uint32_t id, size_t bytes)
{
  if (front_peers_note(front->peers, id, bytes)) wake(front);
}

struct front_peers *front_peers(struct front *front)
{
  return front->peers;
}

/* --- the thread --- */

/* Stopping, only what the ROUTERs gave last is waited for; who has none goes at once. */
static bool is_done(struct front *front)
{
  if (front->end_ms == 0) return false;
  for (GList *at = front->connections.head, *next; at; at = next) {
    struct connection *connection = at->data;

    next = at->next;
    if (connection->phase == PHASE_GREETING) connection_close(connection);
  }
  return front->connections.length == 0 || front->now_ms >= front->end_ms;
}

static void free_over(struct front *front)
{
  GList *link;

  while ((link = g_queue_pop_head_link(&front->over))) connection_free(link->data);
}

/* Word of connections first: what listens comes last, so that nobody is cut whose step has arrived. */
static void serve_all(struct front *front, const struct epoll_event *events, int count)
{
  bool woken = false;

  for (int n = 0; n < count; n++) {
    void *what = events[n].data.ptr;
    struct end *end = what;

    if (what == front) {
      eventfd_t times;

      woken = eventfd_read(front->wake, &times) == 0;
    } else if (what != &front->listeners[0] && what != &front->listeners[1]) {
      connection_serve(end->connection, end, events[n].events);
    }
  }
  if (woken) take_orders(front);
  go_on(front, woken || front->now_ms >= front->tick_ms);
  end_handshakes(front);
  handshake_take_turns(front);
  for (int n = 0; n < count; n++)
    for (int which = 0; which < 2; which++)
      if (events[n].data.ptr == &front->listeners[which] && front->end_ms == 0)
        accept_all(front, &front->listeners[which]);
}

static void *front_main(void *data)
{
  struct front *front = data;
  struct epoll_event events[EVENTS_PER_TURN];

  front->now_ms = clock_mono().ms;
  while (!is_done(front)) {
    int count;

    accept_ask(front);
    count = epoll_wait(front->poll, events, EVENTS_PER_TURN, patience(front));
    front->now_ms = clock_mono().ms;
    serve_all(front, events, MAX(count, 0));
    if (front->now_ms >= front->tick_ms) {
      tick(front);
      front->tick_ms = front->now_ms + TICK_MS;
    }
    free_over(front);
  }
  while (front->connections.length > 0) connection_close(front->connections.head->data);
  free_over(front);
  return NULL;
}

/* --- beginning and end --- */

/* As many files as the connections need, or as many connections as there may be files. */
static void get_files(struct bounds *bounds)
{
  rlim_t wanted = (rlim_t)(FILES_A_CONNECTION * bounds_value(bounds, BOUND_CONNECTIONS) + FILES_OF_OTHERS);
  struct rlimit limit;

  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  if (limit.rlim_cur < wanted && limit.rlim_max > limit.rlim_cur) {
    rlim_t before = limit.rlim_cur;

    limit.rlim_cur = MIN(wanted, limit.rlim_max);
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = before;
  }
  bounds_set(bounds, BOUND_FILES, (int64_t)MIN(limit.rlim_cur, INT32_MAX));
  if (limit.rlim_cur >= wanted) return;
  bounds_set(bounds, BOUND_CONNECTIONS,
             MAX(1, ((int64_t)limit.rlim_cur - FILES_OF_OTHERS) / FILES_A_CONNECTION));
  log_say(LOG_LEVEL_WARNING, "limit.files",
          _("the limit of open files, %" PRId64 ", allows %" PRId64 " connections; for as many as are "
            "configured it has to be %" PRId64 " (ulimit -n, or LimitNOFILE= of the service)"),
          (int64_t)limit.rlim_cur, bounds_value(bounds, BOUND_CONNECTIONS), (int64_t)wanted);
}

static void close_file(int file)
{
  if (file >= 0) close(file);
}

static void agent_free(void *data)
{
  struct front_agent *agent = data;

  g_free(agent->id);
  g_free(agent);
}

static bool open_listener(struct front *front, int which, const char *endpoint, GError **error)
{
  struct listener *listener = &front->listeners[which];

  listener->file = front_listen(endpoint, &listener->endpoint, error);
  return listener->file >= 0;
}

struct front *front_new(const char *listen, const char *enrol, struct bounds *bounds, GError **error)
{
  CLEANUP(front_free) struct front *front = g_new0(struct front, 1);
  int64_t connects;

  front->bounds = bounds;
  front->listeners[0].file = front->listeners[1].file = -1;
  front->poll = epoll_create1(EPOLL_CLOEXEC);
  front->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  front->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
  front->peers = front_peers_new();
  front->agents = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, agent_free);
  g_mutex_init(&front->lock);
  get_files(bounds);
  connects = bounds_value(bounds, BOUND_CONNECTS_ADDRESS);
  front->addresses = front_addresses_new(LIMIT_ADDRESSES, connects, connects * LIMIT_CONNECTS_BURST);
  front->buffer = g_malloc(LIMIT_FRONT_BUFFER);
  if (!open_listener(front, 0, listen, error) || !open_listener(front, 1, enrol, error)) return NULL;
  return g_steal_pointer(&front);
}

static bool begin_polling(struct front *front, int file, void *what)
{
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};

  return epoll_ctl(front->poll, EPOLL_CTL_ADD, file, &event) == 0;
}

static uint16_t port_of(const char *endpoint)
{
  return endpoint ? (uint16_t)g_ascii_strtoull(strrchr(endpoint, ':') + 1, NULL, 10) : 0;
}

bool front_start(struct front *front, const struct front_routers *agents, const struct front_routers *joiners,
                 GError **error)
{
  const struct front_routers *routers[2] = {agents, joiners};
  bool polled = front->poll >= 0 && front->wake >= 0 && begin_polling(front, front->wake, front);

  for (int n = 0; n < 2 && polled; n++) {
    struct listener *listener = &front->listeners[n];

    listener->router = port_of(routers[n]->present);
    listener->former = port_of(routers[n]->former);
    listener->asked = true;
    polled = begin_polling(front, listener->file, listener);
  }
  if (polled) {
    front->thread = g_thread_try_new("front", front_main, front, error);
    return front->thread != NULL;
  }
  g_set_error(error, PARKTALLY_ERROR, ERROR_UNAVAILABLE, _("connections cannot be watched (%s)"),
              g_strerror(errno));
  return false;
}

void front_free(struct front *front)
{
  struct order *order;

  if (!front) return;
  if (front->thread) {
    g_mutex_lock(&front->lock);
    front->stop = true;
    g_mutex_unlock(&front->lock);
    wake(front);
    g_thread_join(front->thread);
  }
  while ((order = g_queue_pop_head(&front->orders))) order_free(order);
  for (int n = 0; n < 2; n++) {
    close_file(front->listeners[n].file);
    g_free(front->listeners[n].endpoint);
  }
  close_file(front->poll);
  close_file(front->wake);
  close_file(front->reserve);
  g_hash_table_unref(front->agents);
  front_addresses_free(front->addresses);
  front_peers_free(front->peers);
  g_mutex_clear(&front->lock);
  g_free(front->buffer);
  g_free(front);
}

const char *front_endpoint(const struct front *front)
{
  return front->listeners[0].endpoint;
}

const char *front_enrol_endpoint(const struct front *front)
{
  return front->listeners[1].endpoint;
}

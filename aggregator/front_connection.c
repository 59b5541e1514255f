/* One connection through the front: two sockets, what passes between them, and how far it has come. */
#include "aggregator/front_private.h"
#include "common/limits.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- beginning and end --- */

static void watch(struct connection *connection, struct end *end, uint32_t events)
{
  struct epoll_event event = {.events = events, .data.ptr = end};

  if (end->file < 0 || end->events == events) return;
  epoll_ctl(connection->front->poll, EPOLL_CTL_MOD, end->file, &event);
  end->events = events;
}

bool connection_watch(struct connection *connection, struct end *end, int file)
{
  struct epoll_event event = {.data.ptr = end};

  *end = (struct end){.connection = connection, .file = file};
  return epoll_ctl(connection->front->poll, EPOLL_CTL_ADD, file, &event) == 0;
}

void connection_new(struct front *front, int file, bool enrols, struct front_address *address,
                    const char *name)
{
  struct connection *connection = g_new0(struct connection, 1);
  size_t most = enrols ? LIMIT_JOIN_BYTES : LIMIT_FRAME_BYTES;

  *connection = (struct connection){
      .front = front, .enrols = enrols, .address = address, .begun_ms = front->now_ms, .router.file = -1};
  connection->link.data = connection->handshake.data = connection->of_address.data =
      connection->of_agent.data = connection->held.data = connection->hello.data = connection;
  g_strlcpy(connection->name, name, sizeof connection->name);
  zmtp_init(&connection->up, ZMTP_CLIENT, most);
  zmtp_init(&connection->down, ZMTP_SERVER, most);
  g_queue_push_tail_link(&front->connections, &connection->link);
  address->connections++;
  handshake_begin(connection);
  bounds_use(front->bounds, BOUND_CONNECTIONS, front->connections.length);
  /* The ROUTER would greet no differently, so it need not know of whoever says no more than that. */
  if (connection_watch(connection, &connection->client, file) &&
      send(file, zmtp_greeting, sizeof zmtp_greeting, MSG_NOSIGNAL) == sizeof zmtp_greeting)
    connection_ask(connection);
  else
    connection_close(connection);
}

static void rest_clear(struct rest *rest)
{
  g_free(rest->data);
  *rest = (struct rest){NULL, 0, 0};
}

void connection_close(struct connection *connection)
{
  struct front *front = connection->front;

  if (connection->phase == PHASE_OVER) return;
  if (connection->phase != PHASE_OPEN) handshake_end(connection);
  connection->phase = PHASE_OVER;
  credit_end(connection);
  if (connection->id != 0) front_peers_remove(front->peers, connection->id);
  if (connection->client.file >= 0) close(connection->client.file);
  if (connection->router.file >= 0) close(connection->router.file);
  rest_clear(&connection->up_rest);
  rest_clear(&connection->down_rest);
  connection->address->connections--;
  g_queue_unlink(&front->connections, &connection->link);
  g_queue_push_tail_link(&front->over, &connection->link);
  bounds_use(front->bounds, BOUND_CONNECTIONS, front->connections.length);
}

void connection_cut(struct connection *connection, enum bound why)
{
  bounds_bite(connection->front->bounds, why, connection->agent ? connection->agent->id : connection->name);
  connection_close(connection);
}

void connection_free(struct connection *connection)
{
  g_free(connection);
}

/* --- passing bytes on --- */

static bool rest_is_empty(const struct rest *rest)
{
  return rest->data == NULL;
}

static void rest_add(struct rest *rest, const uint8_t *data, size_t length)
{
  if (length == 0) return;
  rest->data = g_realloc(rest->data, rest->to + length);
  memcpy(rest->data + rest->to, data, length);
  rest->to += length;
}

/* As much as the socket takes. False if it is gone. */
static bool give(int file, const uint8_t *data, size_t length, size_t *ret_given)
{
  ssize_t given;

  *ret_given = 0;
  while (*ret_given < length) {
    given = send(file, data + *ret_given, length - *ret_given, MSG_NOSIGNAL);
    if (given < 0 && errno == EINTR) continue;
    if (given < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
    *ret_given += (size_t)given;
  }
  return true;
}

static bool pass(const struct end *to, struct rest *rest, const uint8_t *data, size_t length)
{
  size_t given;

  if (!give(to->file, data, length, &given)) return false;
  rest_add(rest, data + given, length - given);
  return true;
}

static bool give_rest(const struct end *to, struct rest *rest)
{
  size_t given;

  if (rest_is_empty(rest)) return true;
  if (!give(to->file, rest->data + rest->from, rest->to - rest->from, &given)) return false;
  rest->from += given;
  if (rest->from == rest->to) rest_clear(rest);
  return true;
}

/* The bytes read; 0 at the end of the stream or where the peer is gone, which `ended` is then; 0 without that
 * if there are none now. */
static size_t take(struct end *from, uint8_t *buffer)
{
  ssize_t got;

  do got = recv(from->file, buffer, LIMIT_FRONT_BUFFER, 0);
  while (got < 0 && errno == EINTR);
  from->ended = got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
  return got > 0 ? (size_t)got : 0;
}

/* --- to the ROUTER --- */

static enum bound bound_of(const struct connection *connection, enum zmtp_fault fault)
{
  if (fault == ZMTP_LARGE) return connection->enrols ? BOUND_JOIN_FRAME : BOUND_FRAME;
  return fault == ZMTP_MORE ? BOUND_PARTS : BOUND_PROTOCOL;
}

static void take_from_client(struct connection *connection)
{
  uint8_t *buffer = connection->front->buffer;
  size_t length = take(&connection->client, buffer), good;
  enum zmtp_fault fault;

  good = zmtp_take(&connection->up, buffer, length, &fault);
  if (fault != ZMTP_SOUND) {
    connection_cut(connection, bound_of(connection, fault));
    return;
  }
  if (connection->phase == PHASE_GREETING) {
    rest_add(&connection->up_rest, buffer,
             good); /* kept until greeting and HELLO are whole, and for its turn */
    handshake_await_turn(connection);
    return;
  }
  if (!pass(&connection->router, &connection->up_rest, buffer, good)) {
    connection_close(connection);
    return;
  }
  if (connection->phase == PHASE_OPEN) credit_spend(connection);
}

static void serve_router_out(struct connection *connection)
{
  int code = 0;
  socklen_t size = sizeof code;

  if (connection->connecting &&
      (getsockopt(connection->router.file, SOL_SOCKET, SO_ERROR, &code, &size) != 0 || code != 0)) {
    connection_close(connection);
    return;
  }
  connection->connecting = false;
  if (!give_rest(&connection->router, &connection->up_rest)) connection_close(connection);
}

/* --- from the ROUTER --- */

static void take_from_router(struct connection *connection)
{
  struct front *front = connection->front;
  size_t length = take(&connection->router, front->buffer), own = 0;

  if (connection->phase == PHASE_HANDSHAKE) own = handshake_follow(connection, front->buffer, length);
  if (connection->phase == PHASE_OVER) return;
  if (!pass(&connection->client, &connection->down_rest, front->buffer + own, length - own)) {
    connection_close(connection);
    return;
  }
  if (length > 0) front_peers_passed(front->peers, connection->id, length);
  if (!rest_is_empty(&connection->down_rest)) connection->slow_ms = front->now_ms;
}

static void serve_client_out(struct connection *connection)
{
  if (!give_rest(&connection->client, &connection->down_rest)) connection_close(connection);
  if (rest_is_empty(&connection->down_rest)) connection->slow_ms = 0;
}

/* --- what happens --- */

/* Where one side has ended, the other still gets what there was. */
static void settle(struct connection *connection)
{
  bool client_done = connection->client.ended && rest_is_empty(&connection->up_rest);
  bool router_done = connection->router.ended && rest_is_empty(&connection->down_rest);

  if (connection->phase == PHASE_OVER) return;
  if (router_done && !connection->client.ended && handshake_ask_former(connection)) {
    connection_ask(connection);
    return;
  }
  if (client_done || router_done || (connection->client.ended && connection->phase == PHASE_GREETING)) {
    connection_close(connection);
    return;
  }
  if ((connection->client.ended || connection->router.ended) && connection->leaves_ms == 0)
    connection->leaves_ms = connection->front->now_ms + LIMIT_STALL_MS;
  connection_ask(connection);
}

void connection_ask(struct connection *connection)
{
  bool reads =
      !connection->client.ended && !connection->router.ended && rest_is_empty(&connection->down_rest);
  bool takes = !connection->client.ended && !connection->router.ended &&
               (connection->phase == PHASE_GREETING || rest_is_empty(&connection->up_rest)) &&
               credit_allows(connection);

  if (connection->phase == PHASE_OVER) return;
  watch(connection, &connection->client,
        (takes ? EPOLLIN : 0) | (rest_is_empty(&connection->down_rest) ? 0 : EPOLLOUT));
  watch(connection, &connection->router,
        (reads && !connection->connecting ? EPOLLIN : 0) |
            (connection->connecting ||
                     (connection->phase != PHASE_GREETING && !rest_is_empty(&connection->up_rest))
                 ? EPOLLOUT
                 : 0));
}

void connection_serve(struct connection *connection, struct end *end, uint32_t events)
{
  bool broken = (events & (EPOLLERR | EPOLLHUP)) != 0;
  bool reads = (events & EPOLLIN) || (broken && (end->events & EPOLLIN));

  if (connection->phase == PHASE_OVER) return;
  if (broken && !reads && !(end == &connection->router && connection->connecting)) {
    if (end == &connection->router && handshake_ask_former(connection)) {
      connection_ask(connection);
      return;
    }
    connection_close(connection); /* it takes nothing more, and gives nothing that is waited for */
    return;
  }
  if (end == &connection->client) {
    if (events & EPOLLOUT) serve_client_out(connection);
    if (reads && connection->phase != PHASE_OVER) take_from_client(connection);
  } else {
    if (broken || (events & EPOLLOUT)) serve_router_out(connection);
    if (reads && connection->phase != PHASE_OVER) take_from_router(connection);
  }
  settle(connection);
}

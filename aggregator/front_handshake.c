/* The handshake of a connection: its turn, its own connection to the ROUTER, and how the ROUTER's answers end
 * it. */
#include "aggregator/front_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

unsigned handshake_count(const struct front *front)
{
  unsigned count = 0;

  for (int n = 0; n < STANDINGS; n++) count += front->handshakes[n].length;
  return count;
}

void handshake_begin(struct connection *connection)
{
  struct front *front = connection->front;

  connection->standing =
      connection->address->known_until_ms > front->now_ms ? STANDING_KNOWN : STANDING_STRANGER;
  g_queue_push_tail_link(&front->handshakes[connection->standing], &connection->handshake);
  g_queue_push_tail_link(&connection->address->handshakes, &connection->of_address);
  bounds_use(front->bounds, BOUND_HANDSHAKES, handshake_count(front));
}

static void leave_turn(struct connection *connection)
{
  struct front *front = connection->front;

  if (connection->waits)
    g_queue_unlink(&front->hellos[connection->standing == STANDING_KNOWN], &connection->hello);
  if (connection->is_inside) bounds_use(front->bounds, BOUND_HELLOS, --front->hellos_inside);
  g_clear_pointer(&connection->asked, g_bytes_unref);
  connection->waits = connection->is_inside = false;
}

static void welcome(struct connection *connection)
{
  struct front *front = connection->front;

  leave_turn(connection);
  if (connection->standing != STANDING_STRANGER) return;
  g_queue_unlink(&front->handshakes[STANDING_STRANGER], &connection->handshake);
  g_queue_push_tail_link(&front->handshakes[STANDING_WELCOME], &connection->handshake);
  connection->standing = STANDING_WELCOME;
}

void handshake_end(struct connection *connection)
{
  struct front *front = connection->front;

  leave_turn(connection);
  g_queue_unlink(&front->handshakes[connection->standing], &connection->handshake);
  g_queue_unlink(&connection->address->handshakes, &connection->of_address);
  bounds_use(front->bounds, BOUND_HANDSHAKES, handshake_count(front));
}

/* --- to the ROUTER --- */

void handshake_await_turn(struct connection *connection)
{
  struct front *front = connection->front;

  if (connection->up.state != ZMTP_ASKED || connection->waits) return;
  connection->waits = true;
  g_queue_push_tail_link(&front->hellos[connection->standing == STANDING_KNOWN], &connection->hello);
  if (front->hellos_inside >= bounds_value(front->bounds, BOUND_HELLOS))
    bounds_bite(front->bounds, BOUND_HELLOS, connection->name);
}

/* From the address that tells door and gate which connection it is. */
static bool connect_router(struct connection *connection, uint16_t port)
{
  struct front *front = connection->front;
  struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET};
  int file = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), yes = 1;

  if (file < 0 || !connection_watch(connection, &connection->router, file)) return false;
  connection->id = front_peers_add(front->peers, connection->enrols, connection->name);
  from.sin_addr.s_addr = htonl(connection->id);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(port);
  setsockopt(file, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
  setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  connection->connecting = true;
  return bind(file, (struct sockaddr *)(void *)&from, sizeof from) == 0 &&
         (connect(file, (struct sockaddr *)(void *)&to, sizeof to) == 0 || errno == EINPROGRESS);
}

void handshake_take_turns(struct front *front)
{
  while (front->hellos_inside < bounds_value(front->bounds, BOUND_HELLOS)) {
    GQueue *queue = &front->hellos[front->hellos[true].length > 0];
    struct connection *connection = queue->length > 0 ? queue->tail->data : NULL;

    if (!connection) return;

    leave_turn(connection);
    connection->is_inside = true;
    bounds_use(front->bounds, BOUND_HELLOS, ++front->hellos_inside);
    connection->phase = PHASE_HANDSHAKE;
    if (front->listeners[connection->enrols].former != 0)
      connection->asked = g_bytes_new(connection->up_rest.data, connection->up_rest.to);
    if (connect_router(connection, front->listeners[connection->enrols].router))
      connection_ask(connection);
    else
      connection_close(connection);
  }
}

bool handshake_ask_former(struct connection *connection)
{
  struct front *front = connection->front;
  g_autoptr(GBytes) asked = g_steal_pointer(&connection->asked);
  size_t length;
  const uint8_t *data;

  if (connection->phase != PHASE_HANDSHAKE || !connection->is_inside || !asked) return false;
  front_peers_remove(front->peers, connection->id);
  connection->id = 0;
  close(connection->router.file);
  connection->router.file = -1;
  zmtp_init(&connection->down, ZMTP_SERVER, connection->down.most);
  data = g_bytes_get_data(asked, &length);
  g_free(connection->up_rest.data);
  connection->up_rest = (struct rest){g_memdup2(data, length), 0, length};
  return connect_router(connection, front->listeners[connection->enrols].former);
}

/* --- what the ROUTER says to it --- */

static void open_connection(struct connection *connection)
{
  handshake_end(connection);
  connection->phase = PHASE_OPEN;
  credit_begin(connection);
}

size_t handshake_follow(struct connection *connection, const uint8_t *data, size_t length)
{
  struct zmtp *down = &connection->down;
  size_t greeting = down->state == ZMTP_GREETING ? MIN(length, ZMTP_GREETING_SIZE - down->at) : 0, at = 0;
  enum zmtp_fault fault = ZMTP_SOUND;

  while (at < length && down->state != ZMTP_OPEN && fault == ZMTP_SOUND) {
    at += zmtp_take(down, data + at, length - at, &fault);
    if (down->state != ZMTP_ASKED && down->state != ZMTP_WAITING) continue;
    fault = ZMTP_SOUND;
    zmtp_answered(&connection->up);
    if (down->state == ZMTP_WAITING)
      open_connection(connection);
    else
      welcome(connection);
    zmtp_answered(down);
  }
  return greeting;
}

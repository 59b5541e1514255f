/* Who is taken in, and who has to go for it. */
#include "aggregator/front_listen.h"
#include "aggregator/front_private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTS_PER_TURN 64 /* so that a flood does not hold up those who are in */
#define NO_FILE_MS 100      /* before the next try where no descriptor was left */

void accept_cut_oldest(GQueue *handshakes, enum bound why)
{
  connection_cut(handshakes->head->data, why);
}

static bool is_full(const struct front *front, enum bound which, unsigned count)
{
  return count >= bounds_value(front->bounds, which);
}

/* Whoever is longest about its handshake: a stranger, if there is any. Those that were not welcomed yet,
 * which cost a flood nothing, do not push out those that were. */
static void cut_slowest(struct front *front, enum bound why)
{
  unsigned welcome = front->handshakes[STANDING_WELCOME].length;
  unsigned stranger = front->handshakes[STANDING_STRANGER].length;
  enum standing standing = welcome + stranger == 0 ? STANDING_KNOWN
                           : welcome > stranger    ? STANDING_WELCOME
                                                   : STANDING_STRANGER;

  accept_cut_oldest(&front->handshakes[standing], why);
}

/* Makes room where there is none. False: there is none. */
static bool make_room(struct front *front, struct front_address *address, const char *name)
{
  if (is_full(front, BOUND_CONNECTIONS_ADDRESS, address->connections)) {
    if (address->handshakes.length == 0) {
      bounds_bite(front->bounds, BOUND_CONNECTIONS_ADDRESS, name);
      return false;
    }
    accept_cut_oldest(&address->handshakes, BOUND_CONNECTIONS_ADDRESS);
  }
  if (is_full(front, BOUND_HANDSHAKES_ADDRESS, address->handshakes.length))
    accept_cut_oldest(&address->handshakes, BOUND_HANDSHAKES_ADDRESS);
  if (is_full(front, BOUND_HANDSHAKES, handshake_count(front))) cut_slowest(front, BOUND_HANDSHAKES);
  if (is_full(front, BOUND_CONNECTIONS, front->connections.length)) {
    if (handshake_count(front) == 0) {
      bounds_bite(front->bounds, BOUND_CONNECTIONS, name);
      return false;
    }
    cut_slowest(front, BOUND_CONNECTIONS);
  }
  return true;
}

static void take_in(struct front *front, int file, bool enrols, const struct sockaddr_storage *from)
{
  uint8_t bytes[16], key[16];
  char name[FRONT_ADDRESS_SIZE];
  struct front_address *address;

  front_listen_bytes(from, bytes);
  front_address_key(bytes, key);
  front_listen_name(from, name, sizeof name);
  address = front_addresses_get(front->addresses, key, front->now_ms);
  if (!front_addresses_connect(front->addresses, address, front->now_ms)) {
    bounds_bite(front->bounds, BOUND_CONNECTS_ADDRESS, name);
    close(file);
  } else if (!make_room(front, address, name)) {
    close(file);
  } else {
    connection_new(front, file, enrols, address, name);
  }
}

/* No descriptor is left: one that was kept for this is given up, so that whoever waits is turned away instead
 * of being announced again and again, and a handshake that does not end makes room for the next. */
static void run_out(struct front *front, const struct listener *listener)
{
  int file;

  bounds_bite(front->bounds, BOUND_FILES, NULL);
  if (handshake_count(front) > 0) cut_slowest(front, BOUND_FILES);
  if (front->reserve >= 0) close(front->reserve);
  file = accept4(listener->file, NULL, NULL, SOCK_CLOEXEC);
  if (file >= 0) close(file);
  front->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
  front->accepts_again_ms = front->now_ms + NO_FILE_MS;
}

void accept_all(struct front *front, struct listener *listener)
{
  for (int n = 0; n < ACCEPTS_PER_TURN; n++) {
    struct sockaddr_storage from = {0};
    socklen_t size = sizeof from;
    int file = accept4(listener->file, (struct sockaddr *)(void *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (file >= 0)
      take_in(front, file, listener == &front->listeners[1], &from);
    else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
      run_out(front, listener);
    if (file < 0) return;
  }
}

void accept_ask(struct front *front)
{
  bool open = front->end_ms == 0 && front->now_ms >= front->accepts_again_ms;

  for (int n = 0; n < 2; n++) {
    struct listener *listener = &front->listeners[n];
    struct epoll_event event = {.events = open ? EPOLLIN : 0, .data.ptr = listener};

    if (listener->asked == open) continue;
    epoll_ctl(front->poll, EPOLL_CTL_MOD, listener->file, &event);
    listener->asked = open;
  }
}

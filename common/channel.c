#include "common/channel.h"

#include "common/error.h"
#include "common/limits.h"
#include "common/text.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

/* A draft constant of zmq.h, in force in every libzmq 4.3 (measured; read back at start): without it an
 * unknown key is accepted whenever the door does not answer. */
#define ZAP_ENFORCE_DOMAIN 93
#define ZAP_ENDPOINT "inproc://zeromq.zap.01"
#define ZAP_FRAMES 7 /* version, request, domain, address, routing id, mechanism, key */

#define CURVE_OVERHEAD 33   /* bytes of an encrypted frame beyond its content; MAXMSGSIZE counts them */
#define SOCKETS_MOST 16384  /* a test or a benchmark is many agents in one process */
#define WAIT_MOST 8         /* servers of a channel_wait() */
#define DROPS_MOST 64       /* bad messages in a row before others get a turn */
#define KEEPALIVE_IDLE_S 60 /* so that firewalls do not forget us; heartbeats find a dead peer sooner */
/* Messages to and from one peer, each of LIMIT_FRAME_BYTES at most. libzmq tells of room by halves. */
#define SEND_QUEUE (2 * LIMIT_CREDIT_AGENT)
#define RECEIVE_QUEUE LIMIT_CREDIT_AGENT

struct channel_context {
  void *zmq;
};

struct channel_door {
  void *socket; /* REP; the thread's, which closes it */
  int stop;     /* eventfd */
  channel_admit *admit;
  void (*died)(void *);
  void *data;
  GThread *thread;
};

/* A ROUTER for each key that it is known by: the present one, and one of before. */
#define SERVER_SOCKETS 2

struct channel_server {
  void *sockets[SERVER_SOCKETS];
  char *endpoints[SERVER_SOCKETS];
  size_t count, turn; /* which of them is looked at first, so that none waits for the other */
  channel_seen *seen;
  void *data; /* its own */
};

struct channel_client {
  void *socket;       /* DEALER */
  void *losses;       /* PAIR: an event of libzmq's for each connection that ended */
  bool lost;          /* one came */
  bool wants_to_send; /* a send failed: waiting ends when the next may succeed */
};

struct option {
  int name;
  int value;
  bool unreadable; /* libzmq has no way to ask */
};

static const struct option COMMON_OPTIONS[] = {
    {ZMQ_LINGER, 0, false},
    {ZMQ_IPV6, 1, false},
    {ZMQ_SNDHWM, SEND_QUEUE, false},
    {ZMQ_RCVHWM, RECEIVE_QUEUE, false},
    {ZMQ_HANDSHAKE_IVL, LIMIT_HANDSHAKE_MS, false},
    {ZMQ_HEARTBEAT_IVL, LIMIT_HEARTBEAT_MS, false},
    {ZMQ_HEARTBEAT_TIMEOUT, 2 * LIMIT_HEARTBEAT_MS, false},
    {ZMQ_HEARTBEAT_TTL, 3 * LIMIT_HEARTBEAT_MS, false},
    {ZMQ_TCP_KEEPALIVE, 1, false},
    {ZMQ_TCP_KEEPALIVE_IDLE, KEEPALIVE_IDLE_S, false},
};

static const struct option SERVER_OPTIONS[] = {
    {ZMQ_BACKLOG, LIMIT_HANDSHAKES, false},
    {ZMQ_CURVE_SERVER, 1, false},
    {ZAP_ENFORCE_DOMAIN, 1, false},
    {ZMQ_ROUTER_MANDATORY, 1, true},
    /* A peer that claims the routing id of another is turned away, instead of cutting the other off. */
    {ZMQ_ROUTER_HANDOVER, 0, true},
};

static const struct option CLIENT_OPTIONS[] = {
    {ZMQ_IMMEDIATE, 1, false}, /* nothing is queued for a connection that may never be */
    {ZMQ_CONNECT_TIMEOUT, LIMIT_HANDSHAKE_MS, false},
    {ZMQ_RECONNECT_IVL, LIMIT_RECONNECT_MS, false},
    {ZMQ_RECONNECT_IVL_MAX, LIMIT_RECONNECT_MAX_MS, false},
};

/* --- contexts and options --- */

struct channel_context *channel_context_new(void)
{
  void *zmq = zmq_ctx_new();
  if (!zmq)
    g_error("zmq_ctx_new: %s", zmq_strerror(errno)); /* out of memory or descriptors before anything began */
  zmq_ctx_set(zmq, ZMQ_MAX_SOCKETS, MIN(SOCKETS_MOST, zmq_ctx_get(zmq, ZMQ_SOCKET_LIMIT)));
  zmq_ctx_set(zmq, ZMQ_BLOCKY, 0);
  struct channel_context *context = g_new0(struct channel_context, 1);
  context->zmq = zmq;
  return context;
}

void channel_context_free(struct channel_context *context)
{
  if (!context) return;
  while (zmq_ctx_term(context->zmq) != 0 && errno == EINTR) continue;
  g_free(context);
}

static bool set_options(void *socket, const struct option *options, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    int value = 0;
    size_t size = sizeof value;
    if (zmq_setsockopt(socket, options[i].name, &options[i].value, sizeof options[i].value) != 0)
      return false;
    if (options[i].unreadable) continue;
    if (zmq_getsockopt(socket, options[i].name, &value, &size) != 0 || value != options[i].value)
      return false;
  }
  return true;
}

/* Raw bytes; a string's length is counted with its zero, as libzmq gives it back. */
static bool set_bytes(void *socket, int name, const void *data, size_t length, size_t length_back)
{
  char back[256];
  size_t size = length_back;
  assert(length_back <= sizeof back);
  bool taken = zmq_setsockopt(socket, name, data, length) == 0 &&
               zmq_getsockopt(socket, name, back, &size) == 0 && size == length_back &&
               memcmp(back, data, length) == 0;
  explicit_bzero(back, sizeof back); /* it may be a secret key */
  return taken;
}

static bool set_key(void *socket, int name, const uint8_t *key)
{
  return set_bytes(socket, name, key, CURVE_KEY_SIZE, CURVE_KEY_SIZE);
}

static bool set_size_limit(void *socket, size_t most)
{
  int64_t limit = (int64_t)most + CURVE_OVERHEAD, back = 0;
  size_t size = sizeof back;
  return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &limit, sizeof limit) == 0 &&
         zmq_getsockopt(socket, ZMQ_MAXMSGSIZE, &back, &size) == 0 && back == limit;
}

static bool speaks_curve(void *socket)
{
  int mechanism = -1;
  size_t size = sizeof mechanism;
  return zmq_getsockopt(socket, ZMQ_MECHANISM, &mechanism, &size) == 0 && mechanism == ZMQ_CURVE;
}

static bool set_socket_error(GError **error)
{
  int saved = zmq_errno();
  g_set_error(error, PARKTALLY_ERROR, ERROR_UNAVAILABLE,
              _("the network library gives no further socket (%s); raise the limit of open files"),
              zmq_strerror(saved));
  return false;
}

static bool set_option_error(GError **error)
{
  int major, minor, patch;
  zmq_version(&major, &minor, &patch);
  g_set_error(error, PARKTALLY_ERROR, ERROR_INTERNAL,
              _("libzmq %d.%d.%d did not take a security setting (%s), so nothing is opened; Parktally needs "
                "libzmq 4.3 "
                "with CURVE"),
              major, minor, patch, zmq_strerror(zmq_errno()));
  return false;
}

void channel_set_endpoint_error(const char *endpoint, int code, GError **error)
{
  switch (code) {
  case EINVAL:
  case EPROTONOSUPPORT:
  case ENOCOMPATPROTO:
    g_set_error(error, PARKTALLY_ERROR, ERROR_CONFIG,
                _("the address \"%s\" is not understood; expected something like tcp://192.0.2.1:7650"),
                endpoint);
    return;
  case EACCES:
    g_set_error(error, PARKTALLY_ERROR, ERROR_PERMISSION,
                _("no permission to use %s; choose a port above 1023"), endpoint);
    return;
  case EADDRINUSE:
    g_set_error(error, PARKTALLY_ERROR, ERROR_UNAVAILABLE,
                _("%s is in use by another program; stop it or choose another port"), endpoint);
    return;
  default:
    g_set_error(error, PARKTALLY_ERROR, ERROR_CONFIG, _("%s cannot be used: %s"), endpoint,
                zmq_strerror(code));
  }
}

/* --- messages --- */

static void free_message(void *data)
{
  zmq_msg_close(data);
  g_free(data);
}

/* Takes over the content without copying it. */
static GBytes *message_to_bytes(zmq_msg_t *message)
{
  zmq_msg_t *kept = g_new(zmq_msg_t, 1);
  zmq_msg_init(kept);
  zmq_msg_move(kept, message);
  return g_bytes_new_with_free_func(zmq_msg_data(kept), zmq_msg_size(kept), free_message, kept);
}

static void unref_bytes(void *data, void *bytes)
{
  (void)data;
  g_bytes_unref(bytes);
}

/* Never waits. False if it could not be handed over. */
static bool send_frame(void *socket, GBytes *bytes, int flags)
{
  size_t length;
  const void *data = g_bytes_get_data(bytes, &length);
  zmq_msg_t message;
  if (zmq_msg_init_data(&message, (void *)data, length, unref_bytes, g_bytes_ref(bytes)) != 0) {
    g_bytes_unref(bytes);
    return false;
  }
  while (zmq_msg_send(&message, socket, flags | ZMQ_DONTWAIT) < 0) {
    if (zmq_errno() == EINTR) continue;
    zmq_msg_close(&message);
    return false;
  }
  return true;
}

/* False if there is none now. */
static bool receive_frame(void *socket, zmq_msg_t *message)
{
  int got;
  do {
    got = zmq_msg_recv(message, socket, ZMQ_DONTWAIT);
  } while (got < 0 && zmq_errno() == EINTR);
  return got >= 0;
}

/* The parts after `message` are read away; libzmq delivers all or none. True if there were any. */
static bool skip_parts(void *socket, zmq_msg_t *message)
{
  bool any = zmq_msg_more(message);
  while (zmq_msg_more(message) && receive_frame(socket, message)) continue;
  return any;
}

/* The address as people write it: IPv4 without the wrapping of a socket that serves both. */
static void copy_address(char *target, size_t size, const char *address)
{
  if (!address) address = "";
  bool wrapped = g_str_has_prefix(address, "::ffff:") && strchr(address, '.');
  g_strlcpy(target, wrapped ? address + strlen("::ffff:") : address, size);
}

/* --- the door --- */

struct zap_request {
  zmq_msg_t frames[ZAP_FRAMES];
  size_t count; /* ZAP_FRAMES + 1: more than there may be */
};

static void receive_request(void *socket, struct zap_request *request)
{
  zmq_msg_t waste;
  zmq_msg_init(&waste);
  bool more = true;
  for (request->count = 0; more && request->count < ZAP_FRAMES; request->count++) {
    zmq_msg_t *frame = &request->frames[request->count];
    zmq_msg_init(frame);
    if (!receive_frame(socket, frame)) {
      zmq_msg_close(frame);
      break;
    }
    more = zmq_msg_more(frame);
  }
  if (more && request->count == ZAP_FRAMES && receive_frame(socket, &waste)) {
    skip_parts(socket, &waste);
    request->count++;
  }
  zmq_msg_close(&waste);
}

static bool frame_is(zmq_msg_t *frame, const char *text)
{
  return zmq_msg_size(frame) == strlen(text) && memcmp(zmq_msg_data(frame), text, strlen(text)) == 0;
}

/* The status: "200" and who it is, "400", or "500" where our own side is at fault. Whatever is not plainly
 * right is refused. */
static const char *judge(struct channel_door *door, struct zap_request *request,
                         char ret_user[static CHANNEL_USER_SIZE])
{
  zmq_msg_t *frames = request->frames;
  if (request->count != ZAP_FRAMES || !frame_is(&frames[0], "1.0")) return "500";
  if (!frame_is(&frames[5], "CURVE") || zmq_msg_size(&frames[6]) != CURVE_KEY_SIZE) return "400";
  g_autofree char *domain = g_strndup(zmq_msg_data(&frames[2]), zmq_msg_size(&frames[2]));
  g_autofree char *peer = g_strndup(zmq_msg_data(&frames[3]), zmq_msg_size(&frames[3]));
  char address[64];
  copy_address(address, sizeof address, peer);
  char user[CHANNEL_USER_SIZE] = "";
  if (!door->admit(domain, address, zmq_msg_data(&frames[6]), user, door->data)) return "400";
  if (user[0] == '\0' || !memchr(user, '\0', sizeof user)) return "500";
  memcpy(ret_user, user, sizeof user);
  return "200";
}

static bool answer_request(struct channel_door *door)
{
  struct zap_request request;
  receive_request(door->socket, &request);
  size_t held = MIN(request.count, ZAP_FRAMES);
  if (held == 0) return true; /* nothing there after all */
  char user[CHANNEL_USER_SIZE] = "";
  const char *status = judge(door, &request, user);
  const void *id = held > 1 ? zmq_msg_data(&request.frames[1]) : "";
  size_t id_length = held > 1 ? zmq_msg_size(&request.frames[1]) : 0;
  bool sent = zmq_send(door->socket, "1.0", 3, ZMQ_SNDMORE) >= 0 &&
              zmq_send(door->socket, id, id_length, ZMQ_SNDMORE) >= 0 &&
              zmq_send(door->socket, status, 3, ZMQ_SNDMORE) >= 0 &&
              zmq_send(door->socket, "", 0, ZMQ_SNDMORE) >= 0 &&
              zmq_send(door->socket, user, strlen(user), ZMQ_SNDMORE) >= 0 &&
              zmq_send(door->socket, "", 0, 0) >= 0;
  for (size_t i = 0; i < held; i++) zmq_msg_close(&request.frames[i]);
  return sent;
}

static void *run_door(void *data)
{
  struct channel_door *door = data;
  for (;;) {
    zmq_pollitem_t items[] = {{NULL, door->stop, ZMQ_POLLIN, 0}, {door->socket, 0, ZMQ_POLLIN, 0}};
    int ready = zmq_poll(items, 2, -1);
    if (ready < 0 && zmq_errno() == EINTR) continue;
    bool asked = ready > 0 && items[0].revents;
    if (!asked && ready > 0 && answer_request(door)) continue;
    zmq_close(door->socket);
    if (!asked) door->died(door->data);
    return NULL;
  }
}

struct channel_door *channel_door_open(struct channel_context *context, channel_admit *admit,
                                       void (*died)(void *), void *data, GError **error)
{
  void *socket = zmq_socket(context->zmq, ZMQ_REP);
  int stop = eventfd(0, EFD_CLOEXEC);
  static const struct option linger = {ZMQ_LINGER, 0, false};
  if (socket && stop >= 0 && set_options(socket, &linger, 1) && zmq_bind(socket, ZAP_ENDPOINT) == 0) {
    struct channel_door *door = g_new0(struct channel_door, 1);
    *door = (struct channel_door){.socket = socket, .stop = stop, .admit = admit, .died = died, .data = data};
    door->thread = g_thread_try_new("door", run_door, door, error);
    if (door->thread) return door;
    g_free(door);
  } else {
    g_set_error(error, PARKTALLY_ERROR, ERROR_UNAVAILABLE,
                _("the door that checks keys cannot be opened (%s), so nobody is let in"),
                zmq_strerror(zmq_errno()));
  }
  if (socket) zmq_close(socket);
  if (stop >= 0) close(stop);
  return NULL;
}

void channel_door_close(struct channel_door *door)
{
  if (!door) return;
  eventfd_write(door->stop, 1);
  g_thread_join(door->thread);
  close(door->stop);
  g_free(door);
}

/* --- servers --- */

static bool prepare_server(void *socket, const char *domain, const uint8_t *curve_secret, size_t most)
{
  return set_options(socket, COMMON_OPTIONS, G_N_ELEMENTS(COMMON_OPTIONS)) &&
         set_key(socket, ZMQ_CURVE_SECRETKEY, curve_secret) &&
         set_bytes(socket, ZMQ_ZAP_DOMAIN, domain, strlen(domain), strlen(domain) + 1) &&
         set_options(socket, SERVER_OPTIONS, G_N_ELEMENTS(SERVER_OPTIONS)) && set_size_limit(socket, most) &&
         speaks_curve(socket);
}

/* One more socket of the server. */
static bool open_socket(struct channel_server *server, struct channel_context *context, const char *endpoint,
                        const char *domain, const uint8_t *curve_secret, size_t most, GError **error)
{
  assert(domain[0] != '\0' && server->count < SERVER_SOCKETS);
  void *socket = zmq_socket(context->zmq, ZMQ_ROUTER);
  char bound[256];
  size_t size = sizeof bound;
  if (!socket) return set_socket_error(error);
  if (!prepare_server(socket, domain, curve_secret, most)) {
    set_option_error(error);
  } else if (zmq_bind(socket, endpoint) != 0 ||
             zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, bound, &size) != 0) {
    channel_set_endpoint_error(endpoint, zmq_errno(), error);
  } else {
    server->sockets[server->count] = socket;
    server->endpoints[server->count++] = g_strdup(bound);
    return true;
  }
  zmq_close(socket);
  return false;
}

struct channel_server *channel_server_open(struct channel_context *context, const char *endpoint,
                                           const char *domain, const struct identity *identity, size_t most,
                                           GError **error)
{
  const uint8_t *secrets[SERVER_SOCKETS] = {identity_curve_secret(identity),
                                            identity_former_curve_secret(identity)};
  struct channel_server *server = g_new0(struct channel_server, 1);
  for (size_t n = 0; n < SERVER_SOCKETS && secrets[n]; n++) {
    if (open_socket(server, context, endpoint, domain, secrets[n], most, error)) continue;
    channel_server_close(server);
    return NULL;
  }
  return server;
}

void channel_server_close(struct channel_server *server)
{
  if (!server) return;
  int linger = LIMIT_FAREWELL_MS;
  for (size_t i = 0; i < server->count; i++) {
    zmq_setsockopt(server->sockets[i], ZMQ_LINGER, &linger, sizeof linger);
    zmq_close(server->sockets[i]);
    g_free(server->endpoints[i]);
  }
  g_free(server);
}

const char *channel_server_endpoint(const struct channel_server *server)
{
  return server->endpoints[0];
}

const char *channel_server_former_endpoint(const struct channel_server *server)
{
  return server->endpoints[1]; /* NULL where there is none */
}

void channel_message_clear(struct channel_message *message)
{
  g_clear_pointer(&message->peer, g_bytes_unref);
  g_clear_pointer(&message->data, g_bytes_unref);
}

void channel_server_watch(struct channel_server *server, channel_seen *seen, void *data)
{
  server->seen = seen;
  server->data = data;
}

/* As receive_frame(), and the watcher hears of it. */
static bool receive_part(const struct channel_server *server, void *socket, zmq_msg_t *part)
{
  if (!receive_frame(socket, part)) return false;
  char address[64];
  copy_address(address, sizeof address, zmq_msg_gets(part, "Peer-Address"));
  if (server->seen) server->seen(address, zmq_msg_size(part), server->data);
  return true;
}

/* The routing id behind the number of its socket: two sockets may give out the same one. */
static GBytes *name_peer(size_t socket, zmq_msg_t *peer)
{
  size_t length = zmq_msg_size(peer);
  uint8_t *name = g_malloc(1 + length);
  name[0] = (uint8_t)socket;
  memcpy(name + 1, zmq_msg_data(peer), length);
  return g_bytes_new_take(name, 1 + length);
}

/* One message of a known user and a single part, or false. */
static bool take_message(const struct channel_server *server, size_t socket, zmq_msg_t *peer, zmq_msg_t *data,
                         struct channel_message *ret_message)
{
  if (!zmq_msg_more(peer) || !receive_part(server, server->sockets[socket], data)) return false;
  bool several = zmq_msg_more(data);
  while (zmq_msg_more(data) && receive_part(server, server->sockets[socket], data)) continue;
  if (several) return false;
  const char *user = zmq_msg_gets(data, "User-Id");
  if (!user || user[0] == '\0' || strlen(user) >= CHANNEL_USER_SIZE) return false;
  g_strlcpy(ret_message->user, user, sizeof ret_message->user);
  copy_address(ret_message->address, sizeof ret_message->address, zmq_msg_gets(data, "Peer-Address"));
  ret_message->peer = name_peer(socket, peer);
  ret_message->data = message_to_bytes(data);
  return true;
}

/* The next one of that socket. `dropped` counts on. */
static bool receive_from(const struct channel_server *server, size_t socket, zmq_msg_t *peer, zmq_msg_t *data,
                         struct channel_message *ret_message, unsigned *dropped)
{
  while (*dropped < DROPS_MOST && receive_frame(server->sockets[socket], peer)) {
    if (take_message(server, socket, peer, data, ret_message)) return true;
    ++*dropped;
  }
  return false;
}

bool channel_server_receive(struct channel_server *server, struct channel_message *ret_message,
                            unsigned *ret_dropped)
{
  unsigned dropped = 0;
  bool taken = false;
  zmq_msg_t peer, data;
  zmq_msg_init(&peer);
  zmq_msg_init(&data);
  for (size_t i = 0; i < server->count && !taken; i++) {
    taken = receive_from(server, server->turn, &peer, &data, ret_message, &dropped);
    server->turn = (server->turn + 1) % server->count;
  }
  zmq_msg_close(&peer);
  zmq_msg_close(&data);
  if (ret_dropped) *ret_dropped = dropped;
  return taken;
}

bool channel_server_send(struct channel_server *server, GBytes *peer, GBytes *data)
{
  size_t length;
  const uint8_t *name = g_bytes_get_data(peer, &length);
  if (length < 1 || name[0] >= server->count) return false;
  g_autoptr(GBytes) id = g_bytes_new_from_bytes(peer, 1, length - 1);
  void *socket = server->sockets[name[0]];
  return send_frame(socket, id, ZMQ_SNDMORE) && send_frame(socket, data, 0);
}

/* The last of `count` items is the wake descriptor, if there is one. */
static bool wait_for(zmq_pollitem_t *items, size_t count, int wake_fd, int64_t timeout_ms, bool *ret_wake)
{
  if (wake_fd >= 0) items[count] = (zmq_pollitem_t){NULL, wake_fd, ZMQ_POLLIN, 0};
  if (zmq_poll(items, (int)count + (wake_fd >= 0), timeout_ms < 0 ? -1 : (long)timeout_ms) < 0) return false;
  if (ret_wake) *ret_wake = wake_fd >= 0 && items[count].revents;
  return true;
}

bool channel_wait(struct channel_server *const *servers, size_t count, int wake_fd, int64_t timeout_ms,
                  bool *ret_wake)
{
  assert(count <= WAIT_MOST);
  zmq_pollitem_t items[SERVER_SOCKETS * WAIT_MOST + 1];
  size_t sockets = 0;
  for (size_t i = 0; i < count; i++)
    for (size_t n = 0; n < servers[i]->count; n++)
      items[sockets++] = (zmq_pollitem_t){servers[i]->sockets[n], 0, ZMQ_POLLIN, 0};
  return wait_for(items, sockets, wake_fd, timeout_ms, ret_wake);
}

/* --- clients --- */

static bool prepare_client(void *socket, const uint8_t *server_key, const struct identity *identity)
{
  return set_options(socket, COMMON_OPTIONS, G_N_ELEMENTS(COMMON_OPTIONS)) &&
         set_options(socket, CLIENT_OPTIONS, G_N_ELEMENTS(CLIENT_OPTIONS)) &&
         set_key(socket, ZMQ_CURVE_PUBLICKEY, identity_curve_public(identity)) &&
         set_key(socket, ZMQ_CURVE_SECRETKEY, identity_curve_secret(identity)) &&
         set_key(socket, ZMQ_CURVE_SERVERKEY, server_key) && set_size_limit(socket, LIMIT_FRAME_BYTES) &&
         speaks_curve(socket);
}

/* Before the first connection, so that no event is missed. libzmq's threads wait where the queue of events is
 * full, so it is not bounded: an event is a few bytes, and comes at most once for each try to connect. */
static bool watch_losses(const struct channel_context *context, struct channel_client *client)
{
  static const struct option UNBOUNDED = {ZMQ_RCVHWM, 0, false}, LINGER = {ZMQ_LINGER, 0, false};
  char name[64];
  snprintf(name, sizeof name, "inproc://losses-of-%p", client->socket);
  client->losses = zmq_socket(context->zmq, ZMQ_PAIR);
  return client->losses && set_options(client->losses, &UNBOUNDED, 1) &&
         set_options(client->losses, &LINGER, 1) &&
         zmq_socket_monitor(client->socket, name, ZMQ_EVENT_DISCONNECTED) == 0 &&
         zmq_connect(client->losses, name) == 0;
}

struct channel_client *channel_client_open(struct channel_context *context, const char *endpoint,
                                           const uint8_t server_key[static CURVE_KEY_SIZE],
                                           const struct identity *identity, const char *proxy, GError **error)
{
  struct channel_client *client = g_new0(struct channel_client, 1);
  client->socket = zmq_socket(context->zmq, ZMQ_DEALER);
  if (!client->socket) {
    set_socket_error(error);
  } else if (!prepare_client(client->socket, server_key, identity)) {
    set_option_error(error);
  } else if (!watch_losses(context, client)) {
    set_socket_error(error);
  } else if (proxy && zmq_setsockopt(client->socket, ZMQ_SOCKS_PROXY, proxy, strlen(proxy)) != 0) {
    channel_set_endpoint_error(proxy, zmq_errno(), error);
  } else if (zmq_connect(client->socket, endpoint) != 0) {
    channel_set_endpoint_error(endpoint, zmq_errno(), error);
  } else {
    return client;
  }
  channel_client_close(client);
  return NULL;
}

void channel_client_close(struct channel_client *client)
{
  if (!client) return;
  if (client->socket) zmq_socket_monitor(client->socket, NULL, 0); /* first: it waits for its reader */
  if (client->losses) zmq_close(client->losses);
  if (client->socket) zmq_close(client->socket);
  g_free(client);
}

bool channel_client_is_lost(struct channel_client *client)
{
  zmq_msg_t event;
  zmq_msg_init(&event);
  while (receive_frame(client->losses, &event)) {
    skip_parts(client->losses, &event);
    client->lost = true;
  }
  zmq_msg_close(&event);
  return client->lost;
}

bool channel_client_send(struct channel_client *client, GBytes *data)
{
  client->wants_to_send = !send_frame(client->socket, data, 0);
  return !client->wants_to_send;
}

GBytes *channel_client_receive(struct channel_client *client)
{
  GBytes *data = NULL;
  zmq_msg_t message;
  zmq_msg_init(&message);
  for (unsigned dropped = 0; !data && dropped < DROPS_MOST && receive_frame(client->socket, &message);
       dropped++)
    if (!skip_parts(client->socket, &message)) data = message_to_bytes(&message);
  zmq_msg_close(&message);
  return data;
}

bool channel_client_wait(struct channel_client *client, int wake_fd, int64_t timeout_ms, bool *ret_wake)
{
  short events = client->wants_to_send ? ZMQ_POLLIN | ZMQ_POLLOUT : ZMQ_POLLIN;
  zmq_pollitem_t items[3] = {{client->socket, 0, events, 0}, {client->losses, 0, ZMQ_POLLIN, 0}};
  return wait_for(items, 2, wake_fd, timeout_ms, ret_wake);
}

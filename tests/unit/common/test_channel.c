#include "common/channel.h"

#include "common/error.h"
#include "common/limits.h"

#include <dlfcn.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include <cmocka.h>

#define PATIENCE_MS 20000 /* nothing takes so long; a test that waits for it in vain has failed */
#define MOST 5000         /* bytes of a message in these tests */

/* --- libzmq's own functions, with faults --- */

static void *context_of_library; /* the last that was made */
static int deaf_option = -1;     /* takes no effect, as in a libzmq that does not know it */

void *zmq_ctx_new(void)
{
  void *(*real)(void) = (void *(*)(void))dlsym(RTLD_NEXT, "zmq_ctx_new");
  return context_of_library = real();
}

int zmq_setsockopt(void *socket, int name, const void *value, size_t length)
{
  int (*real)(void *, int, const void *, size_t) =
      (int (*)(void *, int, const void *, size_t))dlsym(RTLD_NEXT, "zmq_setsockopt");
  return name == deaf_option ? 0 : real(socket, name, value, length);
}

/* --- the fixture: a server and its door, in a context of their own --- */

struct fixture {
  struct identity *own, *known, *stranger;
  struct channel_context *context;
  struct channel_door *door;
  struct channel_server *server;
  const char *user; /* what the door says of the known key */
  bool long_user;
  char domain[64], address[64]; /* what the door heard last */
  int deaths;                   /* atomic */
  struct channel_context *outside;
  void *raw;                        /* a context for sockets that break the rules */
  GPtrArray *clients, *raw_sockets; /* closed with the fixture, also where a test failed */
};

static bool admit(const char *domain, const char *address, const uint8_t key[static CURVE_KEY_SIZE],
                  char ret_user[static CHANNEL_USER_SIZE], void *data)
{
  struct fixture *fixture = data;
  g_strlcpy(fixture->domain, domain, sizeof fixture->domain);
  g_strlcpy(fixture->address, address, sizeof fixture->address);
  g_strlcpy(ret_user, fixture->user, CHANNEL_USER_SIZE);
  if (fixture->long_user) memset(ret_user, 'x', CHANNEL_USER_SIZE);
  return memcmp(key, identity_curve_public(fixture->known), CURVE_KEY_SIZE) == 0;
}

static void count_death(void *data)
{
  g_atomic_int_inc(&((struct fixture *)data)->deaths);
}

static struct identity *make_identity(void)
{
  g_autofree char *folder = g_dir_make_tmp("parktally-channel-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(folder, "keys", NULL);
  struct identity *identity = identity_create(path, NULL);
  g_unlink(path);
  g_rmdir(folder);
  return identity;
}

static struct channel_server *open_server(struct fixture *fixture)
{
  g_autoptr(GError) error = NULL;
  struct channel_server *server =
      channel_server_open(fixture->context, "tcp://127.0.0.1:*", "agents", fixture->own, MOST, &error);
  assert_null(error);
  return server;
}

static void close_client(void *client)
{
  channel_client_close(client);
}

static void close_socket(void *socket)
{
  zmq_close(socket);
}

static int set_up(void **state)
{
  struct fixture *fixture = g_new0(struct fixture, 1);
  *state = fixture;
  fixture->own = make_identity();
  fixture->known = make_identity();
  fixture->stranger = make_identity();
  fixture->user = "park-a";
  fixture->raw = zmq_ctx_new();
  fixture->clients = g_ptr_array_new_with_free_func(close_client);
  fixture->raw_sockets = g_ptr_array_new_with_free_func(close_socket);
  fixture->outside = channel_context_new();
  fixture->context = channel_context_new();
  fixture->door = channel_door_open(fixture->context, admit, count_death, fixture, NULL);
  fixture->server = open_server(fixture);
  return fixture->door && fixture->server ? 0 : -1;
}

static int tear_down(void **state)
{
  struct fixture *fixture = *state;
  deaf_option = -1;
  g_ptr_array_unref(fixture->clients);
  g_ptr_array_unref(fixture->raw_sockets);
  channel_server_close(fixture->server);
  channel_door_close(fixture->door);
  channel_context_free(fixture->context);
  channel_context_free(fixture->outside);
  zmq_ctx_term(fixture->raw);
  identity_free(fixture->own);
  identity_free(fixture->known);
  identity_free(fixture->stranger);
  g_free(fixture);
  return 0;
}

static const char *endpoint(struct fixture *fixture)
{
  return channel_server_endpoint(fixture->server);
}

static struct channel_client *open_client(struct fixture *fixture, const struct identity *identity)
{
  g_autoptr(GError) error = NULL;
  struct channel_client *client = channel_client_open(
      fixture->outside, endpoint(fixture), identity_curve_public(fixture->own), identity, NULL, &error);
  assert_null(error);
  g_ptr_array_add(fixture->clients, client);
  return client;
}

static GBytes *bytes_of(const char *text)
{
  return g_bytes_new(text, strlen(text));
}

static void assert_patience(int64_t start)
{
  assert_true(g_get_monotonic_time() - start < PATIENCE_MS * 1000);
}

static void client_says(struct channel_client *client, const char *text)
{
  g_autoptr(GBytes) data = bytes_of(text);
  if (channel_client_send(client, data)) return;
  int64_t start = g_get_monotonic_time();
  assert_true(channel_client_wait(client, -1, PATIENCE_MS, NULL)); /* until connected */
  assert_patience(start);
  assert_true(channel_client_send(client, data));
}

static void receive(struct fixture *fixture, struct channel_message *message, unsigned *ret_dropped)
{
  int64_t start = g_get_monotonic_time();
  unsigned dropped;
  *ret_dropped = 0;
  for (;;) {
    bool taken = channel_server_receive(fixture->server, message, &dropped);
    *ret_dropped += dropped;
    if (taken) return;
    assert_patience(start);
    assert_true(channel_wait(&fixture->server, 1, -1, PATIENCE_MS, NULL));
  }
}

static void assert_bytes(GBytes *bytes, const char *text)
{
  size_t length;
  const char *data = g_bytes_get_data(bytes, &length);
  assert_int_equal(length, strlen(text));
  assert_memory_equal(data, text, length);
}

/* The next message of all is this one; returns how many were dropped before. */
static unsigned server_hears(struct fixture *fixture, const char *text)
{
  struct channel_message message;
  unsigned dropped;
  receive(fixture, &message, &dropped);
  assert_bytes(message.data, text);
  assert_string_equal(message.user, "park-a");
  channel_message_clear(&message);
  return dropped;
}

/* Whoever was refused has brought nothing in, and the server goes on. */
static void assert_server_serves(struct fixture *fixture)
{
  struct channel_client *client = open_client(fixture, fixture->known);
  client_says(client, "still there?");
  assert_int_equal(server_hears(fixture, "still there?"), 0);
}

/* --- raw clients, which may break every rule; watched, so that no test has to guess a time --- */

enum mechanism { CURVE, PLAIN, NONE };

struct raw {
  void *socket;
  void *monitor;
};

static struct raw open_raw(struct fixture *fixture, enum mechanism mechanism, const struct identity *identity,
                           const uint8_t *server_key)
{
  static unsigned count;
  struct raw raw = {.socket = zmq_socket(fixture->raw, ZMQ_DEALER),
                    .monitor = zmq_socket(fixture->raw, ZMQ_PAIR)};
  g_ptr_array_add(fixture->raw_sockets, raw.monitor);
  g_ptr_array_add(fixture->raw_sockets, raw.socket);
  int zero = 0, patience = PATIENCE_MS;
  zmq_setsockopt(raw.socket, ZMQ_LINGER, &zero, sizeof zero);
  zmq_setsockopt(raw.monitor, ZMQ_RCVTIMEO, &patience, sizeof patience);
  if (mechanism == CURVE) {
    zmq_setsockopt(raw.socket, ZMQ_CURVE_SERVERKEY, server_key, CURVE_KEY_SIZE);
    zmq_setsockopt(raw.socket, ZMQ_CURVE_PUBLICKEY, identity_curve_public(identity), CURVE_KEY_SIZE);
    zmq_setsockopt(raw.socket, ZMQ_CURVE_SECRETKEY, identity_curve_secret(identity), CURVE_KEY_SIZE);
  } else if (mechanism == PLAIN) {
    zmq_setsockopt(raw.socket, ZMQ_PLAIN_USERNAME, "park-a", 6);
    zmq_setsockopt(raw.socket, ZMQ_PLAIN_PASSWORD, "secret", 6);
  }
  char name[64];
  snprintf(name, sizeof name, "inproc://monitor-%u", count++);
  assert_int_equal(zmq_socket_monitor(raw.socket, name, ZMQ_EVENT_ALL), 0);
  assert_int_equal(zmq_connect(raw.monitor, name), 0);
  return raw;
}

static void connect_raw(struct fixture *fixture, struct raw *raw)
{
  assert_int_equal(zmq_connect(raw->socket, endpoint(fixture)), 0);
}

static struct raw open_known(struct fixture *fixture)
{
  return open_raw(fixture, CURVE, fixture->known, identity_curve_public(fixture->own));
}

/* Waits for one of these events and says which. */
static int await_event(struct raw *raw, int wanted)
{
  for (;;) {
    uint8_t data[6];
    char address[256];
    if (zmq_recv(raw->monitor, data, sizeof data, 0) != sizeof data)
      fail_msg("the event %x never came", wanted);
    zmq_recv(raw->monitor, address, sizeof address, 0);
    uint16_t event;
    memcpy(&event, data, sizeof event);
    if (event & wanted) return event;
  }
}

#define ENDS                                                                                                 \
  (ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |          \
   ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL)

static void assert_turned_away(struct fixture *fixture, struct raw *raw, const char *why)
{
  connect_raw(fixture, raw);
  assert_int_equal(zmq_send(raw->socket, "intruder", 8, ZMQ_DONTWAIT), 8); /* waits for the handshake */
  int event = await_event(raw, ENDS | ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
  if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) fail_msg("%s was let in", why);
}

/* --- who is not let in --- */

static void an_unknown_key_is_turned_away(void **state)
{
  struct fixture *fixture = *state;
  struct raw raw = open_raw(fixture, CURVE, fixture->stranger, identity_curve_public(fixture->own));
  assert_turned_away(fixture, &raw, "a stranger");
  assert_string_equal(fixture->domain, "agents");
  assert_string_equal(fixture->address, "127.0.0.1");
  assert_server_serves(fixture);
}

static void a_client_without_a_key_is_turned_away(void **state)
{
  struct raw raw = open_raw(*state, NONE, NULL, NULL);
  assert_turned_away(*state, &raw, "NULL");
  assert_server_serves(*state);
}

static void a_client_with_a_password_is_turned_away(void **state)
{
  struct raw raw = open_raw(*state, PLAIN, NULL, NULL);
  assert_turned_away(*state, &raw, "PLAIN");
  assert_server_serves(*state);
}

static void a_client_of_another_server_is_turned_away(void **state)
{
  struct fixture *fixture = *state;
  struct raw raw = open_raw(fixture, CURVE, fixture->known, identity_curve_public(fixture->stranger));
  assert_turned_away(fixture, &raw, "a client of another server");
  assert_server_serves(fixture);
}

static void without_a_door_nobody_is_let_in(void **state)
{
  struct fixture *fixture = *state;
  channel_door_close(fixture->door);
  fixture->door = NULL;
  struct raw known = open_known(fixture);
  assert_turned_away(fixture, &known, "a known key without a door");
  struct raw stranger = open_raw(fixture, CURVE, fixture->stranger, identity_curve_public(fixture->own));
  assert_turned_away(fixture, &stranger, "a stranger without a door");
  struct channel_message message;
  assert_false(channel_server_receive(fixture->server, &message, NULL));
}

static void a_door_without_a_proper_user_id_lets_nobody_in(void **state)
{
  struct fixture *fixture = *state;
  fixture->user = "";
  struct raw nameless = open_known(fixture);
  assert_turned_away(fixture, &nameless, "a user without a name");
  fixture->long_user = true;
  struct raw endless = open_known(fixture);
  assert_turned_away(fixture, &endless, "a user with an endless name");
  fixture->user = "park-a";
  fixture->long_user = false;
  assert_server_serves(fixture);
}

/* The door's death must stop the program, so it is told. */
static void the_death_of_the_door_is_told(void **state)
{
  struct fixture *fixture = *state;
  assert_int_equal(zmq_ctx_shutdown(context_of_library), 0);
  channel_door_close(fixture->door); /* joins */
  fixture->door = NULL;
  assert_int_equal(g_atomic_int_get(&fixture->deaths), 1);
}

static void closing_the_door_is_no_death(void **state)
{
  struct fixture *fixture = *state;
  channel_door_close(fixture->door);
  fixture->door = NULL;
  assert_int_equal(g_atomic_int_get(&fixture->deaths), 0);
}

static void there_is_one_door(void **state)
{
  struct fixture *fixture = *state;
  g_autoptr(GError) error = NULL;
  assert_null(channel_door_open(fixture->context, admit, count_death, fixture, &error));
  assert_int_equal(error->code, ERROR_UNAVAILABLE);
  assert_server_serves(fixture);
}

static void assert_no_server(struct fixture *fixture, const char *address, enum parktally_error code)
{
  g_autoptr(GError) error = NULL;
  struct channel_server *server =
      channel_server_open(fixture->context, address, "agents", fixture->own, MOST, &error);
  bool opened = server != NULL;
  channel_server_close(server); /* else the context would wait for it */
  assert_false(opened);
  assert_int_equal(error->code, code);
}

static void assert_no_client(struct fixture *fixture, const char *address, enum parktally_error code)
{
  g_autoptr(GError) error = NULL;
  struct channel_client *client = channel_client_open(
      fixture->outside, address, identity_curve_public(fixture->own), fixture->known, NULL, &error);
  bool opened = client != NULL;
  channel_client_close(client);
  assert_false(opened);
  assert_int_equal(error->code, code);
}

static void a_security_option_that_does_not_take_opens_nothing(void **state)
{
  static const int options[] = {93 /* ZAP_ENFORCE_DOMAIN */, ZMQ_ZAP_DOMAIN, ZMQ_CURVE_SERVER,
                                ZMQ_CURVE_SECRETKEY, ZMQ_MAXMSGSIZE};
  struct fixture *fixture = *state;
  for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
    deaf_option = options[i];
    assert_no_server(fixture, "tcp://127.0.0.1:*", ERROR_INTERNAL);
  }
  deaf_option = ZMQ_CURVE_SERVERKEY;
  assert_no_client(fixture, endpoint(fixture), ERROR_INTERNAL);
}

/* --- what is not taken --- */

static int connect_tcp(struct fixture *fixture)
{
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  address.sin_port = htons((uint16_t)g_ascii_strtoull(strrchr(endpoint(fixture), ':') + 1, NULL, 10));
  int file = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(connect(file, (struct sockaddr *)&address, sizeof address), 0);
  return file;
}

/* Also: the greetings of older ZeroMQ, which know no keys, each with a message after it. */
static void garbage_over_tcp_brings_nothing_in(void **state)
{
#define GREETING_3 "\xff\0\0\0\0\0\0\0\1\x7f\3\0"
  static const struct {
    const char *bytes;
    size_t length;
  } cases[] = {
      {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27},
      {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 20},
      {"\1\0\x9\0intruder", 12},                             /* ZMTP 1.0 */
      {"\xff\0\0\0\0\0\0\0\1\x7f\1\5\0\0\0\x8intruder", 24}, /* ZMTP 2.0 */
      {GREETING_3 "NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                  "\0\0\0\0\0\0\0\0\x8intruder",
       74},
      {GREETING_3 "CURVE\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                  "\0\0\0\0\0\0\0\0\4\x8intruder",
       74},
  };
  struct fixture *fixture = *state;
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    int file = connect_tcp(fixture);
    assert_int_equal(send(file, cases[i].bytes, cases[i].length, MSG_NOSIGNAL), cases[i].length);
    shutdown(file, SHUT_WR);
    char waste[256];
    while (recv(file, waste, sizeof waste, 0) > 0) continue; /* until the server hangs up */
    close(file);
  }
  assert_server_serves(fixture);
}

static void a_message_beyond_the_limit_cuts_its_sender(void **state)
{
  struct fixture *fixture = *state;
  g_autofree char *much = g_strnfill(MOST + 1, 'x');
  struct raw raw = open_known(fixture);
  connect_raw(fixture, &raw);
  zmq_send(raw.socket, much, MOST + 1, 0);
  await_event(&raw, ZMQ_EVENT_DISCONNECTED);
  assert_server_serves(fixture);
}

static void a_message_of_just_the_limit_arrives(void **state)
{
  struct fixture *fixture = *state;
  g_autofree char *much = g_strnfill(MOST, 'x');
  struct channel_client *client = open_client(fixture, fixture->known);
  client_says(client, much);
  server_hears(fixture, much);
}

static void messages_of_several_parts_are_dropped_and_counted(void **state)
{
  struct fixture *fixture = *state;
  struct raw raw = open_known(fixture);
  connect_raw(fixture, &raw);
  for (int i = 0; i < 100; i++) {
    zmq_send(raw.socket, "one", 3, ZMQ_SNDMORE);
    zmq_send(raw.socket, "two", 3, i % 2 ? ZMQ_SNDMORE : 0);
    if (i % 2) zmq_send(raw.socket, "three", 5, 0);
  }
  zmq_send(raw.socket, "whole", 5, 0);
  assert_int_equal(server_hears(fixture, "whole"), 100);
}

static void a_borrowed_routing_id_does_not_cut_its_owner_off(void **state)
{
  struct fixture *fixture = *state;
  struct raw first = open_known(fixture), second = open_known(fixture);
  zmq_setsockopt(first.socket, ZMQ_ROUTING_ID, "same", 4);
  zmq_setsockopt(second.socket, ZMQ_ROUTING_ID, "same", 4);
  connect_raw(fixture, &first);
  zmq_send(first.socket, "first", 5, 0);
  struct channel_message message;
  unsigned dropped;
  receive(fixture, &message, &dropped);
  connect_raw(fixture, &second);
  zmq_send(second.socket, "second", 6, 0);
  await_event(&second, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
  assert_server_serves(fixture); /* the second's message would have come first */
  assert_true(channel_server_send(fixture->server, message.peer, message.data));
  char answer[16];
  int patience = PATIENCE_MS;
  zmq_setsockopt(first.socket, ZMQ_RCVTIMEO, &patience, sizeof patience);
  assert_int_equal(zmq_recv(first.socket, answer, sizeof answer, 0), 5);
  channel_message_clear(&message);
}

/* --- sending that cannot succeed --- */

static void nothing_is_sent_to_a_peer_that_never_was(void **state)
{
  struct fixture *fixture = *state;
  g_autoptr(GBytes) peer = bytes_of("nobody"), data = bytes_of("x");
  assert_false(channel_server_send(fixture->server, peer, data));
  assert_server_serves(fixture);
}

static void nothing_is_sent_to_a_peer_that_is_gone(void **state)
{
  struct fixture *fixture = *state;
  struct channel_client *client = open_client(fixture, fixture->known);
  client_says(client, "bye");
  struct channel_message message;
  unsigned dropped;
  receive(fixture, &message, &dropped);
  assert_true(channel_server_send(fixture->server, message.peer, message.data));
  g_ptr_array_remove(fixture->clients, client); /* closes it */
  int64_t start = g_get_monotonic_time();
  while (channel_server_send(fixture->server, message.peer, message.data)) { /* until its end is noticed */
    assert_patience(start);
    channel_wait(&fixture->server, 1, -1, 1, NULL);
  }
  channel_message_clear(&message);
}

static void a_client_that_is_not_connected_sends_nothing(void **state)
{
  struct fixture *fixture = *state;
  struct channel_client *client = channel_client_open(
      fixture->outside, "tcp://127.0.0.1:1", identity_curve_public(fixture->own), fixture->known, NULL, NULL);
  g_ptr_array_add(fixture->clients, client);
  g_autoptr(GBytes) data = bytes_of("x");
  assert_false(channel_client_send(client, data));
  assert_null(channel_client_receive(client));
}

static void queues_are_bounded_both_ways(void **state)
{
  struct fixture *fixture = *state;
  struct channel_client *client = open_client(fixture, fixture->known);
  client_says(client, "first");
  struct channel_message message;
  unsigned dropped;
  receive(fixture, &message, &dropped);
  g_autoptr(GBytes) data = g_bytes_new_take(g_strnfill(LIMIT_SEALED_BYTES, 'x'), LIMIT_SEALED_BYTES);
  unsigned sent = 0;
  while (sent < 1000 && channel_server_send(fixture->server, message.peer, data)) sent++;
  assert_true(sent >= LIMIT_CREDIT_AGENT);
  assert_true(sent < 1000); /* what the system's own buffers hold comes on top of the queues */
  g_autoptr(GBytes) upward = g_bytes_new_take(g_strnfill(MOST, 'x'), MOST);
  for (sent = 0; sent < 100000 && channel_client_send(client, upward); sent++) continue;
  assert_true(sent >= LIMIT_CREDIT_AGENT);
  assert_true(sent < 100000);
  channel_message_clear(&message);
}

/* --- connections that end --- */

static void await_loss(struct channel_client *client)
{
  int64_t start = g_get_monotonic_time();
  while (!channel_client_is_lost(client)) {
    assert_true(channel_client_wait(client, -1, 2 * PATIENCE_MS, NULL));
    assert_patience(start); /* the loss has ended the wait, not the time */
  }
}

static void a_connection_that_ends_is_told_and_ends_the_wait(void **state)
{
  struct fixture *fixture = *state;
  struct channel_client *client = open_client(fixture, fixture->known);
  client_says(client, "here");
  assert_int_equal(server_hears(fixture, "here"), 0);
  assert_false(channel_client_is_lost(client));
  channel_server_close(fixture->server);
  await_loss(client);
  fixture->server = open_server(fixture);
  assert_true(channel_client_is_lost(client)); /* whatever comes after */
  assert_server_serves(fixture);
}

static void a_refused_handshake_is_a_loss(void **state)
{
  struct fixture *fixture = *state;
  await_loss(open_client(fixture, fixture->stranger));
}

static void where_nobody_listens_nothing_is_lost(void **state)
{
  struct fixture *fixture = *state;
  struct channel_client *client = channel_client_open(
      fixture->outside, "tcp://127.0.0.1:1", identity_curve_public(fixture->own), fixture->known, NULL, NULL);
  g_ptr_array_add(fixture->clients, client);
  assert_true(channel_client_wait(client, -1, 1, NULL));
  assert_false(channel_client_is_lost(client));
}

/* --- opening --- */

static void addresses_that_cannot_be_used_are_said(void **state)
{
  struct fixture *fixture = *state;
  static const char *const wrong[] = {"127.0.0.1:7650", "http://127.0.0.1:7650", "tcp://127.0.0.1",
                                      "tcp://127.0.0.1:x", ""};
  for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
    assert_no_server(fixture, wrong[i], ERROR_CONFIG);
    assert_no_client(fixture, wrong[i], ERROR_CONFIG);
  }
  assert_no_server(fixture, endpoint(fixture), ERROR_UNAVAILABLE);
}

/* --- the good way --- */

static void a_known_key_gets_through_and_gets_its_answer(void **state)
{
  struct fixture *fixture = *state;
  struct channel_client *client = open_client(fixture, fixture->known);
  client_says(client, "figures");
  struct channel_message message;
  unsigned dropped;
  receive(fixture, &message, &dropped);
  assert_int_equal(dropped, 0);
  assert_string_equal(message.user, "park-a");
  assert_string_equal(message.address, "127.0.0.1");
  assert_bytes(message.data, "figures");
  g_autoptr(GBytes) answer = bytes_of("receipt"), empty = bytes_of("");
  assert_true(channel_server_send(fixture->server, message.peer, answer));
  assert_true(channel_server_send(fixture->server, message.peer, empty));
  int64_t start = g_get_monotonic_time();
  for (int i = 0; i < 2; i++) {
    g_autoptr(GBytes) heard = NULL;
    while (!(heard = channel_client_receive(client))) {
      assert_patience(start);
      assert_true(channel_client_wait(client, -1, PATIENCE_MS, NULL));
    }
    assert_bytes(heard, i == 0 ? "receipt" : "");
  }
  channel_message_clear(&message);
}

/* Its DEALER is dead then: the owner opens a new one. */
static void an_answer_beyond_the_limit_never_reaches_the_client_and_a_new_one_works(void **state)
{
  struct fixture *fixture = *state;
  struct channel_client *client = open_client(fixture, fixture->known);
  client_says(client, "question");
  struct channel_message message;
  unsigned dropped;
  receive(fixture, &message, &dropped);
  g_autoptr(GBytes) data = g_bytes_new_take(g_malloc0(LIMIT_FRAME_BYTES + 1), LIMIT_FRAME_BYTES + 1),
                    after = bytes_of("after");
  assert_true(channel_server_send(fixture->server, message.peer, data));
  int64_t start = g_get_monotonic_time();
  while (channel_server_send(fixture->server, message.peer, after)) { /* until the client has hung up */
    assert_patience(start);
    channel_wait(&fixture->server, 1, -1, 1, NULL);
  }
  await_loss(client);
  assert_null(channel_client_receive(client));
  channel_message_clear(&message);
  assert_server_serves(fixture);
}

static void waiting_ends_with_the_wake_descriptor_which_stays_the_caller_s(void **state)
{
  struct fixture *fixture = *state;
  int wake = eventfd(0, EFD_CLOEXEC);
  bool woken = true;
  assert_true(channel_wait(&fixture->server, 1, wake, 0, &woken));
  assert_false(woken);
  eventfd_write(wake, 1);
  for (int i = 0; i < 2; i++) { /* not drained */
    woken = false;
    assert_true(channel_wait(&fixture->server, 1, wake, -1, &woken));
    assert_true(woken);
  }
  struct channel_client *client = open_client(fixture, fixture->known);
  woken = false;
  assert_true(channel_client_wait(client, wake, -1, &woken));
  assert_true(woken);
  close(wake);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(an_unknown_key_is_turned_away),
      TEST(a_client_without_a_key_is_turned_away),
      TEST(a_client_with_a_password_is_turned_away),
      TEST(a_client_of_another_server_is_turned_away),
      TEST(without_a_door_nobody_is_let_in),
      TEST(a_door_without_a_proper_user_id_lets_nobody_in),
      TEST(the_death_of_the_door_is_told),
      TEST(closing_the_door_is_no_death),
      TEST(there_is_one_door),
      TEST(a_security_option_that_does_not_take_opens_nothing),
      TEST(garbage_over_tcp_brings_nothing_in),
      TEST(a_message_beyond_the_limit_cuts_its_sender),
      TEST(a_message_of_just_the_limit_arrives),
      TEST(messages_of_several_parts_are_dropped_and_counted),
      TEST(a_borrowed_routing_id_does_not_cut_its_owner_off),
      TEST(nothing_is_sent_to_a_peer_that_never_was),
      TEST(nothing_is_sent_to_a_peer_that_is_gone),
      TEST(a_client_that_is_not_connected_sends_nothing),
      TEST(queues_are_bounded_both_ways),
      TEST(a_connection_that_ends_is_told_and_ends_the_wait),
      TEST(a_refused_handshake_is_a_loss),
      TEST(where_nobody_listens_nothing_is_lost),
      TEST(addresses_that_cannot_be_used_are_said),
      TEST(a_known_key_gets_through_and_gets_its_answer),
      TEST(an_answer_beyond_the_limit_never_reaches_the_client_and_a_new_one_works),
      TEST(waiting_ends_with_the_wake_descriptor_which_stays_the_caller_s),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The ZeroMQ side of the wire: the only door to libzmq. A server is a ROUTER, a client a DEALER; both speak
 * CURVE only, one frame per message, sizes bounded, every default of libzmq that is wrong here set before
 * bind or connect (proto/README.md lists them).
 *
 * Sockets belong to the thread that made them. A context is shared. No call blocks unless it says so. */
#ifndef PARKTALLY_COMMON_CHANNEL_H
#define PARKTALLY_COMMON_CHANNEL_H

#include "common/cleanup.h"
#include "common/identity.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct channel_context;
struct channel_context *channel_context_new(void);
/* After all its sockets are closed, else it waits for them. */
void channel_context_free(struct channel_context *context);
CLEANUP_DEFINE(struct channel_context, channel_context_free)

/* Says why `endpoint` cannot be used; `code` is an errno or one of libzmq's. */
void channel_set_endpoint_error(const char *endpoint, int code, GError **error);

/* --- the door: who may connect (ZAP). A thread of its own, bound before any server socket. --- */

/* Called in the door's thread at each handshake: the user id for this key in `ret_user` (the agent's id, or a
 * word for anonymous joiners), or false to refuse. `domain` is the server's; `address` the peer's. */
#define CHANNEL_USER_SIZE 128
typedef bool channel_admit(const char *domain, const char *address, const uint8_t key[static CURVE_KEY_SIZE],
                           char ret_user[static CHANNEL_USER_SIZE], void *data);

struct channel_door;
/* Starts the thread and returns once it is bound. One door per context, opened before its servers. `died` is
 * called in it if it ever ends unasked: the program must stop then. */
struct channel_door *channel_door_open(struct channel_context *context, channel_admit *admit,
                                       void (*died)(void *), void *data, GError **error);
/* Stops it; from then on nobody is admitted. Who is connected stays so: a key is checked at the handshake
 * alone. */
void channel_door_close(struct channel_door *door);

/* --- servers --- */

struct channel_server;

/* Binds. `domain` is not empty. Fails closed: options that did not take (read back) are an error. `endpoint`
 * may end in ":*"; channel_server_endpoint() says what was bound. Where the identity has a CURVE pair of
 * before, who knows the server by that one is served too, at an endpoint of its own, so that it has to.
 * `most` is the largest message in bytes. */
struct channel_server *channel_server_open(struct channel_context *context, const char *endpoint,
                                           const char *domain, const struct identity *identity, size_t most,
                                           GError **error);
/* From now on `seen` is called for each part of each message, dropped ones too, that comes out of the socket:
 * with the address that libzmq saw and the bytes of the part. In the thread that receives. */
typedef void channel_seen(const char *address, size_t bytes, void *data);
void channel_server_watch(struct channel_server *server, channel_seen *seen, void *data);
/* What was sent may still leave, for LIMIT_FAREWELL_MS at most, for which channel_context_free() waits. */
void channel_server_close(struct channel_server *server);
const char *channel_server_endpoint(const struct channel_server *server);
const char *channel_server_former_endpoint(const struct channel_server *server); /* NULL: none */

struct channel_message {
  GBytes *peer; /* routing id: only for answering, never trusted */
  char user[CHANNEL_USER_SIZE];
  char address[64];
  GBytes *data;
};
void channel_message_clear(struct channel_message *message);

/* The next whole message; false if there is none now, or after many bad ones in a row (channel_wait() tells).
 * Messages of several parts and messages without user id are dropped; `ret_dropped` (may be NULL) is how many
 * this call dropped, also on false. */
bool channel_server_receive(struct channel_server *server, struct channel_message *ret_message,
                            unsigned *ret_dropped);

/* Never waits; the bytes are shared, not copied. False if the peer is gone or its queue is full: whoever
 * waits will ask again. */
bool channel_server_send(struct channel_server *server, GBytes *peer, GBytes *data);

/* Waits until one of at most 8 servers has a message, `wake_fd` (−1: none) is readable or the time is up; −1:
 * for ever. True for `wake_fd` in ret_wake (may be NULL), which is not drained. False on a signal or an error
 * of the poll itself. */
bool channel_wait(struct channel_server *const *servers, size_t count, int wake_fd, int64_t timeout_ms,
                  bool *ret_wake);

/* --- clients --- */

struct channel_client;

/* Connects in the background, trying until somebody listens. `proxy` is a SOCKS5 address or NULL. */
struct channel_client *channel_client_open(struct channel_context *context, const char *endpoint,
                                           const uint8_t server_key[static CURVE_KEY_SIZE],
                                           const struct identity *identity, const char *proxy,
                                           GError **error);
void channel_client_close(struct channel_client *client);

/* False if the queue is full or nothing is connected: try again later. */
bool channel_client_send(struct channel_client *client, GBytes *data);

/* NULL if there is none now. */
GBytes *channel_client_receive(struct channel_client *client);

/* True, from then on, once a connection ended: cut, refused in the handshake, or turned away. What was under
 * way may be lost, and after some of these a DEALER never connects again, so its owner closes it and opens
 * another, after a while that grows. A peer that is silent over a whole connection is not noticed here: an
 * owner that waits for something and heard nothing for LIMIT_ANSWER_MS does the same. */
bool channel_client_is_lost(struct channel_client *client);

/* As channel_wait(), for one client; it ends also when the connection is lost, and after a send that failed
 * when the next one may succeed. */
bool channel_client_wait(struct channel_client *client, int wake_fd, int64_t timeout_ms, bool *ret_wake);

#endif

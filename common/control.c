#include "common/control_wire.h"

#include "common/durable.h"
#include "common/error.h"
#include "common/limits.h"
#include "common/text.h"
#include "common/who.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 16
#define ACCEPT_PAUSE_MS 100 /* when the process is out of descriptors */

/* --- output --- */

struct control_output {
  int socket; /* −1: this process's own output */
  enum piece kind;
  GByteArray *pending; /* of one kind */
  bool lost;           /* the client is gone or stalled */
  int failure;         /* errno of the first write that failed */
};

static struct control_output standard = {.socket = -1, .kind = PIECE_OUT};

static void end_standard(void)
{
  (void)control_output_flush(&standard);
}

struct control_output *control_output_standard(void)
{
  if (!standard.pending) {
    standard.pending = g_byte_array_new();
    atexit(end_standard);
  }
  return &standard;
}

static void send_piece(struct control_output *output, enum piece kind, const void *data, size_t length)
{
  struct head head = {.what = kind, .length = (uint32_t)length};
  int64_t start = g_get_monotonic_time();
  if (!output->lost)
    output->lost = !control_send_all(output->socket, &head, sizeof head, start) ||
                   !control_send_all(output->socket, data, length, start);
}

/* By write() itself, so that whoever makes a file of it learns of each byte that the disk did not take. */
static void print_piece(struct control_output *output, enum piece kind, const void *data, size_t length)
{
  FILE *stream = kind == PIECE_OUT ? stdout : stderr;
  if (output->failure) return;
  if (fflush(stream) != 0 || !durable_write(fileno(stream), data, length)) output->failure = errno;
}

static void flush_output(struct control_output *output)
{
  if (output->pending->len > 0 && output->socket < 0)
    print_piece(output, output->kind, output->pending->data, output->pending->len);
  else if (output->pending->len > 0)
    send_piece(output, output->kind, output->pending->data, output->pending->len);
  g_byte_array_set_size(output->pending, 0);
}

bool control_output_flush(struct control_output *output)
{
  flush_output(output);
  errno = output->failure;
  output->failure = 0;
  return errno == 0;
}

static void write_output(struct control_output *output, enum piece kind, const char *data, size_t length)
{
  if (output->kind != kind) flush_output(output);
  output->kind = kind;
  while (length > 0) {
    size_t part = MIN(length, LIMIT_CONTROL_PIECE - output->pending->len);
    g_byte_array_append(output->pending, (const uint8_t *)data, (guint)part);
    data += part;
    length -= part;
    if (output->pending->len == LIMIT_CONTROL_PIECE) flush_output(output);
  }
  if (output->socket < 0 && kind == PIECE_ERR) flush_output(output); /* a person waits for it */
}

G_GNUC_PRINTF(3, 0)
static void print_output(struct control_output *output, enum piece kind, const char *format,
                         va_list arguments)
{
  g_autofree char *text = g_strdup_vprintf(format, arguments);
  write_output(output, kind, text, strlen(text));
}

void control_out(struct control_output *output, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  print_output(output, PIECE_OUT, format, arguments);
  va_end(arguments);
}

void control_err(struct control_output *output, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  print_output(output, PIECE_ERR, format, arguments);
  va_end(arguments);
}

void control_write(struct control_output *output, const char *data, size_t length)
{
  write_output(output, PIECE_OUT, data, length);
}

/* --- server --- */

struct control_server {
  int listener;
  int stop; /* eventfd */
  char *path;
  const char *const *guests; /* never NULL */
  struct stat made;          /* so that close removes no other server's socket */
  control_handler *handler;
  void *data;
  GThread *thread;
};

static int set_io_error(const char *path, GError **error)
{
  int saved = errno;
  g_set_error(error, PARKTALLY_ERROR, saved == EACCES || saved == EPERM ? ERROR_PERMISSION : ERROR_IO,
              _("the control socket %s cannot be made (%s); check its folder"), path, g_strerror(saved));
  return -1;
}

/* True if `path` may be replaced: it is not there, or a socket at which nobody listens. */
static bool is_replaceable(const char *path, const struct sockaddr_un *address, GError **error)
{
  struct stat facts;
  if (lstat(path, &facts) != 0 && errno == ENOENT) return true;
  if (!S_ISSOCK(facts.st_mode)) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_CONFIG,
                _("%s stands where the control socket should be and is no socket; move it away"), path);
    return false;
  }
  int other = control_connect(address);
  if (other < 0 && errno == ECONNREFUSED) return true;
  if (other >= 0) close(other);
  g_set_error(error, PARKTALLY_ERROR, ERROR_UNAVAILABLE,
              _("another server is running and listens on %s; stop it first"), path);
  return false;
}

/* Bound beside its place and moved there, so that it is never seen with a wider mode or not yet listening. */
static int listen_at(const char *path, mode_t mode, struct stat *ret_made, GError **error)
{
  struct sockaddr_un address, final;
  g_autofree char *beside = g_strconcat(path, ".new", NULL);
  if (!control_make_address(beside, &address, error) || !control_make_address(path, &final, error)) return -1;
  if (!is_replaceable(path, &final, error)) return -1;
  int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (file < 0) return set_io_error(path, error);
  unlink(beside);
  if (bind(file, (struct sockaddr *)&address, sizeof address) == 0 && chmod(beside, mode) == 0 &&
      listen(file, BACKLOG) == 0 && lstat(beside, ret_made) == 0 && rename(beside, path) == 0)
    return file;
  set_io_error(path, error);
  close(file);
  unlink(beside);
  return -1;
}

/* Takes the descriptors of a message: the first goes into `file`. False, and they are closed, if there are
 * more. */
static bool take_descriptors(struct msghdr *message, int *file)
{
  bool good = !(message->msg_flags & MSG_CTRUNC);
  for (struct cmsghdr *item = CMSG_FIRSTHDR(message); item; item = CMSG_NXTHDR(message, item)) {
    if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS) continue;
    for (size_t at = 0; CMSG_LEN(at + sizeof(int)) <= item->cmsg_len; at += sizeof(int)) {
      int passed;
      memcpy(&passed, CMSG_DATA(item) + at, sizeof passed);
      if (*file >= 0) {
        close(passed);
        good = false;
      } else {
        *file = passed;
      }
    }
  }
  return good;
}

/* Receives exactly `length` bytes, and at most one descriptor. False too when the server is asked to stop or
 * the client takes too long. */
static bool receive_all(struct control_server *server, int socket, void *data, size_t length, int *file)
{
  char *rest = data;
  int64_t start = g_get_monotonic_time();
  while (length > 0) {
    struct pollfd items[] = {{.fd = socket, .events = POLLIN}, {.fd = server->stop, .events = POLLIN}};
    int ready = poll(items, 2, control_remaining_ms(start));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0 || items[1].revents) return false;
    union {
      char bytes[CMSG_SPACE(sizeof(int))];
      struct cmsghdr aligned;
    } control;
    struct iovec part = {.iov_base = rest, .iov_len = length};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0 || !take_descriptors(&message, file)) return false;
    rest += got;
    length -= (size_t)got;
  }
  return true;
}

/* Language and words out of `length` bytes; false unless they end with a zero byte and there is a word. */
static bool read_words(const char *data, size_t length, struct control_request *request)
{
  if (length == 0 || data[length - 1] != '\0') return false;
  g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
  const char *word = data + strlen(data) + 1;
  for (; word < data + length; word += strlen(word) + 1) g_ptr_array_add(words, g_strdup(word));
  if (words->len == 0) return false;
  g_ptr_array_add(words, NULL);
  request->words = (GStrv)g_ptr_array_free(g_steal_pointer(&words), FALSE);
  request->language = g_strdup(control_is_language(data) ? data : "");
  return true;
}

static bool receive_request(struct control_server *server, int socket, struct control_request *request)
{
  struct head head;
  if (!receive_all(server, socket, &head, sizeof head, &request->file)) return false;
  if (head.what != MAGIC || head.length > LIMIT_CONTROL_REQUEST) return false;
  g_autofree char *data = g_malloc(head.length + 1u);
  return receive_all(server, socket, data, head.length, &request->file) &&
         read_words(data, head.length, request);
}

static int turn_away(const struct control_server *server, struct control_request *request)
{
  g_autofree char *own = who_name(geteuid());
  g_autofree char *guests = g_strjoinv(", ", (GStrv)server->guests);
  control_err(request->output, _("only root and the user %s may give commands to this server\n"), own);
  if (*guests) control_err(request->output, _("besides them these users may export from it: %s\n"), guests);
  return ERROR_PERMISSION;
}

/* Whom the operating system says it is. False if that one may not be here. */
static bool know_peer(const struct control_server *server, int socket, struct control_request *request)
{
  struct ucred peer;
  socklen_t size = sizeof peer;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  request->user = who_is(peer.uid, peer.pid);
  if (peer.uid == 0 || peer.uid == geteuid()) return true;
  request->guest = g_strv_contains(server->guests, request->user);
  return request->guest;
}

static int answer(struct control_server *server, int socket, struct control_request *request)
{
  if (!know_peer(server, socket, request)) return turn_away(server, request);
  if (!receive_request(server, socket, request)) {
    control_err(request->output,
                _("the server did not understand the command: it was cut short, is longer than %zu bytes or "
                  "comes from another "
                  "version of the program\n"),
                LIMIT_CONTROL_REQUEST);
    return ERROR_USAGE;
  }
  return server->handler(request, server->data);
}

static void serve(struct control_server *server, int socket)
{
  struct control_output output = {.socket = socket, .kind = PIECE_OUT, .pending = g_byte_array_new()};
  struct control_request request = {.file = -1, .output = &output};
  int32_t code = answer(server, socket, &request);
  flush_output(&output);
  send_piece(&output, PIECE_EXIT, &code, sizeof code);
  g_byte_array_unref(output.pending);
  g_strfreev(request.words);
  g_free(request.user);
  g_free(request.language);
  if (request.file >= 0) close(request.file);
  /* Closing with unread bytes would reset the connection and take the answer away from a client that is still
   * sending. */
  shutdown(socket, SHUT_WR);
  char waste[4096];
  for (size_t most = 2 * LIMIT_CONTROL_REQUEST; most > 0; most -= sizeof waste)
    if (recv(socket, waste, sizeof waste, MSG_DONTWAIT) <= 0) break;
  close(socket);
}

static void *run_server(void *data)
{
  struct control_server *server = data;
  for (;;) {
    struct pollfd items[] = {{.fd = server->stop, .events = POLLIN},
                             {.fd = server->listener, .events = POLLIN}};
    if (poll(items, 2, -1) < 0) continue;
    if (items[0].revents) return NULL;
    int socket = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
    if (socket >= 0)
      serve(server, socket);
    else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
      poll(items, 1, ACCEPT_PAUSE_MS);
  }
}

struct control_server *control_server_open(const char *path, const char *const *guests,
                                           control_handler *handler, void *data, GError **error)
{
  static const char *const nobody[] = {NULL};
  struct stat made;
  int listener = listen_at(path, guests && *guests ? 0666 : 0600, &made, error);
  if (listener < 0) return NULL;
  struct control_server *server = g_new0(struct control_server, 1);
  *server = (struct control_server){.listener = listener,
                                    .path = g_strdup(path),
                                    .guests = guests ? guests : nobody,
                                    .made = made,
                                    .handler = handler,
                                    .data = data,
                                    .stop = eventfd(0, EFD_CLOEXEC)};
  if (server->stop < 0)
    set_io_error(path, error);
  else
    server->thread = g_thread_try_new("control", run_server, server, error);
  if (server->thread) return server;
  control_server_close(server);
  return NULL;
}

void control_server_close(struct control_server *server)
{
  if (!server) return;
  if (server->thread) {
    eventfd_write(server->stop, 1);
    g_thread_join(server->thread);
  }
  struct stat facts;
  if (lstat(server->path, &facts) == 0 && facts.st_ino == server->made.st_ino &&
      facts.st_dev == server->made.st_dev)
    unlink(server->path);
  close(server->listener);
  if (server->stop >= 0) close(server->stop);
  g_free(server->path);
  g_free(server);
}

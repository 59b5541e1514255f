#include "common/control_wire.h"

#include "common/error.h"
#include "common/limits.h"
#include "common/text.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What is received waits in memory while our own output is slow: a pager must not stall the server. */
struct call {
  int socket;
  GByteArray *received; /* of which `printed` bytes are dealt with */
  size_t printed;
  struct head piece; /* the one under way: what is left of it */
  bool ended;        /* nothing more comes */
  bool unprinted;    /* our standard output failed */
};

static GByteArray *pack_request(const char *const *words, GError **error)
{
  const char *language = text_language();
  g_autoptr(GByteArray) request = g_byte_array_new();
  g_byte_array_append(request, (const uint8_t *)language, (guint)strlen(language) + 1);
  for (; *words; words++) {
    if (strlen(*words) >= LIMIT_CONTROL_REQUEST - request->len) {
      g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE,
                  _("the command has more than %zu bytes; put what is long into a file"),
                  LIMIT_CONTROL_REQUEST);
      return NULL;
    }
    g_byte_array_append(request, (const uint8_t *)*words, (guint)strlen(*words) + 1);
  }
  return g_steal_pointer(&request);
}

/* A failure is not told: whoever refuses to read says why in the answer, and a dead server answers nothing.
 */
static void send_request(int socket, const GByteArray *request, int file)
{
  struct head head = {.what = MAGIC, .length = request->len};
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr aligned;
  } control = {0};
  struct iovec part = {.iov_base = &head, .iov_len = sizeof head};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (file >= 0) {
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
    struct cmsghdr *item = CMSG_FIRSTHDR(&message);
    item->cmsg_level = SOL_SOCKET;
    item->cmsg_type = SCM_RIGHTS;
    item->cmsg_len = CMSG_LEN(sizeof file);
    memcpy(CMSG_DATA(item), &file, sizeof file);
  }
  if (sendmsg(socket, &message, MSG_NOSIGNAL) != (ssize_t)sizeof head) return;
  control_send_all(socket, request->data, request->len, g_get_monotonic_time());
}

static size_t waiting(const struct call *call)
{
  return call->received->len - call->printed;
}

static void receive_more(struct call *call)
{
  if (call->printed > call->received->len / 2) { /* moved seldom, so that each byte moves once or twice */
    g_byte_array_remove_range(call->received, 0, (guint)call->printed);
    call->printed = 0;
  }
  uint8_t data[LIMIT_CONTROL_PIECE];
  ssize_t got = recv(call->socket, data, sizeof data, 0);
  if (got > 0)
    g_byte_array_append(call->received, data, (guint)got);
  else if (got == 0 || errno != EINTR)
    call->ended = true;
}

/* No more than a pipe takes without blocking once it is ready. */
static void print_some(struct call *call, int file)
{
  size_t part = MIN(MIN(waiting(call), call->piece.length), PIPE_BUF);
  ssize_t written = write(file, call->received->data + call->printed, part);
  if (written < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (written < 0) call->unprinted = true;
  part = written < 0 ? part : (size_t)written;
  call->printed += part;
  call->piece.length -= (uint32_t)part;
}

/* Takes the next piece's head. False if it is no piece. */
static bool next_piece(struct call *call)
{
  memcpy(&call->piece, call->received->data + call->printed, sizeof call->piece);
  call->printed += sizeof call->piece;
  enum piece kind = call->piece.what;
  if (kind == PIECE_EXIT) return call->piece.length == sizeof(int32_t);
  return (kind == PIECE_OUT || kind == PIECE_ERR) && call->piece.length <= LIMIT_CONTROL_PIECE;
}

/* Until the exit piece. False if it does not come. */
static bool copy_answer(struct call *call, int32_t *ret_code)
{
  for (;;) {
    bool exiting = call->piece.what == PIECE_EXIT;
    if (exiting && waiting(call) >= sizeof *ret_code) {
      memcpy(ret_code, call->received->data + call->printed, sizeof *ret_code);
      return true;
    }
    if (!exiting && call->piece.length == 0 && waiting(call) >= sizeof call->piece) {
      if (!next_piece(call)) return false;
      continue;
    }
    int output = call->piece.what == PIECE_ERR ? STDERR_FILENO : STDOUT_FILENO;
    bool printable = !exiting && call->piece.length > 0 && waiting(call) > 0;
    bool readable = !call->ended && waiting(call) < LIMIT_CONTROL_UNPRINTED;
    if (!printable && !readable) return false;
    struct pollfd items[] = {{.fd = readable ? call->socket : -1, .events = POLLIN},
                             {.fd = printable ? output : -1, .events = POLLOUT}};
    if (poll(items, 2, -1) < 0) continue;
    if (items[0].revents) receive_more(call);
    if (items[1].revents) print_some(call, output);
  }
}

static int connect_to_server(const char *path, GError **error)
{
  struct sockaddr_un address;
  if (!control_make_address(path, &address, error)) return -1;
  int file = control_connect(&address);
  if (file >= 0) return file;
  if (errno == EACCES || errno == EPERM)
    g_set_error(
        error, PARKTALLY_ERROR, ERROR_PERMISSION,
        _("%s: no permission to give commands to the server; run this as the server's own user or as root"),
        path);
  else
    g_set_error(error, PARKTALLY_ERROR, ERROR_UNAVAILABLE, _("no server listens on %s (%s); start it first"),
                path, g_strerror(errno));
  return -1;
}

bool control_call(const char *path, const char *const *words, int file, int *ret_exit, GError **error)
{
  g_autoptr(GByteArray) request = pack_request(words, error);
  if (!request) return false;
  struct call call = {.socket = connect_to_server(path, error), .received = g_byte_array_new()};
  int32_t code = 0;
  bool answered = false;
  if (call.socket >= 0) {
    fflush(stdout);
    send_request(call.socket, request, file);
    answered = copy_answer(&call, &code);
    close(call.socket);
    if (!answered)
      g_set_error(
          error, PARKTALLY_ERROR, ERROR_IO,
          _("%s: the server's answer broke off; look whether the command took effect before you repeat it"),
          path);
    else if (call.unprinted)
      g_set_error(error, PARKTALLY_ERROR, ERROR_IO,
                  _("the server's answer could not be written to standard output; the command itself ended "
                    "with code %d"),
                  code);
  }
  g_byte_array_unref(call.received);
  if (!answered || call.unprinted) return false;
  *ret_exit = code;
  return true;
}

#include "common/control_wire.h"

#include "common/error.h"
#include "common/limits.h"
#include "common/text.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LANGUAGE_MOST 32 /* bytes of a locale's name */

int control_remaining_ms(int64_t start_us)
{
  int64_t passed = (g_get_monotonic_time() - start_us) / 1000;
  return passed < LIMIT_CONTROL_STALL_MS ? (int)(LIMIT_CONTROL_STALL_MS - passed) : 0;
}

bool control_send_all(int socket, const void *data, size_t length, int64_t start)
{
  const char *rest = data;
  while (length > 0) {
    ssize_t sent = send(socket, rest, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      rest += sent;
      length -= (size_t)sent;
      continue;
    }
    if (errno != EAGAIN && errno != EINTR) return false;
    struct pollfd item = {.fd = socket, .events = POLLOUT};
    if (poll(&item, 1, control_remaining_ms(start)) == 0) return false;
  }
  return true;
}

bool control_make_address(const char *path, struct sockaddr_un *ret_address, GError **error)
{
  *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
  if (g_strlcpy(ret_address->sun_path, path, sizeof ret_address->sun_path) < sizeof ret_address->sun_path)
    return true;
  g_set_error(
      error, PARKTALLY_ERROR, ERROR_CONFIG,
      _("%s: this path has %zu bytes, and a socket's may have %zu; choose a data folder with a shorter path"),
      path, strlen(path), sizeof ret_address->sun_path - 1);
  return false;
}

int control_connect(const struct sockaddr_un *address)
{
  int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (file < 0) return -1;
  if (connect(file, (const struct sockaddr *)address, sizeof *address) == 0) return file;
  int saved = errno;
  close(file);
  errno = saved;
  return -1;
}

bool control_is_language(const char *name)
{
  return strlen(name) <= LANGUAGE_MOST &&
         strspn(name, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "_@.-") == strlen(name);
}

#include "aggregator/front_listen.h"

#include "common/channel.h"
#include "common/limits.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 4096 /* the kernel's own bound is less, mostly */

/* --- addresses --- */

static const struct in6_addr *in6_of(const struct sockaddr_storage *address)
{
  return &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
}

void front_listen_bytes(const struct sockaddr_storage *address, uint8_t ret_bytes[static 16])
{
  memset(ret_bytes, 0, 16);
  if (address->ss_family == AF_INET6) {
    memcpy(ret_bytes, in6_of(address), 16);
  } else {
    ret_bytes[10] = ret_bytes[11] = 0xff;
    memcpy(ret_bytes + 12, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
  }
}

void front_listen_name(const struct sockaddr_storage *address, char *ret_name, size_t size)
{
  uint8_t bytes[16];
  bool is_ipv4 = address->ss_family == AF_INET || IN6_IS_ADDR_V4MAPPED(in6_of(address));

  front_listen_bytes(address, bytes);
  if (!inet_ntop(is_ipv4 ? AF_INET : AF_INET6, is_ipv4 ? bytes + 12 : bytes, ret_name, (socklen_t)size))
    g_strlcpy(ret_name, "?", size);
}

/* --- from an endpoint to an address --- */

/* The first address of an interface, IPv4 before IPv6. */
static bool find_interface(const char *name, struct sockaddr_storage *ret_address)
{
  struct ifaddrs *all;
  bool found = false;

  if (getifaddrs(&all) != 0) return false;
  for (int ipv6 = 0; ipv6 < 2 && !found; ipv6++) {
    for (const struct ifaddrs *one = all; one && !found; one = one->ifa_next) {
      found = one->ifa_addr && strcmp(one->ifa_name, name) == 0 &&
              one->ifa_addr->sa_family == (ipv6 ? AF_INET6 : AF_INET);
      if (found)
        memcpy(ret_address, one->ifa_addr, ipv6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
    }
  }
  freeifaddrs(all);
  return found;
}

static bool find_name(const char *name, struct sockaddr_storage *ret_address)
{
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list;

  if (getaddrinfo(name, NULL, &hints, &list) != 0) return false;
  memcpy(ret_address, list->ai_addr, list->ai_addrlen);
  freeaddrinfo(list);
  return true;
}

static bool read_endpoint(const char *endpoint, struct sockaddr_storage *ret_address)
{
  const char *host = g_str_has_prefix(endpoint, "tcp://") ? endpoint + strlen("tcp://") : "";
  const char *colon = strrchr(host, ':');
  struct sockaddr_storage address = {0};
  guint64 port = 0;

  if (!colon || colon == host) return false;
  if (strcmp(colon + 1, "*") != 0 && !g_ascii_string_to_unsigned(colon + 1, 10, 0, UINT16_MAX, &port, NULL))
    return false;
  g_autofree char *name = g_strndup(host, (size_t)(colon - host));
  if (name[0] == '[' && colon[-1] == ']') {
    memmove(name, name + 1, strlen(name));
    name[strlen(name) - 1] = '\0';
  }
  if (strcmp(name, "*") == 0)
    address.ss_family = AF_INET6; /* with all zeros for the rest: any */
  else if (!find_interface(name, &address) && !find_name(name, &address))
    return false;
  if (address.ss_family == AF_INET6)
    ((struct sockaddr_in6 *)(void *)&address)->sin6_port = htons((uint16_t)port);
  else
    ((struct sockaddr_in *)(void *)&address)->sin_port = htons((uint16_t)port);
  *ret_address = address;
  return true;
}

/* --- sockets --- */

static bool set_int(int file, int level, int name, int value)
{
  return setsockopt(file, level, name, &value, sizeof value) == 0;
}

/* What connections inherit. */
static bool prepare(int file, int family)
{
  return (family != AF_INET6 || set_int(file, IPPROTO_IPV6, IPV6_V6ONLY, 0)) &&
         set_int(file, SOL_SOCKET, SO_REUSEADDR, 1) && set_int(file, SOL_SOCKET, SO_KEEPALIVE, 1) &&
         set_int(file, IPPROTO_TCP, TCP_KEEPIDLE, 60) && set_int(file, IPPROTO_TCP, TCP_NODELAY, 1) &&
         set_int(file, SOL_SOCKET, SO_SNDBUF, (int)LIMIT_FRONT_BUFFER);
}

static int open_socket(const struct sockaddr_storage *address)
{
  int file = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  socklen_t size = address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
  int saved;

  if (file < 0) return -1;
  if (prepare(file, address->ss_family) &&
      bind(file, (const struct sockaddr *)(const void *)address, size) == 0 && listen(file, BACKLOG) == 0)
    return file;
  saved = errno;
  close(file);
  errno = saved;
  return -1;
}

static char *with_port(const char *endpoint, int file)
{
  struct sockaddr_storage bound = {0};
  socklen_t size = sizeof bound;
  uint16_t port;

  if (getsockname(file, (struct sockaddr *)(void *)&bound, &size) != 0) return NULL;
  port = bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)(void *)&bound)->sin6_port
                                     : ((struct sockaddr_in *)(void *)&bound)->sin_port;
  return g_strdup_printf("%.*s:%u", (int)(strrchr(endpoint, ':') - endpoint), endpoint, ntohs(port));
}

int front_listen(const char *endpoint, char **ret_bound, GError **error)
{
  struct sockaddr_storage address;
  int file;

  if (!read_endpoint(endpoint, &address)) {
    channel_set_endpoint_error(endpoint, EINVAL, error);
    return -1;
  }
  file = open_socket(&address);
  if (file < 0 && errno == EAFNOSUPPORT && g_str_has_prefix(endpoint, "tcp://*:")) { /* no IPv6 here */
    in_port_t port = ((struct sockaddr_in6 *)(void *)&address)->sin6_port;

    address = (struct sockaddr_storage){.ss_family = AF_INET};
    ((struct sockaddr_in *)(void *)&address)->sin_port = port;
    file = open_socket(&address);
  }
  if (file < 0) {
    channel_set_endpoint_error(endpoint, errno, error);
    return -1;
  }
  *ret_bound = with_port(endpoint, file);
  return file;
}

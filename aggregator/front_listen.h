/* The public side of the front: sockets that listen, and addresses as people write them. */
#ifndef PARKTALLY_AGGREGATOR_FRONT_LISTEN_H
#define PARKTALLY_AGGREGATOR_FRONT_LISTEN_H

#include <glib.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* A non-blocking socket that listens at tcp://ADDR:PORT, where ADDR is an address, a name, an interface or
 * "*" (all of them) and PORT may be "*". −1 on failure. `ret_bound` is the endpoint with the port that was
 * bound; free with g_free. Blocking where ADDR is a name. */
int front_listen(const char *endpoint, char **ret_bound, GError **error);

/* 16 bytes of IPv6, also for an address of IPv4. */
void front_listen_bytes(const struct sockaddr_storage *address, uint8_t ret_bytes[static 16]);
/* As people write it: IPv4 without the wrapping of a socket that serves both. */
void front_listen_name(const struct sockaddr_storage *address, char *ret_name, size_t size);

#endif

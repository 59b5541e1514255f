/* What the two ends of the control socket share. Only control*.c include it. */
#ifndef PARKTALLY_COMMON_CONTROL_WIRE_H
#define PARKTALLY_COMMON_CONTROL_WIRE_H

#include "common/control.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

/* A request is a head, with the passed descriptor, and `length` bytes: the language and the words, each ended
 * by a zero byte. An answer is pieces, each a head and its bytes; the last is PIECE_EXIT. Both ends are one
 * machine and usually one version: who changes this changes MAGIC, and an older end says that it does not
 * understand. */
#define MAGIC 0x31435450u /* "PTC1" */

struct head {
  uint32_t what; /* MAGIC, or enum piece */
  uint32_t length;
};

enum piece { PIECE_OUT = 'o', PIECE_ERR = 'e', PIECE_EXIT = 'x' };

/* Milliseconds of LIMIT_CONTROL_STALL_MS that are left since `start` (g_get_monotonic_time()). */
int control_remaining_ms(int64_t start);

/* Sends the whole of it before the stall time since `start` is over, or false. */
bool control_send_all(int socket, const void *data, size_t length, int64_t start);

/* ERROR_CONFIG if the path is too long for a socket's. */
bool control_make_address(const char *path, struct sockaddr_un *ret_address, GError **error);

/* A connected socket, or −1 and errno. */
int control_connect(const struct sockaddr_un *address);

/* True for what the name of a locale may consist of: it comes from the other side and is used as one. */
bool control_is_language(const char *name);

#endif

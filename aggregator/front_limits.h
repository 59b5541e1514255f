/* How much one address or one agent has had of the front: counts, and buckets that fill with time. Pure:
 * times are handed in, and nothing is decided here but by numbers. For the front's thread alone. */
#ifndef PARKTALLY_AGGREGATOR_FRONT_LIMITS_H
#define PARKTALLY_AGGREGATOR_FRONT_LIMITS_H

#include "common/cleanup.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* --- a bucket: `rate` a second flow in, until it holds `most` --- */

struct bucket {
  int64_t held; /* thousandths; below zero where more was taken than there was */
  int64_t at_ms;
};
void bucket_fill(struct bucket *bucket, int64_t most, int64_t now_ms);
/* Takes one if it is there. */
bool bucket_take(struct bucket *bucket, int64_t rate, int64_t most, int64_t now_ms);
/* Takes so much, whether it is there or not; returns the milliseconds until there is something again, 0 if
 * there is now. */
int64_t bucket_spend(struct bucket *bucket, int64_t rate, int64_t most, int64_t amount, int64_t now_ms);
bool bucket_is_full(struct bucket *bucket, int64_t rate, int64_t most, int64_t now_ms);

/* --- addresses: one of IPv4, a network of 64 bits of IPv6, since its owner has all of it --- */

struct front_address {
  uint8_t key[16];
  unsigned connections;
  GQueue handshakes; /* of connections, oldest first; their own links */
  struct bucket connects;
  int64_t known_until_ms; /* an agent came from there; until then it goes before strangers */
};

struct front_addresses;
/* `most` records are kept; `connects` a second are given to each. */
struct front_addresses *front_addresses_new(size_t most, int64_t connects, int64_t connects_most);
void front_addresses_free(struct front_addresses *addresses);
CLEANUP_DEFINE(struct front_addresses, front_addresses_free)

/* The network that 16 bytes of IPv6 belong to; one of IPv4 in IPv6 is itself. */
void front_address_key(const uint8_t address[static 16], uint8_t ret_key[static 16]);

/* The record for a key. It stays where it is while it has connections. Where there are too many, those
 * without connections are forgotten, first those that are not known. */
struct front_address *front_addresses_get(struct front_addresses *addresses, const uint8_t key[static 16],
                                          int64_t now_ms);
/* Whether one more connection may come now; counted if so. */
bool front_addresses_connect(struct front_addresses *addresses, struct front_address *address,
                             int64_t now_ms);
/* Forgets whoever has no connections, a full bucket, and is not known, and tells the most connections and
 * handshakes that one of them has. */
void front_addresses_sweep(struct front_addresses *addresses, int64_t now_ms, unsigned *ret_connections,
                           unsigned *ret_handshakes);
size_t front_addresses_count(const struct front_addresses *addresses);

#endif

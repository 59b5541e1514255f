/* Who stands behind each of the front's own connections to the ROUTER, for the threads that meet them there:
 * the door (who may be admitted), the gate (whose message this is).
 *
 * Each such connection comes from an address of its own in 127.0.0.0/8, which is all that libzmq tells of it;
 * that is its *source*. A source of which nothing is known came past the front. Thread-safe; nothing blocks
 * but for a lock that is held shortly. */
#ifndef PARKTALLY_AGGREGATOR_FRONT_PEERS_H
#define PARKTALLY_AGGREGATOR_FRONT_PEERS_H

#include "common/channel.h"
#include "common/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRONT_ADDRESS_SIZE 64

struct front_peers;
struct front_peers *front_peers_new(void);
void front_peers_free(struct front_peers *peers);
CLEANUP_DEFINE(struct front_peers, front_peers_free)

/* --- for the front's thread --- */

/* A new peer: its number, by which source it is known (in host order), never 0. `address`: where it really
 * is. */
uint32_t front_peers_add(struct front_peers *peers, bool enrols, const char *address);
void front_peers_remove(struct front_peers *peers, uint32_t id);

/* Frames that came out of libzmq: of more than ZMTP_SMALL_MOST bytes, and the others; their bytes as they
 * were on the wire. */
struct front_seen {
  uint64_t large, large_bytes, small, small_bytes;
};
struct front_seen front_peers_seen(struct front_peers *peers, uint32_t id);
/* The next front_peers_note() of it answers true. */
void front_peers_watch(struct front_peers *peers, uint32_t id);
/* Its user, "" before it was admitted. */
void front_peers_user(struct front_peers *peers, uint32_t id, char ret_user[static CHANNEL_USER_SIZE]);
/* So many bytes of answers were taken from the ROUTER since the last call. */
void front_peers_passed(struct front_peers *peers, uint32_t id, size_t bytes);

/* --- for the door and the gate; `source` as libzmq says it --- */

/* 0: none. */
uint32_t front_peers_find(struct front_peers *peers, const char *source, bool enrols);
/* Once for each: false if it was admitted already. */
bool front_peers_admit(struct front_peers *peers, uint32_t id, const char *user);
void front_peers_address(struct front_peers *peers, uint32_t id, char ret_address[static FRONT_ADDRESS_SIZE]);
/* A part of a message, of so many bytes, came out. True if the front is to be woken. */
bool front_peers_note(struct front_peers *peers, uint32_t id, size_t bytes);
/* An answer is to go there: counted, and true, unless `most` bytes were not taken yet. */
bool front_peers_send(struct front_peers *peers, uint32_t id, size_t bytes, size_t most);

#endif

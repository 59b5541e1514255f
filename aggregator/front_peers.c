#include "aggregator/front_peers.h"

#include "aggregator/front_zmtp.h"

#include <arpa/inet.h>
#include <glib.h>
#include <string.h>

#define LOOPBACK 0x7f000000U
/* 127.0.x.y is other programs', as is the broadcast address at the end. */
#define FIRST 0x010000U
#define LAST 0xfdffffU

struct peer {
  bool enrols;
  char address[FRONT_ADDRESS_SIZE];
  char user[CHANNEL_USER_SIZE];
  struct front_seen seen;
  bool watched;
  uint64_t sent, passed; /* bytes of answers: to the ROUTER, from it */
};

struct front_peers {
  GMutex lock;
  GHashTable *known; /* number → struct peer */
  uint32_t last;
};

struct front_peers *front_peers_new(void)
{
  struct front_peers *peers = g_new0(struct front_peers, 1);

  g_mutex_init(&peers->lock);
  peers->known = g_hash_table_new_full(NULL, NULL, NULL, g_free);
  peers->last = LAST;
  return peers;
}

void front_peers_free(struct front_peers *peers)
{
  if (!peers) return;
  g_hash_table_unref(peers->known);
  g_mutex_clear(&peers->lock);
  g_free(peers);
}

/* The caller has the lock. */
static struct peer *find(const struct front_peers *peers, uint32_t id)
{
  return g_hash_table_lookup(peers->known, GUINT_TO_POINTER(id & ~LOOPBACK));
}

/* Numbers go round, so that one which was just given up is not used again soon: word of it may be on its way.
 */
uint32_t front_peers_add(struct front_peers *peers, bool enrols, const char *address)
{
  struct peer *peer = g_new0(struct peer, 1);
  uint32_t id;

  peer->enrols = enrols;
  g_strlcpy(peer->address, address, sizeof peer->address);
  g_mutex_lock(&peers->lock);
  do peers->last = peers->last >= LAST ? FIRST : peers->last + 1;
  while (find(peers, peers->last));
  id = peers->last;
  g_hash_table_insert(peers->known, GUINT_TO_POINTER(id), peer);
  g_mutex_unlock(&peers->lock);
  return id | LOOPBACK;
}

void front_peers_remove(struct front_peers *peers, uint32_t id)
{
  g_mutex_lock(&peers->lock);
  g_hash_table_remove(peers->known, GUINT_TO_POINTER(id & ~LOOPBACK));
  g_mutex_unlock(&peers->lock);
}

struct front_seen front_peers_seen(struct front_peers *peers, uint32_t id)
{
  struct front_seen seen = {0};
  const struct peer *peer;

  g_mutex_lock(&peers->lock);
  peer = find(peers, id);
  if (peer) seen = peer->seen;
  g_mutex_unlock(&peers->lock);
  return seen;
}

void front_peers_watch(struct front_peers *peers, uint32_t id)
{
  struct peer *peer;

  g_mutex_lock(&peers->lock);
  peer = find(peers, id);
  if (peer) peer->watched = true;
  g_mutex_unlock(&peers->lock);
}

void front_peers_user(struct front_peers *peers, uint32_t id, char ret_user[static CHANNEL_USER_SIZE])
{
  const struct peer *peer;

  g_mutex_lock(&peers->lock);
  peer = find(peers, id);
  g_strlcpy(ret_user, peer ? peer->user : "", CHANNEL_USER_SIZE);
  g_mutex_unlock(&peers->lock);
}

void front_peers_passed(struct front_peers *peers, uint32_t id, size_t bytes)
{
  struct peer *peer;

  g_mutex_lock(&peers->lock);
  peer = find(peers, id);
  if (peer) peer->passed += bytes;
  g_mutex_unlock(&peers->lock);
}

uint32_t front_peers_find(struct front_peers *peers, const char *source, bool enrols)
{
  struct in_addr address;
  const struct peer *peer;
  uint32_t id;
  bool fits;

  if (inet_pton(AF_INET, source, &address) != 1) return 0;
  id = ntohl(address.s_addr);
  if ((id & 0xff000000U) != LOOPBACK) return 0;
  g_mutex_lock(&peers->lock);
  peer = find(peers, id);
  fits = peer && peer->enrols == enrols;
  g_mutex_unlock(&peers->lock);
  return fits ? id : 0;
}

bool front_peers_admit(struct front_peers *peers, uint32_t id, const char *user)
{
  struct peer *peer;
  bool first;

  g_mutex_lock(&peers->lock);
  peer = find(peers, id);
  first = peer && peer->user[0] == '\0';
  if (first) g_strlcpy(peer->user, user, sizeof peer->user);
  g_mutex_unlock(&peers->lock);
  return first;
}

void front_peers_address(struct front_peers *peers, uint32_t id, char ret_address[static FRONT_ADDRESS_SIZE])
{
  const struct peer *peer;

  g_mutex_lock(&peers->lock);
  peer = find(peers, id);
  g_strlcpy(ret_address, peer ? peer->address : "-", FRONT_ADDRESS_SIZE);
  g_mutex_unlock(&peers->lock);
}

bool front_peers_note(struct front_peers *peers, uint32_t id, size_t bytes)
{
  size_t length = bytes + ZMTP_WRAPPING;
  struct peer *peer;
  bool watched = false;

  g_mutex_lock(&peers->lock);
  peer = find(peers, id);
  if (peer && length <= ZMTP_SMALL_MOST) {
    peer->seen.small++;
    peer->seen.small_bytes += length;
  } else if (peer) {
    peer->seen.large++;
    peer->seen.large_bytes += length;
  }
  if (peer) {
    watched = peer->watched;
    peer->watched = false;
  }
  g_mutex_unlock(&peers->lock);
  return watched;
}

/* What libzmq says of itself (PONG) was passed and never sent, and gives nobody more room than it took. */
bool front_peers_send(struct front_peers *peers, uint32_t id, size_t bytes, size_t most)
{
  struct peer *peer;
  bool room = false;

  g_mutex_lock(&peers->lock);
  peer = find(peers, id);
  if (peer) {
    peer->sent = MAX(peer->sent, peer->passed);
    room = peer->sent - peer->passed < most;
    if (room) peer->sent += bytes;
  }
  g_mutex_unlock(&peers->lock);
  return room;
}

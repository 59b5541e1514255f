#include "aggregator/door.h"

#include "aggregator/front.h"
#include "common/error.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/text.h"

#include <string.h>

#define DOMAIN_SUBMIT "submit"
#define DOMAIN_ENROL "enrol"
#define JOINER "joiner" /* user id of whoever connects to enrol; no agent's id, which has a number */
#define INSIDE "tcp://127.0.0.1:*"

G_STATIC_ASSERT(DOOR_NAME_SIZE == FRONT_ADDRESS_SIZE);

struct door {
  struct door_options options;
  struct front *front;
  struct channel_context *context;
  struct channel_door *zap;
  struct channel_server *agents, *joiners;
  uint64_t looked_at;  /* version of the snapshot */
  GHashTable *revoked; /* ids of those that were cut, or were revoked before */
};

/* --- who is let in --- */

/* In the thread of ZAP. */
static bool admit(const char *domain, const char *address, const uint8_t key[static CURVE_KEY_SIZE],
                  char ret_user[static CHANNEL_USER_SIZE], void *data)
{
  struct door *door = data;
  struct front_peers *peers = front_peers(door->front);
  bool enrols = strcmp(domain, DOMAIN_ENROL) == 0;
  uint32_t id = front_peers_find(peers, address, enrols);
  CLEANUP(snapshot_unref) struct snapshot *snapshot = present_get(writer_present(door->options.writer));
  const struct agent_record *agent = enrols ? NULL : snapshot_agent_by_curve(snapshot, key);
  char name[FRONT_ADDRESS_SIZE];

  if (id == 0) {
    log_say(LOG_LEVEL_WARNING, "door.passed-by",
            _("%s: a program of this machine tried to get past the front"), address);
    return false;
  }
  front_peers_address(peers, id, name);
  if (!enrols && !agent) {
    log_say(LOG_LEVEL_WARNING, "door.refused", _("%s: its key is no agent's"), name);
    return false;
  }
  g_strlcpy(ret_user, enrols ? JOINER : agent->stored.id, CHANNEL_USER_SIZE);
  return front_peers_admit(peers, id, ret_user);
}

static void zap_died(void *data)
{
  struct door *door = data;

  door->options.failed(_("the thread that admits agents has ended"), door->options.data);
}

/* --- whose message it is --- */

static uint32_t peer_of(struct door *door, const struct channel_server *server, const char *source)
{
  return front_peers_find(front_peers(door->front), source, server == door->joiners);
}

static void seen_of_agents(const char *address, size_t bytes, void *data)
{
  struct door *door = data;

  front_seen(door->front, peer_of(door, door->agents, address), bytes);
}

static void seen_of_joiners(const char *address, size_t bytes, void *data)
{
  struct door *door = data;

  front_seen(door->front, peer_of(door, door->joiners, address), bytes);
}

void door_name(struct door *door, struct channel_server *server, const struct channel_message *message,
               char ret_name[static DOOR_NAME_SIZE])
{
  front_peers_address(front_peers(door->front), peer_of(door, server, message->address), ret_name);
}

void door_answer(struct door *door, struct channel_server *server, const struct channel_message *message,
                 GBytes *frame)
{
  uint32_t id = peer_of(door, server, message->address);
  size_t most = (size_t)bounds_value(door->options.bounds, BOUND_UNTAKEN);

  if (id == 0) return; /* it is gone */
  if (front_peers_send(front_peers(door->front), id, g_bytes_get_size(frame), most))
    (void)channel_server_send(server, message->peer, frame); /* who is gone asks again */
  else
    bounds_bite(door->options.bounds, BOUND_UNTAKEN, message->user);
}

/* --- who is shown out --- */

void door_dismiss(struct door *door, const struct channel_message *message)
{
  uint32_t id = peer_of(door, door->agents, message->address);

  if (id != 0) front_dismiss(door->front, id);
}

static void note_revoked(struct door *door, const struct snapshot *snapshot, bool cut)
{
  for (unsigned n = 0; n < snapshot->agents->len; n++) {
    const struct stored_agent *agent = &g_array_index(snapshot->agents, struct agent_record, n).stored;

    if (agent->revoked_ms == 0 || g_hash_table_contains(door->revoked, agent->id)) continue;
    g_hash_table_add(door->revoked, g_strdup(agent->id));
    if (cut) front_cut(door->front, agent->id);
  }
  door->looked_at = snapshot->version;
}

void door_look(struct door *door)
{
  CLEANUP(snapshot_unref) struct snapshot *snapshot = present_get(writer_present(door->options.writer));

  if (snapshot->version != door->looked_at) note_revoked(door, snapshot, true);
}

/* --- beginning and end --- */

static bool open_all(struct door *door, GError **error)
{
  const struct door_options *options = &door->options;

  door->front = front_new(options->listen, options->enrol, options->bounds, error);
  if (!door->front) return false;
  door->context = channel_context_new();
  door->zap = channel_door_open(door->context, admit, zap_died, door, error);
  if (!door->zap) return false;
  door->agents =
      channel_server_open(door->context, INSIDE, DOMAIN_SUBMIT, options->identity, LIMIT_FRAME_BYTES, error);
  if (!door->agents) return false;
  channel_server_watch(door->agents, seen_of_agents, door);
  door->joiners =
      channel_server_open(door->context, INSIDE, DOMAIN_ENROL, options->identity, LIMIT_JOIN_BYTES, error);
  if (!door->joiners) return false;
  channel_server_watch(door->joiners, seen_of_joiners, door);
  return front_start(door->front,
                     &(struct front_routers){channel_server_endpoint(door->agents),
                                             channel_server_former_endpoint(door->agents)},
                     &(struct front_routers){channel_server_endpoint(door->joiners),
                                             channel_server_former_endpoint(door->joiners)},
                     error);
}

struct door *door_open(const struct door_options *options, GError **error)
{
  CLEANUP(door_close) struct door *door = g_new0(struct door, 1);
  CLEANUP(snapshot_unref) struct snapshot *snapshot = present_get(writer_present(options->writer));

  door->options = *options;
  door->revoked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  note_revoked(door, snapshot, false);
  if (!open_all(door, error)) return NULL;
  return g_steal_pointer(&door);
}

void door_close(struct door *door)
{
  if (!door) return;
  channel_server_close(door->joiners);
  channel_server_close(door->agents);
  channel_door_close(door->zap);
  channel_context_free(door->context);
  front_free(door->front); /* it passes on what they gave last */
  g_hash_table_unref(door->revoked);
  g_free(door);
}

const char *door_endpoint(const struct door *door)
{
  return front_endpoint(door->front);
}

const char *door_enrol_endpoint(const struct door *door)
{
  return front_enrol_endpoint(door->front);
}

struct channel_server *door_agents(struct door *door)
{
  return door->agents;
}

struct channel_server *door_joiners(struct door *door)
{
  return door->joiners;
}

/* What a connection may bring: bytes in a second, and bytes of which no whole message has come out of libzmq.
 *
 * In CURVE nobody but libzmq sees whether a frame is a message, a part of one, or a heartbeat. So each counts
 * when it goes in, and is taken off when the gate meets it. What is never met, parts of a message without
 * end, adds up until the connection is held and, if nothing changes that, cut. Heartbeats are never met
 * either, but they are small: all small frames before a large one are over when that is met. */
#include "aggregator/front_private.h"
#include "common/limits.h"

#include <string.h>

#define ONE_FRAME (LIMIT_FRAME_BYTES + ZMTP_WRAPPING + LIMIT_FRAME_COST)

static uint64_t cost(uint64_t frames, uint64_t bytes)
{
  return bytes + frames * LIMIT_FRAME_COST;
}

static struct front_agent *agent_of(struct front *front, const char *id)
{
  struct front_agent *agent = g_hash_table_lookup(front->agents, id);

  if (agent) return agent;
  agent = g_new0(struct front_agent, 1);
  agent->id = g_strdup(id);
  bucket_fill(&agent->bytes, LIMIT_AGENT_BURST * bounds_value(front->bounds, BOUND_RATE_AGENT),
              front->now_ms);
  g_hash_table_insert(front->agents, agent->id, agent);
  return agent;
}

void credit_begin(struct connection *connection)
{
  struct front *front = connection->front;
  char user[CHANNEL_USER_SIZE];
  struct front_agent *agent;

  if (connection->enrols) return;
  front_peers_user(front->peers, connection->id, user); /* the door admitted it before the ROUTER was READY */
  agent = connection->agent = agent_of(front, user);
  connection->address->known_until_ms = front->now_ms + LIMIT_KNOWN_MS;
  g_queue_push_tail_link(&agent->connections, &connection->of_agent);
  if (agent->connections.length > bounds_value(front->bounds, BOUND_CONNECTIONS_AGENT)) /* the oldest goes */
    connection_cut(agent->connections.head->data, BOUND_CONNECTIONS_AGENT);
}

static void set_unseen(struct connection *connection, uint64_t unseen)
{
  uint64_t before = connection->unseen;

  connection->unseen = unseen;
  connection->front->unseen += unseen - before;
  if (connection->agent) connection->agent->unseen += unseen - before;
}

static void hold(struct connection *connection, bool held)
{
  struct front *front = connection->front;

  if (held == connection->is_held) return;
  connection->is_held = held;
  if (held)
    g_queue_push_tail_link(&front->held, &connection->held);
  else
    g_queue_unlink(&front->held, &connection->held);
}

void credit_end(struct connection *connection)
{
  set_unseen(connection, 0);
  hold(connection, false);
  if (!connection->agent) return;
  g_queue_unlink(&connection->agent->connections, &connection->of_agent);
  connection->agent = NULL; /* its record goes when its bucket is full again */
}

void credit_look(struct connection *connection)
{
  struct front *front = connection->front;
  const struct zmtp *up = &connection->up;
  struct front_seen seen = front_peers_seen(front->peers, connection->id);
  uint64_t large = cost(up->large, up->large_bytes) - cost(seen.large, seen.large_bytes);
  uint64_t over = cost(up->small_before, up->small_before_bytes);
  uint64_t small_seen = cost(seen.small, seen.small_bytes), small;

  if (seen.large == up->large && connection->small_over < over) {
    connection->small_over = over;
    connection->small_seen = small_seen;
  }
  small = cost(up->small, up->small_bytes) - connection->small_over;
  small -= MIN(small, small_seen - connection->small_seen);
  set_unseen(connection, large + small);
  if (seen.large + seen.small == connection->seen_frames) return;
  connection->seen_frames = seen.large + seen.small;
  if (connection->starved_ms != 0) connection->starved_ms = front->now_ms; /* it gets on */
}

static void look_at_all(struct connection *connection)
{
  if (!connection->agent) {
    credit_look(connection);
    return;
  }
  for (GList *at = connection->agent->connections.head; at; at = at->next) credit_look(at->data);
}

void credit_spend(struct connection *connection)
{
  struct front *front = connection->front;
  const struct zmtp *up = &connection->up;
  uint64_t all = cost(up->large + up->small, up->large_bytes + up->small_bytes);
  uint64_t grown = all - connection->spent;
  int64_t rate = bounds_value(front->bounds, BOUND_RATE_AGENT), rest = 0;

  if (grown == 0) return;
  connection->spent = all;
  set_unseen(connection, connection->unseen + grown);
  if (!connection->agent) return;
  rest =
      bucket_spend(&connection->agent->bytes, rate, LIMIT_AGENT_BURST * rate, (int64_t)grown, front->now_ms);
  if (rest == 0) return;
  connection->rested_ms = front->now_ms + rest;
  bounds_bite(front->bounds, BOUND_RATE_AGENT, connection->agent->id);
}

static bool has_room(const struct connection *connection)
{
  const struct front *front = connection->front;
  bool crowded = front->unseen > (uint64_t)bounds_value(front->bounds, BOUND_UNSEEN);
  uint64_t most = crowded ? ONE_FRAME : (uint64_t)bounds_value(front->bounds, BOUND_UNSEEN_AGENT);

  if (!connection->agent) return connection->unseen <= LIMIT_UNSEEN_JOINER;
  return connection->agent->unseen <= most;
}

/* Asks to be woken, and looks once more, for the gate may have been faster. */
static bool has_room_now(struct connection *connection)
{
  if (has_room(connection)) return true;
  look_at_all(connection);
  if (has_room(connection)) return true;
  if (!connection->agent) {
    front_peers_watch(connection->front->peers, connection->id);
  } else {
    for (GList *at = connection->agent->connections.head; at; at = at->next)
      front_peers_watch(connection->front->peers, ((struct connection *)at->data)->id);
  }
  look_at_all(connection);
  return has_room(connection);
}

bool credit_allows(struct connection *connection)
{
  int64_t now = connection->front->now_ms;
  bool rests, starves;

  if (connection->phase != PHASE_OPEN) return true;
  rests = connection->rested_ms > now;
  starves = !has_room_now(connection);
  if (!rests) connection->rested_ms = 0;
  if (!starves)
    connection->starved_ms = 0;
  else if (connection->starved_ms == 0)
    connection->starved_ms = now;
  hold(connection, rests || starves);
  return !rests && !starves;
}

static gboolean is_forgotten(void *key, void *value, void *data)
{
  struct front_agent *agent = value;
  const struct front *front = data;
  int64_t rate = bounds_value(front->bounds, BOUND_RATE_AGENT);

  (void)key;
  return agent->connections.length == 0 &&
         bucket_is_full(&agent->bytes, rate, LIMIT_AGENT_BURST * rate, front->now_ms);
}

void credit_sweep(struct front *front)
{
  GHashTableIter iter;
  void *value;
  unsigned connections = 0;
  uint64_t unseen = 0;

  g_hash_table_foreach_remove(front->agents, is_forgotten, front);
  g_hash_table_iter_init(&iter, front->agents);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    const struct front_agent *agent = value;

    connections = MAX(connections, agent->connections.length);
    unseen = MAX(unseen, agent->unseen);
  }
  bounds_use(front->bounds, BOUND_CONNECTIONS_AGENT, connections);
  bounds_use(front->bounds, BOUND_UNSEEN_AGENT, (int64_t)unseen);
  bounds_use(front->bounds, BOUND_UNSEEN, (int64_t)front->unseen);
}

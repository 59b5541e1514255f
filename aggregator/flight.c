#include "aggregator/flight.h"

#include "common/limits.h"

#include <string.h>

/* The id beside a submission is only claimed, so an agent cannot be let to end another's flight: it is part
 * of the key. */
struct flight {
  char *agent;
  uint8_t id[SUBMISSION_ID_SIZE];
  GBytes *peer;
};

struct flights {
  GHashTable *flights; /* set of struct flight */
  GHashTable *credit;  /* agent → number in flight */
};

static unsigned flight_hash(const void *data)
{
  const struct flight *flight = data;
  unsigned hash;

  memcpy(&hash, flight->id, sizeof hash);
  return hash;
}

static gboolean flight_equal(const void *left, const void *right)
{
  const struct flight *a = left, *b = right;

  return memcmp(a->id, b->id, SUBMISSION_ID_SIZE) == 0 && strcmp(a->agent, b->agent) == 0;
}

static void flight_free(void *data)
{
  struct flight *flight = data;

  g_free(flight->agent);
  g_bytes_unref(flight->peer);
  g_free(flight);
}

struct flights *flights_new(void)
{
  struct flights *flights = g_new0(struct flights, 1);

  flights->flights = g_hash_table_new_full(flight_hash, flight_equal, flight_free, NULL);
  flights->credit = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  return flights;
}

void flights_free(struct flights *flights)
{
  if (!flights) return;
  g_hash_table_unref(flights->flights);
  g_hash_table_unref(flights->credit);
  g_free(flights);
}

static struct flight *find(const struct flights *flights, const char *agent,
                           const uint8_t id[SUBMISSION_ID_SIZE])
{
  struct flight key = {.agent = (char *)agent};

  memcpy(key.id, id, sizeof key.id);
  return g_hash_table_lookup(flights->flights, &key);
}

enum flight_status flights_take(struct flights *flights, const char *agent,
                                const uint8_t id[SUBMISSION_ID_SIZE], GBytes *peer)
{
  struct flight *flight = find(flights, agent, id);
  unsigned used = GPOINTER_TO_UINT(g_hash_table_lookup(flights->credit, agent));

  if (flight) {
    g_bytes_unref(flight->peer);
    flight->peer = g_bytes_ref(peer);
    return FLIGHT_ALREADY;
  }
  if (used >= LIMIT_CREDIT_AGENT || g_hash_table_size(flights->flights) >= LIMIT_CREDIT_GLOBAL)
    return FLIGHT_FULL;
  flight = g_new0(struct flight, 1);
  flight->agent = g_strdup(agent);
  memcpy(flight->id, id, sizeof flight->id);
  flight->peer = g_bytes_ref(peer);
  g_hash_table_add(flights->flights, flight);
  g_hash_table_replace(flights->credit, g_strdup(agent), GUINT_TO_POINTER(used + 1));
  return FLIGHT_TAKEN;
}

GBytes *flights_land(struct flights *flights, const char *agent, const uint8_t id[SUBMISSION_ID_SIZE])
{
  struct flight *flight = find(flights, agent, id);
  unsigned used = GPOINTER_TO_UINT(g_hash_table_lookup(flights->credit, agent));
  GBytes *peer;

  if (!flight) return NULL;
  peer = g_bytes_ref(flight->peer);
  if (used > 1)
    g_hash_table_replace(flights->credit, g_strdup(agent), GUINT_TO_POINTER(used - 1));
  else
    g_hash_table_remove(flights->credit, agent);
  g_hash_table_remove(flights->flights, flight);
  return peer;
}

unsigned flights_count(const struct flights *flights)
{
  return g_hash_table_size(flights->flights);
}

unsigned flights_most(const struct flights *flights)
{
  GHashTableIter iter;
  void *used;
  unsigned most = 0;

  g_hash_table_iter_init(&iter, flights->credit);
  while (g_hash_table_iter_next(&iter, NULL, &used)) most = MAX(most, GPOINTER_TO_UINT(used));
  return most;
}

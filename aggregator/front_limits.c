#include "aggregator/front_limits.h"

#include <string.h>

#define WHOLE 1000 /* thousandths: what flows in during a millisecond is a whole number of them */

/* --- buckets --- */

void bucket_fill(struct bucket *bucket, int64_t most, int64_t now_ms)
{
  *bucket = (struct bucket){most * WHOLE, now_ms};
}

static void flow(struct bucket *bucket, int64_t rate, int64_t most, int64_t now_ms)
{
  int64_t gone = now_ms - bucket->at_ms, lacks = most * WHOLE - bucket->held;

  if (gone <= 0) return;
  bucket->at_ms = now_ms;
  bucket->held += gone > lacks / rate ? lacks : gone * rate;
}

bool bucket_take(struct bucket *bucket, int64_t rate, int64_t most, int64_t now_ms)
{
  flow(bucket, rate, most, now_ms);
  if (bucket->held < WHOLE) return false;
  bucket->held -= WHOLE;
  return true;
}

int64_t bucket_spend(struct bucket *bucket, int64_t rate, int64_t most, int64_t amount, int64_t now_ms)
{
  flow(bucket, rate, most, now_ms);
  bucket->held -= amount * WHOLE;
  return bucket->held >= 0 ? 0 : -bucket->held / rate + 1;
}

bool bucket_is_full(struct bucket *bucket, int64_t rate, int64_t most, int64_t now_ms)
{
  flow(bucket, rate, most, now_ms);
  return bucket->held >= most * WHOLE;
}

/* --- addresses --- */

struct front_addresses {
  GHashTable *known; /* key → struct front_address */
  size_t most;
  int64_t connects, connects_most;
};

static unsigned key_hash(const void *data)
{
  const uint8_t *key = data;
  unsigned hash = 5381;

  for (int n = 0; n < 16; n++) hash = hash * 33 + key[n];
  return hash;
}

static gboolean key_equal(const void *left, const void *right)
{
  return memcmp(left, right, 16) == 0;
}

struct front_addresses *front_addresses_new(size_t most, int64_t connects, int64_t connects_most)
{
  struct front_addresses *addresses = g_new0(struct front_addresses, 1);

  addresses->known = g_hash_table_new_full(key_hash, key_equal, NULL, g_free);
  addresses->most = most;
  addresses->connects = connects;
  addresses->connects_most = connects_most;
  return addresses;
}

void front_addresses_free(struct front_addresses *addresses)
{
  if (!addresses) return;
  g_hash_table_unref(addresses->known);
  g_free(addresses);
}

void front_address_key(const uint8_t address[static 16], uint8_t ret_key[static 16])
{
  static const uint8_t WRAPPED[12] = {[10] = 0xff, [11] = 0xff};
  size_t size = memcmp(address, WRAPPED, sizeof WRAPPED) == 0 ? 16 : 8;

  memset(ret_key, 0, 16);
  memcpy(ret_key, address, size);
}

static gboolean may_be_forgotten(void *key, void *value, void *data)
{
  const struct front_address *address = value;
  const int64_t *known_most_ms = data;

  (void)key;
  return address->connections == 0 && address->known_until_ms <= *known_most_ms;
}

static void make_room(struct front_addresses *addresses, int64_t now_ms)
{
  int64_t any = INT64_MAX;

  if (g_hash_table_size(addresses->known) >= addresses->most)
    g_hash_table_foreach_remove(addresses->known, may_be_forgotten, &now_ms);
  if (g_hash_table_size(addresses->known) >= addresses->most)
    g_hash_table_foreach_remove(addresses->known, may_be_forgotten, &any);
}

struct front_address *front_addresses_get(struct front_addresses *addresses, const uint8_t key[static 16],
                                          int64_t now_ms)
{
  struct front_address *address = g_hash_table_lookup(addresses->known, key);

  if (address) return address;
  make_room(addresses, now_ms);
  address = g_new0(struct front_address, 1);
  memcpy(address->key, key, sizeof address->key);
  bucket_fill(&address->connects, addresses->connects_most, now_ms);
  g_hash_table_insert(addresses->known, address->key, address);
  return address;
}

bool front_addresses_connect(struct front_addresses *addresses, struct front_address *address, int64_t now_ms)
{
  return bucket_take(&address->connects, addresses->connects, addresses->connects_most, now_ms);
}

void front_addresses_sweep(struct front_addresses *addresses, int64_t now_ms, unsigned *ret_connections,
                           unsigned *ret_handshakes)
{
  GHashTableIter iter;
  void *value;

  *ret_connections = *ret_handshakes = 0;
  g_hash_table_iter_init(&iter, addresses->known);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    struct front_address *address = value;

    *ret_connections = MAX(*ret_connections, address->connections);
    *ret_handshakes = MAX(*ret_handshakes, address->handshakes.length);
    if (address->connections == 0 && address->known_until_ms <= now_ms &&
        bucket_is_full(&address->connects, addresses->connects, addresses->connects_most, now_ms))
      g_hash_table_iter_remove(&iter);
  }
}

size_t front_addresses_count(const struct front_addresses *addresses)
{
  return g_hash_table_size(addresses->known);
}

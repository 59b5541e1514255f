#include "aggregator/allowance.h"

#include <glib.h>

#define DAY_MS ((int64_t)24 * 3600 * 1000)

struct day {
  struct mono_time began;
  int64_t taken;
};

struct allowances {
  GHashTable *days; /* agent → struct day */
};

struct allowances *allowances_new(void)
{
  struct allowances *allowances = g_new(struct allowances, 1);

  allowances->days = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  return allowances;
}

void allowances_free(struct allowances *allowances)
{
  if (!allowances) return;
  g_hash_table_unref(allowances->days);
  g_free(allowances);
}

static struct day *day_of(struct allowances *allowances, const char *agent, struct mono_time now)
{
  struct day *day = g_hash_table_lookup(allowances->days, agent);

  if (!day) {
    day = g_new0(struct day, 1);
    day->began = now;
    g_hash_table_insert(allowances->days, g_strdup(agent), day);
  } else if (now.ms - day->began.ms >= DAY_MS) {
    *day = (struct day){.began = now};
  }
  return day;
}

bool allowances_take(struct allowances *allowances, const char *agent, int64_t bytes, int64_t most,
                     struct mono_time now, int64_t *ret_taken)
{
  struct day *day = day_of(allowances, agent, now);
  bool fits = bytes <= most - day->taken;

  if (fits) day->taken += bytes;
  *ret_taken = day->taken;
  return fits;
}

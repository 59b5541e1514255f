#include "aggregator/bounds.h"

#include "common/clock.h"
#include "common/log.h"

#include <inttypes.h>
#include <stdatomic.h>

#define QUIET_MS 60000 /* between two lines about one limit */

const struct bound_kind bound_kinds[BOUND_COUNT] = {
#define BOUNDS_KIND(id, name, title, unit, value, least, most)                                               \
  [BOUND_##id] = {name, title, unit, (int64_t)(value), least, most},
    BOUNDS(BOUNDS_KIND)};

struct gauge {
  _Atomic int64_t value, in_use, highest, refused;
  _Atomic int64_t quiet_until; /* clock_mono(); 0: nothing was said yet */
};

struct bounds {
  struct gauge gauges[BOUND_COUNT];
};

struct bounds *bounds_new(const int64_t *values)
{
  struct bounds *bounds = g_new0(struct bounds, 1);

  for (int n = 0; n < BOUND_COUNT; n++)
    atomic_store(&bounds->gauges[n].value, values && values[n] ? values[n] : bound_kinds[n].value);
  return bounds;
}

void bounds_free(struct bounds *bounds)
{
  g_free(bounds);
}

int64_t bounds_value(const struct bounds *bounds, enum bound which)
{
  return atomic_load_explicit(&bounds->gauges[which].value, memory_order_relaxed);
}

void bounds_set(struct bounds *bounds, enum bound which, int64_t value)
{
  atomic_store(&bounds->gauges[which].value, value);
}

void bounds_use(struct bounds *bounds, enum bound which, int64_t now)
{
  struct gauge *gauge = &bounds->gauges[which];
  int64_t highest = atomic_load_explicit(&gauge->highest, memory_order_relaxed);

  atomic_store_explicit(&gauge->in_use, now, memory_order_relaxed);
  while (now > highest && !atomic_compare_exchange_weak(&gauge->highest, &highest, now)) continue;
}

void bounds_bite(struct bounds *bounds, enum bound which, const char *who)
{
  struct gauge *gauge = &bounds->gauges[which];
  int64_t times = atomic_fetch_add(&gauge->refused, 1) + 1, now = clock_mono().ms;
  int64_t quiet_until = atomic_load(&gauge->quiet_until);
  g_autofree char *id = NULL;

  if (quiet_until != 0 && now < quiet_until) return;
  if (!atomic_compare_exchange_strong(&gauge->quiet_until, &quiet_until, now + QUIET_MS)) return;
  id = g_strconcat("limit.", bound_kinds[which].name, NULL);
  log_say(LOG_LEVEL_WARNING, id,
          _("%s: the limit (%" PRId64 " %s) was reached %" PRId64 " times so far; last by %s"),
          _(bound_kinds[which].title), bounds_value(bounds, which), bound_kinds[which].unit, times,
          who ? who : "-");
}

struct bound_reading bounds_read(const struct bounds *bounds, enum bound which)
{
  const struct gauge *gauge = &bounds->gauges[which];

  return (struct bound_reading){atomic_load(&gauge->value), atomic_load(&gauge->in_use),
                                atomic_load(&gauge->highest), atomic_load(&gauge->refused)};
}

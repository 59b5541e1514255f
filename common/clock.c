#include "common/clock.h"

#include <time.h>

static struct wall_time (*replacement)(void);

static int64_t read_ms(clockid_t clock)
{
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct wall_time clock_wall(void)
{
  if (replacement) return replacement();
  return (struct wall_time){read_ms(CLOCK_REALTIME)};
}

struct mono_time clock_mono(void)
{
  return (struct mono_time){read_ms(CLOCK_MONOTONIC)};
}

int64_t clock_since(struct mono_time start)
{
  return MAX(0, clock_mono().ms - start.ms);
}

void clock_replace(struct wall_time (*wall)(void))
{
  replacement = wall;
}

char *clock_format(struct wall_time time)
{
  /* Rounded down, before 1970 too. */
  time_t seconds = (time_t)(time.ms / 1000 - (time.ms % 1000 < 0));
  struct tm parts = {0};
  gmtime_r(&seconds, &parts); /* cannot fail: int64 milliseconds are less than 2^31 years */
  return g_strdup_printf("%04d-%02d-%02dT%02d:%02d:%02dZ", parts.tm_year + 1900, parts.tm_mon + 1,
                         parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

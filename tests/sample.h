/* How much of what is random a test tries. PARKTALLY_ROUNDS says it; else PARKTALLY_FULL makes it ten times
 * as much as is usual, and PARKTALLY_SHARE takes so many per cent, as for builds that a sanitizer slows down.
 */
#ifndef PARKTALLY_TESTS_SAMPLE_H
#define PARKTALLY_TESTS_SAMPLE_H

#include <glib.h>
#include <stdlib.h>

/* At least one. */
static inline int sample_rounds(int usual)
{
  const char *rounds = g_getenv("PARKTALLY_ROUNDS"), *share = g_getenv("PARKTALLY_SHARE");

  if (rounds) return atoi(rounds);
  if (g_getenv("PARKTALLY_FULL")) return 10 * usual;
  return share ? MAX(1, usual * atoi(share) / 100) : usual;
}

#endif

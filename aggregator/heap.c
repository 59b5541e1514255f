#include "aggregator/heap.h"

#include "aggregator/judge.h"
#include "common/limits.h"

#include <assert.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* What the system is asked to fill with large pages: the server of a city and to spare. Address space, no
 * memory: a page is given when it is first written to, and a heap is filled from below. */
#define LARGE_PAGES_BYTES (128 * LIMIT_MIB)

/* What is larger gets a mapping of its own, which is fresh memory each time. */
#define MAPPED_LEAST (4 * LIMIT_MIB)
static_assert(JUDGED_MOST < MAPPED_LEAST && LIMIT_FRAME_BYTES < MAPPED_LEAST,
              "submissions are received and decoded in memory that was used before");

void heap_prepare(void)
{
  /* The C library gives each thread a heap of its own, which keeps what it once held, and takes and gives
   * back the upper end again and again. */
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, MAPPED_LEAST);
  mallopt(M_TRIM_THRESHOLD, 2 * LARGE_PAGES_BYTES);
  mallopt(M_TOP_PAD, LARGE_PAGES_BYTES); /* how much the heap grows at a time */

  /* The heap lies between its first piece and the break; under a sanitizer it does not, and nothing is done.
   * The first touch of a page costs 2 to 3 µs on a virtual machine; a large page is one touch for 512. */
  void *first = malloc(MAPPED_LEAST / 2);
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  uintptr_t begin = ((uintptr_t)first + page - 1) / page * page, end = (uintptr_t)sbrk(0);
  if (first && begin < end && end - begin <= 2 * LARGE_PAGES_BYTES)
    (void)madvise((void *)begin, end - begin, MADV_HUGEPAGE); /* where there are none, it goes without */
  free(first);
}

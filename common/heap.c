#include "common/heap.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE (2 * LIMIT_MIB)
#define LENT_PAD (1 * LIMIT_MIB)   /* by which the heap grows */
#define LENT_MOST (64 * LIMIT_MIB) /* that malloc_trim() alone gives back */

/* Whether what is behind this place is our heap's own, up to the break. */
static bool ends_heap(uintptr_t place, size_t bytes)
{
  uintptr_t end = (uintptr_t)sbrk(0);
  return place < end && end - place >= bytes && end - place < bytes + 2 * HUGE_PAGE;
}

static void *lead; /* kept: what lies before the first huge page */

void heap_hold(size_t bytes)
{
  if (lead) return;
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, HEAP_BLOCK_MOST);
  mallopt(M_TOP_PAD, (int)bytes); /* which also keeps the end from being given back */
  void *all = malloc(HUGE_PAGE);  /* with the pad behind it */
  if (!all) return;
  uintptr_t start = (uintptr_t)all, first = (start + HUGE_PAGE) / HUGE_PAGE * HUGE_PAGE;
  if (!ends_heap(start, bytes)) {
    free(all);
    return;
  }
  (void)madvise((void *)first, bytes, MADV_HUGEPAGE);
  lead = realloc(all, first - start);
}

void heap_lend(void)
{
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, HEAP_BLOCK_MOST);
  mallopt(M_TOP_PAD, (int)LENT_PAD);
  mallopt(M_TRIM_THRESHOLD, (int)LENT_MOST);
}

#include "agent/heap.h"

#include "common/limits.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define HUGE_PAGE (2 * LIMIT_MIB)
/* What a push of any file needs beside the spill's block: submissions on their way, SQLite's pages, what
 * libzmq holds. */
#define HEAP_BYTES (10 * LIMIT_MIB)
#define BLOCK_MOST (4 * LIMIT_MIB) /* what is larger has pages of its own, and leaves no hole in the heap */

static void *lead; /* kept: what lies before the first huge page */

/* glibc grows and shrinks its heap in small steps, gives large blocks pages of their own and takes those away
 * again, and lets each thread have a heap: together thousands of page faults, each dearer than the use of its
 * page. What is asked for here in one piece is only address space until it is touched. */
void heap_set_up(void)
{
  if (lead) return;
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, BLOCK_MOST);
  mallopt(M_TOP_PAD, HEAP_BYTES);
  void *all = malloc(HUGE_PAGE); /* with the pad behind it */
  if (!all) return;
  uintptr_t start = (uintptr_t)all, first = (start + HUGE_PAGE) / HUGE_PAGE * HUGE_PAGE;
  (void)madvise((void *)first, HEAP_BYTES, MADV_HUGEPAGE);
  lead = realloc(all, first - start);
}

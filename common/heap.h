/* How the C library keeps a program's heap. It takes and gives back the heap's end in small steps, gives
 * large blocks pages of their own and takes those away again, and lets each thread have a heap: together
 * thousands of first touches of a page, each of which costs more than what is then done with it, on a virtual
 * machine above all. Both functions are for the start of main, before any other thread; under a sanitizer,
 * which has a heap of its own, they change nothing. */
#ifndef PARKTALLY_COMMON_HEAP_H
#define PARKTALLY_COMMON_HEAP_H

#include "common/limits.h"

#include <stddef.h>

/* What is larger gets pages of its own, and leaves no hole in the heap. */
#define HEAP_BLOCK_MOST (4 * LIMIT_MIB)

/* One heap for all threads that keeps what is freed for what comes next, its first `bytes` in huge pages
 * where the system has any. They are only address space until they are touched. Does nothing a second time.
 */
void heap_hold(size_t bytes);

/* One heap for all threads, for a service that is idle most of its life: keeps what is freed until
 * malloc_trim() gives it back. */
void heap_lend(void);

#endif

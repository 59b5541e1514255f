/* The server's heap, as the C library is told to keep it. */
#ifndef PARKTALLY_AGGREGATOR_HEAP_H
#define PARKTALLY_AGGREGATOR_HEAP_H

/* One heap for all threads, of large pages where the system has them. Once, before the first thread and the
 * first large allocation. */
void heap_prepare(void);

#endif

/* The heap of a command that works once and ends. */
#ifndef PARKTALLY_AGENT_HEAP_H
#define PARKTALLY_AGENT_HEAP_H

/* Sets the heap up for some megabytes that come and go until the process ends: one for all threads, that
 * keeps what is freed for what comes next, in huge pages where the system has any. Costs nothing that is not
 * used. Once, before any other thread starts; not for a service, which gives memory back when it rests. */
void heap_set_up(void);

#endif

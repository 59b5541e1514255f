/* What an area is told of its inquiries, consents, applications and agents, page by page. */
#ifndef PARKTALLY_AGGREGATOR_STATE_H
#define PARKTALLY_AGGREGATOR_STATE_H

#include "aggregator/store/store.h"
#include "common/cleanup.h"
#include "common/codec.h"

#include <stdint.h>

/* The number of Welcome; 0 also where the store cannot be read, which is logged. */
uint64_t state_of(struct store *store, const char *area);

/* A page from there on, 0 or what a page before named as next, as of one moment; `agents_only` of a list of
 * the area's agents alone. What a page costs does not depend on where it begins. NULL where the store cannot
 * be read, which is logged. */
struct state_page;
struct state_page *state_page_read(struct store *store, const char *area, bool agents_only, uint64_t from);
void state_page_free(struct state_page *page);
CLEANUP_DEFINE(struct state_page, state_page_free)

/* To be encoded; lives as long as the page. */
const struct frame *state_page_frame(const struct state_page *page);

#endif

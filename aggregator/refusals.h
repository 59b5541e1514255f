/* What is said of single reports of a submission, page by page: as its receipt says it, but of reports that
 * waited, and were decided since, what became of them. */
#ifndef PARKTALLY_AGGREGATOR_REFUSALS_H
#define PARKTALLY_AGGREGATOR_REFUSALS_H

#include "aggregator/snapshot.h"
#include "aggregator/store/store.h"
#include "common/cleanup.h"
#include "common/codec.h"

#include <stdint.h>

/* A page from the offset-th refusal on, as of one moment. NULL if this area reported no such submission, or
 * the store cannot be read, which is logged. */
struct refusal_page;
struct refusal_page *refusal_page_read(struct store *store, struct snapshot *snapshot, const char *area,
                                       const uint8_t id[SUBMISSION_ID_SIZE], uint32_t offset);
void refusal_page_free(struct refusal_page *page);
CLEANUP_DEFINE(struct refusal_page, refusal_page_free)

/* To be encoded; lives as long as the page. */
const struct frame *refusal_page_frame(const struct refusal_page *page);

#endif

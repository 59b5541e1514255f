/* The totals that an export says the aggregator's tables have, against those that the leaves come to. */
#ifndef PARKTALLY_VERIFIER_TOTAL_LINES_H
#define PARKTALLY_VERIFIER_TOTAL_LINES_H

#include "aggregator/verifier/rebuilt.h"

struct total_lines;
/* Reckons all of them, as of now. */
struct total_lines *total_lines_new(const struct rebuilt *rebuilt, struct faults *faults);
void total_lines_free(struct total_lines *lines);
CLEANUP_DEFINE(struct total_lines, total_lines_free)

/* The content of a record. */
void total_lines_compare(struct total_lines *lines, const char *text, size_t length);
/* Behind the last one: what was reckoned and is not there. */
void total_lines_end(struct total_lines *lines);

uint64_t total_lines_count(const struct total_lines *lines);

#endif

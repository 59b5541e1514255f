/* The examiner: a thread that looks at what was counted, and finds what calls for an explanation
 * (核实性审核): rules to verify, two parks that report one unit differently, reports that came too late to
 * count (stale). What it finds becomes a leaf, from which inquiries follow (inquiry.h).
 *
 * It works behind the writer, when that is quiet or has not been for a while, at low priority, over a store
 * of its own: so checks that refuse nothing delay no receipt. It goes on where the ledger says that it was;
 * what it finds twice is asked once. */
#ifndef PARKTALLY_AGGREGATOR_EXAMINER_H
#define PARKTALLY_AGGREGATOR_EXAMINER_H

#include "aggregator/writer.h"
#include "common/cleanup.h"

#include <glib.h>

struct examiner;

/* Starts the thread; it wakes after each commit of the writer, which must outlive it. */
struct examiner *examiner_new(const char *folder, struct writer *writer, GError **error);
void examiner_free(struct examiner *examiner);
CLEANUP_DEFINE(struct examiner, examiner_free)

#endif

/* Inquiries (核实): what the city asks about reports, and what becomes of it. Every change is a leaf, and the
 * same code applies it live and in replay.
 *
 * An inquiry is about one unit's report to one form and period by one park. It is opened by what the examiner
 * finds (examiner.h) or by an operator, is answered by the park, and ends when an operator accepts the answer
 * or when the park corrects the report. Nobody but the park changes a figure.
 *
 * What is found while a park has LIMIT_INQUIRIES_OPEN of them is counted by one inquiry (inquiry.more) of the
 * form and period as a whole, without a unit, which ends when its answer is accepted. */
#ifndef PARKTALLY_AGGREGATOR_INQUIRY_H
#define PARKTALLY_AGGREGATOR_INQUIRY_H

#include "aggregator/snapshot.h"
#include "aggregator/store/inquiries.h"
#include "common/codec.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* An act of a park, the leaf's or the one that comes, of an agent of this area. False if it is refused:
 * `ret_refusal` says why; its texts live as long as the act and the snapshot. Nothing is changed then. */
bool inquiry_answer(struct store *store, const struct snapshot *snapshot, const struct park_act *act,
                    const char *area, int64_t now_ms, uint64_t position, struct refusal *ret_refusal);

/* Applies a leaf of kind LEAF_EXAMINATION, LEAF_ASK, LEAF_ACCEPT or LEAF_CONSENT. False and `error`, and
 * nothing changed, if what it is about is not there or not in that state. */
bool inquiry_apply(struct store *store, const struct snapshot *snapshot, const struct leaf *leaf,
                   uint64_t position, GError **error);

/* Whether an examination of the submission at `position`, of this area to this book, may close an inquiry:
 * one that is not settled by a correction, about a report that stands as it says. */
bool inquiry_is_touched(struct store *store, int64_t book, const char *area, uint64_t position);

/* Whether a park was asked this already, and has not corrected it: then it is not asked anew. */
bool inquiry_was_opened(struct store *store, int64_t book, const char *unit, const char *park,
                        const char *rule, const char *indicator, const char *found, const char *expected);

/* All inquiries, consents and acceptances of a store, a line of text each, in a fixed order: for comparing
 * two stores. */
GPtrArray *inquiry_lines(struct store *store);

/* A unit's report by this park, or NULL. Lives until the next look at reports. */
const struct stored_report *inquiry_report(struct store *store, int64_t book, const char *unit,
                                           const char *park);

#endif

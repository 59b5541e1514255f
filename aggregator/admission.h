/* Admissions: an agent whose rights others have already waits until one of those admits it. Nobody else can,
 * no operator either. Every change is a leaf, and the same code applies it live and in replay. */
#ifndef PARKTALLY_AGGREGATOR_ADMISSION_H
#define PARKTALLY_AGGREGATOR_ADMISSION_H

#include "aggregator/snapshot.h"
#include "common/codec.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Carries out an act of kind PARK_ADMITS that comes from `by`, which has rights; `*snapshot` is replaced.
 * False if it is refused: `ret_refusal` says why; its texts live as long as act and snapshot. Nothing is
 * changed then. */
bool admission_admit(struct store *store, struct snapshot **snapshot, const struct park_act *act,
                     const struct stored_agent *by, int64_t now_ms, uint64_t position,
                     struct refusal *ret_refusal);

/* The same of one in the ledger, which was not refused: nothing is judged. False, and nothing changed, if
 * there is no such agent. */
bool admission_apply(struct store *store, struct snapshot **snapshot, const struct park_act *act,
                     int64_t now_ms, uint64_t position);

/* The agents, and who admitted them, a line of text each, in a fixed order: for comparing two stores. */
GPtrArray *admission_lines(struct store *store);

#endif

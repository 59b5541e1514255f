/* The aggregator's keys, in identity.key of its data folder: the present ones, the papers that lead to them
 * from those of the ledger's start, and the CURVE pair of before, by which agents come that have not heard of
 * the present one. So a change is one rename, and a backup of the file has all of it. The ledger learns of a
 * change when the next writer starts (keys_catch_up()), before anything is signed with the new keys. */
#ifndef PARKTALLY_AGGREGATOR_KEYS_H
#define PARKTALLY_AGGREGATOR_KEYS_H

#include "aggregator/writer.h"
#include "common/identity.h"

#include <glib.h>
#include <stdbool.h>

#define KEYS_FILE "identity.key"

/* New keys in the place of the present ones, durably. Nobody may be writing to the ledger: the keys of before
 * sign no tree beyond the present one. ERROR_CONFIG where they were changed too often. */
bool keys_change(const char *folder, const char *by, const char *reason, GError **error);

/* Whoever knows only those of before is not let in any more, from the next start on. False and ERROR_USAGE
 * where there are none. */
bool keys_retire(const char *folder, GError **error);

/* Records changes that the ledger does not have yet. ERROR_CONFIG where the keys are not those that it leads
 * to. */
bool keys_catch_up(struct writer *writer, const struct identity *identity, GError **error);

#endif

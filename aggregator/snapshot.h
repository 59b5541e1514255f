/* A snapshot: the catalogues, the register, the agents and the periods as of one position of the ledger: what
 * a submission is judged by. Immutable, shared by reference count; the writer replaces the present one after
 * a commit that changed it. */
#ifndef PARKTALLY_AGGREGATOR_SNAPSHOT_H
#define PARKTALLY_AGGREGATOR_SNAPSHOT_H

#include "aggregator/store/store.h"
#include "common/catalogue.h"
#include "common/cleanup.h"
#include "common/key_chain.h"
#include "common/register.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct agent_record {
  struct stored_agent stored;     /* with its present keys */
  uint8_t key_id[SEAL_HASH_SIZE]; /* of sign_key */
  struct key_chain *keys;         /* all that it ever had */
};

struct snapshot {
  int references;    /* atomic */
  uint64_t version;  /* rises with every change */
  uint64_t position; /* of the ledger: what changed it last stands before; all later changes after */
  struct catalogue *catalogue; /* in force */
  GPtrArray *catalogues;       /* every one ever in force, compiled; in order */
  struct unit_register *units;
  GArray *agents;         /* struct agent_record, by id */
  GArray *period_acts;    /* periods.h */
  uint64_t epoch;         /* the last restore's */
  bool paused;            /* since the last time: nothing is taken */
  struct key_chain *keys; /* the aggregator's own; NULL before the genesis */
};

/* From the store, at start: as of all its leaves. */
struct snapshot *snapshot_load(struct store *store, GError **error);

/* A changed copy; what is not changed is shared. NULL arguments leave that part as it is. `agent` is added or
 * replaced. Its position is for the caller to set, before anybody else has it. */
struct snapshot *snapshot_change(const struct snapshot *snapshot, struct catalogue *catalogue,
                                 struct unit_register *units, const struct stored_agent *agent);

/* The same, with one more act of an operator on a period. */
struct snapshot *snapshot_change_period(const struct snapshot *snapshot, const struct stored_period_act *act);

/* The same, restored once more, or resumed. */
struct snapshot *snapshot_change_epoch(const struct snapshot *snapshot, uint64_t epoch, bool paused);

/* The same with these keys of the aggregator's, or of an agent, which it takes. */
struct snapshot *snapshot_change_keys(const struct snapshot *snapshot, struct key_chain *keys);
struct snapshot *snapshot_change_agent_keys(const struct snapshot *snapshot, const struct stored_agent *agent,
                                            struct key_chain *keys);

/* Puts `next`, which it takes, in the place of `*snapshot`, as the leaf at `position` says. */
void snapshot_replace(struct snapshot **snapshot, uint64_t position, struct snapshot *next);

struct snapshot *snapshot_ref(struct snapshot *snapshot);
void snapshot_unref(struct snapshot *snapshot);
CLEANUP_DEFINE(struct snapshot, snapshot_unref)

/* NULL if there is none. By key id: whichever of its keys it is; by CURVE key: its present one. */
const struct agent_record *snapshot_agent(const struct snapshot *snapshot, const char *id);
const struct agent_record *snapshot_agent_by_key_id(const struct snapshot *snapshot,
                                                    const uint8_t key_id[SEAL_HASH_SIZE]);
const struct agent_record *snapshot_agent_by_curve(const struct snapshot *snapshot,
                                                   const uint8_t curve_key[32]);
/* Whether it is, or was, any agent's. */
bool snapshot_had_curve(const struct snapshot *snapshot, const uint8_t curve_key[32]);
struct catalogue *snapshot_catalogue(const struct snapshot *snapshot,
                                     const uint8_t hash[CATALOGUE_HASH_SIZE]);

/* --- the present one, for all threads --- */

struct present;
struct present *present_new(struct snapshot *snapshot); /* takes the reference */
void present_free(struct present *present);
struct snapshot *present_get(struct present *present);                /* a new reference */
void present_set(struct present *present, struct snapshot *snapshot); /* takes the reference */
/* Begins a transaction of a reading store and gives the present snapshot of the very same position of the
 * ledger, so that register, catalogue and figures are of one moment. A new reference; or NULL, without a
 * transaction: ERROR_TEMPORARY where the writer, which commits before it sets the snapshot, does not get that
 * far within half a second. Blocking. */
struct snapshot *present_begin(struct present *present, struct store *store, GError **error);

#endif

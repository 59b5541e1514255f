/* The keys of an agent, or of the aggregator, one after the other (proto/README.md, "Changes of keys"): each
 * but the first came by a leaf in which the one before it names it, and it consented. */
#ifndef PARKTALLY_VERIFIER_KEYS_H
#define PARKTALLY_VERIFIER_KEYS_H

#include "aggregator/verifier/faults.h"
#include "common/codec.h"
#include "common/seal.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct key {
  uint8_t curve_key[32], sign_key[SEAL_PUBLIC_KEY_SIZE], key_id[SEAL_HASH_SIZE];
  uint64_t since;        /* leaf that brought it: it seals from there on */
  bool changed;          /* another one came in its place: */
  uint64_t until, epoch; /* what it seals is no later than that */
};

struct keys {
  char *agent; /* whose; "": the aggregator's */
  GArray *all; /* struct key; empty until keys_begin() */
};

void keys_init(struct keys *keys, const char *agent);
void keys_finish(struct keys *keys);

/* The first one, which the leaf `at` brought. */
void keys_begin(struct keys *keys, uint64_t at, const uint8_t curve_key[static 32],
                const uint8_t sign_key[static SEAL_PUBLIC_KEY_SIZE]);

/* What the leaf `at` says that changes them: a KeyLeaf, or an EpochLeaf, which may bring several. False, it
 * is said, and nothing changes, where it is not by the present key, has no consent, goes back, or names keys
 * of before. `epoch` is that of the ledger there, for the aggregator's, which cannot have signed trees that
 * were not there. */
bool keys_change(struct keys *keys, struct faults *faults, uint64_t at, uint64_t epoch,
                 struct bytes_view sealed, const struct key_change *change);

/* Says why not. */
void keys_refuse(const struct keys *keys, struct faults *faults, uint64_t at, const char *objection);

/* How often they were changed. */
unsigned keys_changes(const struct keys *keys);
/* These are NULL where there are no keys, or none is it. */
const struct key *keys_nth(const struct keys *keys, unsigned n);
const struct key *keys_present(const struct keys *keys);
const struct key *keys_at(const struct keys *keys, uint64_t leaf); /* in force for what this leaf holds */
const struct key *keys_find(const struct keys *keys, const uint8_t *key_id); /* NULL: none is it */
bool keys_have(const struct keys *keys, const uint8_t curve_key[static 32],
               const uint8_t sign_key[static SEAL_PUBLIC_KEY_SIZE]); /* or had: one of the two */

/* Whether a key seals a number (epoch 0), or a tree of so many leaves. */
bool key_may_seal(const struct key *key, uint64_t epoch, uint64_t until);

/* seal_open() with the key that seals what this leaf holds; SEAL_OTHER_KEY if there is none. */
enum seal_status keys_open_at(const struct keys *keys, uint64_t leaf, struct bytes_view sealed,
                              enum seal_label label, struct bytes_view *ret_payload);
/* The same with whichever of them it names. */
enum seal_status keys_open(const struct keys *keys, struct bytes_view sealed, enum seal_label label,
                           struct bytes_view *ret_payload, const struct key **ret_key);

#endif

/* The keys of an agent, or of the aggregator, one after the other: each but the first came by a KeyChange
 * that the key before it sealed, and to which the new one consented. A key that was changed seals nothing
 * beyond what the change says: of an agent, a submission of a larger number; of the aggregator, a tree beyond
 * the last one. So what it sealed before stays proved, and who finds it later can add nothing.
 *
 * A chain may begin anywhere: an agent knows the aggregator from the key of its invitation on. */
#ifndef PARKTALLY_COMMON_KEY_CHAIN_H
#define PARKTALLY_COMMON_KEY_CHAIN_H

#include "common/cleanup.h"
#include "common/codec.h"
#include "common/identity.h"
#include "common/seal.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct key_link {
  /* The last that it seals: a number (epoch 0), or the size of a tree and its epoch. Both are UINT64_MAX of
   * the present one. */
  uint64_t until, epoch;
  uint8_t curve_key[CURVE_KEY_SIZE], sign_key[SEAL_PUBLIC_KEY_SIZE];
  uint8_t key_id[SEAL_HASH_SIZE];
  int64_t since_ms; /* when it took over; 0 of the first */
};

struct key_chain {
  char *agent;       /* whose; "": the aggregator's */
  GArray *links;     /* struct key_link, never empty; the last one is the present one */
  GPtrArray *papers; /* GBytes: the sealed KeyChanges, one between two links */
};

struct key_chain *key_chain_new(const char *agent, const uint8_t curve_key[static CURVE_KEY_SIZE],
                                const uint8_t sign_key[static SEAL_PUBLIC_KEY_SIZE]);
/* That of who has these keys, by what stands in their file. NULL and ERROR_CONFIG where that is damaged. */
struct key_chain *key_chain_of(const struct identity *identity, const char *agent, GError **error);
/* Shared by reference count, from then on by reading alone; a copy goes on by itself. */
struct key_chain *key_chain_ref(struct key_chain *chain);
struct key_chain *key_chain_copy(const struct key_chain *chain);
void key_chain_unref(struct key_chain *chain);
CLEANUP_DEFINE(struct key_chain, key_chain_unref)

/* Goes on with a sealed KeyChange. False, and nothing changed, where it is not sealed by the present key, is
 * another's, lacks the new key's consent, goes back behind an earlier change, names a key of before, or is
 * one more than LIMIT_KEY_CHANGES. */
bool key_chain_add(struct key_chain *chain, const uint8_t *sealed, size_t length);
/* Goes on with all of them (GBytes), as they stand beside the keys. False where one does not follow. */
bool key_chain_follow(struct key_chain *chain, const GPtrArray *papers);
/* Those of several papers that are not known yet, in order; papers before the chain's first key are passed
 * over. False where one of them does not follow. */
bool key_chain_extend(struct key_chain *chain, const struct bytes_view *papers, size_t count);

/* Whether this change is one of its papers. */
bool key_chain_knows(const struct key_chain *chain, struct bytes_view paper);

const struct key_link *key_chain_present(const struct key_chain *chain);
/* NULL if it is none of them. */
const struct key_link *key_chain_find(const struct key_chain *chain, const uint8_t key_id[SEAL_HASH_SIZE]);

/* seal_open() with whichever of the keys it claims to be sealed by; SEAL_OTHER_KEY if by none. What that key
 * may seal, `ret_link->until`, is for the caller to compare with what the payload says. */
enum seal_status key_chain_open(const struct key_chain *chain, const uint8_t *sealed, size_t length,
                                enum seal_label label, const uint8_t **ret_payload, size_t *ret_length,
                                uint8_t *ret_hash, const struct key_link **ret_link);

/* Whether this key seals a tree of that size, or a number (epoch 0). */
bool key_link_may_seal(const struct key_link *link, uint64_t epoch, uint64_t size);

/* What the aggregator sealed of a tree; NULL if it is no such thing. A key that was changed and names a later
 * tree is none of its keys: SEAL_OTHER_KEY. `ret_status` (may be NULL): SEAL_OK also of what cannot be
 * decoded. */
struct receipt *key_chain_open_receipt(const struct key_chain *chain, const uint8_t *sealed, size_t length,
                                       enum seal_status *ret_status);
struct signed_head *key_chain_open_head(const struct key_chain *chain, const uint8_t *sealed, size_t length);

/* The sealed KeyChange from `before` to `after`; keys and consent are filled in, the rest is the caller's. */
GByteArray *key_change_seal(const struct identity *before, const struct identity *after,
                            const struct key_change *change);

/* New keys that follow those of `before`, with the papers that lead to them; in memory alone. ERROR_CONFIG
 * where that was done LIMIT_KEY_CHANGES times. */
struct identity *key_change_make(const struct identity *before, const struct key_change *change,
                                 GError **error);

/* Papers as one run of bytes, for storing: each behind its length (4 bytes, the least significant first). */
GBytes *key_papers_pack(const GPtrArray *papers);
/* NULL if it is none. */
GPtrArray *key_papers_unpack(const uint8_t *data, size_t length);

#endif

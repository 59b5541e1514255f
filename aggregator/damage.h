/* What of a store is not what was written: pages, leaves, receipts, the tree, and what follows from leaves.
 * Nothing is changed; the caller holds the folder's lock, and no server runs. */
#ifndef PARKTALLY_AGGREGATOR_DAMAGE_H
#define PARKTALLY_AGGREGATOR_DAMAGE_H

#include "common/key_chain.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum damage_kind {
  DAMAGE_FILE,    /* the store or its log cannot be opened */
  DAMAGE_PAGE,    /* number: of the page; subject: the table or index to which it belongs */
  DAMAGE_LEAF,    /* number: its position; subject: what it was */
  DAMAGE_RECEIPT, /* number: position of its leaf; subject: whose it is */
  DAMAGE_TREE,    /* what proofs are made from; number: of leaves so far */
  DAMAGE_LIST,    /* what stands of a leaf besides it; number: its position */
  DAMAGE_TABLES,  /* subject: a total, report … that is not what the leaves come to */
  DAMAGE_KINDS,
};
/* The kind in a word for programs. */
const char *damage_kind_id(enum damage_kind kind);

struct damage {
  enum damage_kind kind;
  uint64_t number;
  const char *subject; /* "" where it is not known */
  const char *found, *expected;
};
typedef void damage_sink(const struct damage *damage, void *data);
/* One line: where, what was found, what was expected, what follows from it and what mends it. Newly
 * allocated.
 */
char *damage_text(const struct damage *damage);

struct damage_count {
  uint64_t of[DAMAGE_KINDS], all;
  uint64_t leaves; /* that the ledger has */
};

/* Tells every damage. `keys` are those that the city has had. Tables are compared with what the leaves come
 * to only where nothing else is damaged: that takes as long as `rebuild --check`, and `progress` (may be
 * NULL) is called meanwhile. False and `error` where it is not the files that are at fault. */
bool damage_find(const char *folder, const struct key_chain *keys, damage_sink *sink,
                 void (*progress)(uint64_t done, uint64_t all, void *data), void *data,
                 struct damage_count *ret_count, GError **error);

#endif

/* What the files of the repair share. */
#ifndef PARKTALLY_AGGREGATOR_MEND_PRIVATE_H
#define PARKTALLY_AGGREGATOR_MEND_PRIVATE_H

#include "aggregator/heads.h"
#include "aggregator/mend.h"
#include "aggregator/store/salvage.h"
#include "common/key_chain.h"

#define MEND_BESIDE "store.db.new" /* the new store, before it takes the old one's place */

/* Of a position. */
struct mend_leaf {
  uint8_t hash[MERKLE_HASH_SIZE]; /* where it is known */
  bool known;                     /* its row or its receipt says it */
  bool proven;                    /* a signature stands for it */
  bool had;                       /* the leaf is in the new store */
};

struct mend {
  const char *folder;
  char *work, *made; /* folder that the new store is made in; the store */
  const struct identity *identity;
  const struct key_chain *keys; /* that the city has had */
  const struct mend_options *options;
  mend_sink *sink;
  void (*progress)(uint64_t done, uint64_t all, void *data);
  void *data;
  struct store *old; /* NULL: SQLite cannot open it */
  struct store *new;
  bool begun;        /* a transaction of the new one */
  GArray *leaves;    /* struct mend_leaf */
  bool sized;        /* it is certain that there are no more */
  GHashTable *names; /* position → what a leaf was, where only its receipt tells */
  struct heads *heads;
  unsigned unsaved;
  struct mend_result result;
};

static inline struct mend_leaf *mend_leaf(struct mend *mend, uint64_t position)
{
  return &g_array_index(mend->leaves, struct mend_leaf, position);
}

/* Makes room for so many leaves. */
void mend_grow(struct mend *mend, uint64_t size);
/* The sink's; takes the line. */
void mend_tell(struct mend *mend, char *line);
/* Ends the transaction when it has grown, and begins another. */
bool mend_save(struct mend *mend, bool now, GError **error);
/* Puts the body if it has the hash that is known, or none is known and it can be read as a leaf. */
bool mend_put(struct mend *mend, uint64_t position, const uint8_t *data, size_t length);
/* What a receipt says, if the city signed it, of leaf and heads. NULL if it did not. */
struct receipt *mend_hear_receipt(struct mend *mend, const uint8_t *sealed, size_t length);
/* Whether anything is missing: leaves, or receipts of those that are there. */
bool mend_lacks(struct mend *mend);
/* What the leaf was; newly allocated, never empty. */
char *mend_name(struct mend *mend, uint64_t position);
/* Receipts that are nowhere, in the store of a folder that was rebuilt. */
bool mend_sign_receipts(struct mend *mend, const char *folder, GError **error);

/* mend_old.c: what the old store gives; what stands in its pages. */
bool mend_take_old(struct mend *mend, GError **error);
bool mend_take_pages(struct mend *mend, GError **error);
/* Receipts of the old store whose leaves came from elsewhere. */
bool mend_take_receipts(struct mend *mend, GError **error);

/* mend_file.c: what a backup or an export gives. */
bool mend_take_file(struct mend *mend, const char *path, GError **error);

/* mend_give_up.c: makes the store of the leaves before `hole`, in a folder within the work folder, whose name
 * is newly allocated, and sets aside what is behind it. */
bool mend_give_up(struct mend *mend, uint64_t hole, char **ret_folder, GError **error);
/* What a kill, or a run, left of it. */
void mend_give_up_remove(const char *work);

#endif

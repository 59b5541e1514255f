/* A whole store out of what is good in a damaged one, and out of backups and exports.
 *
 * Everything follows from leaves, so the new store is made from leaves: those that the old store gives, those
 * that only stand in its pages any more, those of the files that were named; each only with the hash that its
 * row, a signed receipt or a signed head says, and all of them together only if they come to every head that
 * is known. Receipts are taken where they are found, and signed anew where they are not. Tables follow by a
 * replay.
 *
 * Where leaves cannot be had from anywhere, the ledger ends before the first of them, and goes on there as
 * after a restore: in a new epoch, in which parks send again what it lacks. What parks had sealed behind that
 * leaf is also set aside in a file, for `import`.
 *
 * All is made in a folder of its own beside the store (MEND_WORK), which a next run begins anew; a kill at
 * any moment leaves the old store or the new one in its place. */
#ifndef PARKTALLY_AGGREGATOR_MEND_H
#define PARKTALLY_AGGREGATOR_MEND_H

#include "common/identity.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define MEND_WORK "repair.new" /* within the data folder */

struct mend_options {
  const char *const *files; /* backups and exports, ended by NULL; or NULL */
  bool give_up;             /* what cannot be had is given up */
  const char *by, *reason;  /* of the epoch that begins then */
};

struct mend_result {
  uint64_t leaves;          /* of the new store */
  uint64_t fetched, carved; /* from files; out of pages that SQLite cannot read */
  uint64_t signed_anew;     /* receipts */
  uint64_t lost;            /* leaves that cannot be had */
  char *aside;              /* the old store */
  /* Where something was given up, else NULL: */
  char *satchel; /* what is for `import`; NULL also where there is nothing */
  char *notes;   /* a text: what was told of lost leaves, and of acts that are to be done again */
  uint64_t set_aside;
};
void mend_result_clear(struct mend_result *result);

typedef void mend_sink(const char *line, void *data);

/* The caller holds the folder's lock, and no server runs. `sink` is given what people should know: files that
 * are no good, each leaf that cannot be had, each act behind it. ERROR_DATA, and nothing was changed, where
 * leaves cannot be had and are not given up; they were told. `progress` may be NULL. */
bool mend(const char *folder, const struct identity *identity, const struct mend_options *options,
          mend_sink *sink, void (*progress)(uint64_t done, uint64_t all, void *data), void *data,
          struct mend_result *ret_result, GError **error);

/* Removes what an interrupted run left in the folder; false if there was nothing. */
bool mend_clear(const char *folder);

#endif

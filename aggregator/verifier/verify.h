/* A verification from its beginning to its end. */
#ifndef PARKTALLY_VERIFIER_VERIFY_H
#define PARKTALLY_VERIFIER_VERIFY_H

#include "aggregator/verifier/faults.h"
#include "aggregator/verifier/keys.h"
#include "aggregator/verifier/published.h"
#include "aggregator/verifier/rebuilt.h"
#include "aggregator/verifier/receipts.h"
#include "aggregator/verifier/tree.h"

#include <stdio.h>

struct verification {
  struct faults *faults;
  struct keys keys; /* of the ledger; none where it does not begin as it should */
  struct tree tree;
  struct rebuilt *rebuilt;
  struct published *published;
  struct receipts *receipts;
  uint8_t key[SEAL_HASH_SIZE]; /* that must be one of these, or its key id */
  bool has_key;
  uint64_t totals;   /* lines that were compared */
  bool is_backup;    /* which has receipts, and no totals */
  struct leaf *leaf; /* the last one */
  struct said said;  /* by it, */
  bool sent;         /* if anybody did */
};

struct verification *verification_new(void);
void verification_free(struct verification *verification);
CLEANUP_DEFINE(struct verification, verification_free)

/* What is compared with: a sealed head of before; the key or key id as hex; receipts go into `receipts`. */
bool verification_set_key(struct verification *verification, const char *hex);
/* The text of a head, or a file that has it. False and the error if it is neither. */
bool verification_add_head(struct verification *verification, const char *text, GError **error);

/* Reads the file twice, which stays the caller's. False if it cannot be read or read again. */
bool verification_run(struct verification *verification, FILE *file);

#endif

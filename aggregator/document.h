/* Documents that agents fetch: the catalogue and the register of their area, each with a sealed manifest, in
 * chunks.
 *
 * Made when first asked for after a change, and kept until they are replaced. For one thread. */
#ifndef PARKTALLY_AGGREGATOR_DOCUMENT_H
#define PARKTALLY_AGGREGATOR_DOCUMENT_H

#include "aggregator/snapshot.h"
#include "common/cleanup.h"
#include "common/codec.h"
#include "common/identity.h"

#include <glib.h>

struct document {
  enum document_kind kind;
  char *area; /* of a register; "" of the catalogue */
  uint8_t hash[SEAL_HASH_SIZE];
  GBytes *data;
  GBytes *manifest; /* sealed */
};

struct documents;
/* The identity seals and must outlive them. */
struct documents *documents_new(const struct identity *identity);
void documents_free(struct documents *documents);
CLEANUP_DEFINE(struct documents, documents_free)

/* The document in force; belongs to `documents` and lives until the next call with another snapshot. */
const struct document *documents_catalogue(struct documents *documents, struct snapshot *snapshot);
const struct document *documents_register(struct documents *documents, struct snapshot *snapshot,
                                          const char *area);

#endif

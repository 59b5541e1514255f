/* Documents that agents fetch: the catalogue and the register of their area, each with a sealed manifest, in
 * chunks.
 *
 * What takes long is done by threads of its own. The hash of a register's document, which every greeting
 * asks for, is worked out for all areas that have agents as soon as a register or catalogue is new; the
 * document itself when somebody asks for it. Both are kept until they are replaced. What is not there yet is
 * NULL: whoever asked does so again once documents_update() is true.
 *
 * For one thread. */
#ifndef PARKTALLY_AGGREGATOR_DOCUMENT_H
#define PARKTALLY_AGGREGATOR_DOCUMENT_H

#include "aggregator/snapshot.h"
#include "common/cleanup.h"
#include "common/codec.h"
#include "common/identity.h"

#include <glib.h>
#include <stdbool.h>

struct document {
  enum document_kind kind;
  char *area; /* of a register; "" of the catalogue */
  uint8_t hash[SEAL_HASH_SIZE];
  GBytes *data;
  GBytes *manifest; /* sealed */
};

struct documents;
/* The identity seals and must outlive them. `made` is called in another thread whenever there is something
 * for documents_update(). */
struct documents *documents_new(const struct identity *identity, void (*made)(void *data), void *data);
/* Waits for what is being made; `made` is not called from then on. */
void documents_free(struct documents *documents);
CLEANUP_DEFINE(struct documents, documents_free)

/* Begins with what greetings under this snapshot will ask for. The other calls do so too. */
void documents_prepare(struct documents *documents, struct snapshot *snapshot);

/* Takes in what was made. True if there was anything. */
bool documents_update(struct documents *documents);

/* The hash of the register's document, SEAL_HASH_SIZE bytes; the catalogue's is known without. */
const uint8_t *documents_register_hash(struct documents *documents, struct snapshot *snapshot,
                                       const char *area);

/* The document in force; of the catalogue whatever the area is. It and the hash belong to `documents` and
 * live until the next call of whichever function. */
const struct document *documents_get(struct documents *documents, struct snapshot *snapshot,
                                     enum document_kind kind, const char *area);

#endif

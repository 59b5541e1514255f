/* An export in memory, made from a store, that a test may change before it is written; and what the verifier
 * says. */
#ifndef PARKTALLY_TESTS_VERIFIER_FIXTURE_EXPORT_H
#define PARKTALLY_TESTS_VERIFIER_FIXTURE_EXPORT_H

#include "aggregator/store/store.h"
#include "aggregator/verifier/verify.h"
#include "common/identity.h"

#include <glib.h>

struct fixture_export {
  GPtrArray *leaves; /* of GBytes */
  GPtrArray *lines;  /* of char *, with their line feed */
};

/* Of the store's moment. */
void fixture_export_read(struct fixture_export *export, struct store *store);
void fixture_export_clear(struct fixture_export *export);

/* The sealed head of the first `size` leaves. */
GBytes *fixture_export_head(const struct fixture_export *export, const struct identity *identity,
                            uint64_t size);

/* The file, its tree and its head made anew. */
GByteArray *fixture_export_write(const struct fixture_export *export, const struct identity *identity);

/* Runs it over these bytes. */
void fixture_verify(struct verification *verification, const GByteArray *bytes);

/* The faults, a line each. */
char *fixture_faults(const struct verification *verification);

#endif

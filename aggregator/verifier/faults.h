/* What is found to be wrong, in the order in which it was found. */
#ifndef PARKTALLY_VERIFIER_FAULTS_H
#define PARKTALLY_VERIFIER_FAULTS_H

#include "common/cleanup.h"

#include <glib.h>
#include <stdint.h>

#define NO_LEAF UINT64_MAX /* it is not about a leaf */

struct faults {
  uint64_t count;   /* all of them */
  GPtrArray *lines; /* of char *: the first LIMIT_MISTAKES */
};

struct faults *faults_new(void);
void faults_free(struct faults *faults);
CLEANUP_DEFINE(struct faults, faults_free)

/* The sentence is translated by the caller: what was found, what was expected. */
void faults_add(struct faults *faults, uint64_t leaf, const char *format, ...) G_GNUC_PRINTF(3, 4);

#endif

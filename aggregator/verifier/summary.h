/* What an auditor reads at the end. */
#ifndef PARKTALLY_VERIFIER_SUMMARY_H
#define PARKTALLY_VERIFIER_SUMMARY_H

#include "aggregator/verifier/verify.h"

#include <stdbool.h>

/* To standard output: as text for people in their language, or as JSON for programs. */
void summary_print(const struct verification *verification, const char *file, bool json);

#endif

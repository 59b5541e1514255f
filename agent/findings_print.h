/* Findings on a terminal or in a pipe: a line each for people, a JSON object each for programs. */
#ifndef PARKTALLY_AGENT_FINDINGS_PRINT_H
#define PARKTALLY_AGENT_FINDINGS_PRINT_H

#include "agent/reading.h"
#include "common/finding.h"

#include <stdbool.h>
#include <stdio.h>

struct findings_printer {
  FILE *stream;
  bool json;
};

/* A finding_sink; `data` is a struct findings_printer. */
void findings_print(const struct finding *finding, void *data);

/* What came of a file: "may.csv: 120 units, 118 good, 2 refused". `form` may be NULL. */
void findings_print_summary(const struct findings_printer *printer, const char *file, const char *form,
                            const struct reading_result *result);

#endif

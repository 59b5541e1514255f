/* What the targets hold the code against. */
#ifndef PARKTALLY_TESTS_FUZZ_CHECK_H
#define PARKTALLY_TESTS_FUZZ_CHECK_H

#include "common/finding.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                                     \
  do {                                                                                                       \
    if (!(condition)) {                                                                                      \
      fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                         \
      abort();                                                                                               \
    }                                                                                                        \
  } while (0)

/* A sink: counts findings by severity in a `unsigned [3]`; what is said must be a line that can be shown. */
static inline void check_finding(const struct finding *finding, void *data)
{
  g_autofree char *line = finding_format(finding);
  CHECK(line[0] != '\0' && g_utf8_validate(line, -1, NULL));
  ((unsigned *)data)[finding_severity(finding->code)]++;
}

/* Whoever refuses says why; whoever does not says nothing. */
static inline void check_error(bool success, const GError *error)
{
  CHECK(success == (error == NULL));
  if (error) CHECK(error->message[0] != '\0' && g_utf8_validate(error->message, -1, NULL));
}

#endif

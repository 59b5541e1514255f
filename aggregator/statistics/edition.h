/* An edition (版次): the totals of one form and period as they left the bureau. It says what it rests on and
 * how it was protected, and holds what is published alone: of what is withheld it says only why.
 *
 * It is kept and sealed as a JSON text (proto/README.md describes it), which has all names in it, so that
 * nothing that is changed later touches it. Pure: no I/O. */
#ifndef PARKTALLY_AGGREGATOR_STATISTICS_EDITION_H
#define PARKTALLY_AGGREGATOR_STATISTICS_EDITION_H

#include "aggregator/statistics/disclose.h"
#include "common/cleanup.h"
#include "common/text.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* As the letter by which statisticians know it. */
enum edition_vintage {
  EDITION_PROVISIONAL = 'P', /* the period took reports still */
  EDITION_FINAL = 'F',       /* the first one after it was closed */
  EDITION_REVISED = 'R',     /* any one after that */
};

struct edition_item { /* an area, a slice */
  char *code;
  struct label name; /* of EDITION_OVERLAP empty */
};
#define EDITION_OVERLAP "overlap" /* goes for a slice: units that several parts of an area count */

/* What is counted: a column of the form, or a number of units. */
struct edition_column {
  char *code;        /* output.ytd; EDITION_REPORTED, EDITION_EXPECTED */
  char *indicator;   /* output; "" of numbers of units */
  char *variant;     /* "", ".ytd", ".ly", ".ytd_ly" */
  struct label name; /* of the indicator; of numbers of units empty */
  char *measure;
  unsigned decimals;
};
#define EDITION_REPORTED "units_reported"
#define EDITION_EXPECTED "units_expected"

/* Is worked out from two columns where both are published: numerator × scale ÷ denominator. */
struct edition_ratio {
  char *code;
  struct label name;
  char *measure;
  unsigned decimals;
  char *numerator, *denominator; /* indicators */
  int64_t scale;
};

struct edition_cell {
  unsigned area, slice, column; /* indexes below */
  char status;                  /* CONF_STATUS: F published, A, O, T or D withheld */
  char *value;                  /* a decimal; NULL: withheld */
};

struct edition {
  uint64_t number; /* from 1 */
  enum edition_vintage vintage;
  char *zone; /* code of the catalogue */
  struct label zone_name;
  char *form;
  struct label form_name;
  char *period;     /* canonical (period.h) */
  uint64_t leaves;  /* of the ledger, on which it rests, … */
  char *root;       /* … their tree's head, hex, … */
  int64_t as_of_ms; /* … and the recorded time of the last of them */
  char *catalogue;  /* hash, hex */
  char *by, *reason;
  int64_t expected, missing; /* units that owe a report, and those of them that gave none */
  int64_t inquiries;         /* open or answered and not accepted */
  struct disclose_rules rules;
  GArray *areas, *slices; /* struct edition_item */
  GArray *columns;        /* struct edition_column */
  GArray *ratios;         /* struct edition_ratio */
  GArray *cells;          /* struct edition_cell, by area, slice, column */
};

/* With empty arrays, which own what they hold, and no texts. */
struct edition *edition_new(void);
void edition_free(struct edition *edition);
CLEANUP_DEFINE(struct edition, edition_free)

/* As it is sealed: the same of the same edition. */
char *edition_write(const struct edition *edition);
/* NULL and ERROR_DATA if it is none. */
struct edition *edition_read(const char *text, size_t length, GError **error);

/* The cell, or NULL if there is none: nobody reported there. */
const struct edition_cell *edition_cell(const struct edition *edition, unsigned area, unsigned slice,
                                        unsigned column);

/* How many cells are published. */
size_t edition_published(const struct edition *edition);

#endif

/* The text of an edition (proto/README.md, "Editions"), which is read here by itself. */
#ifndef PARKTALLY_VERIFIER_EDITION_TEXT_H
#define PARKTALLY_VERIFIER_EDITION_TEXT_H

#include "common/cleanup.h"
#include "common/codec.h"
#include "common/period.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct text_column {
  char *code, *measure;
  int64_t decimals;
};

struct text_cell {
  int64_t area, slice, column; /* places in the lists */
  char status;
  char *value; /* NULL: withheld */
};

struct edition_text {
  uint64_t number, leaves;
  int64_t as_of_ms;
  char *vintage, *form, *root, *catalogue;
  struct period period;
  GPtrArray *areas, *slices; /* of char *: codes */
  GArray *columns;           /* struct text_column */
  GArray *cells;             /* struct text_cell, ascending, each in the lists */
};

/* NULL if it is none. */
struct edition_text *edition_text_read(struct bytes_view payload);
void edition_text_free(struct edition_text *text);
CLEANUP_DEFINE(struct edition_text, edition_text_free)

#endif

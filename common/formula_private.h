/* A compiled formula, between its compiler (formula_compile.c) and formula.c. Nobody else includes it. */
#ifndef PARKTALLY_COMMON_FORMULA_PRIVATE_H
#define PARKTALLY_COMMON_FORMULA_PRIVATE_H

#include "common/formula.h"

#include <glib.h>

#define FORMULA_MONTH (-1) /* as a column: the period's last month */

/* A figure times a number. */
struct formula_term {
  enum formula_tense tense;
  int column;
  bool right;     /* stands right of the comparison; its factor has changed sign */
  unsigned group; /* 0: it must be there; else of the sum() of that number, of which one must be */
  int64_t factor; /* brings the figure to the comparison's decimals */
};

enum formula_kind {
  FORMULA_OR,
  FORMULA_AND,
  FORMULA_NOT, /* of `first` */
  FORMULA_IF,  /* `first` then `second` */
  /* terms [from, to) and the constants add up to less, more, … than nothing */
  FORMULA_EQUAL,
  FORMULA_UNEQUAL,
  FORMULA_LESS,
  FORMULA_AT_MOST,
  FORMULA_MORE,
  FORMULA_AT_LEAST,
  /* so many of the terms [from, to) are there */
  FORMULA_ALL,
  FORMULA_ANY,
  FORMULA_ONE,
  FORMULA_NONE,
};

struct formula_node {
  enum formula_kind kind;
  unsigned first, second; /* nodes */
  unsigned from, to;      /* terms */
  unsigned decimals;      /* of a comparison's sums */
  int128 left, right;     /* its numbers; that on the right has changed sign */
  int128 tolerance;       /* within */
};

struct formula {
  GArray *nodes; /* of struct formula_node; children stand before their parents, the root is the last */
  GArray *terms; /* of struct formula_term */
  bool looks_at[TENSE_COUNT];
};

#endif

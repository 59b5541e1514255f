/* What the parts of read_edition share: who is where, and which families their reports add to
 * (read_edition_families.c), and what they contribute (read_edition.c). */
#ifndef PARKTALLY_AGGREGATOR_READ_EDITION_PRIVATE_H
#define PARKTALLY_AGGREGATOR_READ_EDITION_PRIVATE_H

#include "aggregator/read_edition.h"
#include "aggregator/read_private.h"

/* Where the figures of a tree of areas stand. */
struct tree {
  int root;
  bool *asked;             /* by figure: its reports say it directly */
  struct plan_part *parts; /* by figure */
};

struct member {
  int64_t membership;
  uint64_t slices; /* bits */
  GArray *areas;   /* of int */
  unsigned atom;   /* family */
  GArray *sums;    /* struct family_part, whose `atom` is the family to which the atom adds */
};

struct gathering {
  struct reader *reader;
  struct edition_source *source;
  size_t most;
  int64_t book;
  GArray *trees;       /* struct tree */
  int *tree_of;        /* by area */
  GHashTable *members; /* membership → struct member */
  GHashTable *several; /* legal entities with more than one unit in the register */
  GHashTable *parents; /* of them: entity → struct parent */
  /* Of one parent, by family × figure. */
  int128 *sums;
  bool *seen;
  GArray *touched; /* families */
};

void edition_member_free(void *member);

/* Which memberships the book's reports have, which families there are, and to which of them each adds. */
void edition_find_families(struct gathering *gathering);

#endif

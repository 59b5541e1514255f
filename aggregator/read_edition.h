/* What an edition is made of: every total of a form's period by area and slice, and who contributes to it, so
 * that disclosure control can judge it. Units that belong to the same areas and slices are an atom: each
 * total is a sum of atoms, and whatever can be worked out from totals can be said of atoms. */
#ifndef PARKTALLY_AGGREGATOR_READ_EDITION_H
#define PARKTALLY_AGGREGATOR_READ_EDITION_H

#include "aggregator/read.h"
#include "aggregator/statistics/disclose.h"

/* Units whose figures are added up. */
enum family_kind {
  FAMILY_TOTAL,   /* those of area × slice */
  FAMILY_OVERLAP, /* of an area with parts: Σ parts − own, what parts count besides */
  FAMILY_REST,    /* those of a slice that are not in another one within it: their difference */
  FAMILY_ATOM,    /* those of one membership */
};

/* Of which it is a sum. */
struct family_part {
  unsigned atom; /* family */
  int64_t times;
};

struct family {
  enum family_kind kind;
  int area, slice;  /* of what is no atom; an overlap is of the slice “all”, 0 */
  int less;         /* FAMILY_REST: the slice within */
  char *membership; /* FAMILY_ATOM: its areas and slices, the same text in every edition; else NULL */
  int64_t reported; /* units */
  int64_t expected; /* FAMILY_TOTAL */
  GArray *parts;    /* struct family_part, of what is no atom; else NULL */
};

/* A column of the form that is published. */
struct edition_figure {
  int column;           /* of the form */
  bool negative;        /* may be */
  enum variant variant; /* of its indicator */
  int indicator;
};

struct edition_total {
  bool defined; /* anybody reported it; else the rest is 0 */
  int128 value, magnitude;
  int64_t parents;
  GArray *shares; /* struct disclose_share as disclose.h wants them; NULL if there are none */
};

struct edition_source {
  struct catalogue *catalogue; /* of then; a reference */
  int form;
  struct period period;
  uint64_t leaves;
  GArray *figures;              /* struct edition_figure */
  GArray *families;             /* struct family: totals by area, then slice; overlaps; atoms; rests */
  struct edition_total *totals; /* family × figures->len + figure */
};

/* Of the reader's moment, after so many leaves. `most` is the number of a cell's largest contributors that
 * rules ask for. Whoever consents has the catalogue's flag for it. NULL and the store's error, or ERROR_DATA
 * where the form is not in the catalogue or what the reports come to is not what the cells say. Within a
 * transaction. */
struct edition_source *reader_edition(struct reader *reader, const char *form, struct period period,
                                      uint64_t leaves, size_t most, GError **error);
void edition_source_free(struct edition_source *source);
CLEANUP_DEFINE(struct edition_source, edition_source_free)

static inline const struct edition_total *edition_source_total(const struct edition_source *source,
                                                               size_t family, size_t figure)
{
  return &source->totals[family * source->figures->len + figure];
}

#endif

/* Disclosure control: which cells of a table may leave the bureau, so that no single enterprise is told by
 * them, nor by what follows from them.
 *
 * A table is cells, and relations that hold between the true cells and that everybody knows. First the
 * primary rules find cells that tell of too few. Then further cells are withheld until, for each primary
 * cell, the table can be moved so far that nobody could tell: a *move* changes withheld cells alone, keeps
 * all relations and all that is published, and takes the cell from its true value to both ends of its
 * protection interval. A move is checked in exact integers. Only where none of few cells is found, a linear
 * programme (GLPK) looks for one of many, and what it says counts only with a margin.
 *
 * What an attacker is taken to know: all that is published; every relation; that an amount or a count is not
 * below 0; of a signed cell, that it lies within `known_percent` of the magnitudes that it is summed from;
 * and, if it is the only parent in some cells, those too (then, what is protected from it is what it does not
 * contribute).
 *
 * All of it computes and blocks; no call keeps anything; the same table gives the same pattern. One table is
 * for one thread. */
#ifndef PARKTALLY_AGGREGATOR_STATISTICS_DISCLOSE_H
#define PARKTALLY_AGGREGATOR_STATISTICS_DISCLOSE_H

#include "common/cleanup.h"
#include "common/decimal.h"

#include <glib.h>

struct disclose_rules {
  int threshold;         /* a cell of fewer parents is withheld */
  int dominant, percent; /* (n, k): withheld if the n largest hold over k % */
  int close_percent;     /* p: withheld if total − x1 − x2 < p % of x1 */
  int range_percent;     /* how wide a cell of few parents is protected: ± so much of its magnitude */
  int known_percent;     /* what is known of signed cells beforehand: ± so much of their magnitude */
};

/* (3; 2, 85; 10), ± 20 % for few, ± 100 % known. */
extern const struct disclose_rules DISCLOSE_RULES;

enum disclose_kind {
  DISCLOSE_AMOUNT, /* never below 0 */
  DISCLOSE_SIGNED, /* may be negative: rules are asked of the magnitudes of its contributions */
  DISCLOSE_COUNT,  /* of units or other things: withheld alone where 0 < count < threshold; 0 names nobody */
};

/* What one parent (legal entity) contributes. */
struct disclose_share {
  uint64_t parent;
  int128 value;
  bool consents; /* in writing (书面同意) */
};

struct disclose_cell {
  enum disclose_kind kind;
  int128 value;     /* scaled by the indicator's decimals; below LIMIT_DISCLOSE_VALUE in magnitude */
  int64_t parents;  /* that contribute; a cell of none is known to be 0 */
  int128 magnitude; /* Σ |contribution of each parent| */
  /* The largest by magnitude, largest first: all that consent, and of the others as many as the rules ask
   * (`dominant`, at least 2), or all. Not used for counts. Read by disclose_table_cell() alone. */
  const struct disclose_share *shares;
  size_t share_count;
  int64_t weight; /* what is lost with it, from 1; margins are dear */
  unsigned group; /* a row or column that may be withheld whole (coarsening), from 1; 0: none */
  bool kept;      /* lost only where coarsening does not help: the zone's total */
  bool known;     /* to everybody: published before */
  bool unprinted; /* is not published anyhow, so it is withheld at no loss */
  bool is_part;   /* is not published, nor protected: only others are sums of it */
};

struct disclose_term {
  size_t cell;
  int64_t coefficient;
};

/* An open end of a relation. */
#define DISCLOSE_NO_LEAST (-((int128)1 << 126))
#define DISCLOSE_NO_MOST ((int128)1 << 126)

enum disclose_standing {
  DISCLOSE_STANDS, /* is known whatever is withheld: a margin, cumulative = Σ months, a figure that is out */
  DISCLOSE_FOLLOWS /* is known by a figure that this edition withholds with any of its cells: ratio, growth */
};

struct disclose_table;
struct disclose_table *disclose_table_new(void);
void disclose_table_free(struct disclose_table *table);
CLEANUP_DEFINE(struct disclose_table, disclose_table_free)

/* Adds a cell; returns its number, from 0. */
size_t disclose_table_cell(struct disclose_table *table, const struct disclose_cell *cell);

/* least ≤ Σ coefficient × cell ≤ most; returns its number, from 0. Each cell stands once in it. */
size_t disclose_table_relation(struct disclose_table *table, const struct disclose_term *terms, size_t count,
                               int128 least, int128 most, enum disclose_standing standing);

/* Σ parts − overlap = sum; `overlap` is SIZE_MAX where there is no such line. */
size_t disclose_table_sum(struct disclose_table *table, size_t sum, const size_t *parts, size_t count,
                          size_t overlap);

/* scale × numerator ÷ denominator was published as `ratio` at `decimals`, rounded half away from zero. For
 * growth: (1 + growth) × base, so scale 100 and ratio 100 + growth in percent. The denominator is above 0.
 * Adds the two relations that follow; returns the first's number. */
size_t disclose_table_ratio(struct disclose_table *table, size_t numerator, size_t denominator, int64_t scale,
                            int64_t ratio, unsigned decimals, enum disclose_standing standing);

enum disclose_status {
  DISCLOSE_PUBLISHED,
  DISCLOSE_FEW,       /* primary: fewer parents than the threshold */
  DISCLOSE_ONE,       /* primary: one parent alone over k % */
  DISCLOSE_SEVERAL,   /* primary: the n largest over k % */
  DISCLOSE_CLOSE,     /* primary: the second largest could tell the largest within p % */
  DISCLOSE_SECONDARY, /* so that no primary follows */
  DISCLOSE_COARSENED, /* with its whole row or column */
};

/* SDMX's CONF_STATUS: F, A, O, T or D. */
char disclose_conf_status(enum disclose_status status);

enum disclose_proof {
  DISCLOSE_NONE,         /* published; or withheld with its row, and nothing is shown of it */
  DISCLOSE_BY_MOVE,      /* exact */
  DISCLOSE_BY_PROGRAMME, /* GLPK's word, with a margin */
  DISCLOSE_UNPROTECTED,  /* a primary cell that follows from what is known: the table must not leave */
};

struct disclose_outcome {
  enum disclose_status status;
  enum disclose_proof proof;
  int128 need_down, need_up; /* the protection interval is value − need_down … value + need_up */
  int128 least, most; /* shown: an attacker's interval is at least so wide. Of a published cell, its value. */
};

struct disclose_pattern {
  struct disclose_outcome *cells;
  size_t cell_count;
  bool *withheld; /* by relation: of those that follow, whether their figure is withheld with a cell */
  size_t relation_count;
  size_t primary, secondary, coarsened, unprotected; /* cells */
  size_t programmes;                                 /* linear programmes solved */
  int128 lost;                                       /* Σ weight of secondary and coarsened cells */
};

void disclose_pattern_free(struct disclose_pattern *pattern);
CLEANUP_DEFINE(struct disclose_pattern, disclose_pattern_free)

/* NULL, with ERROR_DATA where a relation does not hold between the true values or the table makes no sense,
 * ERROR_UNAVAILABLE where it is over a limit. A cell that cannot be protected is no error but named in the
 * pattern. */
struct disclose_pattern *disclose_protect(const struct disclose_table *table,
                                          const struct disclose_rules *rules, GError **error);

/* The whole interval that an attacker finds for a withheld cell, by two fresh linear programmes: slow, for a
 * second opinion. `attacker` is a parent, who knows the cells where it is alone; NULL: the public. False
 * where GLPK gave up. */
bool disclose_interval(const struct disclose_table *table, const struct disclose_rules *rules,
                       const struct disclose_pattern *pattern, size_t cell, const uint64_t *attacker,
                       double *ret_least, double *ret_most);

#endif

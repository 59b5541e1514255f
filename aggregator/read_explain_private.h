/* What the parts of read_explain share. */
#ifndef PARKTALLY_AGGREGATOR_READ_EXPLAIN_PRIVATE_H
#define PARKTALLY_AGGREGATOR_READ_EXPLAIN_PRIVATE_H

#include "aggregator/read_explain.h"
#include "aggregator/read_private.h"

enum moment_side { BEFORE, AFTER, SIDES };
enum { BOOKS_MOST = 2 * 12 }; /* of both plans */

/* One of the two moments. */
struct side {
  struct past *past; /* NULL: nothing */
  struct reader *reader;
  const struct catalogue *catalogue;      /* NULL: none */
  const struct unit_register *units;      /* NULL: none */
  int area, slice, indicator;             /* in its catalogue; CATALOGUE_NONE: not there */
  struct plan plan;                       /* form CATALOGUE_NONE: none at either moment */
  const struct catalogue *plan_catalogue; /* what its form is a number in: where nothing was reported it is
                                             the other moment's */
  struct total total;
};

struct explaining {
  struct store *store;
  const struct explained *asked;
  struct explain *explain;
  struct side side[SIDES];
  struct memberships *memberships;
  struct membership_lookup *lookup[SIDES][SIDES]; /* of the register and the catalogue of these sides */
  size_t book_count;
  struct explained_book {
    int64_t book;
    struct period period;
  } books[BOOKS_MOST];
};

/* A unit's reports of both moments in the books of the plans. */
struct unit_state {
  const char *unit;
  const struct past_unit *at[BOOKS_MOST][SIDES];         /* NULL: no reports */
  const struct unit_version *version[BOOKS_MOST][SIDES]; /* NULL: none */
};

/* What catalogue, register, reports and columns are taken: of which side each. */
struct situation {
  enum moment_side catalogue, units, columns;
  uint32_t new_reports; /* bit n: of book n those of after */
};

/* From first to last: each differs from the one before by one cause; the reports all at once. */
#define SITUATIONS 5
extern const struct situation read_explain_situations[SITUATIONS];
extern const enum explain_cause read_explain_causes[SITUATIONS]; /* what made it out of the one before */

/* read_explain_walk.c: what a unit adds. `ret_units` how many reports that is. */
void read_explain_value(const struct explaining *explaining, const struct unit_state *state,
                        const struct situation *situation, int128 *ret_value, int64_t *ret_reports);
/* Each unit that has reports at one of the moments. */
typedef void unit_state_sink(struct explaining *explaining, const struct unit_state *state, void *data);
void read_explain_each_unit(struct explaining *explaining, unit_state_sink *sink, void *data);
/* Whether they are the same revisions. */
bool read_explain_same_reports(const struct past_unit *a, const struct past_unit *b);
/* Whether nothing is another at the moments. */
bool read_explain_is_same(const struct explaining *explaining, const struct unit_state *state);
/* Fills in the report that a line of EXPLAIN_REPORT is about: of this book; BOOKS_MOST: the newest of any. */
void read_explain_name_report(const struct explaining *explaining, const struct unit_state *state,
                              size_t book, struct explain_line *line);

/* read_explain_counts.c: of KIND_COUNT. */
void read_explain_count_reported(struct explaining *explaining);
void read_explain_count_registered(struct explaining *explaining);

#endif

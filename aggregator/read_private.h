/* What the parts of read share: where the figures of an indicator stand (read_plan.c), what is computed from
 * reports rather than from cells (read_months.c, read_counts.c). */
#ifndef PARKTALLY_AGGREGATOR_READ_PRIVATE_H
#define PARKTALLY_AGGREGATOR_READ_PRIVATE_H

#include "aggregator/membership.h"
#include "aggregator/read.h"

struct reader {
  struct store *store;
  struct past *past; /* NULL: the present */
  struct snapshot *snapshot;
  struct catalogue *catalogue;     /* the snapshot's */
  struct memberships *memberships; /* of the past: its own */
  GHashTable *computed;            /* of read_months.c: text → the set of its families */
  GHashTable *contributions;       /* of read_counts.c: text → GArray of contributions, by legal entity */
  GHashTable *compared;            /* of read_compare.c: text → struct comparing */
  GHashTable *plans;               /* of read_plan.c: text → struct plan */
  GHashTable *surveys;             /* of read_coverage.c: text → struct coverage_report */
};

/* As the functions of the store, of the reader's moment. */
bool reader_cell(struct reader *reader, const struct cell_key *key, int128 *ret_total, int64_t *ret_units);
int64_t reader_expected(struct reader *reader, const char *form, const char *area, const char *slice,
                        day_number day);
struct reader_reports; /* a cursor */
struct reader_reports *reader_reports_open(struct reader *reader, int64_t book);
/* Of the present from this unit on, out of a store beside the reader's too; of the past all. */
struct reader_reports *reader_reports_open_at(struct reader *reader, struct store *store, int64_t book,
                                              const char *unit);
/* Lives until the next call. */
const struct stored_report *reader_reports_next(struct reader_reports *reports);
void reader_reports_close(struct reader_reports *reports);

/* Which figures make up a total. It is settled once for a whole tree of areas, by what was reported anywhere
 * in it: parts that were computed in different ways would not add up. */
struct plan {
  int form;        /* CATALOGUE_NONE: no form asks for it at such a frequency */
  bool data;       /* anybody in the tree reported it; else `parts` are where it is expected */
  bool difference; /* parts[0] − parts[1], of units that reported both; else the sum of all parts */
  size_t count;
  struct plan_part {
    struct period period;
    int slot;
    int other;       /* the slot that counts for units which left that one blank, or NO_SLOT */
    unsigned months; /* of struct total */
  } parts[12];
};

#define NO_SLOT (-2) /* SLOT_REPORTED is one */

/* This year's columns of the form (x, x.ytd), or its columns of last year (x.ly, x.ytd_ly). */
enum columns { COLUMNS_OF_THIS_YEAR, COLUMNS_OF_LAST_YEAR };

/* For a flow or a stock. */
void reader_plan(struct reader *reader, int area, int indicator, enum columns columns, struct period period,
                 bool cumulative, struct plan *ret_plan);

/* Whether reports of this membership are part of area × slice. */
bool reader_is_member(struct reader *reader, int64_t membership, const char *area, const char *slice);

/* Of reports rather than cells. Adds the units of area × slice to value and reported. */
/* A plan that is a difference. A unit is where the later of its reports is, with the whole. */
void reader_difference(struct reader *reader, const struct plan *plan, const char *area, const char *slice,
                       struct total *total);
/* A part that has another slot. */
void reader_either(struct reader *reader, const struct plan *plan, const struct plan_part *part,
                   const char *area, const char *slice, struct total *total);

/* What a report's figures say for a part; false if nothing. */
bool reader_figure(const struct figures *figures, const struct plan_part *part, int64_t *ret_value);

/* The plan of forms that are more frequent than yearly, for a year that an annual form answers for too. */
void reader_plan_of_months(struct reader *reader, int area, int indicator, struct period period,
                           struct plan *ret_plan);

/* A ratio of two totals; not defined where one is not, or the exact quotient does not fit. */
void reader_divide(const struct catalogue *catalogue, const struct indicator *ratio,
                   const struct total *upper, const struct total *lower, struct total *ret_total);

/* Of a flow or a stock: the reports of a period against those of a base period, in area × slice. */
void reader_compare(struct reader *reader, int area, int slice, int indicator, struct period period,
                    bool cumulative, struct period base, struct comparison *ret_comparison);

/* Of KIND_COUNT. */
void reader_count(struct reader *reader, int area, int slice, int indicator, struct period period,
                  struct total *ret_total);

/* --- the rules of counting --- */

/* Establishments count by the legal entity that they belong to. Another unit is itself, whoever runs it: a
 * company's three incubators are three. */
const char *count_entity(const struct catalogue *catalogue, const struct unit_version *version);
/* By the register: whether its nth version is in force on that day, satisfies the condition, and is part of
 * area × slice. */
bool count_has(const struct catalogue *catalogue, const struct unit_register *units, size_t n,
               const struct indicator *indicator, day_number day, const char *area, const char *slice);
/* By figures: whether a unit's figure is its entity's. A legal entity is of a class by itself; its plants,
 * which are of another, add to its figure. */
bool count_takes(const struct catalogue *catalogue, const struct unit_register *units,
                 const struct indicator *indicator, const struct unit_version *version, struct period period);
bool count_is_in_tier(const struct indicator *indicator, int128 sum);

#endif

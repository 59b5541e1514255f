/* A slow and obvious reckoning of what a small city comes to: what DOMAIN says of reports (§3, §4), in
 * loops over all units and all reports, with nothing kept that could be counted again, and nothing taken from
 * the program. test_reference.c holds the program against it.
 *
 * A city is what happened to it, one event after another; reference_apply() says what each does. All answers
 * are worked out from the reports and versions of units that are there then. */
#ifndef PARKTALLY_TESTS_AGGREGATOR_REFERENCE_H
#define PARKTALLY_TESTS_AGGREGATOR_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>

__extension__ typedef __int128 reference_sum;

enum {
  REFERENCE_UNITS = 12,
  REFERENCE_PARKS = 3,
  REFERENCE_YEARS = 2,
  REFERENCE_FIRST_YEAR = 2017,
  REFERENCE_COLUMNS = 7,
  REFERENCE_VERSIONS = 48, /* of a unit */
  REFERENCE_SUBMISSIONS = 256,
  REFERENCE_WAITING = 1024,
  REFERENCE_NONE = -1
};

enum reference_class { REFERENCE_ENTERPRISE, REFERENCE_ESTABLISHMENT, REFERENCE_BY_CODE };
enum reference_status { REFERENCE_OPERATING, REFERENCE_STOPPED, REFERENCE_CLOSED };
enum reference_kind { REFERENCE_FIGURES, REFERENCE_NIL, REFERENCE_WITHDRAWAL };
enum reference_form { REFERENCE_MONTHLY, REFERENCE_FINANCE, REFERENCE_YEARLY, REFERENCE_FORMS };
enum reference_area { REFERENCE_ZONE, REFERENCE_GROUP, REFERENCE_EAST, REFERENCE_WEST, REFERENCE_SOUTH };
enum reference_slice {
  REFERENCE_ALL,
  REFERENCE_CARS,
  REFERENCE_STEEL,
  REFERENCE_ABOVE_SCALE,
  REFERENCE_OUTSIDE,
  REFERENCE_EITHER, /* a set: cars and steel, or those and above scale */
  REFERENCE_SLICES
};
enum { REFERENCE_AREAS = REFERENCE_SOUTH + 1 };
enum reference_indicator {
  REFERENCE_OUTPUT,    /* a flow: months, and those of last year */
  REFERENCE_SALES,     /* a flow: months and cumulative, and those of last year */
  REFERENCE_PROFIT,    /* a flow: cumulative, and that of last year */
  REFERENCE_STAFF,     /* a stock */
  REFERENCE_RESEARCH,  /* a flow of the annual form */
  REFERENCE_BIG,       /* legal entities by their profit, from 1000 or 2000 */
  REFERENCE_SCALED,    /* enterprises above scale, by the register */
  REFERENCE_INTENSITY, /* research ÷ sales × 100 */
  REFERENCE_MULTIPLE,  /* sales ÷ profit × 100, which may be a loss */
  REFERENCE_INDICATORS
};

/* A month, a quarter or a year. */
struct reference_period {
  int year, month, months;
};

/* What a catalogue may say in one of two ways. */
struct reference_rules {
  bool group_is_all;    /* the group counts units outside the boundary too */
  bool steel_is_scaled; /* the slice steel has those above scale alone */
  bool stopped_owe_none;
  bool west_beside_group; /* in the zone, not in the group */
  bool big_from_2000;
  bool finance_from_all;  /* not from those above scale alone */
  bool either_has_scaled; /* the set has three members */
};

/* Dates are two for each month since the year 0: all its days but the last, and that day. */
struct reference_version {
  int from, to;
  unsigned parks; /* bits */
  int reporter;   /* a park, or REFERENCE_NONE */
  bool in_boundary, cars, steel, above_scale;
  enum reference_status status;
  unsigned succeeds; /* units, as bits */
};

/* A report of a submission, by the units' numbers. */
struct reference_report {
  int unit;
  enum reference_kind kind;
  int base;                           /* the submission that it corrects, or REFERENCE_NONE */
  unsigned asked, present, withdrawn; /* columns, as bits */
  int64_t value[REFERENCE_COLUMNS];
};

struct reference_event {
  enum { REFERENCE_IMPORT, REFERENCE_CATALOGUE, REFERENCE_SUBMISSION } what;
  struct reference_rules rules;
  int count; /* of versions, or of reports */
  int unit[REFERENCE_UNITS];
  struct reference_version version[REFERENCE_UNITS]; /* of these units */
  int submission, park;
  enum reference_form form;
  struct reference_period period;
  struct reference_report report[REFERENCE_UNITS];
};

/* A report as it stands. */
struct reference_current {
  bool exists;
  enum reference_kind kind;
  unsigned present;
  int64_t value[REFERENCE_COLUMNS];
  int submission; /* that holds it */
  int came;       /* when the first of this unit and park did */
};

struct reference_waiting {
  bool waits;
  const struct reference_event *event;
  const struct reference_report *report;
  int came;
};

struct reference_city {
  enum reference_class class[REFERENCE_UNITS];
  int parent[REFERENCE_UNITS]; /* of establishments */
  struct reference_rules rules;
  int version_count[REFERENCE_UNITS];
  struct reference_version version[REFERENCE_UNITS][REFERENCE_VERSIONS]; /* by `from` */
  struct reference_current report[REFERENCE_FORMS][REFERENCE_YEARS][13]  /* 0: of the year */
                                 [REFERENCE_UNITS][REFERENCE_PARKS];
  bool arrived[REFERENCE_SUBMISSIONS];
  int waiting_count, clock;
  struct reference_waiting waiting[REFERENCE_WAITING];
};

/* Events must outlive the city. */
void reference_apply(struct reference_city *city, const struct reference_event *event);

/* Where a unit's figures count. */
struct reference_membership {
  unsigned areas, slices; /* bits */
};
struct reference_membership reference_membership(const struct reference_city *city,
                                                 const struct reference_version *version);
bool reference_is_in(struct reference_membership membership, int area, int slice);
bool reference_is_child(const struct reference_city *city, int child, int area);

/* The version that governs a unit's report for a period, the last one in force on any day of it; NULL if
 * none. */
const struct reference_version *reference_governing(const struct reference_city *city, int unit,
                                                    struct reference_period period);
/* Whether a unit owes a form for a period, and the version by which. */
bool reference_owes(const struct reference_city *city, int unit, int form, struct reference_period period);
const struct reference_version *reference_at_the_end(const struct reference_city *city, int unit,
                                                     struct reference_period period);

/* Whether units of such a status are asked for anything. */
bool reference_is_expected(const struct reference_city *city, const struct reference_version *version);

/* A unit's report that counts, of one form and period; NULL if none does. */
const struct reference_current *reference_counted(const struct reference_city *city, int form,
                                                  struct reference_period period, int unit);
/* The report of a unit by a park, which may not exist. */
const struct reference_current *reference_report_of(const struct reference_city *city, int form,
                                                    struct reference_period period, int unit, int park);

/* --- totals (reference_totals.c) --- */

/* Which figures make up a flow or a stock: the sum of parts, or the first less the second. */
struct reference_parts {
  int form; /* REFERENCE_NONE: no form asks for it at such a frequency */
  bool data, difference;
  int count;
  struct reference_part {
    struct reference_period period;
    int column, other; /* `other` of who left that one blank, or REFERENCE_NONE */
  } part[12];
};
struct reference_parts reference_parts_of(const struct reference_city *city, int indicator, bool last_year,
                                          struct reference_period period, bool cumulative);
bool reference_figure(const struct reference_current *report, const struct reference_part *part,
                      int64_t *ret_value);

struct reference_total {
  bool defined;
  reference_sum value, denominator;
  int64_t reported, expected;
};
struct reference_total reference_total(const struct reference_city *city, int area, int slice, int indicator,
                                       struct reference_period period, bool cumulative);
/* False where there is no line. */
bool reference_overlap(const struct reference_city *city, int area, int slice, int indicator,
                       struct reference_period period, bool cumulative, struct reference_total *ret_overlap);
/* The same of the set of slices. */
bool reference_set_overlap(const struct reference_city *city, int area, int indicator,
                           struct reference_period period, bool cumulative,
                           struct reference_total *ret_overlap);
/* Units that sent a form for a period, nil ones of them, and units that owe it. */
struct reference_standing {
  int64_t reported, nil, owed;
} reference_standing(const struct reference_city *city, int area, int slice, int form,
                     struct reference_period period);

/* --- growth (reference_growth.c) --- */

enum {
  REFERENCE_ENTERED,
  REFERENCE_LEFT,
  REFERENCE_MOVED,
  REFERENCE_NOT_REPORTED,
  REFERENCE_BASE_REVISED,
  REFERENCE_GROWN,
  REFERENCE_CAUSES
};
struct reference_growth {
  reference_sum now, before, published, base, comparable;
  int64_t now_figures, before_figures, published_figures, comparable_figures;
  struct {
    reference_sum value;
    int64_t units;
  } cause[REFERENCE_CAUSES];
};
/* Of a flow or a stock: a period against the same of the year before, or (`previous`, of a month) the one
 * before. */
struct reference_growth reference_growth(const struct reference_city *city, int area, int slice,
                                         int indicator, struct reference_period period, bool cumulative,
                                         bool previous);

#endif

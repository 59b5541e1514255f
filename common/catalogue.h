/* The catalogue (deploy/catalogue/README.md describes the file): areas, unit classes, indicators, forms,
 * rules, clusters, flags, slices, targets, scorecards and growth plans of one zone. Everything that differs
 * from zone to zone is here; nothing of it is code.
 *
 * A compiled catalogue is immutable and shared by reference count between threads. Items refer to each other
 * by index into the arrays below, −1 (CATALOGUE_NONE) for none. Arrays keep the order of the file. Reading
 * does no I/O but the file. */
#ifndef PARKTALLY_COMMON_CATALOGUE_H
#define PARKTALLY_COMMON_CATALOGUE_H

#include "common/cleanup.h"
#include "common/formula.h"
#include "common/limits.h"
#include "common/period.h"
#include "common/text.h"
#include "common/uscc.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define CATALOGUE_NONE (-1)
#define CATALOGUE_HASH_SIZE 32

struct area {
  char *code;
  struct label name;
  int parent;   /* area, or none */
  bool reports; /* units are registered here (a park, a bureau's area); else it only sums up its children */
  bool boundary_only; /* counts only units inside the boundary announcement (四至范围) */
  char *role;         /* free word for people: core, automobile, machinery, zone, city; may be "" */
};

enum id_scheme { ID_USCC, ID_ESTABLISHMENT, ID_CODE };

struct unit_class {
  char *code;
  struct label name;
  enum id_scheme scheme;
};

/* 计量单位. Figures convert between measures of one base, exactly: 万元 = 10000 × 元, 千元 = 1000 × 元. */
struct measure {
  char *code; /* as written in headings: 千元 */
  char *base; /* 元; its own code if it converts to nothing else */
  int64_t factor;
};

enum indicator_kind { KIND_FLOW, KIND_STOCK, KIND_COUNT, KIND_RATIO };
/* Of a flow: which of month and cumulative forms report. Where cumulative is reported it is authoritative. */
enum basis { BASIS_MONTH, BASIS_CUMULATIVE, BASIS_BOTH };

struct indicator {
  char *code;
  struct label name;
  GStrv aliases; /* further headings; may be empty, never NULL */
  int measure;
  unsigned decimals;
  enum indicator_kind kind;
  enum basis basis;    /* flows */
  int64_t least, most; /* inclusive range of a figure, scaled; by default 0 … LIMIT_FIGURE, "negative: true"
                          −LIMIT_FIGURE … */
  /* KIND_COUNT: distinct legal entities (an establishment's parent, others themselves) with a unit of class
   * `count_class` … */
  int count_class;
  int count_flag;      /* … that has this flag in the register at the period's end, or none */
  int count_indicator; /* … or whose cumulative figure of this indicator, summed over its units, is in [from,
                          below) */
  int64_t count_from, count_below; /* scaled; INT64_MAX: no upper bound */
  /* KIND_RATIO: sum of numerator × ratio_scale ÷ sum of denominator, shown with `decimals` */
  int numerator, denominator;
  int64_t ratio_scale; /* 100 for % */
};

/* Which of the columns of an indicator: `x`, `x.ytd`, `x.ly`, `x.ytd_ly`. */
enum variant { VARIANT_PERIOD, VARIANT_YTD, VARIANT_LY, VARIANT_YTD_LY, VARIANT_COUNT };

struct column {
  char *code; /* gross_output.ytd */
  int indicator;
  enum variant variant;
  char *line; /* form line (指标代码), "01"; "" if none. Headings may use it: 01 for the first variant, 01.ytd
                 … for others */
  bool retired; /* no longer asked for; kept so that what was reported stays readable */
};

enum january { JANUARY_SEPARATE, JANUARY_JOINT /* only as 01/P2M */, JANUARY_EXEMPT /* no January report */ };
enum legal_basis { BASIS_STATISTICAL, BASIS_ADMINISTRATIVE };
enum role { ROLE_OF_PARK, ROLE_OF_BUREAU };

/* A rule that the figures of a form are checked by (审核关系). */
enum rule_weight {
  RULE_MANDATORY, /* 强制性: a report that breaks it is refused */
  RULE_QUASI,     /* 准强制性: likewise, unless the bureau consented */
  RULE_VERIFY,    /* 核实性: the report counts, and the park is asked to explain it */
};

struct rule {
  char *code;        /* stable: what findings, refusals and inquiries name */
  struct label name; /* what should hold, as a sentence for whoever fills in the form */
  int form;
  enum rule_weight weight;
  char *holds; /* the formula as written */
  struct formula *formula;
  bool looks_back; /* at other reports of the unit too */
};

/* Until when a form's reports are due: this day of the month that is so many after the period's last. */
struct due {
  unsigned month;  /* 1: the next; 0: the form has no deadline */
  unsigned day;    /* 1–31; in a shorter month its last */
  unsigned minute; /* of that day, up to 24 × 60, its end */
};

struct form {
  char *code;
  struct label name;
  char *number, *issuer, *approval; /* 表号、制定机关、批准/备案文号 */
  day_number valid_until;           /* 有效期; DAY_NONE if none */
  enum legal_basis legal_basis;
  enum role role;       /* who fills it in */
  unsigned months;      /* 1, 3 or 12 */
  enum january january; /* monthly forms */
  struct due due;
  uint64_t classes; /* bit i: units of class i report it */
  int population;   /* flag that a unit needs to owe this form, or none: all of the classes owe it */
  int weighed_by;   /* column whose last known value tells how large a unit is, or none */
  bool retired;     /* no longer asked for; kept so that what was reported stays readable */
  struct column
      *columns; /* appended to, never reordered: a column's index is its slot in stored reports for ever */
  size_t column_count;
  const struct rule **rules; /* of this form, mandatory ones first, then quasi-mandatory ones */
  size_t rule_count;
  bool looks_back[TENSE_COUNT]; /* whether some rule looks at the unit's report of that time */
};

struct named { /* clusters, flags */
  char *code;
  struct label name;
};

struct status { /* 正常, 停产, 筹建, 关闭, 破产 */
  char *code;   /* as in the register file */
  struct label name;
  bool expected; /* a unit of this status owes reports */
};

/* A slice (分组). All of the conditions that are given must hold; or it is a set, which has the units of any
 * of its members, each once. "all" is the first. */
struct slice {
  char *code;
  struct label name;
  int cluster;         /* or none */
  int flag;            /* or none */
  GStrv industries;    /* prefixes of GB/T 4754 codes; empty: any */
  int outside;         /* 1: only units outside the boundary; 0: any */
  int *members;        /* slices that are no sets */
  size_t member_count; /* of a set at least two, else 0 */
};

enum target_form { TARGET_VALUE, TARGET_RATIO, TARGET_GROWTH };
enum direction { DIRECTION_AT_LEAST, DIRECTION_ABOUT, DIRECTION_AT_MOST, DIRECTION_ABOVE, DIRECTION_TRACKED };

struct term { /* of a target's formula: the total of one indicator in one area and slice; terms add */
  int indicator, area, slice;
};

struct stage {
  int year;
  int64_t value; /* scaled by the target's decimals */
};

struct share { /* what a target promises for a part of its area */
  int area;
  struct stage *stages;
  size_t stage_count;
};

struct target {
  unsigned id; /* 1–16 in the plan */
  struct label name;
  struct label population; /* who is counted, in words */
  struct label note;       /* our reading where the plan leaves room, and what to mind; may be "" */
  char *source;
  char *bureau;
  int area; /* for which it is stated */
  enum target_form form;
  struct term *numerator; /* TARGET_VALUE: numerator × scale ÷ divisor; TARGET_RATIO: numerator × scale ÷
                             denominator; */
  size_t numerator_count; /* TARGET_GROWTH: numerator ÷ last year's × 100 − 100 */
  struct term *denominator;
  size_t denominator_count;
  int64_t scale, divisor;
  bool yearly; /* evaluated on whole years only */
  char *measure;
  unsigned decimals;
  enum direction direction;
  int64_t value, tolerance; /* scaled by decimals; of DIRECTION_TRACKED no value */
  struct stage *stages;     /* ascending years, the last is the plan's own */
  size_t stage_count;
  bool per_park;        /* it has a sense for parts of its area too */
  struct share *shares; /* of those that the catalogue gives a number */
  size_t share_count;
  unsigned least_coverage; /* in per cent of the last known value, below which it is not measurable */
};

struct days {
  day_number first, last;
};

/* How the value of an area becomes points of the item's weight. */
enum points {
  POINTS_LINEAR,   /* none at `none_at`, all at `full_at`, in between in proportion */
  POINTS_RELATIVE, /* the same between the worst and the best value of the assessed areas */
};

struct score_item {
  char *code;
  struct label name;
  struct target asked; /* form, terms, scale, divisor, measure and decimals of its formula; a term that names
                          no area (CATALOGUE_NONE) is about the assessed one */
  int64_t weight;      /* its points, in hundredths */
  enum points points;
  int64_t none_at, full_at; /* scaled by asked.decimals; full_at may be the smaller one */
  bool lowest_is_best;      /* POINTS_RELATIVE */
};

struct score_dimension {
  char *code;
  struct label name;
  int64_t weight; /* of its items together */
  struct score_item *items;
  size_t item_count;
};

/* What areas of a kind are assessed by every year; the weights of all items come to 100 points. */
struct scorecard {
  char *code;
  struct label name;
  struct label note; /* may be "" */
  int *areas;
  size_t area_count;
  struct score_dimension *dimensions;
  size_t dimension_count;
};

/* What an enterprise of a growth plan is measured by. */
struct criterion {
  char *code;
  struct label name;
  struct target asked; /* as of a score_item, and the direction and value that are promised; the terms are
                          columns of the plan's form, of no area or slice */
  int own_target;      /* indicator whose figure in the unit's report of the year before is what it promised,
                          instead of a value for all; or none */
  bool of_members_only;
};

struct growth_plan {
  char *code;
  struct label name;
  struct label note; /* may be "" */
  int form;          /* yearly and administrative, and so is every form that its indicators stand on */
  int members;       /* flag that members have */
  int candidates;    /* flag that an enterprise needs to become one, or none */
  struct criterion *criteria;
  size_t criterion_count;
};

struct catalogue {
  int references;                    /* atomic */
  uint8_t hash[CATALOGUE_HASH_SIZE]; /* BLAKE2b-256 of `text` */
  char *text;                        /* the file as read, for serving and the ledger */
  size_t text_length;
  char *code;
  struct label name;
  char *timezone;
  GStrv empty_answers;              /* what is no explanation (核实无误); may be empty, never NULL */
  struct days *holidays, *workdays; /* not worked; weekend days that are (调休) */
  size_t holiday_count, workday_count;
  int consent;        /* flag of units that consented in writing (书面同意) to be told of, or none */
  GStrv exempt_codes; /* genuine unit codes whose check character does not agree */

  struct area *areas;
  size_t area_count;
  struct unit_class *classes;
  size_t class_count;
  struct measure *measures;
  size_t measure_count;
  struct indicator *indicators;
  size_t indicator_count;
  struct form *forms;
  size_t form_count;
  struct rule *rules;
  size_t rule_count;
  struct named *clusters;
  size_t cluster_count;
  struct named *flags;
  size_t flag_count;
  struct status *statuses;
  size_t status_count;
  struct slice *slices;
  size_t slice_count;
  struct target *targets;
  size_t target_count;
  struct scorecard *scorecards;
  size_t scorecard_count;
  struct growth_plan *growth_plans;
  size_t growth_plan_count;

  struct catalogue_index *index; /* private */
  struct zone_time {
    gsize is_read; /* g_once_init_enter() */
    GTimeZone *zone;
  } * time; /* of calendar.c */
};

/* Compiles `text`. NULL and an ERROR_CONFIG error whose message has one line per mistake, "NAME:LINE:COLUMN:
 * …". */
struct catalogue *catalogue_compile(const char *name, const char *text, size_t length, GError **error);
struct catalogue *catalogue_read(const char *path, GError **error);

struct catalogue *catalogue_ref(struct catalogue *catalogue);
void catalogue_unref(struct catalogue *catalogue);
CLEANUP_DEFINE(struct catalogue, catalogue_unref)

/* Whether `next` may replace `current`: what reports were stored under keeps its meaning. Areas, classes,
 * indicators, forms, flags, clusters, statuses and slices that exist stay (forms and columns may retire); a
 * class keeps its id scheme; an indicator keeps measure, decimals, kind and basis; a form keeps its frequency
 * (with January's) and its columns in their places. One line per mistake in the error. */
bool catalogue_may_follow(const struct catalogue *current, const struct catalogue *next, GError **error);

/* Index by code, CATALOGUE_NONE if there is none. */
int catalogue_area(const struct catalogue *catalogue, const char *code);
int catalogue_class(const struct catalogue *catalogue, const char *code);
int catalogue_measure(const struct catalogue *catalogue, const char *code);
int catalogue_indicator(const struct catalogue *catalogue, const char *code);
int catalogue_form(const struct catalogue *catalogue, const char *code);
int catalogue_rule(const struct catalogue *catalogue, const char *code);
int catalogue_cluster(const struct catalogue *catalogue, const char *code);
int catalogue_flag(const struct catalogue *catalogue, const char *code);
int catalogue_status(const struct catalogue *catalogue, const char *code);
int catalogue_slice(const struct catalogue *catalogue, const char *code);

/* What uscc_check() says of a unit's code, but for those that the catalogue knows to be genuine: USCC_OK. */
enum uscc_status catalogue_check_uscc(const struct catalogue *catalogue, const char *code);

/* Column of a form by its code, CATALOGUE_NONE if there is none. */
int catalogue_column(const struct catalogue *catalogue, int form, const char *code);

/* Every column whose heading, folded by text_key(), is `key`: its code, line, Chinese or English name, or an
 * alias, each also with a word for its variant before, behind or in brackets behind it (本月/month,
 * 本年累计/1—本月/ytd, 上年同月/last year, 上年1—本月/上年累计/last year ytd; 上年同期 is last year's month,
 * or its cumulative column where the form has no other; without such a word the first variant on the form).
 * At most one column of each form, none of retired forms. A GArray of struct column_ref, or NULL. Owned by
 * the catalogue. Any thread. */
struct column_ref {
  int form, column;
};
const GArray *catalogue_headings(const struct catalogue *catalogue, const char *key);

/* The form of `months` frequency that carries the indicator, and its column of that variant; false if none
 * does. At most one form of a frequency carries an indicator: the compiler refuses others. A retired column
 * is given where no other has taken its place. */
bool catalogue_find_column(const struct catalogue *catalogue, int indicator, enum variant variant,
                           unsigned months, struct column_ref *ret_column);

/* True if `inner` is `outer` or below it. */
bool catalogue_area_within(const struct catalogue *catalogue, int inner, int outer);

/* Whether the form takes a report for this period. NULL if it does, else what it expects, in words ("a month,
 * such as 2018-05"; "January and February together, as 2018-01/P2M"). Newly allocated. */
char *catalogue_period_objection(const struct catalogue *catalogue, int form, struct period period);

/* The period of the form that ends with this month; false if none does. */
bool form_period_ending(const struct form *form, int year, unsigned month, struct period *ret_period);

/* The period of the form before one of its periods: of March the month before, or January and February
 * together; of a year's first period the last one of the year before. */
struct period form_period_before(const struct form *form, struct period period);

/* The name of a column for people: the indicator's, and its variant. Newly allocated. */
char *catalogue_column_name(const struct catalogue *catalogue, int form, int column);

#endif

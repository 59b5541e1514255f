/* What the parts of edition_protect share: editions and what they rest on, side by side
 * (edition_protect_base.c); what anybody knows of how their cells hang together (edition_protect_relate.c);
 * what is left to be said (edition_protect_fill.c). */
#ifndef PARKTALLY_AGGREGATOR_EDITION_PROTECT_PRIVATE_H
#define PARKTALLY_AGGREGATOR_EDITION_PROTECT_PRIVATE_H

#include "aggregator/edition_protect.h"

#define NO_CELL SIZE_MAX

/* What is lost with a cell, so that the whole zone goes last and what nobody prints first. */
enum weight { WEIGHT_UNPRINTED = 1, WEIGHT_SLICE = 10, WEIGHT_SUM = 20, WEIGHT_ALL = 40, WEIGHT_ROOT = 1000 };

/* A column of the table: a figure, or one of the two numbers of units. */
enum { COUNT_REPORTED, COUNT_EXPECTED, COUNTS };

struct base {
  const struct edition_source *source;
  const struct edition *edition;
  size_t width;        /* figures and COUNTS */
  size_t *cells;       /* of all: family × width + column; NO_CELL: nobody reported, so it is 0 */
  GHashTable *at;      /* text of a family → index + 1 */
  GHashTable *printed; /* of `edition`: text of a cell → struct edition_cell */
};

struct web;

struct protecting {
  GArray *bases;       /* struct base */
  GHashTable *known;   /* texts of values that are out */
  GHashTable *index;   /* text of a value → its cell + 1 */
  GHashTable *related; /* texts of relations */
  GArray *cells;       /* struct disclose_cell */
  GArray *terms;       /* struct disclose_term of the relation that is being made */
  struct web *web;     /* what hangs together */
};

/* --- edition_protect_web.c: cells and relations, in parts that nothing joins --- */

struct web *web_new(void);
void web_free(struct web *web);
/* Σ of the terms = 0. */
void web_relate(struct web *web, const struct disclose_term *terms, size_t count);
/* Protects each part that has one of the first `fresh` cells: of the others nothing more is said than before.
 * Where that cannot be done, all of the part's fresh cells are withheld, or those that are `ties` to older
 * ones. `ret_outcomes` has room for one of each cell; those of parts that were not looked at are left. */
bool web_protect(struct web *web, const GArray *cells, size_t fresh, const bool *ties,
                 const struct disclose_rules *rules, struct disclose_outcome *ret_outcomes, GError **error);

/* --- editions and what they rest on, side by side --- */

static inline struct base *protecting_base(const struct protecting *protecting, unsigned n)
{
  return &g_array_index(protecting->bases, struct base, n);
}

static inline const struct family *base_family(const struct base *base, size_t n)
{
  return &g_array_index(base->source->families, struct family, n);
}

static inline const struct edition_figure *base_figure(const struct base *base, size_t n)
{
  return &g_array_index(base->source->figures, struct edition_figure, n);
}

static inline bool base_is_count(const struct base *base, size_t column)
{
  return column >= base->source->figures->len;
}

/* --- edition_protect_base.c --- */

void base_init(struct base *base, const struct edition_basis *basis);
void base_clear(void *base);

const char *base_column(const struct base *base, size_t column);
unsigned base_decimals(const struct base *base, size_t column);
/* Newly allocated; the same in every edition. */
char *base_family_text(const struct base *base, const struct family *family);
/* Whether editions print it, and as what slice; else NULL. */
const char *base_printed_slice(const struct base *base, const struct family *family);
/* As the edition of the base printed it; NULL if it did not. */
const struct edition_cell *base_printed(const struct base *base, const struct family *family, size_t column);
int128 base_value(const struct base *base, size_t family, size_t column);
/* Numbers of units are said of totals alone. */
bool base_is_defined(const struct base *base, size_t family, size_t column);
/* Newly allocated: a figure of a period that is the same in two editions is one. */
char *base_value_text(const struct base *base, size_t family, size_t column);
/* The figure of an indicator (by its code) in a variant, or −1. */
int base_other_figure(const struct base *base, const char *indicator, enum variant variant);
const char *base_indicator(const struct base *base, size_t figure);
/* Of families that are the same: SIZE_MAX if the base has none. */
size_t base_find(const struct base *base, const char *family_text);
bool base_has_parts(const struct catalogue *catalogue, int area);

/* --- edition_protect.c --- */

/* The cell that this text is; made of `cell` where there is none yet. */
size_t protecting_cell(struct protecting *protecting, const char *text, struct disclose_cell cell);

/* --- edition_protect_relate.c, edition_protect_fill.c --- */

void edition_relate(struct protecting *protecting, const struct base *base);
/* Whether it is of the form's period before, in the same year. */
bool base_is_before(const struct base *before, const struct base *base);
/* Withholds cumulative figures of which that of before was withheld, and the period's own is not. */
void edition_relate_withheld(const struct base *base, const struct base *before,
                             struct disclose_outcome *outcomes);
void edition_fill(const struct base *base, const struct disclose_outcome *outcomes, struct edition *edition,
                  struct edition_protection *protection);

#endif

/* What the files of the mapping share. Nobody else includes it.
 *
 *   mapping.c         the life of a mapping, which row goes where, findings
 *   mapping_header.c  titles and headings: from rows to bindings
 *   mapping_form.c    which form the bindings fit, and how its figures convert
 *   mapping_words.c   the words that people write in headings, total rows and footers
 *   mapping_measure.c measures that titles, footers and rows of their own state
 *   mapping_cells.c   rows of units: from cells to entries
 *   mapping_totals.c  the file's own total row */
#ifndef PARKTALLY_AGENT_MAPPING_PRIVATE_H
#define PARKTALLY_AGENT_MAPPING_PRIVATE_H

#include "agent/mapping.h"
#include "common/decimal.h"
#include "common/meaning.h"

/* A column of the file. */
struct binding {
  enum meaning meaning;
  char *heading;      /* as it stands there, folded; "" if empty */
  GArray *candidates; /* of struct column_ref; only of MEANING_FIGURE */
  int measure;        /* that the heading states, or none */
  GHashTable *skip;   /* texts whose rows are passed over, or NULL; belongs to the rules */
};

/* A column of figures: wide tables have those of the file, long ones all of the form. */
struct figure {
  size_t at; /* cell of the row */
  int column;
  unsigned decimals;
  int64_t numerator, denominator; /* from the file's measure to the indicator's */
  bool unsound;                   /* a cell could not be read: the sum is not known */
  int128 sum;                     /* of the rows */
  bool has_total;
  int64_t total; /* of the file's own total row */
};

enum phase {
  PHASE_TITLE,  /* above the header */
  PHASE_HEADER, /* the header was found; the next row may be its second level */
  PHASE_ROWS,
  PHASE_FOOTER, /* below the table: only rows that begin like a unit's are looked at */
};

#define NOWHERE SIZE_MAX

struct mapping {
  const struct catalogue *catalogue;
  const struct mapping_rules *rules; /* or NULL */
  const char *wanted_form;           /* code, or NULL */
  int role;
  bool has_wanted_period;
  struct period wanted_period;
  char *file;
  entry_sink *entries;
  finding_sink *findings;
  void *data;

  enum phase phase;
  bool refused; /* the file as a whole, or the taker ended it */
  size_t title_rows;
  GStrv above;              /* the cells of the last title row, for headings of two levels */
  GStrv top;                /* the header row */
  bool below_header;        /* no row of a unit was met since */
  GStrv second;             /* the second level of the header, or NULL */
  struct source_row header; /* its place */
  GArray *measures;         /* of int: measures that titles state */
  bool has_title_period, title_periods_differ;
  bool title_cumulative; /* it was 2018年1-5月 */
  struct period title_period;

  size_t width;
  struct binding *bindings;
  size_t unit_at, name_at, period_at, indicator_at, value_at, measure_at; /* or NOWHERE */
  bool has_skip;
  bool has_unnamed; /* a column without heading */
  int form;
  size_t figure_count;
  struct figure *figures;
  struct column_set asked; /* of every row of a wide table */
  GHashTable *spellings;   /* long tables: texts of indicator and measure → struct figure */
  struct figure spelled;   /* of the row at hand, where it is not among them */

  size_t rows;
  struct {
    char *text; /* of the cell that was read last */
    bool readable;
    struct period period;
  } period_seen;
  struct {
    struct period period;
    char *objection; /* NULL: the form takes it */
    bool known;
  } period_judged;
  GHashTable *periods; /* keys of the periods met: for notes once each, and for totals */
  size_t total_row;    /* 0: none yet */

  /* the row at hand */
  const struct source_row *row;
  const char *unit, *unit_name; /* or NULL */
  bool row_refused;
  struct entry entry;
};

/* --- mapping.c --- */

/* A finding about the cell `at` of the row at hand, or NOWHERE: about the row. One that refuses the file ends
 * the mapping. */
void mapping_say(struct mapping *mapping, enum finding_code code, size_t at, const char *found,
                 const char *expected);

/* --- mapping_words.c --- */

/* True of the words that configuration may put instead of a column's code: unit, name, period, indicator,
 * value. */
bool words_is_meaning(const char *word);
/* A total of rows (合计); *ret_partial if it is one of some rows only (小计). */
bool words_is_total(const char *text, bool *ret_partial);
/* The start of a footer (单位负责人:). */
bool words_is_footer(const char *text);
/* The row of letters below a header (甲 乙 1 2). */
bool words_is_letter_row(const char *text);
/* True if a title (its text_key()) says measures: 计量单位:千元. *ret_sure if it can be nothing else. */
bool words_are_measure_title(const char *key, const char **ret_measures, bool *ret_sure);

/* --- mapping_header.c --- */

/* A row above the header; it may be the header. */
void header_title_row(struct mapping *mapping);
/* True if the row at hand is the second level of the header that was just found. */
bool header_is_second_level(struct mapping *mapping);
/* Binds the columns of mapping->top, with the row at hand as second level if `second`. */
void header_bind(struct mapping *mapping, bool second);
/* True of a heading of the unit's column. */
bool header_is_unit_heading(const struct mapping *mapping, const char *text);
/* The headings that mean `key` in a catalogue, with the measure that may stand in brackets. Newly allocated,
 * or NULL. */
GArray *header_candidates(const struct mapping *mapping, const char *key, int *ret_measure);

/* --- mapping_form.c --- */

/* Finds the form of the bindings, once; false and a finding if there is none or more than one. */
bool form_infer(struct mapping *mapping);
/* Of a long table, whose first row tells: candidates are those of its indicator. */
bool form_infer_long(struct mapping *mapping, const GArray *candidates, struct period period);
/* The column of the mapping's form among the candidates, CATALOGUE_NONE if it has none. */
int form_column(const struct mapping *mapping, const GArray *candidates);
/* Fills figures once the form is known. */
bool form_prepare_figures(struct mapping *mapping);
/* Lets a figure be read in this measure (CATALOGUE_NONE: in that of the titles); if it cannot, says so of the
 * cell `at`. */
void form_convert(struct mapping *mapping, struct figure *figure, int measure, size_t at);
/* The heading that is nearest to `key` in the form, or in any of the role's. Newly allocated, or NULL. */
char *form_nearest(const struct mapping *mapping, const char *key);

/* --- mapping_measure.c --- */

/* The catalogue's measure of this text_key(). */
int measure_by_text(const struct mapping *mapping, const char *text);
/* Takes the measures that a cell above the header states, by its text_key(). */
void measure_title(struct mapping *mapping, const char *key, size_t at);
/* True if the row at hand states measures: it was taken, or must agree with how figures were read. */
bool measure_row(struct mapping *mapping);
/* A footer came too late to say anything new of measures. */
void measure_footer(struct mapping *mapping);

/* --- mapping_cells.c --- */

void cells_row(struct mapping *mapping);
/* True if a figure's cell of the row at hand holds a number, or a word that stands for one. */
bool cells_have_number(const struct mapping *mapping);

/* --- mapping_totals.c --- */

/* True if the row at hand is a total row: it was taken note of. */
bool totals_row(struct mapping *mapping);
/* A cell, or a whole row (figure NULL), could not be read. */
void totals_unsound(struct mapping *mapping, struct figure *figure);
void totals_compare(struct mapping *mapping);

#endif

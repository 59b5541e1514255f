/* What the files of the catalogue's compiler share. Nobody else includes it.
 *
 * catalogue_compile.c runs the passes: every section's codes are declared first, so that any item may refer
 * to any other; then each item is read, then checked against the others, then the columns and headings are
 * indexed. A pass never stops at a mistake, so items of a file with mistakes may hold CATALOGUE_NONE, "" or
 * NULL anywhere: later passes skip those. */
#ifndef PARKTALLY_COMMON_CATALOGUE_PRIVATE_H
#define PARKTALLY_COMMON_CATALOGUE_PRIVATE_H

#include "common/catalogue.h"
#include "common/yaml.h"

enum section {
  SECTION_MEASURES,
  SECTION_AREAS,
  SECTION_CLASSES,
  SECTION_CLUSTERS,
  SECTION_FLAGS,
  SECTION_STATUSES,
  SECTION_SLICES,
  SECTION_INDICATORS,
  SECTION_FORMS,
  SECTION_RULES,
  SECTION_TARGETS,
  SECTION_SCORECARDS,
  SECTION_GROWTH_PLANS,
  SECTION_COUNT
};

enum frequency { FREQUENCY_MONTH, FREQUENCY_QUARTER, FREQUENCY_YEAR, FREQUENCY_COUNT };

struct catalogue_index {
  GHashTable *codes[SECTION_COUNT]; /* code (of the item) → index + 1; none for targets */
  GHashTable **columns;             /* by form: code (of the column) → index + 1 */
  struct column_ref
      *carriers;        /* [indicator][frequency][variant]; form is CATALOGUE_NONE where none carries it */
  GHashTable *headings; /* see catalogue_headings.c */
};

struct reader {
  struct yaml *yaml;
  struct catalogue *catalogue;
  const struct yaml_node *section[SECTION_COUNT]; /* mapping of items, in the order of the arrays; or NULL */
};

/* --- catalogue.c --- */
struct catalogue *catalogue_new(const char *text, size_t length);
int catalogue_find(const struct catalogue *catalogue, enum section section, const char *code);
/* .ytd and so on; "" for the first. */
extern const char *const catalogue_variant_suffix[VARIANT_COUNT + 1];
enum frequency catalogue_frequency(unsigned months);
struct column_ref *catalogue_carrier(const struct catalogue *catalogue, int indicator,
                                     enum frequency frequency, enum variant variant);

/* --- catalogue_reader.c: values of items --- */
/* Value and key of the nth item of a section. */
const struct yaml_node *reader_item(const struct reader *reader, enum section section, size_t n);
const struct yaml_node *reader_key(const struct reader *reader, enum section section, size_t n);
/* The item that the scalar names, CATALOGUE_NONE for NULL or after a mistake. */
int reader_reference(struct reader *reader, enum section section, const struct yaml_node *node);
/* The same where the code is a part of the scalar. */
int reader_reference_code(struct reader *reader, enum section section, const struct yaml_node *node,
                          const char *code);
int reader_reference_at(struct reader *reader, const struct yaml_node *mapping, const char *key,
                        bool required, enum section section);
/* The key of an item that has a code for programs, in no section of its own. Newly allocated. */
char *reader_code(struct reader *reader, const struct yaml_node *key);
/* Both languages of a further text; "" where it is absent. */
void reader_label(struct reader *reader, const struct yaml_node *mapping, const char *key, bool required,
                  struct label *ret_label);
/* Newly allocated; "" if absent. A required one may not be empty. */
char *reader_text(struct reader *reader, const struct yaml_node *mapping, const char *key, bool required);
/* A list of texts, never NULL. */
GStrv reader_texts(struct reader *reader, const struct yaml_node *mapping, const char *key);
/* A number with at most `decimals` decimals, scaled; the fallback for NULL or after a mistake. */
int64_t reader_amount(struct reader *reader, const struct yaml_node *node, unsigned decimals,
                      int64_t fallback);

/* --- a reader and, where items need it, a check per kind of item --- */
/* catalogue_items.c */
void catalogue_read_measure(struct reader *reader, size_t n);
void catalogue_check_measure(struct reader *reader, size_t n);
void catalogue_read_area(struct reader *reader, size_t n);
void catalogue_check_area(struct reader *reader, size_t n);
void catalogue_read_class(struct reader *reader, size_t n);
void catalogue_read_cluster(struct reader *reader, size_t n);
void catalogue_read_flag(struct reader *reader, size_t n);
void catalogue_read_status(struct reader *reader, size_t n);
void catalogue_read_slice(struct reader *reader, size_t n);
void catalogue_check_slice(struct reader *reader, size_t n);
/* catalogue_indicators.c */
void catalogue_read_indicator(struct reader *reader, size_t n);
void catalogue_check_indicator(struct reader *reader, size_t n);
/* catalogue_forms.c */
void catalogue_read_form(struct reader *reader, size_t n);
void catalogue_check_form(struct reader *reader, size_t n);
/* Where the code of a column stands. */
const struct yaml_node *catalogue_column_node(const struct reader *reader, size_t form, size_t column);
/* catalogue_calendar.c */
void catalogue_read_calendar(struct reader *reader, const struct yaml_node *root);
void catalogue_read_due(struct reader *reader, const struct yaml_node *form, struct due *ret_due);
/* catalogue_rules.c */
void catalogue_read_rule(struct reader *reader, size_t n);
void catalogue_check_rule(struct reader *reader, size_t n);
/* catalogue_targets.c */
void catalogue_read_target(struct reader *reader, size_t n);
void catalogue_check_target(struct reader *reader, size_t n);
/* Of any item with such a formula: form, scale, divisor, measure and decimals; then, once all indicators are
 * read, the terms, of which those without an area are about `asked->area`. */
void catalogue_read_formula(struct reader *reader, const struct yaml_node *node, struct target *asked);
void catalogue_check_formula(struct reader *reader, const struct yaml_node *node, struct target *asked);
/* catalogue_scorecards.c */
void catalogue_read_scorecard(struct reader *reader, size_t n);
void catalogue_check_scorecard(struct reader *reader, size_t n);
/* catalogue_growth_plans.c */
void catalogue_read_growth_plan(struct reader *reader, size_t n);
void catalogue_check_growth_plan(struct reader *reader, size_t n);

/* --- indexes, with the mistakes that only they can see --- */
void catalogue_index_columns(struct reader *reader);     /* catalogue_forms.c */
void catalogue_index_headings(struct reader *reader);    /* catalogue_headings.c */
void catalogue_index_rules(struct catalogue *catalogue); /* catalogue_rules.c */

#endif

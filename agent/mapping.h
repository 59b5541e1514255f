/* Mapping: finds header, measure, form and period in a table and turns its rows into changes of reports. */
#ifndef PARKTALLY_AGENT_MAPPING_H
#define PARKTALLY_AGENT_MAPPING_H

#include "agent/source/source.h"
#include "common/catalogue.h"
#include "common/cleanup.h"
#include "common/report.h"
#include "common/yaml.h"

#include <glib.h>
#include <stdbool.h>

/* What configuration says about files whose headings are not the form's own. */
struct mapping_rules {
  char *name;
  char *files;     /* glob over the file's name; NULL: any */
  char *form;      /* NULL: inferred */
  char *encoding;  /* NULL: found out */
  char *measure;   /* of all amounts, where the file does not say; NULL: the indicators' own */
  int year_offset; /* 1911 for ROC years */
  GHashTable
      *columns; /* text_key(heading) → "unit", "name", "period", "indicator", "value" or a column's code */
  GHashTable *ignore; /* set of text_key(heading) */
  GHashTable *skip; /* text_key(heading) → set (GHashTable) of folded cell texts: such rows are passed over */
};

/* One item of `mappings` in agent.yaml: name, files, form, encoding, measure, year_offset, columns (heading:
 * meaning), ignore (list of headings), skip (heading: list of texts). Mistakes are noted in `yaml`; never
 * NULL. */
struct mapping_rules *mapping_rules_read(struct yaml *yaml, const struct yaml_node *node);
void mapping_rules_free(struct mapping_rules *rules);
CLEANUP_DEFINE(struct mapping_rules, mapping_rules_free)

/* What a row says of one unit and period. Texts live during the call only. */
struct entry {
  struct period period;
  const char *unit;
  size_t row;
  bool whole;   /* a row of a wide table, which says everything of its columns; false: one figure of a long
                   table */
  bool refused; /* findings said why; given so that other rows of the same unit and period are refused with it
                 */
  struct report_change change;
};

/* False ends the reading (an I/O error of the taker's own). */
typedef bool entry_sink(const struct entry *entry, void *data);

struct mapping_options {
  const struct catalogue *catalogue;
  const char *form;            /* code, or NULL: inferred */
  const struct period *period; /* for all rows; a row that says another is refused. NULL: the file says it */
  const struct mapping_rules *rules; /* or NULL */
  int role_forms;                    /* enum role of the agent: forms of others are not inferred */
};

/* One file. `file` is its name for findings. */
struct mapping;
struct mapping *mapping_new(const struct mapping_options *options, const char *file, entry_sink *entries,
                            finding_sink *findings, void *data);
void mapping_free(struct mapping *mapping);
CLEANUP_DEFINE(struct mapping, mapping_free)

/* Takes the next row. False: the file is refused (a finding said why) or the taker ended it. */
bool mapping_row(struct mapping *mapping, struct source_row *row);

/* At the end of the file: true if a header and at least one row were found; compares the file's own total
 * row, if any. */
bool mapping_finish(struct mapping *mapping);

/* Rows of units so far, refused ones included. */
size_t mapping_rows(const struct mapping *mapping);

/* Whether it has met rows of more than one period. */
bool mapping_has_several_periods(const struct mapping *mapping);

/* Where a column of the form stands in the file: its number from 1 and its heading, for findings. 0 and NULL
 * if nowhere. */
size_t mapping_column(const struct mapping *mapping, int column, const char **ret_heading);

/* The same of the unit's column. */
size_t mapping_unit_column(const struct mapping *mapping, const char **ret_heading);

/* The form, once the header was found; CATALOGUE_NONE before. */
int mapping_form(const struct mapping *mapping);

#endif

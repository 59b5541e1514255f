/* Mapping: finds header, measure, form and period in a table and turns its rows into changes of reports. */
#ifndef PARKTALLY_AGENT_MAPPING_H
#define PARKTALLY_AGENT_MAPPING_H

#include "agent/source/source.h"
#include "common/catalogue.h"
#include "common/cleanup.h"
#include "common/report.h"

#include <glib.h>
#include <stdbool.h>

/* What configuration says about files whose headings are not the form's own. */
struct mapping_rules {
  char *name;
  char *files;         /* glob over the file's name; NULL: any */
  char *form;          /* NULL: inferred */
  char *encoding;      /* NULL: found out */
  char *measure;       /* of all amounts, where the file does not say; NULL: the indicators' own */
  int year_offset;     /* 1911 for ROC years */
  GHashTable *columns; /* text_key(heading) → "unit", "period", "indicator", "value" or a column's code */
  GHashTable *ignore;  /* set of text_key(heading) */
  GHashTable *skip;    /* text_key(heading) → set (GHashTable) of folded cell texts: such rows are passed over */
};

void mapping_rules_free(struct mapping_rules *rules);
CLEANUP_DEFINE(struct mapping_rules, mapping_rules_free)

/* What a row says of one unit and period. Texts live during the call only. */
struct entry {
  struct period period;
  const char *unit;
  size_t row;
  bool whole; /* a row of a wide table, which says everything of its columns; false: one figure of a long table */
  struct report_change change;
};

/* False ends the reading (an I/O error of the taker's own). */
typedef bool entry_sink(const struct entry *entry, void *data);

struct mapping_options {
  const struct catalogue *catalogue;
  const char *form;          /* code, or NULL: inferred */
  const struct period *period; /* for all rows; a row that says another is refused. NULL: the file says it */
  const struct mapping_rules *rules; /* or NULL */
  int role_forms; /* enum role of the agent: forms of others are not inferred */
};

/* One file. `file` is its name for findings. */
struct mapping;
struct mapping *mapping_new(const struct mapping_options *options, const char *file, entry_sink *entries,
                            finding_sink *findings, void *data);
void mapping_free(struct mapping *mapping);
CLEANUP_DEFINE(struct mapping, mapping_free)

/* Takes the next row. False: the file is refused (a finding said why) or the taker ended it. */
bool mapping_row(struct mapping *mapping, struct source_row *row);

/* At the end of the file: true if a header and at least one row were found; compares the file's own total row, if any. */
bool mapping_finish(struct mapping *mapping);

/* The form, once the header was found; CATALOGUE_NONE before. */
int mapping_form(const struct mapping *mapping);

#endif

/* A source gives the cells of a table as text that knows its place. It interprets nothing.
 *
 * Each kind (CSV today; workbooks, SQL and URLs are to come) is a vtable with a page of its own. */
#ifndef PARKTALLY_AGENT_SOURCE_SOURCE_H
#define PARKTALLY_AGENT_SOURCE_SOURCE_H

#include "common/finding.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

struct source_cell {
  char *text; /* UTF-8, ends with NUL; the reader of the row may change it in place */
  size_t length;
};

struct source_row {
  size_t number; /* as a spreadsheet shows it, from 1: blank lines count, line ends inside a quoted cell do
                    not */
  const char *sheet; /* NULL where there are none */
  bool open;         /* the last row, and nothing says that it is complete: its line end is missing */
  size_t count;
  struct source_cell *cells;
};

/* False ends the reading early, which is then no error. */
typedef bool source_row_sink(struct source_row *row, void *data);

struct source_options {
  const char *encoding; /* NULL: found out; else "utf-8" or "gb18030" (of which GBK is a part) */
  char delimiter;       /* 0: found out among comma, tab and semicolon */
};

struct source {
  const char *name;       /* "csv" */
  const char *extensions; /* ".csv;.txt;.tsv" */
  /* Reads `path` from beginning to end in bounded memory, row after row; blank rows are not given. True if it
   * was read to its end; otherwise a finding of SEVERITY_FILE says why, `error` is set (the file cannot be
   * opened or read), or `rows` ended it. Blocking. */
  bool (*read)(const char *path, const struct source_options *options, source_row_sink *rows,
               finding_sink *findings, void *data, GError **error);
};

extern const struct source source_csv;

/* The source for a file by its name; NULL and an ERROR_DATA error that names the kinds there are. */
const struct source *source_for(const char *path, GError **error);

#endif

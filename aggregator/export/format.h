/* The formats of `export`: how a table is written, whatever its topic. A format is a row of the table and a
 * file with the functions of its row; see topic.h for the other side. */
#ifndef PARKTALLY_AGGREGATOR_EXPORT_FORMAT_H
#define PARKTALLY_AGGREGATOR_EXPORT_FORMAT_H

#include "aggregator/export/table.h"
#include "common/catalogue.h"
#include "common/control.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* What all tables of an export share. */
struct export_about {
  const struct catalogue *catalogue;
  uint64_t leaves; /* of the ledger, on which the figures rest */
  uint64_t cells;  /* of all tables together */
  char *made_at;   /* 2018-06-10T12:00:00Z */
};

/* The functions are called in the order begin, then for each table sheet and row by row, end, release. Each
 * may write to `output`. False, or NULL, with an error; then only release follows. */
struct export_format {
  const char *name; /* of --format */
  bool binary;      /* nothing for a terminal */
  bool many;        /* takes more than one table */
  /* A user's mistake: a table that it cannot show. May be NULL. */
  bool (*accepts)(const struct export_table *table, GError **error);
  void *(*begin)(const struct export_about *about, struct control_output *output, GError **error);
  bool (*sheet)(void *writer, const struct export_table *table, GError **error);
  bool (*row)(void *writer, const char *const *cells, GError **error);
  bool (*end)(void *writer, GError **error);
  void (*release)(void *writer);
};

/* NULL and ERROR_USAGE, which names those that exist, if there is none; `name` may be NULL. */
const struct export_format *export_format_find(const char *name, GError **error);

/* Writes the tables (struct export_table *). */
bool export_format_write(const struct export_format *format, const struct export_about *about,
                         const GPtrArray *tables, struct control_output *output, GError **error);

/* --- the formats, one file each --- */

extern const struct export_format export_csv, export_json, export_sdmx_csv, export_sdmx_csv_1, export_xlsx;

/* --- what formats share --- */

/* Appends a cell as RFC 4180 wants it: in quotation marks where it has a comma, a quotation mark or an end of
 * a line. */
void export_append_quoted(GString *line, const char *cell);

/* Whether a spreadsheet keeps every digit of a decimal: it holds fifteen. */
bool export_fits_spreadsheet(const char *decimal);

#endif

/* A table that is exported: what a topic fills and a format reads.
 *
 * Rows go to a temporary file without a name, so that a large table costs no memory, and so that the store's
 * transaction, in which a topic reads, is over before anybody waits for a slow disk or a slow client. */
#ifndef PARKTALLY_AGGREGATOR_EXPORT_TABLE_H
#define PARKTALLY_AGGREGATOR_EXPORT_TABLE_H

#include "common/cleanup.h"
#include "common/period.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum export_kind {
  EXPORT_TEXT,
  EXPORT_PERIOD,  /* canonical (period.h) */
  EXPORT_DECIMAL, /* exact, as decimal_format() writes it, with the decimals that are to be seen */
  EXPORT_COUNT,
  EXPORT_FLAG, /* "1", "0" */
};

/* What a column is in SDMX. */
enum export_part { EXPORT_NO_PART, EXPORT_DIMENSION, EXPORT_MEASURE, EXPORT_ATTRIBUTE };

struct export_column {
  const char *id;    /* for programs */
  const char *title; /* for people; in tables of columns N_() */
  enum export_kind kind;
  enum export_part part;
  const char *concept; /* its id in SDMX; NULL where it has no part there */
};

/* A chart that a format may draw beside the table: a bar for each row. */
struct export_chart {
  const char *title;         /* N_() */
  const char *label, *value; /* ids of columns */
};

struct export_table;
/* Of a topic: its id and its title for people, which are copied. ERROR_IO if there is no room for temporary
 * files. */
struct export_table *export_table_new(const char *id, const char *title, GError **error);
void export_table_free(struct export_table *table);
CLEANUP_DEFINE(struct export_table, export_table_free)

/* --- filling: all columns, then cells row by row, then the end --- */

/* Copied, with its title as it is. */
void export_table_add_column(struct export_table *table, const struct export_column *column);
/* Columns up to an id of NULL; titles are translated. */
void export_table_add_columns(struct export_table *table, const struct export_column *columns);
void export_table_set_period(struct export_table *table, struct period period);
/* That it is an edition: it has been through disclosure control, and rests on so many leaves and the
 * catalogue of this hash (hex), whatever came since. */
void export_table_set_edition(struct export_table *table, uint64_t leaves, const char *catalogue);
void export_table_set_chart(struct export_table *table, const struct export_chart *chart);

/* The next cell, copied; NULL and "" are empty. */
void export_table_cell(struct export_table *table, const char *text);
void export_table_count(struct export_table *table, int64_t count);
void export_table_flag(struct export_table *table, bool flag);
/* ERROR_IO if anything could not be kept. */
bool export_table_end(struct export_table *table, GError **error);

/* --- reading --- */

const char *export_table_id(const struct export_table *table);
const char *export_table_title(const struct export_table *table);
/* False if there is none: nobody has reported. */
bool export_table_period(const struct export_table *table, struct period *ret_period);
/* False if it is none. */
bool export_table_edition(const struct export_table *table, uint64_t *ret_leaves, const char **ret_catalogue);
const struct export_chart *export_table_chart(const struct export_table *table); /* or NULL */
unsigned export_table_width(const struct export_table *table);
const struct export_column *export_table_column(const struct export_table *table, unsigned n);
/* The number of the column of this id, or −1. */
int export_table_find(const struct export_table *table, const char *id);
uint64_t export_table_rows(const struct export_table *table);

/* Each row in order: as many cells as there are columns, none of them NULL, which live until the next row.
 * False from the sink ends it; it has set the error. */
typedef bool export_row_sink(const char *const *cells, void *data, GError **error);
bool export_table_each(struct export_table *table, export_row_sink *sink, void *data, GError **error);

#endif

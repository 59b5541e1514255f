/* The topics of `export`: what can be exported, whatever the format. A topic is a row of the table and a file
 * with its columns and a function that fills a table; see format.h for the other side. */
#ifndef PARKTALLY_AGGREGATOR_EXPORT_TOPIC_H
#define PARKTALLY_AGGREGATOR_EXPORT_TOPIC_H

#include "aggregator/export/table.h"
#include "aggregator/read.h"
#include "common/catalogue.h"

#include <glib.h>
#include <stdbool.h>

/* What is asked for. All topics of an export are read in one transaction, by one reader. */
struct export_scope {
  struct store *store;
  struct reader *reader;
  const struct snapshot *snapshot;
  const struct catalogue *catalogue;
  GArray *areas, *indicators, *slices; /* of int, as pick.h gives them; slices may hold lines beside them */
  bool areas_named, indicators_named, slices_named; /* else they are all there are */
  int form;                                         /* CATALOGUE_NONE: none was named */
  bool period_named;
  struct period period;
  bool cumulative;
  uint64_t edition; /* 0: none was named */
};

/* Options that not every topic understands, as bits. */
enum export_option {
  EXPORT_AREA = 1,
  EXPORT_INDICATOR = 2,
  EXPORT_SLICE = 4,
  EXPORT_CUMULATIVE = 8,
  EXPORT_FORM = 16,
  EXPORT_EDITION = 32,
};

struct export_topic {
  const char *id;
  const char *title; /* N_(); also the name of a sheet: at most 31 characters, none of []:*?/\ */
  unsigned takes;    /* enum export_option */
  const struct export_column *columns; /* up to an id of NULL */
  /* Adds what columns it has beside those, sets the period (of rows of several the last), fills the rows.
   * Where nobody has reported there is no period and no row. Within the transaction: it does not wait for
   * anything but the store. */
  bool (*fill)(const struct export_scope *scope, struct export_table *table, GError **error);
  const struct export_chart *chart; /* or NULL */
};

/* Ended by an id of NULL. */
extern const struct export_topic export_topics[];

/* NULL and ERROR_USAGE, which names those that exist, if there is none. */
const struct export_topic *export_topic_find(const char *id, GError **error);

/* The table of a topic, complete. */
struct export_table *export_topic_read(const struct export_topic *topic, const struct export_scope *scope,
                                       GError **error);

/* --- for the topics --- */

/* OBS_STATUS of a figure of SDMX: normal, or missing where nobody reported. The one place that says so. */
const char *export_status(bool reported);
/* CONF_STATUS: what has not been through disclosure control stays inside the bureau. */
const char *export_confidentiality(void);

/* --- the topics, one file each --- */

extern const struct export_column export_totals_columns[], export_targets_columns[], export_reports_columns[],
    export_completeness_columns[], export_missing_columns[], export_editions_columns[];
extern const struct export_chart export_targets_chart;
bool export_totals(const struct export_scope *scope, struct export_table *table, GError **error);
bool export_targets(const struct export_scope *scope, struct export_table *table, GError **error);
bool export_reports(const struct export_scope *scope, struct export_table *table, GError **error);
bool export_completeness(const struct export_scope *scope, struct export_table *table, GError **error);
bool export_missing(const struct export_scope *scope, struct export_table *table, GError **error);
bool export_editions(const struct export_scope *scope, struct export_table *table, GError **error);

#endif

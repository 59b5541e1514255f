/* Reading a file as a whole: source, mapping, spill and rules in a row, the same for `check` and for `push`.
 */
#ifndef PARKTALLY_AGENT_READING_H
#define PARKTALLY_AGENT_READING_H

#include "agent/mapping.h"
#include "common/register.h"

#include <glib.h>
#include <stdbool.h>

struct reading_options {
  const struct catalogue *catalogue;
  const struct unit_register *units; /* of the agent's area */
  int area;
  const char *form;                         /* or NULL */
  const struct period *period;              /* or NULL */
  const struct mapping_rules *const *rules; /* the first whose glob fits is used; NULL-terminated, or NULL */
  int role;                                 /* enum role */
  const char *temporary;                    /* folder for spilled runs */
  /* Whether the registration of a unit is applied for (rule.h), with data of its own; or NULL. */
  bool (*is_applied_for)(const char *unit, void *data);
  void *applied_data;
};

/* A report that passed every offline check, by period, then unit. */
struct good_report {
  int form;
  struct period period;
  const char *unit;
  size_t row;
  const struct report_change *change;
  const struct mapping *mapping; /* for mapping_column(); lives while the file is read */
};
/* False ends the reading. */
typedef bool report_sink(const struct good_report *report, void *data);

struct reading_result {
  bool whole;     /* read to its end and no finding of SEVERITY_FILE: good reports may be sent */
  size_t rows;    /* of units, as read */
  size_t good;    /* reports given to the sink */
  size_t refused; /* rows or reports refused */
  size_t notes;
  int form; /* CATALOGUE_NONE if none was found */
};

/* Good reports are given only after the file was read to its end without a finding that refuses it whole.
 * False and `error` where the disk failed, the file cannot be opened, or the sink ended it. Blocking; memory
 * bounded by LIMIT_SPILL_BYTES and small change. */
bool reading_run(const char *path, const struct reading_options *options, report_sink *reports,
                 finding_sink *findings, void *data, struct reading_result *ret_result, GError **error);

/* Exit code of a reading: 0, or 65 where anything was refused. */
int reading_exit_code(const struct reading_result *result);

#endif

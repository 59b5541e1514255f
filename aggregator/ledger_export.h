/* Writing the whole ledger, for an auditor or as a backup, beside a running server. Leaves never change, so
 * they are read in slices, and no transaction lasts. */
#ifndef PARKTALLY_AGGREGATOR_LEDGER_EXPORT_H
#define PARKTALLY_AGGREGATOR_LEDGER_EXPORT_H

#include "common/control.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct ledger_export_options {
  bool tables;               /* what the tables say of the head's moment */
  bool receipts;             /* behind each submission's leaf the receipt that was given */
  const char *configuration; /* a text; or NULL */
  void (*progress)(uint64_t done, uint64_t all, void *data); /* or NULL */
  void *data;
};

/* In the format of ledger_file.h, whole when it returns true. */
bool ledger_export(const char *folder, struct control_output *output,
                   const struct ledger_export_options *options, GError **error);

#endif

/* The tables are what the ledger comes to: current reports, cells and expected counts. This is the only code
 * that changes them, live and in replay, so that both give the same.
 *
 * Everything happens inside the caller's transaction of the store; tables_flush() comes before its commit. */
#ifndef PARKTALLY_AGGREGATOR_TABLES_H
#define PARKTALLY_AGGREGATOR_TABLES_H

#include "aggregator/membership.h"
#include "aggregator/store/store.h"
#include "common/cleanup.h"

#include <glib.h>

struct tables;
struct tables *tables_new(struct store *store);
void tables_free(struct tables *tables);
CLEANUP_DEFINE(struct tables, tables_free)

/* What memberships and owed reports are derived from, from now on (references are taken). Changes no table.
 */
void tables_use(struct tables *tables, struct catalogue *catalogue, struct unit_register *units);

/* The register in use. */
const struct unit_register *tables_register(const struct tables *tables);

/* A report becomes the current one of its unit and park; whichever report of the unit counts now (the
 * designated reporter's, else the earliest current one) is put into the cells in place of the one that did.
 * `report` says everything but membership and counted, its figures packed; its place is that
 * of the park's report, or behind the others. `version` is that of the register in use
 * which governs the report, NULL if none does. `present` are the unit's current reports as store_reports()
 * gave them. */
void tables_put(struct tables *tables, const struct stored_report *report, const struct figures *figures,
                const struct unit_version *version, const struct stored_report *present, size_t count);

/* The same for a report of a unit that has none in its book, as most are, without a look at what is there.
 * False, and nothing changed, if there is one. */
bool tables_put_first(struct tables *tables, const struct stored_report *report,
                      const struct figures *figures, const struct unit_version *version);

/* The register is `after` from now on, which differs from the one in use for these units (texts, each once):
 * re-derives which of their reports count, where, and what they owe. */
void tables_register_changed(struct tables *tables, struct unit_register *after, const GPtrArray *units);

/* The catalogue is this one from now on: re-derives every cell and expected count. Flushes by itself. */
void tables_catalogue_changed(struct tables *tables, struct catalogue *catalogue);

/* Writes the collected changes of cells and expected counts. */
void tables_flush(struct tables *tables);

/* After a rollback. */
void tables_forget(struct tables *tables);

#endif

/* The aggregator's data folder.
 *
 *   identity.key      its keys (mode 0600)
 *   catalogue.yaml    that of `init`; a reload reads it, or the one that is configured
 *   store.db          the ledger and what it comes to
 *   reserve           room on the disk for acts when it is full
 *   aggregator.yaml   configuration, optional
 *   control           the running server's control socket
 *   lock              held by whoever writes */
#ifndef PARKTALLY_AGGREGATOR_FOLDER_H
#define PARKTALLY_AGGREGATOR_FOLDER_H

#include "aggregator/bounds.h"
#include "aggregator/statistics/disclose.h"
#include "common/cleanup.h"

#include <glib.h>
#include <stdbool.h>

/* Read from aggregator.yaml; see deploy/aggregator.example.yaml. */
struct aggregator_config {
  char *data;      /* folder */
  char *catalogue; /* path; DIR/catalogue.yaml by default */
  char *listen;    /* tcp://ADDR:7650 */
  char *enrol;     /* tcp://ADDR:7651 */
  char *announce,
      *announce_enrol; /* endpoints that invitations name, where they differ from listen and enrol */
  struct disclose_rules disclosure; /* of what is published */
  int64_t limits[BOUND_COUNT];      /* 0: as usual */
  GStrv reports_for;                /* users who may export, single units' reports too; never NULL */
};
/* `path` NULL: aggregator.yaml in the data folder if it is there, else defaults. `data` (may be NULL)
 * overrides. Every mistake is told with line and column. */
struct aggregator_config *folder_config(const char *path, const char *data, GError **error);
void aggregator_config_free(struct aggregator_config *config);
CLEANUP_DEFINE(struct aggregator_config, aggregator_config_free)

char *folder_path(const char *folder, const char *name);

/* Takes the folder's lock until the descriptor is closed; −1 and ERROR_TEMPORARY if another process holds it.
 */
int folder_lock(const char *folder, GError **error);

/* Makes a data folder: `fill` fills one beside its place, which is then renamed, so that a folder is either
 * whole or not there; what a kill left of an earlier one goes. An empty folder may be there; of any other
 * ERROR_CONFIG. */
bool folder_make(const char *folder, bool (*fill)(const char *folder, void *data, GError **error), void *data,
                 GError **error);

#endif

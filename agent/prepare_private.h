/* What the files of preparing share: prepare.c reads and judges, prepare_parcel.c makes submissions of what
 * is to be sent. */
#ifndef PARKTALLY_AGENT_PREPARE_PRIVATE_H
#define PARKTALLY_AGENT_PREPARE_PRIVATE_H

#include "agent/prepare.h"

/* A submission in the making. All its reports of figures ask the same columns. */
struct parcel;

struct parcels {
  const struct home *home;
  struct outbox *outbox;
  const char *file; /* for the outbox */
  const char *place;
  const char *approved_by;
  const struct catalogue *catalogue;
  int form;
  struct period period;
  GPtrArray *open; /* of struct parcel */
  int64_t batch;   /* 0: not begun */
  uint64_t submissions, reports;
};

void parcels_init(struct parcels *parcels);
void parcels_clear(struct parcels *parcels);

/* Adds a report of the form and period; units ascend. `base` NULL: the first. */
bool parcels_add(struct parcels *parcels, const char *unit, const struct report_change *change,
                 const uint8_t *base, GError **error);

/* Seals what is open and adds it to the batch, as drafts. */
bool parcels_close(struct parcels *parcels, GError **error);

#endif

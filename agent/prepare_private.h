/* What the files of preparing share: prepare.c reads, prepare_judge.c judges by what was reported before and
 * by the catalogue's rules, prepare_parcel.c makes submissions of what is to be sent. */
#ifndef PARKTALLY_AGENT_PREPARE_PRIVATE_H
#define PARKTALLY_AGENT_PREPARE_PRIVATE_H

#include "agent/lookback.h"
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

/* --- judging --- */

/* Where a column of the form stands in the file. */
struct place {
  size_t column; /* 0: nowhere */
  char *heading;
};

struct judging {
  bool check_only; /* nothing is added to the parcels */
  struct prepare_result *result;
  const char *file; /* for findings */
  const struct catalogue *catalogue;
  const struct unit_register *units;
  struct parcels *parcels;    /* whose form and period are those of the reports */
  const struct place *places; /* by column of the form */
  finding_sink *findings;
  void *data;

  struct outbox *outbox; /* NULL: nothing was reported before */
  bool has_priors;       /* something of the form and period may have been reported before */
  struct lookback lookback;
  bool looks_back; /* there is something to look at */
  bool keeps;      /* the file has several periods: what is good is kept for later ones */
  GArray *rows;    /* a block of reports of one form and period that wait to be compared */
  GArray *figures; /* of int64_t: theirs */
  GStringChunk *texts;
};

/* The caller sets what stands before the blank line. `folder` takes what later periods look back at. */
void judging_init(struct judging *judging, struct outbox *outbox, const char *folder);
void judging_finish(struct judging *judging);

/* The parcels have another form or period now; none waits. */
bool judging_turn(struct judging *judging, GError **error);

/* A report that passed the checks of reading. */
bool judging_take(struct judging *judging, const struct good_report *report, GError **error);

/* Judges those that wait. */
bool judging_flush(struct judging *judging, GError **error);

#endif

/* What posting and the release of reports that waited share. */
#ifndef PARKTALLY_AGGREGATOR_POSTING_PRIVATE_H
#define PARKTALLY_AGGREGATOR_POSTING_PRIVATE_H

#include "aggregator/history.h"
#include "aggregator/posting.h"
#include "common/rule.h"

/* What is the same for every report of a submission. */
struct target_book {
  struct store *store;
  struct store *ledger; /* which has the ids of submissions: the same one, but where a ledger is checked */
  struct tables *tables;
  int64_t book;
  struct period period;
  const char *park;                  /* area of the agent */
  const struct catalogue *catalogue; /* the one that the submission names */
  const struct form *form;
  const struct judged *judged;
  uint64_t position;
  uint64_t since;              /* leaf from which its reports are in force: later, where they waited */
  size_t near;                 /* in the register: units ascend */
  bool live;                   /* rules of the catalogue are asked; in replay the leaf has what they said */
  struct formula_facts facts;  /* what they are asked of */
  struct history_window *past; /* … where they look back */
  bool hindsight;              /* what workers found of those that do holds */
};

/* One report as it meets the tables. */
struct arrival {
  uint32_t row;
  struct submission_report report;
  const struct stored_report *present; /* the unit's current reports, of all parks */
  size_t present_count;
  const struct stored_report *own; /* the one of this park, or NULL */
  struct figures current;          /* of own */
  struct figures merged;           /* after the change */
  int blank;                       /* column left blank over a figure, or CHANGE_FITS */
  struct rule_breach breach;       /* of the rule of the catalogue that refuses it; rule NULL: none does */
};

/* False if the store has an error. `live`: rules are asked. */
bool posting_open_book(struct target_book *book, struct store *store, struct tables *tables,
                       const struct judged *judged, uint64_t position, bool live);

/* Fills in what is there besides row and report. */
void posting_find_present(const struct target_book *book, struct arrival *arrival);

enum verdict posting_decide(struct target_book *book, struct arrival *arrival);

/* What a verdict does to the tables. */
void posting_carry_out(struct target_book *book, const struct arrival *arrival, enum verdict verdict);

/* Lets the reports go that wait for this submission, of the leaf at `position`, and those that wait for them
 * in turn. */
void posting_release_based(struct posting *posting, struct store *store, struct tables *tables,
                           struct snapshot *snapshot, const uint8_t id[SUBMISSION_ID_SIZE],
                           uint64_t position);

/* Always false. */
bool posting_damaged(uint64_t position, GError **error);

#endif

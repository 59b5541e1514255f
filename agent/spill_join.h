/* Joining the entries of one unit and period into one. */
#ifndef PARKTALLY_AGENT_SPILL_JOIN_H
#define PARKTALLY_AGENT_SPILL_JOIN_H

#include "agent/mapping.h"

/* Rows of one group that are remembered until it is known whether they differ. Beyond it each is judged as it
 * comes. */
#define JOIN_ROWS_KEPT 1024

struct join {
  const struct catalogue *catalogue;
  const char *file;
  finding_sink *findings;
  void *data;
  int form;

  bool begun;
  int32_t period;     /* key of the group's */
  struct entry entry; /* of the group so far */
  struct entry next;  /* that is to join it */
  char unit[LIMIT_CODE_BYTES + 1];
  size_t members;
  bool differs, refused;
  size_t good_row;                      /* the first that was not refused itself; 0: none */
  struct column_set conflicts;          /* long tables: columns that were named */
  size_t first_row[LIMIT_FORM_COLUMNS]; /* long tables: where a column was said first */
  size_t rows[JOIN_ROWS_KEPT];          /* wide tables */
};

/* True if this unit and period (its key) are those of the group at hand. */
bool join_fits(const struct join *join, int32_t period, const char *unit);
/* Where the next entry is to be put before it is added: a group of one is not copied. */
struct entry *join_slot(struct join *join);
/* Adds what was put into the slot; it starts the group if there is none. By ascending rows. */
void join_add(struct join *join, const struct entry *entry);
/* Ends the group: says what is wrong with it; the entry, or NULL if none was taken. Valid until the next add.
 */
const struct entry *join_end(struct join *join);

#endif

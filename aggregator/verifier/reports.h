/* The current reports, and those that wait: what the submissions of the ledger so far come to, by form and
 * period. Nothing is added up here. */
#ifndef PARKTALLY_VERIFIER_REPORTS_H
#define PARKTALLY_VERIFIER_REPORTS_H

#include "common/catalogue.h"
#include "common/report.h"
#include "common/submission.h"

#include <glib.h>
#include <stdbool.h>

/* What a park says of a unit now. */
struct current {
  struct current *next; /* of the same unit, by another park */
  char *park;
  enum report_kind kind;
  uint64_t position; /* leaf of the submission that made it so */
  uint64_t first;    /* leaf of the first one */
  uint8_t *packed;   /* figures_pack_to() */
  size_t length;
};

/* All reports of a form's period. */
struct book {
  char *form;
  struct period period;
  GHashTable *units; /* text → struct current, the first of its list */
};

/* A report that was not decided yet. */
struct undecided {
  uint64_t position; /* leaf and row of it */
  uint32_t row;
  bool for_unit; /* it waits for its unit's registration, else for its base */
  struct book *book;
  char *park, *unit;
  const struct catalogue *catalogue; /* that it names */
  bool has_base;
  uint8_t base[SUBMISSION_ID_SIZE];
  uint8_t id[SUBMISSION_ID_SIZE]; /* of its submission */
  enum report_kind kind;
  struct column_set asked, withdrawn;
  uint8_t *packed;
  size_t length;
};

struct reports {
  GHashTable *books; /* "form period" → struct book */
  GTree *waiting;    /* of struct undecided, by position and row */
  GHashTable *bases; /* base that something waits for → how many do */
  uint64_t put;      /* new revisions */
};

struct reports *reports_new(void);
void reports_free(struct reports *reports);
CLEANUP_DEFINE(struct reports, reports_free)

struct book *reports_book(struct reports *reports, const char *form, struct period period);
/* NULL if nothing was reported. */
struct book *reports_find_book(const struct reports *reports, const char *form, struct period period);

/* The park's own report, or NULL. */
struct current *book_report(const struct book *book, const char *unit, const char *park);
/* A new revision, by the submission of the leaf at `position`. */
void book_put(struct reports *reports, struct book *book, const char *unit, const char *park,
              enum report_kind kind, const struct figures *figures, uint64_t position);

/* Takes it. */
void reports_wait(struct reports *reports, struct undecided *waiting);
struct undecided *undecided_new(const struct submission_report *report);
struct report_change undecided_change(const struct undecided *waiting);
/* No longer waits: the caller's then. NULL if it did not wait. */
struct undecided *reports_take(struct reports *reports, uint64_t position, uint32_t row);
void undecided_free(void *waiting);
/* Whether a report of the unit waits that came with the leaf at `position`. */
bool reports_is_waiting(const struct reports *reports, uint64_t position, const char *unit);

#endif

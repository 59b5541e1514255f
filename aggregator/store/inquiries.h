/* The store, of inquiries (核实), consents and acceptance (验收): see store.h. */
#ifndef PARKTALLY_AGGREGATOR_STORE_INQUIRIES_H
#define PARKTALLY_AGGREGATOR_STORE_INQUIRIES_H

#include "aggregator/store/store.h"

enum inquiry_state {
  INQUIRY_OPEN = 1,
  INQUIRY_ANSWERED = 2,  /* explained, and not accepted yet */
  INQUIRY_ACCEPTED = 3,  /* the explanation was */
  INQUIRY_CORRECTED = 4, /* the report was corrected, so that nothing is left to ask */
};

struct stored_inquiry {
  uint64_t number;
  int64_t book;
  char *unit, *park;
  char *rule; /* finding id */
  char *indicator, *found, *expected;
  char *question, *answer, *answered_by;
  enum inquiry_state state;
  uint64_t about; /* leaf of the submission in which it was found, or of the operator's question */
  int64_t asked_ms, answered_ms, settled_ms; /* recorded times of leaves; 0: not yet */
};

/* Adds it under the next number, which it gets, or replaces the one of its number. Texts that are NULL are
 * "". */
void store_inquiry_add(struct store *store, struct stored_inquiry *inquiry);
void store_inquiry_put(struct store *store, const struct stored_inquiry *inquiry);

/* What follows gives arrays of struct stored_inquiry that own their texts, by number. */

/* One of none. */
GArray *store_inquiry(struct store *store, uint64_t number);
/* About a unit's reports in a book, of every state. */
GArray *store_inquiries_about(struct store *store, int64_t book, const char *unit);
/* Open and answered ones: of an area (NULL: all), of a book (0: all), behind a number, at most so many. */
GArray *store_inquiries_unsettled(struct store *store, const char *park, int64_t book, uint64_t behind,
                                  size_t most);
/* Of every state. */
GArray *store_inquiries_all(struct store *store, const char *park, int64_t book, uint64_t behind,
                            size_t most);
/* Open and answered ones of an area: those behind a number, at most so many. */
GArray *store_inquiries_page(struct store *store, const char *park, uint64_t behind, size_t most);
/* How many of an area are open or answered. */
size_t store_inquiries_count(struct store *store, const char *park);
/* In a book, of every state but INQUIRY_CORRECTED. */
GArray *store_inquiries_in_book(struct store *store, int64_t book);
/* Whether there is one of any state but INQUIRY_CORRECTED in the book. */
bool store_has_inquiries(struct store *store, int64_t book);

/* All submissions before this position were examined. */
void store_examined_put(struct store *store, uint64_t position);
uint64_t store_examined(struct store *store);

/* --- consents --- */

struct stored_consent {
  char *form, *unit, *rule, *area;
  struct period period;
  uint64_t position;
};
void store_consent_put(struct store *store, const struct stored_consent *consent);
bool store_has_consent(struct store *store, const char *form, struct period period, const char *unit,
                       const char *rule, const char *area);
/* Of all areas, or at most so many of one behind a position, at which there is but one: by position. They
 * own their texts. */
GArray *store_consents(struct store *store);
GArray *store_consents_page(struct store *store, const char *area, uint64_t behind, size_t most);

/* --- acceptance --- */

/* A park's reports in a book from before this position are accepted. */
void store_acceptance_put(struct store *store, int64_t book, const char *area, uint64_t position);
/* 0: none is. */
uint64_t store_acceptance(struct store *store, int64_t book, const char *area);

/* By book, then area. They own their texts. */
struct stored_acceptance {
  int64_t book;
  char *area;
  uint64_t position;
};
GArray *store_acceptances(struct store *store);

/* --- what an area is told --- */

/* Changes whenever the area's inquiries or consents do; 0 while there never was any. */
uint64_t store_area_state(struct store *store, const char *area);
void store_area_state_put(struct store *store, const char *area, uint64_t state);

#endif

/* The store: the only door to a database. SQLite behind it today; another engine later, behind the same
 * functions and tests.
 *
 * A store belongs to one thread at a time; there is one writer and any number of readers. Inside
 * store_begin() … store_commit() errors are kept and told once, at the commit; functions that look something
 * up give "nothing" after an error. Reports, cells and expected counts carry a checksum that every read
 * verifies: a damaged row is an error (ERROR_DATA) that names it. Texts given to sinks and in records live
 * until the next call.
 *
 * The schema (schema_sqlite.c) is readable with a plain SQL shell: the views `reports` and `totals` show it
 * by name. */
#ifndef PARKTALLY_AGGREGATOR_STORE_STORE_H
#define PARKTALLY_AGGREGATOR_STORE_STORE_H

#include "common/cleanup.h"
#include "common/codec.h"
#include "common/decimal.h"
#include "common/merkle.h"
#include "common/period.h"
#include "common/register.h"
#include "common/report.h"
#include "common/submission.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct store;

enum store_mode { STORE_CREATE, STORE_WRITE, STORE_READ };

/* `path` is the file. ERROR_CONFIG where its schema is newer than this program's. */
struct store *store_open(const char *path, enum store_mode mode, GError **error);
void store_close(struct store *store);
CLEANUP_DEFINE(struct store, store_close)

void store_begin(struct store *store);
bool store_commit(struct store *store, GError **error);
void store_rollback(struct store *store);
/* Another reading store, for another thread, within a transaction of the very same moment as that of this
 * one, which reads. NULL where the writer has been at work since, or it cannot be opened. */
struct store *store_open_beside(struct store *store);
/* The first error since store_begin(), or NULL. Outside of a transaction errors are kept too, until the next
 * one ends: it does nothing but tell them. */
const GError *store_error(const struct store *store);
/* Whether there is one, and a copy of it: for whoever found nothing, and would say that there is nothing. */
bool store_tell_error(const struct store *store, GError **error);
/* Copies the write-ahead log into the database; for a thread with a store of its own. */
void store_checkpoint(struct store *store);
/* How long the log was after the last commit of this store, which writes. */
size_t store_log_bytes(const struct store *store);

/* --- ledger --- */

uint64_t store_leaf_count(struct store *store);
/* At the next position. `sealed`: where in the body a sealed submission begins, 0 in other leaves. */
void store_leaf_add(struct store *store, uint64_t position, enum leaf_kind kind, int64_t recorded_ms,
                    const uint8_t *body, size_t length, size_t sealed, const uint8_t hash[MERKLE_HASH_SIZE]);
/* The sealed submission of the leaf that is about to be added at `position`: reports are put, and may be
 * read, before it is there. It must live until store_leaf_add(), or the end of the transaction. */
void store_leaf_coming(struct store *store, uint64_t position, const uint8_t *sealed, size_t length);
/* Leaves are in another store, which must live as long: this one is made of them. */
void store_use_ledger(struct store *store, struct store *ledger);
/* Takes over the ledger of the store at `path`, which nobody writes, into this one, which is new and in no
 * transaction: leaves, tree, ids and receipts of submissions, all that does not follow from leaves. */
bool store_take_ledger(struct store *store, const char *path, GError **error);
/* NULL if there is none. */
GBytes *store_leaf(struct store *store, uint64_t position);
/* Recorded time of a leaf, 0 if there is none. */
int64_t store_leaf_recorded(struct store *store, uint64_t position);
/* Whether leaves are listed by that kind and time: what is asked of many without reading them. */
bool store_leaf_is_listed(struct store *store, uint64_t position, enum leaf_kind kind, int64_t recorded_ms);
/* Of leaves that are no submission of figures, by position from `from` on. False ends it. */
typedef bool position_sink(uint64_t position, void *data);
bool store_each_act(struct store *store, uint64_t from, position_sink *sink, void *data);
/* Of submissions and acts that an agent has sent, likewise. */
bool store_each_of_agent(struct store *store, const char *agent, uint64_t from, position_sink *sink,
                         void *data);
/* The last leaf of a kind (but LEAF_SUBMISSION) before `position`. False if there is none. */
bool store_last_leaf_of(struct store *store, enum leaf_kind kind, uint64_t position, uint64_t *ret_position);
/* Whether a leaf at `position` or later changes catalogue, register, agents or periods. */
bool store_in_force_changed(struct store *store, uint64_t position);
/* How many leaves were recorded up to this moment, it included: the position of the first one after it. */
uint64_t store_leaves_until(struct store *store, int64_t wall_ms);
/* Recorded time of the last leaf, 0 if there is none. */
int64_t store_last_recorded(struct store *store);
/* Roots of subtrees of 2^level leaves, for proofs (merkle.h): put for levels of MERKLE_STRIDE and more. */
void store_node_put(struct store *store, unsigned level, uint64_t number,
                    const uint8_t hash[static MERKLE_HASH_SIZE]);
/* What is kept of the tree does not come to its head: keeps an error that says so. */
void store_damaged_tree(struct store *store);
/* Those of a level, of leaves where it is 0. False if not all are there. */
bool store_nodes(struct store *store, unsigned level, uint64_t first, size_t count,
                 uint8_t (*ret_hashes)[MERKLE_HASH_SIZE]);
void store_tree_put(struct store *store, const struct merkle *tree);
void store_tree(struct store *store, struct merkle *ret_tree);

/* --- submissions --- */

struct stored_submission {
  uint64_t position;
  GBytes *receipt; /* sealed; a new reference, or NULL */
};
bool store_submission(struct store *store, const uint8_t id[SUBMISSION_ID_SIZE],
                      struct stored_submission *ret_submission);
/* Only the position, from a small cache: corrections of one submission name the same base again and again. */
bool store_submission_position(struct store *store, const uint8_t id[SUBMISSION_ID_SIZE],
                               uint64_t *ret_position);
bool store_submission_at(struct store *store, uint64_t position, uint8_t ret_id[SUBMISSION_ID_SIZE]);
bool store_submission_by_sequence(struct store *store, const char *agent, uint64_t sequence,
                                  uint8_t ret_id[SUBMISSION_ID_SIZE]);
void store_submission_add(struct store *store, const uint8_t id[SUBMISSION_ID_SIZE], uint64_t position,
                          const char *agent, uint64_t sequence);
/* Of the submission or act at a position; NULL if there is none. */
GBytes *store_receipt_at(struct store *store, uint64_t position);
void store_receipt_put(struct store *store, const uint8_t id[SUBMISSION_ID_SIZE], const uint8_t *sealed,
                       size_t length);
/* Of an agent: how many submissions, and the recorded time of the last; 0 and 0 if none. */
void store_agent_activity(struct store *store, const char *agent, uint64_t *ret_count, int64_t *ret_last_ms);

/* Reports that wait for their base, as rows of submissions. */
struct waiting {
  uint64_t position;
  uint32_t row;
};
void store_waiting_add(struct store *store, const uint8_t base[SUBMISSION_ID_SIZE], uint64_t position,
                       uint32_t row, const char *unit);
/* Those that name this base, in the order in which they came; of one unit, or of all (NULL). */
GArray *store_waiting(struct store *store, const uint8_t base[SUBMISSION_ID_SIZE], const char *unit);
/* Whether the unit's report in the submission at `position` waits itself, for whatever. */
bool store_is_waiting(struct store *store, uint64_t position, const char *unit);
/* Reports that wait for their unit's registration in the park that reports. */
struct waiting_unit {
  struct waiting at;
  char *unit, *park, *form;
  struct period period;
};
void store_waiting_unit_add(struct store *store, const char *unit, const char *park, int64_t book,
                            uint64_t position, uint32_t row);
/* What follows gives arrays of struct waiting_unit that own their texts, in the order in which they came. */

/* Those behind one (of zeros: all), at most so many. */
GArray *store_waiting_units(struct store *store, struct waiting behind, size_t most);
/* Of one unit and park. */
GArray *store_waiting_of_unit(struct store *store, const char *unit, const char *park);
/* What was decided of a report that waited; of one that goes on waiting, now for its base, that it does. */
struct decided {
  struct waiting at;
  enum verdict verdict;
};
void store_decided_put(struct store *store, struct waiting at, enum verdict verdict);
/* Of the submission at a position, or all (NULL): an array of struct decided, by position and row. */
GArray *store_decided(struct store *store, const uint64_t *position);
/* Of either kind. */
void store_waiting_remove(struct store *store, uint64_t position, uint32_t row);

/* --- books: one form's collection for one period --- */

int64_t store_book(struct store *store, const char *form, struct period period);      /* made if absent */
int64_t store_find_book(struct store *store, const char *form, struct period period); /* 0 if none */
/* How many leaves there were when this store had last changed a report of the book; G_MAXUINT64 until that is
 * committed, 0 if it has not since it was opened. Whoever reads as of so many leaves, or more, sees all of
 * it.
 */
uint64_t store_book_changed(const struct store *store, int64_t book);
struct stored_book {
  int64_t book;
  char *form;
  struct period period;
};
/* Of one form (NULL: of all), by form, then period. An array of struct stored_book that owns its texts. */
GArray *store_books(struct store *store, const char *form);

/* --- reports: the current one of each unit and reporting park; what it superseded is kept as history --- */

struct stored_report {
  int64_t book;
  const char *unit;
  unsigned place;    /* among the reports of the unit, from 0, in the order in which parks first reported */
  const char *park;  /* area of the agent that reported */
  unsigned revision; /* from 1 */
  enum report_kind kind;
  uint64_t position;  /* leaf of the submission that made this revision */
  uint32_t row;       /* of the report in it */
  uint64_t since;     /* leaf from which it is in force: of one that waited the leaf that let it go; read as
                         `position` where it is less */
  uint64_t first;     /* leaf of the first revision: who came first */
  int64_t membership; /* interned; 0 while the unit belongs nowhere */
  bool counted;       /* in the cells of that membership */
  const uint8_t *figures; /* packed (report.h) */
  size_t figures_length;
  /* The last bytes of the figures, as many as this, are those of the sealed submission at `position` that
   * begin at `sealed_at`, and are kept in the ledger alone. 0: none. */
  uint32_t sealed_at, sealed_length;
};

/* The current reports of a unit, by place: an array of struct stored_report that lives until the next call of
 * this function. */
const struct stored_report *store_reports(struct store *store, int64_t book, const char *unit,
                                          size_t *ret_count);
/* Puts a revision; revision − 1, if there is one, goes to the history. A park's first is put behind the
 * reports of the others: its place is their number. */
void store_report_put(struct store *store, const struct stored_report *report);
/* Puts a unit's first report, of revision 1 and place 0. False, and nothing changed, if the unit has one
 * already (or after an error). */
bool store_report_put_first(struct store *store, const struct stored_report *report);
/* Changes only membership and counted of the current one. */
void store_report_mark(struct store *store, int64_t book, const char *unit, const char *park,
                       int64_t membership, bool counted);
/* Every current report of a book by unit, then place. False from the sink ends it. The sink must not write.
 * As of every store_each_…(): false if the sink ended it or an error did. */
typedef bool stored_report_sink(const struct stored_report *report, void *data);
bool store_each_report(struct store *store, int64_t book, stored_report_sink *sink, void *data);
/* Those of one unit, by place: for who puts none of this book, and asks for one unit after the other,
 * ascending. */
bool store_look_at(struct store *store, int64_t book, const char *unit, stored_report_sink *sink, void *data);
/* The same for the units after `unit` (byte order). */
bool store_each_report_after(struct store *store, int64_t book, const char *unit, stored_report_sink *sink,
                             void *data);
/* As a cursor, for joining two books: NULL at the end. A report lives until the next call but one. */
struct store_reports_cursor;
struct store_reports_cursor *store_reports_open(struct store *store, int64_t book);
/* From this unit on. */
struct store_reports_cursor *store_reports_open_at(struct store *store, int64_t book, const char *unit);
/* As they were after so many leaves: of each the newest revision that was in force then, which may be of the
 * history; those that were not there yet are left out. What it says of membership and of counted is of no
 * particular moment. */
struct store_reports_cursor *store_reports_open_as_of(struct store *store, int64_t book, uint64_t leaves);
const struct stored_report *store_reports_next(struct store_reports_cursor *cursor);
void store_reports_close(struct store_reports_cursor *cursor);
/* A unit in the middle of a book, by which two may share the work of reading it, and of how many blocks it
 * is; NULL if it is empty. Newly allocated. */
char *store_middle_unit(struct store *store, int64_t book, size_t *ret_blocks);

/* Interned memberships: ';'-joined codes of areas and of slices. One without areas is 0, and 0 has none; an
 * unknown one is an error, as ids come from stored rows alone. */
int64_t store_membership(struct store *store, const char *areas, const char *slices); /* made if absent */
bool store_membership_text(struct store *store, int64_t membership, char **ret_areas, char **ret_slices);

/* --- cells --- */

#define SLOT_REPORTED (-1) /* units: units with a report of any kind; total: those that are nil */

struct cell_key {
  int64_t book;
  const char *area, *slice;
  int slot; /* column of the form, or SLOT_REPORTED */
};
struct cell_change {
  int slot;
  int64_t units;
  int128 total;
};
/* Changes of the cells of one book, area and slice, by slot, each once. */
struct cell_family {
  int64_t book;
  const char *area, *slice;
  size_t count;
  const struct cell_change *changes;
};
/* Adds to cells; one that comes to zero units and zero total vanishes. A sum beyond 128 bits or fewer units
 * than none are errors (ERROR_INTERNAL). */
void store_cells_add(struct store *store, const struct cell_family *family);
/* False (and zeros) if nothing is there. */
bool store_cell(struct store *store, const struct cell_key *key, int128 *ret_total, int64_t *ret_units);
/* By key. */
typedef bool cell_sink(const struct cell_key *key, int128 total, int64_t units, void *data);
bool store_each_cell(struct store *store, cell_sink *sink, void *data);
void store_cells_clear(struct store *store);

/* --- expected units: how many owe a form, as changes by day --- */

void store_expected_add(struct store *store, const char *form, const char *area, const char *slice,
                        day_number day, int64_t units);
/* As of the end of `day`. One day's change of zero vanishes. */
int64_t store_expected(struct store *store, const char *form, const char *area, const char *slice,
                       day_number day);
typedef bool expected_sink(const char *form, const char *area, const char *slice, day_number day,
                           int64_t units, void *data);
bool store_each_expected(struct store *store, expected_sink *sink, void *data);
void store_expected_clear(struct store *store);

/* Everything that is derived from the ledger but the ids and receipts of submissions: books, reports, cells,
 * expected counts, memberships, what waits, register, catalogues, agents, invitations and periods. */
void store_clear(struct store *store);

/* --- register, catalogues, periods, agents, invitations --- */

void store_version_put(struct store *store, const struct unit_version *version);
struct unit_register *store_register(struct store *store);
/* Keeps what the version of this unit and day was before the leaf at `position` put another in its place:
 * NULL if there was none. Not for the first leaf of a register, before which it was empty. */
void store_version_keep(struct store *store, uint64_t position, const struct unit_version *after,
                        const struct unit_version *before);
/* What was kept of leaves from `position` on: by leaf, unit and day. `before` NULL: there was none. */
typedef bool version_change_sink(uint64_t position, const char *unit, day_number from,
                                 const struct unit_version *before, void *data);
bool store_each_version_change(struct store *store, uint64_t position, version_change_sink *sink, void *data);

void store_catalogue_put(struct store *store, const uint8_t hash[CATALOGUE_HASH_SIZE], uint64_t position,
                         const char *text, size_t length);
/* Texts by position, the one in force last: an array of GBytes. */
GPtrArray *store_catalogues(struct store *store);

/* What an operator did with a form's period. */
struct stored_period_act {
  uint64_t position; /* of its leaf */
  char *form;
  struct period period;
  enum period_action action;
  char *area; /* "": everybody's */
  char *by, *reason;
  int64_t recorded_ms;
};
void stored_period_act_clear(struct stored_period_act *act);
void store_period_act_add(struct store *store, const struct stored_period_act *act);
/* An array of struct stored_period_act by form, period and position, which owns what it holds. */
GArray *store_period_acts(struct store *store);

/* Of an agent that waited. */
struct stored_admission {
  uint64_t position;               /* of the leaf; 0: there is none */
  char *by, *approved_by, *reason; /* the agent that admitted it, and of that act */
  int64_t recorded_ms;
};

struct stored_agent {
  char *id, *area;
  enum agent_role role;
  GStrv forms; /* empty: every form of the role */
  uint8_t curve_key[32], sign_key[32];
  int64_t enrolled_ms;
  int64_t revoked_ms;  /* 0: in force */
  GBytes *certificate; /* sealed */
  enum agent_entry entry;
  struct stored_admission admission; /* texts "" where there is none; NULL will do for putting */
};
/* Whether it is enrolled, but has no rights: nobody has admitted it. */
bool stored_agent_waits(const struct stored_agent *agent);
void stored_agent_clear(struct stored_agent *agent);
void store_agent_put(struct store *store, const struct stored_agent *agent);
/* An array of struct stored_agent by id, which owns what it holds. */
GArray *store_agents(struct store *store);
/* The same of an area, at most so many that enrolled after a time (ms), at which there is but one, in that
 * order. */
GArray *store_agents_page(struct store *store, const char *area, uint64_t behind, size_t most);

struct stored_invitation {
  char *area;
  enum agent_role role;
  GStrv forms;
  int64_t expires_ms;
  char *used_by; /* agent id; NULL: still open */
};
void stored_invitation_clear(struct stored_invitation *invitation);
void store_invitation_put(struct store *store, const uint8_t secret_hash[SEAL_HASH_SIZE],
                          const struct stored_invitation *invitation);
bool store_invitation(struct store *store, const uint8_t secret_hash[SEAL_HASH_SIZE],
                      struct stored_invitation *ret_invitation);

#endif

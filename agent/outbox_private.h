/* What the files of the outbox share. */
#ifndef PARKTALLY_AGENT_OUTBOX_PRIVATE_H
#define PARKTALLY_AGENT_OUTBOX_PRIVATE_H

#include "agent/outbox.h"
#include "common/db.h"
#include "common/merkle.h"

/* The batch in the making: what of it is not written yet. */
struct drafts {
  int64_t batch; /* 0: there is none */
  bool begun;    /* the batch stands in the database */
  char *file, *place;
  int64_t made_at_ms;
  GPtrArray *submissions; /* of struct draft */
  size_t bytes;           /* of their seals */
};

/* A submission that was written and is to be sent. */
struct kept {
  int64_t batch;
  uint64_t sequence;
  uint8_t id[SUBMISSION_ID_SIZE];
  GBytes *sealed;
};

struct outbox {
  struct db *db;
  char *path;
  uint64_t sequence; /* the last that was given */
  struct drafts drafts;
  GArray *kept; /* of struct kept, by sequence; NULL where nothing is */
  size_t kept_bytes;
  bool answers_together, answers_begun; /* in one transaction; which was begun */
};

/* submission.state */
enum outbox_state { STATE_UNANSWERED = 0, STATE_ANSWERED = 1, STATE_REFUSED_WHOLE = 2 };

/* Begins to keep an answer, in one transaction with others where outbox_answers_begin() said so; and ends. */
void outbox_answer_begin(struct outbox *outbox);
bool outbox_answer_end(struct outbox *outbox, GError **error);

/* Checks that `sealed` still is the submission of this id and gives its payload; else ERROR_DATA that names
 * it. */
bool outbox_check_content(const struct outbox *outbox, uint64_t sequence, const uint8_t *id, size_t id_length,
                          const uint8_t *sealed, size_t length, struct bytes_view *ret_payload,
                          GError **error);

/* In the transaction of an answer. `sealed`: empty of a receipt's. One of this size stays as it is. */
void outbox_keep_head(struct outbox *outbox, const struct outbox_head *head, struct bytes_view sealed);

/* SQL: whether the ledger of now lacks what was signed in `epoch` beyond a size, as in "< head.size": a
 * restore went back to before it, or to before that epoch, which was left then, known here or not. */
#define OUTBOX_LOST(epoch, beyond)                                                                           \
  "(EXISTS (SELECT 1 FROM epoch e WHERE NOT e.left AND e.number > " epoch " AND e.size " beyond ")"          \
  " OR EXISTS (SELECT 1 FROM epoch e WHERE e.left AND e.number = " epoch ")"                                 \
  " OR (" epoch " > (SELECT value FROM meta WHERE key = 'epochs_from')"                                      \
  " AND NOT EXISTS (SELECT 1 FROM epoch e WHERE e.number = " epoch ")"                                       \
  " AND EXISTS (SELECT 1 FROM epoch e WHERE NOT e.left AND e.number > " epoch ")))"

/* The submission, if it is kept: no more from then on. Else NULL. */
GBytes *outbox_take_kept(struct outbox *outbox, uint64_t sequence, const uint8_t *id, size_t id_length);

/* --- what is damaged --- */

/* A row that can be read, its key in column 0; a range of keys that cannot, and why. Whatever they ask the
 * database themselves, they leave it without an error. */
typedef void outbox_row_sink(struct db_row *row, void *data);
typedef void outbox_gap_sink(int64_t first, int64_t last, const char *why, void *data);
/* All rows of `sql`, a literal with the parameters first and last key, in the order of keys: around what
 * SQLite cannot read any more. False and `error` where it is not the file that is at fault. */
bool outbox_walk(struct db *db, const char *sql, int64_t first, int64_t last, outbox_row_sink *row,
                 outbox_gap_sink *gap, void *data, GError **error);
/* Whether what failed is that something cannot be read; the error is forgotten then. */
bool outbox_is_unreadable(struct db *db, char **ret_why);
/* A number that no key of the outbox goes beyond, as far as it can be read; `schema` is "main" or "old". */
int64_t outbox_last_key(struct db *db, bool old);

/* Each record that still stands in the pages of a database file, whatever the tables say: sealed bytes that
 * begin as such, and may be anything. False and `error` where the file cannot be read at all. */
typedef void outbox_carve_sink(struct bytes_view sealed, void *data);
bool outbox_carve(const char *path, outbox_carve_sink *sink, void *data, GError **error);

#endif

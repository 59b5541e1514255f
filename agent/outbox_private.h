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

/* The submission, if it is kept: no more from then on. Else NULL. */
GBytes *outbox_take_kept(struct outbox *outbox, uint64_t sequence, const uint8_t *id, size_t id_length);

#endif

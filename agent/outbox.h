/* The outbox: submissions are durable here before a byte leaves, and stay for the retention time with what
 * came back.
 *
 * SQLite, synchronous=FULL. Each thread and process opens its own. What a file gives is a batch: it becomes
 * sendable as a whole in one transaction, or not at all; drafts that a crash left behind are removed when the
 * next batch is first written. */
#ifndef PARKTALLY_AGENT_OUTBOX_H
#define PARKTALLY_AGENT_OUTBOX_H

#include "common/catalogue.h"
#include "common/cleanup.h"
#include "common/codec.h"
#include "common/merkle.h"
#include "common/report.h"
#include "common/submission.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct outbox;
struct outbox *outbox_open(const char *path, GError **error);         /* made if absent */
struct outbox *outbox_open_to_look(const char *path, GError **error); /* must exist; changes nothing */
void outbox_close(struct outbox *outbox);
CLEANUP_DEFINE(struct outbox, outbox_close)

/* --- preparing (under lock.push) --- */

/* Starts a batch for a file of this name, in memory; one that was not committed is let go of. */
bool outbox_batch_begin(struct outbox *outbox, const char *file, int64_t now_ms, int64_t *ret_batch,
                        GError **error);
/* The next sequence number, for a draft: given again only after a kill, and only if that draft was not
 * written. 0 where the disk failed: outbox_batch_add() gives the error. */
uint64_t outbox_sequence(struct outbox *outbox);
/* The last number that anything was sealed with, 0 before the first. */
bool outbox_spent(struct outbox *outbox, uint64_t *ret_spent, GError **error);
/* Adds a sealed submission (referenced), or an act under the form "", to the batch as a draft; sequence 0
 * gives its error. Drafts wait in memory and are written in transactions of about LIMIT_DRAFT_BYTES. */
bool outbox_batch_add(struct outbox *outbox, int64_t batch, uint64_t sequence,
                      const uint8_t id[SUBMISSION_ID_SIZE], const char *form, struct period period,
                      const char *first_unit, const char *last_unit, size_t reports, GByteArray *sealed,
                      GError **error);
/* From now on what is written also waits in memory, up to LIMIT_KEPT_BYTES, until outbox_pending() of this
 * same outbox gives it: for whoever prepares and then sends, and need not read it back. */
void outbox_keep(struct outbox *outbox);
/* Makes the batch sendable: durable when it returns. */
bool outbox_batch_commit(struct outbox *outbox, int64_t batch, GError **error);
/* Where the file of this batch stands, a path: its refusals are to be told beside it (outbox_tell). Before
 * the first submission. */
void outbox_batch_place(struct outbox *outbox, int64_t batch, const char *path);
/* Lets go of a batch that is not committed, if there is one. */
void outbox_batch_drop(struct outbox *outbox);
/* Files that stood at `from` stand at `to` from now on. */
bool outbox_moved(struct outbox *outbox, const char *from, const char *to, GError **error);

/* --- what was reported before --- */

struct prior {
  bool exists;                      /* something of this unit was reported */
  uint8_t base[SUBMISSION_ID_SIZE]; /* what a correction names */
  bool known; /* the figures are what the report is now; false after another submission of the area changed it
               */
  enum report_kind kind;
  uint16_t packed_size;
  uint8_t *packed; /* the figures, see figures_pack_to(); NULL: none */
};
void prior_figures(const struct prior *prior, struct figures *ret_figures);

/* So many priors, blank. */
struct prior *priors_new(size_t count);
void priors_free(struct prior *priors, size_t count);

/* False, quickly, if it holds nothing of this form and period, so that no unit has a prior. True if it may,
 * and where the disk failed. */
bool outbox_may_have_priors(struct outbox *outbox, const char *form, struct period period);

/* What the outbox holds of `count` units (ascending) of one form and period: the fold of its submissions in
 * sequence order, less what the aggregator did not count. Fills priors[count], which are blank before. Memory
 * is that of the array, what it holds packed, and one submission. */
bool outbox_priors(struct outbox *outbox, const struct catalogue *catalogue, int form, struct period period,
                   const char *const *units, size_t count, struct prior *priors, GError **error);

/* --- sending (under lock.link) --- */

struct outbox_item {
  uint8_t id[SUBMISSION_ID_SIZE];
  uint64_t sequence;
  GBytes *sealed;
};

/* The rule of a submission that was damaged on the disk before it was sent: like one that was refused whole.
 */
#define OUTBOX_DAMAGED "outbox.damaged"

/* The next submissions after `sequence` that are sendable and unanswered, by sequence, at most `most`.
 * Damaged ones are passed over from then on, as if refused whole. Elements are freed with outbox_item_free.
 */
GPtrArray *outbox_pending(struct outbox *outbox, uint64_t sequence, size_t most, GError **error);
void outbox_item_free(struct outbox_item *item);

/* What of the answers below is kept between these two is kept in one transaction, with one sync; it is
 * durable when the second returns true. Beginning costs nothing where no answer follows. */
void outbox_answers_begin(struct outbox *outbox);
bool outbox_answers_end(struct outbox *outbox, GError **error);
/* Keeps the sealed receipt and what it says of single reports, durably. A second receipt for the same id
 * changes nothing, nor does one of what a restore has lost. */
bool outbox_receipt(struct outbox *outbox, const uint8_t *sealed, size_t length,
                    const struct receipt *receipt, GError **error);
/* An answered submission whose receipt announced more refusals than are kept, or some of whose reports waited
 * before the state was fetched that is kept; and where to go on. False if there is none, or `error`. Also
 * after a kill: the rest is asked for again. */
bool outbox_missing_refusals(struct outbox *outbox, uint8_t ret_id[SUBMISSION_ID_SIZE], uint32_t *ret_offset,
                             GError **error);
/* The rest of the refusals of a submission, page by page, or all of them anew: of what waited they may say
 * what became of it. A page of none: there are no more, and they are not missed. */
bool outbox_refusals(struct outbox *outbox, const uint8_t id[SUBMISSION_ID_SIZE],
                     const struct refusal *refusals, size_t count, GError **error);
/* The submission was refused whole; it stays, and is not sent again. */
bool outbox_fault(struct outbox *outbox, const uint8_t id[SUBMISSION_ID_SIZE], const char *code,
                  const char *text, GError **error);

/* --- heads of the city's ledger: what it signed binds it --- */

struct outbox_head {
  uint64_t epoch; /* in which it was made */
  uint64_t size;  /* leaves */
  uint8_t root[MERKLE_HASH_SIZE];
};
/* Those of which no later one is known to continue them, and that are not lost: the newest first, then by
 * epoch and size; at most so many. */
size_t outbox_open_heads(struct outbox *outbox, struct outbox_head *ret_heads, size_t most);
/* False if none of this size is kept. */
bool outbox_head_root(struct outbox *outbox, uint64_t epoch, uint64_t size,
                      uint8_t ret_root[static MERKLE_HASH_SIZE]);
/* Keeps a head, and that it continues these heads, as the proofs say, which hold. Whatever did not fit before
 * is over. Kept like an answer. */
struct outbox_continuation {
  struct outbox_head from;
  struct hashes_view path;
};
bool outbox_head(struct outbox *outbox, const struct signed_head *head, struct bytes_view sealed,
                 const struct outbox_continuation *continued, size_t count, int64_t now_ms, GError **error);
/* What the city tells of its restores, each kept like an answer. `left`: the ledger does not go on from that
 * epoch, as it was restored from a backup of before it. */
void outbox_add_epoch(struct outbox *outbox, const struct epoch *epoch, struct bytes_view sealed);
void outbox_leave_epoch(struct outbox *outbox, uint64_t number, bool left);
/* What follows from them all: heads and receipts that the ledger of now does not have any more are lost, and
 * what they were about is to be sent again. An epoch beyond number `from` that is not kept was left. */
bool outbox_restored(struct outbox *outbox, uint64_t from, GError **error);
/* Keeps what was sealed, a head or a receipt, and cannot be true beside a head that was signed before. Kept
 * like an answer. */
bool outbox_keep_fork(struct outbox *outbox, struct bytes_view sealed, const struct outbox_head *against,
                      int64_t now_ms, GError **error);
/* Since when the aggregator is refused for that; 0: it is not. */
int64_t outbox_forked(struct outbox *outbox);

/* What is kept as evidence, as it is kept: nothing of it is verified here. */
struct outbox_evidence {
  uint64_t sequence; /* of the submission; by sequence */
  const char *form;
  struct period period;
  struct bytes_view id, receipt; /* empty: it is lost */
};
typedef void outbox_evidence_sink(const struct outbox_evidence *evidence, void *data);
bool outbox_each_receipt(struct outbox *outbox, outbox_evidence_sink *sink, void *data, GError **error);
struct outbox_link {
  uint64_t epoch, size;                /* of a head, from the newest on */
  struct bytes_view root, sealed;      /* sealed empty: a receipt has it */
  uint64_t continued_epoch, continued; /* by this head; continued 0: by none yet */
  struct bytes_view path;              /* its proof */
  bool lost;                           /* in a restore */
};
typedef void outbox_link_sink(const struct outbox_link *link, void *data);
bool outbox_each_head(struct outbox *outbox, outbox_link_sink *sink, void *data, GError **error);
struct outbox_restore {
  uint64_t number, before; /* the epoch that it goes on from */
  uint64_t size;           /* of leaves that were there still */
  bool left;
  int64_t restored_at_ms;
  uint64_t sent_again; /* submissions */
  struct bytes_view root, sealed;
};
typedef void outbox_restore_sink(const struct outbox_restore *restore, void *data);
bool outbox_each_epoch(struct outbox *outbox, outbox_restore_sink *sink, void *data, GError **error);
struct outbox_fork {
  int64_t at_ms, over_at_ms; /* over 0: it is not */
  uint64_t size;             /* of the head that was not continued */
};
typedef void outbox_fork_sink(const struct outbox_fork *fork, void *data);
bool outbox_each_fork(struct outbox *outbox, outbox_fork_sink *sink, void *data, GError **error);

/* --- what the city asks --- */

/* The state (of Welcome) that is kept; 0: none is. `ret_at_ms` (may be NULL): when it was fetched. */
uint64_t outbox_state(struct outbox *outbox, int64_t *ret_at_ms);

/* How many changes of this agent's keys the aggregator is known to have; noted when it says so. An error is
 * kept for the next commit. */
unsigned outbox_keys_known(struct outbox *outbox);
void outbox_note_keys(struct outbox *outbox, unsigned known);
/* Takes a page of a state, a FRAME_STATE_PAGE; the `first` begins anew. Those of before stay until the
 * last page, `last`, is here. Kept like an answer. */
bool outbox_state_page(struct outbox *outbox, const struct frame *page, bool first, bool last, int64_t now_ms,
                       GError **error);
/* By number. False ends it. */
typedef bool outbox_inquiry_sink(const struct inquiry_item *inquiry, void *data);
bool outbox_each_inquiry(struct outbox *outbox, outbox_inquiry_sink *sink, void *data, GError **error);
/* How many have no answer. */
size_t outbox_open_inquiries(struct outbox *outbox);
/* False also where the disk failed. */
bool outbox_has_consent(struct outbox *outbox, const char *form, struct period period, const char *unit,
                        const char *rule);

/* By number. False ends it. */
typedef bool outbox_application_sink(const struct application_item *application, void *data);
bool outbox_each_application(struct outbox *outbox, outbox_application_sink *sink, void *data,
                             GError **error);
/* Whether this park's application to register the unit is pending, or on its way. False also where the disk
 * failed. */
bool outbox_is_applied_for(struct outbox *outbox, const char *unit);

/* The agents of this area, in the order in which they enrolled. False ends it. */
typedef bool outbox_agent_sink(const struct agent_item *agent, void *data);
bool outbox_each_agent(struct outbox *outbox, outbox_agent_sink *sink, void *data, GError **error);
/* How many wait for admission, this one not counted. */
size_t outbox_waiting_agents(struct outbox *outbox, const char *but);
/* Whether this one does. */
bool outbox_agent_waits(struct outbox *outbox, const char *agent);
/* Of each agent that waits and that this one has admitted, by name and key: the last admission, if it was
 * refused because the city knew no such agent then. Of struct park_act, newly allocated; NULL on an error. */
GPtrArray *outbox_refused_admissions(struct outbox *outbox, GError **error);

/* --- carried in a file --- */

/* The form of a submission of which only the receipt was left. */
#define OUTBOX_FORM_LOST "?"

struct outbox_carried { /* texts and bytes: until the sink returns */
  uint64_t sequence;
  uint8_t id[SUBMISSION_ID_SIZE];
  const char *form, *period; /* form "": an act */
  struct bytes_view sealed;  /* empty where it is damaged, or not there */
  struct bytes_view receipt; /* sealed; empty: none */
  const char *fault, *text;  /* why it was refused whole; "": it was not */
};
/* Sendable submissions and acts by sequence, as of one moment: those that have no answer, or `all`. False
 * ends it. */
typedef bool outbox_carry_sink(const struct outbox_carried *carried, void *data);
bool outbox_each_carried(struct outbox *outbox, bool all, outbox_carry_sink *sink, void *data,
                         GError **error);

/* Whether it holds this submission, and whether its answer. False also where the disk failed. */
bool outbox_holds(struct outbox *outbox, const uint8_t id[SUBMISSION_ID_SIZE], bool *ret_answered,
                  uint32_t *ret_refusals_kept);

enum outbox_restored {
  OUTBOX_RESTORED, /* it was not there, or damaged, and is sendable now */
  OUTBOX_HELD,     /* it is there */
  OUTBOX_CLASHES,  /* its number is another submission's here */
};
struct outbox_lost { /* what was sealed, as its payload says */
  uint64_t sequence;
  uint8_t id[SUBMISSION_ID_SIZE];
  const char *form; /* "": an act */
  struct period period;
  const char *first_unit, *last_unit;
  size_t reports;
  struct bytes_view sealed;
};
/* Takes back a submission, or an act, of this agent's own, whose seal the caller has verified; kept like an
 * answer. `batch` is the one they go into, 0 before the first of a file of this name. Under lock.push. */
enum outbox_restored outbox_restore(struct outbox *outbox, const struct outbox_lost *lost, const char *file,
                                    int64_t now_ms, int64_t *batch);

/* --- damage --- */

struct home;

/* A line for people: where, what was found, what was expected, what to do. A note is no damage. */
typedef void outbox_damage_sink(const char *line, bool is_note, void *data);

/* Looks at every record: SQLite's own pages, seals, ids, numbers, and that they belong together. Changes
 * nothing. `ret_records` is how many submissions could be read. False where it is not the outbox that is at
 * fault. Blocking, as long as reading all of it takes. */
bool outbox_check(const char *path, const struct home *home, outbox_damage_sink *sink, void *data,
                  uint64_t *ret_damages, uint64_t *ret_records, GError **error);

struct outbox_repair {
  uint64_t submissions, receipts; /* kept */
  uint64_t lost; /* records that were there once, and are not in the new outbox; each was told */
  char *aside;   /* where the damaged file is kept; newly allocated */
};
/* Makes a new outbox of every record that is still good and puts it in the place of this one, which is kept
 * beside it. Crash-safe: before the end all is as it was. The caller holds all locks of the folder. */
bool outbox_repair(const char *path, const struct home *home, outbox_damage_sink *sink, void *data,
                   struct outbox_repair *ret_repair, GError **error);

/* --- looking --- */

/* Changes whenever another connection commits: for noticing new work cheaply. */
int64_t outbox_version(struct outbox *outbox);

/* Gives memory that is of use only at work back to the system: for whoever has nothing to do for a while. */
void outbox_rest(struct outbox *outbox);

struct outbox_summary { /* of one batch, or of all where batch is 0; acts count among what waits alone */
  uint64_t submissions, reports, waiting_to_send, answered, refused_whole;
  uint64_t counted, unchanged, stale, waiting_for_base, refused;
  int64_t last_recorded_at_ms; /* of the newest receipt, by the aggregator's clock; 0: none yet */
  uint64_t last_position;      /* of its leaf */
};
bool outbox_summary(struct outbox *outbox, int64_t batch, struct outbox_summary *ret_summary, GError **error);

/* Each report of the batch (0: of all) that was not counted, unchanged ones included, newest submission last;
 * see its verdict. A submission refused whole is one with no unit: its rule is the fault's code, `expected`
 * its text. False ends it. */
typedef bool outbox_refusal_sink(const char *form, const char *period, const struct refusal *refusal,
                                 void *data);
bool outbox_each_refusal(struct outbox *outbox, int64_t batch, outbox_refusal_sink *sink, void *data,
                         GError **error);

/* Each stale or refused report that nobody was told of yet, batch after batch: of batches with a place, or of
 * those without one, and of the latter also those that wait for their base. What the sink took counts as told
 * when it took the last one of its batch; false from it: none of this batch does, and the next one is given.
 * Told twice after a kill at worst, never not at all. */
struct outbox_origin {
  int64_t batch;
  const char *file;
  const char *place; /* "" for none */
};
typedef bool outbox_tell_sink(const struct outbox_origin *origin, const char *form, const char *period,
                              const struct refusal *refusal, void *data);
bool outbox_tell(struct outbox *outbox, bool placed, outbox_tell_sink *sink, void *data, GError **error);

#endif

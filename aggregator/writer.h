/* The writer: one thread through which every change goes, in groups, each group one transaction.
 *
 * Whatever waits is taken together up to a limit: submissions are posted, acts applied, leaves appended,
 * receipts sealed and stored, cells written; then one commit, and only then the answers go out. A full disk
 * refuses the group with ERROR_TEMPORARY and changes nothing; where a damaged row makes a group fail, its
 * jobs are tried one by one and the culprit alone gets the error; any other failure of the disk ends the
 * process through `failed`. */
#ifndef PARKTALLY_AGGREGATOR_WRITER_H
#define PARKTALLY_AGGREGATOR_WRITER_H

#include "aggregator/act.h"
#include "aggregator/judge.h"
#include "aggregator/snapshot.h"
#include "common/cleanup.h"
#include "common/identity.h"

#include <glib.h>
#include <stdbool.h>

struct writer;

/* Opens the store in `folder` for writing (exclusive: the caller holds the folder's lock), loads the snapshot
 * and starts the thread. `failed` is called in a thread of the writer's with the error that ended it. The
 * identity must outlive the writer. */
struct writer *writer_new(const char *folder, const struct identity *identity,
                          void (*failed)(const GError *error, void *data), void *data, GError **error);
/* Finishes what was asked for, then stops. */
void writer_free(struct writer *writer);
CLEANUP_DEFINE(struct writer, writer_free)

/* The snapshot in force, for all threads. Belongs to the writer. */
struct present *writer_present(struct writer *writer);

/* Answers, in the writer's thread, after the commit. `receipt` is sealed; NULL where `error` says why:
 * ERROR_DATA with a fault code (judged->fault), ERROR_TEMPORARY: try again. `judged` is freed afterwards by
 * the writer. */
typedef void writer_answer(const struct judged *judged, GBytes *receipt, const GError *error, void *data);

/* Hands over a judged submission. Never blocks: the gate's credit bounds the queue. */
void writer_submit(struct writer *writer, struct judged *judged, writer_answer *answer, void *data);

/* Does an act and waits for its commit. On success `ret_result` (may be NULL) is what it made: for an
 * enrolment the sealed certificate; else NULL. Blocking; any thread but the writer's. */
bool writer_act(struct writer *writer, const struct act *act, GBytes **ret_result, GError **error);

/* Notes that `by` did something, and why, that changes nothing by itself, for the journal of acts: a leaf. */
bool writer_note(struct writer *writer, const char *by, const char *reason, const char *act,
                 const char *detail, GError **error);

/* As writer_act(), but answers by a call in the writer's thread: for the gate, which must not wait. The act
 * is copied. */
typedef void writer_act_answer(GBytes *result, const GError *error, void *data);
void writer_enrol(struct writer *writer, const struct join_record *join, writer_act_answer *answer,
                  void *data);

/* The same of an agent that was enrolled after the backup the ledger was restored from, and shows its
 * certificate: sealed by it (SEAL_RETURN), of which a reference is taken. */
void writer_return(struct writer *writer, GBytes *sealed, writer_act_answer *answer, void *data);

/* From now on `committed` is called in the writer's thread after each transaction; NULL: nobody is. Of one
 * listener. */
void writer_tell(struct writer *writer, void (*committed)(void *data), void *data);

/* The same, of another one, after each transaction that put another snapshot in force. */
void writer_watch(struct writer *writer, void (*changed)(void *data), void *data);

/* Submissions and acts not yet committed. */
unsigned writer_backlog(struct writer *writer);

#endif

/* A submission (上报批次): reports of one form and period, sorted by unit, that one named person answers for.
 */
#ifndef PARKTALLY_COMMON_SUBMISSION_H
#define PARKTALLY_COMMON_SUBMISSION_H

#include "common/catalogue.h"
#include "common/cleanup.h"
#include "common/report.h"
#include "common/seal.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define SUBMISSION_ID_SIZE SEAL_HASH_SIZE

/* Everything but the reports. Texts are borrowed while writing, owned by the submission when read. */
struct submission_head {
  const char *agent;
  uint64_t sequence;
  uint8_t catalogue_hash[CATALOGUE_HASH_SIZE];
  const char *form;
  const char *period; /* canonical */
  const char *approved_by;
  int64_t approved_at_ms;
  const char *responsible, *filler, *telephone;
  int64_t created_at_ms;
};

/* --- writing --- */

/* Collects the reports of one submission up to the limits. Columns of the form are named once for the
 * submission. */
struct submission_writer;
struct submission_writer *submission_writer_new(const struct catalogue *catalogue, int form);
void submission_writer_free(struct submission_writer *writer);
CLEANUP_DEFINE(struct submission_writer, submission_writer_free)

/* Adds a report; units ascend, each once. `base` NULL: the first. All reports of a submission have the same
 * asked columns (of figures; nil reports and withdrawals ask nothing). False, and nothing added, if it would
 * not fit or asks other columns: make the submission, then add it to the next; an empty one takes any report.
 */
bool submission_writer_add(struct submission_writer *writer, const char *unit,
                           const struct report_change *change, const uint8_t base[SUBMISSION_ID_SIZE]);
size_t submission_writer_count(const struct submission_writer *writer);

/* The payload, at most LIMIT_SEALED_BYTES − SEAL_HEADER_SIZE; the writer is empty again. The caller has
 * checked the texts: codes and names within their limits, clean, an approver. */
GByteArray *submission_writer_finish(struct submission_writer *writer, const struct submission_head *head);

/* --- reading --- */

struct submission_report {
  const char *unit;
  bool has_base;
  uint8_t base[SUBMISSION_ID_SIZE];
  struct report_change change; /* in the form's column order */
  const uint8_t *packed;       /* where the submission is in the form's order: its values as varints, for
                                  figures_pack_varints(), without a look at each; else NULL */
  size_t packed_length;
};

/* A decoded submission: one report at a time is brought into column order. */
struct submission;
/* Decodes a verified payload, which must live as long. NULL if it is malformed: not decodable within
 * LIMIT_SUBMISSION_ARENA, text that is not clean UTF-8 or too long, a period that is not canonical, no
 * approver, sequence 0, no reports or too many, a column named twice, units out of order, bits without
 * values, a wrong base size, a field of a report said twice, a value that is not in the shortest form. Honest
 * ones take about twice their bytes. */
struct submission *submission_decode(const uint8_t *payload, size_t length);
void submission_free(struct submission *submission);
CLEANUP_DEFINE(struct submission, submission_free)

/* Bytes that it takes. */
size_t submission_memory(const struct submission *submission);

const struct submission_head *submission_head(const struct submission *submission);
struct period submission_period(const struct submission *submission);
size_t submission_size(const struct submission *submission);

/* Relates its columns to the form of this catalogue, once, before submission_report(). CATALOGUE_NONE if all
 * are known, else the number of the first indicator that is not; its text is submission_indicator(). */
int submission_bind(struct submission *submission, const struct catalogue *catalogue, int form);
const char *submission_indicator(const struct submission *submission, size_t n);

/* The unit of the nth report, also before it is bound. Lives as long as the submission. */
const char *submission_unit(const struct submission *submission, size_t n);

/* The nth report. Texts live as long as the submission. */
void submission_report(const struct submission *submission, size_t n, struct submission_report *ret_report);

#endif

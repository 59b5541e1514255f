/* Submissions: whatever decodes is read whole, and written again reads the same. */
#include "common/submission.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct column columns[] = {
    {.code = "gross_output"}, {.code = "gross_output.ytd"}, {.code = "revenue"}, {.code = "staff"}};
static struct form form = {
    .code = "output-monthly", .columns = columns, .column_count = G_N_ELEMENTS(columns)};
static struct catalogue catalogue = {.references = 1, .forms = &form, .form_count = 1};

static bool same_change(const struct report_change *a, const struct report_change *b)
{
  return a->kind == b->kind && memcmp(&a->withdrawn, &b->withdrawn, sizeof a->withdrawn) == 0 &&
         figures_equal(&a->figures, &b->figures);
}

static void write_again(const struct submission *submission)
{
  CLEANUP(submission_writer_free) struct submission_writer *writer = submission_writer_new(&catalogue, 0);
  struct submission_report report, read;
  for (size_t n = 0; n < submission_size(submission); n++) {
    submission_report(submission, n, &report);
    if (!submission_writer_add(writer, report.unit, &report.change, report.has_base ? report.base : NULL))
      return;
  }
  g_autoptr(GByteArray) payload = submission_writer_finish(writer, submission_head(submission));
  CLEANUP(submission_free) struct submission *again = submission_decode(payload->data, payload->len);
  if (again == NULL || submission_size(again) != submission_size(submission)) abort();
  if (submission_bind(again, &catalogue, 0) != CATALOGUE_NONE) abort();
  for (size_t n = 0; n < submission_size(submission); n++) {
    submission_report(submission, n, &report);
    submission_report(again, n, &read);
    if (strcmp(report.unit, read.unit) != 0 || report.has_base != read.has_base) abort();
    if (report.change.kind == KIND_FIGURES && !same_change(&report.change, &read.change)) abort();
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  CLEANUP(submission_free) struct submission *submission = submission_decode(data, size);
  if (submission == NULL) return 0;
  int unknown = submission_bind(submission, &catalogue, 0);
  if (unknown != CATALOGUE_NONE && submission_indicator(submission, (size_t)unknown)[0] == '\0') abort();
  if (unknown == CATALOGUE_NONE) write_again(submission);
  return 0;
}

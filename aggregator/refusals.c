#include "aggregator/refusals.h"

#include "aggregator/inquiry.h"
#include "aggregator/judge.h"
#include "common/finding.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/text.h"

#include <string.h>

struct refusal_page {
  struct frame frame;
  uint8_t id[SUBMISSION_ID_SIZE];
  struct leaf *leaf;
  struct judged *judged;
  GArray *refusals;    /* struct refusal, of the page */
  GStringChunk *texts; /* ids in hex */
};

void refusal_page_free(struct refusal_page *page)
{
  if (!page) return;
  leaf_free(page->leaf);
  judged_free(page->judged);
  g_array_unref(page->refusals);
  g_string_chunk_free(page->texts);
  g_free(page);
}

const struct frame *refusal_page_frame(const struct refusal_page *page)
{
  return &page->frame;
}

static const char *keep_hex(struct refusal_page *page, const uint8_t id[SUBMISSION_ID_SIZE])
{
  g_autofree char *hex = text_hex(id, SUBMISSION_ID_SIZE);

  return g_string_chunk_insert(page->texts, hex);
}

/* The submission that the next correction of the unit's report is to be based on; "" if there is no report.
 */
static const char *holder_of(struct refusal_page *page, struct store *store, const char *unit)
{
  const struct judged *judged = page->judged;
  int64_t book = store_find_book(store, judged->catalogue->forms[judged->form].code, judged->period);
  const struct stored_report *report =
      book ? inquiry_report(store, book, unit, judged->agent->stored.area) : NULL;
  uint8_t id[SUBMISSION_ID_SIZE];

  return report && store_submission_at(store, report->position, id) ? keep_hex(page, id) : "";
}

static const char *rule_of(enum verdict verdict)
{
  switch (verdict) {
  case VERDICT_IS_UNCHANGED:
    return finding_id(FINDING_REPORT_UNCHANGED);
  case VERDICT_IS_STALE:
    return finding_id(FINDING_REPORT_STALE);
  case VERDICT_IS_REFUSED:
    return finding_id(FINDING_REPORT_WAITED);
  default:
    return finding_id(FINDING_REPORT_WAITING);
  }
}

/* What stood by the report then, of one that is unchanged, is not known any more. */
static void decide(struct refusal_page *page, struct store *store, struct refusal *refusal,
                   enum verdict verdict)
{
  struct submission_report report;

  submission_report(page->judged->submission, refusal->row, &report);
  refusal->verdict = verdict;
  refusal->rule = rule_of(verdict);
  refusal->indicator = "";
  refusal->found = report.has_base ? keep_hex(page, report.base) : "";
  refusal->expected = verdict == VERDICT_IS_WAITING ? refusal->found
                      : verdict == VERDICT_IS_STALE ? holder_of(page, store, refusal->unit)
                                                    : "";
}

/* Both ascend by row. */
static void decide_all(struct refusal_page *page, struct store *store, uint64_t position)
{
  g_autoptr(GArray) decided = store_decided(store, &position);
  size_t rows = submission_size(page->judged->submission);
  unsigned n = 0;

  for (unsigned i = 0; i < page->refusals->len && n < decided->len; i++) {
    struct refusal *refusal = &g_array_index(page->refusals, struct refusal, i);

    while (n < decided->len && g_array_index(decided, struct decided, n).at.row < refusal->row) n++;
    if (n == decided->len || refusal->row >= rows) return;
    const struct decided *of = &g_array_index(decided, struct decided, n);
    if (of->at.row == refusal->row) decide(page, store, refusal, of->verdict);
  }
}

/* False if the area has no such submission. */
static bool read_leaf(struct refusal_page *page, struct store *store, struct snapshot *snapshot,
                      const char *area, uint64_t position)
{
  g_autoptr(GBytes) body = store_leaf(store, position);

  page->leaf = body ? leaf_decode(g_bytes_get_data(body, NULL), g_bytes_get_size(body)) : NULL;
  if (page->leaf && page->leaf->kind == LEAF_SUBMISSION)
    page->judged =
        judge_recorded(snapshot, page->leaf->submission.sealed.data, page->leaf->submission.sealed.length);
  return page->judged && strcmp(page->judged->agent->stored.area, area) == 0;
}

static bool read_page(struct refusal_page *page, struct store *store, struct snapshot *snapshot,
                      const char *area, uint32_t offset)
{
  uint64_t position;

  if (!store_submission_position(store, page->id, &position) ||
      !read_leaf(page, store, snapshot, area, position))
    return false;
  size_t total = page->leaf->submission.exception_count, from = MIN(offset, total);
  g_array_append_vals(page->refusals, page->leaf->submission.exceptions + from,
                      (unsigned)MIN(total - from, LIMIT_REFUSALS_INLINE));
  decide_all(page, store, position);
  page->frame.kind = FRAME_REFUSAL_PAGE;
  page->frame.refusal_page.id = (struct bytes_view){page->id, sizeof page->id};
  page->frame.refusal_page.offset = (uint32_t)from;
  page->frame.refusal_page.total = (uint32_t)total;
  page->frame.refusal_page.refusals = (const struct refusal *)(const void *)page->refusals->data;
  page->frame.refusal_page.count = page->refusals->len;
  return true;
}

struct refusal_page *refusal_page_read(struct store *store, struct snapshot *snapshot, const char *area,
                                       const uint8_t id[SUBMISSION_ID_SIZE], uint32_t offset)
{
  CLEANUP(refusal_page_free) struct refusal_page *page = g_new0(struct refusal_page, 1);
  g_autoptr(GError) error = NULL;

  memcpy(page->id, id, sizeof page->id);
  page->refusals = g_array_new(FALSE, FALSE, sizeof(struct refusal));
  page->texts = g_string_chunk_new(1024);
  store_begin(store); /* an error ends with it */
  bool found = read_page(page, store, snapshot, area, offset);
  if (!store_commit(store, &error)) {
    log_say(LOG_LEVEL_ERROR, "store.unreadable", "%s", error->message);
    return NULL;
  }
  return found ? g_steal_pointer(&page) : NULL;
}

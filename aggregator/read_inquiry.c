/* How much of a total is under inquiry. */
#include "aggregator/inquiry.h"
#include "aggregator/read_private.h"

#include <stdlib.h>
#include <string.h>

/* A unit's report by one park. */
struct asked {
  char *unit, *park;
};

static void clear_asked(void *data)
{
  struct asked *asked = data;

  g_free(asked->unit);
  g_free(asked->park);
}

static int by_report(const void *left, const void *right)
{
  const struct asked *a = left, *b = right;
  int order = strcmp(a->unit, b->unit);

  return order ? order : strcmp(a->park, b->park);
}

/* Whether it was asked, and not settled, when the last leaf of the past was recorded. */
static bool was_unsettled(const struct reader *reader, const struct stored_inquiry *inquiry)
{
  int64_t last_ms = store_leaf_recorded(reader->store, past_leaves(reader->past) - 1);

  return inquiry->asked_ms <= last_ms && (inquiry->settled_ms == 0 || inquiry->settled_ms > last_ms);
}

/* The reports of a book that are under inquiry, each once. */
static GArray *reports_asked_about(struct reader *reader, int64_t book)
{
  g_autoptr(GArray) inquiries = reader->past
                                    ? store_inquiries_all(reader->store, NULL, book, 0, SIZE_MAX)
                                    : store_inquiries_unsettled(reader->store, NULL, book, 0, SIZE_MAX);
  GArray *reports = g_array_new(FALSE, FALSE, sizeof(struct asked));

  g_array_set_clear_func(reports, clear_asked);
  for (unsigned n = 0; n < inquiries->len; n++) {
    const struct stored_inquiry *inquiry = &g_array_index(inquiries, struct stored_inquiry, n);
    if (reader->past && !was_unsettled(reader, inquiry)) continue;
    struct asked asked = {g_strdup(inquiry->unit), g_strdup(inquiry->park)};

    g_array_append_val(reports, asked);
  }
  g_array_sort(reports, by_report);
  for (unsigned n = reports->len; n > 1; n--)
    if (by_report(&g_array_index(reports, struct asked, n - 1),
                  &g_array_index(reports, struct asked, n - 2)) == 0)
      g_array_remove_index(reports, n - 1);
  return reports;
}

/* What the report adds to the part of area × slice; 0 if it does not count there. */
static int64_t contribution(struct reader *reader, const struct stored_report *report,
                            const struct plan_part *part, const char *area, const char *slice)
{
  struct figures figures;
  int64_t value;

  if (!report || !report->counted || !reader_is_member(reader, report->membership, area, slice)) return 0;
  if (!figures_unpack(report->figures, report->figures_length, &figures)) return 0;
  return reader_figure(&figures, part, &value) ? value : 0;
}

/* Of the past's reports, which come one after the other, those that were asked about. */
static int128 of_the_past(struct reader *reader, int64_t book, const GArray *asked,
                          const struct plan_part *part, const char *area, const char *slice)
{
  struct reader_reports *reports;
  const struct stored_report *report;
  int128 sum = 0;

  if (asked->len == 0) return 0;
  reports = reader_reports_open(reader, book);
  while ((report = reader_reports_next(reports))) {
    struct asked key = {(char *)report->unit, (char *)report->park};

    if (bsearch(&key, asked->data, asked->len, sizeof key, by_report))
      sum += contribution(reader, report, part, area, slice);
  }
  reader_reports_close(reports);
  return sum;
}

static int128 part_under_inquiry(struct reader *reader, const struct plan *plan, size_t n, const char *area,
                                 const char *slice)
{
  const char *form = reader->catalogue->forms[plan->form].code;
  int64_t book = store_find_book(reader->store, form, plan->parts[n].period);
  int128 sum = 0;

  if (!book) return 0;
  g_autoptr(GArray) reports = reports_asked_about(reader, book);
  if (reader->past) return of_the_past(reader, book, reports, &plan->parts[n], area, slice);
  for (unsigned r = 0; r < reports->len; r++) {
    const struct asked *asked = &g_array_index(reports, struct asked, r);

    sum += contribution(reader, inquiry_report(reader->store, book, asked->unit, asked->park),
                        &plan->parts[n], area, slice);
  }
  return sum;
}

bool reader_under_inquiry(struct reader *reader, int area, int slice, int indicator, struct period period,
                          bool cumulative, int128 *ret_amount, GError **error)
{
  const struct catalogue *catalogue = reader->catalogue;
  enum indicator_kind kind = catalogue->indicators[indicator].kind;
  const GError *failure;
  int128 amount = 0;
  struct plan plan;

  if (kind == KIND_FLOW || kind == KIND_STOCK) {
    reader_plan(reader, area, indicator, COLUMNS_OF_THIS_YEAR, period, cumulative, &plan);
    for (size_t n = 0; plan.form != CATALOGUE_NONE && plan.data && n < plan.count; n++) {
      int128 part =
          part_under_inquiry(reader, &plan, n, catalogue->areas[area].code, catalogue->slices[slice].code);

      amount += plan.difference && n == 1 ? -part : part;
    }
  }
  failure = store_error(reader->store);
  if (failure) g_propagate_error(error, g_error_copy(failure));
  if (failure) return false;
  *ret_amount = amount;
  return true;
}

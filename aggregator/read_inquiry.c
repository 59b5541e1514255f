/* How much of a total is under inquiry. */
#include "aggregator/inquiry.h"
#include "aggregator/read_private.h"

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

/* The reports of a book that are under inquiry, each once. */
static GArray *reports_asked_about(struct reader *reader, int64_t book)
{
  g_autoptr(GArray) inquiries = store_inquiries_unsettled(reader->store, NULL, book, 0, SIZE_MAX);
  GArray *reports = g_array_new(FALSE, FALSE, sizeof(struct asked));

  g_array_set_clear_func(reports, clear_asked);
  for (unsigned n = 0; n < inquiries->len; n++) {
    const struct stored_inquiry *inquiry = &g_array_index(inquiries, struct stored_inquiry, n);
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
static int64_t contribution(struct reader *reader, int64_t book, const struct asked *asked,
                            const struct plan_part *part, const char *area, const char *slice)
{
  const struct stored_report *report = inquiry_report(reader->store, book, asked->unit, asked->park);
  struct figures figures;
  int64_t value;

  if (!report || !report->counted || !reader_is_member(reader, report->membership, area, slice)) return 0;
  if (!figures_unpack(report->figures, report->figures_length, &figures)) return 0;
  return reader_figure(&figures, part, &value) ? value : 0;
}

static int128 part_under_inquiry(struct reader *reader, const struct plan *plan, size_t n, const char *area,
                                 const char *slice)
{
  const char *form = reader->catalogue->forms[plan->form].code;
  int64_t book = store_find_book(reader->store, form, plan->parts[n].period);
  int128 sum = 0;

  if (!book) return 0;
  g_autoptr(GArray) reports = reports_asked_about(reader, book);
  for (unsigned r = 0; r < reports->len; r++)
    sum += contribution(reader, book, &g_array_index(reports, struct asked, r), &plan->parts[n], area, slice);
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

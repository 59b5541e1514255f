/* A month out of two cumulative figures. Cells cannot give it: units come and go between the two. */
#include "aggregator/read_private.h"

#include <string.h>

/* Of the reports of a book those that count, one for each unit. */
static const struct stored_report *next_counted(struct store_reports_cursor *cursor)
{
  const struct stored_report *report;
  do report = store_reports_next(cursor);
  while (report && !report->counted);
  return report;
}

static bool figure_of(const struct stored_report *report, int slot, int64_t *ret_value)
{
  struct figures figures;
  if (!figures_unpack(report->figures, report->figures_length, &figures)) return false;
  if (!column_set_has(&figures.present, (unsigned)slot)) return false;
  *ret_value = figures.value[slot];
  return true;
}

void reader_difference(struct reader *reader, const struct plan *plan, const char *area, const char *slice,
                       struct total *ret_total)
{
  const char *form = reader->catalogue->forms[plan->form].code;
  struct store_reports_cursor *cursors[2];
  const struct stored_report *reports[2];
  for (int i = 0; i < 2; i++) {
    cursors[i] =
        store_reports_open(reader->store, store_find_book(reader->store, form, plan->parts[i].period));
    reports[i] = next_counted(cursors[i]);
  }
  while (reports[0] && reports[1]) {
    int order = strcmp(reports[0]->unit, reports[1]->unit);
    int64_t later, earlier;
    /* A move in between: the month belongs to where it occurred, so the later membership decides. */
    if (order == 0 && reader_is_member(reader, reports[0]->membership, area, slice) &&
        figure_of(reports[0], plan->parts[0].slot, &later) &&
        figure_of(reports[1], plan->parts[1].slot, &earlier)) {
      ret_total->value += (int128)later - earlier;
      ret_total->reported++;
    }
    if (order <= 0) reports[0] = next_counted(cursors[0]);
    if (order >= 0) reports[1] = next_counted(cursors[1]);
  }
  for (int i = 0; i < 2; i++) store_reports_close(cursors[i]);
}

#include "aggregator/statistics/explain.h"

#include <string.h>

struct explain {
  size_t most;
  GArray *lines; /* struct explain_line: up to twice as many as are kept */
  struct explain_sums sums;
};

struct explain *explain_new(size_t most)
{
  struct explain *explain = g_new0(struct explain, 1);

  explain->most = most;
  explain->lines = g_array_new(FALSE, FALSE, sizeof(struct explain_line));
  return explain;
}

void explain_free(struct explain *explain)
{
  if (!explain) return;
  g_array_unref(explain->lines);
  g_free(explain);
}

static int128 magnitude(int128 value)
{
  return value < 0 ? -value : value;
}

static int by_magnitude(const void *left, const void *right)
{
  const struct explain_line *a = left, *b = right;
  int128 mine = magnitude(a->change), others = magnitude(b->change);
  int order;

  if (mine != others) return mine > others ? -1 : 1;
  order = strcmp(a->unit, b->unit);
  if (order == 0) order = (a->cause > b->cause) - (a->cause < b->cause);
  return order ? order : period_key(a->period) - period_key(b->period);
}

/* What does not belong to the greatest any more is only counted. */
static void cut(struct explain *explain)
{
  g_array_sort(explain->lines, by_magnitude);
  for (size_t n = explain->most; n < explain->lines->len; n++) {
    explain->sums.others += g_array_index(explain->lines, struct explain_line, n).change;
    explain->sums.other_lines++;
  }
  if (explain->lines->len > explain->most) g_array_set_size(explain->lines, (guint)explain->most);
}

void explain_add(struct explain *explain, const struct explain_line *line)
{
  if (line->change == 0) return;
  g_array_append_vals(explain->lines, line, 1);
  explain->sums.change[line->cause] += line->change;
  explain->sums.lines[line->cause]++;
  if (explain->lines->len >= 2 * explain->most + 2) cut(explain);
}

void explain_unit(struct explain *explain, int128 before, int128 after)
{
  explain->sums.before += before;
  explain->sums.after += after;
}

bool explain_finish(struct explain *explain, const struct explain_line **ret_lines, size_t *ret_count,
                    struct explain_sums *ret_sums)
{
  int128 sum = explain->sums.before;

  cut(explain);
  for (int cause = 0; cause < EXPLAIN_CAUSES; cause++) sum += explain->sums.change[cause];
  *ret_lines = (const struct explain_line *)(void *)explain->lines->data;
  *ret_count = explain->lines->len;
  *ret_sums = explain->sums;
  return sum == explain->sums.after;
}

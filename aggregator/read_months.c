/* A month out of two cumulative figures. Cells cannot give it: units come and go between the two. The first
 * question reads the reports once, for every area and slice; the answers are kept as long as the reader. */
#include "aggregator/read_private.h"

#include <string.h>

/* Of area × slice. */
struct family {
  const char *area, *slice; /* of a membership */
  int128 value;
  int64_t reported;
};

static unsigned family_hash(const void *key)
{
  const struct family *family = key;
  return g_str_hash(family->area) * 31 + g_str_hash(family->slice);
}

static gboolean family_equal(const void *left, const void *right)
{
  const struct family *a = left, *b = right;
  return strcmp(a->area, b->area) == 0 && strcmp(a->slice, b->slice) == 0;
}

static void add_to_families(GHashTable *families, const struct membership *membership, int128 value)
{
  for (char **area = membership->areas; *area; area++)
    for (char **slice = membership->slices; *slice; slice++) {
      struct family key = {.area = *area, .slice = *slice};
      struct family *family = g_hash_table_lookup(families, &key);
      if (!family) {
        family = g_memdup2(&key, sizeof key);
        g_hash_table_add(families, family);
      }
      family->value += value;
      family->reported++;
    }
}

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

static GHashTable *subtract_books(struct reader *reader, const struct plan *plan)
{
  const char *form = reader->catalogue->forms[plan->form].code;
  GHashTable *families = g_hash_table_new_full(family_hash, family_equal, g_free, NULL);
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
    const struct membership *membership = memberships_by_id(reader->memberships, reports[0]->membership);
    if (order == 0 && membership && figure_of(reports[0], plan->parts[0].slot, &later) &&
        figure_of(reports[1], plan->parts[1].slot, &earlier))
      add_to_families(families, membership, (int128)later - earlier);
    if (order <= 0) reports[0] = next_counted(cursors[0]);
    if (order >= 0) reports[1] = next_counted(cursors[1]);
  }
  for (int i = 0; i < 2; i++) store_reports_close(cursors[i]);
  return families;
}

void reader_difference(struct reader *reader, const struct plan *plan, const char *area, const char *slice,
                       struct total *ret_total)
{
  g_autofree char *key =
      g_strdup_printf("%d %d %d %d %d", plan->form, period_key(plan->parts[0].period), plan->parts[0].slot,
                      period_key(plan->parts[1].period), plan->parts[1].slot);
  GHashTable *families = g_hash_table_lookup(reader->differences, key);
  if (!families) {
    families = subtract_books(reader, plan);
    g_hash_table_insert(reader->differences, g_steal_pointer(&key), families);
  }
  const struct family *family = g_hash_table_lookup(families, &(struct family){.area = area, .slice = slice});
  if (!family) return;
  ret_total->value += family->value;
  ret_total->reported += family->reported;
}

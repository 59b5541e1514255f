/* What cells cannot give: a month out of two cumulative figures, since units come and go between the two; and
 * a figure that stands in either of two columns. The first question reads the reports once, for every area
 * and slice; the answers are kept as long as the reader. */
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
static const struct stored_report *next_counted(struct reader_reports *cursor)
{
  const struct stored_report *report;
  do report = reader_reports_next(cursor);
  while (report && !report->counted);
  return report;
}

bool reader_figure(const struct figures *figures, const struct plan_part *part, int64_t *ret_value)
{
  int slot = part->slot;
  if (!column_set_has(&figures->present, (unsigned)slot)) slot = part->other;
  if (slot == NO_SLOT || !column_set_has(&figures->present, (unsigned)slot)) return false;
  *ret_value = figures->value[slot];
  return true;
}

static GHashTable *families_new(void)
{
  return g_hash_table_new_full(family_hash, family_equal, g_free, NULL);
}

/* --- either of two columns --- */

static GHashTable *read_either(struct reader *reader, const char *form, const struct plan_part *part)
{
  GHashTable *families = families_new();
  struct reader_reports *cursor =
      reader_reports_open(reader, store_find_book(reader->store, form, part->period));
  const struct stored_report *report;
  while ((report = next_counted(cursor))) {
    const struct membership *membership = memberships_by_id(reader->memberships, report->membership);
    struct figures figures;
    int64_t value;
    if (membership && figures_unpack(report->figures, report->figures_length, &figures) &&
        reader_figure(&figures, part, &value))
      add_to_families(families, membership, value);
  }
  reader_reports_close(cursor);
  return families;
}

/* --- differences --- */

/* A unit that moved in between is where the later report is. */
static void add_difference(struct reader *reader, const struct plan *plan, const struct stored_report *later,
                           const struct stored_report *earlier, GHashTable *families)
{
  const struct membership *membership = memberships_by_id(reader->memberships, later->membership);
  struct figures now, before;
  int64_t upper, lower;
  if (membership && figures_unpack(later->figures, later->figures_length, &now) &&
      figures_unpack(earlier->figures, earlier->figures_length, &before) &&
      reader_figure(&now, &plan->parts[0], &upper) && reader_figure(&before, &plan->parts[1], &lower))
    add_to_families(families, membership, (int128)upper - lower);
}

/* Side by side through the two books, unit by unit. */
static GHashTable *subtract_books(struct reader *reader, const struct plan *plan)
{
  GHashTable *families = families_new();
  const char *form = reader->catalogue->forms[plan->form].code;
  struct reader_reports *upper =
      reader_reports_open(reader, store_find_book(reader->store, form, plan->parts[0].period));
  struct reader_reports *lower =
      reader_reports_open(reader, store_find_book(reader->store, form, plan->parts[1].period));
  const struct stored_report *later = next_counted(upper), *earlier = next_counted(lower);
  while (later && earlier) {
    int order = strcmp(later->unit, earlier->unit);
    if (order == 0) add_difference(reader, plan, later, earlier, families);
    if (order <= 0) later = next_counted(upper);
    if (order >= 0) earlier = next_counted(lower);
  }
  reader_reports_close(upper);
  reader_reports_close(lower);
  return families;
}

/* --- questions --- */

static void add_part_key(GString *key, const struct plan_part *part)
{
  g_string_append_printf(key, " %d %d %d", period_key(part->period), part->slot, part->other);
}

static void add_family(GHashTable *families, const char *area, const char *slice, struct total *total)
{
  const struct family *family = g_hash_table_lookup(families, &(struct family){.area = area, .slice = slice});
  if (!family) return;
  total->value += family->value;
  total->reported += family->reported;
}

void reader_difference(struct reader *reader, const struct plan *plan, const char *area, const char *slice,
                       struct total *total)
{
  g_autoptr(GString) key = g_string_new("difference");
  g_string_append_printf(key, " %d", plan->form);
  for (size_t n = 0; n < plan->count; n++) add_part_key(key, &plan->parts[n]);
  GHashTable *families = g_hash_table_lookup(reader->computed, key->str);
  if (!families) {
    families = subtract_books(reader, plan);
    g_hash_table_insert(reader->computed, g_strdup(key->str), families);
  }
  add_family(families, area, slice, total);
}

void reader_either(struct reader *reader, const struct plan *plan, const struct plan_part *part,
                   const char *area, const char *slice, struct total *total)
{
  g_autoptr(GString) key = g_string_new("either");
  g_string_append_printf(key, " %d", plan->form);
  add_part_key(key, part);
  GHashTable *families = g_hash_table_lookup(reader->computed, key->str);
  if (!families) {
    families = read_either(reader, reader->catalogue->forms[plan->form].code, part);
    g_hash_table_insert(reader->computed, g_strdup(key->str), families);
  }
  add_family(families, area, slice, total);
}

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
static const struct stored_report *next_counted(struct store_reports_cursor *cursor)
{
  const struct stored_report *report;
  do report = store_reports_next(cursor);
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
  struct store_reports_cursor *cursor =
      store_reports_open(reader->store, store_find_book(reader->store, form, part->period));
  const struct stored_report *report;
  while ((report = next_counted(cursor))) {
    const struct membership *membership = memberships_by_id(reader->memberships, report->membership);
    struct figures figures;
    int64_t value;
    if (membership && figures_unpack(report->figures, report->figures_length, &figures) &&
        reader_figure(&figures, part, &value))
      add_to_families(families, membership, value);
  }
  store_reports_close(cursor);
  return families;
}

/* --- differences --- */

/* Side by side through the books of a plan, unit by unit. */
struct strand {
  struct store_reports_cursor *cursor;
  const struct stored_report *report; /* the next one; NULL at the end */
  struct period period;
};

struct braid {
  struct reader *reader;
  const struct plan *plan;
  size_t count;
  struct strand strands[G_N_ELEMENTS(((struct plan *)0)->parts)]; /* a book each */
  size_t strand_of[G_N_ELEMENTS(((struct plan *)0)->parts)];      /* of the parts */
};

static void braid_open(struct braid *braid, struct reader *reader, const struct plan *plan)
{
  const char *form = reader->catalogue->forms[plan->form].code;
  *braid = (struct braid){.reader = reader, .plan = plan};
  for (size_t n = 0; n < plan->count; n++) {
    size_t s = 0;
    while (s < braid->count && !period_equal(braid->strands[s].period, plan->parts[n].period)) s++;
    braid->strand_of[n] = s;
    if (s < braid->count) continue;
    struct strand *strand = &braid->strands[braid->count++];
    strand->period = plan->parts[n].period;
    strand->cursor = store_reports_open(reader->store, store_find_book(reader->store, form, strand->period));
    strand->report = next_counted(strand->cursor);
  }
}

static void braid_close(struct braid *braid)
{
  for (size_t s = 0; s < braid->count; s++) store_reports_close(braid->strands[s].cursor);
}

/* The unit that is next; NULL at the end. */
static const char *next_unit(const struct braid *braid)
{
  const char *unit = NULL;
  for (size_t s = 0; s < braid->count; s++) {
    const struct stored_report *report = braid->strands[s].report;
    if (report && (!unit || strcmp(report->unit, unit) < 0)) unit = report->unit;
  }
  return unit;
}

/* What the unit reported for a part. */
static bool figure_of(const struct braid *braid, size_t part, const char *unit, int64_t *ret_value)
{
  const struct stored_report *report = braid->strands[braid->strand_of[part]].report;
  struct figures figures;
  return report && strcmp(report->unit, unit) == 0 &&
         figures_unpack(report->figures, report->figures_length, &figures) &&
         reader_figure(&figures, &braid->plan->parts[part], ret_value);
}

/* A unit that moved in between is where the later report is. */
static void add_unit(const struct braid *braid, const char *unit, GHashTable *families)
{
  int64_t later, earlier, month;
  int128 value = 0;
  size_t last = 0;
  bool found = figure_of(braid, 0, unit, &later) && figure_of(braid, 1, unit, &earlier);
  if (found) value = (int128)later - earlier;
  for (size_t n = 2; !found && n < braid->plan->count; n++) {
    if (!figure_of(braid, n, unit, &month)) continue;
    value += month;
    last = n;
  }
  if (!found && last == 0) return;
  const struct stored_report *report = braid->strands[braid->strand_of[last]].report;
  const struct membership *membership = memberships_by_id(braid->reader->memberships, report->membership);
  if (membership) add_to_families(families, membership, value);
}

static GHashTable *subtract_books(struct reader *reader, const struct plan *plan)
{
  GHashTable *families = families_new();
  struct braid braid;
  const char *next;
  braid_open(&braid, reader, plan);
  while ((next = next_unit(&braid))) {
    g_autofree char *unit = g_strdup(next); /* the cursors' own goes as they do */
    add_unit(&braid, unit, families);
    for (size_t s = 0; s < braid.count; s++) {
      struct strand *strand = &braid.strands[s];
      if (strand->report && strcmp(strand->report->unit, unit) == 0)
        strand->report = next_counted(strand->cursor);
    }
  }
  braid_close(&braid);
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

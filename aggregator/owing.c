#include "aggregator/owing.h"

#include <assert.h>
#include <string.h>

struct owing {
  GHashTable *owed; /* set of struct owed, by form, membership and day */
};

/* By how many units more owe a form from a day on: of one membership, or of one of its areas and slices. */
struct owed {
  int form;
  const struct membership *membership; /* NULL: area and slice are set */
  const char *area, *slice;
  day_number day;
  int64_t units;
};

static unsigned owed_hash(const void *data)
{
  const struct owed *key = data;
  unsigned hash = ((unsigned)key->form << 20) ^ (unsigned)key->day;

  if (key->membership) return hash ^ g_direct_hash(key->membership);
  return hash ^ g_str_hash(key->area) ^ (g_str_hash(key->slice) * 31u);
}

static gboolean owed_equal(const void *left, const void *right)
{
  const struct owed *a = left, *b = right;

  if (a->form != b->form || a->day != b->day || a->membership != b->membership) return FALSE;
  return a->membership || (strcmp(a->area, b->area) == 0 && strcmp(a->slice, b->slice) == 0);
}

static GHashTable *owed_new(void)
{
  return g_hash_table_new_full(owed_hash, owed_equal, g_free, NULL);
}

struct owing *owing_new(void)
{
  struct owing *owing = g_new(struct owing, 1);

  owing->owed = owed_new();
  return owing;
}

void owing_free(struct owing *owing)
{
  if (!owing) return;
  g_hash_table_unref(owing->owed);
  g_free(owing);
}

void owing_clear(struct owing *owing)
{
  g_hash_table_remove_all(owing->owed);
}

static void add_owed(GHashTable *owed, const struct owed *change)
{
  struct owed *sum = g_hash_table_lookup(owed, change);

  if (sum)
    sum->units += change->units;
  else
    g_hash_table_add(owed, g_memdup2(change, sizeof *change));
}

void owing_add(struct owing *owing, struct memberships *memberships, const struct catalogue *catalogue,
               const struct unit_register *units, const char *unit, int sign)
{
  const struct unit_version *versions;
  size_t count = register_unit(units, unit, &versions);

  for (size_t n = 0; n < count; n++) {
    const struct unit_version *version = &versions[n];
    day_number end = version->to;
    const struct membership *membership = memberships_of(memberships, catalogue, version);

    if (n + 1 < count && versions[n + 1].from <= end) end = versions[n + 1].from - 1;
    assert(catalogue); /* a register has been checked against one */
    for (size_t form = 0; form < catalogue->form_count; form++) {
      if (!unit_version_owes(version, catalogue, (int)form)) continue;
      add_owed(
          owing->owed,
          &(struct owed){.form = (int)form, .membership = membership, .day = version->from, .units = sign});
      if (end != DAY_NONE)
        add_owed(owing->owed,
                 &(struct owed){.form = (int)form, .membership = membership, .day = end + 1, .units = -sign});
    }
  }
}

void owing_add_all(struct owing *owing, struct memberships *memberships, const struct catalogue *catalogue,
                   const struct unit_register *units, int sign)
{
  const char *previous = NULL;

  for (size_t n = 0; n < register_size(units); n++) {
    const struct unit_version *version = register_nth(units, n);

    if (!previous || strcmp(previous, version->unit) != 0)
      owing_add(owing, memberships, catalogue, units, version->unit, sign);
    previous = version->unit;
  }
}

/* What each area and slice of the memberships comes to. */
static GHashTable *spread_owed(GHashTable *owed)
{
  GHashTable *spread = owed_new();
  GHashTableIter iter;
  void *item;

  g_hash_table_iter_init(&iter, owed);
  while (g_hash_table_iter_next(&iter, &item, NULL)) {
    const struct owed *of = item;

    for (char **area = of->membership->areas; *area; area++)
      for (char **slice = of->membership->slices; *slice; slice++)
        add_owed(spread,
                 &(struct owed){
                     .form = of->form, .area = *area, .slice = *slice, .day = of->day, .units = of->units});
  }
  return spread;
}

void owing_drain(struct owing *owing, owing_sink *sink, void *data)
{
  g_autoptr(GHashTable) spread = spread_owed(owing->owed);
  GHashTableIter iter;
  void *item;

  g_hash_table_iter_init(&iter, spread);
  while (g_hash_table_iter_next(&iter, &item, NULL)) {
    const struct owed *of = item;

    if (of->units != 0) sink(of->form, of->area, of->slice, of->day, of->units, data);
  }
  g_hash_table_remove_all(owing->owed);
}

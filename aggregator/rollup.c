#include "aggregator/rollup.h"

#include <stdlib.h>
#include <string.h>

struct slot_change {
  int128 total;
  int64_t units;
};

/* The changes of one book and membership, or of one cell family once they are spread. */
struct change {
  int64_t book;
  const struct membership *membership; /* of a family: NULL, and area and slice are set */
  const char *area, *slice;
  int64_t reported, nil;
  unsigned columns;         /* slots beyond are untouched */
  unsigned capacity;        /* of slots: memberships may be thousands, so no more than the form needs */
  struct slot_change *slot; /* zeros beyond `columns` */
};

#define CAPACITY_STEP 32

struct rollup {
  GHashTable *changes; /* set of struct change, by book and membership */
  struct change *last; /* reports of one park come in a row and share a membership */
};

static unsigned change_hash(const void *key)
{
  const struct change *change = key;
  unsigned hash = (unsigned)change->book * 2654435761u;

  if (change->membership) return hash ^ g_direct_hash(change->membership);
  return hash ^ g_str_hash(change->area) ^ (g_str_hash(change->slice) * 31u);
}

static gboolean change_equal(const void *left, const void *right)
{
  const struct change *a = left, *b = right;

  if (a->book != b->book || a->membership != b->membership) return FALSE;
  return a->membership || (strcmp(a->area, b->area) == 0 && strcmp(a->slice, b->slice) == 0);
}

static void change_free(void *data)
{
  struct change *change = data;

  g_free(change->slot);
  g_free(change);
}

/* Makes room for so many columns. */
static void widen(struct change *change, unsigned columns)
{
  if (columns > change->capacity) {
    unsigned capacity = (columns + CAPACITY_STEP - 1) / CAPACITY_STEP * CAPACITY_STEP;

    change->slot = g_renew(struct slot_change, change->slot, capacity);
    memset(&change->slot[change->capacity], 0, (capacity - change->capacity) * sizeof *change->slot);
    change->capacity = capacity;
  }
  if (columns > change->columns) change->columns = columns;
}

struct rollup *rollup_new(void)
{
  struct rollup *rollup = g_new0(struct rollup, 1);

  rollup->changes = g_hash_table_new_full(change_hash, change_equal, change_free, NULL);
  return rollup;
}

void rollup_free(struct rollup *rollup)
{
  if (!rollup) return;
  g_hash_table_unref(rollup->changes);
  g_free(rollup);
}

void rollup_clear(struct rollup *rollup)
{
  g_hash_table_remove_all(rollup->changes);
  rollup->last = NULL;
}

static struct change *find_change(GHashTable *changes, const struct change *key)
{
  struct change *change = g_hash_table_lookup(changes, key);

  if (change) return change;
  change = g_new0(struct change, 1);
  change->book = key->book;
  change->membership = key->membership;
  change->area = key->area;
  change->slice = key->slice;
  g_hash_table_add(changes, change);
  return change;
}

static struct change *change_of(struct rollup *rollup, int64_t book, const struct membership *membership)
{
  const struct change key = {.book = book, .membership = membership};

  if (rollup->last && rollup->last->book == book && rollup->last->membership == membership)
    return rollup->last;
  rollup->last = find_change(rollup->changes, &key);
  return rollup->last;
}

static void add_run(struct slot_change *slot, const int64_t *value, unsigned count, int sign)
{
  for (unsigned n = 0; n < count; n++) {
    slot[n].total += value[n];
    slot[n].units++;
  }
  if (sign > 0) return;
  for (unsigned n = 0; n < count; n++) { /* what was added, and once more */
    slot[n].total -= (int128)value[n] * 2;
    slot[n].units -= 2;
  }
}

/* The columns of one word of the presence, run by run: most reports have all columns of their form. */
static void add_word(struct change *change, const struct figures *figures, unsigned word, int sign)
{
  uint64_t rest = figures->present.word[word];
  unsigned first = word * 64;

  while (rest) {
    unsigned skipped = (unsigned)__builtin_ctzll(rest);
    uint64_t after = ~(rest >> skipped); /* zeros where the run stands */
    unsigned count = after ? (unsigned)__builtin_ctzll(after) : 64;

    first += skipped;
    add_run(&change->slot[first], &figures->value[first], count, sign);
    first += count;
    rest = skipped + count < 64 ? rest >> (skipped + count) : 0;
  }
}

void rollup_add(struct rollup *rollup, int64_t book, const struct membership *membership,
                enum report_kind kind, const struct figures *figures, int sign)
{
  struct change *change;

  if (kind == KIND_WITHDRAWAL || membership->id == 0) return;
  change = change_of(rollup, book, membership);
  change->reported += sign;
  if (kind == KIND_NIL) {
    change->nil += sign;
    return;
  }
  widen(change, column_set_width(&figures->present));
  for (unsigned word = 0; word * 64 < change->columns; word++) add_word(change, figures, word, sign);
}

static void spread_over_family(GHashTable *families, const struct change *change, const char *area,
                               const char *slice)
{
  const struct change key = {.book = change->book, .area = area, .slice = slice};
  struct change *family;

  family = find_change(families, &key);
  family->reported += change->reported;
  family->nil += change->nil;
  widen(family, change->columns);
  for (unsigned column = 0; column < change->columns; column++) {
    family->slot[column].total += change->slot[column].total;
    family->slot[column].units += change->slot[column].units;
  }
}

static int compare_families(const void *left, const void *right)
{
  const struct change *a = *(struct change *const *)left, *b = *(struct change *const *)right;
  int order = (a->book > b->book) - (a->book < b->book);

  if (order == 0) order = strcmp(a->area, b->area);
  return order ? order : strcmp(a->slice, b->slice);
}

static void add_change(struct cell_change *changes, size_t *count, int slot, int128 total, int64_t units)
{
  if (total != 0 || units != 0)
    changes[(*count)++] = (struct cell_change){.slot = slot, .units = units, .total = total};
}

static bool give_family(const struct change *family, family_sink *sink, void *data)
{
  struct cell_change changes[LIMIT_FORM_COLUMNS + 1];
  struct cell_family given = {
      .book = family->book, .area = family->area, .slice = family->slice, .changes = changes};

  add_change(changes, &given.count, SLOT_REPORTED, family->nil, family->reported);
  for (unsigned column = 0; column < family->columns; column++)
    add_change(changes, &given.count, (int)column, family->slot[column].total, family->slot[column].units);
  return given.count == 0 || sink(&given, data);
}

void rollup_drain(struct rollup *rollup, family_sink *sink, void *data)
{
  g_autoptr(GHashTable) families = g_hash_table_new_full(change_hash, change_equal, change_free, NULL);
  g_autofree struct change **sorted = NULL;
  unsigned count;
  GHashTableIter iter;
  void *item;

  g_hash_table_iter_init(&iter, rollup->changes);
  while (g_hash_table_iter_next(&iter, &item, NULL)) {
    const struct change *change = item;

    for (char **area = change->membership->areas; *area; area++)
      for (char **slice = change->membership->slices; *slice; slice++)
        spread_over_family(families, change, *area, *slice);
  }
  sorted = (struct change **)g_hash_table_get_keys_as_array(families, &count);
  qsort(sorted, count, sizeof *sorted, compare_families);
  for (unsigned n = 0; n < count; n++)
    if (!give_family(sorted[n], sink, data)) break;
  rollup_clear(rollup);
}

/* Expected counts as they were: those of the present where register and catalogue are the same; with what the
 * units that changed since owed then instead of what they owe now where the catalogue is; else all anew. */
#include "aggregator/owing.h"
#include "aggregator/past_private.h"

#include <string.h>

/* Of a form, area and slice: by how many units more than the present's counts, or than nothing. */
struct owed {
  const char *form, *area, *slice; /* of catalogue and memberships */
  GArray *days;                    /* struct day_change */
};

struct day_change {
  day_number day;
  int64_t units;
};

static unsigned owed_hash(const void *data)
{
  const struct owed *owed = data;

  return (g_str_hash(owed->form) * 31 + g_str_hash(owed->area)) * 31 + g_str_hash(owed->slice);
}

static gboolean owed_equal(const void *left, const void *right)
{
  const struct owed *a = left, *b = right;

  return strcmp(a->form, b->form) == 0 && strcmp(a->area, b->area) == 0 && strcmp(a->slice, b->slice) == 0;
}

static void owed_free(void *data)
{
  struct owed *owed = data;

  g_array_unref(owed->days);
  g_free(owed);
}

static void add(int form, const char *area, const char *slice, day_number day, int64_t units, void *data)
{
  struct past *past = data;
  struct owed key = {.form = past->then->catalogue->forms[form].code, .area = area, .slice = slice};
  struct owed *owed = g_hash_table_lookup(past->owed, &key);
  struct day_change change = {.day = day, .units = units};

  if (!owed) {
    owed = g_memdup2(&key, sizeof key);
    owed->days = g_array_new(FALSE, FALSE, sizeof(struct day_change));
    g_hash_table_add(past->owed, owed);
  }
  g_array_append_val(owed->days, change);
}

static bool has_same_catalogue(const struct past *past)
{
  return past->then->catalogue == past->present->catalogue;
}

/* Of a register that was empty the units that changed are not known one by one. */
static bool is_little(const struct past *past)
{
  return has_same_catalogue(past) && register_size(past->then->units) > 0;
}

static void work_out(struct past *past)
{
  CLEANUP(owing_free) struct owing *owing = owing_new();

  past->owed = g_hash_table_new_full(owed_hash, owed_equal, owed_free, NULL);
  if (is_little(past)) {
    GStringChunk *texts = g_string_chunk_new(4096);
    g_autoptr(GPtrArray) units = past_changed_units(past->store, past->leaves, texts);

    for (unsigned n = 0; n < units->len; n++) {
      owing_add(owing, past->memberships, past->then->catalogue, past->then->units, units->pdata[n], +1);
      owing_add(owing, past->memberships, past->then->catalogue, past->present->units, units->pdata[n], -1);
    }
    g_string_chunk_free(texts);
  } else {
    owing_add_all(owing, past->memberships, past->then->catalogue, past->then->units, +1);
  }
  owing_drain(owing, add, past);
}

int64_t past_expected(struct past *past, const char *form, const char *area, const char *slice,
                      day_number day)
{
  bool is_same = has_same_catalogue(past) && past->then->units == past->present->units;
  int64_t sum = 0;

  if (is_same || is_little(past)) sum = store_expected(past->store, form, area, slice, day);
  if (is_same) return sum;
  if (!past->owed) work_out(past);
  const struct owed *owed =
      g_hash_table_lookup(past->owed, &(struct owed){.form = form, .area = area, .slice = slice});
  for (unsigned n = 0; owed && n < owed->days->len; n++) {
    const struct day_change *change = &g_array_index(owed->days, struct day_change, n);

    if (change->day <= day) sum += change->units;
  }
  return sum;
}

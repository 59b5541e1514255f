/* Catalogue and register as they were. */
#include "aggregator/past_private.h"
#include "common/codec.h"
#include "common/error.h"
#include "common/text.h"

#include <inttypes.h>
#include <string.h>

/* --- the catalogue --- */

/* The one that the leaf put in force; NULL where it is damaged. */
static struct catalogue *catalogue_of_leaf(struct store *store, const struct snapshot *present,
                                           uint64_t position)
{
  g_autoptr(GBytes) body = store_leaf(store, position);
  CLEANUP(leaf_free)
  struct leaf *leaf = body ? leaf_decode(g_bytes_get_data(body, NULL), g_bytes_get_size(body)) : NULL;
  uint8_t hash[CATALOGUE_HASH_SIZE];

  if (!leaf || leaf->kind != LEAF_CATALOGUE) return NULL;
  seal_hash(leaf->catalogue.text.data, leaf->catalogue.text.length, hash);
  return snapshot_catalogue(present, hash);
}

/* Of then. NULL and the error if there was none. */
static struct catalogue *find_catalogue(struct store *store, const struct snapshot *present, uint64_t leaves,
                                        GError **error)
{
  uint64_t position;
  struct catalogue *catalogue = NULL;

  if (store_last_leaf_of(store, LEAF_CATALOGUE, leaves, &position))
    catalogue = catalogue_of_leaf(store, present, position);
  else if (!store_error(store))
    g_set_error_literal(error, PARKTALLY_ERROR, ERROR_USAGE,
                        _("no catalogue was in force then, and so there was nothing to add up; choose a "
                          "later moment"));
  if (catalogue || (error && *error)) return catalogue;
  if (store_error(store))
    g_propagate_error(error, g_error_copy(store_error(store)));
  else
    g_set_error(error, PARKTALLY_ERROR, ERROR_DATA,
                _("the ledger is damaged at leaf %" PRIu64
                  ": its catalogue is not among those that the store "
                  "keeps"),
                position);
  return NULL;
}

/* --- the register --- */

/* What versions were, each once: the first change since says it. */
struct undoing {
  GArray *changes; /* struct version_before */
  GArray *before;  /* struct unit_version that they point to, by number + 1 until all are there */
  GStringChunk *texts;
};

static const char *keep(struct undoing *undoing, const char *text)
{
  return g_string_chunk_insert_const(undoing->texts, text);
}

static bool add_change(uint64_t position, const char *unit, day_number from,
                       const struct unit_version *before, void *data)
{
  struct undoing *undoing = data;
  struct version_before change = {.unit = keep(undoing, unit), .from = from};

  (void)position;
  if (before) {
    struct unit_version kept = *before;

    kept.unit = change.unit;
    kept.class = keep(undoing, before->class);
    kept.parent = keep(undoing, before->parent);
    kept.name = keep(undoing, before->name);
    kept.parks = keep(undoing, before->parks);
    kept.reporter = keep(undoing, before->reporter);
    kept.industry = keep(undoing, before->industry);
    kept.clusters = keep(undoing, before->clusters);
    kept.flags = keep(undoing, before->flags);
    kept.status = keep(undoing, before->status);
    kept.succeeds = keep(undoing, before->succeeds);
    g_array_append_val(undoing->before, kept);
    change.before = GSIZE_TO_POINTER(undoing->before->len);
  }
  g_array_append_val(undoing->changes, change);
  return true;
}

static int compare_changes(const struct version_before *a, const struct version_before *b)
{
  int order = strcmp(a->unit, b->unit);

  return order ? order : (a->from > b->from) - (a->from < b->from);
}

static int by_unit_and_day(const void *left, const void *right)
{
  return compare_changes(left, right);
}

/* By unit and day; of those of one version the first in time stays (the sort is stable). */
static size_t settle(struct undoing *undoing)
{
  struct version_before *changes = (struct version_before *)(void *)undoing->changes->data;
  size_t kept = 0;

  g_array_sort(undoing->changes, by_unit_and_day);
  for (size_t n = 0; n < undoing->changes->len; n++) {
    size_t number = GPOINTER_TO_SIZE(changes[n].before);

    if (kept > 0 && compare_changes(&changes[kept - 1], &changes[n]) == 0) continue;
    changes[kept] = changes[n];
    changes[kept++].before = number ? &g_array_index(undoing->before, struct unit_version, number - 1) : NULL;
  }
  return kept;
}

/* Of then; a new reference. */
static struct unit_register *find_register(struct store *store, const struct snapshot *present,
                                           uint64_t leaves)
{
  uint64_t last, before;

  if (!store_last_leaf_of(store, LEAF_REGISTER, INT64_MAX, &last) || last < leaves)
    return register_ref(present->units);
  if (!store_last_leaf_of(store, LEAF_REGISTER, leaves, &before))
    return register_builder_finish(register_builder_new());

  struct undoing undoing = {
      .changes = g_array_new(FALSE, FALSE, sizeof(struct version_before)),
      .before = g_array_new(FALSE, FALSE, sizeof(struct unit_version)),
      .texts = g_string_chunk_new(4096),
  };
  struct unit_register *units = NULL;

  if (store_each_version_change(store, leaves, add_change, &undoing)) {
    size_t count = settle(&undoing);

    units =
        register_before(present->units, (const struct version_before *)(void *)undoing.changes->data, count);
  }
  g_array_unref(undoing.changes);
  g_array_unref(undoing.before);
  g_string_chunk_free(undoing.texts);
  return units;
}

struct snapshot *past_in_force(struct store *store, struct snapshot *present, uint64_t leaves, GError **error)
{
  struct catalogue *catalogue = find_catalogue(store, present, leaves, error);
  CLEANUP(register_unref) struct unit_register *units = NULL;

  if (!catalogue) return NULL;
  units = find_register(store, present, leaves);
  if (!units) {
    g_propagate_error(error, g_error_copy(store_error(store)));
    return NULL;
  }
  return snapshot_change(present, catalogue == present->catalogue ? NULL : catalogue,
                         units == present->units ? NULL : units, NULL);
}

/* --- what changed --- */

struct gathering {
  GPtrArray *units;
  GHashTable *known;
  GStringChunk *texts;
};

static bool add_unit(uint64_t position, const char *unit, day_number from, const struct unit_version *before,
                     void *data)
{
  struct gathering *gathering = data;

  (void)position;
  (void)from;
  (void)before;
  if (g_hash_table_contains(gathering->known, unit)) return true;
  char *kept = g_string_chunk_insert(gathering->texts, unit);
  g_hash_table_add(gathering->known, kept);
  g_ptr_array_add(gathering->units, kept);
  return true;
}

GPtrArray *past_changed_units(struct store *store, uint64_t leaves, GStringChunk *texts)
{
  g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
  struct gathering gathering = {.units = g_ptr_array_new(), .known = known, .texts = texts};

  store_each_version_change(store, leaves, add_unit, &gathering);
  return gathering.units;
}

#include "aggregator/membership.h"

#include "common/limits.h"

#include <string.h>

#define WORD_BITS 64

/* --- derivation --- */

static void append_code(GString *codes, const char *code)
{
  if (codes->len > 0) g_string_append_c(codes, ';');
  g_string_append(codes, code);
}

/* The area and those above it, as far as they count this unit. */
static void add_area(const struct catalogue *catalogue, int area, bool in_boundary, uint64_t *areas)
{
  for (; area != CATALOGUE_NONE; area = catalogue->areas[area].parent)
    if (in_boundary || !catalogue->areas[area].boundary_only)
      areas[area / WORD_BITS] |= (uint64_t)1 << (area % WORD_BITS);
}

void membership_areas(const struct catalogue *catalogue, const struct unit_version *version,
                      uint64_t ret_areas[static MEMBERSHIP_AREA_WORDS])
{
  const char *park = version->parks;
  while (*park) {
    size_t length = strcspn(park, ";");
    char code[LIMIT_CODE_BYTES + 1];
    if (length > 0 && length < sizeof code) {
      memcpy(code, park, length);
      code[length] = '\0';
      int area = catalogue_area(catalogue, code);
      if (area != CATALOGUE_NONE && catalogue->areas[area].reports)
        add_area(catalogue, area, version->in_boundary, ret_areas);
    }
    park += length + (park[length] == ';');
  }
}

static bool has_industry(const struct slice *slice, const char *industry)
{
  if (!slice->industries || !slice->industries[0]) return true;
  for (char **prefix = slice->industries; *prefix; prefix++)
    if (g_str_has_prefix(industry, *prefix)) return true;
  return false;
}

static bool has_conditions(const struct catalogue *catalogue, const struct slice *slice,
                           const struct unit_version *version)
{
  if (slice->cluster != CATALOGUE_NONE &&
      !register_list_has(version->clusters, catalogue->clusters[slice->cluster].code))
    return false;
  if (slice->flag != CATALOGUE_NONE && !register_list_has(version->flags, catalogue->flags[slice->flag].code))
    return false;
  if (slice->outside && version->in_boundary) return false;
  return has_industry(slice, version->industry);
}

/* No member of a set is one. */
static bool slice_holds(const struct catalogue *catalogue, const struct slice *slice,
                        const struct unit_version *version)
{
  for (size_t n = 0; n < slice->member_count; n++)
    if (has_conditions(catalogue, &catalogue->slices[slice->members[n]], version)) return true;
  return slice->member_count == 0 && has_conditions(catalogue, slice, version);
}

bool membership_in_slice(const struct catalogue *catalogue, int slice, const struct unit_version *version)
{
  return slice_holds(catalogue, &catalogue->slices[slice], version);
}

void membership_derive(const struct catalogue *catalogue, const struct unit_version *version,
                       GString *ret_areas, GString *ret_slices)
{
  uint64_t areas[MEMBERSHIP_AREA_WORDS] = {0};
  g_string_truncate(ret_areas, 0);
  g_string_truncate(ret_slices, 0);
  membership_areas(catalogue, version, areas);
  for (size_t n = 0; n < catalogue->area_count; n++)
    if ((areas[n / WORD_BITS] >> (n % WORD_BITS)) & 1) append_code(ret_areas, catalogue->areas[n].code);
  if (ret_areas->len == 0) return;
  for (size_t n = 0; n < catalogue->slice_count; n++)
    if (slice_holds(catalogue, &catalogue->slices[n], version))
      append_code(ret_slices, catalogue->slices[n].code);
}

/* --- memberships in memory --- */

/* All that a membership is derived from. While looking up, texts belong to the version; in the table, to the
 * entry. */
struct origin {
  uint8_t catalogue_hash[CATALOGUE_HASH_SIZE];
  bool in_boundary;
  const char *parks, *industry, *clusters, *flags;
};

struct memberships {
  struct store *store;
  GHashTable *by_origin; /* struct origin → struct membership, which by_id owns */
  GHashTable *by_id;     /* int64_t in the membership → struct membership */
  GHashTable *numbers;   /* without a store: text → number */
  struct membership nowhere;
  char *no_codes[1];
  GString *areas, *slices; /* for deriving */
};

static unsigned origin_hash(const void *key)
{
  const struct origin *origin = (const struct origin *)key;
  unsigned hash;
  memcpy(&hash, origin->catalogue_hash, sizeof hash);
  hash = hash * 31 + g_str_hash(origin->parks);
  hash = hash * 31 + g_str_hash(origin->industry);
  hash = hash * 31 + g_str_hash(origin->clusters);
  hash = hash * 31 + g_str_hash(origin->flags);
  return hash * 31 + origin->in_boundary;
}

static int origin_equal(const void *left, const void *right)
{
  const struct origin *a = (const struct origin *)left, *b = (const struct origin *)right;
  return a->in_boundary == b->in_boundary && strcmp(a->parks, b->parks) == 0 &&
         strcmp(a->industry, b->industry) == 0 && strcmp(a->clusters, b->clusters) == 0 &&
         strcmp(a->flags, b->flags) == 0 &&
         memcmp(a->catalogue_hash, b->catalogue_hash, sizeof a->catalogue_hash) == 0;
}

static struct origin *origin_copy(const struct origin *origin)
{
  struct origin *copy = g_new(struct origin, 1);
  *copy = *origin;
  copy->parks = g_strdup(origin->parks);
  copy->industry = g_strdup(origin->industry);
  copy->clusters = g_strdup(origin->clusters);
  copy->flags = g_strdup(origin->flags);
  return copy;
}

static void origin_free(void *key)
{
  struct origin *origin = (struct origin *)key;
  g_free((char *)origin->parks);
  g_free((char *)origin->industry);
  g_free((char *)origin->clusters);
  g_free((char *)origin->flags);
  g_free(origin);
}

static void membership_free(void *value)
{
  struct membership *membership = (struct membership *)value;
  g_strfreev(membership->areas);
  g_strfreev(membership->slices);
  g_free(membership);
}

struct memberships *memberships_new(struct store *store)
{
  struct memberships *memberships = g_new0(struct memberships, 1);
  memberships->store = store;
  memberships->by_origin = g_hash_table_new_full(origin_hash, origin_equal, origin_free, NULL);
  memberships->by_id = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, membership_free);
  memberships->numbers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  memberships->nowhere = (struct membership){.areas = memberships->no_codes, .slices = memberships->no_codes};
  memberships->areas = g_string_new(NULL);
  memberships->slices = g_string_new(NULL);
  return memberships;
}

void memberships_free(struct memberships *memberships)
{
  if (!memberships) return;
  g_hash_table_unref(memberships->by_origin);
  g_hash_table_unref(memberships->by_id);
  g_hash_table_unref(memberships->numbers);
  g_string_free(memberships->areas, TRUE);
  g_string_free(memberships->slices, TRUE);
  g_free(memberships);
}

void memberships_forget(struct memberships *memberships)
{
  g_hash_table_remove_all(memberships->by_origin);
  g_hash_table_remove_all(memberships->by_id);
}

/* The one in memory with this id, made from its codes if need be. */
static struct membership *keep(struct memberships *memberships, int64_t id, const char *areas,
                               const char *slices)
{
  struct membership *membership = (struct membership *)g_hash_table_lookup(memberships->by_id, &id);
  if (membership) return membership;
  membership = g_new(struct membership, 1);
  *membership = (struct membership){
      .id = id, .areas = g_strsplit(areas, ";", -1), .slices = g_strsplit(slices, ";", -1)};
  g_hash_table_insert(memberships->by_id, &membership->id, membership);
  return membership;
}

static int64_t number_of(struct memberships *memberships, const char *areas, const char *slices)
{
  if (memberships->store) return store_membership(memberships->store, areas, slices);
  if (!*areas) return 0;
  g_autofree char *text = g_strjoin("|", areas, slices, NULL);
  unsigned known = GPOINTER_TO_UINT(g_hash_table_lookup(memberships->numbers, text));
  if (known) return known;
  unsigned number = g_hash_table_size(memberships->numbers) + 1;
  g_hash_table_insert(memberships->numbers, g_steal_pointer(&text), GUINT_TO_POINTER(number));
  return number;
}

const struct membership *memberships_of(struct memberships *memberships, const struct catalogue *catalogue,
                                        const struct unit_version *version)
{
  if (!version) return &memberships->nowhere;
  struct origin origin = {
      .in_boundary = version->in_boundary,
      .parks = version->parks,
      .industry = version->industry,
      .clusters = version->clusters,
      .flags = version->flags,
  };
  memcpy(origin.catalogue_hash, catalogue->hash, sizeof origin.catalogue_hash);
  struct membership *membership = (struct membership *)g_hash_table_lookup(memberships->by_origin, &origin);
  if (membership) return membership;

  membership_derive(catalogue, version, memberships->areas, memberships->slices);
  int64_t id = number_of(memberships, memberships->areas->str, memberships->slices->str);
  /* An error of the store is told at its commit; it must not be remembered as belonging nowhere. */
  if (id == 0 && memberships->areas->len > 0) return &memberships->nowhere;
  membership = id == 0 ? &memberships->nowhere
                       : keep(memberships, id, memberships->areas->str, memberships->slices->str);
  g_hash_table_insert(memberships->by_origin, origin_copy(&origin), membership);
  return membership;
}

const struct membership *memberships_by_id(struct memberships *memberships, int64_t id)
{
  if (id == 0) return &memberships->nowhere;
  const struct membership *membership =
      (const struct membership *)g_hash_table_lookup(memberships->by_id, &id);
  if (membership) return membership;
  if (!memberships->store) return NULL;
  g_autofree char *areas = NULL;
  g_autofree char *slices = NULL;
  if (!store_membership_text(memberships->store, id, &areas, &slices)) return NULL;
  return keep(memberships, id, areas, slices);
}

/* --- many versions --- */

#define KNOWN_BITS 12

struct known_membership {
  const char *parks, *industry, *clusters, *flags; /* of a version of the register in use */
  bool in_boundary;
  const struct membership *membership; /* NULL: an empty slot */
};

struct membership_lookup {
  struct memberships *memberships;
  const struct catalogue *catalogue;
  struct known_membership known[1 << KNOWN_BITS];
};

struct membership_lookup *membership_lookup_new(struct memberships *memberships)
{
  struct membership_lookup *lookup = g_new0(struct membership_lookup, 1);
  lookup->memberships = memberships;
  return lookup;
}

void membership_lookup_free(struct membership_lookup *lookup)
{
  g_free(lookup);
}

void membership_lookup_use(struct membership_lookup *lookup, const struct catalogue *catalogue)
{
  lookup->catalogue = catalogue;
  memset(lookup->known, 0, sizeof lookup->known);
}

static struct known_membership *known_slot(struct membership_lookup *lookup,
                                           const struct unit_version *version)
{
  static const uint64_t FACTOR = UINT64_C(0x9E3779B97F4A7C15); /* of Fibonacci hashing */
  uint64_t hash = (uintptr_t)version->parks + version->in_boundary;
  hash = hash * FACTOR + (uintptr_t)version->industry;
  hash = hash * FACTOR + (uintptr_t)version->clusters;
  hash = hash * FACTOR + (uintptr_t)version->flags;
  return &lookup->known[hash * FACTOR >> (64 - KNOWN_BITS)];
}

const struct membership *membership_lookup_of(struct membership_lookup *lookup,
                                              const struct unit_version *version)
{
  if (!version) return memberships_of(lookup->memberships, lookup->catalogue, NULL);
  struct known_membership *known = known_slot(lookup, version);
  if (!known->membership || known->parks != version->parks || known->industry != version->industry ||
      known->clusters != version->clusters || known->flags != version->flags ||
      known->in_boundary != version->in_boundary)
    *known = (struct known_membership){
        .parks = version->parks,
        .industry = version->industry,
        .clusters = version->clusters,
        .flags = version->flags,
        .in_boundary = version->in_boundary,
        .membership = memberships_of(lookup->memberships, lookup->catalogue, version),
    };
  return known->membership;
}

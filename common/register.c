#include "common/register.h"

#include "common/register_private.h"

#include <string.h>

enum { TEXT_BLOCK_BYTES = 64 * 1024 };

struct register_builder {
  GArray *versions; /* in the order of arrival */
  GArray *rows;     /* uint32_t each */
  GStringChunk *texts;
};

/* --- building --- */

struct register_builder *register_builder_new(void)
{
  struct register_builder *builder = g_new(struct register_builder, 1);
  builder->versions = g_array_new(FALSE, FALSE, sizeof(struct unit_version));
  builder->rows = g_array_new(FALSE, FALSE, sizeof(uint32_t));
  builder->texts = g_string_chunk_new(TEXT_BLOCK_BYTES);
  return builder;
}

/* A text that few versions share. */
static const char *keep(struct register_builder *builder, const char *text)
{
  return *text ? g_string_chunk_insert(builder->texts, text) : "";
}

/* A text of which there are few: codes and lists of them. Mostly the version before has the same. */
static const char *intern(struct register_builder *builder, const char *text, const char *before)
{
  if (!strcmp(text, before)) return before;
  return *text ? g_string_chunk_insert_const(builder->texts, text) : "";
}

void register_builder_add_row(struct register_builder *builder, const struct unit_version *version,
                              uint32_t row)
{
  size_t count = builder->versions->len;
  const struct unit_version *last =
      count ? &g_array_index(builder->versions, struct unit_version, count - 1) : NULL;
  static const struct unit_version none = {.unit = "",
                                           .class = "",
                                           .name = "",
                                           .parks = "",
                                           .reporter = "",
                                           .industry = "",
                                           .clusters = "",
                                           .flags = "",
                                           .status = ""};
  if (!last) last = &none;
  bool same = !strcmp(last->unit, version->unit);
  const char *unit = same ? last->unit : keep(builder, version->unit);
  struct unit_version copy = {
      .unit = unit,
      .class = intern(builder, version->class, last->class),
      .parent = !strcmp(version->parent, unit) ? unit : keep(builder, version->parent),
      .name = same && !strcmp(last->name, version->name) ? last->name : keep(builder, version->name),
      .parks = intern(builder, version->parks, last->parks),
      .reporter = intern(builder, version->reporter, last->reporter),
      .in_boundary = version->in_boundary,
      .industry = intern(builder, version->industry, last->industry),
      .clusters = intern(builder, version->clusters, last->clusters),
      .flags = intern(builder, version->flags, last->flags),
      .status = intern(builder, version->status, last->status),
      .succeeds = keep(builder, version->succeeds),
      .from = version->from,
      .to = version->to,
  };
  g_array_append_val(builder->versions, copy);
  g_array_append_val(builder->rows, row);
}

void register_builder_add(struct register_builder *builder, const struct unit_version *version)
{
  register_builder_add_row(builder, version, 0);
}

static int compare(const struct unit_version *a, const struct unit_version *b)
{
  int order = a->unit == b->unit ? 0 : strcmp(a->unit, b->unit);
  return order ? order : (a->from > b->from) - (a->from < b->from);
}

static int compare_indices(const void *a, const void *b, void *versions)
{
  uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
  int order = compare((struct unit_version *)versions + i, (struct unit_version *)versions + j);
  return order ? order : (i > j) - (i < j);
}

static bool is_ascending(const struct unit_version *versions, size_t count)
{
  for (size_t i = 1; i < count; i++)
    if (compare(&versions[i - 1], &versions[i]) >= 0) return false;
  return true;
}

/* Sorts by indices and moves each version once: a second array of a million versions would double the memory.
 * Of equals the last that arrived comes last. */
static void sort(struct unit_version *versions, uint32_t *rows, size_t count)
{
  g_autofree uint32_t *order = g_new(uint32_t, count);
  for (size_t i = 0; i < count; i++) order[i] = (uint32_t)i;
  g_qsort_with_data(order, (int)count, sizeof *order, compare_indices, versions);
  for (size_t start = 0; start < count; start++) {
    struct unit_version version = versions[start];
    uint32_t row = rows[start];
    size_t at = start;
    while (order[at] != start) {
      size_t next = order[at];
      versions[at] = versions[next];
      rows[at] = rows[next];
      order[at] = (uint32_t)at;
      at = next;
    }
    versions[at] = version;
    rows[at] = row;
    order[at] = (uint32_t)at;
  }
}

/* Keeps the last of each run of equal unit and day. Returns how many are left. */
static size_t drop_replaced(struct unit_version *versions, uint32_t *rows, size_t count,
                            register_replaced *replaced, void *data)
{
  size_t kept = 0;
  for (size_t i = 0; i < count; i++) {
    if (i + 1 < count && !compare(&versions[i], &versions[i + 1])) {
      if (replaced) replaced(rows[i + 1], rows[i], &versions[i + 1], data);
      continue;
    }
    versions[kept] = versions[i];
    rows[kept++] = rows[i];
  }
  return kept;
}

static struct unit_version *merge_changed(const struct unit_register *reg);

/* Who only holds an image, as the agent's sender does beside its service, is spared a copy of the versions.
 * Any thread. */
static const struct unit_version *versions_of(const struct unit_register *reg)
{
  struct unit_version **place = &((struct unit_register *)reg)->versions;
  const struct unit_version *present = g_atomic_pointer_get(place);
  if (present || (!reg->image && !reg->shared)) return present;
  struct unit_version *versions = reg->shared ? merge_changed(reg) : register_image_versions(reg);
  if (g_atomic_pointer_compare_and_exchange(place, NULL, versions)) return versions;
  g_free(versions); /* another thread was faster */
  return g_atomic_pointer_get(place);
}

static bool starts_unit(const struct unit_version *versions, size_t n)
{
  return !n || strcmp(versions[n - 1].unit, versions[n].unit);
}

/* Codes of one city share their first characters, so that each step of a binary search compares long texts
 * and misses the cache: 1.9 µs against 0.6 µs for a hash, at random among a million. */
static void index_units(struct unit_register *reg)
{
  size_t slots = 16;
  while (slots < reg->count * 2) slots *= 2;
  reg->slots = g_new0(uint32_t, slots);
  reg->slot_mask = slots - 1;
  for (size_t n = 0; n < reg->count; n++) {
    if (!starts_unit(reg->versions, n)) continue;
    size_t slot = g_str_hash(reg->versions[n].unit) & reg->slot_mask;
    while (reg->slots[slot]) slot = (slot + 1) & reg->slot_mask;
    reg->slots[slot] = (uint32_t)(n + 1);
  }
}

struct unit_register *register_builder_finish_rows(struct register_builder *builder,
                                                   register_replaced *replaced, void *data,
                                                   uint32_t **ret_rows)
{
  size_t count = builder->versions->len;
  uint32_t *rows = (uint32_t *)(void *)g_array_free(builder->rows, FALSE);
  struct unit_version *versions = (struct unit_version *)(void *)g_array_free(builder->versions, FALSE);
  if (!is_ascending(versions, count)) {
    sort(versions, rows, count);
    count = drop_replaced(versions, rows, count, replaced, data);
  }
  struct unit_register *reg = g_new(struct unit_register, 1);
  *reg = (struct unit_register){.references = 1,
                                .versions = g_renew(struct unit_version, versions, count),
                                .count = count,
                                .texts = builder->texts};
  index_units(reg);
  g_free(builder);
  *ret_rows = rows;
  return reg;
}

struct unit_register *register_builder_finish(struct register_builder *builder)
{
  g_autofree uint32_t *rows = NULL;
  return register_builder_finish_rows(builder, NULL, NULL, &rows);
}

struct unit_register *register_ref(struct unit_register *reg)
{
  g_atomic_int_inc(&reg->references);
  return reg;
}

void register_unref(struct unit_register *reg)
{
  if (!reg || !g_atomic_int_dec_and_test(&reg->references)) return;
  if (reg->image) {
    register_image_close(reg);
  } else {
    if (reg->texts) g_string_chunk_free(reg->texts);
    g_free(reg->versions);
    g_free(reg->slots);
  }
  if (reg->shared) g_hash_table_unref(reg->changed_units);
  register_unref(reg->changed);
  register_unref(reg->shared);
  g_free(reg);
}

/* --- looking up --- */

size_t register_size(const struct unit_register *reg)
{
  return reg->count;
}

const struct unit_version *register_nth(const struct unit_register *reg, size_t n)
{
  return &versions_of(reg)[n];
}

size_t register_index(const struct unit_register *reg, const struct unit_version *version)
{
  return (size_t)(version - versions_of(reg));
}

/* How many versions the unit has whose first is this one. */
static size_t count_of_unit(const struct unit_register *reg, size_t first)
{
  const struct unit_version *versions = versions_of(reg);
  size_t end = first + 1;
  while (end < reg->count && !starts_unit(versions, end)) end++;
  return end - first;
}

/* The register that has the unit's versions: another one where `reg` is one as it was before. */
static const struct unit_register *holder_of(const struct unit_register *reg, const char *unit)
{
  if (!reg->shared) return reg;
  return g_hash_table_contains(reg->changed_units, unit) ? reg->changed : reg->shared;
}

size_t register_unit(const struct unit_register *reg, const char *unit, const struct unit_version **ret_first)
{
  reg = holder_of(reg, unit);
  const struct unit_version *versions = versions_of(reg);
  for (size_t slot = g_str_hash(unit) & reg->slot_mask; reg->slots[slot];
       slot = (slot + 1) & reg->slot_mask) {
    size_t first = reg->slots[slot] - 1;
    if (strcmp(versions[first].unit, unit)) continue;
    *ret_first = &versions[first];
    return count_of_unit(reg, first);
  }
  return 0;
}

/* The first version from `low` on, whose unit is below, that is not below: in steps that double, then by
 * halves. */
static size_t gallop(const struct unit_register *reg, const char *unit, size_t low)
{
  const struct unit_version *versions = versions_of(reg);
  size_t step = 1;
  while (step < reg->count - low && strcmp(versions[low + step].unit, unit) < 0) {
    low += step;
    step *= 2;
  }
  size_t high = step < reg->count - low ? low + step : reg->count;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (strcmp(versions[middle].unit, unit) < 0)
      low = middle;
    else
      high = middle;
  }
  return high;
}

size_t register_unit_near(const struct unit_register *reg, const char *unit, size_t *near,
                          const struct unit_version **ret_first)
{
  if (reg->shared && holder_of(reg, unit) == reg->changed)
    return register_unit(reg->changed, unit, ret_first);
  if (reg->shared) reg = reg->shared;
  const struct unit_version *versions = versions_of(reg);
  size_t at = *near;
  int order = at < reg->count ? strcmp(versions[at].unit, unit) : 1;
  if (order < 0) {
    at = gallop(reg, unit, at);
    order = at < reg->count ? strcmp(versions[at].unit, unit) : 1;
    *near = at;
  } else if (at > 0 && (order > 0 || !starts_unit(versions, at))) {
    const struct unit_version *first;
    size_t count = register_unit(reg, unit, &first);
    if (count == 0) return 0;
    *near = register_index(reg, first);
    *ret_first = first;
    return count;
  }
  if (order != 0) return 0;
  *ret_first = &versions[at];
  return count_of_unit(reg, at);
}

/* The last of a unit's versions in force on any day from `first` to `last`. */
static const struct unit_version *versions_between(const struct unit_version *versions, size_t count,
                                                   day_number first, day_number last)
{
  while (count && versions[count - 1].from > last) count--;
  /* Earlier versions ended at the latest when this one began. */
  return count && versions[count - 1].to >= first ? &versions[count - 1] : NULL;
}

const struct unit_version *register_find(const struct unit_register *reg, const char *unit, day_number from)
{
  const struct unit_version *versions;
  size_t count = register_unit(reg, unit, &versions);
  for (size_t n = 0; n < count; n++)
    if (versions[n].from == from) return &versions[n];
  return NULL;
}

bool unit_version_equal(const struct unit_version *a, const struct unit_version *b)
{
  return strcmp(a->class, b->class) == 0 && strcmp(a->parent, b->parent) == 0 &&
         strcmp(a->name, b->name) == 0 && strcmp(a->parks, b->parks) == 0 &&
         strcmp(a->reporter, b->reporter) == 0 && a->in_boundary == b->in_boundary &&
         strcmp(a->industry, b->industry) == 0 && strcmp(a->clusters, b->clusters) == 0 &&
         strcmp(a->flags, b->flags) == 0 && strcmp(a->status, b->status) == 0 &&
         strcmp(a->succeeds, b->succeeds) == 0 && a->to == b->to;
}

const struct unit_version *register_version(const struct unit_register *reg, const char *unit,
                                            struct period period)
{
  const struct unit_version *versions = NULL;
  size_t count = register_unit(reg, unit, &versions);
  return unit_versions_in(versions, count, period);
}

const struct unit_version *register_version_near(const struct unit_register *reg, const char *unit,
                                                 struct period period, size_t *near)
{
  const struct unit_version *versions = NULL;
  size_t count = register_unit_near(reg, unit, near, &versions);
  return unit_versions_in(versions, count, period);
}

const struct unit_version *unit_versions_in(const struct unit_version *versions, size_t count,
                                            struct period period)
{
  return versions_between(versions, count, period_first_day(period), period_last_day(period));
}

bool register_owes(const struct unit_register *reg, const struct catalogue *catalogue, const char *unit,
                   int form, struct period period)
{
  day_number last = period_last_day(period);
  const struct unit_version *versions = NULL;
  size_t count = register_unit(reg, unit, &versions);
  const struct unit_version *version = versions_between(versions, count, last, last);
  return version && unit_version_owes(version, catalogue, form);
}

/* --- as it was before --- */

/* The versions of one unit, with those that changed as they were. */
static void add_unit_before(struct register_builder *builder, const struct unit_register *reg,
                            const char *unit, const struct version_before *changes, size_t count)
{
  const struct unit_version *versions = NULL;
  size_t had = register_unit(reg, unit, &versions), n = 0;
  for (size_t i = 0; i < had; i++) {
    bool is_changed = n < count && versions[i].from == changes[n].from;
    if (!is_changed)
      register_builder_add(builder, &versions[i]);
    else if (changes[n].before)
      register_builder_add(builder, changes[n].before);
    n += is_changed;
  }
}

struct unit_register *register_before(struct unit_register *reg, const struct version_before *changes,
                                      size_t count)
{
  struct register_builder *builder = register_builder_new();
  struct unit_register *before = g_new0(struct unit_register, 1);
  size_t had = 0;
  before->changed_units = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  for (size_t n = 0, end; n < count; n = end) {
    const char *unit = changes[n].unit;
    const struct unit_version *versions;
    for (end = n + 1; end < count && !strcmp(changes[end].unit, unit);) end++;
    g_hash_table_add(before->changed_units, g_strdup(unit));
    had += register_unit(reg, unit, &versions);
    add_unit_before(builder, reg, unit, &changes[n], end - n);
  }
  before->references = 1;
  before->changed = register_builder_finish(builder);
  before->shared = register_ref(reg);
  before->count = reg->count - had + before->changed->count;
  return before;
}

/* All versions in one array: for who asks for them by number. */
static struct unit_version *merge_changed(const struct unit_register *reg)
{
  struct unit_version *merged = g_new(struct unit_version, reg->count);
  const struct unit_version *changed = versions_of(reg->changed), *shared = versions_of(reg->shared);
  size_t count = 0, c = 0;
  for (size_t n = 0; n < reg->shared->count; n++) {
    if (g_hash_table_contains(reg->changed_units, shared[n].unit)) continue;
    while (c < reg->changed->count && compare(&changed[c], &shared[n]) < 0) merged[count++] = changed[c++];
    merged[count++] = shared[n];
  }
  while (c < reg->changed->count) merged[count++] = changed[c++];
  return merged;
}

/* --- versions --- */

bool unit_version_owes(const struct unit_version *version, const struct catalogue *catalogue, int form)
{
  const struct form *f = &catalogue->forms[form];
  int class = catalogue_class(catalogue, version->class);
  int status = catalogue_status(catalogue, version->status);
  if (class == CATALOGUE_NONE || !(f->classes >> class & 1)) return false;
  if (status != CATALOGUE_NONE && !catalogue->statuses[status].expected) return false;
  return f->population == CATALOGUE_NONE ||
         register_list_has(version->flags, catalogue->flags[f->population].code);
}

bool register_list_has(const char *list, const char *word)
{
  size_t length = strlen(word);
  if (!length) return false;
  for (const char *p = list; *p;) {
    size_t item = strcspn(p, ";");
    if (item == length && !memcmp(p, word, length)) return true;
    p += item;
    if (*p) p++;
  }
  return false;
}

bool unit_version_within(const struct unit_version *version, const struct catalogue *catalogue, int area)
{
  if (area == CATALOGUE_NONE) return true;
  for (const char *p = version->parks; *p;) {
    size_t length = strcspn(p, ";");
    char code[LIMIT_CODE_BYTES + 1];
    if (length < sizeof code) {
      memcpy(code, p, length);
      code[length] = '\0';
      int park = catalogue_area(catalogue, code);
      if (park != CATALOGUE_NONE && catalogue_area_within(catalogue, park, area)) return true;
    }
    p += length;
    if (*p) p++;
  }
  return false;
}

/* Which totals there are, and which atoms they are sums of. */
#include "aggregator/read_edition_private.h"

#include <string.h>

/* --- who is where --- */

void edition_member_free(void *data)
{
  struct member *member = data;
  g_array_unref(member->areas);
  g_array_unref(member->sums);
  g_free(member);
}

static void add_member(struct gathering *gathering, int64_t membership)
{
  if (g_hash_table_contains(gathering->members, &membership)) return;
  const struct catalogue *catalogue = gathering->source->catalogue;
  const struct membership *found = memberships_by_id(gathering->reader->memberships, membership);
  struct member *member = g_new0(struct member, 1);
  member->membership = membership;
  member->areas = g_array_new(FALSE, FALSE, sizeof(int));
  member->sums = g_array_new(FALSE, FALSE, sizeof(struct family_part));
  for (char **code = found ? found->areas : NULL; code && *code; code++) {
    int area = catalogue_area(catalogue, *code);
    if (area != CATALOGUE_NONE) g_array_append_val(member->areas, area);
  }
  for (char **code = found ? found->slices : NULL; code && *code; code++) {
    int slice = catalogue_slice(catalogue, *code);
    if (slice != CATALOGUE_NONE) member->slices |= (uint64_t)1 << slice;
  }
  g_hash_table_insert(gathering->members, &member->membership, member);
}

static void find_members(struct gathering *gathering)
{
  struct reader_reports *reports = reader_reports_open(gathering->reader, gathering->book);
  const struct stored_report *report;
  while ((report = reader_reports_next(reports)))
    if (report->counted) add_member(gathering, report->membership);
  reader_reports_close(reports);
}

static int by_membership(const void *left, const void *right)
{
  const struct member *a = *(void *const *)left, *b = *(void *const *)right;
  return a->membership < b->membership ? -1 : a->membership > b->membership;
}

/* In an order that is the same every time. */
static GPtrArray *sorted_members(const struct gathering *gathering)
{
  GPtrArray *members = g_ptr_array_new();
  GHashTableIter all;
  void *member;
  g_hash_table_iter_init(&all, gathering->members);
  while (g_hash_table_iter_next(&all, NULL, &member)) g_ptr_array_add(members, member);
  g_ptr_array_sort(members, by_membership);
  return members;
}

/* --- families --- */

static unsigned add_family(struct edition_source *source, enum family_kind kind, int area, int slice)
{
  struct family family = {.kind = kind, .area = area, .slice = slice};
  if (kind != FAMILY_ATOM) family.parts = g_array_new(FALSE, FALSE, sizeof(struct family_part));
  g_array_append_val(source->families, family);
  return source->families->len - 1;
}

/* The slices with reports in each area, as bits. */
static uint64_t *find_slices(const GPtrArray *members, size_t areas)
{
  uint64_t *slices = g_new0(uint64_t, areas + 1);
  for (unsigned n = 0; n < members->len; n++) {
    const struct member *member = members->pdata[n];
    for (unsigned a = 0; a < member->areas->len; a++)
      slices[g_array_index(member->areas, int, a)] |= member->slices;
  }
  return slices;
}

/* Where somebody reported, or owes a report. `index` is by area × LIMIT_SLICES + slice. */
static void add_totals(const struct gathering *gathering, const uint64_t *slices, unsigned *index)
{
  const struct edition_source *source = gathering->source;
  const struct catalogue *catalogue = source->catalogue;
  const char *form = catalogue->forms[source->form].code;
  day_number day = period_last_day(source->period);
  for (int area = 0; area < (int)catalogue->area_count; area++)
    for (int slice = 0; slice < (int)catalogue->slice_count; slice++) {
      int64_t expected = reader_expected(gathering->reader, form, catalogue->areas[area].code,
                                         catalogue->slices[slice].code, day);
      if (expected == 0 && !(slices[area] >> slice & 1)) continue;
      unsigned family = add_family(gathering->source, FAMILY_TOTAL, area, slice);
      g_array_index(source->families, struct family, family).expected = expected;
      index[area * LIMIT_SLICES + slice] = family;
    }
}

/* An area adds to it how many times more often than it is in the whole. */
static void count_parts(const struct catalogue *catalogue, const struct member *member, int64_t *times)
{
  for (unsigned n = 0; n < member->areas->len; n++) {
    int area = g_array_index(member->areas, int, n);
    int parent = catalogue->areas[area].parent;
    if (parent != CATALOGUE_NONE) times[parent]++;
  }
}

static bool *find_wholes(const struct catalogue *catalogue)
{
  bool *wholes = g_new0(bool, catalogue->area_count + 1);
  for (size_t n = 0; n < catalogue->area_count; n++)
    if (catalogue->areas[n].parent != CATALOGUE_NONE) wholes[catalogue->areas[n].parent] = true;
  return wholes;
}

static void add_overlaps(struct edition_source *source, const bool *wholes, unsigned *overlaps)
{
  for (int area = 0; area < (int)source->catalogue->area_count; area++)
    if (wholes[area]) overlaps[area] = add_family(source, FAMILY_OVERLAP, area, 0);
}

static void add_part(struct edition_source *source, struct member *member, unsigned family, int64_t times)
{
  struct family_part part = {member->atom, times}, sum = {family, times};
  g_array_append_val(g_array_index(source->families, struct family, family).parts, part);
  g_array_append_val(member->sums, sum);
}

/* --- atoms --- */

static void add_atom(struct gathering *gathering, struct member *member)
{
  struct edition_source *source = gathering->source;
  const struct membership *of = memberships_by_id(gathering->reader->memberships, member->membership);
  member->atom = add_family(source, FAMILY_ATOM, CATALOGUE_NONE, CATALOGUE_NONE);
  if (!of || !of->areas) return;
  g_autofree char *areas = g_strjoinv(";", of->areas), *slices = g_strjoinv(";", of->slices);
  g_array_index(source->families, struct family, member->atom).membership =
      g_strdup_printf("%s/%s", areas, slices);
}

static void add_to_sums(struct edition_source *source, struct member *member, const unsigned *index,
                        const bool *wholes, const unsigned *overlaps)
{
  const struct catalogue *catalogue = source->catalogue;
  g_autofree int64_t *times = g_new0(int64_t, catalogue->area_count + 1);
  count_parts(catalogue, member, times);
  for (unsigned n = 0; n < member->areas->len; n++) {
    int area = g_array_index(member->areas, int, n);
    for (uint64_t rest = member->slices; rest; rest &= rest - 1)
      add_part(source, member, index[area * LIMIT_SLICES + __builtin_ctzll(rest)], 1);
    times[area]--;
  }
  for (int area = 0; area < (int)catalogue->area_count; area++)
    if (wholes[area] && times[area] != 0) add_part(source, member, overlaps[area], times[area]);
}

/* --- rests --- */

static bool is_in(const struct member *member, int area)
{
  for (unsigned n = 0; n < member->areas->len; n++)
    if (g_array_index(member->areas, int, n) == area) return true;
  return false;
}

static GPtrArray *members_of(const GPtrArray *members, int area)
{
  GPtrArray *own = g_ptr_array_new();
  for (unsigned n = 0; n < members->len; n++)
    if (is_in(members->pdata[n], area)) g_ptr_array_add(own, members->pdata[n]);
  return own;
}

static bool is_member(const struct member *member, int slice)
{
  return slice != CATALOGUE_NONE && member->slices >> slice & 1;
}

/* Which of the members are in `slice` and not in `less`, as a text. NULL if none is, or one in `less` alone.
 */
static char *difference_of(const GPtrArray *members, int slice, int less)
{
  g_autoptr(GString) text = g_string_sized_new(members->len);
  bool any = false;
  for (unsigned n = 0; n < members->len; n++) {
    bool in = is_member(members->pdata[n], slice), out = is_member(members->pdata[n], less);
    if (out && !in) return NULL;
    g_string_append_c(text, in && !out ? '1' : '0');
    any |= in && !out;
  }
  return any ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

static void add_rest(struct edition_source *source, const GPtrArray *members, int area, int slice, int less)
{
  unsigned family = add_family(source, FAMILY_REST, area, slice);
  g_array_index(source->families, struct family, family).less = less;
  for (unsigned n = 0; n < members->len; n++)
    if (is_member(members->pdata[n], slice) && !is_member(members->pdata[n], less))
      add_part(source, members->pdata[n], family, 1);
}

/* Each set of units once, be it a slice or a rest. */
static void add_rests(struct edition_source *source, const GPtrArray *members, int area, uint64_t slices)
{
  g_autoptr(GPtrArray) own = members_of(members, area);
  g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  for (uint64_t all = slices; all; all &= all - 1)
    g_hash_table_add(known, difference_of(own, __builtin_ctzll(all), CATALOGUE_NONE));
  for (uint64_t all = slices; all; all &= all - 1)
    for (uint64_t within = slices; within; within &= within - 1) {
      int slice = __builtin_ctzll(all), less = __builtin_ctzll(within);
      char *text = slice != less ? difference_of(own, slice, less) : NULL;
      if (text && g_hash_table_add(known, text)) add_rest(source, own, area, slice, less);
    }
}

void edition_find_families(struct gathering *gathering)
{
  struct edition_source *source = gathering->source;
  size_t areas = source->catalogue->area_count;
  find_members(gathering);
  g_autoptr(GPtrArray) members = sorted_members(gathering);
  g_autofree uint64_t *slices = find_slices(members, areas);
  g_autofree unsigned *index = g_new0(unsigned, areas *LIMIT_SLICES + 1);
  g_autofree unsigned *overlaps = g_new0(unsigned, areas + 1);
  g_autofree bool *wholes = find_wholes(source->catalogue);
  add_totals(gathering, slices, index);
  add_overlaps(source, wholes, overlaps);
  for (unsigned n = 0; n < members->len; n++) add_atom(gathering, members->pdata[n]);
  for (unsigned n = 0; n < members->len; n++) add_to_sums(source, members->pdata[n], index, wholes, overlaps);
  for (int area = 0; area < (int)areas; area++) add_rests(source, members, area, slices[area]);
}

#include "aggregator/read_edition.h"

#include "aggregator/read_edition_private.h"
#include "common/checksum.h"
#include "common/error.h"
#include "common/text.h"

#include <string.h>

/* A report, as it is added to its parent's. */
struct piece {
  const struct member *member;
  int64_t *values; /* by tree, then figure */
  bool *present;
};

/* Reports of a parent that has several units. */
struct parent {
  uint64_t hash;
  bool consents;
  GPtrArray *pieces; /* struct piece */
};

/* --- what is asked --- */

static int root_of(const struct catalogue *catalogue, int area)
{
  while (catalogue->areas[area].parent != CATALOGUE_NONE) area = catalogue->areas[area].parent;
  return area;
}

static void find_figures(struct edition_source *source)
{
  const struct catalogue *catalogue = source->catalogue;
  const struct form *form = &catalogue->forms[source->form];
  for (int column = 0; column < (int)form->column_count; column++) {
    const struct column *of = &form->columns[column];
    const struct indicator *indicator = &catalogue->indicators[of->indicator];
    if (of->retired || (indicator->kind != KIND_FLOW && indicator->kind != KIND_STOCK)) continue;
    struct edition_figure figure = {.column = column,
                                    .negative = indicator->least < 0,
                                    .variant = of->variant,
                                    .indicator = of->indicator};
    g_array_append_val(source->figures, figure);
  }
}

/* What the reports of this very period say, as `totals` understands them. */
static void plan_tree(const struct gathering *gathering, struct tree *tree)
{
  const struct edition_source *source = gathering->source;
  tree->asked = g_new0(bool, source->figures->len + 1);
  tree->parts = g_new0(struct plan_part, source->figures->len + 1);
  for (unsigned n = 0; n < source->figures->len; n++) {
    const struct edition_figure *figure = &g_array_index(source->figures, struct edition_figure, n);
    bool of_last_year = figure->variant == VARIANT_LY || figure->variant == VARIANT_YTD_LY;
    bool cumulative = figure->variant == VARIANT_YTD || figure->variant == VARIANT_YTD_LY;
    struct plan plan;
    reader_plan(gathering->reader, tree->root, figure->indicator,
                of_last_year ? COLUMNS_OF_LAST_YEAR : COLUMNS_OF_THIS_YEAR, source->period, cumulative,
                &plan);
    tree->asked[n] = plan.data && plan.form == source->form && plan.count == 1 && !plan.difference &&
                     period_key(plan.parts[0].period) == period_key(source->period);
    tree->parts[n] = plan.parts[0];
  }
}

static void find_trees(struct gathering *gathering)
{
  const struct catalogue *catalogue = gathering->source->catalogue;
  for (int area = 0; area < (int)catalogue->area_count; area++) {
    if (catalogue->areas[area].parent != CATALOGUE_NONE) continue;
    struct tree tree = {.root = area};
    plan_tree(gathering, &tree);
    gathering->tree_of[area] = (int)gathering->trees->len;
    g_array_append_val(gathering->trees, tree);
  }
  for (int area = 0; area < (int)catalogue->area_count; area++)
    gathering->tree_of[area] = gathering->tree_of[root_of(catalogue, area)];
}

static void clear_tree(void *data)
{
  struct tree *tree = data;
  g_free(tree->asked);
  g_free(tree->parts);
}

/* --- contributions --- */

static int128 magnitude(int128 value)
{
  return value < 0 ? -value : value;
}

/* Keeps all that consent, and of the others the largest; the largest first. */
static void keep_share(GArray *shares, const struct disclose_share *share, size_t most)
{
  unsigned at = 0;
  size_t others = 0;
  while (at < shares->len &&
         magnitude(g_array_index(shares, struct disclose_share, at).value) >= magnitude(share->value))
    others += !g_array_index(shares, struct disclose_share, at++).consents;
  if (!share->consents && others >= most) return;
  g_array_insert_val(shares, at, *share);
  if (share->consents) return;
  for (unsigned n = at + 1; n < shares->len; n++) {
    if (g_array_index(shares, struct disclose_share, n).consents) continue;
    if (++others < most) continue;
    g_array_remove_index(shares, n);
    return;
  }
}

static void add_to_total(struct edition_total *total, uint64_t parent, bool consents, int128 value,
                         size_t most)
{
  struct disclose_share share = {.parent = parent, .value = value, .consents = consents};
  total->defined = true;
  total->value += value;
  total->magnitude += magnitude(value);
  total->parents++;
  if (!total->shares) total->shares = g_array_new(FALSE, FALSE, sizeof share);
  keep_share(total->shares, &share, most);
}

static void add_values(struct gathering *gathering, const struct piece *piece, unsigned family, int64_t times,
                       unsigned tree)
{
  unsigned width = gathering->source->figures->len;
  g_array_index(gathering->source->families, struct family, family).reported += times;
  g_array_append_val(gathering->touched, family);
  for (unsigned n = 0; n < width; n++) {
    if (!piece->present[tree * width + n]) continue;
    gathering->sums[family * width + n] += (int128)times * piece->values[tree * width + n];
    gathering->seen[family * width + n] = true;
  }
}

/* Adds the piece to the sums of its parent. What an atom is in another tree of areas is not asked: nobody is
 * in two. */
static void add_piece(struct gathering *gathering, const struct piece *piece)
{
  const struct member *member = piece->member;
  if (member->areas->len == 0) return;
  unsigned own = (unsigned)gathering->tree_of[g_array_index(member->areas, int, 0)];
  add_values(gathering, piece, member->atom, 1, own);
  for (unsigned n = 0; n < member->sums->len; n++) {
    const struct family_part *sum = &g_array_index(member->sums, struct family_part, n);
    const struct family *family = &g_array_index(gathering->source->families, struct family, sum->atom);
    add_values(gathering, piece, sum->atom, sum->times, (unsigned)gathering->tree_of[family->area]);
  }
}

/* What a parent's reports come to in each cell. */
static void add_parent(struct gathering *gathering, uint64_t hash, bool consents)
{
  struct edition_source *source = gathering->source;
  unsigned width = source->figures->len;
  for (unsigned t = 0; t < gathering->touched->len; t++) {
    size_t from = (size_t)g_array_index(gathering->touched, unsigned, t) * width;
    for (size_t n = from; n < from + width; n++) {
      if (!gathering->seen[n]) continue;
      add_to_total(&source->totals[n], hash, consents, gathering->sums[n], gathering->most);
      gathering->sums[n] = 0;
      gathering->seen[n] = false;
    }
  }
  g_array_set_size(gathering->touched, 0);
}

/* What the report says, by tree and figure. Nothing of a nil one. */
static void read_piece(const struct gathering *gathering, const struct stored_report *report,
                       const struct figures *figures, struct piece *piece)
{
  unsigned width = gathering->source->figures->len;
  piece->member = g_hash_table_lookup(gathering->members, &report->membership);
  for (unsigned t = 0; t < gathering->trees->len; t++) {
    const struct tree *tree = &g_array_index(gathering->trees, struct tree, t);
    for (unsigned n = 0; n < width; n++)
      piece->present[t * width + n] =
          tree->asked[n] && reader_figure(figures, &tree->parts[n], &piece->values[t * width + n]);
  }
}

static struct piece *piece_new(const struct gathering *gathering)
{
  size_t size = (size_t)gathering->trees->len * gathering->source->figures->len + 1;
  struct piece *piece = g_new0(struct piece, 1);
  piece->values = g_new0(int64_t, size);
  piece->present = g_new0(bool, size);
  return piece;
}

static void piece_free(void *data)
{
  struct piece *piece = data;
  g_free(piece->values);
  g_free(piece->present);
  g_free(piece);
}

static void parent_free(void *data)
{
  struct parent *parent = data;
  g_ptr_array_unref(parent->pieces);
  g_free(parent);
}

/* The legal entity's consent; of one that is not registered, that of its plants. */
static bool does_consent(const struct gathering *gathering, const char *entity,
                         const struct unit_version *version)
{
  const struct catalogue *catalogue = gathering->source->catalogue;
  const struct unit_version *of =
      register_version(gathering->reader->snapshot->units, entity, gathering->source->period);
  if (!of) of = version;
  return catalogue->consent != CATALOGUE_NONE &&
         register_list_has(of->flags, catalogue->flags[catalogue->consent].code);
}

static void take_report(struct gathering *gathering, const struct stored_report *report,
                        struct piece *scratch)
{
  struct figures figures;
  const struct unit_version *version =
      register_version(gathering->reader->snapshot->units, report->unit, gathering->source->period);
  if (!version || !figures_unpack(report->figures, report->figures_length, &figures)) return;
  const char *entity = count_entity(gathering->source->catalogue, version);
  uint64_t hash = (uint64_t)checksum_of(entity, strlen(entity));
  bool consents = does_consent(gathering, entity, version);
  if (!g_hash_table_contains(gathering->several, entity)) {
    read_piece(gathering, report, &figures, scratch);
    add_piece(gathering, scratch);
    add_parent(gathering, hash, consents);
    return;
  }
  struct parent *parent = g_hash_table_lookup(gathering->parents, entity);
  if (!parent) {
    parent = g_new0(struct parent, 1);
    *parent = (struct parent){hash, true, g_ptr_array_new_with_free_func(piece_free)};
    g_hash_table_insert(gathering->parents, g_strdup(entity), parent);
  }
  struct piece *piece = piece_new(gathering);
  read_piece(gathering, report, &figures, piece);
  parent->consents &= consents;
  g_ptr_array_add(parent->pieces, piece);
}

/* Entities of which the register has several units: their reports lie apart. */
static void find_several(struct gathering *gathering)
{
  const struct unit_register *units = gathering->reader->snapshot->units;
  g_autoptr(GHashTable) first = g_hash_table_new(g_str_hash, g_str_equal); /* entity → unit */
  for (size_t n = 0; n < register_size(units); n++) {
    const struct unit_version *version = register_nth(units, n);
    const char *entity = count_entity(gathering->source->catalogue, version);
    const char *unit = g_hash_table_lookup(first, entity);
    if (!unit)
      g_hash_table_insert(first, (char *)entity, (char *)version->unit);
    else if (strcmp(unit, version->unit) != 0)
      g_hash_table_add(gathering->several, (char *)entity);
  }
}

static void read_reports(struct gathering *gathering)
{
  struct reader_reports *reports = reader_reports_open(gathering->reader, gathering->book);
  struct piece *scratch = piece_new(gathering);
  const struct stored_report *report;
  GHashTableIter all;
  void *value;
  while ((report = reader_reports_next(reports)))
    if (report->counted) take_report(gathering, report, scratch);
  reader_reports_close(reports);
  piece_free(scratch);
  g_hash_table_iter_init(&all, gathering->parents);
  while (g_hash_table_iter_next(&all, NULL, &value)) {
    const struct parent *parent = value;
    for (unsigned n = 0; n < parent->pieces->len; n++) add_piece(gathering, parent->pieces->pdata[n]);
    add_parent(gathering, parent->hash, parent->consents);
  }
}

/* --- whether it is right --- */

/* What is published is what `totals` says. */
static bool agrees(const struct gathering *gathering, GError **error)
{
  const struct edition_source *source = gathering->source;
  const struct catalogue *catalogue = source->catalogue;
  for (unsigned f = 0; f < source->families->len; f++) {
    const struct family *family = &g_array_index(source->families, struct family, f);
    if (family->kind != FAMILY_TOTAL) continue; /* an atom has no area */
    const struct tree *tree = &g_array_index(gathering->trees, struct tree, gathering->tree_of[family->area]);
    for (unsigned n = 0; n < source->figures->len; n++) {
      const struct edition_figure *figure = &g_array_index(source->figures, struct edition_figure, n);
      const struct edition_total *total = edition_source_total(source, f, n);
      struct cell_key key = {.book = gathering->book,
                             .area = catalogue->areas[family->area].code,
                             .slice = catalogue->slices[family->slice].code,
                             .slot = tree->parts[n].slot};
      int128 sum = 0;
      int64_t units;
      if (!tree->asked[n] || tree->parts[n].other != NO_SLOT) continue;
      reader_cell(gathering->reader, &key, &sum, &units);
      if (sum == total->value) continue;
      g_set_error(error, PARKTALLY_ERROR, ERROR_DATA,
                  _("%s of %s, %s: its reports do not come to its total; “park-aggregator rebuild --check” "
                    "says what is wrong"),
                  catalogue->forms[source->form].columns[figure->column].code, key.area, key.slice);
      return false;
    }
  }
  return true;
}

/* --- all of it --- */

static void gathering_init(struct gathering *gathering)
{
  const struct catalogue *catalogue = gathering->source->catalogue;
  gathering->trees = g_array_new(FALSE, FALSE, sizeof(struct tree));
  g_array_set_clear_func(gathering->trees, clear_tree);
  gathering->tree_of = g_new0(int, catalogue->area_count + 1);
  gathering->members = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, edition_member_free);
  gathering->several = g_hash_table_new(g_str_hash, g_str_equal);
  gathering->parents = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, parent_free);
  gathering->touched = g_array_new(FALSE, FALSE, sizeof(unsigned));
}

static void gathering_finish(struct gathering *gathering)
{
  g_array_unref(gathering->trees);
  g_free(gathering->tree_of);
  g_hash_table_unref(gathering->members);
  g_hash_table_unref(gathering->several);
  g_hash_table_unref(gathering->parents);
  g_free(gathering->sums);
  g_free(gathering->seen);
  g_array_unref(gathering->touched);
}

static bool gather(struct gathering *gathering, GError **error)
{
  struct edition_source *source = gathering->source;
  gathering->book =
      store_find_book(gathering->reader->store, source->catalogue->forms[source->form].code, source->period);
  find_figures(source);
  find_trees(gathering);
  edition_find_families(gathering);
  find_several(gathering);
  size_t cells = (size_t)source->families->len * source->figures->len + 1;
  source->totals = g_new0(struct edition_total, cells);
  gathering->sums = g_new0(int128, cells);
  gathering->seen = g_new0(bool, cells);
  read_reports(gathering);
  const GError *failure = store_error(gathering->reader->store);
  if (failure) g_propagate_error(error, g_error_copy(failure));
  return !failure && agrees(gathering, error);
}

static void clear_family(void *data)
{
  struct family *family = data;
  g_free(family->membership);
  if (family->parts) g_array_unref(family->parts);
}

struct edition_source *reader_edition(struct reader *reader, const char *form, struct period period,
                                      uint64_t leaves, size_t most, GError **error)
{
  CLEANUP(edition_source_free) struct edition_source *source = g_new0(struct edition_source, 1);
  struct gathering gathering = {.reader = reader, .source = source, .most = MAX(most, 2)};
  source->catalogue = catalogue_ref(reader->catalogue);
  source->form = catalogue_form(reader->catalogue, form);
  source->period = period;
  source->leaves = leaves;
  source->figures = g_array_new(FALSE, FALSE, sizeof(struct edition_figure));
  source->families = g_array_new(FALSE, TRUE, sizeof(struct family));
  g_array_set_clear_func(source->families, clear_family);
  if (source->form == CATALOGUE_NONE) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_DATA, _("the catalogue has no form “%s”"), form);
    return NULL;
  }
  gathering_init(&gathering);
  bool done = gather(&gathering, error);
  gathering_finish(&gathering);
  return done ? g_steal_pointer(&source) : NULL;
}

void edition_source_free(struct edition_source *source)
{
  if (!source) return;
  size_t cells = source->totals ? (size_t)source->families->len * source->figures->len : 0;
  for (size_t n = 0; n < cells; n++)
    if (source->totals[n].shares) g_array_unref(source->totals[n].shares);
  g_free(source->totals);
  g_array_unref(source->figures);
  g_array_unref(source->families);
  catalogue_unref(source->catalogue);
  g_free(source);
}

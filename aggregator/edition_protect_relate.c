/* What anybody knows of how the cells of editions hang together. */
#include "aggregator/edition_protect_private.h"

#include <string.h>

/* A number of units that nobody prints but that follows. */
static size_t take_difference(struct protecting *protecting, const struct base *base, const char *what,
                              const struct family *family, size_t column, int64_t value)
{
  g_autofree char *of = base_family_text(base, family);
  g_autofree char *text = g_strdup_printf("%d %s %s %s %" G_GINT64_FORMAT, period_key(base->source->period),
                                          what, of, base_column(base, column), value);
  return protecting_cell(protecting, text,
                         (struct disclose_cell){.kind = DISCLOSE_COUNT,
                                                .value = value,
                                                .magnitude = value,
                                                .parents = value,
                                                .weight = WEIGHT_UNPRINTED,
                                                .unprinted = true});
}

static void term(struct protecting *protecting, size_t cell, int64_t coefficient)
{
  if (cell == NO_CELL) return; /* it is 0 */
  struct disclose_term of = {cell, coefficient};
  g_array_append_val(protecting->terms, of);
}

/* Σ of the terms = 0; said once. */
static void relate(struct protecting *protecting)
{
  g_autoptr(GString) text = g_string_new(NULL);
  for (unsigned n = 0; n < protecting->terms->len; n++) {
    const struct disclose_term *of = &g_array_index(protecting->terms, struct disclose_term, n);
    g_string_append_printf(text, "%" G_GINT64_FORMAT " %zu ", of->coefficient, of->cell);
  }
  if (protecting->terms->len > 0 && !g_hash_table_contains(protecting->related, text->str)) {
    web_relate(protecting->web, (const struct disclose_term *)(const void *)protecting->terms->data,
               protecting->terms->len);
    g_hash_table_add(protecting->related, g_strdup(text->str));
  }
  g_array_set_size(protecting->terms, 0);
}

/* SIZE_MAX where there is no such total. */
static size_t find_total(const struct base *base, int area, int slice)
{
  g_autofree char *text = base_family_text(base, &(struct family){.area = area, .slice = slice});
  return base_find(base, text);
}

/* Of a total of this base; NO_CELL where there is none. */
static size_t cell_at(const struct base *base, int area, int slice, size_t column)
{
  size_t family = find_total(base, area, slice);
  return family == SIZE_MAX ? NO_CELL : base->cells[family * base->width + column];
}

/* A total is the sum of its atoms. */
static void relate_atoms(struct protecting *protecting, const struct base *base)
{
  for (size_t f = 0; f < base->source->families->len; f++) {
    const struct family *family = base_family(base, f);
    for (size_t c = 0; family->parts && c < base->source->figures->len; c++) {
      term(protecting, base->cells[f * base->width + c], -1);
      for (unsigned n = 0; n < family->parts->len; n++) {
        const struct family_part *part = &g_array_index(family->parts, struct family_part, n);
        term(protecting, base->cells[part->atom * base->width + c], part->times);
      }
      relate(protecting);
    }
  }
}

/* Numbers of units: Σ parts − what lies between = own. */
static void relate_numbers(struct protecting *protecting, const struct base *base, int area, int slice,
                           size_t column)
{
  const struct catalogue *catalogue = base->source->catalogue;
  int64_t between = 0;
  for (size_t f = 0; f < base->source->families->len; f++) {
    const struct family *family = base_family(base, f);
    if (family->kind != FAMILY_TOTAL) break;
    if (family->slice != slice) continue;
    int64_t units = (int64_t)base_value(base, f, column);
    if (family->area == area) between -= units;
    if (catalogue->areas[family->area].parent == area) between += units;
  }
  if (between < 0) return; /* units stand in the area directly, and how many is not said */
  term(protecting, cell_at(base, area, slice, column), -1);
  for (int part = 0; part < (int)catalogue->area_count; part++)
    if (catalogue->areas[part].parent == area) term(protecting, cell_at(base, part, slice, column), 1);
  term(protecting,
       take_difference(protecting, base, "between", &(struct family){.area = area, .slice = slice}, column,
                       between),
       -1);
  relate(protecting);
}

static void relate_areas(struct protecting *protecting, const struct base *base)
{
  const struct catalogue *catalogue = base->source->catalogue;
  for (int area = 0; area < (int)catalogue->area_count; area++)
    for (int slice = 0; base_has_parts(catalogue, area) && slice < (int)catalogue->slice_count; slice++)
      for (size_t c = base->source->figures->len; c < base->width; c++)
        relate_numbers(protecting, base, area, slice, c);
}

/* Of numbers of units: a wider slice has every unit of this total's. */
static void relate_rest(struct protecting *protecting, const struct base *base, size_t f, int wider)
{
  const struct family *family = base_family(base, f);
  const struct slice *of = &base->source->catalogue->slices[wider];
  size_t whole = find_total(base, family->area, wider);
  g_autofree char *what = wider == 0 ? g_strdup("rest") : g_strdup_printf("rest of %s beside", of->code);
  for (size_t c = base->source->figures->len; whole != SIZE_MAX && c < base->width; c++) {
    int64_t rest = (int64_t)(base_value(base, whole, c) - base_value(base, f, c));
    if (rest < 0) continue;
    term(protecting, base->cells[whole * base->width + c], -1);
    term(protecting, base->cells[f * base->width + c], 1);
    term(protecting, take_difference(protecting, base, what, family, c, rest), 1);
    relate(protecting);
  }
}

static bool is_member(const struct slice *set, int slice)
{
  for (size_t n = 0; n < set->member_count; n++)
    if (set->members[n] == slice) return true;
  return false;
}

/* The slice “all” is wider than the others, a set than its members. */
static void relate_rests(struct protecting *protecting, const struct base *base)
{
  const struct catalogue *catalogue = base->source->catalogue;
  for (size_t f = 0; f < base->source->families->len; f++) {
    const struct family *family = base_family(base, f);
    if (family->kind != FAMILY_TOTAL || family->slice == 0) continue;
    relate_rest(protecting, base, f, 0);
    for (int set = 1; set < (int)catalogue->slice_count; set++)
      if (is_member(&catalogue->slices[set], family->slice)) relate_rest(protecting, base, f, set);
  }
}

/* Numbers of units of a set of slices: Σ members − what several of them count = the set. */
static void relate_set(struct protecting *protecting, const struct base *base, size_t f, size_t column)
{
  const struct family *family = base_family(base, f);
  const struct slice *set = &base->source->catalogue->slices[family->slice];
  int64_t common = -(int64_t)base_value(base, f, column);
  for (size_t n = 0; n < set->member_count; n++) {
    size_t member = find_total(base, family->area, set->members[n]);
    if (member != SIZE_MAX) common += (int64_t)base_value(base, member, column);
  }
  if (common < 0) return; /* never: each of its units is a member's */
  term(protecting, base->cells[f * base->width + column], -1);
  for (size_t n = 0; n < set->member_count; n++)
    term(protecting, cell_at(base, family->area, set->members[n], column), 1);
  term(protecting, take_difference(protecting, base, "common", family, column, common), -1);
  relate(protecting);
}

static void relate_sets(struct protecting *protecting, const struct base *base)
{
  for (size_t f = 0; f < base->source->families->len; f++) {
    const struct family *family = base_family(base, f);
    if (family->kind != FAMILY_TOTAL) break;
    if (base->source->catalogue->slices[family->slice].member_count == 0) continue;
    for (size_t c = base->source->figures->len; c < base->width; c++) relate_set(protecting, base, f, c);
  }
}

/* The family of another base; SIZE_MAX if it has none. */
static size_t same_family(const struct base *base, const struct family *family, const struct base *other)
{
  g_autofree char *text = base_family_text(base, family);
  return base_find(other, text);
}

static int128 total_of(const struct base *base, size_t family, size_t figure)
{
  return family == SIZE_MAX ? 0 : base_value(base, family, figure);
}

static size_t cell_of(const struct base *base, size_t family, size_t figure)
{
  return family == SIZE_MAX ? NO_CELL : base->cells[family * base->width + figure];
}

/* Of each family of `base` says what `relation` says of it, if it does hold; of a sum only where it does not
 * follow from its atoms. */
typedef bool family_relation(struct protecting *protecting, const struct base *base, size_t family,
                             const struct base *other, size_t other_family, const int *figures);

static bool follows(const struct family *family, const bool *related)
{
  for (unsigned n = 0; family->parts && n < family->parts->len; n++)
    if (!related[g_array_index(family->parts, struct family_part, n).atom]) return false;
  return family->parts != NULL;
}

/* Atoms first. */
static void relate_families(struct protecting *protecting, const struct base *base, const struct base *other,
                            family_relation *relation, const int *figures)
{
  g_autofree bool *related = g_new0(bool, base->source->families->len + 1);
  for (size_t n = 0; n < 2 * base->source->families->len; n++) {
    size_t f = n % base->source->families->len;
    const struct family *family = base_family(base, f);
    if ((family->parts == NULL) != (n < base->source->families->len)) continue;
    size_t of = other ? same_family(base, family, other) : SIZE_MAX;
    bool same_parts = !other || !family->parts ||
                      (of != SIZE_MAX && base_family(other, of)->parts->len == family->parts->len);
    if (same_parts && follows(family, related)) continue;
    related[f] = relation(protecting, base, f, other, of, figures);
  }
}

/* January to the period = the same before + the period, where nothing was revised in between. Of the year's
 * first period there is no before. */
static bool relate_sum(struct protecting *protecting, const struct base *base, size_t f,
                       const struct base *other, size_t of, const int *figures)
{
  size_t year = (size_t)figures[0], month = (size_t)figures[1], earlier = (size_t)figures[2];
  if (base_value(base, f, year) != base_value(base, f, month) + total_of(other, of, earlier)) return false;
  term(protecting, cell_of(base, f, year), -1);
  term(protecting, cell_of(base, f, month), 1);
  term(protecting, cell_of(other, of, earlier), 1);
  relate(protecting);
  return true;
}

static void relate_cumulative(struct protecting *protecting, const struct base *base,
                              const struct base *before)
{
  for (size_t c = 0; c < base->source->figures->len; c++) {
    if (base_figure(base, c)->variant != VARIANT_YTD) continue;
    const char *indicator = base_indicator(base, c);
    const int figures[] = {(int)c, base_other_figure(base, indicator, VARIANT_PERIOD),
                           before ? base_other_figure(before, indicator, VARIANT_YTD) : 0};
    if (figures[1] >= 0 && figures[2] >= 0) relate_families(protecting, base, before, relate_sum, figures);
  }
}

void edition_relate_withheld(const struct base *base, const struct base *before,
                             struct disclose_outcome *outcomes)
{
  for (size_t f = 0; f < base->source->families->len; f++)
    for (size_t c = 0; c < base->source->figures->len; c++) {
      const char *indicator = base_indicator(base, c);
      int month = base_other_figure(base, indicator, VARIANT_PERIOD);
      int earlier = base_other_figure(before, indicator, VARIANT_YTD);
      if (base_figure(base, c)->variant != VARIANT_YTD || month < 0 || earlier < 0) continue;
      size_t of = same_family(base, base_family(base, f), before);
      const struct edition_cell *was =
          of == SIZE_MAX ? NULL : base_printed(before, base_family(before, of), (size_t)earlier);
      size_t year = cell_of(base, f, c), own = cell_of(base, f, (size_t)month);
      if (was && !was->value && year != NO_CELL && own != NO_CELL &&
          outcomes[own].status == DISCLOSE_PUBLISHED && outcomes[year].status == DISCLOSE_PUBLISHED)
        outcomes[year].status = DISCLOSE_SECONDARY;
    }
}

/* What is said of last year is what was published then, where it is. */
static bool relate_same(struct protecting *protecting, const struct base *base, size_t f,
                        const struct base *other, size_t of, const int *figures)
{
  size_t now = (size_t)figures[0], then = (size_t)figures[1];
  if (of == SIZE_MAX || base_value(base, f, now) != base_value(other, of, then)) return false;
  term(protecting, cell_of(base, f, now), -1);
  term(protecting, cell_of(other, of, then), 1);
  relate(protecting);
  return true;
}

static void relate_last_year(struct protecting *protecting, const struct base *base,
                             const struct base *before)
{
  for (size_t c = 0; c < base->source->figures->len; c++) {
    enum variant variant = base_figure(base, c)->variant;
    if (variant != VARIANT_LY && variant != VARIANT_YTD_LY) continue;
    const int figures[] = {(int)c, base_other_figure(before, base_indicator(base, c),
                                                     variant == VARIANT_LY ? VARIANT_PERIOD : VARIANT_YTD)};
    if (figures[1] >= 0) relate_families(protecting, base, before, relate_same, figures);
  }
}

bool base_is_before(const struct base *before, const struct base *base)
{
  struct period period = base->source->period;
  const struct form *form = &base->source->catalogue->forms[base->source->form];
  return period.month != 1 &&
         period_key(before->source->period) == period_key(form_period_before(form, period));
}

static void relate_periods(struct protecting *protecting, const struct base *base)
{
  struct period period = base->source->period;
  if (period.month == 1) relate_cumulative(protecting, base, NULL);
  for (unsigned n = 0; n < protecting->bases->len; n++) {
    const struct base *other = protecting_base(protecting, n);
    struct period of = other->source->period;
    if (base_is_before(other, base)) relate_cumulative(protecting, base, other);
    if (period_key(of) == period_key(period_last_year(period))) relate_last_year(protecting, base, other);
  }
}

void edition_relate(struct protecting *protecting, const struct base *base)
{
  relate_atoms(protecting, base);
  relate_areas(protecting, base);
  relate_rests(protecting, base);
  relate_sets(protecting, base);
  relate_periods(protecting, base);
}

/* What an edition says, once it is settled which cells it may print. */
#include "aggregator/edition_protect_private.h"

#include <string.h>

static unsigned item_index(GArray *items, GHashTable *known, const char *code, const struct label *name)
{
  unsigned index = GPOINTER_TO_UINT(g_hash_table_lookup(known, code));
  if (index > 0) return index - 1;
  struct edition_item item = {g_strdup(code),
                              {g_strdup(name ? name->zh : ""), g_strdup(name ? name->en : "")}};
  g_array_append_val(items, item);
  g_hash_table_insert(known, item.code, GUINT_TO_POINTER(items->len));
  return items->len - 1;
}

static void add_columns(const struct base *base, struct edition *edition)
{
  static const char *const suffixes[] = {"", ".ytd", ".ly", ".ytd_ly"};
  const struct catalogue *catalogue = base->source->catalogue;
  for (size_t c = 0; c < base->width; c++) {
    struct edition_column column = {.code = g_strdup(base_column(base, c))};
    if (base_is_count(base, c)) {
      column.indicator = g_strdup("");
      column.variant = g_strdup("");
      column.name = (struct label){g_strdup(""), g_strdup("")};
      column.measure = g_strdup("");
    } else {
      const struct indicator *indicator = &catalogue->indicators[base_figure(base, c)->indicator];
      column.indicator = g_strdup(indicator->code);
      column.variant = g_strdup(suffixes[base_figure(base, c)->variant]);
      column.name = (struct label){g_strdup(indicator->name.zh), g_strdup(indicator->name.en)};
      column.measure = g_strdup(catalogue->measures[indicator->measure].code);
      column.decimals = indicator->decimals;
    }
    g_array_append_val(edition->columns, column);
  }
}

/* Those of which both terms stand on the form. */
static void add_ratios(const struct base *base, struct edition *edition)
{
  const struct catalogue *catalogue = base->source->catalogue;
  for (size_t n = 0; n < catalogue->indicator_count; n++) {
    const struct indicator *indicator = &catalogue->indicators[n];
    if (indicator->kind != KIND_RATIO) continue;
    const char *numerator = catalogue->indicators[indicator->numerator].code;
    const char *denominator = catalogue->indicators[indicator->denominator].code;
    bool found = false;
    for (int variant = 0; variant < VARIANT_COUNT; variant++)
      found |= base_other_figure(base, numerator, (enum variant)variant) >= 0 &&
               base_other_figure(base, denominator, (enum variant)variant) >= 0;
    if (!found) continue;
    struct edition_ratio ratio = {.code = g_strdup(indicator->code),
                                  .name = {g_strdup(indicator->name.zh), g_strdup(indicator->name.en)},
                                  .measure = g_strdup(catalogue->measures[indicator->measure].code),
                                  .decimals = indicator->decimals,
                                  .numerator = g_strdup(numerator),
                                  .denominator = g_strdup(denominator),
                                  .scale = indicator->ratio_scale};
    g_array_append_val(edition->ratios, ratio);
  }
}

static int by_place(const void *left, const void *right)
{
  const struct edition_cell *a = left, *b = right;
  if (a->area != b->area) return a->area < b->area ? -1 : 1;
  if (a->slice != b->slice) return a->slice < b->slice ? -1 : 1;
  return a->column < b->column ? -1 : a->column > b->column;
}

static void add_cell(const struct base *base, const struct disclose_outcome *outcomes, size_t at,
                     struct edition_cell cell, struct edition *edition, struct edition_protection *protection)
{
  enum disclose_status status = outcomes[base->cells[at]].status;
  char text[DECIMAL_TEXT_SIZE];
  cell.status = disclose_conf_status(status);
  if (status == DISCLOSE_PUBLISHED) {
    int128 value = base_value(base, at / base->width, at % base->width);
    cell.value = g_strdup(decimal_format(value, base_decimals(base, at % base->width), text));
    protection->published++;
  } else if (status >= DISCLOSE_SECONDARY) {
    protection->secondary++;
  } else {
    protection->primary++;
  }
  g_array_append_val(edition->cells, cell);
}

void edition_fill(const struct base *base, const struct disclose_outcome *outcomes, struct edition *edition,
                  struct edition_protection *protection)
{
  const struct catalogue *catalogue = base->source->catalogue;
  g_autoptr(GHashTable) areas = g_hash_table_new(g_str_hash, g_str_equal);
  g_autoptr(GHashTable) slices = g_hash_table_new(g_str_hash, g_str_equal);
  add_columns(base, edition);
  add_ratios(base, edition);
  for (size_t f = 0; f < base->source->families->len; f++) {
    const struct family *family = base_family(base, f);
    const char *slice = base_printed_slice(base, family);
    if (!slice) continue;
    struct edition_cell cell = {
        .area = item_index(edition->areas, areas, catalogue->areas[family->area].code,
                           &catalogue->areas[family->area].name),
        .slice = item_index(edition->slices, slices, slice,
                            family->kind == FAMILY_TOTAL ? &catalogue->slices[family->slice].name : NULL)};
    for (size_t c = 0; c < base->width; c++) {
      cell.column = (unsigned)c;
      if (base->cells[f * base->width + c] != NO_CELL)
        add_cell(base, outcomes, f * base->width + c, cell, edition, protection);
    }
  }
  g_array_sort(edition->cells, by_place);
}

#include "aggregator/edition_protect_private.h"

#include <string.h>

/* --- names --- */

const char *base_column(const struct base *base, size_t column)
{
  size_t figures = base->source->figures->len;
  if (column == figures + COUNT_REPORTED) return EDITION_REPORTED;
  if (column == figures + COUNT_EXPECTED) return EDITION_EXPECTED;
  return base->source->catalogue->forms[base->source->form].columns[base_figure(base, column)->column].code;
}

char *base_family_text(const struct base *base, const struct family *family)
{
  const struct catalogue *catalogue = base->source->catalogue;
  if (family->kind == FAMILY_ATOM) return g_strdup(family->membership ? family->membership : "");
  const char *less = family->kind == FAMILY_REST ? catalogue->slices[family->less].code : "";
  return g_strdup_printf("%d %s %s %s", family->kind, catalogue->areas[family->area].code,
                         catalogue->slices[family->slice].code, less);
}

/* Whether editions print it, and as what slice. */
const char *base_printed_slice(const struct base *base, const struct family *family)
{
  if (family->kind == FAMILY_TOTAL) return base->source->catalogue->slices[family->slice].code;
  return family->kind == FAMILY_OVERLAP ? EDITION_OVERLAP : NULL;
}

static char *printed_text(const char *area, const char *slice, const char *column)
{
  return g_strdup_printf("%s %s %s", area, slice, column);
}

/* --- values --- */

int128 base_value(const struct base *base, size_t family, size_t column)
{
  size_t figures = base->source->figures->len;
  if (column == figures + COUNT_REPORTED) return base_family(base, family)->reported;
  if (column == figures + COUNT_EXPECTED) return base_family(base, family)->expected;
  return edition_source_total(base->source, family, column)->value;
}

/* Numbers of units that are expected are known of what is printed alone. */
bool base_is_defined(const struct base *base, size_t family, size_t column)
{
  const struct family *of = base_family(base, family);
  if (!base_is_count(base, column)) return edition_source_total(base->source, family, column)->defined;
  return of->kind == FAMILY_TOTAL;
}

/* A figure of a period that is the same in two editions is one. */
char *base_value_text(const struct base *base, size_t family, size_t column)
{
  g_autofree char *of = base_family_text(base, base_family(base, family));
  char value[DECIMAL_TEXT_SIZE];
  return g_strdup_printf("%d %s %s %s", period_key(base->source->period), of, base_column(base, column),
                         decimal_format(base_value(base, family, column), 0, value));
}

unsigned base_decimals(const struct base *base, size_t column)
{
  const struct catalogue *catalogue = base->source->catalogue;
  return base_is_count(base, column) ? 0
                                     : catalogue->indicators[base_figure(base, column)->indicator].decimals;
}

/* The figure of the same indicator in another variant, or −1. */
int base_other_figure(const struct base *base, const char *indicator, enum variant variant)
{
  for (unsigned n = 0; n < base->source->figures->len; n++) {
    const struct edition_figure *figure = base_figure(base, n);
    if (figure->variant == variant &&
        strcmp(base->source->catalogue->indicators[figure->indicator].code, indicator) == 0)
      return (int)n;
  }
  return -1;
}

const char *base_indicator(const struct base *base, size_t figure)
{
  return base->source->catalogue->indicators[base_figure(base, figure)->indicator].code;
}

bool base_has_parts(const struct catalogue *catalogue, int area)
{
  for (size_t n = 0; n < catalogue->area_count; n++)
    if (catalogue->areas[n].parent == area) return true;
  return false;
}

/* --- what was printed --- */

const struct edition_cell *base_printed(const struct base *base, const struct family *family, size_t column)
{
  const char *slice = base_printed_slice(base, family);
  if (!slice || !base->printed) return NULL;
  g_autofree char *text =
      printed_text(base->source->catalogue->areas[family->area].code, slice, base_column(base, column));
  return g_hash_table_lookup(base->printed, text);
}

static void index_printed(struct base *base)
{
  const struct edition *edition = base->edition;
  base->printed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  for (unsigned n = 0; n < edition->cells->len; n++) {
    struct edition_cell *cell = &g_array_index(edition->cells, struct edition_cell, n);
    g_hash_table_insert(
        base->printed,
        printed_text(g_array_index(edition->areas, struct edition_item, cell->area).code,
                     g_array_index(edition->slices, struct edition_item, cell->slice).code,
                     g_array_index(edition->columns, struct edition_column, cell->column).code),
        cell);
  }
}

/* --- all of it --- */

size_t base_find(const struct base *base, const char *family_text)
{
  size_t found = GPOINTER_TO_SIZE(g_hash_table_lookup(base->at, family_text));
  return found == 0 ? SIZE_MAX : found - 1;
}

void base_init(struct base *base, const struct edition_basis *basis)
{
  *base = (struct base){.source = basis->source,
                        .edition = basis->edition,
                        .width = basis->source->figures->len + COUNTS,
                        .at = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
  base->cells = g_new(size_t, base->source->families->len * base->width + 1);
  for (size_t f = 0; f < base->source->families->len; f++)
    g_hash_table_insert(base->at, base_family_text(base, base_family(base, f)), GSIZE_TO_POINTER(f + 1));
  if (base->edition) index_printed(base);
}

void base_clear(void *data)
{
  struct base *base = data;
  g_free(base->cells);
  g_hash_table_unref(base->at);
  if (base->printed) g_hash_table_unref(base->printed);
}

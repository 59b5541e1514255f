#include "agent/mapping_private.h"

/* The first text of the row tells what it is, or the unit's and the name's cell. */
static const char *total_word(const struct mapping *mapping, bool *ret_partial)
{
  const struct source_row *row = mapping->row;
  size_t first = 0;
  while (first < row->count && row->cells[first].length == 0) first++;
  size_t places[] = {mapping->unit_at, mapping->name_at, first};
  for (size_t i = 0; i < G_N_ELEMENTS(places); i++)
    if (places[i] < row->count && row->cells[places[i]].length > 0 &&
        words_is_total(row->cells[places[i]].text, ret_partial))
      return row->cells[places[i]].text;
  return NULL;
}

bool totals_row(struct mapping *mapping)
{
  bool partial;
  const char *word = total_word(mapping, &partial);
  if (!word) return false;
  mapping_say(mapping, FINDING_ROW_TOTAL, NOWHERE, word, NULL);
  if (partial || mapping->total_row > 0 || mapping->indicator_at != NOWHERE) return true;
  mapping->total_row = mapping->row->number;
  for (size_t i = 0; i < mapping->figure_count; i++) {
    struct figure *figure = &mapping->figures[i];
    if (figure->at >= mapping->row->count) continue;
    const struct source_cell *cell = &mapping->row->cells[figure->at];
    figure->has_total = decimal_parse(cell->text, cell->length, figure->decimals, figure->numerator,
                                      figure->denominator, &figure->total) == DECIMAL_OK;
  }
  return true;
}

void totals_unsound(struct mapping *mapping, struct figure *figure)
{
  if (figure) {
    figure->unsound = true;
    return;
  }
  for (size_t i = 0; i < mapping->figure_count; i++) mapping->figures[i].unsound = true;
}

/* Only where the total can be known: all rows are of one period, and their cells could be read. */
void totals_compare(struct mapping *mapping)
{
  if (mapping->total_row == 0 || g_hash_table_size(mapping->periods) != 1) return;
  struct source_row row = {.number = mapping->total_row, .sheet = mapping->header.sheet};
  mapping->row = &row;
  for (size_t i = 0; i < mapping->figure_count; i++) {
    const struct figure *figure = &mapping->figures[i];
    if (!figure->has_total || figure->unsound || figure->sum == figure->total) continue;
    char found[DECIMAL_TEXT_SIZE], expected[DECIMAL_TEXT_SIZE];
    decimal_format(figure->total, figure->decimals, found);
    decimal_format(figure->sum, figure->decimals, expected);
    mapping_say(mapping, FINDING_TOTAL_DIFFERS, figure->at, found, expected);
  }
  mapping->row = NULL;
}

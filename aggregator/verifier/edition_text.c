/* Reads what an edition says, and checks no more than its form. Its bytes are anybody's. */
#include "aggregator/verifier/edition_text.h"

#include <jansson.h>
#include <string.h>

static void clear_column(void *data)
{
  struct text_column *column = data;
  g_free(column->code);
  g_free(column->measure);
}

static void clear_cell(void *data)
{
  struct text_cell *cell = data;
  g_free(cell->value);
}

static struct edition_text *text_new(void)
{
  struct edition_text *text = g_new0(struct edition_text, 1);
  text->areas = g_ptr_array_new_with_free_func(g_free);
  text->slices = g_ptr_array_new_with_free_func(g_free);
  text->columns = g_array_new(FALSE, FALSE, sizeof(struct text_column));
  g_array_set_clear_func(text->columns, clear_column);
  text->cells = g_array_new(FALSE, FALSE, sizeof(struct text_cell));
  g_array_set_clear_func(text->cells, clear_cell);
  return text;
}

void edition_text_free(struct edition_text *text)
{
  if (!text) return;
  g_free(text->vintage);
  g_free(text->form);
  g_free(text->root);
  g_free(text->catalogue);
  g_ptr_array_unref(text->areas);
  g_ptr_array_unref(text->slices);
  g_array_unref(text->columns);
  g_array_unref(text->cells);
  g_free(text);
}

static bool read_head(json_t *root, struct edition_text *text)
{
  json_int_t format, number, leaves, as_of;
  const char *vintage, *form, *period, *ledger_root, *catalogue;
  if (json_unpack(root, "{s:I, s:I, s:s, s:{s:s}, s:s, s:I, s:s, s:I, s:s}", "format", &format, "edition",
                  &number, "vintage", &vintage, "form", "code", &form, "period", &period, "ledger_leaves",
                  &leaves, "ledger_root", &ledger_root, "as_of_ms", &as_of, "catalogue", &catalogue) != 0 ||
      format != 1 || number < 1 || leaves < 1 || !period_parse(period, &text->period))
    return false;
  text->number = (uint64_t)number;
  text->leaves = (uint64_t)leaves;
  text->as_of_ms = as_of;
  text->vintage = g_strdup(vintage);
  text->form = g_strdup(form);
  text->root = g_strdup(ledger_root);
  text->catalogue = g_strdup(catalogue);
  return true;
}

static bool read_codes(json_t *list, GPtrArray *codes)
{
  for (size_t n = 0; n < json_array_size(list); n++) {
    const char *code;
    if (json_unpack(json_array_get(list, n), "{s:s}", "code", &code) != 0) return false;
    g_ptr_array_add(codes, g_strdup(code));
  }
  return json_is_array(list);
}

static bool read_columns(json_t *list, GArray *columns)
{
  for (size_t n = 0; n < json_array_size(list); n++) {
    const char *code, *measure;
    json_int_t decimals;
    if (json_unpack(json_array_get(list, n), "{s:s, s:s, s:I}", "code", &code, "measure", &measure,
                    "decimals", &decimals) != 0)
      return false;
    struct text_column column = {.code = g_strdup(code), .measure = g_strdup(measure), .decimals = decimals};
    g_array_append_val(columns, column);
  }
  return json_is_array(list);
}

static int by_place(const struct text_cell *a, const struct text_cell *b)
{
  if (a->area != b->area) return a->area < b->area ? -1 : 1;
  if (a->slice != b->slice) return a->slice < b->slice ? -1 : 1;
  return a->column < b->column ? -1 : a->column > b->column;
}

static bool is_in_lists(const struct edition_text *text, const struct text_cell *cell)
{
  return cell->area >= 0 && cell->area < text->areas->len && cell->slice >= 0 &&
         cell->slice < text->slices->len && cell->column >= 0 && cell->column < text->columns->len;
}

static bool read_cells(json_t *list, struct edition_text *text)
{
  for (size_t n = 0; n < json_array_size(list); n++) {
    json_int_t area, slice, column;
    json_t *value;
    const char *status;
    if (json_unpack(json_array_get(list, n), "[I, I, I, s, o!]", &area, &slice, &column, &status, &value) !=
            0 ||
        strlen(status) != 1 || !strchr("FAOTD", *status) ||
        (*status == 'F' ? !json_is_string(value) : !json_is_null(value)))
      return false;
    struct text_cell cell = {.area = area, .slice = slice, .column = column, .status = *status};
    if (!is_in_lists(text, &cell) ||
        (n > 0 && by_place(&g_array_index(text->cells, struct text_cell, n - 1), &cell) >= 0))
      return false;
    cell.value = g_strdup(json_string_value(value));
    g_array_append_val(text->cells, cell);
  }
  return json_is_array(list);
}

struct edition_text *edition_text_read(struct bytes_view payload)
{
  CLEANUP(edition_text_free) struct edition_text *text = text_new();
  json_t *root = json_loadb((const char *)payload.data, payload.length, JSON_REJECT_DUPLICATES, NULL);
  bool whole = root && read_head(root, text) && read_codes(json_object_get(root, "areas"), text->areas) &&
               read_codes(json_object_get(root, "slices"), text->slices) &&
               read_columns(json_object_get(root, "columns"), text->columns) &&
               read_cells(json_object_get(root, "cells"), text);
  json_decref(root);
  return whole ? g_steal_pointer(&text) : NULL;
}

#include "aggregator/statistics/edition.h"

#include "common/decimal.h"
#include "common/error.h"
#include "common/limits.h"
#include "common/period.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT 1 /* raised when a reader of before would misunderstand */

/* --- the record --- */

static void clear_label(struct label *label)
{
  g_free(label->zh);
  g_free(label->en);
}

static void clear_item(void *data)
{
  struct edition_item *item = data;
  g_free(item->code);
  clear_label(&item->name);
}

static void clear_column(void *data)
{
  struct edition_column *column = data;
  g_free(column->code);
  g_free(column->indicator);
  g_free(column->variant);
  clear_label(&column->name);
  g_free(column->measure);
}

static void clear_ratio(void *data)
{
  struct edition_ratio *ratio = data;
  g_free(ratio->code);
  clear_label(&ratio->name);
  g_free(ratio->measure);
  g_free(ratio->numerator);
  g_free(ratio->denominator);
}

static void clear_cell(void *data)
{
  struct edition_cell *cell = data;
  g_free(cell->value);
}

static GArray *array_new(unsigned size, GDestroyNotify clear)
{
  GArray *array = g_array_new(FALSE, TRUE, size);
  g_array_set_clear_func(array, clear);
  return array;
}

struct edition *edition_new(void)
{
  struct edition *edition = g_new0(struct edition, 1);
  edition->areas = array_new(sizeof(struct edition_item), clear_item);
  edition->slices = array_new(sizeof(struct edition_item), clear_item);
  edition->columns = array_new(sizeof(struct edition_column), clear_column);
  edition->ratios = array_new(sizeof(struct edition_ratio), clear_ratio);
  edition->cells = array_new(sizeof(struct edition_cell), clear_cell);
  return edition;
}

void edition_free(struct edition *edition)
{
  if (!edition) return;
  g_free(edition->zone);
  clear_label(&edition->zone_name);
  g_free(edition->form);
  clear_label(&edition->form_name);
  g_free(edition->period);
  g_free(edition->root);
  g_free(edition->catalogue);
  g_free(edition->by);
  g_free(edition->reason);
  g_array_unref(edition->areas);
  g_array_unref(edition->slices);
  g_array_unref(edition->columns);
  g_array_unref(edition->ratios);
  g_array_unref(edition->cells);
  g_free(edition);
}

static int by_place(const void *left, const void *right)
{
  const struct edition_cell *a = left, *b = right;
  if (a->area != b->area) return a->area < b->area ? -1 : 1;
  if (a->slice != b->slice) return a->slice < b->slice ? -1 : 1;
  return a->column < b->column ? -1 : a->column > b->column;
}

const struct edition_cell *edition_cell(const struct edition *edition, unsigned area, unsigned slice,
                                        unsigned column)
{
  struct edition_cell key = {.area = area, .slice = slice, .column = column};
  return bsearch(&key, edition->cells->data, edition->cells->len, sizeof key, by_place);
}

size_t edition_published(const struct edition *edition)
{
  size_t count = 0;
  for (unsigned n = 0; n < edition->cells->len; n++)
    count += g_array_index(edition->cells, struct edition_cell, n).value != NULL;
  return count;
}

/* --- writing --- */

static json_t *write_item(const struct edition_item *item)
{
  return json_pack("{s:s, s:s, s:s}", "code", item->code, "zh", item->name.zh, "en", item->name.en);
}

static json_t *write_items(const GArray *items)
{
  json_t *list = json_array();
  for (unsigned n = 0; n < items->len; n++)
    json_array_append_new(list, write_item(&g_array_index(items, struct edition_item, n)));
  return list;
}

static json_t *write_columns(const GArray *columns)
{
  json_t *list = json_array();
  for (unsigned n = 0; n < columns->len; n++) {
    const struct edition_column *column = &g_array_index(columns, struct edition_column, n);
    json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i}", "code", column->code,
                                          "indicator", column->indicator, "variant", column->variant, "zh",
                                          column->name.zh, "en", column->name.en, "measure", column->measure,
                                          "decimals", (int)column->decimals));
  }
  return list;
}

static json_t *write_ratios(const GArray *ratios)
{
  json_t *list = json_array();
  for (unsigned n = 0; n < ratios->len; n++) {
    const struct edition_ratio *ratio = &g_array_index(ratios, struct edition_ratio, n);
    json_array_append_new(list,
                          json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:I}", "code", ratio->code, "zh",
                                    ratio->name.zh, "en", ratio->name.en, "measure", ratio->measure,
                                    "decimals", (int)ratio->decimals, "numerator", ratio->numerator,
                                    "denominator", ratio->denominator, "scale", (json_int_t)ratio->scale));
  }
  return list;
}

/* [area, slice, column, status, value], the value null where it is withheld. */
static json_t *write_cells(const GArray *cells)
{
  json_t *list = json_array();
  for (unsigned n = 0; n < cells->len; n++) {
    const struct edition_cell *cell = &g_array_index(cells, struct edition_cell, n);
    json_array_append_new(list, json_pack("[i, i, i, s#, s?]", (int)cell->area, (int)cell->slice,
                                          (int)cell->column, &cell->status, 1, cell->value));
  }
  return list;
}

static json_t *write_rules(const struct disclose_rules *rules)
{
  return json_pack("{s:i, s:i, s:i, s:i, s:i, s:i}", "threshold", rules->threshold, "n", rules->dominant, "k",
                   rules->percent, "p", rules->close_percent, "range", rules->range_percent, "known",
                   rules->known_percent);
}

char *edition_write(const struct edition *edition)
{
  char vintage[] = {(char)edition->vintage, '\0'};
  json_t *root =
      json_pack("{s:i, s:I, s:s, s:o, s:o, s:s, s:I, s:s, s:I, s:s, s:s, s:s, s:I, s:I, s:I}", "format",
                FORMAT, "edition", (json_int_t)edition->number, "vintage", vintage, "zone",
                write_item(&(struct edition_item){edition->zone, edition->zone_name}), "form",
                write_item(&(struct edition_item){edition->form, edition->form_name}), "period",
                edition->period, "ledger_leaves", (json_int_t)edition->leaves, "ledger_root", edition->root,
                "as_of_ms", (json_int_t)edition->as_of_ms, "catalogue", edition->catalogue, "by", edition->by,
                "reason", edition->reason, "units_expected", (json_int_t)edition->expected, "units_missing",
                (json_int_t)edition->missing, "inquiries", (json_int_t)edition->inquiries);
  g_assert(root); /* texts are clean UTF-8 */
  json_object_set_new(root, "disclosure", write_rules(&edition->rules));
  json_object_set_new(root, "areas", write_items(edition->areas));
  json_object_set_new(root, "slices", write_items(edition->slices));
  json_object_set_new(root, "columns", write_columns(edition->columns));
  json_object_set_new(root, "ratios", write_ratios(edition->ratios));
  json_object_set_new(root, "cells", write_cells(edition->cells));
  char *written = json_dumps(root, JSON_COMPACT);
  char *text = g_strdup(written);
  free(written);
  json_decref(root);
  return text;
}

/* --- reading --- */

static bool read_item(json_t *object, struct edition_item *ret_item)
{
  const char *code, *zh, *en;
  if (json_unpack(object, "{s:s, s:s, s:s}", "code", &code, "zh", &zh, "en", &en) != 0) return false;
  *ret_item = (struct edition_item){g_strdup(code), {g_strdup(zh), g_strdup(en)}};
  return true;
}

static bool read_items(json_t *list, GArray *items)
{
  for (size_t n = 0; n < json_array_size(list); n++) {
    struct edition_item item;
    if (!read_item(json_array_get(list, n), &item)) return false;
    g_array_append_val(items, item);
  }
  return json_is_array(list);
}

static bool read_columns(json_t *list, GArray *columns)
{
  for (size_t n = 0; n < json_array_size(list); n++) {
    const char *code, *indicator, *variant, *zh, *en, *measure;
    int decimals;
    if (json_unpack(json_array_get(list, n), "{s:s, s:s, s:s, s:s, s:s, s:s, s:i}", "code", &code,
                    "indicator", &indicator, "variant", &variant, "zh", &zh, "en", &en, "measure", &measure,
                    "decimals", &decimals) != 0 ||
        decimals < 0 || decimals > LIMIT_DECIMALS)
      return false;
    struct edition_column column = {.code = g_strdup(code),
                                    .indicator = g_strdup(indicator),
                                    .variant = g_strdup(variant),
                                    .name = {g_strdup(zh), g_strdup(en)},
                                    .measure = g_strdup(measure),
                                    .decimals = (unsigned)decimals};
    g_array_append_val(columns, column);
  }
  return json_is_array(list);
}

static bool read_ratios(json_t *list, GArray *ratios)
{
  for (size_t n = 0; n < json_array_size(list); n++) {
    const char *code, *zh, *en, *measure, *numerator, *denominator;
    int decimals;
    json_int_t scale;
    if (json_unpack(json_array_get(list, n), "{s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:I}", "code", &code, "zh",
                    &zh, "en", &en, "measure", &measure, "decimals", &decimals, "numerator", &numerator,
                    "denominator", &denominator, "scale", &scale) != 0 ||
        decimals < 0 || decimals > LIMIT_DECIMALS)
      return false;
    struct edition_ratio ratio = {.code = g_strdup(code),
                                  .name = {g_strdup(zh), g_strdup(en)},
                                  .measure = g_strdup(measure),
                                  .decimals = (unsigned)decimals,
                                  .numerator = g_strdup(numerator),
                                  .denominator = g_strdup(denominator),
                                  .scale = scale};
    g_array_append_val(ratios, ratio);
  }
  return json_is_array(list);
}

/* In their order, so that they can be found. */
static bool read_cells(json_t *list, const struct edition *edition)
{
  for (size_t n = 0; n < json_array_size(list); n++) {
    json_t *item = json_array_get(list, n), *last = json_array_get(item, 4);
    const char *status, *value = json_string_value(last);
    int area, slice, column;
    if (json_unpack(item, "[i, i, i, s, o!]", &area, &slice, &column, &status, &last) != 0 || area < 0 ||
        slice < 0 || column < 0 || (unsigned)area >= edition->areas->len ||
        (unsigned)slice >= edition->slices->len || (unsigned)column >= edition->columns->len ||
        strlen(status) != 1 || (status[0] == 'F' ? !json_is_string(last) : !json_is_null(last)))
      return false;
    struct edition_cell cell = {(unsigned)area, (unsigned)slice, (unsigned)column, status[0], NULL};
    if (n > 0 &&
        by_place(&g_array_index(edition->cells, struct edition_cell, edition->cells->len - 1), &cell) >= 0)
      return false;
    cell.value = g_strdup(value);
    g_array_append_val(edition->cells, cell);
  }
  return json_is_array(list);
}

static bool read_rules(json_t *object, struct disclose_rules *rules)
{
  return json_unpack(object, "{s:i, s:i, s:i, s:i, s:i, s:i}", "threshold", &rules->threshold, "n",
                     &rules->dominant, "k", &rules->percent, "p", &rules->close_percent, "range",
                     &rules->range_percent, "known", &rules->known_percent) == 0;
}

static bool is_vintage(const char *text)
{
  return strcmp(text, "P") == 0 || strcmp(text, "F") == 0 || strcmp(text, "R") == 0;
}

/* What stands beside the tables. */
static bool read_head(json_t *root, struct edition *edition)
{
  int format;
  json_int_t number, leaves, as_of, expected, missing, inquiries;
  const char *vintage, *period, *ledger_root, *catalogue, *by, *reason;
  struct edition_item zone = {0}, form = {0};
  struct period of;
  if (json_unpack(root, "{s:i, s:I, s:s, s:s, s:I, s:s, s:I, s:s, s:s, s:s, s:I, s:I, s:I}", "format",
                  &format, "edition", &number, "vintage", &vintage, "period", &period, "ledger_leaves",
                  &leaves, "ledger_root", &ledger_root, "as_of_ms", &as_of, "catalogue", &catalogue, "by",
                  &by, "reason", &reason, "units_expected", &expected, "units_missing", &missing, "inquiries",
                  &inquiries) != 0 ||
      format != FORMAT || number < 1 || leaves < 1 || !is_vintage(vintage) || !period_parse(period, &of))
    return false;
  edition->number = (uint64_t)number;
  edition->vintage = (enum edition_vintage)vintage[0];
  edition->period = g_strdup(period);
  edition->leaves = (uint64_t)leaves;
  edition->root = g_strdup(ledger_root);
  edition->as_of_ms = as_of;
  edition->catalogue = g_strdup(catalogue);
  edition->by = g_strdup(by);
  edition->reason = g_strdup(reason);
  edition->expected = expected;
  edition->missing = missing;
  edition->inquiries = inquiries;
  bool named =
      read_item(json_object_get(root, "zone"), &zone) && read_item(json_object_get(root, "form"), &form);
  edition->zone = zone.code;
  edition->zone_name = zone.name;
  edition->form = form.code;
  edition->form_name = form.name;
  return named && read_rules(json_object_get(root, "disclosure"), &edition->rules);
}

struct edition *edition_read(const char *text, size_t length, GError **error)
{
  CLEANUP(edition_free) struct edition *edition = edition_new();
  json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
  bool whole = root && read_head(root, edition) &&
               read_items(json_object_get(root, "areas"), edition->areas) &&
               read_items(json_object_get(root, "slices"), edition->slices) &&
               read_columns(json_object_get(root, "columns"), edition->columns) &&
               read_ratios(json_object_get(root, "ratios"), edition->ratios) &&
               read_cells(json_object_get(root, "cells"), edition);
  json_decref(root);
  if (whole) return g_steal_pointer(&edition);
  g_set_error_literal(error, PARKTALLY_ERROR, ERROR_DATA, _("this is no edition, or one of a later version"));
  return NULL;
}

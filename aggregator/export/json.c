/* JSON for programs: a list with an object for each topic, which says what its figures rest on. Decimals are
 * texts, for they may have more digits than a number can hold; what is empty is null, but for texts. */
#include "aggregator/export/format.h"
#include "common/text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct json {
  const struct export_about *about;
  struct control_output *output;
  const struct export_table *table; /* NULL: none yet */
  bool has_rows;                    /* of this table */
};

static void *begin(const struct export_about *about, struct control_output *output, GError **error)
{
  (void)error;
  struct json *json = g_new0(struct json, 1);
  json->about = about;
  json->output = output;
  return json;
}

/* Compact, on a line of its own; takes the value. */
static void put(struct json *json, json_t *value)
{
  char *text = json_dumps(value, JSON_COMPACT);
  control_write(json->output, text, strlen(text));
  free(text);
  json_decref(value);
}

static json_t *heading(const struct json *json, const struct export_table *table)
{
  const struct catalogue *catalogue = json->about->catalogue;
  g_autofree char *present = text_hex(catalogue->hash, CATALOGUE_HASH_SIZE);
  const char *hash = present;
  uint64_t leaves = json->about->leaves;
  char text[PERIOD_TEXT_SIZE];
  struct period period;
  json_t *object = json_object();
  (void)export_table_edition(table, &leaves, &hash);
  json_object_set_new(object, "topic", json_string(export_table_id(table)));
  json_object_set_new(object, "title", json_string(export_table_title(table)));
  json_object_set_new(object, "catalogue", json_string(catalogue->code));
  json_object_set_new(object, "catalogue_hash", json_string(hash));
  json_object_set_new(object, "period",
                      export_table_period(table, &period) ? json_string(period_format(period, text))
                                                          : json_null());
  json_object_set_new(object, "ledger_leaves", json_integer((json_int_t)leaves));
  json_object_set_new(object, "made_at", json_string(json->about->made_at));
  return object;
}

static void close_table(struct json *json)
{
  if (json->table) control_out(json->output, json->has_rows ? "\n]}" : "]}");
}

static bool sheet(void *writer, const struct export_table *table, GError **error)
{
  struct json *json = writer;
  (void)error;
  close_table(json);
  control_out(json->output, json->table ? ",\n" : "[");
  json_t *object = heading(json, table);
  char *text = json_dumps(object, JSON_COMPACT);
  control_write(json->output, text, strlen(text) - 1); /* its brace stays open for the rows */
  control_out(json->output, ",\"rows\":[");
  free(text);
  json_decref(object);
  json->table = table;
  json->has_rows = false;
  return true;
}

static json_t *value_of(enum export_kind kind, const char *cell)
{
  if (kind == EXPORT_TEXT) return json_string(cell);
  if (!*cell) return json_null();
  if (kind == EXPORT_COUNT) return json_integer(strtoll(cell, NULL, 10));
  if (kind == EXPORT_FLAG) return json_boolean(*cell == '1');
  return json_string(cell);
}

static bool row(void *writer, const char *const *cells, GError **error)
{
  struct json *json = writer;
  json_t *object = json_object();
  (void)error;
  for (unsigned n = 0; n < export_table_width(json->table); n++) {
    const struct export_column *column = export_table_column(json->table, n);
    json_object_set_new(object, column->id, value_of(column->kind, cells[n]));
  }
  control_out(json->output, json->has_rows ? ",\n" : "\n");
  put(json, object);
  json->has_rows = true;
  return true;
}

static bool end(void *writer, GError **error)
{
  struct json *json = writer;
  (void)error;
  close_table(json);
  control_out(json->output, "]\n");
  return true;
}

const struct export_format export_json = {
    .name = "json", .many = true, .begin = begin, .sheet = sheet, .row = row, .end = end, .release = g_free};

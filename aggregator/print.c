#include "aggregator/print.h"

#include "common/text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define GAP "  " /* between columns of a table */

struct print {
  const struct print_column *columns;
  unsigned column_count;
  enum print_format format;
  GPtrArray *cells; /* row after row */
  GPtrArray *notes;
};

bool print_read_format(const char *text, enum print_format *ret_format)
{
  static const char *const names[] = {[PRINT_TABLE] = "table", [PRINT_CSV] = "csv", [PRINT_JSON] = "json"};
  if (!text) {
    *ret_format = PRINT_TABLE;
    return true;
  }
  for (unsigned n = 0; n < G_N_ELEMENTS(names); n++) {
    if (strcmp(text, names[n]) != 0) continue;
    *ret_format = (enum print_format)n;
    return true;
  }
  return false;
}

struct print *print_new(const struct print_column *columns, enum print_format format)
{
  struct print *print = g_new0(struct print, 1);
  print->columns = columns;
  while (columns[print->column_count].id) print->column_count++;
  print->format = format;
  print->cells = g_ptr_array_new_with_free_func(g_free);
  print->notes = g_ptr_array_new_with_free_func(g_free);
  return print;
}

void print_free(struct print *print)
{
  if (!print) return;
  g_ptr_array_unref(print->cells);
  g_ptr_array_unref(print->notes);
  g_free(print);
}

enum print_format print_format_of(const struct print *print)
{
  return print->format;
}

void print_cell(struct print *print, const char *text)
{
  g_ptr_array_add(print->cells, g_strdup(text ? text : ""));
}

void print_count(struct print *print, int64_t count)
{
  g_ptr_array_add(print->cells, g_strdup_printf("%" G_GINT64_FORMAT, count));
}

void print_flag(struct print *print, bool flag)
{
  print_named(print, flag ? "1" : "0", flag ? _("yes") : _("no"));
}

void print_named(struct print *print, const char *code, const char *name)
{
  print_cell(print, print->format == PRINT_TABLE ? name : code);
}

void print_note(struct print *print, const char *text)
{
  if (print->format != PRINT_TABLE) return;
  for (unsigned n = 0; n < print->notes->len; n++)
    if (strcmp(print->notes->pdata[n], text) == 0) return;
  g_ptr_array_add(print->notes, g_strdup(text));
}

static const char *cell_at(const struct print *print, unsigned row, unsigned column)
{
  return print->cells->pdata[row * print->column_count + column];
}

/* --- table --- */

static void append_padded(GString *line, const char *text, size_t width, bool right)
{
  size_t missing = width - MIN(width, text_width(text));
  if (right) g_string_append_printf(line, "%*s", (int)missing, "");
  g_string_append(line, text);
  if (!right) g_string_append_printf(line, "%*s", (int)missing, "");
}

static void end_line(GString *text)
{
  while (text->len > 0 && text->str[text->len - 1] == ' ') g_string_truncate(text, text->len - 1);
  g_string_append_c(text, '\n');
}

static void append_line(const struct print *print, GString *text, const size_t *widths, int row)
{
  bool first = true;
  for (unsigned n = 0; n < print->column_count; n++) {
    const struct print_column *column = &print->columns[n];
    if (!column->title) continue;
    if (!first) g_string_append(text, GAP);
    first = false;
    bool right = column->kind == PRINT_DECIMAL || column->kind == PRINT_COUNT;
    append_padded(text, row < 0 ? _(column->title) : cell_at(print, (unsigned)row, n), widths[n], right);
  }
  end_line(text);
}

static void write_table(const struct print *print, unsigned rows, GString *text)
{
  g_autofree size_t *widths = g_new0(size_t, print->column_count);
  for (unsigned n = 0; n < print->column_count; n++) {
    if (print->columns[n].title) widths[n] = text_width(_(print->columns[n].title));
    for (unsigned row = 0; row < rows; row++) widths[n] = MAX(widths[n], text_width(cell_at(print, row, n)));
  }
  for (int row = -1; row < (int)rows; row++) append_line(print, text, widths, row);
  for (unsigned n = 0; n < print->notes->len; n++)
    g_string_append_printf(text, "%s%s\n", n == 0 ? "\n" : "", (const char *)print->notes->pdata[n]);
}

/* --- CSV --- */

static void append_quoted(GString *text, const char *cell)
{
  if (!strpbrk(cell, ",\"\r\n")) {
    g_string_append(text, cell);
    return;
  }
  g_string_append_c(text, '"');
  for (const char *p = cell; *p; p++) {
    if (*p == '"') g_string_append_c(text, '"');
    g_string_append_c(text, *p);
  }
  g_string_append_c(text, '"');
}

static void write_csv(const struct print *print, unsigned rows, GString *text)
{
  for (int row = -1; row < (int)rows; row++) {
    for (unsigned n = 0; n < print->column_count; n++) {
      if (n > 0) g_string_append_c(text, ',');
      append_quoted(text, row < 0 ? print->columns[n].id : cell_at(print, (unsigned)row, n));
    }
    g_string_append_c(text, '\n');
  }
}

/* --- JSON --- */

static json_t *json_of_cell(enum print_kind kind, const char *cell)
{
  if (kind == PRINT_TEXT) return json_string(cell);
  if (!*cell) return json_null();
  if (kind == PRINT_COUNT) return json_integer(strtoll(cell, NULL, 10));
  if (kind == PRINT_FLAG) return json_boolean(*cell == '1');
  return json_string(cell);
}

static void write_json(const struct print *print, unsigned rows, GString *text)
{
  json_t *list = json_array();
  for (unsigned row = 0; row < rows; row++) {
    json_t *object = json_object();
    for (unsigned n = 0; n < print->column_count; n++)
      json_object_set_new(object, print->columns[n].id,
                          json_of_cell(print->columns[n].kind, cell_at(print, row, n)));
    json_array_append_new(list, object);
  }
  char *dumped = json_dumps(list, JSON_INDENT(2));
  g_string_append(text, dumped);
  g_string_append_c(text, '\n');
  free(dumped);
  json_decref(list);
}

void print_finish(struct print *print, struct control_output *output)
{
  static void (*const writers[])(const struct print *, unsigned, GString *) = {
      [PRINT_TABLE] = write_table, [PRINT_CSV] = write_csv, [PRINT_JSON] = write_json};
  g_autoptr(GString) text = g_string_new(NULL);
  writers[print->format](print, print->cells->len / print->column_count, text);
  control_write(output, text->str, text->len);
  g_ptr_array_set_size(print->cells, 0);
  g_ptr_array_set_size(print->notes, 0);
}

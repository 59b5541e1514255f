#include "aggregator/export/format.h"

#include "common/error.h"
#include "common/text.h"

#include <string.h>

static const struct export_format *const formats[] = {&export_csv, &export_xlsx, &export_json,
                                                      &export_sdmx_csv, &export_sdmx_csv_1};

const struct export_format *export_format_find(const char *name, GError **error)
{
  g_autoptr(GString) list = g_string_new(NULL);
  for (size_t n = 0; n < G_N_ELEMENTS(formats); n++) {
    if (name && strcmp(formats[n]->name, name) == 0) return formats[n];
    g_string_append_printf(list, "%s%s", n > 0 ? ", " : "", formats[n]->name);
  }
  if (!name) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE, _("name a format with --format; there are: %s"),
                list->str);
    return NULL;
  }
  g_autofree char *shown = text_excerpt(name, strlen(name), LIMIT_CODE_BYTES);
  g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE, _("“%s” is no format; there are: %s"), shown, list->str);
  return NULL;
}

/* A writer with its functions: what export_table_each() hands on. */
struct writing {
  const struct export_format *format;
  void *writer;
};

static bool write_row(const char *const *cells, void *data, GError **error)
{
  struct writing *writing = data;
  return writing->format->row(writing->writer, cells, error);
}

static bool write_tables(struct writing *writing, const GPtrArray *tables, GError **error)
{
  for (unsigned n = 0; n < tables->len; n++)
    if (!writing->format->sheet(writing->writer, tables->pdata[n], error) ||
        !export_table_each(tables->pdata[n], write_row, writing, error))
      return false;
  return writing->format->end(writing->writer, error);
}

bool export_format_write(const struct export_format *format, const struct export_about *about,
                         const GPtrArray *tables, struct control_output *output, GError **error)
{
  for (unsigned n = 0; format->accepts && n < tables->len; n++)
    if (!format->accepts(tables->pdata[n], error)) return false;
  struct writing writing = {format, format->begin(about, output, error)};
  if (!writing.writer) return false;
  bool written = write_tables(&writing, tables, error);
  format->release(writing.writer);
  return written;
}

void export_append_quoted(GString *line, const char *cell)
{
  if (!cell[strcspn(cell, ",\"\r\n")]) {
    g_string_append(line, cell);
    return;
  }
  g_string_append_c(line, '"');
  for (const char *p = cell; *p; p++) {
    if (*p == '"') g_string_append_c(line, '"');
    g_string_append_c(line, *p);
  }
  g_string_append_c(line, '"');
}

bool export_fits_spreadsheet(const char *decimal)
{
  enum { DIGITS = 15 };
  int digits = 0; /* significant ones */
  for (const char *p = decimal; *p; p++)
    if (g_ascii_isdigit(*p) && (digits > 0 || *p != '0')) digits++;
  return digits <= DIGITS;
}

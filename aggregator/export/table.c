#include "aggregator/export/table.h"

#include "common/error.h"
#include "common/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct export_table {
  char *id, *title;
  GArray *columns; /* of struct export_column, which own id, title and concept */
  bool has_period;
  struct period period;
  uint64_t leaves; /* of an edition; else 0 */
  char *catalogue; /* likewise; else NULL */
  const struct export_chart *chart;
  FILE *file;   /* each row: a uint32_t, then so many bytes: its cells, each ended by a zero byte */
  GString *row; /* that is being filled */
  unsigned filled;
  uint64_t rows;
};

static bool set_io_error(GError **error)
{
  g_set_error(error, PARKTALLY_ERROR, ERROR_IO,
              _("the temporary folder %s does not take what is to be exported (%s); make room in it, or name "
                "another one by TMPDIR"),
              g_get_tmp_dir(), g_strerror(errno));
  return false;
}

static void clear_column(void *data)
{
  struct export_column *column = data;
  g_free((char *)column->id);
  g_free((char *)column->title);
  g_free((char *)column->concept);
}

static FILE *open_nameless(void)
{
  g_autofree char *name = NULL;
  int descriptor = g_file_open_tmp("parktally-export-XXXXXX", &name, NULL);
  if (descriptor < 0) return NULL;
  unlink(name);
  FILE *file = fdopen(descriptor, "w+");
  if (!file) close(descriptor);
  return file;
}

struct export_table *export_table_new(const char *id, const char *title, GError **error)
{
  FILE *file = open_nameless();
  if (!file) {
    set_io_error(error);
    return NULL;
  }
  struct export_table *table = g_new0(struct export_table, 1);
  table->id = g_strdup(id);
  table->title = g_strdup(title);
  table->columns = g_array_new(FALSE, FALSE, sizeof(struct export_column));
  g_array_set_clear_func(table->columns, clear_column);
  table->file = file;
  table->row = g_string_new(NULL);
  return table;
}

void export_table_free(struct export_table *table)
{
  if (!table) return;
  fclose(table->file);
  g_array_unref(table->columns);
  g_string_free(table->row, TRUE);
  g_free(table->id);
  g_free(table->title);
  g_free(table->catalogue);
  g_free(table);
}

/* --- filling --- */

void export_table_add_column(struct export_table *table, const struct export_column *column)
{
  struct export_column copy = *column;
  copy.id = g_strdup(column->id);
  copy.title = g_strdup(column->title);
  copy.concept = g_strdup(column->concept);
  g_array_append_val(table->columns, copy);
}

void export_table_add_columns(struct export_table *table, const struct export_column *columns)
{
  for (; columns->id; columns++) {
    struct export_column column = *columns;
    column.title = _(columns->title);
    export_table_add_column(table, &column);
  }
}

void export_table_set_period(struct export_table *table, struct period period)
{
  table->has_period = true;
  table->period = period;
}

void export_table_set_edition(struct export_table *table, uint64_t leaves, const char *catalogue)
{
  table->leaves = leaves;
  g_free(table->catalogue);
  table->catalogue = g_strdup(catalogue);
}

void export_table_set_chart(struct export_table *table, const struct export_chart *chart)
{
  table->chart = chart;
}

void export_table_cell(struct export_table *table, const char *text)
{
  if (!text) text = "";
  g_string_append_len(table->row, text, (gssize)strlen(text) + 1);
  if (++table->filled < table->columns->len) return;
  uint32_t length = (uint32_t)table->row->len;
  fwrite(&length, sizeof length, 1, table->file); /* export_table_end() asks whether it went well */
  fwrite(table->row->str, 1, length, table->file);
  g_string_truncate(table->row, 0);
  table->filled = 0;
  table->rows++;
}

void export_table_count(struct export_table *table, int64_t count)
{
  char text[32];
  g_snprintf(text, sizeof text, "%" G_GINT64_FORMAT, count);
  export_table_cell(table, text);
}

void export_table_flag(struct export_table *table, bool flag)
{
  export_table_cell(table, flag ? "1" : "0");
}

bool export_table_end(struct export_table *table, GError **error)
{
  g_assert(table->filled == 0);
  errno = EIO;
  return (fflush(table->file) == 0 && !ferror(table->file)) || set_io_error(error);
}

/* --- reading --- */

const char *export_table_id(const struct export_table *table)
{
  return table->id;
}

const char *export_table_title(const struct export_table *table)
{
  return table->title;
}

bool export_table_period(const struct export_table *table, struct period *ret_period)
{
  if (table->has_period) *ret_period = table->period;
  return table->has_period;
}

bool export_table_edition(const struct export_table *table, uint64_t *ret_leaves, const char **ret_catalogue)
{
  if (!table->catalogue) return false;
  *ret_leaves = table->leaves;
  *ret_catalogue = table->catalogue;
  return true;
}

const struct export_chart *export_table_chart(const struct export_table *table)
{
  return table->chart;
}

unsigned export_table_width(const struct export_table *table)
{
  return table->columns->len;
}

const struct export_column *export_table_column(const struct export_table *table, unsigned n)
{
  return &g_array_index(table->columns, struct export_column, n);
}

int export_table_find(const struct export_table *table, const char *id)
{
  for (unsigned n = 0; n < table->columns->len; n++)
    if (strcmp(export_table_column(table, n)->id, id) == 0) return (int)n;
  return -1;
}

uint64_t export_table_rows(const struct export_table *table)
{
  return table->rows;
}

/* The next row into `row` and `cells`. */
static bool read_row(struct export_table *table, GString *row, const char **cells)
{
  uint32_t length;
  if (fread(&length, sizeof length, 1, table->file) != 1) return false;
  g_string_set_size(row, length);
  if (fread(row->str, 1, length, table->file) != length) return false;
  const char *cell = row->str;
  for (unsigned n = 0; n < table->columns->len; n++, cell += strlen(cell) + 1) cells[n] = cell;
  return true;
}

bool export_table_each(struct export_table *table, export_row_sink *sink, void *data, GError **error)
{
  g_autoptr(GString) row = g_string_new(NULL);
  g_autofree const char **cells = g_new0(const char *, table->columns->len + 1);
  rewind(table->file);
  for (uint64_t n = 0; n < table->rows; n++) {
    errno = EIO;
    if (!read_row(table, row, cells)) return set_io_error(error);
    if (!sink(cells, data, error)) return false;
  }
  return true;
}

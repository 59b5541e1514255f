/* XLSX for people: a sheet for each table with headings in their language, frozen and with filters, numbers
 * that are numbers and codes that are texts, and a chart where the topic has one; then a sheet that says what
 * the figures rest on.
 *
 * A spreadsheet keeps fifteen digits of a number, so what has more is a text. Of large tables rows go to
 * temporary files of the library's; of others they stay in memory, so that a chart has its values with it and
 * shows also where nothing is calculated. */
#include "aggregator/export/format.h"
#include "common/error.h"
#include "common/limits.h"
#include "common/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xlsxwriter.h>

/* In widths of a digit; a Chinese character takes two. */
enum { MARGIN = 3 /* the filter's button and some air */, NARROWEST = 8, WIDEST = 60 };
enum { LARGE = 200000 /* cells: some 30 MiB in the library's memory */ };
enum { CHART_WIDTH = 900, CHART_HEIGHT = 420, CHART_HEIGHT_OF_BAR = 24, CHART_GAP = 2 /* rows */ };

struct xlsx {
  const struct export_about *about;
  struct control_output *output;
  int file; /* without a name, for the finished workbook */
  lxw_workbook *workbook;
  lxw_format *heading;
  lxw_format *by_decimals[LIMIT_DECIMALS + 1]; /* as they are needed */
  lxw_format *right;
  GString *tables; /* for the last sheet */
  uint64_t leaves; /* on which an edition rests */
  bool stays;      /* something that is no edition stays inside */
  /* The sheet that is being filled. */
  const struct export_table *table;
  lxw_worksheet *sheet;
  size_t *widths;
  lxw_row_t row;
};

/* --- errors --- */

static bool set_error(const char *reason, GError **error)
{
  g_set_error(
      error, PARKTALLY_ERROR, ERROR_IO,
      _("the workbook cannot be made in the temporary folder %s (%s); make room in it, or name another "
        "one by TMPDIR"),
      g_get_tmp_dir(), reason);
  return false;
}

static bool check(lxw_error result, GError **error)
{
  return result == LXW_NO_ERROR || set_error(lxw_strerror(result), error);
}

/* --- begin --- */

static int open_nameless(void)
{
  g_autofree char *name = NULL;
  int file = g_file_open_tmp("parktally-export-XXXXXX", &name, NULL);
  if (file >= 0) unlink(name);
  return file;
}

static void *begin(const struct export_about *about, struct control_output *output, GError **error)
{
  int file = open_nameless();
  if (file < 0) {
    set_error(g_strerror(errno), error);
    return NULL;
  }
  g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", file);
  lxw_workbook_options options = {.constant_memory = about->cells >= LARGE,
                                  .tmpdir = (char *)g_get_tmp_dir()};
  struct xlsx *xlsx = g_new0(struct xlsx, 1);
  xlsx->about = about;
  xlsx->output = output;
  xlsx->file = file;
  xlsx->workbook = workbook_new_opt(path, &options);
  xlsx->heading = workbook_add_format(xlsx->workbook);
  format_set_bold(xlsx->heading);
  format_set_bottom(xlsx->heading, LXW_BORDER_THIN);
  xlsx->right = workbook_add_format(xlsx->workbook);
  format_set_align(xlsx->right, LXW_ALIGN_RIGHT);
  xlsx->tables = g_string_new(NULL);
  return xlsx;
}

/* --- the end of a sheet --- */

static void draw_chart(struct xlsx *xlsx, const struct export_chart *chart)
{
  int label = export_table_find(xlsx->table, chart->label),
      value = export_table_find(xlsx->table, chart->value);
  const char *name = export_table_title(xlsx->table);
  lxw_row_t last = xlsx->row - 1;
  if (xlsx->row < 2) return; /* only headings */
  lxw_chart *bars = workbook_add_chart(xlsx->workbook, LXW_CHART_BAR);
  lxw_chart_series *series = chart_add_series(bars, NULL, NULL);
  chart_series_set_categories(series, name, 1, (lxw_col_t)label, last, (lxw_col_t)label);
  chart_series_set_values(series, name, 1, (lxw_col_t)value, last, (lxw_col_t)value);
  chart_series_set_name(series, export_table_column(xlsx->table, (unsigned)value)->title);
  chart_series_set_labels(series);
  chart_title_set_name(bars, _(chart->title));
  chart_legend_set_position(bars, LXW_CHART_LEGEND_NONE);
  chart_axis_set_reverse(bars->y_axis); /* the first row at the top; of bars, y is along the labels */
  lxw_chart_options options = {.x_scale = CHART_WIDTH / 480.0, /* of the library's own size */
                               .y_scale = MAX(CHART_HEIGHT, CHART_HEIGHT_OF_BAR * (int)last) / 288.0,
                               .object_position = LXW_OBJECT_MOVE_DONT_SIZE};
  worksheet_insert_chart_opt(xlsx->sheet, xlsx->row + CHART_GAP, 0, bars, &options);
}

static void note_table(struct xlsx *xlsx)
{
  char text[PERIOD_TEXT_SIZE];
  struct period period;
  const char *catalogue;
  bool known = export_table_period(xlsx->table, &period);
  xlsx->stays |= !export_table_edition(xlsx->table, &xlsx->leaves, &catalogue);
  g_string_append_printf(xlsx->tables, "%s\n%s\n", export_table_title(xlsx->table),
                         known ? period_format(period, text) : _("nobody has reported"));
}

static bool close_sheet(struct xlsx *xlsx, GError **error)
{
  if (!xlsx->table) return true;
  unsigned width = export_table_width(xlsx->table);
  for (unsigned n = 0; n < width; n++) {
    double columns = (double)CLAMP(xlsx->widths[n] + MARGIN, NARROWEST, WIDEST);
    if (!check(worksheet_set_column(xlsx->sheet, (lxw_col_t)n, (lxw_col_t)n, columns, NULL), error))
      return false;
  }
  worksheet_freeze_panes(xlsx->sheet, 1, 0);
  worksheet_autofilter(xlsx->sheet, 0, 0, MAX(xlsx->row, 2) - 1, (lxw_col_t)(width - 1));
  if (export_table_chart(xlsx->table)) draw_chart(xlsx, export_table_chart(xlsx->table));
  note_table(xlsx);
  g_clear_pointer(&xlsx->widths, g_free);
  xlsx->table = NULL;
  return true;
}

/* --- cells --- */

static bool write_text(struct xlsx *xlsx, unsigned column, const char *text, lxw_format *format,
                       GError **error)
{
  xlsx->widths[column] = MAX(xlsx->widths[column], text_width(text));
  return check(worksheet_write_string(xlsx->sheet, xlsx->row, (lxw_col_t)column, text, format), error);
}

static lxw_format *format_of(struct xlsx *xlsx, unsigned decimals)
{
  if (xlsx->by_decimals[decimals]) return xlsx->by_decimals[decimals];
  GString *code = g_string_new("#,##0");
  for (unsigned n = 0; n < decimals; n++) g_string_append(code, n == 0 ? ".0" : "0");
  xlsx->by_decimals[decimals] = workbook_add_format(xlsx->workbook);
  format_set_num_format(xlsx->by_decimals[decimals], code->str);
  g_string_free(code, TRUE);
  return xlsx->by_decimals[decimals];
}

/* The nearest double to fifteen digits gives these back. */
static bool write_number(struct xlsx *xlsx, unsigned column, const char *text, GError **error)
{
  const char *point = strchr(text, '.');
  unsigned decimals = point ? (unsigned)strlen(point + 1) : 0;
  if (!export_fits_spreadsheet(text)) return write_text(xlsx, column, text, xlsx->right, error);
  size_t width = strlen(text) * 4 / 3; /* with separators */
  xlsx->widths[column] = MAX(xlsx->widths[column], width);
  return check(worksheet_write_number(xlsx->sheet, xlsx->row, (lxw_col_t)column, g_ascii_strtod(text, NULL),
                                      format_of(xlsx, decimals)),
               error);
}

static bool write_cell(struct xlsx *xlsx, unsigned column, const char *text, GError **error)
{
  if (!*text) return true;
  switch (export_table_column(xlsx->table, column)->kind) {
  case EXPORT_TEXT:
  case EXPORT_PERIOD:
    return write_text(xlsx, column, text, NULL, error);
  case EXPORT_DECIMAL:
  case EXPORT_COUNT:
    return write_number(xlsx, column, text, error);
  case EXPORT_FLAG:
    return write_text(xlsx, column, *text == '1' ? _("yes") : _("no"), NULL, error);
  }
  return true;
}

/* --- sheets --- */

static lxw_worksheet *add_sheet(struct xlsx *xlsx, const char *name, GError **error)
{
  lxw_worksheet *made = workbook_add_worksheet(xlsx->workbook, name);
  if (!made) set_error(name, error);
  return made;
}

static bool sheet(void *writer, const struct export_table *table, GError **error)
{
  struct xlsx *xlsx = writer;
  if (!close_sheet(xlsx, error)) return false;
  if (export_table_rows(table) >= LXW_ROW_MAX) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_UNAVAILABLE,
                _("%" PRIu64 " rows are more than a sheet has (%d); choose csv or json, or fewer areas"),
                export_table_rows(table), LXW_ROW_MAX - 1);
    return false;
  }
  xlsx->sheet = add_sheet(xlsx, export_table_title(table), error);
  if (!xlsx->sheet) return false;
  xlsx->table = table;
  xlsx->row = 0;
  xlsx->widths = g_new0(size_t, export_table_width(table));
  for (unsigned n = 0; n < export_table_width(table); n++)
    if (!write_text(xlsx, n, export_table_column(table, n)->title, xlsx->heading, error)) return false;
  xlsx->row = 1;
  return true;
}

static bool row(void *writer, const char *const *cells, GError **error)
{
  struct xlsx *xlsx = writer;
  for (unsigned n = 0; n < export_table_width(xlsx->table); n++)
    if (!write_cell(xlsx, n, cells[n], error)) return false;
  xlsx->row++;
  return true;
}

/* --- end --- */

/* What the figures rest on. */
static bool add_about(struct xlsx *xlsx, GError **error)
{
  const struct catalogue *catalogue = xlsx->about->catalogue;
  lxw_worksheet *about = add_sheet(xlsx, _("About"), error);
  if (!about) return false;
  g_autofree char *leaves = g_strdup_printf("%" PRIu64, xlsx->stays ? xlsx->about->leaves : xlsx->leaves);
  g_autofree char *text = g_strdup_printf(
      "%s\n%s\n%s\n%s\n%s\n%s\n%s%s\n%s\n%s\n%s", _("catalogue"), text_label(&catalogue->name),
      _("leaves of the ledger"), leaves, _("made at"), xlsx->about->made_at, xlsx->tables->str, _("note"),
      _("Rounded figures: parts may not add up to their total."), _("confidentiality"),
      xlsx->stays ? _("For use inside the bureau: this has not been through disclosure control.")
                  : _("This has been through disclosure control, and may leave the bureau."));
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  size_t widest = 0;
  for (lxw_row_t n = 0; lines[n]; n++) {
    if (n % 2 == 0) widest = MAX(widest, text_width(lines[n]));
    if (!check(worksheet_write_string(about, n / 2, n % 2, lines[n], n % 2 ? NULL : xlsx->heading), error))
      return false;
  }
  return check(worksheet_set_column(about, 0, 0, (double)widest + MARGIN, NULL), error) &&
         check(worksheet_set_column(about, 1, 1, WIDEST, NULL), error);
}

static bool copy_out(struct xlsx *xlsx, GError **error)
{
  char piece[LIMIT_CONTROL_PIECE];
  ssize_t got = -1;
  if (lseek(xlsx->file, 0, SEEK_SET) == 0)
    while ((got = read(xlsx->file, piece, sizeof piece)) > 0) control_write(xlsx->output, piece, (size_t)got);
  return got == 0 || set_error(g_strerror(errno), error);
}

static bool end(void *writer, GError **error)
{
  struct xlsx *xlsx = writer;
  if (!close_sheet(xlsx, error) || !add_about(xlsx, error)) return false;
  lxw_error closed = workbook_close(g_steal_pointer(&xlsx->workbook));
  return check(closed, error) && copy_out(xlsx, error);
}

static void release(void *writer)
{
  struct xlsx *xlsx = writer;
  if (xlsx->workbook) lxw_workbook_free(xlsx->workbook);
  close(xlsx->file);
  g_free(xlsx->widths);
  g_string_free(xlsx->tables, TRUE);
  g_free(xlsx);
}

const struct export_format export_xlsx = {.name = "xlsx",
                                          .binary = true,
                                          .many = true,
                                          .begin = begin,
                                          .sheet = sheet,
                                          .row = row,
                                          .end = end,
                                          .release = release};

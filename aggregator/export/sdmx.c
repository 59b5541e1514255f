/* SDMX-CSV, as the SDMX technical working group's field guides of 1.0 and 2.0 describe it: RFC 4180 in UTF-8
 * without a byte order mark (a reader finds the separator behind the first word), a line for each
 * observation, dimensions before the measure before attributes. What was not reported is an empty OBS_VALUE
 * with the status O. Columns without a part in SDMX, such as names, are left out. */
#include "aggregator/export/format.h"
#include "common/error.h"
#include "common/text.h"

#include <string.h>

struct sdmx {
  struct control_output *output;
  bool first_version;
  const struct catalogue *catalogue;
  const struct export_table *table;
  char *lead; /* what each line begins with */
  GString *line;
};

static int period_column(const struct export_table *table)
{
  for (unsigned n = 0; n < export_table_width(table); n++) {
    const struct export_column *column = export_table_column(table, n);
    if (column->kind == EXPORT_PERIOD && column->part == EXPORT_DIMENSION) return (int)n;
  }
  return -1;
}

static bool accepts(const struct export_table *table, GError **error)
{
  if (period_column(table) >= 0) return true;
  g_set_error(error, PARKTALLY_ERROR, ERROR_USAGE,
              _("“%s” are no observations, so SDMX has no place for them; choose csv, xlsx or json"),
              export_table_id(table));
  return false;
}

/* An identifier of SDMX in capitals; what it may not have becomes "_". */
static char *identifier(const char *code)
{
  char *upper = g_ascii_strup(code, -1);
  for (char *p = upper; *p; p++)
    if (!g_ascii_isalnum(*p) && *p != '_' && *p != '-') *p = '_';
  if (g_ascii_isalpha(*upper)) return upper;
  char *with_letter = g_strconcat("A", upper, NULL);
  g_free(upper);
  return with_letter;
}

static void *begin_version(const struct export_about *about, struct control_output *output,
                           bool first_version)
{
  struct sdmx *sdmx = g_new0(struct sdmx, 1);
  sdmx->output = output;
  sdmx->first_version = first_version;
  sdmx->catalogue = about->catalogue;
  sdmx->line = g_string_new(NULL);
  return sdmx;
}

static void *begin(const struct export_about *about, struct control_output *output, GError **error)
{
  (void)error;
  return begin_version(about, output, false);
}

static void *begin_first(const struct export_about *about, struct control_output *output, GError **error)
{
  (void)error;
  return begin_version(about, output, true);
}

static void end_line(struct sdmx *sdmx)
{
  g_string_append(sdmx->line, "\r\n");
  control_write(sdmx->output, sdmx->line->str, sdmx->line->len);
  g_string_truncate(sdmx->line, 0);
}

/* The dataflow is the topic; its version is that of our columns, whoever the agency is. */
static bool sheet(void *writer, const struct export_table *table, GError **error)
{
  struct sdmx *sdmx = writer;
  (void)error;
  g_autofree char *agency = identifier(sdmx->catalogue->code);
  g_autofree char *id = identifier(export_table_id(table));
  sdmx->table = table;
  g_free(sdmx->lead);
  sdmx->lead = sdmx->first_version ? g_strdup_printf("%s:%s(1.0)", agency, id)
                                   : g_strdup_printf("dataflow,%s:%s(1.0.0),I", agency, id);
  g_string_append(sdmx->line, sdmx->first_version ? "DATAFLOW,FREQ" : "STRUCTURE,STRUCTURE_ID,ACTION,FREQ");
  for (enum export_part part = EXPORT_DIMENSION; part <= EXPORT_ATTRIBUTE; part++)
    for (unsigned n = 0; n < export_table_width(table); n++) {
      const struct export_column *column = export_table_column(table, n);
      if (column->part == part) g_string_append_printf(sdmx->line, ",%s", column->concept);
    }
  end_line(sdmx);
  return true;
}

/* Codes of CL_FREQ. */
static const char *frequency(struct period period)
{
  switch (period.months) {
  case 1:
    return "M";
  case 2:
    return "M2";
  case 3:
    return "Q";
  default:
    return "A";
  }
}

/* A range of SDMX begins with a day: 2018-01-01/P2M. */
static void append_period(GString *line, const char *cell)
{
  struct period period;
  if (period_parse(cell, &period) && period.months == 2)
    g_string_append_printf(line, "%04d-%02d-01/P2M", period.year, period.month);
  else
    g_string_append(line, cell);
}

static bool row(void *writer, const char *const *cells, GError **error)
{
  struct sdmx *sdmx = writer;
  struct period period = {.months = 12};
  (void)error;
  period_parse(cells[period_column(sdmx->table)], &period);
  g_string_append_printf(sdmx->line, "%s,%s", sdmx->lead, frequency(period));
  for (enum export_part part = EXPORT_DIMENSION; part <= EXPORT_ATTRIBUTE; part++)
    for (unsigned n = 0; n < export_table_width(sdmx->table); n++) {
      const struct export_column *column = export_table_column(sdmx->table, n);
      if (column->part != part) continue;
      g_string_append_c(sdmx->line, ',');
      if (column->kind == EXPORT_PERIOD)
        append_period(sdmx->line, cells[n]);
      else
        export_append_quoted(sdmx->line, cells[n]);
    }
  end_line(sdmx);
  return true;
}

static bool end(void *writer, GError **error)
{
  (void)writer;
  (void)error;
  return true;
}

static void release(void *writer)
{
  struct sdmx *sdmx = writer;
  g_string_free(sdmx->line, TRUE);
  g_free(sdmx->lead);
  g_free(sdmx);
}

const struct export_format export_sdmx_csv = {.name = "sdmx-csv",
                                              .accepts = accepts,
                                              .begin = begin,
                                              .sheet = sheet,
                                              .row = row,
                                              .end = end,
                                              .release = release};

const struct export_format export_sdmx_csv_1 = {.name = "sdmx-csv-1.0",
                                                .accepts = accepts,
                                                .begin = begin_first,
                                                .sheet = sheet,
                                                .row = row,
                                                .end = end,
                                                .release = release};

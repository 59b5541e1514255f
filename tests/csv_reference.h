/* What libcsv alone makes of a text, for comparing with what the source makes of it. */
#ifndef PARKTALLY_TESTS_CSV_REFERENCE_H
#define PARKTALLY_TESTS_CSV_REFERENCE_H

#include "agent/source/source.h"
#include "common/limits.h"

#include <csv.h>
#include <string.h>

/* Rows as "3:[a][b] ", "3open:[a][b] " for one without line end; findings as "!7@3,2 ". */
static inline void csv_tell_row(GString *told, const struct source_row *row)
{
  g_string_append_printf(told, "%zu%s:", row->number, row->open ? "open" : "");
  for (size_t i = 0; i < row->count; i++) {
    g_string_append_c(told, '[');
    g_string_append_len(told, row->cells[i].text, (gssize)row->cells[i].length);
    g_string_append_c(told, ']');
  }
  g_string_append_c(told, ' ');
}

static inline void csv_tell_finding(GString *told, enum finding_code code, size_t row, size_t column)
{
  g_string_append_printf(told, "!%d@%zu,%zu ", (int)code, row, column);
}

struct csv_reference {
  GString *told, *cells; /* cells of the row so far, as they are told */
  size_t row, count, length;
  bool after_cr, open, stopped;
};

static inline void csv_reference_cell(void *text, size_t length, void *data)
{
  struct csv_reference *reference = data;
  if (reference->stopped) return;
  if (reference->count == LIMIT_ROW_CELLS) {
    csv_tell_finding(reference->told, FINDING_FILE_TOO_WIDE, reference->row + 1, reference->count + 1);
    reference->stopped = true;
    return;
  }
  reference->after_cr = false;
  reference->count++;
  reference->length += length;
  g_string_append_c(reference->cells, '[');
  g_string_append_len(reference->cells, text, (gssize)length);
  g_string_append_c(reference->cells, ']');
}

static inline void csv_reference_row(int line_end, void *data)
{
  struct csv_reference *reference = data;
  if (reference->stopped) return;
  bool second_half = line_end == '\n' && reference->after_cr && reference->count == 0;
  reference->after_cr = line_end == '\r';
  if (second_half) return;
  reference->row++;
  reference->open = line_end == -1;
  if (reference->length > 0)
    g_string_append_printf(reference->told, "%zu%s:%s ", reference->row, reference->open ? "open" : "",
                           reference->cells->str);
  g_string_truncate(reference->cells, 0);
  reference->count = reference->length = 0;
}

/* Everything of a text (without NUL) of which no cell is longer than LIMIT_CELL_BYTES. Newly allocated. */
static inline GString *csv_reference_tell(const char *text, size_t length, char delimiter)
{
  struct csv_reference reference = {.told = g_string_new(NULL), .cells = g_string_new(NULL)};
  struct csv_parser parser;
  csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL);
  csv_set_delim(&parser, (unsigned char)delimiter);
  size_t done = csv_parse(&parser, text, length, csv_reference_cell, csv_reference_row, &reference);
  size_t row = reference.row + 1, column = reference.count + 1;
  if (!reference.stopped && done != length) {
    csv_tell_finding(reference.told, FINDING_FILE_QUOTES, row, column);
    reference.stopped = true;
  }
  bool cut = csv_fini(&parser, csv_reference_cell, csv_reference_row, &reference) != 0;
  if (!reference.stopped && cut)
    csv_tell_finding(reference.told, FINDING_FILE_CUT, row, column);
  else if (!reference.stopped && reference.open)
    csv_tell_finding(reference.told, FINDING_FILE_NO_LINE_END, reference.row, 0);
  csv_free(&parser);
  g_string_free(reference.cells, TRUE);
  return reference.told;
}

#endif

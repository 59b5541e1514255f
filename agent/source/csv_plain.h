/* Lines of CSV without a quotation mark, which are most of what there is: split where they stand, by the same
 * rules as a parser that knows quotation marks. */
#ifndef PARKTALLY_AGENT_SOURCE_CSV_PLAIN_H
#define PARKTALLY_AGENT_SOURCE_CSV_PLAIN_H

#include "agent/source/source.h"
#include "common/limits.h"

struct csv_plain_line {
  char line_end; /* '\n' or '\r': that of CRLF leaves an empty line that ends with '\n' */
  bool blank;    /* no cell has text */
  size_t count; /* of cells: 0 of a line of white space; LIMIT_ROW_CELLS + 1 where there are more than that */
};

/* How many bytes from the start are whole lines before the first quotation mark. */
size_t csv_plain_length(const char *text, size_t length);

/* Splits the first line of `text`, which ends at `end` with a line end and has no quotation mark. Cells point
 * into the text, where NULs are written over what parts them. Returns the start of the next line. */
char *csv_plain_split(char *text, const char *end, char delimiter, struct source_cell cells[LIMIT_ROW_CELLS],
                      struct csv_plain_line *ret_line);

#endif

#include "agent/source/csv_plain.h"

#include <stdint.h>
#include <string.h>

/* Text is looked at eight bytes at a time. */
#define EACH(byte) (UINT64_C(0x0101010101010101) * (uint8_t)(byte))

static bool is_line_end(char c)
{
  return c == '\n' || c == '\r';
}

static bool is_space(char c)
{
  return c == ' ' || c == '\t';
}

size_t csv_plain_length(const char *text, size_t length)
{
  const char *mark = memchr(text, '"', length);
  size_t plain = mark ? (size_t)(mark - text) : length;
  while (plain > 0 && !is_line_end(text[plain - 1])) plain--;
  return plain;
}

/* The next eight bytes, the first of them lowest; NULs behind the end. */
static uint64_t load(const char *text, const char *end)
{
  uint64_t word = 0;
  if (end - text >= 8)
    memcpy(&word, text, 8);
  else
    memcpy(&word, text, (size_t)(end - text));
  return GUINT64_FROM_LE(word);
}

/* The high bit of each byte that is the delimiter or below 0x10, as line ends are. Sums stay within their
 * bytes. */
static uint64_t find_marks(uint64_t word, uint64_t delimiters)
{
  uint64_t other = word ^ delimiters;
  uint64_t not_delimiter = ((other & EACH(0x7F)) + EACH(0x7F)) | other;
  uint64_t not_control = ((word & EACH(0x7F)) + EACH(0x70)) | word;
  return ~(not_delimiter & not_control) & EACH(0x80);
}

/* White space around a cell is no part of it, and rare. */
static void set_cell(struct source_cell *cell, char *text, char *end)
{
  if (text < end && ((uint8_t)*text <= ' ' || (uint8_t)end[-1] <= ' ')) {
    while (text < end && is_space(*text)) text++;
    while (text < end && is_space(end[-1])) end--;
  }
  *end = '\0';
  cell->text = text;
  cell->length = (size_t)(end - text);
}

char *csv_plain_split(char *text, const char *end, char delimiter, struct source_cell cells[LIMIT_ROW_CELLS],
                      struct csv_plain_line *ret_line)
{
  const uint64_t delimiters = EACH(delimiter);
  size_t count = 0, length = 0;
  for (char *cell = text;; text += 8)
    for (uint64_t marks = find_marks(load(text, end), delimiters); marks; marks &= marks - 1) {
      char *at = text + __builtin_ctzll(marks) / 8, mark = *at;
      if (mark != delimiter && !is_line_end(mark)) continue;
      if (count < LIMIT_ROW_CELLS) {
        set_cell(&cells[count], cell, at);
        length += cells[count++].length;
      } else {
        count = LIMIT_ROW_CELLS + 1;
      }
      cell = at + 1;
      if (mark == delimiter) continue;
      if (count == 1 && length == 0) count = 0;
      *ret_line = (struct csv_plain_line){.line_end = mark, .blank = length == 0, .count = count};
      return cell;
    }
}

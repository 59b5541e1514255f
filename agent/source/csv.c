/* CSV (RFC 4180, comma, tab or semicolon) in UTF-8, GBK or GB18030.
 *
 * Whole lines without a quotation mark are split where they stand; libcsv has the lines with one, and those
 * that the end of a block cuts, each until its row has ended.
 *
 * A quotation mark inside a cell that does not begin with one, or one that is not doubled inside a quoted
 * cell, is refused: what stands there was not written by a program that knows CSV, and guessing would move
 * figures into other columns. White space around a cell without quotation marks is no part of it. Rows count
 * as a spreadsheet counts them: a blank line is a row, a line end inside a quoted cell is none; LF, CRLF and
 * CR each end a row. */
#include "agent/source/source.h"

#include "agent/source/csv_plain.h"
#include "agent/source/encoding.h"
#include "common/error.h"
#include "common/text.h"

#include <assert.h>
#include <csv.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_SIZE (64 * LIMIT_KIB)
static_assert(BLOCK_SIZE <= LIMIT_CELL_BYTES && BLOCK_SIZE <= LIMIT_ROW_BYTES,
              "whole lines of a block are within the limits of cells and rows, but for the number of cells");
#define SNIFF_SIZE (16 * LIMIT_KIB) /* of text, from which the delimiter is found */
#define SNIFF_LINES 64
#define EXCERPT_SIZE 40 /* bytes around a fault that are shown */

struct reader {
  const char *file; /* name for findings */
  source_row_sink *rows;
  finding_sink *findings;
  void *data;
  struct encoding *encoding;
  struct csv_parser parser;
  bool started; /* the delimiter is known */
  bool stopped; /* a finding refuses the file, or the taker ended it: nothing more is given */
  bool after_cr;
  bool open;     /* the end of the file ended the row */
  bool within;   /* a row that libcsv has begun */
  size_t row;    /* rows ended */
  size_t count;  /* cells that libcsv gave of its row */
  size_t length; /* of their text */
  size_t capacity;
  char *text;
  size_t start[LIMIT_ROW_CELLS + 1]; /* offsets of the cells in `text` */
  struct source_cell cells[LIMIT_ROW_CELLS];
};

static void refuse(struct reader *reader, enum finding_code code, size_t row, size_t column,
                   const char *found, const char *expected)
{
  struct finding finding = {
      .code = code, .file = reader->file, .row = row, .column = column, .found = found, .expected = expected};
  reader->findings(&finding, reader->data);
  reader->stopped = true;
}

static void refuse_width(struct reader *reader, size_t column)
{
  g_autofree char *expected = g_strdup_printf(_("at most %d cells, and %zu KiB in a cell"), LIMIT_ROW_CELLS,
                                              LIMIT_CELL_BYTES / LIMIT_KIB);
  refuse(reader, FINDING_FILE_TOO_WIDE, reader->row + 1, column, NULL, expected);
}

/* A line end, or -1: the end of the file within a row; with the first `count` cells. CRLF comes as two, with
 * nothing between them. */
static void end_row(struct reader *reader, int line_end, size_t count, bool blank)
{
  bool second_half = line_end == '\n' && reader->after_cr && count == 0;
  reader->after_cr = line_end == '\r';
  if (second_half) return;
  reader->row++;
  reader->open = line_end == -1;
  if (blank) return;
  struct source_row row = {
      .number = reader->row, .open = reader->open, .count = count, .cells = reader->cells};
  if (!reader->rows(&row, reader->data)) reader->stopped = true;
}

/* Lines without a quotation mark. */
static void take_plain(struct reader *reader, char *text, size_t length)
{
  char delimiter = (char)csv_get_delim(&reader->parser);
  struct csv_plain_line line;
  for (char *end = text + length; text < end && !reader->stopped;) {
    text = csv_plain_split(text, end, delimiter, reader->cells, &line);
    if (line.count <= LIMIT_ROW_CELLS)
      end_row(reader, line.line_end, line.count, line.blank);
    else
      refuse_width(reader, line.count);
  }
}

/* libcsv has a cell. */
static void take_cell(void *text, size_t length, void *data)
{
  struct reader *reader = data;
  if (reader->stopped) return;
  if (reader->count == LIMIT_ROW_CELLS || length > LIMIT_CELL_BYTES ||
      reader->length + length > LIMIT_ROW_BYTES) {
    refuse_width(reader, reader->count + 1);
    return;
  }
  if (reader->length + length + 1 > reader->capacity) {
    reader->capacity = (reader->length + length + 1) * 2;
    reader->text = g_realloc(reader->text, reader->capacity);
  }
  reader->start[reader->count++] = reader->length;
  memcpy(reader->text + reader->length, text, length);
  reader->length += length;
  reader->text[reader->length++] = '\0';
}

/* libcsv has met the end of a row. */
static void take_row(int line_end, void *data)
{
  struct reader *reader = data;
  reader->within = false;
  if (reader->stopped) return;
  reader->start[reader->count] = reader->length;
  for (size_t i = 0; i < reader->count; i++)
    reader->cells[i] = (struct source_cell){.text = reader->text + reader->start[i],
                                            .length = reader->start[i + 1] - reader->start[i] - 1};
  bool blank = reader->length == reader->count; /* nothing but the cells' NULs */
  end_row(reader, line_end, reader->count, blank);
  reader->count = reader->length = 0;
}

/* Which of the delimiters gives the most cells in the most lines that have equally many. */
static char find_delimiter(const char *text, size_t length)
{
  static const char candidates[] = {',', '\t', ';'};
  char best = ',';
  size_t best_score = 0;
  for (size_t c = 0; c < sizeof candidates; c++) {
    size_t counts[SNIFF_LINES] = {0}, lines = 0;
    bool quoted = false;
    for (size_t i = 0; i < length && lines < SNIFF_LINES; i++) {
      if (text[i] == '"') quoted = !quoted;
      if (quoted) continue;
      if (text[i] == candidates[c]) counts[lines]++;
      if (text[i] == '\n' || text[i] == '\r') lines++;
    }
    for (size_t i = 0; i < SNIFF_LINES; i++) {
      size_t score = 0;
      for (size_t j = 0; j < SNIFF_LINES; j++) score += counts[j] == counts[i] ? counts[i] : 0;
      if (score <= best_score) continue;
      best_score = score;
      best = candidates[c];
    }
  }
  return best;
}

/* Lets libcsv have the rest of a line, at most. How much it was. */
static size_t parse_line(struct reader *reader, const char *text, size_t length)
{
  size_t line = 0;
  while (line < length && text[line] != '\n' && text[line] != '\r') line++;
  if (line < length) line++;
  reader->within = true;
  size_t done = csv_parse(&reader->parser, text, line, take_cell, take_row, reader);
  if (done == line || reader->stopped) return line;
  size_t from = done > EXCERPT_SIZE / 2 ? done - EXCERPT_SIZE / 2 : 0;
  while (from < done && ((uint8_t)text[from] & 0xC0) == 0x80) from++; /* not within a character */
  g_autofree char *found = text_excerpt(text + from, MIN(length - from, EXCERPT_SIZE), EXCERPT_SIZE);
  refuse(reader, FINDING_FILE_QUOTES, reader->row + 1, reader->count + 1, found, NULL);
  return done;
}

static void parse_piece(struct reader *reader, char *text, size_t length)
{
  for (size_t done = 0; done < length && !reader->stopped;) {
    size_t plain = reader->within ? 0 : csv_plain_length(text + done, length - done);
    take_plain(reader, text + done, plain);
    done += plain;
    if (done < length && !reader->stopped) done += parse_line(reader, text + done, length - done);
  }
  if (reader->stopped || reader->parser.entry_pos <= LIMIT_CELL_BYTES) return;
  if (reader->parser.quoted)
    refuse(reader, FINDING_FILE_QUOTES, reader->row + 1, reader->count + 1,
           _("a cell that begins with a quotation mark and does not end"), NULL);
  else
    refuse_width(reader, reader->count + 1);
}

/* Parses what was decoded, once there is enough of it to find the delimiter. */
static void parse(struct reader *reader, GString *text, const struct source_options *options, bool end)
{
  if (!reader->started) {
    if (text->len < SNIFF_SIZE && !end) return;
    char delimiter = '\0';
    if (options) delimiter = options->delimiter;
    if (!delimiter) delimiter = find_delimiter(text->str, MIN(text->len, SNIFF_SIZE));
    csv_set_delim(&reader->parser, (unsigned char)delimiter);
    reader->started = true;
  }
  for (size_t done = 0; done < text->len && !reader->stopped; done += BLOCK_SIZE)
    parse_piece(reader, text->str + done, MIN(BLOCK_SIZE, text->len - done));
  g_string_truncate(text, 0);
}

static void refuse_encoding(struct reader *reader, enum encoding_status status)
{
  uint8_t byte;
  uint64_t offset = encoding_fault_offset(reader->encoding, &byte);
  g_autofree char *found =
      g_strdup_printf(_("byte %" PRIu64 " of the file, 0x%02X"), offset + 1, (unsigned)byte);
  switch (status) {
  case ENCODING_INVALID: {
    g_autofree char *expected =
        g_strdup_printf(_("%s, as in the rows above"), encoding_name(reader->encoding));
    refuse(reader, FINDING_FILE_ENCODING, reader->row + 1, reader->count + 1, found, expected);
    break;
  }
  case ENCODING_UTF16:
    refuse(reader, FINDING_FILE_ENCODING, 0, 0, _("UTF-16 (“Unicode text”)"), _("UTF-8 or GB18030/GBK"));
    break;
  case ENCODING_WORKBOOK:
    refuse(reader, FINDING_FILE_BINARY, 0, 0, _("a workbook (.xlsx or .xls)"), _("CSV"));
    break;
  case ENCODING_CUT:
    refuse(reader, FINDING_FILE_CUT, reader->row + 1, reader->count + 1, _("half a character at the end"),
           NULL);
    break;
  default:
    refuse(reader, FINDING_FILE_BINARY, reader->row + 1, reader->count + 1, found, _("text"));
    break;
  }
}

/* The last row may have no line end, but it has to be whole. */
static void finish(struct reader *reader)
{
  bool quoted = csv_fini(&reader->parser, take_cell, take_row, reader) != 0;
  if (reader->stopped) return;
  if (quoted) {
    refuse(reader, FINDING_FILE_CUT, reader->row + 1, reader->count + 1,
           _("a cell that begins with a quotation mark and does not end"), NULL);
  } else if (reader->open) {
    struct finding finding = {.code = FINDING_FILE_NO_LINE_END, .file = reader->file, .row = reader->row};
    reader->findings(&finding, reader->data);
  }
}

static bool read_blocks(struct reader *reader, int descriptor, const char *path,
                        const struct source_options *options, GError **error)
{
  g_autofree char *block = g_malloc(BLOCK_SIZE);
  g_autoptr(GString) text = g_string_sized_new(2 * BLOCK_SIZE);
  for (bool end = false; !end && !reader->stopped;) {
    ssize_t length = read(descriptor, block, BLOCK_SIZE);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) {
      g_set_error(error, PARKTALLY_ERROR, ERROR_IO, _("%s: cannot be read (%s)"), path, g_strerror(errno));
      return false;
    }
    end = length == 0;
    enum encoding_status status = encoding_decode(reader->encoding, block, (size_t)length, end, text);
    parse(reader, text, options, end || status != ENCODING_OK);
    if (status != ENCODING_OK && !reader->stopped) refuse_encoding(reader, status);
  }
  if (!reader->stopped) finish(reader);
  return !reader->stopped;
}

static bool read_csv(const char *path, const struct source_options *options, source_row_sink *rows,
                     finding_sink *findings, void *data, GError **error)
{
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_IO, _("%s: cannot be opened (%s)"), path, g_strerror(errno));
    return false;
  }
  (void)posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
  g_autofree char *file = g_path_get_basename(path);
  g_autofree struct reader *reader = g_new0(struct reader, 1);
  reader->file = file;
  reader->rows = rows;
  reader->findings = findings;
  reader->data = data;
  reader->encoding = encoding_new(options ? options->encoding : NULL);
  csv_init(&reader->parser, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL);
  csv_set_blk_size(&reader->parser, 4 * LIMIT_KIB);

  bool whole = read_blocks(reader, descriptor, path, options, error);

  csv_free(&reader->parser);
  encoding_free(reader->encoding);
  g_free(reader->text);
  close(descriptor);
  return whole;
}

const struct source source_csv = {.name = "csv", .extensions = ".csv;.txt;.tsv", .read = read_csv};

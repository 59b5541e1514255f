#include "agent/source/encoding.h"
#include "agent/source/source.h"
#include "common/error.h"
#include "common/text.h"
#include "tests/csv_reference.h"
#include "tests/sample.h"
#include "tests/sanitized.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What was read, as text: cells as "[a][b]", rows with their number, findings as "!id@row,column". */
struct seen {
  GString *text;
  enum finding_code code; /* the last finding */
  size_t row, column;
  size_t rows, findings;
  char *found;
  size_t stop_at; /* rows after which the taker ends it; 0: never */
};

static bool take_row(struct source_row *row, void *data)
{
  struct seen *seen = data;
  seen->rows++;
  if (seen->text->len < 1 << 20) {
    g_string_append_printf(seen->text, "%zu%s:", row->number, row->open ? "open" : "");
    for (size_t i = 0; i < row->count; i++) {
      assert_int_equal(row->cells[i].length, strlen(row->cells[i].text));
      g_string_append_printf(seen->text, "[%s]", row->cells[i].text);
      memset(row->cells[i].text, 'x', row->cells[i].length); /* allowed */
    }
    g_string_append_c(seen->text, ' ');
  }
  return seen->stop_at == 0 || seen->rows < seen->stop_at;
}

static void take_finding(const struct finding *finding, void *data)
{
  struct seen *seen = data;
  seen->code = finding->code;
  seen->row = finding->row;
  seen->column = finding->column;
  seen->findings++;
  g_free(seen->found);
  seen->found = g_strdup(finding->found);
  assert_string_equal(finding->file, "table.csv");
}

static char *folder, *path;
static uint32_t seed = 20180511;

static bool read_bytes(const char *bytes, size_t length, const struct source_options *options,
                       struct seen *seen)
{
  assert_true(g_file_set_contents(path, bytes, (gssize)length, NULL));
  g_autoptr(GError) error = NULL;
  bool whole = source_csv.read(path, options, take_row, take_finding, seen, &error);
  assert_null(error);
  return whole;
}

static struct seen seen_new(void)
{
  return (struct seen){.text = g_string_new(NULL), .code = FINDING_COUNT};
}

static void seen_clear(struct seen *seen)
{
  g_string_free(seen->text, TRUE);
  g_free(seen->found);
}

struct bad {
  const char *bytes;
  size_t length; /* 0: of the text */
  enum finding_code code;
  size_t row, column;
};

static const struct bad bad_files[] = {
    {"a,b\n1,say \"no\"\n", 0, FINDING_FILE_QUOTES, 2, 2},
    {"a,b\n1,\"say \" no\"\n", 0, FINDING_FILE_QUOTES, 2, 2},
    {"a,b\n\n\"1\"2,3\n", 0, FINDING_FILE_QUOTES, 3, 1},
    {"a,b\n1,\"not closed\n2,3\n", 0, FINDING_FILE_CUT, 2, 2},
    {"a,b\n1,\xE4\xB8", 0, FINDING_FILE_CUT, 2, 2},    /* UTF-8, half a character */
    {"\xD6\xD0,b\n1,\xCE", 0, FINDING_FILE_CUT, 2, 2}, /* GBK */
    {"\xEF\xBB\xBF"
     "a,b\n1,\xD6\xD0\n",
     0, FINDING_FILE_ENCODING, 2, 2}, /* GBK behind a BOM */
    {"a,b\n\"x\ny\",2\n1,\xFF\xFF\n", 0, FINDING_FILE_ENCODING, 3, 2},
    {"\xFF\xFE"
     "a\0,\0",
     6, FINDING_FILE_ENCODING, 0, 0},
    {"\xFE\xFF\0a\0,", 6, FINDING_FILE_ENCODING, 0, 0},
    {"a\0,\0b\0\n\0", 8, FINDING_FILE_BINARY, 1, 1},
    {"a,b\n1,\0\n", 8, FINDING_FILE_BINARY, 2, 2},
    {"a,\xE4\xB8\xAD\n1,\0\n", 10, FINDING_FILE_BINARY, 2, 2},
    {"a,\xD6\xD0\n1,\0\n", 9, FINDING_FILE_BINARY, 2, 2},
    {"PK\x03\x04\x14\0\x06\0\x08\0", 10, FINDING_FILE_BINARY, 0, 0},
    {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0\0", 10, FINDING_FILE_BINARY, 0, 0},
};

static void what_cannot_be_read_to_its_end_is_refused_with_its_place(void **state)
{
  (void)state;
  for (size_t i = 0; i < G_N_ELEMENTS(bad_files); i++) {
    const struct bad *bad = &bad_files[i];
    struct seen seen = seen_new();
    assert_false(read_bytes(bad->bytes, bad->length ? bad->length : strlen(bad->bytes), NULL, &seen));
    if (seen.code != bad->code || seen.row != bad->row || seen.column != bad->column)
      fail_msg("file %zu: %d at %zu,%zu", i, (int)seen.code, seen.row, seen.column);
    assert_int_equal(seen.findings, 1);
    seen_clear(&seen);
  }
}

static void the_bad_byte_is_named(void **state)
{
  (void)state;
  struct seen seen = seen_new();
  assert_false(read_bytes("ab,c\n1,\xD6\xD0\n2,\xFF\n", 13, NULL, &seen));
  assert_non_null(strstr(seen.found, "byte 13 "));
  assert_non_null(strstr(seen.found, "0xFF"));
  seen_clear(&seen);
}

static void a_row_or_a_cell_without_end_is_refused_in_bounded_memory(void **state)
{
  (void)state;
  const struct {
    const char *start;
    char fill;
    size_t length;
    enum finding_code code;
  } cases[] = {
      {"a,b\n1,", 'x', LIMIT_CELL_BYTES + 10, FINDING_FILE_TOO_WIDE},
      {"a,b\n1,\"", 'x', 4 * LIMIT_MIB, FINDING_FILE_QUOTES},
      {"a,b\n1", ',', LIMIT_ROW_CELLS, FINDING_FILE_TOO_WIDE},
      {"a,b\n1,\"", '\n', 4 * LIMIT_MIB, FINDING_FILE_QUOTES},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GString) text = g_string_new(cases[i].start);
    size_t start = text->len;
    g_string_set_size(text, start + cases[i].length);
    memset(text->str + start, cases[i].fill, cases[i].length);
    g_string_append(text, "\"\n");
    if (cases[i].code == FINDING_FILE_TOO_WIDE) g_string_truncate(text, text->len - 2);
    struct seen seen = seen_new();
    assert_false(read_bytes(text->str, text->len, NULL, &seen));
    assert_int_equal(seen.code, cases[i].code);
    assert_int_equal(seen.row, 2);
    seen_clear(&seen);
  }
}

static void a_file_that_is_not_there_is_an_error(void **state)
{
  (void)state;
  struct seen seen = seen_new();
  g_autofree char *missing = g_build_filename(folder, "missing.csv", NULL);
  const char *paths[] = {missing, folder};
  for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
    g_autoptr(GError) error = NULL;
    assert_false(source_csv.read(paths[i], NULL, take_row, take_finding, &seen, &error));
    assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_IO));
  }
  assert_int_equal(seen.findings, 0);
  seen_clear(&seen);
}

static void only_kinds_that_can_be_read_have_a_source(void **state)
{
  (void)state;
  assert_ptr_equal(source_for("/x/May.CSV", NULL), &source_csv);
  assert_ptr_equal(source_for("may.tsv", NULL), &source_csv);
  const char *others[] = {"may.xlsx", "csv", ".csv", "may.csv.gpg", ""};
  for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
    g_autoptr(GError) error = NULL;
    assert_null(source_for(others[i], &error));
    assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_DATA));
    assert_non_null(strstr(error->message, ".csv"));
  }
}

static const struct {
  const char *bytes, *expected;
} good_files[] = {
    {"", ""},
    {"a,b\n1,2\n", "1:[a][b] 2:[1][2] "},
    {"a,b\r\n1,2\r\n", "1:[a][b] 2:[1][2] "},
    {"a,b\r1,2\r", "1:[a][b] 2:[1][2] "},
    {"a,b\n\n\n1,2\n", "1:[a][b] 4:[1][2] "},
    {"a,b\r\n\r\n\r\n1,2\r\n", "1:[a][b] 4:[1][2] "},
    {"a,b\n,,\n1,2\n", "1:[a][b] 3:[1][2] "},
    {"\n\na,b\n", "3:[a][b] "},
    {"a,b\n\"1\n1\",2\n3,4\n", "1:[a][b] 2:[1\n1][2] 3:[3][4] "},
    {"a,b\r\n\"1\r\n1\",2\r\n3,4\r\n", "1:[a][b] 2:[1\r\n1][2] 3:[3][4] "},
    {"a , b\n\" 1 \" ,2 \n", "1:[a][b] 2:[ 1 ][2] "},
    {"a,b\n\"say \"\"no\"\"\",\n", "1:[a][b] 2:[say \"no\"][] "},
    {"a\tb\n1,000\t2\n", "1:[a][b] 2:[1,000][2] "},
    {"a;b\n1,5;2\n3,5;2\n", "1:[a][b] 2:[1,5][2] 3:[3,5][2] "},
    {"title, of a table\na;b;c\n1;2;3\n", "1:[title, of a table] 2:[a][b][c] 3:[1][2][3] "},
    {"\"a;b;c\",\"d;e;f\"\n1,2\n", "1:[a;b;c][d;e;f] 2:[1][2] "},
    {"\xEF\xBB\xBF"
     "a,b\n",
     "1:[a][b] "},
    {"\xEF\xBB\xBF", ""},
    {"\xD6\xD0,b\n1,\xCE\xC4\n", "1:[中][b] 2:[1][文] "},
    {"\xE4\xB8\xAD,b\n", "1:[中][b] "},
    {"a,\x81\x30\x81\x30\n", "1:[a][\xC2\x80] "}, /* four bytes of GB18030 */
};

static void rows_count_as_a_spreadsheet_counts_them(void **state)
{
  (void)state;
  for (size_t i = 0; i < G_N_ELEMENTS(good_files); i++) {
    struct seen seen = seen_new();
    assert_true(read_bytes(good_files[i].bytes, strlen(good_files[i].bytes), NULL, &seen));
    if (strcmp(seen.text->str, good_files[i].expected) != 0) fail_msg("file %zu: %s", i, seen.text->str);
    assert_int_equal(seen.findings, 0);
    seen_clear(&seen);
  }
}

static void a_missing_line_end_is_noted_once(void **state)
{
  (void)state;
  struct seen seen = seen_new();
  assert_true(read_bytes("a,b\n1,2", 7, NULL, &seen));
  assert_string_equal(seen.text->str, "1:[a][b] 2open:[1][2] ");
  assert_int_equal(seen.code, FINDING_FILE_NO_LINE_END);
  assert_int_equal(seen.row, 2);
  assert_int_equal(seen.findings, 1);
  seen_clear(&seen);
}

static void the_taker_may_end_it(void **state)
{
  (void)state;
  struct seen seen = seen_new();
  seen.stop_at = 2;
  assert_false(read_bytes("a\n1\n2\n3", 7, NULL, &seen));
  assert_int_equal(seen.rows, 2);
  assert_int_equal(seen.findings, 0);
  seen_clear(&seen);
}

static void options_overrule_what_would_be_found_out(void **state)
{
  (void)state;
  struct seen seen = seen_new();
  struct source_options options = {.encoding = "gb18030", .delimiter = ';'};
  assert_true(read_bytes("\xC4\xA3;a,b\n", 7, &options, &seen)); /* also valid UTF-8 */
  assert_string_equal(seen.text->str, "1:[模][a,b] ");
  seen_clear(&seen);
}

/* Characters are cut by the ends of blocks in every way there is. */
static void characters_may_be_cut_by_the_end_of_a_block(void **state)
{
  (void)state;
  const char *characters[] = {"\xE4\xB8\xAD", "\xF0\xA0\x80\x80", "\xD6\xD0", "\x81\x30\x81\x30"};
  const char *decoded[] = {"\xE4\xB8\xAD", "\xF0\xA0\x80\x80", "中", "\xC2\x80"};
  for (size_t c = 0; c < G_N_ELEMENTS(characters); c++)
    for (size_t shift = 0; shift < 5; shift++) {
      g_autoptr(GString) text = g_string_new(NULL);
      for (size_t i = 0; i < shift; i++) g_string_append_c(text, 'a');
      while (text->len < 200 * LIMIT_KIB)
        g_string_append_printf(text, "%s,%s\n", characters[c], characters[c]);
      struct seen seen = seen_new();
      assert_true(read_bytes(text->str, text->len, NULL, &seen));
      g_autofree char *expected = g_strdup_printf("2:[%s][%s] ", decoded[c], decoded[c]);
      assert_non_null(strstr(seen.text->str, expected));
      assert_null(strstr(seen.text->str, "\xEF\xBF\xBD"));
      assert_int_equal(seen.findings, 0);
      seen_clear(&seen);
    }
}

/* The first byte that is not ASCII may come late; the window begins there. */
static void the_encoding_is_decided_where_it_first_shows(void **state)
{
  (void)state;
  g_autoptr(GString) text = g_string_new(NULL);
  while (text->len < 300 * LIMIT_KIB) g_string_append(text, "12345,67890\n");
  size_t plain = text->len;
  g_string_append(text, "\xD6\xD0,1\n");
  struct seen seen = seen_new();
  assert_true(read_bytes(text->str, text->len, NULL, &seen));
  assert_non_null(strstr(seen.text->str, "[中][1]"));
  seen_clear(&seen);

  /* UTF-8 for longer than the window, then something else: said, not guessed */
  g_string_truncate(text, plain);
  while (text->len < plain + 3 * ENCODING_WINDOW) g_string_append(text, "中文,1\n");
  g_string_append(text, "\xD6\xD0,1\n");
  seen = seen_new();
  assert_false(read_bytes(text->str, text->len, NULL, &seen));
  assert_int_equal(seen.code, FINDING_FILE_ENCODING);
  seen_clear(&seen);
}

/* Every lead of three and four bytes, with bytes at the bounds of what may follow, at the end or not. */
static void utf_8_is_what_glib_takes_for_it(void **state)
{
  (void)state;
  static const uint8_t followers[] = {'a', 0x7F, 0x80, 0xBF, 0xC0, 0xE4};
  for (unsigned lead = 0xC0; lead <= 0xFD; lead++)
    for (unsigned second = 1; second <= 0xFF; second++)
      for (size_t i = 0; i < sizeof followers * sizeof followers; i++)
        for (size_t length = 2; length <= 7; length++) {
          char bytes[] = {(char)lead,
                          (char)second,
                          (char)followers[i % sizeof followers],
                          (char)followers[i / sizeof followers],
                          'b',
                          ',',
                          'c'};
          if ((length < 7 || SANITIZED) && second % 16 > 1) continue; /* the tails are sampled */
          CLEANUP(encoding_free) struct encoding *encoding = encoding_new("utf-8");
          g_autoptr(GString) text = g_string_new(NULL);
          const char *valid;
          bool wanted = g_utf8_validate(bytes, (gssize)length, &valid);
          bool taken = encoding_decode(encoding, bytes, length, true, text) == ENCODING_OK;
          size_t skip = memcmp(bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
          if (taken != wanted || text->len + skip != (size_t)(valid - bytes))
            fail_msg("%02X %02X, %zu bytes: %zu of %zu", lead, second, length, text->len, valid - bytes);
        }
}

static void a_nul_is_found_wherever_it_stands(void **state)
{
  (void)state;
  static const char text[] = "0123456789,abcdef,0123456789,ABCDEF\x7F\n";
  for (size_t at = 0; at < sizeof text - 1; at++) {
    char bytes[sizeof text];
    memcpy(bytes, text, sizeof text);
    bytes[at] = '\0';
    CLEANUP(encoding_free) struct encoding *encoding = encoding_new(NULL);
    g_autoptr(GString) decoded = g_string_new(NULL);
    uint8_t byte = 1;
    assert_int_equal(encoding_decode(encoding, bytes, sizeof text - 1, true, decoded), ENCODING_BINARY);
    assert_int_equal(encoding_fault_offset(encoding, &byte), at);
    assert_int_equal(byte, 0);
  }
}

/* --- against libcsv alone --- */

static bool tell_row(struct source_row *row, void *data)
{
  csv_tell_row(data, row);
  for (size_t i = 0; i < row->count; i++) {
    assert_int_equal(row->cells[i].text[row->cells[i].length], '\0');
    memset(row->cells[i].text, '"', row->cells[i].length); /* the taker's to change */
  }
  return true;
}

static void tell_finding(const struct finding *finding, void *data)
{
  csv_tell_finding(data, finding->code, finding->row, finding->column);
}

/* Gives the text in pieces of random length: a pipe in packet mode keeps them apart. */
static void check_as_libcsv(GRand *random, const GString *text, char delimiter)
{
  int ends[2];
  assert_int_equal(pipe2(ends, O_DIRECT | O_CLOEXEC), 0);
  assert_true(fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) > 0);
  int most = text->len > 256 ? 4096 : 16;
  for (size_t done = 0, piece; done < text->len; done += piece) {
    piece = (size_t)g_rand_int_range(random, most / 2, most + 1);
    piece = MIN(piece, text->len - done);
    assert_int_equal(write(ends[1], text->str + done, piece), piece);
  }
  close(ends[1]);
  g_autofree char *pipe_path = g_strdup_printf("/proc/self/fd/%d", ends[0]);
  struct source_options options = {.encoding = "utf-8", .delimiter = delimiter};
  GString *expected = csv_reference_tell(text->str, text->len, delimiter);
  GString *told = g_string_new(NULL);
  g_autoptr(GError) error = NULL;
  source_csv.read(pipe_path, &options, tell_row, tell_finding, told, &error);
  assert_null(error);
  close(ends[0]);
  if (strcmp(told->str, expected->str) != 0) {
    size_t at = 0;
    while (told->str[at] == expected->str[at]) at++;
    size_t from = at > 100 ? at - 100 : 0;
    g_autofree char *shown = g_strescape(text->str + (text->len > 300 ? text->len - 300 : 0), NULL);
    fail_msg("seed %u, delimiter %d, of %zu bytes: %.200s\n\nexpected: %.200s\n\nthe last of it: %s", seed,
             delimiter, text->len, told->str + from, expected->str + from, shown);
  }
  g_string_free(expected, TRUE);
  g_string_free(told, TRUE);
}

static const char *const pieces[] = {
    ",",
    ",",
    ",",
    ";",
    "\t",
    " ",
    " ",
    "\n",
    "\n",
    "\n",
    "\r\n",
    "\r",
    "1",
    "23",
    "4567",
    "-0.5",
    "x",
    "中",
    "，",
    "\x01",
    "\x0F",
    "\v\f",
    "8901234567",
    "\n\n",
    "\"",
    "\"",
    "\"\"",
    "\",",
    ",\"",
    "\",\"",
    "\"a,b\"",
    "\"two\nlines\"",
    ",\"say \"\"no\"\"\",",
};
enum { PIECES_PLAIN = 24 };

static void what_is_read_is_what_libcsv_alone_would_read(void **state)
{
  (void)state;
  static const char delimiters[] = {',', '\t', ';'};
  g_autoptr(GRand) random = g_rand_new_with_seed(seed);
  int rounds = sample_rounds(10000);
  for (int round = 0; round < rounds; round++) {
    g_autoptr(GString) text = g_string_new(NULL);
    int count = g_rand_int_range(random, 0, 60);
    int quotes = g_rand_int_range(random, 0, 3) * 8; /* of a hundred pieces */
    for (int i = 0; i < count; i++)
      g_string_append(text, pieces[g_rand_int_range(random, 0, 100) < quotes
                                       ? g_rand_int_range(random, PIECES_PLAIN, G_N_ELEMENTS(pieces))
                                       : g_rand_int_range(random, 0, PIECES_PLAIN)]);
    check_as_libcsv(random, text, delimiters[g_rand_int_range(random, 0, sizeof delimiters)]);
  }
}

/* Every text of a few characters that mean something. */
static void every_short_text_is_read_as_by_libcsv(void **state)
{
  (void)state;
  static const char characters[] = {'a', ',', ' ', '\t', '\n', '\r', '"'};
  enum { LONGEST = SANITIZED ? 4 : 5 };
  g_autoptr(GRand) random = g_rand_new_with_seed(seed);
  unsigned texts = 1;
  for (int length = 0; length <= LONGEST; length++, texts *= sizeof characters)
    for (unsigned number = 0; number < texts; number++) {
      g_autoptr(GString) text = g_string_new(NULL);
      for (unsigned rest = number; (int)text->len < length; rest /= sizeof characters)
        g_string_append_c(text, characters[rest % sizeof characters]);
      check_as_libcsv(random, text, number % 2 ? ',' : '\t');
    }
}

/* Files of many blocks, as they come, in which quotation marks are rare, and rows long or short. */
static void long_files_are_read_as_by_libcsv(void **state)
{
  (void)state;
  static const char *const line_ends[] = {"\n", "\r\n", "\r"};
  g_autoptr(GRand) random = g_rand_new_with_seed(seed);
  int rounds = sample_rounds(30);
  for (int round = 0; round < rounds; round++) {
    g_autoptr(GString) text = g_string_new(NULL);
    const char *line_end = line_ends[round % 3];
    int most = round % 5 == 0 ? LIMIT_ROW_CELLS + 3 : 50;
    while (text->len < 300 * LIMIT_KIB) {
      int count = g_rand_int_range(random, 1, most);
      if (g_rand_int_range(random, 0, 100) == 0) count = 0;
      for (int i = 0; i < count; i++) {
        g_string_append(text, i > 0 ? "," : "");
        if (g_rand_int_range(random, 0, 500) == 0)
          g_string_append_printf(text, "\"%d, “”\"\"%s\"", g_rand_int_range(random, 0, 999), line_end);
        else if (g_rand_int_range(random, 0, 30) == 0)
          g_string_append(text, pieces[g_rand_int_range(random, 12, 19)]);
        else
          g_string_append_printf(text, "%u", g_rand_int(random) >> g_rand_int_range(random, 1, 31));
      }
      g_string_append(text, line_end);
    }
    if (round % 2) g_string_truncate(text, text->len - strlen(line_end));
    check_as_libcsv(random, text, ',');
  }
}

static void a_row_has_as_many_cells_as_may_be(void **state)
{
  (void)state;
  g_autoptr(GRand) random = g_rand_new_with_seed(seed);
  static const char *const line_ends[] = {"\n", "\r\n", "\",\"\"\n", ""}; /* of libcsv too */
  for (int count = LIMIT_ROW_CELLS - 3; count <= LIMIT_ROW_CELLS + 3; count++)
    for (size_t i = 0; i < G_N_ELEMENTS(line_ends); i++) {
      g_autoptr(GString) text = g_string_new("1");
      for (int j = 1; j < count; j++) g_string_append(text, j % 9 ? "," : ",2");
      g_string_append(text, line_ends[i]);
      check_as_libcsv(random, text, ',');
    }
}

/* --- data that others wrote --- */

static char *corpus(const char *name)
{
  const char *data = g_getenv("PARKTALLY_TESTDATA");
  if (!data) skip();
  return g_build_filename(data, "corpora", name, NULL);
}

static void gb18030_converts_as_browsers_do(void **state)
{
  (void)state;
  g_autofree char *base = corpus("encoding_rs");
  g_autofree char *in_path = g_build_filename(base, "gb18030_in.txt", NULL);
  g_autofree char *reference_path = g_build_filename(base, "gb18030_in_ref.txt", NULL);
  g_autofree char *in = NULL, *reference = NULL;
  size_t in_length, reference_length;
  assert_true(g_file_get_contents(in_path, &in, &in_length, NULL));
  assert_true(g_file_get_contents(reference_path, &reference, &reference_length, NULL));
  CLEANUP(encoding_free) struct encoding *encoding = encoding_new(NULL);
  g_autoptr(GString) text = g_string_new(NULL);
  for (size_t done = 0; done < in_length; done += 1000) /* pieces that cut characters */
    assert_int_equal(
        encoding_decode(encoding, in + done, MIN(1000, in_length - done), done + 1000 >= in_length, text),
        ENCODING_OK);
  assert_string_equal(encoding_name(encoding), "GB18030");
  g_auto(GStrv) ours = g_strsplit(text->str, "\n", -1), theirs = g_strsplit(reference, "\n", -1);
  assert_int_equal(g_strv_length(ours), g_strv_length(theirs));
  size_t differ = 0;
  for (size_t i = 0; theirs[i]; i++) differ += strcmp(ours[i], theirs[i]) != 0;
  /* Code points of the private use area that editions of the standard place differently. */
  if (differ > 24) fail_msg("%zu lines differ", differ);
}

/* In the notation of struct seen, without row numbers and white space around cells, which differs by design.
 */
static char *plain_cells(const char *text)
{
  g_autoptr(GRegex) numbers = g_regex_new("(^|\\] )[0-9]+(open)?:", 0, 0, NULL);
  g_autoptr(GRegex) ends =
      g_regex_new("\\r", 0, 0, NULL); /* the files were kept with LF, their JSON with CRLF */
  g_autoptr(GRegex) space = g_regex_new("(?<=\\[)\\s+|\\s+(?=\\])", 0, 0, NULL);
  g_autofree char *rows = g_regex_replace(numbers, text, -1, 0, "\\1\n", 0, NULL);
  g_autofree char *lines = g_regex_replace_literal(ends, rows, -1, 0, "", 0, NULL);
  char *trimmed = g_regex_replace_literal(space, lines, -1, 0, "", 0, NULL);
  return g_strstrip(g_strdelimit(trimmed, "\n", '|'));
}

static void add_json_row(GString *text, json_t *row, bool keys)
{
  g_autoptr(GString) cells = g_string_new(NULL);
  size_t length = 0, index;
  const char *key;
  json_t *value;
  if (json_is_object(row)) {
    json_object_foreach(row, key, value)
    {
      g_string_append_printf(cells, "[%s]", keys ? key : json_string_value(value));
      length++;
    }
  } else {
    json_array_foreach(row, index, value)
    {
      g_string_append_printf(cells, "[%s]", json_string_value(value));
      length += json_string_length(value);
    }
  }
  if (length > 0) g_string_append_printf(text, "1:%s ", cells->str); /* a blank row is not given */
}

/* The same of an array of rows, or of objects whose keys are the first row. */
static char *json_cells(const char *file)
{
  json_t *rows = json_load_file(file, 0, NULL), *row;
  assert_non_null(rows);
  g_autoptr(GString) text = g_string_new(NULL);
  size_t index;
  json_array_foreach(rows, index, row)
  {
    if (index == 0 && json_is_object(row)) add_json_row(text, row, true);
    add_json_row(text, row, false);
  }
  json_decref(rows);
  return plain_cells(text->str);
}

static void read_corpus_file(const char *corpus_folder, const char *name, struct seen *seen, bool *ret_whole)
{
  g_autofree char *file = g_build_filename(corpus_folder, name, NULL);
  g_autofree char *bytes = NULL;
  size_t length;
  assert_true(g_file_get_contents(file, &bytes, &length, NULL));
  *ret_whole = read_bytes(bytes, length, NULL, seen);
}

static void files_that_are_no_csv_are_refused_by_the_source(void **state)
{
  (void)state;
  g_autofree char *base = corpus("csv-test-data/csv");
  const char *names[] = {"bad-missing-quote.csv", "bad-quotes-with-unescaped-quote.csv",
                         "bad-unescaped-quote.csv", "../../csv-spectrum/csvs/location_coordinates.csv"};
  for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
    struct seen seen = seen_new();
    bool whole;
    read_corpus_file(base, names[i], &seen, &whole);
    assert_false(whole);
    assert_true(seen.code == FINDING_FILE_QUOTES || seen.code == FINDING_FILE_CUT);
    seen_clear(&seen);
  }
}

static void what_others_call_csv_gives_the_cells_that_they_say(void **state)
{
  (void)state;
  const char *folders[][2] = {{"csv-spectrum/csvs", "csv-spectrum/json"},
                              {"csv-test-data/csv", "csv-test-data/json"}};
  const char *others[] = {"location_coordinates.csv", /* refused, see above */
                          "header-no-rows.csv"};      /* its JSON does not say the header */
  size_t files = 0;
  for (size_t f = 0; f < G_N_ELEMENTS(folders); f++) {
    g_autofree char *base = corpus(folders[f][0]), *json_base = corpus(folders[f][1]);
    g_autoptr(GDir) dir = g_dir_open(base, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(dir))) {
      if (g_str_has_prefix(name, "bad-") || strcmp(name, others[0]) == 0 || strcmp(name, others[1]) == 0)
        continue;
      struct seen seen = seen_new();
      bool whole;
      read_corpus_file(base, name, &seen, &whole);
      assert_true(whole);
      g_autofree char *stem = g_strndup(name, strlen(name) - 4);
      g_autofree char *json_name = g_strconcat(stem, ".json", NULL);
      g_autofree char *json_path = g_build_filename(json_base, json_name, NULL);
      g_autofree char *cells = plain_cells(seen.text->str), *expected = json_cells(json_path);
      if (strcmp(cells, expected) != 0) fail_msg("%s: %s, expected %s", name, cells, expected);
      files++;
      seen_clear(&seen);
    }
  }
  assert_int_equal(files, 28);
}

static int make_folder(void **state)
{
  (void)state;
  folder = g_dir_make_tmp("parktally-csv-XXXXXX", NULL);
  path = g_build_filename(folder, "table.csv", NULL);
  return folder ? 0 : 1;
}

static int remove_folder(void **state)
{
  (void)state;
  unlink(path);
  g_rmdir(folder);
  g_free(path);
  g_free(folder);
  return 0;
}

int main(int argc, char **argv)
{
  if (argc > 1) seed = (uint32_t)strtoul(argv[1], NULL, 10);
  printf("seed %u\n", seed);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_cannot_be_read_to_its_end_is_refused_with_its_place),
      cmocka_unit_test(the_bad_byte_is_named),
      cmocka_unit_test(a_row_or_a_cell_without_end_is_refused_in_bounded_memory),
      cmocka_unit_test(a_file_that_is_not_there_is_an_error),
      cmocka_unit_test(only_kinds_that_can_be_read_have_a_source),
      cmocka_unit_test(rows_count_as_a_spreadsheet_counts_them),
      cmocka_unit_test(a_missing_line_end_is_noted_once),
      cmocka_unit_test(the_taker_may_end_it),
      cmocka_unit_test(options_overrule_what_would_be_found_out),
      cmocka_unit_test(characters_may_be_cut_by_the_end_of_a_block),
      cmocka_unit_test(the_encoding_is_decided_where_it_first_shows),
      cmocka_unit_test(a_nul_is_found_wherever_it_stands),
      cmocka_unit_test(utf_8_is_what_glib_takes_for_it),
      cmocka_unit_test(what_is_read_is_what_libcsv_alone_would_read),
      cmocka_unit_test(every_short_text_is_read_as_by_libcsv),
      cmocka_unit_test(long_files_are_read_as_by_libcsv),
      cmocka_unit_test(a_row_has_as_many_cells_as_may_be),
      cmocka_unit_test(gb18030_converts_as_browsers_do),
      cmocka_unit_test(files_that_are_no_csv_are_refused_by_the_source),
      cmocka_unit_test(what_others_call_csv_gives_the_cells_that_they_say),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

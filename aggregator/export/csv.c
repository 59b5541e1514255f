/* CSV that a spreadsheet opens without damage: UTF-8 with a byte order mark, lines ended by CR LF, and texts
 * that stay what they are.
 *
 * A spreadsheet that opens a CSV file takes whatever looks like a number, a date or a formula for one:
 * 914502000000000060 becomes 914502000000000000, 007 becomes 7, 1E5 100000, 2018-05 a day in May, and a name
 * =… is carried out. So such a text, a number of more than fifteen digits, and a text that begins with an
 * apostrophe itself, stand behind one apostrophe. Whoever reads the file with a program takes one apostrophe
 * away where a cell begins with one, and has every cell as it was. Other ways were worse: ="…" is a formula,
 * which programs and careful spreadsheets do not read; a tab is seen by nobody and makes a code unequal to
 * itself. */
#include "aggregator/export/format.h"

#include <string.h>

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"
#define GUARD '\''

struct csv {
  struct control_output *output;
  const struct export_table *table;
  GString *line;
};

/* --- what a spreadsheet would take for something else --- */

/* Marks that begin a formula, also in their full width, and white space that some skip before they look. */
static bool begins_formula(const char *text)
{
  static const char *const wide[] = {"＝", "＋", "－", "＠"};
  if (*text && strchr("=+-@\t\r\n", *text)) return true;
  for (size_t n = 0; (*text & 0x80) && n < G_N_ELEMENTS(wide); n++)
    if (g_str_has_prefix(text, wide[n])) return true;
  return false;
}

/* "Sept" of 5-Sept and Sept5; behind a digit also "E" of 1E5 and "PM" of 5 PM. */
static bool is_word_of_values(const char *word, size_t length, bool behind)
{
  static const char *const words[] = {"e", "a", "p", "am", "pm"};
  static const char *const months[] = {"january", "february", "march",     "april",   "may",      "june",
                                       "july",    "august",   "september", "october", "november", "december"};
  for (size_t n = 0; behind && n < G_N_ELEMENTS(words); n++)
    if (strlen(words[n]) == length && g_ascii_strncasecmp(word, words[n], length) == 0) return true;
  for (size_t n = 0; length >= 3 && n < G_N_ELEMENTS(months); n++)
    if (strlen(months[n]) >= length && g_ascii_strncasecmp(word, months[n], length) == 0) return true;
  return false;
}

/* How many bytes of a mark that may stand between the digits of a value begin here; 0 if none. */
static size_t mark_of_values(const char *text)
{
  static const char *const wide[] = {"年", "月", "日", "时", "分", "秒", "上午", "下午", "￥", "¥", "€"};
  if (!(*text & 0x80)) return strchr(" .,:/-+%()$", *text) ? 1 : 0;
  for (size_t n = 0; n < G_N_ELEMENTS(wide); n++)
    if (g_str_has_prefix(text, wide[n])) return strlen(wide[n]);
  return 0;
}

/* A number, a day or a time, as English and Chinese spreadsheets write them: digits, the marks between them
 * and certain words. Wide of the mark rather than narrow: a guard too many does no harm. */
static bool looks_like_value(const char *text)
{
  bool digits = false;
  while (*text) {
    size_t step = strspn(text, G_CSET_a_2_z G_CSET_A_2_Z);
    if (g_ascii_isdigit(*text)) {
      digits = true;
      step = 1;
    } else if (step == 0) {
      step = mark_of_values(text);
      if (step == 0) return false;
    } else if (!is_word_of_values(text, step, digits)) {
      return false;
    }
    text += step;
  }
  return digits;
}

static bool needs_guard(const char *text)
{
  return *text == GUARD || begins_formula(text) || looks_like_value(text) ||
         g_ascii_strcasecmp(text, "TRUE") == 0 || g_ascii_strcasecmp(text, "FALSE") == 0;
}

/* --- writing --- */

static void *begin(const struct export_about *about, struct control_output *output, GError **error)
{
  (void)about;
  (void)error;
  struct csv *csv = g_new0(struct csv, 1);
  csv->output = output;
  csv->line = g_string_new(BYTE_ORDER_MARK);
  return csv;
}

static void end_line(struct csv *csv)
{
  g_string_append(csv->line, "\r\n");
  control_write(csv->output, csv->line->str, csv->line->len);
  g_string_truncate(csv->line, 0);
}

static bool sheet(void *writer, const struct export_table *table, GError **error)
{
  struct csv *csv = writer;
  (void)error;
  csv->table = table;
  for (unsigned n = 0; n < export_table_width(table); n++) {
    if (n > 0) g_string_append_c(csv->line, ',');
    export_append_quoted(csv->line, export_table_column(table, n)->id);
  }
  end_line(csv);
  return true;
}

static void append_cell(GString *line, enum export_kind kind, const char *text)
{
  bool is_text = kind == EXPORT_TEXT || kind == EXPORT_PERIOD;
  bool guarded = is_text ? needs_guard(text) : !export_fits_spreadsheet(text);
  g_autofree char *with_guard = guarded ? g_strdup_printf("%c%s", GUARD, text) : NULL;
  export_append_quoted(line, with_guard ? with_guard : text);
}

static bool row(void *writer, const char *const *cells, GError **error)
{
  struct csv *csv = writer;
  (void)error;
  for (unsigned n = 0; n < export_table_width(csv->table); n++) {
    if (n > 0) g_string_append_c(csv->line, ',');
    append_cell(csv->line, export_table_column(csv->table, n)->kind, cells[n]);
  }
  end_line(csv);
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
  struct csv *csv = writer;
  g_string_free(csv->line, TRUE);
  g_free(csv);
}

const struct export_format export_csv = {
    .name = "csv", .begin = begin, .sheet = sheet, .row = row, .end = end, .release = release};

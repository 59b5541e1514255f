#include "aggregator/store/block.h"

#include "common/checksum.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#define LINE_END ",\n"
#define LINE_END_BYTES 2
/* Of a line: two codes, each character escaped; figures in hex; numbers of at most 20 digits, with a comma.
 */
#define LINE_MOST (4 * LIMIT_CODE_BYTES + 2 * FIGURES_PACKED_MOST + 13 * 21 + 16)

struct block *block_new(int64_t book, const char *from, const char *to)
{
  struct block *block = g_new0(struct block, 1);

  block->book = book;
  block->from = g_strdup(from);
  block->to = g_strdup(to);
  block->lines = g_string_sized_new(LIMIT_BLOCK_BYTES + 512);
  block->starts = g_array_sized_new(FALSE, FALSE, sizeof(uint32_t), 128);
  return block;
}

void block_free(struct block *block)
{
  if (!block) return;
  g_free(block->from);
  g_free(block->to);
  g_string_free(block->lines, TRUE);
  g_array_unref(block->starts);
  g_free(block);
}

bool block_covers(const struct block *block, int64_t book, const char *unit)
{
  return block->book == book && strcmp(block->from, unit) <= 0 && (!block->to || strcmp(unit, block->to) < 0);
}

/* --- the row --- */

static void find_starts(struct block *block)
{
  const char *begin = block->lines->str, *end = begin + block->lines->len, *at = begin;

  g_array_set_size(block->starts, 0);
  while (at < end) {
    uint32_t start = (uint32_t)(at - begin);

    g_array_append_val(block->starts, start);
    at = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1; /* there is one at the end */
  }
}

bool block_read(struct block *block, const char *text, size_t length)
{
  if (length < 2 || text[0] != '[' || text[length - 1] != ']') return false;
  g_string_free(block->lines, TRUE); /* no room for more: most that are read are only looked at */
  block->lines = g_string_sized_new(length);
  if (length > 2) {
    g_string_append_len(block->lines, text + 1, (gssize)length - 2);
    g_string_append(block->lines, LINE_END);
  }
  find_starts(block);
  return true;
}

void block_write(const struct block *block, GString *ret_text)
{
  g_string_assign(ret_text, "[");
  if (block->lines->len > 0)
    g_string_append_len(ret_text, block->lines->str, (gssize)(block->lines->len - LINE_END_BYTES));
  g_string_append_c(ret_text, ']');
}

/* --- looking for a unit --- */

static const char *line_at(const struct block *block, size_t n)
{
  return block->lines->str + g_array_index(block->starts, uint32_t, n);
}

static size_t line_end(const struct block *block, size_t n)
{
  return n + 1 < block->starts->len ? g_array_index(block->starts, uint32_t, n + 1) : block->lines->len;
}

/* What is looked for. Most ids are plain: nothing in them is escaped. */
struct asked {
  const char *unit;
  size_t length;
  bool plain;
  char text[LIMIT_CODE_BYTES + 1 +
            2 * sizeof(uint64_t)]; /* the same, with the mark that ends it in a line, and nothing */
};

static struct asked ask(const char *unit)
{
  struct asked asked = {.unit = unit, .length = strlen(unit)};

  asked.plain = asked.length <= LIMIT_CODE_BYTES && strcspn(unit, "\"\\") == asked.length;
  if (!asked.plain) return asked;
  memcpy(asked.text, unit, asked.length);
  asked.text[asked.length] = '"';
  return asked;
}

/* From the nth byte of the unit on. */
static int compare_bytes(const char *line_unit, const char *unit)
{
  const unsigned char *a = (const unsigned char *)line_unit, *b = (const unsigned char *)unit;

  for (;; a++, b++) {
    if (*a == '"') return *b ? -1 : 0;
    if (*a == '\\') a++;
    if (*a != *b) return *a < *b ? -1 : 1;
  }
}

/* The unit of a line against another, by bytes, eight at a time: a line goes on for more than that behind its
 * unit, and there differs from what is asked, which does not. */
static int compare_unit(const char *line, const struct asked *asked)
{
  const char *unit = line + strlen("[\"");
  uint64_t a, b;
  size_t n = 0;

  if (!asked->plain) return compare_bytes(unit, asked->unit);
  for (;; n += sizeof a) {
    memcpy(&a, unit + n, sizeof a);
    memcpy(&b, asked->text + n, sizeof b);
    if (a != b) break;
  }
  n += (size_t)__builtin_clzll(GUINT64_TO_BE(a) ^ GUINT64_TO_BE(b)) / CHAR_BIT;
  if (n > asked->length) return 0;
  return compare_bytes(unit + n, asked->unit + n);
}

size_t block_find(const struct block *block, const char *unit, size_t near)
{
  const struct asked asked = ask(unit);
  size_t low = 0, high = block->starts->len;

  if (near >= high && high > 0) near = high - 1;
  /* Units come in order, and most lines in between are few. */
  for (size_t step = 0; step < 8 && near < high && near + step < high; step++) {
    if (compare_unit(line_at(block, near + step), &asked) < 0) {
      low = near + step + 1;
      continue;
    }
    if (step > 0) return near + step;
    high = near;
  }
  while (low < high) {
    size_t middle = low + (high - low) / 2;

    if (compare_unit(line_at(block, middle), &asked) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

bool block_has(const struct block *block, size_t n, const char *unit)
{
  const struct asked asked = {.unit = unit};

  return n < block->starts->len && compare_unit(line_at(block, n), &asked) == 0;
}

/* --- a line that is read --- */

static bool take(const char **at, char expected)
{
  if (**at != expected) return false;
  (*at)++;
  return true;
}

static bool take_number(const char **at, uint64_t most, uint64_t *ret_value)
{
  uint64_t value = 0;
  const char *from = *at;

  for (; **at >= '0' && **at <= '9'; (*at)++) {
    uint64_t digit = (uint64_t)(**at - '0');

    if (digit > most || value > (most - digit) / 10) return false;
    value = value * 10 + digit;
  }
  *ret_value = value;
  return *at > from;
}

/* Whether one of the eight bytes is a quotation mark, a backslash or the line's end. */
static bool has_mark(uint64_t bytes)
{
  static const uint64_t ONES = UINT64_C(0x0101010101010101);
  uint64_t quote = bytes ^ ONES * '"', backslash = bytes ^ ONES * '\\', end = bytes ^ ONES * '\n';
  uint64_t zeros = ((quote - ONES) & ~quote) | ((backslash - ONES) & ~backslash) | ((end - ONES) & ~end);
  return zeros & ONES * 0x80;
}

/* Eight bytes at a time, as far as there is nothing to look at: a line goes on for more than that behind a
 * text. */
static bool take_text(const char **at, char ret_text[static LIMIT_CODE_BYTES + 1])
{
  size_t length = 0;

  if (!take(at, '"')) return false;
  for (uint64_t bytes; length + sizeof bytes <= LIMIT_CODE_BYTES; length += sizeof bytes) {
    memcpy(&bytes, *at + length, sizeof bytes);
    if (has_mark(bytes)) break;
    memcpy(ret_text + length, &bytes, sizeof bytes);
  }
  *at += length;
  while (**at != '"') {
    if (**at == '\\') (*at)++;
    if (**at == '\n' || **at == '\0' || length == LIMIT_CODE_BYTES) return false;
    ret_text[length++] = *(*at)++;
  }
  ret_text[length] = '\0';
  return take(at, '"');
}

static int hex_digit(char digit)
{
  if (digit >= '0' && digit <= '9') return digit - '0';
  return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static bool take_hex(const char **at, uint8_t ret_bytes[static FIGURES_PACKED_MOST], size_t *ret_length)
{
  size_t length = 0;

  if (!take(at, '"')) return false;
  for (; **at != '"'; *at += 2) {
    int high = hex_digit((*at)[0]), low = high < 0 ? -1 : hex_digit((*at)[1]);

    if (low < 0 || length == FIGURES_PACKED_MOST) return false;
    ret_bytes[length++] = (uint8_t)(high << 4 | low);
  }
  *ret_length = length;
  return take(at, '"');
}

/* What a first report of figures that counts does not say. */
static bool take_rest(const char **at, struct stored_report *report)
{
  uint64_t revision, kind, first, counted;

  report->since = report->position;
  report->revision = 1;
  report->kind = KIND_FIGURES;
  report->first = report->position;
  report->counted = true;
  if (**at == ']') return true;
  if (!take(at, ',') || !take_number(at, UINT32_MAX, &revision) || !take(at, ',') ||
      !take_number(at, KIND_WITHDRAWAL, &kind) || !take(at, ',') || !take_number(at, INT64_MAX, &first) ||
      !take(at, ',') || !take_number(at, 1, &counted))
    return false;
  report->revision = (unsigned)revision;
  report->kind = (enum report_kind)kind;
  report->first = first;
  report->counted = counted;
  return **at == ']' || (take(at, ',') && take_number(at, INT64_MAX, &report->since));
}

/* Returns where the line ends, or NULL. */
static const char *read_line(const char *at, struct block_entry *ret_entry)
{
  struct stored_report *report = &ret_entry->report;
  uint64_t membership, row, sealed_at, sealed_length, checksum;

  *report =
      (struct stored_report){.unit = ret_entry->unit, .park = ret_entry->park, .figures = ret_entry->figures};
  if (!take(&at, '[') || !take_text(&at, ret_entry->unit) || !take(&at, ',') ||
      !take_text(&at, ret_entry->park) || !take(&at, ',') || !take_number(&at, INT64_MAX, &membership) ||
      !take(&at, ',') || !take_number(&at, INT64_MAX, &report->position) || !take(&at, ',') ||
      !take_number(&at, UINT32_MAX, &row) || !take(&at, ',') ||
      !take_hex(&at, ret_entry->figures, &report->figures_length) || !take(&at, ',') ||
      !take_number(&at, LIMIT_SEALED_BYTES, &sealed_at) || !take(&at, ',') ||
      !take_number(&at, FIGURES_PACKED_MOST - report->figures_length, &sealed_length) || !take(&at, ',') ||
      !take_number(&at, UINT32_MAX, &checksum) || !take_rest(&at, report) || !take(&at, ']'))
    return NULL;
  report->membership = (int64_t)membership;
  report->row = (uint32_t)row;
  report->sealed_at = (uint32_t)sealed_at;
  report->sealed_length = (uint32_t)sealed_length;
  ret_entry->checksum = (uint32_t)checksum;
  return at;
}

bool block_entry(const struct block *block, size_t n, struct block_entry *ret_entry)
{
  const char *end = read_line(line_at(block, n), ret_entry);

  return end && *end == ',';
}

bool block_read_line(const char *line, struct block_entry *ret_entry)
{
  const char *end = read_line(line, ret_entry);

  return end && *end == '\0';
}

void block_entry_copy(const struct block_entry *entry, struct block_entry *ret_entry)
{
  ret_entry->report = entry->report;
  memcpy(ret_entry->unit, entry->unit, sizeof ret_entry->unit);
  memcpy(ret_entry->park, entry->park, sizeof ret_entry->park);
  ret_entry->report.unit = ret_entry->unit;
  ret_entry->report.park = ret_entry->park;
  ret_entry->report.figures = ret_entry->figures;
  memcpy(ret_entry->figures, entry->figures, entry->report.figures_length);
  ret_entry->checksum = entry->checksum;
}

void block_line(const struct block *block, size_t n, const char **ret_line, size_t *ret_length)
{
  *ret_line = line_at(block, n);
  *ret_length = line_end(block, n) - g_array_index(block->starts, uint32_t, n) - LINE_END_BYTES;
}

/* --- a line that is written --- */

uint32_t block_checksum(const struct stored_report *report)
{
  return (uint32_t)checksum_of(report->figures, report->figures_length);
}

static char *put_text(char *at, const char *text)
{
  *at++ = '"';
  for (; *text; text++) {
    if (*text == '"' || *text == '\\') *at++ = '\\';
    *at++ = *text;
  }
  *at++ = '"';
  return at;
}

static char *put_number(char *at, uint64_t value)
{
  char digits[20];
  size_t length = 0;

  *at++ = ',';
  do digits[length++] = (char)('0' + value % 10);
  while (value /= 10);
  while (length > 0) *at++ = digits[--length];
  return at;
}

static char *put_hex(char *at, const uint8_t *bytes, size_t length)
{
  static const char DIGITS[] = "0123456789abcdef";

  *at++ = ',';
  *at++ = '"';
  for (size_t n = 0; n < length; n++) {
    *at++ = DIGITS[bytes[n] >> 4];
    *at++ = DIGITS[bytes[n] & 15];
  }
  *at++ = '"';
  return at;
}

/* Returns how long it is. `figures` are the report's first so many bytes. */
static size_t format_line(const struct stored_report *report, size_t figures, uint32_t checksum,
                          char ret_line[static LINE_MOST])
{
  char *at = ret_line;
  bool waited = report->since > report->position;

  assert(figures <= FIGURES_PACKED_MOST);
  *at++ = '[';
  at = put_text(at, report->unit);
  *at++ = ',';
  at = put_text(at, report->park);
  at = put_number(at, (uint64_t)report->membership);
  at = put_number(at, report->position);
  at = put_number(at, report->row);
  at = put_hex(at, report->figures, figures);
  at = put_number(at, report->sealed_at);
  at = put_number(at, report->sealed_length);
  at = put_number(at, checksum);
  if (report->revision != 1 || report->kind != KIND_FIGURES || report->first != report->position ||
      !report->counted || waited) {
    at = put_number(at, report->revision);
    at = put_number(at, report->kind);
    at = put_number(at, report->first);
    at = put_number(at, report->counted);
    if (waited) at = put_number(at, report->since);
  }
  *at++ = ']';
  at = stpcpy(at, LINE_END);
  return (size_t)(at - ret_line);
}

static void shift_starts(struct block *block, size_t from, int64_t by)
{
  uint32_t *starts = (uint32_t *)(void *)block->starts->data;
  size_t count = block->starts->len;

  for (size_t n = from; n < count; n++) starts[n] += (uint32_t)by;
}

void block_insert(struct block *block, size_t n, const struct stored_report *report)
{
  char line[LINE_MOST];
  size_t length =
      format_line(report, report->figures_length - report->sealed_length, block_checksum(report), line);
  uint32_t start =
      (uint32_t)(n < block->starts->len ? g_array_index(block->starts, uint32_t, n) : block->lines->len);

  g_string_insert_len(block->lines, start, line, (gssize)length);
  g_array_insert_val(block->starts, (unsigned)n, start);
  shift_starts(block, n + 1, (int64_t)length);
  block->changed = true;
}

static void replace(struct block *block, size_t n, const char *line, size_t length)
{
  uint32_t start = g_array_index(block->starts, uint32_t, n);
  size_t before = line_end(block, n) - start;

  if (length != before) {
    g_string_erase(block->lines, start, (gssize)before);
    g_string_insert_len(block->lines, start, line, (gssize)length);
    shift_starts(block, n + 1, (int64_t)length - (int64_t)before);
  } else {
    memcpy(block->lines->str + start, line, length);
  }
  block->changed = true;
}

void block_replace(struct block *block, size_t n, const struct stored_report *report)
{
  char line[LINE_MOST];

  replace(block, n, line,
          format_line(report, report->figures_length - report->sealed_length, block_checksum(report), line));
}

void block_replace_entry(struct block *block, size_t n, const struct block_entry *entry)
{
  char line[LINE_MOST];

  replace(block, n, line, format_line(&entry->report, entry->report.figures_length, entry->checksum, line));
}

/* --- splitting --- */

/* Whether the line begins a unit. */
static bool begins_unit(const struct block *block, size_t n)
{
  char unit[LIMIT_CODE_BYTES + 1];
  const char *at = line_at(block, n) + 1;

  return take_text(&at, unit) && !block_has(block, n - 1, unit);
}

/* The line that begins the new block, 0 if none can. */
static size_t find_cut(const struct block *block, size_t at)
{
  size_t count = block->starts->len, middle = 1;

  if (at + 1 == count && at > 0 && begins_unit(block, at)) return at;
  while (middle + 1 < count && g_array_index(block->starts, uint32_t, middle) < block->lines->len / 2)
    middle++;
  for (size_t n = middle; n > 0 && n < count; n--)
    if (begins_unit(block, n)) return n;
  for (size_t n = middle + 1; n < count; n++)
    if (begins_unit(block, n)) return n;
  return 0;
}

struct block *block_split(struct block *block, size_t at)
{
  size_t cut = find_cut(block, at);
  char unit[LIMIT_CODE_BYTES + 1];
  struct block *upper;
  uint32_t start;
  const char *text;

  if (cut == 0) return NULL;
  text = line_at(block, cut) + 1;
  if (!take_text(&text, unit)) return NULL;
  upper = block_new(block->book, unit, block->to);
  start = g_array_index(block->starts, uint32_t, cut);
  g_string_append_len(upper->lines, block->lines->str + start, (gssize)(block->lines->len - start));
  g_array_append_vals(upper->starts, &g_array_index(block->starts, uint32_t, cut),
                      block->starts->len - (unsigned)cut);
  shift_starts(upper, 0, -(int64_t)start);
  upper->changed = block->changed = true;
  g_string_truncate(block->lines, start);
  g_array_set_size(block->starts, (unsigned)cut);
  g_free(block->to);
  block->to = g_strdup(unit);
  return upper;
}

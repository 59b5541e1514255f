/* Checks every total (each cell equals the sum over current reports) in both directions: each line is
 * what was reckoned, and nothing that was reckoned has no line. */
#include "aggregator/verifier/total_lines.h"

#include "aggregator/verifier/totals.h"
#include "common/text.h"

#include <stdlib.h>
#include <string.h>

struct total_lines {
  struct faults *faults;
  GHashTable *reckoned; /* "form,period,area,slice,column" → struct line */
  uint64_t compared;
};

struct line {
  struct sum sum;
  bool seen;
};

static void add_line(struct total_lines *lines, const struct totals *totals, const struct family *family,
                     const char *column, struct sum sum)
{
  const struct catalogue *catalogue = totals->catalogue;
  char period[PERIOD_TEXT_SIZE];
  if (sum.units == 0) return;
  struct line *line = g_new0(struct line, 1);
  line->sum = sum;
  g_hash_table_insert(lines->reckoned,
                      g_strdup_printf("%s,%s,%s,%s,%s", catalogue->forms[totals->form].code,
                                      period_format(totals->period, period),
                                      catalogue->areas[family->area].code,
                                      catalogue->slices[family->slice].code, column),
                      line);
}

static void add_book(struct total_lines *lines, const struct rebuilt *rebuilt, const struct book *book)
{
  CLEANUP(totals_free)
  struct totals *totals = totals_reckon(rebuilt, book->form, book->period, READ_AS_WRITTEN);
  GHashTableIter all;
  void *value;
  if (!totals) return;
  const struct form *form = &totals->catalogue->forms[totals->form];
  g_hash_table_iter_init(&all, totals->families);
  while (g_hash_table_iter_next(&all, NULL, &value)) {
    const struct family *family = value;
    add_line(lines, totals, family, "", (struct sum){family->nil, family->reported});
    for (size_t column = 0; column < form->column_count; column++)
      add_line(lines, totals, family, form->columns[column].code, family->sums[column]);
  }
}

struct total_lines *total_lines_new(const struct rebuilt *rebuilt, struct faults *faults)
{
  struct total_lines *lines = g_new0(struct total_lines, 1);
  GHashTableIter all;
  void *book;
  lines->faults = faults;
  lines->reckoned = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  g_hash_table_iter_init(&all, rebuilt->reports->books);
  while (g_hash_table_iter_next(&all, NULL, &book)) add_book(lines, rebuilt, book);
  return lines;
}

void total_lines_free(struct total_lines *lines)
{
  if (!lines) return;
  g_hash_table_unref(lines->reckoned);
  g_free(lines);
}

/* Parts "key,total,units", which it changes. */
static bool read_line(char *text, int128 *ret_total, int64_t *ret_units)
{
  char *units = strrchr(text, ',');
  int128 count;
  if (!units) return false;
  *units = '\0';
  char *total = strrchr(text, ',');
  if (!total) return false;
  *total = '\0';
  if (!decimal_read_int128(total + 1, ret_total) || !decimal_read_int128(units + 1, &count) || count < 1 ||
      count > INT64_MAX)
    return false;
  *ret_units = (int64_t)count;
  return true;
}

static void compare_line(struct total_lines *lines, const char *text)
{
  g_autofree char *key = g_strdup(text);
  char totals[2][DECIMAL_TEXT_SIZE], units[2][DECIMAL_TEXT_SIZE];
  int128 total;
  int64_t count;
  lines->compared++;
  if (!read_line(key, &total, &count)) {
    faults_add(lines->faults, NO_LEAF, _("total “%s”: this is no line of a total"), text);
    return;
  }
  struct line *line = g_hash_table_lookup(lines->reckoned, key);
  if (!line || line->seen) {
    faults_add(lines->faults, NO_LEAF,
               line ? _("total %s: it stands there twice") : _("total %s: the ledger comes to none"), key);
    return;
  }
  line->seen = true;
  if (line->sum.total == total && line->sum.units == count) return;
  faults_add(lines->faults, NO_LEAF, _("total %s: found %s of %s units, the ledger comes to %s of %s"), key,
             decimal_format(total, 0, totals[0]), decimal_format(count, 0, units[0]),
             decimal_format(line->sum.total, 0, totals[1]), decimal_format(line->sum.units, 0, units[1]));
}

void total_lines_compare(struct total_lines *lines, const char *text, size_t length)
{
  if (text[length - 1] != '\n') {
    faults_add(lines->faults, NO_LEAF, _("a record of totals ends in the middle of a line"));
    return;
  }
  for (size_t at = 0; at < length;) {
    const char *end = memchr(text + at, '\n', length - at);
    size_t size = (size_t)(end - (text + at));
    g_autofree char *line =
        text_is_clean(text + at, size) ? g_strndup(text + at, size) : text_excerpt(text + at, size, 64);
    compare_line(lines, line);
    at += size + 1;
  }
}

static int by_text(const void *left, const void *right)
{
  return strcmp(*(const char *const *)left, *(const char *const *)right);
}

void total_lines_end(struct total_lines *lines)
{
  unsigned count;
  g_autofree void **keys = g_hash_table_get_keys_as_array(lines->reckoned, &count);
  char total[DECIMAL_TEXT_SIZE];
  qsort(keys, count, sizeof *keys, by_text);
  for (unsigned n = 0; n < count; n++) {
    const struct line *line = g_hash_table_lookup(lines->reckoned, keys[n]);
    if (!line->seen)
      faults_add(lines->faults, NO_LEAF, _("total %s: it is missing, the ledger comes to %s"),
                 (const char *)keys[n], decimal_format(line->sum.total, 0, total));
  }
}

uint64_t total_lines_count(const struct total_lines *lines)
{
  return lines->compared;
}

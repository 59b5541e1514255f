#include "agent/spill.h"
#include "common/error.h"
#include "forms.h"
#include "tests/sanitized.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct catalogue *catalogue;
static char *folder;

struct seen {
  GString *text; /* entries as "unit period@row 0=value …;", findings as "!id@row;" */
  size_t entries, findings;
  int32_t last_period;
  char last_unit[LIMIT_CODE_BYTES + 1];
  size_t stop_at;
  unsigned __int128 sum;
};

static bool take_entry(const struct entry *entry, void *data)
{
  struct seen *seen = data;
  int32_t key = period_key(entry->period);
  assert_true(key > seen->last_period ||
              (key == seen->last_period && strcmp(entry->unit, seen->last_unit) > 0));
  seen->last_period = key;
  g_strlcpy(seen->last_unit, entry->unit, sizeof seen->last_unit);
  seen->entries++;
  for (unsigned c = column_set_next(&entry->change.figures.present, 0); c < LIMIT_FORM_COLUMNS;
       c = column_set_next(&entry->change.figures.present, c + 1))
    seen->sum += (unsigned __int128)entry->change.figures.value[c];
  if (seen->text->len > 1 << 16) return true;
  char period[PERIOD_TEXT_SIZE];
  g_string_append_printf(seen->text, "%s %s@%zu", entry->unit, period_format(entry->period, period),
                         entry->row);
  if (entry->change.kind != KIND_FIGURES)
    g_string_append_printf(seen->text, " kind%d", (int)entry->change.kind);
  for (unsigned c = 0; c < 5; c++) {
    if (!column_set_has(&entry->change.asked, c)) continue;
    g_string_append_printf(seen->text, " %u=", c);
    if (column_set_has(&entry->change.figures.present, c))
      g_string_append_printf(seen->text, "%d", (int)entry->change.figures.value[c]);
    if (column_set_has(&entry->change.withdrawn, c)) g_string_append_c(seen->text, 'x');
  }
  g_string_append(seen->text, "; ");
  return seen->entries != seen->stop_at;
}

static void take_finding(const struct finding *finding, void *data)
{
  struct seen *seen = data;
  seen->findings++;
  if (seen->text->len < 1 << 16)
    g_string_append_printf(seen->text, "!%s@%zu; ", finding_id(finding->code), finding->row);
}

static struct seen seen_new(void)
{
  return (struct seen){.text = g_string_new(NULL), .last_period = INT32_MIN};
}

/* One line a row: "unit,period,0=5 1= 2=x" or "nil"; "*" before it: of a long table; "?": refused. */
static void add_lines(struct spill *spill, const char *lines)
{
  g_auto(GStrv) rows = g_strsplit(lines, ";", -1);
  for (size_t i = 0; rows[i] && *rows[i]; i++) {
    const char *row = rows[i];
    struct entry *entry = g_new0(struct entry, 1);
    entry->row = i + 1;
    entry->whole = true;
    for (; *row == '*' || *row == '?'; row++) {
      if (*row == '*') entry->whole = false;
      if (*row == '?') entry->refused = true;
    }
    g_auto(GStrv) parts = g_strsplit(row, ",", 3);
    entry->unit = parts[0];
    assert_true(period_parse(parts[1], &entry->period));
    if (strcmp(parts[2], "nil") == 0) entry->change.kind = KIND_NIL;
    if (strcmp(parts[2], "gone") == 0) entry->change.kind = KIND_WITHDRAWAL;
    for (const char *equal = strchr(parts[2], '='); equal; equal = strchr(equal + 1, '=')) {
      unsigned column = (unsigned)(equal[-1] - '0');
      column_set_add(&entry->change.asked, column);
      if (equal[1] == 'x') column_set_add(&entry->change.withdrawn, column);
      if (equal[1] >= '0' && equal[1] <= '9') figures_set(&entry->change.figures, column, atoll(equal + 1));
    }
    assert_true(spill_add(spill, entry, NULL));
    g_free(entry);
  }
}

static const struct {
  const char *rows, *expected;
} groups[] = {
    {"", ""},
    {"b,2018-05,0=1;a,2018-05,0=2;a,2018-04,0=3", "a 2018-04@3 0=3; a 2018-05@2 0=2; b 2018-05@1 0=1; "},
    {"a,2018-05,0=1 1=;a,2018-05,0=1 1=", "!row.twice@2; a 2018-05@1 0=1 1=; "},
    {"a,2018-05,0=1;b,2018-05,0=1;a,2018-05,0=2;a,2018-05,0=1",
     "!row.conflict@1; !row.conflict@3; !row.conflict@4; b 2018-05@2 0=1; "},
    {"a,2018-05,0=1;a,2018-05,0=", "!row.conflict@1; !row.conflict@2; "},
    {"a,2018-05,0=;a,2018-05,0=x", "!row.conflict@1; !row.conflict@2; "},
    {"a,2018-05,nil;a,2018-05,nil", "!row.twice@2; a 2018-05@1 kind1; "},
    {"a,2018-05,nil;a,2018-05,gone", "!row.conflict@1; !row.conflict@2; "},
    {"a,2018-05,nil;a,2018-05,0=1", "!row.conflict@1; !row.conflict@2; "},
    {"a,2018-05,0=1;?a,2018-05,0=2;b,2018-05,0=3", "!row.with-refused@1; b 2018-05@3 0=3; "},
    {"?a,2018-05,0=2;a,2018-05,0=1;b,2018-05,0=3", "!row.with-refused@2; b 2018-05@3 0=3; "},
    {"?a,2018-05,0=2;?a,2018-05,0=1;b,2018-05,0=3", "b 2018-05@3 0=3; "},
    {"?a,2018-05,0=2;b,2018-05,0=3;?c,2018-05,0=1", "b 2018-05@2 0=3; "},
    {"*a,2018-05,0=1;*a,2018-05,2=5;*b,2018-05,0=1;*a,2018-05,1=;*a,2018-05,3=x",
     "a 2018-05@1 0=1 1= 2=5 3=x; b 2018-05@3 0=1; "},
    {"*a,2018-05,0=1;*a,2018-05,1=2;*a,2018-05,0=1", "!row.twice@3; a 2018-05@1 0=1 1=2; "},
    {"*a,2018-05,0=1;*a,2018-05,0=2;*a,2018-05,1=2;*a,2018-05,0=1;*b,2018-05,0=1",
     "!row.conflict@1; !row.conflict@2; !row.twice@4; b 2018-05@5 0=1; "},
    {"*a,2018-05,nil;*a,2018-05,nil;*b,2018-05,nil;*b,2018-05,0=1",
     "!row.twice@2; a 2018-05@1 kind1; !row.conflict@4; "},
    {"*a,2018-05,0=1;?*a,2018-05,1=;*a,2018-05,2=3", "!row.with-refused@1; "},
};

static bool take_change(const struct entry *entry, void *data)
{
  *(struct report_change *)data = entry->change;
  return true;
}

static void a_report_of_any_columns_comes_back_as_it_was(void **state)
{
  (void)state;
  static const unsigned widths[] = {0, 1, 63, 64, 65, 200, LIMIT_FORM_COLUMNS};
  for (size_t i = 0; i < G_N_ELEMENTS(widths); i++) {
    struct seen seen = seen_new();
    struct entry entry = {.unit = "a", .period = {2018, 5, 1}, .row = 1, .whole = true};
    for (unsigned c = 0; c < widths[i]; c++) {
      column_set_add(&entry.change.asked, c);
      if (c % 7 == 3)
        column_set_add(&entry.change.withdrawn, c);
      else
        figures_set(&entry.change.figures, c, c % 2 ? INT64_MIN + c : INT64_MAX - c);
    }
    CLEANUP(spill_free) struct spill *spill = spill_new(folder, "a.csv", catalogue, take_finding, &seen);
    assert_true(spill_add(spill, &entry, NULL));
    struct report_change back = {.kind = KIND_WITHDRAWAL};
    assert_true(spill_each(spill, 0, take_change, &back, NULL));
    assert_int_equal(back.kind, KIND_FIGURES);
    assert_memory_equal(&back.asked, &entry.change.asked, sizeof back.asked);
    assert_memory_equal(&back.withdrawn, &entry.change.withdrawn, sizeof back.withdrawn);
    assert_true(figures_equal(&back.figures, &entry.change.figures));
    assert_int_equal(seen.findings, 0);
    g_string_free(seen.text, TRUE);
  }
}

static void entries_of_a_unit_and_period_join_or_are_refused_by_name(void **state)
{
  (void)state;
  for (size_t i = 0; i < G_N_ELEMENTS(groups); i++) {
    struct seen seen = seen_new();
    CLEANUP(spill_free) struct spill *spill = spill_new(folder, "table.csv", catalogue, take_finding, &seen);
    add_lines(spill, groups[i].rows);
    assert_true(spill_each(spill, 0, take_entry, &seen, NULL));
    if (strcmp(seen.text->str, groups[i].expected) != 0)
      fail_msg("%s\nfound    %s\nexpected %s", groups[i].rows, seen.text->str, groups[i].expected);
    g_string_free(seen.text, TRUE);
  }
}

static void the_taker_may_end_it(void **state)
{
  (void)state;
  struct seen seen = seen_new();
  seen.stop_at = 1;
  CLEANUP(spill_free) struct spill *spill = spill_new(folder, "table.csv", catalogue, take_finding, &seen);
  add_lines(spill, "a,2018-05,0=1;b,2018-05,0=2;c,2018-05,0=3");
  g_autoptr(GError) error = NULL;
  assert_false(spill_each(spill, 0, take_entry, &seen, &error));
  assert_null(error);
  assert_int_equal(seen.entries, 1);
  g_string_free(seen.text, TRUE);
}

static void a_folder_that_takes_no_files_is_an_error(void **state)
{
  (void)state;
  struct seen seen = seen_new();
  g_autofree char *missing = g_build_filename(folder, "missing", NULL);
  CLEANUP(spill_free) struct spill *spill = spill_new(missing, "table.csv", catalogue, take_finding, &seen);
  g_autofree struct entry *entry = g_new0(struct entry, 1);
  entry->unit = "a";
  entry->period = (struct period){.year = 2018, .month = 5, .months = 1};
  for (unsigned c = 0; c < LIMIT_FORM_COLUMNS; c++) figures_set(&entry->change.figures, c, LIMIT_FIGURE);
  g_autoptr(GError) error = NULL;
  size_t added = 0;
  while (added < 100000 && spill_add(spill, entry, &error)) added++;
  assert_true(g_error_matches(error, PARKTALLY_ERROR, ERROR_IO));
  assert_in_range(added * 1000, 1, LIMIT_SPILL_BYTES);
  g_string_free(seen.text, TRUE);
}

/* A small generator with a seed of its own (xorshift). */
static uint64_t next_random(uint64_t *random)
{
  *random ^= *random << 13;
  *random ^= *random >> 7;
  *random ^= *random << 17;
  return *random;
}

/* Kilobytes that the process holds. */
static size_t resident(void)
{
  unsigned long pages = 0, held = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  assert_non_null(file);
  assert_int_equal(fscanf(file, "%lu %lu", &pages, &held), 2);
  fclose(file);
  return held * 4;
}

static size_t open_files(void)
{
  size_t count = 0;
  DIR *dir = opendir("/proc/self/fd");
  assert_non_null(dir);
  while (readdir(dir)) count++;
  closedir(dir);
  return count;
}

#if SANITIZED
#define MANY 400000
#else
#define MANY 4000000
#endif

/* `count` units in random order through many runs: each comes out once, sorted, and nothing is lost. */
static void sort_many(size_t count, size_t capacity, uint64_t seed, bool ascending, bool twice)
{
  uint64_t random = seed;
  struct seen seen = seen_new();
  CLEANUP(spill_free) struct spill *spill = spill_new(folder, "table.csv", catalogue, take_finding, &seen);
  spill_set_capacity(spill, capacity);
  g_autofree struct entry *entry = g_new0(struct entry, 1);
  entry->whole = true;
  unsigned __int128 sum = 0;
  size_t before = resident(), most = 0;
  for (size_t i = 0; i < count; i++) {
    /* an odd factor permutes the numbers below 2^32 */
    uint32_t number = ascending ? (uint32_t)i : (uint32_t)i * UINT32_C(2654435761);
    char unit[32];
    snprintf(unit, sizeof unit, "%010u-%s", number, "0123456789012345");
    entry->unit = unit;
    entry->row = i + 1;
    entry->period =
        (struct period){.year = 2018, .month = (uint8_t)(ascending ? 1 : 1 + number % 3), .months = 1};
    memset(&entry->change, 0, sizeof entry->change.kind + 2 * sizeof(struct column_set));
    figures_clear(&entry->change.figures);
    for (unsigned c = 0; c < 5; c++) {
      int64_t value = (int64_t)(next_random(&random) % 100000000);
      figures_set(&entry->change.figures, c, value);
      column_set_add(&entry->change.asked, c);
      sum += (unsigned __int128)value;
    }
    assert_true(spill_add(spill, entry, NULL));
    if (twice) assert_true(spill_add(spill, entry, NULL));
    if (i % 65536 == 0) most = MAX(most, spill_memory(spill));
  }
  assert_in_range(open_files(), 1, 200); /* runs of two levels and what the process has open itself */
  assert_true(spill_each(spill, 0, take_entry, &seen, NULL));
  assert_int_equal(seen.entries, count);
  assert_true(seen.sum == sum);
  assert_int_equal(seen.findings, twice ? count : 0);
  assert_true(most <= LIMIT_SPILL_BYTES + LIMIT_MIB);
  if (!SANITIZED) assert_true(resident() <= before + (LIMIT_SPILL_BYTES + 2 * LIMIT_MIB) / LIMIT_KIB);
  g_string_free(seen.text, TRUE);
}

static void millions_of_entries_are_sorted_in_bounded_memory(void **state)
{
  (void)state;
  const char *given = g_getenv("PARKTALLY_SEED");
  uint64_t seed = given ? g_ascii_strtoull(given, NULL, 0) : 20180531;
  print_message("PARKTALLY_SEED=%" G_GUINT64_FORMAT "\n", seed);
  sort_many(MANY, LIMIT_SPILL_BYTES, seed, false, false);
  sort_many(MANY / 4, LIMIT_SPILL_BYTES, seed, true, true);
}

/* 64 runs are merged into one, and those again: 250 000 entries of 100 bytes give about 100 runs of 256 KiB.
 */
static void runs_are_merged_level_by_level(void **state)
{
  (void)state;
  const size_t counts[] = {150000, 160000, 250000, 600000};
  for (size_t i = 0; i < G_N_ELEMENTS(counts); i++)
    sort_many(counts[i], 256 * LIMIT_KIB, 7, i % 2 == 1, i == 2);
}

static void nothing_is_left_in_the_folder(void **state)
{
  (void)state;
  DIR *dir = opendir(folder);
  assert_non_null(dir);
  for (struct dirent *item = readdir(dir); item; item = readdir(dir)) assert_int_equal(item->d_name[0], '.');
  closedir(dir);
}

static int set_up(void **state)
{
  (void)state;
  catalogue = forms_catalogue();
  folder = g_dir_make_tmp("parktally-spill-XXXXXX", NULL);
  return folder ? 0 : 1;
}

static int tear_down(void **state)
{
  (void)state;
  g_rmdir(folder);
  g_free(folder);
  catalogue_unref(catalogue);
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_report_of_any_columns_comes_back_as_it_was),
      cmocka_unit_test(entries_of_a_unit_and_period_join_or_are_refused_by_name),
      cmocka_unit_test(the_taker_may_end_it),
      cmocka_unit_test(a_folder_that_takes_no_files_is_an_error),
      cmocka_unit_test(millions_of_entries_are_sorted_in_bounded_memory),
      cmocka_unit_test(runs_are_merged_level_by_level),
      cmocka_unit_test(nothing_is_left_in_the_folder),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}

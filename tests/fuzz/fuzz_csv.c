/* Files of figures, from their bytes to changes of reports by the shipped catalogue; and their rows as libcsv
 * alone would give them. */
#include "check.h"

#include "agent/mapping.h"
#include "agent/source/source.h"
#include "tests/csv_reference.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct catalogue *catalogue;
static int file;

struct run {
  unsigned findings[3]; /* by severity; first, for check_finding() */
  struct mapping *mapping;
  size_t row;
  bool ended;
};

static bool take_entry(const struct entry *entry, void *data)
{
  struct run *run = data;
  struct period period;
  int form = mapping_form(run->mapping);
  CHECK(entry->row > 0 && entry->unit && entry->unit[0]);
  CHECK(form != CATALOGUE_NONE ||
        entry->refused); /* a refused row may come before the form of a long table is known */
  CHECK(period_from_key(period_key(entry->period), &period) && period_equal(period, entry->period));
  if (entry->refused) return true;
  CHECK(g_utf8_validate(entry->unit, -1, NULL));
  const struct report_change *change = &entry->change;
  for (unsigned c = column_set_next(&change->figures.present, 0); c < LIMIT_FORM_COLUMNS;
       c = column_set_next(&change->figures.present, c + 1)) {
    CHECK(c < catalogue->forms[form].column_count && column_set_has(&change->asked, c));
    CHECK(change->figures.value[c] >= -LIMIT_FIGURE && change->figures.value[c] <= LIMIT_FIGURE);
  }
  return true;
}

static bool take_row(struct source_row *row, void *data)
{
  struct run *run = data;
  CHECK(row->number > run->row && row->count > 0);
  run->row = row->number;
  for (size_t i = 0; i < row->count; i++) {
    CHECK(row->cells[i].text[row->cells[i].length] == '\0');
    CHECK(g_utf8_validate(row->cells[i].text, (gssize)row->cells[i].length, NULL));
  }
  run->ended = !mapping_row(run->mapping, row);
  return !run->ended;
}

static bool tell_row(struct source_row *row, void *data)
{
  csv_tell_row(data, row);
  for (size_t i = 0; i < row->count; i++) memset(row->cells[i].text, '"', row->cells[i].length);
  return true;
}

static void tell_finding(const struct finding *finding, void *data)
{
  csv_tell_finding(data, finding->code, finding->row, finding->column);
}

static void compare(const char *path, const char *text, size_t length, char delimiter)
{
  static const char mark[] = "\xEF\xBB\xBF", workbook[] = "PK\x03\x04";
  if (!g_utf8_validate(text, (gssize)length, NULL)) return; /* nor may it have NULs */
  if (length >= strlen(workbook) && memcmp(text, workbook, strlen(workbook)) == 0) return;
  size_t skip = length >= strlen(mark) && memcmp(text, mark, strlen(mark)) == 0 ? strlen(mark) : 0;
  const struct source_options options = {.encoding = "utf-8", .delimiter = delimiter};
  g_autoptr(GError) error = NULL;
  g_autoptr(GString) told = g_string_new(NULL);
  g_autoptr(GString) expected = csv_reference_tell(text + skip, length - skip, delimiter);
  source_csv.read(path, &options, tell_row, tell_finding, told, &error);
  CHECK(!error && g_string_equal(told, expected));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc, (void)argv;
  g_autoptr(GError) error = NULL;
  catalogue = catalogue_read(SOURCE_DIR "/deploy/catalogue/liuzhou.yaml", &error);
  if (!catalogue) fprintf(stderr, "%s\n", error->message);
  file = memfd_create("figures", MFD_CLOEXEC);
  CHECK(catalogue && file >= 0);
  return 0;
}

/* The first byte: what is known beforehand of encoding, form and period. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const char *const encodings[] = {NULL, NULL, "utf-8", "gb18030"};
  const struct period may = {2018, 5, 1};
  if (size == 0) return 0;
  unsigned known = data[0];
  CHECK(ftruncate(file, 0) == 0 && pwrite(file, data + 1, size - 1, 0) == (ssize_t)(size - 1));
  g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", file);
  compare(path, (const char *)data + 1, size - 1, ",\t;,"[known >> 6]);
  const struct source_options source = {.encoding = encodings[known & 3]};
  const struct mapping_options options = {
      .catalogue = catalogue,
      .form = known & 4 ? catalogue->forms[(known >> 4) % catalogue->form_count].code : NULL,
      .period = known & 8 ? &may : NULL};
  struct run run = {.ended = false};
  CLEANUP(mapping_free)
  struct mapping *mapping = mapping_new(&options, "figures.csv", take_entry, check_finding, &run);
  run.mapping = mapping;
  g_autoptr(GError) error = NULL;
  bool whole = source_csv.read(path, &source, take_row, check_finding, &run, &error) && !run.ended;
  if (whole) whole = mapping_finish(mapping);
  CHECK(!error && whole == (run.findings[SEVERITY_FILE] == 0));
  return 0;
}

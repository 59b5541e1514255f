/* Registers: what is read is written and read again the same, and answers about each of its units. */
#include "check.h"

#include "common/register.h"

#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct catalogue *catalogue;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc, (void)argv;
  g_autoptr(GError) error = NULL;
  catalogue = catalogue_read(SOURCE_DIR "/tests/data/small.yaml", &error);
  if (!catalogue) fprintf(stderr, "%s\n", error->message);
  CHECK(catalogue);
  return 0;
}

static void check_same(struct unit_register *units)
{
  unsigned findings[3] = {0};
  g_autoptr(GBytes) written = register_write_csv(units, catalogue, CATALOGUE_NONE);
  CLEANUP(register_unref) struct unit_register *again = NULL;
  size_t length;
  const char *text = g_bytes_get_data(written, &length);
  g_autoptr(GError) error = NULL;
  bool read =
      register_read_csv(catalogue, "again.csv", text, length, check_finding, findings, &again, &error);
  if (!read) fprintf(stderr, "%s\n%.*s\n", error->message, (int)length, text);
  CHECK(read && register_size(again) == register_size(units));
  g_autoptr(GBytes) written_again = register_write_csv(again, catalogue, CATALOGUE_NONE);
  CHECK(g_bytes_equal(written, written_again));
}

static void ask(const struct unit_register *units)
{
  const struct period may = {2018, 5, 1};
  for (size_t n = 0; n < register_size(units); n++) {
    const struct unit_version *version = register_nth(units, n), *first;
    CHECK(register_find(units, version->unit, version->from) == version);
    CHECK(unit_version_equal(version, version) && register_unit(units, version->unit, &first) > 0);
    const struct unit_version *governs = register_version(units, version->unit, may);
    CHECK(!governs || strcmp(governs->unit, version->unit) == 0);
    for (size_t form = 0; form < catalogue->form_count; form++)
      register_owes(units, catalogue, version->unit, (int)form, may);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  unsigned findings[3] = {0};
  CLEANUP(register_unref) struct unit_register *units = NULL;
  g_autoptr(GError) error = NULL;
  bool read = register_read_csv(catalogue, "fuzz.csv", (const char *)data, size, check_finding, findings,
                                &units, &error);
  check_error(read, error);
  CHECK(read == (units != NULL) && read == (findings[SEVERITY_REPORT] + findings[SEVERITY_FILE] == 0));
  if (!read) return 0;
  check_same(units);
  ask(units);
  return 0;
}

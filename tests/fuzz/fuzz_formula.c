/* Rules: the first bytes are a report's figures, the rest is the formula; whatever is taken can be asked. */
#include "check.h"

#include "common/formula.h"
#include "common/limits.h"

#include <string.h>

#define COLUMNS 4
#define FIGURES (COLUMNS * TENSE_COUNT)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Columns a … d, of 0 … 9 decimals. */
static bool resolve(const char *code, int *ret_column, unsigned *ret_decimals, void *data)
{
  (void)data;
  if (code[0] < 'a' || code[0] >= 'a' + COLUMNS || code[1]) return false;
  *ret_column = code[0] - 'a';
  *ret_decimals = (unsigned)*ret_column * 3;
  return true;
}

static void visit(int column, void *data)
{
  (void)data;
  CHECK(column >= 0 && column < COLUMNS);
}

/* A byte says which figures are there, and how large. */
static int64_t figure(uint8_t byte)
{
  int64_t magnitude = byte & 2 ? LIMIT_FIGURE : byte >> 3;
  return byte & 4 ? -magnitude : magnitude;
}

static void ask(const struct formula *formula, const uint8_t *bytes)
{
  struct figures figures[TENSE_COUNT];
  struct formula_facts facts = {.month = 1 + bytes[0] % 12u};
  struct formula_failure failure = {.column = -2};
  for (unsigned i = 0; i < FIGURES; i++) {
    if (i % COLUMNS == 0) figures_clear(&figures[i / COLUMNS]);
    if (bytes[i] & 1) figures_set(&figures[i / COLUMNS], i % COLUMNS, figure(bytes[i]));
    if (bytes[i] != 0) facts.figures[i / COLUMNS] = &figures[i / COLUMNS];
  }
  bool holds = formula_holds(formula, &facts, &failure);
  CHECK(holds == formula_holds(formula, &facts, NULL));
  CHECK(holds == (failure.column == -2));
  if (!holds) CHECK(failure.column < COLUMNS && strlen(failure.found) < sizeof failure.found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const uint8_t nothing[FIGURES] = {0};
  if (size < FIGURES) return 0;
  g_autofree char *text = g_strndup((const char *)data + FIGURES, size - FIGURES);
  g_autofree char *mistake = NULL;
  size_t at = 0;
  CLEANUP(formula_free) struct formula *formula = formula_compile(text, resolve, NULL, &mistake, &at);
  CHECK((formula == NULL) == (mistake != NULL));
  if (!formula) {
    CHECK(at <= strlen(text) && *mistake && g_utf8_validate(mistake, -1, NULL));
    return 0;
  }
  formula_each_column(formula, visit, NULL);
  ask(formula, data);
  ask(formula, nothing);
  return 0;
}

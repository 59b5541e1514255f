/* tests/data/small.yaml and registers under it, for tests that need no aggregator around them. */
#ifndef PARKTALLY_TESTS_SMALL_H
#define PARKTALLY_TESTS_SMALL_H

#include "common/catalogue.h"
#include "common/register.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Its text with `what` replaced once by `with` (both NULL: as it is), and `more` behind. */
static inline char *small_text(const char *what, const char *with, const char *more)
{
  g_autofree char *path = g_build_filename(SOURCE_DIR, "tests", "data", "small.yaml", NULL);
  g_autofree char *text = NULL;
  assert_true(g_file_get_contents(path, &text, NULL, NULL));
  if (!what) return g_strconcat(text, more, NULL);
  g_auto(GStrv) parts = g_strsplit(text, what, 2);
  assert_non_null(parts[1]);
  return g_strconcat(parts[0], with, parts[1], more, NULL);
}

static inline struct catalogue *small_catalogue(const char *what, const char *with, const char *more)
{
  g_autofree char *text = small_text(what, with, more);
  g_autoptr(GError) error = NULL;
  struct catalogue *catalogue = catalogue_compile("small.yaml", text, strlen(text), &error);
  if (!catalogue) fail_msg("%s", error->message);
  return catalogue;
}

static inline struct unit_register *small_register(const struct catalogue *catalogue, const char *csv)
{
  struct unit_register *units = NULL;
  g_autoptr(GError) error = NULL;
  if (!register_read_csv(catalogue, "test.csv", csv, strlen(csv), NULL, NULL, &units, &error))
    fail_msg("%s", error->message);
  return units;
}

#endif

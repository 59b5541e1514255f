/* Catalogues: what compiles may follow itself, and answers every question about what it holds. */
#include "check.h"

#include "common/catalogue.h"
#include "common/text.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask_form(const struct catalogue *catalogue, int f)
{
  const struct form *form = &catalogue->forms[f];
  CHECK(catalogue_form(catalogue, form->code) == f);
  for (unsigned year = 2017; year < 2020; year++)
    for (uint8_t month = 1; month <= 12; month++) {
      g_autofree char *objection =
          catalogue_period_objection(catalogue, f, (struct period){(int16_t)year, month, 1});
      CHECK(!objection || g_utf8_validate(objection, -1, NULL));
    }
  for (size_t c = 0; c < form->column_count; c++) {
    g_autofree char *name = catalogue_column_name(catalogue, f, (int)c);
    g_autofree char *key = text_key(form->columns[c].code);
    CHECK(g_utf8_validate(name, -1, NULL));
    CHECK(catalogue_column(catalogue, f, form->columns[c].code) == (int)c);
    const GArray *headings = catalogue_headings(catalogue, key);
    for (unsigned h = 0; headings && h < headings->len; h++) {
      const struct column_ref *ref = &g_array_index(headings, struct column_ref, h);
      CHECK((size_t)ref->form < catalogue->form_count &&
            (size_t)ref->column < catalogue->forms[ref->form].column_count);
    }
  }
}

static void ask(const struct catalogue *catalogue)
{
  g_autoptr(GError) error = NULL;
  bool follows = catalogue_may_follow(catalogue, catalogue, &error);
  check_error(follows, error);
  CHECK(follows);
  for (size_t a = 0; a < catalogue->area_count; a++) {
    CHECK(catalogue_area(catalogue, catalogue->areas[a].code) == (int)a);
    CHECK(catalogue_area_within(catalogue, (int)a, (int)a));
  }
  for (size_t i = 0; i < catalogue->indicator_count; i++)
    CHECK(catalogue_indicator(catalogue, catalogue->indicators[i].code) == (int)i);
  for (size_t f = 0; f < catalogue->form_count; f++) ask_form(catalogue, (int)f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autoptr(GError) error = NULL;
  CLEANUP(catalogue_unref)
  struct catalogue *catalogue = catalogue_compile("fuzz.yaml", (const char *)data, size, &error);
  check_error(catalogue != NULL, error);
  if (!catalogue) return 0;
  CHECK(catalogue->text_length == size && memcmp(catalogue->text, data, size) == 0);
  ask(catalogue);
  return 0;
}

#include "agent/mapping_private.h"
#include "common/text.h"

#include <assert.h>
#include <string.h>

#define NEAREST_LENGTH 64           /* characters that are compared */
#define CONVERSION_LIMIT 1000000000 /* of decimal_parse() */

static const struct form *form_of(const struct mapping *mapping, int form)
{
  return &mapping->catalogue->forms[form];
}

static bool is_inferable(const struct mapping *mapping, int form)
{
  return (int)form_of(mapping, form)->role == mapping->role && !form_of(mapping, form)->retired;
}

/* "output-monthly, finance-monthly": the forms of the agent's role. */
static char *list_forms(const struct mapping *mapping)
{
  g_autoptr(GString) list = g_string_new(NULL);
  for (size_t f = 0; f < mapping->catalogue->form_count; f++)
    if (is_inferable(mapping, (int)f))
      g_string_append_printf(list, "%s%s", list->len ? ", " : "", mapping->catalogue->forms[f].code);
  return g_string_free(g_steal_pointer(&list), FALSE);
}

static int column_in(const GArray *candidates, int form)
{
  for (guint i = 0; i < candidates->len; i++) {
    const struct column_ref *ref = &g_array_index(candidates, struct column_ref, i);
    if (ref->form == form) return ref->column;
  }
  return CATALOGUE_NONE;
}

int form_column(const struct mapping *mapping, const GArray *candidates)
{
  return column_in(candidates, mapping->form);
}

/* How many columns of figures the file has, and how many of them the form has. */
static size_t count_covered(const struct mapping *mapping, int form, size_t *ret_all)
{
  size_t covered = 0, all = 0;
  for (size_t i = 0; i < mapping->width; i++) {
    if (mapping->bindings[i].meaning != MEANING_FIGURE) continue;
    all++;
    if (column_in(mapping->bindings[i].candidates, form) != CATALOGUE_NONE) covered++;
  }
  *ret_all = all;
  return covered;
}

static bool fits_period(const struct mapping *mapping, int form)
{
  const struct period *period = mapping->has_wanted_period  ? &mapping->wanted_period
                                : mapping->has_title_period ? &mapping->title_period
                                                            : NULL;
  if (!period) return true;
  unsigned months = period->months == 2 ? 1 : period->months; /* January and February together are monthly */
  return form_of(mapping, form)->months == months;
}

/* No form has all of the columns: says which ones the best form lacks. */
static void refuse_none(struct mapping *mapping)
{
  int best = CATALOGUE_NONE;
  size_t most = 0, all;
  for (size_t f = 0; f < mapping->catalogue->form_count; f++) {
    size_t covered = count_covered(mapping, (int)f, &all);
    if (!is_inferable(mapping, (int)f) || covered <= most) continue;
    most = covered;
    best = (int)f;
  }
  g_autofree char *forms = list_forms(mapping);
  g_autoptr(GString) found = g_string_new(NULL);
  for (size_t i = 0; best != CATALOGUE_NONE && i < mapping->width; i++) {
    const struct binding *binding = &mapping->bindings[i];
    if (binding->meaning == MEANING_FIGURE && column_in(binding->candidates, best) == CATALOGUE_NONE)
      g_string_append_printf(found, "%s%s", found->len ? ", " : "", binding->heading);
  }
  if (best != CATALOGUE_NONE) g_string_append_printf(found, _(" (not of %s)"), form_of(mapping, best)->code);
  mapping_say(mapping, FINDING_FILE_FORM, NOWHERE, found->str, forms);
}

static bool take_wanted_form(struct mapping *mapping)
{
  mapping->form = catalogue_form(mapping->catalogue, mapping->wanted_form);
  if (mapping->form == CATALOGUE_NONE) {
    g_autofree char *forms = list_forms(mapping);
    mapping_say(mapping, FINDING_FORM_UNKNOWN, NOWHERE, mapping->wanted_form, forms);
    return false;
  }
  for (size_t i = 0; i < mapping->width; i++) {
    struct binding *binding = &mapping->bindings[i];
    if (binding->meaning != MEANING_FIGURE || form_column(mapping, binding->candidates) != CATALOGUE_NONE)
      continue;
    g_autofree char *key = text_key(binding->heading);
    g_autofree char *nearest = form_nearest(mapping, key);
    mapping_say(mapping, FINDING_COLUMN_UNKNOWN, i, binding->heading, nearest);
  }
  return !mapping->refused;
}

bool form_infer(struct mapping *mapping)
{
  if (mapping->wanted_form && !take_wanted_form(mapping)) return false;
  if (mapping->indicator_at != NOWHERE) return true; /* a long table's first row tells */
  g_autoptr(GString) fitting = g_string_new(NULL);
  int fit = CATALOGUE_NONE, fit_by_period = CATALOGUE_NONE;
  size_t fits = 0, fits_by_period = 0, all = 0;
  for (size_t f = 0; f < mapping->catalogue->form_count; f++) {
    size_t covered = count_covered(mapping, (int)f, &all);
    if (!is_inferable(mapping, (int)f) || covered < all) continue;
    g_string_append_printf(fitting, "%s%s", fitting->len ? ", " : "", mapping->catalogue->forms[f].code);
    fits++;
    fit = (int)f;
    if (!fits_period(mapping, (int)f)) continue;
    fits_by_period++;
    fit_by_period = (int)f;
  }
  if (all == 0) {
    mapping_say(mapping, FINDING_COLUMN_MISSING, NOWHERE, NULL, _("at least one column of figures"));
    return false;
  }
  if (mapping->form != CATALOGUE_NONE) return true;
  if (fits == 0) {
    refuse_none(mapping);
    return false;
  }
  mapping->form = fits == 1 ? fit : fits_by_period == 1 ? fit_by_period : CATALOGUE_NONE;
  if (mapping->form == CATALOGUE_NONE) mapping_say(mapping, FINDING_FILE_FORM, NOWHERE, NULL, fitting->str);
  return mapping->form != CATALOGUE_NONE;
}

bool form_infer_long(struct mapping *mapping, const GArray *candidates, struct period period)
{
  unsigned months = period.months == 2 ? 1 : period.months;
  for (guint i = 0; i < candidates->len && mapping->form == CATALOGUE_NONE; i++) {
    int form = g_array_index(candidates, struct column_ref, i).form;
    if (is_inferable(mapping, form) && form_of(mapping, form)->months == months) mapping->form = form;
  }
  if (mapping->form != CATALOGUE_NONE) return form_prepare_figures(mapping);
  g_autofree char *forms = list_forms(mapping);
  mapping_say(mapping, FINDING_FILE_FORM, mapping->indicator_at,
              mapping->row->cells[mapping->indicator_at].text, forms);
  return false;
}

/* The measure that the file's figures of this indicator are in where no heading says it: a title's, the
 * configuration's, its own. */
static int measure_of(struct mapping *mapping, int own)
{
  const struct measure *measures = mapping->catalogue->measures;
  for (guint i = 0; i < mapping->measures->len; i++) {
    int titled = g_array_index(mapping->measures, int, i);
    if (strcmp(measures[titled].base, measures[own].base) == 0) return titled;
  }
  const char *configured = mapping->rules ? mapping->rules->measure : NULL;
  if (!configured) return own;
  int measure = catalogue_measure(mapping->catalogue, configured);
  if (measure == CATALOGUE_NONE) return CATALOGUE_NONE;
  return strcmp(measures[measure].base, measures[own].base) == 0 ? measure : own;
}

static int64_t common_divisor(int64_t a, int64_t b)
{
  assert(a > 0 && b > 0); /* factors of measures */
  while (b != 0) {
    int64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

void form_convert(struct mapping *mapping, struct figure *figure, int stated, size_t at)
{
  const struct catalogue *catalogue = mapping->catalogue;
  const struct column *column = &catalogue->forms[mapping->form].columns[figure->column];
  const struct indicator *indicator = &catalogue->indicators[column->indicator];
  const struct measure *own = &catalogue->measures[indicator->measure];
  assert(own); /* every indicator has a measure */
  figure->decimals = indicator->decimals;
  if (stated == CATALOGUE_NONE) stated = measure_of(mapping, indicator->measure);
  const struct measure *measure = stated == CATALOGUE_NONE ? NULL : &catalogue->measures[stated];
  if (measure && strcmp(measure->base, own->base) == 0) {
    int64_t divisor = common_divisor(measure->factor, own->factor);
    figure->numerator = measure->factor / divisor;
    figure->denominator = own->factor / divisor;
    if (figure->numerator <= CONVERSION_LIMIT && figure->denominator <= CONVERSION_LIMIT) return;
  }
  mapping_say(mapping, FINDING_COLUMN_MEASURE, at, measure ? measure->code : mapping->rules->measure,
              own->code);
}

/* Of a long table every column of the form, of a wide one those of the file. */
bool form_prepare_figures(struct mapping *mapping)
{
  if (mapping->form == CATALOGUE_NONE) return false;
  bool is_long = mapping->indicator_at != NOWHERE;
  size_t most = is_long ? form_of(mapping, mapping->form)->column_count : mapping->width;
  mapping->figures = g_new0(struct figure, most + 1);
  size_t first_at[LIMIT_FORM_COLUMNS];
  for (size_t i = 0; i < most; i++) {
    if (!is_long && mapping->bindings[i].meaning != MEANING_FIGURE) continue;
    struct figure *figure = &mapping->figures[mapping->figure_count];
    figure->at = is_long ? mapping->value_at : i;
    figure->column = is_long ? (int)i : form_column(mapping, mapping->bindings[i].candidates);
    if (column_set_has(&mapping->asked, (unsigned)figure->column)) {
      mapping_say(mapping, FINDING_COLUMN_TWICE, i, mapping->bindings[i].heading,
                  mapping->bindings[first_at[figure->column]].heading);
      continue;
    }
    mapping->figure_count++;
    first_at[figure->column] = i;
    column_set_add(&mapping->asked, (unsigned)figure->column);
    form_convert(mapping, figure, mapping->bindings[figure->at].measure, figure->at);
  }
  return !mapping->refused;
}

/* --- the nearest heading --- */

static size_t distance(const gunichar *a, size_t a_length, const gunichar *b, size_t b_length)
{
  size_t costs[NEAREST_LENGTH + 1];
  for (size_t j = 0; j <= b_length; j++) costs[j] = j;
  for (size_t i = 1; i <= a_length; i++) {
    size_t diagonal = costs[0];
    costs[0] = i;
    for (size_t j = 1; j <= b_length; j++) {
      size_t changed = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = costs[j];
      costs[j] = MIN(changed, MIN(costs[j], costs[j - 1]) + 1);
    }
  }
  return costs[b_length];
}

struct nearest {
  gunichar *key;
  size_t length;
  size_t best; /* distance */
  char *text;
};

static void compare(struct nearest *nearest, const char *text)
{
  if (!text || !*text) return;
  g_autofree char *key = text_key(text);
  glong length;
  g_autofree gunichar *characters = g_utf8_to_ucs4_fast(key, -1, &length);
  size_t found = distance(nearest->key, nearest->length, characters, MIN((size_t)length, NEAREST_LENGTH));
  if (found >= nearest->best) return;
  nearest->best = found;
  g_free(nearest->text);
  nearest->text = g_strdup(text);
}

char *form_nearest(const struct mapping *mapping, const char *key)
{
  glong length;
  g_autofree gunichar *characters = g_utf8_to_ucs4_fast(key, -1, &length);
  struct nearest nearest = {
      .key = characters, .length = MIN((size_t)length, NEAREST_LENGTH), .best = SIZE_MAX};
  int wanted =
      mapping->wanted_form ? catalogue_form(mapping->catalogue, mapping->wanted_form) : CATALOGUE_NONE;
  for (size_t f = 0; f < mapping->catalogue->form_count; f++) {
    if (wanted != CATALOGUE_NONE ? (int)f != wanted : !is_inferable(mapping, (int)f)) continue;
    for (size_t c = 0; c < mapping->catalogue->forms[f].column_count; c++) {
      const struct column *column = &mapping->catalogue->forms[f].columns[c];
      const struct indicator *indicator = &mapping->catalogue->indicators[column->indicator];
      g_autofree char *name = catalogue_column_name(mapping->catalogue, (int)f, (int)c);
      compare(&nearest, indicator->name.zh);
      compare(&nearest, indicator->name.en);
      compare(&nearest, column->code);
      compare(&nearest, name);
    }
  }
  return nearest.text;
}

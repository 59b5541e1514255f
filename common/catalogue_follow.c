/* Whether one catalogue may replace another: what is stored keeps its meaning. */
#include "common/catalogue_private.h"
#include "common/error.h"

#include <string.h>

struct comparison {
  const struct catalogue *current, *next;
  GString *mistakes; /* a line each */
};

static void note(struct comparison *comparison, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void note(struct comparison *comparison, const char *format, ...)
{
  if (comparison->mistakes->len > 0) g_string_append_c(comparison->mistakes, '\n');
  va_list arguments;
  va_start(arguments, format);
  g_string_append_vprintf(comparison->mistakes, format, arguments);
  va_end(arguments);
}

/* Index in the next catalogue of an item of this one; notes it if there is none. */
static int kept(struct comparison *comparison, enum section section, const char *what, const char *code)
{
  int found = catalogue_find(comparison->next, section, code);
  if (found == CATALOGUE_NONE)
    note(comparison, _("%s “%s” is gone, but reports or units may refer to it; put it back"), what, code);
  return found;
}

static void compare_places(struct comparison *comparison)
{
  const struct catalogue *current = comparison->current;
  for (size_t i = 0; i < current->area_count; i++)
    kept(comparison, SECTION_AREAS, _("area"), current->areas[i].code);
  for (size_t i = 0; i < current->cluster_count; i++)
    kept(comparison, SECTION_CLUSTERS, _("cluster"), current->clusters[i].code);
  for (size_t i = 0; i < current->flag_count; i++)
    kept(comparison, SECTION_FLAGS, _("flag"), current->flags[i].code);
  for (size_t i = 0; i < current->status_count; i++)
    kept(comparison, SECTION_STATUSES, _("status"), current->statuses[i].code);
  for (size_t i = 0; i < current->slice_count; i++)
    kept(comparison, SECTION_SLICES, _("slice"), current->slices[i].code);
  for (size_t i = 0; i < current->class_count; i++) {
    const char *code = current->classes[i].code;
    int found = kept(comparison, SECTION_CLASSES, _("unit class"), code);
    if (found != CATALOGUE_NONE && comparison->next->classes[found].scheme != current->classes[i].scheme)
      note(comparison, _("unit class “%s” has other ids; put “ids” back, or add a class of another code"),
           code);
  }
}

static bool same_measure(const struct catalogue *a, int measure, const struct catalogue *b, int other)
{
  const struct measure *x = &a->measures[measure], *y = &b->measures[other];
  return strcmp(x->code, y->code) == 0 && strcmp(x->base, y->base) == 0 && x->factor == y->factor;
}

static void compare_indicator(struct comparison *comparison, const struct indicator *was)
{
  int found = kept(comparison, SECTION_INDICATORS, _("indicator"), was->code);
  if (found == CATALOGUE_NONE) return;
  const struct indicator *is = &comparison->next->indicators[found];
  const char *changed = NULL;
  if (was->kind != is->kind)
    changed = "kind";
  else if (was->decimals != is->decimals)
    changed = "decimals";
  else if (!same_measure(comparison->current, was->measure, comparison->next, is->measure))
    changed = "measure";
  else if (was->kind == KIND_FLOW && was->basis != is->basis)
    changed = "basis";
  if (changed)
    note(comparison,
         _("indicator “%s”: “%s” has changed, which would change what was reported; put it back, or add an "
           "indicator "
           "of another code"),
         was->code, changed);
}

static void compare_columns(struct comparison *comparison, const struct form *was, const struct form *is)
{
  for (size_t i = 0; i < was->column_count; i++) {
    if (i < is->column_count && strcmp(was->columns[i].code, is->columns[i].code) == 0) continue;
    note(comparison,
         _("form “%s”: column %zu was “%s”; columns keep their places: put it back there (“retired: true” if "
           "it is no "
           "longer asked for), and new columns at the end"),
         was->code, i + 1, was->columns[i].code);
    return; /* the others are only shifted */
  }
}

static void compare_form(struct comparison *comparison, const struct form *was)
{
  int found = kept(comparison, SECTION_FORMS, _("form"), was->code);
  if (found == CATALOGUE_NONE) return;
  const struct form *is = &comparison->next->forms[found];
  if (was->months != is->months || was->january != is->january)
    note(comparison,
         _("form “%s”: “every” or “january” has changed; put it back, or retire the form and add another"),
         was->code);
  if (was->legal_basis == BASIS_STATISTICAL && is->legal_basis != BASIS_STATISTICAL)
    note(comparison,
         _("form “%s” was statistical, and what it collected may serve nothing else (统计法 §25); put "
           "“legal_basis” back, or add a form of another code"),
         was->code);
  if (was->role != is->role)
    note(comparison,
         _("form “%s”: “filled_by” has changed, which would give the figures of those who fill it in to "
           "others; "
           "put it back, or retire the form and add another"),
         was->code);
  compare_columns(comparison, was, is);
}

bool catalogue_may_follow(const struct catalogue *current, const struct catalogue *next, GError **error)
{
  g_autoptr(GString) mistakes = g_string_new(NULL);
  struct comparison comparison = {current, next, mistakes};
  if (strcmp(current->code, next->code) != 0)
    note(&comparison, _("this is the catalogue “%s”, but the one in force is “%s”; is it the right file?"),
         next->code, current->code);
  compare_places(&comparison);
  for (size_t i = 0; i < current->indicator_count; i++)
    compare_indicator(&comparison, &current->indicators[i]);
  for (size_t i = 0; i < current->form_count; i++) compare_form(&comparison, &current->forms[i]);
  if (mistakes->len == 0) return true;
  g_set_error_literal(error, PARKTALLY_ERROR, ERROR_CONFIG, mistakes->str);
  return false;
}

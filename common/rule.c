#include "common/rule.h"

#include "common/decimal.h"
#include "common/uscc.h"

#include <assert.h>
#include <string.h>

/* Cut at a character where it is too long. */
static void put(char ret_text[RULE_TEXT_SIZE], const char *text)
{
  const char *end;
  g_strlcpy(ret_text, text, RULE_TEXT_SIZE);
  if (!g_utf8_validate(ret_text, -1, &end)) ret_text[end - ret_text] = '\0';
}

static void refuse(struct rule_result *result, enum finding_code code, int column, const char *found,
                   const char *expected)
{
  result->code = code;
  result->column = column;
  put(result->found, found);
  put(result->expected, expected);
}

/* --- the unit --- */

bool rule_unit_fits(const struct catalogue *catalogue, int class, const char *unit)
{
  enum uscc_status status = catalogue_check_uscc(catalogue, unit);
  switch (catalogue->classes[class].scheme) {
  case ID_USCC:
    return status == USCC_OK || status == USCC_CHECK;
  case ID_ESTABLISHMENT:
    return uscc_is_establishment(unit);
  case ID_CODE:
    break;
  }
  return unit_code_is_valid(unit);
}

/* Whether some class that reports the form has ids of this shape. */
static bool fits_form(const struct rule_context *context, const char *unit)
{
  const struct catalogue *catalogue = context->catalogue;
  uint64_t classes = catalogue->forms[context->form].classes;
  for (size_t i = 0; i < catalogue->class_count; i++)
    if (classes >> i & 1 && rule_unit_fits(catalogue, (int)i, unit)) return true;
  return false;
}

static void refuse_unregistered(const struct rule_context *context, const char *unit,
                                struct rule_result *result)
{
  if (!*unit)
    refuse(result, FINDING_UNIT_MISSING, CATALOGUE_NONE, "", "");
  else if (catalogue_check_uscc(context->catalogue, unit) == USCC_DAMAGED)
    refuse(result, FINDING_UNIT_DAMAGED, CATALOGUE_NONE, unit, _("18 characters"));
  else if (!fits_form(context, unit))
    refuse(result, FINDING_UNIT_SHAPE, CATALOGUE_NONE, unit, "");
  else
    refuse(result, FINDING_UNIT_UNKNOWN, CATALOGUE_NONE, unit, "");
}

/* Says when the unit is registered: until when, if it ended before the period, else from when. */
static void refuse_out_of_force(const struct rule_context *context, const struct unit_version *versions,
                                size_t count, struct rule_result *result)
{
  day_number first = period_first_day(context->period), ended = DAY_MIN, begins = DAY_NONE;
  for (size_t i = 0; i < count; i++) {
    if (versions[i].to < first) ended = MAX(ended, versions[i].to);
    if (versions[i].from >= first) begins = MIN(begins, versions[i].from);
  }
  char period[PERIOD_TEXT_SIZE], until[PERIOD_TEXT_SIZE], from[PERIOD_TEXT_SIZE], expected[256];
  day_format(ended, until);
  day_format(begins, from);
  if (*until && *from)
    g_snprintf(expected, sizeof expected, _("registered until %s and from %s"), until, from);
  else if (*until)
    g_snprintf(expected, sizeof expected, _("registered until %s"), until);
  else
    g_snprintf(expected, sizeof expected, _("registered from %s"), from);
  refuse(result, FINDING_UNIT_UNKNOWN, CATALOGUE_NONE, period_format(context->period, period), expected);
}

/* The register keeps a text of parks or a class once, so the same one stands at the same place. */
static bool check_area(struct rule_context *context, struct rule_result *result)
{
  const struct unit_version *version = result->version;
  if (version->parks == context->known.parks) return true;
  if (unit_version_within(version, context->catalogue, context->area)) {
    context->known.parks = version->parks;
    return true;
  }
  refuse(result, FINDING_UNIT_ELSEWHERE, CATALOGUE_NONE, version->parks,
         context->catalogue->areas[context->area].code);
  return false;
}

static bool check_class(struct rule_context *context, struct rule_result *result)
{
  if (result->version->class == context->known.class) return true;
  const struct catalogue *catalogue = context->catalogue;
  uint64_t classes = catalogue->forms[context->form].classes;
  int class = catalogue_class(catalogue, result->version->class);
  if (class != CATALOGUE_NONE && classes >> class & 1) {
    context->known.class = result->version->class;
    return true;
  }
  char expected[256] = "";
  for (size_t i = 0; i < catalogue->class_count; i++) {
    if (!(classes >> i & 1)) continue;
    if (*expected) g_strlcat(expected, ", ", sizeof expected);
    g_strlcat(expected, catalogue->classes[i].code, sizeof expected);
  }
  refuse(result, FINDING_UNIT_CLASS, CATALOGUE_NONE, result->version->class, expected);
  return false;
}

static bool check_unit(struct rule_context *context, const char *unit, struct rule_result *result)
{
  const struct unit_version *versions;
  size_t count = register_unit_near(context->units, unit, &context->known.unit, &versions);
  if (!count) {
    refuse_unregistered(context, unit, result);
    return false;
  }
  result->version = unit_versions_in(versions, count, context->period);
  if (!result->version) {
    refuse_out_of_force(context, versions, count, result);
    return false;
  }
  return check_area(context, result) && check_class(context, result);
}

/* --- the figures --- */

/* The first column in both sets, or LIMIT_FORM_COLUMNS. */
static unsigned first_common(const struct column_set *a, const struct column_set *b)
{
  struct column_set both;
  for (size_t i = 0; i < G_N_ELEMENTS(both.word); i++) both.word[i] = a->word[i] & b->word[i];
  return column_set_next(&both, 0);
}

static bool check_kind(const struct report_change *change, struct rule_result *result)
{
  const struct column_set *present = &change->figures.present, *withdrawn = &change->withdrawn;
  if (change->kind == KIND_FIGURES) {
    if (column_set_is_empty(present) && column_set_is_empty(withdrawn)) {
      refuse(result, FINDING_REPORT_EMPTY, CATALOGUE_NONE, "", "");
      return false;
    }
    unsigned both = first_common(present, withdrawn);
    if (both == LIMIT_FORM_COLUMNS) return true;
    refuse(result, FINDING_VALUE_NIL, (int)both, "撤销", "");
    return false;
  }
  if (column_set_is_empty(present) && column_set_is_empty(withdrawn)) return true;
  unsigned column = MIN(column_set_next(present, 0), column_set_next(withdrawn, 0));
  refuse(result, FINDING_VALUE_NIL, (int)column, change->kind == KIND_NIL ? "本期无数据" : "撤销", "");
  return false;
}

static void refuse_range(const struct indicator *indicator, unsigned column, int64_t value,
                         struct rule_result *result)
{
  char found[DECIMAL_TEXT_SIZE], least[DECIMAL_TEXT_SIZE], most[DECIMAL_TEXT_SIZE], expected[256];
  g_snprintf(expected, sizeof expected, _("%s to %s"),
             decimal_format(indicator->least, indicator->decimals, least),
             decimal_format(indicator->most, indicator->decimals, most));
  refuse(result, FINDING_VALUE_RANGE, (int)column, decimal_format(value, indicator->decimals, found),
         expected);
}

static void learn_bounds(struct rule_context *context)
{
  const struct form *form = &context->catalogue->forms[context->form];
  struct rule_memory *known = &context->known;
  for (size_t i = 0; i < form->column_count; i++) {
    const struct indicator *indicator = &context->catalogue->indicators[form->columns[i].indicator];
    known->least[i] = form->columns[i].retired ? INT64_MAX : indicator->least;
    known->most[i] = form->columns[i].retired ? INT64_MIN : indicator->most;
  }
  known->has_bounds = true;
}

static void refuse_figure(const struct rule_context *context, unsigned column, int64_t value,
                          struct rule_result *result)
{
  const struct column *refused = &context->catalogue->forms[context->form].columns[column];
  const struct indicator *indicator = &context->catalogue->indicators[refused->indicator];
  char found[DECIMAL_TEXT_SIZE];
  if (refused->retired)
    refuse(result, FINDING_VALUE_RETIRED, (int)column, decimal_format(value, indicator->decimals, found), "");
  else
    refuse_range(indicator, column, value, result);
}

static bool check_figures(struct rule_context *context, const struct figures *figures,
                          struct rule_result *result)
{
  const struct rule_memory *known = &context->known;
  if (!known->has_bounds) learn_bounds(context);
  EACH_COLUMN(i, &figures->present) {
    int64_t value = figures->value[i];
    if (value >= known->least[i] && value <= known->most[i]) continue;
    refuse_figure(context, i, value, result);
    return false;
  }
  return true;
}

/* Whether what the unit lacks was applied for. */
static bool waits_for_unit(const struct rule_context *context, const char *unit,
                           const struct rule_result *result)
{
  return context->is_applied_for &&
         (result->code == FINDING_UNIT_UNKNOWN || result->code == FINDING_UNIT_ELSEWHERE) &&
         context->is_applied_for(unit, context->data);
}

static void clear_result(struct rule_result *result)
{
  result->code = FINDING_COUNT;
  result->column = CATALOGUE_NONE;
  result->found[0] = result->expected[0] = '\0';
  result->version = NULL;
}

void rule_check_report(struct rule_context *context, const char *unit, const struct report_change *change,
                       struct rule_result *ret_result)
{
  bool waits = false;
  clear_result(ret_result);
  if (!check_unit(context, unit, ret_result)) {
    waits = waits_for_unit(context, unit, ret_result);
    if (!waits) return;
    clear_result(ret_result);
  }
  if (check_kind(change, ret_result) && check_figures(context, &change->figures, ret_result) && waits)
    ret_result->code = FINDING_UNIT_WAITING;
}

bool rule_next_breach(const struct form *form, enum rule_scope scope, enum rule_weight least,
                      const struct formula_facts *facts, size_t *next, struct rule_breach *ret_breach)
{
  while (*next < form->rule_count && form->rules[*next]->weight <= least) {
    const struct rule *rule = form->rules[(*next)++];
    if (scope != RULES_ALL && rule->looks_back != (scope == RULES_BACK)) continue;
    if (formula_holds(rule->formula, facts, &ret_breach->failure)) continue;
    ret_breach->rule = rule;
    return true;
  }
  return false;
}

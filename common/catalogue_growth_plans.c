/* Growth plans of a catalogue file: by what key enterprises are measured. They judge single enterprises, so
 * their figures may come from forms of administrative basis only: statistical returns serve nothing but
 * statistics (统计法 §25). */
#include "common/catalogue_private.h"

/* --- reading --- */

static const struct yaml_node *plan_node(const struct reader *reader, size_t n, const char *key)
{
  return yaml_get(reader->yaml, reader_item(reader, SECTION_GROWTH_PLANS, n), key, false);
}

/* What is promised: the same of all, or of each what it said itself a year before. */
static void read_promise(struct reader *reader, const struct yaml_node *node, struct criterion *criterion)
{
  static const char *const directions[] = {"at_least", "at_most", "above", NULL};
  static const enum direction meant[] = {DIRECTION_AT_LEAST, DIRECTION_AT_MOST, DIRECTION_ABOVE};
  static const char *const whom[] = {"all", "members", NULL};
  const struct yaml_node *direction = yaml_get(reader->yaml, node, "direction", true);
  criterion->asked.direction = meant[yaml_word(reader->yaml, direction, directions, 0)];
  const struct yaml_node *own = yaml_get(reader->yaml, node, "own_target", false);
  const struct yaml_node *value = yaml_get(reader->yaml, node, "value", !own);
  criterion->asked.value = reader_amount(reader, value, criterion->asked.decimals, 0);
  criterion->own_target = reader_reference(reader, SECTION_INDICATORS, own);
  const struct yaml_node *of = yaml_get(reader->yaml, node, "of", false);
  criterion->of_members_only = own || yaml_word(reader->yaml, of, whom, 0) == 1;
  if (own && value)
    yaml_mistake(reader->yaml, value,
                 _("“own_target” is what each enterprise promised itself; remove it, or this value for all"));
  if (own && criterion->asked.form != TARGET_VALUE)
    yaml_mistake(reader->yaml, own,
                 _("an own target is compared with a figure; give it the formula “value”"));
  if (own && of && yaml_word(reader->yaml, of, whom, 0) == 0)
    yaml_mistake(reader->yaml, of, _("who is no member has promised nothing; write “of: members”"));
}

static void read_criterion(struct reader *reader, const struct yaml_node *criteria, size_t at,
                           struct criterion *criterion)
{
  static const char *const keys[] = {"zh",    "en",         "formula", "numerator", "denominator",
                                     "scale", "divisor",    "measure", "decimals",  "direction",
                                     "value", "own_target", "of",      NULL};
  const struct yaml_node *node = yaml_item(reader->yaml, criteria, at);
  criterion->code = reader_code(reader, yaml_item_key(reader->yaml, criteria, at));
  yaml_known_keys(reader->yaml, node, keys);
  yaml_label(reader->yaml, node, &criterion->name);
  criterion->asked.area = CATALOGUE_NONE;
  catalogue_read_formula(reader, node, &criterion->asked);
  read_promise(reader, node, criterion);
}

void catalogue_read_growth_plan(struct reader *reader, size_t n)
{
  static const char *const keys[] = {"zh", "en", "note", "form", "members", "candidates", "criteria", NULL};
  const struct yaml_node *node = reader_item(reader, SECTION_GROWTH_PLANS, n);
  struct growth_plan *plan = &reader->catalogue->growth_plans[n];
  yaml_known_keys(reader->yaml, node, keys);
  yaml_label(reader->yaml, node, &plan->name);
  reader_label(reader, node, "note", false, &plan->note);
  plan->form = reader_reference_at(reader, node, "form", true, SECTION_FORMS);
  plan->members = reader_reference_at(reader, node, "members", true, SECTION_FLAGS);
  plan->candidates = reader_reference_at(reader, node, "candidates", false, SECTION_FLAGS);
  const struct yaml_node *criteria = yaml_get(reader->yaml, node, "criteria", true);
  if (!criteria) return;
  if (!yaml_is_mapping(criteria) || yaml_size(reader->yaml, criteria) == 0) {
    yaml_mistake(reader->yaml, criteria,
                 _("expected the criteria of the plan, each as “code: {zh: …, en: …}”"));
    return;
  }
  plan->criterion_count = yaml_size(reader->yaml, criteria);
  plan->criteria = g_new0(struct criterion, plan->criterion_count);
  for (size_t i = 0; i < plan->criterion_count; i++) read_criterion(reader, criteria, i, &plan->criteria[i]);
}

/* --- checking --- */

/* The statistical form that the indicator stands on, or NULL. */
static const struct form *statistical_form(const struct catalogue *catalogue, int indicator)
{
  for (size_t f = 0; f < catalogue->form_count; f++) {
    const struct form *form = &catalogue->forms[f];
    if (form->legal_basis != BASIS_STATISTICAL) continue;
    for (size_t c = 0; c < form->column_count; c++)
      if (form->columns[c].indicator == indicator) return form;
  }
  return NULL;
}

static void check_indicator(struct reader *reader, const struct yaml_node *node,
                            const struct growth_plan *plan, int indicator)
{
  if (indicator == CATALOGUE_NONE) return; /* said already */
  const char *code = reader->catalogue->indicators[indicator].code;
  const struct form *form = statistical_form(reader->catalogue, indicator);
  if (form)
    yaml_mistake(
        reader->yaml, node,
        _("“%s” stands on the statistical form “%s”, and statistical returns may not serve to assess single "
          "enterprises (统计法 §25); ask for it on an administrative form, as an indicator of its own"),
        code, form->code);
  else if (plan->form != CATALOGUE_NONE &&
           catalogue_column(reader->catalogue, plan->form, code) == CATALOGUE_NONE)
    yaml_mistake(reader->yaml, node,
                 _("“%s” is no column of the plan's form “%s”; add it there, or name another"), code,
                 reader->catalogue->forms[plan->form].code);
}

static void check_terms(struct reader *reader, const struct yaml_node *node, const struct growth_plan *plan,
                        const char *key, const struct term *terms, size_t count)
{
  const struct yaml_node *list = yaml_get(reader->yaml, node, key, false);
  for (size_t i = 0; i < count; i++) {
    const struct yaml_node *item = yaml_item(reader->yaml, list, i);
    const struct yaml_node *area = yaml_get(reader->yaml, item, "area", false);
    const struct yaml_node *slice = yaml_get(reader->yaml, item, "slice", false);
    check_indicator(reader, yaml_get(reader->yaml, item, "indicator", false), plan, terms[i].indicator);
    if (area || slice)
      yaml_mistake(reader->yaml, area ? area : slice,
                   _("a criterion is about one enterprise, which has neither area nor slice; remove this"));
  }
}

static void check_own_target(struct reader *reader, const struct yaml_node *node,
                             const struct growth_plan *plan, const struct criterion *criterion)
{
  const struct catalogue *catalogue = reader->catalogue;
  const struct yaml_node *own = yaml_get(reader->yaml, node, "own_target", false);
  check_indicator(reader, own, plan, criterion->own_target);
  if (criterion->own_target == CATALOGUE_NONE || criterion->asked.numerator_count == 0) return;
  int measured = criterion->asked.numerator[0].indicator;
  if (measured == CATALOGUE_NONE) return;
  const struct indicator *promised = &catalogue->indicators[criterion->own_target];
  const struct indicator *actual = &catalogue->indicators[measured];
  if (promised->measure != actual->measure || promised->decimals != actual->decimals)
    yaml_mistake(reader->yaml, own,
                 _("“%s” and “%s” cannot be compared: they have different measures or decimals"),
                 promised->code, actual->code);
}

static void check_form(struct reader *reader, size_t n)
{
  const struct growth_plan *plan = &reader->catalogue->growth_plans[n];
  if (plan->form == CATALOGUE_NONE) return;
  const struct form *form = &reader->catalogue->forms[plan->form];
  if (form->legal_basis != BASIS_ADMINISTRATIVE)
    yaml_mistake(
        reader->yaml, plan_node(reader, n, "form"),
        _("the form “%s” is statistical, and statistical returns may not serve to assess single enterprises "
          "(统计法 §25); name a form of administrative basis"),
        form->code);
  if (form->months != 12)
    yaml_mistake(reader->yaml, plan_node(reader, n, "form"),
                 _("the form “%s” is not yearly, but a growth plan judges whole years; name a yearly form"),
                 form->code);
}

void catalogue_check_growth_plan(struct reader *reader, size_t n)
{
  struct growth_plan *plan = &reader->catalogue->growth_plans[n];
  check_form(reader, n);
  for (size_t i = 0; i < plan->criterion_count; i++) {
    const struct yaml_node *node = yaml_item(reader->yaml, plan_node(reader, n, "criteria"), i);
    struct criterion *criterion = &plan->criteria[i];
    struct target *asked = &criterion->asked;
    catalogue_check_formula(reader, node, asked);
    check_terms(reader, node, plan, "numerator", asked->numerator, asked->numerator_count);
    check_terms(reader, node, plan, "denominator", asked->denominator, asked->denominator_count);
    check_own_target(reader, node, plan, criterion);
  }
}

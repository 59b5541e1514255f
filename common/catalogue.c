/* The catalogue's lifecycle and look-ups. */
#include "common/catalogue.h"

#include "common/catalogue_private.h"
#include "common/seal.h"

#include <string.h>

const char *const catalogue_variant_suffix[VARIANT_COUNT + 1] = {"", ".ytd", ".ly", ".ytd_ly", NULL};

/* --- lifecycle --- */

struct catalogue *catalogue_new(const char *text, size_t length)
{
  struct catalogue *catalogue = g_new0(struct catalogue, 1);
  catalogue->references = 1;
  catalogue->text = g_malloc(length + 1);
  memcpy(catalogue->text, text, length);
  catalogue->text[length] = '\0';
  catalogue->text_length = length;
  catalogue->consent = CATALOGUE_NONE;
  seal_hash((const uint8_t *)text, length, catalogue->hash);
  catalogue->index = g_new0(struct catalogue_index, 1);
  catalogue->time = g_new0(struct zone_time, 1);
  for (int section = 0; section < SECTION_COUNT; section++)
    catalogue->index->codes[section] = g_hash_table_new(g_str_hash, g_str_equal);
  return catalogue;
}

static void finish_label(struct label *label)
{
  g_free(label->zh);
  g_free(label->en);
}

static void free_named(struct named *items, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    g_free(items[i].code);
    finish_label(&items[i].name);
  }
  g_free(items);
}

static void free_places(struct catalogue *catalogue)
{
  for (size_t i = 0; i < catalogue->area_count; i++) {
    g_free(catalogue->areas[i].code);
    finish_label(&catalogue->areas[i].name);
    g_free(catalogue->areas[i].role);
  }
  for (size_t i = 0; i < catalogue->class_count; i++) {
    g_free(catalogue->classes[i].code);
    finish_label(&catalogue->classes[i].name);
  }
  for (size_t i = 0; i < catalogue->status_count; i++) {
    g_free(catalogue->statuses[i].code);
    finish_label(&catalogue->statuses[i].name);
  }
  for (size_t i = 0; i < catalogue->slice_count; i++) {
    g_free(catalogue->slices[i].code);
    finish_label(&catalogue->slices[i].name);
    g_strfreev(catalogue->slices[i].industries);
    g_free(catalogue->slices[i].members);
  }
  g_free(catalogue->areas);
  g_free(catalogue->classes);
  g_free(catalogue->statuses);
  g_free(catalogue->slices);
}

static void free_indicators(struct catalogue *catalogue)
{
  for (size_t i = 0; i < catalogue->measure_count; i++) {
    g_free(catalogue->measures[i].code);
    g_free(catalogue->measures[i].base);
  }
  for (size_t i = 0; i < catalogue->indicator_count; i++) {
    g_free(catalogue->indicators[i].code);
    finish_label(&catalogue->indicators[i].name);
    g_strfreev(catalogue->indicators[i].aliases);
  }
  g_free(catalogue->measures);
  g_free(catalogue->indicators);
}

static void free_forms(struct catalogue *catalogue)
{
  for (size_t i = 0; i < catalogue->form_count; i++) {
    struct form *form = &catalogue->forms[i];
    g_free(form->code);
    finish_label(&form->name);
    g_free(form->number);
    g_free(form->issuer);
    g_free(form->approval);
    for (size_t j = 0; j < form->column_count; j++) {
      g_free(form->columns[j].code);
      g_free(form->columns[j].line);
    }
    g_free(form->columns);
    g_free(form->rules);
  }
  g_free(catalogue->forms);
}

static void free_rules(struct catalogue *catalogue)
{
  for (size_t i = 0; i < catalogue->rule_count; i++) {
    struct rule *rule = &catalogue->rules[i];
    g_free(rule->code);
    finish_label(&rule->name);
    g_free(rule->holds);
    formula_free(rule->formula);
  }
  g_free(catalogue->rules);
}

static void finish_target(struct target *target)
{
  finish_label(&target->name);
  finish_label(&target->population);
  finish_label(&target->note);
  g_free(target->source);
  g_free(target->bureau);
  g_free(target->measure);
  g_free(target->numerator);
  g_free(target->denominator);
  g_free(target->stages);
  for (size_t n = 0; n < target->share_count; n++) g_free(target->shares[n].stages);
  g_free(target->shares);
}

static void free_targets(struct catalogue *catalogue)
{
  for (size_t i = 0; i < catalogue->target_count; i++) finish_target(&catalogue->targets[i]);
  g_free(catalogue->targets);
}

static void finish_dimension(struct score_dimension *dimension)
{
  g_free(dimension->code);
  finish_label(&dimension->name);
  for (size_t i = 0; i < dimension->item_count; i++) {
    g_free(dimension->items[i].code);
    finish_label(&dimension->items[i].name);
    finish_target(&dimension->items[i].asked);
  }
  g_free(dimension->items);
}

static void free_scorecards(struct catalogue *catalogue)
{
  for (size_t i = 0; i < catalogue->scorecard_count; i++) {
    struct scorecard *card = &catalogue->scorecards[i];
    g_free(card->code);
    finish_label(&card->name);
    finish_label(&card->note);
    g_free(card->areas);
    for (size_t j = 0; j < card->dimension_count; j++) finish_dimension(&card->dimensions[j]);
    g_free(card->dimensions);
  }
  g_free(catalogue->scorecards);
}

static void free_growth_plans(struct catalogue *catalogue)
{
  for (size_t i = 0; i < catalogue->growth_plan_count; i++) {
    struct growth_plan *plan = &catalogue->growth_plans[i];
    g_free(plan->code);
    finish_label(&plan->name);
    finish_label(&plan->note);
    for (size_t j = 0; j < plan->criterion_count; j++) {
      g_free(plan->criteria[j].code);
      finish_label(&plan->criteria[j].name);
      finish_target(&plan->criteria[j].asked);
    }
    g_free(plan->criteria);
  }
  g_free(catalogue->growth_plans);
}

static void free_index(struct catalogue *catalogue)
{
  struct catalogue_index *index = catalogue->index;
  for (int section = 0; section < SECTION_COUNT; section++) g_hash_table_unref(index->codes[section]);
  for (size_t form = 0; index->columns && form < catalogue->form_count; form++)
    g_hash_table_unref(index->columns[form]);
  g_free(index->columns);
  g_free(index->carriers);
  if (index->headings) g_hash_table_unref(index->headings);
  g_free(index);
}

struct catalogue *catalogue_ref(struct catalogue *catalogue)
{
  g_atomic_int_inc(&catalogue->references);
  return catalogue;
}

void catalogue_unref(struct catalogue *catalogue)
{
  if (!catalogue || !g_atomic_int_dec_and_test(&catalogue->references)) return;
  free_index(catalogue); /* its keys belong to the items */
  free_places(catalogue);
  free_named(catalogue->clusters, catalogue->cluster_count);
  free_named(catalogue->flags, catalogue->flag_count);
  free_indicators(catalogue);
  free_forms(catalogue);
  free_rules(catalogue);
  free_targets(catalogue);
  free_scorecards(catalogue);
  free_growth_plans(catalogue);
  g_free(catalogue->text);
  g_free(catalogue->code);
  finish_label(&catalogue->name);
  g_free(catalogue->timezone);
  g_strfreev(catalogue->empty_answers);
  g_free(catalogue->holidays);
  g_free(catalogue->workdays);
  if (catalogue->time->zone) g_time_zone_unref(catalogue->time->zone);
  g_free(catalogue->time);
  g_strfreev(catalogue->exempt_codes);
  g_free(catalogue);
}

/* --- look-ups --- */

enum uscc_status catalogue_check_uscc(const struct catalogue *catalogue, const char *code)
{
  enum uscc_status status = uscc_check(code);
  bool fails = status == USCC_CHECK || status == USCC_DAMAGED;
  return fails && g_strv_contains((const char *const *)catalogue->exempt_codes, code) ? USCC_OK : status;
}

int catalogue_find(const struct catalogue *catalogue, enum section section, const char *code)
{
  return GPOINTER_TO_INT(g_hash_table_lookup(catalogue->index->codes[section], code)) - 1;
}

int catalogue_area(const struct catalogue *catalogue, const char *code)
{
  return catalogue_find(catalogue, SECTION_AREAS, code);
}

int catalogue_class(const struct catalogue *catalogue, const char *code)
{
  return catalogue_find(catalogue, SECTION_CLASSES, code);
}

int catalogue_measure(const struct catalogue *catalogue, const char *code)
{
  return catalogue_find(catalogue, SECTION_MEASURES, code);
}

int catalogue_indicator(const struct catalogue *catalogue, const char *code)
{
  return catalogue_find(catalogue, SECTION_INDICATORS, code);
}

int catalogue_form(const struct catalogue *catalogue, const char *code)
{
  return catalogue_find(catalogue, SECTION_FORMS, code);
}

int catalogue_rule(const struct catalogue *catalogue, const char *code)
{
  return catalogue_find(catalogue, SECTION_RULES, code);
}

int catalogue_cluster(const struct catalogue *catalogue, const char *code)
{
  return catalogue_find(catalogue, SECTION_CLUSTERS, code);
}

int catalogue_flag(const struct catalogue *catalogue, const char *code)
{
  return catalogue_find(catalogue, SECTION_FLAGS, code);
}

int catalogue_status(const struct catalogue *catalogue, const char *code)
{
  return catalogue_find(catalogue, SECTION_STATUSES, code);
}

int catalogue_slice(const struct catalogue *catalogue, const char *code)
{
  return catalogue_find(catalogue, SECTION_SLICES, code);
}

int catalogue_column(const struct catalogue *catalogue, int form, const char *code)
{
  return GPOINTER_TO_INT(g_hash_table_lookup(catalogue->index->columns[form], code)) - 1;
}

enum frequency catalogue_frequency(unsigned months)
{
  return months == 1 ? FREQUENCY_MONTH : months == 3 ? FREQUENCY_QUARTER : FREQUENCY_YEAR;
}

struct column_ref *catalogue_carrier(const struct catalogue *catalogue, int indicator,
                                     enum frequency frequency, enum variant variant)
{
  size_t row = (size_t)indicator * FREQUENCY_COUNT + frequency;
  return &catalogue->index->carriers[row * VARIANT_COUNT + variant];
}

bool catalogue_find_column(const struct catalogue *catalogue, int indicator, enum variant variant,
                           unsigned months, struct column_ref *ret_column)
{
  if (months != 1 && months != 3 && months != 12) return false;
  const struct column_ref *carrier =
      catalogue_carrier(catalogue, indicator, catalogue_frequency(months), variant);
  if (carrier->form == CATALOGUE_NONE) return false;
  *ret_column = *carrier;
  return true;
}

bool catalogue_area_within(const struct catalogue *catalogue, int inner, int outer)
{
  while (inner != CATALOGUE_NONE && inner != outer) inner = catalogue->areas[inner].parent;
  return inner != CATALOGUE_NONE;
}

/* --- words --- */

static char *month_objection(enum january january, struct period period)
{
  bool joint = period.month == 1 && period.months == 2;
  bool month = period.months == 1;
  switch (january) {
  case JANUARY_JOINT:
    if (joint || (month && period.month > 2)) return NULL;
    if (month) return g_strdup_printf(_("January and February together, as %d-01/P2M"), period.year);
    return g_strdup_printf(_("a month, such as %d-05"), period.year);
  case JANUARY_EXEMPT:
    if (month && period.month > 1) return NULL;
    if (month || joint)
      return g_strdup_printf(_("%d-02 with its cumulative figures; there is no January report"), period.year);
    return g_strdup_printf(_("a month, such as %d-05"), period.year);
  default:
    return month ? NULL : g_strdup_printf(_("a month, such as %d-05"), period.year);
  }
}

char *catalogue_period_objection(const struct catalogue *catalogue, int form, struct period period)
{
  const struct form *asked = &catalogue->forms[form];
  if (asked->retired) return g_strdup(_("no further reports: this form is no longer asked for"));
  if (asked->months == 1) return month_objection(asked->january, period);
  if (asked->months == period.months) return NULL;
  if (asked->months == 3) return g_strdup_printf(_("a quarter, such as %d-Q2"), period.year);
  return g_strdup_printf(_("a year, such as %d"), period.year);
}

/* --- periods of a form --- */

bool form_period_ending(const struct form *form, int year, unsigned month, struct period *ret_period)
{
  struct period period = {.year = (int16_t)year, .month = (uint8_t)month, .months = 1};
  if (form->months > 1) {
    if (month % form->months != 0) return false;
    period.month = (uint8_t)(month - form->months + 1);
    period.months = (uint8_t)form->months;
  } else if (form->january != JANUARY_SEPARATE && month == 1) {
    return false;
  } else if (form->january == JANUARY_JOINT && month == 2) {
    period = (struct period){.year = (int16_t)year, .month = 1, .months = 2};
  }
  *ret_period = period;
  return true;
}

struct period form_period_before(const struct form *form, struct period period)
{
  struct period before;
  for (unsigned month = period.month - 1u; month > 0; month--)
    if (form_period_ending(form, period.year, month, &before)) return before;
  form_period_ending(form, period.year - 1, 12, &before); /* every form has a period that ends the year */
  return before;
}

char *catalogue_column_name(const struct catalogue *catalogue, int form, int column)
{
  const struct column *named = &catalogue->forms[form].columns[column];
  const char *name = text_label(&catalogue->indicators[named->indicator].name);
  switch (named->variant) {
  case VARIANT_YTD:
    return g_strdup_printf(_("%s, year to date"), name);
  case VARIANT_LY:
    return g_strdup_printf(_("%s, same period last year"), name);
  case VARIANT_YTD_LY:
    return g_strdup_printf(_("%s, year to date last year"), name);
  default:
    return g_strdup(name);
  }
}

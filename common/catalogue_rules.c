/* Rules of a catalogue file: what is checked of a form's figures. */
#include "common/catalogue_private.h"
#include "common/limits.h"

#include <string.h>

/* --- reading --- */

void catalogue_read_rule(struct reader *reader, size_t n)
{
  static const char *const keys[] = {"zh", "en", "form", "weight", "holds", NULL};
  static const char *const weights[] = {"mandatory", "quasi-mandatory", "verify",
                                        NULL}; /* enum rule_weight */
  const struct yaml_node *node = reader_item(reader, SECTION_RULES, n);
  yaml_known_keys(reader->yaml, node, keys);
  struct rule *rule = &reader->catalogue->rules[n];
  yaml_label(reader->yaml, node, &rule->name);
  rule->form = reader_reference_at(reader, node, "form", true, SECTION_FORMS);
  rule->weight = yaml_word(reader->yaml, yaml_get(reader->yaml, node, "weight", true), weights, RULE_VERIFY);
  rule->holds = reader_text(reader, node, "holds", true);
  if (strlen(rule->code) > LIMIT_RULE_CODE_BYTES)
    yaml_mistake(reader->yaml, reader_key(reader, SECTION_RULES, n),
                 _("“%s” is too long for the code of a rule; use at most %d characters"), rule->code,
                 LIMIT_RULE_CODE_BYTES);
}

/* --- checking: the formula against the form's columns --- */

struct columns {
  const struct catalogue *catalogue;
  int form;
};

static bool resolve(const char *code, int *ret_column, unsigned *ret_decimals, void *data)
{
  const struct columns *columns = data;
  int column = catalogue_column(columns->catalogue, columns->form, code);
  if (column == CATALOGUE_NONE) return false;
  int indicator = columns->catalogue->forms[columns->form].columns[column].indicator;
  if (indicator == CATALOGUE_NONE) return false; /* said already */
  *ret_column = column;
  *ret_decimals = columns->catalogue->indicators[indicator].decimals;
  return true;
}

/* A report is about this period: a rule of what was reported before would ask about another report. */
static bool looks_at_this_period(const struct formula *formula)
{
  return formula_looks_at(formula, TENSE_NOW);
}

void catalogue_check_rule(struct reader *reader, size_t n)
{
  struct rule *rule = &reader->catalogue->rules[n];
  if (rule->form == CATALOGUE_NONE || *rule->holds == '\0') return;
  const struct yaml_node *node =
      yaml_get(reader->yaml, reader_item(reader, SECTION_RULES, n), "holds", false);
  struct columns columns = {reader->catalogue, rule->form};
  g_autofree char *mistake = NULL;
  size_t at = 0;
  rule->formula = formula_compile(rule->holds, resolve, &columns, &mistake, &at);
  for (enum formula_tense tense = TENSE_LAST; rule->formula && tense < TENSE_COUNT; tense++)
    rule->looks_back |= formula_looks_at(rule->formula, tense);
  if (!rule->formula)
    yaml_mistake(reader->yaml, node, _("character %ld of the rule: %s"),
                 g_utf8_strlen(rule->holds, (gssize)at) + 1, mistake);
  else if (!looks_at_this_period(rule->formula))
    yaml_mistake(reader->yaml, node,
                 _("the rule names no figure of the report that it is to check; name one"));
}

/* --- the rules of each form --- */

void catalogue_index_rules(struct catalogue *catalogue)
{
  for (size_t f = 0; f < catalogue->form_count; f++) {
    struct form *form = &catalogue->forms[f];
    form->rules = g_new(const struct rule *, catalogue->rule_count);
    for (enum rule_weight weight = RULE_MANDATORY; weight <= RULE_VERIFY; weight++)
      for (size_t i = 0; i < catalogue->rule_count; i++) {
        const struct rule *rule = &catalogue->rules[i];
        if (rule->form == (int)f && rule->weight == weight && rule->formula)
          form->rules[form->rule_count++] = rule;
      }
    for (size_t i = 0; i < form->rule_count; i++)
      for (enum formula_tense tense = TENSE_NOW; tense < TENSE_COUNT; tense++)
        form->looks_back[tense] |= formula_looks_at(form->rules[i]->formula, tense);
  }
}

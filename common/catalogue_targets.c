/* Targets of a catalogue file. */
#include "common/catalogue_private.h"
#include "common/limits.h"

#include <string.h>

#define MOST_SCALE 1000000000000 /* 千元 in a trillion yuan and to spare */
#define LEAST_YEAR 1900
#define MOST_YEAR 2999

/* --- reading --- */

static void read_stages(struct reader *reader, const struct yaml_node *node, struct target *target)
{
  const struct yaml_node *stages = yaml_get(reader->yaml, node, "stages", false);
  if (!stages) return;
  if (!yaml_is_mapping(stages)) {
    yaml_mistake(reader->yaml, stages, _("expected a value for each year: {2018: 66, 2019: 68, 2020: 70}"));
    return;
  }
  size_t count = yaml_size(reader->yaml, stages);
  target->stages = g_new0(struct stage, count);
  target->stage_count = count;
  for (size_t i = 0; i < count; i++) {
    const struct yaml_node *year = yaml_item_key(reader->yaml, stages, i);
    target->stages[i].year = (int)yaml_integer(reader->yaml, year, LEAST_YEAR, MOST_YEAR, LEAST_YEAR);
    target->stages[i].value =
        reader_amount(reader, yaml_item(reader->yaml, stages, i), target->decimals, target->value);
    if (i > 0 && target->stages[i].year < target->stages[i - 1].year)
      yaml_mistake(reader->yaml, year, _("the years of the stages must ascend"));
  }
  if (count > 0 && target->stages[count - 1].value != target->value)
    yaml_mistake(reader->yaml, yaml_item(reader->yaml, stages, count - 1),
                 _("the last stage must be the target's own value; correct one of them"));
}

/* What is promised: direction, value, tolerance, stages. */
static void read_promise(struct reader *reader, const struct yaml_node *node, struct target *target)
{
  static const char *const directions[] = {"at_least", "about",   "at_most",
                                           "above",    "tracked", NULL}; /* enum */
  const struct yaml_node *direction = yaml_get(reader->yaml, node, "direction", true);
  int known = yaml_word(reader->yaml, direction, directions, CATALOGUE_NONE);
  target->direction = known == CATALOGUE_NONE ? DIRECTION_TRACKED : known;
  bool tracked = target->direction == DIRECTION_TRACKED;
  const struct yaml_node *value = yaml_get(reader->yaml, node, "value", !tracked);
  const struct yaml_node *tolerance =
      yaml_get(reader->yaml, node, "tolerance", target->direction == DIRECTION_ABOUT);
  target->value = reader_amount(reader, value, target->decimals, 0);
  target->tolerance = reader_amount(reader, tolerance, target->decimals, 0);
  read_stages(reader, node, target);
  if (known != DIRECTION_TRACKED) return;
  const struct yaml_node *stray = value       ? value
                                  : tolerance ? tolerance
                                              : yaml_get(reader->yaml, node, "stages", false);
  if (stray)
    yaml_mistake(
        reader->yaml, stray,
        _("a target that is only tracked promises no number; remove this, or choose another direction"));
}

static unsigned read_number(struct reader *reader, size_t n)
{
  const struct yaml_node *key = reader_key(reader, SECTION_TARGETS, n);
  unsigned id = (unsigned)yaml_integer(reader->yaml, key, 1, 9999, 0);
  for (size_t i = 0; id != 0 && i < n; i++)
    if (reader->catalogue->targets[i].id == id)
      yaml_mistake(reader->yaml, key,
                   _("target %u stands here twice, first in line %zu; give it another number"), id,
                   yaml_line(reader_key(reader, SECTION_TARGETS, i)));
  return id;
}

void catalogue_read_formula(struct reader *reader, const struct yaml_node *node, struct target *asked)
{
  static const char *const formulas[] = {"value", "ratio", "growth", NULL}; /* enum target_form */
  const struct yaml_node *formula = yaml_get(reader->yaml, node, "formula", true);
  asked->form = yaml_word(reader->yaml, formula, formulas, TARGET_VALUE);
  asked->scale = yaml_integer(reader->yaml, yaml_get(reader->yaml, node, "scale", false), 1, MOST_SCALE, 1);
  asked->divisor =
      yaml_integer(reader->yaml, yaml_get(reader->yaml, node, "divisor", false), 1, MOST_SCALE, 1);
  int measure = reader_reference_at(reader, node, "measure", true, SECTION_MEASURES);
  asked->measure = g_strdup(measure == CATALOGUE_NONE ? "" : reader->catalogue->measures[measure].code);
  const struct yaml_node *decimals = yaml_get(reader->yaml, node, "decimals", false);
  asked->decimals = (unsigned)yaml_integer(reader->yaml, decimals, 0, LIMIT_DECIMALS, 0);
}

void catalogue_read_target(struct reader *reader, size_t n)
{
  static const char *const keys[] = {"zh",        "en",        "area",        "population", "note",
                                     "formula",   "numerator", "denominator", "scale",      "divisor",
                                     "yearly",    "measure",   "decimals",    "direction",  "value",
                                     "tolerance", "stages",    "source",      "bureau",     NULL};
  const struct yaml_node *node = reader_item(reader, SECTION_TARGETS, n);
  yaml_known_keys(reader->yaml, node, keys);
  struct target *target = &reader->catalogue->targets[n];
  target->id = read_number(reader, n);
  yaml_label(reader->yaml, node, &target->name);
  reader_label(reader, node, "population", true, &target->population);
  reader_label(reader, node, "note", false, &target->note);
  target->source = reader_text(reader, node, "source", true);
  target->bureau = reader_text(reader, node, "bureau", true);
  target->area = reader_reference_at(reader, node, "area", true, SECTION_AREAS);
  catalogue_read_formula(reader, node, target);
  target->yearly = yaml_flag(reader->yaml, yaml_get(reader->yaml, node, "yearly", false), false);
  read_promise(reader, node, target);
}

/* --- checking: the formula, now that all indicators are read --- */

static void read_term(struct reader *reader, const struct yaml_node *node, const struct target *target,
                      struct term *term)
{
  static const char *const keys[] = {"indicator", "area", "slice", NULL};
  yaml_known_keys(reader->yaml, node, keys);
  const struct yaml_node *indicator = yaml_get(reader->yaml, node, "indicator", true);
  const struct yaml_node *area = yaml_get(reader->yaml, node, "area", false);
  const struct yaml_node *slice = yaml_get(reader->yaml, node, "slice", false);
  term->indicator = reader_reference(reader, SECTION_INDICATORS, indicator);
  term->area = area ? reader_reference(reader, SECTION_AREAS, area) : target->area;
  term->slice = slice ? reader_reference(reader, SECTION_SLICES, slice) : 0; /* all */
  if (term->indicator != CATALOGUE_NONE && reader->catalogue->indicators[term->indicator].kind == KIND_RATIO)
    yaml_mistake(reader->yaml, indicator,
                 _("“%s” is a ratio, and ratios do not add; name its numerator and its denominator"),
                 reader->catalogue->indicators[term->indicator].code);
}

/* Terms add only if their figures mean the same. */
static void check_like_first(struct reader *reader, const struct yaml_node *node, int first, int other)
{
  if (first == CATALOGUE_NONE || other == CATALOGUE_NONE) return;
  const struct indicator *a = &reader->catalogue->indicators[first];
  const struct indicator *b = &reader->catalogue->indicators[other];
  if (a->measure == CATALOGUE_NONE || b->measure == CATALOGUE_NONE) return;
  if (a->measure == b->measure && a->decimals == b->decimals) return;
  yaml_mistake(
      reader->yaml, node,
      _("“%s” and “%s” cannot be added: they have different measures or decimals (%s with %u, %s with %u)"),
      a->code, b->code, reader->catalogue->measures[a->measure].code, a->decimals,
      reader->catalogue->measures[b->measure].code, b->decimals);
}

static void read_terms(struct reader *reader, const struct yaml_node *node, const struct target *asked,
                       const char *key, bool required, struct term **ret_terms, size_t *ret_count)
{
  const struct yaml_node *list = yaml_get(reader->yaml, node, key, required);
  if (!list) return;
  size_t count = yaml_is_sequence(list) ? yaml_size(reader->yaml, list) : 0;
  if (count == 0) {
    yaml_mistake(reader->yaml, list,
                 _("expected terms, one per line: “- {indicator: revenue, area: zone, slice: all}”"));
    return;
  }
  struct term *terms = g_new0(struct term, count);
  for (size_t i = 0; i < count; i++) {
    const struct yaml_node *item = yaml_item(reader->yaml, list, i);
    read_term(reader, item, asked, &terms[i]);
    if (i > 0) check_like_first(reader, item, terms[0].indicator, terms[i].indicator);
  }
  *ret_terms = terms;
  *ret_count = count;
}

void catalogue_check_formula(struct reader *reader, const struct yaml_node *node, struct target *asked)
{
  bool ratio = asked->form == TARGET_RATIO;
  read_terms(reader, node, asked, "numerator", true, &asked->numerator, &asked->numerator_count);
  read_terms(reader, node, asked, "denominator", ratio, &asked->denominator, &asked->denominator_count);
  const struct yaml_node *denominator = yaml_get(reader->yaml, node, "denominator", false);
  if (denominator && !ratio)
    yaml_mistake(reader->yaml, denominator,
                 _("only the formula “ratio” has a denominator; remove it, or change the formula"));
  const struct yaml_node *divisor = yaml_get(reader->yaml, node, "divisor", false);
  if (divisor && asked->form != TARGET_VALUE)
    yaml_mistake(reader->yaml, divisor, _("only the formula “value” has a divisor; remove it"));
}

void catalogue_check_target(struct reader *reader, size_t n)
{
  catalogue_check_formula(reader, reader_item(reader, SECTION_TARGETS, n), &reader->catalogue->targets[n]);
}

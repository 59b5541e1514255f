/* Targets of a catalogue file. */
#include "common/catalogue_private.h"
#include "common/limits.h"

#include <string.h>

#define MOST_SCALE 1000000000000 /* 千元 in a trillion yuan and to spare */
#define LEAST_YEAR 1900
#define MOST_YEAR 2999
#define LEAST_COVERAGE 50 /* per cent, where the catalogue says nothing: half of a total is no total */

/* --- reading --- */

/* NULL where they are none. */
static struct stage *read_years(struct reader *reader, const struct yaml_node *node,
                                const struct target *target, size_t *ret_count)
{
  if (!yaml_is_mapping(node)) {
    yaml_mistake(reader->yaml, node, _("expected a value for each year: {2018: 66, 2019: 68, 2020: 70}"));
    return NULL;
  }
  size_t count = yaml_size(reader->yaml, node);
  struct stage *stages = g_new0(struct stage, count);
  for (size_t i = 0; i < count; i++) {
    const struct yaml_node *year = yaml_item_key(reader->yaml, node, i);
    stages[i].year = (int)yaml_integer(reader->yaml, year, LEAST_YEAR, MOST_YEAR, LEAST_YEAR);
    stages[i].value =
        reader_amount(reader, yaml_item(reader->yaml, node, i), target->decimals, target->value);
    if (i > 0 && stages[i].year < stages[i - 1].year)
      yaml_mistake(reader->yaml, year, _("the years of the stages must ascend"));
  }
  *ret_count = count;
  return stages;
}

static void read_stages(struct reader *reader, const struct yaml_node *node, struct target *target)
{
  const struct yaml_node *stages = yaml_get(reader->yaml, node, "stages", false);
  if (!stages) return;
  target->stages = read_years(reader, stages, target, &target->stage_count);
  size_t count = target->stage_count;
  if (count > 0 && target->stages[count - 1].value != target->value)
    yaml_mistake(reader->yaml, yaml_item(reader->yaml, stages, count - 1),
                 _("the last stage must be the target's own value; correct one of them"));
}

/* What is promised for parts of the area. */
static void read_shares(struct reader *reader, const struct yaml_node *node, struct target *target)
{
  const struct yaml_node *parks = yaml_get(reader->yaml, node, "parks", false);
  if (!parks) return;
  if (!yaml_is_mapping(parks)) {
    yaml_mistake(reader->yaml, parks,
                 _("expected the yearly stages of each park: {hexi: {2018: 20, 2020: 30}}"));
    return;
  }
  if (!target->per_park)
    yaml_mistake(reader->yaml, parks, _("parks have numbers only where the target is “per_park: true”"));
  if (target->direction == DIRECTION_TRACKED)
    yaml_mistake(
        reader->yaml, parks,
        _("a target that is only tracked promises no number; remove this, or choose another direction"));
  target->share_count = yaml_size(reader->yaml, parks);
  target->shares = g_new0(struct share, target->share_count);
  for (size_t i = 0; i < target->share_count; i++) {
    struct share *share = &target->shares[i];
    share->area = reader_reference(reader, SECTION_AREAS, yaml_item_key(reader->yaml, parks, i));
    share->stages = read_years(reader, yaml_item(reader->yaml, parks, i), target, &share->stage_count);
  }
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
  static const char *const keys[] = {
      "zh",     "en",      "area",   "population", "note",     "formula",        "numerator", "denominator",
      "scale",  "divisor", "yearly", "measure",    "decimals", "direction",      "value",     "tolerance",
      "stages", "source",  "bureau", "per_park",   "parks",    "least_coverage", NULL};
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
  target->per_park = yaml_flag(reader->yaml, yaml_get(reader->yaml, node, "per_park", false), false);
  target->least_coverage = (unsigned)yaml_integer(
      reader->yaml, yaml_get(reader->yaml, node, "least_coverage", false), 0, 100, LEAST_COVERAGE);
  read_promise(reader, node, target);
  read_shares(reader, node, target);
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

/* Areas that lie within each other in a ring are told of themselves; here they must have an end. */
static bool is_part(const struct catalogue *catalogue, int inner, int outer)
{
  for (int depth = 0; inner != CATALOGUE_NONE && depth < LIMIT_AREA_DEPTH; depth++) {
    inner = catalogue->areas[inner].parent;
    if (inner == outer) return true;
  }
  return false;
}

static void check_shares(struct reader *reader, const struct yaml_node *node, const struct target *target)
{
  const struct yaml_node *parks = yaml_get(reader->yaml, node, "parks", false);
  for (size_t i = 0; i < target->share_count; i++) {
    int area = target->shares[i].area;
    if (area == CATALOGUE_NONE || target->area == CATALOGUE_NONE) continue;
    if (!is_part(reader->catalogue, area, target->area))
      yaml_mistake(reader->yaml, yaml_item_key(reader->yaml, parks, i),
                   _("“%s” is no part of “%s”, for which the target is stated"),
                   reader->catalogue->areas[area].code, reader->catalogue->areas[target->area].code);
  }
}

void catalogue_check_target(struct reader *reader, size_t n)
{
  const struct yaml_node *node = reader_item(reader, SECTION_TARGETS, n);
  struct target *target = &reader->catalogue->targets[n];
  check_shares(reader, node, target);
  catalogue_check_formula(reader, node, target);
}

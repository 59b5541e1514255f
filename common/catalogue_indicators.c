/* Indicators of a catalogue file: what is reported, counted or divided. */
#include "common/catalogue_private.h"
#include "common/limits.h"

static const struct yaml_node *value_of(const struct reader *reader, size_t n, const char *key)
{
  return yaml_get(reader->yaml, reader_item(reader, SECTION_INDICATORS, n), key, false);
}

/* --- reading: what needs no other indicator --- */

static void read_range(struct reader *reader, const struct yaml_node *node, struct indicator *indicator)
{
  bool negative = yaml_flag(reader->yaml, yaml_get(reader->yaml, node, "negative", false), false);
  const struct yaml_node *least = yaml_get(reader->yaml, node, "least", false);
  const struct yaml_node *most = yaml_get(reader->yaml, node, "most", false);
  indicator->least = reader_amount(reader, least, indicator->decimals, negative ? -LIMIT_FIGURE : 0);
  indicator->most = reader_amount(reader, most, indicator->decimals, LIMIT_FIGURE);
  if (least && negative)
    yaml_mistake(reader->yaml, least, _("“least” says it all; remove “negative”, or “least”"));
  if (indicator->least > indicator->most)
    yaml_mistake(reader->yaml, least ? least : most, _("no figure would fit: “least” is above “most”"));
}

/* The keys that only one kind has. */
static void check_kind_keys(struct reader *reader, const struct yaml_node *node, enum indicator_kind kind)
{
  static const struct {
    const char *key;
    unsigned kinds; /* bits of the kinds that may have it */
    bool required;
  } rules[] = {
      {"basis", 1 << KIND_FLOW, false},
      {"negative", 1 << KIND_FLOW | 1 << KIND_STOCK, false},
      {"least", 1 << KIND_FLOW | 1 << KIND_STOCK, false},
      {"most", 1 << KIND_FLOW | 1 << KIND_STOCK, false},
      {"count", 1 << KIND_COUNT, true},
      {"ratio", 1 << KIND_RATIO, true},
  };
  static const char *const kinds[] = {"flow", "stock", "count", "ratio"};
  for (size_t i = 0; i < G_N_ELEMENTS(rules); i++) {
    bool allowed = rules[i].kinds >> kind & 1;
    const struct yaml_node *value = yaml_get(reader->yaml, node, rules[i].key, allowed && rules[i].required);
    if (value && !allowed)
      yaml_mistake(reader->yaml, value,
                   _("an indicator of kind “%s” has no “%s”; remove it, or correct the kind"), kinds[kind],
                   rules[i].key);
  }
}

void catalogue_read_indicator(struct reader *reader, size_t n)
{
  static const char *const keys[] = {"zh",       "en",    "aliases", "measure", "decimals", "kind", "basis",
                                     "negative", "least", "most",    "count",   "ratio",    NULL};
  static const char *const kinds[] = {"flow", "stock", "count", "ratio", NULL}; /* enum indicator_kind */
  static const char *const bases[] = {"month", "cumulative", "both", NULL};     /* enum basis */
  const struct yaml_node *node = reader_item(reader, SECTION_INDICATORS, n);
  yaml_known_keys(reader->yaml, node, keys);
  struct indicator *indicator = &reader->catalogue->indicators[n];
  yaml_label(reader->yaml, node, &indicator->name);
  indicator->aliases = reader_texts(reader, node, "aliases");
  indicator->measure = reader_reference_at(reader, node, "measure", true, SECTION_MEASURES);
  const struct yaml_node *decimals = yaml_get(reader->yaml, node, "decimals", false);
  indicator->decimals = (unsigned)yaml_integer(reader->yaml, decimals, 0, LIMIT_DECIMALS, 0);
  const struct yaml_node *kind = yaml_get(reader->yaml, node, "kind", true);
  int known = yaml_word(reader->yaml, kind, kinds, CATALOGUE_NONE);
  indicator->kind = known == CATALOGUE_NONE ? KIND_FLOW : known;
  indicator->basis =
      yaml_word(reader->yaml, yaml_get(reader->yaml, node, "basis", false), bases, BASIS_MONTH);
  if (known != CATALOGUE_NONE) check_kind_keys(reader, node, indicator->kind);
  read_range(reader, node, indicator);
  indicator->count_class = indicator->count_flag = indicator->count_indicator = CATALOGUE_NONE;
  indicator->numerator = indicator->denominator = CATALOGUE_NONE;
  indicator->ratio_scale = 1;
  indicator->count_below = INT64_MAX;
}

/* --- checking: formulas over other indicators, all of which are read by now --- */

/* A reported indicator, or CATALOGUE_NONE. */
static int reported_indicator(struct reader *reader, const struct yaml_node *formula, const char *key,
                              bool required)
{
  const struct yaml_node *node = yaml_get(reader->yaml, formula, key, required);
  int found = reader_reference(reader, SECTION_INDICATORS, node);
  if (found == CATALOGUE_NONE) return CATALOGUE_NONE;
  const struct indicator *indicator = &reader->catalogue->indicators[found];
  if (indicator->kind == KIND_FLOW || indicator->kind == KIND_STOCK) return found;
  yaml_mistake(reader->yaml, node, _("“%s” is not reported but computed itself; name a flow or a stock"),
               indicator->code);
  return CATALOGUE_NONE;
}

static void check_count(struct reader *reader, size_t n, struct indicator *indicator)
{
  static const char *const keys[] = {"class", "flag", "indicator", "from", "below", NULL};
  const struct yaml_node *formula = value_of(reader, n, "count");
  yaml_known_keys(reader->yaml, formula, keys);
  indicator->count_class = reader_reference_at(reader, formula, "class", true, SECTION_CLASSES);
  const struct yaml_node *flag = yaml_get(reader->yaml, formula, "flag", false);
  const struct yaml_node *tier = yaml_get(reader->yaml, formula, "indicator", false);
  const struct yaml_node *from = yaml_get(reader->yaml, formula, "from", tier != NULL);
  const struct yaml_node *below = yaml_get(reader->yaml, formula, "below", false);
  indicator->count_flag = reader_reference(reader, SECTION_FLAGS, flag);
  indicator->count_indicator = reported_indicator(reader, formula, "indicator", false);
  if (indicator->decimals != 0)
    yaml_mistake(reader->yaml, value_of(reader, n, "decimals"), _("a count has no decimals; remove them"));
  if (flag && tier)
    yaml_mistake(reader->yaml, tier,
                 _("a count has a flag or an indicator, not both; count in a slice of the flag"));
  if (!tier && (from || below))
    yaml_mistake(reader->yaml, from ? from : below,
                 _("a bound of what? Add “indicator: …”, or remove the bound"));
  if (indicator->count_indicator == CATALOGUE_NONE) return;
  unsigned decimals = reader->catalogue->indicators[indicator->count_indicator].decimals;
  indicator->count_from = reader_amount(reader, from, decimals, 0);
  indicator->count_below = reader_amount(reader, below, decimals, INT64_MAX);
  if (indicator->count_from >= indicator->count_below)
    yaml_mistake(reader->yaml, below, _("nothing would be counted: “below” must be above “from”"));
}

static void check_ratio(struct reader *reader, size_t n, struct indicator *indicator)
{
  static const char *const keys[] = {"numerator", "denominator", "scale", NULL};
  const struct yaml_node *formula = value_of(reader, n, "ratio");
  yaml_known_keys(reader->yaml, formula, keys);
  indicator->numerator = reported_indicator(reader, formula, "numerator", true);
  indicator->denominator = reported_indicator(reader, formula, "denominator", true);
  const struct yaml_node *scale = yaml_get(reader->yaml, formula, "scale", false);
  indicator->ratio_scale = yaml_integer(reader->yaml, scale, 1, 1000000000, 1);
}

void catalogue_check_indicator(struct reader *reader, size_t n)
{
  struct indicator *indicator = &reader->catalogue->indicators[n];
  if (indicator->kind == KIND_COUNT && value_of(reader, n, "count"))
    check_count(reader, n, indicator);
  else if (indicator->kind == KIND_RATIO && value_of(reader, n, "ratio"))
    check_ratio(reader, n, indicator);
}

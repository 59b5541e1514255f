/* Scorecards of a catalogue file: by what areas are assessed every year. */
#include "common/catalogue_private.h"
#include "common/decimal.h"

#define WEIGHT_DECIMALS 2
#define ALL_POINTS 10000 /* 100, in hundredths */

/* The item that reading or checking is at. */
static const struct yaml_node *card_node(const struct reader *reader, size_t n, const char *key)
{
  return yaml_get(reader->yaml, reader_item(reader, SECTION_SCORECARDS, n), key, false);
}

static const struct yaml_node *dimension_node(const struct reader *reader, size_t n, size_t dimension)
{
  return yaml_item(reader->yaml, card_node(reader, n, "dimensions"), dimension);
}

static const struct yaml_node *items_node(const struct reader *reader, size_t n, size_t dimension)
{
  return yaml_get(reader->yaml, dimension_node(reader, n, dimension), "items", false);
}

/* --- reading --- */

static void read_areas(struct reader *reader, size_t n, struct scorecard *card)
{
  const struct yaml_node *list =
      yaml_get(reader->yaml, reader_item(reader, SECTION_SCORECARDS, n), "areas", true);
  size_t count = yaml_size(reader->yaml, list);
  if (list && count == 0)
    yaml_mistake(reader->yaml, list, _("name the areas that are assessed, in a list: [east, west]"));
  card->areas = g_new(int, count);
  for (size_t i = 0; i < count; i++) {
    const struct yaml_node *item = yaml_item(reader->yaml, list, i);
    card->areas[card->area_count] = reader_reference(reader, SECTION_AREAS, item);
    for (size_t j = 0; j < card->area_count && card->areas[card->area_count] != CATALOGUE_NONE; j++)
      if (card->areas[j] == card->areas[card->area_count])
        yaml_mistake(reader->yaml, item, _("the area “%s” stands here twice; remove one"),
                     reader->catalogue->areas[card->areas[j]].code);
    card->area_count++;
  }
}

/* In hundredths of a point. */
static int64_t read_weight(struct reader *reader, const struct yaml_node *node)
{
  const struct yaml_node *weight = yaml_get(reader->yaml, node, "weight", true);
  int64_t points = reader_amount(reader, weight, WEIGHT_DECIMALS, 1);
  if (points > 0 && points <= ALL_POINTS) return points;
  yaml_mistake(reader->yaml, weight, _("a weight is more than 0 and at most 100 points"));
  return 1;
}

static void read_points(struct reader *reader, const struct yaml_node *node, struct score_item *item)
{
  static const char *const methods[] = {"linear", "relative", NULL}; /* enum points */
  static const char *const ends[] = {"highest", "lowest", NULL};
  const struct yaml_node *method = yaml_get(reader->yaml, node, "points", true);
  int known = yaml_word(reader->yaml, method, methods, CATALOGUE_NONE);
  item->points = known == CATALOGUE_NONE ? POINTS_LINEAR : known;
  const struct yaml_node *none = yaml_get(reader->yaml, node, "none_at", known == POINTS_LINEAR);
  const struct yaml_node *full = yaml_get(reader->yaml, node, "full_at", known == POINTS_LINEAR);
  const struct yaml_node *best = yaml_get(reader->yaml, node, "best", false);
  item->none_at = reader_amount(reader, none, item->asked.decimals, 0);
  item->full_at = reader_amount(reader, full, item->asked.decimals, 1);
  item->lowest_is_best = yaml_word(reader->yaml, best, ends, 0);
  if (known == POINTS_LINEAR && none && full && item->none_at == item->full_at)
    yaml_mistake(reader->yaml, full,
                 _("“none_at” and “full_at” must differ: points rise from one to the other"));
  if (known == POINTS_LINEAR && best)
    yaml_mistake(reader->yaml, best,
                 _("where points are linear, “full_at” tells which end is best; remove “best”"));
  if (known == POINTS_RELATIVE && (none || full))
    yaml_mistake(reader->yaml, none ? none : full,
                 _("points that are relative go from the worst to the best of the areas; remove this, or "
                   "choose linear"));
}

static void read_item(struct reader *reader, const struct yaml_node *items, size_t at,
                      struct score_item *item)
{
  static const char *const keys[] = {"zh",          "en",      "weight",  "formula", "numerator",
                                     "denominator", "scale",   "divisor", "measure", "decimals",
                                     "points",      "none_at", "full_at", "best",    NULL};
  const struct yaml_node *node = yaml_item(reader->yaml, items, at);
  item->code = reader_code(reader, yaml_item_key(reader->yaml, items, at));
  yaml_known_keys(reader->yaml, node, keys);
  yaml_label(reader->yaml, node, &item->name);
  item->weight = read_weight(reader, node);
  item->asked.area = CATALOGUE_NONE;
  item->asked.yearly = true;
  item->asked.direction = DIRECTION_TRACKED;
  catalogue_read_formula(reader, node, &item->asked);
  read_points(reader, node, item);
}

/* The mapping below `key`, which is not empty; NULL after a mistake. */
static const struct yaml_node *read_mapping(struct reader *reader, const struct yaml_node *node,
                                            const char *key, const char *what)
{
  const struct yaml_node *mapping = yaml_get(reader->yaml, node, key, true);
  if (!mapping) return NULL;
  if (yaml_is_mapping(mapping) && yaml_size(reader->yaml, mapping) > 0) return mapping;
  yaml_mistake(reader->yaml, mapping, "%s", what);
  return NULL;
}

static void read_dimension(struct reader *reader, const struct yaml_node *dimensions, size_t at,
                           struct score_dimension *dimension)
{
  static const char *const keys[] = {"zh", "en", "weight", "items", NULL};
  const struct yaml_node *node = yaml_item(reader->yaml, dimensions, at);
  dimension->code = reader_code(reader, yaml_item_key(reader->yaml, dimensions, at));
  yaml_known_keys(reader->yaml, node, keys);
  yaml_label(reader->yaml, node, &dimension->name);
  dimension->weight = read_weight(reader, node);
  const struct yaml_node *items = read_mapping(
      reader, node, "items", _("expected the items of the dimension, each as “code: {zh: …, en: …}”"));
  if (!items) return;
  dimension->item_count = yaml_size(reader->yaml, items);
  dimension->items = g_new0(struct score_item, dimension->item_count);
  for (size_t i = 0; i < dimension->item_count; i++) read_item(reader, items, i, &dimension->items[i]);
}

void catalogue_read_scorecard(struct reader *reader, size_t n)
{
  static const char *const keys[] = {"zh", "en", "note", "areas", "dimensions", NULL};
  const struct yaml_node *node = reader_item(reader, SECTION_SCORECARDS, n);
  struct scorecard *card = &reader->catalogue->scorecards[n];
  yaml_known_keys(reader->yaml, node, keys);
  yaml_label(reader->yaml, node, &card->name);
  reader_label(reader, node, "note", false, &card->note);
  read_areas(reader, n, card);
  const struct yaml_node *dimensions =
      read_mapping(reader, node, "dimensions",
                   _("expected the dimensions of the scorecard, each as “code: {zh: …, en: …}”"));
  if (!dimensions) return;
  card->dimension_count = yaml_size(reader->yaml, dimensions);
  card->dimensions = g_new0(struct score_dimension, card->dimension_count);
  for (size_t i = 0; i < card->dimension_count; i++)
    read_dimension(reader, dimensions, i, &card->dimensions[i]);
}

/* --- checking --- */

static void check_weights_of_items(struct reader *reader, const struct yaml_node *node,
                                   const struct score_dimension *dimension)
{
  char declared[DECIMAL_TEXT_SIZE], found[DECIMAL_TEXT_SIZE];
  int64_t sum = 0;
  for (size_t i = 0; i < dimension->item_count; i++) sum += dimension->items[i].weight;
  if (sum == dimension->weight || dimension->item_count == 0) return;
  yaml_mistake(reader->yaml, yaml_get(reader->yaml, node, "weight", false),
               _("the items of “%s” come to %s points, but its weight is %s; correct one of them"),
               dimension->code, decimal_format(sum, WEIGHT_DECIMALS, found),
               decimal_format(dimension->weight, WEIGHT_DECIMALS, declared));
}

static void check_weights(struct reader *reader, size_t n)
{
  const struct scorecard *card = &reader->catalogue->scorecards[n];
  char found[DECIMAL_TEXT_SIZE];
  int64_t sum = 0;
  for (size_t i = 0; i < card->dimension_count; i++) {
    check_weights_of_items(reader, dimension_node(reader, n, i), &card->dimensions[i]);
    sum += card->dimensions[i].weight;
  }
  if (card->dimension_count > 0 && sum != ALL_POINTS)
    yaml_mistake(reader->yaml, card_node(reader, n, "dimensions"),
                 _("the weights of the dimensions come to %s points, expected 100; correct them"),
                 decimal_format(sum, WEIGHT_DECIMALS, found));
}

void catalogue_check_scorecard(struct reader *reader, size_t n)
{
  struct scorecard *card = &reader->catalogue->scorecards[n];
  for (size_t i = 0; i < card->dimension_count; i++)
    for (size_t j = 0; j < card->dimensions[i].item_count; j++)
      catalogue_check_formula(reader, yaml_item(reader->yaml, items_node(reader, n, i), j),
                              &card->dimensions[i].items[j].asked);
  check_weights(reader, n);
}

/* Counts: which legal entities entered one or left it. An entity is in or out of it in each situation by all
 * of its units together. */
#include "aggregator/read_explain_private.h"

#include <string.h>

/* What a legal entity is in each situation. */
struct entity {
  char code[LIMIT_CODE_BYTES + 1];
  int128 sum[SITUATIONS];
  int64_t reports[SITUATIONS];
  struct explain_line report; /* the newest of its units' */
};

static struct entity *entity_of(GHashTable *entities, const char *code)
{
  struct entity *entity = g_hash_table_lookup(entities, code);

  if (entity) return entity;
  entity = g_new0(struct entity, 1);
  g_strlcpy(entity->code, code, sizeof entity->code);
  g_hash_table_insert(entities, entity->code, entity);
  return entity;
}

static GHashTable *entities_new(void)
{
  return g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
}

/* `is_in[n]`: in situation n. */
static void add_entity(struct explaining *explaining, const struct entity *entity,
                       const bool is_in[static SITUATIONS])
{
  explain_unit(explaining->explain, is_in[0], is_in[SITUATIONS - 1]);
  for (int n = 1; n < SITUATIONS; n++) {
    struct explain_line line = {0};

    if (read_explain_causes[n] == EXPLAIN_REPORT) line = entity->report;
    g_strlcpy(line.unit, entity->code, sizeof line.unit);
    line.cause = read_explain_causes[n];
    line.change = (int128)is_in[n] - is_in[n - 1];
    explain_add(explaining->explain, &line);
  }
}

/* --- by figures --- */

/* The version by which a unit's figure is its entity's; NULL if it is nobody's. */
static const struct unit_version *version_in(const struct explaining *explaining,
                                             const struct unit_state *state,
                                             const struct situation *situation, size_t book)
{
  const struct side *catalogue = &explaining->side[situation->catalogue];
  const struct side *units = &explaining->side[situation->units];
  const struct unit_version *version = state->version[book][situation->units];

  if (!version || !catalogue->catalogue || catalogue->indicator == CATALOGUE_NONE) return NULL;
  return count_takes(catalogue->catalogue, units->units,
                     &catalogue->catalogue->indicators[catalogue->indicator], version,
                     explaining->books[book].period)
             ? version
             : NULL;
}

/* Parts of a plan are books, and a unit may be of another entity in each: so book by book. */
static void gather(struct explaining *explaining, const struct unit_state *state, void *data)
{
  GHashTable *entities = data;

  for (size_t book = 0; book < explaining->book_count; book++) {
    struct unit_state of_book = {.unit = state->unit};

    memcpy(of_book.at[book], state->at[book], sizeof of_book.at[book]);
    memcpy(of_book.version[book], state->version[book], sizeof of_book.version[book]);
    for (int n = 0; n < SITUATIONS; n++) {
      const struct situation *situation = &read_explain_situations[n];
      const struct unit_version *version = version_in(explaining, state, situation, book);
      struct entity *entity;
      int128 value;
      int64_t reports;

      if (!version) continue;
      read_explain_value(explaining, &of_book, situation, &value, &reports);
      if (reports == 0) continue;
      entity = entity_of(entities, count_entity(explaining->side[situation->catalogue].catalogue, version));
      entity->sum[n] += value;
      entity->reports[n] += reports;
      if (situation->new_reports) {
        struct explain_line report = {0};

        read_explain_name_report(explaining, state, book, &report);
        if (report.since >= entity->report.since) entity->report = report;
      }
    }
  }
}

void read_explain_count_reported(struct explaining *explaining)
{
  g_autoptr(GHashTable) entities = entities_new();
  GHashTableIter iter;
  void *item;

  read_explain_each_unit(explaining, gather, entities);
  g_hash_table_iter_init(&iter, entities);
  while (g_hash_table_iter_next(&iter, NULL, &item)) {
    const struct entity *entity = item;
    bool is_in[SITUATIONS];

    for (int n = 0; n < SITUATIONS; n++) {
      const struct side *side = &explaining->side[read_explain_situations[n].catalogue];

      is_in[n] = entity->reports[n] > 0 &&
                 count_is_in_tier(&side->catalogue->indicators[side->indicator], entity->sum[n]);
    }
    add_entity(explaining, entity, is_in);
  }
}

/* --- by the register --- */

void read_explain_count_registered(struct explaining *explaining)
{
  g_autoptr(GHashTable) entities = entities_new();
  day_number day = period_last_day(explaining->asked->period);
  GHashTableIter iter;
  void *item;

  for (int n = 0; n < SITUATIONS; n++) {
    const struct side *side = &explaining->side[read_explain_situations[n].catalogue];
    const struct unit_register *units = explaining->side[read_explain_situations[n].units].units;

    if (!units || !side->catalogue || side->area == CATALOGUE_NONE || side->slice == CATALOGUE_NONE ||
        side->indicator == CATALOGUE_NONE)
      continue;
    for (size_t v = 0; v < register_size(units); v++)
      if (count_has(side->catalogue, units, v, &side->catalogue->indicators[side->indicator], day,
                    explaining->asked->area, explaining->asked->slice))
        entity_of(entities, count_entity(side->catalogue, register_nth(units, v)))->reports[n]++;
  }
  g_hash_table_iter_init(&iter, entities);
  while (g_hash_table_iter_next(&iter, NULL, &item)) {
    const struct entity *entity = item;
    bool is_in[SITUATIONS];

    for (int n = 0; n < SITUATIONS; n++) is_in[n] = entity->reports[n] > 0;
    add_entity(explaining, entity, is_in);
  }
}

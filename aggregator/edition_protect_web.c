/* Cells that no relation joins, however many are between, tell nothing of each other: each such part is a
 * table of its own, small enough to be searched well. */
#include "aggregator/edition_protect_private.h"

struct web_relation {
  size_t first, count; /* terms */
};

struct web {
  GArray *terms;     /* struct disclose_term of all */
  GArray *relations; /* struct web_relation */
  size_t *numbers;   /* by cell: that in the table of its part */
};

struct web *web_new(void)
{
  struct web *web = g_new0(struct web, 1);
  web->terms = g_array_new(FALSE, FALSE, sizeof(struct disclose_term));
  web->relations = g_array_new(FALSE, FALSE, sizeof(struct web_relation));
  return web;
}

void web_free(struct web *web)
{
  if (!web) return;
  g_array_unref(web->terms);
  g_array_unref(web->relations);
  g_free(web->numbers);
  g_free(web);
}

void web_relate(struct web *web, const struct disclose_term *terms, size_t count)
{
  struct web_relation relation = {web->terms->len, count};
  g_array_append_vals(web->terms, terms, (guint)count);
  g_array_append_val(web->relations, relation);
}

/* --- parts: sets of cells, each with one cell that stands for it --- */

static size_t find(size_t *parents, size_t cell)
{
  while (parents[cell] != cell) cell = parents[cell] = parents[parents[cell]];
  return cell;
}

static const struct disclose_term *terms_of(const struct web *web, const struct web_relation *relation)
{
  return &g_array_index(web->terms, struct disclose_term, relation->first);
}

static size_t *find_parts(const struct web *web, size_t cells)
{
  size_t *parents = g_new(size_t, cells + 1);
  for (size_t n = 0; n < cells; n++) parents[n] = n;
  for (unsigned r = 0; r < web->relations->len; r++) {
    const struct web_relation *relation = &g_array_index(web->relations, struct web_relation, r);
    const struct disclose_term *terms = terms_of(web, relation);
    for (size_t i = 1; i < relation->count; i++)
      parents[find(parents, terms[i].cell)] = find(parents, terms[0].cell);
  }
  return parents;
}

struct part {
  GArray *members;   /* size_t: its cells, in the order of its table's */
  GArray *relations; /* size_t */
};

static void part_free(void *data)
{
  struct part *part = data;
  g_array_unref(part->members);
  g_array_unref(part->relations);
  g_free(part);
}

/* Those that have a fresh cell, by the cell that stands for them. */
static GHashTable *make_parts(size_t *parents, size_t fresh)
{
  GHashTable *parts = g_hash_table_new_full(NULL, NULL, NULL, part_free);
  for (size_t n = 0; n < fresh; n++) {
    void *key = GSIZE_TO_POINTER(find(parents, n) + 1);
    if (g_hash_table_contains(parts, key)) continue;
    struct part *part = g_new0(struct part, 1);
    part->members = g_array_new(FALSE, FALSE, sizeof(size_t));
    part->relations = g_array_new(FALSE, FALSE, sizeof(size_t));
    g_hash_table_insert(parts, key, part);
  }
  return parts;
}

static struct part *part_of(GHashTable *parts, size_t *parents, size_t cell)
{
  return g_hash_table_lookup(parts, GSIZE_TO_POINTER(find(parents, cell) + 1));
}

static void fill_parts(struct web *web, GHashTable *parts, size_t *parents, size_t cells)
{
  for (size_t n = 0; n < cells; n++) {
    struct part *part = part_of(parts, parents, n);
    if (!part) continue;
    web->numbers[n] = part->members->len;
    g_array_append_val(part->members, n);
  }
  for (size_t r = 0; r < web->relations->len; r++) {
    struct part *part = part_of(
        parts, parents, terms_of(web, &g_array_index(web->relations, struct web_relation, r))[0].cell);
    if (part) g_array_append_val(part->relations, r);
  }
}

static struct disclose_table *make_table(const struct web *web, const struct part *part, const GArray *cells)
{
  struct disclose_table *table = disclose_table_new();
  g_autoptr(GArray) terms = g_array_new(FALSE, FALSE, sizeof(struct disclose_term));
  for (unsigned n = 0; n < part->members->len; n++)
    disclose_table_cell(table,
                        &g_array_index(cells, struct disclose_cell, g_array_index(part->members, size_t, n)));
  for (unsigned n = 0; n < part->relations->len; n++) {
    const struct web_relation *relation =
        &g_array_index(web->relations, struct web_relation, g_array_index(part->relations, size_t, n));
    g_array_set_size(terms, 0);
    for (size_t i = 0; i < relation->count; i++) {
      struct disclose_term term = terms_of(web, relation)[i];
      term.cell = web->numbers[term.cell];
      g_array_append_val(terms, term);
    }
    disclose_table_relation(table, (const struct disclose_term *)(const void *)terms->data, terms->len, 0, 0,
                            DISCLOSE_STANDS);
  }
  return table;
}

/* --- protection --- */

static bool is_unprotected(const struct part *part, const struct disclose_pattern *pattern, size_t fresh)
{
  for (unsigned n = 0; n < part->members->len; n++)
    if (pattern->cells[n].proof == DISCLOSE_UNPROTECTED && g_array_index(part->members, size_t, n) < fresh)
      return true;
  return false;
}

/* Where a new cell of the part cannot be protected, nothing new is said of all of it; where only old ones
 * cannot, what ties new ones to them is not: then nobody knows more than before. */
static void withhold_more(const struct part *part, const struct disclose_pattern *pattern, size_t fresh,
                          const GArray *cells, const bool *ties, struct disclose_outcome *outcomes)
{
  bool all = is_unprotected(part, pattern, fresh);
  for (unsigned n = 0; n < part->members->len; n++) {
    size_t cell = g_array_index(part->members, size_t, n);
    bool is_known = g_array_index(cells, struct disclose_cell, cell).known;
    if (cell < fresh && !is_known && (all || ties[cell]) && outcomes[cell].status == DISCLOSE_PUBLISHED)
      outcomes[cell].status = DISCLOSE_COARSENED;
  }
}

static bool protect_part(const struct web *web, const struct part *part, const struct disclose_rules *rules,
                         const GArray *cells, size_t fresh, const bool *ties,
                         struct disclose_outcome *ret_outcomes, GError **error)
{
  CLEANUP(disclose_table_free) struct disclose_table *table = make_table(web, part, cells);
  CLEANUP(disclose_pattern_free) struct disclose_pattern *pattern = disclose_protect(table, rules, error);
  if (!pattern) return false;
  for (unsigned n = 0; n < part->members->len; n++)
    ret_outcomes[g_array_index(part->members, size_t, n)] = pattern->cells[n];
  if (pattern->unprotected > 0) withhold_more(part, pattern, fresh, cells, ties, ret_outcomes);
  return true;
}

bool web_protect(struct web *web, const GArray *cells, size_t fresh, const bool *ties,
                 const struct disclose_rules *rules, struct disclose_outcome *ret_outcomes, GError **error)
{
  g_autofree size_t *parents = find_parts(web, cells->len);
  g_autoptr(GHashTable) parts = make_parts(parents, fresh);
  GHashTableIter all;
  void *part;
  g_free(web->numbers);
  web->numbers = g_new0(size_t, cells->len + 1);
  fill_parts(web, parts, parents, cells->len);
  g_hash_table_iter_init(&all, parts);
  while (g_hash_table_iter_next(&all, NULL, &part))
    if (!protect_part(web, part, rules, cells, fresh, ties, ret_outcomes, error)) return false;
  return true;
}

/* The table as it is given, whether it makes sense, and the form in which it is worked on. */
#include "aggregator/statistics/disclose_private.h"
#include "common/error.h"
#include "common/limits.h"
#include "common/text.h"

struct disclose_table *disclose_table_new(void)
{
  struct disclose_table *table = g_new0(struct disclose_table, 1);
  table->cells = g_array_new(false, false, sizeof(struct disclose_cell));
  table->terms = g_array_new(false, false, sizeof(struct disclose_term));
  table->relations = g_array_new(false, false, sizeof(struct relation));
  return table;
}

void disclose_table_free(struct disclose_table *table)
{
  if (!table) return;
  for (size_t i = 0; i < table->cells->len; i++)
    g_free((struct disclose_share *)g_array_index(table->cells, struct disclose_cell, i).shares);
  g_array_unref(table->cells);
  g_array_unref(table->terms);
  g_array_unref(table->relations);
  g_free(table);
}

size_t disclose_table_cell(struct disclose_table *table, const struct disclose_cell *cell)
{
  struct disclose_cell own = *cell;
  own.shares =
      cell->share_count == 0 ? NULL : g_memdup2(cell->shares, cell->share_count * sizeof *cell->shares);
  g_array_append_val(table->cells, own);
  return table->cells->len - 1;
}

size_t disclose_table_relation(struct disclose_table *table, const struct disclose_term *terms, size_t count,
                               int128 least, int128 most, enum disclose_standing standing)
{
  struct relation relation = {table->terms->len, count, least, most, standing};
  g_array_append_vals(table->terms, terms, (guint)count);
  g_array_append_val(table->relations, relation);
  return table->relations->len - 1;
}

size_t disclose_table_sum(struct disclose_table *table, size_t sum, const size_t *parts, size_t count,
                          size_t overlap)
{
  g_autofree struct disclose_term *terms = g_new(struct disclose_term, count + 2);
  size_t used = 0;
  for (size_t i = 0; i < count; i++) terms[used++] = (struct disclose_term){parts[i], 1};
  terms[used++] = (struct disclose_term){sum, -1};
  if (overlap != SIZE_MAX) terms[used++] = (struct disclose_term){overlap, -1};
  return disclose_table_relation(table, terms, used, 0, 0, DISCLOSE_STANDS);
}

/* |scale × numerator ÷ denominator × 10^decimals − ratio| ≤ 1/2, times twice the denominator. */
size_t disclose_table_ratio(struct disclose_table *table, size_t numerator, size_t denominator, int64_t scale,
                            int64_t ratio, unsigned decimals, enum disclose_standing standing)
{
  int64_t times = (int64_t)(2 * decimal_power10(decimals)) * scale;
  struct disclose_term above[] = {{numerator, times}, {denominator, 1 - 2 * ratio}};
  struct disclose_term below[] = {{numerator, times}, {denominator, -1 - 2 * ratio}};
  size_t first = disclose_table_relation(table, above, 2, 0, DISCLOSE_NO_MOST, standing);
  disclose_table_relation(table, below, 2, DISCLOSE_NO_LEAST, 0, standing);
  return first;
}

/* --- whether it makes sense --- */

static bool is_beyond(int128 value, int128 limit)
{
  return value > limit || value < -limit;
}

static bool check_cell(const struct disclose_cell *cell, size_t number, GError **error)
{
  const char *what = NULL;
  if (is_beyond(cell->value, LIMIT_DISCLOSE_VALUE) || is_beyond(cell->magnitude, LIMIT_DISCLOSE_VALUE))
    what = _("its value is too large");
  else if (cell->magnitude < 0 || cell->parents < 0 || cell->weight < 1 || cell->weight > LIMIT_FIGURE)
    what = _("a magnitude, a number of parents or a weight is out of range");
  else if (cell->kind != DISCLOSE_SIGNED && cell->value < 0)
    what = _("it is below 0, which an amount or a count is never");
  else if (cell->kind != DISCLOSE_COUNT && cell->parents == 0 && (cell->value != 0 || cell->magnitude != 0))
    what = _("it has a value, and no parent contributes to it");
  else if ((int64_t)cell->share_count > cell->parents && cell->kind != DISCLOSE_COUNT)
    what = _("it has more shares than parents");
  if (!what) return true;
  g_set_error(error, PARKTALLY_ERROR, ERROR_DATA, _("disclosure control: cell %zu: %s"), number, what);
  return false;
}

static bool check_terms(const struct disclose_table *table, const struct relation *relation, size_t number,
                        GError **error)
{
  int128 sum = 0;
  if (relation->count > LIMIT_DISCLOSE_RELATION) {
    g_set_error(error, PARKTALLY_ERROR, ERROR_UNAVAILABLE,
                _("disclosure control: relation %zu has %zu cells; at most %d are possible"), number,
                relation->count, LIMIT_DISCLOSE_RELATION);
    return false;
  }
  for (size_t i = 0; i < relation->count; i++) {
    const struct disclose_term *term =
        &g_array_index(table->terms, struct disclose_term, relation->first + i);
    if (term->cell >= table->cells->len || term->coefficient == 0 ||
        is_beyond(term->coefficient, LIMIT_DISCLOSE_COEFFICIENT)) {
      g_set_error(error, PARKTALLY_ERROR, ERROR_DATA,
                  _("disclosure control: relation %zu: term %zu has no such cell, or a factor out of range"),
                  number, i);
      return false;
    }
    sum += term->coefficient * g_array_index(table->cells, struct disclose_cell, term->cell).value;
  }
  if (sum >= relation->least && sum <= relation->most) return true;
  char found[DECIMAL_TEXT_SIZE], least[DECIMAL_TEXT_SIZE], most[DECIMAL_TEXT_SIZE];
  g_set_error(error, PARKTALLY_ERROR, ERROR_DATA,
              _("disclosure control: relation %zu does not hold: its cells come to %s, expected %s to %s"),
              number, decimal_format(sum, 0, found), decimal_format(relation->least, 0, least),
              decimal_format(relation->most, 0, most));
  return false;
}

bool disclose_table_check(const struct disclose_table *table, GError **error)
{
  if (table->cells->len > LIMIT_DISCLOSE_CELLS || table->terms->len > LIMIT_DISCLOSE_TERMS) {
    g_set_error(
        error, PARKTALLY_ERROR, ERROR_UNAVAILABLE,
        _("disclosure control: the table has %u cells and %u terms of relations; at most %d and %d are "
          "possible. Publish it in parts."),
        table->cells->len, table->terms->len, LIMIT_DISCLOSE_CELLS, LIMIT_DISCLOSE_TERMS);
    return false;
  }
  for (size_t i = 0; i < table->cells->len; i++)
    if (!check_cell(&g_array_index(table->cells, struct disclose_cell, i), i, error)) return false;
  for (size_t i = 0; i < table->relations->len; i++)
    if (!check_terms(table, &g_array_index(table->relations, struct relation, i), i, error)) return false;
  return true;
}

/* --- the form in which it is worked on --- */

static bool binds(const struct relation *relation)
{
  return relation->standing == DISCLOSE_STANDS;
}

/* Each cell's relations beside each other. */
static void make_links(struct work *work)
{
  size_t total = 0;
  for (size_t r = 0; r < work->relations; r++) {
    const struct relation *relation = work_relation(work, r);
    for (size_t i = 0; i < relation->count; i++) {
      const struct disclose_term *term = work_term(work, relation->first + i);
      work->sums[r] += term->coefficient * work_cell(work, term->cell)->value;
      if (binds(relation)) work->places[term->cell].count++;
    }
  }
  for (size_t c = 0; c < work->cells; c++) {
    work->places[c].first = total;
    total += work->places[c].count;
    work->places[c].count = 0;
  }
  work->links = g_new(struct link, total + 1);
  for (size_t r = 0; r < work->relations; r++) {
    const struct relation *relation = work_relation(work, r);
    for (size_t i = 0; binds(relation) && i < relation->count; i++) {
      const struct disclose_term *term = work_term(work, relation->first + i);
      struct place *place = &work->places[term->cell];
      work->links[place->first + place->count++] = (struct link){r, term->coefficient};
    }
  }
}

struct work *disclose_work_new(const struct disclose_table *table, const struct disclose_rules *rules)
{
  struct work *work = g_new0(struct work, 1);
  work->table = table;
  work->owners = g_array_new(false, false, sizeof(uint64_t));
  work->rules = *rules;
  work->cells = table->cells->len;
  work->relations = table->relations->len;
  work->places = g_new0(struct place, work->cells + 1);
  work->proofs = g_new0(struct proof, work->cells + 1);
  work->sums = g_new0(int128, work->relations + 1);
  make_links(work);
  return work;
}

void disclose_proof_clear(struct proof *proof)
{
  if (proof->move) g_array_unref(proof->move);
  if (proof->others) g_ptr_array_unref(proof->others);
  if (proof->cells) g_array_unref(proof->cells);
  *proof = (struct proof){0};
}

void disclose_work_free(struct work *work)
{
  if (!work) return;
  for (size_t i = 0; i < work->cells; i++) disclose_proof_clear(&work->proofs[i]);
  g_array_unref(work->owners);
  g_free(work->proofs);
  g_free(work->places);
  g_free(work->links);
  g_free(work->sums);
  g_free(work);
}

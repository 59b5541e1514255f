#include "aggregator/statistics/disclose.h"

#include "aggregator/statistics/disclose_private.h"

#include <glpk.h>
#include <math.h>

const struct disclose_rules DISCLOSE_RULES = {.threshold = 3,
                                              .dominant = 2,
                                              .percent = 85,
                                              .close_percent = 10,
                                              .range_percent = 20,
                                              .known_percent = 100};

char disclose_conf_status(enum disclose_status status)
{
  switch (status) {
  case DISCLOSE_PUBLISHED:
    return 'F';
  case DISCLOSE_FEW:
    return 'A';
  case DISCLOSE_ONE:
  case DISCLOSE_CLOSE:
    return 'O';
  case DISCLOSE_SEVERAL:
    return 'T';
  case DISCLOSE_SECONDARY:
  case DISCLOSE_COARSENED:
    return 'D';
  }
  g_assert_not_reached();
}

void disclose_pattern_free(struct disclose_pattern *pattern)
{
  if (!pattern) return;
  g_free(pattern->cells);
  g_free(pattern->withheld);
  g_free(pattern);
}

static bool is_primary(enum disclose_status status)
{
  return status != DISCLOSE_PUBLISHED && status < DISCLOSE_SECONDARY;
}

/* --- the audit: each proof once more, against the table as it is withheld in the end --- */

static bool all_hidden(const struct work *work, const struct proof *proof)
{
  const GArray *move;
  for (size_t n = 0; (move = proof_move(proof, n)); n++)
    for (size_t i = 0; i < move->len; i++)
      if (!work->places[g_array_index(move, struct shift, i).cell].hidden) return false;
  return true;
}

/* Widens what is shown of each cell of the move. */
static void show_move(const struct work *work, const GArray *move, struct disclose_pattern *pattern)
{
  for (size_t i = 0; i < move->len; i++) {
    const struct shift *shift = &g_array_index(move, struct shift, i);
    struct disclose_outcome *outcome = &pattern->cells[shift->cell];
    int128 value = work_cell(work, shift->cell)->value;
    outcome->least = MIN(outcome->least, value + MIN(shift->up, shift->down));
    outcome->most = MAX(outcome->most, value + MAX(shift->up, shift->down));
    if (!is_primary(outcome->status)) outcome->proof = DISCLOSE_BY_MOVE;
  }
}

/* What the programme says of a primary cell, or of one that only helps; less a little of each side. */
static void show_programme(struct work *work, size_t cell, struct disclose_outcome *outcome)
{
  const struct place *place = &work->places[cell];
  double down, up, unit = (double)MAX(MAX(place->need_up, place->need_down), 1);
  if (place->need_up == 0) unit = fmax(fabs((double)work_cell(work, cell)->value) / 10, 1);
  work->insiders = place->need_up > 0 ? INSIDERS_ALL : INSIDERS_NONE;
  bool found = disclose_attack_interval(work, cell, unit, &down, &up);
  work->insiders = INSIDERS_ALL;
  if (!found) return;
  outcome->proof = DISCLOSE_BY_PROGRAMME;
  outcome->least = MIN(outcome->least, work_cell(work, cell)->value - (int128)floor(down * (1 - 1e-6)));
  outcome->most = MAX(outcome->most, work_cell(work, cell)->value + (int128)floor(up * (1 - 1e-6)));
}

static void audit_primary(struct work *work, size_t cell, struct disclose_pattern *pattern)
{
  const struct proof *proof = &work->proofs[cell];
  struct disclose_outcome *outcome = &pattern->cells[cell];
  g_autoptr(GArray) moved = NULL;
  outcome->proof = DISCLOSE_UNPROTECTED;
  if (proof->move && all_hidden(work, proof) && disclose_move_proves(work, cell, proof)) {
    outcome->proof = DISCLOSE_BY_MOVE;
    const GArray *move;
    for (size_t n = 0; (move = proof_move(proof, n)); n++) show_move(work, move, pattern);
  } else if (proof->cells && disclose_attack_fails(work, cell, &moved)) {
    outcome->proof = DISCLOSE_BY_PROGRAMME;
    show_programme(work, cell, outcome);
  }
  if (outcome->proof == DISCLOSE_UNPROTECTED) pattern->unprotected++;
}

static void audit(struct work *work, struct disclose_pattern *pattern)
{
  for (size_t i = 0; i < work->cells; i++)
    if (is_primary(pattern->cells[i].status)) audit_primary(work, i, pattern);
  for (size_t i = 0; i < work->cells; i++)
    if (pattern->cells[i].status == DISCLOSE_SECONDARY && pattern->cells[i].proof == DISCLOSE_NONE)
      show_programme(work, i, &pattern->cells[i]);
}

/* --- the report --- */

static void report_cell(const struct work *work, size_t cell, struct disclose_pattern *pattern)
{
  const struct place *place = &work->places[cell];
  int128 value = work_cell(work, cell)->value;
  pattern->cells[cell] = (struct disclose_outcome){.status = place->status,
                                                   .need_down = place->need_down,
                                                   .need_up = place->need_up,
                                                   .least = value,
                                                   .most = value};
  if (is_primary(place->status)) pattern->primary++;
  if (place->status == DISCLOSE_SECONDARY) pattern->secondary++;
  if (place->status == DISCLOSE_COARSENED) pattern->coarsened++;
  if (place->status >= DISCLOSE_SECONDARY) pattern->lost += place->weight;
}

static bool is_withheld(const struct work *work, size_t number)
{
  const struct relation *relation = work_relation(work, number);
  for (size_t i = 0; relation->standing == DISCLOSE_FOLLOWS && i < relation->count; i++)
    if (work->places[work_term(work, relation->first + i)->cell].hidden) return true;
  return false;
}

static struct disclose_pattern *report(struct work *work)
{
  struct disclose_pattern *pattern = g_new0(struct disclose_pattern, 1);
  pattern->cell_count = work->cells;
  pattern->relation_count = work->relations;
  pattern->cells = g_new0(struct disclose_outcome, work->cells + 1);
  pattern->withheld = g_new0(bool, work->relations + 1);
  for (size_t i = 0; i < work->cells; i++) report_cell(work, i, pattern);
  for (size_t i = 0; i < work->relations; i++) pattern->withheld[i] = is_withheld(work, i);
  audit(work, pattern);
  pattern->programmes = work->programmes;
  return pattern;
}

struct disclose_pattern *disclose_protect(const struct disclose_table *table,
                                          const struct disclose_rules *rules, GError **error)
{
  if (!disclose_table_check(table, error)) return NULL;
  CLEANUP(disclose_work_free) struct work *work = disclose_work_new(table, rules);
  disclose_primary(work);
  disclose_withhold(work);
  struct disclose_pattern *pattern = report(work);
  glp_free_env();
  return pattern;
}

bool disclose_interval(const struct disclose_table *table, const struct disclose_rules *rules,
                       const struct disclose_pattern *pattern, size_t cell, const uint64_t *attacker,
                       double *ret_least, double *ret_most)
{
  CLEANUP(disclose_work_free) struct work *work = disclose_work_new(table, rules);
  disclose_primary(work);
  for (size_t i = 0; i < work->cells; i++)
    work->places[i].hidden = pattern->cells[i].status != DISCLOSE_PUBLISHED;
  work->insiders = attacker ? INSIDERS_SOME : INSIDERS_NONE;
  if (attacker) g_array_append_val(work->owners, *attacker);
  double down, up, value = (double)work_cell(work, cell)->value;
  double need = (double)MAX(work->places[cell].need_up, work->places[cell].need_down);
  bool found = disclose_attack_interval(work, cell, need > 0 ? need : fmax(fabs(value) / 10, 1), &down, &up);
  glp_free_env();
  if (!found) return false;
  *ret_least = value - down;
  *ret_most = value + up;
  return true;
}

/* Whether a move holds: in exact integers, from the table alone, whoever found it. */
#include "aggregator/statistics/disclose_private.h"

static const struct shift *shift_of(const GArray *move, size_t cell)
{
  for (size_t i = 0; i < move->len; i++)
    if (g_array_index(move, struct shift, i).cell == cell) return &g_array_index(move, struct shift, i);
  return NULL;
}

static bool relation_holds(const struct work *work, const GArray *move, size_t number)
{
  const struct relation *relation = work_relation(work, number);
  int128 up = work->sums[number], down = work->sums[number];
  for (size_t i = 0; i < relation->count; i++) {
    const struct disclose_term *term = work_term(work, relation->first + i);
    const struct shift *shift = shift_of(move, term->cell);
    if (!shift) continue;
    up += term->coefficient * shift->up;
    down += term->coefficient * shift->down;
  }
  return up >= relation->least && up <= relation->most && down >= relation->least && down <= relation->most;
}

int128 disclose_move_need(const struct work *work, size_t cell, enum way way)
{
  const struct disclose_cell *own = work_cell(work, cell);
  const struct place *place = &work->places[cell];
  int128 need = way == UPWARDS ? place->need_up : place->need_down;
  for (size_t i = 0; work->insiders == INSIDERS_SOME && i < own->share_count; i++) {
    if (!work_is_insider(work, own->shares[i].parent)) continue;
    int128 value = own->shares[i].value, rest = own->magnitude - (value < 0 ? -value : value);
    int128 most = (rest * work->rules.range_percent + 99) / 100;
    need = MIN(need, way == UPWARDS ? MAX(most, 1) : MIN(most, rest));
  }
  return need;
}

bool disclose_move_holds(const struct work *work, size_t cell, const GArray *move)
{
  const struct place *protected = &work->places[cell];
  const struct shift *own = shift_of(move, cell);
  if (!own || own->up < disclose_move_need(work, cell, UPWARDS) ||
      -own->down < disclose_move_need(work, cell, DOWNWARDS))
    return false;
  for (size_t i = 0; i < move->len; i++) {
    const struct shift *shift = &g_array_index(move, struct shift, i);
    const struct place *place = &work->places[shift->cell];
    if (place->fixed || work_is_told(work, place, protected)) return false;
    if (!place_is_within(place, shift->up) || !place_is_within(place, shift->down)) return false;
    for (size_t l = 0; l < place->count; l++)
      if (!relation_holds(work, move, work->links[place->first + l].relation)) return false;
  }
  return true;
}

GArray *disclose_move_owners(struct work *work, size_t cell, const GArray *move)
{
  GArray *owners = g_array_new(false, false, sizeof(uint64_t));
  enum insiders before = work->insiders;
  work->insiders = INSIDERS_ALL;
  for (size_t i = 0; i < move->len; i++) {
    const struct place *place = &work->places[g_array_index(move, struct shift, i).cell];
    bool known = !work_is_told(work, place, &work->places[cell]);
    for (size_t k = 0; !known && k < owners->len; k++)
      known = g_array_index(owners, uint64_t, k) == place->owner;
    if (!known) g_array_append_val(owners, place->owner);
  }
  work->insiders = before;
  return owners;
}

void disclose_move_tell(struct work *work, const uint64_t *owners, size_t count)
{
  g_array_set_size(work->owners, 0);
  g_array_append_vals(work->owners, owners, (guint)count);
  work->insiders = INSIDERS_SOME;
}

/* Whether one of the others is hidden from the insiders. */
static bool others_hold(const struct work *work, size_t cell, const struct proof *proof)
{
  const GArray *other;
  for (size_t n = 1; (other = proof_move(proof, n)); n++)
    if (disclose_move_holds(work, cell, other)) return true;
  return false;
}

bool disclose_move_proves(struct work *work, size_t cell, const struct proof *proof)
{
  if (!proof->others) return disclose_move_holds(work, cell, proof->move);
  g_autoptr(GArray) owners = disclose_move_owners(work, cell, proof->move);
  work->insiders = INSIDERS_NONE;
  bool holds = disclose_move_holds(work, cell, proof->move);
  for (size_t i = 0; holds && i < owners->len; i++) {
    disclose_move_tell(work, &g_array_index(owners, uint64_t, i), 1);
    holds = others_hold(work, cell, proof);
  }
  work->insiders = INSIDERS_ALL;
  return holds;
}

/* The primary rules: which cells tell of too few, how wide each must stay unknown, and what is known of it
 * beforehand.
 *
 * A parent that consents is taken as known to everybody, which is the strictest reading: the rules are asked
 * of what the others contribute. They are asked of magnitudes, so that a loss counts as a profit of its size.
 *
 * The protection interval follows Hundepool et al., Statistical Disclosure Control (Handbook, chapter 4,
 * after Cox 1981; so Fischetti and Salazar): as much as the total would have to be larger for the rule to be
 * met, p %:     p/100 × x1 − (X − x1 − x2) (n, k):  100/k × (x1 + … + xn) − X and the same downwards. Where
 * few contribute there is no such sum; `range_percent` of the magnitude is taken, as τ-ARGUS does. Of several
 * rules the widest counts; it is at least 1. */
#include "aggregator/statistics/disclose_private.h"
#include "common/limits.h"

/* Nothing of the table comes near it, and some thousands of it still fit 128 bits. */
#define ROOM_ANY (LIMIT_DISCLOSE_VALUE * 16)

/* What the rules are asked of: contributions of those who do not consent. */
struct rest {
  int64_t parents;
  int128 total;       /* of magnitudes */
  int128 first, next; /* the largest two */
  int128 largest;     /* Σ of the `dominant` largest */
};

static int128 magnitude(int128 value)
{
  return value < 0 ? -value : value;
}

static int128 larger(int128 a, int128 b)
{
  return a > b ? a : b;
}

/* value × upper ÷ lower, rounded up. */
static int128 times_up(int128 value, int128 upper, int128 lower)
{
  return (value * upper + lower - 1) / lower;
}

static struct rest rest_of(const struct disclose_cell *cell, int dominant)
{
  struct rest rest = {.parents = cell->parents, .total = cell->magnitude};
  int counted = 0;
  for (size_t i = 0; i < cell->share_count; i++) {
    const struct disclose_share *share = &cell->shares[i];
    int128 size = magnitude(share->value);
    if (share->consents) {
      rest.parents--;
      rest.total -= size;
      continue;
    }
    if (counted == 0) rest.first = size;
    if (counted == 1) rest.next = size;
    if (counted++ < dominant) rest.largest += size;
  }
  return rest;
}

static void demand(struct place *place, enum disclose_status status, int128 need)
{
  if (place->status == DISCLOSE_PUBLISHED) place->status = status;
  place->need_up = larger(place->need_up, larger(need, 1));
  place->need_down = place->need_up;
}

static void judge_amount(const struct disclose_rules *rules, const struct disclose_cell *cell,
                         struct place *place)
{
  struct rest rest = rest_of(cell, rules->dominant);
  if (rest.parents <= 0) return;
  if (rest.parents < rules->threshold)
    demand(place, DISCLOSE_FEW, times_up(rest.total, rules->range_percent, 100));
  if (rest.largest * 100 > rest.total * rules->percent)
    demand(place, rest.first * 100 > rest.total * rules->percent ? DISCLOSE_ONE : DISCLOSE_SEVERAL,
           times_up(rest.largest, 100, rules->percent) - rest.total);
  int128 others = rest.total - rest.first - rest.next;
  if (others * 100 < rest.first * rules->close_percent)
    demand(place, DISCLOSE_CLOSE, times_up(rest.first, rules->close_percent, 100) - others);
}

static void judge(const struct disclose_rules *rules, const struct disclose_cell *cell, struct place *place)
{
  if (cell->kind != DISCLOSE_COUNT)
    judge_amount(rules, cell, place);
  else if (cell->value > 0 && cell->value < rules->threshold)
    demand(place, DISCLOSE_FEW, 1);
}

/* Who alone does not consent knows the cell to the last digit; where all consent, so does everybody. */
static void find_owner(const struct disclose_cell *cell, struct place *place)
{
  int64_t parents = cell->parents;
  if (cell->kind == DISCLOSE_COUNT || parents == 0) return;
  for (size_t i = 0; i < cell->share_count; i++) {
    if (cell->shares[i].consents)
      parents--;
    else
      place->owner = cell->shares[i].parent;
  }
  place->sole = parents == 1;
  place->fixed = parents == 0;
}

static void give_room(const struct disclose_rules *rules, const struct disclose_cell *cell,
                      struct place *place)
{
  bool empty = cell->kind == DISCLOSE_COUNT ? cell->value == 0 : cell->parents == 0;
  place->fixed = place->fixed || cell->known || empty;
  if (place->fixed) return;
  if (cell->kind == DISCLOSE_SIGNED) {
    int128 about = larger(cell->magnitude * rules->known_percent / 100, 1);
    place->up = place->down = about;
  } else {
    place->up = ROOM_ANY;
    place->down = cell->value;
  }
}

void disclose_primary(struct work *work)
{
  for (size_t i = 0; i < work->cells; i++) {
    const struct disclose_cell *cell = work_cell(work, i);
    struct place *place = &work->places[i];
    place->weight = cell->weight;
    place->group = cell->group;
    place->kept = cell->kept;
    find_owner(cell, place);
    if (!cell->is_part) judge(&work->rules, cell, place);
    give_room(&work->rules, cell, place);
    place->hidden = cell->unprinted || cell->is_part || place->status != DISCLOSE_PUBLISHED;
    if (place->status == DISCLOSE_PUBLISHED) continue;
    if (cell->kind != DISCLOSE_SIGNED && place->need_down > cell->value) place->need_down = cell->value;
  }
}

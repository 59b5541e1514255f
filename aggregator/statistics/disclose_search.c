/* The search for moves: changes of withheld cells that nothing published shows.
 *
 * One cell moves first; each relation that it breaks is mended by moving one cell more, the relation that was
 * broken first before the others. A cell that mends two at once goes before all others; so in a table of d
 * dimensions, with all margins, d free choices lead to a box of 2^d cells, and in others to whatever closes.
 * The free choices are tried from the cheapest, and left where they cost more than the best so far; each has
 * its share of the steps of search that are left, so that no early choice takes them all.
 *
 * A cell that stands in one relation alone, such as a total of atoms, closes it: it mends that and breaks
 * nothing. Where there is one, others are tried before it only if that leaves less to be closed.
 *
 * Where no cell has room for the whole way, parts of it are sought one after the other, each in the room that
 * those before have left, as a flow is sought path by path. A move is their sum. */
#include "aggregator/statistics/disclose_private.h"
#include "common/limits.h"

#define MOST_STEPS                                                                                           \
  160 /* cells of a part: a box in five dimensions, or some atoms and all of their totals                    \
       */
#define COST_OF_NO_CLOSER 100000 /* of a relation that nothing closes: more than of any cell */
#define WIDTH 8                  /* free choices that are tried at one place */
#define MOST_STRIDE 6            /* steps of the cell that is protected */
#define MOST_STEP 16             /* times as far as the cell that is protected */
#define MOST_FREE 2              /* free choices beyond one for each relation of the cell … */
#define MOST_FREE_OF_CLOSED 24   /* … where most relations are closed, which is no choice */
#define FINEST 64                /* parts of the way, at most */
#define FINER 4                  /* times as many parts where no larger ones are found */

/* One cell of a part: it goes `step` times as far as the cell that is protected. */
struct step {
  size_t cell;
  int64_t step;
};

struct candidate {
  size_t cell;
  int64_t step, cost;
  int64_t open; /* what closing costs that is then left, more than now */
  unsigned mends;
};

/* How far something has gone with the parts found so far. */
struct gone {
  int128 up, down;
  bool taken;
};

struct search {
  const struct work *work;
  int64_t *rest;    /* by relation: Σ coefficient × step of the present part; 0 between parts */
  bool *moved;      /* by cell, likewise */
  size_t *closer;   /* by relation: a cell that stands in no other; SIZE_MAX: none */
  int64_t *closing; /* by relation: what it costs */
  bool closes;      /* some relation has one */
  struct gone *cells, *relations;
  GArray *taken;          /* size_t, cells of parts */
  GArray *steps, *broken; /* broken: relations in the order in which they were touched */
  size_t protected, without;
  bool hidden_only;
  int64_t stride;              /* steps of the protected cell */
  int128 reach_up, reach_down; /* of a step of the present part */
  unsigned nodes, free;        /* left for what is looked at; free choices above it */
  int64_t cost, best_cost;
  GArray *best;
  bool found;
  uint64_t terms; /* looked at in all */
};

static size_t find_closer(const struct work *work, size_t number)
{
  const struct relation *relation = work_relation(work, number);
  for (size_t i = 0; i < relation->count; i++) {
    size_t cell = work_term(work, relation->first + i)->cell;
    if (work->places[cell].count == 1 && !work->places[cell].fixed) return cell;
  }
  return SIZE_MAX;
}

struct search *disclose_search_new(const struct work *work)
{
  struct search *search = g_new0(struct search, 1);
  search->work = work;
  search->rest = g_new0(int64_t, work->relations + 1);
  search->moved = g_new0(bool, work->cells + 1);
  search->closer = g_new(size_t, work->relations + 1);
  search->closing = g_new0(int64_t, work->relations + 1);
  for (size_t r = 0; r < work->relations; r++) {
    search->closer[r] = find_closer(work, r);
    search->closes |= search->closer[r] != SIZE_MAX;
  }
  search->cells = g_new0(struct gone, work->cells + 1);
  search->relations = g_new0(struct gone, work->relations + 1);
  search->taken = g_array_new(false, false, sizeof(size_t));
  search->steps = g_array_new(false, false, sizeof(struct step));
  search->broken = g_array_new(false, false, sizeof(size_t));
  search->best = g_array_new(false, false, sizeof(struct step));
  return search;
}

void disclose_search_free(struct search *search)
{
  if (!search) return;
  g_free(search->rest);
  g_free(search->moved);
  g_free(search->closer);
  g_free(search->closing);
  g_free(search->cells);
  g_free(search->relations);
  g_array_unref(search->taken);
  g_array_unref(search->steps);
  g_array_unref(search->broken);
  g_array_unref(search->best);
  g_free(search);
}

bool disclose_search_closes(const struct search *search)
{
  return search->closes;
}

/* --- a part --- */

static bool has_room(const struct search *search, size_t cell, int64_t step)
{
  const struct place *place = &search->work->places[cell];
  const struct gone *gone = &search->cells[cell];
  return place_is_within(place, gone->up + step * search->reach_up) &&
         place_is_within(place, gone->down - step * search->reach_down);
}

/* Whether a relation that changes by `rest` × the reach of a step still holds at both its ends. */
static bool stands(const struct search *search, size_t number, int64_t rest)
{
  if (rest == 0) return true;
  const struct relation *relation = work_relation(search->work, number);
  if (relation->least == relation->most) return false;
  int128 up = search->work->sums[number] + search->relations[number].up + rest * search->reach_up;
  int128 down = search->work->sums[number] + search->relations[number].down - rest * search->reach_down;
  return up >= relation->least && up <= relation->most && down >= relation->least && down <= relation->most;
}

static void move(struct search *search, size_t cell, int64_t step, int64_t cost)
{
  const struct place *place = &search->work->places[cell];
  struct step own = {cell, step};
  g_array_append_val(search->steps, own);
  search->moved[cell] = true;
  search->cost += cost;
  for (size_t l = 0; l < place->count; l++) {
    const struct link *link = &search->work->links[place->first + l];
    search->rest[link->relation] += link->coefficient * step;
    g_array_append_val(search->broken, link->relation);
  }
}

static void take_back(struct search *search, int64_t cost)
{
  struct step own = g_array_index(search->steps, struct step, search->steps->len - 1);
  const struct place *place = &search->work->places[own.cell];
  for (size_t l = 0; l < place->count; l++) {
    const struct link *link = &search->work->links[place->first + l];
    search->rest[link->relation] -= link->coefficient * own.step;
  }
  g_array_set_size(search->broken, search->broken->len - (guint)place->count);
  g_array_set_size(search->steps, search->steps->len - 1);
  search->moved[own.cell] = false;
  search->cost -= cost;
}

static bool is_free(const struct search *search, size_t cell)
{
  return search->work->places[cell].hidden || search->cells[cell].taken;
}

static bool may_move(const struct search *search, size_t cell)
{
  return !search->moved[cell] && !(search->hidden_only && !search->work->places[cell].hidden) &&
         cell != search->without && work_may_move(search->work, cell, search->protected);
}

/* What it costs to close each relation, should it be broken, before anything has moved. */
static void note_closing(struct search *search)
{
  for (size_t r = 0; search->closes && r < search->work->relations; r++) {
    size_t cell = search->closer[r];
    bool may = cell != SIZE_MAX && may_move(search, cell);
    search->closing[r] = !may                    ? COST_OF_NO_CLOSER
                         : is_free(search, cell) ? 0
                                                 : search->work->places[cell].weight;
  }
}

static int64_t cost_of_closing(const struct search *search, size_t number)
{
  size_t cell = search->closer[number];
  return cell != SIZE_MAX && search->moved[cell] ? COST_OF_NO_CLOSER : search->closing[number];
}

/* Whether moving `term` mends what is broken of its relation, and how many others it mends with it. */
static bool consider(const struct search *search, const struct disclose_term *term, int64_t rest,
                     struct candidate *ret_candidate)
{
  const struct work *work = search->work;
  const struct place *place = &work->places[term->cell];
  if (!may_move(search, term->cell)) return false;
  if (rest % term->coefficient != 0) return false;
  int64_t step = -rest / term->coefficient;
  if (step > MOST_STEP || step < -MOST_STEP || !has_room(search, term->cell, step)) return false;
  struct candidate candidate = {
      .cell = term->cell, .step = step, .cost = is_free(search, term->cell) ? 0 : place->weight};
  for (size_t l = 0; l < place->count; l++) {
    const struct link *link = &work->links[place->first + l];
    int64_t before = search->rest[link->relation], after = before + link->coefficient * step;
    if (before != 0 && after == 0) candidate.mends++;
    if ((before == 0) != (after == 0))
      candidate.open += (after != 0 ? 1 : -1) * cost_of_closing(search, link->relation);
  }
  *ret_candidate = candidate;
  return true;
}

static bool goes_before(const struct search *search, const struct candidate *a, const struct candidate *b)
{
  if (search->closes && a->cost + a->open != b->cost + b->open) return a->cost + a->open < b->cost + b->open;
  if (a->mends != b->mends) return a->mends > b->mends;
  return a->cost != b->cost ? a->cost < b->cost : a->cell < b->cell;
}

/* What closes the relation leaves as much to be closed as it costs; whatever does not leave less is worse. */
static bool is_worth_it(const struct search *search, size_t number, const struct candidate *candidate)
{
  size_t closer = search->closer[number];
  return closer == SIZE_MAX || candidate->cell == closer || candidate->cost + candidate->open < 0 ||
         !may_move(search, closer);
}

/* The best ways to mend a relation, best first; only the first where one mends others too, or nothing is
 * better than to close it. */
static size_t choose(struct search *search, size_t number, struct candidate ret_best[WIDTH])
{
  const struct relation *relation = work_relation(search->work, number);
  size_t count = 0;
  search->terms += relation->count;
  for (size_t i = 0; i < relation->count; i++) {
    struct candidate candidate;
    if (!consider(search, work_term(search->work, relation->first + i), search->rest[number], &candidate) ||
        !is_worth_it(search, number, &candidate))
      continue;
    size_t at = count;
    while (at > 0 && goes_before(search, &candidate, &ret_best[at - 1])) at--;
    if (at == WIDTH) continue;
    if (count < WIDTH) count++;
    for (size_t k = count - 1; k > at; k--) ret_best[k] = ret_best[k - 1];
    ret_best[at] = candidate;
  }
  return count > 1 && ret_best[0].mends > 1 && !search->closes ? 1 : count;
}

static bool find_broken(const struct search *search, size_t *ret_number)
{
  for (size_t i = 0; i < search->broken->len; i++) {
    size_t number = g_array_index(search->broken, size_t, i);
    if (stands(search, number, search->rest[number])) continue;
    *ret_number = number;
    return true;
  }
  return false;
}

static void keep_best(struct search *search)
{
  g_array_set_size(search->best, 0);
  g_array_append_vals(search->best, search->steps->data, search->steps->len);
  search->best_cost = search->cost;
  search->found = true;
}

static void look(struct search *search);

static void follow(struct search *search, const struct candidate *choice)
{
  if (search->found && search->cost + choice->cost >= search->best_cost) return;
  move(search, choice->cell, choice->step, choice->cost);
  look(search);
  take_back(search, choice->cost);
}

/* Of the steps of search that are left, for one of so many choices. Where totals close what parts break, the
 * best one is mostly right, and the way long. */
static unsigned share_of(const struct search *search, unsigned left, size_t choices)
{
  return search->closes && choices > 1 ? left - left / 4 : left / (unsigned)choices;
}

static void look(struct search *search)
{
  size_t number;
  struct candidate choices[WIDTH];
  if (!find_broken(search, &number)) {
    keep_best(search);
    return;
  }
  if (search->steps->len >= MOST_STEPS) return;
  size_t count = choose(search, number, choices);
  if (count == 0) return;
  if ((count == 1 && choices[0].cell == search->closer[number]) ||
      (choices[0].mends > 1 && !search->closes)) {
    follow(search, &choices[0]);
    return;
  }
  if (search->free >=
      search->work->places[search->protected].count + (search->closes ? MOST_FREE_OF_CLOSED : MOST_FREE))
    return;
  unsigned left = search->nodes;
  search->free++;
  for (size_t i = 0; i < count; i++) {
    unsigned share = share_of(search, left, count - i);
    if (share == 0) continue;
    left -= share;
    search->nodes = share - 1;
    follow(search, &choices[i]);
    left += search->nodes;
  }
  search->free--;
  search->nodes = left;
}

static bool look_for_part(struct search *search, unsigned nodes)
{
  search->found = false;
  if (!has_room(search, search->protected, search->stride)) return false;
  search->nodes = nodes;
  search->free = 0;
  search->cost = 0;
  note_closing(search);
  move(search, search->protected, search->stride, 0);
  look(search);
  take_back(search, 0);
  return search->found;
}

/* --- their sum --- */

static void take(struct search *search, const struct step *step)
{
  const struct place *place = &search->work->places[step->cell];
  struct gone *gone = &search->cells[step->cell];
  int128 up = step->step * search->reach_up, down = -step->step * search->reach_down;
  if (!gone->taken) g_array_append_val(search->taken, step->cell);
  *gone = (struct gone){gone->up + up, gone->down + down, true};
  for (size_t l = 0; l < place->count; l++) {
    const struct link *link = &search->work->links[place->first + l];
    search->relations[link->relation].up += link->coefficient * up;
    search->relations[link->relation].down += link->coefficient * down;
  }
}

/* The sum of the parts, and everything as it was before the first. */
static GArray *take_sum(struct search *search)
{
  GArray *sum = g_array_new(false, false, sizeof(struct shift));
  for (size_t i = 0; i < search->taken->len; i++) {
    size_t cell = g_array_index(search->taken, size_t, i);
    const struct place *place = &search->work->places[cell];
    struct shift shift = {cell, search->cells[cell].up, search->cells[cell].down};
    if (shift.up != 0 || shift.down != 0) g_array_append_val(sum, shift);
    search->cells[cell] = (struct gone){0};
    for (size_t l = 0; l < place->count; l++)
      search->relations[search->work->links[place->first + l].relation] = (struct gone){0};
  }
  g_array_set_size(search->taken, 0);
  return sum;
}

static int128 part_of(int128 need, int128 left, unsigned parts)
{
  return MIN(left, (need + parts - 1) / parts);
}

/* In so many steps the protected cell goes its way, that those which count twice or thrice in one of its
 * relations can go along. */
static int64_t stride_of(const struct work *work, size_t cell)
{
  const struct place *place = &work->places[cell];
  int64_t stride = 1;
  for (size_t l = 0; l < place->count; l++) {
    const struct relation *relation = work_relation(work, work->links[place->first + l].relation);
    for (size_t i = 0; i < relation->count; i++) {
      int64_t times = work_term(work, relation->first + i)->coefficient;
      times = times < 0 ? -times : times;
      if (times > 1 && times <= MOST_STRIDE && stride % times != 0 && stride * times <= MOST_STRIDE)
        stride *= times;
    }
  }
  return stride;
}

static GArray *search_with_stride(struct search *search, size_t cell, int64_t stride, unsigned nodes)
{
  const int128 need_up = disclose_move_need(search->work, cell, UPWARDS);
  const int128 need_down = disclose_move_need(search->work, cell, DOWNWARDS);
  int128 up = need_up, down = need_down;
  search->stride = stride;
  for (unsigned parts = 1; parts <= FINEST && (up > 0 || down > 0);) {
    search->reach_up = (part_of(need_up, up, parts) + stride - 1) / stride;
    search->reach_down = (part_of(need_down, down, parts) + stride - 1) / stride;
    if (!look_for_part(search, nodes)) {
      parts *= FINER;
      continue;
    }
    for (size_t i = 0; i < search->best->len; i++) take(search, &g_array_index(search->best, struct step, i));
    up -= search->reach_up * stride;
    down -= search->reach_down * stride;
  }
  g_autoptr(GArray) sum = take_sum(search);
  return up > 0 || down > 0 ? NULL : g_steal_pointer(&sum);
}

GArray *disclose_search_move(struct search *search, size_t cell, bool hidden_only, size_t without,
                             unsigned nodes)
{
  int64_t stride = stride_of(search->work, cell);
  if (search->work->places[cell].fixed || search->terms > LIMIT_DISCLOSE_LOOKS) return NULL;
  search->protected = cell;
  search->without = without;
  search->hidden_only = hidden_only;
  GArray *move = search_with_stride(search, cell, stride, nodes);
  return move || stride == 1 ? move : search_with_stride(search, cell, 1, nodes);
}

/* Which cells are withheld. Primary cells are protected one by one, the widest interval first, each as
 * cheaply as what is already withheld allows; so a later one mostly costs nothing. Then, the dearest first,
 * each secondary cell is published again if whatever rests on it can do without. Searches are bounded in
 * steps, not in time, so that the same table gives the same pattern. */
#include "aggregator/statistics/disclose_private.h"

#define NODES 600                  /* of a search for one primary cell … */
#define NODES_HARD 5000            /* … where that was too few */
#define NODES_WITHOUT 150          /* of one among withheld cells … */
#define NODES_WITHOUT_OF_CLOSED 15 /* … where totals close what parts break, so that few choices are left */
#define MOST_DEPENDENTS 24         /* proofs that are looked for anew to win back one cell */
#define MOST_PARTNERS 8            /* rows that are tried beside the one that is withheld whole */

struct pattern {
  struct work *work;
  struct search *search;
  unsigned nodes; /* of a search for one primary cell */
  size_t *proved; /* by cell: whose move it is part of; SIZE_MAX: none */
};

static void hide(struct work *work, size_t cell, enum disclose_status status)
{
  struct place *place = &work->places[cell];
  if (place->hidden) return;
  place->hidden = true;
  place->status = status;
}

static void publish(struct work *work, size_t cell)
{
  work->places[cell].hidden = false;
  work->places[cell].status = DISCLOSE_PUBLISHED;
}

static void count_use(struct work *work, const struct proof *proof, int by)
{
  const GArray *move;
  for (size_t n = 0; (move = proof_move(proof, n)); n++)
    for (size_t i = 0; i < move->len; i++)
      work->places[g_array_index(move, struct shift, i).cell].used += (unsigned)by;
  for (size_t i = 0; proof->cells && i < proof->cells->len; i++)
    work->places[g_array_index(proof->cells, size_t, i)].used += (unsigned)by;
}

static void hide_move(struct work *work, const GArray *move)
{
  for (size_t i = 0; i < move->len; i++)
    hide(work, g_array_index(move, struct shift, i).cell, DISCLOSE_SECONDARY);
}

/* Takes the proof over, in place of the one before. */
static void prove(struct pattern *pattern, size_t cell, struct proof proof)
{
  struct work *work = pattern->work;
  count_use(work, &work->proofs[cell], -1);
  disclose_proof_clear(&work->proofs[cell]);
  work->proofs[cell] = proof;
  count_use(work, &proof, 1);
  const GArray *move;
  for (size_t n = 0; (move = proof_move(&proof, n)); n++) hide_move(work, move);
  for (size_t i = 0; proof.move && !proof.others && i < proof.move->len; i++)
    pattern->proved[g_array_index(proof.move, struct shift, i).cell] = cell;
}

/* A move that protects another cell may do for this one too, perhaps the other way round. */
static GArray *borrow(const struct pattern *pattern, size_t cell)
{
  if (pattern->proved[cell] == SIZE_MAX) return NULL;
  g_autoptr(GArray) move = g_array_copy(pattern->work->proofs[pattern->proved[cell]].move);
  if (disclose_move_holds(pattern->work, cell, move)) return g_steal_pointer(&move);
  for (size_t i = 0; i < move->len; i++) {
    struct shift *shift = &g_array_index(move, struct shift, i);
    *shift = (struct shift){shift->cell, shift->down, shift->up};
  }
  return disclose_move_holds(pattern->work, cell, move) ? g_steal_pointer(&move) : NULL;
}

static void free_array(void *array)
{
  g_array_unref(array);
}

/* Adds a move that these do not see through. */
static bool find_other_move(const struct pattern *pattern, size_t cell, const uint64_t *owners, size_t count,
                            struct proof *proof)
{
  disclose_move_tell(pattern->work, owners, count);
  GArray *other = disclose_search_move(pattern->search, cell, false, SIZE_MAX, pattern->nodes);
  if (other) g_ptr_array_add(proof->others, other);
  return other != NULL;
}

/* One move that the public does not see, and one that those do not who see through the first; or one for each
 * of them. */
static bool find_several_moves(const struct pattern *pattern, size_t cell, struct proof *ret_proof)
{
  struct work *work = pattern->work;
  struct proof proof = {.others = g_ptr_array_new_with_free_func(free_array)};
  bool found = false;
  work->insiders = INSIDERS_NONE;
  proof.move = disclose_search_move(pattern->search, cell, false, SIZE_MAX, pattern->nodes);
  if (proof.move) {
    g_autoptr(GArray) owners = disclose_move_owners(work, cell, proof.move);
    const uint64_t *first = (const uint64_t *)(const void *)owners->data;
    found = find_other_move(pattern, cell, first, owners->len, &proof) &&
            disclose_move_proves(work, cell, &proof); /* each alone may have to be hidden more from */
    bool each = !found;
    for (size_t i = 0; each && i < owners->len; i++)
      each = find_other_move(pattern, cell, &first[i], 1, &proof);
    found |= each;
  }
  work->insiders = INSIDERS_ALL;
  if (found)
    *ret_proof = proof;
  else
    disclose_proof_clear(&proof);
  return found;
}

static bool protect_by_move(struct pattern *pattern, size_t cell)
{
  struct proof proof = {.move = borrow(pattern, cell)};
  if (!proof.move) proof.move = disclose_search_move(pattern->search, cell, false, SIZE_MAX, pattern->nodes);
  if (!proof.move && !find_several_moves(pattern, cell, &proof)) return false;
  g_assert(disclose_move_proves(pattern->work, cell, &proof));
  prove(pattern, cell, proof);
  return true;
}

static bool protect_by_programme(struct pattern *pattern, size_t cell)
{
  struct work *work = pattern->work;
  g_autoptr(GArray) added = g_array_new(false, false, sizeof(size_t));
  GArray *moved = NULL;
  if (!disclose_attack_fails(work, cell, &moved)) {
    g_autoptr(GArray) cheapest = disclose_attack_cheapest(work, cell);
    for (size_t i = 0; cheapest && i < cheapest->len; i++) {
      size_t part = g_array_index(cheapest, size_t, i);
      if (work->places[part].hidden) continue;
      hide(work, part, DISCLOSE_SECONDARY);
      g_array_append_val(added, part);
    }
    if (added->len == 0 || !disclose_attack_fails(work, cell, &moved)) {
      for (size_t i = 0; i < added->len; i++) publish(work, g_array_index(added, size_t, i));
      return false;
    }
  }
  prove(pattern, cell, (struct proof){.cells = moved});
  return true;
}

static bool protect(struct pattern *pattern, size_t cell)
{
  return protect_by_move(pattern, cell) || protect_by_programme(pattern, cell);
}

/* --- coarsening --- */

/* Withholds a row whole, without what is kept; returns what was published of it. */
static GArray *withhold_group(struct work *work, unsigned group)
{
  GArray *cells = g_array_new(false, false, sizeof(size_t));
  for (size_t i = 0; i < work->cells; i++) {
    const struct place *place = &work->places[i];
    if (place->group != group || place->hidden || place->fixed || place->kept) continue;
    hide(work, i, DISCLOSE_COARSENED);
    g_array_append_val(cells, i);
  }
  return cells;
}

static void publish_all(struct work *work, const GArray *cells)
{
  for (size_t i = 0; i < cells->len; i++) publish(work, g_array_index(cells, size_t, i));
}

struct partner {
  unsigned group;
  int64_t weight;
};

static int by_weight(const void *a, const void *b)
{
  const struct partner *left = a, *right = b;
  if (left->weight != right->weight) return left->weight < right->weight ? -1 : 1;
  return left->group < right->group ? -1 : left->group > right->group;
}

static struct partner partner_of(const struct work *work, unsigned group)
{
  struct partner partner = {group, 0};
  for (size_t i = 0; i < work->cells; i++)
    if (work->places[i].group == group && !work->places[i].hidden) partner.weight += work->places[i].weight;
  return partner;
}

/* The rows that share a relation with the cell, cheapest first. */
static GArray *partners_of(const struct work *work, size_t cell)
{
  GArray *partners = g_array_new(false, false, sizeof(struct partner));
  g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
  const struct place *place = &work->places[cell];
  g_hash_table_add(seen, GUINT_TO_POINTER(place->group));
  g_hash_table_add(seen, GUINT_TO_POINTER(0));
  for (size_t l = 0; l < place->count; l++) {
    const struct relation *relation = work_relation(work, work->links[place->first + l].relation);
    for (size_t i = 0; i < relation->count; i++) {
      unsigned group = work->places[work_term(work, relation->first + i)->cell].group;
      if (!g_hash_table_add(seen, GUINT_TO_POINTER(group))) continue;
      struct partner partner = partner_of(work, group);
      g_array_append_val(partners, partner);
    }
  }
  g_array_sort(partners, by_weight);
  return partners;
}

/* The cell's row is withheld whole; where that is not enough, for it may be the difference of a margin and
 * the other rows, a second one with it: what is then known is the two together. */
static bool coarsen(struct pattern *pattern, size_t cell)
{
  struct work *work = pattern->work;
  unsigned group = work->places[cell].group;
  if (group == 0) return false;
  g_autoptr(GArray) own = withhold_group(work, group);
  if (own->len > 0 && protect_by_move(pattern, cell)) return true;
  g_autoptr(GArray) partners = partners_of(work, cell);
  for (size_t i = 0; i < MIN(partners->len, MOST_PARTNERS); i++) {
    g_autoptr(GArray) other = withhold_group(work, g_array_index(partners, struct partner, i).group);
    if (other->len > 0 && protect_by_move(pattern, cell)) return true;
    publish_all(work, other);
  }
  publish_all(work, own);
  return false;
}

static bool protect_at_any_price(struct pattern *pattern, size_t cell)
{
  pattern->work->may_lose_kept = true;
  bool done = protect(pattern, cell);
  pattern->work->may_lose_kept = false;
  return done;
}

/* --- winning back --- */

static void publish_unused(struct work *work)
{
  for (size_t i = 0; i < work->cells; i++)
    if (work->places[i].status == DISCLOSE_SECONDARY && work->places[i].used == 0) publish(work, i);
}

static bool is_part_of(const struct proof *proof, size_t cell)
{
  const GArray *move;
  for (size_t n = 0; (move = proof_move(proof, n)); n++)
    for (size_t i = 0; i < move->len; i++)
      if (g_array_index(move, struct shift, i).cell == cell) return true;
  return false;
}

static bool is_part_of_programme(const struct proof *proof, size_t cell)
{
  for (size_t i = 0; proof->cells && i < proof->cells->len; i++)
    if (g_array_index(proof->cells, size_t, i) == cell) return true;
  return false;
}

/* Publishes the cell again if each move that it is part of has another among what is withheld. */
static void win_back(struct pattern *pattern, const GArray *primary, size_t cell)
{
  struct work *work = pattern->work;
  g_autoptr(GArray) dependents = g_array_new(false, false, sizeof(size_t));
  g_autoptr(GPtrArray) moves = g_ptr_array_new_with_free_func(free_array);
  unsigned nodes = disclose_search_closes(pattern->search) ? NODES_WITHOUT_OF_CLOSED : NODES_WITHOUT;
  if (work->places[cell].used > MOST_DEPENDENTS) return;
  for (size_t i = 0; i < primary->len; i++) {
    size_t dependent = g_array_index(primary, size_t, i);
    if (is_part_of_programme(&work->proofs[dependent], cell)) return;
    if (!is_part_of(&work->proofs[dependent], cell)) continue;
    GArray *move = disclose_search_move(pattern->search, dependent, true, cell, nodes);
    if (!move) return;
    g_array_append_val(dependents, dependent);
    g_ptr_array_add(moves, move);
  }
  for (size_t i = 0; i < dependents->len; i++)
    prove(pattern, g_array_index(dependents, size_t, i),
          (struct proof){.move = g_array_ref(moves->pdata[i])});
  publish_unused(work);
}

/* --- the order of it all --- */

static int widest_first(const void *a, const void *b, void *data)
{
  const struct work *work = data;
  size_t left = *(const size_t *)a, right = *(const size_t *)b;
  int128 need_left = work->places[left].need_up, need_right = work->places[right].need_up;
  if (need_left != need_right) return need_left > need_right ? -1 : 1;
  return left < right ? -1 : left > right;
}

static int dearest_first(const void *a, const void *b, void *data)
{
  const struct work *work = data;
  size_t left = *(const size_t *)a, right = *(const size_t *)b;
  int64_t weight_left = work->places[left].weight, weight_right = work->places[right].weight;
  if (weight_left != weight_right) return weight_left > weight_right ? -1 : 1;
  return left < right ? -1 : left > right;
}

static GArray *cells_of(struct work *work, bool primary, GCompareDataFunc order)
{
  GArray *cells = g_array_new(false, false, sizeof(size_t));
  for (size_t i = 0; i < work->cells; i++) {
    enum disclose_status status = work->places[i].status;
    bool is_primary = status != DISCLOSE_PUBLISHED && status < DISCLOSE_SECONDARY;
    if (primary ? is_primary : status == DISCLOSE_SECONDARY) g_array_append_val(cells, i);
  }
  g_array_sort_with_data(cells, order, work);
  return cells;
}

/* Of cells that are not protected yet, among all that is withheld by now. */
static void try_harder(struct pattern *pattern, const GArray *primary)
{
  pattern->nodes = NODES_HARD;
  for (size_t i = 0; i < primary->len; i++) {
    size_t cell = g_array_index(primary, size_t, i);
    const struct proof *proof = &pattern->work->proofs[cell];
    if (!proof->move && !proof->cells) protect_at_any_price(pattern, cell);
  }
  pattern->nodes = NODES;
}

void disclose_withhold(struct work *work)
{
  CLEANUP(disclose_search_free) struct search *search = disclose_search_new(work);
  g_autofree size_t *proved = g_new(size_t, work->cells + 1);
  for (size_t i = 0; i < work->cells; i++) proved[i] = SIZE_MAX;
  struct pattern pattern = {work, search, NODES, proved};
  g_autoptr(GArray) primary = cells_of(work, true, widest_first);
  for (size_t i = 0; i < primary->len; i++) {
    size_t cell = g_array_index(primary, size_t, i);
    if (!protect(&pattern, cell) && !coarsen(&pattern, cell)) protect_at_any_price(&pattern, cell);
  }
  try_harder(&pattern, primary);
  publish_unused(work);
  g_autoptr(GArray) secondary = cells_of(work, false, dearest_first);
  for (size_t i = 0; i < secondary->len; i++) {
    size_t cell = g_array_index(secondary, size_t, i);
    if (work->places[cell].status == DISCLOSE_SECONDARY) win_back(&pattern, primary, cell);
  }
}

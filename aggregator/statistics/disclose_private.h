/* What the files of disclosure control share: the table as it was given, and the work on it. */
#ifndef PARKTALLY_AGGREGATOR_STATISTICS_DISCLOSE_PRIVATE_H
#define PARKTALLY_AGGREGATOR_STATISTICS_DISCLOSE_PRIVATE_H

#include "aggregator/statistics/disclose.h"

struct relation {
  size_t first, count; /* in `terms` */
  int128 least, most;
  enum disclose_standing standing;
};

struct disclose_table {
  GArray *cells; /* struct disclose_cell, its shares in a block of their own */
  GArray *terms; /* struct disclose_term */
  GArray *relations;
};

/* A cell under work. */
struct place {
  int128 up, down;           /* how far an attacker believes it could be from its true value */
  int128 need_up, need_down; /* how far a move must take it; both 0: no primary */
  int64_t weight;
  uint64_t owner; /* its only parent, where `sole` */
  bool sole, fixed, kept, hidden;
  enum disclose_status status;
  unsigned group;
  unsigned used;       /* by how many proofs */
  size_t first, count; /* of `links` */
};

/* That a cell stands in a relation. */
struct link {
  size_t relation;
  int64_t coefficient;
};

/* One cell of a move: how far it goes when the protected cell goes up, and when that goes down. */
struct shift {
  size_t cell;
  int128 up, down;
};

/* Where `move` takes cells of single parents with it, each of those parents sees through it; for each there
 * is then another one that takes none of his. So whoever attacks, one of them is hidden from him. */
struct proof {
  GArray *move;      /* struct shift; NULL: none */
  GPtrArray *others; /* GArray of struct shift; NULL: `move` takes none of such cells */
  GArray *cells;     /* of a programme: which it moved; NULL: none */
};

/* The nth move of a proof, from 0; NULL behind the last. */
static inline const GArray *proof_move(const struct proof *proof, size_t n)
{
  if (n == 0) return proof->move;
  return proof->others && n <= proof->others->len ? proof->others->pdata[n - 1] : NULL;
}

/* Whose cells may not protect another's, because they know them. */
enum insiders {
  INSIDERS_ALL,  /* each single parent's: what moves without them is hidden from everybody */
  INSIDERS_NONE, /* the public alone attacks */
  INSIDERS_SOME, /* those of `owners` */
};

struct work {
  const struct disclose_table *table;
  struct disclose_rules rules;
  struct place *places;
  struct link *links; /* standing relations alone: what follows is withheld wherever it would bind */
  int128 *sums;       /* true value of each relation */
  struct proof *proofs;
  size_t cells, relations;
  size_t programmes, iterations; /* of GLPK */
  bool may_lose_kept;
  enum insiders insiders;
  GArray *owners; /* uint64_t */
};

static inline const struct disclose_cell *work_cell(const struct work *work, size_t cell)
{
  return &g_array_index(work->table->cells, struct disclose_cell, cell);
}

static inline const struct relation *work_relation(const struct work *work, size_t relation)
{
  return &g_array_index(work->table->relations, struct relation, relation);
}

static inline const struct disclose_term *work_term(const struct work *work, size_t term)
{
  return &g_array_index(work->table->terms, struct disclose_term, term);
}

static inline bool work_is_insider(const struct work *work, uint64_t parent)
{
  for (guint i = 0; i < work->owners->len; i++)
    if (g_array_index(work->owners, uint64_t, i) == parent) return true;
  return false;
}

/* What a parent that is alone in `cell` knows may not protect `protected`. */
static inline bool work_is_told(const struct work *work, const struct place *cell,
                                const struct place *protected)
{
  if (!cell->sole || (protected->sole && protected->owner == cell->owner)) return false;
  return work->insiders == INSIDERS_SOME ? work_is_insider(work, cell->owner)
                                         : work->insiders == INSIDERS_ALL;
}

/* Whether `cell` may move for the sake of `protected` at all. */
static inline bool work_may_move(const struct work *work, size_t cell, size_t protected)
{
  const struct place *place = &work->places[cell];
  return !place->fixed && (place->hidden || !place->kept || work->may_lose_kept) &&
         !work_is_told(work, place, &work->places[protected]);
}

static inline bool place_is_within(const struct place *place, int128 way)
{
  return way <= place->up && -way <= place->down;
}

/* disclose_table.c: NULL, or what is wrong with the table. */
bool disclose_table_check(const struct disclose_table *table, GError **error);
struct work *disclose_work_new(const struct disclose_table *table, const struct disclose_rules *rules);
void disclose_work_free(struct work *work);
CLEANUP_DEFINE(struct work, disclose_work_free)
void disclose_proof_clear(struct proof *proof);

/* disclose_primary.c: status, needs and rooms of every place. */
void disclose_primary(struct work *work);

/* disclose_search.c */
struct search;
struct search *disclose_search_new(const struct work *work);
void disclose_search_free(struct search *search);
CLEANUP_DEFINE(struct search, disclose_search_free)
/* Whether some cells stand in one relation alone, as totals of parts do. */
bool disclose_search_closes(const struct search *search);
/* The cheapest move found for `cell`, or NULL; each of its parts in `nodes` steps of search. Cells already
 * withheld cost nothing. With `hidden_only` no other is moved; `without` (or SIZE_MAX) is not either. The
 * caller's. */
GArray *disclose_search_move(struct search *search, size_t cell, bool hidden_only, size_t without,
                             unsigned nodes);

/* disclose_move.c */
enum way { UPWARDS, DOWNWARDS };
/* How far a move must take the cell. Of insiders: one who has a share of the cell knows it, so what is to be
 * protected from him is the rest: by no more than if there were few in it, and he knows that it is not below
 * 0. */
int128 disclose_move_need(const struct work *work, size_t cell, enum way way);
/* Whether it is a move that protects `cell`: exact, from the table alone; withheld or not is not asked. */
bool disclose_move_holds(const struct work *work, size_t cell, const GArray *move);
/* Those who see through a move for `cell`: uint64_t, each once; the caller's. */
GArray *disclose_move_owners(struct work *work, size_t cell, const GArray *move);
/* From now on these are the insiders. */
void disclose_move_tell(struct work *work, const uint64_t *owners, size_t count);
/* The proof holds against everybody: exact likewise. */
bool disclose_move_proves(struct work *work, size_t cell, const struct proof *proof);

/* disclose_attack.c */
/* Whether the cells withheld now protect `cell`; then which of them moved (the caller's). */
bool disclose_attack_fails(struct work *work, size_t cell, GArray **ret_cells);
/* The cheapest cells by a linear programme that would have to be withheld for `cell`; NULL: none. */
GArray *disclose_attack_cheapest(struct work *work, size_t cell);
/* How far below and above its true value the attacker finds `cell` possible; GLPK reckons in `unit`. False
 * where it gave up. */
bool disclose_attack_interval(struct work *work, size_t cell, double unit, double *ret_down, double *ret_up);

/* disclose_pattern.c: withholds until all is protected, and publishes again what is not needed. */
void disclose_withhold(struct work *work);

#endif

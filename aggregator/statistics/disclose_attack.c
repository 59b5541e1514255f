/* The attacker's linear programme, and the cheapest pattern by one. GLPK reckons in doubles, so all lengths
 * are in units of the protected cell's need, each relation is divided by its largest factor, and what a
 * programme says of a need counts only where it clears it by MARGIN. */
#include "aggregator/statistics/disclose_private.h"
#include "common/limits.h"

#include <glpk.h>
#include <math.h>

#define MARGIN 1e-4
#define FAR 1e6      /* units: who may move so far is as good as free */
#define NOTHING 1e-7 /* units: such a move is rounding */

/* Unknown is how far each cell lies from its true value, so that no move at all is always possible. */
struct programme {
  struct work *work;
  size_t protected, most_terms;
  double unit;
  bool any; /* cells that are published yet may move too, at their weight */
  glp_prob *problem;
  GArray *cells;     /* size_t, of columns 1, 2, … (two each where `any`: up and down) */
  GArray *relations; /* size_t, of rows 1, 2, … */
  int *row;          /* by relation; 0: none */
  bool *taken;       /* by cell */
};

static void programme_free(struct programme *programme)
{
  if (programme->problem) glp_delete_prob(programme->problem);
  g_array_unref(programme->cells);
  g_array_unref(programme->relations);
  g_free(programme->row);
  g_free(programme->taken);
  g_free(programme);
}
CLEANUP_DEFINE(struct programme, programme_free)

static bool takes_part(const struct programme *programme, size_t cell)
{
  return !programme->taken[cell] && (programme->any || programme->work->places[cell].hidden) &&
         work_may_move(programme->work, cell, programme->protected);
}

static void take(struct programme *programme, size_t cell)
{
  programme->taken[cell] = true;
  g_array_append_val(programme->cells, cell);
}

/* The cells that hang together with the protected one, nearest first. Those over the limit do not move, which
 * makes the attacker stronger than he is. */
static void gather(struct programme *programme)
{
  const struct work *work = programme->work;
  size_t terms = 0;
  take(programme, programme->protected);
  for (size_t i = 0; i < programme->cells->len; i++) {
    const struct place *place = &work->places[g_array_index(programme->cells, size_t, i)];
    for (size_t l = 0; l < place->count; l++) {
      size_t number = work->links[place->first + l].relation;
      if (programme->row[number] != 0) continue;
      g_array_append_val(programme->relations, number);
      programme->row[number] = (int)programme->relations->len;
      const struct relation *relation = work_relation(work, number);
      for (size_t k = 0; k < relation->count; k++) {
        size_t cell = work_term(work, relation->first + k)->cell;
        if (!takes_part(programme, cell)) continue;
        terms += work->places[cell].count * (programme->any ? 2 : 1);
        if (terms <= programme->most_terms) take(programme, cell);
      }
    }
  }
}

static double largest_factor(const struct work *work, size_t number)
{
  const struct relation *relation = work_relation(work, number);
  double largest = 1;
  for (size_t i = 0; i < relation->count; i++)
    largest = fmax(largest, fabs((double)work_term(work, relation->first + i)->coefficient));
  return largest;
}

static void make_rows(struct programme *programme)
{
  const struct work *work = programme->work;
  if (programme->relations->len == 0) return;
  glp_add_rows(programme->problem, (int)programme->relations->len);
  for (size_t i = 0; i < programme->relations->len; i++) {
    size_t number = g_array_index(programme->relations, size_t, i);
    const struct relation *relation = work_relation(work, number);
    double scale = programme->unit * largest_factor(work, number);
    double below = (double)(relation->least - work->sums[number]) / scale;
    double above = (double)(relation->most - work->sums[number]) / scale;
    bool open_below = relation->least == DISCLOSE_NO_LEAST, open_above = relation->most == DISCLOSE_NO_MOST;
    int type = open_below && open_above            ? GLP_FR
               : open_below                        ? GLP_UP
               : open_above                        ? GLP_LO
               : relation->least == relation->most ? GLP_FX
                                                   : GLP_DB;
    glp_set_row_bnds(programme->problem, (int)i + 1, type, below, above);
  }
}

static void bound(struct programme *programme, int column, double least, double most)
{
  glp_set_col_bnds(programme->problem, column, most - least > NOTHING ? GLP_DB : GLP_FX, least, most);
}

static double in_units(const struct programme *programme, int128 room)
{
  return fmin((double)room / programme->unit, FAR);
}

static void fill_column(struct programme *programme, int column, size_t cell, double sign)
{
  const struct place *place = &programme->work->places[cell];
  g_autofree int *rows = g_new(int, place->count + 1);
  g_autofree double *values = g_new(double, place->count + 1);
  for (size_t l = 0; l < place->count; l++) {
    const struct link *link = &programme->work->links[place->first + l];
    rows[l + 1] = programme->row[link->relation];
    values[l + 1] = sign * (double)link->coefficient / largest_factor(programme->work, link->relation);
  }
  glp_set_mat_col(programme->problem, column, (int)place->count, rows, values);
}

static void make_columns(struct programme *programme)
{
  int each = programme->any ? 2 : 1;
  glp_add_cols(programme->problem, (int)programme->cells->len * each);
  for (size_t i = 0; i < programme->cells->len; i++) {
    size_t cell = g_array_index(programme->cells, size_t, i);
    const struct place *place = &programme->work->places[cell];
    double up = in_units(programme, place->up), down = in_units(programme, place->down);
    int column = (int)i * each + 1;
    fill_column(programme, column, cell, 1);
    bound(programme, column, programme->any ? 0 : -down, up);
    if (!programme->any) continue;
    fill_column(programme, column + 1, cell, -1);
    bound(programme, column + 1, 0, down);
    double cost = place->hidden ? 1e-6 : (double)place->weight;
    glp_set_obj_coef(programme->problem, column, cost);
    glp_set_obj_coef(programme->problem, column + 1, cost);
  }
}

static struct programme *programme_new(struct work *work, size_t cell, double unit, bool any,
                                       size_t most_terms)
{
  struct programme *programme = g_new0(struct programme, 1);
  *programme = (struct programme){.work = work,
                                  .protected = cell,
                                  .most_terms = most_terms,
                                  .unit = unit,
                                  .any = any,
                                  .cells = g_array_new(false, false, sizeof(size_t)),
                                  .relations = g_array_new(false, false, sizeof(size_t)),
                                  .row = g_new0(int, work->relations + 1),
                                  .taken = g_new0(bool, work->cells + 1)};
  glp_term_out(GLP_OFF);
  programme->problem = glp_create_prob();
  gather(programme);
  make_rows(programme);
  make_columns(programme);
  return programme;
}

/* False where GLPK finds no optimum within the steps that are left. */
static bool solve(struct programme *programme, int direction, int method)
{
  struct work *work = programme->work;
  if (work->iterations >= LIMIT_DISCLOSE_ALL_STEPS) return false;
  glp_smcp how;
  glp_init_smcp(&how);
  how.msg_lev = GLP_MSG_OFF;
  how.meth = method;
  how.it_lim = (int)MIN((size_t)LIMIT_DISCLOSE_STEPS, LIMIT_DISCLOSE_ALL_STEPS - work->iterations);
  glp_set_obj_dir(programme->problem, direction);
  int before = glp_get_it_cnt(programme->problem);
  int failed = glp_simplex(programme->problem, &how);
  work->iterations += (size_t)(glp_get_it_cnt(programme->problem) - before);
  work->programmes++;
  return failed == 0 && glp_get_status(programme->problem) == GLP_OPT;
}

/* Adds the cells that moved to `cells`, each once. */
static void gather_moved(const struct programme *programme, GArray *cells)
{
  int each = programme->any ? 2 : 1;
  for (size_t i = 0; i < programme->cells->len; i++) {
    size_t cell = g_array_index(programme->cells, size_t, i);
    double way = 0;
    for (int k = 0; k < each; k++) way += fabs(glp_get_col_prim(programme->problem, (int)i * each + 1 + k));
    bool known = way <= NOTHING;
    for (size_t k = 0; !known && k < cells->len; k++) known = g_array_index(cells, size_t, k) == cell;
    if (!known) g_array_append_val(cells, cell);
  }
}

/* A need with its margin; but nobody can be asked to go beyond what is known beforehand. */
static double asked(double need, double room)
{
  return need == 0 ? 0 : fmin(need * (1 + 2 * MARGIN), room);
}

static bool clears(double reached, double need, double room)
{
  return reached >= need * (1 + MARGIN) || reached >= room * (1 - NOTHING);
}

static double unit_of(const struct place *place)
{
  return (double)MAX(MAX(place->need_up, place->need_down), 1);
}

bool disclose_attack_fails(struct work *work, size_t cell, GArray **ret_cells)
{
  const struct place *place = &work->places[cell];
  if (place->fixed) return false;
  g_autoptr(GArray) cells = g_array_new(false, false, sizeof(size_t));
  CLEANUP(programme_free)
  struct programme *programme = programme_new(work, cell, unit_of(place), false, LIMIT_DISCLOSE_PROGRAMME);
  double up = in_units(programme, place->need_up), down = in_units(programme, place->need_down);
  double most = in_units(programme, place->up), least = in_units(programme, place->down);
  bound(programme, 1, -asked(down, least), asked(up, most));
  glp_set_obj_coef(programme->problem, 1, 1);
  if (!solve(programme, GLP_MAX, GLP_PRIMAL) || !clears(glp_get_obj_val(programme->problem), up, most))
    return false;
  gather_moved(programme, cells);
  if (!solve(programme, GLP_MIN, GLP_PRIMAL) || !clears(-glp_get_obj_val(programme->problem), down, least))
    return false;
  gather_moved(programme, cells);
  *ret_cells = g_steal_pointer(&cells);
  return true;
}

GArray *disclose_attack_cheapest(struct work *work, size_t cell)
{
  const struct place *place = &work->places[cell];
  if (place->fixed) return NULL;
  g_autoptr(GArray) cells = g_array_new(false, false, sizeof(size_t));
  CLEANUP(programme_free)
  struct programme *programme = programme_new(work, cell, unit_of(place), true, LIMIT_DISCLOSE_PROGRAMME);
  double up = asked(in_units(programme, place->need_up), in_units(programme, place->up));
  double down = asked(in_units(programme, place->need_down), in_units(programme, place->down));
  bound(programme, 1, up, up);
  bound(programme, 2, 0, 0);
  if (!solve(programme, GLP_MIN, GLP_DUALP)) return NULL;
  gather_moved(programme, cells);
  if (down > 0) {
    bound(programme, 1, 0, 0);
    bound(programme, 2, down, down);
    if (!solve(programme, GLP_MIN, GLP_DUALP)) return NULL;
    gather_moved(programme, cells);
  }
  return g_steal_pointer(&cells);
}

bool disclose_attack_interval(struct work *work, size_t cell, double unit, double *ret_down, double *ret_up)
{
  if (work->places[cell].fixed) {
    *ret_down = *ret_up = 0;
    return true;
  }
  CLEANUP(programme_free)
  struct programme *programme = programme_new(work, cell, unit, false, LIMIT_DISCLOSE_ATTACK);
  glp_set_obj_coef(programme->problem, 1, 1);
  if (!solve(programme, GLP_MAX, GLP_PRIMAL)) return false;
  double up = glp_get_obj_val(programme->problem);
  if (!solve(programme, GLP_MIN, GLP_PRIMAL)) return false;
  *ret_up = up * unit;
  *ret_down = -glp_get_obj_val(programme->problem) * unit;
  return true;
}

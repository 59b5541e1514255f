/* An attacker of published tables, who shares nothing with the module: he writes down the table as he sees
 * it, all cells unknown but those that are published, and asks GLPK for the ends of one. */
#ifndef PARKTALLY_TESTS_UNIT_AGGREGATOR_ATTACKER_H
#define PARKTALLY_TESTS_UNIT_AGGREGATOR_ATTACKER_H

#include "aggregator/statistics/disclose.h"

#include <glpk.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct attacker {
  glp_prob *problem;
  GArray *relations; /* struct disclose_term of each, for exact elimination too */
  GArray *ends;      /* size_t, behind each relation */
};

static inline struct attacker attacker_make(size_t cells)
{
  struct attacker attacker = {glp_create_prob(), g_array_new(false, false, sizeof(struct disclose_term)),
                              g_array_new(false, false, sizeof(size_t))};
  glp_term_out(GLP_OFF);
  glp_add_cols(attacker.problem, (int)cells);
  return attacker;
}

static inline void attacker_clear(struct attacker *attacker)
{
  glp_delete_prob(attacker->problem);
  glp_free_env();
  g_array_unref(attacker->relations);
  g_array_unref(attacker->ends);
}

static inline void attacker_relation(struct attacker *attacker, const struct disclose_term *terms,
                                     size_t count, int type, double least, double most)
{
  int row = glp_add_rows(attacker->problem, 1);
  g_autofree int *columns = g_new(int, count + 1);
  g_autofree double *factors = g_new(double, count + 1);
  for (size_t i = 0; i < count; i++) {
    columns[i + 1] = (int)terms[i].cell + 1;
    factors[i + 1] = (double)terms[i].coefficient;
  }
  glp_set_mat_row(attacker->problem, row, (int)count, columns, factors);
  glp_set_row_bnds(attacker->problem, row, type, least, most);
  if (type != GLP_FX) return;
  g_array_append_vals(attacker->relations, terms, (guint)count);
  size_t end = attacker->relations->len;
  g_array_append_val(attacker->ends, end);
}

static inline void attacker_publish(struct attacker *attacker, size_t cell, int128 value)
{
  glp_set_col_bnds(attacker->problem, (int)cell + 1, GLP_FX, (double)value, (double)value);
}

static inline void attacker_withhold(struct attacker *attacker, size_t cell, int128 value, int128 magnitude,
                                     bool is_signed)
{
  double least = is_signed ? (double)(value - magnitude) : 0, most = (double)(value + magnitude);
  glp_set_col_bnds(attacker->problem, (int)cell + 1, is_signed && magnitude > 0 ? GLP_DB : GLP_LO, least,
                   most);
}

static inline double attacker_end(struct attacker *attacker, size_t cell, int direction)
{
  glp_smcp how;
  glp_init_smcp(&how);
  how.msg_lev = GLP_MSG_OFF;
  glp_std_basis(attacker->problem);
  glp_set_obj_coef(attacker->problem, (int)cell + 1, 1);
  glp_set_obj_dir(attacker->problem, direction);
  assert_int_equal(glp_simplex(attacker->problem, &how), 0);
  glp_set_obj_coef(attacker->problem, (int)cell + 1, 0);
  int status = glp_get_status(attacker->problem);
  if (status == GLP_UNBND) return direction == GLP_MAX ? 1e30 : -1e30;
  assert_int_equal(status, GLP_OPT);
  return glp_get_obj_val(attacker->problem);
}

/* Whether he finds the cell no more narrowly than value − down … value + up. */
static inline bool attacker_fails(struct attacker *attacker, size_t cell, int128 value, int128 down,
                                  int128 up)
{
  double slack = 1e-6 * ((double)(down + up) + 1);
  return attacker_end(attacker, cell, GLP_MIN) <= (double)(value - down) + slack &&
         attacker_end(attacker, cell, GLP_MAX) >= (double)(value + up) - slack;
}

/* --- and by elimination, exact in the field of a prime --- */

#define FIELD 2147483647

static inline int64_t field_inverse(int64_t value)
{
  int64_t result = 1;
  for (int64_t power = FIELD - 2; power > 0; power /= 2) {
    if (power % 2 == 1) result = result * value % FIELD;
    value = value * value % FIELD;
  }
  return result;
}

static inline void field_eliminate(int64_t *rows, size_t width, size_t count, size_t pivot, size_t column)
{
  int64_t inverse = field_inverse(rows[pivot * width + column]);
  for (size_t k = 0; k < width; k++) rows[pivot * width + k] = rows[pivot * width + k] * inverse % FIELD;
  for (size_t r = 0; r < count; r++) {
    int64_t factor = rows[r * width + column];
    if (r == pivot || factor == 0) continue;
    for (size_t k = 0; k < width; k++)
      rows[r * width + k] = (rows[r * width + k] + (FIELD - factor) * rows[pivot * width + k]) % FIELD;
  }
}

/* A withheld cell that the equations alone determine, or SIZE_MAX. */
static inline size_t attacker_solves(const struct attacker *attacker, const bool *hidden)
{
  size_t width = (size_t)glp_get_num_cols(attacker->problem), count = attacker->ends->len, used = 0;
  g_autofree int64_t *rows = g_new0(int64_t, width * count + 1);
  for (size_t r = 0, i = 0; r < count; r++)
    for (; i < g_array_index(attacker->ends, size_t, r); i++) {
      const struct disclose_term *term = &g_array_index(attacker->relations, struct disclose_term, i);
      if (hidden[term->cell]) rows[r * width + term->cell] = (term->coefficient + FIELD) % FIELD;
    }
  for (size_t column = 0; column < width && used < count; column++) {
    size_t pivot = used;
    while (pivot < count && rows[pivot * width + column] == 0) pivot++;
    if (pivot == count) continue;
    for (size_t k = 0; k < width; k++) {
      int64_t other = rows[pivot * width + k];
      rows[pivot * width + k] = rows[used * width + k];
      rows[used * width + k] = other;
    }
    field_eliminate(rows, width, count, used++, column);
  }
  for (size_t r = 0; r < used; r++) {
    size_t unknown = 0, last = 0;
    for (size_t k = 0; k < width; k++)
      if (rows[r * width + k] != 0) {
        unknown++;
        last = k;
      }
    if (unknown == 1) return last;
  }
  return SIZE_MAX;
}

#endif

#include "common/formula_private.h"

#include <string.h>

void formula_free(struct formula *formula)
{
  if (!formula) return;
  g_array_unref(formula->nodes);
  g_array_unref(formula->terms);
  g_free(formula);
}

bool formula_looks_at(const struct formula *formula, enum formula_tense tense)
{
  return formula->looks_at[tense];
}

void formula_each_column(const struct formula *formula, formula_column *visit, void *data)
{
  const struct formula_term *terms = (const struct formula_term *)(void *)formula->terms->data;
  for (unsigned i = 0; i < formula->terms->len; i++) {
    bool is_new = terms[i].tense == TENSE_NOW && terms[i].column != FORMULA_MONTH;
    for (unsigned before = 0; is_new && before < i; before++)
      is_new = terms[before].tense != TENSE_NOW || terms[before].column != terms[i].column;
    if (is_new) visit(terms[i].column, data);
  }
}

/* --- what is known: Kleene's logic --- */

enum truth { NO, UNKNOWN, YES }; /* "and" is the least of two, "or" the most */

static bool look_up(const struct formula_term *term, const struct formula_facts *facts, int64_t *ret_value)
{
  if (term->column == FORMULA_MONTH) {
    *ret_value = facts->month;
    return true;
  }
  const struct figures *figures = facts->figures[term->tense];
  if (!figures || !column_set_has(&figures->present, (unsigned)term->column)) return false;
  *ret_value = figures->value[term->column];
  return true;
}

/* Both sides of a comparison, the right one with its sign changed; false where a figure is missed: one that
 * must be there, or all of a sum(). The sides are kept apart from each other and out of memory, for this is
 * where the time of rules goes. */
static bool add_up(const struct formula *formula, const struct formula_node *node,
                   const struct formula_facts *facts, int128 *ret_left, int128 *ret_right)
{
  const struct formula_term *terms = (const struct formula_term *)(void *)formula->terms->data;
  int128 left = node->left, right = node->right;
  bool there = true; /* any term of the group */
  for (unsigned i = node->from; i < node->to; i++) {
    const struct formula_term *term = &terms[i];
    int64_t value;
    if (i == node->from || term->group != terms[i - 1].group) {
      if (!there) return false;
      there = false;
    }
    if (!look_up(term, facts, &value)) {
      if (term->group == 0) return false;
      continue;
    }
    there = true;
    if (term->right)
      right += (int128)value * term->factor;
    else
      left += (int128)value * term->factor;
  }
  if (!there) return false;
  *ret_left = left;
  *ret_right = right;
  return true;
}

static enum truth compare(const struct formula *formula, const struct formula_node *node,
                          const struct formula_facts *facts)
{
  int128 left, right;
  if (!add_up(formula, node, facts, &left, &right)) return UNKNOWN;
  int128 difference = left + right;
  bool holds = false;
  switch (node->kind) {
  case FORMULA_EQUAL:
  case FORMULA_UNEQUAL:
    holds =
        (difference <= node->tolerance && difference >= -node->tolerance) == (node->kind == FORMULA_EQUAL);
    break;
  case FORMULA_LESS:
    holds = difference < 0;
    break;
  case FORMULA_AT_MOST:
    holds = difference <= 0;
    break;
  case FORMULA_MORE:
    holds = difference > 0;
    break;
  default:
    holds = difference >= 0;
    break;
  }
  return holds ? YES : NO;
}

static enum truth count(const struct formula *formula, const struct formula_node *node,
                        const struct formula_facts *facts)
{
  unsigned there = 0, all = node->to - node->from;
  for (unsigned i = node->from; i < node->to; i++) {
    int64_t ignored;
    there += look_up(&g_array_index(formula->terms, struct formula_term, i), facts, &ignored);
  }
  bool holds = node->kind == FORMULA_ALL   ? there == all
               : node->kind == FORMULA_ANY ? there > 0
               : node->kind == FORMULA_ONE ? there == 1
                                           : there == 0;
  return holds ? YES : NO;
}

/* `ret_at` is the comparison, or presence, for which it does not hold. The compiler bounds the depth. */
static enum truth judge(const struct formula *formula, unsigned at, const struct formula_facts *facts,
                        unsigned *ret_at)
{
  const struct formula_node *node = &g_array_index(formula->nodes, struct formula_node, at);
  unsigned inner;
  enum truth first, second;
  switch (node->kind) {
  case FORMULA_IF:
    first = judge(formula, node->first, facts, &inner);
    if (first == NO) return YES;
    second = judge(formula, node->second, facts, ret_at);
    return MAX(second, YES - first);
  case FORMULA_OR:
    first = judge(formula, node->first, facts, ret_at);
    return first == YES ? YES : MAX(first, judge(formula, node->second, facts, &inner));
  case FORMULA_AND:
    first = judge(formula, node->first, facts, ret_at);
    return first == NO ? NO : MIN(first, judge(formula, node->second, facts, ret_at));
  case FORMULA_NOT:
    *ret_at = at; /* what stands below it holds */
    return YES - judge(formula, node->first, facts, &inner);
  case FORMULA_ALL:
  case FORMULA_ANY:
  case FORMULA_ONE:
  case FORMULA_NONE:
    *ret_at = at;
    return count(formula, node, facts);
  default:
    *ret_at = at;
    return compare(formula, node, facts);
  }
}

/* --- saying why --- */

/* Without zeros at the end: the decimals are those of the formula, not of a figure. */
static void write_amount(int128 amount, unsigned decimals, char ret_text[DECIMAL_TEXT_SIZE])
{
  for (; decimals > 0 && amount % 10 == 0; decimals--) amount /= 10;
  decimal_format(amount, decimals, ret_text);
}

static void explain(const struct formula *formula, unsigned at, const struct formula_facts *facts,
                    struct formula_failure *ret_failure)
{
  static const char *const signs[] = {
      [FORMULA_EQUAL] = "=",   [FORMULA_UNEQUAL] = "≠", [FORMULA_LESS] = "<",
      [FORMULA_AT_MOST] = "≤", [FORMULA_MORE] = ">",    [FORMULA_AT_LEAST] = "≥"};
  const struct formula_node *node = &g_array_index(formula->nodes, struct formula_node, at);
  ret_failure->column = -1;
  ret_failure->found[0] = ret_failure->expected[0] = '\0';
  const struct formula_node *named = node;
  while (named->kind <= FORMULA_IF) named = &g_array_index(formula->nodes, struct formula_node, named->first);
  for (unsigned i = named->from; i < named->to && ret_failure->column < 0; i++)
    ret_failure->column = g_array_index(formula->terms, struct formula_term, i).column; /* of the month −1 */
  int128 left, right;
  if (node->kind < FORMULA_EQUAL || node->kind > FORMULA_AT_LEAST) return;
  if (!add_up(formula, node, facts, &left, &right)) return;
  char amount[DECIMAL_TEXT_SIZE];
  write_amount(left, node->decimals, ret_failure->found);
  write_amount(-right, node->decimals, amount);
  g_snprintf(ret_failure->expected, sizeof ret_failure->expected, "%s %s", signs[node->kind], amount);
}

bool formula_holds(const struct formula *formula, const struct formula_facts *facts,
                   struct formula_failure *ret_failure)
{
  unsigned at = 0;
  if (judge(formula, formula->nodes->len - 1, facts, &at) != NO) return true;
  if (ret_failure) explain(formula, at, facts, ret_failure);
  return false;
}

/* From a formula's text to its program: words first (formula_words.c), then a descent by the grammar of
 * formula.h, of which formula_amount.c has the lower half.
 *
 * A mistake ends it: what follows one can seldom be understood. */
#include "common/formula_compile.h"
#include "common/text.h"

/* A figure is below 2^53, a factor below 2^62, and 2^10 words name fewer figures: so sums stay below 2^126.
 */
#define MOST_FACTOR ((int128)1 << 62)

/* --- the program --- */

static unsigned append_node(struct compiler *compiler, const struct formula_node *node)
{
  g_array_append_val(compiler->formula->nodes, *node);
  return compiler->formula->nodes->len - 1;
}

/* A part as a term at the comparison's decimals. */
static bool append_term(struct compiler *compiler, const struct part *part, unsigned decimals, bool right)
{
  struct number factor = part->times;
  struct formula_term term = {
      .tense = part->tense, .column = part->column, .right = right, .group = part->group};
  if (!formula_widen(&factor, decimals - part->figure_decimals) || factor.value >= MOST_FACTOR ||
      factor.value <= -MOST_FACTOR)
    return formula_refuse_size(compiler);
  term.factor = right ? -(int64_t)factor.value : (int64_t)factor.value;
  g_array_append_val(compiler->formula->terms, term);
  if (part->column != FORMULA_MONTH) compiler->formula->looks_at[part->tense] = true;
  return true;
}

static unsigned decimals_of(const struct amount *amount, unsigned decimals)
{
  decimals = MAX(decimals, amount->number.decimals);
  for (unsigned i = 0; i < amount->parts->len; i++) {
    const struct part *part = &g_array_index(amount->parts, struct part, i);
    decimals = MAX(decimals, part->figure_decimals + part->times.decimals);
  }
  return decimals;
}

static bool append_side(struct compiler *compiler, struct amount *amount, unsigned decimals, bool right)
{
  for (unsigned i = 0; i < amount->parts->len; i++)
    if (!append_term(compiler, &g_array_index(amount->parts, struct part, i), decimals, right)) return false;
  return formula_widen(&amount->number, decimals) || formula_refuse_size(compiler);
}

static bool append_comparison(struct compiler *compiler, enum formula_kind kind, struct amount *left,
                              struct amount *right, struct number tolerance, unsigned *ret_node)
{
  struct formula_node node = {.kind = kind, .from = compiler->formula->terms->len};
  node.decimals = MAX(decimals_of(right, decimals_of(left, 0)), tolerance.decimals);
  if (!append_side(compiler, left, node.decimals, false) ||
      !append_side(compiler, right, node.decimals, true))
    return false;
  if (!formula_widen(&tolerance, node.decimals)) return formula_refuse_size(compiler);
  node.to = compiler->formula->terms->len;
  node.left = left->number.value;
  node.right = -right->number.value;
  node.tolerance = tolerance.value;
  *ret_node = append_node(compiler, &node);
  return true;
}

/* --- comparisons and presence --- */

static bool read_sign(struct compiler *compiler, enum formula_kind *ret_kind)
{
  static const struct {
    const char *sign;
    enum formula_kind kind;
  } signs[] = {{"=", FORMULA_EQUAL},    {"!=", FORMULA_UNEQUAL}, {"<", FORMULA_LESS},
               {"<=", FORMULA_AT_MOST}, {">", FORMULA_MORE},     {">=", FORMULA_AT_LEAST}};
  for (size_t i = 0; i < G_N_ELEMENTS(signs); i++) {
    if (!formula_take(compiler, signs[i].sign)) continue;
    *ret_kind = signs[i].kind;
    return true;
  }
  return formula_refuse_word(compiler, _("one of = != < <= > >="));
}

static bool read_tolerance(struct compiler *compiler, enum formula_kind kind, struct number *ret_tolerance)
{
  if (kind != FORMULA_EQUAL && kind != FORMULA_UNEQUAL)
    return formula_refuse_word(compiler, _("“within” behind = or != alone"));
  compiler->next++;
  return formula_read_number(compiler, ret_tolerance);
}

static bool read_sides(struct compiler *compiler, struct amount *left, struct amount *right,
                       unsigned *ret_node)
{
  enum formula_kind kind = FORMULA_EQUAL;
  struct number tolerance = {0};
  if (!formula_read_amount(compiler, left) || !read_sign(compiler, &kind) ||
      !formula_read_amount(compiler, right))
    return false;
  if (formula_is(compiler, formula_peek(compiler), "within") && !read_tolerance(compiler, kind, &tolerance))
    return false;
  return append_comparison(compiler, kind, left, right, tolerance, ret_node);
}

static bool read_comparison(struct compiler *compiler, unsigned *ret_node)
{
  struct amount left, right;
  formula_amount_init(&left);
  formula_amount_init(&right);
  bool read = read_sides(compiler, &left, &right, ret_node);
  formula_amount_finish(&left);
  formula_amount_finish(&right);
  return read;
}

/* Takes the words before the bracket; false if they do not stand there. */
static bool take_presence(struct compiler *compiler, enum formula_kind *ret_kind)
{
  static const struct {
    const char *word;
    enum formula_kind kind;
  } words[] = {{"all", FORMULA_ALL}, {"any", FORMULA_ANY}, {"one", FORMULA_ONE}, {"none", FORMULA_NONE}};
  if (formula_is(compiler, formula_peek_at(compiler, 1), "(") && formula_take(compiler, "present")) {
    *ret_kind = FORMULA_ALL;
    return true;
  }
  if (!formula_is(compiler, formula_peek_at(compiler, 1), "of")) return false;
  for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
    if (!formula_take(compiler, words[i].word)) continue;
    *ret_kind = words[i].kind;
    return formula_take(compiler, "of");
  }
  return false;
}

static bool read_presence(struct compiler *compiler, enum formula_kind kind, unsigned *ret_node)
{
  struct formula_node node = {.kind = kind, .from = compiler->formula->terms->len};
  g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(struct part));
  if (!formula_read_figures(compiler, 0, parts)) return false;
  for (unsigned i = 0; i < parts->len; i++) {
    const struct part *part = &g_array_index(parts, struct part, i);
    append_term(compiler, part, part->figure_decimals, false);
  }
  node.to = compiler->formula->terms->len;
  *ret_node = append_node(compiler, &node);
  return true;
}

/* --- conditions --- */

/* Whether the bracket that opens here holds a condition, rather than an amount. */
static bool opens_condition(const struct compiler *compiler)
{
  static const char *const of_conditions[] = {
      "=", "!=", "<", "<=", ">", ">=", "and", "or", "not", "of", "present"};
  unsigned depth = 0;
  for (size_t ahead = 0;; ahead++) {
    const struct word *word = formula_peek_at(compiler, ahead);
    if (word->length == 0) return false;
    if (formula_is(compiler, word, "(")) depth++;
    if (formula_is(compiler, word, ")") && --depth == 0) return false;
    for (size_t i = 0; i < G_N_ELEMENTS(of_conditions); i++)
      if (formula_is(compiler, word, of_conditions[i])) return true;
  }
}

static bool read_condition(struct compiler *compiler, unsigned *ret_node);

static bool read_clause(struct compiler *compiler, unsigned *ret_node)
{
  enum formula_kind presence;
  if (take_presence(compiler, &presence)) return read_presence(compiler, presence, ret_node);
  bool bracket = formula_is(compiler, formula_peek(compiler), "(") && opens_condition(compiler);
  if (!bracket && !formula_is(compiler, formula_peek(compiler), "not"))
    return read_comparison(compiler, ret_node);
  if (!formula_deeper(compiler)) return false;
  bool read;
  if (bracket) {
    compiler->next++;
    read = read_condition(compiler, ret_node) && formula_need(compiler, ")");
  } else {
    struct formula_node node = {.kind = FORMULA_NOT};
    compiler->next++;
    read = read_clause(compiler, &node.first);
    if (read) *ret_node = append_node(compiler, &node);
  }
  compiler->depth--;
  return read;
}

typedef bool reads(struct compiler *compiler, unsigned *ret_node);

/* What `read` reads, again and again with the word between. */
static bool read_joined(struct compiler *compiler, const char *word, enum formula_kind kind, reads *read,
                        unsigned *ret_node)
{
  unsigned levels = 0;
  bool going = read(compiler, ret_node);
  while (going && formula_take(compiler, word)) {
    struct formula_node node = {.kind = kind, .first = *ret_node};
    going = formula_deeper(compiler) && ++levels && read(compiler, &node.second);
    if (going) *ret_node = append_node(compiler, &node);
  }
  compiler->depth -= levels;
  return going;
}

static bool read_conjunction(struct compiler *compiler, unsigned *ret_node)
{
  return read_joined(compiler, "and", FORMULA_AND, read_clause, ret_node);
}

static bool read_condition(struct compiler *compiler, unsigned *ret_node)
{
  return read_joined(compiler, "or", FORMULA_OR, read_conjunction, ret_node);
}

static bool read_formula(struct compiler *compiler)
{
  unsigned node;
  struct formula_node implication = {.kind = FORMULA_IF};
  bool read;
  if (formula_take(compiler, "if")) {
    read = read_condition(compiler, &implication.first) && formula_need(compiler, "then") &&
           read_condition(compiler, &implication.second);
    if (read) append_node(compiler, &implication);
  } else {
    read = read_condition(compiler, &node);
  }
  if (!read) return false;
  return formula_peek(compiler)->length == 0 ||
         formula_refuse_word(compiler, _("the end of the rule, “and” or “or”"));
}

struct formula *formula_compile(const char *text, formula_resolve *resolve, void *data, char **ret_mistake,
                                size_t *ret_at)
{
  struct compiler compiler = {.text = text,
                              .words = g_array_new(FALSE, FALSE, sizeof(struct word)),
                              .resolve = resolve,
                              .data = data,
                              .formula = g_new0(struct formula, 1)};
  compiler.formula->nodes = g_array_new(FALSE, FALSE, sizeof(struct formula_node));
  compiler.formula->terms = g_array_new(FALSE, FALSE, sizeof(struct formula_term));
  bool read = formula_split(&compiler) && read_formula(&compiler);
  g_array_unref(compiler.words);
  if (read) return compiler.formula;
  formula_free(compiler.formula);
  *ret_mistake = compiler.mistake;
  *ret_at = compiler.mistake_at;
  return NULL;
}

/* From a formula's text to its program: words first, then a descent by the grammar of formula.h.
 *
 * A mistake ends it: what follows one can seldom be understood. */
#include "common/formula_private.h"
#include "common/limits.h"
#include "common/text.h"

#include <stdarg.h>
#include <string.h>

#define MOST_WORDS 1024
#define MOST_DEPTH 32 /* of brackets and of what they hold; bounds recursion here and in formula.c */
/* A figure is below 2^53, a factor below 2^62, and 2^10 words name fewer figures: so sums stay below 2^126.
 */
#define MOST_FACTOR ((int128)1 << 62)
#define MOST_NUMBER ((int128)1 << 124)

/* --- words --- */

struct word {
  size_t at, length;
};

/* An amount as the text is read: figures times numbers, and a number; all with decimals of their own. */
struct number {
  int128 value;
  unsigned decimals;
};

struct part { /* a figure times a number */
  enum formula_tense tense;
  int column;
  unsigned figure_decimals;
  unsigned group;
  struct number times;
};

struct amount {
  GArray *parts; /* of struct part */
  struct number number;
};

struct compiler {
  const char *text;
  GArray *words; /* of struct word; one of length 0 at the end */
  size_t next;
  unsigned depth;
  unsigned groups; /* sum()s so far */
  formula_resolve *resolve;
  void *data;
  struct formula *formula;
  char *mistake; /* NULL: none yet */
  size_t mistake_at;
};

static bool refuse(struct compiler *compiler, size_t at, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Always false, for `return refuse(…)`. */
static bool refuse(struct compiler *compiler, size_t at, const char *format, ...)
{
  if (compiler->mistake) return false;
  va_list arguments;
  va_start(arguments, format);
  compiler->mistake = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  compiler->mistake_at = at;
  return false;
}

static bool is_in_name(char c)
{
  return g_ascii_isalnum(c) || c == '_' || c == '.';
}

/* A code may hold "-", as long as something follows it: so does a word. */
static size_t word_length(const char *text)
{
  size_t length = 0;
  if (is_in_name(*text)) {
    while (is_in_name(text[length]) || (text[length] == '-' && is_in_name(text[length + 1]))) length++;
    return length;
  }
  static const char *const signs[] = {"<=", ">=", "!=", "=", "<", ">", "+", "-", "*", "(", ")", ",", "%"};
  for (size_t i = 0; i < G_N_ELEMENTS(signs); i++)
    if (g_str_has_prefix(text, signs[i])) return strlen(signs[i]);
  return 0;
}

static bool split(struct compiler *compiler)
{
  for (size_t at = 0;;) {
    at += strspn(compiler->text + at, " \t\r\n");
    struct word word = {.at = at};
    if (compiler->text[at] != '\0') {
      word.length = word_length(compiler->text + at);
      if (word.length == 0) {
        g_autofree char *found = text_excerpt(compiler->text + at, strlen(compiler->text + at), 16);
        return refuse(compiler, at,
                      _("found “%s”, expected codes of columns, numbers and = != < <= > >= + - * ( ) , %%"),
                      found);
      }
    }
    if (compiler->words->len == MOST_WORDS)
      return refuse(compiler, at, _("the rule is too long; make two of it"));
    g_array_append_val(compiler->words, word);
    if (word.length == 0) return true;
    at += word.length;
  }
}

static const struct word *peek_at(const struct compiler *compiler, size_t ahead)
{
  return &g_array_index(compiler->words, struct word, MIN(compiler->next + ahead, compiler->words->len - 1));
}

static const struct word *peek(const struct compiler *compiler)
{
  return peek_at(compiler, 0);
}

static bool is(const struct compiler *compiler, const struct word *word, const char *text)
{
  return word->length == strlen(text) && memcmp(compiler->text + word->at, text, word->length) == 0;
}

/* Takes the word if it is this one. */
static bool take(struct compiler *compiler, const char *text)
{
  if (!is(compiler, peek(compiler), text)) return false;
  compiler->next++;
  return true;
}

/* Always false. */
static bool refuse_word(struct compiler *compiler, const char *expected)
{
  const struct word *word = peek(compiler);
  g_autofree char *found = g_strndup(compiler->text + word->at, word->length);
  return *found ? refuse(compiler, word->at, _("found “%s”, expected %s"), found, expected)
                : refuse(compiler, word->at, _("the rule ends here, expected %s"), expected);
}

static bool need(struct compiler *compiler, const char *text)
{
  if (take(compiler, text)) return true;
  g_autofree char *expected = g_strdup_printf("“%s”", text);
  return refuse_word(compiler, expected);
}

/* Whether one more level may be opened; closed by compiler->depth--. */
static bool deeper(struct compiler *compiler)
{
  if (compiler->depth == MOST_DEPTH)
    return refuse(compiler, peek(compiler)->at,
                  _("more than %d brackets and conditions within each other; make two rules of it"),
                  MOST_DEPTH);
  compiler->depth++;
  return true;
}

/* --- numbers --- */

/* To more decimals. False where it does not fit. */
static bool widen(struct number *number, unsigned decimals)
{
  int128 wider;
  if (decimals - number->decimals > 30 ||
      __builtin_mul_overflow(number->value, decimal_power10(decimals - number->decimals), &wider) ||
      wider >= MOST_NUMBER || wider <= -MOST_NUMBER)
    return false;
  *number = (struct number){wider, decimals};
  return true;
}

static bool add_number(struct number *to, struct number number)
{
  unsigned decimals = MAX(to->decimals, number.decimals);
  if (!widen(to, decimals) || !widen(&number, decimals)) return false;
  to->value += number.value;
  return to->value < MOST_NUMBER && to->value > -MOST_NUMBER;
}

static bool multiply(struct number *by, struct number number)
{
  by->decimals += number.decimals;
  return !__builtin_mul_overflow(by->value, number.value, &by->value) && by->value < MOST_NUMBER &&
         by->value > -MOST_NUMBER && by->decimals <= 30;
}

static bool refuse_size(struct compiler *compiler)
{
  return refuse(compiler, peek(compiler)->at,
                _("the numbers before this are too large, or have too many decimals"));
}

static bool is_number(const struct compiler *compiler, const struct word *word)
{
  const char *text = compiler->text + word->at;
  return word->length > 0 && strspn(text, "0123456789.") >= word->length && g_ascii_isdigit(*text);
}

/* Digits with at most one point; "%" is two more decimals. */
static bool read_number(struct compiler *compiler, struct number *ret_number)
{
  const struct word *word = peek(compiler);
  const char *text = compiler->text + word->at;
  struct number number = {0};
  bool point = false;
  for (size_t i = 0; i < word->length; i++) {
    if (text[i] == '.' && !point && i > 0 && i + 1 < word->length) {
      point = true;
      continue;
    }
    if (!g_ascii_isdigit(text[i])) return refuse_word(compiler, _("a number such as 1.5"));
    number.value = number.value * 10 + (text[i] - '0');
    number.decimals += point;
    if (number.value > LIMIT_FIGURE) return refuse_size(compiler);
  }
  compiler->next++;
  if (take(compiler, "%")) number.decimals += 2;
  *ret_number = number;
  return true;
}

/* --- amounts --- */

static void amount_init(struct amount *amount)
{
  *amount = (struct amount){.parts = g_array_new(FALSE, FALSE, sizeof(struct part))};
}

static void amount_finish(struct amount *amount)
{
  g_array_unref(amount->parts);
}

static bool amount_multiply(struct compiler *compiler, struct amount *amount, struct number by)
{
  bool fits = multiply(&amount->number, by);
  for (unsigned i = 0; i < amount->parts->len; i++)
    fits &= multiply(&g_array_index(amount->parts, struct part, i).times, by);
  return fits || refuse_size(compiler);
}

static bool amount_add(struct compiler *compiler, struct amount *to, const struct amount *amount)
{
  g_array_append_vals(to->parts, amount->parts->data, amount->parts->len);
  return add_number(&to->number, amount->number) || refuse_size(compiler);
}

static bool is_reserved(const struct compiler *compiler, const struct word *word)
{
  static const char *const words[] = {"if",   "then",     "and",   "or",    "not",     "all",
                                      "any",  "one",      "none",  "of",    "present", "sum",
                                      "last", "year_ago", "month", "within"};
  for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
    if (is(compiler, word, words[i])) return true;
  return false;
}

/* A column, last(column) or year_ago(column). */
static bool read_figure(struct compiler *compiler, unsigned group, GArray *parts)
{
  struct part part = {.group = group, .times = {1, 0}};
  bool bracket = false;
  if (is(compiler, peek_at(compiler, 1), "(")) {
    if (take(compiler, "last"))
      part.tense = TENSE_LAST;
    else if (take(compiler, "year_ago"))
      part.tense = TENSE_YEAR_AGO;
    else
      return refuse_word(compiler, _("a column, last(column) or year_ago(column)"));
    bracket = take(compiler, "(");
  }
  const struct word *word = peek(compiler);
  if (!is_in_name(compiler->text[word->at]) || is_reserved(compiler, word))
    return refuse_word(compiler, _("the code of a column"));
  g_autofree char *code = g_strndup(compiler->text + word->at, word->length);
  if (!compiler->resolve(code, &part.column, &part.figure_decimals, compiler->data))
    return strchr(code, '-')
               ? refuse(compiler, word->at,
                        _("the form has no column “%s”; for a difference, put blanks around “-”"), code)
               : refuse(compiler, word->at, _("the form has no column “%s”"), code);
  compiler->next++;
  g_array_append_val(parts, part);
  return !bracket || need(compiler, ")");
}

/* "(" figure, … ")" */
static bool read_figures(struct compiler *compiler, unsigned group, GArray *parts)
{
  if (!need(compiler, "(")) return false;
  do {
    if (!read_figure(compiler, group, parts)) return false;
  } while (take(compiler, ","));
  return need(compiler, ")");
}

static bool read_amount(struct compiler *compiler, struct amount *amount);

static bool read_factor(struct compiler *compiler, struct amount *amount)
{
  const struct word *word = peek(compiler);
  if (is_number(compiler, word)) return read_number(compiler, &amount->number);
  if (is(compiler, word, "month") && !is(compiler, peek_at(compiler, 1), "(")) {
    struct part month = {.column = FORMULA_MONTH, .times = {1, 0}};
    g_array_append_val(amount->parts, month);
    compiler->next++;
    return true;
  }
  if (is(compiler, word, "sum") && is(compiler, peek_at(compiler, 1), "(")) {
    compiler->next++;
    return read_figures(compiler, ++compiler->groups, amount->parts);
  }
  if (!is(compiler, word, "(") && !is(compiler, word, "-")) return read_figure(compiler, 0, amount->parts);
  if (!deeper(compiler)) return false;
  bool negative = take(compiler, "-");
  bool read = negative
                  ? read_factor(compiler, amount) && amount_multiply(compiler, amount, (struct number){-1, 0})
                  : take(compiler, "(") && read_amount(compiler, amount) && need(compiler, ")");
  compiler->depth--;
  return read;
}

/* Factors of which one may be more than a number. */
static bool read_product(struct compiler *compiler, struct amount *product)
{
  if (!read_factor(compiler, product)) return false;
  while (take(compiler, "*")) {
    size_t at = peek(compiler)->at;
    struct amount factor;
    amount_init(&factor);
    bool read = read_factor(compiler, &factor);
    if (read && product->parts->len > 0 && factor.parts->len > 0)
      read = refuse(compiler, at,
                    _("a figure cannot be multiplied by a figure; bring it to the form a <= 1.5 * b"));
    if (read && product->parts->len == 0) { /* the number may stand before or behind */
      struct amount swapped = *product;
      *product = factor;
      factor = swapped;
    }
    read = read && amount_multiply(compiler, product, factor.number);
    amount_finish(&factor);
    if (!read) return false;
  }
  return true;
}

static bool read_amount(struct compiler *compiler, struct amount *amount)
{
  if (!read_product(compiler, amount)) return false;
  for (;;) {
    bool minus = is(compiler, peek(compiler), "-");
    if (!minus && !is(compiler, peek(compiler), "+")) return true;
    compiler->next++;
    struct amount next;
    amount_init(&next);
    bool read = read_product(compiler, &next) &&
                (!minus || amount_multiply(compiler, &next, (struct number){-1, 0})) &&
                amount_add(compiler, amount, &next);
    amount_finish(&next);
    if (!read) return false;
  }
}

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
  if (!widen(&factor, decimals - part->figure_decimals) || factor.value >= MOST_FACTOR ||
      factor.value <= -MOST_FACTOR)
    return refuse_size(compiler);
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
  return widen(&amount->number, decimals) || refuse_size(compiler);
}

static bool append_comparison(struct compiler *compiler, enum formula_kind kind, struct amount *left,
                              struct amount *right, struct number tolerance, unsigned *ret_node)
{
  struct formula_node node = {.kind = kind, .from = compiler->formula->terms->len};
  node.decimals = MAX(decimals_of(right, decimals_of(left, 0)), tolerance.decimals);
  if (!append_side(compiler, left, node.decimals, false) ||
      !append_side(compiler, right, node.decimals, true))
    return false;
  if (!widen(&tolerance, node.decimals)) return refuse_size(compiler);
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
    if (!take(compiler, signs[i].sign)) continue;
    *ret_kind = signs[i].kind;
    return true;
  }
  return refuse_word(compiler, _("one of = != < <= > >="));
}

static bool read_tolerance(struct compiler *compiler, enum formula_kind kind, struct number *ret_tolerance)
{
  if (kind != FORMULA_EQUAL && kind != FORMULA_UNEQUAL)
    return refuse_word(compiler, _("“within” behind = or != alone"));
  compiler->next++;
  return read_number(compiler, ret_tolerance);
}

static bool read_sides(struct compiler *compiler, struct amount *left, struct amount *right,
                       unsigned *ret_node)
{
  enum formula_kind kind = FORMULA_EQUAL;
  struct number tolerance = {0};
  if (!read_amount(compiler, left) || !read_sign(compiler, &kind) || !read_amount(compiler, right))
    return false;
  if (is(compiler, peek(compiler), "within") && !read_tolerance(compiler, kind, &tolerance)) return false;
  return append_comparison(compiler, kind, left, right, tolerance, ret_node);
}

static bool read_comparison(struct compiler *compiler, unsigned *ret_node)
{
  struct amount left, right;
  amount_init(&left);
  amount_init(&right);
  bool read = read_sides(compiler, &left, &right, ret_node);
  amount_finish(&left);
  amount_finish(&right);
  return read;
}

/* Takes the words before the bracket; false if they do not stand there. */
static bool take_presence(struct compiler *compiler, enum formula_kind *ret_kind)
{
  static const struct {
    const char *word;
    enum formula_kind kind;
  } words[] = {{"all", FORMULA_ALL}, {"any", FORMULA_ANY}, {"one", FORMULA_ONE}, {"none", FORMULA_NONE}};
  if (is(compiler, peek_at(compiler, 1), "(") && take(compiler, "present")) {
    *ret_kind = FORMULA_ALL;
    return true;
  }
  if (!is(compiler, peek_at(compiler, 1), "of")) return false;
  for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
    if (!take(compiler, words[i].word)) continue;
    *ret_kind = words[i].kind;
    return take(compiler, "of");
  }
  return false;
}

static bool read_presence(struct compiler *compiler, enum formula_kind kind, unsigned *ret_node)
{
  struct formula_node node = {.kind = kind, .from = compiler->formula->terms->len};
  g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(struct part));
  if (!read_figures(compiler, 0, parts)) return false;
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
    const struct word *word = peek_at(compiler, ahead);
    if (word->length == 0) return false;
    if (is(compiler, word, "(")) depth++;
    if (is(compiler, word, ")") && --depth == 0) return false;
    for (size_t i = 0; i < G_N_ELEMENTS(of_conditions); i++)
      if (is(compiler, word, of_conditions[i])) return true;
  }
}

static bool read_condition(struct compiler *compiler, unsigned *ret_node);

static bool read_clause(struct compiler *compiler, unsigned *ret_node)
{
  enum formula_kind presence;
  if (take_presence(compiler, &presence)) return read_presence(compiler, presence, ret_node);
  bool bracket = is(compiler, peek(compiler), "(") && opens_condition(compiler);
  if (!bracket && !is(compiler, peek(compiler), "not")) return read_comparison(compiler, ret_node);
  if (!deeper(compiler)) return false;
  bool read;
  if (bracket) {
    compiler->next++;
    read = read_condition(compiler, ret_node) && need(compiler, ")");
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
  while (going && take(compiler, word)) {
    struct formula_node node = {.kind = kind, .first = *ret_node};
    going = deeper(compiler) && ++levels && read(compiler, &node.second);
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
  if (take(compiler, "if")) {
    read = read_condition(compiler, &implication.first) && need(compiler, "then") &&
           read_condition(compiler, &implication.second);
    if (read) append_node(compiler, &implication);
  } else {
    read = read_condition(compiler, &node);
  }
  if (!read) return false;
  return peek(compiler)->length == 0 || refuse_word(compiler, _("the end of the rule, “and” or “or”"));
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
  bool read = split(&compiler) && read_formula(&compiler);
  g_array_unref(compiler.words);
  if (read) return compiler.formula;
  formula_free(compiler.formula);
  *ret_mistake = compiler.mistake;
  *ret_at = compiler.mistake_at;
  return NULL;
}

/* Numbers, figures, and what is added up of them. */
#include "common/formula_compile.h"
#include "common/limits.h"
#include "common/text.h"

#include <string.h>

/* --- numbers --- */

bool formula_widen(struct number *number, unsigned decimals)
{
  int128 wider;
  if (decimals - number->decimals > 30 ||
      __builtin_mul_overflow(number->value, decimal_power10(decimals - number->decimals), &wider) ||
      wider >= FORMULA_MOST_NUMBER || wider <= -FORMULA_MOST_NUMBER)
    return false;
  *number = (struct number){wider, decimals};
  return true;
}

static bool add_number(struct number *to, struct number number)
{
  unsigned decimals = MAX(to->decimals, number.decimals);
  if (!formula_widen(to, decimals) || !formula_widen(&number, decimals)) return false;
  to->value += number.value;
  return to->value < FORMULA_MOST_NUMBER && to->value > -FORMULA_MOST_NUMBER;
}

static bool multiply(struct number *by, struct number number)
{
  by->decimals += number.decimals;
  return !__builtin_mul_overflow(by->value, number.value, &by->value) && by->value < FORMULA_MOST_NUMBER &&
         by->value > -FORMULA_MOST_NUMBER && by->decimals <= 30;
}

bool formula_refuse_size(struct compiler *compiler)
{
  return formula_refuse(compiler, formula_peek(compiler)->at,
                        _("the numbers before this are too large, or have too many decimals"));
}

static bool is_number(const struct compiler *compiler, const struct word *word)
{
  const char *text = compiler->text + word->at;
  return word->length > 0 && strspn(text, "0123456789.") >= word->length && g_ascii_isdigit(*text);
}

bool formula_read_number(struct compiler *compiler, struct number *ret_number)
{
  const struct word *word = formula_peek(compiler);
  const char *text = compiler->text + word->at;
  struct number number = {0};
  bool point = false;
  for (size_t i = 0; i < word->length; i++) {
    if (text[i] == '.' && !point && i > 0 && i + 1 < word->length) {
      point = true;
      continue;
    }
    if (!g_ascii_isdigit(text[i])) return formula_refuse_word(compiler, _("a number such as 1.5"));
    number.value = number.value * 10 + (text[i] - '0');
    number.decimals += point;
    if (number.value > LIMIT_FIGURE) return formula_refuse_size(compiler);
  }
  compiler->next++;
  if (formula_take(compiler, "%")) number.decimals += 2;
  *ret_number = number;
  return true;
}

/* --- amounts --- */

void formula_amount_init(struct amount *amount)
{
  *amount = (struct amount){.parts = g_array_new(FALSE, FALSE, sizeof(struct part))};
}

void formula_amount_finish(struct amount *amount)
{
  g_array_unref(amount->parts);
}

static bool amount_multiply(struct compiler *compiler, struct amount *amount, struct number by)
{
  bool fits = multiply(&amount->number, by);
  for (unsigned i = 0; i < amount->parts->len; i++)
    fits &= multiply(&g_array_index(amount->parts, struct part, i).times, by);
  return fits || formula_refuse_size(compiler);
}

static bool amount_add(struct compiler *compiler, struct amount *to, const struct amount *amount)
{
  g_array_append_vals(to->parts, amount->parts->data, amount->parts->len);
  return add_number(&to->number, amount->number) || formula_refuse_size(compiler);
}

static bool is_reserved(const struct compiler *compiler, const struct word *word)
{
  static const char *const words[] = {"if",   "then",     "and",   "or",    "not",     "all",
                                      "any",  "one",      "none",  "of",    "present", "sum",
                                      "last", "year_ago", "month", "within"};
  for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
    if (formula_is(compiler, word, words[i])) return true;
  return false;
}

/* A column, last(column) or year_ago(column). */
static bool read_figure(struct compiler *compiler, unsigned group, GArray *parts)
{
  struct part part = {.group = group, .times = {1, 0}};
  bool bracket = false;
  if (formula_is(compiler, formula_peek_at(compiler, 1), "(")) {
    if (formula_take(compiler, "last"))
      part.tense = TENSE_LAST;
    else if (formula_take(compiler, "year_ago"))
      part.tense = TENSE_YEAR_AGO;
    else
      return formula_refuse_word(compiler, _("a column, last(column) or year_ago(column)"));
    bracket = formula_take(compiler, "(");
  }
  const struct word *word = formula_peek(compiler);
  if (!formula_is_in_name(compiler->text[word->at]) || is_reserved(compiler, word))
    return formula_refuse_word(compiler, _("the code of a column"));
  g_autofree char *code = g_strndup(compiler->text + word->at, word->length);
  if (!compiler->resolve(code, &part.column, &part.figure_decimals, compiler->data))
    return strchr(code, '-')
               ? formula_refuse(compiler, word->at,
                                _("the form has no column “%s”; for a difference, put blanks around “-”"),
                                code)
               : formula_refuse(compiler, word->at, _("the form has no column “%s”"), code);
  compiler->next++;
  g_array_append_val(parts, part);
  return !bracket || formula_need(compiler, ")");
}

bool formula_read_figures(struct compiler *compiler, unsigned group, GArray *parts)
{
  if (!formula_need(compiler, "(")) return false;
  do {
    if (!read_figure(compiler, group, parts)) return false;
  } while (formula_take(compiler, ","));
  return formula_need(compiler, ")");
}

static bool read_factor(struct compiler *compiler, struct amount *amount)
{
  const struct word *word = formula_peek(compiler);
  if (is_number(compiler, word)) return formula_read_number(compiler, &amount->number);
  if (formula_is(compiler, word, "month") && !formula_is(compiler, formula_peek_at(compiler, 1), "(")) {
    struct part month = {.column = FORMULA_MONTH, .times = {1, 0}};
    g_array_append_val(amount->parts, month);
    compiler->next++;
    return true;
  }
  if (formula_is(compiler, word, "sum") && formula_is(compiler, formula_peek_at(compiler, 1), "(")) {
    compiler->next++;
    return formula_read_figures(compiler, ++compiler->groups, amount->parts);
  }
  if (!formula_is(compiler, word, "(") && !formula_is(compiler, word, "-"))
    return read_figure(compiler, 0, amount->parts);
  if (!formula_deeper(compiler)) return false;
  bool negative = formula_take(compiler, "-");
  bool read = negative
                  ? read_factor(compiler, amount) && amount_multiply(compiler, amount, (struct number){-1, 0})
                  : formula_take(compiler, "(") && formula_read_amount(compiler, amount) &&
                        formula_need(compiler, ")");
  compiler->depth--;
  return read;
}

/* Factors of which one may be more than a number. */
static bool read_product(struct compiler *compiler, struct amount *product)
{
  if (!read_factor(compiler, product)) return false;
  while (formula_take(compiler, "*")) {
    size_t at = formula_peek(compiler)->at;
    struct amount factor;
    formula_amount_init(&factor);
    bool read = read_factor(compiler, &factor);
    if (read && product->parts->len > 0 && factor.parts->len > 0)
      read = formula_refuse(
          compiler, at, _("a figure cannot be multiplied by a figure; bring it to the form a <= 1.5 * b"));
    if (read && product->parts->len == 0) { /* the number may stand before or behind */
      struct amount swapped = *product;
      *product = factor;
      factor = swapped;
    }
    read = read && amount_multiply(compiler, product, factor.number);
    formula_amount_finish(&factor);
    if (!read) return false;
  }
  return true;
}

bool formula_read_amount(struct compiler *compiler, struct amount *amount)
{
  if (!read_product(compiler, amount)) return false;
  for (;;) {
    bool minus = formula_is(compiler, formula_peek(compiler), "-");
    if (!minus && !formula_is(compiler, formula_peek(compiler), "+")) return true;
    compiler->next++;
    struct amount next;
    formula_amount_init(&next);
    bool read = read_product(compiler, &next) &&
                (!minus || amount_multiply(compiler, &next, (struct number){-1, 0})) &&
                amount_add(compiler, amount, &next);
    formula_amount_finish(&next);
    if (!read) return false;
  }
}

/* A formula's text as words, and what is said where they are not those that were expected. */
#include "common/formula_compile.h"
#include "common/text.h"

#include <stdarg.h>
#include <string.h>

#define MOST_WORDS 1024
#define MOST_DEPTH 32 /* of brackets and of what they hold; bounds recursion here and in formula.c */

bool formula_refuse(struct compiler *compiler, size_t at, const char *format, ...)
{
  if (compiler->mistake) return false;
  va_list arguments;
  va_start(arguments, format);
  compiler->mistake = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  compiler->mistake_at = at;
  return false;
}

bool formula_is_in_name(char c)
{
  return g_ascii_isalnum(c) || c == '_' || c == '.';
}

/* A code may hold "-", as long as something follows it: so does a word. */
static size_t word_length(const char *text)
{
  size_t length = 0;
  if (formula_is_in_name(*text)) {
    while (formula_is_in_name(text[length]) || (text[length] == '-' && formula_is_in_name(text[length + 1])))
      length++;
    return length;
  }
  static const char *const signs[] = {"<=", ">=", "!=", "=", "<", ">", "+", "-", "*", "(", ")", ",", "%"};
  for (size_t i = 0; i < G_N_ELEMENTS(signs); i++)
    if (g_str_has_prefix(text, signs[i])) return strlen(signs[i]);
  return 0;
}

bool formula_split(struct compiler *compiler)
{
  for (size_t at = 0;;) {
    at += strspn(compiler->text + at, " \t\r\n");
    struct word word = {.at = at};
    if (compiler->text[at] != '\0') {
      word.length = word_length(compiler->text + at);
      if (word.length == 0) {
        g_autofree char *found = text_excerpt(compiler->text + at, strlen(compiler->text + at), 16);
        return formula_refuse(
            compiler, at,
            _("found “%s”, expected codes of columns, numbers and = != < <= > >= + - * ( ) , %%"), found);
      }
    }
    if (compiler->words->len == MOST_WORDS)
      return formula_refuse(compiler, at, _("the rule is too long; make two of it"));
    g_array_append_val(compiler->words, word);
    if (word.length == 0) return true;
    at += word.length;
  }
}

const struct word *formula_peek_at(const struct compiler *compiler, size_t ahead)
{
  return &g_array_index(compiler->words, struct word, MIN(compiler->next + ahead, compiler->words->len - 1));
}

const struct word *formula_peek(const struct compiler *compiler)
{
  return formula_peek_at(compiler, 0);
}

bool formula_is(const struct compiler *compiler, const struct word *word, const char *text)
{
  return word->length == strlen(text) && memcmp(compiler->text + word->at, text, word->length) == 0;
}

bool formula_take(struct compiler *compiler, const char *text)
{
  if (!formula_is(compiler, formula_peek(compiler), text)) return false;
  compiler->next++;
  return true;
}

bool formula_refuse_word(struct compiler *compiler, const char *expected)
{
  const struct word *word = formula_peek(compiler);
  g_autofree char *found = g_strndup(compiler->text + word->at, word->length);
  return *found ? formula_refuse(compiler, word->at, _("found “%s”, expected %s"), found, expected)
                : formula_refuse(compiler, word->at, _("the rule ends here, expected %s"), expected);
}

bool formula_need(struct compiler *compiler, const char *text)
{
  if (formula_take(compiler, text)) return true;
  g_autofree char *expected = g_strdup_printf("“%s”", text);
  return formula_refuse_word(compiler, expected);
}

bool formula_deeper(struct compiler *compiler)
{
  if (compiler->depth == MOST_DEPTH)
    return formula_refuse(compiler, formula_peek(compiler)->at,
                          _("more than %d brackets and conditions within each other; make two rules of it"),
                          MOST_DEPTH);
  compiler->depth++;
  return true;
}

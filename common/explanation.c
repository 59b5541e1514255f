#include "common/explanation.h"

#include "common/text.h"

#include <string.h>

/* Only letters, folded, so that neither blanks nor punctuation hide a phrase. Newly allocated. */
static char *letters_of(const char *text)
{
  g_autofree char *key = text_key(text);
  GString *letters = g_string_new(NULL);

  for (const char *at = key; *at; at = g_utf8_next_char(at)) {
    gunichar character = g_utf8_get_char(at);

    if (g_unichar_isalpha(character)) g_string_append_unichar(letters, character);
  }
  return g_string_free(letters, FALSE);
}

static void take_out(GString *letters, const char *phrase)
{
  const char *at;

  while (*phrase && (at = strstr(letters->str, phrase)))
    g_string_erase(letters, at - letters->str, (gssize)strlen(phrase));
}

static int longest_first(const void *left, const void *right)
{
  size_t a = strlen(*(char *const *)left), b = strlen(*(char *const *)right);

  return a < b ? 1 : a > b ? -1 : 0;
}

bool explanation_is_real(const struct catalogue *catalogue, const char *text)
{
  g_autofree char *all = letters_of(text);
  g_autoptr(GString) letters = g_string_new(all);
  g_autoptr(GPtrArray) phrases = g_ptr_array_new_with_free_func(g_free);

  for (char **phrase = catalogue->empty_answers; *phrase; phrase++)
    g_ptr_array_add(phrases, letters_of(*phrase));
  g_ptr_array_sort(phrases, longest_first); /* a phrase may be a part of another one */
  for (unsigned n = 0; n < phrases->len; n++) take_out(letters, phrases->pdata[n]);
  return g_utf8_strlen(letters->str, -1) >= EXPLANATION_LEAST;
}

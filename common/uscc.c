#include "common/uscc.h"

#include "common/limits.h"

#include <glib.h>
#include <string.h>

enum { USCC_LENGTH = 18, ESTABLISHMENT_LENGTH = USCC_LENGTH + 3 };

/* GB 32100-2015: no I, O, S, V, Z. */
static const char alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";

/* −1 if it is not of the alphabet. */
static int character_value(char c)
{
  const char *at = c ? strchr(alphabet, c) : NULL;
  return at ? (int)(at - alphabet) : -1;
}

static bool starts_with_uscc(const char *text)
{
  for (int i = 0; i < USCC_LENGTH; i++)
    if (character_value(text[i]) < 0) return false;
  return true;
}

char uscc_check_character(const char text[static 17])
{
  int sum = 0, weight = 1;
  for (int i = 0; i < USCC_LENGTH - 1; i++) {
    int value = character_value(text[i]);
    if (value < 0) return 0;
    sum += value * weight;
    weight = weight * 3 % 31;
  }
  return alphabet[(31 - sum % 31) % 31];
}

/* "9.14502E+17", as a spreadsheet shows a code that it took for a number. */
static bool is_scientific(const char *text)
{
  const char *digits = "0123456789";
  size_t whole = strspn(text, digits);
  if (!whole) return false;
  text += whole;
  if (*text == '.' || *text == ',') text += 1 + strspn(text + 1, digits);
  if (*text != 'E' && *text != 'e') return false;
  text++;
  if (*text == '+') text++;
  size_t exponent = strspn(text, digits);
  return exponent && !text[exponent];
}

enum uscc_status uscc_check(const char *text)
{
  if (!starts_with_uscc(text) || text[USCC_LENGTH]) return is_scientific(text) ? USCC_DAMAGED : USCC_SHAPE;
  if (uscc_check_character(text) == text[USCC_LENGTH - 1]) return USCC_OK;
  /* A number of a spreadsheet keeps 15 digits. */
  bool all_digits = strspn(text, "0123456789") == USCC_LENGTH;
  return all_digits && !strcmp(text + 15, "000") ? USCC_DAMAGED : USCC_CHECK;
}

bool uscc_is_establishment(const char *text)
{
  return starts_with_uscc(text) && text[USCC_LENGTH] == '-' && g_ascii_isdigit(text[USCC_LENGTH + 1]) &&
         g_ascii_isdigit(text[USCC_LENGTH + 2]) && !text[ESTABLISHMENT_LENGTH];
}

bool unit_code_is_valid(const char *text)
{
  size_t length = strnlen(text, LIMIT_CODE_BYTES + 1);
  if (!length || length > LIMIT_CODE_BYTES || !g_utf8_validate_len(text, length, NULL)) return false;
  for (const char *p = text; *p; p = g_utf8_next_char(p)) {
    gunichar c = g_utf8_get_char(p);
    if (!g_unichar_isalnum(c) && c != '-' && c != '_' && c != '.') return false;
  }
  return true;
}

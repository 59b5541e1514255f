#include "common/uscc.h"

#include "common/limits.h"

#include <glib.h>
#include <stdint.h>
#include <string.h>

enum { ESTABLISHMENT_LENGTH = USCC_LENGTH + 3 };

/* GB 32100-2015: no I, O, S, V, Z. */
static const char alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";

/* Places in the alphabet, from 1; 0 of other characters. */
static const uint8_t places[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
    ['G'] = 17, ['H'] = 18, ['J'] = 19, ['K'] = 20, ['L'] = 21, ['M'] = 22, ['N'] = 23, ['P'] = 24,
    ['Q'] = 25, ['R'] = 26, ['T'] = 27, ['U'] = 28, ['W'] = 29, ['X'] = 30, ['Y'] = 31,
};

static bool starts_with_uscc(const char *text)
{
  for (int i = 0; i < USCC_LENGTH; i++)
    if (!places[(uint8_t)text[i]]) return false;
  return true;
}

char uscc_check_character(const char text[static 17])
{
  /* 3^i modulo 31 */
  static const uint8_t weights[USCC_LENGTH - 1] = {1,  3,  9,  27, 19, 26, 16, 17, 20,
                                                   29, 25, 13, 8,  24, 10, 30, 28};
  int sum = 0;
  for (int i = 0; i < USCC_LENGTH - 1; i++) {
    int place = places[(uint8_t)text[i]];
    if (!place) return 0;
    sum += (place - 1) * weights[i];
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

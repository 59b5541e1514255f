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

static const char digits[] = "0123456789";

/* "9.14502E+17", as a spreadsheet shows a code that it took for a number. */
static bool is_scientific(const char *text)
{
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

/* "914,502,000,000,000,000", "914502000000000000.00": the same, as a number of so many digits. */
static bool is_written_as_number(const char *text)
{
  size_t count = 0, marks = 0;
  for (; *text && *text != '.'; text++) {
    count += g_ascii_isdigit(*text) != 0;
    marks += *text == ',';
    if (!g_ascii_isdigit(*text) && *text != ',') return false;
  }
  if (*text == '.') {
    size_t zeros = strspn(text + 1, "0");
    if (!zeros || text[1 + zeros]) return false;
    marks++;
  }
  return marks > 0 && count == USCC_LENGTH;
}

/* A number has no zero in front: 17 digits that are a code with one. */
static bool has_lost_zero(const char *text)
{
  char whole[USCC_LENGTH + 1] = "0";
  if (strlen(text) != USCC_LENGTH - 1 || strspn(text, digits) != USCC_LENGTH - 1) return false;
  memcpy(whole + 1, text, USCC_LENGTH);
  return uscc_check_character(whole) == whole[USCC_LENGTH - 1];
}

enum uscc_status uscc_check(const char *text)
{
  if (!starts_with_uscc(text) || text[USCC_LENGTH]) {
    bool damaged = is_scientific(text) || is_written_as_number(text) || has_lost_zero(text);
    return damaged ? USCC_DAMAGED : USCC_SHAPE;
  }
  if (uscc_check_character(text) == text[USCC_LENGTH - 1]) return USCC_OK;
  /* A number of a spreadsheet keeps 15 digits. */
  bool all_digits = strspn(text, digits) == USCC_LENGTH;
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

#include "common/decimal.h"

#include "common/limits.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

__extension__ typedef unsigned __int128 uint128;

/* 10^29 × the largest numerator, 10^9, still fits 127 bits. */
enum { SIGNIFICANT_DIGITS = 29 };
/* An exponent beyond this is out of range or below any decimal, whatever its digits. */
enum { EXPONENT_MOST = 10000 };
/* Stands for one "…" in squeezed text. */
enum { ELLIPSIS = 1 };

#define INT128_MOST ((int128)(~(uint128)0 >> 1))

/* --- powers --- */

static const int64_t powers[] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
    1000000000000000000,
};
enum { POWERS_MOST = sizeof powers / sizeof *powers - 1, POWERS_MOST_128 = 38 };

int128 decimal_power10(unsigned power)
{
  assert(power <= POWERS_MOST_128);
  int128 result = 1;
  for (; power > POWERS_MOST; power -= POWERS_MOST) result *= powers[POWERS_MOST];
  return result * powers[power];
}

/* --- reading --- */

static bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

/* A number cell taken apart: digits × 10^exponent. */
struct number {
  bool negative;
  bool cut; /* digits that are not zeros were left out at the end */
  uint128 digits;
  int exponent;
};

/* digits × 10^(exponent + decimals) × numerator ÷ denominator. The magnitude is judged before exactness. */
static enum decimal_status scale(const struct number *number, unsigned decimals, int64_t numerator,
                                 int64_t denominator, int64_t *ret_value)
{
  assert(decimals <= LIMIT_DECIMALS);
  int exponent = number->exponent + (int)decimals;
  uint128 value = number->digits * (uint128)numerator;
  bool exact = !number->cut;
  if (exponent >= 0) {
    /* What overflows is beyond 10^38, so out of range after any division by a measure. */
    if (exponent > POWERS_MOST_128 ||
        __builtin_mul_overflow(value, (uint128)decimal_power10((unsigned)exponent), &value))
      return DECIMAL_RANGE;
  } else {
    /* The product is below 10^38: one more digit off leaves nothing of it. */
    int drop = exponent < -POWERS_MOST_128 ? POWERS_MOST_128 : -exponent;
    uint128 divisor = (uint128)decimal_power10((unsigned)drop);
    exact = exact && value % divisor == 0;
    value /= divisor;
  }
  exact = exact && value % (uint128)denominator == 0;
  value /= (uint128)denominator;
  if (value > (uint128)LIMIT_FIGURE) return DECIMAL_RANGE;
  if (!exact) return DECIMAL_DECIMALS;
  *ret_value = number->negative ? -(int64_t)value : (int64_t)value;
  return DECIMAL_OK;
}

/* Sign, digits and point: 10^19 fits 64 bits, and there are powers for what is behind a point. */
enum { PLAIN_MOST = 19 };

/* The common cell: "-1234.56", plain ASCII. */
struct plain {
  bool negative;
  unsigned decimals; /* as written */
  uint64_t digits;
};

/* Eight digits at once, the first of them lowest: neighbours are joined to pairs, pairs to fours, fours to
 * the number. False if any of the bytes is no digit. */
static bool eight_digits(uint64_t word, uint64_t *ret_number)
{
  const uint64_t zeros = UINT64_C(0x3030303030303030), high = UINT64_C(0xF0F0F0F0F0F0F0F0);
  uint64_t digits = word ^ zeros;
  if ((digits | (digits + UINT64_C(0x0606060606060606))) & high) return false;
  digits = (digits * 10 + (digits >> 8)) & UINT64_C(0x00FF00FF00FF00FF);
  digits = (digits * 100 + (digits >> 16)) & UINT64_C(0x0000FFFF0000FFFF);
  *ret_number = (digits * 10000 + (digits >> 32)) & UINT64_C(0xFFFFFFFF);
  return true;
}

/* False if it is anything else, or begins with its point. */
static bool read_plain(const char *text, size_t length, struct plain *ret_plain)
{
  if (length - 1 >= PLAIN_MOST) return false; /* empty, or too long */
  const char *p = text, *end = text + length, *fraction = end;
  p += *text == '-';
  if (p == end || *p == '.') return false;
  uint64_t digits = 0;
  for (;;) { /* before the point, and behind it */
    for (uint64_t word, number; end - p >= 8; p += 8) {
      memcpy(&word, p, 8);
      if (!eight_digits(le64toh(word), &number)) break;
      digits = digits * 100000000 + number;
    }
    for (; p < end && is_digit(*p); p++) digits = digits * 10 + (unsigned)(*p - '0');
    if (p == end) break;
    if (*p != '.' || fraction != end) return false;
    fraction = ++p;
  }
  *ret_plain =
      (struct plain){.negative = *text == '-', .decimals = (unsigned)(end - fraction), .digits = digits};
  return true;
}

/* As scale(), in 64 bits. False if they do not suffice. */
static bool scale_plain(const struct plain *plain, unsigned decimals, int64_t numerator, int64_t denominator,
                        enum decimal_status *ret_status, int64_t *ret_value)
{
  assert(decimals <= LIMIT_DECIMALS);
  uint64_t value;
  bool exact = true;
  if (__builtin_mul_overflow(plain->digits, (uint64_t)numerator, &value)) return false;
  if (plain->decimals <= decimals) {
    if (__builtin_mul_overflow(value, (uint64_t)powers[decimals - plain->decimals], &value)) return false;
  } else {
    uint64_t divisor = (uint64_t)powers[plain->decimals - decimals];
    exact = value % divisor == 0;
    value /= divisor;
  }
  if (denominator != 1) {
    exact = exact && value % (uint64_t)denominator == 0;
    value /= (uint64_t)denominator;
  }
  if (value > (uint64_t)LIMIT_FIGURE) {
    *ret_status = DECIMAL_RANGE;
  } else if (!exact) {
    *ret_status = DECIMAL_DECIMALS;
  } else {
    *ret_status = DECIMAL_OK;
    *ret_value = plain->negative ? -(int64_t)value : (int64_t)value;
  }
  return true;
}

/* One character of UTF-8 as the ASCII that it stands for: 0 if it vanishes, −1 if no number has it. Sets
 * `ret_length`. */
static int squeeze_character(const unsigned char *text, size_t length, size_t *ret_length)
{
  static const struct {
    unsigned char bytes[3];
    signed char ascii;
  } table[] = {
      {{0xE3, 0x80, 0x80}, ' '}, /* ideographic space */
      {{0xE2, 0x80, 0x87}, ' '}, /* figure space */
      {{0xE2, 0x80, 0x89}, ' '}, /* thin space */
      {{0xE2, 0x80, 0xAF}, ' '}, /* narrow no-break space */
      {{0xE2, 0x80, 0x90}, '-'}, /* hyphen, no-break hyphen, figure dash, en dash, em dash, bar */
      {{0xE2, 0x80, 0x91}, '-'},      {{0xE2, 0x80, 0x92}, '-'},
      {{0xE2, 0x80, 0x93}, '-'},      {{0xE2, 0x80, 0x94}, '-'},
      {{0xE2, 0x80, 0x95}, '-'},      {{0xE2, 0x88, 0x92}, '-'}, /* minus */
      {{0xEF, 0xB9, 0xA3}, '-'},                                 /* small hyphen-minus */
      {{0xE2, 0x80, 0xA6}, ELLIPSIS}, {{0xE2, 0x8B, 0xAF}, ELLIPSIS},
      {{0xE2, 0x80, 0x8B}, 0}, /* zero-width space */
      {{0xEF, 0xBB, 0xBF}, 0}, /* BOM */
  };
  if (text[0] < 0x80) {
    *ret_length = 1;
    bool blank = text[0] == '\t' || text[0] == '\n' || text[0] == '\r';
    return blank ? ' ' : text[0] < 0x20 ? -1 : text[0];
  }
  if (length >= 2 && text[0] == 0xC2 && text[1] == 0xA0) {
    *ret_length = 2;
    return ' ';
  }
  *ret_length = 3;
  if (length < 3) return -1;
  /* Full-width ！ (U+FF01) to ～ (U+FF5E). */
  if (text[0] == 0xEF && (text[1] == 0xBC || text[1] == 0xBD) && text[2] >= 0x80 && text[2] <= 0xBF) {
    int ascii = (text[1] - 0xBC) * 64 + text[2] - 0x80 + 0x20;
    return ascii > 0x20 && ascii < 0x7F ? ascii : -1;
  }
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (!memcmp(text, table[i].bytes, 3)) return table[i].ascii;
  return -1;
}

/* The cell in ASCII, without spaces at its ends. Its length, or −1 if it is no number. */
static int squeeze(const char *text, size_t length, char ret_ascii[LIMIT_NUMBER_TEXT])
{
  int count = 0, spaces = 0;
  for (size_t i = 0, step; i < length; i += step) {
    int c = squeeze_character((const unsigned char *)text + i, length - i, &step);
    if (c < 0) return -1;
    if (!c) continue;
    if (c == ' ') {
      if (count && spaces <= LIMIT_NUMBER_TEXT) spaces++;
      continue;
    }
    if (count + spaces >= LIMIT_NUMBER_TEXT) return -1;
    for (; spaces; spaces--) ret_ascii[count++] = ' ';
    ret_ascii[count++] = (char)c;
  }
  return count;
}

static bool is_run_of(const char *text, int length, char c, int most)
{
  if (length > most) return false;
  for (int i = 0; i < length; i++)
    if (text[i] != c) return false;
  return true;
}

/* Takes sign or parentheses off the ends of `*text`. False if there is more than one sign. */
static bool take_sign(const char **text, const char **end, bool *ret_negative)
{
  const char *p = *text, *q = *end;
  bool negative = false;
  if (q - p >= 2 && *p == '(' && q[-1] == ')') {
    negative = true;
    p++, q--;
  } else if (p < q && (*p == '-' || *p == '+')) {
    negative = *p == '-';
    p++;
  } else if (p < q && q[-1] == '-') {
    negative = true;
    q--;
  }
  while (p < q && *p == ' ') p++;
  while (p < q && q[-1] == ' ') q--;
  *text = p;
  *end = q;
  *ret_negative = negative;
  return p < q;
}

/* Digits before the point, in groups of three if there are separators, all of one kind. Copies the digits. */
static bool take_whole(const char **text, const char *end, char *digits, int *ret_count, bool *ret_grouped)
{
  const char *p = *text;
  char separator = 0;
  int count = 0, in_group = 0;
  for (; p < end; p++) {
    if (is_digit(*p)) {
      digits[count++] = *p;
      in_group++;
    } else if (*p == ',' || *p == ' ') {
      bool first = !separator;
      if (first ? !in_group || in_group > 3 : *p != separator || in_group != 3) return false;
      separator = *p;
      in_group = 0;
    } else {
      break;
    }
  }
  if (separator && (in_group != 3 || *digits == '0')) return false; /* 0,125 has a decimal comma */
  *text = p;
  *ret_count = count;
  *ret_grouped = separator;
  return true;
}

/* "E+3"; the rest of the text. */
static bool take_exponent(const char *p, const char *end, int *ret_exponent)
{
  if (p == end || (*p != 'E' && *p != 'e')) return false;
  p++;
  bool negative = p < end && *p == '-';
  if (p < end && (*p == '-' || *p == '+')) p++;
  if (p == end) return false;
  int exponent = 0;
  for (; p < end; p++) {
    if (!is_digit(*p)) return false;
    if (exponent < EXPONENT_MOST) exponent = exponent * 10 + (*p - '0');
  }
  *ret_exponent = negative ? -exponent : exponent;
  return true;
}

/* Zeros at both ends carry nothing; of the rest the first digits suffice to judge the magnitude. */
static void take_digits(const char *digits, int count, struct number *number)
{
  while (count && digits[count - 1] == '0') {
    count--;
    number->exponent++;
  }
  while (count && *digits == '0') {
    digits++;
    count--;
  }
  if (count > SIGNIFICANT_DIGITS) {
    number->cut = true;
    number->exponent += count - SIGNIFICANT_DIGITS;
    count = SIGNIFICANT_DIGITS;
  }
  if (!count) number->exponent = 0;
  for (int i = 0; i < count; i++) number->digits = number->digits * 10 + (unsigned)(digits[i] - '0');
}

static bool read_written(const char *text, int length, struct number *ret_number)
{
  const char *p = text, *end = text + length;
  struct number number = {0};
  if (!take_sign(&p, &end, &number.negative)) return false;
  char digits[LIMIT_NUMBER_TEXT];
  int count;
  bool grouped;
  if (!take_whole(&p, end, digits, &count, &grouped)) return false;
  int whole = count;
  if (p < end && *p == '.')
    for (p++; p < end && is_digit(*p); p++) digits[count++] = *p;
  if (!count) return false;
  if (p < end && (grouped || !take_exponent(p, end, &number.exponent))) return false;
  number.exponent -= count - whole;
  take_digits(digits, count, &number);
  *ret_number = number;
  return true;
}

/* Any cell. Not inlined, since the room that it takes on the stack would be made for common cells too. */
__attribute__((noinline)) static enum decimal_status parse_any(const char *text, size_t length,
                                                               unsigned decimals, int64_t numerator,
                                                               int64_t denominator, int64_t *ret_value)
{
  struct number number;
  char ascii[LIMIT_NUMBER_TEXT];
  int count = squeeze(text, length, ascii);
  if (count < 0) return DECIMAL_TEXT;
  if (is_run_of(ascii, count, '-', 2)) return DECIMAL_MISSING; /* the empty cell too */
  if (is_run_of(ascii, count, ELLIPSIS, 2)) return DECIMAL_TINY;
  if ((count == 3 || count == 6) && is_run_of(ascii, count, '.', 6)) return DECIMAL_TINY;
  if (!read_written(ascii, count, &number)) return DECIMAL_TEXT;
  return scale(&number, decimals, numerator, denominator, ret_value);
}

enum decimal_status decimal_parse(const char *text, size_t length, unsigned decimals, int64_t numerator,
                                  int64_t denominator, int64_t *ret_value)
{
  struct plain plain;
  enum decimal_status status;
  bool done = read_plain(text, length, &plain) &&
              scale_plain(&plain, decimals, numerator, denominator, &status, ret_value);
  return done ? status : parse_any(text, length, decimals, numerator, denominator, ret_value);
}

bool decimal_read_int128(const char *text, int128 *ret_value)
{
  bool negative = *text == '-';
  text += negative;
  if (!*text) return false;
  int128 value = 0; /* negative all along: there is one more of them */
  for (; *text; text++) {
    if (!is_digit(*text)) return false;
    if (__builtin_mul_overflow(value, (int128)10, &value)) return false;
    if (__builtin_sub_overflow(value, (int128)(*text - '0'), &value)) return false;
  }
  if (!negative && __builtin_sub_overflow((int128)0, value, &value)) return false;
  *ret_value = value;
  return true;
}

/* --- writing --- */

static uint128 magnitude(int128 value)
{
  return value < 0 ? -(uint128)value : (uint128)value;
}

static char *format(int128 value, unsigned decimals, bool grouped, char ret_text[DECIMAL_TEXT_SIZE])
{
  assert(decimals <= POWERS_MOST_128);
  char reversed[DECIMAL_TEXT_SIZE];
  size_t length = 0;
  unsigned written = 0;
  for (uint128 rest = magnitude(value); rest || written <= decimals; rest /= 10, written++) {
    if (decimals && written == decimals) reversed[length++] = '.';
    unsigned whole = written - decimals;
    if (grouped && written > decimals && whole % 3 == 0) reversed[length++] = ',';
    reversed[length++] = (char)('0' + (int)(rest % 10));
  }
  if (value < 0) reversed[length++] = '-';
  for (size_t i = 0; i < length; i++) ret_text[i] = reversed[length - 1 - i];
  ret_text[length] = '\0';
  return ret_text;
}

char *decimal_format(int128 value, unsigned decimals, char ret_text[DECIMAL_TEXT_SIZE])
{
  return format(value, decimals, false, ret_text);
}

char *decimal_format_grouped(int128 value, unsigned decimals, char ret_text[DECIMAL_TEXT_SIZE])
{
  return format(value, decimals, true, ret_text);
}

/* --- rounding, for display --- */

/* a ÷ b, half away from zero. */
static bool divide_rounded(int128 a, int128 b, int128 *ret_quotient)
{
  uint128 dividend = magnitude(a), divisor = magnitude(b);
  uint128 quotient = dividend / divisor, rest = dividend % divisor;
  if (rest >= divisor - rest) quotient++;
  bool negative = (a < 0) != (b < 0);
  if (quotient > (uint128)INT128_MOST + negative) return false;
  *ret_quotient = negative ? (int128)-quotient : (int128)quotient;
  return true;
}

bool decimal_divide(int128 numerator, int128 denominator, unsigned decimals, int128 *ret_quotient)
{
  if (decimals > POWERS_MOST_128 || !denominator) return false;
  int128 scaled;
  if (__builtin_mul_overflow(numerator, decimal_power10(decimals), &scaled)) return false;
  return divide_rounded(scaled, denominator, ret_quotient);
}

bool decimal_rescale(int128 value, unsigned from, unsigned to, int128 *ret_value)
{
  if (to < from) {
    /* 10^39 is more than twice any 128-bit magnitude. */
    if (from - to > POWERS_MOST_128) {
      *ret_value = 0;
      return true;
    }
    return divide_rounded(value, decimal_power10(from - to), ret_value);
  }
  int128 scaled = 0;
  if (value &&
      (to - from > POWERS_MOST_128 || __builtin_mul_overflow(value, decimal_power10(to - from), &scaled)))
    return false;
  *ret_value = scaled;
  return true;
}

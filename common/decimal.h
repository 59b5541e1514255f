/* Exact decimal numbers: an integer scaled by a power of ten. No floating point anywhere between a file and a
 * total. */
#ifndef PARKTALLY_COMMON_DECIMAL_H
#define PARKTALLY_COMMON_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

__extension__ typedef __int128 int128;

enum decimal_status {
  DECIMAL_OK,
  DECIMAL_MISSING,  /* empty, "-", "—", "－", "–", "--" : no figure, which is not zero */
  DECIMAL_TINY,     /* "…" or "...": below the smallest unit, which is neither missing nor zero */
  DECIMAL_TEXT,     /* not a number */
  DECIMAL_DECIMALS, /* more decimals than the indicator has, and they are not zeros */
  DECIMAL_RANGE,    /* magnitude of 2^53 or more */
};

/* Reads a number cell as people write it: spaces, thousands separators (only where they part groups of
 * three), full-width digits and signs, "(123)" and a trailing or leading minus for negatives, "1.50E+3" as
 * spreadsheets write it. `numerator`/`denominator` convert the measure: 10/1 from 万元 to 千元; both > 0 and
 * at most 10^9; a result that is not exact at `decimals` is DECIMAL_DECIMALS. `ret_value` is scaled by
 * 10^decimals and set only on DECIMAL_OK. No allocation. */
enum decimal_status decimal_parse(const char *text, size_t length, unsigned decimals, int64_t numerator,
                                  int64_t denominator, int64_t *ret_value);

#define DECIMAL_TEXT_SIZE 64 /* holds any int128 with sign, point and separators */

/* "-1234.5" of -12345 at 1 decimal. Returns `ret_text`. */
char *decimal_format(int128 value, unsigned decimals, char ret_text[DECIMAL_TEXT_SIZE]);

/* The same with "," between groups of three, for tables that people read. */
char *decimal_format_grouped(int128 value, unsigned decimals, char ret_text[DECIMAL_TEXT_SIZE]);

/* A plain integer, as stored: optional '-', digits. False if it is anything else or does not fit. */
bool decimal_read_int128(const char *text, int128 *ret_value);

/* numerator ÷ denominator × 10^decimals, rounded half away from zero (四舍五入); for display only. The
 * denominator is not 0. False where an intermediate does not fit 128 bits. */
bool decimal_divide(int128 numerator, int128 denominator, unsigned decimals, int128 *ret_quotient);

/* `value` at `from` decimals brought to `to` decimals, rounded half away from zero where digits are dropped.
 */
bool decimal_rescale(int128 value, unsigned from, unsigned to, int128 *ret_value);

/* 10^power, power at most 38. */
int128 decimal_power10(unsigned power);

#endif

/* Numbers, periods, days, codes and other texts of cells: what is read is written and read again the same. */
#include "check.h"

#include "common/decimal.h"
#include "common/limits.h"
#include "common/period.h"
#include "common/text.h"
#include "common/uscc.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_decimal(const char *text, size_t length, unsigned decimals)
{
  static const struct {
    int64_t numerator, denominator;
  } factors[] = {{1, 1}, {10, 1}, {1, 10}, {1000000000, 1}, {1, 1000000000}, {3, 7}};
  char written[DECIMAL_TEXT_SIZE];
  for (size_t i = 0; i < G_N_ELEMENTS(factors); i++) {
    int64_t value, again;
    if (decimal_parse(text, length, decimals, factors[i].numerator, factors[i].denominator, &value) !=
        DECIMAL_OK)
      continue;
    CHECK(value >= -LIMIT_FIGURE && value <= LIMIT_FIGURE);
    decimal_format(value, decimals, written);
    CHECK(decimal_parse(written, strlen(written), decimals, 1, 1, &again) == DECIMAL_OK && again == value);
    decimal_format_grouped(value, decimals, written);
    CHECK(decimal_parse(written, strlen(written), decimals, 1, 1, &again) == DECIMAL_OK && again == value);
  }
}

static void try_integer(const char *text)
{
  char written[DECIMAL_TEXT_SIZE];
  int128 value, again, other;
  if (!decimal_read_int128(text, &value)) return;
  decimal_format(value, 0, written);
  CHECK(decimal_read_int128(written, &again) && again == value);
  if (decimal_rescale(value, 0, LIMIT_DECIMALS, &again))
    CHECK(decimal_rescale(again, LIMIT_DECIMALS, 0, &other) && other == value);
  if (decimal_divide(value, 1, 0, &again)) CHECK(again == value);
  if (value != 0 && decimal_divide(value, value, LIMIT_DECIMALS, &again))
    CHECK(again == decimal_power10(LIMIT_DECIMALS));
}

static void check_period(struct period period)
{
  char written[PERIOD_TEXT_SIZE];
  struct period again;
  CHECK(period_parse(period_format(period, written), &again) && period_equal(period, again));
  CHECK(period_from_key(period_key(period), &again) && period_equal(period, again));
  CHECK(period_first_day(period) < period_last_day(period));
  CHECK(period_contains(period, period) && !period_is_later(period, period));
}

static void try_period(char *text)
{
  static const int offsets[] = {0, 1911};
  struct period period;
  day_number day, again;
  char written[PERIOD_TEXT_SIZE];
  if (period_parse(text, &period)) check_period(period);
  if (day_parse(text, &day)) CHECK(day_parse(day_format(day, written), &again) && again == day);
  text_fold(text);
  for (size_t i = 0; i < G_N_ELEMENTS(offsets); i++)
    if (period_read(text, offsets[i], &period)) check_period(period);
}

static void try_text(char *text)
{
  g_autofree char *key = text_key(text);
  g_autofree char *key_again = text_key(key);
  CHECK(g_utf8_validate(key, -1, NULL) && strcmp(key, key_again) == 0);
  CHECK(text_width(text) <= 2 * strlen(text));
  CHECK(text_fold(text) == text && g_utf8_validate(text, -1, NULL));
  g_autofree char *folded = g_strdup(text);
  CHECK(strcmp(text_fold(text), folded) == 0);
}

static void try_code(const char *text)
{
  if (uscc_check(text) == USCC_OK) CHECK(strlen(text) == 18 && uscc_check_character(text) == text[17]);
  if (uscc_is_establishment(text)) CHECK(strlen(text) == 21 && text[18] == '-');
  if (unit_code_is_valid(text)) CHECK(text_is_clean(text, strlen(text)));
}

static void try_bytes(const uint8_t *data, size_t size)
{
  for (size_t limit = 4; limit < 100; limit += 31) {
    g_autofree char *excerpt = text_excerpt((const char *)data, size, limit);
    CHECK(text_is_clean(excerpt, strlen(excerpt)) && strlen(excerpt) <= limit + strlen("…"));
  }
  if (size > 64) return;
  uint8_t back[64];
  g_autofree char *hex = text_hex(data, size);
  CHECK(text_unhex(hex, size, back) && memcmp(back, data, size) == 0);
}

/* The first byte: decimals. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size == 0) return 0;
  try_bytes(data + 1, size - 1);
  g_autofree char *text = g_strndup((const char *)data + 1, size - 1);
  try_decimal(text, strlen(text), data[0] % (LIMIT_DECIMALS + 1));
  try_integer(text);
  if (!g_utf8_validate(text, -1, NULL)) return 0;
  try_code(text);
  g_autofree char *copy = g_strdup(text);
  try_text(copy);
  try_period(text);
  return 0;
}

#include "common/report.h"

#include <string.h>

enum { SET_WORDS = LIMIT_FORM_COLUMNS / 64, SET_BYTES = LIMIT_FORM_COLUMNS / 8 };

/* For each column of the set, ascending. */
#define EACH_COLUMN(column, set)                                                                             \
  (unsigned column = column_set_next(set, 0); column < LIMIT_FORM_COLUMNS;                                   \
   column = column_set_next(set, column + 1))

bool column_set_is_empty(const struct column_set *set)
{
  uint64_t any = 0;
  for (int i = 0; i < SET_WORDS; i++) any |= set->word[i];
  return !any;
}

unsigned column_set_next(const struct column_set *set, unsigned from)
{
  if (from >= LIMIT_FORM_COLUMNS) return LIMIT_FORM_COLUMNS;
  unsigned i = from / 64;
  uint64_t rest = set->word[i] & (UINT64_MAX << (from % 64));
  while (!rest) {
    if (++i == SET_WORDS) return LIMIT_FORM_COLUMNS;
    rest = set->word[i];
  }
  return i * 64 + (unsigned)__builtin_ctzll(rest);
}

void figures_clear(struct figures *figures)
{
  figures->present = (struct column_set){0};
}

void figures_set(struct figures *figures, unsigned column, int64_t value)
{
  column_set_add(&figures->present, column);
  figures->value[column] = value;
}

bool figures_equal(const struct figures *a, const struct figures *b)
{
  if (memcmp(&a->present, &b->present, sizeof a->present)) return false;
  for
    EACH_COLUMN(column, &a->present)
  if (a->value[column] != b->value[column]) return false;
  return true;
}

static uint8_t presence_byte(const struct column_set *set, unsigned i)
{
  return (uint8_t)(set->word[i / 8] >> (i % 8 * 8));
}

static uint64_t zigzag(int64_t value)
{
  return ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
}

static int64_t unzigzag(uint64_t coded)
{
  return (int64_t)(coded >> 1 ^ (coded & 1 ? UINT64_MAX : 0));
}

void figures_pack(const struct figures *figures, GByteArray *ret_packed)
{
  uint8_t head[1 + SET_BYTES];
  uint8_t count = 0;
  for (unsigned i = 0; i < SET_BYTES; i++) {
    head[1 + i] = presence_byte(&figures->present, i);
    if (head[1 + i]) count = (uint8_t)(i + 1);
  }
  head[0] = count;
  g_byte_array_append(ret_packed, head, 1 + count);

  for
    EACH_COLUMN(column, &figures->present)
    {
      uint8_t varint[10];
      unsigned length = 0;
      uint64_t rest = zigzag(figures->value[column]);
      for (; rest >= 0x80; rest >>= 7) varint[length++] = (uint8_t)(rest | 0x80);
      varint[length++] = (uint8_t)rest;
      g_byte_array_append(ret_packed, varint, length);
    }
}

/* Advances `*data`. Only the shortest form, so that equal figures have equal bytes. */
static bool read_varint(const uint8_t **data, const uint8_t *end, uint64_t *ret_value)
{
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && *data < end; shift += 7) {
    uint8_t byte = *(*data)++;
    if (shift == 63 && byte > 1) return false;
    value |= (uint64_t)(byte & 0x7F) << shift;
    if (byte & 0x80) continue;
    *ret_value = value;
    return byte || !shift;
  }
  return false;
}

bool figures_unpack(const uint8_t *data, size_t length, struct figures *ret_figures)
{
  if (!length || data[0] > SET_BYTES || length < (size_t)1 + data[0]) return false;
  const uint8_t *end = data + length;
  unsigned count = *data++;
  if (count && !data[count - 1]) return false;
  struct figures figures;
  figures_clear(&figures);
  for (unsigned i = 0; i < count; i++) figures.present.word[i / 8] |= (uint64_t)data[i] << (i % 8 * 8);
  data += count;
  for
    EACH_COLUMN(column, &figures.present)
    {
      uint64_t coded;
      if (!read_varint(&data, end, &coded)) return false;
      figures.value[column] = unzigzag(coded);
    }
  if (data != end) return false;

  ret_figures->present = figures.present;
  for
    EACH_COLUMN(column, &figures.present) ret_figures->value[column] = figures.value[column];
  return true;
}

/* The first column that is asked and left blank over a present figure. */
static int find_blank(const struct figures *current, const struct report_change *change)
{
  for (int i = 0; i < SET_WORDS; i++) {
    uint64_t answered = change->figures.present.word[i] | change->withdrawn.word[i];
    uint64_t blank = change->asked.word[i] & ~answered & current->present.word[i];
    if (blank) return i * 64 + __builtin_ctzll(blank);
  }
  return CHANGE_FITS;
}

int report_apply(const struct figures *current, const struct report_change *change,
                 struct figures *ret_merged)
{
  if (change->kind != KIND_FIGURES) {
    figures_clear(ret_merged);
    return CHANGE_FITS;
  }
  struct column_set kept = {0};
  if (current) {
    int blank = find_blank(current, change);
    if (blank != CHANGE_FITS) return blank;
    for (int i = 0; i < SET_WORDS; i++) kept.word[i] = current->present.word[i] & ~change->withdrawn.word[i];
    if (current != ret_merged)
      for
        EACH_COLUMN(column, &kept) ret_merged->value[column] = current->value[column];
  }
  ret_merged->present = kept;
  for
    EACH_COLUMN(column, &change->figures.present)
  figures_set(ret_merged, column, change->figures.value[column]);
  return CHANGE_FITS;
}

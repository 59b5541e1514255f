#include "common/report.h"

#include "common/varint.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

enum { SET_WORDS = LIMIT_FORM_COLUMNS / 64 };

bool column_set_is_empty(const struct column_set *set)
{
  uint64_t any = 0;
  for (int i = 0; i < SET_WORDS; i++) any |= set->word[i];
  return !any;
}

size_t column_set_bytes(const struct column_set *set, uint8_t ret_bytes[static COLUMN_SET_BYTES])
{
  size_t size = 0;
  for (size_t i = 0; i < SET_WORDS; i++) {
    uint64_t word = htole64(set->word[i]);
    memcpy(ret_bytes + i * sizeof word, &word, sizeof word);
    if (set->word[i]) size = i * sizeof word + (71 - (size_t)__builtin_clzll(set->word[i])) / 8;
  }
  return size;
}

void column_set_from_bytes(const uint8_t *bytes, size_t count, struct column_set *ret_set)
{
  uint8_t all[COLUMN_SET_BYTES] = {0};
  memcpy(all, bytes, MIN(count, sizeof all));
  for (size_t i = 0; i < SET_WORDS; i++) {
    uint64_t word;
    memcpy(&word, all + i * sizeof word, sizeof word);
    ret_set->word[i] = le64toh(word);
  }
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
  EACH_COLUMN(column, &a->present)
    if (a->value[column] != b->value[column]) return false;
  return true;
}

size_t figures_pack_to(const struct figures *figures, uint8_t ret_packed[static FIGURES_PACKED_MOST])
{
  size_t count = column_set_bytes(&figures->present, ret_packed + 1);
  ret_packed[0] = (uint8_t)count;
  uint8_t *at = ret_packed + 1 + count;
  EACH_COLUMN(column, &figures->present) at = varint_put(at, zigzag(figures->value[column]));
  return (size_t)(at - ret_packed);
}

size_t figures_pack_varints(const struct column_set *present, const uint8_t *varints, size_t length,
                            uint8_t ret_packed[static FIGURES_PACKED_MOST])
{
  size_t count = column_set_bytes(present, ret_packed + 1);
  assert(1 + count + length <= FIGURES_PACKED_MOST);
  ret_packed[0] = (uint8_t)count;
  memcpy(ret_packed + 1 + count, varints, length);
  return 1 + count + length;
}

bool figures_unpack(const uint8_t *data, size_t length, struct figures *ret_figures)
{
  if (!length || data[0] > COLUMN_SET_BYTES || length < (size_t)1 + data[0]) return false;
  const uint8_t *end = data + length;
  unsigned count = *data++;
  if (count && !data[count - 1]) return false;
  struct column_set present;
  column_set_from_bytes(data, count, &present);

  int64_t values[LIMIT_FORM_COLUMNS];
  data += count;
  size_t number = 0;
  EACH_COLUMN(column, &present) {
    uint64_t coded;
    if (!varint_get(&data, end, &coded)) return false;
    values[number++] = unzigzag(coded);
  }
  if (data != end) return false;

  ret_figures->present = present;
  number = 0;
  EACH_COLUMN(column, &present) ret_figures->value[column] = values[number++];
  return true;
}

bool figures_pick(const uint8_t *data, size_t length, unsigned column, int64_t *ret_value)
{
  if (!length || data[0] > COLUMN_SET_BYTES || length < (size_t)1 + data[0]) return false;
  const uint8_t *presence = data + 1, *at = presence + data[0], *end = data + length;
  if (column / 8 >= data[0] || !(presence[column / 8] >> column % 8 & 1)) return false;
  int before = __builtin_popcount(presence[column / 8] & ((1u << column % 8) - 1));
  for (unsigned n = 0; n < column / 8; n++) before += __builtin_popcount(presence[n]);
  while (before > 0 && at < end) before -= !(*at++ & 0x80);
  uint64_t coded;
  if (!varint_get(&at, end, &coded)) return false;
  *ret_value = unzigzag(coded);
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
      EACH_COLUMN(column, &kept) ret_merged->value[column] = current->value[column];
  }
  EACH_COLUMN(column, &change->figures.present) ret_merged->value[column] = change->figures.value[column];
  for (int i = 0; i < SET_WORDS; i++)
    ret_merged->present.word[i] = kept.word[i] | change->figures.present.word[i];
  return CHANGE_FITS;
}

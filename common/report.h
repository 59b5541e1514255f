/* A report (一份报表): one unit's figures on one form, in the form's column order, with presence. Missing is
 * not zero. */
#ifndef PARKTALLY_COMMON_REPORT_H
#define PARKTALLY_COMMON_REPORT_H

#include "common/limits.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum report_kind { KIND_FIGURES, KIND_NIL, KIND_WITHDRAWAL };

struct column_set {
  uint64_t word[LIMIT_FORM_COLUMNS / 64];
};

static inline bool column_set_has(const struct column_set *set, unsigned column)
{
  return (set->word[column / 64] >> (column % 64)) & 1;
}

static inline void column_set_add(struct column_set *set, unsigned column)
{
  set->word[column / 64] |= (uint64_t)1 << (column % 64);
}

static inline void column_set_remove(struct column_set *set, unsigned column)
{
  set->word[column / 64] &= ~((uint64_t)1 << (column % 64));
}

bool column_set_is_empty(const struct column_set *set);
/* Bit i%8 of byte i/8; returns how many bytes there are without trailing zero ones. */
#define COLUMN_SET_BYTES (LIMIT_FORM_COLUMNS / 8)
size_t column_set_bytes(const struct column_set *set, uint8_t ret_bytes[static COLUMN_SET_BYTES]);
void column_set_from_bytes(const uint8_t *bytes, size_t count, struct column_set *ret_set);
/* The least column of the set that is ≥ `from`, or LIMIT_FORM_COLUMNS. */
unsigned column_set_next(const struct column_set *set, unsigned from);

/* One more than the greatest column of the set, 0 if it is empty. */
static inline unsigned column_set_width(const struct column_set *set)
{
  for (unsigned word = LIMIT_FORM_COLUMNS / 64; word-- > 0;)
    if (set->word[word]) return word * 64 + 64 - (unsigned)__builtin_clzll(set->word[word]);
  return 0;
}

/* For each column of the set, ascending: EACH_COLUMN(column, &set) …; the set must not change meanwhile.
 */
#define EACH_COLUMN(column, set)                                                                             \
  for (struct column_walk column##_walk = column_walk_begin(set); column##_walk.begun;                       \
       column##_walk.begun = false)                                                                          \
    for (unsigned column; column_walk_next(&column##_walk, &column);)

struct column_walk {
  const struct column_set *set;
  uint64_t rest; /* of the word */
  unsigned word;
  bool begun; /* once: the outer loop of EACH_COLUMN only declares the walk */
};

static inline struct column_walk column_walk_begin(const struct column_set *set)
{
  return (struct column_walk){.set = set, .rest = set->word[0], .begun = true};
}

static inline bool column_walk_next(struct column_walk *walk, unsigned *ret_column)
{
  while (walk->rest == 0) {
    if (++walk->word == LIMIT_FORM_COLUMNS / 64) return false;
    walk->rest = walk->set->word[walk->word];
  }
  *ret_column = walk->word * 64 + (unsigned)__builtin_ctzll(walk->rest);
  walk->rest &= walk->rest - 1;
  return true;
}

/* What a unit's report holds. value[i] is scaled by the decimals of column i and undefined where not present.
 */
struct figures {
  struct column_set present;
  int64_t value[LIMIT_FORM_COLUMNS];
};

void figures_clear(struct figures *figures);
void figures_set(struct figures *figures, unsigned column, int64_t value);
bool figures_equal(const struct figures *a, const struct figures *b);

/* Stored form: one byte n ≤ 32, n bytes of presence (bit i%8 of byte i/8), a zigzag varint per present
 * column; no trailing zero byte of presence, so equal figures have equal bytes. */
#define FIGURES_PACKED_MOST (1 + COLUMN_SET_BYTES + LIMIT_FORM_COLUMNS * 10)
/* Returns how many bytes it wrote; beyond them, `ret_packed` may be written to as well. */
size_t figures_pack_to(const struct figures *figures, uint8_t ret_packed[static FIGURES_PACKED_MOST]);
/* The same from values that are varints already, in the shortest form, of the columns present. */
size_t figures_pack_varints(const struct column_set *present, const uint8_t *varints, size_t length,
                            uint8_t ret_packed[static FIGURES_PACKED_MOST]);
/* False, and `ret_figures` untouched, if the bytes are not exactly one packed vector. */
bool figures_unpack(const uint8_t *data, size_t length, struct figures *ret_figures);
/* One figure of a packed vector, without a look at those behind it; false if it is not present. */
bool figures_pick(const uint8_t *data, size_t length, unsigned column, int64_t *ret_value);

/* A change to a report: what a row of a file, or a Report on the wire, says. */
struct report_change {
  enum report_kind kind;
  struct column_set asked;     /* columns that the file has; those outside keep their value */
  struct column_set withdrawn; /* figures taken back (撤销) */
  struct figures figures;
};

/* What the report is after the change. `current` NULL or with nothing present: there is none yet. A nil
 * report or a withdrawal has no figures. Returns the first column that is asked, blank and not withdrawn over
 * a present value (which is refused, and `ret_merged` is untouched), or CHANGE_FITS. */
#define CHANGE_FITS (-1)
int report_apply(const struct figures *current, const struct report_change *change,
                 struct figures *ret_merged);

#endif

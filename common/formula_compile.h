/* What the files of the formula's compiler share. Nobody else includes it. */
#ifndef PARKTALLY_COMMON_FORMULA_COMPILE_H
#define PARKTALLY_COMMON_FORMULA_COMPILE_H

#include "common/formula_private.h"

#define FORMULA_MOST_NUMBER ((int128)1 << 124)

struct word {
  size_t at, length;
};

/* An amount as the text is read: figures times numbers, and a number; all with decimals of their own. */
struct number {
  int128 value;
  unsigned decimals;
};

struct part { /* a figure times a number */
  enum formula_tense tense;
  int column;
  unsigned figure_decimals;
  unsigned group;
  struct number times;
};

struct amount {
  GArray *parts; /* of struct part */
  struct number number;
};

struct compiler {
  const char *text;
  GArray *words; /* of struct word; one of length 0 at the end */
  size_t next;
  unsigned depth;
  unsigned groups; /* sum()s so far */
  formula_resolve *resolve;
  void *data;
  struct formula *formula;
  char *mistake; /* NULL: none yet */
  size_t mistake_at;
};

/* --- formula_words.c --- */

/* Fills compiler->words. */
bool formula_split(struct compiler *compiler);
/* The next word, and the one so many behind it; of length 0 at the end. */
const struct word *formula_peek(const struct compiler *compiler);
const struct word *formula_peek_at(const struct compiler *compiler, size_t ahead);
bool formula_is(const struct compiler *compiler, const struct word *word, const char *text);
/* A code of a column, a number, or one of the language's words. */
bool formula_is_in_name(char c);
/* Takes the word if it is this one. */
bool formula_take(struct compiler *compiler, const char *text);
/* The same where no other may stand. */
bool formula_need(struct compiler *compiler, const char *text);
/* Whether one more level may be opened; closed by compiler->depth--. */
bool formula_deeper(struct compiler *compiler);
/* The first mistake is kept. Always false, for `return formula_refuse(…)`. */
bool formula_refuse(struct compiler *compiler, size_t at, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* That the next word is not what was expected. Always false. */
bool formula_refuse_word(struct compiler *compiler, const char *expected);

/* --- formula_amount.c --- */

/* To more decimals. False where it does not fit. */
bool formula_widen(struct number *number, unsigned decimals);
/* That numbers are too large. Always false. */
bool formula_refuse_size(struct compiler *compiler);
/* Digits with at most one point; "%" is two more decimals. */
bool formula_read_number(struct compiler *compiler, struct number *ret_number);
void formula_amount_init(struct amount *amount);
void formula_amount_finish(struct amount *amount);
bool formula_read_amount(struct compiler *compiler, struct amount *amount);
/* "(" figure, … ")", each a part of this group. */
bool formula_read_figures(struct compiler *compiler, unsigned group, GArray *parts);

#endif

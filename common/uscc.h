/* Ids of units: the unified social credit code (统一社会信用代码, GB 32100-2015), establishments and free
 * codes. */
#ifndef PARKTALLY_COMMON_USCC_H
#define PARKTALLY_COMMON_USCC_H

#include <stdbool.h>

#define USCC_LENGTH 18

enum uscc_status {
  USCC_OK,
  USCC_SHAPE,   /* not 18 characters of the alphabet */
  USCC_CHECK,   /* the 18th does not agree: genuine codes exist that fail, so this is a finding, no refusal */
  USCC_DAMAGED, /* as a spreadsheet leaves a code that it took for a number: "9.14502E+17", digits with
                   thousands separators or ".00", 18 digits that end in zeros after the 15th, 17 of a code
                   whose first is 0 */
};

/* `text` is folded and upper case. */
enum uscc_status uscc_check(const char *text);

/* The check character of 17 characters of the alphabet, or 0. */
char uscc_check_character(const char text[static 17]);

/* True for USCC-NN; the parent's code is its first 18 characters. Shape only. */
bool uscc_is_establishment(const char *text);

/* A free code: 1–64 bytes of UTF-8 letters and digits (any script), '-', '_' and '.'. */
bool unit_code_is_valid(const char *text);

#endif

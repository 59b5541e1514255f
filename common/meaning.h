/* The words that head a column in every table, whatever its form. No indicator may have one of them as a
 * name. */
#ifndef PARKTALLY_COMMON_MEANING_H
#define PARKTALLY_COMMON_MEANING_H

enum meaning {
  MEANING_NONE, /* of a heading: unknown, or there is none */
  MEANING_IGNORED,
  MEANING_UNIT,
  MEANING_NAME,
  MEANING_PERIOD,
  MEANING_INDICATOR,
  MEANING_VALUE,
  MEANING_MEASURE, /* of each row of a long table */
  MEANING_FIGURE,
};

/* What a heading means without any form, by its text_key(); MEANING_NONE if that is for the form to say. */
enum meaning meaning_of(const char *key);

#endif

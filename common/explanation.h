/* What is an explanation of a figure, and what only says that it is right: the same at the park and in the
 * city. */
#ifndef PARKTALLY_COMMON_EXPLANATION_H
#define PARKTALLY_COMMON_EXPLANATION_H

#include "common/catalogue.h"

#include <stdbool.h>

/* Letters or characters that an explanation has beside the catalogue's empty answers. */
#define EXPLANATION_LEAST 4

/* False if nothing, or hardly anything, is left of the text without the catalogue's `empty_answers`, digits,
 * punctuation and blanks. UTF-8. */
bool explanation_is_real(const struct catalogue *catalogue, const char *text);

#endif

/* Exact fractions of 128-bit numbers (up to 10^38). What does not fit is said, never rounded. No I/O. */
#ifndef PARKTALLY_AGGREGATOR_STATISTICS_FRACTION_H
#define PARKTALLY_AGGREGATOR_STATISTICS_FRACTION_H

#include "common/decimal.h"

#include <stdbool.h>

struct fraction {
  int128 upper, lower; /* lower > 0 */
};

/* The same in lowest terms. */
struct fraction fraction_reduced(struct fraction f);

/* False, and nothing returned, where the result does not fit. */
bool fraction_multiply(struct fraction a, struct fraction b, struct fraction *ret_product);
/* `by` is not zero. */
bool fraction_divide(struct fraction value, struct fraction by, struct fraction *ret_quotient);
bool fraction_subtract(struct fraction a, struct fraction b, struct fraction *ret_difference);
/* −1, 0 or 1 as a is below, equal to or above b. */
bool fraction_compare(struct fraction a, struct fraction b, int *ret_order);

#endif

/* Exact fractions of 128-bit integers, for what is compared unrounded. Every step is exact; what does not fit
 * 128 bits (10^38) is said, never rounded. Pure. */
#ifndef PARKTALLY_AGGREGATOR_STATISTICS_FRACTION_H
#define PARKTALLY_AGGREGATOR_STATISTICS_FRACTION_H

#include "common/decimal.h"

#include <stdbool.h>

struct fraction {
  int128 upper, lower; /* lower > 0 */
};

/* By their common divisor. */
struct fraction fraction_reduced(struct fraction f);

/* Each false where the result does not fit. `by` is not zero. */
bool fraction_add(struct fraction a, struct fraction b, struct fraction *ret_sum);
bool fraction_subtract(struct fraction a, struct fraction b, struct fraction *ret_difference);
bool fraction_multiply(struct fraction a, struct fraction b, struct fraction *ret_product);
bool fraction_divide(struct fraction value, struct fraction by, struct fraction *ret_quotient);

/* −1, 0 or 1 as a is below, at or above b. */
bool fraction_compare(struct fraction a, struct fraction b, int *ret_order);

#endif

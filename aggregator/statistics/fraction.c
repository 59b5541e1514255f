#include "aggregator/statistics/fraction.h"

static int128 magnitude(int128 value)
{
  return value < 0 ? -value : value;
}

static int128 common_divisor(int128 a, int128 b)
{
  while (b != 0) {
    int128 rest = a % b;
    a = b;
    b = rest;
  }
  return magnitude(a);
}

struct fraction fraction_reduced(struct fraction f)
{
  int128 divisor = common_divisor(f.upper, f.lower);
  if (divisor > 1) {
    f.upper /= divisor;
    f.lower /= divisor;
  }
  return f;
}

bool fraction_multiply(struct fraction a, struct fraction b, struct fraction *ret_product)
{
  struct fraction left = fraction_reduced((struct fraction){a.upper, b.lower});
  struct fraction right = fraction_reduced((struct fraction){b.upper, a.lower});
  struct fraction product;
  if (__builtin_mul_overflow(left.upper, right.upper, &product.upper) ||
      __builtin_mul_overflow(left.lower, right.lower, &product.lower))
    return false;
  *ret_product = product;
  return true;
}

bool fraction_divide(struct fraction value, struct fraction by, struct fraction *ret_quotient)
{
  struct fraction inverse = {by.upper < 0 ? -by.lower : by.lower, magnitude(by.upper)};
  return fraction_multiply(value, inverse, ret_quotient);
}

/* Denominators are mostly the same powers of ten: what they share is not multiplied. */
bool fraction_add(struct fraction a, struct fraction b, struct fraction *ret_sum)
{
  int128 shared = common_divisor(a.lower, b.lower), left, right;
  struct fraction sum;
  if (__builtin_mul_overflow(a.upper, b.lower / shared, &left) ||
      __builtin_mul_overflow(b.upper, a.lower / shared, &right) ||
      __builtin_add_overflow(left, right, &sum.upper) ||
      __builtin_mul_overflow(a.lower, b.lower / shared, &sum.lower))
    return false;
  *ret_sum = fraction_reduced(sum);
  return true;
}

bool fraction_subtract(struct fraction a, struct fraction b, struct fraction *ret_difference)
{
  int128 negative;
  if (__builtin_sub_overflow((int128)0, b.upper, &negative)) return false;
  return fraction_add(a, (struct fraction){negative, b.lower}, ret_difference);
}

bool fraction_compare(struct fraction a, struct fraction b, int *ret_order)
{
  struct fraction difference;
  if (!fraction_subtract(a, b, &difference)) return false;
  *ret_order = (difference.upper > 0) - (difference.upper < 0);
  return true;
}

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

bool fraction_subtract(struct fraction a, struct fraction b, struct fraction *ret_difference)
{
  int128 left, right;
  struct fraction difference;
  if (__builtin_mul_overflow(a.upper, b.lower, &left) || __builtin_mul_overflow(b.upper, a.lower, &right) ||
      __builtin_sub_overflow(left, right, &difference.upper) ||
      __builtin_mul_overflow(a.lower, b.lower, &difference.lower))
    return false;
  *ret_difference = fraction_reduced(difference);
  return true;
}

bool fraction_compare(struct fraction a, struct fraction b, int *ret_order)
{
  struct fraction difference;
  if (!fraction_subtract(a, b, &difference)) return false;
  *ret_order = (difference.upper > 0) - (difference.upper < 0);
  return true;
}

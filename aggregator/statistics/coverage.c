#include "aggregator/statistics/coverage.h"

void coverage_count(struct coverage *coverage, const struct coverage_unit *unit)
{
  if (!unit->expected) {
    coverage->unexpected += unit->reported;
    return;
  }
  coverage->expected++;
  if (unit->known)
    coverage->weight += unit->weight;
  else
    coverage->unknown++;
  if (!unit->reported) return;
  coverage->reported++;
  coverage->nil += unit->nil;
  coverage->late += unit->late;
  coverage->corrected += unit->corrected;
  coverage->other_park += unit->other_park;
  if (unit->known) coverage->weight_reported += unit->weight;
}

void coverage_add(struct coverage *sum, const struct coverage *part)
{
  sum->expected += part->expected;
  sum->reported += part->reported;
  sum->nil += part->nil;
  sum->late += part->late;
  sum->corrected += part->corrected;
  sum->other_park += part->other_park;
  sum->unknown += part->unknown;
  sum->unexpected += part->unexpected;
  sum->weight += part->weight;
  sum->weight_reported += part->weight_reported;
}

int64_t coverage_missing(const struct coverage *coverage)
{
  return coverage->expected - coverage->reported;
}

int64_t coverage_on_time(const struct coverage *coverage)
{
  return coverage->reported - coverage->late;
}

static bool share(int128 part, int128 all, int128 *ret_percent)
{
  static const int64_t WHOLE = 1000; /* 100.0 */
  int128 percent;
  if (all == 0 || !decimal_divide(part * 100, all, COVERAGE_DECIMALS, &percent)) return false;
  *ret_percent = percent == WHOLE && part != all ? WHOLE - 1 : percent;
  return true;
}

bool coverage_of_units(const struct coverage *coverage, int128 *ret_percent)
{
  return share(coverage->reported, coverage->expected, ret_percent);
}

bool coverage_of_value(const struct coverage *coverage, int128 *ret_percent)
{
  return share(coverage->weight_reported, coverage->weight, ret_percent);
}

bool coverage_is_below(const struct coverage *coverage, unsigned percent)
{
  if (coverage->weight > 0) return coverage->weight_reported * 100 < coverage->weight * percent;
  return (int128)coverage->reported * 100 < (int128)coverage->expected * percent;
}

#include "aggregator/statistics/target_status.h"

#include "common/text.h"

static const struct fraction ONE = {1, 1};

static bool is_within(enum direction direction, int low, int high)
{
  switch (direction) {
  case DIRECTION_AT_LEAST:
    return low >= 0;
  case DIRECTION_ABOUT:
    return low >= 0 && high <= 0;
  case DIRECTION_AT_MOST:
    return high <= 0;
  case DIRECTION_ABOVE:
    return low > 0;
  case DIRECTION_TRACKED:
    return false;
  }
  return false;
}

static bool share_of(const struct promise *promise, int128 value, struct fraction share,
                     struct fraction *ret_part)
{
  return fraction_multiply((struct fraction){value, decimal_power10(promise->decimals)}, share, ret_part);
}

bool promise_reached(const struct promise *promise, struct fraction standing, struct fraction share,
                     bool *ret_reached)
{
  struct fraction least, most;
  int low, high;
  if (!share_of(promise, (int128)promise->value - promise->tolerance, share, &least) ||
      !share_of(promise, (int128)promise->value + promise->tolerance, share, &most) ||
      !fraction_compare(standing, least, &low) || !fraction_compare(standing, most, &high))
    return false;
  *ret_reached = is_within(promise->direction, low, high);
  return true;
}

bool promise_share(struct fraction months, struct fraction whole, struct fraction *ret_share)
{
  struct fraction share;
  int order;
  if (whole.upper <= 0 || months.upper < 0) return false;
  if (!fraction_divide(months, whole, &share) || !fraction_compare(share, ONE, &order) || order > 0)
    return false;
  *ret_share = share;
  return true;
}

/* A sum that may only grow is met as soon as it is there; a ceiling, or a band, only at the end. */
static bool is_met_early(const struct promise *promise, const struct fraction *share, bool whole)
{
  return share && whole &&
         (promise->direction == DIRECTION_AT_LEAST || promise->direction == DIRECTION_ABOVE);
}

bool promise_judge(const struct promise *promise, struct fraction standing, const struct fraction *share,
                   bool ended, enum target_status *ret_status, struct fraction *ret_due,
                   struct fraction *ret_gap)
{
  struct fraction due, gap;
  bool now, whole;
  if (!promise_reached(promise, standing, share ? *share : ONE, &now) ||
      !promise_reached(promise, standing, ONE, &whole) ||
      !share_of(promise, promise->value, share ? *share : ONE, &due) ||
      !fraction_subtract(standing, due, &gap))
    return false;
  if (promise->direction == DIRECTION_TRACKED)
    *ret_status = TARGET_TRACKED;
  else if ((ended && whole) || is_met_early(promise, share, whole))
    *ret_status = TARGET_MET;
  else
    *ret_status = !ended && now ? TARGET_ON_COURSE : TARGET_BEHIND;
  *ret_due = due;
  *ret_gap = gap;
  return true;
}

static const struct {
  const char *code, *name;
} statuses[TARGET_STATUS_COUNT] = {
    [TARGET_MET] = {"met", N_("met")},
    [TARGET_ON_COURSE] = {"on_course", N_("on course")},
    [TARGET_BEHIND] = {"behind", N_("behind")},
    [TARGET_TRACKED] = {"tracked", N_("tracked")},
    [TARGET_NOT_MEASURABLE] = {"not_measurable", N_("not measurable")},
};

const char *target_status_code(enum target_status status)
{
  return statuses[status].code;
}

const char *target_status_name(enum target_status status)
{
  return _(statuses[status].name);
}

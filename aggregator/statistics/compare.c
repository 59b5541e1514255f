#include "aggregator/statistics/compare.h"

#include <assert.h>
#include <glib.h>

/* What a membership's figures and causes come to: an area has the sum over its memberships, for all of it is
 * linear in whether a unit belongs there. Memberships are few, units many. */
struct sums {
  int64_t membership;
  struct comparison of;
};

/* Units that moved, by where they were and are: they count in areas that have one of the two. */
struct move {
  int64_t from, to;
  int64_t units;
};

/* Most units have one figure of each period, in one place, and a published base that is what was reported, or
 * none. What those of a membership come to is in a cache line of its own, found by the last bits of the
 * membership. */
struct plain {
  int64_t membership;
  uint32_t units, published_units;
  int128 now, before, published;
};

#define PLAIN_SLOTS 4096

struct comparing {
  GHashTable *sums;  /* set of struct sums, by membership */
  GHashTable *moves; /* set of struct move, by from and to */
  struct plain plain[PLAIN_SLOTS];
};

static unsigned move_hash(const void *key)
{
  const struct move *move = key;
  return g_int64_hash(&move->from) * 31 + g_int64_hash(&move->to);
}

static gboolean move_equal(const void *left, const void *right)
{
  const struct move *a = left, *b = right;
  return a->from == b->from && a->to == b->to;
}

struct comparing *comparing_new(void)
{
  struct comparing *comparing = g_new0(struct comparing, 1);
  comparing->sums = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
  comparing->moves = g_hash_table_new_full(move_hash, move_equal, g_free, NULL);
  return comparing;
}

void comparing_free(struct comparing *comparing)
{
  if (!comparing) return;
  g_hash_table_unref(comparing->sums);
  g_hash_table_unref(comparing->moves);
  g_free(comparing);
}

static struct comparison *sums_of(struct comparing *comparing, int64_t membership)
{
  struct sums *sums = g_hash_table_lookup(comparing->sums, &membership);
  if (!sums) {
    sums = g_new0(struct sums, 1);
    sums->membership = membership;
    g_hash_table_add(comparing->sums, sums);
  }
  return &sums->of;
}

static void add_moves(struct comparing *comparing, int64_t from, int64_t to, int64_t units)
{
  struct move key = {.from = from, .to = to};
  struct move *move = g_hash_table_lookup(comparing->moves, &key);
  if (!move) {
    move = g_memdup2(&key, sizeof key);
    g_hash_table_add(comparing->moves, move);
  }
  move->units += units;
}

/* --- a unit --- */

/* The figures of a pair, added up. */
struct pair {
  int128 now, before, published;
  unsigned now_count, before_count, published_count;
};

/* Takes what stands in the area of the figure to where the unit is today; of a figure before, the reverse. */
static void restate(struct comparing *comparing, int64_t membership, int64_t today, int64_t value)
{
  if (membership == today) return;
  sums_of(comparing, membership)->cause[CAUSE_MOVED].value += value;
  sums_of(comparing, today)->cause[CAUSE_MOVED].value -= value;
}

static void gather_now(struct comparing *comparing, const struct compare_unit *unit, struct pair *pairs)
{
  for (size_t n = 0; n < unit->now_count; n++) {
    const struct compare_figure *figure = &unit->now[n];
    struct comparison *sums = sums_of(comparing, figure->membership);
    struct pair *pair = &pairs[figure->pair];
    assert(figure->pair < COMPARE_PAIRS);
    sums->now += figure->value;
    sums->now_figures++;
    pair->now += figure->value;
    pair->now_count++;
    restate(comparing, figure->membership, unit->today, figure->value);
    if (!figure->has_published) continue;
    sums->published += figure->published;
    sums->published_figures++;
    pair->published += figure->published;
    pair->published_count++;
  }
}

static void gather_before(struct comparing *comparing, const struct compare_unit *unit, struct pair *pairs)
{
  for (size_t n = 0; n < unit->before_count; n++) {
    const struct compare_figure *figure = &unit->before[n];
    struct comparison *sums = sums_of(comparing, figure->membership);
    struct pair *pair = &pairs[figure->pair];
    assert(figure->pair < COMPARE_PAIRS);
    sums->before += figure->value;
    sums->before_figures++;
    pair->before += figure->value;
    pair->before_count++;
    restate(comparing, figure->membership, unit->today, -figure->value);
  }
}

/* Whether a figure before this one, of either period, stands there too. */
static bool stood_there(const struct compare_figure *figures, size_t count, int64_t membership)
{
  for (size_t n = 0; n < count; n++)
    if (figures[n].membership == membership) return true;
  return false;
}

static void count_moves(struct comparing *comparing, const struct compare_unit *unit)
{
  for (size_t n = 0; n < unit->before_count; n++) {
    int64_t from = unit->before[n].membership;
    if (from != unit->today && !stood_there(unit->before, n, from))
      add_moves(comparing, from, unit->today, 1);
  }
  for (size_t n = 0; n < unit->now_count; n++) {
    int64_t from = unit->now[n].membership;
    if (from != unit->today && !stood_there(unit->now, n, from) &&
        !stood_there(unit->before, unit->before_count, from))
      add_moves(comparing, from, unit->today, 1);
  }
}

static void add_cause(struct comparison *sums, enum compare_cause cause, int128 value, unsigned *causes)
{
  sums->cause[cause].value += value;
  *causes |= 1u << cause;
}

static void add_comparable(struct comparison *sums, const struct pair *pair, bool published, bool owed_before,
                           unsigned *causes)
{
  int128 base = published ? pair->published : pair->before;
  if (pair->before_count == 0)
    add_cause(sums, owed_before ? CAUSE_NOT_REPORTED : CAUSE_ENTERED, base, causes);
  else if (base != pair->before)
    add_cause(sums, CAUSE_BASE_REVISED, base - pair->before, causes);
  add_cause(sums, CAUSE_GROWN, pair->now - base, causes);
  sums->base += base;
  sums->comparable += pair->now;
  sums->comparable_figures++;
}

/* Adds to `causes` (bits) those that it gave to. */
static void add_pair(struct comparison *sums, const struct pair *pair, bool owed_now, bool owed_before,
                     unsigned *causes)
{
  bool published = pair->now_count > 0 && pair->published_count == pair->now_count;
  if (pair->now_count > 0 && (pair->before_count > 0 || published))
    add_comparable(sums, pair, published, owed_before, causes);
  else if (pair->now_count > 0)
    add_cause(sums, owed_before ? CAUSE_NOT_REPORTED : CAUSE_ENTERED, pair->now, causes);
  else if (pair->before_count > 0)
    add_cause(sums, owed_now ? CAUSE_NOT_REPORTED : CAUSE_LEFT, -pair->before, causes);
}

static void add_at_length(struct comparing *comparing, const struct compare_unit *unit)
{
  struct pair pairs[COMPARE_PAIRS] = {0};
  unsigned causes = 0;
  gather_now(comparing, unit, pairs);
  gather_before(comparing, unit, pairs);
  count_moves(comparing, unit);
  struct comparison *sums = sums_of(comparing, unit->today);
  for (unsigned n = 0; n < COMPARE_PAIRS; n++)
    add_pair(sums, &pairs[n], unit->owed_now >> n & 1, unit->owed_before >> n & 1, &causes);
  for (unsigned cause = 0; cause < CAUSE_COUNT; cause++) sums->cause[cause].units += causes >> cause & 1;
}

/* False where the membership's slot is another's. */
static bool add_plain(struct comparing *comparing, const struct compare_figure *now, int64_t before)
{
  struct plain *plain = &comparing->plain[(uint64_t)now->membership % PLAIN_SLOTS];
  if (plain->units == 0) plain->membership = now->membership;
  if (plain->membership != now->membership || plain->units == UINT32_MAX) return false;
  plain->units++;
  plain->now += now->value;
  plain->before += before;
  if (!now->has_published) return true;
  plain->published_units++;
  plain->published += before;
  return true;
}

void comparing_add(struct comparing *comparing, const struct compare_unit *unit)
{
  const struct compare_figure *now = unit->now, *before = unit->before;
  bool is_plain = unit->now_count == 1 && unit->before_count == 1 && now->pair == before->pair &&
                  now->membership == unit->today && before->membership == unit->today &&
                  (!now->has_published || now->published == before->value);
  if (!is_plain || !add_plain(comparing, now, before->value)) add_at_length(comparing, unit);
}

/* --- sums of sums --- */

static void add_comparison(struct comparison *sum, const struct comparison *other)
{
  sum->now += other->now;
  sum->before += other->before;
  sum->published += other->published;
  sum->base += other->base;
  sum->comparable += other->comparable;
  sum->now_figures += other->now_figures;
  sum->before_figures += other->before_figures;
  sum->published_figures += other->published_figures;
  sum->comparable_figures += other->comparable_figures;
  for (unsigned cause = 0; cause < CAUSE_COUNT; cause++) {
    sum->cause[cause].value += other->cause[cause].value;
    sum->cause[cause].units += other->cause[cause].units;
  }
}

/* As the long way would have it. */
static struct comparison comparison_of_plain(const struct plain *plain)
{
  return (struct comparison){.now = plain->now,
                             .before = plain->before,
                             .base = plain->before,
                             .comparable = plain->now,
                             .now_figures = plain->units,
                             .before_figures = plain->units,
                             .published = plain->published,
                             .published_figures = plain->published_units,
                             .comparable_figures = plain->units,
                             .cause[CAUSE_GROWN] = {plain->now - plain->before, plain->units}};
}

void comparing_join(struct comparing *comparing, const struct comparing *other)
{
  for (size_t n = 0; n < PLAIN_SLOTS; n++) {
    struct comparison of = comparison_of_plain(&other->plain[n]);
    if (other->plain[n].units > 0) add_comparison(sums_of(comparing, other->plain[n].membership), &of);
  }
  GHashTableIter iter;
  void *item;
  g_hash_table_iter_init(&iter, other->sums);
  while (g_hash_table_iter_next(&iter, &item, NULL)) {
    const struct sums *sums = item;
    add_comparison(sums_of(comparing, sums->membership), &sums->of);
  }
  g_hash_table_iter_init(&iter, other->moves);
  while (g_hash_table_iter_next(&iter, &item, NULL)) {
    const struct move *move = item;
    add_moves(comparing, move->from, move->to, move->units);
  }
}

void comparing_read(const struct comparing *comparing, compare_member *is_member, void *data,
                    struct comparison *ret_comparison)
{
  struct comparison sum = {0};
  for (size_t n = 0; n < PLAIN_SLOTS; n++) {
    struct comparison of = comparison_of_plain(&comparing->plain[n]);
    if (comparing->plain[n].units > 0 && is_member(comparing->plain[n].membership, data))
      add_comparison(&sum, &of);
  }
  GHashTableIter iter;
  void *item;
  g_hash_table_iter_init(&iter, comparing->sums);
  while (g_hash_table_iter_next(&iter, &item, NULL)) {
    const struct sums *sums = item;
    if (is_member(sums->membership, data)) add_comparison(&sum, &sums->of);
  }
  g_hash_table_iter_init(&iter, comparing->moves);
  while (g_hash_table_iter_next(&iter, &item, NULL)) {
    const struct move *move = item;
    if (is_member(move->from, data) != is_member(move->to, data)) sum.cause[CAUSE_MOVED].units += move->units;
  }
  *ret_comparison = sum;
}

/* --- rates --- */

enum growth compare_growth(int128 now, int128 before, unsigned decimals, int128 *ret_rate)
{
  int128 change, rate;
  if (now == before && before <= 0) return GROWTH_UNCHANGED;
  if (before >= 0 && now < 0) return GROWTH_TO_LOSS;
  if (before == 0) return GROWTH_FROM_ZERO;
  if (before < 0 && now >= 0) return GROWTH_TO_PROFIT;
  if (before < 0) return now > before ? GROWTH_LOSS_REDUCED : GROWTH_LOSS_GREW;
  if (__builtin_sub_overflow(now, before, &change) || __builtin_mul_overflow(change, (int128)100, &change) ||
      !decimal_divide(change, before, decimals, &rate))
    return GROWTH_UNKNOWN;
  *ret_rate = rate;
  return GROWTH_RATE;
}

static int128 common_divisor(int128 a, int128 b)
{
  while (b != 0) {
    int128 rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

bool compare_ratios(int128 now, int128 now_denominator, int128 before, int128 before_denominator,
                    unsigned decimals, int128 *ret_difference)
{
  int128 divisor = common_divisor(now_denominator, before_denominator);
  int128 left, right, denominator;
  if (__builtin_mul_overflow(now, before_denominator / divisor, &left) ||
      __builtin_mul_overflow(before, now_denominator / divisor, &right) ||
      __builtin_sub_overflow(left, right, &left) ||
      __builtin_mul_overflow(now_denominator / divisor, before_denominator, &denominator))
    return false;
  return decimal_divide(left, denominator, decimals, ret_difference);
}

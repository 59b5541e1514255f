/* The roll-up algebra: what a set of reports comes to, whatever their order. PARKTALLY_SEED repeats a run. */
#include "aggregator/rollup.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *no_codes[] = {NULL};
static char *zone_east[] = {"zone", "east", NULL}, *zone_west[] = {"zone", "west", NULL};
static char *all_cars[] = {"all", "cars", NULL}, *only_all[] = {"all", NULL};
static const struct membership nowhere = {0, no_codes, no_codes}, in_east = {1, zone_east, all_cars},
                               in_west = {2, zone_west, only_all};

/* --- what a drain gives --- */

struct cell {
  int64_t book;
  char area[8], slice[8];
  int slot;
  int128 total;
  int64_t units;
};

struct drained {
  struct cell cells[8192];
  unsigned count, most; /* most: where the sink ends it */
};

static bool keep_family(const struct cell_family *family, void *data)
{
  struct drained *drained = data;

  for (size_t n = 0; n < family->count; n++) {
    struct cell *cell = &drained->cells[drained->count++];

    memset(cell, 0, sizeof *cell); /* cells are compared as bytes */
    cell->book = family->book;
    cell->slot = family->changes[n].slot;
    cell->total = family->changes[n].total;
    cell->units = family->changes[n].units;
    g_strlcpy(cell->area, family->area, sizeof cell->area);
    g_strlcpy(cell->slice, family->slice, sizeof cell->slice);
  }
  return drained->count < drained->most;
}

static struct drained *drain(struct rollup *rollup)
{
  struct drained *drained = g_new0(struct drained, 1);

  drained->most = G_N_ELEMENTS(drained->cells);
  rollup_drain(rollup, keep_family, drained);
  return drained;
}

static const struct cell *find(const struct drained *drained, int64_t book, const char *area,
                               const char *slice, int slot)
{
  for (unsigned n = 0; n < drained->count; n++) {
    const struct cell *cell = &drained->cells[n];

    if (cell->book == book && cell->slot == slot && strcmp(cell->area, area) == 0 &&
        strcmp(cell->slice, slice) == 0)
      return cell;
  }
  return NULL;
}

static void expect(const struct drained *drained, int64_t book, const char *area, const char *slice, int slot,
                   int64_t total, int64_t units)
{
  const struct cell *cell = find(drained, book, area, slice, slot);

  if (!cell) fail_msg("no cell %s × %s × %d", area, slice, slot);
  if (cell->total != total || cell->units != units)
    fail_msg("%s × %s × %d: found %" PRId64 " of %" PRId64 ", expected %" PRId64 " of %" PRId64, area, slice,
             slot, (int64_t)cell->total, cell->units, total, units);
}

static struct figures one_figure(unsigned column, int64_t value)
{
  struct figures figures;

  figures_clear(&figures);
  figures_set(&figures, column, value);
  return figures;
}

/* --- tests --- */

static void what_is_added_and_taken_back_leaves_nothing(void **state)
{
  CLEANUP(rollup_free) struct rollup *rollup = rollup_new();
  struct figures figures = one_figure(3, 500);

  (void)state;
  rollup_add(rollup, 1, &in_east, KIND_FIGURES, &figures, +1);
  rollup_add(rollup, 1, &in_east, KIND_NIL, &figures, -1);
  rollup_add(rollup, 1, &in_east, KIND_NIL, &figures, +1);
  rollup_add(rollup, 1, &in_east, KIND_FIGURES, &figures, -1);
  g_autofree struct drained *drained = drain(rollup);
  assert_int_equal(drained->count, 0);
}

/* Columns that stand alone, side by side, and at the ends of the words of a presence. */
static void every_column_that_is_present_is_added(void **state)
{
  static const unsigned columns[] = {0, 2, 3, 5, 31, 62, 63, 64, 65, 66, 126, 128, 191, 200, 254, 255};
  CLEANUP(rollup_free) struct rollup *rollup = rollup_new();
  struct figures figures;

  (void)state;
  figures_clear(&figures);
  for (size_t n = 0; n < LIMIT_FORM_COLUMNS; n++) figures.value[n] = 999; /* of columns that are not there */
  for (size_t n = 0; n < G_N_ELEMENTS(columns); n++) figures_set(&figures, columns[n], 1000 + columns[n]);
  rollup_add(rollup, 1, &in_east, KIND_FIGURES, &figures, +1);
  rollup_add(rollup, 1, &in_west, KIND_FIGURES, &figures, -1);
  g_autofree struct drained *drained = drain(rollup);
  for (size_t n = 0; n < G_N_ELEMENTS(columns); n++) {
    expect(drained, 1, "east", "all", (int)columns[n], 1000 + columns[n], 1);
    expect(drained, 1, "west", "all", (int)columns[n], -1000 - (int64_t)columns[n], -1);
    assert_null(find(drained, 1, "zone", "all", (int)columns[n]));
  }
  assert_null(find(drained, 1, "east", "all", 1));
  assert_null(find(drained, 1, "east", "all", 127));
  for (size_t n = 0; n < LIMIT_FORM_COLUMNS; n++) figures_set(&figures, (unsigned)n, 7); /* all of them */
  rollup_add(rollup, 1, &in_east, KIND_FIGURES, &figures, +1);
  g_autofree struct drained *whole = drain(rollup);
  for (int n = 0; n < LIMIT_FORM_COLUMNS; n++) expect(whole, 1, "zone", "cars", n, 7, 1);
}

static void a_move_changes_both_parks_and_not_the_area_above(void **state)
{
  CLEANUP(rollup_free) struct rollup *rollup = rollup_new();
  struct figures figures = one_figure(0, 70);

  (void)state;
  rollup_add(rollup, 1, &in_east, KIND_FIGURES, &figures, -1);
  rollup_add(rollup, 1, &in_west, KIND_FIGURES, &figures, +1);
  g_autofree struct drained *drained = drain(rollup);
  expect(drained, 1, "east", "all", 0, -70, -1);
  expect(drained, 1, "west", "all", 0, 70, 1);
  assert_null(find(drained, 1, "zone", "all", 0));
  assert_null(find(drained, 1, "zone", "all", SLOT_REPORTED));
  expect(drained, 1, "zone", "cars", 0, -70, -1); /* it was one of the cars in the east only */
}

static void a_zero_is_a_figure_and_a_missing_one_is_none(void **state)
{
  CLEANUP(rollup_free) struct rollup *rollup = rollup_new();
  struct figures zero = one_figure(2, 0);

  (void)state;
  rollup_add(rollup, 1, &in_west, KIND_FIGURES, &zero, +1);
  g_autofree struct drained *drained = drain(rollup);
  expect(drained, 1, "zone", "all", 2, 0, 1);
  expect(drained, 1, "zone", "all", SLOT_REPORTED, 0, 1);
  assert_null(find(drained, 1, "zone", "all", 1));
  assert_int_equal(drained->count, 4);
}

static void a_correction_of_a_value_changes_no_count(void **state)
{
  CLEANUP(rollup_free) struct rollup *rollup = rollup_new();
  struct figures before = one_figure(0, 5), after = one_figure(0, 8);

  (void)state;
  rollup_add(rollup, 1, &in_west, KIND_FIGURES, &before, -1);
  rollup_add(rollup, 1, &in_west, KIND_FIGURES, &after, +1);
  g_autofree struct drained *drained = drain(rollup);
  expect(drained, 1, "west", "all", 0, 3, 0);
  assert_null(find(drained, 1, "west", "all", SLOT_REPORTED));
}

static void withdrawals_and_units_that_belong_nowhere_add_nothing(void **state)
{
  CLEANUP(rollup_free) struct rollup *rollup = rollup_new();
  struct figures figures = one_figure(0, 5);

  (void)state;
  rollup_add(rollup, 1, &in_east, KIND_WITHDRAWAL, &figures, +1);
  rollup_add(rollup, 1, &nowhere, KIND_FIGURES, &figures, +1);
  rollup_add(rollup, 1, &nowhere, KIND_NIL, &figures, +1);
  g_autofree struct drained *drained = drain(rollup);
  assert_int_equal(drained->count, 0);
}

static void nil_reports_are_reported_and_counted_apart(void **state)
{
  CLEANUP(rollup_free) struct rollup *rollup = rollup_new();
  struct figures figures = one_figure(0, 5);

  (void)state;
  rollup_add(rollup, 1, &in_west, KIND_NIL, &figures, +1); /* its figures do not matter */
  rollup_add(rollup, 1, &in_west, KIND_FIGURES, &figures, +1);
  g_autofree struct drained *drained = drain(rollup);
  expect(drained, 1, "zone", "all", SLOT_REPORTED, 1, 2);
  expect(drained, 1, "zone", "all", 0, 5, 1);
}

static void sums_are_exact_beyond_64_bits(void **state)
{
  enum { REPORTS = 5000 }; /* × 2^53 is past 2^65 */
  CLEANUP(rollup_free) struct rollup *rollup = rollup_new();
  struct figures most = one_figure(LIMIT_FORM_COLUMNS - 1, LIMIT_FIGURE);
  struct figures least = one_figure(LIMIT_FORM_COLUMNS - 1, -LIMIT_FIGURE);

  (void)state;
  for (int n = 0; n < REPORTS; n++) {
    rollup_add(rollup, 1, &in_east, KIND_FIGURES, &most, +1);
    rollup_add(rollup, 2, &in_east, KIND_FIGURES, &least, +1);
    rollup_add(rollup, 3, &in_east, KIND_FIGURES, &least, -1);
  }
  g_autofree struct drained *drained = drain(rollup);
  for (int book = 1; book <= 3; book++) {
    const struct cell *cell = find(drained, book, "zone", "cars", LIMIT_FORM_COLUMNS - 1);
    int128 expected = (int128)REPORTS * LIMIT_FIGURE;

    assert_non_null(cell);
    assert_true(cell->total == (book == 2 ? -expected : expected));
    assert_int_equal(cell->units, book == 3 ? -REPORTS : REPORTS);
  }
}

/* A random report; the same of the same generator. */
static void add_random(struct rollup *rollup, GRand *random, int sign)
{
  static const struct membership *const memberships[] = {&in_east, &in_west, &nowhere};
  struct figures figures;
  int64_t book = g_rand_int_range(random, 1, 4);
  const struct membership *membership = memberships[g_rand_int_range(random, 0, 3)];
  enum report_kind kind = g_rand_int_range(random, 0, 8) == 0 ? KIND_NIL : KIND_FIGURES;

  figures_clear(&figures);
  for (int n = g_rand_int_range(random, 0, 6); n > 0; n--)
    figures_set(&figures, (unsigned)g_rand_int_range(random, 0, LIMIT_FORM_COLUMNS),
                (int64_t)(g_rand_double_range(random, -1, 1) * (double)LIMIT_FIGURE));
  rollup_add(rollup, book, membership, kind, &figures, sign);
}

static void the_order_of_reports_does_not_matter(void **state)
{
  enum { REPORTS = 400 };
  const char *given = g_getenv("PARKTALLY_SEED");
  uint32_t seed = given ? (uint32_t)strtoul(given, NULL, 10) : g_random_int();
  CLEANUP(rollup_free) struct rollup *forwards = rollup_new();
  CLEANUP(rollup_free) struct rollup *backwards = rollup_new();
  g_autoptr(GRand) random = g_rand_new();

  (void)state;
  print_message("PARKTALLY_SEED=%u\n", seed);
  for (unsigned n = 0; n < REPORTS; n++) {
    g_rand_set_seed(random, seed + n);
    add_random(forwards, random, +1);
    g_rand_set_seed(random, seed + REPORTS - 1 - n);
    add_random(backwards, random, +1);
  }
  g_autofree struct drained *one = drain(forwards), *other = drain(backwards);
  assert_true(one->count > 100);
  assert_int_equal(one->count, other->count);
  assert_memory_equal(one->cells, other->cells, one->count * sizeof one->cells[0]);
  /* and it comes to nothing when all are taken back */
  for (unsigned n = 0; n < REPORTS; n++) {
    g_rand_set_seed(random, seed + n);
    add_random(forwards, random, +1);
    g_rand_set_seed(random, seed + REPORTS - 1 - n);
    add_random(forwards, random, -1);
  }
  g_autofree struct drained *rest = drain(forwards);
  assert_int_equal(rest->count, 0);
}

static void cells_come_once_each_and_in_key_order(void **state)
{
  CLEANUP(rollup_free) struct rollup *rollup = rollup_new();
  struct figures figures = one_figure(9, 1);

  (void)state;
  figures_set(&figures, 200, 4);
  for (int64_t book = 9; book > 0; book -= 4) {
    rollup_add(rollup, book, &in_west, KIND_FIGURES, &figures, +1);
    rollup_add(rollup, book, &in_east, KIND_FIGURES, &figures, +1);
  }
  g_autofree struct drained *drained = drain(rollup);
  assert_int_equal(drained->count,
                   3 * 3 * 5); /* books × slots × families: zone, east of all and cars, west */
  for (unsigned n = 1; n < drained->count; n++) {
    const struct cell *a = &drained->cells[n - 1], *b = &drained->cells[n];
    int order = (a->book > b->book) - (a->book < b->book);

    if (order == 0) order = strcmp(a->area, b->area);
    if (order == 0) order = strcmp(a->slice, b->slice);
    if (order == 0) order = a->slot - b->slot;
    assert_true(order < 0);
  }
}

static void a_drain_leaves_nothing_behind_also_where_it_was_ended(void **state)
{
  CLEANUP(rollup_free) struct rollup *rollup = rollup_new();
  struct figures figures = one_figure(0, 1);
  struct drained *ended = g_new0(struct drained, 1);

  (void)state;
  ended->most = 2;
  rollup_add(rollup, 1, &in_east, KIND_FIGURES, &figures, +1);
  rollup_drain(rollup, keep_family, ended);
  assert_int_equal(ended->count, 2);
  g_free(ended);
  g_autofree struct drained *rest = drain(rollup);
  assert_int_equal(rest->count, 0);
  rollup_add(rollup, 1, &in_west, KIND_FIGURES, &figures, +1);
  rollup_clear(rollup);
  g_autofree struct drained *drained = drain(rollup);
  assert_int_equal(drained->count, 0);
  /* what was remembered of the last report is gone too */
  rollup_add(rollup, 1, &in_west, KIND_FIGURES, &figures, +1);
  g_autofree struct drained *next = drain(rollup);
  expect(next, 1, "west", "all", 0, 1, 1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_column_that_is_present_is_added),
      cmocka_unit_test(what_is_added_and_taken_back_leaves_nothing),
      cmocka_unit_test(withdrawals_and_units_that_belong_nowhere_add_nothing),
      cmocka_unit_test(a_zero_is_a_figure_and_a_missing_one_is_none),
      cmocka_unit_test(nil_reports_are_reported_and_counted_apart),
      cmocka_unit_test(a_correction_of_a_value_changes_no_count),
      cmocka_unit_test(a_move_changes_both_parks_and_not_the_area_above),
      cmocka_unit_test(sums_are_exact_beyond_64_bits),
      cmocka_unit_test(the_order_of_reports_does_not_matter),
      cmocka_unit_test(cells_come_once_each_and_in_key_order),
      cmocka_unit_test(a_drain_leaves_nothing_behind_also_where_it_was_ended),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Disclosure control: the primary rules at their edges, and tables whose withheld cells follow from what a
 * naive pattern forgets. */
#include "aggregator/statistics/disclose.h"

#include "attacker.h"

#include "common/error.h"
#include "common/limits.h"

/* --- primary rules: one cell in a table of its own --- */

struct shares {
  int64_t value[4];
  bool consents[4];
};

static enum disclose_status judged(enum disclose_kind kind, struct shares shares, int64_t parents)
{
  struct disclose_share own[4];
  struct disclose_cell cell = {.kind = kind, .parents = parents, .shares = own, .weight = 1};
  for (size_t i = 0; i < 4 && (int64_t)i < parents; i++) {
    own[i] = (struct disclose_share){i + 1, shares.value[i], shares.consents[i]};
    cell.value += shares.value[i];
    cell.magnitude += shares.value[i] < 0 ? -shares.value[i] : shares.value[i];
    cell.share_count++;
  }
  CLEANUP(disclose_table_free) struct disclose_table *table = disclose_table_new();
  disclose_table_cell(table, &cell);
  g_autoptr(GError) error = NULL;
  CLEANUP(disclose_pattern_free)
  struct disclose_pattern *pattern = disclose_protect(table, &DISCLOSE_RULES, &error);
  if (!pattern) fail_msg("%s", error->message);
  return pattern->cells[0].status;
}

#define AMOUNT(parents, ...) judged(DISCLOSE_AMOUNT, (struct shares){{__VA_ARGS__}, {0}}, parents)
#define SIGNED(parents, ...) judged(DISCLOSE_SIGNED, (struct shares){{__VA_ARGS__}, {0}}, parents)

static void fewer_than_three_parents_are_few(void **state)
{
  (void)state;
  assert_int_equal(AMOUNT(1, 100), DISCLOSE_FEW);
  assert_int_equal(AMOUNT(2, 100, 100), DISCLOSE_FEW);
  assert_int_equal(AMOUNT(3, 40, 35, 30), DISCLOSE_PUBLISHED);
  assert_int_equal(AMOUNT(2, 0, 0), DISCLOSE_FEW);
  assert_int_equal(AMOUNT(0, 0), DISCLOSE_PUBLISHED);
}

static void two_may_hold_85_percent_and_no_more(void **state)
{
  (void)state;
  assert_int_equal(AMOUNT(4, 45, 40, 10, 5), DISCLOSE_PUBLISHED);
  assert_int_equal(AMOUNT(4, 4501, 4000, 1000, 499), DISCLOSE_SEVERAL);
  assert_int_equal(AMOUNT(4, 85, 0, 8, 7), DISCLOSE_PUBLISHED);
  assert_int_equal(AMOUNT(4, 86, 5, 5, 4), DISCLOSE_ONE);
}

/* 10 % of the largest, beside the largest two; 85 % of two are never near where three remain. */
static void the_second_must_not_tell_the_first(void **state)
{
  struct disclose_rules rules = DISCLOSE_RULES;
  struct disclose_share shares[] = {{1, 1000, false}, {2, 900, false}};
  struct disclose_cell cell = {
      .kind = DISCLOSE_AMOUNT, .parents = 5, .shares = shares, .share_count = 2, .weight = 1};
  (void)state;
  rules.percent = 100;
  for (int64_t rest = 99; rest <= 100; rest++) {
    CLEANUP(disclose_table_free) struct disclose_table *table = disclose_table_new();
    cell.value = cell.magnitude = 1900 + rest;
    disclose_table_cell(table, &cell);
    CLEANUP(disclose_pattern_free) struct disclose_pattern *pattern = disclose_protect(table, &rules, NULL);
    assert_int_equal(pattern->cells[0].status, rest < 100 ? DISCLOSE_CLOSE : DISCLOSE_PUBLISHED);
    assert_true(pattern->cells[0].need_up == (rest < 100 ? 1 : 0));
  }
}

/* 100 − 95 + 3 + 2 is a total of 10 in which nobody seems to dominate. */
static void losses_count_as_much_as_profits(void **state)
{
  (void)state;
  assert_int_equal(SIGNED(4, 100, -95, 3, 2), DISCLOSE_SEVERAL);
  assert_int_equal(SIGNED(4, -900, 50, 30, 20), DISCLOSE_ONE);
  assert_int_equal(SIGNED(4, -40, -40, 30, 30), DISCLOSE_PUBLISHED);
  assert_int_equal(SIGNED(2, -40, 40), DISCLOSE_FEW);
}

static void who_consents_is_taken_as_known(void **state)
{
  (void)state;
  enum disclose_status all = judged(DISCLOSE_AMOUNT, (struct shares){{70, 30}, {true, true}}, 2);
  enum disclose_status one = judged(DISCLOSE_AMOUNT, (struct shares){{70, 30}, {true, false}}, 2);
  enum disclose_status giant = judged(DISCLOSE_AMOUNT, (struct shares){{900, 40, 35, 30}, {true}}, 4);
  enum disclose_status rest = judged(DISCLOSE_AMOUNT, (struct shares){{900, 300, 20, 10}, {true}}, 4);
  assert_int_equal(all, DISCLOSE_PUBLISHED);
  assert_int_equal(one, DISCLOSE_FEW);
  assert_int_equal(giant, DISCLOSE_PUBLISHED);
  assert_int_equal(rest, DISCLOSE_ONE);
}

/* Of two parents one contributes nothing: the other one, who sees through the only move, knows all of it. */
static void who_has_all_of_a_cell_is_no_way_out(void **state)
{
  struct disclose_share shares[] = {{1, 100, false}, {2, 0, false}};
  struct disclose_cell cells[] = {
      {.value = 100, .magnitude = 100, .parents = 2, .shares = shares, .share_count = 2, .weight = 1},
      {.value = 100, .magnitude = 100, .parents = 1, .shares = shares, .share_count = 1, .weight = 1},
      {.value = 200, .magnitude = 200, .parents = 9, .weight = 1, .known = true},
  };
  (void)state;
  CLEANUP(disclose_table_free) struct disclose_table *table = disclose_table_new();
  for (size_t n = 0; n < G_N_ELEMENTS(cells); n++) disclose_table_cell(table, &cells[n]);
  disclose_table_sum(table, 2, (const size_t[]){0, 1}, 2, SIZE_MAX);
  g_autoptr(GError) error = NULL;
  CLEANUP(disclose_pattern_free)
  struct disclose_pattern *pattern = disclose_protect(table, &DISCLOSE_RULES, &error);
  if (!pattern) fail_msg("%s", error->message);
  assert_int_equal(pattern->cells[0].proof, DISCLOSE_UNPROTECTED);
  assert_int_equal(pattern->cells[1].proof, DISCLOSE_BY_MOVE);
}

static void a_count_below_the_threshold_is_withheld_unless_it_is_0(void **state)
{
  (void)state;
  for (int64_t count = 0; count < 5; count++) {
    struct disclose_cell cell = {.kind = DISCLOSE_COUNT, .value = count, .parents = 1, .weight = 1};
    CLEANUP(disclose_table_free) struct disclose_table *table = disclose_table_new();
    disclose_table_cell(table, &cell);
    CLEANUP(disclose_pattern_free)
    struct disclose_pattern *pattern = disclose_protect(table, &DISCLOSE_RULES, NULL);
    bool small = count == 1 || count == 2;
    assert_int_equal(pattern->cells[0].status, small ? DISCLOSE_FEW : DISCLOSE_PUBLISHED);
  }
}

static void each_status_has_its_flag(void **state)
{
  (void)state;
  const char flags[] = "FAOTODD";
  for (int i = DISCLOSE_PUBLISHED; i <= DISCLOSE_COARSENED; i++)
    assert_int_equal(disclose_conf_status((enum disclose_status)i), flags[i]);
}

/* --- tables --- */

struct scene {
  struct disclose_table *table;
  struct disclose_pattern *pattern;
  GArray *cells; /* struct disclose_cell, without shares */
  GArray *terms, *ends, *least, *most;
};

static int set_up(void **state)
{
  struct scene *scene = g_new0(struct scene, 1);
  scene->table = disclose_table_new();
  scene->cells = g_array_new(false, false, sizeof(struct disclose_cell));
  scene->terms = g_array_new(false, false, sizeof(struct disclose_term));
  scene->ends = g_array_new(false, false, sizeof(size_t));
  *state = scene;
  return 0;
}

static int tear_down(void **state)
{
  struct scene *scene = *state;
  disclose_table_free(scene->table);
  disclose_pattern_free(scene->pattern);
  g_array_unref(scene->cells);
  g_array_unref(scene->terms);
  g_array_unref(scene->ends);
  g_free(scene);
  return 0;
}

static size_t put(struct scene *scene, const struct disclose_cell *cell)
{
  g_array_append_vals(scene->cells, cell, 1);
  return disclose_table_cell(scene->table, cell);
}

/* Of two parents. */
static size_t few(struct scene *scene, int64_t value, int64_t weight)
{
  struct disclose_share shares[] = {{1000, value - value / 3, false}, {1001, value / 3, false}};
  struct disclose_cell cell = {
      .value = value, .parents = 2, .magnitude = value, .shares = shares, .share_count = 2};
  cell.weight = weight;
  return put(scene, &cell);
}

/* Of thirty, about equal. */
static size_t many(struct scene *scene, int64_t value, int64_t weight)
{
  struct disclose_share shares[] = {{2000, value / 30, false}, {2001, value / 30, false}};
  struct disclose_cell cell = {
      .value = value, .parents = 30, .magnitude = value, .shares = shares, .share_count = 2};
  cell.weight = weight;
  return put(scene, &cell);
}

static size_t known(struct scene *scene, int64_t value)
{
  struct disclose_cell cell = {.value = value, .parents = 30, .magnitude = value, .weight = 1, .known = true};
  return put(scene, &cell);
}

static void relate(struct scene *scene, const struct disclose_term *terms, size_t count)
{
  disclose_table_relation(scene->table, terms, count, 0, 0, DISCLOSE_STANDS);
  g_array_append_vals(scene->terms, terms, (guint)count);
  size_t end = scene->terms->len;
  g_array_append_val(scene->ends, end);
}

#define RELATE(scene, ...)                                                                                   \
  relate(scene, (struct disclose_term[]){__VA_ARGS__},                                                       \
         sizeof((struct disclose_term[]){__VA_ARGS__}) / sizeof(struct disclose_term))

static const struct disclose_outcome *outcome(const struct scene *scene, size_t cell)
{
  return &scene->pattern->cells[cell];
}

static bool is_hidden(const struct scene *scene, size_t cell)
{
  return outcome(scene, cell)->status != DISCLOSE_PUBLISHED;
}

static void protect(struct scene *scene)
{
  g_autoptr(GError) error = NULL;
  scene->pattern = disclose_protect(scene->table, &DISCLOSE_RULES, &error);
  if (!scene->pattern) fail_msg("%s", error->message);
}

/* Whether `cell` stays protected where those of `hidden` are withheld, or else those of the pattern; with one
 * relation more between two ends, if `count` is not 0. */
static bool stays_hidden(const struct scene *scene, size_t cell, const bool *hidden,
                         const struct disclose_term *terms, size_t count, double least, double most)
{
  struct attacker attacker = attacker_make(scene->cells->len);
  for (size_t r = 0, from = 0; r < scene->ends->len; r++) {
    size_t end = g_array_index(scene->ends, size_t, r);
    attacker_relation(&attacker, &g_array_index(scene->terms, struct disclose_term, from), end - from, GLP_FX,
                      0, 0);
    from = end;
  }
  if (count > 0) attacker_relation(&attacker, terms, count, GLP_DB, least, most);
  for (size_t i = 0; i < scene->cells->len; i++) {
    const struct disclose_cell *own = &g_array_index(scene->cells, struct disclose_cell, i);
    if ((hidden ? hidden[i] : is_hidden(scene, i)) && !own->known)
      attacker_withhold(&attacker, i, own->value, own->magnitude, own->kind == DISCLOSE_SIGNED);
    else
      attacker_publish(&attacker, i, own->value);
  }
  const struct disclose_outcome *need = outcome(scene, cell);
  int128 value = g_array_index(scene->cells, struct disclose_cell, cell).value;
  bool fails = attacker_fails(&attacker, cell, value, need->need_down, need->need_up);
  attacker_clear(&attacker);
  return fails;
}

static void assert_only_naive_breaks(const struct scene *scene, size_t cell, const bool *naive)
{
  assert_false(stays_hidden(scene, cell, naive, NULL, 0, 0, 0));
  assert_true(stays_hidden(scene, cell, NULL, NULL, 0, 0, 0));
  assert_int_equal(scene->pattern->unprotected, 0);
}

static void a_cell_alone_in_its_row_takes_the_margin_with_it(void **state)
{
  struct scene *scene = *state;
  size_t a = few(scene, 300, 1), row = few(scene, 300, 5), b = many(scene, 9000, 50),
         all = many(scene, 9300, 90);
  RELATE(scene, {a, 1}, {row, -1});
  RELATE(scene, {row, 1}, {b, 1}, {all, -1});
  protect(scene);
  assert_true(is_hidden(scene, a) && is_hidden(scene, row) && is_hidden(scene, b));
  assert_false(is_hidden(scene, all));
  assert_true(stays_hidden(scene, a, NULL, NULL, 0, 0, 0));
}

/* January to May is out, and so is January to April: May follows, unless one of them is withheld. */
static void a_month_does_not_follow_from_two_cumulative_figures(void **state)
{
  struct scene *scene = *state;
  size_t month = few(scene, 300, 1), other = many(scene, 400, 1), sum = many(scene, 700, 9);
  size_t before = many(scene, 1000, 5), now = many(scene, 1300, 4);
  RELATE(scene, {month, 1}, {other, 1}, {sum, -1});
  RELATE(scene, {before, 1}, {month, 1}, {now, -1});
  protect(scene);
  const bool naive[] = {true, true, false, false, false};
  assert_only_naive_breaks(scene, month, naive);
  assert_true(is_hidden(scene, now) && !is_hidden(scene, before) && !is_hidden(scene, sum));
}

/* The edition before had 280 in the cell's place, and the revision is printed. */
static void a_cell_does_not_follow_from_the_previous_edition(void **state)
{
  struct scene *scene = *state;
  size_t cell = few(scene, 300, 1), other = many(scene, 400, 1), sum = many(scene, 700, 9);
  size_t old = known(scene, 280);
  struct disclose_cell change = {
      .kind = DISCLOSE_SIGNED, .value = 20, .parents = 30, .magnitude = 200, .weight = 3};
  size_t revision = put(scene, &change);
  RELATE(scene, {cell, 1}, {other, 1}, {sum, -1});
  RELATE(scene, {old, 1}, {revision, 1}, {cell, -1});
  protect(scene);
  const bool naive[] = {true, true, false, false, false};
  assert_only_naive_breaks(scene, cell, naive);
  assert_true(is_hidden(scene, revision) && !is_hidden(scene, old) && !is_hidden(scene, sum));
}

/* The overlap line is cheap, and follows from the overlap of the whole and of the other slice. */
static void a_cell_does_not_follow_from_the_overlap_line(void **state)
{
  struct scene *scene = *state;
  size_t east = few(scene, 300, 1), west = many(scene, 900, 50), overlap = many(scene, 120, 1);
  size_t zone = many(scene, 1080, 90);
  size_t other_slice = many(scene, 60, 20), overlap_all = many(scene, 180, 30);
  RELATE(scene, {east, 1}, {west, 1}, {overlap, -1}, {zone, -1});
  RELATE(scene, {overlap, 1}, {other_slice, 1}, {overlap_all, -1});
  protect(scene);
  const bool naive[] = {true, false, true, false, false, false};
  assert_only_naive_breaks(scene, east, naive);
}

/* R&D in percent of revenue stands in a plan's yearly report, so revenue gives R&D within its rounding. */
static void a_cell_does_not_follow_from_a_ratio_that_is_out(void **state)
{
  struct scene *scene = *state;
  size_t rd = few(scene, 3000, 1), rd_other = many(scene, 4000, 1), rd_all = many(scene, 7000, 9);
  size_t revenue = many(scene, 50000, 3), revenue_other = many(scene, 60000, 3),
         revenue_all = many(scene, 110000, 9);
  RELATE(scene, {rd, 1}, {rd_other, 1}, {rd_all, -1});
  RELATE(scene, {revenue, 1}, {revenue_other, 1}, {revenue_all, -1});
  disclose_table_ratio(scene->table, rd, revenue, 100, 60, 1, DISCLOSE_STANDS);
  protect(scene);
  assert_int_equal(scene->pattern->unprotected, 0);
  assert_true(is_hidden(scene, revenue));
  /* |100 rd ÷ revenue − 6.0| ≤ 0.05, so 0 ≤ 2000 rd − 119 revenue ≤ 2 revenue at most. */
  const struct disclose_term ratio[] = {{rd, 2000}, {revenue, -120}};
  const bool naive[] = {true, true, false, false, false, false};
  assert_false(stays_hidden(scene, rd, naive, ratio, 2, -50000, 50000));
  assert_true(stays_hidden(scene, rd, NULL, ratio, 2, -50000, 50000));
}

static void a_ratio_of_this_edition_is_withheld_with_its_parts(void **state)
{
  struct scene *scene = *state;
  size_t rd = few(scene, 3000, 1), rd_other = many(scene, 4000, 1), rd_all = many(scene, 7000, 9);
  size_t revenue = many(scene, 50000, 3), revenue_all = many(scene, 110000, 3);
  RELATE(scene, {rd, 1}, {rd_other, 1}, {rd_all, -1});
  size_t first = disclose_table_ratio(scene->table, rd, revenue, 100, 60, 1, DISCLOSE_FOLLOWS);
  size_t second = disclose_table_ratio(scene->table, rd_all, revenue_all, 100, 64, 1, DISCLOSE_FOLLOWS);
  protect(scene);
  assert_false(is_hidden(scene, revenue));
  assert_true(scene->pattern->withheld[first] && scene->pattern->withheld[first + 1]);
  assert_false(scene->pattern->withheld[second] || scene->pattern->withheld[second + 1]);
}

/* A and B are single parents' and the only ones withheld of their row: A would know B. */
static void who_knows_one_cell_does_not_learn_another(void **state)
{
  struct scene *scene = *state;
  struct disclose_share a_share = {1, 300, false}, b_share = {2, 280, false};
  struct disclose_cell cell = {
      .value = 300, .parents = 1, .magnitude = 300, .shares = &a_share, .share_count = 1};
  cell.weight = 1;
  size_t a = put(scene, &cell);
  cell.value = cell.magnitude = 280;
  cell.shares = &b_share;
  size_t b = put(scene, &cell), c = many(scene, 5000, 9), sum = many(scene, 5580, 90);
  RELATE(scene, {a, 1}, {b, 1}, {c, 1}, {sum, -1});
  protect(scene);
  assert_true(is_hidden(scene, a) && is_hidden(scene, b) && is_hidden(scene, c));
  assert_false(is_hidden(scene, sum));
}

static void the_cheaper_cell_is_lost(void **state)
{
  struct scene *scene = *state;
  size_t a = few(scene, 300, 1), dear = many(scene, 500, 8), cheap = many(scene, 600, 7),
         sum = many(scene, 1400, 90);
  RELATE(scene, {a, 1}, {dear, 1}, {cheap, 1}, {sum, -1});
  protect(scene);
  assert_true(is_hidden(scene, cheap));
  assert_false(is_hidden(scene, dear) || is_hidden(scene, sum));
  assert_true(scene->pattern->lost == 7);
}

/* 2000 must be able to move by 400, and no single cell of its row can. */
static void several_small_cells_hide_a_large_one(void **state)
{
  struct scene *scene = *state;
  size_t a = few(scene, 2000, 1), small[5];
  struct disclose_cell zone = {.value = 2750, .parents = 90, .magnitude = 2750, .weight = 9, .known = true};
  struct disclose_term terms[7] = {{a, 1}};
  for (size_t i = 0; i < 5; i++) {
    small[i] = many(scene, 150, 1);
    terms[i + 1] = (struct disclose_term){small[i], 1};
  }
  terms[6] = (struct disclose_term){put(scene, &zone), -1};
  relate(scene, terms, 7);
  protect(scene);
  assert_int_equal(scene->pattern->unprotected, 0);
  assert_true(stays_hidden(scene, a, NULL, NULL, 0, 0, 0));
  assert_int_equal(scene->pattern->secondary, 3);
}

static void what_is_known_cannot_be_protected_and_is_named(void **state)
{
  struct scene *scene = *state;
  size_t a = few(scene, 300, 1), rest = known(scene, 700), sum = known(scene, 1000);
  RELATE(scene, {a, 1}, {rest, 1}, {sum, -1});
  protect(scene);
  assert_int_equal(scene->pattern->unprotected, 1);
  assert_int_equal(outcome(scene, a)->proof, DISCLOSE_UNPROTECTED);
}

/* --- totals of parts --- */

static size_t part_of(struct scene *scene, uint64_t parent, int64_t value)
{
  struct disclose_share share = {parent, value, false};
  return put(scene, &(struct disclose_cell){.value = value,
                                            .magnitude = value,
                                            .parents = 1,
                                            .shares = &share,
                                            .share_count = 1,
                                            .weight = 1,
                                            .is_part = true});
}

static size_t total_of_two(struct scene *scene, uint64_t one, int64_t value, uint64_t other,
                           int64_t other_value)
{
  struct disclose_share shares[] = {{one, value, false}, {other, other_value, false}};
  return put(scene, &(struct disclose_cell){.value = value + other_value,
                                            .magnitude = value + other_value,
                                            .parents = 2,
                                            .shares = shares,
                                            .share_count = 2,
                                            .weight = 10});
}

/* Only the total is withheld: its parts move with it, and one sees through the move of the other. */
static void a_total_of_two_is_protected_from_each_of_them(void **state)
{
  struct scene *scene = *state;
  size_t a = part_of(scene, 1, 60), b = part_of(scene, 2, 40), total = total_of_two(scene, 1, 60, 2, 40);
  RELATE(scene, {a, 1}, {b, 1}, {total, -1});
  protect(scene);
  assert_int_equal(outcome(scene, total)->proof, DISCLOSE_BY_MOVE);
  assert_int_equal(scene->pattern->unprotected, 0);
  assert_int_equal(scene->pattern->secondary, 0);
}

/* Who has all of it knows that the other has nothing, whatever is withheld. */
static void a_total_of_one_and_of_nothing_is_protected_from_the_public(void **state)
{
  struct scene *scene = *state;
  size_t a = part_of(scene, 1, 100), b = part_of(scene, 2, 0), total = total_of_two(scene, 1, 100, 2, 0);
  RELATE(scene, {a, 1}, {b, 1}, {total, -1});
  protect(scene);
  assert_true(is_hidden(scene, total));
  assert_int_equal(scene->pattern->unprotected, 0);
}

/* What is not printed anyhow is no loss, and is protected all the same. */
static void what_nobody_prints_costs_nothing_and_must_not_follow(void **state)
{
  struct scene *scene = *state;
  size_t all = many(scene, 1000, 100), slice = many(scene, 900, 10);
  struct disclose_share shares[] = {{7, 60, false}, {8, 40, false}};
  size_t rest = put(scene, &(struct disclose_cell){.value = 100,
                                                   .magnitude = 100,
                                                   .parents = 2,
                                                   .shares = shares,
                                                   .share_count = 2,
                                                   .weight = 1,
                                                   .unprinted = true});
  RELATE(scene, {slice, 1}, {rest, 1}, {all, -1});
  protect(scene);
  assert_true(is_hidden(scene, slice));
  assert_false(is_hidden(scene, all));
  assert_int_equal(scene->pattern->secondary, 1);
}

/* --- coarsening --- */

static size_t of_group(struct scene *scene, size_t parents, int64_t value, unsigned group, bool kept)
{
  struct disclose_share shares[] = {{3000 + scene->cells->len, value / (int64_t)parents, false},
                                    {4000 + scene->cells->len, value / (int64_t)parents, false}};
  struct disclose_cell cell = {
      .value = value, .parents = (int64_t)parents, .magnitude = value, .shares = shares};
  cell.share_count = 2;
  cell.weight = kept ? 1000 : 10;
  cell.group = group;
  cell.kept = kept;
  return put(scene, &cell);
}

/* Rows of which no single cell has room for the others' need, each tied to its row's total. */
static void the_zone_s_total_outlives_all_others(void **state)
{
  struct scene *scene = *state;
  size_t a = of_group(scene, 2, 300, 1, false), b = of_group(scene, 30, 900, 2, false);
  size_t zone = of_group(scene, 32, 1200, 0, true);
  RELATE(scene, {a, 1}, {b, 1}, {zone, -1});
  protect(scene);
  assert_true(is_hidden(scene, a) && is_hidden(scene, b));
  assert_false(is_hidden(scene, zone));
}

static void the_zone_s_total_is_lost_where_nothing_else_helps(void **state)
{
  struct scene *scene = *state;
  size_t a = of_group(scene, 2, 300, 0, false), rest = known(scene, 900),
         zone = of_group(scene, 32, 1200, 0, true);
  RELATE(scene, {a, 1}, {rest, 1}, {zone, -1});
  protect(scene);
  assert_true(is_hidden(scene, zone));
  assert_int_equal(scene->pattern->unprotected, 0);
}

/* --- bad input --- */

static void assert_refused(struct scene *scene, int code, const char *why)
{
  g_autoptr(GError) error = NULL;
  assert_null(disclose_protect(scene->table, &DISCLOSE_RULES, &error));
  assert_int_equal(error->code, code);
  if (!strstr(error->message, why)) fail_msg("%s", error->message);
}

static void a_relation_that_does_not_hold_is_named(void **state)
{
  struct scene *scene = *state;
  size_t a = many(scene, 300, 1), sum = many(scene, 301, 1);
  RELATE(scene, {a, 1}, {sum, -1});
  assert_refused(scene, ERROR_DATA, "relation 0 does not hold: its cells come to -1, expected 0 to 0");
}

static void a_term_without_its_cell_is_named(void **state)
{
  struct scene *scene = *state;
  size_t a = many(scene, 0, 1);
  RELATE(scene, {a, 1}, {a + 1, -1});
  assert_refused(scene, ERROR_DATA, "relation 0: term 1");
}

static void cells_that_make_no_sense_are_named(void **state)
{
  const struct disclose_cell cells[] = {
      {.value = LIMIT_DISCLOSE_VALUE + 1, .parents = 3, .weight = 1},
      {.value = 1, .parents = 3, .magnitude = 1, .weight = 0},
      {.value = -1, .parents = 3, .magnitude = 1, .weight = 1},
      {.value = 1, .parents = 0, .magnitude = 1, .weight = 1},
  };
  const char *why[] = {"too large", "out of range", "below 0", "no parent contributes"};
  (void)state;
  for (size_t i = 0; i < G_N_ELEMENTS(cells); i++) {
    CLEANUP(disclose_table_free) struct disclose_table *table = disclose_table_new();
    g_autoptr(GError) error = NULL;
    disclose_table_cell(table, &cells[i]);
    assert_null(disclose_protect(table, &DISCLOSE_RULES, &error));
    if (!strstr(error->message, why[i])) fail_msg("%s", error->message);
  }
}

static void a_table_over_the_limit_is_refused(void **state)
{
  struct scene *scene = *state;
  const struct disclose_cell cell = {.weight = 1};
  for (size_t i = 0; i <= LIMIT_DISCLOSE_CELLS; i++) disclose_table_cell(scene->table, &cell);
  assert_refused(scene, ERROR_UNAVAILABLE, "Publish it in parts.");
}

static void an_empty_table_is_no_trouble(void **state)
{
  struct scene *scene = *state;
  protect(scene);
  assert_int_equal(scene->pattern->cell_count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fewer_than_three_parents_are_few),
      cmocka_unit_test(two_may_hold_85_percent_and_no_more),
      cmocka_unit_test(the_second_must_not_tell_the_first),
      cmocka_unit_test(losses_count_as_much_as_profits),
      cmocka_unit_test(who_consents_is_taken_as_known),
      cmocka_unit_test(who_has_all_of_a_cell_is_no_way_out),
      cmocka_unit_test(a_count_below_the_threshold_is_withheld_unless_it_is_0),
      cmocka_unit_test(each_status_has_its_flag),
      TEST(a_cell_alone_in_its_row_takes_the_margin_with_it),
      TEST(a_month_does_not_follow_from_two_cumulative_figures),
      TEST(a_cell_does_not_follow_from_the_previous_edition),
      TEST(a_cell_does_not_follow_from_the_overlap_line),
      TEST(a_cell_does_not_follow_from_a_ratio_that_is_out),
      TEST(a_ratio_of_this_edition_is_withheld_with_its_parts),
      TEST(who_knows_one_cell_does_not_learn_another),
      TEST(the_cheaper_cell_is_lost),
      TEST(several_small_cells_hide_a_large_one),
      TEST(what_is_known_cannot_be_protected_and_is_named),
      TEST(a_total_of_two_is_protected_from_each_of_them),
      TEST(a_total_of_one_and_of_nothing_is_protected_from_the_public),
      TEST(what_nobody_prints_costs_nothing_and_must_not_follow),
      TEST(the_zone_s_total_outlives_all_others),
      TEST(the_zone_s_total_is_lost_where_nothing_else_helps),
      TEST(a_relation_that_does_not_hold_is_named),
      TEST(a_term_without_its_cell_is_named),
      TEST(cells_that_make_no_sense_are_named),
      TEST(a_table_over_the_limit_is_refused),
      TEST(an_empty_table_is_no_trouble),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Random cities that publish month after month, with corrections, against an attacker who knows of each
 * enterprise where it belongs and what every edition printed, and shares nothing with the code: his unknowns
 * are the figures of single units. PARKTALLY_SEED repeats a run. */
#include "aggregator/edition.h"
#include "aggregator/edition_protect.h"
#include "common/text.h"
#include "fixture.h"
#include "tests/sample.h"

#include "attacker.h"

#include <stdlib.h>
#include <string.h>

enum { UNITS_MOST = 48, MONTHS = 2, COLUMNS = 4, ROUNDS = 3 };
enum { OUTPUT, SALES, SALES_YTD, STAFF }; /* columns of the form monthly */
static const char *const months[MONTHS] = {"2018-04", "2018-05"};
static const char *const codes[COLUMNS] = {"output", "sales", "sales.ytd", "staff"};
static const char *const areas[] = {"zone", "group", "east", "west", "south"};
static const char *const slices[] = {"all", "cars", "steel", "metal", "above_scale", "outside_boundary"};
enum { AREAS = G_N_ELEMENTS(areas), SLICES = G_N_ELEMENTS(slices) };

struct unit {
  char code[24];
  int parent; /* of the test's numbers */
  const char *parks;
  bool inside, cars, steel, scaled;
};

struct city {
  uint64_t seed;
  GRand *rand;
  struct fixture fixture;
  struct fixture_agent agent[3]; /* east, west, south */
  struct store *reader;
  int units;
  struct unit unit[UNITS_MOST];
  /* What was known when each edition was made. */
  int64_t value[ROUNDS][UNITS_MOST][MONTHS][COLUMNS];
  uint8_t id[MONTHS][3][SUBMISSION_ID_SIZE];
  struct edition *edition[ROUNDS];
  struct edition_source *source[ROUNDS];
  int month[ROUNDS];
};

/* --- the city --- */

static int agent_of(const struct unit *unit)
{
  return g_str_has_prefix(unit->parks, "east") ? 0 : g_str_has_prefix(unit->parks, "west") ? 1 : 2;
}

static void make_units(struct city *city)
{
  static const char *const parks[] = {"east", "east", "west", "west", "south", "east;west"};
  city->units = g_rand_int_range(city->rand, 8, UNITS_MOST);
  for (int u = 0; u < city->units; u++) {
    struct unit *unit = &city->unit[u];
    bool plant = u > 3 && g_rand_int_range(city->rand, 0, 6) == 0;
    int parent = plant ? g_rand_int_range(city->rand, 0, 3) : u;
    unit->parent = parent;
    if (plant)
      g_snprintf(unit->code, sizeof unit->code, "%s-%02d", fixture_uscc((unsigned)parent), u);
    else
      g_strlcpy(unit->code, fixture_uscc((unsigned)u), sizeof unit->code);
    unit->parks = parks[g_rand_int_range(city->rand, 0, G_N_ELEMENTS(parks))];
    unit->inside = g_rand_int_range(city->rand, 0, 5) > 0;
    unit->cars = g_rand_int_range(city->rand, 0, 2) == 0;
    unit->steel = g_rand_int_range(city->rand, 0, 4) == 0;
    unit->scaled = g_rand_int_range(city->rand, 0, 3) > 0;
  }
}

/* Each is an enterprise. */
static void take_units(struct city *city, const struct unit *units, size_t count)
{
  city->units = (int)count;
  for (int u = 0; u < city->units; u++) {
    city->unit[u] = units[u];
    city->unit[u].parent = u;
    g_strlcpy(city->unit[u].code, fixture_uscc((unsigned)u), sizeof city->unit[u].code);
  }
}

static char *write_register(const struct city *city)
{
  GString *csv = g_string_new(
      "unit,class,parent,name,parks,reporter,in_boundary,industry,clusters,flags,status,succeeds,from,to\n");
  for (int u = 0; u < city->units; u++) {
    const struct unit *unit = &city->unit[u];
    g_string_append_printf(csv, "%s,%s,%s,名,%s,%s,%d,,%s%s%s,%s,正常,,2010-01-01,\n", unit->code,
                           unit->parent == u ? "enterprise" : "establishment",
                           unit->parent == u ? "" : city->unit[unit->parent].code, unit->parks,
                           strchr(unit->parks, ';') ? "east" : "", unit->inside, unit->cars ? "cars" : "",
                           unit->cars && unit->steel ? ";" : "", unit->steel ? "steel" : "",
                           unit->scaled ? "above_scale" : "");
  }
  return g_string_free(csv, FALSE);
}

/* Few are large. */
static int64_t random_figure(GRand *rand)
{
  int64_t value = g_rand_int_range(rand, 0, 2000);
  while (g_rand_int_range(rand, 0, 4) == 0) value *= 6;
  return value;
}

static void make_figures(struct city *city)
{
  for (int u = 0; u < city->units; u++)
    for (int m = 0; m < MONTHS; m++)
      for (int c = 0; c < COLUMNS; c++) {
        int64_t value = random_figure(city->rand);
        if (c == SALES_YTD)
          value = city->value[0][u][m][SALES] + (m > 0 ? city->value[0][u][m - 1][SALES_YTD] : value);
        city->value[0][u][m][c] = value;
      }
  for (int round = 1; round < ROUNDS; round++)
    memcpy(city->value[round], city->value[0], sizeof city->value[0]);
}

static int by_code(const void *left, const void *right)
{
  const struct fixture_report *a = left, *b = right;
  return strcmp(a->unit, b->unit);
}

/* Reports one unit's month, or (−1) everybody's. */
static void report(struct city *city, int round, int month, int only)
{
  for (int agent = 0; agent < 3; agent++) {
    struct fixture_report reports[UNITS_MOST] = {0};
    size_t count = 0;
    for (int u = 0; u < city->units; u++) {
      if (agent_of(&city->unit[u]) != agent || (only >= 0 && u != only)) continue;
      struct fixture_report *one = &reports[count++];
      one->unit = city->unit[u].code;
      one->base = only >= 0 ? city->id[month][agent] : NULL;
      for (unsigned c = 0; c < COLUMNS; c++) {
        column_set_add(&one->change.asked, c);
        figures_set(&one->change.figures, c, city->value[round][u][month][c]);
      }
    }
    if (count == 0) continue;
    qsort(reports, count, sizeof *reports, by_code);
    uint8_t id[SUBMISSION_ID_SIZE];
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) sealed =
        fixture_seal(&city->fixture, &city->agent[agent], "monthly", months[month], reports, count, id);
    CLEANUP(receipt_free) struct receipt *receipt = fixture_submit(&city->fixture, sealed, &error);
    if (!receipt) fail_msg("%s", error->message);
    assert_int_equal(receipt->counted, count);
    if (only < 0) memcpy(city->id[month][agent], id, sizeof id);
  }
}

/* What is out after this round; its source is that of today. */
static void publish(struct city *city, int round, int month)
{
  g_autoptr(GError) error = NULL;
  struct period period;
  CLEANUP(snapshot_unref)
  struct snapshot *snapshot = present_begin(writer_present(city->fixture.writer), city->reader, &error);
  if (!snapshot) fail_msg("%s", error->message);
  CLEANUP(reader_free) struct reader *reader = reader_new(city->reader, snapshot);
  assert_true(period_parse(months[month], &period));
  city->month[round] = month;
  city->source[round] = reader_edition(reader, "monthly", period, store_leaf_count(city->reader), 2, &error);
  if (!city->source[round]) fail_msg("%s", error->message);
  assert_true(store_commit(city->reader, NULL));

  struct edition_protection protection;
  g_autoptr(GArray) bases = g_array_new(FALSE, FALSE, sizeof(struct edition_basis));
  city->edition[round] = edition_new();
  for (int n = round; n >= 0; n--) {
    struct edition_basis basis = {city->source[n], n == round ? NULL : city->edition[n]};
    g_array_append_val(bases, basis);
  }
  if (!edition_protect(bases, &DISCLOSE_RULES, city->edition[round], &protection, &error))
    fail_msg("PARKTALLY_SEED=%" G_GUINT64_FORMAT ": %s", city->seed, error->message);
}

static void correct(struct city *city, int round, int month)
{
  int u = g_rand_int_range(city->rand, 0, city->units);
  int64_t added = 1 + random_figure(city->rand);
  for (int r = round; r < ROUNDS; r++) {
    city->value[r][u][month][SALES] += added;
    city->value[r][u][month][SALES_YTD] += added;
  }
  report(city, round, month, u);
}

/* The catalogue of the tests, and a set of two of its slices. */
static void add_set(struct city *city)
{
  CLEANUP(snapshot_unref) struct snapshot *before = present_get(writer_present(city->fixture.writer));
  g_auto(GStrv) parts = g_strsplit(before->catalogue->text, "  above_scale: {flag", 2);
  g_autofree char *text =
      g_strconcat(parts[0], "  metal: {zh: 金属, en: Metal, any_of: [cars, steel]}\n  above_scale: {flag",
                  parts[1], NULL);
  struct act act = {.kind = LEAF_CATALOGUE, .by = "test", .text = g_bytes_new(text, strlen(text))};
  g_autoptr(GError) error = NULL;
  if (!writer_act(city->fixture.writer, &act, NULL, &error)) fail_msg("%s", error->message);
  g_bytes_unref(act.text);
}

/* `units` of a table, or (NULL) random ones. */
static void city_begin(struct city *city, uint64_t seed, const struct unit *units, size_t count)
{
  static const char *const parks[] = {"east", "west", "south"};
  g_autoptr(GError) error = NULL;
  memset(city, 0, sizeof *city);
  city->seed = seed;
  city->rand = g_rand_new_with_seed((guint32)seed);
  if (units)
    take_units(city, units, count);
  else
    make_units(city);
  make_figures(city);
  g_autofree char *csv = write_register(city);
  fixture_setup(&city->fixture, csv);
  add_set(city);
  for (int n = 0; n < 3; n++) fixture_enrol(&city->fixture, parks[n], &city->agent[n]);
  g_autofree char *path = g_build_filename(city->fixture.folder, "store.db", NULL);
  city->reader = store_open(path, STORE_READ, &error);
  if (!city->reader) fail_msg("%s", error->message);
}

static void city_end(struct city *city)
{
  for (int n = 0; n < ROUNDS; n++) {
    edition_free(city->edition[n]);
    edition_source_free(city->source[n]);
  }
  for (int n = 0; n < 3; n++) fixture_agent_clear(&city->agent[n]);
  store_close(city->reader);
  fixture_teardown(&city->fixture);
  g_rand_free(city->rand);
}

/* --- what the attacker knows --- */

/* The unknown that a figure is: a corrected one is another. */
static size_t unknown(const struct city *city, int round, int u, int m, int c)
{
  while (round > 0 && city->value[round - 1][u][m][c] == city->value[round][u][m][c]) round--;
  return (((size_t)round * UNITS_MOST + (size_t)u) * MONTHS + (size_t)m) * COLUMNS + (size_t)c;
}

static bool is_in_area(const struct unit *unit, int area)
{
  bool park = strstr(unit->parks, areas[area]) != NULL, north = !g_str_has_prefix(unit->parks, "south");
  if (area == 0) return unit->inside;
  return area == 1 ? north && unit->inside : park;
}

static bool is_in_slice(const struct unit *unit, int slice)
{
  const bool in[SLICES] = {true,         unit->cars,   unit->steel, unit->cars || unit->steel,
                           unit->scaled, !unit->inside};
  return slice < SLICES ? in[slice] : !in[slice - SLICES];
}

/* How often a unit is in what an edition prints as area × slice; −1 for the overlap, SLICES + slice for all
 * without the slice. */
static int times(const struct unit *unit, int area, int slice)
{
  if (slice >= 0) return is_in_area(unit, area) && is_in_slice(unit, slice);
  int parts =
      area == 0 ? is_in_area(unit, 1) + is_in_area(unit, 4) : is_in_area(unit, 2) + is_in_area(unit, 3);
  return parts - is_in_area(unit, area);
}

static int find(const char *const *list, size_t count, const char *code)
{
  for (size_t n = 0; n < count; n++)
    if (strcmp(list[n], code) == 0) return (int)n;
  return -1;
}

struct printed {
  int round, area, slice, column; /* slice: as of times() */
  const struct edition_cell *cell;
};
static const struct edition_cell NOT_PRINTED;
static const char *slice_name(int slice)
{
  return slice < 0 ? "overlap" : slice < SLICES ? slices[slice] : "rest";
}

static bool read_printed(const struct city *city, int round, unsigned n, struct printed *ret_printed)
{
  const struct edition *edition = city->edition[round];
  const struct edition_cell *cell = &g_array_index(edition->cells, struct edition_cell, n);
  const char *column = g_array_index(edition->columns, struct edition_column, cell->column).code;
  *ret_printed = (struct printed){
      round, find(areas, AREAS, g_array_index(edition->areas, struct edition_item, cell->area).code),
      find(slices, SLICES, g_array_index(edition->slices, struct edition_item, cell->slice).code),
      find(codes, COLUMNS, column), cell};
  return ret_printed->column >= 0; /* numbers of units are known to him anyhow */
}

static void learn_totals(const struct city *city, struct attacker *attacker)
{
  g_autoptr(GArray) terms = g_array_new(FALSE, FALSE, sizeof(struct disclose_term));
  for (int round = 0; round < ROUNDS; round++)
    for (unsigned n = 0; n < city->edition[round]->cells->len; n++) {
      struct printed printed;
      int128 sum = 0;
      if (!read_printed(city, round, n, &printed) || !printed.cell->value) continue;
      g_array_set_size(terms, 0);
      for (int u = 0; u < city->units; u++) {
        int often = times(&city->unit[u], printed.area, printed.slice);
        struct disclose_term term = {unknown(city, round, u, city->month[round], printed.column), often};
        if (often == 0) continue;
        g_array_append_val(terms, term);
        sum += often * city->value[round][u][city->month[round]][printed.column];
      }
      char text[DECIMAL_TEXT_SIZE];
      assert_string_equal(printed.cell->value, decimal_format(sum, printed.column == OUTPUT ? 1 : 0, text));
      attacker_relation(attacker, (const struct disclose_term *)(const void *)terms->data, terms->len, GLP_FX,
                        (double)sum, (double)sum);
    }
}

/* January to May is January to April and May. */
static void learn_months(const struct city *city, struct attacker *attacker)
{
  for (int round = 1; round < ROUNDS; round++)
    for (int u = 0; u < city->units; u++) {
      const struct disclose_term terms[] = {{unknown(city, round, u, 1, SALES_YTD), -1},
                                            {unknown(city, round, u, 1, SALES), 1},
                                            {unknown(city, 0, u, 0, SALES_YTD), 1}};
      attacker_relation(attacker, terms, G_N_ELEMENTS(terms), GLP_FX, 0, 0);
    }
}

/* --- whether he finds out --- */

/* What enterprises contribute to a cell, the largest first. */
static int contributions(const struct city *city, const struct printed *printed, int128 *ret_sizes)
{
  bool in[UNITS_MOST] = {false};
  int count = 0;
  memset(ret_sizes, 0, UNITS_MOST * sizeof *ret_sizes);
  for (int u = 0; u < city->units; u++) {
    int often = times(&city->unit[u], printed->area, printed->slice);
    if (often == 0) continue;
    in[city->unit[u].parent] = true;
    ret_sizes[city->unit[u].parent] +=
        often * city->value[printed->round][u][city->month[printed->round]][printed->column];
  }
  for (int p = 0; p < UNITS_MOST; p++)
    if (in[p]) ret_sizes[count++] = ret_sizes[p];
  for (int a = 0; a < count; a++)
    for (int b = a + 1; b < count; b++)
      if (ret_sizes[b] > ret_sizes[a]) {
        int128 size = ret_sizes[a];
        ret_sizes[a] = ret_sizes[b];
        ret_sizes[b] = size;
      }
  return count;
}

/* By the rules of the handbook: how much must stay open; 0 where the cell may be known. */
static int128 need(const int128 *sizes, int count)
{
  int128 total = 0, wide = 0, open = 0;
  for (int n = 0; n < count; n++) total += sizes[n];
  int128 two = sizes[0] + (count > 1 ? sizes[1] : 0);
  if (count == 0) return 0;
  if (count < 3) open = total / 5;
  if (two * 100 > total * 85) wide = two * 100 / 85 - total;
  open = MAX(open, wide);
  if ((total - two) * 100 < sizes[0] * 10) open = MAX(open, sizes[0] / 10 - (total - two));
  return open;
}

/* Whatever it is withheld for: if it tells of too few it must stay open. */
static void attack(const struct city *city, struct attacker *attacker, const struct printed *printed)
{
  int128 sizes[UNITS_MOST], total = 0;
  int count = contributions(city, printed, sizes);
  int128 open = need(sizes, count);
  for (int n = 0; n < count; n++) total += sizes[n];
  if (open == 0) return;
  if (printed->cell->value)
    fail_msg("PARKTALLY_SEED=%" G_GUINT64_FORMAT ": %s %s %s of edition %d tells of too few", city->seed,
             areas[printed->area], slice_name(printed->slice), codes[printed->column], printed->round + 1);
  /* An unknown of its own for the sum. */
  size_t sum = (size_t)glp_add_cols(attacker->problem, 1) - 1;
  g_autoptr(GArray) terms = g_array_new(FALSE, FALSE, sizeof(struct disclose_term));
  struct disclose_term own = {sum, -1};
  g_array_append_val(terms, own);
  for (int u = 0; u < city->units; u++) {
    int often = times(&city->unit[u], printed->area, printed->slice);
    struct disclose_term term = {
        unknown(city, printed->round, u, city->month[printed->round], printed->column), often};
    if (often != 0) g_array_append_val(terms, term);
  }
  attacker_relation(attacker, (const struct disclose_term *)(const void *)terms->data, terms->len, GLP_FX, 0,
                    0);
  attacker_withhold(attacker, sum, total, total, false);
  if (!attacker_fails(attacker, sum, total, MIN(open, total), open))
    fail_msg("PARKTALLY_SEED=%" G_GUINT64_FORMAT ": %s %s %s of edition %d is found out", city->seed,
             areas[printed->area], slice_name(printed->slice), codes[printed->column], printed->round + 1);
}

/* What all have that are not in the slice: everybody knows it as a difference. */
static void attack_rests(const struct city *city, struct attacker *attacker, unsigned *attacks)
{
  for (int round = 0; round < ROUNDS; round++)
    for (int area = 0; area < AREAS; area++)
      for (int slice = 1; slice < SLICES; slice++) {
        struct printed rest = {round, area, SLICES + slice, OUTPUT + (int)(city->seed % 3), &NOT_PRINTED};
        attack(city, attacker, &rest);
        ++*attacks;
      }
}

static void attack_all(const struct city *city, unsigned *attacks)
{
  size_t unknowns = (size_t)ROUNDS * UNITS_MOST * MONTHS * COLUMNS;
  struct attacker attacker = attacker_make(unknowns);
  for (size_t n = 0; n < unknowns; n++) attacker_withhold(&attacker, n, 0, 0, false);
  learn_totals(city, &attacker);
  learn_months(city, &attacker);
  unsigned step = 0;
  for (int round = 0; round < ROUNDS; round++)
    for (unsigned n = 0; n < city->edition[round]->cells->len; n++) {
      struct printed printed;
      if (!read_printed(city, round, n, &printed) || printed.cell->value) continue;
      if (step++ % 7 != city->seed % 7) continue; /* each takes two linear programmes */
      attack(city, &attacker, &printed);
      ++*attacks;
    }
  for (int round = 0; round < ROUNDS; round++)
    for (unsigned n = 0; n < city->edition[round]->cells->len; n++) {
      struct printed printed;
      if (read_printed(city, round, n, &printed) && printed.cell->value) attack(city, &attacker, &printed);
    }
  attack_rests(city, &attacker, attacks);
  attacker_clear(&attacker);
}

static void nobody_finds_out_by_all_that_is_published(void **state)
{
  const char *given = g_getenv("PARKTALLY_SEED");
  uint64_t seed = given ? g_ascii_strtoull(given, NULL, 10) : (uint64_t)g_get_real_time() % 1000000;
  unsigned attacks = 0, cities = given ? 1 : (unsigned)sample_rounds(10);
  (void)state;
  for (unsigned n = 0; n < cities; n++) {
    struct city *city = g_new0(struct city, 1);
    print_message("PARKTALLY_SEED=%" G_GUINT64_FORMAT "\n", seed + n);
    city_begin(city, seed + n, NULL, 0);
    report(city, 0, 0, -1);
    publish(city, 0, 0);
    report(city, 1, 1, -1);
    publish(city, 1, 1);
    correct(city, 2, 1);
    publish(city, 2, 1);
    attack_all(city, &attacks);
    city_end(city);
    g_free(city);
  }
  print_message("%u attacks on %u cities\n", attacks, cities);
  assert_true(attacks > 0);
}

/* Of the zone. */
static bool prints_number(const struct edition *edition, const char *slice)
{
  for (unsigned n = 0; n < edition->cells->len; n++) {
    const struct edition_cell *cell = &g_array_index(edition->cells, struct edition_cell, n);
    if (strcmp(g_array_index(edition->areas, struct edition_item, cell->area).code, "zone") == 0 &&
        strcmp(g_array_index(edition->slices, struct edition_item, cell->slice).code, slice) == 0 &&
        strcmp(g_array_index(edition->columns, struct edition_column, cell->column).code, EDITION_REPORTED) ==
            0)
      return cell->value != NULL;
  }
  fail_msg("there is no number of units of %s", slice);
  return false;
}

/* Of metal, a set of cars and steel, and its members. */
static void the_few_units_of_a_slice_do_not_follow_from_a_set_that_has_it(void **state)
{
  static const struct {
    int cars, both, steel, others;
    bool printed;
  } cases[] = {
      {2, 0, 4, 4, false}, /* two are cars */
      {2, 3, 3, 4, false}, /* two are metal and not steel */
      {3, 1, 3, 4, false}, /* one is both */
      {0, 3, 3, 4, true},  {3, 3, 3, 3, true},
  };
  static const char *const numbers[] = {"cars", "steel", "metal"};
  (void)state;
  for (size_t n = 0; n < G_N_ELEMENTS(cases); n++) {
    struct unit units[UNITS_MOST];
    int ends = cases[n].cars + cases[n].both, steel = ends + cases[n].steel, all = steel + cases[n].others;
    for (int u = 0; u < all; u++)
      units[u] = (struct unit){
          .parks = "south", .inside = true, .cars = u < ends, .steel = u >= cases[n].cars && u < steel};
    struct city *city = g_new0(struct city, 1);
    city_begin(city, n, units, (size_t)all);
    report(city, 0, 0, -1);
    publish(city, 0, 0);
    bool printed = true;
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) printed &= prints_number(city->edition[0], numbers[i]);
    if (printed != cases[n].printed)
      fail_msg("case %zu: all numbers are%s printed", n, printed ? "" : " not");
    assert_true(prints_number(city->edition[0], "all"));
    city_end(city);
    g_free(city);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nobody_finds_out_by_all_that_is_published),
      cmocka_unit_test(the_few_units_of_a_slice_do_not_follow_from_a_set_that_has_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

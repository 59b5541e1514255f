/* Who owes and who is missing, against plain records, of random registers and reports. PARKTALLY_SEED repeats
 * a run, PARKTALLY_ROUNDS makes it longer. */
#include "aggregator/read_coverage.h"

#include "aggregator/tables.h"
#include "common/calendar.h"
#include "small.h"
#include "store_place.h"
#include "tests/sample.h"

#include <stdlib.h>

enum { UNITS = 50, MONTHS = 16, PARKS = 3, LEAVES = UNITS * MONTHS, OUTPUT = 0 };
#define DUE "    january: separate\n    due: {day: 10}\n"

static const char *const PARK[PARKS] = {"east", "west", "south"};
static const char *const AREAS[] = {"zone", "group", "east", "west", "south", "city"};

struct version {
  unsigned parks;
  int reporter; /* −1: none */
  bool inside, closed, stopped;
};

struct report {
  bool exists;
  enum report_kind kind;
  bool present;
  int64_t value;
  unsigned first, revision;
};

/* Plain records. Unit u is u000 …; its second version begins with month `change`. */
struct world {
  struct place *place;
  struct catalogue *catalogue;
  struct tables *tables;
  struct snapshot *snapshot;
  struct reader *reader;
  struct version version[UNITS][2];
  int change[UNITS];
  int ends[UNITS]; /* month in whose midst its register entry ends; MONTHS: never */
  int succeeds[UNITS];
  struct report report[UNITS][MONTHS][PARKS];
};

static int pick(GRand *rand, int below)
{
  return g_rand_int_range(rand, 0, below);
}

/* 2017-01 is month 0. */
static struct period period_of(int month)
{
  return (struct period){(int16_t)(2017 + month / 12), (uint8_t)(month % 12 + 1), 1};
}

static const char *name_of(int unit, char ret_name[8])
{
  g_snprintf(ret_name, 8, "u%03d", unit);
  return ret_name;
}

static const struct version *version_at(const struct world *world, int unit, int month)
{
  if (month >= world->ends[unit]) return NULL;
  return &world->version[unit][month >= world->change[unit]];
}

/* --- making the world --- */

static void write_version(GString *csv, const struct world *world, int unit, int n)
{
  const struct version *version = &world->version[unit][n];
  char name[8], other[8] = "", day[PERIOD_TEXT_SIZE] = "", end[PERIOD_TEXT_SIZE] = "";
  g_autoptr(GString) parks = g_string_new(NULL);
  for (int p = 0; p < PARKS; p++)
    if (version->parks >> p & 1) g_string_append_printf(parks, "%s%s", parks->len ? ";" : "", PARK[p]);
  if (n == 1) day_format(period_first_day(period_of(world->change[unit])), day);
  if (world->ends[unit] < MONTHS && (n == 1 || world->change[unit] > world->ends[unit]))
    day_format(period_first_day(period_of(world->ends[unit])) + 13, end);
  if (world->succeeds[unit] >= 0) name_of(world->succeeds[unit], other);
  g_string_append_printf(csv, "%s,code,,名%d,%s,%s,%d,,,,%s,%s,%s,%s\n", name_of(unit, name), unit,
                         parks->str, version->reporter < 0 ? "" : PARK[version->reporter], version->inside,
                         version->closed    ? "关闭"
                         : version->stopped ? "停产"
                                            : "正常",
                         other, day, end);
}

static void make_units(struct world *world, GRand *rand, GString *csv)
{
  for (int u = 0; u < UNITS; u++) {
    world->change[u] = 1 + pick(rand, MONTHS - 1);
    world->ends[u] = pick(rand, 6) == 0 ? world->change[u] + pick(rand, MONTHS - world->change[u]) : MONTHS;
    world->succeeds[u] = pick(rand, 8) == 0 ? pick(rand, UNITS) : -1;
    unsigned parks = 1u + (unsigned)pick(rand, 7);
    for (int n = 0; n < 2; n++) {
      struct version *version = &world->version[u][n];
      *version = (struct version){.parks = parks,
                                  .inside = pick(rand, 5) != 0,
                                  .closed = pick(rand, 6) == 0,
                                  .stopped = pick(rand, 6) == 0};
      version->reporter = pick(rand, PARKS);
      if (!(parks >> version->reporter & 1)) version->reporter = -1;
      write_version(csv, world, u, n);
    }
  }
}

static void put(struct world *world, int unit, int month, int park, unsigned position, GRand *rand)
{
  struct report *of = &world->report[unit][month][park];
  char name[8];
  size_t count;
  uint8_t packed[FIGURES_PACKED_MOST];
  struct figures figures;
  int64_t book = store_book(world->place->store, "monthly", period_of(month));
  const struct stored_report *present = store_reports(world->place->store, book, name_of(unit, name), &count);
  const struct stored_report *own = NULL;
  for (size_t n = 0; n < count; n++)
    if (strcmp(present[n].park, PARK[park]) == 0) own = &present[n];
  int kind = pick(rand, 10);
  *of = (struct report){.exists = true,
                        .kind = kind == 0                 ? KIND_NIL
                                : kind == 1 && of->exists ? KIND_WITHDRAWAL
                                                          : KIND_FIGURES,
                        .first = of->exists ? of->first : position,
                        .revision = of->exists ? of->revision + 1 : 1,
                        .value = g_rand_int_range(rand, -500, 5000)};
  of->present = of->kind == KIND_FIGURES && pick(rand, 8) != 0;
  figures_clear(&figures);
  if (of->present) figures_set(&figures, OUTPUT, of->value);
  if (of->kind == KIND_FIGURES && !of->present) figures_set(&figures, OUTPUT + 1, 1);
  struct stored_report report = {.book = book,
                                 .unit = name,
                                 .place = own ? own->place : (unsigned)count,
                                 .park = PARK[park],
                                 .revision = of->revision,
                                 .kind = of->kind,
                                 .position = position,
                                 .first = of->first,
                                 .figures = packed,
                                 .figures_length = figures_pack_to(&figures, packed)};
  tables_put(world->tables, &report, &figures,
             register_version(tables_register(world->tables), name, period_of(month)), present, count);
}

static void report_at_random(struct world *world, GRand *rand)
{
  for (unsigned n = 0; n < UNITS * MONTHS; n++) {
    int unit = pick(rand, UNITS), month = pick(rand, MONTHS), park = pick(rand, PARKS);
    const struct version *version = version_at(world, unit, month);
    if (month == 5) continue; /* nobody reports that month */
    /* A unit that ended within the month may report it. */
    if (!version && month == world->ends[unit]) version = &world->version[unit][month >= world->change[unit]];
    if (version && version->parks >> park & 1) put(world, unit, month, park, n, rand);
  }
}

/* The deadline of the last month is in the midst of the leaves. */
static void add_leaves(struct world *world)
{
  static const uint8_t hash[32];
  int64_t due =
      calendar_due(world->catalogue, catalogue_form(world->catalogue, "monthly"), period_of(MONTHS - 1));
  for (int n = 0; n < LEAVES; n++)
    store_leaf_add(world->place->store, (uint64_t)n, LEAF_NOTE, due - LEAVES / 2 + n, (const uint8_t *)"", 0,
                   0, hash);
}

static void build(struct world *world, GRand *rand)
{
  g_autoptr(GString) csv = g_string_new(
      "unit,class,parent,name,parks,reporter,in_boundary,industry,clusters,flags,status,succeeds,from,to\n");
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
  CLEANUP(register_unref) struct unit_register *none = register_builder_finish(register_builder_new());
  char name[8];
  make_units(world, rand, csv);
  CLEANUP(register_unref) struct unit_register *units = small_register(world->catalogue, csv->str);
  for (int u = 0; u < UNITS; u++) g_ptr_array_add(names, g_strdup(name_of(u, name)));
  store_begin(world->place->store);
  store_catalogue_put(world->place->store, world->catalogue->hash, 0, world->catalogue->text,
                      world->catalogue->text_length);
  for (size_t n = 0; n < register_size(units); n++)
    store_version_put(world->place->store, register_nth(units, n));
  world->tables = tables_new(world->place->store);
  tables_use(world->tables, world->catalogue, none);
  tables_register_changed(world->tables, units, names);
  add_leaves(world);
  report_at_random(world, rand);
  tables_flush(world->tables);
  place_commit(world->place);
  world->snapshot = snapshot_load(world->place->store, NULL);
  world->reader = reader_new(world->place->store, world->snapshot);
}

static struct world *world_new(GRand *rand)
{
  struct world *world = g_new0(struct world, 1);
  place_set_up((void **)&world->place);
  world->catalogue = small_catalogue("    january: separate\n", DUE, "");
  build(world, rand);
  return world;
}

static void world_free(struct world *world)
{
  void *place = world->place;
  reader_free(world->reader);
  snapshot_unref(world->snapshot);
  tables_free(world->tables);
  catalogue_unref(world->catalogue);
  place_tear_down(&place);
  g_free(world);
}

/* --- what it should be --- */

static bool is_in(const struct version *version, const char *area)
{
  for (int p = 0; p < PARKS; p++)
    if (strcmp(area, PARK[p]) == 0) return version->parks >> p & 1;
  if (strcmp(area, "group") == 0) return version->inside && (version->parks & 3);
  return strcmp(area, "zone") == 0 && version->inside;
}

static const struct report *counted(const struct world *world, int unit, int month, int *ret_park)
{
  const struct version *version = version_at(world, unit, month);
  const struct report *best = NULL;
  if (!version && month == world->ends[unit]) version = &world->version[unit][month >= world->change[unit]];
  if (!version) return NULL;
  for (int p = 0; p < PARKS; p++) {
    const struct report *report = &world->report[unit][month][p];
    if (!report->exists || report->kind == KIND_WITHDRAWAL) continue;
    if (best && version->reporter != p && (version->reporter == *ret_park || report->first > best->first))
      continue;
    best = report;
    *ret_park = p;
  }
  return best;
}

static bool known_of(const struct world *world, int unit, int month, int64_t *ret_value, int *ret_month)
{
  int park;
  for (int before = month - 1; before >= 0 && before >= month - 12; before--) {
    const struct report *report = counted(world, unit, before, &park);
    if (!report || !report->present) continue;
    *ret_value = ABS(report->value);
    *ret_month = before;
    return true;
  }
  return false;
}

static struct coverage expect(const struct world *world, const char *area, int month)
{
  struct coverage coverage = {0};
  for (int u = 0; u < UNITS; u++) {
    const struct version *version = version_at(world, u, month);
    int park = 0, when;
    const struct report *report = counted(world, u, month, &park);
    if (!version || version->closed) {
      const struct version *last = version ? version : &world->version[u][month >= world->change[u]];
      coverage.unexpected += report != NULL && is_in(last, area);
      continue;
    }
    if (!is_in(version, area)) continue;
    int64_t value = 0;
    bool known = known_of(world, u, month, &value, &when) ||
                 (world->succeeds[u] >= 0 && known_of(world, world->succeeds[u], month, &value, &when));
    coverage.expected++;
    coverage.unknown += !known;
    coverage.weight += value;
    if (!report) continue;
    coverage.reported++;
    coverage.weight_reported += value;
    coverage.nil += report->kind == KIND_NIL;
    coverage.late += month < MONTHS - 1 || report->first > LEAVES / 2;
    coverage.corrected += report->revision > 1;
    coverage.other_park += version->reporter >= 0 && version->reporter != park;
  }
  return coverage;
}

static void compare_area(struct world *world, const char *area, int month, const struct covered *found)
{
  struct coverage expected = expect(world, area, month);
  struct cell_key key = {.book = store_find_book(world->place->store, "monthly", period_of(month)),
                         .area = area,
                         .slice = "all",
                         .slot = SLOT_REPORTED};
  int128 nil;
  int64_t reported;
  if (memcmp(&expected, &found->area, sizeof expected) != 0)
    fail_msg("%s, month %d: expected %d owe %d reported %d nil %d late %d corrected %d other %d unknown %d "
             "beyond, "
             "found %d %d %d %d %d %d %d %d",
             area, month, (int)expected.expected, (int)expected.reported, (int)expected.nil,
             (int)expected.late, (int)expected.corrected, (int)expected.other_park, (int)expected.unknown,
             (int)expected.unexpected, (int)found->area.expected, (int)found->area.reported,
             (int)found->area.nil, (int)found->area.late, (int)found->area.corrected,
             (int)found->area.other_park, (int)found->area.unknown, (int)found->area.unexpected);
  /* and what totals say beside themselves */
  assert_int_equal(
      store_expected(world->place->store, "monthly", area, "all", period_last_day(period_of(month))),
      expected.expected);
  if (!store_cell(world->place->store, &key, &nil, &reported)) reported = 0;
  assert_int_equal(reported, expected.reported + expected.unexpected);
}

static void compare_missing(struct world *world, int month, const GArray *missing)
{
  int64_t all = 0, unit;
  for (int u = 0; u < UNITS; u++) {
    const struct version *version = version_at(world, u, month);
    int park;
    all += version && !version->closed && !counted(world, u, month, &park);
  }
  assert_int_equal(missing->len, all);
  for (unsigned n = 0; n < missing->len; n++) {
    const struct missing_unit *of = &g_array_index(missing, struct missing_unit, n);
    int64_t value = 0;
    int when = 0;
    unit = g_ascii_strtoll(of->version->unit + 1, NULL, 10);
    bool known = known_of(world, (int)unit, month, &value, &when);
    if (!known && world->succeeds[unit] >= 0)
      known = known_of(world, world->succeeds[unit], month, &value, &when);
    assert_int_equal(of->known, known);
    assert_true(of->value == value);
    if (known) assert_true(period_equal(of->when, period_of(when)));
    if (n == 0) continue;
    const struct missing_unit *before = of - 1;
    assert_true(before->known >= of->known);
    assert_true(before->known > of->known || before->value >= of->value);
  }
}

static void coverage_equals_plain_records(void **state)
{
  const char *given = g_getenv("PARKTALLY_SEED");
  uint32_t seed = given ? (uint32_t)strtoul(given, NULL, 10) : g_random_int();
  int rounds = sample_rounds(12);
  GRand *rand = g_rand_new_with_seed(seed);
  (void)state;
  print_message("PARKTALLY_SEED=%u\n", seed);
  for (int round = 0; round < rounds; round++) {
    struct world *world = world_new(rand);
    int form = catalogue_form(world->catalogue, "monthly");
    for (int month = 0; month < MONTHS; month++) {
      g_autoptr(GError) error = NULL;
      store_begin(world->place->store);
      CLEANUP(coverage_report_free)
      struct coverage_report *report = reader_coverage(world->reader, form, period_of(month), &error);
      if (!report) fail_msg("%s", error->message);
      for (size_t n = 0; n < G_N_ELEMENTS(AREAS); n++)
        compare_area(world, AREAS[n], month, &report->covered[catalogue_area(world->catalogue, AREAS[n])]);
      compare_missing(world, month, report->missing);
      place_commit(world->place);
    }
    world_free(world);
  }
  g_rand_free(rand);
}

static void leaves_are_counted_up_to_a_moment(void **state)
{
  static const uint8_t hash[32];
  struct place *place;
  (void)state;
  place_set_up((void **)&place);
  assert_int_equal(store_leaves_until(place->store, 5), 0);
  store_begin(place->store);
  for (int n = 0; n < 7; n++)
    store_leaf_add(place->store, (uint64_t)n, LEAF_GENESIS, 10 * (n + 1), (const uint8_t *)"", 0, 0, hash);
  place_commit(place);
  for (int ms = 0; ms < 90; ms++) assert_int_equal(store_leaves_until(place->store, ms), MIN(ms / 10, 7));
  void *data = place;
  place_tear_down(&data);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(leaves_are_counted_up_to_a_moment),
      cmocka_unit_test(coverage_equals_plain_records),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A small zone in a store of its own, with one form for each custom of January, for tests of what is read.
 * Reports are put into the tables directly: no agent, no ledger. */
#ifndef PARKTALLY_TESTS_READ_WORLD_H
#define PARKTALLY_TESTS_READ_WORLD_H

#include "aggregator/read.h"
#include "aggregator/tables.h"
#include "fixture.h"
#include "store_place.h"

#include <string.h>

/* --- the world: a small zone, one form for each custom of January, and random reports --- */

enum { UNITS = 18, MONTHS = 12, FORMS = 3, COLUMNS = 5 };
enum { X_MONTH, Y_CUMULATIVE, X_BOTH, Y_BOTH, X_STOCK }; /* columns of each form */
enum { BOTH_LAST_YEAR = COLUMNS };                       /* and one that is not reported at random */

static const char CATALOGUE_HEAD[] = "format: 1\ncatalogue: read\nzh: 区\nen: Zone\ntimezone: Asia/Shanghai\n"
                                     "measures:\n  千元:\n  人:\n  家:\n  \"%\":\n"
                                     "areas:\n"
                                     "  zone: {zh: 区, en: Zone, boundary_only: true}\n"
                                     "  group: {zh: 组, en: Group, in: zone}\n"
                                     "  east: {zh: 东, en: East, in: group, reports: true}\n"
                                     "  west: {zh: 西, en: West, in: group, reports: true}\n"
                                     "  south: {zh: 南, en: South, in: zone, reports: true}\n"
                                     "  city: {zh: 市, en: City, reports: true}\n"
                                     "classes:\n"
                                     "  enterprise: {zh: 企业, en: Enterprise, ids: uscc}\n"
                                     "  establishment: {zh: 产业活动单位, en: Plant, ids: uscc-nn}\n"
                                     "  incubator: {zh: 孵化器, en: Incubator, ids: code}\n"
                                     "flags:\n  scaled: {zh: 规上, en: Scaled}\n"
                                     "clusters:\n  cars: {zh: 汽车, en: Cars}\n"
                                     "statuses:\n"
                                     "  正常: {zh: 正常, en: Operating, expected: true}\n"
                                     "  停产: {zh: 停产, en: Stopped, expected: true}\n"
                                     "  关闭: {zh: 关闭, en: Closed, expected: false}\n"
                                     "slices:\n  all: {zh: 全部, en: All}\n  cars: {cluster: cars}\n"
                                     "indicators:\n";
static const char MORE_INDICATORS[] =
    "  wide: {zh: 宽, en: Wide, measure: 千元, decimals: 2, kind: flow, basis: month, negative: true}\n"
    "  big: {zh: 大, en: Big, measure: 家, kind: count, count: {class: enterprise, indicator: cum_0, from: "
    "100}}\n"
    "  tier: {zh: 档, en: Tier, measure: 家, kind: count, count: {class: enterprise, indicator: cum_0, from: "
    "100, "
    "below: 300}}\n"
    "  big_plants: {zh: 大厂, en: Big plants, measure: 家, kind: count, count: {class: establishment, "
    "indicator: "
    "cum_0, from: 50}}\n"
    "  scaled: {zh: 规上, en: Scaled, measure: 家, kind: count, count: {class: enterprise, flag: scaled}}\n"
    "  plants: {zh: 厂, en: Plants, measure: 家, kind: count, count: {class: establishment}}\n"
    "  incubators: {zh: 孵, en: Incubators, measure: 家, kind: count, count: {class: incubator}}\n"
    "  big_incubators: {zh: 大孵, en: Big incubators, measure: 家, kind: count, count: {class: incubator, "
    "indicator: cum_0, from: 100}}\n"
    "  share: {zh: 比, en: Share, measure: \"%\", decimals: 2, kind: ratio, ratio: {numerator: wide, "
    "denominator: both_0, "
    "scale: 100}}\n"
    "forms:\n";
static const char MORE_FORMS[] =
    "  yearly:\n    zh: 年报\n    en: Yearly\n    number: T\n    issuer: 测\n    approval: 测\n"
    "    legal_basis: statistical\n    filled_by: park\n    every: year\n    classes: [enterprise, "
    "establishment]\n"
    "    columns: [{column: wide}, {column: month_0}, {column: wide.ly}]\n"
    "  quarterly:\n    zh: 季报\n    en: Quarterly\n    number: T\n    issuer: 测\n    approval: 测\n"
    "    legal_basis: statistical\n    filled_by: park\n    every: quarter\n    classes: [enterprise, "
    "establishment]\n"
    "    columns: [{column: wide}]\n";

static inline char *write_catalogue(void)
{
  static const char *const january[FORMS] = {"separate", "joint", "exempt"};
  g_autoptr(GString) indicators = g_string_new(NULL);
  g_autoptr(GString) forms = g_string_new(NULL);
  for (int f = 0; f < FORMS; f++) {
    g_string_append_printf(
        indicators,
        "  month_%d: {zh: 月%d, en: Month %d, measure: 千元, kind: flow, basis: month, negative: true}\n"
        "  cum_%d: {zh: 累%d, en: Cumulative %d, measure: 千元, kind: flow, basis: cumulative, negative: "
        "true}\n"
        "  both_%d: {zh: 双%d, en: Both %d, measure: 千元, kind: flow, basis: both, negative: true}\n"
        "  stock_%d: {zh: 存%d, en: Stock %d, measure: 人, kind: stock}\n",
        f, f, f, f, f, f, f, f, f, f, f, f);
    g_string_append_printf(
        forms,
        "  form_%d:\n    zh: 表%d\n    en: Form %d\n    number: T\n    issuer: 测\n    approval: 测\n"
        "    legal_basis: statistical\n    filled_by: park\n    every: month\n    january: %s\n"
        "    classes: [enterprise, establishment]\n"
        "    columns: [{column: month_%d}, {column: cum_%d.ytd}, {column: both_%d}, {column: "
        "both_%d.ytd}, {column: stock_%d}, {column: both_%d.ly}]\n",
        f, f, f, january[f], f, f, f, f, f, f);
  }
  return g_strconcat(CATALOGUE_HEAD, indicators->str, MORE_INDICATORS, forms->str, MORE_FORMS, NULL);
}

struct unit {
  char id[32];
  const char *parks;
  bool in_boundary, cars;
};

struct world {
  struct place *place;
  struct catalogue *catalogue;
  struct unit_register *units;
  struct tables *tables;
  struct snapshot *snapshot;
  struct reader *reader;
  struct unit unit[UNITS];
  /* What was reported, by the last month of the form's period. */
  bool present[FORMS][MONTHS + 1][UNITS][COLUMNS];
  int64_t value[FORMS][MONTHS + 1][UNITS][COLUMNS];
  uint64_t position;
};

/* Units 0–11 are enterprises, 12–17 plants of the first five, the last one a second plant of the first. */
static inline int parent_of(int unit)
{
  return unit < 12 ? unit : (unit - 12) % 5;
}

static inline void make_units(struct world *world)
{
  static const char *const parks[] = {"east", "west", "south", "east;west", "west;south"};
  for (int u = 0; u < UNITS; u++) {
    struct unit *unit = &world->unit[u];
    if (u < 12)
      g_strlcpy(unit->id, fixture_uscc((unsigned)u), sizeof unit->id);
    else
      g_snprintf(unit->id, sizeof unit->id, "%s-0%d", world->unit[parent_of(u)].id, u < 17 ? 1 : 2);
    unit->parks = parks[(u * 7 + u / 5) % 5];
    unit->in_boundary = u % 4 != 3;
    unit->cars = u % 3 == 0;
  }
}

/* All run by unit 0, in the park east; they owe no form. */
static const char *const INCUBATORS[] = {"i1", "i2", "i3"};

static inline char *write_register(const struct world *world)
{
  GString *csv = g_string_new(
      "unit,class,parent,name,parks,reporter,in_boundary,industry,clusters,flags,status,succeeds,from,to\n");
  for (int u = 0; u < UNITS; u++) {
    const struct unit *unit = &world->unit[u];
    static const char *const status[] = {"正常", "停产", "关闭"};
    g_string_append_printf(csv, "%s,%s,%s,名%d,%s,,%d,,%s,%s,%s,,2018-01-01,\n", unit->id,
                           u < 12 ? "enterprise" : "establishment",
                           u < 12 ? "" : world->unit[parent_of(u)].id, u, unit->parks, unit->in_boundary,
                           unit->cars ? "cars" : "", u % 2 ? "scaled" : "",
                           u == 5   ? status[1]
                           : u == 7 ? status[2]
                                    : status[0]);
  }
  /* The flag ends with June. */
  g_string_append_printf(csv, "%s,enterprise,,名9,%s,,%d,,%s,,正常,,2018-07-01,\n", world->unit[9].id,
                         world->unit[9].parks, world->unit[9].in_boundary, world->unit[9].cars ? "cars" : "");
  for (size_t n = 0; n < G_N_ELEMENTS(INCUBATORS); n++)
    g_string_append_printf(csv, "%s,incubator,%s,孵,east,,1,,,,正常,,2018-01-01,\n", INCUBATORS[n],
                           world->unit[0].id);
  return g_string_free(csv, FALSE);
}

static inline void complain(const struct finding *finding, void *data)
{
  (void)data;
  g_autofree char *line = finding_format(finding);
  print_error("%s\n", line);
}

static inline void begin(struct world *world)
{
  g_autofree char *text = write_catalogue();
  g_autofree char *csv = write_register(world);
  g_autoptr(GError) error = NULL;
  world->catalogue = catalogue_compile("read.yaml", text, strlen(text), &error);
  if (!world->catalogue) fail_msg("%s", error->message);
  if (!register_read_csv(world->catalogue, "register.csv", csv, strlen(csv), complain, NULL, &world->units,
                         &error))
    fail_msg("%s", error->message);
  g_autoptr(GPtrArray) ids = g_ptr_array_new();
  for (int u = 0; u < UNITS; u++) g_ptr_array_add(ids, world->unit[u].id);
  CLEANUP(register_unref) struct unit_register *none = register_builder_finish(register_builder_new());

  store_begin(world->place->store);
  store_catalogue_put(world->place->store, world->catalogue->hash, 0, text, strlen(text));
  for (size_t n = 0; n < register_size(world->units); n++)
    store_version_put(world->place->store, register_nth(world->units, n));
  world->tables = tables_new(world->place->store);
  tables_use(world->tables, world->catalogue, none);
  tables_register_changed(world->tables, world->units, ids);
}

static inline void put(struct world *world, const char *form, struct period period, const char *unit,
                       const struct figures *figures)
{
  uint8_t packed[FIGURES_PACKED_MOST];
  struct stored_report report = {.book = store_book(world->place->store, form, period),
                                 .unit = unit,
                                 .park = "east",
                                 .revision = 1,
                                 .position = world->position,
                                 .first = world->position,
                                 .figures = packed,
                                 .figures_length = figures_pack_to(figures, packed)};
  world->position++;
  tables_put(world->tables, &report, figures, register_version(world->units, unit, period), NULL, 0);
}

/* Opens the reader: what was put is written. */
static inline void finish(struct world *world)
{
  g_autoptr(GError) error = NULL;
  tables_flush(world->tables);
  place_commit(world->place);
  world->snapshot = snapshot_load(world->place->store, &error);
  if (!world->snapshot) fail_msg("%s", error->message);
  world->reader = reader_new(world->place->store, world->snapshot);
}

static inline int set_up(void **state)
{
  struct world *world = g_new0(struct world, 1);
  place_set_up((void **)&world->place);
  make_units(world);
  begin(world);
  *state = world;
  return 0;
}

static inline int tear_down(void **state)
{
  struct world *world = *state;
  reader_free(world->reader);
  snapshot_unref(world->snapshot);
  tables_free(world->tables);
  register_unref(world->units);
  catalogue_unref(world->catalogue);
  void *place = world->place;
  place_tear_down(&place);
  g_free(world);
  return 0;
}

static inline struct total read_one(struct world *world, const char *area, const char *slice,
                                    const char *indicator, struct period period, bool cumulative)
{
  g_autoptr(GError) error = NULL;
  struct total total;
  int found = catalogue_indicator(world->catalogue, indicator);
  assert_int_not_equal(found, CATALOGUE_NONE);
  if (!reader_total(world->reader, catalogue_area(world->catalogue, area),
                    catalogue_slice(world->catalogue, slice), found, period, cumulative, &total, &error))
    fail_msg("%s", error->message);
  return total;
}

static inline void put_value(struct world *world, const char *form, struct period period, int unit,
                             unsigned column, int64_t value)
{
  struct figures figures;
  figures_clear(&figures);
  figures_set(&figures, column, value);
  put(world, form, period, world->unit[unit].id, &figures);
}

#endif

/* tests/data/assessed.yaml, units under it, and a store to which a test reports. */
#ifndef PARKTALLY_TESTS_ASSESSED_H
#define PARKTALLY_TESTS_ASSESSED_H

#include "aggregator/read.h"
#include "aggregator/tables.h"
#include "store_place.h"

#include <string.h>

/* East has e1 (emerging), e2 and e3, west w1 (emerging) and w2, south s1. Members of the growth plan: m1 to
 * m5; m4 was closed in 2018, m5 continues p1 and p2 since April, of which p1 has ended. */
static const char ASSESSED_UNITS[] =
    "unit,class,parent,name,parks,reporter,in_boundary,industry,clusters,flags,status,succeeds,from,to\n"
    "e1,firm,,东一,east,,1,,,sei,正常,,2010-01-01,\n"
    "e2,firm,,东二,east,,1,,,,正常,,2010-01-01,\n"
    "e3,firm,,东三,east,,1,,,,正常,,2010-01-01,\n"
    "w1,firm,,西一,west,,1,,,sei,正常,,2010-01-01,\n"
    "w2,firm,,西二,west,,1,,,,正常,,2010-01-01,\n"
    "s1,firm,,南一,south,,1,,,,正常,,2010-01-01,\n";
static const char ASSESSED_MEMBERS[] =
    "m1,firm,,甲,east,,1,,,member;sei,正常,,2010-01-01,\n"
    "m2,firm,,乙,west,,1,,,member,正常,p2,2010-01-01,\n"
    "m2,firm,,乙,west,,1,,,member,正常,p2,2018-02-01,\n" /* says it again: no second merger */
    "m3,firm,,丙,west,,1,,,member,正常,,2018-03-01,\n"
    "m4,firm,,丁,west,,1,,,member,正常,,2010-01-01,\n"
    "m4,firm,,丁,west,,1,,,member,关闭,,2018-06-01,\n"
    "m5,firm,,戊,south,,1,,,member,正常,p1,2018-04-01,\n"
    "p1,firm,,前一,south,,1,,,,正常,p2,2017-05-01,2018-03-31\n"
    "p2,firm,,前二,south,,1,,,,正常,,2010-01-01,\n"
    "old,firm,,旧,south,,1,,,member,正常,,2010-01-01,2017-12-31\n"
    "young,firm,,新,south,,1,,,member,正常,,2019-01-01,\n";

struct assessed {
  struct place *place;
  struct catalogue *catalogue;
  struct unit_register *units;
  struct tables *tables;
  struct snapshot *snapshot;
  struct reader *reader;
  uint64_t position;
};

static inline void assessed_begin(struct assessed *world, const char *csv)
{
  g_autofree char *text = NULL;
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) ids = g_ptr_array_new();
  CLEANUP(register_unref) struct unit_register *none = register_builder_finish(register_builder_new());
  assert_true(g_file_get_contents(SOURCE_DIR "/tests/data/assessed.yaml", &text, NULL, NULL));
  world->catalogue = catalogue_compile("assessed.yaml", text, strlen(text), &error);
  if (!world->catalogue) fail_msg("%s", error->message);
  if (!register_read_csv(world->catalogue, "register.csv", csv, strlen(csv), NULL, NULL, &world->units,
                         &error))
    fail_msg("%s", error->message);
  store_begin(world->place->store);
  store_catalogue_put(world->place->store, world->catalogue->hash, 0, text, strlen(text));
  for (size_t n = 0; n < register_size(world->units); n++) {
    store_version_put(world->place->store, register_nth(world->units, n));
    g_ptr_array_add(ids, (char *)register_nth(world->units, n)->unit);
  }
  world->tables = tables_new(world->place->store);
  tables_use(world->tables, world->catalogue, none);
  tables_register_changed(world->tables, world->units, ids);
}

static inline int assessed_set_up(void **state)
{
  struct assessed *world = g_new0(struct assessed, 1);
  g_autofree char *csv = g_strconcat(ASSESSED_UNITS, NULL);
  place_set_up((void **)&world->place);
  assessed_begin(world, csv);
  *state = world;
  return 0;
}

static inline int assessed_set_up_members(void **state)
{
  struct assessed *world = g_new0(struct assessed, 1);
  g_autofree char *csv = g_strconcat(ASSESSED_UNITS, ASSESSED_MEMBERS, NULL);
  place_set_up((void **)&world->place);
  assessed_begin(world, csv);
  *state = world;
  return 0;
}

/* The first `count` columns of a yearly form. */
static inline void assessed_put(struct assessed *world, const char *form, int16_t year, const char *unit,
                                const int64_t *values, unsigned count)
{
  struct period period = {year, 1, 12};
  struct figures figures;
  uint8_t packed[FIGURES_PACKED_MOST];
  figures_clear(&figures);
  for (unsigned column = 0; column < count; column++) figures_set(&figures, column, values[column]);
  struct stored_report report = {.book = store_book(world->place->store, form, period),
                                 .unit = unit,
                                 .park = "east",
                                 .revision = 1,
                                 .kind = count > 0 ? KIND_FIGURES : KIND_NIL,
                                 .position = world->position,
                                 .first = world->position,
                                 .figures = packed,
                                 .figures_length = figures_pack_to(&figures, packed)};
  world->position++;
  tables_put(world->tables, &report, &figures, register_version(world->units, unit, period), NULL, 0);
}

/* Opens the reader: what was put is written. */
static inline void assessed_finish(struct assessed *world)
{
  g_autoptr(GError) error = NULL;
  tables_flush(world->tables);
  place_commit(world->place);
  world->snapshot = snapshot_load(world->place->store, &error);
  if (!world->snapshot) fail_msg("%s", error->message);
  world->reader = reader_new(world->place->store, world->snapshot);
}

static inline int assessed_tear_down(void **state)
{
  struct assessed *world = *state;
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

#endif

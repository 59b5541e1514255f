/* A city of a few units and a random history: register and catalogue change, parks report, correct, withdraw,
 * build on stale bases and on some that have not arrived. What comes of it is for the tests to say. */
#ifndef PARKTALLY_TESTS_RANDOM_CITY_H
#define PARKTALLY_TESTS_RANDOM_CITY_H

#include "fixture.h"

#include "aggregator/folder.h"
#include "aggregator/snapshot.h"
#include "aggregator/store/store.h"
#include "common/clock.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CITY_UNITS = 10, CITY_PARKS = 3, CITY_MONTHS = 4, CITY_COLUMNS = 4, CITY_SENT = 24 };

static const char *const CITY_PARK[CITY_PARKS] = {"east", "west", "south"};
/* Each with its columns; of units by code only the first and the last. */
static const struct city_form {
  const char *code;
  unsigned columns;
  bool yearly;
} CITY_FORMS[] = {{"monthly", 4, false}, {"finance", 2, false}, {"yearly", 1, true}};

struct city {
  struct fixture fixture;
  struct fixture_agent agents[CITY_PARKS];
  struct store *reader;
  GRand *random;
  char unit[CITY_UNITS][32];   /* ascending: four by code, five enterprises, a plant of the first of these */
  uint8_t sent[CITY_SENT][32]; /* ids of submissions, sent or not */
  size_t sent_count;
  GPtrArray *unsent; /* GBytes: sealed, and others may build on them */
};

static int64_t city_now_ms = INT64_C(1530000000000); /* 2018-06-26 */

static inline struct wall_time city_clock(void)
{
  return (struct wall_time){city_now_ms};
}

static inline int pick(GRand *random, int below)
{
  return g_rand_int_range(random, 0, below);
}

static inline uint32_t city_seed(void)
{
  const char *given = g_getenv("PARKTALLY_SEED");
  uint32_t seed = given ? (uint32_t)strtoul(given, NULL, 10) : g_random_int();

  print_message("PARKTALLY_SEED=%u\n", seed);
  return seed;
}

static inline void city_open_reader(struct city *city)
{
  g_autofree char *path = folder_path(city->fixture.folder, "store.db");

  city->reader = store_open(path, STORE_READ, NULL);
  assert_non_null(city->reader);
}

static int by_code(const void *left, const void *right)
{
  return strcmp(left, right);
}

static inline struct city *city_new(uint32_t seed)
{
  struct city *city = g_new0(struct city, 1);

  clock_replace(city_clock);
  city->random = g_rand_new_with_seed(seed);
  city->unsent = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  for (int n = 0; n < CITY_UNITS; n++) {
    if (n < 4)
      g_snprintf(city->unit[n], sizeof city->unit[n], "1u%d", n);
    else if (n < 9)
      g_strlcpy(city->unit[n], fixture_uscc((unsigned)n), sizeof city->unit[n]);
  }
  g_snprintf(city->unit[9], sizeof city->unit[9], "%s-01", city->unit[4]);
  qsort(city->unit, CITY_UNITS, sizeof city->unit[0], by_code);
  fixture_setup(&city->fixture, NULL);
  for (int n = 0; n < CITY_PARKS; n++) fixture_enrol(&city->fixture, CITY_PARK[n], &city->agents[n]);
  city_open_reader(city);
  return city;
}

static inline void city_free(struct city *city)
{
  store_close(city->reader);
  for (int n = 0; n < CITY_PARKS; n++) fixture_agent_clear(&city->agents[n]);
  fixture_teardown(&city->fixture);
  g_ptr_array_unref(city->unsent);
  g_rand_free(city->random);
  g_free(city);
  clock_replace(NULL);
}

/* --- what happens --- */

static inline const char *city_class(const char *unit)
{
  return unit[0] == '1' ? "code" : strchr(unit, '-') ? "establishment" : "enterprise";
}

static inline void city_change_register(struct city *city)
{
  GRand *random = city->random;
  g_autoptr(GString) csv = g_string_new(
      "unit,class,parent,name,parks,reporter,in_boundary,industry,clusters,flags,status,succeeds,from,to\n");

  for (int n = 0; n < CITY_UNITS; n++) {
    if (pick(random, 3) > 0) continue;
    int parks = 1 + pick(random, 7), reporter = pick(random, CITY_PARKS + 2), cars = pick(random, 2);

    if (reporter >= CITY_PARKS || !(parks & (1 << reporter))) reporter = CITY_PARKS;
    g_string_append_printf(csv, "%s,%s,,名%d,%s%s%s,%s,%d,,%s%s%s,%s,%s,,", city->unit[n],
                           city_class(city->unit[n]), pick(random, 9), parks & 1 ? "east;" : "",
                           parks & 2 ? "west;" : "", parks & 4 ? "south" : "",
                           reporter < CITY_PARKS ? CITY_PARK[reporter] : "", pick(random, 4) != 0,
                           cars ? "cars" : "", cars ? ";" : "", pick(random, 3) ? "" : "steel",
                           pick(random, 3) ? "above_scale" : "", pick(random, 5) ? "正常" : "关闭");
    if (pick(random, 3))
      g_string_append_printf(csv, "2018-%02d-01,", 1 + pick(random, CITY_MONTHS));
    else
      g_string_append(csv, ",");
    g_string_append(csv, pick(random, 6) ? "\n" : "2018-12-31\n");
  }
  fixture_import(&city->fixture, csv->str);
}

/* Now one text of the catalogue's, now another; there and back again. */
static inline void city_change_catalogue(struct city *city)
{
  static const char *const swaps[][2] = {
      {"group: {zh: 片区, en: Group, in: zone, boundary_only: true}",
       "group: {zh: 片区, en: Group, in: zone}"},
      {"  steel: {cluster: steel}\n", "  steel: {cluster: steel, flag: above_scale}\n"},
      {"停产: {zh: 停产, en: Stopped, expected: true}", "停产: {zh: 停产, en: Stopped, expected: false}"},
      {"west: {zh: 西园, en: West park, in: group", "west: {zh: 西园, en: West park, in: zone"},
      {"indicator: profit, from: 1000}", "indicator: profit, from: 2000}"},
      {"population: above_scale\n", "retired: false\n"},
  };
  CLEANUP(snapshot_unref) struct snapshot *snapshot = present_get(writer_present(city->fixture.writer));
  struct act act = {.kind = LEAF_CATALOGUE, .by = "test"};
  const char *const *swap = swaps[pick(city->random, G_N_ELEMENTS(swaps))];
  g_auto(GStrv) parts = g_strsplit(snapshot->catalogue->text, swap[0], 2);
  bool there = parts[1] != NULL;
  g_autoptr(GError) error = NULL;

  if (!there) {
    g_strfreev(parts);
    parts = g_strsplit(snapshot->catalogue->text, swap[1], 2);
    assert_non_null(parts[1]);
  }
  g_autofree char *text = g_strconcat(parts[0], swap[there], parts[1], NULL);
  act.text = g_bytes_new(text, strlen(text));
  if (!writer_act(city->fixture.writer, &act, NULL, &error)) fail_msg("%s", error->message);
  g_bytes_unref(act.text);
}

static inline void city_submit(struct city *city, GBytes *sealed)
{
  g_autoptr(GError) error = NULL;
  CLEANUP(receipt_free) struct receipt *receipt = fixture_submit(&city->fixture, sealed, &error);

  if (!receipt) fail_msg("%s", error->message);
}

/* A base: none, or any submission that there was, or that is still to come. */
static inline const uint8_t *city_base(struct city *city)
{
  if (city->sent_count == 0 || pick(city->random, 4) == 0) return NULL;
  return city->sent[pick(city->random, (int)MIN(city->sent_count, CITY_SENT))];
}

/* The one that holds the unit's report, as an honest park knows it. */
static inline bool city_right_base(struct city *city, const char *form, struct period period,
                                   const char *unit, int park, uint8_t ret_base[32])
{
  bool found = false;
  size_t count;

  store_begin(city->reader);
  int64_t book = store_find_book(city->reader, form, period);
  const struct stored_report *reports = book ? store_reports(city->reader, book, unit, &count) : NULL;
  for (size_t n = 0; reports && n < count && !found; n++)
    if (strcmp(reports[n].park, CITY_PARK[park]) == 0)
      found = store_submission_at(city->reader, reports[n].position, ret_base);
  store_rollback(city->reader);
  return found;
}

static inline void city_fill(struct city *city, const struct city_form *form, const struct column_set *asked,
                             struct report_change *change)
{
  int kind = pick(city->random, 14);

  *change = (struct report_change){.kind = kind == 0 ? KIND_NIL : kind == 1 ? KIND_WITHDRAWAL : KIND_FIGURES};
  if (change->kind != KIND_FIGURES) return;
  change->asked = *asked;
  for (unsigned n = 0; n < form->columns; n++) {
    if (!column_set_has(asked, n)) continue;
    if (pick(city->random, 8) == 0)
      column_set_add(&change->withdrawn, n);
    else
      figures_set(&change->figures, n, pick(city->random, 3000));
  }
}

static inline void city_report(struct city *city)
{
  GRand *random = city->random;
  const struct city_form *form = &CITY_FORMS[pick(random, 5) % G_N_ELEMENTS(CITY_FORMS)];
  struct period period = {2018, (uint8_t)(1 + pick(random, CITY_MONTHS)), 1};
  int park = pick(random, CITY_PARKS);
  struct fixture_report reports[3];
  uint8_t bases[3][32];
  struct column_set asked = {{0}};
  char text[PERIOD_TEXT_SIZE];
  size_t count = 0;

  if (form->yearly) period = (struct period){2018, 1, 12};
  if (strcmp(form->code, "finance") == 0 && period.month == 1) period.month = 2;
  for (unsigned n = 0; n < form->columns; n++)
    if (pick(random, 4)) column_set_add(&asked, n);
  if (column_set_is_empty(&asked)) column_set_add(&asked, 0);
  for (int n = 0; n < CITY_UNITS && count < G_N_ELEMENTS(reports); n++) {
    struct fixture_report *report = &reports[count];

    if (pick(random, 4) > 0) continue;
    *report = (struct fixture_report){.unit = city->unit[n]};
    city_fill(city, form, &asked, &report->change);
    if (pick(random, 4) == 0)
      report->base = city_base(city);
    else if (city_right_base(city, form->code, period, report->unit, park, bases[count]))
      report->base = bases[count];
    count++;
  }
  if (count == 0) return;
  g_autoptr(GBytes) sealed =
      fixture_seal(&city->fixture, &city->agents[park], form->code, period_format(period, text), reports,
                   count, city->sent[city->sent_count++ % CITY_SENT]);
  if (pick(random, 5) == 0 && city->unsent->len < 6)
    g_ptr_array_add(city->unsent, g_steal_pointer(&sealed));
  else
    city_submit(city, sealed);
}

/* A report and corrections of it, each built on the one before, of which none has been sent yet: in whichever
 * order they are, some wait for others. */
static inline void city_chain(struct city *city)
{
  GRand *random = city->random;
  const struct city_form *form = &CITY_FORMS[pick(random, 5) % G_N_ELEMENTS(CITY_FORMS)];
  struct period period = {2018, (uint8_t)(2 + pick(random, CITY_MONTHS - 1)), 1};
  int park = pick(random, CITY_PARKS), length = 2 + pick(random, 3);
  const char *unit = city->unit[pick(random, CITY_UNITS)];
  struct column_set asked = {{0}};
  uint8_t base[32];
  char text[PERIOD_TEXT_SIZE];

  if (form->yearly) period = (struct period){2018, 1, 12};
  for (unsigned n = 0; n < form->columns; n++) column_set_add(&asked, n);
  bool has_base = city_right_base(city, form->code, period, unit, park, base);
  for (int n = 0; n < length && city->unsent->len < 12; n++) {
    struct fixture_report report = {.unit = unit, .base = has_base ? base : NULL};
    uint8_t *id = city->sent[city->sent_count++ % CITY_SENT];

    city_fill(city, form, &asked, &report.change);
    g_ptr_array_add(city->unsent, fixture_seal(&city->fixture, &city->agents[park], form->code,
                                               period_format(period, text), &report, 1, id));
    memcpy(base, id, sizeof base);
    has_base = true;
  }
}

static inline void city_send_late(struct city *city)
{
  if (city->unsent->len == 0) return;
  g_autoptr(GBytes) sealed =
      g_ptr_array_steal_index(city->unsent, (guint)pick(city->random, (int)city->unsent->len));
  city_submit(city, sealed);
}

/* One thing happens; now and then nothing. */
static inline void city_step(struct city *city)
{
  int what = pick(city->random, 24);

  city_now_ms += pick(city->random, 3) * 1000;
  if (what < 4)
    city_change_register(city);
  else if (what < 5)
    city_change_catalogue(city);
  else if (what < 11)
    city_send_late(city);
  else if (what < 13)
    city_chain(city);
  else
    city_report(city);
}

#endif

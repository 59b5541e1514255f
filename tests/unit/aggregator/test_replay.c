/* The tables against a plain oracle under random reports, corrections, register and catalogue changes; and
 * the ledger's replay against the tables. PARKTALLY_SEED repeats a run, PARKTALLY_ROUNDS makes it longer. */
#include "add_cell.h"
#include "fixture.h"

#include "aggregator/folder.h"
#include "aggregator/replay.h"
#include "common/clock.h"
#include "common/db.h"
#include "common/register.h"
#include "tests/sample.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define REGISTER_HEADER                                                                                      \
  "unit,class,parent,name,parks,reporter,in_boundary,industry,clusters,flags,status,succeeds,from,to\n"
#define UNITS 9
#define PARKS 3
#define MONTHS 4
#define COLUMNS 4 /* of form monthly */

static const char *const PARK[PARKS] = {"east", "west", "south"};
static const char *const AREAS[] = {"zone", "group", "east", "west", "south"};
static const char *const SLICES[] = {"all", "cars", "steel", "above_scale", "outside_boundary"};

/* --- the oracle: plain records, brute force --- */

struct version {
  bool exists;
  unsigned parks; /* bits */
  int reporter;   /* −1: none */
  bool in_boundary, cars, steel, above_scale, closed;
};

struct oracle_report {
  bool exists;
  enum report_kind kind;
  bool present[COLUMNS];
  int64_t value[COLUMNS];
  unsigned first; /* order of arrival */
  uint8_t base[32];
};

/* Reports of a unit to a month by a park that wait for its registration there, in the order in which they
 * came. */
#define WAITING_MOST 64
struct oracle_waiting {
  unsigned count;
  struct {
    bool has_base;
    uint8_t base[32];
    struct oracle_report says; /* if it comes to count; its own submission is says.base */
  } report[WAITING_MOST];
};

struct oracle_application {
  bool pending;
  uint64_t number;
  int month; /* from which */
};

struct oracle {
  struct oracle_waiting waiting[MONTHS][UNITS][PARKS];
  struct oracle_application application[UNITS][PARKS];
  uint64_t applications;
  unsigned released, declined; /* reports */
  struct version version[UNITS]
                        [MONTHS + 1]; /* in force from 2018-0n-01; the one before if it does not exist */
  struct oracle_report report[MONTHS][UNITS][PARKS];
  unsigned arrivals;
};

static const struct version *version_at(const struct oracle *oracle, int unit, int month)
{
  for (int n = month; n >= 0; n--)
    if (oracle->version[unit][n].exists) return &oracle->version[unit][n];
  return NULL;
}

static bool in_area(const struct version *version, const char *area)
{
  bool east = version->parks & 1, west = version->parks & 2, south = version->parks & 4;

  if (strcmp(area, "east") == 0) return east;
  if (strcmp(area, "west") == 0) return west;
  if (strcmp(area, "south") == 0) return south;
  if (!version->in_boundary) return false;
  if (strcmp(area, "group") == 0) return east || west;
  return east || west || south;
}

static bool in_slice(const struct version *version, const char *slice)
{
  if (strcmp(slice, "cars") == 0) return version->cars;
  if (strcmp(slice, "steel") == 0) return version->steel;
  if (strcmp(slice, "above_scale") == 0) return version->above_scale;
  if (strcmp(slice, "outside_boundary") == 0) return !version->in_boundary;
  return true;
}

static const struct oracle_report *counted(const struct oracle *oracle, int month, int unit,
                                           const struct version *version)
{
  const struct oracle_report *here = NULL,
                             *gone = NULL; /* of parks that the unit is, or was, registered in */

  for (int park = 0; park < PARKS; park++) {
    const struct oracle_report *report = &oracle->report[month][unit][park];
    const struct oracle_report **best = version->parks & (1u << park) ? &here : &gone;

    if (!report->exists || report->kind == KIND_WITHDRAWAL) continue;
    if (version->reporter == park) return report;
    if (!*best || report->first < (*best)->first) *best = report;
  }
  return here ? here : gone;
}

static void expect_cell(const struct oracle *oracle, struct store *store, int month, const char *area,
                        const char *slice)
{
  char text[16];
  struct period period;
  struct cell_key key = {.area = area, .slice = slice};
  int128 sum[COLUMNS] = {0};
  int64_t units[COLUMNS] = {0}, reported = 0, owed = 0;

  g_snprintf(text, sizeof text, "2018-%02d", month + 1);
  assert_true(period_parse(text, &period));
  key.book = store_find_book(store, "monthly", period);
  for (int unit = 0; unit < UNITS; unit++) {
    const struct version *version = version_at(oracle, unit, month);
    const struct oracle_report *report = version ? counted(oracle, month, unit, version) : NULL;

    if (!version || !in_area(version, area) || !in_slice(version, slice)) continue;
    owed += !version->closed;
    if (!report) continue;
    reported++;
    for (int n = 0; n < COLUMNS; n++)
      if (report->present[n]) {
        sum[n] += report->value[n];
        units[n]++;
      }
  }
  for (key.slot = SLOT_REPORTED; key.slot < COLUMNS; key.slot++) {
    int128 total = 0;
    int64_t count = 0;

    store_cell(store, &key, &total, &count);
    if (key.slot == SLOT_REPORTED) {
      if (count != reported)
        fail_msg("%s %s %s: %d units reported, found %d", text, area, slice, (int)reported, (int)count);
    } else if (total != sum[key.slot] || count != units[key.slot]) {
      fail_msg("%s %s %s column %d: expected %ld of %d units, found %ld of %d", text, area, slice, key.slot,
               (long)sum[key.slot], (int)units[key.slot], (long)total, (int)count);
    }
  }
  assert_int_equal(store_expected(store, "monthly", area, slice, period_last_day(period)), owed);
}

static void expect_all(const struct oracle *oracle, const char *folder)
{
  g_autofree char *path = folder_path(folder, "store.db");
  CLEANUP(store_close) struct store *store = store_open(path, STORE_READ, NULL);

  for (int month = 0; month < MONTHS; month++)
    for (size_t a = 0; a < G_N_ELEMENTS(AREAS); a++)
      for (size_t s = 0; s < G_N_ELEMENTS(SLICES); s++)
        expect_cell(oracle, store, month, AREAS[a], SLICES[s]);
}

/* --- random events --- */

static int pick(GRand *rand, int below)
{
  return g_rand_int_range(rand, 0, below);
}

/* Whether the unit is registered in the park in this month or a later one. */
static bool is_registered(const struct oracle *oracle, int unit, int park, int month)
{
  for (; month < MONTHS; month++) {
    const struct version *version = version_at(oracle, unit, month);

    if (version && version->parks & (1u << park)) return true;
  }
  return false;
}

static bool says_the_same(const struct oracle_report *a, const struct oracle_report *b)
{
  if (!a->exists || a->kind != b->kind) return false;
  for (int n = 0; n < COLUMNS; n++)
    if (a->present[n] != b->present[n] || (a->present[n] && a->value[n] != b->value[n])) return false;
  return true;
}

/* Each in turn counts if it is built on what is there, and says something else. */
static void release(struct oracle *oracle, int month, int unit, int park)
{
  struct oracle_waiting *waiting = &oracle->waiting[month][unit][park];
  struct oracle_report *now = &oracle->report[month][unit][park];

  for (unsigned n = 0; n < waiting->count; n++) {
    struct oracle_report next = waiting->report[n].says;
    bool fits = waiting->report[n].has_base
                    ? now->exists && memcmp(now->base, waiting->report[n].base, sizeof now->base) == 0
                    : !now->exists;

    oracle->released++;
    if (!fits || says_the_same(now, &next)) continue;
    if (now->exists) next.first = now->first;
    next.exists = true;
    *now = next;
  }
  waiting->count = 0;
}

/* What waited for what the register has now; and applications that it settles. */
static void release_all(struct oracle *oracle)
{
  for (int unit = 0; unit < UNITS; unit++)
    for (int park = 0; park < PARKS; park++) {
      struct oracle_application *application = &oracle->application[unit][park];

      if (is_registered(oracle, unit, park, application->month)) application->pending = false;
      for (int month = 0; month < MONTHS; month++) {
        const struct version *version = version_at(oracle, unit, month);

        if (version && version->parks & (1u << park)) release(oracle, month, unit, park);
      }
    }
}

static void apply_for_something(struct fixture *fixture, struct oracle *oracle,
                                struct fixture_agent agents[PARKS], GRand *rand)
{
  int unit = pick(rand, UNITS), park = pick(rand, PARKS), month = pick(rand, MONTHS);
  struct oracle_application *application = &oracle->application[unit][park];
  char name[8], from[16];
  struct park_act act = {.agent = agents[park].id,
                         .sequence = ++agents[park].sequence,
                         .created_at_ms = clock_wall().ms,
                         .kind = PARK_APPLIES,
                         .application = {name, "code", "新", "", "", from, "因为", "李四"}};
  g_autoptr(GError) error = NULL;

  g_snprintf(name, sizeof name, "u%d", unit);
  g_snprintf(from, sizeof from, "2018-%02d-01", month + 1);
  g_autoptr(GByteArray) payload = park_act_encode(&act);
  g_autoptr(GBytes) sealed = g_byte_array_free_to_bytes(
      identity_seal(agents[park].identity, SEAL_ACT, payload->data, payload->len, NULL));
  CLEANUP(receipt_free) struct receipt *receipt = fixture_submit(fixture, sealed, &error);
  if (!receipt) fail_msg("%s", error->message);
  if (is_registered(oracle, unit, park, month) || application->pending) {
    assert_int_equal(receipt->refused, 1);
    return;
  }
  assert_int_equal(receipt->counted, 1);
  *application = (struct oracle_application){true, ++oracle->applications, month};
}

static void decline_something(struct fixture *fixture, struct oracle *oracle, GRand *rand)
{
  int unit = pick(rand, UNITS), park = pick(rand, PARKS);
  struct oracle_application *application = &oracle->application[unit][park];
  struct leaf leaf = {.kind = LEAF_DECLINE, .by = "test", .reason = "why"};
  struct act act = {.kind = LEAF_DECLINE, .leaf = &leaf};
  g_autoptr(GError) error = NULL;

  if (!application->pending) return;
  leaf.decline.application = application->number;
  if (!writer_act(fixture->writer, &act, NULL, &error)) fail_msg("%s", error->message);
  application->pending = false;
  for (int month = 0; month < MONTHS; month++) {
    oracle->declined += oracle->waiting[month][unit][park].count;
    oracle->waiting[month][unit][park].count = 0;
  }
}

static void change_register(struct fixture *fixture, struct oracle *oracle, GRand *rand)
{
  g_autoptr(GString) csv = g_string_new(REGISTER_HEADER);

  for (int n = pick(rand, UNITS / 3); n >= 0; n--) {
    int unit = n * 3 + pick(rand, 3), month = pick(rand, MONTHS);
    struct version version = {
        .exists = true, .parks = 1u + (unsigned)pick(rand, 7), .reporter = pick(rand, PARKS + 1) - 1};

    version.in_boundary = pick(rand, 4) != 0;
    version.cars = pick(rand, 2);
    version.steel = pick(rand, 3) == 0;
    version.above_scale = pick(rand, 2);
    version.closed = pick(rand, 5) == 0;
    if (version.reporter >= 0 && !(version.parks & (1u << version.reporter))) version.reporter = -1;
    g_string_append_printf(
        csv, "u%d,code,,单位%d,%s%s%s,%s,%d,,%s%s%s,%s,%s,,2018-%02d-01,\n", unit, unit,
        version.parks & 1 ? "east;" : "", version.parks & 2 ? "west;" : "", version.parks & 4 ? "south" : "",
        version.reporter >= 0 ? PARK[version.reporter] : "", version.in_boundary, version.cars ? "cars" : "",
        version.cars && version.steel ? ";" : "", version.steel ? "steel" : "",
        version.above_scale ? "above_scale" : "", version.closed ? "关闭" : "正常", month + 1);
    oracle->version[unit][month] = version;
  }
  fixture_import(fixture, csv->str);
  release_all(oracle);
}

static struct report_change random_change(GRand *rand, const struct oracle_report *old,
                                          struct oracle_report *ret_new)
{
  struct report_change change = {.kind = KIND_FIGURES};
  int kind = pick(rand, 12);

  *ret_new = *old;
  if (kind == 0 || (kind == 1 && old->exists)) {
    change.kind = ret_new->kind = kind == 0 ? KIND_NIL : KIND_WITHDRAWAL;
    memset(ret_new->present, 0, sizeof ret_new->present);
    return change;
  }
  ret_new->kind = KIND_FIGURES;
  for (unsigned n = 0; n < COLUMNS; n++) {
    if (pick(rand, 3) == 0) continue;
    column_set_add(&change.asked, n);
    if (old->exists && old->present[n] && pick(rand, 4) == 0) {
      column_set_add(&change.withdrawn, n);
      ret_new->present[n] = false;
      continue;
    }
    ret_new->present[n] = true;
    ret_new->value[n] = g_rand_int_range(rand, 0, 2000000000) * (pick(rand, 10) == 0 ? (int64_t)4000000 : 1);
    figures_set(&change.figures, n, ret_new->value[n]);
  }
  if (column_set_is_empty(&change.asked)) {
    column_set_add(&change.asked, 0);
    figures_set(&change.figures, 0, 7);
    ret_new->present[0] = true;
    ret_new->value[0] = 7;
  }
  return change;
}

/* Sends a correction on the right base; it counts, unless it says what is there already. */
static void report_something(struct fixture *fixture, struct oracle *oracle,
                             struct fixture_agent agents[PARKS], GRand *rand)
{
  int month = pick(rand, MONTHS), unit = pick(rand, UNITS), park = pick(rand, PARKS);
  const struct version *version = version_at(oracle, unit, month);
  struct oracle_report *old = &oracle->report[month][unit][park];
  struct oracle_report next;
  struct fixture_report report = {.base = old->exists ? old->base : NULL};
  char name[8], period[16];
  uint8_t id[32];

  g_snprintf(name, sizeof name, "u%d", unit);
  g_snprintf(period, sizeof period, "2018-%02d", month + 1);
  report.unit = name;
  report.change = random_change(rand, old, &next);
  g_autoptr(GBytes) sealed = fixture_seal(fixture, &agents[park], "monthly", period, &report, 1, id);
  g_autoptr(GError) error = NULL;
  CLEANUP(receipt_free) struct receipt *receipt = fixture_submit(fixture, sealed, &error);
  if (!receipt) fail_msg("%s", error->message);
  if (!version || !(version->parks & (1u << park))) {
    struct oracle_waiting *waiting = &oracle->waiting[month][unit][park];

    assert_int_equal(receipt->waiting, oracle->application[unit][park].pending);
    assert_int_equal(receipt->refused, !receipt->waiting);
    if (!receipt->waiting) return;
    assert_true(waiting->count < WAITING_MOST);
    waiting->report[waiting->count].has_base = old->exists;
    memcpy(waiting->report[waiting->count].base, old->base, sizeof old->base);
    next.first = ++oracle->arrivals;
    memcpy(next.base, id, sizeof id);
    waiting->report[waiting->count++].says = next;
    return;
  }
  if (receipt->unchanged) return;
  assert_int_equal(receipt->counted, 1);
  if (!old->exists) next.first = ++oracle->arrivals;
  next.exists = true;
  memcpy(next.base, id, sizeof id);
  *old = next;
}

static void add_a_slice(struct fixture *fixture)
{
  CLEANUP(snapshot_unref) struct snapshot *snapshot = present_get(writer_present(fixture->writer));
  struct act act = {.kind = LEAF_CATALOGUE, .by = "test"};
  g_auto(GStrv) parts = g_strsplit(snapshot->catalogue->text, "  above_scale: {flag", 2);
  g_autofree char *text = g_strconcat(
      parts[0], "  scaled_cars: {zh: 规上汽车, en: Scaled cars, cluster: cars, flag: above_scale}\n",
      "  above_scale: {flag", parts[1], NULL);
  g_autoptr(GError) error = NULL;

  act.text = g_bytes_new(text, strlen(text));
  if (!writer_act(fixture->writer, &act, NULL, &error)) fail_msg("%s", error->message);
  g_bytes_unref(act.text);
}

static void print_difference(const char *what, const char *stored, const char *replayed, void *data)
{
  (void)data;
  print_message("%s: stored %s, replayed %s\n", what, stored, replayed);
}

static uint64_t differences(const char *folder)
{
  uint64_t count, leaves;
  g_autoptr(GError) error = NULL;

  if (!replay_check(folder, print_difference, NULL, NULL, &count, &leaves, &error))
    fail_msg("%s", error->message);
  assert_true(leaves > 3);
  return count;
}

static void totals_equal_a_plain_sum_and_the_replayed_ledger(void **state)
{
  const char *given = g_getenv("PARKTALLY_SEED");
  uint32_t seed = given ? (uint32_t)strtoul(given, NULL, 10) : g_random_int();
  int rounds = sample_rounds(400);
  GRand *rand = g_rand_new_with_seed(seed);
  struct fixture fixture;
  struct fixture_agent agents[PARKS];
  struct oracle *oracle = g_new0(struct oracle, 1);
  g_autoptr(GError) error = NULL;

  (void)state;
  print_message("PARKTALLY_SEED=%u\n", seed);
  fixture_setup(&fixture, NULL);
  for (int n = 0; n < PARKS; n++) fixture_enrol(&fixture, PARK[n], &agents[n]);
  for (int n = 0; n < rounds; n++) {
    if (n % 8 == 0)
      change_register(&fixture, oracle, rand);
    else if (n % 8 == 4)
      apply_for_something(&fixture, oracle, agents, rand);
    else if (n % 8 == 5 && n % 3 == 0)
      decline_something(&fixture, oracle, rand);
    else
      report_something(&fixture, oracle, agents, rand);
    if (n == rounds / 2) add_a_slice(&fixture);
    if (n % 100 == 99) expect_all(oracle, fixture.folder);
    if (n % 150 == 149) fixture_restart(&fixture);
  }
  expect_all(oracle, fixture.folder);
  assert_int_equal(differences(fixture.folder), 0);
  print_message("reports that waited for their unit: %u let go, %u declined\n", oracle->released,
                oracle->declined);

  writer_free(fixture.writer);
  fixture.writer = NULL;
  if (!replay_rebuild(fixture.folder, NULL, NULL, &error)) fail_msg("%s", error->message);
  expect_all(oracle, fixture.folder);
  assert_int_equal(differences(fixture.folder), 0);

  for (int n = 0; n < PARKS; n++) fixture_agent_clear(&agents[n]);
  fixture_teardown(&fixture);
  g_free(oracle);
  g_rand_free(rand);
}

/* A server that commits something whenever the replay has caught up with it. */
struct busy {
  struct fixture *fixture;
  unsigned looks;
};

static void commit_more(uint64_t done, uint64_t all, void *data)
{
  struct busy *busy = data;

  (void)done;
  (void)all;
  if (++busy->looks > 20) fail_msg("the check runs after a server that it never reaches");
  g_autofree char *csv = g_strdup_printf(REGISTER_HEADER "u%u,code,,甲,east,,1,,,,,,,\n", busy->looks);
  fixture_import(busy->fixture, csv);
}

static void expect_none(const char *what, const char *stored, const char *replayed, void *data)
{
  (void)data;
  fail_msg("%s: stored %s, replayed %s", what, stored, replayed);
}

static void a_check_beside_a_server_that_never_rests_comes_to_its_end(void **state)
{
  struct fixture fixture;
  struct busy busy = {&fixture, 0};
  uint64_t differences_found, leaves;
  g_autoptr(GError) error = NULL;

  (void)state;
  fixture_setup(&fixture, NULL);
  if (!replay_check(fixture.folder, expect_none, commit_more, &busy, &differences_found, &leaves, &error))
    fail_msg("%s", error->message);
  assert_int_equal(differences_found, 0);
  assert_true(busy.looks >= 2); /* and what came while it caught up is in */
  fixture_teardown(&fixture);
}

static void a_changed_cell_and_a_changed_tree_head_are_reported(void **state)
{
  struct fixture fixture;
  struct fixture_agent agent;
  struct fixture_report report = {.unit = "u1", .change = fixture_value(0, 5)};
  struct cell_key key = {.area = "east", .slice = "all", .slot = 0};
  struct period period;

  (void)state;
  fixture_setup(&fixture, REGISTER_HEADER "u1,code,,甲,east,,1,,,,,,,\n");
  fixture_enrol(&fixture, "east", &agent);
  g_autoptr(GBytes) sealed = fixture_seal(&fixture, &agent, "monthly", "2018-05", &report, 1, NULL);
  CLEANUP(receipt_free) struct receipt *receipt = fixture_submit(&fixture, sealed, NULL);
  assert_int_equal(receipt->counted, 1);
  writer_free(fixture.writer);
  fixture.writer = NULL;

  g_autofree char *path = folder_path(fixture.folder, "store.db");
  CLEANUP(store_close) struct store *store = store_open(path, STORE_WRITE, NULL);
  assert_true(period_parse("2018-05", &period));
  store_begin(store);
  key.book = store_find_book(store, "monthly", period);
  add_cell(store, &key, 1, 0);
  key.area = "south"; /* and one that the ledger knows nothing of */
  add_cell(store, &key, 1, 1);
  struct merkle tree; /* and a head that is not the leaves' */
  store_tree(store, &tree);
  tree.peak[0][0] ^= 1;
  store_tree_put(store, &tree);
  assert_true(store_commit(store, NULL));
  assert_int_equal(differences(fixture.folder), 3);
  fixture_agent_clear(&agent);
  fixture_teardown(&fixture);
}

static void period_act(struct fixture *fixture, enum period_action action, const char *area)
{
  struct act act = {.kind = LEAF_PERIOD, .by = "test", .reason = "why"};
  g_autoptr(GError) error = NULL;

  act.period.action = action;
  act.period.form = "monthly";
  act.period.period = "2018-05";
  act.period.area = area;
  if (!writer_act(fixture->writer, &act, NULL, &error)) fail_msg("%s", error->message);
}

static void a_changed_act_on_a_period_is_reported_and_mended(void **state)
{
  static const char *const spoils[] = {
      "UPDATE period_act SET action = 3 WHERE area = ''",
      "UPDATE period_act SET reason = 'none'  WHERE area = ''", "DELETE FROM period_act WHERE area = 'east'",
      "INSERT INTO period_act VALUES ('monthly', 20180601, 99, 2, '', 'nobody', '', 1)"};
  struct fixture fixture;
  g_autoptr(GError) error = NULL;

  (void)state;
  fixture_setup(&fixture, NULL);
  period_act(&fixture, PERIOD_TO_CLOSE, "");
  period_act(&fixture, PERIOD_TO_REOPEN, "east");
  assert_int_equal(differences(fixture.folder), 0);
  writer_free(fixture.writer);
  fixture.writer = NULL;
  g_autofree char *path = folder_path(fixture.folder, "store.db");
  for (size_t n = 0; n < G_N_ELEMENTS(spoils); n++) {
    CLEANUP(db_close) struct db *db = db_open(path, DB_WRITE, 256, NULL);
    assert_true(db_exec(db, spoils[n]));
    assert_int_equal(differences(fixture.folder), 1);
    if (!replay_rebuild(fixture.folder, NULL, NULL, &error)) fail_msg("%s", error->message);
    assert_int_equal(differences(fixture.folder), 0);
  }
  fixture_teardown(&fixture);
}

static void admissions_are_replayed_and_a_changed_one_is_reported_and_mended(void **state)
{
  static const char *const spoils[] = {
      "DELETE FROM admission", "UPDATE admission SET admitted_by = 'east-3' WHERE agent = 'east-2'",
      "UPDATE admission SET entry = 1 WHERE agent = 'west-2'", "UPDATE agent SET revoked = 0"};
  static const uint64_t found[] = {3, 1, 1, 1};
  struct fixture fixture;
  struct fixture_agent agents[5];
  static const char *const areas[] = {"east", "east", "east", "west", "west"};
  g_autoptr(GError) error = NULL;

  (void)state;
  fixture_setup(&fixture, NULL);
  for (int n = 0; n < 4; n++) fixture_enrol(&fixture, areas[n], &agents[n]);
  fixture_admit(&fixture, &agents[0], &agents[1]); /* the third waits */
  g_autoptr(GBytes) again = fixture_seal_admission(&agents[0], &agents[1]);
  CLEANUP(receipt_free) struct receipt *receipt = fixture_submit(&fixture, again, NULL);
  assert_int_equal(receipt->refused, 1);
  struct fixture_agent nobody = {.identity = agents[1].identity, .id = (char *)"east-9"};
  g_autoptr(GBytes) vain = fixture_seal_admission(&agents[0], &nobody);
  CLEANUP(receipt_free) struct receipt *other = fixture_submit(&fixture, vain, NULL);
  assert_int_equal(other->refused, 1);
  fixture_revoke(&fixture, &agents[3]);
  fixture_enrol(&fixture, areas[4], &agents[4]); /* in its place */
  assert_int_equal(differences(fixture.folder), 0);
  writer_free(fixture.writer);
  fixture.writer = NULL;
  g_autofree char *path = folder_path(fixture.folder, "store.db");
  for (size_t n = 0; n < G_N_ELEMENTS(spoils); n++) {
    CLEANUP(db_close) struct db *db = db_open(path, DB_WRITE, 256, NULL);
    assert_true(db_exec(db, spoils[n]));
    assert_int_equal(differences(fixture.folder), found[n]);
    if (!replay_rebuild(fixture.folder, NULL, NULL, &error)) fail_msg("%s", error->message);
    assert_int_equal(differences(fixture.folder), 0);
  }
  for (int n = 0; n < 5; n++) fixture_agent_clear(&agents[n]);
  fixture_teardown(&fixture);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(admissions_are_replayed_and_a_changed_one_is_reported_and_mended),
      cmocka_unit_test(a_check_beside_a_server_that_never_rests_comes_to_its_end),
      cmocka_unit_test(a_changed_cell_and_a_changed_tree_head_are_reported),
      cmocka_unit_test(a_changed_act_on_a_period_is_reported_and_mended),
      cmocka_unit_test(totals_equal_a_plain_sum_and_the_replayed_ledger),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}

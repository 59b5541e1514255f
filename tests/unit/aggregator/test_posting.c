/* Verdicts: what becomes of a report, given what was reported before. Through the real writer and store. */
#include "fixture.h"

#include "aggregator/replay.h"
#include "common/clock.h"
#include "common/db.h"
#include "common/error.h"
#include "common/finding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define OUTPUT 0 /* columns of form `monthly` in small.yaml */
#define SALES 1

struct world {
  struct fixture fixture;
  struct fixture_agent east, east_too, west;
};

static const char REGISTER[] =
    "unit,class,parent,name,parks,reporter,in_boundary,industry,clusters,flags,status,succeeds,from,to\n"
    "a1,code,,甲,east,,1,,cars,,正常,,,\n"
    "b1,code,,乙,east;west,west,1,,,,正常,,,\n"
    "c1,code,,丙,west,,1,,,,正常,,,\n";

static int setup(void **state)
{
  struct world *world = g_new0(struct world, 1);

  fixture_setup(&world->fixture, REGISTER);
  fixture_enrol(&world->fixture, "east", &world->east);
  fixture_enrol(&world->fixture, "east", &world->east_too);
  fixture_admit(&world->fixture, &world->east, &world->east_too);
  fixture_enrol(&world->fixture, "west", &world->west);
  *state = world;
  return 0;
}

static int teardown(void **state)
{
  struct world *world = *state;

  fixture_agent_clear(&world->east);
  fixture_agent_clear(&world->east_too);
  fixture_agent_clear(&world->west);
  fixture_teardown(&world->fixture);
  g_free(world);
  return 0;
}

/* Sends one report and returns its receipt. */
static struct receipt *send_change(struct world *world, struct fixture_agent *agent, const char *unit,
                                   const struct report_change *change, const uint8_t *base,
                                   uint8_t ret_id[32])
{
  struct fixture_report report = {.unit = unit, .base = base, .change = *change};
  g_autoptr(GBytes) sealed = fixture_seal(&world->fixture, agent, "monthly", "2018-05", &report, 1, ret_id);
  g_autoptr(GError) error = NULL;
  struct receipt *receipt = fixture_submit(&world->fixture, sealed, &error);

  if (!receipt) fail_msg("submit: %s", error->message);
  return receipt;
}

static struct receipt *send_value(struct world *world, struct fixture_agent *agent, const char *unit,
                                  int64_t value, const uint8_t *base, uint8_t ret_id[32])
{
  struct report_change change = fixture_value(OUTPUT, value);

  return send_change(world, agent, unit, &change, base, ret_id);
}

/* The stored total of `output` in an area, −1 if nothing is there. */
static int64_t total(struct world *world, const char *area)
{
  g_autofree char *path = g_build_filename(world->fixture.folder, "store.db", NULL);
  CLEANUP(store_close) struct store *store = store_open(path, STORE_READ, NULL);
  struct period period;
  int128 sum;
  int64_t units;

  assert_true(period_parse("2018-05", &period));
  struct cell_key key = {
      .book = store_find_book(store, "monthly", period), .area = area, .slice = "all", .slot = OUTPUT};
  return store_cell(store, &key, &sum, &units) ? (int64_t)sum : -1;
}

#define ASSERT_COUNTS(receipt, c, u, s, w, r)                                                                \
  do {                                                                                                       \
    assert_int_equal((receipt)->counted, c);                                                                 \
    assert_int_equal((receipt)->unchanged, u);                                                               \
    assert_int_equal((receipt)->stale, s);                                                                   \
    assert_int_equal((receipt)->waiting, w);                                                                 \
    assert_int_equal((receipt)->refused, r);                                                                 \
  } while (0)

static void a_report_on_a_stale_base_is_kept_and_not_counted(void **state)
{
  struct world *world = *state;
  uint8_t first[32], second[32];
  char *holder;

  CLEANUP(receipt_free) struct receipt *r1 = send_value(world, &world->east, "a1", 100, NULL, first);
  CLEANUP(receipt_free) struct receipt *r2 = send_value(world, &world->east, "a1", 150, first, second);
  CLEANUP(receipt_free) struct receipt *r3 = send_value(world, &world->east_too, "a1", 200, first, NULL);
  CLEANUP(receipt_free) struct receipt *r4 = send_value(world, &world->east_too, "a1", 200, NULL, NULL);
  ASSERT_COUNTS(r1, 1, 0, 0, 0, 0);
  ASSERT_COUNTS(r2, 1, 0, 0, 0, 0);
  ASSERT_COUNTS(r3, 0, 0, 1, 0, 0);
  ASSERT_COUNTS(r4, 0, 0, 1, 0, 0);
  assert_int_equal(total(world, "east"), 150);
  /* the refusal names the submission that holds the report, so that the next correction can name it */
  holder = text_hex(second, 32);
  assert_string_equal(r3->refusals[0].rule, "report.stale");
  assert_string_equal(r3->refusals[0].expected, holder);
  g_free(holder);
}

static void the_same_values_are_unchanged_whatever_their_base(void **state)
{
  struct world *world = *state;
  uint8_t first[32], second[32];

  CLEANUP(receipt_free) struct receipt *r1 = send_value(world, &world->east, "a1", 100, NULL, first);
  CLEANUP(receipt_free) struct receipt *r2 = send_value(world, &world->east_too, "a1", 100, NULL, second);
  /* the revision is still the first submission's */
  CLEANUP(receipt_free) struct receipt *r3 = send_value(world, &world->east, "a1", 120, first, NULL);
  ASSERT_COUNTS(r2, 0, 1, 0, 0, 0);
  assert_string_equal(r2->refusals[0].rule, "report.unchanged");
  ASSERT_COUNTS(r3, 1, 0, 0, 0, 0);
  CLEANUP(receipt_free) struct receipt *r4 = send_value(world, &world->east_too, "a1", 120, first, NULL);
  ASSERT_COUNTS(r4, 0, 1, 0, 0, 0);
  assert_int_equal(total(world, "zone"), 120);
}

static void a_blank_over_a_present_value_is_refused(void **state)
{
  struct world *world = *state;
  uint8_t first[32];
  struct report_change blank = fixture_value(SALES, 5);

  column_set_add(&blank.asked, OUTPUT);
  CLEANUP(receipt_free) struct receipt *r1 = send_value(world, &world->east, "a1", 1005, NULL, first);
  CLEANUP(receipt_free) struct receipt *r2 = send_change(world, &world->east, "a1", &blank, first, NULL);
  ASSERT_COUNTS(r2, 0, 0, 0, 0, 1);
  assert_string_equal(r2->refusals[0].rule, "value.blank");
  assert_string_equal(r2->refusals[0].indicator, "output");
  assert_string_equal(r2->refusals[0].expected, "100.5");
  assert_int_equal(total(world, "east"), 1005);
}

static void a_column_absent_from_a_correction_keeps_its_value(void **state)
{
  struct world *world = *state;
  uint8_t first[32];
  struct report_change sales = fixture_value(SALES, 5);

  CLEANUP(receipt_free) struct receipt *r1 = send_value(world, &world->east, "a1", 100, NULL, first);
  CLEANUP(receipt_free) struct receipt *r2 = send_change(world, &world->east, "a1", &sales, first, NULL);
  ASSERT_COUNTS(r2, 1, 0, 0, 0, 0);
  assert_int_equal(total(world, "east"), 100);
}

static void a_withdrawn_figure_and_a_withdrawn_report_leave_the_totals(void **state)
{
  struct world *world = *state;
  uint8_t first[32], second[32], third[32];
  struct report_change taken_back = {.kind = KIND_FIGURES};
  struct report_change whole = {.kind = KIND_WITHDRAWAL};

  column_set_add(&taken_back.asked, OUTPUT);
  column_set_add(&taken_back.withdrawn, OUTPUT);
  CLEANUP(receipt_free) struct receipt *r1 = send_value(world, &world->east, "a1", 100, NULL, first);
  CLEANUP(receipt_free)
  struct receipt *r2 = send_change(world, &world->east, "a1", &taken_back, first, second);
  ASSERT_COUNTS(r2, 1, 0, 0, 0, 0);
  assert_int_equal(total(world, "east"), -1);
  CLEANUP(receipt_free) struct receipt *r3 = send_value(world, &world->east, "a1", 70, second, third);
  CLEANUP(receipt_free) struct receipt *r4 = send_change(world, &world->east, "a1", &whole, third, NULL);
  ASSERT_COUNTS(r4, 1, 0, 0, 0, 0);
  assert_int_equal(total(world, "east"), -1);
  CLEANUP(receipt_free) struct receipt *r5 = send_change(world, &world->west, "c1", &whole, NULL, NULL);
  ASSERT_COUNTS(r5, 0, 0, 0, 0, 1);
  assert_string_equal(r5->refusals[0].rule, "report.nothing-to-withdraw");
}

static void a_report_waits_for_its_base_and_then_counts(void **state)
{
  struct world *world = *state;
  uint8_t first[32], second[32], third[32];
  struct fixture_report reports[3] = {
      {.unit = "a1", .change = fixture_value(OUTPUT, 1)},
      {.unit = "a1", .base = first, .change = fixture_value(OUTPUT, 2)},
      {.unit = "a1", .base = second, .change = fixture_value(OUTPUT, 3)},
  };
  g_autoptr(GBytes) s1 =
      fixture_seal(&world->fixture, &world->east, "monthly", "2018-05", &reports[0], 1, first);
  g_autoptr(GBytes) s2 =
      fixture_seal(&world->fixture, &world->east, "monthly", "2018-05", &reports[1], 1, second);
  g_autoptr(GBytes) s3 =
      fixture_seal(&world->fixture, &world->east, "monthly", "2018-05", &reports[2], 1, third);

  CLEANUP(receipt_free) struct receipt *r2 = fixture_submit(&world->fixture, s2, NULL);
  ASSERT_COUNTS(r2, 0, 0, 0, 1, 0);
  CLEANUP(receipt_free) struct receipt *r3 = fixture_submit(&world->fixture, s3, NULL);
  ASSERT_COUNTS(r3, 0, 0, 0, 1, 0);
  assert_int_equal(total(world, "east"), -1);
  CLEANUP(receipt_free) struct receipt *r1 = fixture_submit(&world->fixture, s1, NULL);
  ASSERT_COUNTS(r1, 1, 0, 0, 0, 0);
  assert_int_equal(total(world, "east"), 3);
}

/* --- reports that wait for their unit's registration --- */

static void apply_for(struct world *world, struct fixture_agent *agent, const char *unit)
{
  struct park_act act = {.agent = agent->id,
                         .sequence = ++agent->sequence,
                         .created_at_ms = clock_wall().ms,
                         .kind = PARK_APPLIES,
                         .application = {unit, "code", "新", "", "", "", "因为", "李四"}};
  g_autoptr(GByteArray) payload = park_act_encode(&act);
  g_autoptr(GBytes) sealed =
      g_byte_array_free_to_bytes(identity_seal(agent->identity, SEAL_ACT, payload->data, payload->len, NULL));
  CLEANUP(receipt_free) struct receipt *receipt = fixture_submit(&world->fixture, sealed, NULL);
  assert_int_equal(receipt->counted, 1);
}

static const char *new_unit(unsigned n, char ret_name[8])
{
  g_snprintf(ret_name, 8, "n%03u", n);
  return ret_name;
}

/* All new units in one submission. */
static void send_new(struct world *world, unsigned units, const char *period, int64_t value,
                     const uint8_t *base, uint8_t ret_id[32])
{
  g_autofree struct fixture_report *reports = g_new(struct fixture_report, units);
  g_autofree char(*names)[8] = g_malloc(units * sizeof *names);
  for (unsigned n = 0; n < units; n++)
    reports[n] = (struct fixture_report){
        .unit = new_unit(n, names[n]), .base = base, .change = fixture_value(OUTPUT, value)};
  g_autoptr(GBytes) sealed =
      fixture_seal(&world->fixture, &world->east, "monthly", period, reports, units, ret_id);
  CLEANUP(receipt_free) struct receipt *receipt = fixture_submit(&world->fixture, sealed, NULL);
  ASSERT_COUNTS(receipt, 0, 0, 0, units, 0);
}

static void import_new(struct world *world, unsigned units)
{
  g_autoptr(GString) csv = g_string_new(REGISTER);
  char name[8];
  for (unsigned n = 0; n < units; n++)
    g_string_append_printf(csv, "%s,code,,新,east,,1,,,,正常,,,\n", new_unit(n, name));
  fixture_import(&world->fixture, csv->str);
}

/* The last leaf, of an import. */
static struct leaf *last_leaf(struct world *world)
{
  g_autofree char *path = g_build_filename(world->fixture.folder, "store.db", NULL);
  CLEANUP(store_close) struct store *store = store_open(path, STORE_READ, NULL);
  g_autoptr(GBytes) body = store_leaf(store, store_leaf_count(store) - 1);
  struct leaf *leaf = leaf_decode(g_bytes_get_data(body, NULL), g_bytes_get_size(body));
  assert_int_equal(leaf->kind, LEAF_REGISTER);
  return leaf;
}

static void expect_no_difference(const char *what, const char *stored, const char *replayed, void *data)
{
  (void)data;
  fail_msg("%s: stored %s, replayed %s", what, stored, replayed);
}

static void expect_replay(struct world *world)
{
  uint64_t differences, leaves;
  g_autoptr(GError) error = NULL;
  if (!replay_check(world->fixture.folder, expect_no_difference, NULL, NULL, &differences, &leaves, &error))
    fail_msg("%s", error->message);
}

/* Each submission is read once for all of its reports, and not for each unit again: so they are let go in the
 * order in which they came. What waits for them in turn follows. */
static void reports_of_many_units_and_months_are_let_go_submission_by_submission(void **state)
{
  enum { UNITS = 300, MONTHS = 5 };
  struct world *world = *state;
  uint8_t may[32], corrected[32];
  char name[8];
  for (unsigned n = 0; n < UNITS; n++) apply_for(world, &world->east, new_unit(n, name));
  for (unsigned month = 1; month <= MONTHS; month++) {
    g_autofree char *period = g_strdup_printf("2018-%02u", month);
    send_new(world, UNITS, period, month, NULL, may);
  }
  send_new(world, UNITS, "2018-05", 7, may, corrected); /* waits for the unit too */
  send_new(world, UNITS, "2018-05", 9, corrected, NULL);
  send_new(world, UNITS, "2018-05", 8, may, NULL); /* too late */
  import_new(world, UNITS);
  assert_int_equal(total(world, "east"), 9 * UNITS);

  CLEANUP(leaf_free) struct leaf *leaf = last_leaf(world);
  unsigned counted = 0, stale = 0;
  uint64_t before = 0;
  assert_int_equal(leaf->register_.release_count, UNITS * (MONTHS + 3));
  for (size_t n = 0; n < leaf->register_.release_count; n++) {
    const struct release *release = &leaf->register_.releases[n];
    assert_true(release->position >= before);
    assert_int_equal(release->row, n % UNITS);
    before = release->position;
    counted += release->verdict == VERDICT_IS_COUNTED;
    stale += release->verdict == VERDICT_IS_STALE;
  }
  assert_int_equal(counted, UNITS * (MONTHS + 2));
  assert_int_equal(stale, UNITS);
  expect_replay(world);
}

static void what_waited_counts_also_for_a_period_that_was_closed_meanwhile(void **state)
{
  struct world *world = *state;
  struct act close = {.kind = LEAF_PERIOD, .by = "test"};
  struct fixture_report report = {.unit = "a1", .change = fixture_value(OUTPUT, 1)};
  g_autoptr(GBytes) sealed =
      fixture_seal(&world->fixture, &world->east, "monthly", "2018-05", &report, 1, NULL);
  g_autoptr(GError) error = NULL;
  apply_for(world, &world->east, "n000");
  send_new(world, 1, "2018-05", 7, NULL, NULL);
  close.period.action = PERIOD_TO_CLOSE;
  close.period.form = "monthly";
  close.period.period = "2018-05";
  close.period.area = "";
  assert_true(writer_act(world->fixture.writer, &close, NULL, NULL));
  assert_null(fixture_submit(&world->fixture, sealed, &error)); /* this one comes too late */
  assert_int_equal(error->code, FINDING_PERIOD_CLOSED);
  import_new(world, 1);
  assert_int_equal(total(world, "east"), 7);
  expect_replay(world);
}

static void a_submission_sent_again_gets_the_same_receipt_and_counts_once(void **state)
{
  struct world *world = *state;
  struct fixture_report report = {.unit = "a1", .change = fixture_value(OUTPUT, 9)};
  g_autoptr(GBytes) sealed =
      fixture_seal(&world->fixture, &world->east, "monthly", "2018-05", &report, 1, NULL);

  CLEANUP(receipt_free) struct receipt *r1 = fixture_submit(&world->fixture, sealed, NULL);
  fixture_restart(&world->fixture);
  CLEANUP(receipt_free) struct receipt *r2 = fixture_submit(&world->fixture, sealed, NULL);
  assert_int_equal(r2->counted, 1);
  assert_int_equal(r1->position, r2->position);
  assert_int_equal(r1->recorded_at_ms, r2->recorded_at_ms);
  assert_int_equal(total(world, "zone"), 9);
}

/* As another agent may carry it, or the same one just before it is told. */
static void what_was_acknowledged_gets_the_same_receipt_though_its_agent_was_revoked(void **state)
{
  struct world *world = *state;
  struct fixture_report report = {.unit = "a1", .change = fixture_value(OUTPUT, 9)};
  const struct act revocation = {.kind = LEAF_REVOCATION, .by = "test", .agent = world->east.id};
  g_autoptr(GBytes) sealed =
      fixture_seal(&world->fixture, &world->east, "monthly", "2018-05", &report, 1, NULL);
  g_autoptr(GBytes) never_sent =
      fixture_seal(&world->fixture, &world->east, "monthly", "2018-04", &report, 1, NULL);
  g_autoptr(GError) error = NULL;

  CLEANUP(receipt_free) struct receipt *r1 = fixture_submit(&world->fixture, sealed, NULL);
  assert_true(writer_act(world->fixture.writer, &revocation, NULL, NULL));
  CLEANUP(receipt_free) struct receipt *r2 = fixture_submit(&world->fixture, sealed, &error);
  if (!r2) fail_msg("%s", error->message);
  assert_int_equal(r1->position, r2->position);
  assert_int_equal(r1->recorded_at_ms, r2->recorded_at_ms);
  assert_null(fixture_submit(&world->fixture, never_sent, &error));
  assert_non_null(strstr(error->message, "was revoked"));
  assert_int_equal(total(world, "zone"), 9);
}

static void a_sequence_number_used_for_other_bytes_is_refused_whole(void **state)
{
  struct world *world = *state;
  struct fixture_report report = {.unit = "a1", .change = fixture_value(OUTPUT, 9)};
  g_autoptr(GBytes) one = fixture_seal(&world->fixture, &world->east, "monthly", "2018-05", &report, 1, NULL);
  g_autoptr(GError) error = NULL;

  world->east.sequence--;
  report.change = fixture_value(OUTPUT, 10);
  g_autoptr(GBytes) other =
      fixture_seal(&world->fixture, &world->east, "monthly", "2018-05", &report, 1, NULL);
  CLEANUP(receipt_free) struct receipt *r1 = fixture_submit(&world->fixture, one, NULL);
  assert_null(fixture_submit(&world->fixture, other, &error));
  assert_int_equal(total(world, "east"), 9);
}

static void two_parks_keep_a_report_each_and_the_designated_reporter_counts(void **state)
{
  struct world *world = *state;
  uint8_t west_id[32];
  struct report_change whole = {.kind = KIND_WITHDRAWAL};

  CLEANUP(receipt_free) struct receipt *r1 = send_value(world, &world->east, "b1", 10, NULL, NULL);
  assert_int_equal(total(world, "zone"), 10);
  CLEANUP(receipt_free) struct receipt *r2 = send_value(world, &world->west, "b1", 11, NULL, west_id);
  ASSERT_COUNTS(r2, 1, 0, 0, 0, 0);
  assert_int_equal(total(world, "east"), 11);
  assert_int_equal(total(world, "west"), 11);
  assert_int_equal(total(world, "group"), 11); /* once, though both parks count it */
  CLEANUP(receipt_free) struct receipt *r3 = send_change(world, &world->west, "b1", &whole, west_id, NULL);
  assert_int_equal(total(world, "zone"), 10);
}

static void another_parks_unit_is_refused_by_name_and_holds_up_nothing(void **state)
{
  struct world *world = *state;
  struct fixture_report reports[3] = {
      {.unit = "a1", .change = fixture_value(OUTPUT, 4)},
      {.unit = "c1", .change = fixture_value(OUTPUT, 5)},
      {.unit = "zz", .change = fixture_value(OUTPUT, 6)},
  };
  g_autoptr(GBytes) sealed =
      fixture_seal(&world->fixture, &world->east, "monthly", "2018-05", reports, 3, NULL);
  CLEANUP(receipt_free) struct receipt *receipt = fixture_submit(&world->fixture, sealed, NULL);

  ASSERT_COUNTS(receipt, 1, 0, 0, 0, 2);
  assert_int_equal(receipt->refusals[0].row, 1);
  assert_string_equal(receipt->refusals[0].rule, "unit.elsewhere");
  assert_string_equal(receipt->refusals[1].rule, "unit.unknown");
  assert_int_equal(total(world, "zone"), 4);
}

static void nobody_gets_in_by_a_forged_seal_or_another_agents_name(void **state)
{
  struct world *world = *state;
  struct fixture_report report = {.unit = "a1", .change = fixture_value(OUTPUT, 4)};
  g_autoptr(GBytes) sealed =
      fixture_seal(&world->fixture, &world->east, "monthly", "2018-05", &report, 1, NULL);
  g_autoptr(GByteArray) forged = g_byte_array_new();
  struct fixture_agent liar = world->west;

  g_byte_array_append(forged, g_bytes_get_data(sealed, NULL), (unsigned)g_bytes_get_size(sealed));
  forged->data[forged->len - 1] ^= 1;
  g_autoptr(GBytes) bytes = g_bytes_new(forged->data, forged->len);
  g_autoptr(GError) error = NULL;
  assert_null(fixture_submit(&world->fixture, bytes, &error));
  assert_int_equal(error->code, FINDING_SEAL_FORGED);
  g_clear_error(&error);

  liar.id = world->east.id;
  g_autoptr(GBytes) other = fixture_seal(&world->fixture, &liar, "monthly", "2018-05", &report, 1, NULL);
  assert_null(fixture_submit(&world->fixture, other, &error));
  assert_int_equal(error->code, FINDING_AGENT_OTHER);
}

static void put_catalogue(struct world *world, const char *text)
{
  struct act act = {.kind = LEAF_CATALOGUE, .by = "test", .text = g_bytes_new(text, strlen(text))};
  g_autoptr(GError) error = NULL;

  if (!writer_act(world->fixture.writer, &act, NULL, &error)) fail_msg("%s", error->message);
  g_bytes_unref(act.text);
}

static void an_old_catalogue_gives_no_right_to_other_parks_units(void **state)
{
  struct world *world = *state;
  CLEANUP(snapshot_unref) struct snapshot *before = present_get(writer_present(world->fixture.writer));
  g_auto(GStrv) parts = g_strsplit(before->catalogue->text, "  city: {zh: 全市", 2);
  g_autofree char *text = g_strconcat(
      parts[0], "  north: {zh: 北园, en: North, in: zone, reports: true}\n  city: {zh: 全市", parts[1], NULL);
  struct fixture_agent north;
  struct fixture_report report = {.unit = "a1", .change = fixture_value(OUTPUT, 4)};
  g_autoptr(GError) error = NULL;

  put_catalogue(world, text);
  fixture_enrol(&world->fixture, "north", &north);
  g_autoptr(GBytes) sealed =
      fixture_seal_under(&world->fixture, before->catalogue, &north, "monthly", "2018-05", &report, 1, NULL);
  assert_null(fixture_submit(&world->fixture, sealed, &error));
  assert_int_equal(error->code, FINDING_CATALOGUE_UNKNOWN);
  fixture_agent_clear(&north);
}

static void the_park_that_a_unit_belongs_to_counts_before_one_that_it_has_left(void **state)
{
  struct world *world = *state;

  CLEANUP(receipt_free) struct receipt *r1 = send_value(world, &world->east, "a1", 1000, NULL, NULL);
  fixture_import(&world->fixture, "unit,class,parks\na1,code,west\n");
  assert_int_equal(total(world, "west"), 1000); /* nothing better is known */
  CLEANUP(receipt_free) struct receipt *r2 = send_value(world, &world->west, "a1", 2000, NULL, NULL);
  assert_int_equal(total(world, "west"), 2000);
  assert_int_equal(total(world, "east"), -1);
}

static void a_damaged_row_puts_off_only_what_meets_it(void **state)
{
  struct world *world = *state;
  g_autofree char *path = g_build_filename(world->fixture.folder, "store.db", NULL);
  uint8_t first[32];

  CLEANUP(receipt_free) struct receipt *r1 = send_value(world, &world->east, "a1", 10, NULL, first);
  {
    CLEANUP(db_close) struct db *db = db_open(path, DB_WRITE, 1024, NULL);
    assert_true(db_exec(db, "UPDATE family SET checksum = checksum + 1 WHERE area = 'east'"));
  }
  fixture_restart(&world->fixture);
  struct fixture_report report = {.unit = "a1", .base = first, .change = fixture_value(OUTPUT, 11)};
  g_autoptr(GBytes) sealed =
      fixture_seal(&world->fixture, &world->east, "monthly", "2018-05", &report, 1, NULL);
  g_autoptr(GError) error = NULL;
  assert_null(fixture_submit(&world->fixture, sealed, &error));
  assert_int_equal(error->code, ERROR_DATA);
  struct fixture_report other = {.unit = "c1", .change = fixture_value(OUTPUT, 5)};
  g_autoptr(GBytes) fine = fixture_seal(&world->fixture, &world->west, "monthly", "2018-06", &other, 1, NULL);
  CLEANUP(receipt_free) struct receipt *r2 = fixture_submit(&world->fixture, fine, NULL);
  ASSERT_COUNTS(r2, 1, 0, 0, 0, 0);
}

static void revocation_bites_on_the_next_message(void **state)
{
  struct world *world = *state;
  struct act act = {.kind = LEAF_REVOCATION, .by = "test", .agent = world->east.id};
  struct fixture_report report = {.unit = "a1", .change = fixture_value(OUTPUT, 4)};
  g_autoptr(GBytes) sealed =
      fixture_seal(&world->fixture, &world->east, "monthly", "2018-05", &report, 1, NULL);
  g_autoptr(GError) error = NULL;

  assert_true(writer_act(world->fixture.writer, &act, NULL, NULL));
  assert_null(fixture_submit(&world->fixture, sealed, &error));
  assert_int_equal(error->code, FINDING_AGENT_REVOKED);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(nobody_gets_in_by_a_forged_seal_or_another_agents_name),
      TEST(revocation_bites_on_the_next_message),
      TEST(another_parks_unit_is_refused_by_name_and_holds_up_nothing),
      TEST(a_sequence_number_used_for_other_bytes_is_refused_whole),
      TEST(an_old_catalogue_gives_no_right_to_other_parks_units),
      TEST(the_park_that_a_unit_belongs_to_counts_before_one_that_it_has_left),
      TEST(a_damaged_row_puts_off_only_what_meets_it),
      TEST(a_report_on_a_stale_base_is_kept_and_not_counted),
      TEST(a_blank_over_a_present_value_is_refused),
      TEST(the_same_values_are_unchanged_whatever_their_base),
      TEST(a_column_absent_from_a_correction_keeps_its_value),
      TEST(a_withdrawn_figure_and_a_withdrawn_report_leave_the_totals),
      TEST(a_report_waits_for_its_base_and_then_counts),
      TEST(reports_of_many_units_and_months_are_let_go_submission_by_submission),
      TEST(what_waited_counts_also_for_a_period_that_was_closed_meanwhile),
      TEST(a_submission_sent_again_gets_the_same_receipt_and_counts_once),
      TEST(what_was_acknowledged_gets_the_same_receipt_though_its_agent_was_revoked),
      TEST(two_parks_keep_a_report_each_and_the_designated_reporter_counts),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}

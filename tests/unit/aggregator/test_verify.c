/* What `ledger verify` finds: by a real ledger, whole and tampered with. */
#include "aggregator/replay.h"

#include "fixture.h"

#include "aggregator/statistics/edition.h"
#include "common/db.h"
#include "common/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OUTPUT 0 /* column of form `monthly` in small.yaml */

struct world {
  struct fixture fixture;
  struct fixture_agent east, west;
  GString *told;
};

static int setup(void **state)
{
  struct world *world = g_new0(struct world, 1);

  fixture_setup(&world->fixture, "unit,class,parks\na1,code,east\nc1,code,west\n");
  fixture_enrol(&world->fixture, "east", &world->east);
  fixture_enrol(&world->fixture, "west", &world->west);
  world->told = g_string_new(NULL);
  *state = world;
  return 0;
}

static int teardown(void **state)
{
  struct world *world = *state;

  g_string_free(world->told, TRUE);
  fixture_agent_clear(&world->east);
  fixture_agent_clear(&world->west);
  fixture_teardown(&world->fixture);
  g_free(world);
  return 0;
}

static void report(struct world *world, struct fixture_agent *agent, const char *unit, int64_t output)
{
  struct fixture_report report = {.unit = unit, .change = fixture_value(OUTPUT, output)};
  g_autoptr(GBytes) sealed = fixture_seal(&world->fixture, agent, "monthly", "2018-05", &report, 1, NULL);
  g_autoptr(GError) error = NULL;
  struct receipt *receipt = fixture_submit(&world->fixture, sealed, &error);

  if (!receipt) fail_msg("%s", error->message);
  receipt_free(receipt);
}

static uint64_t leaves(struct world *world)
{
  g_autofree char *path = g_build_filename(world->fixture.folder, "store.db", NULL);
  CLEANUP(store_close) struct store *store = store_open(path, STORE_READ, NULL);

  return store_leaf_count(store);
}

static char *root_now(struct world *world)
{
  g_autofree char *path = g_build_filename(world->fixture.folder, "store.db", NULL);
  CLEANUP(store_close) struct store *store = store_open(path, STORE_READ, NULL);
  struct merkle tree;
  uint8_t root[MERKLE_HASH_SIZE];

  store_tree(store, &tree);
  merkle_root(&tree, root);
  return text_hex(root, sizeof root);
}

/* An edition that prints this output of east, this many units, and this overlap of the group. */
static void publish(struct world *world, const char *output, const char *units, const char *overlap,
                    const char *root)
{
  CLEANUP(edition_free) struct edition *edition = edition_new();
  struct edition_item areas[] = {{g_strdup("east"), {g_strdup("东园"), g_strdup("East")}},
                                 {g_strdup("group"), {g_strdup("片区"), g_strdup("Group")}}};
  struct edition_item slices[] = {{g_strdup("all"), {g_strdup("全部"), g_strdup("All")}},
                                  {g_strdup(EDITION_OVERLAP), {g_strdup(""), g_strdup("")}}};
  struct edition_column columns[] = {{g_strdup("output"),
                                      g_strdup("output"),
                                      g_strdup(""),
                                      {g_strdup("产值"), g_strdup("Output")},
                                      g_strdup("千元"),
                                      1},
                                     {g_strdup(EDITION_REPORTED),
                                      g_strdup(""),
                                      g_strdup(""),
                                      {g_strdup(""), g_strdup("")},
                                      g_strdup(""),
                                      0}};
  struct edition_cell cells[] = {{0, 0, 0, 'F', g_strdup(output)},
                                 {0, 0, 1, 'F', g_strdup(units)},
                                 {1, 0, 0, 'O', NULL},
                                 {1, 1, 0, 'F', g_strdup(overlap)}};
  g_autofree char *text = NULL;
  g_autoptr(GByteArray) sealed = NULL;
  g_autoptr(GError) error = NULL;

  edition->number = 1;
  edition->vintage = EDITION_PROVISIONAL;
  edition->zone = g_strdup("small");
  edition->zone_name = (struct label){g_strdup("小"), g_strdup("Small")};
  edition->form = g_strdup("monthly");
  edition->form_name = (struct label){g_strdup("月报"), g_strdup("Monthly")};
  edition->period = g_strdup("2018-05");
  edition->leaves = leaves(world);
  edition->root = root ? g_strdup(root) : root_now(world);
  edition->as_of_ms = 1;
  edition->catalogue = g_strnfill(64, 'a');
  edition->by = g_strdup("李明");
  edition->reason = g_strdup("");
  edition->rules = DISCLOSE_RULES;
  g_array_append_vals(edition->areas, areas, G_N_ELEMENTS(areas));
  g_array_append_vals(edition->slices, slices, G_N_ELEMENTS(slices));
  g_array_append_vals(edition->columns, columns, G_N_ELEMENTS(columns));
  g_array_append_vals(edition->cells, cells, G_N_ELEMENTS(cells));
  text = edition_write(edition);
  sealed = identity_seal(world->fixture.identity, SEAL_EDITION, (const uint8_t *)text, strlen(text), NULL);
  struct leaf leaf = {
      .kind = LEAF_EDITION, .by = "李明", .reason = "", .edition = {{sealed->data, sealed->len}}};
  struct act act = {.kind = LEAF_EDITION, .leaf = &leaf};
  if (!writer_act(world->fixture.writer, &act, NULL, &error)) fail_msg("%s", error->message);
}

static void sql(struct world *world, const char *statement)
{
  g_autofree char *path = g_build_filename(world->fixture.folder, "store.db", NULL);
  CLEANUP(db_close) struct db *db = db_open(path, DB_WRITE, 256, NULL);

  assert_non_null(db);
  if (!db_exec(db, statement)) fail_msg("%s", db_error(db)->message);
}

static void tell(const char *what, const char *found, const char *expected, void *data)
{
  g_string_append_printf(((struct world *)data)->told, "%s: found %s, expected %s\n", what, found, expected);
}

static struct verified verify(struct world *world)
{
  struct verified verified;
  uint64_t count;
  g_autoptr(GError) error = NULL;

  g_string_truncate(world->told, 0);
  if (!replay_verify(world->fixture.folder, tell, NULL, world, &verified, &count, &error))
    fail_msg("%s", error->message);
  assert_int_equal(count, leaves(world));
  return verified;
}

static void expect(struct world *world, uint64_t differences, const char *words)
{
  struct verified verified = verify(world);

  if (!strstr(world->told->str, words)) fail_msg("“%s” is not in:\n%s", words, world->told->str);
  if (differences > 0) assert_int_equal(verified.differences, differences);
  assert_true(verified.differences > 0);
}

/* --- tests --- */

static void what_is_whole_is_verified(void **state)
{
  struct world *world = *state;
  struct verified verified;

  report(world, &world->east, "a1", 10);
  report(world, &world->west, "c1", 20);
  publish(world, "1.0", "1", "0.0", NULL);
  report(world, &world->east, "a1", 30); /* what comes later does not touch it */
  verified = verify(world);
  assert_string_equal(world->told->str, "");
  assert_int_equal(verified.differences, 0);
  assert_int_equal(verified.receipts, 3);
  assert_int_equal(verified.editions, 1);
  assert_int_equal(verified.seals, 6); /* two certificates, three submissions, an edition */
}

static void an_edition_that_prints_another_total_is_named(void **state)
{
  struct world *world = *state;

  report(world, &world->east, "a1", 10);
  publish(world, "2.0", "1", "0.0", NULL);
  expect(world, 1, "edition 1: east all output: found 2.0, expected 1.0");
}

static void an_edition_that_prints_another_number_of_units_is_named(void **state)
{
  struct world *world = *state;

  report(world, &world->east, "a1", 10);
  publish(world, "1.0", "7", "0.0", NULL);
  expect(world, 1, "edition 1: east all units_reported: found 7, expected 1");
}

static void an_edition_that_prints_another_overlap_is_named(void **state)
{
  struct world *world = *state;

  report(world, &world->east, "a1", 10);
  publish(world, "1.0", "1", "0.1", NULL);
  expect(world, 1, "edition 1: group overlap output: found 0.1, expected 0.0");
}

static void an_edition_that_rests_on_another_ledger_is_named(void **state)
{
  struct world *world = *state;
  g_autofree char *root = g_strnfill(64, '0');

  report(world, &world->east, "a1", 10);
  publish(world, "1.0", "1", "0.0", root);
  expect(world, 1, "edition 1: the ledger that it rests on");
}

static void a_receipt_that_is_lost_or_another_s_is_named(void **state)
{
  struct world *world = *state;

  report(world, &world->east, "a1", 10);
  report(world, &world->west, "c1", 20);
  sql(world,
      "UPDATE receipt SET sealed = (SELECT sealed FROM receipt WHERE position = (SELECT max(position) FROM"
      " receipt)) WHERE position = (SELECT min(position) FROM receipt)");
  expect(world, 1, "found a receipt of another submission");
  sql(world, "DELETE FROM receipt WHERE position = (SELECT min(position) FROM receipt)");
  expect(world, 1, "found no receipt");
  sql(world, "UPDATE receipt SET sealed = CAST(substr(sealed, 1, length(sealed) - 1) || x'00' AS BLOB)");
  expect(world, 2, "found a receipt whose seal does not hold");
}

static void a_leaf_that_is_listed_as_another_kind_is_named(void **state)
{
  struct world *world = *state;

  report(world, &world->east, "a1", 10);
  sql(world, "UPDATE leaf SET kind = 7 WHERE position = (SELECT max(position) FROM leaf WHERE kind <> 7)");
  expect(world, 1, "another kind or time in the list of leaves");
  sql(world, "UPDATE leaf SET recorded = recorded - 1 WHERE position = 0");
  expect(world, 2, "another kind or time in the list of leaves");
}

static void a_node_that_is_not_its_leaves_is_named(void **state)
{
  struct world *world = *state;

  for (int n = 0; n < 260; n++) {
    g_autoptr(GError) error = NULL;
    g_autofree char *period = g_strdup_printf("%d-%02d", 2050 + n / 12, 1 + n % 12);
    struct act act = {
        .kind = LEAF_PERIOD, .by = "b", .reason = "r", .period = {PERIOD_TO_OPEN, "monthly", period, ""}};

    if (!writer_act(world->fixture.writer, &act, NULL, &error)) fail_msg("%s", error->message);
  }
  assert_int_equal(verify(world).differences, 0);
  sql(world, "UPDATE node SET hash = zeroblob(32)");
  expect(world, 1, "node 0 of level 8");
  sql(world, "DELETE FROM node");
  expect(world, 1, "node 0 of level 8");
}

static GBytes *read_leaf(struct world *world, uint64_t position)
{
  g_autofree char *path = g_build_filename(world->fixture.folder, "store.db", NULL);
  CLEANUP(store_close) struct store *store = store_open(path, STORE_READ, NULL);
  GBytes *body = store_leaf(store, position);

  assert_non_null(body);
  return body;
}

/* Its parts, the first up to what is sealed. */
static void put_parts(const char *path, uint64_t position, const uint8_t *bytes, size_t length)
{
  CLEANUP(db_close) struct db *db = db_open(path, DB_WRITE, 256, NULL);
  struct db_row *row;

  for (unsigned part = 0; length > 0; part++) {
    size_t size = 0;
    {
      CLEANUP(db_end) struct db_row *asked = db_query(db, "SELECT length(bytes) FROM leaf_part WHERE id = ?");
      db_bind_int(asked, (int64_t)(position * 65536 + part));
      if (!db_step(asked)) continue;
      size = (size_t)db_int(asked, 0);
    }
    assert_true(size <= length);
    row = db_query(db, "UPDATE leaf_part SET bytes = ? WHERE id = ?");
    db_bind_blob(row, bytes, size);
    db_bind_int(row, (int64_t)(position * 65536 + part));
    assert_true(db_run(row));
    bytes += size;
    length -= size;
  }
}

/* As whoever has the disk, and not the keys, would: hashes and tree are made anew. */
static void put_leaf(struct world *world, uint64_t position, const uint8_t *bytes, size_t length)
{
  g_autofree char *path = g_build_filename(world->fixture.folder, "store.db", NULL);
  CLEANUP(store_close) struct store *store = store_open(path, STORE_WRITE, NULL);
  g_autofree char *statement = NULL, *hex = NULL;
  uint8_t hash[MERKLE_HASH_SIZE];
  struct merkle tree;

  merkle_leaf_hash(bytes, length, hash);
  merkle_init(&tree);
  for (uint64_t n = 0; n < store_leaf_count(store); n++) {
    uint8_t kept[1][MERKLE_HASH_SIZE];

    assert_true(store_nodes(store, 0, n, 1, kept));
    merkle_append(&tree, n == position ? hash : kept[0]);
  }
  store_begin(store);
  store_tree_put(store, &tree);
  assert_true(store_commit(store, NULL));
  hex = text_hex(hash, sizeof hash);
  statement = g_strdup_printf("UPDATE leaf SET hash = x'%s' WHERE position = %u", hex, (unsigned)position);
  sql(world, statement);
  put_parts(path, position, bytes, length);
}

static void change_leaf(struct world *world, uint64_t position, const char *from, const char *to)
{
  g_autoptr(GBytes) body = read_leaf(world, position);
  gsize length;
  const uint8_t *data = g_bytes_get_data(body, &length);
  g_autofree uint8_t *bytes = g_memdup2(data, length);
  uint8_t *at = memmem(bytes, length, from, strlen(from));

  assert_non_null(at);
  memcpy(at, to, strlen(from));
  put_leaf(world, position, bytes, length);
}

static void a_leaf_of_another_time_is_named(void **state)
{
  struct world *world = *state;
  uint64_t position = leaves(world);

  report(world, &world->east, "a1", 10);
  g_autoptr(GBytes) body = read_leaf(world, position), before = read_leaf(world, position - 1);
  CLEANUP(leaf_free)
  struct leaf *leaf = leaf_decode(g_bytes_get_data(body, NULL), g_bytes_get_size(body));
  CLEANUP(leaf_free)
  struct leaf *earlier = leaf_decode(g_bytes_get_data(before, NULL), g_bytes_get_size(before));
  leaf->recorded_at_ms = earlier->recorded_at_ms;
  g_autoptr(GByteArray) changed = leaf_encode(leaf, NULL);
  put_leaf(world, position, changed->data, changed->len);
  expect(world, 0, "a time that does not come after");
  assert_non_null(strstr(world->told->str, "found a receipt of another leaf"));
}

/* The last leaf, with other exceptions, and so of another length. */
static void except(struct world *world, const struct refusal *exceptions, size_t count)
{
  uint64_t position = leaves(world) - 1;
  g_autoptr(GBytes) body = read_leaf(world, position);
  CLEANUP(leaf_free)
  struct leaf *leaf = leaf_decode(g_bytes_get_data(body, NULL), g_bytes_get_size(body));
  struct leaf changed = *leaf;

  changed.submission.exceptions = exceptions;
  changed.submission.exception_count = count;
  size_t sealed_at;
  g_autoptr(GByteArray) bytes = leaf_encode(&changed, &sealed_at);
  g_autofree char *statement =
      g_strdup_printf("UPDATE leaf_part SET bytes = zeroblob(CASE id %% 65536 WHEN 0 THEN %u ELSE %u END) "
                      "WHERE id / 65536 = %u",
                      (unsigned)sealed_at, (unsigned)(bytes->len - sealed_at), (unsigned)position);
  sql(world, statement);
  put_leaf(world, position, bytes->data, bytes->len);
}

static void a_verdict_that_the_ledger_does_not_come_to_is_named(void **state)
{
  struct world *world = *state;
  struct refusal other = {.row = 0,
                          .unit = "a1",
                          .rule = "report.unchanged",
                          .indicator = "",
                          .found = "",
                          .expected = "",
                          .verdict = VERDICT_IS_UNCHANGED};

  report(world, &world->east, "a1", 10);
  report(world, &world->east, "b1", 20);
  except(world, &other, 1);
  expect(world, 0, "found unchanged, expected counted");
  other.verdict = VERDICT_IS_REFUSED;
  other.rule = finding_id(FINDING_REPORT_NOTHING);
  except(world, &other, 1);
  expect(world, 0, "found refused, expected counted");
  other.rule = finding_id(FINDING_UNIT_UNKNOWN); /* which is not for the ledger alone to say */
  except(world, &other, 1);
  (void)verify(world);
  assert_null(strstr(world->told->str, "verdict of leaf"));
}

static void a_submission_that_was_changed_with_all_hashes_is_named(void **state)
{
  struct world *world = *state;
  uint64_t position = leaves(world);

  report(world, &world->east, "a1", 10);
  report(world, &world->west, "c1", 20);
  change_leaf(world, position, "2018-05", "2018-06");
  expect(world, 0, "a seal that does not hold");
  assert_non_null(strstr(world->told->str, "no receipt")); /* its id is another one */
  assert_non_null(strstr(world->told->str, "head that the receipt of leaf"));
}

static void a_revocation_that_was_put_before_a_submission_is_named(void **state)
{
  struct world *world = *state;
  uint64_t position = leaves(world);
  g_autofree char *revoked = g_strdup(world->west.id), *instead = g_strdup(world->east.id);

  assert_int_equal(strlen(revoked), strlen(instead));
  fixture_revoke(&world->fixture, &world->west);
  report(world, &world->east, "a1", 10);
  change_leaf(world, position, revoked, instead);
  expect(world, 0, "expected an agent with rights at that time");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_is_whole_is_verified, setup, teardown),
      cmocka_unit_test_setup_teardown(an_edition_that_prints_another_total_is_named, setup, teardown),
      cmocka_unit_test_setup_teardown(an_edition_that_prints_another_number_of_units_is_named, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(a_leaf_that_is_listed_as_another_kind_is_named, setup, teardown),
      cmocka_unit_test_setup_teardown(a_verdict_that_the_ledger_does_not_come_to_is_named, setup, teardown),
      cmocka_unit_test_setup_teardown(an_edition_that_prints_another_overlap_is_named, setup, teardown),
      cmocka_unit_test_setup_teardown(an_edition_that_rests_on_another_ledger_is_named, setup, teardown),
      cmocka_unit_test_setup_teardown(a_receipt_that_is_lost_or_another_s_is_named, setup, teardown),
      cmocka_unit_test_setup_teardown(a_node_that_is_not_its_leaves_is_named, setup, teardown),
      cmocka_unit_test_setup_teardown(a_leaf_of_another_time_is_named, setup, teardown),
      cmocka_unit_test_setup_teardown(a_submission_that_was_changed_with_all_hashes_is_named, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(a_revocation_that_was_put_before_a_submission_is_named, setup,
                                      teardown),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}

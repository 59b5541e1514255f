/* What `ledger check` finds where rows of a store are not what was written though its pages are, and what a
 * repair makes of it without any backup. Damaged pages: integration/test_ledger_check. */
#include "aggregator/mend.h"

#include "fixture.h"

#include "aggregator/damage.h"
#include "aggregator/folder.h"
#include "common/db.h"
#include "common/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define OUTPUT 0 /* column of form `monthly` in small.yaml */
#define LAST "(SELECT max(position) FROM receipt)"

struct world {
  struct fixture fixture;
  struct fixture_agent east;
  GString *told;
};

static void report(struct world *world, int64_t output)
{
  struct fixture_report report = {.unit = "a1", .change = fixture_value(OUTPUT, output)};
  g_autoptr(GBytes) sealed =
      fixture_seal(&world->fixture, &world->east, "monthly", "2018-05", &report, 1, NULL);
  g_autoptr(GError) error = NULL;
  struct receipt *receipt = fixture_submit(&world->fixture, sealed, &error);
  if (!receipt) fail_msg("%s", error->message);
  receipt_free(receipt);
}

/* At rest, with some reports and an act behind them. */
static int setup(void **state)
{
  struct world *world = g_new0(struct world, 1);
  fixture_setup(&world->fixture, "unit,class,parks\na1,code,east\n");
  fixture_enrol(&world->fixture, "east", &world->east);
  for (int64_t n = 1; n <= 5; n++) report(world, n);
  fixture_import(&world->fixture, "unit,class,parks\na2,code,east\n");
  writer_free(world->fixture.writer);
  world->fixture.writer = NULL;
  world->told = g_string_new(NULL);
  *state = world;
  return 0;
}

static int teardown(void **state)
{
  struct world *world = *state;
  g_string_free(world->told, TRUE);
  fixture_agent_clear(&world->east);
  fixture_teardown(&world->fixture);
  g_free(world);
  return 0;
}

static void change(struct world *world, const char *sql)
{
  g_autofree char *path = folder_path(world->fixture.folder, "store.db");
  CLEANUP(db_close) struct db *db = db_open(path, DB_WRITE, 256, NULL);
  assert_non_null(db);
  assert_true(db_exec(db, sql));
}

static void note_damage(const struct damage *damage, void *data)
{
  g_autofree char *text = damage_text(damage);
  g_string_append_printf(((struct world *)data)->told, "%s: %s\n", damage_kind_id(damage->kind), text);
}

static struct damage_count find(struct world *world)
{
  struct damage_count count = {0};
  g_autoptr(GError) error = NULL;
  g_string_truncate(world->told, 0);
  CLEANUP(key_chain_unref) struct key_chain *keys = key_chain_of(world->fixture.identity, "", &error);
  if (!keys || !damage_find(world->fixture.folder, keys, note_damage, NULL, world, &count, &error))
    fail_msg("%s", error->message);
  return count;
}

static void note_line(const char *line, void *data)
{
  g_string_append_printf(((struct world *)data)->told, "%s\n", line);
}

static bool repair(struct world *world, struct mend_result *ret_result, GError **error)
{
  const struct mend_options options = {.by = "test", .reason = ""};
  return mend(world->fixture.folder, world->fixture.identity, &options, note_line, NULL, world, ret_result,
              error);
}

static void nothing_is_found_in_what_is_whole(void **state)
{
  struct world *world = *state;
  struct damage_count count = find(world);
  assert_string_equal(world->told->str, "");
  assert_int_equal(count.all, 0);
  assert_in_range(count.leaves, 10, 20);
}

static void what_follows_from_leaves_is_named_and_made_anew(void **state)
{
  struct world *world = *state;
  static const struct {
    const char *sql;
    enum damage_kind kind;
  } cases[] = {
      {"DELETE FROM family", DAMAGE_TABLES},
      {"UPDATE family SET checksum = 1", DAMAGE_TABLES},
      {"DELETE FROM block", DAMAGE_TABLES},
      {"DELETE FROM agent", DAMAGE_TABLES},
      {"DELETE FROM receipt WHERE position = " LAST, DAMAGE_RECEIPT},
      {"UPDATE receipt SET sealed = zeroblob(300) WHERE position = " LAST, DAMAGE_RECEIPT},
      {"UPDATE receipt SET sealed = (SELECT sealed FROM receipt LIMIT 1) WHERE position = " LAST,
       DAMAGE_RECEIPT},
      {"DELETE FROM submission WHERE position = " LAST, DAMAGE_LIST},
      {"UPDATE submission SET sequence = 99 WHERE position = " LAST, DAMAGE_LIST},
      {"INSERT INTO submission VALUES (zeroblob(32), 999, 'nobody', 1)", DAMAGE_LIST},
      {"UPDATE leaf SET kind = 3 WHERE position = " LAST, DAMAGE_LIST},
      {"UPDATE leaf SET hash = zeroblob(32) WHERE position = " LAST, DAMAGE_LEAF},
      {"DELETE FROM leaf WHERE position = 2", DAMAGE_LEAF},
      {"UPDATE meta SET value = zeroblob(8) WHERE key = 'tree'", DAMAGE_TREE},
      {"DELETE FROM meta WHERE key = 'tree'", DAMAGE_TREE},
  };
  for (size_t n = 0; n < G_N_ELEMENTS(cases); n++) {
    struct mend_result result = {0};
    g_autoptr(GError) error = NULL;
    uint64_t leaves = find(world).leaves;
    change(world, cases[n].sql);
    if (find(world).of[cases[n].kind] == 0) fail_msg("%s: %s", cases[n].sql, world->told->str);
    if (!repair(world, &result, &error)) fail_msg("%s: %s", cases[n].sql, error->message);
    assert_int_equal(result.leaves, leaves);
    assert_int_equal(result.lost, 0);
    assert_null(result.notes);
    assert_true(g_file_test(result.aside, G_FILE_TEST_EXISTS));
    mend_result_clear(&result);
    if (find(world).all > 0) fail_msg("%s: %s", cases[n].sql, world->told->str);
  }
}

static void a_leaf_that_cannot_be_had_is_named_and_nothing_changes(void **state)
{
  struct world *world = *state;
  static const struct {
    const char *sql, *name;
  } cases[] = {
      {"UPDATE leaf_part SET bytes = zeroblob(length(bytes)) WHERE id = " LAST " * 65536 + 1",
       "submission 5 of east-1"},
      {"DELETE FROM leaf_part WHERE id / 65536 = 2; UPDATE leaf SET recorded = 0 WHERE position = 2",
       "a register import"},
  };
  for (size_t n = 0; n < G_N_ELEMENTS(cases); n++) {
    struct mend_result result = {0};
    g_autoptr(GError) error = NULL;
    change(world, cases[n].sql);
    assert_int_equal(find(world).of[DAMAGE_LEAF], n + 1);
    if (!strstr(world->told->str, cases[n].name)) fail_msg("%s", world->told->str);
    assert_false(repair(world, &result, &error));
    assert_int_equal(error->code, ERROR_DATA);
    assert_non_null(strstr(world->told->str, cases[n].name));
    assert_false(mend_clear(world->fixture.folder));
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(nothing_is_found_in_what_is_whole, setup, teardown),
      cmocka_unit_test_setup_teardown(what_follows_from_leaves_is_named_and_made_anew, setup, teardown),
      cmocka_unit_test_setup_teardown(a_leaf_that_cannot_be_had_is_named_and_nothing_changes, setup,
                                      teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Admissions: who waits is not heard, and who may let it in. */
#include "aggregator/admission.h"

#include "aggregator/folder.h"
#include "aggregator/store/inquiries.h"
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char REGISTER[] = "unit,class,parks\na1,code,east\nb1,code,west\n";

struct world {
  struct fixture fixture;
  struct fixture_agent east, newcomer, west; /* the newcomer waits in the east */
};

static int setup(void **state)
{
  struct world *world = g_new0(struct world, 1);

  fixture_setup(&world->fixture, REGISTER);
  fixture_enrol(&world->fixture, "east", &world->east);
  fixture_enrol(&world->fixture, "west", &world->west);
  fixture_enrol(&world->fixture, "east", &world->newcomer);
  *state = world;
  return 0;
}

static int teardown(void **state)
{
  struct world *world = *state;

  fixture_agent_clear(&world->east);
  fixture_agent_clear(&world->newcomer);
  fixture_agent_clear(&world->west);
  fixture_teardown(&world->fixture);
  g_free(world);
  return 0;
}

/* Takes `sealed`. The code of what refused it, whole or not; NULL if it was done. */
static const char *send(struct world *world, GBytes *sealed)
{
  g_autoptr(GError) fault = NULL;
  CLEANUP(receipt_free) struct receipt *receipt = fixture_submit(&world->fixture, sealed, &fault);
  enum finding_code code = FINDING_COUNT;

  if (fault)
    code = (enum finding_code)fault->code;
  else if (receipt->refused == 1)
    code = finding_from_id(receipt->refusals[0].rule);
  else
    assert_int_equal(receipt->counted, 1);
  g_bytes_unref(sealed);
  return code == FINDING_COUNT ? NULL : finding_id(code);
}

static const char *report(struct world *world, struct fixture_agent *agent, const char *unit)
{
  struct fixture_report report = {.unit = unit, .change = fixture_value(0, 7)};

  return send(world, fixture_seal(&world->fixture, agent, "monthly", "2018-05", &report, 1, NULL));
}

static const char *admit(struct world *world, struct fixture_agent *by, const struct fixture_agent *agent)
{
  return send(world, fixture_seal_admission(by, agent));
}

static bool waits(struct world *world, const struct fixture_agent *agent)
{
  CLEANUP(snapshot_unref) struct snapshot *snapshot = present_get(writer_present(world->fixture.writer));

  return stored_agent_waits(&snapshot_agent(snapshot, agent->id)->stored);
}

static void who_waits_is_not_heard_until_an_agent_of_its_park_admits_it(void **state)
{
  struct world *world = *state;

  assert_true(waits(world, &world->newcomer));
  assert_string_equal(report(world, &world->newcomer, "a1"), "admission.waiting");
  assert_null(admit(world, &world->east, &world->newcomer));
  assert_false(waits(world, &world->newcomer));
  assert_null(report(world, &world->newcomer, "a1"));
  fixture_restart(&world->fixture); /* and it stays so */
  assert_false(waits(world, &world->newcomer));
  fixture_revoke(&world->fixture, &world->east);
  assert_false(waits(world, &world->newcomer));
}

static void nobody_else_can(void **state)
{
  struct world *world = *state;
  struct fixture_agent third;

  fixture_enrol(&world->fixture, "east", &third);
  assert_string_equal(admit(world, &world->newcomer, &world->newcomer), "admission.waiting"); /* itself */
  assert_string_equal(admit(world, &third, &world->newcomer), "admission.waiting");
  assert_string_equal(admit(world, &world->west, &world->newcomer), "admission.unknown");
  fixture_restart(&world->fixture);
  fixture_revoke(&world->fixture, &world->east);
  assert_string_equal(admit(world, &world->east, &world->newcomer), "agent.revoked");
  assert_true(waits(world, &world->newcomer)); /* that nobody has rights any more lets nobody in */
  assert_string_equal(report(world, &world->newcomer, "a1"), "admission.waiting");
  fixture_agent_clear(&third);
}

static void what_is_admitted_is_the_key_and_one_that_waits(void **state)
{
  struct world *world = *state;
  struct fixture_agent other = world->newcomer;

  other.identity = world->west.identity;
  assert_string_equal(admit(world, &world->east, &other), "admission.unknown");
  other = world->newcomer;
  other.id = (char *)"east-9";
  assert_string_equal(admit(world, &world->east, &other), "admission.unknown");
  assert_string_equal(admit(world, &world->east, &world->east), "admission.settled");
  fixture_admit(&world->fixture, &world->east, &world->newcomer);
  assert_string_equal(admit(world, &world->east, &world->newcomer), "admission.settled");
  fixture_enrol(&world->fixture, "east", &other);
  fixture_revoke(&world->fixture, &other);
  assert_string_equal(admit(world, &world->east, &other), "admission.settled");
  fixture_agent_clear(&other);
}

static void rights_that_a_third_one_has_are_not_given_away(void **state)
{
  struct world *world = *state;
  struct fixture_agent monthly, yearly, all;

  fixture_enrol_for(&world->fixture, "south", AGENT_OF_PARK, "monthly", &monthly);
  fixture_enrol_for(&world->fixture, "south", AGENT_OF_PARK, "yearly", &yearly);
  fixture_admit(&world->fixture, &monthly, &yearly); /* what nobody had */
  fixture_enrol_for(&world->fixture, "south", AGENT_OF_PARK, "", &all);
  assert_string_equal(admit(world, &monthly, &all), "admission.no-right");
  assert_true(waits(world, &all));
  fixture_agent_clear(&monthly);
  fixture_agent_clear(&yearly);
  fixture_agent_clear(&all);
}

static void a_park_that_lost_its_keys_comes_back_and_the_ledger_says_how(void **state)
{
  struct world *world = *state;
  struct fixture_agent next;
  CLEANUP(snapshot_unref) struct snapshot *snapshot = NULL;

  fixture_revoke(&world->fixture, &world->east);
  fixture_enrol(&world->fixture, "east", &next);
  snapshot = present_get(writer_present(world->fixture.writer));
  assert_int_equal(snapshot_agent(snapshot, next.id)->stored.entry, ENTRY_IS_SUCCESSION);
  assert_int_equal(snapshot_agent(snapshot, world->east.id)->stored.entry, ENTRY_IS_FIRST);
  assert_null(report(world, &next, "a1"));
  assert_null(admit(world, &next, &world->newcomer)); /* it may let in who waited before it */
  fixture_agent_clear(&next);
}

/* What makes the agents of an area ask for the list. */
static uint64_t state_number(struct world *world)
{
  g_autofree char *path = folder_path(world->fixture.folder, "store.db");
  CLEANUP(store_close) struct store *store = store_open(path, STORE_READ, NULL);

  return store_area_state(store, "east");
}

static void the_agents_of_the_area_hear_of_each_change(void **state)
{
  struct world *world = *state;
  uint64_t enrolled = state_number(world), admitted, revoked;

  assert_true(enrolled > 0);
  fixture_admit(&world->fixture, &world->east, &world->newcomer);
  admitted = state_number(world);
  assert_true(admitted > enrolled);
  assert_string_equal(admit(world, &world->east, &world->newcomer), "admission.settled");
  assert_true(state_number(world) == admitted);
  fixture_revoke(&world->fixture, &world->newcomer);
  revoked = state_number(world);
  assert_true(revoked > admitted);
  fixture_revoke(&world->fixture, &world->west);
  assert_true(state_number(world) == revoked);
}

static void an_admission_is_in_force_for_whoever_judges_from_then_on(void **state)
{
  struct world *world = *state;
  CLEANUP(snapshot_unref) struct snapshot *before = present_get(writer_present(world->fixture.writer));

  assert_null(admit(world, &world->east, &world->newcomer));
  CLEANUP(snapshot_unref) struct snapshot *after = present_get(writer_present(world->fixture.writer));
  assert_true(after->version > before->version);
  assert_true(after->position > before->position);
  assert_true(stored_agent_waits(&snapshot_agent(before, world->newcomer.id)->stored)); /* others' stays */
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(who_waits_is_not_heard_until_an_agent_of_its_park_admits_it),
      TEST(nobody_else_can),
      TEST(what_is_admitted_is_the_key_and_one_that_waits),
      TEST(rights_that_a_third_one_has_are_not_given_away),
      TEST(a_park_that_lost_its_keys_comes_back_and_the_ledger_says_how),
      TEST(the_agents_of_the_area_hear_of_each_change),
      TEST(an_admission_is_in_force_for_whoever_judges_from_then_on),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}

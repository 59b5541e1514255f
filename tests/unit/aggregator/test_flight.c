#include "aggregator/flight.h"

#include "common/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The nth id; its first bytes differ, or only its last. */
static const uint8_t *id_of(unsigned n, bool alike)
{
  static uint8_t id[SUBMISSION_ID_SIZE];

  memset(id, 0, sizeof id);
  memcpy(alike ? id + sizeof id - sizeof n : id, &n, sizeof n);
  return id;
}

static GBytes *peer_of(const char *name)
{
  return g_bytes_new(name, strlen(name));
}

static enum flight_status take(struct flights *flights, const char *agent, unsigned n, const char *peer)
{
  g_autoptr(GBytes) bytes = peer_of(peer);

  return flights_take(flights, agent, id_of(n, false), bytes);
}

/* Whether the flight landed, at this peer. */
static bool lands(struct flights *flights, const char *agent, unsigned n, const char *peer)
{
  g_autoptr(GBytes) expected = peer_of(peer);
  g_autoptr(GBytes) found = flights_land(flights, agent, id_of(n, false));

  return found && g_bytes_equal(found, expected);
}

static void what_never_took_off_does_not_land(void **state)
{
  CLEANUP(flights_free) struct flights *flights = flights_new();

  (void)state;
  assert_null(flights_land(flights, "east-1", id_of(1, false)));
  assert_int_equal(take(flights, "east-1", 1, "p"), FLIGHT_TAKEN);
  assert_null(flights_land(flights, "east-1", id_of(2, false)));
  assert_true(lands(flights, "east-1", 1, "p"));
  assert_null(flights_land(flights, "east-1", id_of(1, false)));
  assert_int_equal(flights_count(flights), 0);
}

static void an_agent_cannot_end_another_s_flight(void **state)
{
  CLEANUP(flights_free) struct flights *flights = flights_new();

  (void)state;
  assert_int_equal(take(flights, "east-1", 1, "east"), FLIGHT_TAKEN);
  assert_null(flights_land(flights, "west-1", id_of(1, false)));
  assert_int_equal(take(flights, "west-1", 1, "west"), FLIGHT_TAKEN); /* not “already”, and not its answer */
  assert_int_equal(flights_count(flights), 2);
  assert_true(lands(flights, "east-1", 1, "east"));
  assert_true(lands(flights, "west-1", 1, "west"));
}

static void ids_that_differ_in_one_byte_are_two(void **state)
{
  CLEANUP(flights_free) struct flights *flights = flights_new();
  g_autoptr(GBytes) peer = peer_of("p");

  (void)state;
  assert_int_equal(flights_take(flights, "east-1", id_of(1, true), peer), FLIGHT_TAKEN);
  assert_int_equal(flights_take(flights, "east-1", id_of(2, true), peer), FLIGHT_TAKEN);
  assert_int_equal(flights_count(flights), 2);
}

static void what_comes_again_is_answered_where_it_was_asked_last(void **state)
{
  CLEANUP(flights_free) struct flights *flights = flights_new();

  (void)state;
  assert_int_equal(take(flights, "east-1", 1, "first"), FLIGHT_TAKEN);
  assert_int_equal(take(flights, "east-1", 1, "second"), FLIGHT_ALREADY);
  assert_int_equal(flights_count(flights), 1);
  assert_true(lands(flights, "east-1", 1, "second"));
}

static void an_agent_without_credit_waits_and_others_do_not(void **state)
{
  CLEANUP(flights_free) struct flights *flights = flights_new();

  (void)state;
  for (unsigned n = 0; n < LIMIT_CREDIT_AGENT; n++)
    assert_int_equal(take(flights, "east-1", n, "p"), FLIGHT_TAKEN);
  assert_int_equal(take(flights, "east-1", LIMIT_CREDIT_AGENT, "p"), FLIGHT_FULL);
  assert_int_equal(take(flights, "east-1", 0, "p"), FLIGHT_ALREADY); /* costs nothing */
  assert_int_equal(take(flights, "west-1", 0, "p"), FLIGHT_TAKEN);
  /* each landing gives one back, and only one */
  for (int round = 0; round < 3; round++) {
    assert_true(lands(flights, "east-1", 3, "p"));
    assert_null(flights_land(flights, "east-1", id_of(3, false)));
    assert_int_equal(take(flights, "east-1", 3, "p"), FLIGHT_TAKEN);
    assert_int_equal(take(flights, "east-1", 99, "p"), FLIGHT_FULL);
  }
  /* whoever has none in the air has all of its credit */
  for (unsigned n = 0; n < LIMIT_CREDIT_AGENT; n++) assert_true(lands(flights, "east-1", n, "p"));
  for (unsigned n = 0; n < LIMIT_CREDIT_AGENT; n++)
    assert_int_equal(take(flights, "east-1", n, "p"), FLIGHT_TAKEN);
}

static void all_agents_together_have_no_more_than_there_is_memory_for(void **state)
{
  CLEANUP(flights_free) struct flights *flights = flights_new();
  char agent[16] = "";
  unsigned taken = 0;

  (void)state;
  for (unsigned n = 0; n < 2 * LIMIT_CREDIT_GLOBAL; n++) {
    g_snprintf(agent, sizeof agent, "a-%u", n / LIMIT_CREDIT_AGENT);
    taken += take(flights, agent, n, "p") == FLIGHT_TAKEN;
  }
  assert_int_equal(taken, LIMIT_CREDIT_GLOBAL);
  assert_int_equal(flights_count(flights), LIMIT_CREDIT_GLOBAL);
  assert_int_equal(take(flights, "late", 1, "p"), FLIGHT_FULL);
  assert_true(lands(flights, "a-0", 0, "p"));
  assert_int_equal(take(flights, "late", 1, "p"), FLIGHT_TAKEN);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_never_took_off_does_not_land),
      cmocka_unit_test(an_agent_cannot_end_another_s_flight),
      cmocka_unit_test(ids_that_differ_in_one_byte_are_two),
      cmocka_unit_test(an_agent_without_credit_waits_and_others_do_not),
      cmocka_unit_test(all_agents_together_have_no_more_than_there_is_memory_for),
      cmocka_unit_test(what_comes_again_is_answered_where_it_was_asked_last),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}

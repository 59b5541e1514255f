/* Buckets and counts of the front, at times that the test chooses. */
#include "aggregator/front_limits.h"

#include "aggregator/bounds.h"
#include "aggregator/front_peers.h"
#include "aggregator/front_zmtp.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* --- buckets --- */

static void a_bucket_gives_what_it_holds_and_then_its_rate(void **state)
{
  (void)state;
  struct bucket bucket;
  int taken = 0;

  bucket_fill(&bucket, 10, 1000);
  for (int n = 0; n < 20; n++) taken += bucket_take(&bucket, 4, 10, 1000);
  assert_int_equal(taken, 10);
  for (int64_t ms = 1000; ms < 6000; ms += 10) taken += bucket_take(&bucket, 4, 10, ms);
  assert_int_equal(taken, 10 + 4 * 5 - 1); /* the last is whole only at 6000 */
  assert_true(bucket_take(&bucket, 4, 10, 6000));
  assert_false(bucket_take(&bucket, 4, 10, 6000));
}

static void a_bucket_never_holds_more_than_it_may(void **state)
{
  (void)state;
  struct bucket bucket;
  int taken = 0;

  bucket_fill(&bucket, 10, 0);
  assert_true(bucket_is_full(&bucket, 4, 10, INT64_MAX / 2));
  for (int n = 0; n < 100; n++) taken += bucket_take(&bucket, 4, 10, INT64_MAX / 2);
  assert_int_equal(taken, 10);
  assert_false(bucket_is_full(&bucket, 4, 10, INT64_MAX / 2));
}

static void what_is_taken_in_advance_is_waited_for(void **state)
{
  (void)state;
  struct bucket bucket;

  bucket_fill(&bucket, 1000, 0);
  assert_int_equal(bucket_spend(&bucket, 500, 1000, 1000, 0), 0);
  assert_in_range(bucket_spend(&bucket, 500, 1000, 500, 0), 1000, 1001);
  assert_int_equal(bucket_spend(&bucket, 500, 1000, 0, 1001), 0);
  assert_int_equal(bucket_spend(&bucket, 500, 1000, 0, 500), 0); /* time that goes back gives nothing */
}

/* --- addresses --- */

static struct front_address *get(struct front_addresses *addresses, const char *text, int64_t now_ms)
{
  uint8_t bytes[16], key[16];

  assert_int_equal(inet_pton(AF_INET6, text, bytes), 1);
  front_address_key(bytes, key);
  return front_addresses_get(addresses, key, now_ms);
}

static void an_address_of_ipv4_is_itself_and_a_network_of_ipv6_is_one(void **state)
{
  (void)state;
  CLEANUP(front_addresses_free) struct front_addresses *addresses = front_addresses_new(100, 1, 8);

  assert_ptr_equal(get(addresses, "2001:db8:1:2::1", 0), get(addresses, "2001:db8:1:2:ffff::9", 0));
  assert_ptr_not_equal(get(addresses, "2001:db8:1:2::1", 0), get(addresses, "2001:db8:1:3::1", 0));
  assert_ptr_not_equal(get(addresses, "::ffff:10.0.0.1", 0), get(addresses, "::ffff:10.0.0.2", 0));
  assert_int_equal(front_addresses_count(addresses), 4);
}

static void who_is_gone_is_forgotten_when_it_may_come_as_often_as_anybody(void **state)
{
  (void)state;
  CLEANUP(front_addresses_free) struct front_addresses *addresses = front_addresses_new(100, 1, 8);
  struct front_address *stays = get(addresses, "::ffff:10.0.0.1", 0);
  struct front_address *comes = get(addresses, "::ffff:10.0.0.2", 0);
  unsigned connections, handshakes;

  stays->connections = 3;
  for (int n = 0; n < 8; n++) assert_true(front_addresses_connect(addresses, comes, 0));
  assert_false(front_addresses_connect(addresses, comes, 0));
  front_addresses_sweep(addresses, 7999, &connections, &handshakes);
  assert_int_equal(front_addresses_count(addresses), 2);
  assert_int_equal(connections, 3);
  front_addresses_sweep(addresses, 8000, &connections, &handshakes);
  assert_int_equal(front_addresses_count(addresses), 1);
  assert_ptr_equal(get(addresses, "::ffff:10.0.0.1", 8000), stays);
}

static void who_is_known_stays_so_for_its_time(void **state)
{
  (void)state;
  CLEANUP(front_addresses_free) struct front_addresses *addresses = front_addresses_new(3, 1, 8);
  struct front_address *known = get(addresses, "::ffff:10.0.0.1", 0);
  unsigned connections, handshakes;

  known->known_until_ms = 5000;
  for (int n = 2; n < 20; n++) { /* strangers have to go for strangers */
    char text[32];

    snprintf(text, sizeof text, "::ffff:10.0.0.%d", n);
    get(addresses, text, 1000);
  }
  front_addresses_sweep(addresses, 4999, &connections, &handshakes);
  assert_ptr_equal(get(addresses, "::ffff:10.0.0.1", 4999), known);
  assert_int_equal(front_addresses_count(addresses), 1);
  front_addresses_sweep(addresses, 5000, &connections, &handshakes);
  assert_int_equal(front_addresses_count(addresses), 0);
}

static void no_more_addresses_are_remembered_than_may_be_but_those_that_are_connected(void **state)
{
  (void)state;
  CLEANUP(front_addresses_free) struct front_addresses *addresses = front_addresses_new(100, 1, 8);
  struct front_address *stays = get(addresses, "::ffff:10.0.0.1", 0);

  stays->connections = 1;
  for (int n = 0; n < 10000; n++) {
    char text[32];

    snprintf(text, sizeof text, "::ffff:10.1.%d.%d", n / 256, n % 256);
    get(addresses, text, 0);
    assert_in_range(front_addresses_count(addresses), 1, 100);
  }
  assert_ptr_equal(get(addresses, "::ffff:10.0.0.1", 0), stays);
}

/* --- peers --- */

static void source_of(uint32_t id, char ret_source[static INET_ADDRSTRLEN])
{
  struct in_addr address = {htonl(id)};

  assert_non_null(inet_ntop(AF_INET, &address, ret_source, INET_ADDRSTRLEN));
}

static void a_peer_is_found_by_its_source_at_its_endpoint_and_admitted_once(void **state)
{
  (void)state;
  CLEANUP(front_peers_free) struct front_peers *peers = front_peers_new();
  uint32_t agent = front_peers_add(peers, false, "192.0.2.1"),
           joiner = front_peers_add(peers, true, "192.0.2.2");
  char source[INET_ADDRSTRLEN], address[FRONT_ADDRESS_SIZE], user[CHANNEL_USER_SIZE];

  source_of(agent, source);
  assert_true(g_str_has_prefix(source, "127."));
  assert_false(g_str_has_prefix(source, "127.0."));
  assert_int_equal(front_peers_find(peers, source, false), agent);
  assert_int_equal(front_peers_find(peers, source, true), 0);
  assert_int_equal(front_peers_find(peers, "127.0.0.1", false), 0);
  assert_int_equal(front_peers_find(peers, "192.0.2.1", false), 0);
  assert_int_equal(front_peers_find(peers, "::1", false), 0);
  front_peers_address(peers, joiner, address);
  assert_string_equal(address, "192.0.2.2");
  front_peers_user(peers, agent, user);
  assert_string_equal(user, "");
  assert_true(front_peers_admit(peers, agent, "east-1"));
  assert_false(front_peers_admit(peers, agent, "west-1"));
  front_peers_user(peers, agent, user);
  assert_string_equal(user, "east-1");
  front_peers_remove(peers, agent);
  assert_int_equal(front_peers_find(peers, source, false), 0);
  assert_false(front_peers_admit(peers, agent, "east-1"));
}

static void what_was_seen_is_told_by_size_and_once_to_who_watches(void **state)
{
  (void)state;
  CLEANUP(front_peers_free) struct front_peers *peers = front_peers_new();
  uint32_t id = front_peers_add(peers, false, "192.0.2.1");
  struct front_seen seen;

  assert_false(front_peers_note(peers, id, ZMTP_SMALL_MOST - ZMTP_WRAPPING));
  front_peers_watch(peers, id);
  assert_true(front_peers_note(peers, id, ZMTP_SMALL_MOST - ZMTP_WRAPPING + 1));
  assert_false(front_peers_note(peers, id, 1000));
  seen = front_peers_seen(peers, id);
  assert_int_equal(seen.small, 1);
  assert_int_equal(seen.small_bytes, ZMTP_SMALL_MOST);
  assert_int_equal(seen.large, 2);
  assert_int_equal(seen.large_bytes, ZMTP_SMALL_MOST + 1 + 1000 + ZMTP_WRAPPING);
  front_peers_remove(peers, id);
  assert_false(front_peers_note(peers, id, 5));
}

static void no_more_is_sent_than_is_taken(void **state)
{
  (void)state;
  CLEANUP(front_peers_free) struct front_peers *peers = front_peers_new();
  uint32_t id = front_peers_add(peers, false, "192.0.2.1");
  int sent = 0;

  front_peers_passed(peers, id, 1 << 20); /* heartbeats give no room */
  while (sent < 100 && front_peers_send(peers, id, 300, 1000)) sent++;
  assert_int_equal(sent, 4);
  front_peers_passed(peers, id, 250);
  assert_true(front_peers_send(peers, id, 300, 1000));
  assert_false(front_peers_send(peers, id, 300, 1000));
}

/* --- bounds --- */

static void a_bound_remembers_its_most_and_how_often_it_was_reached(void **state)
{
  (void)state;
  int64_t values[BOUND_COUNT] = {[BOUND_CONNECTIONS] = 77};
  CLEANUP(bounds_free) struct bounds *bounds = bounds_new(values);
  struct bound_reading reading;

  assert_int_equal(bounds_value(bounds, BOUND_HANDSHAKES), LIMIT_HANDSHAKES);
  bounds_use(bounds, BOUND_CONNECTIONS, 5);
  bounds_use(bounds, BOUND_CONNECTIONS, 9);
  bounds_use(bounds, BOUND_CONNECTIONS, 2);
  bounds_bite(bounds, BOUND_CONNECTIONS, "192.0.2.1");
  bounds_bite(bounds, BOUND_CONNECTIONS, NULL);
  reading = bounds_read(bounds, BOUND_CONNECTIONS);
  assert_int_equal(reading.value, 77);
  assert_int_equal(reading.in_use, 2);
  assert_int_equal(reading.highest, 9);
  assert_int_equal(reading.refused, 2);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_bucket_gives_what_it_holds_and_then_its_rate),
      cmocka_unit_test(a_bucket_never_holds_more_than_it_may),
      cmocka_unit_test(what_is_taken_in_advance_is_waited_for),
      cmocka_unit_test(an_address_of_ipv4_is_itself_and_a_network_of_ipv6_is_one),
      cmocka_unit_test(who_is_gone_is_forgotten_when_it_may_come_as_often_as_anybody),
      cmocka_unit_test(who_is_known_stays_so_for_its_time),
      cmocka_unit_test(no_more_addresses_are_remembered_than_may_be_but_those_that_are_connected),
      cmocka_unit_test(a_peer_is_found_by_its_source_at_its_endpoint_and_admitted_once),
      cmocka_unit_test(what_was_seen_is_told_by_size_and_once_to_who_watches),
      cmocka_unit_test(no_more_is_sent_than_is_taken),
      cmocka_unit_test(a_bound_remembers_its_most_and_how_often_it_was_reached),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}

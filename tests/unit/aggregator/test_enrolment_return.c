/* Agents that the city does not know, or does, and that show the certificate that it gave them. */
#include "aggregator/epoch.h"
#include "aggregator/writer.h"

#include "fixture.h"

#include "common/error.h"
#include "common/finding.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct world {
  struct fixture fixture;
  struct fixture_agent east;
  struct identity *lost, *other; /* an agent that the backup has not; another city */
};

static struct identity *make_identity(struct world *world, const char *name)
{
  g_autofree char *path = g_build_filename(world->fixture.folder, name, NULL);
  struct identity *identity = identity_create(path, NULL);

  assert_non_null(identity);
  g_unlink(path);
  return identity;
}

static int setup(void **state)
{
  struct world *world = g_new0(struct world, 1);

  fixture_setup(&world->fixture, NULL);
  fixture_enrol(&world->fixture, "east", &world->east);
  world->lost = make_identity(world, "lost");
  world->other = make_identity(world, "other");
  *state = world;
  return 0;
}

static int teardown(void **state)
{
  struct world *world = *state;

  identity_free(world->lost);
  identity_free(world->other);
  fixture_agent_clear(&world->east);
  fixture_teardown(&world->fixture);
  g_free(world);
  return 0;
}

static GByteArray *certify(const struct identity *city, const struct identity *agent, const char *id)
{
  struct certificate certificate = {.agent = id,
                                    .area = "south",
                                    .curve_key = {identity_curve_public(agent), CURVE_KEY_SIZE},
                                    .sign_key = {identity_sign_public(agent), SEAL_PUBLIC_KEY_SIZE},
                                    .issued_at_ms = 1};
  g_autoptr(GByteArray) payload = certificate_encode(&certificate);

  return identity_seal(city, SEAL_CERTIFICATE, payload->data, payload->len, NULL);
}

struct answer {
  GMutex mutex;
  GCond cond;
  bool done, given;
  char *error;
};

static void take(GBytes *result, const GError *error, void *data)
{
  struct answer *answer = data;

  g_mutex_lock(&answer->mutex);
  answer->given = result != NULL;
  answer->error = error ? g_strdup(error->message) : NULL;
  answer->done = true;
  g_cond_signal(&answer->cond);
  g_mutex_unlock(&answer->mutex);
}

/* The code of what refuses it, "" if the certificate was given. Newly allocated. */
static char *return_with(struct world *world, const struct identity *by, const GByteArray *certificate,
                         GByteArray *const *changes, size_t count)
{
  struct bytes_view shown[LIMIT_KEYS_SHOWN];
  for (size_t n = 0; n < count; n++) shown[n] = (struct bytes_view){changes[n]->data, changes[n]->len};
  g_autoptr(GByteArray) payload =
      return_encode(&(struct return_record){{certificate->data, certificate->len}, shown, count});
  g_autoptr(GByteArray) sealed = identity_seal(by, SEAL_RETURN, payload->data, payload->len, NULL);
  g_autoptr(GBytes) bytes = g_bytes_new(sealed->data, sealed->len);
  struct answer answer = {.done = false};

  g_mutex_init(&answer.mutex);
  g_cond_init(&answer.cond);
  writer_return(world->fixture.writer, bytes, take, &answer);
  g_mutex_lock(&answer.mutex);
  while (!answer.done) g_cond_wait(&answer.cond, &answer.mutex);
  g_mutex_unlock(&answer.mutex);
  assert_int_equal(answer.given, answer.error == NULL);
  return answer.error ? answer.error : g_strdup("");
}

static char *return_of(struct world *world, const struct identity *by, const GByteArray *certificate)
{
  return return_with(world, by, certificate, NULL, 0);
}

static void expect(struct world *world, const struct identity *by, const GByteArray *certificate,
                   const char *code)
{
  g_autofree char *found = return_of(world, by, certificate);

  assert_string_equal(found, code);
}

static void act(struct world *world, struct leaf *leaf)
{
  struct act act = {.kind = leaf->kind, .leaf = leaf};
  g_autoptr(GError) error = NULL;

  leaf->by = leaf->reason = "test";
  if (!writer_act(world->fixture.writer, &act, NULL, &error)) fail_msg("%s", error->message);
}

static void restore(struct world *world)
{
  g_autofree char *path = g_build_filename(world->fixture.folder, "store.db", NULL);
  CLEANUP(store_close) struct store *store = store_open(path, STORE_READ, NULL);
  struct leaf leaf = {.kind = LEAF_EPOCH};
  g_autoptr(GBytes) sealed = NULL;

  store_begin(store);
  sealed = epoch_seal(store, world->fixture.identity, 1, 0); /* a millisecond after 1970 began */
  assert_true(store_commit(store, NULL));
  leaf.epoch.sealed.data = g_bytes_get_data(sealed, &leaf.epoch.sealed.length);
  act(world, &leaf);
}

#define RESTORED 19700101000000

static void resume(struct world *world, uint64_t epoch)
{
  act(world, &(struct leaf){.kind = LEAF_RESUME, .resume.epoch = epoch});
}

/* --- tests --- */

static void without_a_restore_nobody_returns(void **state)
{
  struct world *world = *state;
  g_autoptr(GByteArray) certificate = certify(world->fixture.identity, world->lost, "south-1");

  expect(world, world->lost, certificate, "invitation.refused");
}

static void after_a_restore_who_was_certified_returns_once_it_is_resumed(void **state)
{
  struct world *world = *state;
  g_autoptr(GByteArray) certificate = certify(world->fixture.identity, world->lost, "south-1");

  restore(world);
  g_autofree char *paused = return_of(world, world->lost, certificate);
  assert_true(*paused != '\0');
  resume(world, RESTORED);
  expect(world, world->lost, certificate, "");
  expect(world, world->lost, certificate, ""); /* it is known now */
  CLEANUP(snapshot_unref) struct snapshot *snapshot = present_get(writer_present(world->fixture.writer));
  assert_non_null(snapshot_agent(snapshot, "south-1"));
  fixture_restart(&world->fixture);
  expect(world, world->lost, certificate, "");
}

static void what_the_city_did_not_sign_or_the_agent_did_not_is_refused(void **state)
{
  struct world *world = *state;
  g_autoptr(GByteArray) foreign = certify(world->other, world->lost, "south-1");
  g_autoptr(GByteArray) own = certify(world->fixture.identity, world->lost, "south-1");
  g_autoptr(GByteArray) garbage = g_byte_array_new();

  restore(world);
  resume(world, RESTORED);
  expect(world, world->lost, foreign, "invitation.refused");
  expect(world, world->other, own, "invitation.refused"); /* stolen */
  g_byte_array_append(garbage, (const uint8_t *)"x", 1);
  expect(world, world->lost, garbage, "invitation.refused");
}

static void who_was_revoked_or_barred_does_not_return(void **state)
{
  struct world *world = *state;
  CLEANUP(snapshot_unref) struct snapshot *snapshot = present_get(writer_present(world->fixture.writer));
  const struct agent_record *east = snapshot_agent(snapshot, world->east.id);
  g_autoptr(GByteArray) known = g_byte_array_new();
  g_autoptr(GByteArray) lost = certify(world->fixture.identity, world->lost, "south-1");
  struct act bar = {.kind = LEAF_REVOCATION, .by = "test", .reason = "", .agent = "south-1"};
  gsize length;
  const uint8_t *bytes = g_bytes_get_data(east->stored.certificate, &length);

  g_byte_array_append(known, bytes, (guint)length);
  expect(world, world->east.identity, known, "");
  fixture_revoke(&world->fixture, &world->east);
  expect(world, world->east.identity, known, "agent.revoked");
  restore(world);
  assert_true(writer_act(world->fixture.writer, &bar, NULL, NULL));
  assert_false(writer_act(world->fixture.writer, &bar, NULL, NULL)); /* already */
  resume(world, RESTORED);
  expect(world, world->lost, lost, "agent.revoked");
}

static void nobody_returns_as_another_or_with_another_s_keys(void **state)
{
  struct world *world = *state;
  g_autoptr(GByteArray) name = certify(world->fixture.identity, world->lost, world->east.id);
  g_autoptr(GByteArray) keys = certify(world->fixture.identity, world->east.identity, "south-1");

  restore(world);
  resume(world, RESTORED);
  expect(world, world->lost, name, "invitation.refused");
  expect(world, world->east.identity, keys, "invitation.refused");
}

/* --- changes of keys --- */

static GByteArray *certificate_of(struct world *world)
{
  CLEANUP(snapshot_unref) struct snapshot *snapshot = present_get(writer_present(world->fixture.writer));
  gsize length;
  const uint8_t *bytes =
      g_bytes_get_data(snapshot_agent(snapshot, world->east.id)->stored.certificate, &length);
  GByteArray *certificate = g_byte_array_new();

  g_byte_array_append(certificate, bytes, (guint)length);
  return certificate;
}

static GByteArray *change_of(struct world *world, const struct identity *from, const struct identity *to,
                             uint64_t until)
{
  return key_change_seal(
      from, to, &(struct key_change){.agent = world->east.id, .until = until, .by = "", .reason = ""});
}

static void expect_with(struct world *world, const struct identity *by, const GByteArray *certificate,
                        GByteArray *const *changes, size_t count, const char *fault)
{
  g_autofree char *found = return_with(world, by, certificate, changes, count);

  assert_string_equal(found, fault);
}

static uint64_t leaves_of(struct world *world)
{
  g_autofree char *path = g_build_filename(world->fixture.folder, "store.db", NULL);
  CLEANUP(store_close) struct store *store = store_open(path, STORE_READ, NULL);

  return store_leaf_count(store);
}

static void new_keys_are_recorded_once_and_stay(void **state)
{
  struct world *world = *state;
  g_autoptr(GByteArray) certificate = certificate_of(world);
  g_autoptr(GByteArray) first = change_of(world, world->east.identity, world->lost, 3);
  g_autoptr(GByteArray) second = change_of(world, world->lost, world->other, 4);
  GByteArray *changes[] = {first, second};

  expect_with(world, world->lost, certificate, changes, 1, "");
  uint64_t leaves = leaves_of(world);
  expect_with(world, world->lost, certificate, changes, 1, ""); /* again */
  assert_true(leaves_of(world) == leaves);
  expect_with(world, world->other, certificate, changes + 1, 1, ""); /* the last one is enough */
  assert_true(leaves_of(world) == leaves + 1);
  fixture_restart(&world->fixture);
  expect_with(world, world->other, certificate, changes, 2, "");
  assert_true(leaves_of(world) == leaves + 1);
  CLEANUP(snapshot_unref) struct snapshot *snapshot = present_get(writer_present(world->fixture.writer));
  const struct agent_record *east = snapshot_agent(snapshot, world->east.id);
  assert_int_equal(east->keys->papers->len, 2);
  assert_memory_equal(east->stored.sign_key, identity_sign_public(world->other), SEAL_PUBLIC_KEY_SIZE);
}

static void keys_that_do_not_follow_are_refused(void **state)
{
  struct world *world = *state;
  g_autoptr(GByteArray) certificate = certificate_of(world);
  g_autoptr(GByteArray) good = change_of(world, world->east.identity, world->lost, 3);
  g_autoptr(GByteArray) forged = change_of(world, world->other, world->lost, 3);
  g_autoptr(GByteArray) fork = change_of(world, world->east.identity, world->other, 3);
  GByteArray *const goods[] = {good}, *const bads[] = {forged}, *const forks[] = {fork};

  expect_with(world, world->lost, certificate, bads, 1, "invitation.refused");
  expect_with(world, world->other, certificate, goods, 1, "invitation.refused"); /* who has not the new key */
  expect_with(world, world->east.identity, certificate, goods, 1, "invitation.refused"); /* the old one */
  struct fixture_agent west; /* whose connections nobody may take for his */
  fixture_enrol(&world->fixture, "west", &west);
  g_autoptr(GByteArray) takes = change_of(world, world->east.identity, west.identity, 3);
  GByteArray *const taken[] = {takes};
  expect_with(world, west.identity, certificate, taken, 1, "invitation.refused");
  fixture_agent_clear(&west);
  expect_with(world, world->lost, certificate, goods, 1, "");
  expect_with(world, world->east.identity, certificate, NULL, 0, "invitation.refused"); /* is over */
  expect_with(world, world->other, certificate, forks, 1, "invitation.refused");        /* who stole it */
  fixture_revoke(&world->fixture, &world->east);
  expect_with(world, world->lost, certificate, goods, 1, "agent.revoked");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(without_a_restore_nobody_returns, setup, teardown),
      cmocka_unit_test_setup_teardown(after_a_restore_who_was_certified_returns_once_it_is_resumed, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(what_the_city_did_not_sign_or_the_agent_did_not_is_refused, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(who_was_revoked_or_barred_does_not_return, setup, teardown),
      cmocka_unit_test_setup_teardown(nobody_returns_as_another_or_with_another_s_keys, setup, teardown),
      cmocka_unit_test_setup_teardown(new_keys_are_recorded_once_and_stay, setup, teardown),
      cmocka_unit_test_setup_teardown(keys_that_do_not_follow_are_refused, setup, teardown),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "store_place.h"

#include "aggregator/snapshot.h"
#include "common/error.h"

#include <assert.h>
#include <string.h>

/* tests/data/small.yaml; `comment` makes another hash. */
static struct catalogue *compile(const char *comment)
{
  g_autofree char *path = g_build_filename(SOURCE_DIR, "tests", "data", "small.yaml", NULL);
  g_autofree char *text = NULL;
  assert_true(g_file_get_contents(path, &text, NULL, NULL));
  g_autofree char *changed = g_strdup_printf("%s# %s\n", text, comment);
  g_autoptr(GError) error = NULL;
  struct catalogue *catalogue = catalogue_compile("small.yaml", changed, strlen(changed), &error);
  if (!catalogue) fail_msg("%s", error->message);
  return catalogue;
}

static void put_catalogue(struct place *place, const struct catalogue *catalogue, uint64_t position)
{
  store_catalogue_put(place->store, catalogue->hash, position, catalogue->text, catalogue->text_length);
}

static struct stored_agent agent_of(const char *id, uint8_t key)
{
  struct stored_agent agent = {.id = (char *)id, .area = (char *)"east", .enrolled_ms = 1};
  memset(agent.curve_key, key, sizeof agent.curve_key);
  memset(agent.sign_key, key + 100, sizeof agent.sign_key);
  return agent;
}

static struct snapshot *load(struct place *place)
{
  g_autoptr(GError) error = NULL;
  struct snapshot *snapshot = snapshot_load(place->store, &error);
  if (!snapshot) fail_msg("%s", error->message);
  return snapshot;
}

static void a_catalogue_that_is_not_understood_is_an_error(void **state)
{
  struct place *place = (struct place *)*state;
  store_begin(place->store);
  store_catalogue_put(place->store, (uint8_t[CATALOGUE_HASH_SIZE]){1}, 1, "format: 99\n", 11);
  place_commit(place);
  g_autoptr(GError) error = NULL;
  assert_null(snapshot_load(place->store, &error));
  assert_int_equal(error->code, ERROR_CONFIG);
}

static void an_error_of_the_store_is_told(void **state)
{
  struct place *place = (struct place *)*state;
  struct stored_agent agent = agent_of("a", 1);
  store_begin(place->store);
  store_agent_put(place->store, &agent);
  place_commit(place);
  place_sql(place, "UPDATE agent SET curve_key = x'00'");
  g_autoptr(GError) error = NULL;
  assert_null(snapshot_load(place->store, &error));
  assert_int_equal(error->code, ERROR_DATA);
}

static void an_empty_store_gives_an_empty_snapshot(void **state)
{
  struct place *place = (struct place *)*state;
  CLEANUP(snapshot_unref) struct snapshot *snapshot = load(place);
  assert_null(snapshot->catalogue);
  assert_int_equal(register_size(snapshot->units), 0);
  assert_null(snapshot_agent(snapshot, "a"));
  assert_null(snapshot_catalogue(snapshot, (uint8_t[CATALOGUE_HASH_SIZE]){0}));
}

static void the_last_catalogue_is_in_force_and_the_others_are_kept(void **state)
{
  struct place *place = (struct place *)*state;
  CLEANUP(catalogue_unref) struct catalogue *one = compile("one");
  CLEANUP(catalogue_unref) struct catalogue *two = compile("two");
  CLEANUP(catalogue_unref) struct catalogue *three = compile("three");
  store_begin(place->store);
  put_catalogue(place, one, 1);
  put_catalogue(place, two, 2);
  place_commit(place);
  CLEANUP(snapshot_unref) struct snapshot *snapshot = load(place);
  assert_memory_equal(snapshot->catalogue->hash, two->hash, CATALOGUE_HASH_SIZE);
  assert_memory_equal(snapshot_catalogue(snapshot, one->hash)->hash, one->hash, CATALOGUE_HASH_SIZE);
  assert_null(snapshot_catalogue(snapshot, three->hash));

  CLEANUP(snapshot_unref) struct snapshot *next = snapshot_change(snapshot, three, NULL, NULL);
  assert_ptr_equal(next->catalogue, three);
  assert_int_equal(next->catalogues->len, 3);
  assert_true(next->version > snapshot->version);
  assert_ptr_equal(next->units, snapshot->units);
  assert_ptr_equal(next->agents, snapshot->agents);
  CLEANUP(snapshot_unref) struct snapshot *back = snapshot_change(next, one, NULL, NULL);
  assert_ptr_equal(back->catalogue, one);
  assert_int_equal(back->catalogues->len, 3);
  assert_int_equal(snapshot->catalogues->len, 2); /* immutable */
}

static void agents_are_found_by_id_and_keys(void **state)
{
  struct place *place = (struct place *)*state;
  static const char *const ids[] = {"delta", "alpha", "charlie", "bravo"};
  store_begin(place->store);
  for (size_t i = 0; i < 3; i++) {
    struct stored_agent agent = agent_of(ids[i], (uint8_t)i);
    store_agent_put(place->store, &agent);
  }
  place_commit(place);
  CLEANUP(snapshot_unref) struct snapshot *snapshot = load(place);
  struct stored_agent last = agent_of(ids[3], 3);
  CLEANUP(snapshot_unref) struct snapshot *next = snapshot_change(snapshot, NULL, NULL, &last);
  for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
    struct stored_agent agent = agent_of(ids[i], (uint8_t)i);
    uint8_t key_id[SEAL_HASH_SIZE];
    seal_key_id(agent.sign_key, key_id);
    const struct agent_record *record = snapshot_agent(next, ids[i]);
    assert_string_equal(record->stored.id, ids[i]);
    assert_null(record->stored.forms[0]);
    assert_ptr_equal(snapshot_agent_by_key_id(next, key_id), record);
    assert_ptr_equal(snapshot_agent_by_curve(next, agent.curve_key), record);
    if (i == 3) assert_null(snapshot_agent_by_key_id(snapshot, key_id)); /* the one before has it not */
  }
  assert_null(snapshot_agent(next, "b"));
  assert_null(snapshot_agent_by_curve(next, agent_of("x", 9).curve_key));
}

static void a_changed_agent_replaces_the_one_before(void **state)
{
  struct place *place = (struct place *)*state;
  CLEANUP(snapshot_unref) struct snapshot *empty = load(place);
  struct stored_agent agent = agent_of("a", 1), again = agent_of("b", 1);
  CLEANUP(snapshot_unref) struct snapshot *enrolled = snapshot_change(empty, NULL, NULL, &agent);
  agent.revoked_ms = 5;
  CLEANUP(snapshot_unref) struct snapshot *revoked = snapshot_change(enrolled, NULL, NULL, &agent);
  assert_int_equal(revoked->agents->len, 1);
  assert_int_equal(snapshot_agent(enrolled, "a")->stored.revoked_ms, 0);
  assert_int_equal(snapshot_agent_by_curve(revoked, agent.curve_key)->stored.revoked_ms, 5);
  /* The same keys enrolled again: the one in force answers for them. */
  CLEANUP(snapshot_unref) struct snapshot *both = snapshot_change(revoked, NULL, NULL, &again);
  assert_string_equal(snapshot_agent_by_curve(both, agent.curve_key)->stored.id, "b");
  agent.revoked_ms = 0;
  again.revoked_ms = 6;
  CLEANUP(snapshot_unref) struct snapshot *first = snapshot_change(both, NULL, NULL, &agent);
  CLEANUP(snapshot_unref) struct snapshot *swapped = snapshot_change(first, NULL, NULL, &again);
  assert_string_equal(snapshot_agent_by_curve(swapped, agent.curve_key)->stored.id, "a");
}

static void *take_and_leave(void *present)
{
  for (unsigned n = 0; n < 2000; n++) {
    CLEANUP(snapshot_unref) struct snapshot *snapshot = present_get((struct present *)present);
    assert(snapshot->version > 0);
  }
  return NULL;
}

static void the_present_one_is_replaced_under_its_readers(void **state)
{
  struct place *place = (struct place *)*state;
  struct snapshot *snapshot = load(place);
  CLEANUP(snapshot_unref) struct snapshot *held = snapshot_ref(snapshot);
  struct present *present = present_new(snapshot);
  GThread *readers[3];
  for (size_t i = 0; i < G_N_ELEMENTS(readers); i++)
    readers[i] = g_thread_new("reader", take_and_leave, present);
  for (unsigned n = 0; n < 500; n++) {
    CLEANUP(snapshot_unref) struct snapshot *before = present_get(present);
    present_set(present, snapshot_change(before, NULL, NULL, NULL));
  }
  for (size_t i = 0; i < G_N_ELEMENTS(readers); i++) g_thread_join(readers[i]);
  CLEANUP(snapshot_unref) struct snapshot *last = present_get(present);
  assert_int_equal(last->version, held->version + 500);
  present_free(present);
  assert_int_equal(last->agents->len, 0); /* outlives it */
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, place_set_up, place_tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      CASE(a_catalogue_that_is_not_understood_is_an_error),
      CASE(an_error_of_the_store_is_told),
      CASE(an_empty_store_gives_an_empty_snapshot),
      CASE(the_last_catalogue_is_in_force_and_the_others_are_kept),
      CASE(agents_are_found_by_id_and_keys),
      CASE(a_changed_agent_replaces_the_one_before),
      CASE(the_present_one_is_replaced_under_its_readers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
